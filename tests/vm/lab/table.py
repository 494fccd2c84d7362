# SPDX-License-Identifier: GPL-2.0-or-later
"""Secret tables for the tests, whole and broken, byte by byte as a guest owner's tool would inject them."""

import hashlib
import struct
import uuid

HEADER = uuid.UUID("1e74f542-71dd-4d66-963e-ef4287ff173b")
LUKS = uuid.UUID("736869e5-84f0-4973-92ec-06879ce3da0b")
EXAMPLE = uuid.UUID("736870e5-84f0-4973-92ec-06879ce3da0b")     # the kernel document's, not the LUKS one

POLICY = uuid.UUID("f2d7c5a0-8f0e-4f36-9a3c-6b1de5a7c914")      # the project's own: what the owner pins


def numbered(n):
    """A GUID for a test entry."""
    return uuid.UUID(f"c0c0{n:04x}-0000-4000-8000-0000000000{n & 0xff:02x}")


def entry(guid, data, length=None):
    return guid.bytes_le + struct.pack("<I", 20 + len(data) if length is None else length) + data


def table(entries, length=None):
    """A populated area: header and entries; `length` replaces the true length in the header."""
    body = b"".join(entries)
    return HEADER.bytes_le + struct.pack("<I", 20 + len(body) if length is None else length) + body


def secret(seed, size=32):
    """Bytes for a test key, made at run time: the same for the same seed, in no file of the project."""
    return hashlib.shake_256(b"coco-unlock lab " + seed.encode()).digest(size)


def plain(key, *others):
    """The usual table: the disk key, then other (guid, data) entries."""
    return table([entry(LUKS, key)] + [entry(g, d) for g, d in others])


def pinned(key, *lines):
    """The disk key, and a policy entry with these lines for the volume root."""
    text = "\n".join(("version=1", "volume=root", *lines)) + "\n"
    return plain(key, (POLICY, text.encode()))


def filled(key, count, last=False):
    """A table of `count` entries, the disk key the first or the last of them."""
    others = [entry(numbered(n), secret(f"fill{n}", 8)) for n in range(1, count)]
    return table(others + [entry(LUKS, key)] if last else [entry(LUKS, key)] + others)


def bad_header_length(key):
    return table([entry(LUKS, key)], length=0x10000)


def bad_entry_length(key):
    return table([entry(LUKS, key), entry(numbered(1), b"other secret", length=5)])


def duplicate(key):
    return table([entry(LUKS, key), entry(numbered(1), b"one"), entry(LUKS, key)])
