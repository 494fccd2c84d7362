# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots that ask for a rescue: what a person, the owner's answers and the host at the console come to.

Each case is one boot in which many things are tried, one after the other; what has come of each is judged by itself.
rescue.py has owner and host, talk.py the console."""

import hashlib
import os
import random
import re
import socket
import tempfile

from . import attack, cache, disk, endings, own, rescue, table
from .attested import contents
from .case import COCO13, COCO14, EVEN, GOOD, KEY, ODD, Case, Disk, behind
from .rescue import beside
from .talk import HEIGHT, WIDTH, Step, lines_of, mark, message_of
from .verdict import Boot, Refuse

# Keys of SysRq that Debian's default mask (0x1b6) lets do something, and keys that it does not; not those that end the
# machine, b and o.
SYSRQ = "0123456789rksuqnwtcefgilmpz"
NOT_SIGNED = "^refused: no key of this image has signed it for this challenge$"


# What a person reads.

def page(word, *parts):
    """A page of text that fits the smallest terminal; parts: regular expressions that it must match."""
    def does(talk):
        text = talk.answered(word)
        lines = text.split("\n")
        wide = [line for line in lines if len(line) >= WIDTH]
        if wide or len(lines) >= HEIGHT:
            return f"does not fit: {wide or len(lines)}"
        missing = [part for part in parts if not re.search(part, text)]
        return f"lacks {missing}: {text}" if missing else "fits"
    return Step("page " + word, does, "^fits$")


def challenged(comes, name="challenge"):
    return Step(name, lambda talk: talk.challenge().message.decode(), comes)


def typed(text, comes, name=None):
    """What is said to a line that somebody types."""
    return Step(name or f"typed {text!r}", lambda talk: talk.typed(text) or "nothing", comes)


# What the host does.

def noise(talk):
    """A quarter of a MiB of anything."""
    data = random.randbytes(1 << 18).replace(b"\n", b"x").replace(b"\r", b"x")
    for at in range(0, len(data), 100):
        talk.machine.serial.sendall(data[at:at + 100] + b"\n")
        talk.machine.pump(0)
    return talk.answered("report")


def breaks(talk):
    """A break, and a key of SysRq, which the kernel reads. k is SAK, which kills who has the screen, not this line."""
    for key in SYSRQ:
        talk.machine.command("chardev-send-break", id="con")
        talk.machine.type(key)
    # What was typed and not taken by the kernel still stands in a line.
    talk.to_hint()
    return talk.answered("report")


def exposed(talk):
    """What is in the guest's memory while it waits."""
    c = talk.challenges[-1]
    e, b = c.keys()
    entry = beside(talk.disks, "rescue")
    talk.told = {"K": rescue.shared(entry, e, b)}
    wanted = {"E": e, **rescue.halves("R", entry), **rescue.halves("secret", beside(talk.disks, "old")),
              **rescue.halves("new secret", beside(talk.disks, "secret")), "K": talk.told["K"]}
    found = [name for name, places in talk.memory(wanted).items() if places]
    if talk.private:
        talk.told["private half"] = talk.private
        found.append("private half")
    return " ".join(found)


def much_noise(talk):
    """Ten MB of anything: lines, pieces of lines, and what has no end of a line at all."""
    for part in range(10):
        data = random.randbytes(10 ** 6)
        if part % 3 == 1:
            data = data.replace(b"\n", b"x").replace(b"\r", b"x")
        elif part % 3 == 2:
            data = data[:10 ** 6 - 10].replace(b"-", b"x") + b"-----BEGIN"
        for at in range(0, len(data), 1000):
            talk.machine.serial.sendall(data[at:at + 1000])
            talk.machine.pump(0)
    talk.say("")
    return talk.answered("report")


def sak(talk):
    """A break and the key for who may be a false login: the kernel kills whoever has the screen open, on whatever
    console it was typed. Who is killed is started again in a second; this console is as it was."""
    talk.machine.command("chardev-send-break", id="con")
    talk.machine.type("k")
    talk.line.wait(r"sysrq: SAK\n", limit=30)
    talk.machine.sleep_until(lambda: False, 3)
    return talk.answered("report")


def shown_again(talk):
    """The first page, which nobody has asked for: of a process that has just begun."""
    talk.line.wait(r"^coco-unlock: this boot has stopped\..*\n", limit=60)
    return talk.to_hint()


