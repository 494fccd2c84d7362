# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots that only an initramfs of our own has: what it mounts as its configuration says, what it leaves for the root's
udev, and how its refusals end. own.py has the cases that systemd's image has, too."""

import os
import random

from . import attack, cache, disk, endings, looks, realroot, table, tree
from .case import ATTACKERS, COCO12, COCO13, EVEN, GOOD, ODD, Case, Disk, behind
from .chroot import apt_tree
from .verdict import Boot, Falls, Refuse, Silent

RECIPE = 1


def alone(name, expect, secrets=GOOD, disks=(Disk(),), **more):
    return Case("own-" + name, expect, secrets, disks, standalone=True, **more)


# A second volume in the root's fstab.

DATA_FS = "5c0c0a7e-0003-4000-8000-000000000003"
WAIT = 40       # seconds that systemd waits for the device, in place of 90
FSTAB = f"/dev/mapper/data /data ext4 x-systemd.device-timeout={WAIT}s 0 0\n"
# What an initramfs would leave that writes no records.
FORGETS = {"etc/systemd/system/systemd-udevd.service.d/lab.conf":
           "[Service]\nExecStartPre=/bin/sh -c 'rm /run/udev/data/b*'\n"}


def with_fstab(forgets):
    """A function of the combo: the root, with a second volume in its fstab."""
    def made(combo):
        plain = disk.plain(combo.guest, combo.kernel)
        files = dict({"etc/fstab": FSTAB, "data/empty": ""}, **(FORGETS if forgets else {}))

        def build(tmp):
            cache.run(["cp", "--sparse=always", plain, tmp + "/disk"])
            realroot.put(tmp, tmp + "/disk", {path: realroot.with_text(tmp, path, text)
                                              for path, text in files.items()})
            disk.encrypt(tmp, table.secret("root"), tmp + "/disk", disk.ROOT_UUID)
        return cache.item(f"fstab-{combo.guest}-{combo.kernel}",
                          cache.key(plain, files, tree.read(realroot.__file__), RECIPE),
                          build, f"the root of {combo.guest} with a second volume") + "/disk"
    return made


def data():
    """The second volume, with a file system."""
    def build(tmp):
        cache.run(["mkfs.ext4", "-q", "-F", "-U", DATA_FS, tmp + "/disk", "16M"])
        disk.encrypt(tmp, looks.SECOND_KEY, tmp + "/disk", looks.DATA_UUID)
    return cache.item("fstab-data", cache.key(tree.read(disk.__file__), RECIPE), build) + "/disk"


MOUNTED = "grep -c '^/dev/mapper/data /data ' /proc/self/mounts"
WAITING = ("systemctl list-jobs --no-legend; "
           "systemctl is-active data.mount dev-mapper-data.device dev-mapper-root.device")
RECORDS = "for f in /run/udev/data/b25*; do grep DM_UDEV_PRIMARY_SOURCE_FLAG= $f; done; readlink /dev/mapper/*"


def second(forgets):
    return {"disks": (Disk(of=with_fstab(forgets)), Disk(made=data)), "secrets": looks.TABLE,
            "config": looks.cocotab("data", looks.DATA_UUID), "on": (COCO13, COCO12)}


# Other file systems.

def xfs_tools():
    """Debian 12's mkfs.xfs: what it makes, all kernels here can mount."""
    return cache.item("xfs-tools", cache.key("bookworm", RECIPE),
                      lambda tmp: apt_tree("bookworm", tmp + "/tree", ["xfsprogs"]), "a tree with mkfs.xfs") + "/tree"


def prototype(top, inside):
    """The lines of mkfs.xfs(8)'s protofile that describe the directory `top`, which it sees as `inside`."""
    def lines(path, name):
        st = os.lstat(path)
        bits = f"{'u' if st.st_mode & 0o4000 else '-'}{'g' if st.st_mode & 0o2000 else '-'}{st.st_mode & 0o777:03o}"
        owner = f"{bits} {st.st_uid} {st.st_gid}"
        if os.path.islink(path):
            yield f"{name} l{owner} {os.readlink(path)}"
        elif os.path.isdir(path):
            yield f"{name} d{owner}".strip()
            for entry in sorted(os.listdir(path)):
                yield from lines(f"{path}/{entry}", entry)
            yield "$"
        elif os.path.isfile(path):
            yield f"{name} -{owner} {inside}{path.removeprefix(top)}"
    return "\n".join(["/nothing", "0 0", *lines(top, "")]) + "\n"


def xfs(combo):
    """The root on xfs."""
    system, tools = tree.system(combo.guest, combo.kernel), tree.tools(combo.guest)

    def build(tmp):
        top = tmp + "/tree"
        disk.guest_tree(system, tools, top)
        disk.write(tmp + "/prototype", prototype(top, "/mnt/tree"))
        with open(tmp + "/disk", "wb") as f:
            f.truncate((disk.size_mib(top) + 256) << 20)     # mkfs.xfs makes none below 300 MiB
        tree.enter(xfs_tools(), "mkfs.xfs -q -p /mnt/prototype -L lab-root /mnt/disk", [(tmp, "/mnt")])
        disk.encrypt(tmp, table.secret("root"), tmp + "/disk", disk.ROOT_UUID)
        cache.remove(top)
    return cache.item(f"xfs-{combo.guest}-{combo.kernel}",
                      cache.key(system, tools, disk.guest_files(), disk.TRIM, disk.MASKED, disk.RECIPE, xfs_tools(),
                                RECIPE), build, f"the root of {combo.guest} on xfs") + "/disk"


