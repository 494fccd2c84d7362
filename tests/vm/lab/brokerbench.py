# SPDX-License-Identifier: GPL-2.0-or-later
"""The benchmark of a boot that asks a key broker, in one guest whose network has stayed: from the route to the opened
answer, beside curl making the same three requests to the same broker, by turns; both again with a delay of netem's in
the guest. What the boot itself has come to, from QEMU's dump of the packets: from the lease to the first SYN. Beside
it the memory and the lines of the broker program, and what an image weighs more.

The broker takes old evidence, since curl can only repeat it. Round trips are told twice: the whole time by the delay,
which has the work in it, too, and that of emulation is many times that of a processor; and what the delay has added, by
the delay. curl, tc and the modules that the real root lacks are on a disk of their own."""

import glob
import json
import os
import shlex
import shutil
import statistics
import struct

from . import attested, cache, cases, chroot, disk, observe, table, tree, verdict, vm

COMBO = cases.COCO13
KEY = table.secret("bench")
LABEL = "bench-tools"
WHERE = "/run/bench"
MEASURE = "/usr/lib/coco-lab/measure"
PROGRAM = "coco-unlock-broker"
PROGRAM_FILE = "/usr/lib/coco-unlock/" + PROGRAM
DELAY_MS = 100
RECIPE = 1
LIMITS = {"ratio": 1.3, "round trips": 5.2, "first SYN, ms": 200, "memory, MB": 9, "lines": 2500,
          "image, MB": 0.6, "image with network, MB": 1.8}
MB = 1000000
# Of Debian 13, and beside them the provider's modules, which the program loads by itself.
PACKAGES = ["curl", "iproute2"]
MODULES = "sch_netem.ko* sev-guest.ko* tdx-guest.ko* tsm.ko* configfs.ko*"


def tools_disk():
    """The file of an ext4 with curl, tc and modules, for the bench's guest alone."""
    base = tree.trees(COMBO.guest)

    def build(tmp):
        chroot.apt_tree(tree.SUITES[COMBO.guest], tmp + "/tree", PACKAGES,
                        [f"--dpkgopt=path-exclude={p}" for p in tree.EXCLUDE])
        top = tmp + "/files"
        names = " ".join(f"-name '{m}' -o" for m in MODULES.split()).removesuffix(" -o")
        cache.run(["sh", "-ec", f"""
            mkdir -p {top}/modules {top}/bin {top}/lib; cd {tmp}/tree
            cp -a usr/bin/curl usr/sbin/tc {top}/bin; cp -a usr/lib/x86_64-linux-gnu/*.so* {top}/lib
            find {base}/root/usr/lib/modules {names} | xargs -I@ cp @ {top}/modules"""])
        cache.run(["mkfs.ext4", "-q", "-F", "-d", top, "-L", LABEL, "-m", "0", tmp + "/disk",
                   f"{disk.size_mib(top) + 16}M"])
        for path in (top, tmp + "/tree"):
            cache.remove(path)
    return cache.item("bench-tools", cache.key(base, PACKAGES, MODULES, RECIPE), build) + "/disk"


SMALL = cases.Disk("luks2", KEY, "bench")
CASE = cases.Case("bench-broker", verdict.Boot(found=1, tee="snp"), None,
                  (cases.Disk(), SMALL, cases.Disk(made=tools_disk)),
                  config={"cocotab": f"root UUID={disk.ROOT_UUID} - -\n"},
                  attested=attested.Attested({attested.RESOURCE: cases.KEY, "lab/disk/bench": KEY},
                                             kbs="ResourceFormat=secret\n", keep=True, bench=True))


# the dump of the packets

def packets(path):
    """(seconds, bytes) of each packet of a pcap file, which may still be written to."""
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at + 16 <= len(data):
        seconds, us, size, _ = struct.unpack_from("<IIII", data, at)
        yield seconds + us / 1e6, data[at + 16:at + 16 + size]
        at += 16 + size


def first_syn(path, port):
    """Milliseconds from the last lease before it to the first SYN to the broker's port."""
    lease = None
    for when, p in packets(path):
        if len(p) < 54 or p[12:14] != b"\x08\x00":
            continue
        body = p[14 + (p[14] & 15) * 4:]
        # DHCP's acknowledgement: option 53 is 5.
        if p[23] == 17 and body[:4] == b"\0\x43\0\x44" and b"\x35\x01\x05" in body[8 + 240:]:
            lease = when
        if p[23] == 6 and struct.unpack(">H", body[2:4])[0] == port and body[13] & 0x12 == 2:
            if lease is None:
                raise cache.LabError("a SYN before any lease")
            return (when - lease) * 1000
    raise cache.LabError("no SYN to the broker")


# in the guest