def at_second(step):
    """The step at the second console."""
    def does(talk):
        with talk.at_second():
            return step.does(talk)
    return Step(step.name + ", at the second console", does, step.comes)


def same_challenge(talk):
    """Every console shows the same."""
    before = talk.challenges[-1].message
    with talk.at_second():
        return "the same" if talk.challenge().message == before else "another"


def hangs_up(talk):
    """The second console goes away in the middle of an answer. The first is as it was."""
    with talk.at_second():
        talk.lines = lines_of("ANSWER", unlock(talk, secret=KEY))
        said = talk.type_lines(talk.lines[:3])
    talk.machine.unplug("line")
    return said + "\n" + talk.answered("report")


def comes_back(talk):
    """And it comes back: a page that nobody has asked for, and nothing of the answer that had begun."""
    with talk.at_second():
        talk.machine.command("device_add", driver="virtconsole", bus="hub.0", chardev="second", id="line")
        shown = shown_again(talk)
        return shown + "\n" + talk.type_lines([talk.lines[3], talk.lines[-1]])


def noise_at_second(step):
    """The step, while there is no end of noise at the second console."""
    def does(talk):
        machine, typed_there = talk.machine, []

        def more():
            if None not in typed_there:
                typed_there.append(random.randbytes(200) + b"\n")
                machine.second.type(typed_there[-1], socket.MSG_DONTWAIT)
                machine.after(0.01, more)
        more()
        machine.sleep_until(lambda: len(typed_there) > 100, 10)
        before, said = len(typed_there), step.does(talk)
        during = len(typed_there) - before
        typed_there.append(None)
        return said if during > 0 else f"without noise: {said}"
    return Step(step.name + ", with noise at the second console", does, step.comes)


def two_answers(talk):
    """Two good answers of the owner for one challenge, each all there but for its end: that which ends first counts,
    and the other is too late. Both consoles are told."""
    first, second = (lines_of("ANSWER", talk.answer(words, **more))
                     for words, more in (("unlock", {"secret": KEY}), ("poweroff", {})))
    with talk.at_second():
        talk.say("")            # what the noise has left
        there = talk.type_lines(second[:-1])
    said = [there, talk.type_lines(first)]
    with talk.at_second():
        talk.say(second[-1])
        said.append(talk.line.wait(r"^the answer is right: .*\n").group().strip())
    return ", ".join((*said, talk.outcome()))


REPORT = r"code +2 secret-refused"
STANDS = r"^words +report devices secrets times "      # the report's last line
TRIES = "^the answer is right: this boot tries once more$"
ATTACKS = (
    Step("noise", noise, STANDS),
    Step("break and SysRq", breaks, STANDS),
    typed("\x03\x04\x1a\x1c", "^nothing$"),
    typed("sh", "^s?$"),
    typed("\x1b[11~\x1bc", "^nothing$"),
)
MEMORY = Step("memory during the rescue", exposed, "^E K private half$")


# What the owner answers.

def new_secret(talk):
    return beside(talk.disks, "secret")


def recovery_key(talk):
    return beside(talk.disks, "recovery")


def keyslot_of(talk, recovery):
    """The number of the keyslot that the recovery key opens, or of the other one."""
    told = re.search(r"opens keyslot (\d+)", beside(talk.disks, "told").decode())[1]
    return int(told) if recovery else next(n for n in range(4) if str(n) != told)


def unlock(talk, *words, secret=None, **more):
    return talk.answer(" ".join((*words, "unlock")), secret=new_secret(talk) if secret is None else secret, **more)


def wrong_key(talk):
    return talk.send(unlock(talk, key="other"))


def changed_bit(talk):
    """One bit of the sealed secret; the line's checksum is that of what it is now."""
    message = bytearray(unlock(talk))
    message[-80] ^= 1
    return talk.send(bytes(message))


def changed_argument(talk):
    """The host sends the guest to a disk of his: the same number of bytes in the header."""
    message = unlock(talk, "--device", "/dev/vda2")
    changed = message.replace(b"/dev/vda2", b"/dev/vdb2")
    return talk.send(changed) if changed != message else "the answer has no such argument"


