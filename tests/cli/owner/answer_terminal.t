#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# Needs: openssl python3-cryptography
"""answer_terminal.t - coco-secret answer at a terminal: what is pasted, what is asked, and what of it is shown."""

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "lib"))
import rescue  # noqa: E402
from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: E402
from tap import done, equal, ok  # noqa: E402

SECRET = os.path.abspath(os.environ.get("COCO_SECRET") or os.path.join(TOP, "..", "build", "coco-secret"))
VOLUME = {"volume": "root", "secret": "luks-key", "failed": "yes"}
RECOVERY = b"cbde-fghi-jkln-rtuv-cbde-fghi-jkln-rtuv-"
PASSPHRASE = b"slow, and typed"


class Terminal:
    """A program with a terminal of its own: what it writes, and what is typed."""

    def __init__(self, *words, output=None, ignored=None):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a run in the background may have it ignored
            if ignored:
                signal.signal(ignored, signal.SIG_IGN)
            if output:
                os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.execv(SECRET, [SECRET, "answer", *words])

    def read(self, deadline):
        if not select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            raise TimeoutError(self.text)
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        self.text += data
        return data

    def wait(self, words):
        """Until it has written them, since the last time."""
        deadline = time.monotonic() + 20
        while words not in self.text:
            if not self.read(deadline):
                raise EOFError(self.text)
        self.text = self.text.partition(words)[2]

    def echoes(self):
        """Is what is typed shown? The program's end of it may be closed."""
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text)

    def paste(self, lines):
        for line in lines:
            self.type(line.encode() + b"\n")

    def end(self):
        """Its exit code, and what it has written since the last wait()."""
        deadline = time.monotonic() + 20
        while self.read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status), self.text.replace(b"\r", b"")


def file(name, content):
    with open(name, "wb") as f:
        f.write(content)
    return name


