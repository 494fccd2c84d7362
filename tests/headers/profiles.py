# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the headers of profiles.txt as disks (Usage: profiles.py DIRECTORY): DIRECTORY/NAME for each, with the two
copies and, behind them, nothing. Prints the names, with
the option of cocotab that is needed, if any, and what each is."""

import pathlib
import sys

import luks2
from luks2 import COPY, be64

MAGIC = (b"LUKS\xba\xbe\0\2", b"SKUL\xba\xbe\0\2")
MIB = 1 << 20
SIZE = 17 * MIB


def disk(seqid, label, uuid, size, text):
    copies = [luks2.Copy(size), luks2.Copy(size)]
    for number, one in enumerate(copies):
        one.put(0, MAGIC[number])
        one.put(luks2.HDR_SIZE, be64(size))
        one.put(luks2.SEQID, be64(int(seqid)))
        one.put(luks2.LABEL, label.encode())
        one.put(luks2.CHECKSUM_ALG, b"sha256")
        one.put(luks2.SALT, bytes([number + 1]) * 64)
        one.put(luks2.UUID, uuid.encode())
        one.put(luks2.HDR_OFFSET, be64(number * size))
        one.text = text
        one.seal()
    return b"".join(copies)


def main(directory):
    source = pathlib.Path(__file__).with_name("profiles.txt")
    lines = [line for line in source.read_text().split("\n") if line and not line.startswith("#")]
    for head, text in zip(lines[::2], lines[1::2]):
        name, what, seqid, label, uuid, *option = head.split("\t")
        size = int(option[0]) * MIB if option else COPY
        with open(f"{directory}/{name}", "wb") as f:
            f.write(disk(seqid, label, uuid, size, text))
            f.truncate(SIZE)
        print(name, f"metadata-size={option[0]}m" if option else "-", what)


main(sys.argv[1])
