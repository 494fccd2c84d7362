#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""VM test of the kernel module coco_secret, as TAP: many cases in one boot of each stock Debian kernel.

Builds the module and its test program in the guests' build trees, without a warning being allowed, boots them from
an initramfs of nothing else, and passes on what module_guest.c found. One thing it looks at itself: a dump of
the secret area taken from outside. Usage: module.py [d12] [d13] [d14]"""

import os
import re
import shutil
import sys
import tempfile
import threading
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

from lab import cache, firmware, table, tree, vm  # noqa: E402

SOURCES = os.path.join(tree.PROJECT, "src", "kmod")
SPARE = 0x20000000              # 1 MiB that the kernel leaves alone, for tables of the test's own
LIMIT = 240
KEPT = b"this one is kept"


class Guest(vm.VM):
    """With two processors, or nothing would run at the same time."""

    def arguments(self):
        return super().arguments() + ["-smp", "2"]


def build(guest, tmp):
    """The module, the fake driver and /init, compiled in the guest's own build tree; {name: bytes}."""
    base = tree.trees(guest)
    kver = tree.read(base + "/kver")
    shutil.copytree(SOURCES, tmp + "/module", ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*"))
    os.makedirs(tmp + "/fake")
    shutil.copy(HERE + "/module_fake.c", tmp + "/fake")
    with open(tmp + "/fake/Kbuild", "w") as f:
        f.write("obj-m := module_fake.o\n")
    shutil.copy(HERE + "/module_guest.c", tmp)
    make = f"make -s -C /lib/modules/{kver}/build modules"
    script = (f"cd /mnt && {{ {make} M=/mnt/module 2>warnings >&2 || {{ cat warnings; exit 1; }}; }} && "
              f"{make} M=/mnt/fake >/dev/null && "
              "gcc -std=gnu11 -O1 -Wall -Wextra -Werror -static -o init module_guest.c")
    tree.enter(base + "/build", script, [(tmp, "/mnt")])
    with open(tmp + "/warnings") as f:
        warnings = "".join(line for line in f if "Skipping BTF" not in line)
    files = {}
    for name, path in (("init", "init"), ("coco_secret.ko", "module/coco_secret.ko"),
                       ("module_fake.ko", "fake/module_fake.ko")):
        with open(f"{tmp}/{path}", "rb") as f:
            files[name] = f.read()
    return f"{base}/root/boot/vmlinuz-{kver}", kver, files, warnings


def newc(files):
    """A cpio archive for the kernel: the files, executable, and the directories to mount things on."""
    def record(name, mode, data):
        fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 5 if name == "dev/console" else 0,
                  1 if name == "dev/console" else 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
    members = [(d, 0o40755, b"") for d in ("dev", "proc", "sys")] + [("dev/console", 0o20600, b"")]
    members += [(n, 0o100755, b) for n, b in files.items()] + [("TRAILER!!!", 0, b"")]
    return b"".join(record(*m) for m in members)


def run(guest, fw, results):
    """Append (ok, text) for every case of one guest."""
    def report(ok, text):
        results.append((ok, f"{guest}: {text}"))

    with tempfile.TemporaryDirectory(prefix="coco-module.") as tmp:
        kernel, kver, files, warnings = build(guest, tmp)
        report(not warnings, f"builds for {kver} without a warning" + (": " + warnings if warnings else ""))
        with open(tmp + "/initrd", "wb") as f:
            f.write(newc(files))
        base, size = fw.secret
        cmdline = (f"console=ttyS0 panic=-1 quiet memmap=1M${SPARE:#x} test.spare={SPARE:#x} "
                   f"test.area={base:#x} test.size={size:#x}")
        example = table.table([table.entry(table.LUKS, b"hunter2"),
                               table.entry(uuid.UUID("e6f5a162-d67f-4750-a67c-5d065f2a9910"), b"\1\2\0\4\5")])
        log = cache.path("results", f"module-{guest}.log")
        with open(log, "w"):
            pass                        # the machine appends, and only this run is of interest
        with Guest(fw, kernel, tmp + "/initrd", cmdline, secret=example + bytes(8), log=log) as m:
            try:
                m.expect(r"^(dump|end)$", LIMIT)
                area = m.secret_area()
                m.type("\n")
                m.expect(r"^end$", LIMIT)
            except cache.LabError as e:
                report(False, f"boot: {e}; last lines: {m.console[-600:]!r}")
            else:
                rest = area.replace(KEPT, b"", 1)
                report(len(rest) == len(area) - len(KEPT) and b"hunter2" not in rest and sum(map(bool, rest)) < 60,
                       "seen from outside, too, only the kept secret is left in the area")
            for word, text in re.findall(r"^(?:\[[^]]*\] )?(ok|not ok) (.*)$", m.console, re.M):
                report(word == "ok", text)


def guarded(guest, fw, results):
    try:
        run(guest, fw, results)
    except Exception as e:  # a thread's exception would be lost, and with it the verdict
        results.append((False, f"{guest}: {type(e).__name__}: {e}"))


def main():
    guests = sys.argv[1:] or ["d12", "d13"]
    fw = firmware.get()
    vm.accelerator()
    results = {g: [] for g in guests}
    threads = [threading.Thread(target=guarded, args=(g, fw, results[g])) for g in guests]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    flat = [r for g in guests for r in results[g]]
    for i, (ok, text) in enumerate(flat, 1):
        print(f"{'ok' if ok else 'not ok'} {i} - {' '.join(text.split())}")
    print(f"1..{len(flat)}")
    return 0 if flat and all(ok for ok, _ in flat) else 1


if __name__ == "__main__":
    sys.exit(main())
