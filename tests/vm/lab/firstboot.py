# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md's way from a plain image to the first boot: its commands in their order, in the guest's build tree, on an
image of the guest's root that knows nothing of the project. The files that they leave are booted, with the table that
was sealed: opened with the guest's key, as the secure processor does it.

The image has dracut with all of its modules, as a user has it; only the drivers are those of the other images."""

import os
import shutil

from . import cache, disk, firmware, owner, readme, table, tree

RECIPE = 1
ROOM = 160              # MiB, for the initramfs and what is installed
DRACUT = 'drivers+=" virtio_blk virtio_pci ext4 "\ncompress="zstd -9 -q -T0"\nearly_microcode=no\n'
NEEDED = ("boot/*", "usr/lib/modules/*", "usr/lib/dracut")     # of what other disks do without
TIK, TEK = table.secret("tik", 16), table.secret("tek", 16)
# What the owner learns from the host; the measurement is that of the right guest.
PLATFORM = r"""POLICY=0x1 MAJOR=1 MINOR=52 BUILD=4
BLOB=$(coco-secret measure --tik vm_tik.bin --nonce 00112233445566778899aabbccddeeff --policy $POLICY \
    --api-major $MAJOR --api-minor $MINOR --build $BUILD --firmware OVMF.amdsev.fd --kernel vmlinuz \
    --initrd initrd.img --append 'COMMAND LINE' | sed -n 's/^launch measure blob  *//p')
"""


def directory(guest):
    if not os.path.exists("/dev/loop-control"):
        raise cache.Lack("no loop device on this machine")
    commands = [readme.image(), readme.secrets(), readme.launch(), vars(readme.attempt())]
    lab = [*map(tree.read, (__file__, owner.__file__, owner.GPT)), disk.guest_files(), disk.TRIM, disk.MASKED]
    key = cache.key(tree.trees(guest), tree.tools(guest), tree.project_key(), commands, lab, firmware.get().digest,
                    RECIPE)
    return cache.item(f"firstboot-{guest}", key, lambda tmp: make(guest, tmp),
                      f"what README.md makes of a plain image of {tree.SUITES[guest]}")


def disk_file(guest):
    return f"{directory(guest)}/{readme.attempt().disk}"


def boots_with(combo):
    """(kernel, initramfs, release of the kernel)"""
    here, args = directory(combo.guest), readme.attempt()
    return f"{here}/{args.kernel}", f"{here}/{args.initrd}", tree.read(tree.trees(combo.guest) + "/kver")


def sealed(disks):
    """The table that was sealed, as a case wants it."""
    with open(os.path.dirname(disks[0]) + "/opened", "rb") as f:
        return f.read()


def make(guest, tmp):
    base, args = tree.trees(guest), readme.attempt()
    plain(guest, tmp)
    for name, path in tree.project_files().items():
        os.makedirs(os.path.dirname(f"{tmp}/{name}"), exist_ok=True)
        shutil.copy2(path, f"{tmp}/{name}")
    shutil.copy(firmware.get().path, tmp + "/OVMF.amdsev.fd")
    disk.with_file(tmp, "vm_tik.bin", TIK)
    disk.with_file(tmp, "vm_tek.bin", TEK)
    # bookworm's build tree has no mount; the root's is the same.
    script = "\n".join(["unset TMPDIR; PATH=$PATH:/srv/usr/bin; cd /mnt", readme.image(), readme.secrets(),
                        PLATFORM.replace("COMMAND LINE", args.append), readme.launch()])
    tree.enter(base + "/build", script, [(tmp, "/mnt"), (base + "/root", "/srv")], tmp + "/log")
    unseal(tmp + "/guest", tmp + "/opened")
    with open(f"{tmp}/{args.table}", "rb") as f, open(tmp + "/opened", "rb") as opened:
        if not f.read().startswith(opened.read()):
            raise cache.LabError("what was sealed is not the table")
    for name in set(os.listdir(tmp)) - {"log", "opened", args.disk, args.table, args.kernel, args.initrd}:
        cache.remove(f"{tmp}/{name}")


def plain(guest, tmp):
    """The plain image, plain.img, as its user has it before."""
    top = tmp + "/top"
    tree.copy_tree(tree.trees(guest) + "/root", top)
    cache.run(["sh", "-c", 'cd "$1" && rm -rf ' + " ".join(n for n in disk.TRIM if n not in NEEDED), "sh", top])
    disk.install_guest_files(top)
    for name in tree.TOOLS:
        shutil.copy(f"{tree.tools(guest)}/{name}", top + "/usr/lib/coco-lab/")
    tree.replace_file(f"{top}/usr/lib/sysctl.d/{tree.SYSCTL[0]}", tree.SYSCTL[1])
    tree.replace_file(top + "/etc/dracut.conf.d/lab.conf", DRACUT)
    cache.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-d", top, "-U", disk.ROOT_FS_UUID, "-m", "0", tmp + "/root",
               f"{disk.size_mib(top) + ROOM}M"])
    owner.partitioned(tmp + "/plain.img", tmp + "/root")
    for name in ("top", "root"):
        cache.remove(f"{tmp}/{name}")


def unseal(prefix, path):
    """The table of a packet, as the firmware of the processor opens it: AES-CTR under the TEK."""
    with open(prefix + ".header.bin", "rb") as f:
        header = f.read()
    cache.run(["openssl", "enc", "-d", "-aes-128-ctr", "-K", TEK.hex(), "-iv", header[4:20].hex(),
               "-in", prefix + ".secret.bin", "-out", path])
