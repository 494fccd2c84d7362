#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill.t - coco-secret killed at 50 random points each of prepare and of rotate, half of them of each with and
# without --remove-old and --finish: the data are as they were, and a key opens the disk, after coco-secret repair at the
# latest. Which points these are is left to chance; unit/owner/disk/header.c has each write of a header, one after the
# other. COCO_KILLS is the number of points instead of 25.
# Needs: cryptsetup python3

import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/lib"))
import table      # noqa: E402  pylint: disable=wrong-import-position

OWNER = os.path.abspath(os.environ.get("COCO_SECRET") or TOP / "build/coco-secret")
KEY = b"cana" + b"ry-5Xw old"
ENV = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LC_ALL": "C"}
POINTS, DATA = int(os.environ.get("COCO_KILLS") or 25), 1 << 20


def run(*command):
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, env=ENV, check=False)


def must(*command):
    done = run(*command)
    assert done.returncode == 0, (command, done.stderr)


class Bench:
    """Files of one run, made anew from `start` for each."""

    def __init__(self, top, start):
        self.top, self.start = pathlib.Path(top), start
        self.disk = self.top / "disk"
        self.data = hashlib.sha256(start["disk"][DATA:]).digest()

    def path(self, name):
        return self.top / name

    def reset(self):
        for path in self.top.iterdir():
            path.unlink()
        for name, content in self.start.items():
            self.path(name).write_bytes(content)

    def spawn(self, words):
        return subprocess.Popen([OWNER] + [str(self.path(w[1:])) if w[0] == "@" else w for w in words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENV)

    def duration(self, words):
        """Of three whole runs, the one in the middle."""
        took = []
        for _ in range(3):
            self.reset()
            begin = time.monotonic()
            assert self.spawn(words).wait() == 0, words
            took.append(time.monotonic() - begin)
        return sorted(took)[1]

    def opens(self, tables):
        return [t for t in tables if self.path(t).exists() and
                run(OWNER, "verify", self.disk, self.path(t)).returncode == 0]

    def killed(self, words, delay):
        self.reset()
        child = self.spawn(words)
        time.sleep(delay)   # to a random point; nothing is waited for
        child.send_signal(signal.SIGKILL)
        return child.wait() != 0

    def state(self, tables, again):
        """What is wrong after a kill, and what can be said of it."""
        if hashlib.sha256(self.disk.read_bytes()[DATA:]).digest() != self.data:
            return "the data have changed", None
        if {p.name for p in self.top.iterdir()} - set(self.start) - set(tables) - {t + ".new" for t in tables}:
            return f"other files: {list(self.top.iterdir())}", None
        repaired = ""
        opening = self.opens(tables)
        if not opening:
            done = run(OWNER, "repair", self.disk)
            if done.returncode:
                return f"repair says {done}", None
            repaired, opening = " after a repair", self.opens(tables)
        if not opening:
            return "no table opens the disk", None
        # And one can go on from there.
        if not again:
            return None, "+".join(opening) + repaired
        child = self.spawn(again)
        if child.wait() not in (0, 2):
            return f"the same again ends with {child.returncode}", None
        if not self.opens(tables):
            return "after the same again no table opens the disk", None
        return None, "+".join(opening) + repaired


def points(tap, bench, name, words, tables):
    """Kills at random points, spread over the time that a whole run takes."""
    whole = bench.duration(words)
    wrong, seen, early = [], {}, 0
    for i in range(POINTS):
        early += bench.killed(words, whole * (i + random.random()) / POINTS)
        fault, state = bench.state(tables, [*words, "--force"] if i % 5 == 0 else None)
        seen[state] = seen.get(state, 0) + 1
        if fault:
            wrong.append(fault)
    tap(not wrong, f"{name}: {POINTS} kills, the data and a key are there", wrong)
    print(f"# a run takes {whole * 1000:.0f} ms, {early} died; what opens the disk then: {seen}")


def main():
    results = []

    def tap(good, name, *more):
        results.append(good)
        print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", *(f"# {m}" for m in more if not good), sep="\n")

    with tempfile.TemporaryDirectory(prefix="coco-kill-") as tmp:
        disk, key = pathlib.Path(tmp) / "disk", pathlib.Path(tmp) / "key"
        key.write_bytes(KEY)
        disk.write_bytes(bytes(DATA) + os.urandom(DATA))
        must("cryptsetup", "luksFormat", "-q", "--disable-locks", "--key-file", key, "--luks2-metadata-size", "16k",
             "--luks2-keyslots-size", "768k", "--offset", "2048", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
             disk)
        start = {"disk": disk.read_bytes(), "key": KEY, "passphrase": table.table([(table.LUKS, KEY)])}
        disk.unlink()
        key.unlink()
        prepare = ["prepare", "@disk", "-o", "@table", "--key-file", "@key"]
        points(tap, Bench(tmp, start), "prepare", prepare, ["passphrase", "table"])
        points(tap, Bench(tmp, start), "prepare --remove-old", prepare + ["--remove-old"], ["passphrase", "table"])

        bench = Bench(tmp, start)
        bench.reset()
        must(OWNER, "prepare", bench.disk, "-o", bench.path("old"), "--key-file", bench.path("key"), "--remove-old")
        start = {name: bench.path(name).read_bytes() for name in ("disk", "old")}
        rotate = ["rotate", "@disk", "--table", "@old", "-o", "@new"]
        bench = Bench(tmp, start)
        points(tap, bench, "rotate", rotate, ["old", "new"])

        bench.reset()
        must(OWNER, "rotate", bench.disk, "--table", bench.path("old"), "-o", bench.path("new"))
        start = {name: bench.path(name).read_bytes() for name in ("disk", "old", "new")}
        finish = ["rotate", "--finish", "@disk", "--table", "@old", "--new", "@new", "-o", "@final"]
        points(tap, Bench(tmp, start), "rotate --finish", finish, ["old", "new", "final"])
    print(f"1..{len(results)}")
    return not all(results)


sys.exit(main())
