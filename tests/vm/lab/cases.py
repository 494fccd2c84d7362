# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases: what is injected, attached and configured, and what the boot must come to. case.py says what one is."""

import dataclasses
import hashlib
import hmac
import re

from . import (attack, brokers, disk, endings, firstboot, full, generators, headers, integrity, looks, lvm, names, own,
               owner, realroot, rescues, short, standalone, stock, table)
from .case import (ATTACKERS, ALL, COCO, COCO12, COCO13, COCO14, EFI12, EVEN, GOOD, HURRIED, KEPT, KEY, LISTING, LUKS,
                   ODD, RELOAD, SHORT, UNGUARDED, WORKLOAD, Case, Disk, behind, tells, unlock)
from .verdict import Boot, Falls, Refuse, Shell, Silent


def volumes(forms):
    """One boot with a small volume for each (name, key of the disk, secret in the table)."""
    tab, entries, disks = [f"root UUID={disk.ROOT_UUID} - -"], [(table.LUKS, KEY)], [Disk()]
    for n, (name, key, secret) in enumerate(forms, 20):
        tab.append(f"{name} UUID={disk.uuid_of(name)} {table.numbered(n)} -")
        entries.append((table.numbered(n), secret))
        disks.append(Disk("luks2", key, name))
    return {"cocotab": "\n".join(tab) + "\n"}, table.table([table.entry(*e) for e in entries]), tuple(disks)


BINARY = b"\0\n" + table.secret("binary", 13) + b"\n\0\0\r\n" + table.secret("end", 10) + b"\n\0"
# Longer than the block of HMAC-SHA256: of shorter keys, PBKDF2 does not see how many NULs are at the end.
TEXT = table.secret("text", 40).hex().encode()
FORMS = [("one", b"x", b"x"), ("binary", BINARY, BINARY), ("text", TEXT, TEXT), ("nul", TEXT + b"\0", TEXT + b"\0"),
         ("cut", TEXT, TEXT + b"\0")]
FORMS_CONFIG, FORMS_TABLE, FORMS_DISKS = volumes(FORMS)
LONG = table.secret("long", 3032)

LARGE = (Disk(of=stock.large),)