def elsewhere(what, name, value):
    """An answer that the owner has made for a challenge which differs in one field, and is right otherwise."""
    def does(talk):
        c = talk.challenges[-1]
        other = c.changed(name, value(c.field(name)), beside(talk.disks, "rescue"))
        return talk.send(unlock(talk, challenge=other))
    return Step(f"an answer for another {what}", does, NOT_SIGNED)


def other_digit(text):
    return ("1" if text[0] == "0" else "0") + text[1:]


def wrong_keyslot(talk):
    """The right secret, for a keyslot that it does not open. The try is used up."""
    talk.answers["used"] = unlock(talk, "--keyslot", str(keyslot_of(talk, recovery=True)))
    return talk.tries(talk.answers["used"])


def replayed(talk):
    return talk.send(talk.answers["used"])


def lost_lines(talk):
    """Lines of a good answer that are lost, doubled, broken and in the wrong order; the last is kept back."""
    message = unlock(talk, "--keyslot", str(keyslot_of(talk, recovery=True)), secret=recovery_key(talk))
    talk.lines = lines_of("ANSWER", message)
    first, second, third, *rest = talk.lines[1:-1]
    broken = rest[0][:-1] + ("0" if rest[0][-1] != "0" else "1")
    said = [talk.type_lines([line]) for line in (talk.lines[0], third, first, first, broken, *rest, talk.lines[-1])]
    return ", ".join((*said[2:5], said[-1]))


def last_line(talk):
    """What was lost, with blanks and an escape of a terminal around it; then the end again."""
    said = [talk.type_lines([line]) for line in (f"\x1b[200~  {talk.lines[2]} ", talk.lines[-1])]
    return said[0] + ", " + said[1] + ", " + talk.outcome()


GOOD_STEPS = (
    Step("lost lines", lost_lines, r"^ok 001, ok 001, again 004, missing 002$"),
    Step("the line that was lost", last_line, r"^ok 002, complete: \d+ bytes, the answer is right"),
)
EXCHANGES = (
    elsewhere("try", "nonce", other_digit),
    elsewhere("boot", "boot-id", other_digit),
    elsewhere("image", "configuration", other_digit),
    elsewhere("guest", "boot-nonce", other_digit),
    Step("another key", wrong_key, NOT_SIGNED),
    Step("a bit that has changed", changed_bit, NOT_SIGNED),
    Step("an argument that has changed", changed_argument, NOT_SIGNED),
)


def used(name):
    """The table that the guest was started with, of rescue.directory()."""
    return lambda disks: beside(disks, name)


OWNERS = Disk(of=rescue.rotated)
# A boot that no answer can help: there is no challenge, and no line of an answer is taken.
NO_ANSWER = (
    typed("challenge", "^nothing$"),
    typed(mark("BEGIN", "ANSWER"), "^nothing$"),
    typed("unlock", "^nothing$"),
)


def ended(word):
    """The word is typed, and what comes until the machine ends."""
    return Step("ended by " + word, lambda talk: talk.say(word) or talk.line.ends(120), "FAILED")


def answered(*words):
    """A signed answer without a secret, by the owner's table."""
    return Step("answered by " + words[-1], lambda talk: talk.send(talk.answer(" ".join(words))),
                f"^this boot ends: {words[-1]}$")


WAITED = Step("nobody answers", lambda talk: talk.line.ends(300), "FAILED")


# Tables and disks of single cases.

WRONG = table.secret("before the rotation")
HOSTS = Disk("luks2", attack.ATTACKERS_KEY, "hosts")


def pinned(*more):
    """A secret that opens nothing, and the pin of the first disk's volume key."""
    def made(disks):
        key = hashlib.sha256(disk.volume_key(disks[0], KEY)).hexdigest()
        return table.plain(WRONG, (table.POLICY, f"version=1\nvolume=root\nvolume-key=sha256:{key}\n".encode()), *more)
    return made


R = (rescue.GUID, rescue.ENTRY)


def to_the_hosts(talk):
    """The owner takes the host's disk for his, and the host's recovery key for his: the pin does not."""
    return talk.tries(unlock(talk, "--device", "/dev/vdb", secret=attack.ATTACKERS_KEY))


def right_secret(talk):
    return talk.paste(unlock(talk, secret=KEY))


def line_by_line(talk):
    return talk.send(unlock(talk, secret=KEY))


def right_disk(talk):
    return talk.paste(unlock(talk, "--device", "/dev/vda", secret=KEY))


