# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases of guests that ask a key broker: evidence of both platforms, what the network looks like, what the broker
sends, false brokers with their controls, what goes wrong, and a broker that is asked again. attested.py has what is
around them."""

import dataclasses
import hashlib

from . import attack, disk, rescue, rescues, table
from .attested import RESOURCE, Attested
from .case import ATTACKERS, COCO13, COCO14, GOOD, KEY, Case, Disk, behind
from .talk import Step
from .verdict import Boot, Refuse

ON = (COCO13, COCO14)       # the kernels of Debian 12 have no provider of reports
OTHER_KEY = table.secret("another")

# Nothing is left of the network: no link but the loopback, no address, no route, no lease. The real root's udev may
# still be about to rename the cards.
LEFT = ("udevadm settle; for i in /sys/class/net/*; do [ $(($(cat $i/flags) & 1)) = 0 ] || echo up: ${i##*/}; done; "
        "tail -n +2 /proc/net/route; grep -v ' lo$' /proc/net/if_inet6; grep -o '|-- 10.*' /proc/net/fib_trie; "
        "find /run/systemd/netif -type f")
GONE = (LEFT, "up: lo")
# The real root has both cards, and begins with them.
CARDS = "ls /sys/class/net | wc -l"

# ... or all is: its address, the way to the gateway, and who answers there.
STAYS = ("udevadm settle; grep -ho '|-- 10.0.2.15' /proc/net/fib_trie | sort -u; awk '$2 == \"00000000\" { print $3 }' "
         "/proc/net/route; port=$(coco-unlock status --json | sed -n 's/.*10[.]0[.]2[.]2:\\([0-9]*\\).*/\\1/p'); "
         "bash -c \"exec 3<>/dev/tcp/10.0.2.2/$port\" && echo answers")
STAYED = (STAYS, r"\|-- 10\.0\.2\.15\n0202000A\nanswers")


def asked(name, expect, resources, disks=(Disk(),), secrets=None, config=None, seldom=False, steps=(), **around):
    """A case with a broker that has these resources. Of a boot whose key comes from there, all memory is searched."""
    commands = ()
    if isinstance(expect, Boot):
        network = STAYED if around.get("keep") else GONE
        commands = (network[0], CARDS)
        expect = dataclasses.replace(expect, checks=(network, (CARDS, "3")), dump=bool(expect.tee))
    return Case("attested-" + name, expect, secrets, disks, config=config, commands=commands, on=ON, seldom=seldom,
                rescues=bool(steps), steps=steps,
                ram=512 if commands else Case.ram, attested=Attested(resources, **around))


def headers_of(*disks):
    return [f"header=sha256:{disk.header_pin(d)}" for d in disks]


def policy(*lines):
    return "\n".join(["version=1", "volume=root", *lines]) + "\n"


def owners_disk(combo):
    return disk.root(combo.guest, combo.kernel, KEY)


def pins(combo):
    """What pins the owner's own root: its header, and its volume key."""
    root = owners_disk(combo)
    return policy(*headers_of(root), "volume-key=sha256:" + hashlib.sha256(disk.volume_key(root, KEY)).hexdigest())


def pinned_table(combo):
    """The table of `coco-secret prepare`: the secret, and a policy entry."""
    return {RESOURCE: table.plain(KEY, (table.POLICY, pins(combo).encode()))}


def wide_table(combo):
    """The attacker's secret, and an entry that has the attacker's header, too."""
    text = policy(*headers_of(owners_disk(combo), attack.foreign()))
    return {RESOURCE: table.plain(attack.ATTACKERS_KEY, (table.POLICY, text.encode()))}


SECRET = "ResourceFormat=secret\n"
DATA = "lab/disk/data"
DATA_KEY = table.secret("data")
TWO = {"cocotab": f"root UUID={disk.ROOT_UUID} - -\ndata UUID={disk.uuid_of('data')} kbs:///{DATA} -\n"}
BOTH = "efi kbs"
STRICT = "RequirePolicyEntry=yes\n"

GOOD_CASES = [
    asked("snp", Boot(found=2, tee="snp"), pinned_table),
    asked("tdx", Boot(found=1, tee="tdx"), {RESOURCE: KEY}, platform="tdx", network="static", known="ca", kbs=SECRET,
          unlock="[Policy]\n" + STRICT, policy=pins),
    asked("ipv6-volumes", Boot(found=2, tee="snp", resources=2, forms={"root": "exact", "data": "exact"}),
          {RESOURCE: KEY, DATA: DATA_KEY}, (Disk(), Disk("luks2", DATA_KEY, "data")), config=TWO, network="v6",
          kbs=SECRET),
    # The host's table would open nothing: it is not even looked at.
    asked("both", Boot(found=1, tee="snp"), {RESOURCE: GOOD}, secrets=table.plain(OTHER_KEY), sources=BOTH),
    asked("both-no-provider", Boot(found=1), {RESOURCE: table.plain(OTHER_KEY)}, secrets=GOOD, sources=BOTH,
          platform="none"),
    asked("keep-network", Boot(found=1, tee="snp"), {RESOURCE: KEY}, kbs=SECRET, keep=True, seldom=True),
]

