# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel-hashes table of a measured direct boot, as QEMU would write it for an SEV guest.

Without SEV, QEMU before version 10 patches the setup header of the kernel before it serves it, so the hash has
to be over the patched bytes. A wrong hash shows as a firmware that hangs without a word."""

import hashlib
import re
import struct
import subprocess
import uuid

HEADER = uuid.UUID("9438d606-4f22-4cc9-b479-a793d411fd21")
CMDLINE = uuid.UUID("97d02dd8-bd20-4c94-aa78-e7714d36ab2a")
INITRD = uuid.UUID("44baf731-3a2f-4bd7-9af1-41e29169781d")
KERNEL = uuid.UUID("4de79437-abd2-427f-b835-d5b172d2045b")
ABOVE_4G = 2                    # xloadflags: the initrd may lie anywhere below 4 GiB
ACPI_DATA = 0x28000


def qemu_version():
    text = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(n) for n in re.search(r"version (\d+)\.(\d+)", text).groups())


def served_kernel(image, initrd_size, ram):
    """The bytes of the kernel that QEMU serves: patched as x86_load_linux() of QEMU before 10 does."""
    if qemu_version() >= (10, 0):
        return image
    k = bytearray(image)
    top = ram - ACPI_DATA - 1
    if not struct.unpack_from("<H", k, 0x236)[0] & ABOVE_4G:
        top = min(top, struct.unpack_from("<I", k, 0x22c)[0])
    struct.pack_into("<I", k, 0x228, 0x20000)
    k[0x210] = 0xB0
    k[0x211] |= 0x80
    struct.pack_into("<H", k, 0x224, 0xFE00)
    if initrd_size:
        struct.pack_into("<II", k, 0x218, (top - initrd_size) & ~4095, initrd_size)
    return bytes(k)


def table(kernel, initrd, cmdline, ram):
    """The table, padded as QEMU pads it, for files kernel and initrd and the text of -append."""
    with open(kernel, "rb") as f:
        kernel_bytes = f.read()
    with open(initrd, "rb") as f:
        initrd_bytes = f.read()
    body = b""
    for guid, blob in ((CMDLINE, cmdline.encode() + b"\0"), (INITRD, initrd_bytes),
                       (KERNEL, served_kernel(kernel_bytes, len(initrd_bytes), ram))):
        body += guid.bytes_le + struct.pack("<H", 50) + hashlib.sha256(blob).digest()
    whole = HEADER.bytes_le + struct.pack("<H", 18 + len(body)) + body
    return whole + bytes(-len(whole) % 16)