class Bench:
    def __init__(self, machine, log, count):
        self.machine, self.around, self.count = machine, machine.around, count
        self.url = f"https://{attested.GATEWAY4}:{self.around.port}"
        self.syn = first_syn(log + ".pcap", self.around.port)
        self.peaks = []

    def sh(self, command):
        code, text = observe.ask(self.machine, command, 120)
        if code:
            raise cache.LabError(f"in the guest: {command}: exit {code}: {text}")
        return text

    def put(self, path, text):
        self.sh("printf %b " + shlex.quote(text.replace("\n", "\\n")) + " > " + path)

    def tool(self, words):
        return f"LD_LIBRARY_PATH={WHERE}/lib {words}"

    def prepare(self):
        self.sh(f"mkdir -p {WHERE} /etc/coco-unlock; mount -o ro /dev/disk/by-label/{LABEL} {WHERE}")
        self.sh(f"d=/usr/lib/modules/$(uname -r)/updates; mkdir -p $d; cp {WHERE}/modules/* $d; depmod")
        # The words of the running system are those of the root, which is not the benchmark's volume.
        self.put("/etc/coco-unlock/coco-unlock.conf", self.around.conf() + "[Policy]\nCheckCommandLine=no\n")
        self.put("/etc/coco-unlock/cocotab",
                 f"bench /dev/disk/by-uuid/{disk.uuid_of('bench')} kbs:///lab/disk/bench -\n")
        self.ours()
        for name in ("auth", "attest"):
            self.sh(self.tool(f"{WHERE}/bin/curl --http1.1 -sk -o /run/{name} {self.url}/kbs/v0/resource/said/{name}"))
        self.curl()

    def ours(self):
        """Milliseconds from the route to the opened answer."""
        self.sh("coco-unlock unlock >/run/bench.err 2>&1 || { tail -3 /run/bench.err; false; }")
        return self.told()

    def told(self):
        status = json.loads(self.sh("cat /run/coco-unlock/status.json; cryptsetup close bench"))
        return (status["source"]["answer_us"] - status["source"]["route_us"]) / 1000

    def curl(self):
        """Milliseconds of a curl that makes the same three requests over one connection, and its largest size."""
        common = (f"--http1.1 --insecure --pinnedpubkey sha256//{self.around.pins['server']} -s -o /dev/null -H "
                  "'Cookie: kbs-session-id=0' -H 'Content-Type: application/json'")
        urls = [f"--data-binary @/run/auth {self.url}/kbs/v0/auth",
                f"--data-binary @/run/attest {self.url}/kbs/v0/attest",
                f"-w '%{{stderr}}%{{http_code}} %{{num_connects}}' {self.url}/kbs/v0/resource/lab/disk/bench"]
        words = " --next ".join(f"{common} {url}" for url in urls)
        self.put("/run/curl", f"exec {MEASURE} {WHERE}/bin/curl {words}\n")
        cost, said = self.sh(self.tool("sh /run/curl 2>/run/curl.err; cat /run/curl.err")).split("\n")
        if said != "200 0":
            raise cache.LabError(f"curl: {said}")
        return int(cost.split()[0]) / 1000, int(cost.split()[3])

    def qdisc(self, words):
        card = f"$(basename $(dirname $(grep -l {attested.CARD} /sys/class/net/*/address)))"
        self.sh(self.tool(f"{WHERE}/bin/tc qdisc {words.format(card)}"))

    def turn(self):
        """One of each, without the delay and with it, so that what else the machine does falls on all of them."""
        once = [self.ours(), self.curl()]
        self.qdisc(f"add dev {{}} root netem delay {DELAY_MS}ms")
        once += [self.ours(), self.curl()]
        self.qdisc("del dev {} root")
        return once

    def peak(self):
        """The broker program's largest size in KiB, asked again and again while it waits for delayed answers."""
        self.sh("rm -f /run/done; : >/run/peak; (coco-unlock unlock >/run/bench.err 2>&1; echo $? >/run/done) & "
                "until [ -s /run/done ]; do for p in /proc/[0-9]*; do "
                f"read -r c <$p/comm && [ \"$c\" = {PROGRAM[:15]} ] || continue; "
                "while read -r k v _; do [ $k != VmHWM: ] || echo $v >>/run/peak; done <$p/status; done; "
                "done 2>/dev/null; [ $(cat /run/done) = 0 ]")
        self.told()
        return max(map(int, self.sh("cat /run/peak").split()))

    def __call__(self):
        self.prepare()
        self.sh("modprobe sch_netem")
        turns = []
        for number in range(self.count):
            turns.append(self.turn())
            cache.live(f"turn {number + 1} of {self.count}")
        mine, theirs, slow, their_slow = zip(*turns)
        self.mine, self.slow = statistics.median(mine), statistics.median(slow)
        self.theirs, self.their_slow = (statistics.median(t[0] for t in runs) for runs in (theirs, their_slow))
        # What the delay adds, turn by turn.
        self.added = statistics.median(b - a for a, b in zip(mine, slow))
        self.their_added = statistics.median(b[0] - a[0] for a, b in zip(theirs, their_slow))
        self.their_memory = max(t[1] for t in theirs)
        self.qdisc(f"add dev {{}} root netem delay {DELAY_MS}ms")
        self.memory = self.peak()