CASES = [
    # the real root is reached
    Case("boot", Boot(found=1), GOOD),
    Case("boot-keep",
         Boot(found=4, kept=(str(KEPT),), checks=(("cat %s/%s" % (LISTING[3:], KEPT), "for the workload"),)),
         table.plain(KEY, (WORKLOAD, b"not for long"), (KEPT, b"for the workload"),
                     (table.numbered(9), table.secret("x", 100))),
         config=unlock(KeepSecrets=KEPT), commands=("cat %s/%s" % (LISTING[3:], KEPT),)),
    Case("boot-reload", Boot(found=3, checks=((RELOAD, ""),)),
         table.plain(KEY, (WORKLOAD, b"not for long"), (KEPT, b"gone as well")), on=(EFI12,), commands=(RELOAD,)),
    Case("boot-keep-reload", Boot(found=3, kept=(str(KEPT),), checks=((RELOAD, str(KEPT)),)),
         table.plain(KEY, (WORKLOAD, b"not for long"), (KEPT, b"for the workload")), on=(EFI12,),
         config=unlock(KeepSecrets=KEPT), commands=(RELOAD,)),
    Case("late-disk", Boot(found=1, slow_device=3), GOOD, (Disk(late=True),)),
    Case("forms", Boot(found=6, forms=dict({n: "exact" for n, _, _ in FORMS}, cut="without-final-nul", root="exact")),
         FORMS_TABLE, FORMS_DISKS, config=FORMS_CONFIG),
    Case("secret-3032", Boot(found=1), table.plain(LONG), (Disk(key=LONG),)),
    Case("entries-63", Boot(found=63), table.filled(KEY, 63)),
    Case("entries-64", Boot(found=64), table.filled(KEY, 64)),
    Case("entries-65-coco", Boot(found=65), table.filled(KEY, 65, last=True), on=COCO),

    # the boot is refused
    Case("entries-65-efi", Refuse(16, "hidden-entries"), table.filled(KEY, 65), on=(EFI12,)),
    Case("entries-65-efi-last", Refuse(16, "hidden-entries"), table.filled(KEY, 65, last=True), on=(EFI12,)),
    Case("no-table", Refuse(7, "no-secret-table")),
    Case("no-entries", Refuse(8, "secret-missing"), table.table([])),
    Case("no-guid", Refuse(8, "secret-missing"), table.table([table.entry(WORKLOAD, b"something else")])),
    Case("example-guid", Refuse(9, "example-guid"), table.table([table.entry(table.EXAMPLE, KEY)])),
    Case("empty-secret", Refuse(21, "secret-empty"), table.table([table.entry(table.LUKS, b"")])),
    Case("wrong-secret", Refuse(2, "secret-refused"), table.plain(table.secret("another"))),
    Case("two-nuls-too-many", Refuse(2, "secret-refused"), table.plain(TEXT + b"\0\0"), (Disk(key=TEXT),)),
    Case("nul-missing", Refuse(2, "secret-refused"), table.plain(TEXT), (Disk(key=TEXT + b"\0"),)),
    Case("bad-header-length", Refuse(13, "table-corrupt"), table.bad_header_length(KEY), on=COCO),
    Case("bad-header-length-efi", Refuse(13, "table-corrupt", wiped=False), table.bad_header_length(KEY), on=(EFI12,)),
    Case("bad-entry-length", Refuse(13, "table-corrupt"), table.bad_entry_length(KEY), on=COCO),
    Case("bad-entry-length-efi", Refuse(13, "table-corrupt", wiped=False), table.bad_entry_length(KEY), on=(EFI12,)),
    Case("duplicate", Refuse(14, "table-duplicate"), table.duplicate(KEY), on=COCO),
    Case("duplicate-efi", Refuse(14, "table-duplicate", wiped=False), table.duplicate(KEY), on=(EFI12,)),
    Case("no-disk", Refuse(4, "no-device", within=30, not_before=14), GOOD, (), config=HURRIED, idle=True),
    Case("no-disk-cmdline", Refuse(4, "no-device", within=22, not_before=7), GOOD, (), idle=True,
         cmdline=("coco_unlock.timeout=12",)),
    Case("cmdline-cannot-lengthen", Refuse(4, "no-device", within=30), GOOD, (), config=HURRIED, idle=True,
         cmdline=("coco_unlock.timeout=600",)),
    Case("blank-disk", Refuse(4, "no-device", within=30), GOOD, (Disk("blank", b""),), config=HURRIED,
         idle=True),
    Case("no-luks", Refuse(19, "not-luks2"), GOOD, (Disk("ext4", b"", "plain"),),
         config={"cocotab": f"root UUID={disk.uuid_of('plain')} - -\n"}),
    Case("luks1", Refuse(19, "not-luks2"), GOOD, (Disk("luks1", KEY),)),
    Case("two-disks", Refuse(18, "ambiguous-device"), GOOD, (Disk(), Disk("luks2", KEY, "second"))),
    Case("unknown-option", Refuse(10, "config"), GOOD, force=True, config={"cocotab": "root auto - no-such-option\n"}),
    Case("no-module", Refuse(11, "no-secret-module", wiped=False), GOOD, force=True,
         drop=("coco_secret", "efi_secret")),
    Case("no-dm-crypt", Refuse(17, "no-dm-crypt"), GOOD, force=True, drop=("dm_crypt",)),
    # another way to a shell, behind the guard of the command line: dracut's break points, systemd's rescue modes
    Case("break", Refuse(22, "aborted"), GOOD, cmdline=("rd.break=pre-mount",), config=UNGUARDED),
    Case("emergency-target", Refuse(22, "aborted"), GOOD, cmdline=("rd.systemd.unit=emergency.target",),
         config=UNGUARDED),
    Case("rescue-target", Refuse(22, "aborted"), GOOD, cmdline=("rd.systemd.unit=rescue.target",), config=UNGUARDED),
    Case("action-reboot", Refuse(7, "no-secret-table", "reboot"), config=unlock(FailureAction="reboot")),
    Case("action-halt", Refuse(7, "no-secret-table", "halt"), config=unlock(FailureAction="halt")),
    Case("action-rescue", Shell(7, "no-secret-table"), config=unlock(FailureAction="rescue", RescueShell="yes")),
]

PROMPT = Falls("^.*Please enter passphrase for disk.*$")
def forged(name, says, on):
    return Case("forged-" + name, Refuse(6, "header-refused", says=f"'{says}'"), GOOD, behind(attack.forged, name),
                on=on)


