# SPDX-License-Identifier: GPL-2.0-or-later
"""What a case is: guests with their kernels, disks, and the words that the tables of cases are written in.

The tables themselves are in cases.py and in the modules that it joins. A combo is a guest with one of its kernels. The
first combo of a case is the one of the short run; --full runs all of them. Keys are made at run time and stand nowhere
in the project."""

import dataclasses

from . import table
from .verdict import Boot, Falls, Refuse, Shell, Silent


@dataclasses.dataclass(frozen=True)
class Combo:
    name: str
    guest: str
    kernel: str         # stock, or merged: the lab's own with efi_secret
    module: str
    systemd: str        # None: not looked at
    cryptsetup: str


COCO12 = Combo("d12-coco_secret", "d12", "stock", "coco_secret", "252", "2.6.1")
COCO13 = Combo("d13-coco_secret", "d13", "stock", "coco_secret", "257", "2.7.5")
# Debian testing moves: dracut 112, systemd 262 and libcryptsetup 2.8.8 when it was added. Only in --full.
COCO14 = Combo("d14-coco_secret", "d14", "stock", "coco_secret", None, None)
EFI12 = Combo("d12-efi_secret", "d12", "merged", "efi_secret", "252", "2.6.1")
ALL = (COCO12, COCO13, EFI12, COCO14)
COCO = (COCO12, COCO13, COCO14)
SHORT = (COCO12, COCO13, EFI12)


@dataclasses.dataclass(frozen=True)
class Disk:
    kind: str = "root"          # root, btrfs (the same on btrfs), owner (name: ITEM/DISK of owner.py), or a small
                                # volume: luks2, luks1, ext4, blank; real (name: of realroot.py);
                                # readme (of firstboot.py)
    key: bytes = table.secret("root")
    name: str = "vol"
    late: bool = False          # hot-added 9 s after the unit has started
    hot: str = None             # blank, until a line of the console matches this: then the host changes the disk
    made: object = None         # instead: a function of attack.py that returns the file
    of: object = None           # the same, of the combo that is booted
    bare: bool = False          # of root and btrfs: with nothing of the project in it
    nvme: bool = False          # attached as such: stock kernels have this driver built in, and virtio's as modules


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    expect: object
    table: object = None        # bytes, or a function of the list of disk files that returns them
    disks: tuple = (Disk(),)
    on: tuple = ALL
    config: dict = None         # {file under /etc/coco-unlock: text, or a function of the combo that returns it}, put
                                # there before dracut runs
    cmdline: tuple = ()
    drop: tuple = ()            # kernel modules taken away before dracut runs
    force: bool = False         # an image that the dracut module would refuse to build
    commands: tuple = ()        # carried out in the real root
    end: str = "end"            # typed when all is told; by itself it ends at once, without an orderly shutdown
    limit: float = 300          # seconds; a machine that ends sooner is not waited for
    standalone: bool = False    # the image is one of its own, without dracut and systemd
    section: str = None         # [Root] of such an image, instead of the usual; empty: the configuration has it
    recipe: bool = False        # the image is today's recipe, without coco-unlock
    files: dict = None          # {path: text} of more files in the initramfs
    modules: tuple = ()         # dracut modules that the other images leave out
    boots_with: object = None   # instead of the lab's own: function(combo) -> (kernel, initramfs, the kernel's release)
    full: bool = False          # ... none is left out
    root: str = "/dev/mapper/root"
    qemu: tuple = ()            # more words for QEMU
    idle: bool = False          # it waits most of its time: runs beside the others, and does not count as one of them
    types: object = ()          # what is typed instead of the usual, or a function as for table
    unhashed: tuple = ()        # (text, other): the hash table covers the command line with this replaced
    ram: int = 1024             # MiB
    then: tuple = ()            # cases that follow, on the disk as this one's guest has left it ...
    fresh: bool = False         # ... or, in one of these, on the disk as it was
    deaf: bool = False          # power.py: the firmware's table says that power management is where nothing is
    skip: bool = False          # gdb.py: the CPU skips a function, whose address the guest tells: "LAB skips ADDRESS"
    loud: bool = False          # the console has all that the kernel says
    hold: float = 0             # seconds after the failure line in which nothing may happen
    slow: str = None            # a line of the console: from then on the first disk does not answer any more
    kills: object = None        # function() -> (milliseconds, generations, which): a child of PID 1 is killed, pid1.py
    seldom: bool = False        # only in --full
    attested: object = None     # of attested.py: a key broker and its network are around it
    second: tuple = ()          # words for QEMU of a second console, on its chardev `second`
    rescues: bool = False       # the image asks for a rescue when it fails ...
    steps: tuple = ()           # ... and this is then done at its console, of talk.py
    before: object = None       # of one of these: function(first disk, written disk, last observation)

    boots = property(lambda self: isinstance(self.expect, Boot))
    shell = property(lambda self: isinstance(self.expect, Shell))
    falls = property(lambda self: isinstance(self.expect, Falls))
    silent = property(lambda self: isinstance(self.expect, Silent))
    typed = property(lambda self: isinstance(self.expect, Refuse) and not self.steps)


KEY = table.secret("root")
LUKS = str(table.LUKS)
KEPT, WORKLOAD = table.numbered(7), table.numbered(8)
GOOD = table.plain(KEY)
LISTING = "ls /sys/kernel/security/secrets/coco"
RELOAD = "rmmod efi_secret && modprobe efi_secret && " + LISTING
UNGUARDED = {"coco-unlock.conf": "[Policy]\nCheckCommandLine=no\n"}
HURRIED = {"coco-unlock.conf": "[Unlock]\nTimeout=20s\n"}


def unlock(**keys):
    return {"coco-unlock.conf": "[Unlock]\n" + "".join(f"{k}={v}\n" for k, v in keys.items())}


def behind(make, *args, hot=None):
    """The one disk that an attack makes."""
    return (Disk(made=lambda: make(*args), hot=hot),)


def tells(text):
    """A shell command for the initramfs: a line on the console that nothing cuts in two. The kernel prints its own in
    one piece, but in the middle of what a process writes to a terminal."""
    return f'echo "<1>LAB {text}" >/dev/kmsg'


ATTACKERS = Falls("ATTACKER ROOT")
# 13 first in every other case, so that the short run sees both.
EVEN, ODD = (COCO13, COCO12, COCO14), (COCO12, COCO13, COCO14)
