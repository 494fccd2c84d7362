# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges an observation: a list of complaints, empty when the boot came to what the case expects.

Judging is pure, so proofs.py can judge each observation also against wrong expectations and in falsified copies."""

import dataclasses
import json
import re

from . import table

# What the host's own root prints; it is in no other file of a guest, and nobody types it.
MARKER = "ATTACKER ROOT"
# No end of line is asked for: the terminal echoes what is typed, and that may come before it.
FAILED = re.compile(r'coco-unlock: FAILED code=(\d+) name=([a-z0-9-]+) reason="(.*)" next="(.*)" '
                    r'action=(poweroff|reboot|halt|rescue|none)')
PROMPTS = re.compile(r"[Pp]ass(phrase|word)|login:|Press Enter|^(sh|bash)(-[0-9.]+)?[#$] |^:/[^#]*# |^\S*[#$] *$"
                     r"|root@\S+|Give root|Entering emergency|maintenance|dracut:/#", re.M)
# What the initramfs itself writes when it starts a unit is no prompt.
NO_PROMPT = re.compile(r"(ask-password|Password Requests|passw(or)?d?…|Dispatch Passw|Forward Password).*")


@dataclasses.dataclass(frozen=True)
class Boot:
    """The real root's systemd is reached; nothing is left of the secrets but the kept entries."""
    forms: dict = None              # {volume: exact | without-final-nul}
    found: int = None
    kept: tuple = ()                # GUIDs
    checks: tuple = ()              # (command of the case, regular expression its output must match as a whole)
    slow_device: float = None       # the device stage took at least so many seconds
    dump: bool = False              # the guest's memory holds no copy of the secret, but the control string
    cipher: str = "aes-xts-plain64"     # of the root's mapping, as the kernel writes it
    tee: str = None                 # the secrets came from a key broker, for evidence of this kind
    resources: int = 1              # so many of them, in one exchange
    rescue: dict = None             # the boot failed and was rescued: what status.json says of that


@dataclasses.dataclass(frozen=True)
class Refuse:
    """The boot ends in the action, with one line that names the outcome, no prompt and no shell."""
    code: int
    name: str
    action: str = "poweroff"
    wiped: bool = True              # no secret is left in the area
    within: float = None            # seconds from the start of the unit to the line
    not_before: float = None
    says: str = None                # regular expression that the reason must match somewhere
    advises: str = None             # the same of the next step
    typed: int = 0                  # so many lines were typed before the end
    shows: str = None               # regular expression of a line that the console shows besides
    never: str = None               # regular expression of a line that it must not show
    ends: str = None                # how the machine ends, if not as the action says
    dump: bool = False              # the guest's memory holds no volume key
    after: float = 20               # seconds from the line to the end


@dataclasses.dataclass(frozen=True)
class Shell:
    """The configuration asked for rescue: one line, and a shell answers on the console."""
    code: int
    name: str


@dataclasses.dataclass(frozen=True)
class Falls:
    """A control: what is attacked falls, and the console shows it in a line that matches."""
    sign: str


@dataclasses.dataclass(frozen=True)
class Silent:
    """The firmware does not start the kernel: no text at all, for so many seconds of the processor. A kernel that is
    started says something after two."""
    seconds: float


def judge(case, combo, expect, seen):
    """Complaints about `seen`, each one line of text."""
    if isinstance(expect, Falls):
        return judge_fall(expect, seen)
    if isinstance(expect, Silent):
        return judge_silence(seen)
    bad = ["the host's own root was started"] if MARKER in seen.console else []
    if isinstance(expect, Boot):
        return bad + judge_boot(case, combo, expect, seen)
    return bad + judge_refusal(case, expect, seen)


def judge_fall(expect, seen):
    bad = [seen.error] if seen.error else []
    if not re.search(expect.sign, seen.console, re.M):
        bad.append(f"the control did not fall: no line {expect.sign!r}")
    return bad


