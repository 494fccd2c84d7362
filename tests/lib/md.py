#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a file, or a part of it, half of a mirror, as far as its superblock goes.

    md.py FILE VERSION [START LENGTH]     VERSION is 0.90 or 1.0, or ddf or isw for what the BIOS of a controller
                                          knows, all at the end; places in bytes

Linux include/uapi/linux/raid/md_p.h; SNIA's Common RAID Disk Data Format 2.0, 5.5; mdadm's super-intel.c."""

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


def ddf(_place):
    return struct.pack(">II24s8s", 0xde11de11, 0, b"LINUX-MD a mirror's name", b"01.02.00").ljust(512, b"\0")


def isw(_place):
    return b"Intel Raid ISM Cfg Sig. 1.1.00".ljust(512, b"\0")


KINDS = {
    "0.90": (old, lambda length: (length & ~0xffff) - 0x10000),
    "1.0": (new, lambda length: (length - 8192) & ~4095),
    "ddf": (ddf, lambda length: length - 512),
    "isw": (isw, lambda length: length - 1024),
}


def main(path, version, start=0, length=0):
    make, find = KINDS[version]
    with open(path, "r+b") as f:
        place = find(int(length) or os.path.getsize(path))
        f.seek(int(start) + place)
        f.write(make(place))


main(*sys.argv[1:])
