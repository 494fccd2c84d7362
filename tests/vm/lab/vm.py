# SPDX-License-Identifier: GPL-2.0-or-later
"""One virtual machine: starts QEMU with the firmware, puts the launch secret and the kernel hashes where an SEV
guest would find them, reads and types on the serial console, and drives QEMU over QMP.

All waiting is done in pump(), on the console and on QMP at once, against monotonic deadlines."""

import functools
import json
import os
import re
import select
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from . import cache, cost, gdb, hashes

# With a random number instruction, as each processor with SEV has: without one the kernel spends a second of its own.
CPU = "qemu64,+rdrand"
# Without controllers that no guest here uses, nor its drivers, each loaded and asked by udev in every boot.
MACHINE = "q35,sata=off,smbus=off"
SPARE_PORTS = 2                 # PCIe root ports that hot-added disks can use


_running = set()                # machines whose QEMU was started


class Timeout(cache.LabError):
    """The guest did not do in time what was waited for."""


class Port:
    """One more serial line of a machine."""

    def __init__(self, words, log):
        self.words, self.logfile, self.socket = words, log and log + ".second", None
        self.console = ""               # all text so far

    def read(self):
        """Takes what has come; False when nothing comes any more."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if data and self.logfile:
            with open(self.logfile, "ab") as f:
                f.write(data)
        self.console += clean(data.decode(errors="replace"))
        return bool(data)

    def type(self, text, flags=0):
        """text: or bytes."""
        try:
            data = text if isinstance(text, bytes) else text.encode()
            if flags:
                self.socket.send(data, flags)
            else:
                self.socket.sendall(data)
        except OSError:
            pass


class VM:
    def __init__(self, firmware, kernel, initrd, cmdline, secret=None, disks=(), ram=1024, accel=None, log=None,
                 more=(), hashed=None, write=False, debug=False, nvme=(), second=()):
        """disks: (file, format) pairs, not written to, but the first if `write`. secret: bytes for the secret area,
        or None. more: further words for QEMU; hashed: the command line that the hash table covers, if it is another
        one; debug: with a stub for gdb.py; nvme: numbers of the disks that are not virtio's; second: words for QEMU
        of one more serial line, with the chardev `second`."""
        self.firmware, self.kernel, self.initrd, self.cmdline = firmware, kernel, initrd, cmdline
        self.secret, self.disks, self.ram = secret, list(disks), ram
        self.more, self.hashed, self.write, self.debug = more, hashed or cmdline, write, debug
        self.nvme = nvme
        self.second = Port(second, log) if second else None
        self.accel = accel or accelerator()
        self.logfile = log
        self.console = ""               # all text so far, without carriage returns and escape sequences
        self.lines = []                 # (seconds, line)
        self.events = []                # QMP events
        self.ended = None               # seconds at which QEMU ended
        self.guest_ended = None         # seconds at which the guest powered off, rebooted or halted
        self.heard = None               # function(text), called with what is added to console
        self._partial = b""
        self._qmp_buffer = b""
        self._replies = {}
        self._next_id = 0
        self._timers = []               # (due, function)
        self.typed = 0                  # texts typed by type_all_along()

    # start and end

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.tmp = tempfile.mkdtemp(prefix="coco-vm.")
        argv = self.arguments()
        listeners = {}
        for name in ("serial", "qmp", *(["second"] if self.second else [])):
            s = listeners[name] = socket.socket(socket.AF_UNIX)
            s.bind(f"{self.tmp}/{name}")
            s.listen(1)
            s.settimeout(20)
        self.log = open(self.logfile, "ab") if self.logfile else None
        self.errors = open(f"{self.tmp}/stderr", "w+b")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
                                        env=dict(os.environ, TMPDIR=self.tmp))
        _running.add(self)
        self.began = time.monotonic()
        try:
            self.serial, self.qmp = (self.accept(listeners[n]) for n in ("serial", "qmp"))
            if self.second:
                self.second.socket = self.accept(listeners["second"])
        finally:
            for s in listeners.values():
                s.close()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.serial, selectors.EVENT_READ, self.read_serial)
        self.selector.register(self.qmp, selectors.EVENT_READ, self.read_qmp)
        if self.second:
            self.selector.register(self.second.socket, selectors.EVENT_READ, self.read_second)
        self.command("qmp_capabilities")

    def accept(self, listener):
        try:
            return listener.accept()[0]
        except TimeoutError:
            raise cache.LabError("QEMU did not start: " + self.stderr()) from None

    def stderr(self):
        with open(f"{self.tmp}/stderr", errors="replace") as f:
            return f.read().strip()

    def arguments(self):
        """The command line of lab.md's boot, with QMP, the console on a socket and ports for late disks."""
        base, size = self.firmware.hashes
        blob = hashes.table(self.kernel, self.initrd, self.hashed, self.ram << 20)
        if len(blob) > size:
            raise cache.LabError("the kernel-hashes table is larger than its area")
        argv = ["qemu-system-x86_64", "-M", MACHINE, "-accel", self.accel,
                "-cpu", "host" if self.accel == "kvm" else CPU, "-m", str(self.ram), "-nodefaults", "-display", "none",
                "-net", "none", "-action", "reboot=shutdown,shutdown=pause", "-bios", self.firmware.path,
                "-kernel", self.kernel, "-initrd", self.initrd, "-append", self.cmdline,
                "-chardev", f"socket,id=con,path={self.tmp}/serial", "-serial", "chardev:con",
                "-qmp", f"unix:{self.tmp}/qmp", "-device", self.loader("hashes", blob, base)]
        if self.secret is not None:
            if len(self.secret) > self.firmware.secret[1]:
                raise cache.LabError("the secret table is larger than its area")
            argv += ["-device", self.loader("secret", self.secret, self.firmware.secret[0])]
        if self.second:
            argv += ["-chardev", f"socket,id=second,path={self.tmp}/second", *self.second.words]
        for i in range(SPARE_PORTS):
            argv += ["-device", f"pcie-root-port,id=late{i},chassis={i + 1},slot={i + 1}"]
        for i, (path, fmt) in enumerate(self.disks):
            # The server of a disk sees each request by itself, and what is written.
            served = path.startswith("nbd+")
            snapshot = "off" if self.write and i == 0 or served else "on"
            kind = "nvme" if i in self.nvme else "virtio-blk-pci"
            argv += ["-drive", f"file={path},format={fmt},if=none,id=disk{i},snapshot={snapshot},cache=unsafe",
                     "-device", f"{kind},drive=disk{i},serial=lab{i}" + ",request-merging=off" * served]
        if self.debug:
            argv += ["-gdb", f"unix:{self.tmp}/gdb,server=on,wait=off"]
        return argv + list(self.more)

    def skip(self, address):
        """From now on the guest's CPU skips the function at this address."""
        self.skipper = gdb.Skipper(f"{self.tmp}/gdb", address)
        self.skipper.start()

    def loader(self, name, blob, address):
        with open(f"{self.tmp}/{name}", "wb") as f:
            f.write(blob)
        return f"loader,file={self.tmp}/{name},addr={address:#x},force-raw=on"

    def kill(self):
        _running.discard(self)
        process = getattr(self, "process", None)
        if process and process.returncode is None:
            cost.machine(self.cpu())
            process.kill()
            process.wait()
        for s in ("serial", "qmp", "errors", "log"):
            if getattr(self, s, None):
                getattr(self, s).close()
        if self.second and self.second.socket:
            self.second.socket.close()
        if getattr(self, "tmp", None):
            shutil.rmtree(self.tmp, ignore_errors=True)

    def cpu(self):
        """Seconds of the processor that QEMU has used; of one that has ended and is waited for, none."""
        try:
            with open(f"/proc/{self.process.pid}/stat") as f:
                ticks = f.read().rsplit(")", 1)[1].split()[11:13]
        except OSError:
            return 0
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    # waiting

    def seconds(self):
        return time.monotonic() - self.began

    def pump(self, limit):
        """Handle what comes within `limit` seconds; returns early after anything was handled."""
        due = min([t for t, _ in self._timers], default=None)
        now = time.monotonic()
        wait = limit if due is None else min(limit, max(0, due - now))
        for key, _ in self.selector.select(max(0, wait)):
            key.data()
        for timer in [t for t in self._timers if t[0] <= time.monotonic()]:
            if timer in self._timers:       # one before it may have waited, and so come here itself
                self._timers.remove(timer)
                timer[1]()
        if not self.selector.get_map() and self.ended is None:
            self.process.wait()
            self.ended = self.seconds()

    def after(self, delay, function):
        self._timers.append((time.monotonic() + delay, function))

    def until(self, condition, limit, what):
        """Pump until condition() is true; limit is in seconds from now."""
        end = time.monotonic() + limit
        while True:
            value = condition()
            if value:
                return value
            left = end - time.monotonic()
            if self.ended is not None:
                raise Timeout(f"QEMU ended ({self.reason()}) while waiting for {what}")
            if self.shutdown_reason() and not what.startswith("answer"):
                raise Timeout(f"the guest ended ({self.reason()}) while waiting for {what}")
            if left <= 0:
                raise Timeout(f"no {what} within {limit:.0f} s")
            self.pump(min(left, 1))

    def sleep_until(self, condition, limit):
        """Pump until condition() is true or the limit has passed, whichever comes first."""
        end = time.monotonic() + limit
        while not condition() and self.ended is None and time.monotonic() < end:
            self.pump(min(1, end - time.monotonic()))

    def expect(self, pattern, limit, start=0):
        """Wait for a regular expression on the console, from character `start` on."""
        regex = re.compile(pattern, re.M)
        return self.until(lambda: regex.search(self.console, start), limit, f"{pattern!r} on the console")

    def finish(self, limit, unless=None):
        """Wait for the end of the guest (QEMU stays, stopped, so that its memory can be read); return the reason.
        A line that matches `unless` ends the waiting, too."""
        self.until(lambda: self.reason() != "running" or unless and re.search(unless, self.console, re.M), limit,
                   "end of the machine")
        self.guest_ended = self.seconds()
        return self.reason()

    def halted(self):
        return re.search(r"reboot: System halted", self.console)

    def shutdown_reason(self):
        for event in self.events:
            if event["event"] == "SHUTDOWN":
                return event["data"]["reason"]
        return None

    def reason(self):
        """poweroff, reboot, halt, or running; another word only if the guest crashed or QEMU itself stopped."""
        shutdown = self.shutdown_reason()
        if shutdown:
            return {"guest-shutdown": "poweroff", "guest-reset": "reboot",
                    "guest-panic": "panic"}.get(shutdown, shutdown)
        if self.halted():
            return "halt"
        if self.ended is None:
            return "running"
        return f"QEMU exit {self.process.returncode}: {self.stderr()}"

    # console

    def read_serial(self):
        try:
            data = self.serial.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(self.serial)
            return
        if self.log:
            self.log.write(data)
            self.log.flush()
        text = clean((self._partial + data).decode(errors="replace"))
        cut = text.rfind("\x1b", -30) if "\x1b" in text[-30:] else -1
        # a sequence cut in two waits for its second half
        self._partial = text[cut:].encode() if cut >= 0 else b""
        text = text[:cut] if cut >= 0 else text
        before = self.console.rfind("\n") + 1
        self.console += text
        if self.heard:
            self.heard(text)
        done = self.console[before:].split("\n")[:-1]
        now = self.seconds()
        self.lines += [(now, line) for line in done]

    def type(self, text, flags=0):
        try:
            if flags:
                self.serial.send(text.encode(), flags)
            else:
                self.serial.sendall(text.encode())
        except OSError:
            pass

    def read_second(self):
        if not self.second.read():
            self.selector.unregister(self.second.socket)

    def type_all_along(self, texts, interval):
        """Type these texts one after the other, again and again, until the machine ends."""
        def step():
            if self.guest_ended is None and self.ended is None:
                # A guest that reads nothing fills the socket: then the text is lost, and nobody waits.
                self.type(texts[self.typed % len(texts)], socket.MSG_DONTWAIT)
                self.typed += 1
                self.after(interval, step)
        step()

    # QMP

    def read_qmp(self):
        try:
            data = self.qmp.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(self.qmp)
            return
        self._qmp_buffer += data
        while b"\n" in self._qmp_buffer:
            line, self._qmp_buffer = self._qmp_buffer.split(b"\n", 1)
            message = json.loads(line)
            if "event" in message:
                self.events.append(message)
            elif "id" in message:
                self._replies[message["id"]] = message

    def command(self, name, **arguments):
        self._next_id += 1
        ident = self._next_id
        self.qmp.sendall(json.dumps({"execute": name, "arguments": arguments, "id": ident}).encode() + b"\n")
        reply = self.until(lambda: self._replies.pop(ident, None), 30, f"answer to {name}")
        if "error" in reply:
            raise cache.LabError(f"QMP {name}: {reply['error']['desc']}")
        return reply["return"]

    def unplug(self, device):
        """Takes a device away, and waits until the guest has let it go."""
        gone = len(self.events)
        self.command("device_del", id=device)
        self.until(lambda: any(e["event"] == "DEVICE_DELETED" and e["data"].get("device") == device
                               for e in self.events[gone:]), 60, f"end of {device}")

    def add_disk(self, path, fmt="raw", port=0):
        """Hot-add a disk; like the others it is not written to."""
        overlay = f"{self.tmp}/late{port}.qcow2"
        cache.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", path, "-F", fmt, overlay])
        self.command("blockdev-add", driver="qcow2", **{"node-name": f"hot{port}",
                     "file": {"driver": "file", "filename": overlay}})
        self.command("device_add", driver="virtio-blk-pci", bus=f"late{port}", drive=f"hot{port}", id=f"hotdisk{port}",
                     serial=f"late{port}")

    def memory(self, base, size):
        """A file with guest memory as it is now."""
        dump = f"{self.tmp}/memory"
        self.command("pmemsave", val=base, size=size, filename=dump)
        return dump

    def secret_area(self):
        """The bytes of the secret area as they are in guest memory now."""
        with open(self.memory(*self.firmware.secret), "rb") as f:
            return f.read()


