# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks and tables that coco-secret makes of a guest's root, as its owner would, with nothing done by hand: the guest's
own build of it runs in the guest's build tree.

Each item is a directory with disks and tables. STAGES says which pairs of them boot and which are refused; before it
is kept, `coco-secret verify` has to say of each pair what the boot is then expected to come to."""

import os
import re
import struct
import sys
import tempfile

from . import cache, disk, lvm, readme, table, tree

GPT = os.path.join(tree.PROJECT, "tests/lib/gpt.py")
ESP, ROOT, DATA = ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
                   "0fc63daf-8483-4772-8e79-3d69d8477de4")
MIB = 1 << 20
PASSPHRASE = table.secret("passphrase").hex().encode()      # of the disks that others have encrypted
MARKER = "the file of the owner"
BEFORE = 9              # MiB before the root's partition: the table and an EFI system partition
# The guest's configuration: it boots only what the owner has pinned.
STRICT = {"coco-unlock.conf": "[Policy]\nRequirePolicyEntry=yes\n"}
STRICT_LVM = {"coco-unlock.conf": f"[Policy]\nRequirePolicyEntry=yes\nAllowWords=root={lvm.ROOT}\n"}
RECIPE = 1

# What is tried of an item: (disk, table, exit code of the boot).
STAGES = {
    "fresh": [("guest.img", "guest.table", 0)],
    "installer": [("disk", "table", 0)],
    "lvm": [("disk", "table", 0)],
    "repart": [("disk", "table", 0)],
    "labelled": [("disk", "table", 0), ("esp", "table", 31)],
    "rotation": [("begun", "first", 29), ("begun", "old", 0), ("begun", "new", 0),
                 ("finished", "old", 29), ("finished", "new", 29), ("finished", "last", 0)],
    "recovery": [("disk", "table", 0)],
}


def disk_file(guest, kernel_name, name):
    """The file of a disk, ITEM/DISK."""
    item, file = name.split("/")
    return f"{directory(guest, kernel_name, item)}/{file}"


def table_beside(name):
    """The table of this name in the item of the first disk, as a case wants it."""
    def read(disks):
        with open(f"{os.path.dirname(disks[0])}/{name}", "rb") as f:
            return f.read()
    return read


def directory(guest, kernel_name, name):
    plain = disk.plain(guest, kernel_name)
    made = {"fresh": fresh, "installer": installer, "lvm": installer_lvm, "repart": repart,
            "labelled": labelled, "rotation": rotation, "recovery": recovery}[name]

    def build(tmp):
        os.makedirs(tmp + "/guest/etc/coco-unlock")
        for file, text in STRICT.items():
            disk.write(f"{tmp}/guest/etc/coco-unlock/{file}", text)
        made(guest, kernel_name, plain, tmp)
        for disk_name, table_name, code in STAGES[name]:
            coco_secret(guest, tmp, f"verify {disk_name}#2 {table_name} --config guest --memory 1G", code)
    key = cache.key(plain, tree.project(guest), readme.secrets(), *map(tree.read, (__file__, lvm.__file__, GPT)),
                    RECIPE)
    return cache.item(f"owner-{name}-{guest}-{kernel_name}", key, build,
                      f"what coco-secret makes of the root of {guest}, {kernel_name} kernel ({name})")


def coco_secret(guest, tmp, words, code=0):
    """Runs coco-secret in the directory tmp, and checks its exit code."""
    tree.enter(tree.trees(guest) + "/build",
               f"cd /mnt; code=0; /srv/coco-secret {words} || code=$?; echo '{words}:' $code; [ $code = {code} ]",
               [(tree.project(guest) + "/out/usr/bin", "/srv"), (tmp, "/mnt")], tmp + "/log")


def forecast(guest, disk_path, blob, config):
    """What `coco-secret verify` says of a disk, a table and files of /etc/coco-unlock: (exit code, last line)."""
    with tempfile.TemporaryDirectory() as tmp:
        os.makedirs(tmp + "/guest/etc/coco-unlock")
        for name, text in config.items():
            disk.write(f"{tmp}/guest/etc/coco-unlock/{name}", text)
        disk.with_file(tmp, "table", blob or b"")
        said = tree.enter(tree.trees(guest) + "/build",
                          f"cd /mnt; code=0; /srv/coco-secret verify /media/{os.path.basename(disk_path)} table "
                          "--config guest --memory 1G || code=$?; echo; echo $code",
                          [(tree.project(guest) + "/out/usr/bin", "/srv"), (tmp, "/mnt"),
                           (os.path.dirname(disk_path), "/media")]).split()
        return int(said[-1]), " ".join(said[:-1])


def partitioned(image, root):
    """A disk with a partition table, of which the second partition is `root`, and which ends in another one."""
    size = -(-os.path.getsize(root) // MIB)
    end = BEFORE + size
    cache.run([sys.executable, "-IS", GPT, "make", image, str(end + 9), f"1+8:{ESP}:{table.numbered(100)}:esp",
               f"{BEFORE}+{size}:{ROOT}:{table.numbered(101)}:root", f"{end}+8:{DATA}:{table.numbered(102)}:data"])
    cache.run(["dd", "if=" + root, "of=" + image, "bs=1M", f"seek={BEFORE}", "conv=notrunc,sparse", "status=none"])


def fresh(guest, _kernel_name, plain, tmp):
    """A new image with a plain root: encrypted, and then prepared, by the commands of README.md."""
    partitioned(tmp + "/plain.img", plain)
    tree.enter(tree.trees(guest) + "/build", "PATH=$PATH:/srv; cd /mnt\n" + readme.secrets(),
               [(tree.project(guest) + "/out/usr/bin", "/srv"), (tmp, "/mnt")], tmp + "/log")
    os.unlink(tmp + "/plain.img")


def installer(guest, _kernel_name, plain, tmp):
    """The root behind a header as Debian's installer makes it: its cryptsetup with its options, a passphrase, argon2id
    at the cost that fits the machine."""
    disk.with_file(tmp, "passphrase", PASSPHRASE)
    cache.run(["cp", "--sparse=always", plain, tmp + "/volume"])
    disk.encrypt(tmp, PASSPHRASE, tmp + "/volume", disk.ROOT_UUID)
    disk.with_file(tmp, "volume-key", disk.volume_key(tmp + "/volume", PASSPHRASE))
    tree.enter(tree.trees(guest) + "/root",
               "truncate -s 32M /mnt/header; cryptsetup -q --type luks2 -c aes-xts-plain64 "
               "-h sha256 -s 512 --sector-size 512 --use-random --volume-key-file /mnt/volume-key "
               "luksFormat /mnt/header /mnt/passphrase", [(tmp, "/mnt")])
    cache.run(["dd", f"if={tmp}/header", f"of={tmp}/volume", "bs=1M", "count=16", "conv=notrunc", "status=none"])
    partitioned(tmp + "/disk", tmp + "/volume")
    for name in ("volume", "volume-key", "header"):
        os.unlink(f"{tmp}/{name}")
    coco_secret(guest, tmp, "prepare disk#2 -o table --key-file passphrase --config guest")


def installer_lvm(guest, kernel_name, plain, tmp):
    """The same as Debian's installer makes it by default: the root is a logical volume behind that header."""
    lvm.physical_volume(guest, plain, tmp + "/physical")
    installer(guest, kernel_name, tmp + "/physical", tmp)
    os.unlink(tmp + "/physical")


