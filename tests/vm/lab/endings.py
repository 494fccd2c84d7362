# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a boot that is refused, on a machine that does not end.

Power management is deaf (power.py), and where `skip` says so the CPU also skips the function that shuts the interrupt
controller down (gdb.py), so that the kernel goes on as if nothing had been asked. lab-next.service stands for what
would run next: it needs the unit that refuses, and says so."""

from . import attack, disk, gdb, table
from .case import EVEN, GOOD, KEY, ODD, COCO12, COCO13, Case, Disk, behind, tells, unlock
from .verdict import Falls, Refuse

NEXT = "LAB NEXT RAN"
# A kernel that was to power off, and goes on, stalls for ten seconds of its own clock; under emulation for longer.
STALL = 240
FIVE = table.pinned(KEY, "min-generation=5")


def after(unit, target, *lines):
    """A unit that runs when this one of ours has succeeded; and more lines for ours."""
    return {"/etc/systemd/system/lab-next.service":
            f"[Unit]\nDefaultDependencies=no\nRequires={unit}\nAfter={unit}\n"
            f"[Service]\nType=oneshot\nExecStart=/bin/sh -c '{tells('NEXT RAN')}'\n",
            f"/etc/systemd/system/{target}.d/60-lab.conf": "[Unit]\nWants=lab-next.service\n",
            f"/etc/systemd/system/{unit}.d/60-lab.conf":
            "\n".join(("[Unit]", "Wants=lab-skip.service", "After=lab-skip.service", *lines)) + "\n",
            # The debugger has been told before the unit goes on.
            "/usr/bin/grep": None,
            "/etc/systemd/system/lab-skip.service":
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n"
            f"ExecStart=/bin/sh -c '{tells(f'skips $$(grep -w {gdb.FUNCTION} /proc/kallsyms | cut -c1-16)')}; "
            "sleep 2'\n",
            "/usr/bin/cut": None}


UNLOCK = after("coco-unlock.service", "initrd-root-device.target")
VERIFY = after("coco-unlock-verify-root.service", "initrd-root-fs.target")
# Nobody has the trigger: the last layer is a process that stays.
MUTE = dict(VERIFY, **{"/etc/systemd/system/lab-skip.service": VERIFY["/etc/systemd/system/lab-skip.service"].replace(
    "sleep 2", "mount --bind /dev/null /proc/sysrq-trigger; sleep 2")})
# What the kernel does with who asks it: the process ends with status 0, and the boot goes on.
NAIVE = after("coco-unlock.service", "initrd-root-device.target", "[Service]", "ExecStart=",
              "ExecStart=/usr/bin/systemctl --force --force poweroff", "ExecStopPost=")
HALTING = {"coco-unlock.conf": "[Unlock]\nFailureAction=halt\n"}
REBOOTING = {"coco-unlock.conf": "[Unlock]\nFailureAction=reboot\n"}
TWINS = (Disk(), *behind(attack.twin))


def refused(name, code, word, files, table_, disks=(Disk(),), **more):
    """The same on a machine that only does not power off, and on one that goes on altogether."""
    expect = Refuse(code, word, ends="reboot", after=STALL, never=NEXT, dump=code > 30,
                    **({"says": "lab.foreign"} if code == 25 else {}))
    return [Case(f"deaf-{name}{'-skips' * skip}", expect, table_, disks, files=files, deaf=True, skip=skip, **more)
            for skip in (False, True)]


CASES = [
    *refused("unlock", 25, "command-line", UNLOCK, GOOD, cmdline=("lab.foreign",), on=EVEN),
    *refused("verify", 31, "root-confusion", VERIFY, GOOD, TWINS, on=ODD),
    *refused("generation", 32, "old-generation", VERIFY, FIVE, on=EVEN),
    Case("deaf-control", Falls(NEXT), GOOD, files=NAIVE, deaf=True, skip=True, limit=300, on=(COCO12, COCO13)),
    # Without the trigger, too: nothing of the boot runs, also when systemd loses patience after a minute.
    Case("deaf-mute", Refuse(31, "root-confusion", ends="running", never=NEXT, dump=True), GOOD, TWINS, files=MUTE,
         deaf=True, skip=True, hold=200, idle=True, on=EVEN),
    Case("deaf-reboot", Refuse(25, "command-line", "reboot", never=NEXT, after=STALL), GOOD, files=UNLOCK,
         cmdline=("lab.foreign",), config=REBOOTING, deaf=True, skip=True, on=ODD),
    Case("deaf-halt", Refuse(25, "command-line", "halt", never=NEXT), GOOD, files=UNLOCK, cmdline=("lab.foreign",),
         config=HALTING, deaf=True, skip=True, hold=30, idle=True, on=EVEN),
    # The disk keeps its requests: the mount hangs, the mapping does not go, and the machine ends in time.
    Case("disk-hangs", Refuse(22, "aborted", after=45), GOOD, config=unlock(Timeout="20s", RootTimeout="20s"),
         slow=r"Finished .*coco-unl|Finished .*Unlock the", idle=True, on=ODD),
]