@functools.cache
def qemu_version():
    return subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout


def clean(text):
    """Console text as a reader sees it: no carriage returns, no terminal control sequences."""
    text = re.sub(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78cDEHMNOZ])", "", text)
    return text.replace("\r", "").replace("\0", "")


def kill_all():
    """End every machine of this run, and what it has left in the file system."""
    for machine in list(_running):
        machine.process.kill()
        shutil.rmtree(machine.tmp, ignore_errors=True)


_accel = None
_accel_lock = threading.Lock()


def accelerator(probe=None):
    """kvm if a kernel really boots under it, else tcg; decided once per run, probe() names a kernel to try."""
    global _accel
    with _accel_lock:
        if _accel is None:
            _accel = probed(probe()) if probe else "tcg"
            cache.say(f"accelerator: {_accel}")
        return _accel


def probed(kernel):
    """The answer is kept as long as this machine runs: a probe that fails takes 15 s."""
    with open("/proc/sys/kernel/random/boot_id") as f:
        boot = f.read()

    def build(tmp):
        with open(tmp + "/accelerator", "w") as f:
            f.write("kvm" if kvm_boots(kernel) else "tcg")
    with open(cache.item("accelerator", cache.key(boot, kernel), build) + "/accelerator") as f:
        return f.read()


def kvm_boots(kernel):
    """True if a kernel started under KVM gets as far as looking for its root, within a few seconds."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    argv = ["qemu-system-x86_64", "-M", "q35", "-accel", "kvm", "-cpu", "host", "-m", "512", "-nodefaults", "-display",
            "none", "-no-reboot", "-serial", "stdio", "-kernel", kernel, "-append", "console=ttyS0 panic=-1"]
    # Where a kernel boots at all, its first line is there within one second.
    said, began = b"", time.monotonic()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            while select.select([process.stdout], [], [], max(0, began + (15 if said else 5) - time.monotonic()))[0]:
                data = os.read(process.stdout.fileno(), 65536)
                said += data
                if not data or b"Unable to mount root fs" in said:
                    break
        finally:
            process.kill()
    if b"Unable to mount root fs" in said:
        return True
    cache.say("/dev/kvm is there, but a kernel does not boot under it")
    return False