REPART = {"10-esp.conf": "[Partition]\nType=esp\nSizeMinBytes=8M\nSizeMaxBytes=8M\n",
          "20-root.conf": "[Partition]\nType=root\nCopyBlocks=/mnt/plain\nEncrypt=key-file\n"}


def repart(guest, _kernel_name, plain, tmp):
    """The root as systemd-repart encrypts it."""
    os.mkdir(tmp + "/repart.d")
    for name, text in REPART.items():
        disk.write(f"{tmp}/repart.d/{name}", text)
    disk.with_file(tmp, "passphrase", PASSPHRASE)
    cache.run(["cp", "--sparse=always", plain, tmp + "/plain"])
    tree.enter(tree.trees(guest) + "/build", "systemd-repart --dry-run=no --offline=yes --empty=create --size=auto "
               "--definitions=/mnt/repart.d --key-file=/mnt/passphrase /mnt/disk", [(tmp, "/mnt")], tmp + "/log")
    os.unlink(tmp + "/plain")
    coco_secret(guest, tmp, "prepare disk#2 -o table --key-file passphrase --config guest")


LABELLED = {"10-esp.conf": "[Partition]\nType=esp\nSizeMinBytes=8M\nSizeMaxBytes=8M\n",
            "20-root.conf": "[Partition]\nType=root\nLabel=system\nFormat=ext4\nEncrypt=key-file\n"
                            "CopyFiles=/mnt/top:/\nSizeMinBytes={}M\n"}


