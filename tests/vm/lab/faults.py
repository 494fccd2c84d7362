# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults of PID 1 in an image of our own: each system call fails at its Nth use, children are killed.

In the searches ../pid1/faults.c is /init of a guest and starts our image as PID 1 of a PID namespace, hundreds of times
in one boot; here is what it is told to do, and the judgement of what it tells. What ends the machine is only noted
there: a namespace would not hold back SysRq. The image, its drivers, mappings and the secret are new for each run. With
the host's twin of the root attached no fault may lead to a root at all: there a look that sees too little would be one
too many.

As `lab.py faults` it is a thorough search; one case of the lab has a handful of runs."""

import dataclasses
import os
import random
import re

from . import attack, bootbench, cache, cases, firmware, observe, pid1, tree, vm

GUEST, KERNEL = bootbench.GUEST, bootbench.KERNEL
CONF = bootbench.EXT4 + "[Unlock]\nTimeout=10s\nRootTimeout=10s\n"
UNISTD = "usr/include/x86_64-linux-gnu/asm/unistd_64.h"
EINTR, EIO, EAGAIN, ENOMEM = 4, 5, 11, 12
# Where an interruption, or nothing there yet, is no failure at all: each has to be survived.
SURVIVED = {EINTR: ("read", "write", "poll", "wait4", "rt_sigtimedwait", "flock", "getrandom"), EAGAIN: ("poll",)}
BOUND, MORE = 40, 6             # of the uses of a call: the first, and so many of the others
LIMIT = 3 * 3600


def calls():
    """{name: number} of the guest's system calls."""
    text = tree.read(f"{tree.trees(GUEST)}/build/{UNISTD}")
    return {name: int(n) for name, n in re.findall(r"#define __NR_(\w+) (\d+)", text)}


def each(error, bound, more, seed, names=()):
    known = calls()
    return " ".join(["each", *map(str, (error, bound, more, seed)), *(str(known[n]) for n in names)])


def image(plan, path):
    """The image whose /init carries out a plan."""
    secret = b"%016x" % firmware.get().secret[0] + cases.GOOD
    return pid1.image(GUEST, tree.standalone(GUEST, KERNEL, CONF), "faults",
                      {"lab/plan": plan.encode(), "lab/secret": secret}, path)


def boot(initrd, disks, log, limit, heard=None):
    """Boot these files; returns what the machine has come to, and its console."""
    try:
        with vm.VM(firmware.get(), tree.system(GUEST, KERNEL) + "/vmlinuz", initrd,
                   observe.CONSOLE.format(root="/dev/mapper/root"), cases.GOOD, disks, log=log) as machine:
            machine.heard = heard
            machine.finish(limit)
            return machine.reason(), machine.console
    finally:
        os.unlink(initrd)


def search(lines, log, twin=False, heard=None):
    """Carry out a plan, with the host's twin of the root or without it; returns what was told."""
    plan = "\n".join(["ends refused" if twin else "ends root", "plain", "count", *lines]) + "\n"
    disks = [(bootbench.encrypted_disk(), "raw")] + ([(attack.twin(), "raw")] if twin else [])
    return Told(boot(image(plan, log + ".initrd"), disks, log, LIMIT, heard)[1])


@dataclasses.dataclass
class Sum:
    what: str
    uses: int
    runs: int
    ends: dict      # {proved, refused, panic, stays, bad: how many}
    left: int       # ended before the secret could be wiped
    slowest: int    # milliseconds


class Told:
    """What a guest has told."""

    def __init__(self, console):
        lines = re.findall(r"^\[ *\d+\.\d+\] LAB (.*)$", console, re.M)
        self.ended = "end" in lines
        self.plain = [line for line in lines if line.startswith("plain: ")]
        self.remarkable = [line for line in lines if re.match(r"(fault|kill) .*: ", line)]
        self.other = [line for line in lines if re.match(r"(cannot go on|hangs|memory)", line)]
        self.sums = []
        for what, text in re.findall(r"^\[ *\d+\.\d+\] LAB sum (.*?) (uses=\d+ .*)$", console, re.M):
            n = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}
            ends = {key: n[key] for key in ("proved", "refused", "panic", "stays", "bad")}
            self.sums.append(Sum(what, n["uses"], n["runs"], ends, n["left"], n["slowest"]))

    runs = property(lambda self: sum(s.runs for s in self.sums))

    def complaints(self, twin=False):
        """Why it is not as it should be, a line each."""
        bad = [] if self.ended else ["the guest has not come to the end of its plan", *self.other]
        wanted = "plain: refused code=31 " if twin else "plain: proved code=0 "
        bad += [f"without a fault: {line}" for line in self.plain if not line.startswith(wanted)]
        bad += [] if self.plain else ["nothing was tried without a fault"]
        bad += [line for line in self.remarkable if re.search(": (BAD|stays) ", line)]
        total = {key: sum(s.ends[key] for s in self.sums) for key in ("proved", "refused", "panic", "stays", "bad")}
        if total["bad"] or total["stays"] or not self.runs or sum(total.values()) != self.runs:
            bad.append(f"{self.runs} runs: {total}")
        if twin and total["proved"]:
            bad.append(f"{total['proved']} runs have come to a root where none is to be trusted")
        return bad