def judge_silence(seen):
    bad = [seen.error] if seen.error else []
    if seen.console.strip():
        bad.append(f"expected no text at all, seen {seen.console.strip()[:60]!r}")
    if seen.reason != "running":
        bad.append(f"expected a machine that hangs, seen {seen.reason}")
    return bad


def judge_boot(case, combo, expect, seen):
    bad = [seen.error] if seen.error else []
    if not seen.lab:
        failed = FAILED.search(seen.console)
        return bad + ["the real root was not reached" + (f", but: {failed.group(0)}" if failed else "")]
    lab = seen.lab

    def want(what, have, wanted):
        if have != wanted:
            bad.append(f"{what}: expected {wanted!r}, seen {have!r}")
    want("root file system on", lab.get("root"), case.root)
    want("PID 1", lab.get("init"), "systemd")
    want("state of the system", (lab.get("state"), lab.get("failed")), ("running", ""))
    if combo.systemd:
        want("systemd", lab.get("systemd"), combo.systemd)
    if combo.cryptsetup:
        want("libcryptsetup", lab.get("cryptsetup"), "cryptsetup " + combo.cryptsetup)
    want("kernel", lab.get("kernel"), seen.kver)
    want("secret directory", lab.get("secrets"), "absent" if expect.tee else " ".join(sorted(expect.kept)))
    if not re.match(r"\d+ \d+ crypt " + re.escape(expect.cipher) + " ", lab.get("table", "")):
        bad.append(f"root mapping is {lab.get('table')!r}")
    if expect.tee:
        want("modules", lab.get("modules"), "dm_crypt")
    elif combo.module not in lab.get("modules", "").split():
        bad.append(f"{combo.module} is not loaded: {lab.get('modules')!r}")
    if expect.rescue:
        bad += judge_rescued(case, expect, seen)
    elif FAILED.search(seen.console):
        bad.append("a failure line on the console of a good boot")
    want("end", seen.reason, "poweroff")
    bad += judge_status(combo, expect, lab)
    bad += judge_broker(case, expect, seen) if expect.tee else judge_area(case.table, expect.kept, seen.area)
    bad += judge_dump(seen.dump) + judge_keys(seen.keys) if expect.dump else []
    for command, pattern in expect.checks:
        code, text = seen.answers.get(command, (None, ""))
        if not re.fullmatch(pattern, text):
            bad.append(f"`{command}`: expected {pattern!r}, seen {text!r} (exit {code})")
    return bad


def judge_rescued(case, expect, seen):
    """The first failure is on the console, and no other action than rescue; in status.json it is told."""
    bad, lines = judge_steps(case, seen), FAILED.findall(seen.console)
    first = (str(expect.rescue["code"]), expect.rescue["name"])
    if [(*line[:2], line[4]) for line in lines] != [(*first, "rescue")]:
        bad.append(f"expected one failure line of {first} with action=rescue, seen {lines}")
    try:
        told = json.loads(seen.lab.get("status", ""))["rescue"]
        bad += [f"status rescue {what}: expected {wanted!r}, seen {told.get(what)!r}"
                for what, wanted in expect.rescue.items() if told.get(what) != wanted]
    except (ValueError, KeyError, TypeError) as e:
        bad.append(f"status tells nothing of the rescue ({e!r})")
    return bad


def judge_steps(case, seen):
    """What has come of each step at the console."""
    return [f"{step.name}: expected {step.comes!r}, seen {seen.steps.get(step.name)!r}" for step in case.steps
            if not re.search(step.comes, seen.steps.get(step.name) or "", re.M)]