TWINS = (Disk(), *behind(attack.twin))
# The second disk shows what it holds when the first one is open, and before that is mounted.
OPENED = r"Finished .*(cryptsetup@root|coco-unlock\.s|Unlock the encrypted|Cryptography Setup|coco-unl)"
BTRFS_TWINS = (Disk("btrfs"), *behind(attack.btrfs_twin, hot=OPENED))

# What the hostile host does to the disk.
ATTACKS = [
    forged("null-segment", "segment-cipher", ODD),
    forged("linear", "segment-type", EVEN),
    forged("linear-dressed", "segment-type", ODD),
    forged("unknown-type", "segment-type", EVEN),
    forged("second-newer", "copies-differ", ODD),
    forged("first-broken", "checksum", EVEN),
    forged("iteration-bomb", "kdf-cost", ODD),
    forged("memory-bomb", "kdf-cost", EVEN),
    Case("uneven", Refuse(6, "header-refused", says="'segment-alignment'", advises="smaller by 512 bytes"),
         GOOD, behind(stock.uneven), on=ODD),
    Case("large-metadata", Boot(found=1), GOOD, LARGE, config={"cocotab": "root auto - metadata-size=2m\n"}, on=EVEN),
    Case("large-metadata-unasked", Refuse(6, "header-refused", says="'metadata-size'", advises="metadata-size=2m"),
         GOOD, LARGE, on=EVEN),
    Case("null-keyslot", Refuse(6, "header-refused", says="'keyslot-cipher'"), table.plain(table.secret("another")),
         behind(attack.null_keyslot), on=EVEN),
    Case("slow-keyslot", Refuse(33, "deadline", within=45, not_before=15), GOOD, behind(attack.forged, "slow"),
         config=HURRIED, on=ODD),
    Case("twin", Refuse(31, "root-confusion"), GOOD, TWINS, on=EVEN),
    Case("foreign-luks", Refuse(2, "secret-refused"), GOOD, behind(attack.foreign), on=ODD),
    Case("same-luks-uuid", Refuse(18, "ambiguous-device"), GOOD, (Disk(), *behind(attack.foreign)), on=EVEN),
    Case("btrfs-good", Boot(found=1), GOOD, (Disk("btrfs"),), modules=("btrfs",), on=ODD),
    Case("btrfs-twin", Refuse(31, "root-confusion"), GOOD, BTRFS_TWINS, modules=("btrfs",), on=ODD),
]

# Today's recipe on the same disks: each of these must fall, or the attack is none.
CONTROLS = [
    Case("recipe-good", Falls("^LAB root=/dev/mapper/root$"), GOOD),
    *[Case("recipe-" + name, ATTACKERS, GOOD, behind(attack.forged, name))
      for name in ("null-segment", "linear", "linear-dressed", "unknown-type", "second-newer", "first-broken")],
    Case("recipe-null-keyslot", ATTACKERS, table.plain(table.secret("another")), behind(attack.null_keyslot)),
    # With root=UUID= the recipe takes the device of that name that it has seen last, or the only one, if the
    # encrypted disk does not open.
    Case("recipe-twin", ATTACKERS, GOOD, (Disk(), *behind(attack.twin, hot=OPENED)), root="UUID=" + disk.ROOT_FS_UUID),
    Case("recipe-twin-alone", ATTACKERS, GOOD, behind(attack.forged, "unopenable") + behind(attack.twin),
         root="UUID=" + disk.ROOT_FS_UUID),
    Case("recipe-btrfs-good", Falls("^LAB root=/dev/mapper/root$"), GOOD, (Disk("btrfs"),), modules=("btrfs",),
         on=(COCO12,)),
    Case("recipe-btrfs-twin", ATTACKERS, GOOD, BTRFS_TWINS, modules=("btrfs",), on=(COCO12,)),
    # What the kernel makes of it, once the secret has been used.
    Case("recipe-uneven", Falls("Device size is not multiple of sector_size feature"), GOOD, behind(stock.uneven),
         on=(COCO12,)),
    Case("recipe-wrong-secret", PROMPT, table.plain(table.secret("another"))),
    Case("recipe-no-secret", PROMPT),
]
# libcryptsetup 2.6.1 does not look at the type: it maps crypt (noise) if the segment names a cipher, else nothing.
NOT_12 = ("recipe-linear", "recipe-linear-dressed", "recipe-unknown-type")
# Nothing of the project is in them but its kernel module.
CONTROLS = [dataclasses.replace(c, recipe=True, limit=150,
                                disks=tuple(dataclasses.replace(d, bare=True) for d in c.disks),
                                on=(COCO13,) if c.name in NOT_12 else (COCO13, COCO12) if c.on == ALL else c.on)
            for c in CONTROLS]

