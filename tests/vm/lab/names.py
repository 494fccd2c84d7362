# SPDX-License-Identifier: GPL-2.0-or-later
"""Names beside the root: disks of the host that bring a volume group, a RAID, a file system or a swap area by a name of
the owner's. Each attack stands beside a control that shows what it does where nobody looks.

The owner's guest has the root of Debian's installer, in LVM behind LUKS2, or three volumes: root, data and swap."""

import os
import struct

from . import attack, disk, looks, lvm, owner, table, tree
from .case import ATTACKERS, COCO12, COCO13, EVEN, GOOD, HURRIED, ODD, Case, Disk, behind, tells
from .verdict import Boot, Falls, Refuse

# Volumes besides the root: the UUIDs and labels of what is in them.
DATA_FS, SWAP_FS = "5c0c0a7e-0004-4000-8000-000000000001", "5c0c0a7e-0004-4000-8000-000000000002"
OTHER_FS = "5c0c0a7e-0004-4000-8000-000000000003"
THREE = {"cocotab": f"root UUID={disk.ROOT_UUID}\ndata UUID={disk.uuid_of('data')}\nswap UUID={disk.uuid_of('swap')}\n"}
LUKS_LABEL = "lab-luks"
HOSTS = "this is the host's"


# disks

def item(name, build, *parts):
    return attack.item("names-" + name, build, tree.read(__file__), *parts)


def ext4(tmp, path, text, *options):
    """A file system of 3 MiB with the one file `whose`."""
    os.mkdir(tmp + "/files")
    disk.write(tmp + "/files/whose", text + "\n")
    attack.cache.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", *options, "-d", tmp + "/files", path,
                      "3M"])
    attack.cache.remove(tmp + "/files")


def swap(path, uuid, label):
    with open(path, "wb") as f:
        f.truncate(3 << 20)
    attack.cache.run(["mkswap", "-q", "-U", uuid, "-L", label, path])


def volume(name):
    """A volume of the owner's besides the root: data or swap, encrypted."""
    def build(tmp):
        if name == "data":
            ext4(tmp, tmp + "/disk", "this is the owner's", "-U", DATA_FS, "-L", "lab-data")
        else:
            swap(tmp + "/disk", SWAP_FS, "lab-swap")
        disk.encrypt(tmp, table.secret("root"), tmp + "/disk", disk.uuid_of(name))
    return item("volume-" + name, build)


# The host's disks, each with one name of the owner's and no other.
TWINS = {
    "uuid": lambda tmp: ext4(tmp, tmp + "/disk", HOSTS, "-U", DATA_FS),
    "label": lambda tmp: ext4(tmp, tmp + "/disk", HOSTS, "-L", "lab-data"),
    "root-label": lambda tmp: ext4(tmp, tmp + "/disk", HOSTS, "-L", "lab-root"),
    "swap": lambda tmp: swap(tmp + "/disk", SWAP_FS, ""),
}


def twin(name):
    return item("twin-" + name, TWINS[name])


def siblings():
    """The owner's volume group, with the siblings of its root; `var` is only the host's."""
    def build(tmp):
        swap(tmp + "/swap_1", OTHER_FS, "")
        ext4(tmp, tmp + "/var", HOSTS)
        lvm.siblings("d12", [("swap_1", tmp + "/swap_1"), ("var", tmp + "/var")], tmp + "/disk")
        os.unlink(tmp + "/swap_1")
        os.unlink(tmp + "/var")
    return item("siblings", build, tree.trees("d12"), tree.read(lvm.__file__))


def pv_twin():
    """The attacker's root in LVM by the owner's names, in a physical volume with the owner's UUID."""
    def build(tmp):
        attack.attackers_ext4(tmp, tmp + "/plain")
        lvm.physical_volume("d12", tmp + "/plain", tmp + "/disk")
        os.unlink(tmp + "/plain")
    return item("pv-twin", build, tree.trees("d12"), tree.read(lvm.__file__))


