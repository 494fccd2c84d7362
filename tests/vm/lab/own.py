# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases once more, in an initramfs of our own: the same disks, tables and words, and the same codes.

What is not repeated there has a reason. short.py says which of the two the short run has; --full has both."""

import dataclasses
import re

from . import lvm

PREFIX = "own-"
# Names of cases, as regular expressions, and why they are not here.
NOT_HERE = {
    r"break|(rescue-)?emergency(-target)?|rescue-target|word-initrd-unit":
    "words of dracut and systemd: nobody reads them here",
    r"no-root|other-volume|other-volume-as-root": "root= decides nothing here",
    r"killed|look-.*|deaf-.*|disk-hangs|names-unverified": "breaks units, or waits for one",
    r"btrfs-twin": "the host's disk comes when a unit has ended; own-btrfs-twin has it there from the start",
    r"usr-.*": "has a script of the lab in the image; own-usr is here",
    r"names-md|md-mirror": "the RAID is put together by a udev rule of the lab",
    r"unknown-option|no-module|no-dm-crypt": "an image that is not built; the tests of coco-mkinitramfs have it",
    r"owner-rescue|action-rescue": "a shell is refused by the build",
    r"rdinit.*": "the kernel does not start us",
    r"rescue-sak": "kernel.sysrq is 0 here: no key of SysRq does anything",
    r"readme": "the README's image is dracut's",
    r"fstab-initrd": "lines with x-initrd.mount are for systemd there; here the root's own mounts them",
}
# On the other guest first, so that the short run sees both, each in one kind.
OTHER_GUEST = ("memory", "rescue")


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
    on = case.on[1::-1] + case.on[2:] if case.name in OTHER_GUEST else case.on
    return dataclasses.replace(case, name=PREFIX + case.name, standalone=True, modules=(), on=on,
                               then=tuple(own(c) for c in case.then))


def cases(others):
    return [own(c) for c in others if not reason(c)]


def conf(case):
    """[Root] of the image's configuration."""
    if case.section is not None:
        return case.section and f"[Root]\n{case.section}"
    kind = "btrfs" if case.disks and case.disks[0].kind == "btrfs" else "ext4"
    device = f"Device={lvm.ROOT}\n" if case.root == lvm.ROOT else ""
    return f"[Root]\nType={kind}\nOptions=rw\n{device}"
