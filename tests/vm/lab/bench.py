# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark: in one guest, `cryptsetup open` and a whole `coco-unlock unlock` of the same disk, by turns.

A launch secret is gone after its first use, so QEMU's debug stub puts a fresh table into the area before each
run. coco-unlock's window from 'device known' to 'mapping there' comes from its own status.json, key derivation
and all; modules and the search for the device are printed apart."""

import json
import os
import re
import shlex
import statistics

from . import cache, cases, disk, observe, table, verdict, vm

KEY = table.secret("bench")
DISK = cases.Disk("luks2", KEY, "bench")
CASE = cases.Case("bench", verdict.Boot(found=1), cases.GOOD, (cases.Disk(), DISK),
                  config={"cocotab": f"root UUID={disk.ROOT_UUID} - -\n"})
COMBO = cases.COCO12
TABLE = table.plain(KEY)
MEASURE = "/usr/lib/coco-lab/measure"
OPEN = f"cryptsetup open --type luks2 --key-file /run/bench.key /dev/disk/by-uuid/{disk.uuid_of('bench')} bench"
UNLOCK = "coco-unlock unlock"
CLOSE = "cryptsetup close bench"
WINDOW = ("header", "keyslot", "mapping")
APART = ("prepare", "modules", "secret-module", "read", "wipe", "device")


class Bench:
    def __init__(self, machine, count):
        self.machine, self.count = machine, count
        self.debugger = vm.Debugger(machine)
        self.runs = {"cryptsetup": [], "coco-unlock": []}
        self.stages = []
        self.calls = {}

    def sh(self, command):
        code, text = observe.ask(self.machine, command)
        if code:
            raise cache.LabError(f"in the guest: {command}: exit {code}: {text}")
        return text

    def fresh_secret(self):
        """The guest as it was when it started, as far as the launch secret goes."""
        self.sh(f"rmmod {COMBO.module}")
        self.debugger.write(self.machine.firmware.secret[0], TABLE)

    def prepare(self):
        key = "".join(f"\\{b:03o}" for b in KEY)
        self.sh("mkdir -p /etc/coco-unlock; umask 077; printf " + shlex.quote(key) + " > /run/bench.key")
        self.sh(f"echo 'bench UUID={disk.uuid_of('bench')} - -' > /etc/coco-unlock/cocotab")

    def once(self, name, command):
        if name == "coco-unlock":
            self.fresh_secret()
        cost = [int(n) for n in self.sh(f"{MEASURE} {command} 2>/run/bench.err").split()]
        if cost[4] != 0:
            raise cache.LabError(f"{name} failed in the guest: " + self.sh("tail -3 /run/bench.err"))
        if name == "coco-unlock":
            status = json.loads(self.sh("cat /run/coco-unlock/status.json"))
            self.stages.append({s["name"]: s["us"] for s in status["stages"]})
        self.sh(CLOSE)
        return cost

    def traced(self, name, command):
        """The number of system calls, all processes and threads of the command."""
        if name == "coco-unlock":
            self.fresh_secret()
        self.sh(f"strace -f -qq -c -o /run/bench.calls {command} 2>/run/bench.err; cat /run/bench.err >&2; test -e /dev/mapper/bench")
        self.sh(CLOSE)
        total = self.sh("tail -1 /run/bench.calls")
        self.calls[name] = int(re.search(r"(\d+)(?:\s+\d+)? total", total).group(1))

    def __call__(self):
        self.prepare()
        for number in range(self.count):
            self.runs["cryptsetup"].append(self.once("cryptsetup", OPEN))
            self.runs["coco-unlock"].append(self.once("coco-unlock", UNLOCK))
            cache.live(f"run {number + 1} of {self.count}")
        self.traced("cryptsetup", OPEN)
        self.traced("coco-unlock", UNLOCK)


def run(count):
    log = os.path.join(observe.results_directory(), "bench")
    kept = {}

    def hook(machine):
        kept["bench"] = Bench(machine, count)
        kept["bench"]()
    seen = observe.run(CASE, COMBO, log, hook)
    if seen.error:
        raise cache.LabError(f"{seen.error} (console: {log})")
    for line in report(kept["bench"]):
        print(line)
    return 0


def report(bench):
    """The numbers as a table; medians, with the ratio to cryptsetup."""
    def median(name, column):
        return statistics.median(r[column] for r in bench.runs[name])

    def stage(names):
        return statistics.median(sum(s.get(n, 0) for n in names) for s in bench.stages)
    theirs, ours = "cryptsetup", "coco-unlock"
    yield f"{bench.count} runs of each by turns, {vm.accelerator()}, {COMBO.name}; medians"
    yield f"{'':44} {theirs:>14} {ours:>14} {'ratio':>7}"
    rows = [("whole process, wall time, ms", median(theirs, 0) / 1e3, median(ours, 0) / 1e3),
            ("device known to mapping there, ms", median(theirs, 0) / 1e3, stage(WINDOW) / 1e3),
            ("the same without the keyslot stage, ms", None, stage(("header", "mapping")) / 1e3),
            ("user + system time, ms", (median(theirs, 1) + median(theirs, 2)) / 1e3, (median(ours, 1) + median(ours, 2)) / 1e3),
            ("peak memory, KiB", median(theirs, 3), median(ours, 3)),
            ("system calls, whole process", bench.calls[theirs], bench.calls[ours])]
    for what, a, b in rows:
        left = f"{a:14.1f}" if a is not None else f"{'-':>14}"
        ratio = f"{b / a:7.2f}" if a else f"{'-':>7}"
        yield f"{what:44} {left} {b:14.1f} {ratio}"
    yield "apart: " + ", ".join(f"{n} {stage((n,)) / 1e3:.1f} ms" for n in APART + WINDOW)
