#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The tests' key broker (tests/lib/broker.py) that also tells the lab what the memory of a guest is searched for. First
word: the file for it. For each answer it gets a line with the content key and the two coordinates of the guest's public
key, in hexadecimal digits. With --lenient behind it, for benchmarks, it takes old evidence. While the file `wrong` is
in the directory of --dir it hands out the resource PATH.before in the place of PATH, and denies what has none."""

import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

import broker  # noqa: E402 # pylint: disable=wrong-import-position
import lenient  # noqa: E402 # pylint: disable=wrong-import-position

KEYS = sys.argv.pop(1)
if sys.argv[1] == "--lenient":
    del sys.argv[1]
    broker.Broker = lenient.Lenient


class Telling(broker.jwe.JWE):
    def __init__(self, *args, recipient, **named):
        super().__init__(*args, recipient=recipient, **named)
        self.guest = recipient.export(as_dict=True)

    def serialize(self, *args, **named):
        x, y = (base64.urlsafe_b64decode(self.guest[name] + "=") for name in "xy")
        with open(KEYS, "a", encoding="ascii") as f:
            f.write(f"{self.cek.hex()} {x.hex()} {y.hex()}\n")
        return super().serialize(*args, **named)


class Wrong(broker.Broker):
    def resource(self, request, path):
        if os.path.exists(self.certificates.path("wrong")):
            path += ".before"
            if path not in self.resources:
                return self.find(request), broker.Answer.error(401, "PolicyDeny", "no")
        return super().resource(request, path)


broker.jwe.JWE = Telling
broker.Broker = Wrong
broker.main()