def exchanged(talk):
    """The host puts a key of his own into the challenge. The owner's tool shows nothing of it, and without a table it
    carries no secret. An owner who checks nothing gives the secret to the host, but only if the key that the seal is
    mixed with is known to the host, too: that is a second wall."""
    host, none = os.urandom(32), bytes(32)
    forged = talk.challenges[-1].changed("key", rescue.public_of(host).hex())
    words = "--secret secret unlock"
    code, _, said = talk.owner("--table table " + words, challenge=forged, files={"secret": KEY})
    blind, none_made, _ = talk.owner(words, challenge=forged, files={"secret": KEY})
    shown = talk.challenges[-1].field("boot-id") in said
    mixed = rescue.shared(rescue.ENTRY, rescue.public_of(host), talk.challenges[-1].bytes("boot-nonce"))
    opened = [talk.trusting("open", forged, rescue.public_key(), talk.trusting(
        "answer", forged, "owner.pem", KEY, k), none, host) == KEY for k in (mixed, none)]
    return f"{code} {shown} {bool(blind)} {none_made} {opened}"


def unproved(talk):
    """Nothing proves this challenge; the owner is told so, and answers."""
    code, message, said = talk.owner("reboot")
    return f"{'the host may have written this' in said} {talk.send(message) if message else code}"


def asked_for(talk):
    """An owner whose tool does not look at what is on offer."""
    c = talk.challenges[-1]
    k = rescue.shared(rescue.ENTRY, *c.keys())
    return talk.send(talk.trusting("answer", c.message, "owner.pem", attack.ATTACKERS_KEY, k))


kept = {}       # {console of a case without its number: an answer}


def keeps(talk):
    kept[os.path.splitext(talk.seen.log)[0]] = answer = unlock(talk)
    return talk.tries(answer)


def of_another_boot(talk):
    return talk.send(kept[os.path.splitext(talk.seen.log)[0]])


CASES = [
    # All that can be done wrong, and then the good answer, in pieces: the root is the proved one.
    Case("rescue", Boot(dump=True, rescue={"code": 2, "name": "secret-refused", "action": "unlock",
                                           "console": "ttyS0"}),
         used("volume"), (OWNERS,), config=rescue.config(), rescues=True, ram=512, limit=600, on=ODD,
         steps=(page("report", REPORT), page("devices", "vda"), page("secrets", str(rescue.GUID)[:8]), page("times"),
                challenged("^code-name=secret-refused$"), MEMORY, *ATTACKS, *EXCHANGES,
                Step("a keyslot that it does not open", wrong_keyslot, r"^tries .*code 2 "),
                Step("the same answer once more", replayed, NOT_SIGNED), *GOOD_STEPS)),
    # What is pinned stays pinned: the answer comes to the same refusal, and says so.
    Case("rescue-header", Refuse(29, "pin-mismatch", "reboot", says="header"), used("header"), (OWNERS,),
         config=rescue.config(), rescues=True, on=EVEN,
         steps=(challenged("^code-name=pin-mismatch$"), Step("the new secret", keeps, "^tries .*code 29 .*header"),
                answered("reboot")),
         then=(Case("next-boot", Refuse(29, "pin-mismatch"), used("header"), (OWNERS,), config=rescue.config(),
                    rescues=True, steps=(challenged("^code-name=pin-mismatch$"),
                                         Step("the answer of the boot before", of_another_boot, NOT_SIGNED),
                                         answered("poweroff"))),)),
    # The host has put a disk beside it, with a key of his.
    Case("rescue-device", Boot(rescue={"code": 18, "name": "ambiguous-device", "device": "/dev/vda"}), pinned(R),
         (Disk(), HOSTS), config=rescue.config(), rescues=True, on=ODD,
         steps=(challenged("^code-name=ambiguous-device$"),
                Step("a key of the host in the challenge", exchanged, r"^2 False True None \[False, True\]$"),
                Step("the host's disk", to_the_hosts, "^tries .*code 29 .*volume key"),
                Step("the right disk", right_disk, TRIES))),
    # Nothing is pinned: the answer could open any disk.
    Case("rescue-no-pins", Refuse(2, "secret-refused"), table.plain(WRONG, R), behind(attack.foreign),
         config=rescue.config(timeout="60s"), rescues=True, on=EVEN,
         steps=(challenged("^no-secret=neither policy pins"),
                Step("unlock all the same", asked_for, "^refused: unlock is not on offer: neither policy pins"),
                WAITED)),
    # No entry of the owner's: no secret can travel, and the challenge says why.
    Case("rescue-no-entry", Refuse(2, "secret-refused", "reboot"), pinned(), config=rescue.config(), rescues=True,
         on=ODD, steps=(challenged("^no-secret=.*no rescue entry"),
                       Step("an answer without proof", unproved, "^True this boot ends: reboot$"))),
    # No key of the owner's in the image: there is nothing but the report, and the end.
    Case("rescue-no-key", Refuse(2, "secret-refused"), pinned(R), config=rescue.config(key=False, timeout="45s"),
         rescues=True, on=EVEN,
         steps=(page("report", REPORT), *NO_ANSWER, *ATTACKS, WAITED)),
    Case("rescue-deaf", Refuse(2, "secret-refused", ends="reboot", after=endings.STALL), pinned(R),
         config=rescue.config(key=False), rescues=True, deaf=True, on=ODD, steps=(*ATTACKS, ended("poweroff"))),
    # Failures that no answer can help.
    Case("rescue-word", Refuse(25, "command-line", "reboot"), GOOD, config=rescue.config(), rescues=True,
         cmdline=("lab.foreign",), on=EVEN, steps=(page("report", "lab.foreign"), *NO_ANSWER, ended("reboot"))),
    Case("rescue-no-table", Refuse(7, "no-secret-table"), config=rescue.config(), rescues=True, on=ODD,
         steps=(page("report", "no-secret-table"), *NO_ANSWER, ended("poweroff"))),
    Case("rescue-twin", Refuse(31, "root-confusion"), GOOD, (Disk(), *behind(attack.twin)), config=rescue.config(),
         rescues=True, on=EVEN, steps=(page("report", "root-confusion"), *NO_ANSWER, ended("poweroff"))),
    Case("rescue-emergency", Refuse(22, "aborted"), GOOD, config=rescue.config(more="[Policy]\nCheckCommandLine=no\n"),
         rescues=True, cmdline=("rd.systemd.unit=emergency.target",), on=ODD,
         steps=(page("report", "aborted"), *NO_ANSWER, *ATTACKS[1:], ended("poweroff"))),
]

