# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of our own in which a program of the lab takes the place of /init, and starts that: ../pid1. All else is as
coco-mkinitramfs has made it."""

import os
import shutil

from . import cache, power, tree

HERE = os.path.join(os.path.dirname(tree.GUEST_FILES), "pid1")
SOURCES = {"faults": ("faults.c", "traced.c", "machine.c", "traced.h", "machine.h"), "killer": ("killer.c",)}
RECIPE = 1


def program(guest, name):
    """The bytes of a static program, built in the guest's build tree."""
    base, sources = tree.trees(guest), SOURCES[name]

    def build(tmp):
        for source in sources:
            shutil.copy(f"{HERE}/{source}", tmp)
        tree.enter(base + "/build", "cd /mnt; gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -s "
                   f"-o program {' '.join(s for s in sources if s.endswith('.c'))}; rm *.[ch]", [(tmp, "/mnt")])
    made = cache.item(f"pid1-{name}-{guest}", cache.key(base, *(tree.read(f"{HERE}/{s}") for s in sources), RECIPE),
                      build)
    with open(made + "/program", "rb") as f:
        return f.read()


def image(guest, initrd, name, files, path):
    """Writes the initramfs and what goes behind it; files: {path: bytes} that the program reads."""
    with open(f"{tree.project(guest)}/out/usr/lib/coco-unlock/init", "rb") as f:
        stub = f.read()
    added = power.archive(dict({"init": program(guest, name), "lab/init": stub}, **files), 0o100755)
    with open(path, "wb") as out, open(initrd, "rb") as source:
        shutil.copyfileobj(source, out)
        out.write(bytes(-out.tell() % 4) + added)
    return path


def killing(guest, initrd, moment, path):
    """The same, where a child of PID 1 is killed; moment: as killer.c has it."""
    cache.say("kills %d ms after the first child, up to generation %d, number %d" % moment)
    return image(guest, initrd, "killer", {"lab/kill": b"%d %d %d" % moment}, path)
