#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# headers.t - forged headers with good checksums in both copies and the right key (../headers): refused by the rule
# that is meant, which the message names, with the disk as it was and the secret gone; those that may pass do pass.
# Needs: cryptsetup python3

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/headers"))
# pylint: disable=wrong-import-position
import bases      # noqa: E402
import mutants    # noqa: E402

PROGRAM = os.path.abspath(os.environ.get("COCO_UNLOCK") or TOP / "build/coco-unlock")
GUID = "736869e5-84f0-4973-92ec-06879ce3da0b"
KEY = b"cana" + b"ry-5Xw"
ENV = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LC_ALL": "C"}
# The second oracle, libcryptsetup's accessors, has nothing to say of a header that the first one has accepted; its
# rules are shown in unit/volume/volume.c with accessors that lie. segment-alignment is about the disk's size, which is
# the same for all of these: cli/guest/profiles.t.
RULES = {"metadata-size", "second-copy-missing", "header-offset", "checksum-algorithm", "checksum", "reserved-bytes",
         "copies-differ", "label", "uuid", "json", "json-duplicate-key", "unknown-key", "one-segment", "segment-type",
         "segment-cipher", "segment-integrity", "segment-size", "segment-offset", "segment-iv-tweak",
         "segment-sector-size", "segment-flags", "keyslot-count", "keyslot-id", "keyslot-type", "keyslot-key-size",
         "keyslot-priority", "keyslot-area", "keyslot-cipher", "keyslot-af", "keyslot-kdf", "kdf-cost", "digest-count",
         "digest", "digest-binding", "token", "config", "config-flags", "requirements"}


class Tap:
    number = failed = 0

    def ok(self, good, name, *more):
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", *(f"# {m}" for m in more if not good), sep="\n")

    def same(self, name, got, wanted):
        self.ok(got == wanted, name, f"got:    {got}", f"wanted: {wanted}")


class Tree:
    """A machine with one disk and one secret."""

    def __init__(self, top):
        self.top = pathlib.Path(top)
        for name in ("etc/coco-unlock", "run", "dev", "proc", "sys/class/block/vda/device",
                     "sys/kernel/security/secrets/coco"):
            (self.top / name).mkdir(parents=True)
        self.disk, self.tab = self.top / "dev/vda", self.top / "etc/coco-unlock/cocotab"
        self.secret = self.top / "sys/kernel/security/secrets/coco" / GUID

    def run(self, verb, data, options=""):
        """Returns (exit code, rule that the message names, what else is wrong)."""
        self.disk.write_bytes(data)
        self.secret.write_bytes(KEY)
        shutil.rmtree(self.top / "run")
        (self.top / "run").mkdir()
        # By path: libblkid 2.42 takes hdr-offset-1st for no LUKS at all.
        self.tab.write_text(f"root /dev/vda - {options or '-'}\n")
        done = subprocess.run([PROGRAM, f"--root={self.top}", verb], stdin=subprocess.DEVNULL, capture_output=True,
                              env=ENV, check=False)
        said = done.stdout + done.stderr
        wrong = []
        if self.disk.read_bytes() != data:
            wrong.append("the disk was written to")
        if verb == "unlock" and self.secret.exists():
            wrong.append("the entry is still there")
        if KEY in said or any(KEY in p.read_bytes() for p in (self.top / "run").rglob("*") if p.is_file()):
            wrong.append("the secret was told")
        rule = re.search(r"breaks the rule '([a-z0-9-]+)'", said.decode(errors="replace"))
        return done.returncode, rule and rule.group(1), wrong


def expected(mutant):
    if mutant.expected == mutants.ACCEPTED:
        return 0, None, []
    if mutant.expected == mutants.NOT_LUKS2:
        return 19, None, []
    return 6, mutant.expected, []


VERSION = tuple(int(n) for n in re.search(r" (\d+)\.(\d+)", subprocess.run(["cryptsetup", "--version"], capture_output=True,
                                                                         env=ENV, text=True, check=True).stdout).groups())


def cryptsetup_opens(path, keyfile):
    # SIGKILL, because a key derivation does not end for less.
    try:
        done = subprocess.run(["cryptsetup", "open", "--test-passphrase", "--disable-locks", "--batch-mode",
                               "--key-file", keyfile, path], stdin=subprocess.DEVNULL, capture_output=True, env=ENV,
                              check=False, timeout=20)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="coco-headers-") as tmp:
        base = bases.Bases(tmp, KEY)
        tree = Tree(tmp + "/tree")
        hit = set()
        for mutant in mutants.MUTANTS:
            data = mutants.make(mutant, base[mutant.base])
            verdict = tree.run("unlock", data, mutant.options)
            tap.same(f"{mutant.name}: {mutant.expected}", verdict, expected(mutant))
            hit.add(verdict[1])
            if mutant.why and VERSION < mutant.until:
                forged = base.path("forged")
                base.write(forged, data)
                opened = cryptsetup_opens(forged, base.keyfile)
                tap.ok(opened, f"premise: cryptsetup takes {mutant.name} ({mutant.why})")
        tap.same("each rule has refused one", sorted(RULES - hit), [])
        accepted = [m for m in mutants.MUTANTS if m.expected == mutants.ACCEPTED]
        tap.ok(len(mutants.MUTANTS) >= 100 and len(accepted) >= 15, "there are enough of them, and of those that pass")
        # check judges as unlock does: one of each rule, and what passes.
        for mutant in {m.expected: m for m in mutants.MUTANTS}.values():
            verdict = tree.run("check", mutants.make(mutant, base[mutant.base]), mutant.options)
            tap.same(f"check agrees on {mutant.name}", verdict, expected(mutant))
    print(f"1..{tap.number}")
    return tap.failed > 0


sys.exit(main())
