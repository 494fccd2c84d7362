# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands of README.md, as they stand there: each block that is marked sh."""

import argparse
import os
import re
import shlex

from . import cache, tree, trial

FILE = os.path.join(tree.PROJECT, "README.md")


def block(word):
    """The commands of the one block that has this word."""
    with open(FILE) as f:
        found = [text for text in re.findall(r"^```sh\n(.*?)^```$", f.read(), re.M | re.S) if word in text]
    if len(found) != 1:
        raise cache.LabError(f"README.md: {len(found)} blocks of commands with {word!r}")
    return found[0]


def image():
    """From plain.img and guest's kernel to an image with the unlocker in it, vmlinuz and initrd.img."""
    return block("dracut ")


def secrets():
    """From plain.img and the directory guest to guest.img and guest.table."""
    return block("coco-secret encrypt ")


def launch():
    """From all these, the keys of a session and what the host tells, to a packet."""
    return block("coco-secret packet ")


def attempt():
    """What `lab.py try` is told: kernel, initrd, append, disk, table."""
    program, verb, *words = shlex.split(block("lab.py try ").replace("\\\n", " "))
    if (program, verb) != ("tests/vm/lab.py", "try"):
        raise cache.LabError(f"README.md: {program} {verb}")
    parser = argparse.ArgumentParser()
    trial.add_arguments(parser)
    return parser.parse_args(words)
