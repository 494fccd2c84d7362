# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run costs: seconds of each case and of each build, and of the processor where a machine ran.

A build counts for itself, not for the case that needed it, nor for the build around it; nor does a wait for somebody
else's build. What the cases have cost is kept in the cache: the next run begins with the longest."""

import contextlib
import json
import os
import threading
import time

_lock = threading.Lock()
_here = threading.local()       # elsewhere: seconds of this thread that count for something else; cpu: of its machines
_costs = []                     # (kind, name, seconds, of the processor)


def _add(name, seconds):
    setattr(_here, name, getattr(_here, name, 0) + seconds)


@contextlib.contextmanager
def elsewhere():
    """What is waited for counts for nobody."""
    began, before = time.monotonic(), getattr(_here, "elsewhere", 0)
    try:
        yield
    finally:
        _here.elsewhere = before + time.monotonic() - began


def machine(cpu):
    """A machine of this thread has ended, after so many seconds of the processor."""
    _add("cpu", cpu)


@contextlib.contextmanager
def of(kind, name):
    """What runs in this block has this name."""
    began, before, cpu = time.monotonic(), getattr(_here, "elsewhere", 0), getattr(_here, "cpu", 0)
    try:
        yield
    finally:
        took = time.monotonic() - began
        own = took - (getattr(_here, "elsewhere", 0) - before)
        with _lock:
            _costs.append((kind, name, own, getattr(_here, "cpu", 0) - cpu))
        _here.elsewhere = before + took


def lines():
    """The bill, dearest first: the kinds, then all there is of each."""
    kinds = {}
    for kind, *cost in _costs:
        kinds.setdefault(kind, []).append(cost)
    ranked = sorted(kinds.items(), key=lambda k: -sum(c[1] for c in k[1]))
    bill = ["cost in seconds, and in seconds of the machines' processor:"]
    bill += [line(f"{kind} ({len(costs)})", *totals(costs)) for kind, costs in ranked]
    bill.append(line(f"all ({len(_costs)})", *totals([c[1:] for c in _costs])))
    for kind, costs in ranked:
        bill += [line(f"  {kind} {name}", *cost) for name, *cost in sorted(costs, key=lambda c: -c[1])]
    return bill


def totals(costs):
    return sum(c[1] for c in costs), sum(c[2] for c in costs)


def line(what, seconds, cpu):
    return f"{seconds:7.1f} {f'{cpu:7.1f}' if cpu else '':7}  {what}"


def remembered(path):
    """{label: seconds} of the runs before."""
    try:
        with open(path) as f:
            return {label: float(seconds) for label, seconds in json.load(f).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def remember(path, kinds):
    """Keeps what the cases of these kinds have cost, with those of the runs before."""
    known = dict(remembered(path), **{name: round(seconds, 1) for kind, name, seconds, _ in _costs if kind in kinds})
    with open(path + ".new", "w") as f:
        json.dump(known, f)
    os.rename(path + ".new", path)
