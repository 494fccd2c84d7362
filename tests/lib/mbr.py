#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes and reads DOS partition tables (MBR): a second opinion for the tests.

    mbr.py make FILE MIB [START+SIZE:TYPE[:active]]...   an existing FILE keeps all else; places in MiB, or in sectors
                                                         with an s; a place of - leaves that entry free
    mbr.py show FILE                                     NUMBER START SIZE TYPE FLAG, in sectors, for each entry
    mbr.py logical FILE START+SIZE...                    logical partitions in the extended one: the sectors of their
                                                         chain, each a MiB in front of its partition
    mbr.py chain FILE                                    START SIZE of each logical one, as the chain says

UEFI specification 2.10, 5.2.1; the chain is what Linux block/partitions/msdos.c reads."""

import os
import struct
import sys

ENTRY = struct.Struct("<B3sB3sII")
EXTENDED = (5, 15, 0x85)


def place(text):
    return int(text[:-1]) if text.endswith("s") else int(text) << 11


def chs(sector):
    if sector >= 1024 * 255 * 63:
        return b"\xfe\xff\xff"
    cylinder, rest = divmod(sector, 255 * 63)
    return bytes([rest // 63, rest % 63 + 1 | cylinder >> 8 << 6, cylinder & 255])


def packed(type_, start, size, flag=0):
    return ENTRY.pack(flag, chs(start), type_, chs(start + size - 1), start, size)


def make(path, mib, specs):
    table = b""
    for spec in specs:
        if spec == "-":
            table += bytes(16)
            continue
        where, type_, flag = (spec.split(":") + [""])[:3]
        start, size = (place(x) for x in where.split("+"))
        table += packed(int(type_, 16), start, size, 0x80 if flag else 0)
    with open(path, "r+b" if os.path.exists(path) else "w+b") as f:
        f.truncate(mib << 20)
        f.seek(440)
        f.write(struct.pack("<IH", 0x5c0c0a7e, 0) + table.ljust(64, b"\0") + b"\x55\xaa")


def entries(f, sector=0):
    f.seek(sector * 512 + 446)
    raw = f.read(66)
    assert raw[64:] == b"\x55\xaa", "signature"
    return [ENTRY.unpack(raw[i:i + 16]) for i in range(0, 64, 16)]


def show(path):
    with open(path, "rb") as f:
        for i, (flag, begin, type_, end, start, size) in enumerate(entries(f)):
            if type_:
                assert (begin, end) == (chs(start), chs(start + size - 1)), "CHS"
                assert start + size <= f.seek(0, 2) // 512, "a place"
                print(i + 1, start, size, f"{type_:x}", f"{flag:x}")


def extended(f):
    return next(e[4] for e in entries(f) if e[2] in EXTENDED)


def logical(path, specs):
    with open(path, "r+b") as f:
        base = extended(f)
        places = [tuple(place(x) for x in spec.split("+")) for spec in specs]
        for i, (start, size) in enumerate(places):
            own = base if i == 0 else start - 2048
            table = packed(0x83, 2048 if i else start - base, size)
            if i + 1 < len(places):
                table += packed(5, places[i + 1][0] - 2048 - base, places[i + 1][1] + 2048)
            f.seek(own * 512 + 446)
            f.write(table.ljust(64, b"\0") + b"\x55\xaa")


def chain(path):
    with open(path, "rb") as f:
        base = own = extended(f)
        while own:
            first, second = entries(f, own)[:2]
            print(own + first[4], first[5])
            own = base + second[4] if second[2] in EXTENDED else 0


def main(verb, path, *args):
    if verb == "make":
        make(path, int(args[0]), args[1:])
    elif verb == "logical":
        logical(path, args)
    else:
        {"show": show, "chain": chain}[verb](path)


main(*sys.argv[1:])