# The way of a person, as coco-unlock-rescue(7) has it.

def of_page(name):
    """A file of the configuration that the manual's commands have made."""
    return lambda combo: contents(f"{rescue.of_the_page(combo)}/guest/etc/coco-unlock/{name}").decode()


def words_of_page(talk):
    """Each word of the manual is typed, but for those that end the machine; those whose text fits."""
    words = re.findall(r"^\*(\w+)\*(?:, \*(\w+)\*)?$", rescue.section("ON THE CONSOLE"), re.M)
    assert words[-1] == ("reboot", "poweroff"), words
    return " ".join(word for word, _ in words[:-1] if word == "challenge" or page(word).does(talk) == "fits")


def copied(talk):
    """The challenge is copied with one line broken, and that line asked for once more, by the manual's word."""
    text = talk.answered("challenge")
    talk.challenges.append(rescue.Challenge(message_of("CHALLENGE", text)))
    again = re.search(r"_(challenge (\d+))_", rescue.section("ON THE CONSOLE"))
    line = talk.answered(again[1])
    talk.copy = re.sub(rf"^({int(again[2]):03}/.*)..$", r"\1??", text, flags=re.M) + "\n" + line + "\n"
    return f"configuration={talk.challenges[-1].field('configuration')}\n{line}"


def the_digest(talk):
    """What the owner has noted at home."""
    noted = beside(talk.disks, "digest").decode().strip()
    return "the same" if noted == "Digest=" + talk.challenges[-1].field("configuration") else noted


def answered_by_page(talk):
    """The manual's first command at home, and all that it prints pasted at the console."""
    home = os.path.dirname(talk.disks[0])
    with tempfile.TemporaryDirectory() as tmp:
        for name in ("guest", "guest.table", "rescue.pem"):
            cache.run(["cp", "-r", f"{home}/{name}", tmp])
        disk.write(tmp + "/challenge.txt", talk.copy)
        rescue.runs(talk.combo.guest, tmp, "ANSWERING", 1)
        answer = contents(tmp + "/answer.txt").decode()
    talk.say(answer)
    said = talk.line.wait(r"^(missing|complete).*\n").group().strip()
    return f"{said}, {talk.outcome()}"


