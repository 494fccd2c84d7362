# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a headers session: a good boot, then guest/headers.c in its real root, and judges the lines that it prints.

Each forged header, each control and each swap of the header is a result of its own."""

import dataclasses
import re
import time

from . import cache, cases, disk, headers, observe, verdict

mutants = headers.mutants
LIMIT = 1800
SWAPS = [f"unlock,large,{d},{n}" for d in ("good-evil", "evil-good") for n in range(1, 5)] + \
        [f"unlock,pages,{d},{n}" for d in ("good-evil", "evil-good") for n in range(1, 10)]
@dataclasses.dataclass
class Line:
    """What the guest said of one run."""
    code: int
    left: str
    content: str
    tables: dict        # {mapping: table}, without the root and the part itself
    message: str


def count():
    """How many results a session has."""
    return len(mutants.MUTANTS) + len(headers.CONTROLS) + len(SWAPS) + 3


def run(session, combo, log):
    """Returns a list of (name, complaints)."""
    times = {}

    def hook(machine):
        for verb in ("mutants", "swap"):
            began = time.monotonic()
            code, text = observe.ask(machine, "/usr/lib/coco-lab/headers " + verb, LIMIT)
            if code:
                raise cache.LabError(text)
            times[verb] = time.monotonic() - began
    with headers.swapping_disk() as swapping:
        made = [cases.Disk(made=lambda path=path: path) for path in (headers.image(), *swapping)]
        # All is done in the real root: the initramfs is the one that is there sooner.
        case = cases.Case(session.name, verdict.Boot(found=1), cases.GOOD, (cases.Disk(), *made), standalone=True,
                          config={"cocotab": f"root UUID={disk.ROOT_UUID} - -\n"})
        seen = observe.run(case, combo, log, hook)
    cache.say(f"{session.name}@{combo.name}: " + ", ".join(f"{v} {t:.0f} s" for v, t in times.items()))
    return judge(seen, combo)


def parse(console):
    """{(kind, name): Line}, and {name: (reads of the header, evil ones)} of the swaps."""
    lines, served = {}, {}
    pattern = r"^LAB (mutant|control|swap) (\S+) code=(\d+) left=(\S*) content=(\S+) tables= (.*?)message= ?(.*)$"
    for kind, name, code, left, content, tables, message in re.findall(pattern, console, re.M):
        parts = re.split(r"(?:^| )(\S+): (?=\d+ \d+ )", " " + tables)
        mapped = {n: t.strip() for n, t in zip(parts[1::2], parts[2::2]) if n not in ("root", "m")}
        lines[kind, name] = Line(int(code), left, content, mapped, message.strip())
    for name, reads, evil in re.findall(r"^LAB served (\S+) reads=(\d+) evil=(\d+)", console, re.M):
        served[name] = int(reads), int(evil)
    return lines, served


def judge(seen, combo):
    """All results, in the order of the tables."""
    lines, served = parse(seen.console)
    results = [("boot", [seen.error] if seen.error else [])]
    for mutant in mutants.MUTANTS:
        results.append((mutant.name, judge_mutant(mutant, lines.get(("mutant", mutant.name)))))
    for name, wanted in headers.CONTROLS.items():
        results.append((f"control: {name}", judge_control(wanted, lines.get(("control", name)), combo)))
    for name in SWAPS:
        results.append((f"swap: {name}", judge_swap(lines.get(("swap", name)), served.get(name))))
    results.append(("swap: the control falls, and ours has been tried", judge_sweep(lines, served)))
    results.append(("the verdict notices what it should", blind_to(lines, served)))
    assert len(results) == count()
    return results


def judge_mutant(mutant, line):
    if not line:
        return ["the guest told nothing of it"]
    wrong = [] if not line.left else ["the secret is still there"]
    if mutant.expected == mutants.ACCEPTED:
        wanted = headers.table_of(mutant)
        if line.code != 0:
            wrong.append(f"refused: {line.message}")
        elif set(line.tables) != set(wanted) or not all(re.fullmatch(wanted[n], line.tables[n]) for n in wanted):
            wrong.append(f"mapped as {line.tables}, not as {wanted}")
        elif mutant.readable and line.content != headers.OWNER:
            wrong.append(f"behind it is: {line.content}")
        return wrong
    code, words = 6, f"breaks the rule '{mutant.expected}'"
    if mutant.expected == mutants.NOT_LUKS2:
        code, words = 19, "not 2"
    if line.code != code or words not in line.message:
        wrong.append(f"expected {code}, {words}; seen: {line.code}, {line.message}")
    if line.tables or line.content != "none":
        wrong.append(f"mapped: {line.tables}, behind it is: {line.content}")
    return wrong


def judge_control(wanted, line, combo):
    """What hostile-host.md says of cryptsetup has to be so, or the attack is none."""
    if not line:
        return ["the guest told nothing of it"]
    table, content = wanted.get(combo.guest, wanted[None]) if isinstance(wanted, dict) else wanted
    got = line.tables.get("ctl", "")
    if (table not in got if table else got) or line.content != content:
        return [f"expected a mapping with {table!r} and behind it {content}; seen: {got!r}, {line.content}, "
                f"exit {line.code}, {line.message}"]
    return []


def judge_swap(line, served):
    """Either the right mapping or none, whichever header came when."""
    if not line or not served:
        return ["the guest told nothing of it"]
    wrong = [] if not line.left else ["the secret is still there"]
    if served[0] == 0:
        wrong.append("the header was not read from the server")
    if line.code == 0:
        wanted = headers.table_of(headers.BASE)
        if set(line.tables) != set(wanted) or not all(re.fullmatch(wanted[n], line.tables[n]) for n in wanted):
            wrong.append(f"mapped as {line.tables}")
    elif line.tables or line.code != 6:
        wrong.append(f"exit {line.code}, mapped: {line.tables}, {line.message}")
    if line.content not in ("none", "unknown"):
        wrong.append(f"behind it is: {line.content}")
    return wrong


def judge_sweep(lines, served):
    """The sweep is worth something: cryptsetup falls in it, and ours met both headers and came to both ends."""
    fell = [n for (kind, n), line in lines.items() if kind == "swap" and n.startswith("control,")
            and line.content == headers.ATTACKER]
    ours = [(lines["swap", n], served[n]) for n in SWAPS if ("swap", n) in lines and n in served]
    wrong = []
    if not fell:
        wrong.append("cryptsetup did not fall once")
    if not any(line.code == 0 and evil for line, (_, evil) in ours):
        wrong.append("no run met the other header and opened the disk")
    if not any(line.code == 6 and 0 < evil < reads for line, (reads, evil) in ours):
        wrong.append("no run met both headers and refused")
    return wrong


def blind_to(lines, served):
    """Falsified lines that the judgement takes for good."""
    refused = next(m for m in mutants.MUTANTS if m.name == headers.EVIL)
    linear = {"mut": "0 2048 linear 254:1 2048"}
    blind = []

    def notices(what, complaints):
        if not complaints:
            blind.append(f"not noticed: {what}")
    if ("mutant", refused.name) not in lines or ("mutant", headers.BASE.name) not in lines or not served:
        return ["the guest told nothing"]
    good, bad = lines["mutant", headers.BASE.name], lines["mutant", refused.name]
    swapped = next(iter(served))
    for what, change in (("a mapping", {"tables": linear}), ("a secret", {"left": "secret"}), ("a code", {"code": 2}),
                         ("a reader", {"content": headers.ATTACKER}),
                         ("another rule", {"message": bad.message.replace(refused.expected, "segment-size")})):
        notices(f"{what} of a refused one", judge_mutant(refused, dataclasses.replace(bad, **change)))
    for what, change in (("a linear mapping", {"tables": linear}), ("no mapping", {"tables": {}}),
                         ("a refusal", {"code": 6}),
                         ("two mappings", {"tables": {**good.tables, "x": "0 1 linear 1:1 0"}}),
                         ("a null cipher", {"tables": {"mut": "0 2048 crypt cipher_null-ecb 0 0 254:1 2048"}}),
                         ("other content", {"content": headers.ATTACKER})):
        notices(f"{what} of an accepted one", judge_mutant(headers.BASE, dataclasses.replace(good, **change)))
        if what not in ("a refusal", "no mapping"):
            notices(f"{what} of a swap", judge_swap(dataclasses.replace(good, **change), served[swapped]))
    notices("a mapping in a refused swap", judge_swap(dataclasses.replace(bad, tables=linear), served[swapped]))
    notices("a control that stands", judge_control(headers.LINEAR, dataclasses.replace(bad, tables={}), cases.COCO12))
    return blind
