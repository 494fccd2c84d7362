# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints results as TAP, for prove(1). Trusts no test to end well: the plan comes last, so one that dies early
has none and fails."""

import threading

_lock = threading.Lock()
_nr = _failed = 0


def ok(good, name, *why):
    """why: lines that are shown if it is not good."""
    global _nr, _failed
    with _lock:
        _nr += 1
        _failed += not good
        print(f"{'ok' if good else 'not ok'} {_nr} - {name}", flush=True)
        for text in () if good else why:
            print("".join(f"# {line}\n" for line in str(text).splitlines()), end="", flush=True)
    return bool(good)


def equal(got, wanted, name):
    return ok(got == wanted, name, f"got:    {got}", f"wanted: {wanted}")


def skip(reason):
    """For what no package brings: continuous integration does not take it amiss."""
    global _nr
    with _lock:
        _nr += 1
        print(f"ok {_nr} # SKIP {reason}", flush=True)


def done():
    """Returns the exit code."""
    print(f"1..{_nr}", flush=True)
    return _failed > 0
