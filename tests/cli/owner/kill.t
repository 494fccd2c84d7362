#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill.t - coco-secret killed at random points of each verb that writes a disk, and raced against itself: nothing is
# lost. Some secret file that is there opens the disk, the data are as they were, no secret file opens nothing, and one
# can go on. Which points these are is left to chance; unit/owner/disk/header.c has each write of a header, one after the
# other. COCO_KILLS is the number of kills of each verb, COCO_RACES that of the races of each pair, instead of 25.
# Needs: cryptsetup python3 mke2fs

import contextlib
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(TOP / "tests/lib"))
import table      # noqa: E402  pylint: disable=wrong-import-position
import volume     # noqa: E402  pylint: disable=wrong-import-position

OWNER = os.path.abspath(os.environ.get("COCO_SECRET") or TOP / "build/coco-secret")
KEY = b"cana" + b"ry-5Xw old"
ENV = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LC_ALL": "C"}
KILLS, RACES = int(os.environ.get("COCO_KILLS") or 25), int(os.environ.get("COCO_RACES") or 25)
DATA, MIB = 1 << 20, 1 << 20
FS_SIZE = 18 * MIB  # in place, 2 MiB of it are behind the part that is moved first
ENDS = (0, 2, 4)  # done; refused; a file that the other one has, too


def run(*command, stdin=None):
    return subprocess.run([str(c) for c in command], input=stdin or b"", capture_output=True, env=ENV, check=False)


def must(*command):
    done = run(*command)
    assert done.returncode == 0, (command, done.stderr)
    return done


