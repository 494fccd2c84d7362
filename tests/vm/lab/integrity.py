# SPDX-License-Identifier: GPL-2.0-or-later
"""A root with integrity. The kernel makes its tags, so a guest follows what coco-secret(1) has under --integrity, as it
stands there; only the last of these commands runs where the disk is prepared."""

import os
import re

from . import cache, disk, observe, owner, table, tree
from .case import EVEN, GOOD, Boot, Case, Disk

MANUAL = os.path.join(tree.PROJECT, "src/man/coco-secret.1.scd")
KEY = table.secret("integrity").hex().encode()
COCOTAB = "root auto - integrity=hmac-sha256\n"
CONFIG = dict(owner.STRICT, cocotab=COCOTAB)
CIPHER = "capi:authenc(hmac(sha256),xts(aes))-plain64"
LIMIT = 400     # seconds for one command: luksFormat writes the whole disk
RECIPE = 1


def commands():
    """The block of the manual."""
    found = re.search(r"^\*--integrity\*\n.*?^```\n(.*?)^```$", tree.read(MANUAL), re.M | re.S)
    return found.group(1).splitlines()


def put(command, **names):
    """The command with these names in place of the manual's."""
    return re.sub(r"\b[A-Z]{3,}\b", lambda found: names.get(found.group(), found.group()), command)


def size(root):
    """Of the new disk, as the manual asks for, in whole MiB."""
    return -(-os.path.getsize(root) * 11 // 10 >> 20) + 32 << 20


def made(combo):
    """The file of the disk; the table for it lies beside."""
    guest, root = combo.guest, disk.plain(combo.guest, combo.kernel)

    def build(tmp):
        os.makedirs(tmp + "/guest/etc/coco-unlock")
        for name, text in CONFIG.items():
            disk.write(f"{tmp}/guest/etc/coco-unlock/{name}", text)
        with open(tmp + "/disk", "wb") as f:
            f.truncate(size(root))
        *in_guest, last = commands()
        follow(combo, root, in_guest, tmp)
        disk.with_file(tmp, "key", KEY)
        owner.coco_secret(guest, tmp, put(last, NEW="disk", KEY="key", DIR="guest", TABLE="table").split(" ", 1)[1])
        owner.coco_secret(guest, tmp, "verify disk table --config guest --memory 1G")
    return cache.item(f"integrity-{guest}-{combo.kernel}",
                      cache.key(root, tree.project(guest), commands(), CONFIG, tree.read(__file__), RECIPE), build,
                      f"the root of {guest} with integrity") + "/disk"


def follow(combo, root, lines, tmp):
    """Carries out the commands in a guest. The root is attached when the guest is up: it has the names of its own."""
    def hook(machine):
        machine.add_disk(root)
        for line in (f"printf %s {KEY.decode()} >/run/key; udevadm wait --timeout=60 /dev/vdc",
                     *(put(line, NEW="/dev/vda", KEY="/run/key", ROOT="/dev/vdc") for line in lines)):
            code, text = observe.ask(machine, f"{{ {line}; }} </dev/null", LIMIT)     # a terminal is asked whether
            if code:
                raise cache.LabError(f"in the guest, `{line}`: exit {code}: {text}")
    case = Case("own-maker", Boot(), GOOD, (Disk(made=lambda: tmp + "/disk"), Disk()), standalone=True,
                config={"cocotab": f"root UUID={disk.ROOT_UUID} - -\n"})
    seen = observe.run(case, combo, tmp + "/console", hook=hook, written=tmp + "/disk")
    if seen.error:
        raise cache.LabError(f"{seen.error}\n" + "\n".join(observe.tail(seen)))


TABLES = "dmsetup table root_dif | cut -d' ' -f3; dmsetup table root | grep -c ' integrity:32:aead$'"
# Of the mapping and of the device below it: without them the root's udev would take neither for ready.
RECORDS = ("for n in root root_dif; do grep -c ^E:DM_UDEV_PRIMARY_SOURCE_FLAG=1 "
           "/run/udev/data/b$(dmsetup info -c --noheadings --separator : -o major,minor $n); done")
ERRORS = "dmesg | grep -Eci 'integrity.*(error|fail)'"
CHECKS = ((TABLES, "integrity\n1"), (RECORDS, "1\n1"), (ERRORS, "0"))
WRITE = "echo written >/var/lib/lab-written; sync; echo more >/var/lib/lab-more"     # and then the power goes
READ = "cat /var/lib/lab-written"


def case(name, *checks, **more):
    checks = (*CHECKS, *checks)
    return Case(name, Boot(found=2, checks=checks, cipher=CIPHER), owner.table_beside("table"), (Disk(of=made),),
                config=CONFIG, commands=tuple(command for command, _ in checks), on=EVEN, **more)


# The second boot finds the journal as the first has left it.
CASES = [case("integrity"), case("integrity-left", (WRITE, ""), then=(case("integrity-again", (READ, "written")),))]