# One word of each class that the kernel command line must not have.
WORDS = {
    "init": "init=/bin/sh", "break": "rd.break", "unit": "systemd.unit=rescue.target",
    "initrd-unit": "rd.systemd.unit=emergency.target", "run": "systemd.run=/bin/sh",
    "debug-shell": "systemd.debug_shell",
    "mask": "systemd.mask=coco-unlock-verify-root.service", "credential": "systemd.set_credential=fstab.extra.initrd:x",
    "luks": "rd.luks.uuid=luks-" + disk.ROOT_UUID, "luks-name": f"luks.name={disk.ROOT_UUID}=root",
    "resume": "resume=/dev/vda",
    "dm-create": "dm-mod.create=root,,,rw,0,65536,linear,/dev/vda,0", "blacklist": "module_blacklist=dm_crypt",
    "kgdboc": "kgdboc=ttyS0", "sysrq": "sysrq_always_enabled", "quoted": 'quiet"rd.break=pre-mount"',
    "security": "security=selinux", "audit": "audit=0",
}


# Y where AppArmor is the guest's security module. The same guest with the word allowed: N.
APPARMOR = "cat /sys/module/apparmor/parameters/enabled"
ALLOWED = {"coco-unlock.conf": "[Policy]\nAllowWords=security=selinux\n"}


def word_case(name, word, n):
    says = re.escape(word).replace('"', ".")        # the message has its own quotes
    if name == "initrd-unit":                       # nothing else is started
        return Case("word-" + name, Refuse(22, "aborted"), GOOD, cmdline=(word,), on=EVEN)
    return Case("word-" + name, Refuse(25, "command-line", says=says), GOOD, cmdline=(word,), on=(ODD, EVEN)[n % 2])


GUARD = [word_case(name, word, n) for n, (name, word) in enumerate(WORDS.items())] + [
    Case("security-module", Boot(checks=((APPARMOR, "Y"),)), GOOD, commands=(APPARMOR,), on=EVEN),
    Case("security-allowed", Boot(checks=((APPARMOR, "N"),)), GOOD, config=ALLOWED, cmdline=("security=selinux",),
         commands=(APPARMOR,), on=EVEN),
    Case("word-root", Refuse(25, "command-line", says="root=/dev/vda"), GOOD, root="/dev/vda", on=EVEN),
    # What the guard cannot stop: an unmeasured command line replaces us. The hash table can.
    Case("rdinit", Falls("^READ42$"), GOOD, cmdline=("rdinit=/bin/sh",), on=(COCO12,), types=(
        "mount -t sysfs sysfs /sys; mount -t securityfs securityfs /sys/kernel/security\n",
        "modprobe coco_secret config_table=$(cat /sys/firmware/efi/config_table)\n",
        f"S=$(cat {LISTING[3:]}/{LUKS})\n",
        f"[ \"$S\" = $'{''.join(f'{chr(92)}x{b:02x}' for b in KEY)}' ] && echo READ$((40+2))\n")),
    Case("rdinit-measured", Silent(8), GOOD, cmdline=("rdinit=/bin/sh",), on=(COCO12,),
         unhashed=(" rdinit=/bin/sh", "")),
    Case("flood", Refuse(2, "secret-refused", typed=200), table.plain(table.secret("another")), on=EVEN,
         types=tuple(f"line {n} of what nobody has asked for\n" for n in range(200))),
]


# What the owner pins.

def right_pins(disks):
    key = disk.volume_key(disks[0], KEY)
    fixated = hmac.new(key, f"cryptsetup:root:{disk.ROOT_UUID}".encode(), hashlib.sha256).hexdigest()
    return table.pinned(KEY, "uuid=" + disk.ROOT_UUID, "header=sha256:" + "0" * 64,
                        "header=sha256:" + disk.header_pin(disks[0]),
                        "volume-key=sha256:" + hashlib.sha256(key).hexdigest(), "fixate-volume-key=" + fixated)


