# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: one boot of a stock Debian 12 kernel, told as a time line.

Times come from the console (when a line arrived) and from the guest's own status.json (when a stage began, on
the guest's clock); the two clocks are laid over each other by the kernel's time stamps."""

import json
import os
import re

from . import cache, cases, firmware, observe, table, verdict, vm

WORKLOAD = table.numbered(8)
OTHER = table.numbered(9)
CASE = cases.Case("demo", verdict.Boot(found=3),
                  table.plain(cases.KEY, (WORKLOAD, b"for nobody"), (OTHER, table.secret("other"))))
COMBO = cases.COCO12


def run():
    fw = firmware.get()
    log = os.path.join(observe.results_directory(), "demo")
    cache.say("preparing the guest (cached for the next time)")
    observe.parts(CASE, COMBO)
    cache.say("booting")
    seen = observe.run(CASE, COMBO, log)
    complaints = verdict.judge(CASE, COMBO, CASE.expect, seen)
    if seen.lab:
        for line in story(fw, seen):
            print(line)
    for complaint in complaints:
        print("NOT AS EXPECTED: " + complaint)
    if complaints and not seen.lab:
        print("\n".join(observe.tail(seen)))
    print(f"\nThe whole console is in {log}")
    return 1 if complaints else 0


def guest_clock(seen):
    """Seconds from the start of QEMU to zero of the guest's clock: the smallest lag of a kernel message."""
    lags = [t - float(m.group(1)) for t, line in seen.lines
            for m in [re.match(r"\[ *(\d+\.\d{6})\] ", line)] if m and float(m.group(1)) > 0.5]
    return min(lags, default=0)


def story(fw, seen):
    """The time line, one line of text each."""
    status = json.loads(seen.lab["status"])
    stages = {s["name"]: s for s in status["stages"]}
    source, volume = status["source"], status["volumes"][0]
    zero = guest_clock(seen)

    def begin(name):
        return zero + stages[name]["start_us"] / 1e6

    def end(name):
        return begin(name) + stages[name]["us"] / 1e6

    def at(pattern, start=0.0):
        return next((t for t, line in seen.lines if t >= start and re.search(pattern, line)), None)
    mapped = end("mapping")
    events = [
        (0.0, "firmware", f"AmdSev OVMF starts; a launch secret lies at {fw.secret[0]:#x}"),
        (zero, "kernel", f"{seen.kver}, as Debian ships it (efi_secret is off in it)"),
        (at("Running in initrd|dracut-.*Initramfs"), "initramfs",
         f"systemd {seen.lab['systemd']} of an image made by dracut"),
        (begin("prepare"), "coco-unlock", "starts; checks all that can fail without the secret"),
        (end("secret-module"), "module", f"{source['module']} publishes the launch secret in {source['path']}"),
        (end("read"), "secrets", f"{source['found']} found, {source['read']} read into locked memory"),
        (end("wipe"), "wiped",
         f"{source['wiped']} of {source['found']} entries, {source['kept']} kept, before any disk is touched"),
        (end("device"), "device", f"{volume['device']}, UUID {volume['uuid']}"),
        (end("header"), "header",
         f"{volume['header']}: LUKS2, one segment, {volume.get('cipher', 'cipher on the list')}"),
        (end("keyslot"), "key", f"keyslot {volume['keyslot']} opens with the secret's {volume['form']} bytes"),
        (mapped, "mapping", volume["mapping"]),
        (at("Switch Root"), "hand-over", "the initramfs leaves"),
        (at("^Welcome to Debian", mapped), "real root", f"{seen.lab['root']}: systemd {seen.lab['systemd']} starts"),
        (at("^LAB begin"), "verdict", "system is " + seen.lab["state"] + ", as the guest says:"),
    ]
    yield (f"coco-unlock demo: Debian 12, kernel {seen.kver}, QEMU {vm.accelerator()}; "
           f"firmware sha256 {fw.digest[:16]}...")
    yield ""
    yield "  seconds  step         what"
    for when, step, what in sorted((e for e in events if e[0] is not None), key=lambda e: e[0]):
        yield f"  {when:7.2f}  {step:<11}  {what}"
    left = seen.lab["secrets"].split()
    dirty = verdict.judge_area(CASE.table, (), seen.area)
    yield f"                          root file system on {seen.lab['root']}"
    yield f"                          {seen.lab['table']}"
    yield f"                          {len(left)} entries left in securityfs"
    yield ("                          the secret area, dumped through QEMU: " +
           (dirty[0] if dirty else "no byte of any secret left"))
    yield ""
    window = sum(stages[s]["us"] for s in ("header", "keyslot", "mapping"))
    yield ("  stages: " + ", ".join(f"{s['name']} {s['us'] / 1000:.1f} ms" for s in status["stages"]) +
           f"; peak memory {status['peak_memory_kib']} KiB")
    yield f"  device known to mapping there: {window / 1e6:.2f} s (software emulation: read it as a ratio)"