def judge_status(combo, expect, lab):
    try:
        status = json.loads(lab.get("status", ""))
        source, stages = status["source"], {s["name"]: s for s in status["stages"]}
        volumes = {v["name"]: v for v in status["volumes"]}
        bad = []
        told = [("kind", "key-broker"), ("tee", expect.tee), ("refetchable", True)] if expect.tee else [
            ("kind", "launch-secret"), ("module", combo.module), ("path", "/sys/kernel/security/secrets/coco"),
            ("refetchable", False)]
        for what, have, wanted in [("result", status["result"], "ok"), ("code", status["code"], 0),
                                   ("name", status["name"], "ok"), ("kept", source["kept"], len(expect.kept)),
                                   *((what, source[what], wanted) for what, wanted in told)]:
            if have != wanted:
                bad.append(f"status {what}: expected {wanted!r}, seen {have!r}")
        if (expect.found is not None
                and (source["found"], source["wiped"]) != (expect.found, expect.found - len(expect.kept))):
            bad.append(f"status: expected {expect.found} entries found and all but the kept wiped, seen {source}")
        for name, form in (expect.forms or {"root": "exact"}).items():
            volume = volumes.get(name, {})
            if ((volume.get("form"), volume.get("mapping"), volume.get("header"))
                    != (form, "/dev/mapper/" + name, "accepted")):
                bad.append(f"status volume {name}: expected form {form}, seen {volume}")
            if name not in lab.get("mappings", "").split():
                bad.append(f"no mapping {name}: {lab.get('mappings')!r}")
        missing = [s for s in "prepare modules secret-module read wipe device header keyslot mapping".split()
                   if s not in stages]
        if missing:
            bad.append(f"status has no stage {missing}")
        elif expect.slow_device and stages["device"]["us"] < expect.slow_device * 1e6:
            bad.append(f"device stage: expected at least {expect.slow_device} s, seen {stages['device']['us']} us")
        if not status["peak_memory_kib"] > 0:
            bad.append("status has no peak memory")
        return bad
    except (ValueError, KeyError, TypeError) as e:
        return [f"status is not what it should be ({e!r}): {lab.get('status')!r}"]


def judge_broker(case, expect, seen):
    """One connection, one evidence, one exchange for all; the host's own table is not touched."""
    bad = []
    # Where the network stays, the real root connects once more, and says nothing. A wrong expectation may want a broker
    # where there is none.
    connections = 1 + bool(case.attested and case.attested.keep)
    for what, wanted in (("connection", connections), ("attested", 1), ("request", 2 + expect.resources)):
        count = sum(record["event"] == what for record in seen.broker)
        if count != wanted:
            bad.append(f"the broker has seen {what} {count} times, expected {wanted}")
    bad += [f"the broker complains: {record}" for record in seen.broker if record["event"] in ("complaint", "refused")]
    blob = case.table or b""
    if seen.area is None or seen.area[:len(blob)] != blob or any(seen.area[len(blob):]):
        bad.append("the secret area is not as the host has left it")
    return bad


def judge_dump(dump):
    """dump: {form of the secret, or "control": addresses}."""
    bad = [f"a copy of the secret ({form}) in memory at {', '.join(hex(a) for a in places)}"
           for form, places in dump.items() if form != "control" and places]
    if not dump.get("control"):
        bad.append("the control string is not found in memory")
    return bad


def judge_keys(keys):
    """Of a mapping that is in use the kernel has the key: a search that does not find it there finds it nowhere."""
    return [f"the volume key ({form}) of a live mapping is not found in memory" for form, places in keys.items()
            if form.startswith("raw") and not places] if keys else ["memory was not searched for the volume key"]


def judge_area(blob, kept, area):
    """The area may hold the kept entries' data; every other data byte of the table must be zero."""
    if area is None:
        return ["the secret area was not read"]
    bad = []
    for guid, start, end in data_of(blob or b""):
        if guid in kept:
            if area[start:end] != blob[start:end]:
                bad.append(f"kept entry {guid} is not as it was")
        elif any(area[start:end]):
            bad.append(f"secret area still holds data of {guid}: {end - start - area[start:end].count(0)} bytes")
    if any(area[len(blob or b""):]):
        bad.append("secret area holds something behind the table")
    return bad


def data_of(blob):
    """(guid, start, end) of each entry's data; of a broken table all behind its header. Zeros may follow a table."""
    found, pos = [], 20
    total = int.from_bytes(blob[16:20], "little")
    if blob and total <= len(blob) and not any(blob[total:]):
        while total - pos >= 20:
            length = int.from_bytes(blob[pos + 16:pos + 20], "little")
            if length < 20 or length > total - pos:
                break
            found.append((str(table.uuid.UUID(bytes_le=blob[pos:pos + 16])), pos + 20, pos + length))
            pos += length
        else:
            return found
    return [("broken table", 20, len(blob))]