def image_pins(combo):
    """What an image pins of the real root: its volume key."""
    key = disk.volume_key(disk.root(combo.guest, combo.kernel, KEY), KEY)
    return f"version=1\nvolume=root\nvolume-key=sha256:{hashlib.sha256(key).hexdigest()}\n"


PINNING = dict(owner.STRICT, policy=image_pins)
SAME_SECRET = behind(attack.same_secret)


def roll_back(old, new, seen):
    """The host brings back one block of the disk, and nothing else."""
    code, text = seen.answers[WHERE]
    place = disk.HEADER + 4096 * int(text)
    with open(old, "rb") as source, open(new, "r+b") as target:
        source.seek(place)
        target.seek(place)
        target.write(source.read(4096))


READ = f"head -n 1 {disk.STATE}"
WRITE = f"yes 'new state' 2>/dev/null | head -n 200 | dd of={disk.STATE} conv=notrunc status=none; sync; " + READ
WHERE = f"filefrag -b4096 -v {disk.STATE} | awk '$1 == \"0:\" {{ print $4 + 0 }}'"
RAISED = "cat /var/lib/coco-unlock/generation"
FIVE = table.pinned(KEY, "min-generation=5", "set-generation=5")
PINS = [
    Case("policy-missing", Refuse(27, "policy-missing"), GOOD, config=owner.STRICT, on=EVEN),
    Case("policy-broken", Refuse(28, "policy-invalid", says=r"\b3\b"), table.pinned(KEY, "nonsense=1"), on=EVEN),
    Case("pins-right", Boot(found=2), right_pins, config=owner.STRICT, on=EVEN),
    Case("pin-uuid", Refuse(29, "pin-mismatch", says="UUID"), table.pinned(KEY, "uuid=" + disk.uuid_of("other")),
         on=ODD),
    Case("pin-header", Refuse(29, "pin-mismatch", says="header"), table.pinned(KEY, "header=sha256:" + "0" * 64),
         on=EVEN),
    Case("pin-volume-key", Refuse(29, "pin-mismatch", says="volume key"),
         table.pinned(KEY, "volume-key=sha256:" + "0" * 64), on=ODD),
    # The image's own, for secrets that come without an entry, or with another's.
    Case("image-policy", Boot(found=1), GOOD, config=PINNING, on=EVEN),
    Case("image-policy-twin", Refuse(29, "pin-mismatch", says="volume key .* the image's policy pins"), GOOD,
         SAME_SECRET, config=PINNING, on=ODD),
    Case("image-policy-contradicted", Refuse(28, "policy-invalid", says="image's policy and the policy entry differ"),
         table.pinned(KEY, "volume-key=sha256:" + "0" * 64), SAME_SECRET, config=PINNING, on=EVEN),
    # A whole old disk is refused; one old block is not noticed, and that is shown, too.
    Case("generation",
         Boot(found=2, checks=((READ, "old state"), (WRITE, "new state"), (WHERE, r"\d+"), (RAISED, "5"))),
         table.pinned(KEY, "min-generation=0", "set-generation=5"), commands=(READ, WRITE, WHERE, RAISED), on=ODD,
         then=(Case("old-block", Boot(found=2, checks=((READ, "old state"), (RAISED, "5"))), FIVE,
                    commands=(READ, RAISED), before=roll_back),
               Case("old-disk", Refuse(32, "old-generation"), FIVE, fresh=True))),
]

LATE = [
    Case("memory", Boot(found=1, dump=True), GOOD, ram=512, on=COCO),
    # Nothing ever mounts a root: the initramfs has a deadline of its own.
    Case("no-root", Refuse(22, "aborted"), GOOD, root="/dev/vdz", on=EVEN, idle=True, config={
        "coco-unlock.conf": "[Unlock]\nTimeout=10s\nRootTimeout=40s\n[Policy]\nCheckCommandLine=no\n"}),
    # All processes of the unit are killed when the secrets are read and not yet wiped.
    Case("killed", Refuse(22, "aborted", says="killed", shows="LAB kills$"), GOOD, on=ODD, idle=True, files={
        "/usr/bin/strace": None,
        "/usr/lib/lab-kill": "#!/bin/sh\n"
                             f"until cat {LISTING[3:]}/{LUKS} >/dev/null 2>&1; do sleep 0.2; done\nsleep 2\n"
                             f"[ -e {LISTING[3:]}/{LUKS} ] && {tells('kills')}\n"
                             "systemctl kill --signal=KILL coco-unlock.service\n",
        "/etc/systemd/system/lab-kill.service": "[Unit]\nDefaultDependencies=no\n"
                                                "[Service]\nExecStart=/bin/sh /usr/lib/lab-kill\n",
        "/etc/systemd/system/coco-unlock.service.d/60-lab.conf":
            "[Unit]\nWants=lab-kill.service\n"
            "[Service]\nExecStart=\nExecStart=/usr/bin/strace -f --seccomp-bpf -qq -o /dev/null "
            "-e trace=unlink,unlinkat -e inject=unlink,unlinkat:delay_enter=30000000 /usr/bin/coco-unlock unlock\n"}),
]


