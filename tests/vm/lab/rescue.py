# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands around a guest that asks for a rescue: its owner, with keys, tables and `coco-secret answer`, and the
host, who has the console and the guest's memory. rescues.py has the cases, talk.py the lines.

The owner's tool is the guest's own build, in its build tree. Who plays the host changes challenges and answers here,
byte by byte; where he is given more than he has (R, for a challenge with a right HMAC), that is said."""

import base64
import contextlib
import hmac
import mmap
import os
import re
import shutil
import subprocess
import tempfile

from . import cache, disk, owner, table, tree, vm
from .attested import contents
from .talk import Line, lines_of, message_of

GUID = table.uuid.UUID("ca4b4042-831b-4962-9798-fc95c71f1236")
ENTRY = table.secret("rescue")      # R of the tables that coco-secret has not made
PASSPHRASE = table.secret("rescue passphrase").hex().encode()
RECIPE = 1
# The DER of a private key of X25519, up to its 32 bytes (RFC 8410).
X25519 = bytes.fromhex("302e020100300506032b656e04220420")


# keys

def keys():
    """The directory with keys of the owner: owner.pem, which images know, and other.pem, which none knows."""
    def build(tmp):
        for name in ("owner", "other"):
            cache.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", f"{tmp}/{name}.pem"])
    return cache.item("rescue-keys", cache.key(RECIPE), build)


def public_key(name="owner"):
    der = subprocess.run(["openssl", "pkey", "-in", f"{keys()}/{name}.pem", "-pubout", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    return der[-32:]


def public(name="owner"):
    """A line for RescueKey=, made as the manual says."""
    return base64.b64encode(public_key(name)).decode()


TRUSTING = os.path.join(os.path.dirname(tree.GUEST_FILES), "rescue/trusting.c")


def trusting(guest):
    """The directory of a program that makes answers without a check, and opens them as the host would."""
    base = tree.trees(guest)

    def build(tmp):
        shutil.copytree(tree.PROJECT + "/src", tmp + "/src")
        shutil.copy(TRUSTING, tmp)
        tree.enter(base + "/build", "cd /mnt; gcc -Isrc -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -O2 -Wall "
                   "-Wextra -Werror -s -o trusting trusting.c src/rescue/*.c src/base/*.c -lcrypto -lkmod",
                   [(tmp, "/mnt")], tmp + "/log")
        cache.remove(tmp + "/src")
    return cache.item(f"trusting-{guest}", cache.key(base, tree.project_key(), tree.read(TRUSTING), RECIPE), build,
                      "an owner who checks nothing")


def config(key=True, timeout="10min", more="", **files):
    """Files of /etc/coco-unlock of an image that rescues; more: further lines."""
    def text(_combo):
        return (f"[Unlock]\nFailureAction=rescue\nRescueTimeout={timeout}\n"
                + (f"RescueKey={public()}\n" if key else "") + more)
    return {"coco-unlock.conf": text, **files}


# disks and tables

def directory(combo):
    """The owner's disk after a rotation, with a recovery key, and tables: `header` of before the rotation, `volume` the
    same without the header's pin, `last` of after it."""
    plain = disk.plain(combo.guest, combo.kernel)

    def build(tmp):
        def run(words, code=0):
            owner.coco_secret(combo.guest, tmp, words, code)
        disk.with_file(tmp, "passphrase", PASSPHRASE)
        cache.run(["cp", "--sparse=always", plain, tmp + "/whole"])
        disk.encrypt(tmp, PASSPHRASE, tmp + "/whole", disk.ROOT_UUID)
        disk.with_file(tmp, "volume-key", disk.volume_key(tmp + "/whole", PASSPHRASE))
        owner.partitioned(tmp + "/disk", tmp + "/whole")
        os.unlink(tmp + "/whole")
        run("prepare --rescue disk#2 -o header --key-file passphrase --remove-old")
        run(f"table extract --reveal -o policy header {table.POLICY}")
        lines = tree.read(tmp + "/policy").split("\n")
        disk.write(tmp + "/policy", "".join(line + "\n" for line in lines if not line.startswith("header=")))
        run(f"table remove -o bare header {table.POLICY}")
        run(f"table add -o volume bare {table.POLICY}=policy")
        run("rotate disk#2 --table volume -o new")
        run("rotate --finish disk#2 --table volume --new new -o last")
        run("recovery disk#2 --table last > told")
        for name, code in (("header", 29), ("volume", 2), ("last", 0)):
            run(f"verify disk#2 {name}", code)
        for name in ("old", "secret", "rescue"):
            source, guid = {"old": ("volume", table.LUKS), "secret": ("last", table.LUKS),
                            "rescue": ("volume", GUID)}[name]
            run(f"table extract --reveal -o {name} {source} {guid}")
        disk.write(tmp + "/recovery", re.search(r"^ {4}([a-z-]+)$", tree.read(tmp + "/told"), re.M).group(1))
    key = cache.key(plain, tree.project(combo.guest), *map(tree.read, (__file__, owner.__file__, owner.GPT)), RECIPE)
    return cache.item(f"owner-rescue-{combo.guest}-{combo.kernel}", key, build,
                      f"a rotated root of {combo.guest}, {combo.kernel} kernel, and its tables")