SHOWN = r"(.*\n)*rescue +after code 2 \(secret-refused\): unlock at ttyS0; more tries: 1, answers refused: 0(\n.*)*"
GOOD_ANSWER = Step("the good answer", right_secret, TRIES)
# A second console of the kernel's has to be of another kind: of each there is one (Linux'
# Documentation/admin-guide/serial-console.rst). Debian 12 has virtio's as a module.
SECOND = {"second": ("-device", "virtio-serial-pci,id=hub", "-device", "virtconsole,bus=hub.0,chardev=second,id=line"),
          "cmdline": ("console=hvc0", "console=ttyS0"),    # the last one is /dev/console
          "on": (COCO13, COCO14)}


def rescued(name, steps, console="ttyS0", **more):
    """A boot with a secret that opens nothing, rescued with the right one. Only in --full: the claims are about a
    console, and `rescue` has one in the short run, with noise and SysRq."""
    told = {"code": 2, "name": "secret-refused", "action": "unlock", "console": console, "tries": 1}
    checks = more.pop("checks", ())
    return Case(name, Boot(rescue=told, checks=checks), pinned(R), config=rescue.config(), rescues=True, seldom=True,
                commands=tuple(command for command, _ in checks), steps=steps, **more)


def alone(name, steps, **more):
    """The same in an image of our own alone: of the boot nothing else is asked than the console."""
    return rescued(own.PREFIX + name, steps, standalone=True, **more)


FAILED = challenged("^code-name=secret-refused$")
KILLED = "dmesg | grep -o 'SAK: killed process .*'"
ANOTHER = r"SAK: killed process (\d+) \(coco-unlock\): by fd#0\nSAK: killed process (?!\1 )\d+ \(coco-unlock\): by fd#0"
CASES += [
    # The kernel kills the process at the screen, and no other; it is started again.
    rescued("rescue-sak", (FAILED, Step("SAK", sak, STANDS), Step("SAK once more", sak, STANDS), GOOD_ANSWER),
            cmdline=("console=tty0", "console=ttyS0"), checks=((KILLED, ANOTHER),), on=ODD),
]
ALONE = [
    Case(own.PREFIX + "rescue-page", Boot(rescue={"code": 2, "name": "secret-refused", "action": "unlock", "tries": 1},
                                          checks=(("coco-unlock status", SHOWN),)),
         used("early.table"), (Disk(of=lambda combo: rescue.of_the_page(combo) + "/guest.img"),),
         config={name: of_page(name) for name in ("coco-unlock.conf", "cocotab")}, section="", rescues=True,
         standalone=True, commands=("coco-unlock status",), on=EVEN,
         steps=(Step("the words", words_of_page, "^report devices secrets times challenge$"),
                Step("a copy", copied, r"^configuration=.*\n007/\d+ \S+ [0-9a-f]{7}$"),
                Step("the digest", the_digest, "^the same$"),
                Step("the answer", answered_by_page, r"^complete: \d+ bytes, the answer is right"))),
    alone("rescue-much-noise", (FAILED, Step("ten MB of noise", much_noise, STANDS), GOOD_ANSWER), limit=900, on=EVEN),
    alone("rescue-hang-up", (FAILED, Step("two consoles", same_challenge, "^the same$"),
                             Step("hang-up", hangs_up, r"^ok 002\n(.*\n)*" + STANDS[1:]),
                             Step("it is there again", comes_back, STANDS + r"(.*\n)*.*\nmissing 001 002 004 "),
                             at_second(GOOD_ANSWER)),
          console="hvc0", **SECOND),
    alone("rescue-two-consoles", (
        FAILED, Step("two consoles", same_challenge, "^the same$"),
        at_second(Step("another key", lambda talk: talk.send(unlock(talk, secret=KEY, key="other")), NOT_SIGNED)),
        noise_at_second(Step("report", lambda talk: talk.answered("report").split("\n")[-1], STANDS)),
        Step("two good answers", two_answers,
             r"^ok \d+, complete: \d+ bytes, the answer is right.*, the answer is right")), **SECOND),
    alone("rescue-noise-beside", (FAILED, noise_at_second(Step("the good answer", line_by_line, TRIES))), **SECOND),
]
