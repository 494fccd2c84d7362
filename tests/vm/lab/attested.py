# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that get their key from a key broker: what stands around them. brokers.py has the cases.

The platform is ../tsm: a provider of reports for the stock kernel's own TSM core, and a program that signs for it. The
broker is the tests' own (../../lib/broker.py), on the loopback of the machine that runs the lab, which QEMU's user
network shows to the guest as its gateway; beside it there is a second card that leads nowhere. No packet leaves the
machine. One initramfs serves all cases of a kind, as its own dracut has made it: what a case changes is an archive
behind it, and the hash table covers both."""

import dataclasses
import json
import os
import re
import select
import shutil
import subprocess

from . import cache, power, tree

HERE = os.path.join(os.path.dirname(tree.GUEST_FILES), "tsm")
BROKER = os.path.join(HERE, "broker.py")
SOURCES = ("Kbuild", "lab_tsm.c", "lab_tsm.h", "answer.c", "tell.c")
DISGUISE = 0x5a     # of tell.c
# The DER of a private key of P-256, up to the scalar and behind it.
SEC1 = bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107")
RECIPE = 1
RESOURCE = "lab/disk/root"
TOKEN = b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJndWVzdCJ9"     # how the token of the broker begins
# The user network's own: the guest's gateway is the loopback of this machine.
GATEWAY4, GATEWAY6, GUEST4 = "10.0.2.2", "fec0::2", "10.0.2.15/24"
CARD = "52:54:00:00:00:42"      # that leads to the broker
# What the image is built with; a case's own comes later.
BUILT = {"coco-unlock.conf": "[Unlock]\nSources=efi kbs\n[Kbs]\nUrl=https://" + GATEWAY4 + "\nPin=" + "A" * 43
         + "=\nResource=" + RESOURCE + "\n"}
KEEP = "KeepNetwork=yes\n"
# systemd ends it neither with the initramfs, nor with the units that the real root does not have, nor, for its name, as
# one of the processes that are left.
PLATFORM_STAYS = """[Unit]
IgnoreOnIsolate=yes
[Service]
ExecStartPre=/bin/sh -c 'mkdir -p /run/systemd/system; cp -a /etc/systemd/system/lab-tsm.service* /run/systemd/system'
ExecStart=
ExecStart=@/lab/answer @answer
"""
NETWORKS = {
    "dhcp": None,
    "static": f"[Match]\nMACAddress={CARD}\n[Network]\nAddress={GUEST4}\nGateway={GATEWAY4}\nLinkLocalAddressing=no\n",
    "v6": None,
    "dead": None,
    "lost": "[Match]\nType=ether\n[Network]\nAddress=192.0.2.7/24\nLinkLocalAddressing=no\n",
}


@dataclasses.dataclass(frozen=True)
class Attested:
    """What is around a guest that asks a broker."""
    resources: object = None    # {path: bytes}, or a function of the combo that returns it
    platform: str = "snp"       # as ../tsm/answer.c reads it: snp, tdx or none, and what goes wrong behind it
    broker: str = "good"        # how it behaves: a name of ../../lib/faults.py
    network: str = "dhcp"       # of NETWORKS; v6: no IPv4; dead, lost: no card leads to the broker
    known: str = "pin"          # by what the image knows the broker: pin, ca, or a wrong pin
    sources: str = "kbs"
    unlock: str = ""            # more lines of [Unlock]
    kbs: str = ""               # more lines of [Kbs]
    before: object = None       # like resources: what the broker hands out until mend(); nothing: it says no
    rescue: object = None       # function(combo) -> text of [Unlock] that the image is built with, too
    policy: object = None       # a function of the combo that returns the image's policy
    auxblob: bytes = b""        # the host's certificate table
    unchecked: bool = False     # an image whose broker program takes anyone for the owner's broker
    keep: bool = False          # KeepNetwork=yes, of an image built so
    bench: bool = False         # a broker that takes old evidence; the platform is there in the real root, too


def built(setting):
    """The configuration that the image of a case is built with."""
    return {name: text + KEEP * setting.keep + (setting.rescue(None) if setting.rescue else "")
            for name, text in BUILT.items()}


def platform(combo):
    """The directory with module and program for a guest's stock kernel, and the key that signs."""
    base = tree.trees(combo.guest)

    def build(tmp):
        for name in SOURCES:
            shutil.copy(f"{HERE}/{name}", tmp)
        make = f"make -s -C /lib/modules/{tree.read(base + '/kver')}/build M=/mnt modules"
        tree.enter(base + "/build", f"cd /mnt; {make}; strip -g lab_tsm.ko; "
                   "gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -s -o answer answer.c -lcrypto; "
                   "gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -shared -fPIC -s -o tell.so tell.c -lcrypto",
                   [(tmp, "/mnt")], tmp + "/log")
        cache.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out",
                   tmp + "/key.pem"])
        cache.run(["openssl", "pkey", "-in", tmp + "/key.pem", "-pubout", "-out", tmp + "/public.pem"])
    return cache.item(f"tsm-{combo.guest}", cache.key(base, *(tree.read(f"{HERE}/{s}") for s in SOURCES), RECIPE),
                      build, "the lab's provider of TSM reports")