def rotated(combo):
    return directory(combo) + "/disk"


def beside(disks, name):
    """A file of directory(), as bytes."""
    return contents(f"{os.path.dirname(disks[0])}/{name}")


# the manual's way

PAGE = os.path.join(tree.PROJECT, "src/man/coco-unlock-rescue.7.scd")


def section(name):
    """A section of coco-unlock-rescue(7)."""
    return re.search(rf"^# {name}\n(.*?)^# ", tree.read(PAGE), re.M | re.S)[1]


def runs(guest, directory, name, number):
    """Runs a block of commands of a section as it stands there, in this directory; returns its output. Only what needs
    the project runs in the guest's build tree, which has no openssl."""
    text = re.findall(r"^```\n(.*?)^```$", section(name), re.M | re.S)[number - 1].replace("\\\\", "\\")
    if re.search("^coco-", text, re.M):
        return tree.enter(tree.trees(guest) + "/build", "cd /mnt; PATH=/srv:$PATH; " + text,
                          [(tree.project(guest) + "/out/usr/bin", "/srv"), (directory, "/mnt")])
    return cache.run(["bash", "-euc", f"cd {directory}\n" + text])


def of_the_page(combo):
    """What a person has who has followed the manual, and a table for the launch that was made too early: its secret is
    not yet the disk's."""
    plain = disk.plain(combo.guest, combo.kernel)

    def build(tmp):
        os.makedirs(tmp + "/guest/etc/coco-unlock")
        disk.write(tmp + "/guest/etc/coco-unlock/coco-unlock.conf", "[Root]\nType=ext4\nOptions=rw\n")
        disk.write(tmp + "/guest/etc/coco-unlock/cocotab", f"root UUID={disk.ROOT_UUID} - -\n")
        disk.with_file(tmp, "first.key", PASSPHRASE)
        disk.with_file(tmp, "early", table.secret("not yet the disk's"))
        cache.run(["cp", "--sparse=always", plain, tmp + "/guest.img"])
        disk.encrypt(tmp, PASSPHRASE, tmp + "/guest.img", disk.ROOT_UUID)
        runs(combo.guest, tmp, "SETTING UP", 1)
        runs(combo.guest, tmp, "SETTING UP", 2)
        disk.write(tmp + "/digest", runs(combo.guest, tmp, "SETTING UP", 4))
        owner.coco_secret(combo.guest, tmp, f"table remove -o rest guest.table {table.LUKS}")
        owner.coco_secret(combo.guest, tmp, f"table add -o early.table rest {table.LUKS}=early")
    key = cache.key(plain, tree.project(combo.guest), *map(tree.read, (__file__, owner.__file__, PAGE)), RECIPE)
    return cache.item(f"page-rescue-{combo.guest}-{combo.kernel}", key, build,
                      f"what coco-unlock-rescue(7) makes of the root of {combo.guest}, {combo.kernel} kernel")


# the key that owner and guest share

def hkdf(salt, ikm, info, size=32):
    """RFC 5869 with SHA-256, of one block."""
    return hmac.digest(hmac.digest(salt, ikm, "sha256"), info + b"\1", "sha256")[:size]


def shared(entry, e, b):
    """K, of R, E and b."""
    return hkdf(b, entry, b"coco-unlock-rescue-1 key\0" + e)


