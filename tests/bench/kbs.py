#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a key broker costs, over loopback: from the route to the opened answer, beside curl making the same three
requests to the same broker; round trips, by a proxy that delays; the broker program's memory and lines.

    COCO_UNLOCK=build/coco-unlock tests/bench/kbs.py [ROUNDS]

The broker of the tests, which takes old evidence here, since curl can only repeat it. Prints figures side by side,
and judges none. Needs curl, python3-jwcrypto, openssl, cryptsetup, and build/attesting."""

import glob
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "lib"))
import broker  # noqa: E402
import kbslab  # noqa: E402
import lenient  # noqa: E402

PROGRAM = "coco-unlock-broker"
DELAY_S = 0.05  # each way


class Watching(lenient.Lenient):
    """Notes how large the broker program is while it is answered."""

    def __init__(self, *args):
        super().__init__(*args)
        self.peak_kib = 0

    def resource(self, request, path):
        for link in glob.glob("/proc/[0-9]*/exe"):
            try:
                if os.readlink(link).endswith("/" + PROGRAM):
                    with open(link[:-3] + "status", encoding="ascii") as f:
                        peak = re.search(r"VmHWM:\s+(\d+)", f.read())
                    self.peak_kib = max(self.peak_kib, int(peak.group(1)))
            except OSError:
                pass
        return super().resource(request, path)


class Proxy:
    """Hands on what comes, each way after a delay, in a process of its own, since the broker's threads are in this one.
    It makes connections at once: their round trip is not in it, nor what is done meanwhile."""

    def __init__(self, port):
        self.port = port
        self.sock = socket.socket()
        self.sock.bind((broker.LOOPBACK, 0))
        self.sock.listen(8)
        multiprocessing.get_context("fork").Process(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            one, _ = self.sock.accept()
            other = socket.create_connection((broker.LOOPBACK, self.port))
            for a, b in (one, other), (other, one):
                a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.hand_on, args=(a, b), daemon=True).start()

    @staticmethod
    def hand_on(a, b):
        due = []

        def deliver():
            while True:
                ready.acquire()
                at, data = due.pop(0)
                time.sleep(max(0, at - time.monotonic()))
                try:
                    b.sendall(data) if data else b.shutdown(socket.SHUT_WR)
                except OSError:
                    return
                if not data:
                    return
        ready = threading.Semaphore(0)
        threading.Thread(target=deliver, daemon=True).start()
        while True:
            try:
                data = a.recv(65536)
            except OSError:
                data = b""
            due.append((time.monotonic() + DELAY_S, data))
            ready.release()
            if not data:
                return


def ours(lab, url):
    """Milliseconds from the route to the opened answer."""
    run = lab.unlock(lab.tree([url], timeout="20s"))
    source = run.status.get("source", {})
    if not source.get("answer_us"):
        raise SystemExit(f"kbs.py: {run.err}")
    return (source["answer_us"] - source["route_us"]) / 1000


def curls(lab, url):
    """Milliseconds of a curl that makes the same three requests over one connection, and its largest size in KiB."""
    common = ["--http1.1", "--insecure", "--pinnedpubkey", "sha256//" + lab.pins["server"], "-s", "-o", "/dev/null",
              "-H", f"Cookie: {broker.COOKIE}=0", "-H", "Content-Type: application/json"]
    words = ["curl", *common, "--data-binary", "@" + lab.path("auth"), f"{url}/kbs/v0/auth",
             "--next", *common, "--data-binary", "@" + lab.path("attest"), f"{url}/kbs/v0/attest",
             "--next", *common, "-w", "%{http_code} %{num_connects}", f"{url}/kbs/v0/resource/{kbslab.RESOURCE}"]
    begin = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or out != b"200 0":
        raise SystemExit(f"kbs.py: curl: {process.returncode} {out}")
    return seconds * 1000, usage.ru_maxrss


def lines():
    return sum(len(open(name, encoding="utf-8").readlines()) for name in glob.glob(f"{TOP}/src/broker/*.c"))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    kbslab.broker.Broker = Watching
    with kbslab.Lab() as lab:
        url = lab.url("good")
        ours(lab, url)
        for name, body in lab.broker.said.items():
            lab.file(name, body)
        requests = [e["method"] for e in lab.events(url)[0] if e["event"] == "request"]
        print(f"one exchange: {len(lab.events(url))} connection, requests {' '.join(requests)}")
        mine, theirs, size = [], [], 0
        for _ in range(rounds):
            mine.append(ours(lab, url))
            ms, kib = curls(lab, url)
            theirs.append(ms)
            size = max(size, kib)
        a, b = statistics.median(mine), statistics.median(theirs)
        print(f"route to opened answer, median of {rounds} by turns: {a:.1f} ms; curl's three requests {b:.1f} ms; "
              f"ratio {a / b:.2f}")
        delayed = f"https://{broker.LOOPBACK}:{Proxy(int(url.split(':')[-1])).sock.getsockname()[1]}"
        mine, theirs = [], []
        for _ in range(max(3, rounds // 3)):
            mine.append(ours(lab, delayed))
            theirs.append(curls(lab, delayed)[0])
        rtt = 2000 * DELAY_S
        a, b = (statistics.median(runs) / rtt + 1 for runs in (mine, theirs))
        print(f"with {rtt:.0f} ms a round trip, that of the connection added: at most {a:.2f} trips; curl {b:.2f}")
        print(f"broker program: {lab.broker.peak_kib} KiB at the peak (curl {size}); {lines()} lines of C")


main()
