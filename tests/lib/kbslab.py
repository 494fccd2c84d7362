# SPDX-License-Identifier: GPL-2.0-or-later
"""Unlocks trees with secrets of a key broker, without root: coco-unlock with the platform of fake_platform.h,
the broker program as it is, and the broker of broker.py, over loopback.

Needs Debian's own python3; openssl and cryptsetup. May not touch anything outside its own directory."""

import base64
import hashlib
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import broker
import faults

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COCO_UNLOCK = os.path.abspath(os.environ.get("COCO_UNLOCK", os.path.join(TOP, "build", "coco-unlock")))
BUILD = os.path.dirname(COCO_UNLOCK)
SECRETS = "sys/kernel/security/secrets/coco"
REPORTS = "sys/kernel/config/tsm/report"
GUID = "736869e5-84f0-4973-92ec-06879ce3da0b"
NAME = "broker.test"
RESOURCE = "default/disk/root"
# No output may have it. Put together so that a search of this file does not find it.
CANARY = "cana" + "ry-5Xw"


def event_log(events=((1, b"one"), (3, b"two"), (1, b"three"))):
    """A log of TDX, and the four registers after it. An event: index, data."""
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, 1) + struct.pack("<HHB", 0xc, 48, 0)
    out = struct.pack("<II20sI", 1, 3, b"", len(spec)) + spec
    registers = [bytes(48)] * 4
    for index, data in events:
        digest = hashlib.sha384(data).digest()
        out += struct.pack("<IIIH", index, 0xd, 1, 0xc) + digest + struct.pack("<I", len(data)) + data
        registers[index - 1] = hashlib.sha384(registers[index - 1] + digest).digest()
    return out, b"".join(registers)


def certificate_table(*entries):
    """auxblob of sev_guest, from pairs of a GUID, as it is printed, and bytes."""
    head, body, at = b"", b"", 24 * (len(entries) + 1)
    for guid, data in entries:
        head += bytes.fromhex(guid.replace("-", "")) + struct.pack("<II", at + len(body), len(data))
        body += data
    return head + bytes(24) + body


VCEK = "63da758d-e664-4564-adc5-f4b93be8accd"


