# SPDX-License-Identifier: GPL-2.0-or-later
"""What the short run boots: every claim once, in the cheapest boot that shows it.

What the program alone decides, it decides in an initramfs of our own as in systemd's, in a fraction of the time: there
the short run has it, and of each class of refusals one in systemd's image, too. --full has all in both, on all
guests."""

import re

from .case import COCO12, COCO13, EFI12
from .own import PREFIX
from .verdict import Refuse

# Refusals in systemd's image that are in our own, too. Other classes have some that are only there: words (full-word),
# two disks (named-twin), another root (full-twin, other-volume).
IN_BOTH = ("no-disk", "luks1", "forged-linear", "policy-missing", "pin-header", "slow-keyslot", "action-reboot",
           "flood", "rescue-no-key")
# Boots in both, for what brings their disks there, or mounts them, is not the program.
BOOTS = ("boot", "late-disk", "btrfs-good", "memory", "owner-lvm-twin", "rescue")
# Boots in our own only: what is in tables, headers and on disks, what is kept, and what runs in the real root.
ONLY_OWN = (r"boot-keep|boot-reload|boot-keep-reload|forms|secret-3032|entries-.*|large-metadata|security-.*|pins-right"
            r"|generation|owner-(fresh|installer|recovery|repart|device|labelled-.*|rotation-.*|table-.*)"
            r"|md-half-path|integrity|image-policy(-control)?|rescue-device")
# Boots that only such an image has.
STANDALONE = ("fstab", "usr", "xfs", "rdinit-none", "rdinit-none-measured", "rescue-page")
# What is left to --full besides, and the cases that have its claim.
LEFT = {
    "owner-lvm": ("names-lvm", "own-owner-lvm-twin"),           # the same disk and table, with the host's beside it
    "deaf-verify": ("deaf-verify-skips", "deaf-unlock"),        # the unit on the worse machine, the better machine
    "deaf-generation": ("deaf-generation-skips", "deaf-unlock"),
    "integrity-left": ("own-integrity",),
    "rescue-emergency": ("emergency-target", "rescue-no-key"),  # the same units; the same console
    "own-faults": ("own-child-killed",),                        # a handful of hundreds of runs
}
# What is shown on more than the first of its guests. Not full-no-disk: only Debian 12's dracut would lose patience.
MORE = {"boot": (COCO12, COCO13, EFI12), "headers": (COCO12, COCO13), "full-boot": (COCO12, COCO13)}
MORE_TABLES = (COCO12, EFI12)


def more(case):
    """The guests on which it is shown besides its first."""
    return MORE_TABLES if case.name.removeprefix(PREFIX).startswith("owner-table-") else MORE.get(case.name, ())


def has(case, names):
    """Is it in the short run, on these guests? names: of all cases."""
    if case.name in LEFT or getattr(case, "seldom", False):
        return False
    name, expect = case.name.removeprefix(PREFIX), getattr(case, "expect", None)
    if getattr(case, "standalone", False):
        return isinstance(expect, Refuse) or name in BOOTS + STANDALONE or bool(re.fullmatch(ONLY_OWN, name))
    if isinstance(expect, Refuse):
        return name in IN_BOTH or PREFIX + name not in names
    return not re.fullmatch(ONLY_OWN, name)


def check(chosen):
    """What is left out has its claims in cases that are chosen, by their names."""
    missing = [f"{name}: {keeper}" for name, keepers in LEFT.items() for keeper in keepers if keeper not in chosen]
    assert not missing, missing