def call(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def checksum(text):
    """The recovery key with the two letters at its end."""
    digits = b"cbdefghijklnrtuv"
    letters = text.replace(b"-", b"")
    octets = bytes(digits.index(a) << 4 | digits.index(b) for a, b in zip(letters[::2], letters[1::2]))
    last = rescue.sha256(octets)[0]
    return text + bytes([digits[last >> 4], digits[last & 15]])


def said(guest, challenge, lines):
    (message,) = rescue.messages("ANSWER", lines)
    return guest.open(challenge, message, [PUBLIC])


def main():
    entry = os.urandom(32)
    guest = rescue.Guest(entry)
    volume = dict(VOLUME, secret="736869e5-84f0-4973-92ec-06879ce3da0b")
    challenge = guest.challenge([volume])
    lines = rescue.lines("CHALLENGE", challenge)
    file("entry", entry)
    file("disk.key", b"the secret of the disk, of the table")
    call(SECRET, "table", "build", "-o", "table", "luks-key=disk.key", "rescue=entry")
    usual = "--key", "key.pem", "--table", "table", "unlock"

    at = Terminal(*usual)
    at.wait(b"Paste the challenge, from its begin mark to its end mark:\r\n")
    at.paste(lines)
    code, text = at.end()
    ok(b"Paste these lines at the guest's console" in text, "a terminal is told where the lines go", text)
    equal((code, said(guest, challenge, text.decode())[0]["action"]), (0, "unlock"), "pasted, and answered")

    at = Terminal(*usual)
    at.wait(b"Paste the challenge")
    at.paste(lines[:3] + ["noise \x07"] + lines[5:])
    at.wait(b"Lines 003, 004 of ")
    at.wait(b" are missing or not as they were: paste them, and the end mark, or all of it again.")
    at.paste(lines[3:4] + lines[-1:])
    at.wait(b"Lines 004 of ")
    at.paste(lines[4:5] + lines[-1:])
    code, text = at.end()
    equal((code, said(guest, challenge, text.decode())[0]["action"]), (0, "unlock"), "lost lines are pasted again")

    at = Terminal(*usual)
    at.wait(b"Paste the challenge")
    at.paste(lines[:4])
    at.type(b"\x04")
    code, text = at.end()
    equal((code, b"is not whole" in text or b"end of the challenge is missing" in text), (3, True), "an end too early")

    at = Terminal(*usual)
    at.wait(b"Paste the challenge")
    at.type(b"\x03")
    code, _ = at.end()
    equal(code, -signal.SIGINT, "interrupted")

    # A recovery key is typed, and not seen.
    for key, doubt in (checksum(RECOVERY), 0), (checksum(RECOVERY)[:-1] + b"_", 1):
        at = Terminal(*usual, "--ask", output="answer")
        at.wait(b"Paste the challenge")
        at.paste(lines)
        at.wait(b"Recovery key (with its dashes) or passphrase of volume root: ")
        at.type(key + b"\n")
        code, text = at.end()
        with open("answer", encoding="ascii") as f:
            equal((code, said(guest, challenge, f.read())[1]), (0, {"root": key}), "a recovery key is asked for")
        ok(key not in text, "... and not shown")
        equal(text.count(b"is no recovery key"), doubt, "... a slip is doubted" if doubt else "... without a doubt")
        ok(b"secret     of volume root, from what was typed" in text, "... and named")

    # What ends it at a question leaves a terminal that shows what is typed.
    for how, number in ("^C", signal.SIGINT), ("SIGTERM", signal.SIGTERM):
        at = Terminal("--key", "locked.pem", "--table", "table", "unlock")
        at.wait(b"Passphrase of the key: ")
        quiet = not at.echoes()
        at.type(b"half of it")
        if number == signal.SIGINT:
            at.type(b"\x03")
        else:
            os.kill(at.pid, number)
        while at.read(time.monotonic() + 20):
            pass
        equal((quiet, at.echoes()), (True, True), f"{how} at a question: the terminal is as it was")
        equal(at.end()[0], -number, "... and that was the end")
    # Ctrl-S holds back what is written, the end of the question's line too.
    at = Terminal("--key", "locked.pem", "--table", "table", "unlock")
    at.wait(b"Passphrase of the key: ")
    at.type(b"half of it\x13")
    os.kill(at.pid, signal.SIGTERM)
    equal(at.end()[0], -signal.SIGTERM, "SIGTERM where the terminal is stopped: that was the end")
    at = Terminal("--key", "locked.pem", "--table", "table", "unlock", output="answer", ignored=signal.SIGINT)
    at.wait(b"Passphrase of the key: ")
    at.type(b"half of it\x03")
    at.wait(b"Passphrase of the key: ")
    at.type(PASSPHRASE + b"\n")
    at.wait(b"Paste the challenge")
    at.paste(lines)
    equal(at.end()[0], 0, "a signal that is ignored: it is asked again")

    # The passphrase of the key is asked for before the challenge.
    for typed, code in (PASSPHRASE, 0), (b"wrong", 2), (b"", 1):
        at = Terminal("--key", "locked.pem", "--table", "table", "unlock", output="answer")
        at.wait(b"Passphrase of the key: ")
        at.type(typed + b"\n")
        if code == 0:
            at.wait(b"Paste the challenge")
            at.paste(lines)
        got, text = at.end()
        equal(got, code, f"a key with a passphrase: {typed.decode() or 'nothing'} is typed")
        ok(not typed or typed not in text, "... it is not shown", text)
        if code == 0:
            with open("answer", encoding="ascii") as f:
                equal(said(guest, challenge, f.read())[0]["action"], "unlock", "... and it signs")
        elif code == 2:
            ok(b"locked.pem: the passphrase does not open the key; next: run it again, and type" in text,
               "... which is said", text)
        else:
            ok(b"no passphrase was typed" in text and b"give a key without a passphrase" in text,
               "... which is said", text)
    return done()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="coco-cli-") as tmp:
        os.chdir(tmp)
        call("openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem")
        call("openssl", "pkey", "-aes256", "-in", "key.pem", "-out", "locked.pem", "-passout",
             "pass:" + PASSPHRASE.decode())
        with open("key.pem", "rb") as pem:
            PUBLIC = rescue.raw(load_pem_private_key(pem.read(), None).public_key())
        CODE = main()
        os.chdir("/")
    sys.exit(CODE)