class Lab:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="coco-kbs-", dir=os.environ.get("TMPDIR"))
        self.nr = 0
        self.lock = threading.Lock()
        self.key = self.file("key", f"{CANARY} of the disk".encode())
        self.format()
        self.chip()
        self.log_lines = io.StringIO()
        with open(self.key, "rb") as f:
            self.secret = f.read()
        self.broker = broker.Broker(self.path("broker"), {RESOURCE: self.secret}, (broker.LOOPBACK, NAME),
                                    self.path("chip.pub"), self.log_lines)
        self.ports = {}
        self.pins = {name: self.broker.certificates.pin(name) for name in ("server", "other", "ca")}
        log, registers = event_log()
        self.log, self.rtmr = self.file("log", log), self.file("rtmr", registers)

    def close(self):
        self.broker.close()
        shutil.rmtree(self.dir)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, name):
        return os.path.join(self.dir, name)

    def file(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def call(self, *words):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.dir, check=False,
                              env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin"))
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stdout.decode()}")
        return done.stdout

    def format(self):
        self.file("disk", bytes(2 << 20))
        self.call("cryptsetup", "luksFormat", "-q", "--disable-locks", "--key-file", "key", "--luks2-metadata-size",
                  "16k", "--luks2-keyslots-size", "768k", "--offset", "2048", "--sector-size", "512", "--pbkdf",
                  "pbkdf2", "--pbkdf-force-iterations", "1000", "disk")

    def chip(self):
        """The key that signs reports, and its certificate."""
        self.call("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out",
                  "chip.key")
        self.call("openssl", "pkey", "-in", "chip.key", "-pubout", "-out", "chip.pub")
        self.call("openssl", "req", "-x509", "-new", "-key", "chip.key", "-subj", "/CN=chip", "-outform", "DER",
                  "-out", "chip.der")
        with open(self.path("chip.der"), "rb") as f:
            self.aux = self.file("aux", certificate_table((VCEK, f.read())))

    def platform(self, words="snp"):
        """For FAKE_PLATFORM: words, with the files that they want."""
        if words.startswith("snp"):
            return f"key={self.path('chip.key')} {words}"
        return f"rtmr={self.rtmr} {words}"

    def url(self, fault, host=broker.LOOPBACK, new=False):
        """One listener for each fault, or a new one."""
        with self.lock:
            port = None if new else self.ports.get(fault)
            if not port:
                port = self.broker.listen(faults.find(fault))
                self.ports.setdefault(fault, port)
            return f"https://{host}:{port}"

    def events(self, url):
        """What the broker has logged of the listener: a list for each connection."""
        connections = {}
        for line in self.log_lines.getvalue().splitlines():
            event = json.loads(line)
            if event["event"] == "connection" and event["port"] == int(url.split(":")[-1]):
                connections[event["nr"]] = []
            if event.get("nr") in connections:
                connections[event["nr"]].append(event)
        return list(connections.values())

    def tree(self, urls, identity=None, timeout="2s", kbs=(), sources="efi kbs", more=None):
        """A machine with a disk and a launch secret that would open it, for these URLs. identity: lines of
        [Kbs]; more: other files."""
        with self.lock:
            self.nr += 1
            tree = self.path(f"tree{self.nr}")
        for name in ("etc/coco-unlock", "run", "dev", "proc", "sys/class/block/vda/device", SECRETS,
                     "usr/lib/coco-unlock"):
            os.makedirs(os.path.join(tree, name))
        os.link(self.path("disk"), os.path.join(tree, "dev/vda"))
        os.link(self.key, os.path.join(tree, SECRETS, GUID))
        program = os.path.join(BUILD, "coco-unlock-broker")
        try:
            os.link(program, os.path.join(tree, "usr/lib/coco-unlock/coco-unlock-broker"))
        except OSError:  # another file system
            shutil.copy(program, os.path.join(tree, "usr/lib/coco-unlock/coco-unlock-broker"))
        lines = ["[Unlock]", f"Sources={sources}", f"Timeout={timeout}", "[Kbs]"]
        lines += [f"Url={url}" for url in urls]
        lines += [f"Resource={RESOURCE}", "ResourceFormat=secret"]
        lines += identity if identity is not None else [f"Pin={self.pins['server']}"]
        files = {"etc/coco-unlock/coco-unlock.conf": "\n".join([*lines, *kbs, ""]).encode(), **(more or {})}
        for name, data in files.items():
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            with open(os.path.join(tree, name), "wb") as f:
                f.write(data)
        return tree

    def ca(self, name="ca"):
        """Lines of [Kbs], and the file, for a broker that a CA vouches for."""
        with open(self.broker.certificates.path(name + ".pem"), "rb") as f:
            return ["BrokerCA=/etc/coco-unlock/ca.pem"], {"etc/coco-unlock/ca.pem": f.read()}

    def unlock(self, tree, platform="snp", front=(), limit=30):
        """front: words in front of the command."""
        return Run(self, tree, self.platform(platform), front, limit)


class Run:
    """One unlock and what is left of it."""

    def __init__(self, lab, tree, platform, front, limit):
        self.tree = tree
        words = [*front, os.path.join(BUILD, "attesting"), f"--root={tree}", "unlock"]
        # Files, since a process that the platform holds on to would keep a pipe open.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            begin = time.monotonic()
            self.code = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=limit,
                                       check=False, env=dict(os.environ, FAKE_PLATFORM=platform, LC_ALL="C")).returncode
            self.seconds = time.monotonic() - begin
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read().decode(), err.read().decode()
        self.secret = lab.secret
        try:
            with open(os.path.join(tree, "run/coco-unlock/status.json"), encoding="utf-8") as f:
                self.status = json.load(f)
        except FileNotFoundError:
            self.status = {}
        self.reason = self.status.get("reason", "")

    def leaks(self, *words):
        """Where a secret, or one of these words, has got to: outputs and files by name."""
        wanted = [self.secret, base64.b64encode(self.secret)[:-4], self.secret.hex().encode(), CANARY.encode()]
        wanted += [word.encode() for word in words]
        texts = {"stdout": self.out.encode(), "stderr": self.err.encode()}
        for folder, _, files in os.walk(self.tree):
            for file in files:
                name = os.path.relpath(os.path.join(folder, file), self.tree)
                if name.startswith((SECRETS, "dev/", "usr/")):
                    continue
                with open(os.path.join(folder, file), "rb") as f:
                    texts[name] = f.read()
        return [name for name, text in texts.items() if any(word in text for word in wanted)]

    def launch_secret_is_there(self):
        return os.path.exists(os.path.join(self.tree, SECRETS, GUID))

    def report_directories(self):
        try:
            return os.listdir(os.path.join(self.tree, REPORTS))
        except FileNotFoundError:
            return []

    def processes(self):
        """Those that run for this tree."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().decode("utf-8", "replace")
                if os.readlink(f"/proc/{pid}/exe").startswith(self.tree + "/") or f"--root={self.tree}\0" in words:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def end(self):
        """Ends what the platform holds on to."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