# What coco-secret has made: disks and their tables.

IN_LVM = dict(config=owner.STRICT_LVM, modules=("lvm",), root=lvm.ROOT)


def owners(item, wanted_disk, wanted_table, code, on):
    """A pair of owner.STAGES; its name says which."""
    name = f"owner-{item}" if len(owner.STAGES[item]) == 1 else f"owner-{item}-{wanted_disk}-{wanted_table}"
    expect = {0: Boot(found=2), 29: Refuse(29, "pin-mismatch", says="header"),
              31: Refuse(31, "root-confusion", advises="fatlabel '/dev/vda1' EFI")}[code]
    more = IN_LVM if item == "lvm" else {"config": owner.STRICT}
    return Case(name, expect, owner.table_beside(wanted_table), (Disk("owner", name=f"{item}/{wanted_disk}"),),
                on=on, **more)


def built(name):
    """A table that coco-secret has built; the guest keeps the last entry, and tells its digest."""
    entries = owner.TABLES[name]
    if len(entries) == 1:
        return Case("owner-table-" + name, Boot(found=1), lambda _: owner.built(name), on=(COCO12, EFI12))
    last, data = list(entries.items())[-1]
    command = f"sha256sum < {LISTING[3:]}/{last}"
    return Case("owner-table-" + name, Boot(found=len(entries), kept=(last,), checks=(
        (command, hashlib.sha256(data).hexdigest() + "  -"),)), lambda _: owner.built(name), commands=(command,),
        config=unlock(KeepSecrets=last), on=(COCO12, EFI12))


OWNERS_ON = {"fresh": (COCO13, COCO12, EFI12, COCO14), "installer": ODD, "lvm": EVEN, "repart": (COCO13, COCO14),
             "labelled": (COCO13, COCO14), "rotation": ODD, "recovery": EVEN}
OWNER = [owners(item, *stage, OWNERS_ON[item]) for item, stages in owner.STAGES.items() for stage in stages]
OWNER += [built(name) for name in owner.TABLES]
# Only Debian 12's guests have what coco-secret needs.
OWNER.append(Case("owner-device", Boot(found=1, checks=owner.ON_DEVICE), GOOD, (Disk(), Disk(made=owner.device)),
                  config={"cocotab": f"root UUID={disk.ROOT_UUID} - -\n"},
                  commands=tuple(c for c, _ in owner.ON_DEVICE), on=(COCO12, EFI12)))
# The host's volume group has the name of the owner's. Today's recipe takes it; our image does not see it.
LVM_TWINS = (Disk("owner", name="lvm/disk"), *behind(attack.lvm_twin))
OWNER.append(Case("owner-lvm-twin", Boot(found=2), owner.table_beside("table"), LVM_TWINS, on=ODD, **IN_LVM))
# The recipe's crypttab does not name the owner's disk, and systemd waits for one that is not there: with both groups it
# is a matter of chance which one LVM takes.
OWNER.append(Case("recipe-lvm-twin", ATTACKERS, owner.table_beside("table"), LVM_TWINS, recipe=True, limit=150,
                  idle=True, modules=("lvm",), root=lvm.ROOT, on=(COCO13, COCO12)))
# Without a table, and with an image that has a shell for this: a person gets in, with the key for persons.
OWNER.append(Case("owner-rescue", Falls("^OPEN42$"), None, (Disk("owner", name="recovery/disk"),),
                  config=unlock(FailureAction="rescue", RescueShell="yes"), types=owner.typed_in_rescue,
                  on=(COCO12, COCO13)))
