# SPDX-License-Identifier: GPL-2.0-or-later
"""Which volume is the root's, and what is mounted beside it: a guest whose root and /usr are two volumes, and a volume
of the owner with another root on it.

The root's fstab names /usr by UUID=. In the cases with a twin a script of the lab holds the initramfs up when the root
is proved, until udev has given that name to the host's disk: the host could choose the moment as well."""

import os

from . import attack, cache, disk, table, tree
from .case import ATTACKERS, EVEN, GOOD, KEY, ODD, UNGUARDED, Case, Disk, tells
from .verdict import Boot, Refuse

USR_UUID, DATA_UUID = disk.uuid_of("usr"), disk.uuid_of("data")
USR_FS_UUID = "5c0c0a7e-0003-4000-8000-000000000002"
SECOND = table.numbered(30)
SECOND_KEY = table.secret("second volume")
TABLE = table.table([table.entry(table.LUKS, KEY), table.entry(SECOND, SECOND_KEY)])


def cocotab(name, uuid, options="-"):
    return {"cocotab": f"root UUID={disk.ROOT_UUID} - -\n{name} UUID={uuid} {SECOND} {options}\n"}


# The two halves of a guest.

def halves(combo):
    """The directory with the volumes of a guest: root/disk, without what is in /usr, and usr/disk, with that."""
    system, tools = tree.system(combo.guest, combo.kernel), tree.tools(combo.guest)
    guest_files = [tree.read(os.path.join(tree.GUEST_FILES, n)) for n in sorted(os.listdir(tree.GUEST_FILES))]
    return cache.item(f"halves-{combo.guest}",
                      cache.key(system, tools, guest_files, disk.TRIM, disk.MASKED, disk.RECIPE, tree.read(__file__)),
                      lambda tmp: make_halves(system, tools, tmp), f"root and /usr of {combo.guest} on two volumes")


def make_halves(system, tools, tmp):
    top, usr = tmp + "/tree", tmp + "/usr-tree"
    disk.guest_tree(system, tools, top)
    disk.write(top + "/etc/fstab", f"UUID={USR_FS_UUID} /usr ext4 defaults 0 0\n")
    os.rename(top + "/usr", usr)
    os.mkdir(top + "/usr")
    for name, source, fs, uuid, key in (("root", top, disk.ROOT_FS_UUID, disk.ROOT_UUID, KEY),
                                        ("usr", usr, USR_FS_UUID, USR_UUID, SECOND_KEY)):
        os.mkdir(f"{tmp}/{name}")
        image = f"{tmp}/{name}/disk"
        cache.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-d", source, "-L", "lab-" + name, "-U", fs, "-m", "0", image,
                   f"{disk.size_mib(source)}M"])
        disk.encrypt(tmp, key, image, uuid)
        cache.remove(source)


ROOT_AND_USR = (Disk(of=lambda combo: halves(combo) + "/root/disk"), Disk(of=lambda combo: halves(combo) + "/usr/disk"))


# The disks of the host.

def usr_twin():
    """A plain disk with the file system UUID and the label of /usr, and the host's own PID 1 in it."""
    def build(tmp):
        top = tmp + "/usr"
        for name in ("bin", "sbin", "lib/systemd"):
            os.makedirs(f"{top}/{name}")
        for name in ("sbin/init", "lib/systemd/systemd"):
            cache.run(["cp", attack.init(), f"{top}/{name}"])
        disk.write(top + "/lib/os-release", attack.OS_RELEASE)
        cache.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-U", USR_FS_UUID, "-L", "lab-usr", "-d", top, tmp + "/disk",
                   "8M"])
        cache.remove(top)
    return attack.item("usr-twin", build, tree.read(__file__))


def other_root():
    """A volume of the owner, with its own secret, on which there is another root."""
    return attack.item("other-root", lambda tmp: attack.encrypted(tmp + "/disk", tmp, DATA_UUID, SECOND_KEY),
                       tree.read(__file__))


WAITS = {
    "/usr/lib/lab-wait": f"#!/bin/sh\n{tells('waits')}\nn=0\n"
                         f"until case \"$(readlink /dev/disk/by-uuid/{USR_FS_UUID})\" "
                         "in *vd*) ;; *) false ;; esac; do\n"
                         "    n=$((n + 1)); [ $n -lt 300 ] || exit 0\n    sleep 0.1\ndone\n",
    "/etc/systemd/system/initrd-parse-etc.service.d/60-lab.conf": "[Service]\nExecStartPre=/bin/sh /usr/lib/lab-wait\n"}
ONE_LOOK = {
    "/etc/systemd/system/coco-unlock-verify-mounts.service":
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh -c :\n",
    "/etc/systemd/system/dracut-pre-pivot.service.d/50-coco-unlock.conf": "[Unit]\n",
    "/etc/systemd/system/initrd-switch-root.service.d/50-coco-unlock.conf": "[Unit]\n"}
# A look that ends without a verdict; without the unit's own failure action, what is left is that others require it.
KILLED = {"/etc/systemd/system/coco-unlock-verify-mounts.service.d/60-lab.conf":
          "[Unit]\nFailureAction=none\n[Service]\nExecStart=\nExecStart=/bin/sh -c 'kill -KILL $$$$'\n"}
KILLED_LAST = {"/etc/systemd/system/initrd-switch-root.service.d/60-lab.conf":
               "[Service]\nExecStartPre=\nExecStartPre=/bin/sh -c 'kill -KILL $$$$'\n"}
# Somebody asks for the change itself, and initrd-cleanup.service is not on the way.
SHORT_CUT = {"/etc/systemd/system/initrd-parse-etc.service.d/60-lab.conf":
             "[Service]\nExecStart=\nExecStart=systemctl --no-block start initrd-switch-root.service\n"}
USR = cocotab("usr", USR_UUID)
TWIN = (*ROOT_AND_USR, Disk(made=usr_twin, hot="LAB waits"))
DATA = (Disk(), Disk(made=other_root))
AS_DATA = dict(disks=DATA, root="/dev/mapper/data")

CASES = [
    Case("usr-volume", Boot(found=2, forms={"root": "exact", "usr": "exact"}), TABLE, ROOT_AND_USR, config=USR,
         on=EVEN),
    Case("usr-twin", Refuse(31, "root-confusion", says="on /sys(root|usr)/usr uses"), TABLE, TWIN, config=USR,
         files=WAITS, on=ODD),
    Case("usr-twin-one-look", ATTACKERS, TABLE, TWIN, config=USR, files=dict(WAITS, **ONE_LOOK), limit=150, on=ODD[:2]),
    Case("look-killed", Refuse(22, "aborted"), GOOD, files=KILLED, on=EVEN),
    Case("look-killed-last", Refuse(22, "aborted"), GOOD, files=KILLED_LAST, on=ODD),
    Case("look-short-cut", Refuse(22, "aborted"), GOOD, files=dict(KILLED, **SHORT_CUT), on=EVEN),
    Case("word-other-volume", Refuse(25, "command-line", says="root=/dev/mapper/data.*the root is the volume 'root'"),
         TABLE, config=cocotab("data", DATA_UUID), on=EVEN, **AS_DATA),
    Case("other-volume", Refuse(31, "root-confusion", says="does not lie on the volume 'root'"), TABLE,
         config=dict(cocotab("data", DATA_UUID), **UNGUARDED), on=ODD, **AS_DATA),
    Case("other-volume-as-root", ATTACKERS, TABLE, config=cocotab("data", DATA_UUID, "root"), limit=150, on=ODD[:2],
         **AS_DATA),
]