def contents(path):
    with open(path, "rb") as f:
        return f.read()


def unchecked(combo):
    """The directory with the broker program of a guest, built without a check of the broker's identity."""
    base = tree.trees(combo.guest)

    def build(tmp):
        shutil.copytree(tree.PROJECT + "/src", tmp + "/src")
        shutil.copy(HERE + "/anyone.c", tmp + "/src/broker/identity.c")
        tree.enter(base + "/build", "cd /mnt; gcc -Isrc -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O2 -s "
                   "-DCOCO_VERSION='\"lab\"' -o coco-unlock-broker src/broker/*.c src/base/*.c "
                   "src/source/kbs/frame.c src/disk/jsontext.c -lssl -lcrypto -ljson-c -lkmod", [(tmp, "/mnt")],
                   tmp + "/log")
        cache.remove(tmp + "/src")
    return cache.item(f"unchecked-{combo.guest}",
                      cache.key(base, tree.project_key(), tree.read(HERE + "/anyone.c"), RECIPE), build,
                      "a broker program without a check of the identity")


class Around:
    """The broker of one case, and the initramfs and QEMU's words that lead its guest there."""

    def __init__(self, case, combo, initrd, log):
        self.case, self.setting, self.combo, self.log = case, case.attested, combo, log
        self.platform = platform(combo)
        self.directory = log + ".broker"
        self.gateway = GATEWAY6 if self.setting.network == "v6" else GATEWAY4
        cache.remove(self.directory)
        os.makedirs(self.directory)
        try:
            self.start()
            self.initrd = self.with_archive(initrd)
        except BaseException:
            self.end()
            raise

    def start(self):
        resources = dict(self.of_combo(self.setting.resources))
        if self.setting.before is not None:
            resources.update((path + ".before", data) for path, data in self.of_combo(self.setting.before).items())
            open(self.wrong(), "wb").close()
        words = ["/usr/bin/python3", "-B", BROKER, self.directory + "/keys", *["--lenient"] * self.setting.bench,
                 "--dir", self.directory, "--stdin", "--name", self.gateway, "--fault", self.setting.broker,
                 "--log", self.directory + "/log", "--snp-key", self.platform + "/public.pem"]
        if self.setting.network == "v6":
            words += ["--listen", "::1"]
        for n, (path, data) in enumerate(resources.items()):
            with open(f"{self.directory}/resource{n}", "wb") as f:
                f.write(data)
            words += ["--resource", f"{path}={self.directory}/resource{n}"]
        with open(self.directory + "/errors", "wb") as errors:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        ready = select.select([self.process.stdout], [], [], 60)[0] and self.process.stdout.readline()
        if not ready:
            raise cache.LabError("the broker does not start: " + tree.read(self.directory + "/errors"))
        told = json.loads(ready)
        self.port, self.pins, self.ca = told["ports"][self.setting.broker], told["pins"], told["ca"]

    def of_combo(self, resources):
        return resources(self.combo) if callable(resources) else resources

    def wrong(self):
        """A file that is there until mend()."""
        return self.directory + "/wrong"

    def mend(self):
        """The broker is right from now on. Returns what it has written down, which is forgotten."""
        records = self.records()
        os.unlink(self.wrong())
        os.truncate(self.directory + "/log", 0)
        return records

    def conf(self):
        s = self.setting
        host = f"[{self.gateway}]" if ":" in self.gateway else self.gateway
        known = {"pin": f"Pin={self.pins['server']}", "wrong": f"Pin={self.pins['other']}",
                 "ca": "BrokerCA=/etc/coco-unlock/broker-ca.pem"}[s.known]
        return (f"[Unlock]\nSources={s.sources}\n{s.unlock}[Kbs]\nUrl=https://{host}:{self.port}\n{known}\n"
                f"Resource={RESOURCE}\n{s.kbs}{KEEP * s.keep}" + (s.rescue(self.combo) if s.rescue else ""))

    def with_archive(self, initrd):
        s = self.setting
        files = {"etc/systemd/system/lab-tsm.service": tree.read(HERE + "/lab-tsm.service") + "\n",
                 "etc/systemd/system/coco-unlock.service.d/70-lab.conf":
                     "[Unit]\nWants=lab-tsm.service\nAfter=lab-tsm.service\n",
                 **{"etc/coco-unlock/" + name: text for name, text in (self.case.config or {}).items()},
                 "etc/coco-unlock/coco-unlock.conf": self.conf(),
                 "etc/coco-unlock/broker-ca.pem": tree.read(self.ca) + "\n"}
        if s.bench:
            files["etc/systemd/system/lab-tsm.service.d/50-bench.conf"] = PLATFORM_STAYS
        if s.policy:
            files["etc/coco-unlock/policy"] = s.policy(self.combo)
        if NETWORKS[s.network]:
            files["etc/systemd/network/50-coco-unlock.network"] = NETWORKS[s.network]
        files = {path: text.encode() for path, text in files.items()}
        for name in ("lab_tsm.ko", "key.pem"):
            files["lab/" + name] = contents(f"{self.platform}/{name}")
        programs = {"lab/answer": contents(self.platform + "/answer")}
        if getattr(self.case.expect, "dump", False):
            files["etc/ld.so.preload"] = b"/lab/tell.so\n"
            programs["lab/tell.so"] = contents(self.platform + "/tell.so")
        if s.unchecked:
            programs["usr/lib/coco-unlock/coco-unlock-broker"] = contents(unchecked(self.combo) + "/coco-unlock-broker")
        if s.auxblob:
            files["lab/auxblob"] = s.auxblob
        path = self.log + ".initrd"
        with open(path, "wb") as out, open(initrd, "rb") as source:
            shutil.copyfileobj(source, out)
            out.write(bytes(-out.tell() % 4) + power.archive(files, 0o100644) + power.archive(programs, 0o100755))
        return path

    def words(self):
        """QEMU's: the platform's order, a card that leads to the broker, and one that leads nowhere."""
        s = self.setting
        words = ["-smbios", f"type=1,serial={s.platform}", "-netdev", "hubport,id=nowhere,hubid=1",
                 "-device", "virtio-net-pci,netdev=nowhere,romfile="]
        if s.network not in ("dead", "lost"):
            families = "ipv4=off,ipv6=on" if s.network == "v6" else "ipv4=on,ipv6=off"
            words += ["-netdev", "user,id=net," + families, "-device", f"virtio-net-pci,netdev=net,mac={CARD},romfile=",
                      "-object", f"filter-dump,id=dump,netdev=net,file={self.log}.pcap"]
        return words

    def records(self):
        """What the broker has written down."""
        try:
            return [json.loads(line) for line in tree.read(self.directory + "/log").splitlines()]
        except FileNotFoundError:
            return []

    def secrets(self, console):
        """What must not be found in the guest's memory besides the disk's secret: {name: bytes}."""
        told = tree.read(self.directory + "/keys").split("\n")
        lines = [[bytes.fromhex(word) for word in line.split()] for line in told]
        found = re.findall(r"LAB scalar=([0-9a-f]{64})$", console, re.M)
        if not found:
            raise cache.LabError("the guest has not told its EC key")
        # Little-endian, as libcrypto has it; one of each exchange.
        scalars = [bytes(b ^ DISGUISE for b in bytes.fromhex(text)) for text in found]
        public = [subprocess.run(["openssl", "ec", "-inform", "DER", "-pubout", "-outform", "DER"],
                                 input=SEC1[0] + scalar[::-1] + SEC1[1], capture_output=True, check=False).stdout
                  for scalar in scalars]
        if not all(any(key.endswith(x + y) for key in public) for _, x, y in lines):
            raise cache.LabError("what the guest tells is not the EC key that the broker has sealed to")
        wanted = {f"secret of {d.name}": d.key for d in self.case.disks[1:]}
        for n, scalar in enumerate(scalars):
            wanted.update({f"EC key {n}": scalar, f"EC key {n}, big-endian": scalar[::-1]})
        wanted.update((f"content key {n}", key) for n, (key, _, _) in enumerate(lines))
        return {"token": TOKEN, **{f"{what}, {half} half": part for what, key in wanted.items()
                                   for half, part in (("first", key[:16]), ("second", key[16:]))}}

    def end(self):
        if getattr(self, "process", None):
            self.process.stdin.close()
            self.process.stdout.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for name in (getattr(self, "initrd", None), self.log + ".pcap"):
            if name and os.path.exists(name):
                os.unlink(name)
        cache.remove(self.directory)
