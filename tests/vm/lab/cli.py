# SPDX-License-Identifier: GPL-2.0-or-later
"""The subcommands: prepare, boot, run, demo, try, bench, faults. TAP and results go to stdout, progress to stderr."""

import argparse
import dataclasses
import os
import signal
import subprocess
import sys

from . import bench, bootbench, brokerbench, cache, cases, demo, disk, faults, firmware, observe, suite, tree, trial, vm

NEEDS = os.path.join(tree.PROJECT, "tests/needs.sh")


def missing():
    """What the machine lacks to run the lab, as one text, or None."""
    done = subprocess.run([NEEDS, "lab"], stderr=subprocess.PIPE, text=True, check=False)
    lack = done.stderr.splitlines()
    if os.geteuid() != 0:
        lack.append("root is missing: for mmdebstrap, chroot and mount namespaces")
    return "; ".join(lack) or None


def prepare(combos):
    """Everything that is cached and that the plain boots of these combos need."""
    fw = firmware.get()
    cache.say(f"firmware {fw.path}")
    cache.say(f"firmware sha256 {fw.digest}, secret area {fw.secret[0]:#x}+{fw.secret[1]:#x}, "
              f"hash area {fw.hashes[0]:#x}+{fw.hashes[1]:#x}")
    for combo in combos:
        tree.initramfs(combo.guest, combo.kernel)
        disk.root(combo.guest, combo.kernel, cases.KEY)
    vm.accelerator(lambda: tree.stock_kernel("d12"))


def combos(suites):
    if not suites:
        return list(cases.SHORT)
    return [c for c in cases.ALL if tree.SUITES[c.guest] in suites or c.guest in suites]


def boot(args):
    """One boot for a human: the console goes to stdout as it comes."""
    pairs = cases.selected([args.case], False)
    if not pairs:
        raise cache.LabError(f"no case {args.case}")
    label, case, combo = pairs[0]
    case = dataclasses.replace(case, cmdline=case.cmdline + tuple(args.append.split()))
    prepare([combo])
    case = observe.settled(case, combo)
    log = os.path.join(observe.results_directory(), label)
    seen = observe.run(case, combo, log, heard=lambda text: print(text, end="", flush=True))
    complaints = suite.verdict.judge(case, combo, case.expect, seen)
    print(f"\n-- {label}: the machine ended by {seen.reason}; console in {log}")
    for complaint in complaints:
        print(f"-- {complaint}")
    return 1 if complaints else 0


def stop(number, _frame):
    """On a signal no machine may stay behind."""
    vm.kill_all()
    print("lab: interrupted", file=sys.stderr, flush=True)
    os._exit(128 + number)


def main(argv):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    parser = argparse.ArgumentParser(prog="lab.py",
                                     description="Boots real Debian guests from a launch secret under QEMU.")
    sub = parser.add_subparsers(dest="verb", required=True)
    p = sub.add_parser("prepare", help="build everything that is cached")
    p.add_argument("--suite", action="append", help="only this guest: bookworm or trixie")
    p = sub.add_parser("boot", help="run one case with its console on stdout")
    p.add_argument("case", nargs="?", default="boot")
    p.add_argument("--append", default="", help="more words for the kernel command line")
    p = sub.add_parser("run", help="run the cases, TAP on stdout")
    p.add_argument("--full", action="store_true", help="every case on every guest it makes sense on")
    p.add_argument("--skip-as-fail", action="store_true",
                   help="what cannot run for want of root or a program is a failure")
    p.add_argument("-j", type=int, default=2, help="machines at once (2)")
    p.add_argument("case", nargs="*", help="CASE or CASE@GUEST; all without one")
    sub.add_parser("list", help="list the cases")
    p = sub.add_parser("demo", help="boots of a stock Debian 12 kernel, as time lines")
    p = sub.add_parser("try", help="boot files of one's own, with the terminal as the console")
    trial.add_arguments(p)
    p = sub.add_parser("bench", help="compare with cryptsetup in one guest, and whole boots")
    p.add_argument("-n", type=int, default=15, help="runs of each in the guest (15)")
    p.add_argument("--boots", type=int, default=5, help="boots of each (5)")
    p.add_argument("--broker", type=int, default=15, help="runs of each that ask a key broker (15)")
    p = sub.add_parser("faults", help="PID 1 of an image of our own, each call failing at each use (takes hours)")
    p.add_argument("--seed", type=int, help="of what is left to chance; printed")
    p.add_argument("--boots", type=int, default=10, help="boots in which a child is killed (10)")
    p.add_argument("--kills", type=int, default=100, help="children that are killed in the namespace (100)")
    p.add_argument("--only", choices=("good", "twin", "boots"),
                   help="one of three: without the host's twin of the root, with it, or whole boots")
    p.add_argument("--part", type=int, default=0, help="which share of the runs (0) ...")
    p.add_argument("--of", type=int, default=1, help="... of so many (1)")
    args = parser.parse_args(argv)
    try:
        lack = missing()
        if args.verb == "list":
            for label, _, _ in cases.selected([], True):
                print(label)
            return 0
        if args.verb == "run":
            return suite.run(args.case, args.full, args.j, args.skip_as_fail, lack)
        if lack:
            raise cache.LabError(f"{lack}; as root, make deps installs all that it needs")
        if args.verb == "prepare":
            return prepare(combos(args.suite))
        if args.verb == "boot":
            return boot(args)
        if args.verb == "try":
            return trial.run(args)
        if args.verb == "faults":
            return faults.run(args)
        if args.verb == "demo":
            return demo.run()
        if args.n > 0:
            bench.run(args.n)
        if args.broker > 0:
            brokerbench.run(args.broker)
        if args.boots > 0:
            bootbench.run(args.boots)
            print(faults.weight())
        return 0
    except cache.LabError as e:
        print(f"lab: {e}", file=sys.stderr)
        return 1