# what an image weighs

def weights():
    """Bytes of an image without the source; of one with it but without what brings a network up; of one with it."""
    efi = tree.initramfs(COMBO.guest, COMBO.kernel, {"coco-unlock.conf": "[Unlock]\nSources=efi\n"})
    kbs = tree.initramfs(COMBO.guest, COMBO.kernel, attested.BUILT)
    system = tree.system(COMBO.guest, COMBO.kernel)
    # Of the modules that came with the source those of the platforms stay, of the libraries those of its program.
    script = f"""
        cd /mnt; kver={tree.read(system + "/kver")}
        for n in efi kbs; do mkdir $n; (cd $n; zstd -dcq ../$n.zst | cpio -idm --quiet; find . | sort >../$n.list); done
        for m in tsm sev-guest tdx-guest; do modprobe -S $kver --show-depends $m; done |
            sed -n 's,^insmod .*/\\([^/ ]*\\) *$,/\\1,p' >stays
        ldd {PROGRAM_FILE} | sed -n 's,.*/\\([^/ ]*\\) (.*,/\\1,p' >>stays
        comm -13 efi.list kbs.list | grep -E '[.]ko|[.]so|networkd|/network' | grep -vFf stays >gone
        cp -a kbs less; (cd less; xargs -d '\\n' rm -rf <../gone; depmod -b . $kver)
        for n in efi less kbs; do
            (cd $n; find . | LC_ALL=C sort | cpio -o --quiet -H newc --reproducible | zstd -9 -q) | wc -c >>sizes
        done; rm -r efi kbs less *.zst"""

    def build(tmp):
        for name, source in (("efi", efi), ("kbs", kbs)):
            shutil.copy(source, f"{tmp}/{name}.zst")
        tree.enter(system + "/tree", script, [(tmp, "/mnt")], tmp + "/log")
    made = cache.item("bench-weights", cache.key(efi, kbs, script, RECIPE), build)
    return [int(line) for line in tree.read(made + "/sizes").split()]


def lines():
    return sum(len(tree.read(name).split("\n")) for name in glob.glob(f"{tree.PROJECT}/src/broker/*.c"))


def run(count):
    log = os.path.join(observe.results_directory(), CASE.name)
    vm.accelerator(lambda: tree.stock_kernel(COMBO.guest))
    kept = {}

    def hook(machine):
        kept["bench"] = Bench(machine, log, count)
        kept["bench"]()
    seen = observe.run(CASE, COMBO, log, hook)
    if seen.error:
        raise cache.LabError(f"{seen.error} (console: {log})")
    for line in report(kept["bench"], weights()):
        print(line)
    return 0


def report(bench, sizes):
    def limit(what):
        return f"(limit {LIMITS[what]})"
    yield f"a key broker, {bench.count} runs of each by turns in one guest, {COMBO.name}, {vm.accelerator()}; medians"
    yield f"{'':52} {'curl':>10} {'coco-unlock':>12} {'ratio':>7}"
    rows = [("route to opened answer, three requests, ms", bench.theirs, bench.mine, limit("ratio")),
            (f"the same with {DELAY_MS} ms a round trip, ms", bench.their_slow, bench.slow, ""),
            ("round trips: all its time, by the delay", bench.their_slow / DELAY_MS, bench.slow / DELAY_MS,
             limit("round trips")),
            ("round trips: what the delay adds, by it", bench.their_added / DELAY_MS, bench.added / DELAY_MS,
             limit("round trips")),
            ("peak memory of the broker program, MB", bench.their_memory * 1024 / MB, bench.memory * 1024 / MB,
             limit("memory, MB"))]
    for what, theirs, ours, judged in rows:
        yield f"{what:52} {theirs:10.2f} {ours:12.2f} {ours / theirs:7.2f} {judged}".rstrip()
    yield f"from the lease to the first SYN, with a dead card, ms: {bench.syn:.0f} {limit('first SYN, ms')}"
    yield f"lines of the broker program: {lines()} {limit('lines')}"
    efi, less, kbs = sizes
    yield (f"image, MB: {efi / MB:.2f} without the source; with it {(less - efi) / MB:+.2f} {limit('image, MB')}, and "
           f"with drivers and networkd {(kbs - efi) / MB:+.2f} {limit('image with network, MB')}")
