# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that cryptsetup makes with options that its users know: the root behind a header with large metadata, as
snapd formats it, and volumes whose size is no multiple of their sectors."""

import os

from . import cache, disk, table, tree
from .case import KEY

SNAPD = ["--luks2-metadata-size", "2m", "--luks2-keyslots-size", "8m"]
EXCESS = 512


def header(tmp, uuid, *options):
    """A header of 16 MiB around the volume key and the passphrase that are there."""
    with open(tmp + "/header", "wb") as f:
        f.truncate(32 << 20)
    cache.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--cipher", "aes-xts-plain64",
               "--key-size", "512", "--offset", str(disk.HEADER // 512), "--uuid", uuid, *options, *disk.PBKDF,
               "--volume-key-file", tmp + "/volume-key", "--key-file", tmp + "/key", tmp + "/header"])


def large(combo):
    """The root of a guest, with metadata of 2 MiB."""
    source = disk.root(combo.guest, combo.kernel, KEY)

    def build(tmp):
        cache.run(["cp", "--sparse=always", source, tmp + "/disk"])
        disk.with_file(tmp, "key", KEY)
        disk.with_file(tmp, "volume-key", disk.volume_key(source, KEY))
        header(tmp, disk.ROOT_UUID, "--sector-size", "512", *SNAPD)
        cache.run(["dd", f"if={tmp}/header", f"of={tmp}/disk", "bs=1M", "count=16", "conv=notrunc", "status=none"])
        for name in ("key", "volume-key", "header"):
            os.unlink(f"{tmp}/{name}")
    return cache.item(f"stock-large-{combo.guest}", cache.key(source, tree.read(__file__)), build,
                      "the root behind large metadata") + "/disk"


def uneven():
    """A volume with sectors of 4096 bytes on a disk that is 512 bytes longer than it can use."""
    def build(tmp):
        disk.with_file(tmp, "key", KEY)
        disk.with_file(tmp, "volume-key", table.secret("uneven", 64))
        header(tmp, disk.ROOT_UUID, "--sector-size", "4096")
        with open(tmp + "/header", "ab") as f:
            f.truncate((24 << 20) + EXCESS)
        os.rename(tmp + "/header", tmp + "/disk")
        for name in ("key", "volume-key"):
            os.unlink(f"{tmp}/{name}")
    return cache.item("stock-uneven", cache.key(tree.read(__file__)), build,
                      "a disk that ends inside of a sector") + "/disk"