def labelled(guest, kernel_name, _plain, tmp):
    """The root as systemd-repart makes and encrypts it: the file system and the LUKS header have one label. On the disk
    `esp` so has the EFI system partition."""
    disk.guest_tree(tree.system(guest, kernel_name), tree.tools(guest), tmp + "/top")
    os.mkdir(tmp + "/repart.d")
    for name, text in LABELLED.items():
        disk.write(f"{tmp}/repart.d/{name}", text.format(disk.size_mib(tmp + "/top") + 64))
    disk.with_file(tmp, "passphrase", PASSPHRASE)
    # One tree has systemd-repart, the other mkfs.ext4.
    libraries = "/usr/lib/x86_64-linux-gnu:/srv/lib/x86_64-linux-gnu"
    tree.enter(tree.trees(guest) + "/root", f"export LD_LIBRARY_PATH={libraries}; "
               "/srv/bin/systemd-repart --dry-run=no --offline=yes --empty=create --size=auto "
               "--definitions=/mnt/repart.d --key-file=/mnt/passphrase /mnt/disk",
               [(tmp, "/mnt"), (tree.trees(guest) + "/build/usr", "/srv")], tmp + "/log")
    cache.remove(tmp + "/top")
    coco_secret(guest, tmp, "prepare disk#2 -o table --key-file passphrase --config guest")
    cache.run(["cp", "--sparse=always", tmp + "/disk", tmp + "/esp"])
    with open(tmp + "/esp", "r+b") as f:
        f.seek(MIB)
        f.write(fat(b"system"))


def fat(label):
    """As much of an empty FAT12 of 128 sectors as libblkid looks at; no tool for it is in the guests."""
    start = b"\xeb\x3c\x90mkfs.fat" + struct.pack("<HBHBHHBH", 512, 1, 1, 1, 16, 128, 0xf8, 1)
    boot = bytearray(start).ljust(512, b"\0")
    boot[38], boot[43:62], boot[510:] = 0x29, b"NO NAME    FAT12   ", b"\x55\xaa"
    return bytes(boot) + b"\xf8\xff\xff".ljust(512, b"\0") + (label.ljust(11) + b"\x08").ljust(512, b"\0")


def rotation(guest, kernel_name, _plain, tmp):
    """The fresh disk with both secrets, and then with the new one alone."""
    start = directory(guest, kernel_name, "fresh")
    for source, target in (("guest.img", "begun"), ("guest.table", "first"), ("guest.table", "old")):
        cache.run(["cp", "--sparse=always", f"{start}/{source}", f"{tmp}/{target}"])
    coco_secret(guest, tmp, "rotate begun#2 --table old -o new --config guest")
    cache.run(["cp", "--sparse=always", tmp + "/begun", tmp + "/finished"])
    coco_secret(guest, tmp, "rotate --finish finished#2 --table old --new new -o last --config guest")


def device():
    """A disk with a file system in the first half of it, and one file, marker."""
    def build(tmp):
        os.mkdir(tmp + "/top")
        disk.write(tmp + "/top/marker", MARKER + "\n")
        cache.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-d", tmp + "/top", tmp + "/disk", "48M"])
        cache.remove(tmp + "/top")
        os.truncate(tmp + "/disk", 96 * MIB)
    return cache.item("device", cache.key(tree.read(__file__)), build, "a disk for encrypt --in-place") + "/disk"


