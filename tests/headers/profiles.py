# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the headers of profiles.txt as disks (Usage: profiles.py DIRECTORY): DIRECTORY/NAME for each, with the two
copies and, behind them, nothing. Prints the names."""

import pathlib
import sys

import luks2
from luks2 import COPY, be64

MAGIC = (b"LUKS\xba\xbe\0\2", b"SKUL\xba\xbe\0\2")
SIZE = 17 << 20


def disk(seqid, label, uuid, text):
    image = luks2.Image(bytes(luks2.HEADERS))
    for number, one in enumerate(image.copies):
        one.put(0, MAGIC[number])
        one.put(luks2.HDR_SIZE, be64(COPY))
        one.put(luks2.SEQID, be64(int(seqid)))
        one.put(luks2.LABEL, label.encode())
        one.put(luks2.CHECKSUM_ALG, b"sha256")
        one.put(luks2.SALT, bytes([number + 1]) * 64)
        one.put(luks2.UUID, uuid.encode())
        one.put(luks2.HDR_OFFSET, be64(number * COPY))
        one.text = text
    image.seal()
    return image.bytes()


def main(directory):
    source = pathlib.Path(__file__).with_name("profiles.txt")
    lines = [line for line in source.read_text().split("\n") if line and not line.startswith("#")]
    for head, text in zip(lines[::2], lines[1::2]):
        name, what, *fields = head.split("\t")
        with open(f"{directory}/{name}", "wb") as f:
            f.write(disk(*fields, text))
            f.truncate(SIZE)
        print(name, what)


main(sys.argv[1])