MOUNT = "grep ' / ' /proc/self/mounts | cut -d' ' -f3-4 | cut -d, -f1"

# Words that the kernel makes variables of: the last of a name counts, a dot is a module's. We drop one more.
WORDS = ("LAB=1", "lab_word=a.b", "lab.module=1", "LD_PRELOAD=/lab.so", "LAB=2", "TERM=dumb")
ALLOWED = {"coco-unlock.conf": "[Policy]\nAllowWords=LAB=* lab_word=a.b lab.module=1 LD_PRELOAD=/lab.so TERM=dumb\n"}
VARIABLES = "tr '\\0' ' ' </proc/1/environ"

# The root's units after this initramfs and after systemd's: only those of the latter itself are fewer.

UNITS = "systemctl list-units --state=active --plain --no-legend --full | cut -d' ' -f1 | LC_ALL=C sort"
KEEP = f"{UNITS} > /var/lib/lab-units; sync"
COMPARE = f"{UNITS} | diff /var/lib/lab-units - | grep '^[<>]'"
INITRD = "\n".join(rf"> {unit}\.(service|target)" for unit in (
    "coco-unlock-verify-mounts", "coco-unlock-verify-root", "coco-unlock", "initrd-fs", "initrd-root-fs",
    "systemd-fsck-root"))

# The host's disk, which the kernel mounts by itself.

HOSTS_OWN = {"root": "/dev/nvme0n1", "cmdline": ("rdinit=/none",), "disks": (Disk(made=attack.twin, nvme=True),),
             "on": (COCO12, COCO13)}
USUAL = ("root=/dev/nvme0n1 rw rdinit=/none", "root=/dev/mapper/root rw")

DEAF = {"deaf": True, "on": EVEN}

CASES = [
    alone("fstab", Boot(found=2, forms={"root": "exact", "data": "exact"}, checks=(
        (MOUNTED, "1"), (WAITING, "active\nactive\nactive"),
        (RECORDS, r"E:DM_UDEV_PRIMARY_SOURCE_FLAG=1\nE:DM_UDEV_PRIMARY_SOURCE_FLAG=1\n\.\./dm-\d\n\.\./dm-\d"))),
          commands=(MOUNTED, WAITING, RECORDS), **second(False)),
    alone("fstab-control", Falls("Timed out waiting for device .*data"), limit=150, **second(True)),
    alone("usr", Boot(found=2, forms={"root": "exact", "usr": "exact"}), looks.TABLE, looks.ROOT_AND_USR,
          config=looks.USR, section="Type=ext4\nOptions=rw\nUsr=/dev/mapper/usr ext4 ro\n", on=EVEN),
    alone("usr-twin", Refuse(31, "root-confusion", says="/dev/vdc claims the UUID"), looks.TABLE,
          (*looks.ROOT_AND_USR, Disk(made=looks.usr_twin)), config=looks.USR,
          section="Type=ext4\nOptions=rw\nUsr=/dev/mapper/usr ext4 ro\n", on=ODD),
    # btrfs is shown the opened mappings only; the looks see the rest.
    alone("btrfs-twin", Refuse(31, "root-confusion"), disks=(Disk("btrfs"), *behind(attack.btrfs_twin)), on=ODD),
    alone("xfs", Boot(found=1, checks=((MOUNT, "xfs rw"),
                                      (VARIABLES, r"HOME=/ TERM=dumb LAB=2 lab_word=a\.b "))),
          disks=(Disk(of=xfs),), commands=(MOUNT, VARIABLES), section="Type=xfs\nOptions=rw\n", cmdline=WORDS,
          config=ALLOWED, on=ODD),
    alone("read-only", Boot(found=1, checks=((MOUNT, "ext4 ro"),)), commands=(MOUNT,), section="Type=ext4\n", on=EVEN),
    alone("units", Boot(found=1), commands=(KEEP,), on=(COCO13, COCO12),
          then=(Case("systemds", Boot(found=1, checks=((COMPARE, INITRD),)), GOOD, commands=(COMPARE,)),)),
    # image-policy-twin without the policy.
    alone("image-policy-control", ATTACKERS, limit=150, disks=behind(attack.same_secret), on=ODD),
    # Nobody of ours runs: the kernel has no such program, and mounts the host's disk.
    alone("rdinit-none", ATTACKERS, limit=100, **HOSTS_OWN),
    alone("rdinit-none-measured", Silent(8), unhashed=USUAL, **HOSTS_OWN),
    alone("deaf-word", Refuse(25, "command-line", ends="reboot", after=endings.STALL, says="lab.foreign"),
          cmdline=("lab.foreign",), **DEAF),
    alone("deaf-twin", Refuse(31, "root-confusion", ends="reboot", after=endings.STALL, dump=True),
          disks=endings.TWINS, **DEAF),
    alone("child-killed", Refuse(20, "internal", says="^the process that unlocks and mounts was killed$",
                                 shows="LAB kills [0-9]+ coco-unlock$"),
          kills=lambda: (random.randrange(600), 1, 0), on=EVEN),
]