# What is done with it in a guest, and what has to come of it.
SECRET = "--key-file /run/lab-secret"
# Somebody has the device locked: for a moment, as udev has it after each of these commands, or for good.
FOR_A_MOMENT, FOR_GOOD = (f"exec 9</dev/vdb; flock -s 9; (sleep {seconds} >/dev/null 2>&1 &); exec 9<&-; "
                          for seconds in (3, 60))
ON_DEVICE = (
    ("coco-secret encrypt --in-place /dev/vdb --secret-out /run/lab-secret", "[^\n]*--backup FILE[^\n]*"),
    (FOR_A_MOMENT + "coco-secret encrypt --in-place /dev/vdb --backup /run/lab-backup --secret-out /run/lab-secret "
     "2>/run/lab-log || cat /run/lab-log; ls /run/lab-backup", "/dev/vdb: encrypted\n[^\n]*\nnext: [^\n]*\nls: [^\n]*"),
    (f"coco-secret prepare /dev/vdb -o /run/lab-table {SECRET} | head -n 1", "/dev/vdb: keyslot [^\n]*"),
    ("coco-secret verify /dev/vdb /run/lab-table | tail -n 1", "boot +opens volume root, [^\n]*"),
    (f"cryptsetup open {SECRET} /dev/vdb lab-device && mount -o ro /dev/mapper/lab-device /mnt && cat /mnt/marker",
     MARKER),
    (f"coco-secret prepare /dev/vdb -o /run/lab-table2 {SECRET}; echo $?; ls /run/lab-table2",
     "coco-secret: /dev/vdb: [^\n]*in use[^\n]*\n2\nls: [^\n]*"),
    (FOR_GOOD + "umount /mnt; cryptsetup close lab-device; "
     f"coco-secret prepare /dev/vdb -o /run/lab-table2 {SECRET}; echo $?",
     "coco-secret: /dev/vdb: another program has locked it; [^\n]*\n2"),
)


def recovery(guest, kernel_name, _plain, tmp):
    """The fresh disk with another key, for a person."""
    start = directory(guest, kernel_name, "fresh")
    for source, target in (("guest.img", "disk"), ("guest.table", "table")):
        cache.run(["cp", "--sparse=always", f"{start}/{source}", f"{tmp}/{target}"])
    coco_secret(guest, tmp, "recovery disk#2 --table table --config guest > told")


def typed_in_rescue(disks):
    """What the person at the rescue shell types."""
    key = re.search(r"^ {4}([a-z-]+)$", tree.read(os.path.dirname(disks[0]) + "/told"), re.M).group(1)
    return ("\n", f"printf %s {key} | cryptsetup open --key-file=- /dev/vda2 root && echo OPEN$((40+2))\n")


# Tables for the drivers.

FIRMWARE_AREA = 3072    # bytes, of the AmdSev firmware
LAST = table.numbered(62)


def contents(count, size):
    """{GUID: bytes} of a table with the root's key and count - 1 others, of which the last one has this size."""
    numbers = [*range(1, count - 1), 62] if count > 1 else []
    return {str(table.LUKS): table.secret("root"),
            **{str(table.numbered(n)): table.secret(f"fill{n}", 8) for n in numbers},
            **({str(LAST): table.secret("last", size)} if count > 1 else {})}


# The last: header, the key's entry and another one, which ends with the area.
TABLES = {"one": contents(1, 0), "63": contents(63, 8), "full": contents(2, FIRMWARE_AREA - 20 - 52 - 20)}


def built(name):
    """The bytes of one of TABLES, as `coco-secret table build` makes it."""
    def build(tmp):
        words = []
        for number, (guid, data) in enumerate(TABLES[name].items()):
            disk.with_file(tmp, f"entry{number}", data)
            words.append(f"{guid}=entry{number}")
        coco_secret("d12", tmp, f"table build {' '.join(words)} -o table")
    where = cache.item("table", cache.key(tree.project("d12"), TABLES[name], tree.read(__file__)), build,
                       f"the table {name}")
    with open(where + "/table", "rb") as f:
        return f.read()
