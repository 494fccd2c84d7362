# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark: in one guest, `cryptsetup open` and a whole `coco-unlock unlock` of the same disk, by turns.

A launch secret is gone after its first use, so a fresh table is put into the area before each run: the guest's memory
is a file that the lab can write to. coco-unlock's window from 'device known' to 'mapping there' comes from its own
status.json, key derivation and all; modules and the search for the device are printed apart."""

import dataclasses
import json
import os
import shlex
import statistics
import tempfile

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
WINDOW = ("header", "keyslot", "mapping", "read-back")
APART = ("prepare", "modules", "secret-module", "read", "wipe", "device")


class Bench:
    def __init__(self, machine, memory, count):
        self.machine, self.memory, self.count = machine, memory, count
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
        with open(self.memory, "r+b") as f:
            f.seek(self.machine.firmware.secret[0])
            f.write(TABLE)

    def prepare(self):
        key = "".join(f"\\{b:03o}" for b in KEY)
        self.sh("mkdir -p /etc/coco-unlock; umask 077; printf " + shlex.quote(key) + " > /run/bench.key")
        # The words of the running system are those of the root, which is not the benchmark's volume.
        self.sh("printf '[Policy]\\nCheckCommandLine=no\\n' > /etc/coco-unlock/coco-unlock.conf")
        self.sh(f"echo 'bench /dev/disk/by-uuid/{disk.uuid_of('bench')} - -' > /etc/coco-unlock/cocotab")

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
        """System calls of the command, all its processes and threads; of coco-unlock also those of its window."""
        if name == "coco-unlock":
            self.fresh_secret()
        self.sh(f"strace -f -qq -ttt -s 0 -o /run/bench.calls {command} 2>/run/bench.err; test -e /dev/mapper/bench")
        self.calls[name] = self.count_calls(0, 1e12)
        if name == "coco-unlock":
            stages = {s["name"]: s for s in json.loads(self.sh("cat /run/coco-unlock/status.json"))["stages"]}
            offset = int(self.sh(MEASURE))
            begin = stages[WINDOW[0]]["start_us"] + offset
            end = stages[WINDOW[-1]]["start_us"] + stages[WINDOW[-1]]["us"] + offset
            self.calls["window"] = self.count_calls(begin / 1e6, end / 1e6)
        self.sh(CLOSE)

    def count_calls(self, begin, end):
        program = f"$2 >= {begin:.6f} && $2 <= {end:.6f} && $3 ~ /^[a-z0-9_]+\\(/ {{ n++ }} END {{ print n + 0 }}"
        return int(self.sh(f"awk '{program}' /run/bench.calls"))

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
        kept["bench"] = Bench(machine, memory, count)
        kept["bench"]()
    with tempfile.TemporaryDirectory(prefix="coco-bench.") as tmp:
        memory = tmp + "/memory"
        backend = f"memory-backend-file,id=ram,size={CASE.ram}M,mem-path={memory},share=on"
        case = dataclasses.replace(CASE, qemu=("-object", backend, "-machine", "memory-backend=ram"))
        seen = observe.run(case, COMBO, log, hook)
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
    yield f"{bench.count} runs of each by turns in one guest, {COMBO.name}, {vm.accelerator()}; medians"
    yield "cryptsetup: one `cryptsetup open` of the disk, the whole process; coco-unlock: what the line says"
    yield f"{'':44} {theirs:>14} {ours:>14} {'ratio':>7}"
    wall, window, quick = median(theirs, 0) / 1e3, stage(WINDOW) / 1e3, stage(("header", "mapping", "read-back")) / 1e3
    rows = [("device known to mapping there, ms", wall, window),
            ("the same without key derivation, ms", wall, quick),
            ("system calls, device known to mapping there", bench.calls[theirs], bench.calls["window"]),
            ("peak memory, KiB", median(theirs, 3), median(ours, 3)),
            ("whole process, wall time, ms", wall, median(ours, 0) / 1e3),
            ("whole process, processor time, ms", (median(theirs, 1) + median(theirs, 2)) / 1e3,
             (median(ours, 1) + median(ours, 2)) / 1e3),
            ("whole process, system calls", bench.calls[theirs], bench.calls[ours])]
    for what, a, b in rows:
        yield f"{what:44} {a:14.1f} {b:14.1f} {b / a:7.2f}"
    yield "apart: " + ", ".join(f"{n} {stage((n,)) / 1e3:.1f} ms" for n in APART + WINDOW)
