#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes and reads partition tables (GPT), apart from libfdisk, so that a test has a second opinion.

    gpt.py make FILE MIB [--sector N] START+SIZE:TYPE:UUID:NAME[:ATTRS] ...   places in MiB, or in bytes with a B
    gpt.py show FILE [--sector N]     one line for each partition; fails if any of both tables is wrong in anything

UEFI specification 2.10, section 5.3."""

import struct
import sys
import uuid
import zlib

HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRY = struct.Struct("<16s16sQQQ72s")
NR, SIZE = 128, 128
DISK = uuid.UUID("dddddddd-0000-4000-8000-00000000000d")


def place(text):
    return int(text[:-1]) if text.endswith("B") else int(text) << 20


def header(my, other, entries_lba, first, last, entries_crc):
    def packed(crc):
        return HEADER.pack(b"EFI PART", 0x10000, HEADER.size, crc, 0, my, other, first, last, DISK.bytes_le,
                           entries_lba, NR, SIZE, entries_crc)
    return packed(zlib.crc32(packed(0)))


def make(path, mib, ss, specs):
    total, table = (mib << 20) // ss, (NR * SIZE) // ss
    entries = b""
    for spec in specs:
        where, type_, id_, name, attrs = (spec.split(":") + ["0"])[:5]
        start, size = (place(x) // ss for x in where.split("+"))
        entries += ENTRY.pack(uuid.UUID(type_).bytes_le, uuid.UUID(id_).bytes_le, start, start + size - 1,
                              int(attrs, 0), name.encode("utf-16le").ljust(72, b"\0"))
    entries = entries.ljust(NR * SIZE, b"\0")
    crc, first, last = zlib.crc32(entries), 2 + table, total - 2 - table
    mbr = bytes(446) + bytes([0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff]) + struct.pack("<II", 1, min(total - 1, 0xffffffff))
    with open(path, "wb") as f:
        f.truncate(total * ss)
        f.write(mbr.ljust(510, b"\0") + b"\x55\xaa")
        f.seek(ss)
        f.write(header(1, total - 1, 2, first, last, crc))
        f.seek(2 * ss)
        f.write(entries)
        f.seek((last + 1) * ss)
        f.write(entries)
        f.seek((total - 1) * ss)
        f.write(header(total - 1, 1, last + 1, first, last, crc))


def read_one(f, lba, ss):
    f.seek(lba * ss)
    raw = f.read(HEADER.size)
    sig, rev, size, crc, zero, my, other, first, last, disk, at, nr, esize, ecrc = HEADER.unpack(raw)
    assert sig == b"EFI PART" and rev == 0x10000 and size == HEADER.size and zero == 0, "header"
    assert zlib.crc32(raw[:16] + bytes(4) + raw[20:]) == crc, "header's checksum"
    assert my == lba, "header's place"
    f.seek(at * ss)
    entries = f.read(nr * esize)
    assert zlib.crc32(entries) == ecrc, "entries' checksum"
    assert disk == DISK.bytes_le, "disk's GUID"
    return other, first, last, entries, at


def show(path, ss):
    with open(path, "rb") as f:
        total = f.seek(0, 2) // ss
        other, first, last, entries, at = read_one(f, 1, ss)
        assert at == 2 and other == total - 1, "the backup is not at the end"
        other, first2, last2, entries2, at = read_one(f, total - 1, ss)
        assert other == 1 and (first, last, entries) == (first2, last2, entries2), "the tables differ"
        assert at > last and at + len(entries) // ss <= total - 1, "the backup's entries"
        f.seek(446)
        mbr = f.read(66)
        assert mbr[4] == 0xee and mbr[64:] == b"\x55\xaa", "protective MBR"
        assert struct.unpack("<II", mbr[8:16]) == (1, min(total - 1, 0xffffffff)), "protective MBR's size"
    used = []
    for i in range(0, len(entries), SIZE):
        type_, id_, start, end, attrs, name = ENTRY.unpack(entries[i:i + ENTRY.size])
        if type_ == bytes(16):
            continue
        assert first <= start <= end <= last, "a place"
        used.append((start, end))
        print(i // SIZE + 1, start * ss, (end - start + 1) * ss, uuid.UUID(bytes_le=type_), uuid.UUID(bytes_le=id_),
              name.decode("utf-16le").rstrip("\0"), hex(attrs))
    used.sort()
    assert all(a[1] < b[0] for a, b in zip(used, used[1:])), "an overlap"


def main(args):
    ss = 512
    if "--sector" in args:
        i = args.index("--sector")
        ss = int(args[i + 1])
        del args[i:i + 2]
    if args[0] == "make":
        make(args[1], int(args[2]), ss, args[3:])
    else:
        show(args[1], ss)


main(sys.argv[1:])
