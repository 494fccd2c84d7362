# SPDX-License-Identifier: GPL-2.0-or-later
"""Power management that the host has made deaf: the guest's own FADT, with PM1 registers at ports where nothing is.

Such ports answer all ones, so the kernel takes ACPI for enabled, and a power-off for done. A real host would just not
power off. Here the table goes in front of the initramfs, where the kernel takes it in place of the firmware's
(Documentation/admin-guide/acpi/initrd_table_override.rst), and the hash table covers both. Field offsets: ACPI 6.5,
table 5.9."""

import os
import struct

from . import cache, firmware, tree, vm

NOWHERE = 0x5100
PM1A_EVENT, PM1A_CONTROL, X_PM1A_EVENT, X_PM1A_CONTROL, X_LENGTH = 56, 64, 152, 176, 184
OEM_REVISION, CHECKSUM = 24, 9
RECIPE = 1


def deaf(machine):
    """The bytes that go in front of an initramfs for this machine, which is not started yet."""
    fw = firmware.get()
    shape = [fw.digest, vm.MACHINE, vm.CPU, vm.qemu_version(), machine.ram, len(machine.disks), machine.more,
             tree.read(os.path.dirname(machine.kernel) + "/kver"), RECIPE]

    def build(tmp):
        with open(tmp + "/part", "wb") as f:
            f.write(cpio("kernel/firmware/acpi/facp.aml", patched(read(machine))))
    with open(cache.item("fadt", cache.key(*shape), build) + "/part", "rb") as f:
        return f.read()


def read(like):
    """The FADT of a machine of the same shape: the kernel says where it is. On a busy machine a line of the console
    was once not whole, so another one is asked then."""
    for left in (2, 1, 0):
        try:
            return read_once(like)
        except cache.LabError as e:
            if not left:
                raise
            cache.say(f"once more: {e}")


def read_once(like):
    # The line is none of the warnings, which are all that the console has otherwise.
    with vm.VM(firmware.get(), like.kernel, like.initrd, like.cmdline + " ignore_loglevel", like.secret, like.disks,
               ram=like.ram, more=like.more) as machine:
        found = machine.expect(r"ACPI: FACP 0x([0-9A-F]+) ([0-9A-F]+) ", 90)
        with open(machine.memory(int(found.group(1), 16), int(found.group(2), 16)), "rb") as f:
            table = f.read()
    if table[:4] != b"FACP" or sum(table) % 256 or len(table) < X_LENGTH:
        raise cache.LabError(f"no FADT where the kernel sees one: {table[:16]!r}")
    return table


def patched(table):
    table = bytearray(table)
    for offset, form, port in ((PM1A_EVENT, "<I", NOWHERE), (PM1A_CONTROL, "<I", NOWHERE + 4),
                               (X_PM1A_EVENT, "<Q", NOWHERE), (X_PM1A_CONTROL, "<Q", NOWHERE + 4)):
        struct.pack_into(form, table, offset, port)
    struct.pack_into("<I", table, OEM_REVISION, struct.unpack_from("<I", table, OEM_REVISION)[0] + 1)
    table[CHECKSUM] = (table[CHECKSUM] - sum(table)) % 256
    return bytes(table)


def cpio(path, data):
    """An archive of one file in the "newc" format, with the directories that lead to it."""
    return archive({path: data}, 0o100644)


def archive(files, mode):
    """The same of {path: data}."""
    def member(number, name, mode, content=b""):
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        return pad(head) + pad(content)

    def pad(text):
        return text + bytes(-len(text) % 4)
    wanted = {}
    for path, data in files.items():
        parts = path.split("/")
        wanted.update({"/".join(parts[:n]): (0o40755, b"") for n in range(1, len(parts))})
        wanted[path] = (mode, data)
    made = [member(n, name, *entry) for n, (name, entry) in enumerate(wanted.items(), 1)]
    whole = b"".join(made) + member(0, "TRAILER!!!", 0)
    return whole + bytes(-len(whole) % 512)
