# SPDX-License-Identifier: GPL-2.0-or-later
"""Good results of boots that have nothing of the project in them but its kernel module: today's recipe, on its own root
and on the host's disks. The short run boots them again when anything has changed that they are made of: the bytes of
firmware, kernel, initramfs and disks, what QEMU is told, its version, or the lab's own scripts, which judge.

A result is a file in the cache, the console of that boot; its name is the hash of all that. --full, and a case that is
named, boot anew."""

import dataclasses
import functools
import glob
import hashlib
import os
import shutil
import time

from . import cache, firmware, observe, tree, vm

KEEP = 100      # results; a run has some twenty


def possible(case):
    return getattr(case, "recipe", False)


def found(case, combo):
    """The day of a good result of what would be booted now, or None."""
    if not possible(case):
        return None
    path = place(case, combo)
    return time.strftime("%Y-%m-%d", time.localtime(os.path.getmtime(path))) if os.path.exists(path) else None


def keep(case, combo, console):
    """Keep a good result, whose console is in this file."""
    if not possible(case):
        return
    path = place(case, combo)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copyfile(console, f"{path}.{os.getpid()}")
    os.rename(f"{path}.{os.getpid()}", path)
    for old in sorted(glob.glob(cache.path("kept", "*")), key=cache.last_use, reverse=True)[KEEP:]:
        os.unlink(old)


def place(case, combo):
    """The file of its result."""
    kernel, initrd, disks, _ = observe.parts(case, combo)
    case = observe.settled(case, combo)
    ways = [(d.hot, d.late, d.nvme) for d in case.disks]
    key = cache.key(vm.qemu_version(), vm.accelerator(), firmware.get().digest, digest(kernel), digest(initrd),
                    [digest(d) for d in disks], ways, repr(dataclasses.replace(case, disks=())), repr(combo), scripts())
    return cache.path("kept", f"{case.name}@{combo.name}-{key}")


def digest(path):
    """Of a file; files of the cache do not change."""
    return file_digest(path, os.stat(path).st_mtime_ns)


@functools.cache
def file_digest(path, _time):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@functools.cache
def scripts():
    """The lab, as this run has begun with it."""
    return [(os.path.basename(p), tree.read(p)) for p in sorted(glob.glob(os.path.dirname(__file__) + "/*.py"))]