# A false broker has the right protocol, and an attacker's disk and key behind it.
FOREIGN = behind(attack.foreign)
FALSE = {RESOURCE: table.plain(attack.ATTACKERS_KEY)}
FALSE_CASES = [
    asked("false", Refuse(39, "broker-identity"), FALSE, FOREIGN, broker="other-key"),
    # Without the first wall the second stands; without both the attacker's root boots.
    asked("false-unchecked", Refuse(29, "pin-mismatch"), FALSE, FOREIGN, broker="other-key", unchecked=True,
          policy=pins),
    asked("false-control", ATTACKERS, FALSE, FOREIGN, broker="other-key", unchecked=True),
    # The right broker, whose table widens what the image pins.
    asked("wide", Refuse(29, "pin-mismatch"), wide_table, FOREIGN, policy=pins),
    asked("wide-control", ATTACKERS, wide_table, FOREIGN),
]

HURRY = "Timeout=25s\n"
FAULT_CASES = [
    asked("no-provider", Refuse(34, "no-provider"), {RESOURCE: GOOD}, platform="none"),
    asked("report-busy", Refuse(46, "report-failed", says="busy|EBUSY"), {RESOURCE: GOOD}, platform="snp ebusy"),
    asked("report-hangs", Refuse(47, "no-answer", within=45, not_before=15), {RESOURCE: GOOD}, platform="snp hang",
          unlock=HURRY),
    asked("nowhere", Refuse(35, "no-network", within=45, not_before=15), {RESOURCE: GOOD}, network="dead",
          unlock=HURRY),
    asked("no-route", Refuse(36, "no-route", within=45, not_before=15), {RESOURCE: GOOD}, network="lost", unlock=HURRY,
          seldom=True),
    asked("denied", Refuse(43, "release-denied", within=45, not_before=15), {RESOURCE: GOOD},
          broker="resource-PolicyDeny", unlock=HURRY),
    asked("tampered", Refuse(45, "malformed-answer"), {RESOURCE: GOOD}, broker="jwe-changed-tag"),
    asked("meddled", Refuse(46, "report-failed"), {RESOURCE: GOOD}, platform="snp generation", seldom=True),
    asked("tdx-enotty", Refuse(46, "report-failed"), {RESOURCE: GOOD}, platform="tdx enotty", seldom=True),
]


# A rescue: the owner has mended his broker, and lets the guest ask it again.

def with_entry(key):
    def made(combo):
        return {RESOURCE: table.plain(key, (table.POLICY, pins(combo).encode()), (rescue.GUID, rescue.ENTRY))}
    return made


def mended(talk):
    events = [record["event"] for record in talk.machine.around.mend()]
    return f"asked {events.count('attested')} times"


def fetch(talk):
    """An answer that the guest can prove to be for it, by the key that it shares with its owner."""
    talk.told["K"] = rescue.shared(rescue.ENTRY, *talk.challenges[-1].keys())
    return talk.paste(talk.answer("fetch", files={"table": with_entry(KEY)(talk.combo)[RESOURCE]}))


def fetch_unproved(talk):
    """No secret was read, so that there is no such key."""
    code, message, said = talk.owner("fetch")
    return f"{'the host may have written this' in said} {talk.paste(message) if message else code}"


def again(name, code, code_name, steps, **around):
    """Only in --full: the exchange is that of attested-snp, and what follows an answer that of `rescue`."""
    return asked(name, Boot(tee="snp", rescue={"code": code, "name": code_name, "action": "fetch", "console": "ttyS0",
                                               "tries": 1}),
                 with_entry(KEY), steps=steps, rescue=rescue.config()["coco-unlock.conf"], seldom=True, **around)


RESCUE_CASES = [
    again("rescue-wrong", 2, "secret-refused", (
        rescues.challenged("^actions=unlock fetch reboot poweroff$"), Step("mended", mended, "^asked 1 times$"),
        Step("fetch", fetch, rescues.TRIES)), before=with_entry(OTHER_KEY)),
    again("rescue-denied", 43, "release-denied", (
        rescues.challenged("^actions=fetch reboot poweroff$"), Step("mended", mended, "^asked [1-9]"),
        Step("fetch", fetch_unproved, "^True the answer is right: this boot tries once more$")), before={},
          unlock=HURRY),
]
CASES = GOOD_CASES + FALSE_CASES + FAULT_CASES + RESCUE_CASES
