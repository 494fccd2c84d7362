# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases once more, in an initramfs of our own: the same disks, tables and words, and the same codes.

What is not repeated there has a reason. In the short run a refusal that the program alone decides is booted here, where
it takes a fraction of the time, and of each class one in systemd's image, too; --full has all in both."""

import dataclasses
import re

from . import lvm
from .verdict import Refuse

PREFIX = "own-"
# Names of cases, as regular expressions, and why they are not here.
NOT_HERE = {
    r"break|emergency-target|rescue-target|word-initrd-unit": "words of dracut and systemd: nobody reads them here",
    r"no-root|other-volume|other-volume-as-root": "root= decides nothing here",
    r"killed|look-.*|deaf-.*|disk-hangs|names-unverified": "breaks units, or waits for one",
    r"btrfs-twin": "the host's disk comes when a unit has ended; own-btrfs-twin has it there from the start",
    r"usr-.*": "has a script of the lab in the image; own-usr is here",
    r"names-md|md-mirror": "the RAID is put together by a udev rule of the lab",
    r"unknown-option|no-module|no-dm-crypt": "an image that is not built; the tests of coco-mkinitramfs have it",
    r"owner-rescue|action-rescue": "rescue is refused by the build",
    r"rdinit.*": "the kernel does not start us",
    r"readme": "the README's image is dracut's",
    r"fstab-initrd": "lines with x-initrd.mount are for systemd there; here the root's own mounts them",
}
# Refusals that the short run has in systemd's image, too: one of each class.
IN_BOTH = ("no-table", "wrong-secret", "luks1", "forged-linear", "twin", "word-init", "word-quoted", "pin-header",
           "policy-missing", "no-disk", "two-disks", "slow-keyslot", "action-reboot", "flood")
# Boots that the short run has here, too.
BOOTS = ("boot", "boot-keep", "late-disk", "forms", "btrfs-good", "pins-right", "memory", "generation",
         "image-policy", "image-policy-control", "owner-lvm-twin", "fstab", "usr", "xfs", "rdinit-none",
         "rdinit-none-measured", "integrity")
# Not in the short run in systemd's image, though they boot.
NOT_THERE = ("integrity", "integrity-left")


def reason(case):
    """Why a case is not here, or None."""
    for names, why in NOT_HERE.items():
        if re.fullmatch(names, case.name):
            return why
    if case.recipe or case.full or case.boots_with or case.shell or case.falls or case.silent:
        return "is about another image"
    if case.force or case.drop or case.files:
        return "changes what dracut has built"
    return None


def own(case):
    """The case in an image of our own."""
    return dataclasses.replace(case, name=PREFIX + case.name, standalone=True, modules=(),
                               then=tuple(own(c) for c in case.then))


def cases(others):
    return [own(c) for c in others if not reason(c)]


def in_short_run(case, names):
    """Is it, on its first combo, in the short run? names: of all cases."""
    if case.seldom:
        return False
    if case.standalone:
        return isinstance(case.expect, Refuse) or case.name.removeprefix(PREFIX) in BOOTS
    if case.name in NOT_THERE:
        return False
    return not isinstance(case.expect, Refuse) or case.name in IN_BOTH or PREFIX + case.name not in names


def conf(case):
    """[Root] of the image's configuration."""
    if case.section is not None:
        return f"[Root]\n{case.section}"
    kind = "btrfs" if case.disks and case.disks[0].kind == "btrfs" else "ext4"
    device = f"Device={lvm.ROOT}\n" if case.root == lvm.ROOT else ""
    return f"[Root]\nType={kind}\nOptions=rw\n{device}"
