#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# Needs: python3-jwcrypto openssl cryptsetup
"""kbs_resets.t - one exchange with a key broker, reset behind each byte that goes in either direction: each is
a failed connection, with no secret and no crash, until none of its bytes is left to be reset behind."""

import base64
import collections
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
import broker  # noqa: E402
import kbslab  # noqa: E402
import tap  # noqa: E402

WORKERS = 2
MAX = 20000  # bytes of a direction; ends much earlier
CONNECTION = 37


def main():
    with kbslab.Lab() as lab:
        lines = collections.defaultdict(list)

        def work(way, worker):
            url = lab.url(f"reset-{way}:{worker}:{WORKERS}")
            pin = base64.b64decode(lab.pins["server"]).hex()
            done = subprocess.run([os.path.join(kbslab.BUILD, "sessions"), lab.tree([url]), broker.LOOPBACK,
                                   url.split(":")[-1], pin, str(MAX)], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False, env=dict(
                                      os.environ, FAKE_PLATFORM=lab.platform("tdx4")))
            lines[way, worker] = (done.returncode, done.stdout.decode().splitlines(), done.stderr.decode())

        for way in "in", "out":
            threads = [threading.Thread(target=work, args=(way, worker)) for worker in range(WORKERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for worker in range(WORKERS):
                code, out, err = lines[way, worker]
                what = {"in": "to", "out": "from"}[way]
                said = set(err.splitlines()) - {"the report is made by tdx_guest"}
                tap.equal((code, said), (0, set()), f"bytes {what} the broker, worker {worker}: the program ends")
                wrong = [f"{worker + i * WORKERS}: {line}" for i, line in enumerate(out[:-1])
                         if int(line.split()[0]) != CONNECTION]
                tap.ok(len(out) > 300, f"... {len(out)} sessions")
                tap.ok(not wrong, "... each a failed connection", "\n".join(wrong[:20]), len(wrong))
                tap.ok(out and re.fullmatch(rf"0 .* {len(lab.secret)}", out[-1]), "... until one is whole")
                tap.ok(kbslab.CANARY not in "".join(out), "... and nothing of the secret is said")
    return tap.done()


sys.exit(main())
