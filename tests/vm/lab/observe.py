# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the machine of one test case and writes down what was seen. No judgement here: see verdict.py."""

import base64
import dataclasses
import hashlib
import mmap
import os
import re
import shutil
import time

from . import attested, cache, disk, firmware, firstboot, own, owner, pid1, power, realroot, rescue, tree, vm

# Typed on the console all along in every refusal. Typed text is echoed, so none of it may look like a prompt,
# and the marker that a shell would print is not in it.
TYPED = ["hunter-guess\n", "\n", "\x03", "root\n", "sh\n", "echo MARK$((40+2))\n", "\n", "\x04", "y\n", "\x1b\n"]
TYPED_FOR_SHELL = ["\n", "echo MARK$((40+2))\n"]
UNIT_STARTS = r"Start(ing|ed) coco-unl|coco-unlock: version"     # systemd shortens what does not fit the console
# Requests that a disk has got stay with it: one byte a second.
STALLED = {"bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0, "iops_wr": 0}
# On a busy machine an emulated timer may not pass the kernel's test of it, and what the kernel then uses in its place
# may stop for good some seconds later, before any program has begun.
CONSOLE = "console=ttyS0 no_timer_check root={root} rw"
# The console has the kernel's warnings and what is worse: each line costs the emulation. All is in the guest's log.
TERSE = "loglevel=5"


class Observation:
    """What one boot showed; everything that a verdict may use."""

    def __init__(self):
        self.console = ""       # all text of the serial console
        self.lines = []         # (seconds since the start of QEMU, line)
        self.reason = None      # how the machine ended: poweroff, reboot, halt, running ...
        self.ended = None       # when, in seconds
        self.lab = {}           # the guest's own verdict, {} if its real root was not reached
        self.answers = {}       # {command: (exit code, output)} of the commands of the case
        self.area = None        # bytes of the secret area at the end
        self.typed = 0          # lines that were typed on the console
        self.keys = {}          # the same of the first disk's volume key
        self.dump = {}          # {form of the secret: where it was found in the guest's memory}
        self.error = None       # what the driver waited for in vain
        self.log = None         # file with the raw console
        self.kver = None        # release of the kernel that was booted
        self.broker = []        # what a key broker has written down
        self.steps = {}         # {name: what has come of a step at the console}

    def at(self, pattern, last=False):
        """The second at which the first line that matches came, or the last one; or None."""
        lines = reversed(self.lines) if last else self.lines
        return next((t for t, line in lines if re.search(pattern, line)), None)


def parts(case, combo):
    """What a case needs, built or from the cache: (kernel, initramfs, disk files, release of the kernel)."""
    guest, kernel_name = combo.guest, combo.kernel
    if case.boots_with:
        kernel, initrd, release = case.boots_with(combo)
        return kernel, initrd, [image(combo, d) for d in case.disks], release
    system = tree.system(guest, kernel_name)
    if case.standalone:
        initrd = tree.standalone(guest, kernel_name, own.conf(case), case.config, case.files)
        return system + "/vmlinuz", initrd, [image(combo, d) for d in case.disks], tree.read(system + "/kver")
    config = attested.built(case.attested) if case.attested else case.config
    initrd = tree.initramfs(guest, kernel_name, config, case.drop, case.force, case.files, case.recipe,
                            case.modules, case.full)
    disks = [image(combo, d) for d in case.disks]
    return system + "/vmlinuz", initrd, disks, tree.read(system + "/kver")


def image(combo, wanted):
    if wanted.made:
        return wanted.made()
    if wanted.of:
        return wanted.of(combo)
    if wanted.kind == "owner":
        return owner.disk_file(combo.guest, combo.kernel, wanted.name)
    if wanted.kind == "readme":
        return firstboot.disk_file(combo.guest)
    if wanted.kind == "real":
        return realroot.disk_file(combo.guest, combo.kernel, wanted.name)
    if wanted.kind in ("root", "btrfs"):
        return disk.root(combo.guest, combo.kernel, wanted.key, wanted.kind == "btrfs", wanted.bare)
    return disk.small(wanted.kind, wanted.key, wanted.name)


def settled(case, combo):
    """The case with the bytes of its table and what is typed, where these depend on its disks, and with texts of its
    configuration that depend on the guest."""
    depend = {name: getattr(case, name) for name in ("table", "types") if callable(getattr(case, name))}
    disks = [image(combo, d) for d in case.disks] if depend else []
    settled_ones = {name: function(disks) for name, function in depend.items()}
    if case.config:
        settled_ones["config"] = {name: text(combo) if callable(text) else text for name, text in case.config.items()}
    return dataclasses.replace(case, **settled_ones)


def run(case, combo, log, hook=None, written=None, heard=None):
    """Boot a case and return the observation. hook(machine), if given, talks to the guest when it is ready.
    written: a copy of the first disk, which the guest may write to. heard(text): told of the console as it comes."""
    seen = Observation()
    seen.log = log
    kernel, initrd, disks, seen.kver = parts(case, combo)
    late = [i for i, d in enumerate(case.disks) if d.late]
    disks = [blank_copy(log, i, f) if case.disks[i].hot else f for i, f in enumerate(disks)]
    key = volume_key(case, disks[0]) if getattr(case.expect, "dump", False) else None
    now = [(written if written and i == 0 else f, "raw") for i, f in enumerate(disks) if i not in late]
    words = " ".join([*([] if loud(case) else [TERSE]), CONSOLE.format(root=case.root), *case.cmdline])
    around = attested.Around(case, combo, initrd, log) if case.attested else None
    machine = vm.VM(firmware.get(), kernel, around.initrd if around else initrd, words, case.table, now, log=log,
                    more=[*case.qemu, *(around.words() if around else ())], debug=case.skip,
                    hashed=words.replace(*case.unhashed) if case.unhashed else None, ram=case.ram, write=bool(written),
                    nvme=[i for i, d in enumerate(case.disks) if d.nvme], second=case.second)
    machine.heard, machine.around = heard, around
    machine.talk = rescue.Talk(machine, case, combo, disks, seen) if case.steps else None
    if case.deaf:
        machine.initrd = with_front(power.deaf(machine), initrd, log + ".initrd")
    if case.kills:
        machine.initrd = pid1.killing(combo.guest, initrd, case.kills(), log + ".initrd")
    try:
        with machine:
            try:
                for i, d in enumerate(case.disks):
                    if d.hot:
                        heat(machine, d.hot, i, image(combo, d), disks[i])
                if case.skip:
                    at_sign(machine, r"LAB skips ([0-9a-f]{16})$", lambda found: machine.skip(int(found.group(1), 16)))
                if case.slow:
                    at_sign(machine, case.slow, lambda _: machine.command(
                        "block_set_io_throttle", device="disk0", **dict(STALLED, bps=1)))
                drive(machine, case, [disks[i] for i in late], seen, hook, key)
            except cache.LabError as e:
                seen.error = str(e)
            seen.reason = machine.reason()
            seen.ended, seen.typed = machine.guest_ended, machine.typed
            if seen.area is None and machine.ended is None:
                seen.area = machine.secret_area()
            if key and not seen.keys and machine.ended is None:
                seen.keys = search_memory(machine, case, key)
            if case.skip and not getattr(machine, "skipper", None):
                raise cache.LabError("the guest has not told what to skip")
            if case.skip and machine.skipper.skipped == 0:
                raise cache.LabError("the function that is to be skipped was never called")
    finally:
        seen.console, seen.lines = machine.console, machine.lines
        if around:
            seen.broker = around.records()
            around.end()
        for i, d in enumerate(case.disks):
            if d.hot:
                os.unlink(disks[i])
        if case.deaf or case.kills:
            os.unlink(machine.initrd)
    return seen


def volume_key(case, path):
    """Of the first disk. What coco-secret has made has it beside it."""
    beside = os.path.dirname(path) + "/volume-key"
    return attested.contents(beside) if os.path.exists(beside) else disk.volume_key(path, case.disks[0].key)


def loud(case):
    """Does the console need all that the kernel says? An image of our own says there when it begins."""
    timed = any(getattr(case.expect, name, None) for name in ("within", "not_before"))
    return case.loud or case.standalone and (timed or any(d.late for d in case.disks))


def with_front(front, initrd, path):
    """A file of this part and the initramfs."""
    with open(path, "wb") as f, open(initrd, "rb") as rest:
        f.write(front)
        shutil.copyfileobj(rest, f)
    return path


def blank_copy(log, number, path):
    """A file of zeros as long as this one."""
    name = f"{log}.hot{number}"
    with open(name, "wb") as f:
        f.truncate(os.path.getsize(path))
    return name


def at_sign(machine, sign, action):
    """When the console shows the sign, action(match)."""
    def step():
        found = re.search(sign, machine.console, re.M)
        if found:
            action(found)
        else:
            machine.after(0.05, step)
    step()


def heat(machine, sign, number, source, path):
    """When the console shows the sign, the disk gets its contents, and the guest an event."""
    def change(_):
        cache.run(["dd", "if=" + source, "of=" + path, "conv=notrunc,sparse", "bs=64k", "status=none"])
        machine.command("block_resize", device=f"disk{number}", size=os.path.getsize(path) + (1 << 20))
    at_sign(machine, sign, change)


def drive(machine, case, late, seen, hook, key):
    if late:
        machine.expect(UNIT_STARTS, 90)
        for port, path in enumerate(late):
            machine.after(9, lambda path=path, port=port: machine.add_disk(path, port=port))
    if case.silent:
        # Nothing is waited for; any text ends the waiting.
        machine.sleep_until(lambda: machine.console.strip() or machine.cpu() > case.expect.seconds, 60)
        return
    if case.falls:
        if case.types:
            machine.expect(r"\S", 60)     # newer kernels say nothing of themselves there
            machine.type_all_along(case.types, 1)
        machine.expect(case.expect.sign, case.limit)
        return
    if case.shell:
        # Control-D would leave the shell, and the boot begin again: only what a person would type.
        machine.expect("coco-unlock: FAILED .*\\n", case.limit)
        machine.type_all_along(TYPED_FOR_SHELL, 2)
    elif case.typed:
        machine.expect(r"\S", 60)     # newer kernels say nothing of themselves there
        # In an initramfs of our own there are two seconds for it.
        pause = 0.7 if not case.types else 0.005 if case.standalone else 0.05
        machine.type_all_along(case.types or TYPED, pause)
    if case.steps:
        # What is typed before the page is there is lost.
        machine.expect(r"^words +report .*\n", case.limit)
        for step in case.steps:
            seen.steps[step.name] = step.does(machine.talk)
    if case.shell:
        machine.expect(r"^MARK42$", case.limit)
    elif case.boots:
        machine.expect(r"^LAB ready$", case.limit)
        seen.lab = dict(re.findall(r"^LAB (\w+)=(.*)$", machine.console, re.M))
        if hook:
            hook(machine)
        for command in case.commands:
            seen.answers[command] = ask(machine, command)
        if case.expect.dump:
            ask(machine, CONTROL)
            more = machine.around.secrets(machine.console) if machine.around else {}
            more.update(machine.talk.secrets() if machine.talk else {})
            seen.dump = search_memory(machine, case, case.disks[0].key, control=CONTROL_TEXT, **more)
            seen.keys = search_memory(machine, case, key)
        seen.area = machine.secret_area()
        machine.type(case.end + "\n")
        machine.finish(60 if case.end == "end" else 180)
    elif case.hold:
        machine.expect("coco-unlock: FAILED .*\\n", case.limit)
        machine.sleep_until(lambda: machine.shutdown_reason(), case.hold)
    else:
        machine.finish(case.limit, unless="^LAB ready$")


# Put together in the guest when this runs: it stands like that in no file and in no command.
CONTROL = "X=$(printf 'co%sco %s' 42 memory | sha256sum | cut -c1-64) sleep 600 </dev/null >/dev/null 2>&1 &"
CONTROL_TEXT = hashlib.sha256(b"co42co memory").hexdigest().encode()


def forms(secret):
    """How a secret could lie in memory: {name: bytes}. Halves are searched for, so that parts are found, too."""
    half = len(secret) // 2
    return {"raw, first half": secret[:half], "raw, second half": secret[half:],
            "hex": secret.hex().encode()[:half], "hex, upper case": secret.hex().upper().encode()[:half],
            "base64": base64.b64encode(secret)[:half]}


def search_memory(machine, case, secret, **more):
    """All of the guest's memory, searched for the secret and for other texts: {form: addresses}."""
    wanted = dict(forms(secret), **more)
    found = {name: [] for name in wanted}
    with open(machine.memory(0, case.ram << 20), "rb") as f, \
            mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        for name, text in wanted.items():
            at = memory.find(text)
            while at >= 0 and len(found[name]) < 20:
                found[name].append(at)
                at = memory.find(text, at + 1)
    return found


def ask(machine, command, limit=60):
    """Run a command in the guest's real root; returns (exit code, output)."""
    start = len(machine.console)
    machine.type(command + "\n")
    found = machine.expect(r"^LAB exit=(\d+)\nLAB ready$", limit, start)
    text = "\n".join(re.findall(r"^LAB> (.*)$", machine.console[start:found.start()], re.M))
    return int(found.group(1)), text


def tail(seen, count=40):
    """The last lines of the console; of a guest that gave its verdict, those up to there."""
    text = seen.console[:seen.console.rfind("LAB ready") + 10] if seen.lab else seen.console
    lines = [line for line in text.split("\n") if line.strip()]
    return lines[-count:]


def results_directory():
    """A new directory for the consoles of one run; the ten newest are kept."""
    base = cache.path("results")
    os.makedirs(base, exist_ok=True)
    old = sorted((e.path for e in os.scandir(base) if e.is_dir()), key=os.path.getmtime)
    for path in old[:-9]:
        cache.remove(path)
    path = os.path.join(base, time.strftime("%Y%m%d-%H%M%S") + f"-{os.getpid()}")
    os.makedirs(path)
    return path