# The commands of README.md. The guest's configuration, which they write, is the strict one.
OWNER.append(Case("readme", Boot(found=2), firstboot.sealed, (Disk("readme"),), boots_with=firstboot.boots_with,
                  config=owner.STRICT, on=(COCO13, COCO12)))
CASES += ATTACKS + CONTROLS + GUARD + PINS + LATE + OWNER + endings.CASES + names.CASES + looks.CASES + generators.CASES
CASES += realroot.CASES + integrity.CASES + rescues.CASES
CASES += own.cases(CASES) + standalone.CASES + rescues.ALONE
# They wait the longest.
CASES = full.CASES + CASES + brokers.CASES


@dataclasses.dataclass(frozen=True)
class Image:
    """An image that dracut must not build; its log says why. With warns: that it builds, and says this."""
    name: str
    says: str
    config: dict = None
    drop: tuple = ()
    files: dict = None
    warns: bool = False
    on: tuple = ALL
    lacks: tuple = ()       # instead: parts of names that the image has not, and that attested.py's has


IMAGES = [
    Image("image-unknown-option", r"cocotab:1\b.*no-such-option", {"cocotab": "root auto - no-such-option\n"}),
    Image("image-unknown-key", r"coco-unlock\.conf:2\b.*NoSuchKey", unlock(NoSuchKey="1")),
    Image("image-no-module", r"no-secret-module|secret module|coco_secret", drop=("coco_secret", "efi_secret")),
    Image("image-generator", r"the generator /usr/lib/systemd/system-generators/lab-generator would see",
          files={"/usr/lib/systemd/system-generators/lab-generator": "#!/bin/sh\n"}),
    Image("image-words", r"/etc/default/grub has the word audit=0\. .*\bcode 25\b", warns=True, on=(COCO12, COCO13),
          files={"/etc/default/grub": 'GRUB_CMDLINE_LINUX="quiet audit=0"\n'}),
    Image("image-no-broker", None, on=(COCO13,), lacks=(
        "coco-unlock-broker", "libssl", "lib/systemd/systemd-networkd", "coco-unlock-network", "/drivers/net/",
        "sev-guest", "tdx-guest", "tsm.ko", "configfs.ko", "50-coco-unlock.network", "60-kbs.conf")),
]


@dataclasses.dataclass(frozen=True)
class Forecast:
    """`coco-secret verify` says of each case that disk, table and configuration decide what its boot has to come to."""
    name: str
    on: tuple


FORECASTS = [Forecast("forecast", (COCO12,))]
@dataclasses.dataclass(frozen=True)
class Faults:
    """A handful of runs of faults.py: too long for the short run."""
    name: str
    on: tuple


FAULTS = [Faults("own-faults", (COCO13,))]
# Codes of what they do not decide: coco-secret(1) has the list.
NOT_FORECAST = (4, 11, 17, 18, 22, 25, 26, 31, 32, 33)


def decided():
    """(case, expected code) of the cases of one disk that is there, and of no other mishap."""
    for case in CASES:
        plain = not (case.recipe or case.rescues or case.cmdline or case.drop or case.files or case.qemu
                     or case.attested or case.root != Case.root)
        if (not plain or case.standalone or len(case.disks) != 1 or case.disks[0].late or case.disks[0].hot
                or case.disks[0].kind in ("real", "readme")):
            continue
        if isinstance(case.expect, Boot):
            # Its driver has no such limit.
            if case.name != "entries-65-coco":
                yield case, 0
        elif isinstance(case.expect, Refuse) and case.expect.code not in NOT_FORECAST:
            yield case, case.expect.code


# All forged headers in one boot; a result of its own for each.
SESSIONS = [headers.Session("headers", (COCO12, COCO13))]


def selected(names, full):
    """(case, combo) pairs; names may be of cases or of CASE@COMBO."""
    pairs, all_names = [], {case.name for case in CASES}
    for case in SESSIONS + FORECASTS + FAULTS + IMAGES + CASES:
        for n, combo in enumerate(case.on):
            label = f"{case.name}@{combo.name}"
            shown = n == 0 or combo in short.more(case)
            if names:
                wanted = label in names or (case.name in names and (full or shown))
            else:
                wanted = full or shown and short.has(case, all_names)
            if wanted:
                pairs.append((label, case, combo))
    if not names:
        short.check({case.name for _, case, _ in pairs})
    return pairs