def judge_refusal(case, expect, seen):
    bad = [seen.error] if seen.error else []
    lines = FAILED.findall(seen.console)
    shell = isinstance(expect, Shell)
    action = "rescue" if shell else expect.action
    if seen.lab or "LAB begin" in seen.console:
        bad.append("the real root was reached")
    count = seen.console.count("coco-unlock: FAILED")
    bad += judge_steps(case, seen)
    if case.rescues:
        # The first failure and the end; the tries between have their pages.
        if count != 2 or [line[4] for line in lines] != ["rescue", action]:
            bad.append(f"expected one failure line with action=rescue and one with {action}, seen {count}: {lines}")
        action = "rescue"
    elif count != 1 or len(lines) != 1:
        bad.append(f"expected one failure line in its form, seen {count}, in form {len(lines)}")
    if lines:
        code, name, reason, advice, said = lines[0]
        if (int(code), name, said) != (expect.code, expect.name, action):
            bad.append(f"expected code={expect.code} name={expect.name} action={action}, "
                       f"seen code={code} name={name} action={said} reason={reason}")
        if not shell and expect.says and not re.search(expect.says, reason):
            bad.append(f"the reason does not say {expect.says!r}: {reason}")
        if not shell and expect.advises and not re.search(expect.advises, advice):
            bad.append(f"the next step does not say {expect.advises!r}: {advice}")
        if not reason or not advice:
            bad.append("the failure line has an empty reason or next step")
    answered = re.search(r"^\s*MARK42\s*$", seen.console, re.M)
    if shell:
        if not answered:
            bad.append("no shell answers, though the configuration says rescue")
        return bad
    if answered:
        bad.append("a typed command was carried out")
    prompt = PROMPTS.search(NO_PROMPT.sub("", seen.console))
    if prompt:
        bad.append(f"looks like a prompt or a shell: {line_at(NO_PROMPT.sub('', seen.console), prompt.start())!r}")
    if seen.reason != (expect.ends or expect.action):
        bad.append(f"expected the machine to end by {expect.ends or expect.action}, seen {seen.reason}")
    took = seconds_to_failure(seen)
    if lines and took is None and (expect.within or expect.not_before):
        bad.append("no start of the unit seen on the console")
    if took is not None:
        if expect.within is not None and took > expect.within:
            bad.append(f"failed after {took:.1f} s, expected within {expect.within} s")
        if expect.not_before is not None and took < expect.not_before:
            bad.append(f"failed after {took:.1f} s, expected not before {expect.not_before} s")
    failed = seen.at("coco-unlock: FAILED", last=case.rescues)
    if failed is not None and seen.ended is not None and seen.ended - failed > expect.after:
        bad.append(f"the action came {seen.ended - failed:.0f} s after the failure line")
    if expect.shows and not re.search(expect.shows, seen.console, re.M):
        bad.append(f"no line {expect.shows!r}")
    if expect.never and re.search(expect.never, seen.console, re.M):
        bad.append(f"a line {expect.never!r}")
    if expect.dump:
        bad += [f"the volume key ({form}) in memory at {hex(places[0])}"
                for form, places in seen.keys.items() if places]
        if not seen.keys:
            bad.append("memory was not searched for the volume key")
    if seen.typed < expect.typed:
        bad.append(f"{seen.typed} lines were typed, expected {expect.typed}")
    if expect.wiped:
        bad += judge_area(case.table, (), seen.area)
    return bad


def seconds_to_failure(seen):
    start, end = seen.at(r"Start(ing|ed) coco-unl|coco-unlock: version"), seen.at("coco-unlock: FAILED")
    return None if start is None or end is None else end - start


def line_at(text, pos):
    return text[text.rfind("\n", 0, pos) + 1:(text + "\n").find("\n", pos)]
