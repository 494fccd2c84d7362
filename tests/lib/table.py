#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes and reads secret tables, apart from coco-secret, so that a test has a second opinion.

    table.py make FILE GUID=FILE ...   a table, zeros up to 16 bytes behind it
    table.py get FILE GUID             the entry's data, on standard output
    table.py split FILE TREE           what a guest would see of it: files, or the state of our own module
    table.py silent GUID OUT ERR FILE ...   fails if OUT or ERR has the data of a table's entry, raw or in hexadecimal

Layout and reading: Linux 6.1, drivers/virt/coco/efi_secret/efi_secret.c."""

import os
import struct
import sys
import uuid

HEADER = uuid.UUID("1e74f542-71dd-4d66-963e-ef4287ff173b")
LUKS = uuid.UUID("736869e5-84f0-4973-92ec-06879ce3da0b")
EXAMPLE = uuid.UUID("736870e5-84f0-4973-92ec-06879ce3da0b")     # the kernel document's, not the LUKS one
POLICY = uuid.UUID("f2d7c5a0-8f0e-4f36-9a3c-6b1de5a7c914")
DELETED = uuid.UUID(int=0)
SECURITY = "sys/kernel/security"


class Refused(Exception):
    """The kernel shows no entry; the text is that of our own module's state."""


def entry(guid, data, length=None):
    return guid.bytes_le + struct.pack("<I", 20 + len(data) if length is None else length) + data


def table(entries, length=None, pad=True):
    """A table of (guid, data) pairs, or of entries as bytes; `length` replaces the true one in the header."""
    body = b"".join(e if isinstance(e, bytes) else entry(*e) for e in entries)
    whole = HEADER.bytes_le + struct.pack("<I", 20 + len(body) if length is None else length) + body
    return whole + bytes(-len(whole) % 16 if pad else 0)


def read(data):
    """The entries as the kernel sees them, 64 at most; or None if there is no table."""
    if len(data) < 20 or data[:16] != HEADER.bytes_le:
        return None
    total, = struct.unpack("<I", data[16:20])
    if total < 20 or total > len(data):
        raise Refused("corrupt header-length")
    entries, at = {}, 20
    while total - at >= 20 and len(entries) < 64:
        guid, (size,) = uuid.UUID(bytes_le=data[at:at + 16]), struct.unpack("<I", data[at + 16:at + 20])
        if size < 20 or size > total - at:
            raise Refused("corrupt entry-length")
        if guid in entries:
            raise Refused("corrupt duplicate-guid")
        if guid != DELETED:
            entries[guid] = data[at + 20:at + size]
        at += size
    return entries


def split(data, tree):
    """Puts into a tree what a guest has of the table."""
    security = os.path.join(tree, SECURITY)
    os.makedirs(security, exist_ok=True)
    try:
        entries = read(data)
    except Refused as why:
        os.makedirs(security + "/coco_secret")
        with open(security + "/coco_secret/state", "w", encoding="ascii") as f:
            f.write(f"{why}\n")
        return
    if entries is None:
        return
    os.makedirs(security + "/secrets/coco", exist_ok=True)
    for guid, value in entries.items():
        with open(f"{security}/secrets/coco/{guid}", "wb") as f:
            f.write(value)


def whole(path):
    with open(path, "rb") as f:
        return f.read()


def silent(guid, said, tables):
    """Neither of these texts has one of the secrets; a GRUB's NUL is none."""
    for path in tables:
        secret = read(whole(path))[uuid.UUID(guid)].rstrip(b"\0")
        if len(secret) < 8 or secret in said or secret.hex().encode() in said:
            return False
    return True


def main(verb, path, *arguments):
    if verb == "make":
        pairs = [a.split("=", 1) for a in arguments]
        with open(path, "wb") as f:
            f.write(table([(uuid.UUID(guid), whole(data)) for guid, data in pairs]))
    elif verb == "get":
        sys.stdout.buffer.write(read(whole(path))[uuid.UUID(arguments[0])])
    elif verb == "silent":
        sys.exit(not silent(path, whole(arguments[0]) + whole(arguments[1]), arguments[2:]))
    else:
        split(whole(path), arguments[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