class Challenge:
    """The text of one, as coco-unlock-rescue(7) has it: lines NAME=VALUE, of which the last is over the others."""

    def __init__(self, message):
        self.message = message
        self.fields = [line.split("=", 1) for line in message.decode("ascii").splitlines()]

    def field(self, name):
        """The value of the first field of this name."""
        return next(value for key, value in self.fields if key == name)

    def bytes(self, name):
        return bytes.fromhex(self.field(name))

    def keys(self):
        """What the boot gives to K: (E, b)."""
        return self.bytes("key"), self.bytes("boot-nonce")

    def changed(self, name, value, entry=None):
        """The message with another value. entry: R, and then the last line is right; who has not R cannot do that."""
        text = "".join(f"{key}={value if key == name else old}\n" for key, old in self.fields[:-1]).encode()
        end = self.fields[-1]
        if entry:
            end = ("mac", hmac.digest(shared(entry, *Challenge(text).keys()), text, "sha256").hex())
        return text + "{}={}\n".format(*end).encode()


# the talk

class Talk:
    """What a step has: the console, the owner's things and the host's."""

    def __init__(self, machine, case, combo, disks, seen):
        self.machine, self.case, self.combo, self.disks, self.seen = machine, case, combo, disks, seen
        self.line = Line(machine)
        self.second = Line(machine, machine.second) if machine.second else None
        self.challenges = []        # all that were shown
        self.answers = {}           # by names that steps give them
        self.told = {}              # {name: bytes} of what only this boot has

    # at the console

    @contextlib.contextmanager
    def at_second(self):
        """What is done meanwhile is done at the second console."""
        first, self.line = self.line, self.second
        try:
            yield
        finally:
            self.line = first

    def say(self, text):
        self.line.send(text + "\n")

    def answered(self, word):
        """What the program writes when this word is typed, which it knows, and so repeats. What comes behind it is the
        hint to a word that it does not know, which it gives once a second."""
        self.say(word)
        self.line.wait(rf"\b{word.split()[0]}\n", limit=60)     # behind the echo of what has no end
        return self.to_hint()

    def to_hint(self):
        """What is written up to the next hint, which is asked for."""
        for _ in range(40):
            self.say("?")
            if self.line.seen(r"^words:.*\n", limit=1.5):
                return self.line.before.rstrip("\n")
        raise vm.Timeout(f"nobody answers at the console: {self.line.before[-300:]!r}")

    def typed(self, text):
        """What the program writes when this is typed, up to its next hint."""
        for _ in range(3):          # no hint of before is on its way any more
            if not self.line.seen(r"^words:.*\n", limit=1.2):
                break
        self.say(text)
        if self.line.seen(r"^words:.*\n", limit=1.5):
            return self.line.before.rstrip("\n")
        return self.to_hint()

    def challenge(self):
        """Asks for it, and reads it."""
        found = Challenge(message_of("CHALLENGE", self.answered("challenge")))
        self.challenges.append(found)
        return found

    def type_lines(self, lines):
        """Types lines of an answer, one after the other, and waits each time; returns what was said to the last."""
        said = ""
        for line in lines:
            self.say(line)
            said = self.line.wait(r"^(begun|ok \d+|again \d+|missing|complete).*\n", limit=30).group().strip()
        return said

    def outcome(self):
        """What is said to an answer that is complete, in one line."""
        said = self.line.wait(r"^(?!begun|ok |again |missing|complete|words:).+\n").group()
        return " ".join((said + self.to_hint() if said.startswith("refused:") else said).split())

    def send(self, message):
        """Types an answer line by line; what was said to it in the end."""
        said = self.type_lines(lines_of("ANSWER", message))
        return self.outcome() if said.startswith("complete") else said

    def tries(self, message):
        """Types an answer that is right, and does not help."""
        said = self.send(message)
        return f"tries {self.fails_again()}" if said.startswith("the answer is right") else said

    def paste(self, message):
        """The same at once, as a terminal does it; what got lost on the way once more."""
        lines = lines_of("ANSWER", message)
        self.say("\n".join(lines))
        while True:
            said = self.line.wait(r"^(missing|complete).*\n").group()
            if said.startswith("complete"):
                return self.outcome()
            self.type_lines([lines[int(n)] for n in re.findall(r"\d+", said)])
            self.say(lines[-1])

    def fails_again(self):
        """The report of the try that comes, in one line; and its challenge is read."""
        self.line.wait(r"^coco-unlock: this boot has stopped\..*\n", limit=180)
        text = " ".join(self.answered("report").split())
        self.challenge()
        return text

    # the owner

    def owner(self, words, challenge=None, key="owner", files=None):
        """`coco-secret answer`: (exit code, the answer's message or None, what it said). challenge: a message."""
        challenge = (self.challenges[-1].message if challenge is None else challenge)
        files = {"key.pem": contents(f"{keys()}/{key}.pem"), "table": self.case.table or b"",
                 "challenge": ("\n".join(lines_of("CHALLENGE", challenge)) + "\n").encode(), **(files or {})}
        with tempfile.TemporaryDirectory() as tmp:
            for name, data in files.items():
                disk.with_file(tmp, name, data)
            code = tree.enter(tree.trees(self.combo.guest) + "/build",
                              f"cd /mnt; code=0; /srv/coco-secret answer --key key.pem {words} <challenge >answer "
                              "2>said || code=$?; echo $code",
                              [(tree.project(self.combo.guest) + "/out/usr/bin", "/srv"), (tmp, "/mnt")])
            said = contents(tmp + "/said").decode(errors="replace")
            code, text = int(code.split()[-1]), contents(tmp + "/answer").decode(errors="replace")
        return code, message_of("ANSWER", text) if code == 0 else None, said

    def answer(self, words, secret=None, **more):
        """The message of an answer that the owner makes with his table; secret: the bytes of --secret."""
        files = dict(more.pop("files", {}), **({"secret": secret} if secret is not None else {}))
        words = "--table table " + ("--secret secret " if secret is not None else "") + words
        code, message, said = self.owner(words, files=files, **more)
        if code:
            raise cache.LabError(f"coco-secret answer {words}: exit {code}: {said}")
        return message

    # the host

    def trusting(self, verb, challenge, *files):
        """What ../rescue/trusting.c prints; files: bytes, or the name of a key of the owner."""
        with tempfile.TemporaryDirectory() as tmp:
            for number, data in enumerate((challenge, *files)):
                disk.with_file(tmp, str(number), contents(f"{keys()}/{data}") if isinstance(data, str) else data)
            words = " ".join(map(str, range(len(files) + 1)))
            tree.enter(tree.trees(self.combo.guest) + "/build",
                       f"cd /mnt; /srv/trusting {verb} {words} >out 2>said || :",
                       [(trusting(self.combo.guest), "/srv"), (tmp, "/mnt")])
            return contents(tmp + "/out")

    def secrets(self):
        """What must be in memory no more when the root has been reached: {name: bytes}."""
        wanted = {"R": ENTRY} if self.case.attested else {name: beside(self.disks, file) for name, file in (
            ("R", "rescue"), ("the old secret", "old"), ("the new secret", "secret"), ("the recovery key", "recovery"))}
        return {what: part for name, whole in dict(wanted, **self.told).items()
                for what, part in halves(name, whole).items()}

    def memory(self, wanted):
        """{name: addresses} of what is in the guest's memory now; wanted: {name: bytes}."""
        found = {}
        with open(self.machine.memory(0, self.case.ram << 20), "rb") as f, \
                mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as memory:
            for name, text in wanted.items():
                found[name], at = [], memory.find(text)
                while at >= 0 and len(found[name]) < 20:
                    found[name].append(at)
                    at = memory.find(text, at + 1)
            if "E" in wanted:
                self.private = private(memory, found["E"], wanted["E"])
        return found


def private(memory, places, public_half):
    """The private half of a key of X25519, looked for around its public half."""
    for place in places:
        for at in range(max(0, place - 256), place + 256, 4):
            candidate = memory[at:at + 32]
            if len(set(candidate)) > 8 and public_of(candidate) == public_half:
                return candidate
    return None


def public_of(scalar):
    done = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input=X25519 + scalar,
                          capture_output=True, check=False)
    return done.stdout[-32:]


def halves(name, secret):
    """What to search for, so that parts and texts of it are found, too."""
    half = len(secret) // 2
    return {f"{name}, first half": secret[:half], f"{name}, second half": secret[half:],
            f"{name} in hex": secret.hex().encode()[:half * 2], f"{name} in base64":
            base64.b64encode(secret)[:half // 3 * 4]}
