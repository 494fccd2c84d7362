# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the chosen cases, at most two machines at once beside as many that mostly wait, and reports in TAP; what failed
says what was expected, what was seen, where the console is, and shows its end."""

import concurrent.futures
import os
import re
import sys
import threading
import time
import traceback

from . import (attested, cache, cases, cost, faults, firmware, headers, kept, observe, owner, proofs, session, tree,
               verdict, vm)


class Tap:
    """TAP on stdout; one test is reported at a time, with its diagnostics."""

    def __init__(self, count):
        self.lock = threading.Lock()
        self.number = self.failed = self.skipped = 0
        print(f"1..{count}", flush=True)

    def report(self, ok, name, diagnostics=(), skip=None):
        with self.lock:
            self.number += 1
            self.failed += not ok
            self.skipped += bool(skip)
            print(f"{'ok' if ok else 'not ok'} {self.number} - {name}" + (f" # SKIP {skip}" if skip else ""))
            for line in diagnostics:
                print(f"# {line}")
            sys.stdout.flush()


def run(names, full, jobs, skip_as_fail, lack):
    chosen = cases.selected(names, full)
    unknown = [n for n in names if not any(n in (label, case.name) for label, case, _ in chosen)]
    if unknown:
        raise cache.LabError("no such case: " + " ".join(unknown))
    tap = Tap(len(chosen) if lack else
              sum(session.count() if isinstance(c, headers.Session) else 1 for _, c, _ in chosen))
    if lack:
        for label, _, _ in chosen:
            if skip_as_fail:
                tap.report(False, f"vm/{label}", [lack])
            else:
                tap.report(True, f"vm/{label}", skip=lack)
        return 1 if skip_as_fail else 0
    results = observe.results_directory()
    cache.say(f"consoles in {results}")
    fw = firmware.get()
    cache.say(f"firmware {fw.path} sha256 {fw.digest}")
    vm.accelerator(lambda: tree.stock_kernel("d12"))
    known = cost.remembered(costs())
    # The longest first, or one of them runs alone at the end; one that is new may be long.
    chosen.sort(key=lambda c: -known.get(c[0], 3600 if isinstance(c[1], headers.Session) else 600))
    jobs = max(1, min(jobs, 2))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, concurrent.futures.ThreadPoolExecutor(jobs) as beside:
        waiting = [(beside if getattr(c[1], "idle", False) else pool).submit(one, tap, results, bool(names) or full, *c)
                   for c in chosen]
        for future in waiting:
            future.result()
    cost.remember(costs(), KINDS)
    for line in cost.lines():
        cache.say(line)
    return 1 if tap.failed else 0


def costs():
    """The file with what the cases have cost."""
    return cache.path("costs.json")


KINDS = ("boot", "refusal", "control", "session", "image", "forecast", "faults")


def kind(case):
    """What a case counts for in the bill."""
    if isinstance(case, cases.Case):
        return "boot" if case.boots else "control" if case.falls or case.silent else "refusal"
    return {headers.Session: "session", cases.Image: "image", cases.Forecast: "forecast",
            cases.Faults: "faults"}[type(case)]


def several(tap, results, label, case, combo):
    """A session: each of its results by itself; if it breaks down, the plan shows that they are missing."""
    log = os.path.join(results, label)
    try:
        found = session.run(case, combo, log)
    except cache.LabError as e:
        found = [("session", str(e).split("\n"))]
    except Exception:
        found = [("session", traceback.format_exc().split("\n"))]
    for name, complaints in found:
        tap.report(not complaints, f"vm/{label}: {name}", complaints + [f"console: {log}"] if complaints else [])
    bad = sum(bool(complaints) for _, complaints in found)
    cache.say(f"{'NOT OK' if bad else 'ok'} vm/{label}: {len(found)} results, {bad} bad")


def one(tap, results, anew, label, case, combo):
    day = None if anew else day_kept(case, combo)
    if day:
        tap.report(True, f"vm/{label} # kept from {day}: nothing that it is made of has changed")
        cache.say(f"ok vm/{label} (kept)")
        return
    with cost.of(kind(case), label):
        good = tried(tap, results, label, case, combo)
    if good:
        kept.keep(case, combo, os.path.join(results, label))


def day_kept(case, combo):
    """The day of a result that is kept. What cannot be built is told by the attempt to boot it."""
    try:
        return kept.found(case, combo)
    except cache.LabError:
        return None


def tried(tap, results, label, case, combo):
    """Is it good?"""
    if isinstance(case, headers.Session):
        several(tap, results, label, case, combo)
        return False
    name, began = f"vm/{label}", time.monotonic()
    try:
        if isinstance(case, cases.Image):
            complaints, more = image(case, combo), []
        elif isinstance(case, cases.Forecast):
            complaints, more = forecast(), []
        elif isinstance(case, cases.Faults):
            complaints, more = twice(faults.handful, os.path.join(results, label)), []
        else:
            complaints, more = twice(machine, case, combo, os.path.join(results, label))
    except cache.Lack as e:
        tap.report(True, name, skip=str(e))
        return False
    except cache.LabError as e:
        complaints, more = str(e).split("\n"), []
    except Exception:
        complaints, more = traceback.format_exc().split("\n"), []
    tap.report(not complaints, name, complaints + more if complaints else [])
    cache.say(f"{'ok' if not complaints else 'NOT OK'} {name} ({time.monotonic() - began:.0f} s)")
    return not complaints


def twice(function, *args):
    """function(*args), and once more if the lab itself fails: QEMU that does not start, a download, a debugger that is
    not heard. What a guest does is judged, and is no such error."""
    try:
        return function(*args)
    except cache.Lack:
        raise
    except cache.LabError as e:
        cache.say(f"once more: {e}")
        return function(*args)


def machine(case, combo, log):
    """A case, and those that follow it on the disk as its guest has left it."""
    written = writable(case, combo, log) if case.then else None
    seen = None
    try:
        for number, step in enumerate((case, *case.then)):
            step = observe.settled(step, combo)
            if step.before:
                step.before(observe.image(combo, case.disks[0]), written, seen)
            where = f"{log}.{number}" if case.then else log
            seen = observe.run(step, combo, where, written=None if step.fresh else written)
            complaints = verdict.judge(step, combo, step.expect, seen)
            if not complaints:
                blind = proofs.blind_to(step, combo, step.expect, seen)
                complaints = [f"the verdict does not notice {what}" for what in blind]
            if complaints:
                break
    finally:
        if written:
            os.unlink(written)
    more = [f"expected: {step.expect}", f"console: {where}"] + ["| " + line for line in observe.tail(seen)]
    return complaints, more


def writable(case, combo, log):
    """A copy of the first disk that the guest may write to."""
    cache.run(["cp", "--sparse=always", observe.image(combo, case.disks[0]), log + ".disk"])
    return log + ".disk"


def image(case, combo):
    """dracut must refuse, for the right reason; and it must build the same image when forced."""
    if case.lacks:
        without, having = (tree.has(combo.guest, tree.initramfs(combo.guest, combo.kernel, config), case.lacks)
                           for config in (case.config, attested.BUILT))
        return ([f"the image has {part}" for part in case.lacks if part in without]
                + [f"the image that asks a broker has no {part}" for part in case.lacks if part not in having])
    if case.warns:
        initrd = tree.initramfs(combo.guest, combo.kernel, case.config, case.drop, files=case.files)
        with open(os.path.join(os.path.dirname(initrd), "dracut.log"), errors="replace") as log:
            said = log.read()
        return [] if re.search(case.says, said) else [f"expected the image build to say {case.says!r}, seen:",
                                                      *said.split("\n")]
    try:
        tree.initramfs(combo.guest, combo.kernel, case.config, case.drop, files=case.files)
    except cache.LabError as e:
        if not re.search(case.says, str(e)):
            return [f"expected the image build to say {case.says!r}, seen:"] + str(e).split("\n")
    else:
        return ["dracut built an image that it should refuse"]
    tree.initramfs(combo.guest, combo.kernel, case.config, case.drop, force=True, files=case.files)
    return []


def forecast():
    """The owner's tool against what the boots have to come to."""
    wrong, codes = [], set()
    for case, code in cases.decided():
        combo = case.on[0]
        case = observe.settled(case, combo)
        wanted = case.disks[0]
        part = "#2" if wanted.kind == "owner" else ""
        seen, said = owner.forecast(combo.guest, observe.image(combo, wanted) + part, case.table, case.config or {})
        codes.add(code)
        if seen != code:
            wrong.append(f"{case.name}: the boot comes to {code}, verify says {seen}: {said}")
    cache.say(f"forecast: codes {sorted(codes)}")
    if len(codes) < 10:
        wrong.append(f"only these codes were asked for: {sorted(codes)}")
    return wrong