def memory(log):
    """(pss, rss, largest): KiB of PID 1 and all of its children together, where their sum is largest, by their parts
    of what they share and without that; and of the largest of them. The key derivation is a cheap one."""
    console = boot(image("plain\nweigh\n", log + ".initrd"), [(bootbench.encrypted_disk(), "raw")], log, LIMIT)[1]
    found = re.search(r"LAB memory pss=(\d+) rss=(\d+) largest=(\d+)$", console, re.M)
    if not found or not Told(console).ended:
        raise cache.LabError(f"memory was not weighed (console: {log})")
    return tuple(map(int, found.groups()))


def weight():
    """The line of the benchmark; the limit holds for what the machine has to have for all of them."""
    pss, rss, largest = memory(os.path.join(observe.results_directory(), "memory"))
    return (f"memory of PID 1 and its children, largest sum at any call: {pss} KiB, what is shared counted once (Pss; "
            f"limit {12 * bootbench.MB // 1024}); {rss} KiB, counted in each (Rss); the largest process {largest} KiB")


# The handful of one case.

HANDFUL = (("openat2", 2), ("mount", 2), ("ioctl", 2), ("clone", 1))


def handful(log):
    """Complaints about a few runs, with seeds of their own."""
    seed = random.randrange(1 << 30)
    cache.say(f"faults: seed {seed}")
    known = calls()
    lines = [each(EIO, 0, more, seed, (name,)) for name, more in HANDFUL if name in known]
    return search([*lines, f"kills 2 {seed}"], log).complaints()


# The search.

def report(told):
    known = {n: name for name, n in calls().items()}
    for s in told.sums:
        what = re.sub(r"call=(\d+)", lambda m: f"{known.get(int(m.group(1)), m.group(1)):18}", s.what)
        yield (f"{what:34} uses {s.uses:5} runs {s.runs:4}  " + " ".join(f"{k} {v:4}" for k, v in s.ends.items())
               + f"  secret left {s.left:4}  slowest {s.slowest} ms")
    total = {key: sum(s.ends[key] for s in told.sums) for key in ("proved", "refused", "panic", "stays", "bad")}
    yield f"{len(told.sums)} lines, {told.runs} runs: " + ", ".join(f"{v} {k}" for k, v in total.items())


def kill_in_boot(number, chance, results):
    """One boot in which a descendant of PID 1 is killed at a random moment. Returns complaints."""
    moment = chance.randrange(1200), 9, chance.randrange(1 << 16)
    log = os.path.join(results, f"kill-{number}")
    initrd = pid1.killing(GUEST, tree.standalone(GUEST, KERNEL, CONF), moment, log + ".initrd")
    reason, console = boot(initrd, [(bootbench.encrypted_disk(), "raw")], log, 120)
    refused, reached = console.count("coco-unlock: FAILED"), len(re.findall("LAB first$", console, re.M))
    looks = [f"coco-unlock: {look}: " in console for look in ("root", "mounts")]
    killed = re.search("LAB (kills.*)$", console, re.M)
    failed = re.search("coco-unlock: FAILED (.*?) next=", console)
    print(f"boot {number}: {moment}: {killed.group(1) if killed else 'nobody is killed'}; "
          f"{'the root' if reached else ''}{failed.group(1) if failed else ''}; {reason}", flush=True)
    bad = [] if reason == "poweroff" else [f"it ends by {reason}"]
    if reached and not all(looks):
        bad.append("the root, and it is not proved")
    if refused + reached != 1:
        bad.append(f"{refused} refusals, and {reached} times the root")
    return [f"boot {number} (console: {log}): {b}" for b in bad]


def run(args):
    """The subcommand `faults`."""
    seed = args.seed or random.randrange(1 << 30)
    chance, results = random.Random(seed), observe.results_directory()
    vm.accelerator(lambda: tree.stock_kernel(GUEST))
    print(f"seed {seed}; consoles in {results}", flush=True)
    known, bad = calls(), []
    shares = [f"part {part} {args.of}" for part in [args.part] if args.of > 1]
    plans = {"good": (False, [each(EIO, BOUND, MORE, seed), each(ENOMEM, 12, 2, seed),
                              each(EIO, 1, 0, seed, ("reboot",)), f"kills {args.kills} {seed}",
                              *(each(error, 6, 4, seed, [name for name in names if name in known])
                               for error, names in SURVIVED.items())]),
             "twin": (True, [each(EIO, BOUND, MORE, seed)])}
    for name, (twin, lines) in plans.items():
        if args.only and name != args.only:
            continue
        told = search([*shares, *lines], os.path.join(results, "faults-" + name), twin,
                      lambda text: cache.live(text.strip()[-60:]))
        print("\n".join([f"{name}:", *report(told), *told.remarkable]), flush=True)
        bad += [f"{name}: {b}" for b in told.complaints(twin)]
    for number in range(args.boots if args.only in (None, "boots") else 0):
        bad += kill_in_boot(number, chance, results)
    print("\n".join(["NOT AS EXPECTED:", *bad] if bad else ["all as expected"]))
    return 1 if bad else 0
