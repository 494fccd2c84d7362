# SPDX-License-Identifier: GPL-2.0-or-later
"""A person at a console that has a program and no shell: a line that pexpect reads, the lines of messages as
coco-unlock-rescue(7) has them, and the steps of such a talk. rescues.py has the talks themselves.

The codec here is written from the manual page, not from the program: what it reads and writes is a second opinion."""

import base64
import dataclasses
import hashlib
import re
import time

import pexpect
from pexpect.spawnbase import SpawnBase

from . import vm

PAYLOAD = 36        # bytes of a message in one line
WIDTH, HEIGHT = 80, 24


class Line(SpawnBase):
    """The console of a machine. What is waited for comes by the machine's pump: late disks, timers and QMP go on."""

    def __init__(self, machine, port=None):
        """port: which of its consoles, if not the first."""
        super().__init__(timeout=120, encoding="utf-8", codec_errors="replace")
        self.delayafterread = None
        self.machine, self.port = machine, port or machine
        self.at = len(self.port.console)

    def read_nonblocking(self, size=1, timeout=None):
        end = time.monotonic() + (self.timeout if timeout in (None, -1) else timeout)
        while len(self.port.console) == self.at:
            if self.machine.ended is not None or self.machine.shutdown_reason():
                raise pexpect.EOF("the machine has ended")
            left = end - time.monotonic()
            if left <= 0:
                raise pexpect.TIMEOUT("nothing more comes")
            self.machine.pump(min(left, 1))
        text = self.port.console[self.at:self.at + size]
        self.at += len(text)
        return text

    def send(self, text):
        self.port.type(text)

    def wait(self, *patterns, limit=-1):
        """The match of the first of these that comes; what came before it is in `before`."""
        compiled = [re.compile(p, re.M) for p in patterns]
        try:
            self.expect(compiled, timeout=limit)
        except pexpect.EOF:
            raise vm.Timeout(f"the machine has ended while {patterns} was waited for") from None
        except pexpect.TIMEOUT:
            raise vm.Timeout(f"no {patterns} on the console; since then: {self.before[-300:]!r}") from None
        return self.match

    def seen(self, pattern, limit):
        """Does it come in so many seconds? If it does not, nothing is taken away."""
        return self.expect([re.compile(pattern, re.M), pexpect.TIMEOUT], timeout=limit) == 0

    def ends(self, limit):
        """All that comes until the machine ends."""
        try:
            self.expect(pexpect.EOF, timeout=limit)
        except pexpect.TIMEOUT:
            raise vm.Timeout(f"the machine does not end within {limit} s") from None
        return self.before


def mark(word, kind):
    return f"-----{word} COCO-UNLOCK {kind}-----"


def checked(text):
    return f"{text} {hashlib.sha256(text.encode()).hexdigest()[:7]}"


def lines_of(kind, message):
    """The lines of a message, with its marks."""
    parts = [message[i:i + PAYLOAD] for i in range(0, len(message), PAYLOAD)]
    return [mark("BEGIN", kind),
            *(checked(f"{n:03}/{len(parts):03} {base64.b64encode(part).decode()}") for n, part in enumerate(parts, 1)),
            mark("END", kind)]


def message_of(kind, text):
    """The message in a text that has it as lines; ValueError if it is not whole."""
    begin, end = text.rfind(mark("BEGIN", kind)), text.rfind(mark("END", kind))
    if begin < 0 or end < begin:
        raise ValueError(f"no {kind.lower()} between its marks")
    parts = {}
    for line in text[begin:end].split("\n")[1:]:
        found = re.fullmatch(r"((\d{3})/(\d{3}) (\S+)) ([0-9a-f]{7})\s*", line)
        if not found or len(line.rstrip()) > 64 or checked(found[1]) != line.rstrip():
            if line.strip():
                raise ValueError(f"not a line of a message: {line!r}")
            continue
        parts[int(found[2])] = base64.b64decode(found[4], validate=True)
        total = int(found[3])
    if not parts or sorted(parts) != list(range(1, total + 1)):
        raise ValueError(f"lines {sorted(parts)} of a message")
    return b"".join(parts[n] for n in sorted(parts))


@dataclasses.dataclass(frozen=True)
class Step:
    """Something that is done at the console, and what must come of it."""
    name: str
    does: object        # function(talk) -> text
    comes: str          # a regular expression that the text must match somewhere
