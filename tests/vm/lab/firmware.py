# SPDX-License-Identifier: GPL-2.0-or-later
"""The AmdSev firmware: taken from Debian, and asked where it wants the secret and the kernel hashes.

The two places are read from the GUID table at the reset vector, as a hypervisor does; every length of the
table is checked before it is used, unknown records are skipped."""

import hashlib
import os
import shutil
import struct
import uuid

from . import cache, chroot, tree

SUITE = "forky"                 # Debian 12 and 13 do not have the package
PACKAGE = "ovmf-amdsev"
FOOTER = uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d")
SECRET_BLOCK = uuid.UUID("4c2eb361-7d9b-4cc3-8081-127c90d3d294")
HASH_BLOCK = uuid.UUID("7255371f-3a3b-4b04-927b-1da6efa8d454")


class Firmware:
    """A firmware image: path, digest, and the areas secret = (base, size) and hashes = (base, size)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            image = f.read()
        self.path = path
        self.digest = hashlib.sha256(image).hexdigest()
        records = reset_vector_records(image)
        try:
            self.secret = struct.unpack("<II", records[SECRET_BLOCK])
            self.hashes = struct.unpack("<II", records[HASH_BLOCK])
        except (KeyError, struct.error):
            raise cache.LabError(f"{path}: names no place for a launch secret or for kernel hashes") from None


def reset_vector_records(image):
    """{GUID: data} of the table that ends 0x30 bytes before the end of the image."""
    end = len(image) - 0x30
    if end < 0 or uuid.UUID(bytes_le=image[end:end + 16]) != FOOTER:
        raise cache.LabError("the firmware has no reset-vector table")
    pos = end - 2
    left = struct.unpack_from("<H", image, pos)[0] - 18
    records = {}
    while left >= 18:
        guid = uuid.UUID(bytes_le=image[pos - 16:pos])
        length = struct.unpack_from("<H", image, pos - 18)[0]
        if length < 18 or length > left:
            raise cache.LabError(f"the firmware's reset-vector table is broken at record {guid}")
        records[guid] = image[pos - length:pos - 18]
        pos -= length
        left -= length
    return records


def get():
    """The firmware, from the cache or from the Debian archive."""
    directory = cache.item("firmware", cache.key(SUITE, PACKAGE, 1), extract, f"{PACKAGE} from {SUITE}")
    return Firmware(os.path.join(directory, "OVMF.amdsev.fd"))


def extract(tmp):
    chroot.apt_tree(SUITE, tmp + "/tree", [PACKAGE], variant="extract")
    shutil.copy(tree.only(tmp + "/tree/usr/share/*/OVMF.amdsev.fd"), tmp)
    cache.remove(tmp + "/tree")
