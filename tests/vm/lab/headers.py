# SPDX-License-Identifier: GPL-2.0-or-later
"""The disk with all forged headers of tests/headers, one behind the other, and what is expected of each.

The first MiB has the list that guest/headers.c reads. Behind each header that must be refused lies a file system
of the attacker's, plain; behind the others the owner's, encrypted."""

import contextlib
import dataclasses
import glob
import os
import subprocess
import sys
import tempfile
import time

from . import cache, disk, table, tree

PLUGIN = os.path.join(os.path.dirname(tree.GUEST_FILES), "swap_plugin.py")
SOURCES = os.path.join(tree.PROJECT, "tests/headers")
sys.dont_write_bytecode = True
sys.path.insert(0, SOURCES)
import bases        # noqa: E402
import mutants      # noqa: E402

BASE = next(m for m in mutants.MUTANTS if m.name == "base-64")
EVIL = "seg-null"     # plaintext by every version of cryptsetup
MIB = 1 << 20
SLOT = 2 * MIB
KEY = table.secret("headers").hex().encode()
OWNER, ATTACKER = "owner", "attacker"
# In the file system of the owner; guest/headers.c looks for it.
MARKER = "MARKER of the owner\n"
RECIPE = 2


@dataclasses.dataclass(frozen=True)
class Session:
    """One good boot of a guest, in whose real root all of them are tried."""
    name: str
    on: tuple


# What `cryptsetup open` makes of a header, where that shows what a rule is for: a part of the mapping's table, and what
# a reader finds behind it. By guest where it differs. REFUSED: it does not open.
REFUSED = ("", "none")
LINEAR = (" linear ", ATTACKER)
NULL = (" crypt cipher_null-ecb ", ATTACKER)
CRYPT = (" crypt aes-xts-plain64 ", "unknown")
# 2.6.1 does not look at the type: it maps what the cipher says, and refuses a segment that has none.
BARE = {"d12": REFUSED, None: LINEAR}
DECORATED = {"d12": CRYPT, None: LINEAR}
CONTROLS = {
    "pri-bad-sec-null": NULL, "sec-newer-null": NULL, "sec-newer-null@32": NULL, "sec-newer-linear": DECORATED,
    "pri-same-seq-null": NULL, "dup-key": NULL, "dup-escaped": NULL, "dup-type": DECORATED,
    "dup-escaped-type": DECORATED,
    "two-seg": CRYPT, "two-seg-null": CRYPT,
    "seg-linear": BARE, "seg-linear@32": BARE, "seg-linear-decorated": DECORATED,
    "seg-unknown-type": BARE, "seg-unknown-decorated": DECORATED, "seg-null": NULL, "seg-null@32": NULL,
    "seg-null-capi": (" crypt capi:ecb(cipher_null)-plain ", ATTACKER), "seg-offset0": REFUSED,
    "seg-ecb@32": (" crypt aes-ecb ", "unknown"), "seg-null-iv@32": (" crypt aes-cbc-null ", "unknown"),
    "area-null-forged": BARE, "area-null-forged@32": BARE, "area-null-own-key": CRYPT,
    "area-null-forged-null": NULL,
}


KEY_IN_TABLE = r":{}:logon:cryptsetup:[0-9a-f-]{{36}}-d[01]"


def table_of(mutant):
    """The tables of the mappings that an accepted one has to have, as regular expressions."""
    offset = 2056 if mutant.name == "seg-offset" else 2048
    key = KEY_IN_TABLE.format({"32": 32, "integrity": 96}.get(mutant.base, 64))
    if mutant.base == "integrity":
        return {"mut": rf"0 \d+ crypt capi:authenc\(hmac\(sha256\),xts\(aes\)\)-plain64 {key} 0 \d+:\d+ 0 1 "
                       r"integrity:32:aead",
                "mut_dif": r"0 \d+ integrity \d+:\d+ 2048 32 J .*"}
    words = {"seg-sector4096": " 1 sector_size:4096"}.get(mutant.name, "")
    if "allow-discards" in mutant.options:
        words = " 1 allow_discards"
    return {"mut": rf"0 {4096 - offset} crypt aes-xts-plain64 {key} 0 \d+:\d+ {offset}{words}"}


def file_system(tmp, name, text):
    """The bytes of a file system of 1 MiB with one file, marker."""
    os.mkdir(f"{tmp}/{name}")
    disk.write(f"{tmp}/{name}/marker", text)
    cache.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal,^metadata_csum", "-L", name,
               "-d", f"{tmp}/{name}", f"{tmp}/{name}.img", "1M"])
    with open(f"{tmp}/{name}.img", "rb") as f:
        return f.read()


def sources():
    return [(os.path.basename(p), tree.read(p)) for p in sorted(glob.glob(SOURCES + "/*.py"))]


def image():
    """The file of the disk."""
    return cache.item("headers", cache.key(sources(), sorted(CONTROLS), RECIPE), make,
                      "the forged headers") + "/disk"


@contextlib.contextmanager
def swapping_disk():
    """nbdkit with the disk whose header changes; gives the names of the disk and of its control for QEMU."""
    where = os.path.dirname(image())
    with tempfile.TemporaryDirectory(prefix="coco-nbd.") as tmp:
        server = subprocess.Popen(["nbdkit", "--foreground", "--unix", tmp + "/socket", "--exit-with-parent", "python",
                                   PLUGIN, f"disk={where}/good", f"evil={where}/evil"], stdin=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 20
            while not os.path.exists(tmp + "/socket"):
                if server.poll() is not None or time.monotonic() > end:
                    raise cache.LabError("nbdkit did not start")
                time.sleep(0.05)
            yield [f"nbd+unix:///{export}?socket={tmp}/socket" for export in ("disk", "control")]
        finally:
            server.kill()
            server.wait()


def make(tmp):
    owner, attacker = file_system(tmp, OWNER, MARKER), file_system(tmp, ATTACKER, ATTACKER + "\n")
    base = bases.Bases(tmp, KEY, owner)
    lines = ["key " + KEY.decode()]
    with open(tmp + "/disk", "wb") as f:
        for number, mutant in enumerate(mutants.MUTANTS):
            data = mutants.make(mutant, base[mutant.base])
            if mutant.expected != mutants.ACCEPTED:
                data = data[:MIB] + attacker
            offset = MIB + number * SLOT
            lines.append(f"{mutant.name} {offset // 512} {control(mutant)} {mutant.options or '-'}")
            write_sparse(f, offset, data)
        f.truncate(MIB + len(mutants.MUTANTS) * SLOT)
        f.seek(0)
        f.write(("\n".join(lines) + "\n").encode())
        assert f.tell() <= MIB


    with open(tmp + "/good", "wb") as f:
        f.write(base["64"].data[:MIB] + attacker)
    with open(tmp + "/evil", "wb") as f:
        f.write(mutants.make(next(m for m in mutants.MUTANTS if m.name == EVIL), base["64"])[:MIB] + attacker)


def write_sparse(f, offset, data):
    for pos in range(0, len(data), 4096):
        block = data[pos:pos + 4096]
        if block.strip(b"\0"):
            f.seek(offset + pos)
            f.write(block)


def control(mutant):
    """The key that the control gets, or none."""
    if mutant.name not in CONTROLS:
        return "-"
    return "wrong" if mutant.name.startswith("area-null-") else "key"