def bare_root():
    """The attacker's root without any name; RAID1 without a label on the disk is all of it."""
    return item("bare-root", lambda tmp: attack.attackers_ext4(tmp, tmp + "/disk"))


# Metadata of version 1.0 (linux/raid/md_p.h), at the end of the disk: what is in the RAID begins where the disk does.
MD_SPARE, MD_LAST = 1 << 20, 8192


def md_superblock(number, total, size):
    """Of disk 0 or 1 of a mirror; both sizes in bytes."""
    def packed(checksum):
        return (struct.pack("<IIII16s32sQIIQIII", 0xa92b4efc, 1, 0, 0, b"lab mirror......", b"lab", 0, 1, 0,
                            size // 512, 0, 2, 0).ljust(128, b"\0")
                + struct.pack("<QQQQII16s", 0, size // 512, (total - MD_LAST) // 4096 * 8, 0, number, 0,
                              b"lab half ......%d" % number).ljust(64, b"\0")
                + struct.pack("<QQQII", 0, 1, 0xffffffffffffffff, checksum, 2).ljust(64, b"\0")
                + struct.pack("<HH", 0, 1))
    total_sum = sum(struct.unpack("<65I", packed(0)))
    return packed((total_sum & 0xffffffff) + (total_sum >> 32) & 0xffffffff)


def md_half(combo, number):
    """Half of a mirror that holds the owner's root."""
    source = disk.root(combo.guest, combo.kernel, table.secret("root"))

    def build(tmp):
        attack.cache.run(["cp", "--sparse=always", source, tmp + "/disk"])
        size = os.path.getsize(source)
        total = size + MD_SPARE
        os.truncate(tmp + "/disk", total)
        with open(tmp + "/disk", "r+b") as f:
            f.seek((total - MD_LAST) // 4096 * 4096)
            f.write(md_superblock(number, total, size))
    return item(f"md-half-{number}", build, source)


def md_half_table(combo):
    """Half of a mirror that holds a partition table, and the owner's root in its first partition."""
    source = disk.root(combo.guest, combo.kernel, table.secret("root"))

    def build(tmp):
        size = os.path.getsize(source)
        total = 2 * MD_SPARE + size
        with open(tmp + "/disk", "wb") as f:
            f.write(bytes(446) + struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), MD_SPARE // 512, size // 512)
                    + bytes(48) + b"\x55\xaa")
            f.truncate(total)
            f.seek((total - MD_LAST) // 4096 * 4096)
            f.write(md_superblock(0, total, MD_SPARE + size))
        attack.cache.run(["dd", "if=" + source, "of=" + tmp + "/disk", "bs=1M", "seek=1", "conv=notrunc,sparse",
                          "status=none"])
    return item("md-half-table", build, source)


def labelled(source, name, uuid):
    """A copy of a LUKS2 disk whose header has this label, and this UUID."""
    def build(tmp):
        attack.cache.run(["cp", "--sparse=always", source, tmp + "/disk"])
        attack.cache.run(["cryptsetup", "config", "--label", LUKS_LABEL, tmp + "/disk"])
        attack.cache.run(["cryptsetup", "luksUUID", "-q", "--uuid", uuid, tmp + "/disk"])
    return item(f"labelled-{name}", build, source, uuid)


def labelled_root(combo):
    return labelled(disk.root(combo.guest, combo.kernel, table.secret("root")), "root", disk.ROOT_UUID)


def labelled_twin():
    return labelled(attack.foreign(), "twin", disk.uuid_of("labelled-twin"))


# images

# Said before the real root begins: what the swap volume of the owner's group is made of.
SHOWS = {
    "/etc/systemd/system/initrd-cleanup.service.d/lab.conf": "[Unit]\nWants=lab-show.service\nAfter=lab-show.service\n",
    "/etc/systemd/system/lab-show.service":
        "[Unit]\nDefaultDependencies=no\nAfter=initrd-fs.target\n[Service]\nType=oneshot\n"
        f"ExecStart=/bin/sh -c '{tells('swap_1 lies on $(dmsetup deps -o blkdevname debian--vg-swap_1)')}'\n",
}
# An image whose LVM looks at all disks, as it was before.
UNFILTERED = {"/etc/systemd/system/systemd-udevd.service.d/lab.conf":
              "[Service]\nExecStartPre=/bin/rm /etc/lvm/lvmlocal.conf\n"}
# An image in which nobody looks at names.
UNVERIFIED = {"/etc/systemd/system/coco-unlock-verify-root.service.d/99-lab.conf":
              "[Service]\nExecStart=\nExecStart=/bin/true\n", **looks.ONE_LOOK}
# In the place of mdadm, which the guests do not have: the second disk becomes the RAID `root`. Nothing of it is on the
# disk, so that the name stands in this rule.
MD = "/sys/block/md_root/md"
ASSEMBLES = {
    "/etc/udev/rules.d/60-lab-md.rules": 'ACTION=="add", KERNEL=="vdb", RUN+="/bin/sh /usr/lib/lab-md"\n',
    "/usr/lib/lab-md": f"modprobe raid1\necho md_root > /sys/module/md_mod/parameters/new_array\n"
                       f"cd {MD} || exit 1\necho none > metadata_version\necho raid1 > level\necho 1 > raid_disks\n"
                       "echo $(($(cat /sys/block/vdb/size) / 2)) > component_size\ncat /sys/block/vdb/dev > new_dev\n"
                       "echo 0 > dev-vdb/slot\necho active > array_state\n",
}
# The same for a RAID whose members have metadata: the kernel reads it.
ASSEMBLES_MIRROR = {
    "/etc/udev/rules.d/60-lab-md.rules": 'ACTION=="add", KERNEL=="vd[ab]", RUN+="/bin/sh /usr/lib/lab-md"\n',
    "/usr/lib/lab-md": "[ -e /sys/block/vda -a -e /sys/block/vdb ] && mkdir /run/lab-md || exit 0\nmodprobe raid1\n"
                       f"echo md_root > /sys/module/md_mod/parameters/new_array\ncd {MD} || exit 1\n"
                       "echo 1.0 > metadata_version\nfor d in vda vdb; do cat /sys/block/$d/dev > new_dev; done\n"
                       "echo active > array_state\n",
}


# cases

IN_LVM = dict(config=owner.STRICT_LVM, modules=("lvm",), root=lvm.ROOT)
IN_LVM_TODAY = dict(IN_LVM, config=None, recipe=True, limit=150, idle=True)
OWNERS_LVM = Disk("owner", name="lvm/disk")
OWNERS_TABLE = owner.table_beside("table")
OURS = (("dmsetup deps -o devname debian--vg-swap_1", r"1 dependencies\s*: \(root\)"),
        ("ls /dev/mapper | tr '\\n' ' '", r"control debian--vg-root debian--vg-swap_1 root\s*"))
GROUPS = [
    # Our LVM does not look at the host's disk, and our own siblings are there.
    Case("names-lvm", Boot(found=2, checks=OURS), OWNERS_TABLE, (OWNERS_LVM, *behind(siblings)), on=EVEN,
         commands=tuple(c for c, _ in OURS), **IN_LVM),
    # It does: then verify-root sees what it has made of it.
    Case("names-lvm-unfiltered", Refuse(31, "root-confusion", says=r"'debian--vg-(swap_1|var)'"), OWNERS_TABLE,
         (OWNERS_LVM, *behind(siblings)), on=ODD, files=UNFILTERED, **IN_LVM),
    # As it was, when nobody looked: the host's swap volume has the place of the owner's.
    Case("names-lvm-unguarded", Falls(r"LAB swap_1 lies on .*\(vdb\)"), OWNERS_TABLE, (OWNERS_LVM, *behind(siblings)),
         on=ODD[:2], limit=150, files=dict(SHOWS, **UNFILTERED, **UNVERIFIED), **IN_LVM),
    Case("names-pv", Refuse(31, "root-confusion", says=f"/dev/vdb claims the UUID {lvm.PV_UUID} of /dev/dm-"),
         OWNERS_TABLE, (OWNERS_LVM, *behind(pv_twin)), on=ODD, **IN_LVM),
    # The recipe's crypttab does not name the owner's disk, and systemd waits for one that is not there: with both it is
    # a matter of chance which one LVM takes.
    Case("recipe-names-pv", ATTACKERS, OWNERS_TABLE, (OWNERS_LVM, *behind(pv_twin)), on=(COCO12, COCO13),
         **IN_LVM_TODAY),
    # Only Debian 13's lvm module of dracut brings RAID into the image.
    Case("names-md", Refuse(31, "root-confusion", says="the md device 'md_root'"), GOOD, (Disk(), *behind(bare_root)),
         on=(COCO13,), modules=("lvm",), files=ASSEMBLES),
    Case("recipe-names-md", ATTACKERS, GOOD, (Disk(bare=True), *behind(bare_root)), on=(COCO13,), recipe=True,
         limit=150, modules=("lvm",), files=ASSEMBLES, root="/dev/md_root"),
]

VOLUMES = (Disk(), *(Disk(made=lambda name=name: volume(name)) for name in ("data", "swap")))


def twins(name, says, on):
    return Case("names-" + name, Refuse(31, "root-confusion", says="/dev/vdd claims the " + says + " of /dev/dm-"),
                GOOD, VOLUMES + behind(twin, name), on=on, config=THREE)


# The name goes to the device of the last event, and the host makes one when it likes, by changing its disk's size.
EVENT = "udevadm trigger --settle --action=change /dev/vdd /dev/vde /dev/vdf /dev/vdg && echo seen"
FALLEN = ((EVENT, "seen"),
          ("mount -r UUID=%s /mnt && cat /mnt/whose && umount /mnt" % DATA_FS, HOSTS),
          ("mount -r LABEL=lab-data /mnt && cat /mnt/whose && umount /mnt", HOSTS),
          ("swapon -U %s && cut -d' ' -f1 /proc/swaps | tail -n 1 && swapoff -a" % SWAP_FS, "/dev/vdg"),
          ("mount -r LABEL=lab-root /mnt && cat /mnt/whose && umount /mnt", HOSTS))
NAMED = [
    twins("uuid", "UUID " + DATA_FS, EVEN),
    twins("label", "label 'lab-data'", ODD),
    twins("root-label", "label 'lab-root'", EVEN),
    twins("swap", "UUID " + SWAP_FS, ODD),
    # All four disks, and nobody who looks: each name leads to the host's.
    Case("names-unverified", Boot(found=1, checks=FALLEN), GOOD,
         VOLUMES + tuple(d for n in ("uuid", "label", "root-label", "swap") for d in behind(twin, n)),
         on=ODD, config=THREE, files=UNVERIFIED, commands=tuple(c for c, _ in FALLEN)),
]
HALVES = tuple(Disk(of=lambda combo, n=n: md_half(combo, n)) for n in range(2))
BELOW = "dmsetup deps -o blkdevname root"

# The names of the devices themselves. Once the unlock has taken the one that there is, the host gives another one the
# same name, and the first look waits until it has: its size changes last.
BY_UUID = {"cocotab": f"root UUID={disk.ROOT_UUID}\n"}
BY_LABEL = {"cocotab": f"root LABEL={LUKS_LABEL}\n"}
SETTLED = {"/etc/systemd/system/coco-unlock.service.d/60-lab.conf": "[Service]\nExecStartPre=udevadm settle\n"}
HELD_UP = {
    "/usr/lib/lab-wait": f"#!/bin/sh\nsize=$(cat /sys/block/vdb/size)\n{tells('waits')}\nn=0\n"
                         "until [ $(cat /sys/block/vdb/size) != $size ]; do\n"
                         "    n=$((n + 1)); [ $n -lt 300 ] || exit 0\n    sleep 0.1\ndone\n",
    "/etc/systemd/system/coco-unlock-verify-root.service.d/60-lab.conf":
        "[Service]\nExecStartPre=/bin/sh /usr/lib/lab-wait\n"}
# udev has not done with the disk before the unlock has, or half a minute is over.
BUSY = {
    "/etc/udev/rules.d/60-lab-busy.rules": 'ACTION=="add", KERNEL=="vda", RUN+="/bin/sh /usr/lib/lab-busy"\n',
    "/usr/lib/lab-busy": "n=0\nuntil [ -e /run/coco-unlock/opened ]; do\n"
                         f"    n=$((n + 1)); [ $n -lt 300 ] || {{ {tells('busy to the end')}; exit 0; }}\n"
                         f"    sleep 0.1\ndone\n{tells('busy until the unlock')}\n"}
SAID = "dmesg | grep -o 'LAB busy.*'"
RAID = [
    # The root is opened through the mirror ...
    Case("md-mirror", Boot(found=1, checks=((BELOW, r"1 dependencies\s*: \(md_root\)"),)), GOOD, HALVES, on=(COCO13,),
         config={"cocotab": f"root UUID={disk.ROOT_UUID}\n"}, modules=("lvm",), files=ASSEMBLES_MIRROR,
         commands=(BELOW,)),
    # ... or not at all.
    Case("md-half", Refuse(4, "no-device", says=r"belongs to a RAID \(/dev/vda"), GOOD, HALVES[:1], on=EVEN,
         config=HURRIED, idle=True),
    # So with a partition table in the mirror, which the kernel finds on each half.
    Case("md-half-table", Refuse(4, "no-device", says=r"belongs to a RAID \(/dev/vda1\)"), GOOD,
         (Disk(of=md_half_table),), on=ODD, config=HURRIED, idle=True),
    # What would come of it: a path is taken as it is, and past the mirror the same header opens.
    Case("md-half-path", Boot(found=1, checks=((BELOW, r"1 dependencies\s*: \(vda\)"),)), GOOD, HALVES[:1],
         on=(COCO13,), config={"cocotab": "root /dev/vda\n"}, commands=(BELOW,)),
]
DEVICES = [
    Case("named-busy", Boot(found=1, checks=((SAID, "LAB busy until the unlock"),)), GOOD, config=BY_UUID, files=BUSY,
         commands=(SAID,), on=EVEN),
    # What auto counts is not known before.
    Case("auto-busy", Boot(found=1, slow_device=20, checks=((SAID, "LAB busy to the end"),)), GOOD, files=BUSY,
         commands=(SAID,), idle=True, on=ODD),
    Case("named-twin", Refuse(18, "ambiguous-device", says="2 devices match UUID="), GOOD,
         (Disk(), *behind(attack.foreign)), config=BY_UUID, files=SETTLED, on=ODD),
    Case("named-twin-late", Refuse(31, "root-confusion", says="/dev/vdb claims the UUID .* of a volume's LUKS header"),
         GOOD, (Disk(), *behind(attack.foreign, hot="LAB waits")), config=BY_UUID, files=HELD_UP, on=EVEN),
    Case("label-twin-late", Refuse(31, "root-confusion", says=f"/dev/vdb is LABEL={LUKS_LABEL}, too"), GOOD,
         (Disk(of=labelled_root), *behind(labelled_twin, hot="LAB waits")), config=BY_LABEL, files=HELD_UP, on=ODD),
]
CASES = GROUPS + NAMED + RAID + DEVICES
