# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: a stock Debian 12 kernel boots twice, in dracut's initramfs and in one of our own, told as time
lines side by side.

Times come from the console (when a line arrived) and from the guest's own status.json (when a stage began, on
the guest's clock); the two clocks are laid over each other by the kernel's time stamps."""

import dataclasses
import json
import os
import re

from . import cache, cases, firmware, observe, table, verdict, vm

WORKLOAD = table.numbered(8)
OTHER = table.numbered(9)
CASE = cases.Case("demo", verdict.Boot(found=3),
                  table.plain(cases.KEY, (WORKLOAD, b"for nobody"), (OTHER, table.secret("other"))), loud=True)
BOTH = (CASE, dataclasses.replace(CASE, name="demo-own", standalone=True))
COMBO = cases.COCO12


def run():
    fw = firmware.get()
    results = observe.results_directory()
    cache.say("preparing the guest (cached for the next time)")
    for case in BOTH:
        observe.parts(case, COMBO)
    bad, boots = 0, []
    for case in BOTH:
        cache.say("booting " + ("an initramfs of our own" if case.standalone else "dracut's initramfs"))
        log = os.path.join(results, case.name)
        seen = observe.run(case, COMBO, log)
        complaints = verdict.judge(case, COMBO, case.expect, seen)
        for complaint in complaints:
            print("NOT AS EXPECTED: " + complaint)
        if complaints:
            print("\n".join(observe.tail(seen)))
        bad += bool(complaints)
        boots.append(seen)
    if all(seen.lab for seen in boots):
        for line in story(fw, boots):
            print(line)
    print(f"\nThe whole consoles are in {results}")
    return 1 if bad else 0


def guest_clock(seen):
    """Seconds from the start of QEMU to zero of the guest's clock: the smallest lag of a kernel message."""
    lags = [t - float(m.group(1)) for t, line in seen.lines
            for m in [re.match(r"\[ *(\d+\.\d{6})\] ", line)] if m and float(m.group(1)) > 0.5]
    return min(lags, default=0)


def events(fw, seen):
    """{step: (second, what)} of one boot."""
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
    found = {
        "firmware": (0.0, f"AmdSev OVMF starts; a launch secret lies at {fw.secret[0]:#x}"),
        "kernel": (zero, f"{seen.kver}, as Debian ships it (efi_secret is off in it)"),
        "initramfs": (at("Running in initrd|dracut-.*Initramfs|coco-unlock: version"),
                      f"systemd {seen.lab['systemd']} of an image made by dracut; or coco-unlock as PID 1"),
        "coco-unlock": (begin("prepare"), "checks all that can fail without the secret"),
        "module": (end("secret-module"), f"{source['module']} publishes the launch secret in {source['path']}"),
        "secrets": (end("read"), f"{source['found']} found, {source['read']} read into locked memory"),
        "wiped": (end("wipe"),
                  f"{source['wiped']} of {source['found']} entries, {source['kept']} kept, before any disk is touched"),
        "device": (end("device"), f"{volume['device']}, UUID {volume['uuid']}"),
        "header": (end("header"), f"{volume['header']}: LUKS2, one segment, {volume['cipher']}"),
        "key": (end("keyslot"), f"keyslot {volume['keyslot']} opens with the secret's {volume['form']} bytes"),
        "mapping": (mapped, volume["mapping"]),
        "proved": (at("coco-unlock: mounts: |Finished coco-unlock-verify-m"), "all that is mounted is on it"),
        "real root": (at("^Welcome to Debian", mapped), f"{seen.lab['root']}: systemd {seen.lab['systemd']} starts"),
        "verdict": (at("^LAB begin"), "system is " + seen.lab["state"] + ", as the guest says"),
    }
    return found


def story(fw, boots):
    """The time lines, one line of text each."""
    ours = [events(fw, seen) for seen in boots]
    yield (f"coco-unlock demo: Debian 12, kernel {boots[0].kver}, QEMU {vm.accelerator()}; "
           f"firmware sha256 {fw.digest[:16]}...")
    yield ""
    yield "   dracut     own  step         what"
    for step, (_, what) in ours[0].items():
        times = " ".join("       " if e[step][0] is None else f"{e[step][0]:7.2f}" for e in ours)
        yield f"  {times}  {step:<11}  {what}"
    yield ""
    for name, seen in zip(("dracut", "own"), boots):
        status = json.loads(seen.lab["status"])
        stages = {s["name"]: s for s in status["stages"]}
        left, dirty = seen.lab["secrets"].split(), verdict.judge_area(CASE.table, (), seen.area)
        yield (f"  {name}: {len(left)} entries left in securityfs; the secret area, dumped through QEMU: " +
               (dirty[0] if dirty else "no byte of any secret left"))
        yield ("    stages: " + ", ".join(f"{s['name']} {s['us'] / 1000:.1f} ms" for s in status["stages"]) +
               f"; peak memory {status['peak_memory_kib']} KiB")
        window = sum(stages[s]["us"] for s in ("header", "keyslot", "mapping"))
        yield f"    device known to mapping there: {window / 1e6:.2f} s (software emulation: read it as a ratio)"
