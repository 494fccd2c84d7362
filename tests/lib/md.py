#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a file, or a part of it, half of a mirror, as far as its superblock goes.

    md.py FILE VERSION [START LENGTH]     VERSION is 0.90 or 1.0, both at the end; places in bytes

Linux include/uapi/linux/raid/md_p.h."""

import os
import struct
import sys

MAGIC = 0xa92b4efc


def old(place):
    uuid = 0x61616161
    return struct.pack("<17I", MAGIC, 0, 90, 0, 0, uuid, 0, 1, place // 1024, 2, 2, 0, 0, uuid, uuid, uuid,
                       0).ljust(4096, b"\0")


def new(place):
    def packed(checksum):
        return (struct.pack("<IIII16s32sQIIQIII", MAGIC, 1, 0, 0, b"a mirror's name.", b"md", 0, 1, 0, place // 512, 0,
                            2, 0).ljust(128, b"\0")
                + struct.pack("<QQQQII16s", 0, place // 512, place // 512, 0, 0, 0,
                              b"the first half..").ljust(64, b"\0")
                + struct.pack("<QQQII", 0, 1, 0xffffffffffffffff, checksum, 2).ljust(64, b"\0")
                + struct.pack("<HH", 0, 1))
    whole = sum(struct.unpack("<65I", packed(0)))
    return packed((whole & 0xffffffff) + (whole >> 32) & 0xffffffff)


def main(path, version, start=0, length=0):
    with open(path, "r+b") as f:
        length = int(length) or os.path.getsize(path)
        place = (length & ~0xffff) - 0x10000 if version == "0.90" else (length - 8192) & ~4095
        f.seek(int(start) + place)
        f.write(old(place) if version == "0.90" else new(place))


main(*sys.argv[1:])
