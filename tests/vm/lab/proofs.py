# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows for each observation that its verdict could have been another one.

The observation is judged again against wrong expectations, and in falsified copies against the right one. A check
that these do not upset is no check: that, too, fails the case."""

import copy
import dataclasses
import re

from . import table
from .verdict import Boot, Falls, MARKER, Refuse, Shell, Silent, judge

OTHER_ACTION = {"poweroff": "reboot", "reboot": "halt", "halt": "poweroff"}
INTRUDERS = {"the output of a typed command": "MARK42",
             "a passphrase prompt": "Please enter passphrase for disk croot:",
             "a login prompt": "lab login: ", "a shell": "sh-5.2# ", "dracut's shell": ":/root# ",
             "sulogin": "Press Enter for maintenance"}


def blind_to(case, combo, expect, seen):
    """What the judgement does not notice; must be empty."""
    kinds = {Boot: of_boot, Refuse: of_refusal, Shell: of_shell, Falls: of_fall, Silent: of_silence}
    wrong, forged = kinds[type(expect)](case, combo, expect, seen)
    found = [what for what, e in wrong.items() if not judge(case, combo, e, seen)]
    found += [what for what, s in forged.items() if not judge(case, combo, expect, s)]
    if isinstance(expect, Boot):
        found += [f"another {field}" for field in ("systemd", "cryptsetup", *(() if expect.tee else ("module",)))
                  if not judge(case, changed(combo, **{field: "nonsense"}), expect, seen)]
    return found


def changed(thing, **fields):
    """A copy of a frozen description, or of an observation, with other fields."""
    if dataclasses.is_dataclass(thing):
        return dataclasses.replace(thing, **fields)
    other = copy.copy(thing)
    vars(other).update(fields)
    return other


def not_wiped(case, seen):
    """The observation, if the table were still in the area as it was injected."""
    return changed(seen, area=case.table + bytes(len(seen.area) - len(case.table)))


def of_boot(case, _combo, expect, seen):
    wrong = {"a refusal": Refuse(2, "secret-refused"),
             "another kept entry": changed(expect, kept=expect.kept + (str(table.numbered(999)),)),
             "another source": changed(expect, tee=None if expect.tee else "snp"),
             "another number of entries": changed(expect, found=(expect.found or 0) + 777),
             "another form": changed(expect, forms={"root": "nonsense"})}
    forged = {"a secret left in the directory": changed(seen, lab=dict(seen.lab, secrets=str(table.LUKS))),
              "a root without the mapping": changed(seen, lab=dict(seen.lab, root="/dev/vda")),
              "a system in trouble": changed(seen, lab=dict(seen.lab, state="degraded")),
              "the attacker's root": changed(seen, console=f"{seen.console}\n{MARKER}\n")}
    if expect.tee:
        wrong["another platform"] = changed(expect, tee="tdx" if expect.tee == "snp" else "snp")
        wrong["another resource"] = changed(expect, resources=expect.resources + 1)
        forged["a broker that was asked twice"] = changed(seen, broker=seen.broker * 2)
        forged["an area that has changed"] = changed(seen, area=bytes(b ^ 1 for b in seen.area))
    else:
        forged["an area that was not wiped"] = not_wiped(case, seen)
    if expect.dump:
        forged["a secret in memory"] = changed(seen, dump=dict(seen.dump, raw=[4096]))
        forged["a search that finds nothing"] = changed(seen, dump=dict(seen.dump, control=[]))
        forged["a search that does not find a key in use"] = changed(seen, keys={form: [] for form in seen.keys})
    if expect.rescue:
        wrong["a boot without a rescue"] = changed(expect, rescue=None)
        for what in expect.rescue:
            wrong[f"another {what} of the rescue"] = changed(expect, rescue=dict(expect.rescue, **{what: "nonsense"}))
        forged["a failure that ends the boot"] = changed(seen, console=seen.console.replace("action=rescue",
                                                                                            "action=poweroff"))
    forged.update(of_steps(case, seen))
    for command, _ in expect.checks:
        forged[f"another answer to {command}"] = changed(seen, answers=dict(seen.answers, **{command: (0, "nonsense")}))
    return wrong, forged


def of_steps(case, seen):
    return {f"another outcome of: {step.name}": changed(seen, steps=dict(seen.steps, **{step.name: "\0"}))
            for step in case.steps}


def of_failure(expect, seen):
    line = next((text for _, text in seen.lines if "coco-unlock: FAILED" in text), "")
    wrong = {"a good boot": Boot(), "another code": changed(expect, code=expect.code + 1),
             "another name": changed(expect, name="nonsense")}
    forged = {"a second failure line": changed(seen, console=f"{seen.console}\n{line}\n"),
              "no failure line": changed(seen, console=seen.console.replace("FAILED code", "")),
              "a real root": changed(seen, lab={"root": "/dev/mapper/root"})}
    return wrong, forged


def of_refusal(case, _combo, expect, seen):
    wrong, forged = of_failure(expect, seen)
    wrong["another action"] = changed(expect, action=OTHER_ACTION[expect.action])
    forged.update(of_steps(case, seen))
    if expect.says:
        wrong["another reason"] = changed(expect, says="nonsense")
    if expect.advises:
        wrong["another next step"] = changed(expect, advises="nonsense")
    if expect.shows:
        wrong["another line"] = changed(expect, shows="^nonsense$")
    if expect.typed:
        forged["a person who does not type"] = changed(seen, typed=3)
    forged["the attacker's root"] = changed(seen, console=f"{seen.console}\n{MARKER}\n")
    for what, text in INTRUDERS.items():
        forged[what] = changed(seen, console=f"{seen.console}\n{text}\n")
    forged["another end of the machine"] = changed(seen, reason="reboot" if seen.reason == "running" else "running")
    if expect.never:
        forged["what would run next"] = changed(seen, console=f"{seen.console}\nLAB NEXT RAN\n")
    if expect.dump:
        forged["a volume key in memory"] = changed(seen, keys=dict(seen.keys, raw=[4096]))
        forged["a memory that was not searched"] = changed(seen, keys={})
    if expect.wiped and case.table and len(case.table) > 40:
        forged["an area that was not wiped"] = not_wiped(case, seen)
    return wrong, forged


def of_shell(_case, _combo, expect, seen):
    wrong, forged = of_failure(expect, seen)
    forged["no shell"] = changed(seen, console=seen.console.replace("MARK42", ""))
    return wrong, forged


def of_fall(_case, _combo, expect, seen):
    wrong = {"a good boot": Boot(), "a refusal": Refuse(2, "secret-refused"), "another sign": Falls("^nonsense$")}
    forged = {"a console without the sign": changed(seen, console=re.sub(expect.sign, "", seen.console, flags=re.M)),
              "a wait in vain": changed(seen, error="no sign within 1 s")}
    return wrong, forged


def of_silence(_case, _combo, _expect, seen):
    wrong = {"a good boot": Boot(), "a refusal": Refuse(2, "secret-refused"), "a fall": Falls("^MARK42$")}
    forged = {"a kernel that starts": changed(seen, console="EFI stub: Loaded initrd\n"),
              "a machine that ends": changed(seen, reason="poweroff")}
    return wrong, forged