class Bench:
    """Files of one run, made anew from `start` for each. A word @NAME is the file of that name."""

    def __init__(self, top, start):
        self.top, self.start = pathlib.Path(top), start

    def path(self, name):
        return self.top / name

    def reset(self):
        for path in self.top.iterdir():
            path.unlink()
        for name, content in self.start.items():
            with open(self.path(name), "wb") as f:
                # Holes stay holes.
                for at in range(0, len(content), MIB):
                    if content[at:at + MIB].strip(b"\0"):
                        f.seek(at)
                        f.write(content[at:at + MIB])
                f.truncate(len(content))

    def words(self, words):
        return [OWNER] + [str(self.path(w[1:])) if w[0] == "@" else w for w in words]

    def spawn(self, words):
        return subprocess.Popen(self.words(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, env=ENV)

    def run(self, words):
        return run(*self.words(words))

    def duration(self, words):
        """Of three whole runs, the one in the middle."""
        took = []
        for _ in range(3):
            self.reset()
            begin = time.monotonic()
            done = self.run(words)
            assert done.returncode == 0, (words, done)
            took.append(time.monotonic() - begin)
        return sorted(took)[1]

    def killed(self, words, delay, how):
        """Runs it up to there. Returns whether it died, and what it has said."""
        child = self.spawn(words)
        time.sleep(delay)   # to a random point; nothing is waited for
        child.send_signal(how)
        said = child.communicate()[0]
        return child.returncode not in (0, 2, 4), said.decode()

    def exist(self, names):
        return [n for n in names if self.path(n).exists()]

    def strangers(self, names):
        return {p.name for p in self.top.iterdir()} - set(self.start) - set(names) - {n + ".coco-new" for n in names}


class Tables(Bench):
    """An encrypted disk and its tables."""

    def __init__(self, top, start, tables):
        super().__init__(top, start)
        self.tables = tables
        self.data = hashlib.sha256(start["disk"][DATA:]).digest()

    def opening(self):
        return [t for t in self.exist(self.tables) if self.run(["verify", "@disk", "@" + t]).returncode == 0]

    def fault(self, said):
        if hashlib.sha256(self.path("disk").read_bytes()[DATA:]).digest() != self.data:
            return "the data have changed"
        if self.strangers(self.tables):
            return f"other files: {self.strangers(self.tables)}"
        if not self.opening():
            done = self.run(["repair", "@disk"])
            if done.returncode:
                return f"repair says {done}"
            if not self.opening():
                return "no table opens the disk"
        key = re.search(r"^ {4}(\S+)$.*opens keyslot", said, re.M | re.S)
        if key and run("cryptsetup", "open", "--test-passphrase", "--disable-locks", "--key-file", "-",
                       self.path("disk"), stdin=key[1].encode()).returncode:
            return "the recovery key opens nothing"
        return None

    def go_on(self, words):
        done = self.run([*words, "--force"] if "-o" in words else words)
        if done.returncode not in (0, 2):
            return f"the same again: {done}"
        return None if self.opening() else "after the same again no table opens the disk"


class NewImage(Bench):
    """A plain image, which becomes an encrypted file."""

    def fault(self, _):
        secrets = self.exist(["k1", "k2"])
        if self.path("fs").read_bytes() != self.start["fs"]:
            return "the image has changed"
        if self.strangers(["out", "k1", "k2"]):
            return f"other files: {self.strangers(['out', 'k1', 'k2'])}"
        if not self.path("out").exists():
            return f"secrets that open nothing: {secrets}" if secrets else None
        if len(secrets) != 1:
            return f"secrets of the one image: {secrets}"
        return self.decrypts("out", secrets[0])

    def decrypts(self, disk, secret):
        """The first 16 bytes of each sector, which need no more of XTS than AES twice."""
        with open(self.path(disk), "rb") as f:
            try:
                header = volume.read_json(f, 0)
                segment = header["segments"]["0"]
                size, start = segment.get("sector_size"), int(segment["offset"])
                if segment["type"] != "crypt" or len(header["segments"]) != 1:
                    return f"it is not all encrypted: {header['segments']}"
                key = volume.volume_key(f, 0, header, self.path(secret).read_bytes())
            except SystemExit as error:
                return f"{secret}: {error}"
            f.seek(start)
            data = f.read(FS_SIZE)
        tweaks = volume.ecb(key[32:], b"".join(struct.pack("<QQ", i // 512, 0) for i in range(0, FS_SIZE, size)), False)
        units = b"".join(data[i:i + 16] for i in range(0, len(data), size))
        if len(data) < FS_SIZE:
            return f"it has {len(data)} bytes"
        plain = volume.xor(volume.ecb(key[:32], volume.xor(units, tweaks), True), tweaks)
        same = plain == b"".join(self.start["fs"][i:i + 16] for i in range(0, FS_SIZE, size))
        return None if same else "the data have changed"

    def go_on(self, words):
        done = self.run([*words, "--force"])
        return f"the same again: {done}" if done.returncode else self.fault("")


class InPlace(NewImage):
    """A plain image, which is encrypted where it is."""

    def fault(self, said):
        secrets = self.exist(["k1", "k2"])
        if self.strangers(["k1", "k2", "fs.header", "link.header"]):
            return f"other files: {self.strangers(['k1', 'k2', 'fs.header', 'link.header'])}"
        if len(secrets) > 1:
            return f"two secrets of the one disk; {said}"
        words = ["encrypt", "--in-place", "--secret" if secrets else "--secret-out", "@" + (secrets or ["k1"])[0], "@fs"]
        # It may die again, and again.
        while random.random() < 0.5:
            if not self.killed(words, random.random() * 0.3, signal.SIGKILL)[0]:
                break
            words[2:4] = ["--secret", "@k1"] if self.exist(["k1"]) else words[2:4]
        if not secrets and self.exist(["k1"]):
            words[2:4] = ["--secret", "@k1"]
        done = self.run(words)
        if done.returncode not in (0, 2) or done.returncode == 2 and b"encrypted already" not in done.stderr:
            return f"it does not go on: {done}"
        if secrets and done.returncode == 0 and b"goes on" not in done.stdout:
            return "the secret has opened nothing"
        if self.path("fs").stat().st_size != FS_SIZE + 16 * MIB:
            return f"it has {self.path('fs').stat().st_size} bytes"
        if self.exist(["fs.header", "link.header"]):
            return "a backup is left"
        return self.decrypts("fs", (secrets or ["k1"])[0])

    def go_on(self, words):
        return None


def kills(tap, bench, name, words):
    """Kills at random points, spread over the time that a whole run takes."""
    whole = bench.duration(words)
    wrong, early = [], 0
    for i in range(KILLS):
        bench.reset()
        died, said = bench.killed(words, whole * (i + random.random()) / KILLS,
                                  (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)[i % 3])
        early += died
        fault = bench.fault(said) or (bench.go_on(words) if i % 5 == 0 else None)
        if fault:
            wrong.append(fault)
    tap(not wrong, f"{name}: {KILLS} kills, the data and a secret are there", *wrong)
    print(f"# a run takes {whole * 1000:.0f} ms, {early} died", flush=True)


def races(tap, bench, name, first, second, before=contextlib.nullcontext):
    """Both at once; every other time the first one is stopped at a random point until the second one has ended."""
    whole = bench.duration(first)
    wrong, ends = [], {}
    for i in range(RACES):
        bench.reset()
        with before() as device:
            two = [w if w != "@loop" else device for w in second]
            children = [bench.spawn(first)]
            time.sleep(whole * random.random() * (1 if i % 2 else 0.1))
            if i % 2:
                children[0].send_signal(signal.SIGSTOP)
            children.append(bench.spawn(two))
            said = [children[1].communicate()[0].decode()] if i % 2 else []
            children[0].send_signal(signal.SIGCONT)
            said = "".join([children[0].communicate()[0].decode()] + said)
            if not i % 2:
                said += children[1].communicate()[0].decode()
        codes = tuple(c.returncode for c in children)
        ends[codes] = ends.get(codes, 0) + 1
        # One may find the disk locked, and the other one, being earlier, no room on it.
        full = "no room for another keyslot" in said
        fault = f"ended with {codes}: {said}" if set(codes) - set(ENDS) or not (0 in codes or full) else bench.fault(said)
        if fault:
            wrong.append(fault)
    tap(not wrong, f"{name}: {RACES} races, the data and a secret are there", *wrong)
    print(f"# exit codes: {ends}", flush=True)


def make_disk(top):
    disk, key = top / "disk", top / "key"
    key.write_bytes(KEY)
    disk.write_bytes(bytes(DATA) + os.urandom(DATA))
    must("cryptsetup", "luksFormat", "-q", "--disable-locks", "--key-file", key, "--luks2-metadata-size", "16k",
         "--luks2-keyslots-size", "768k", "--offset", "2048", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000",
         disk)
    return {"disk": disk.read_bytes(), "key": KEY, "passphrase": table.table([(table.LUKS, KEY)])}


def after(bench, words, names):
    """The files when this has run."""
    bench.reset()
    must(*bench.words(words))
    return {name: bench.path(name).read_bytes() for name in names}


def of_tables(tap, top):
    start = make_disk(top)
    prepare = ["prepare", "@disk", "-o", "@table", "--key-file", "@key"]
    bench = Tables(top, start, ["passphrase", "table", "table2"])
    kills(tap, bench, "prepare", prepare)
    kills(tap, bench, "prepare --remove-old", prepare + ["--remove-old"])
    races(tap, bench, "prepare and prepare", prepare, prepare[:3] + ["@table2"] + prepare[4:])
    recovery = ["recovery", "@disk", "--key-file", "@key"]
    races(tap, bench, "prepare and recovery", prepare, recovery)

    start = after(bench, prepare + ["--remove-old"], ["disk", "table"])
    start = {"disk": start["disk"], "old": start["table"]}
    rotate = ["rotate", "@disk", "--table", "@old", "-o", "@new"]
    recovery = ["recovery", "@disk", "--table", "@old"]
    bench = Tables(top, start, ["old", "new", "new2"])
    kills(tap, bench, "rotate", rotate)
    kills(tap, bench, "recovery", recovery)
    races(tap, bench, "rotate and rotate", rotate, rotate[:-1] + ["@new2"])
    races(tap, bench, "rotate and recovery", rotate, recovery)
    races(tap, bench, "recovery and recovery", recovery, recovery)

    start = after(bench, rotate, ["disk", "old", "new"])
    bench = Tables(top, start, ["old", "new"])
    recovery += ["--new", "@new"]
    kills(tap, bench, "recovery during a rotation", recovery)
    with_key = after(bench, recovery, ["disk", "old", "new"])
    said = bench.run(["status", "@disk", "--table", "@old", "--new", "@new"]).stdout.decode()
    number = re.search(r"^  keyslot (\d+) .*for a passphrase", said, re.M)[1]
    remove = ["remove-keyslot", "@disk", "--table", "@old", "--new", "@new", "--keyslot", number, "--yes"]
    bench = Tables(top, with_key, ["old", "new"])
    kills(tap, bench, "remove-keyslot", remove)
    races(tap, bench, "remove-keyslot and recovery", remove, recovery)

    finish = ["rotate", "--finish", "@disk", "--table", "@old", "--new", "@new", "-o", "@final"]
    kills(tap, Tables(top, start, ["old", "new", "final"]), "rotate --finish", finish)


def of_images(tap, top):
    fs = top / "fs"
    fs.write_bytes(b"")
    must("truncate", "-s", FS_SIZE, fs)
    must("mke2fs", "-q", "-F", "-t", "ext4", fs)
    start = {"fs": fs.read_bytes()[:8 * MIB] + os.urandom(9 * MIB) + bytes(MIB)}
    bench = NewImage(top, start)
    encrypt = ["encrypt", "@fs", "@out", "--secret-out", "@k1"]
    kills(tap, bench, "encrypt", encrypt)
    races(tap, bench, "encrypt and encrypt", encrypt, encrypt[:-1] + ["@k2"])

    bench = InPlace(top, start)
    encrypt = ["encrypt", "--in-place", "--secret-out", "@k1", "@fs"]
    kills(tap, bench, "encrypt --in-place", encrypt)
    races(tap, bench, "in place and in place", encrypt, ["encrypt", "--in-place", "--secret-out", "@k2", "@fs"])

    @contextlib.contextmanager
    def link():
        os.link(top / "fs", top / "link")
        try:
            yield ""
        finally:
            (top / "link").unlink()

    races(tap, bench, "in place and by a hard link", encrypt,
          ["encrypt", "--in-place", "--secret-out", "@k2", "@link"], link)

    @contextlib.contextmanager
    def loop():
        device = must("losetup", "-f", "--show", top / "fs").stdout.decode().strip()
        try:
            yield device
        finally:
            run("losetup", "-d", device)

    if run("losetup", "-f").returncode:
        print("# no loop device here")
        return
    # A device is not made longer, so that it is its room that refuses the second one, or the lock.
    for i in range(min(RACES, 10)):
        bench.reset()
        first = bench.spawn(encrypt)
        time.sleep(0.01 * random.random() * i)
        first.send_signal(signal.SIGSTOP)
        with loop() as device:
            second = run(OWNER, "encrypt", "--in-place", "--secret-out", top / "k2", "--backup", top / "fs.header",
                         device)
        first.send_signal(signal.SIGCONT)
        said = first.communicate()[0].decode() + second.stderr.decode()
        fault = bench.fault(said)
        if fault or second.returncode != 2:
            tap(False, "in place and by a loop device", fault, said)
            return
    tap(True, "in place and by a loop device: the second one is refused")


def main():
    results = []

    def tap(good, name, *more):
        results.append(good)
        print(f"{'ok' if good else 'not ok'} {len(results)} - {name}", *(f"# {m}" for m in more if not good),
              sep="\n", flush=True)

    # In memory, where there is room: a kill is no loss of power.
    shm = pathlib.Path("/dev/shm")
    room = shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 256 * MIB
    with tempfile.TemporaryDirectory(prefix="coco-kill-", dir=shm if room else None) as tmp:
        of_tables(tap, pathlib.Path(tmp))
        for path in pathlib.Path(tmp).iterdir():
            path.unlink()
        of_images(tap, pathlib.Path(tmp))
    print(f"1..{len(results)}")
    return not all(results)


sys.exit(main())
