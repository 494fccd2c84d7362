# SPDX-License-Identifier: GPL-2.0-or-later
"""An image as Debian's dracut makes it, with all of its modules but those that the guest lacks the programs of: crypt,
LVM, device-mapper, btrfs and what else waits for devices of its own. Only the drivers are those of the other images."""

from . import attack
from .case import COCO12, COCO13, GOOD, Case, Disk, behind
from .verdict import Boot, Refuse

FULL = dict(full=True, on=(COCO12, COCO13))
PATIENT = "[Unlock]\nTimeout=5min\n"
CASES = [
    # dracut gives up after 180 s unless it is told otherwise, with a failure that has no name.
    Case("full-no-disk", Refuse(4, "no-device", not_before=290, within=320), GOOD, (), idle=True, limit=500,
         config={"coco-unlock.conf": PATIENT}, **FULL),
    Case("full-boot", Boot(found=1), GOOD, **FULL),
    Case("full-word", Refuse(25, "command-line", says="init=/bin/sh"), GOOD, cmdline=("init=/bin/sh",), **FULL),
    Case("full-twin", Refuse(31, "root-confusion"), GOOD, (Disk(), *behind(attack.twin)), full=True,
         on=(COCO13, COCO12)),
    # The control of the first: Debian 12's dracut does give up. Later ones have nothing to wait for.
    Case("full-impatient", Refuse(22, "aborted"), GOOD, (), idle=True, full=True, on=(COCO12,),
         cmdline=("rd.retry=10",), config={"coco-unlock.conf": PATIENT + "[Policy]\nAllowWords=rd.retry=10\n"}),
]
