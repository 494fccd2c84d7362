#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# verify.t - one table of disks, secret tables and configurations, two judges: `coco-unlock unlock` in a tree of
# the guest, and `coco-secret verify` on the owner's files. Same exit code, same header verdict, same words.
#
# COCO_ALL_MUTANTS=1: every forged header of ../headers before both; else one of each rule, and the others before verify
# alone, since headers.t has shown what unlock says of them.
# Needs: cryptsetup python3

import base64
import fcntl
import hashlib
import hmac
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import uuid

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(TOP / "tests/headers"), str(TOP / "tests/lib")]
# pylint: disable=wrong-import-position
import bases      # noqa: E402
import luks2      # noqa: E402
import mutants    # noqa: E402
import table      # noqa: E402

UNLOCK = os.path.abspath(os.environ.get("COCO_UNLOCK") or TOP / "build/coco-unlock")
OWNER = os.path.abspath(os.environ.get("COCO_SECRET") or TOP / "build/coco-secret")
ALL = bool(os.environ.get("COCO_ALL_MUTANTS"))
KEY = b"cana" + b"ry-5Xw"
ENV = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "LC_ALL": "C"}
LUKS, EXAMPLE, POLICY = table.LUKS, table.EXAMPLE, table.POLICY
OTHER = uuid.UUID("11111111-2222-3333-4444-555555555555")


class Tap:
    number = failed = 0

    def ok(self, good, name, *more):
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", *(f"# {m}" for m in more if not good), sep="\n")

    def same(self, name, got, wanted):
        self.ok(got == wanted, name, f"got:    {got}", f"wanted: {wanted}")


def run(*command):
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, env=ENV, check=False)


def fields(text, line):
    """code, name and reason of a line of failure."""
    found = re.search(line + r'FAILED code=(\d+) name=(\S+) reason="([^"]*)"', text)
    return found.groups() if found else None


class Case:
    """What the owner and the guest have: a disk, a table, and files below /etc/coco-unlock."""

    def __init__(self, top):
        self.top = pathlib.Path(top)
        self.tree, self.config = self.top / "guest", self.top / "config"
        self.disk, self.table = self.top / "disk", self.top / "table"

    def put(self, disk, secrets, tab="root auto\n", conf=""):
        self.disk.write_bytes(disk)
        self.table.write_bytes(secrets)
        shutil.rmtree(self.config, ignore_errors=True)
        etc = self.config / "etc/coco-unlock"
        etc.mkdir(parents=True)
        if tab is not None:
            (etc / "cocotab").write_text(tab)
        (etc / "coco-unlock.conf").write_text("[Unlock]\nTimeout=1\n" + conf)

    def boot(self):
        """Exit code, header verdict, reason; and what is wrong besides."""
        shutil.rmtree(self.tree, ignore_errors=True)
        for name in ("run", "dev", "proc", "sys/class/block/vda/device"):
            (self.tree / name).mkdir(parents=True)
        shutil.copytree(self.config / "etc", self.tree / "etc")
        os.link(self.disk, self.tree / "dev/vda")
        table.split(self.table.read_bytes(), self.tree)
        if not (self.tree / table.SECURITY).exists():
            (self.tree / table.SECURITY).mkdir(parents=True)
        done = run(UNLOCK, f"--root={self.tree}", "unlock")
        said = fields((done.stdout + done.stderr).decode(errors="replace"), "coco-unlock: ")
        status = json.loads((self.tree / "run/coco-unlock/status.json").read_text())
        return done.returncode, status["volumes"][0]["header"] if status["volumes"] else "", said and said[2]

    def verify(self, *options, spec=""):
        before = self.disk.read_bytes(), self.table.read_bytes()
        done = run(OWNER, "verify", str(self.disk) + spec, self.table, "--config", self.config, *options)
        wrong = [] if before == (self.disk.read_bytes(), self.table.read_bytes()) else ["a file was changed"]
        if KEY in done.stdout + done.stderr:
            wrong.append("the secret was told")
        return done, wrong

    def forecast(self, *options, spec=""):
        """The same three, from --json."""
        done, wrong = self.verify("--json", *options, spec=spec)
        if not done.stdout:
            return done.returncode, "", done.stderr.decode(errors="replace"), wrong
        said = json.loads(done.stdout)
        if (said["code"], said["result"]) != (done.returncode, "failed" if done.returncode else "ok"):
            wrong.append(f"JSON and exit code disagree: {said}")
        return done.returncode, said["header"], said["reason"] or None, wrong


def same_words(boot, owner):
    """Reasons say the same, but for the name of the disk."""
    return boot == owner or (boot and owner and owner.replace(str(owner_disk), "/dev/vda") == boot)


owner_disk = None


def expected(mutant):
    if mutant.expected == mutants.ACCEPTED:
        return 0, "accepted"
    if mutant.expected == mutants.NOT_LUKS2:
        return 19, ""
    return 6, mutant.expected


def forged(tap, case, base):
    """Forged headers."""
    plain = table.table([(LUKS, KEY)])
    one_each = {id(m) for m in {m.expected: m for m in mutants.MUTANTS}.values()}
    compared, wrong_ones = 0, []
    for mutant in mutants.MUTANTS:
        case.put(mutants.make(mutant, base[mutant.base]), plain, f"root /dev/vda - {mutant.options or '-'}\n")
        code, rule, reason, wrong = case.forecast()
        good = (code, rule, wrong) == (*expected(mutant), [])
        if good and (ALL or id(mutant) in one_each):
            boot = case.boot()
            compared += 1
            good = boot[:2] == (code, rule) and same_words(boot[2], reason)
            tap.ok(good, f"both: {mutant.name} is {mutant.expected}", f"boot: {boot}", f"verify: {code, rule, reason}")
        elif not good:
            wrong_ones.append((mutant.name, mutant.expected, code, rule, reason, wrong))
    tap.same(f"verify says of all {len(mutants.MUTANTS)} forged headers what unlock says", wrong_ones, [])
    tap.ok(compared >= 35, f"{compared} of them went before both")


def flip(text):
    return text[:-1] + ("1" if text.endswith("0") else "0")


def cases(base):
    """(name, expected code, arguments of put)"""
    disk, key = base["64"].data, base["64"].volume_key
    two, argon2 = base["two"].data, base["argon2id"].data
    blank = bytes(4 << 20)
    luks1 = b"LUKS\xba\xbe\x00\x01".ljust(4 << 20, b"\0")
    header = sha256(disk[:luks2.HEADERS])
    good = table.table([(LUKS, KEY)])
    fill = [(uuid.UUID(int=(1 << 100) + n), b"more") for n in range(70)]

    def pinned(*lines, first="version=1\n", volume="volume=root\n"):
        return table.table([(LUKS, KEY), (POLICY, (first + volume + "".join(x + "\n" for x in lines)).encode())])

    require = "[Policy]\nRequirePolicyEntry=yes\n"
    by_uuid = f"root UUID={bases.UUID}\n"
    wrong_uuid = "root UUID=00000000-0000-4000-8000-00000000000f\n"
    yield "all is well", 0, (disk, good)
    yield "no cocotab", 0, (disk, good, None)
    yield "another entry before it, and one behind", 0, (disk, table.table([fill[0], (LUKS, KEY), fill[1]]))
    yield "the second keyslot", 0, (two, table.table([(LUKS, KEY + b" and another one")]))
    yield "an argon2id keyslot", 0, (argon2, good)

    # the table
    yield "no table: an empty area", 7, (disk, bytes(1024))
    yield "no table: nothing at all", 7, (disk, b"")
    yield "no table: another header GUID", 7, (disk, OTHER.bytes_le + good[16:])
    yield "no table: 19 bytes of it", 7, (disk, good[:19])
    yield "the header's length below 20", 13, (disk, table.table([(LUKS, KEY)], length=19))
    yield "the header's length beyond the end", 13, (disk, table.table([(LUKS, KEY)], length=0x10000))
    yield "the header's length, all ones", 13, (disk, table.table([(LUKS, KEY)], length=0xffffffff))
    yield "an entry's length below 20", 13, (disk, table.table([table.entry(LUKS, KEY, 19)]))
    yield "an entry's length of 0", 13, (disk, table.table([(LUKS, KEY), table.entry(OTHER, b"x", 0)]))
    yield "an entry's length beyond the table", 13, (disk, table.table([(LUKS, KEY), table.entry(OTHER, b"x", 22)]))
    yield "an entry's length, all ones", 13, (disk, table.table([table.entry(LUKS, KEY, 0xffffffff)]))
    yield "20 zeros that are counted", 13, (disk, table.table([(LUKS, KEY), bytes(20)]))
    yield "19 zeros that are counted", 0, (disk, table.table([(LUKS, KEY), bytes(19)]))
    yield "bytes behind what is counted", 0, (disk, table.table([(LUKS, KEY)]) + b"trailing")
    yield "no entries", 8, (disk, table.table([]))
    yield "two entries of one GUID", 14, (disk, table.table([(LUKS, KEY), (LUKS, KEY)]))
    yield "two others of one GUID", 14, (disk, table.table([(OTHER, b"x"), (LUKS, KEY), (OTHER, b"y")]))
    yield "deleted entries may repeat", 0, (disk, table.table([(table.DELETED, b"x"), (LUKS, KEY), (table.DELETED, b"x")]))
    yield "the entry is deleted", 8, (disk, table.table([(table.DELETED, KEY)]))
    yield "a duplicate behind a corrupt one", 13, (disk, table.table([table.entry(OTHER, b"x", 5), (LUKS, KEY), (LUKS, KEY)]))
    yield "no such entry", 8, (disk, table.table([(OTHER, KEY)]))
    yield "the kernel's example GUID", 9, (disk, table.table([(EXAMPLE, KEY)]))
    yield "both GUIDs", 0, (disk, table.table([(EXAMPLE, b"x"), (LUKS, KEY)]))
    yield "the example GUID, when cocotab names another", 8, (disk, table.table([(EXAMPLE, KEY)]), f"root auto {OTHER}\n")
    yield "the entry that cocotab names", 0, (disk, table.table([(OTHER, KEY)]), f"root auto {OTHER}\n")
    yield "no data", 21, (disk, table.table([(LUKS, b"")]))
    yield "63 entries", 0, (disk, table.table(fill[:62] + [(LUKS, KEY)]))
    yield "65 entries", 16, (disk, table.table([(LUKS, KEY)] + fill[:64]))
    yield "65 entries, and the secret is wrong", 16, (disk, table.table([(LUKS, b"wrong")] + fill[:64]))
    yield "65 entries, and the policy entry invalid", 16, (disk, table.table([(LUKS, KEY), (POLICY, b"x")] + fill[:63]))
    yield "65 entries, and none for the disk", 16, (disk, table.table(fill[:65]))
    yield "65 entries, and a corrupt one behind them", 16, (disk, table.table([(LUKS, KEY)] + fill[:64] + [bytes(20)]))
    yield "64 entries, and a corrupt one behind them", 16, (disk, table.table([(LUKS, KEY)] + fill[:63] + [bytes(20)]))
    yield "64 entries, and one of them again", 16, (disk, table.table([(LUKS, KEY)] + fill[:63] + fill[:1]))
    yield "a corrupt one, and 65 entries behind it", 13, (disk, table.table([(LUKS, KEY), bytes(20)] + fill[:64]))
    yield "63 entries and a deleted one", 0, (disk, table.table(fill[:62] + [(LUKS, KEY), (table.DELETED, b"x")]))

    # the secret
    yield "a wrong secret", 2, (disk, table.table([(LUKS, b"wrong")]))
    yield "a NUL behind it", 0, (disk, table.table([(LUKS, KEY + b"\0")]))
    yield "two NULs behind it, which PBKDF2 does not see", 0, (disk, table.table([(LUKS, KEY + b"\0\0")]))
    yield "one NUL, with argon2id", 0, (argon2, table.table([(LUKS, KEY + b"\0")]))
    yield "two NULs, with argon2id", 2, (argon2, table.table([(LUKS, KEY + b"\0\0")]))
    yield "a line feed behind it", 2, (disk, table.table([(LUKS, KEY + b"\n")]))
    yield "a NUL and more behind it", 2, (disk, table.table([(LUKS, KEY + b"\0x")]))
    yield "a NUL alone", 2, (disk, table.table([(LUKS, b"\0")]))
    yield "a NUL too few", 2, (disk, table.table([(LUKS, KEY[:-1])]))

    # the policy entry
    pins = {"uuid": "uuid=" + bases.UUID, "header": "header=sha256:" + header,
            "volume-key": "volume-key=sha256:" + sha256(key), "fixate-volume-key": "fixate-volume-key=" + fixate(key)}
    for name, pin in pins.items():
        yield f"pin {name}", 0, (disk, pinned(pin))
        yield f"another {name}", 29, (disk, pinned(flip(pin)))
    yield "all pins", 0, (disk, pinned(*pins.values(), "min-generation=1", "set-generation=2"), "root auto\n", require)
    yield "one header of two", 0, (disk, pinned(flip(pins["header"]), pins["header"]))
    yield "another header, and a wrong secret", 29, (disk, pinned(flip(pins["header"])).replace(KEY, KEY[::-1]))
    yield "another volume key, and a wrong secret", 2, (disk, pinned(flip(pins["volume-key"])).replace(KEY, KEY[::-1]))
    yield "a pinned header that is forged", 6, forged_and_pinned(base)
    yield "policy required and missing", 27, (disk, good, "root auto\n", require)
    yield "policy required, for another volume", 28, (disk, pinned(pins["uuid"], volume="volume=var\n"), "root auto\n", require)
    yield "policy for another volume", 28, (disk, pinned(pins["uuid"], volume="volume=var\n"))
    yield "policy invalid: version", 28, (disk, pinned(pins["uuid"], first="version=2\n"))
    yield "policy invalid: unknown key", 28, (disk, pinned("colour=blue"))
    yield "policy invalid: no pin", 28, (disk, pinned())
    yield "policy invalid: upper case", 28, (disk, pinned(pins["header"].upper()))
    yield "policy invalid: a NUL", 28, (disk, pinned(pins["uuid"] + "\0"))
    yield "policy without data", 21, (disk, table.table([(LUKS, KEY), (POLICY, b"")]))
    yield "policy too long", 28, (disk, table.table([(LUKS, KEY), (POLICY, b"version=1\n" * 500)]))
    yield "policy invalid, and no secret", 28, (disk, table.table([(POLICY, b"x")]))
    yield "policy missing, and no secret", 27, (disk, table.table([]), "root auto\n", require)

    # the disk
    yield "a blank disk", 4, (blank, good)
    yield "a blank disk, by its path", 19, (blank, good, "root /dev/vda\n")
    yield "a blank disk, by UUID", 4, (blank, good, by_uuid)
    yield "a blank disk, by label", 4, (blank, good, "root LABEL=cryptroot\n")
    yield "LUKS1", 19, (luks1, good)
    yield "LUKS1, by its path", 19, (luks1, good, "root /dev/vda\n")
    yield "LUKS1, by UUID", 4, (luks1, good, by_uuid)
    yield "4 KiB of a disk", 19, (disk[:4096], good, "root /dev/vda\n")
    yield "a disk that is cut off behind the headers", 6, (disk[:1 << 20], good)
    yield "by UUID", 0, (disk, good, by_uuid)
    yield "by UUID in capitals", 0, (disk, good, by_uuid.replace(bases.UUID, bases.UUID.upper()))
    yield "by another UUID", 4, (disk, good, wrong_uuid)
    yield "by a label that it lacks", 4, (disk, good, "root LABEL=cryptroot\n")
    yield "by a partition's UUID, without partitions", 4, (disk, good, "root PARTUUID=" + bases.UUID + "\n")

    # the configuration
    yield "cocotab with a mistake", 10, (disk, good, "root auto - discard\n")
    yield "coco-unlock.conf with a mistake", 10, (disk, good, "root auto\n", "Key=value\n")
    yield "another cipher", 6, (disk, good, "root auto\n", "[Policy]\nCiphers=serpent-xts-plain64\n")
    yield "a mistake, and no table", 10, (disk, bytes(64), "root auto - discard\n")
    yield "no table, and a blank disk", 7, (blank, bytes(64))
    yield "a wrong secret, and a forged header", 6, (disk[:512] + b"\1" + disk[513:], table.table([(LUKS, b"wrong")]))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def fixate(key):
    return hmac.new(key, f"cryptsetup:root:{bases.UUID}".encode(), "sha256").hexdigest()


def forged_and_pinned(base):
    """The owner pins what he has, and has not looked."""
    mutant = next(m for m in mutants.MUTANTS if m.name == "seg-linear")
    data = mutants.make(mutant, base[mutant.base])
    pin = f"version=1\nvolume=root\nheader=sha256:{sha256(data[:luks2.HEADERS])}\n"
    return data, table.table([(LUKS, KEY), (POLICY, pin.encode())])


def decided(tap, case, base):
    """Cases that disk, table and configuration decide."""
    for name, code, arguments in cases(base):
        case.put(*arguments)
        boot, owner = case.boot(), case.forecast()
        tap.same(f"{name}: boot and verify say {code}", (boot[:2], owner[3]), ((code, owner[1]), []))
        tap.same("... both", owner[0], code)
        if code not in (4, 7, 10, 13, 14, 16, 19):    # these name files, or what only one of them sees
            tap.ok(same_words(boot[2], owner[2]), "... in the same words", f"boot:   {boot[2]}", f"verify: {owner[2]}")


def only_verify(tap, case, base):
    """What it takes and says besides; the boot's side of memory is in the VM lab."""
    disk, good = base["64"].data, table.table([(LUKS, KEY)])
    case.put(base["argon2id"].data, good)
    done, wrong = case.verify()
    tap.same("text: opens", (done.returncode, done.stdout.decode().splitlines()[-1].split(",")[0], wrong),
             (0, "boot     opens volume root", []))
    tap.ok(b"secret   entry " + str(LUKS).encode() + b" opens keyslot 0 (exact)" in done.stdout, "... with which entry")
    tap.ok(b"pins     none" in done.stdout, "... without pins")
    case.put(heavy(base), good)
    for size, code in (("10M", 3), ("87380K", 3), ("87384K", 2), ("1G", 2)):
        tap.same(f"--memory {size} for a keyslot that wants 64 MiB, and whose key is another", case.forecast("--memory", size)[0], code)
    for bad in ("0x10M", "10", "M", "", "-1M", "99999999999999999999G"):
        tap.same(f"--memory '{bad}' is a mistake", case.forecast("--memory", bad)[0], 1)
    case.put(disk, good)
    for text in (base64.b64encode(good), good.hex().encode() + b"\n"):
        case.table.write_bytes(text)
        tap.same("a table as text", case.forecast()[0], 0)
    case.table.write_bytes(good.hex().encode()[:-1])
    tap.same("a table as text, cut off: no table", case.forecast()[0], 7)
    case.table.unlink()
    done = run(OWNER, "verify", case.disk, case.table)
    tap.same("no file of a table", (done.returncode, done.stdout, done.stderr.count(b"\n")), (7, b"", 1))
    case.table.write_bytes(good)
    # Of a disk that this machine does not give, nothing is said of a boot.
    with open(case.disk, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        not_given(tap, case, "a disk that another program has locked", "", 5, b"another program has locked it; next: stop what uses it")
    not_given(tap, case, "no disk", "-none", 4, b"No such file or directory; next: ")
    not_given(tap, case, "no such partition", "#1", 4, b"no partition table; next: ")
    # RLIMIT_MEMLOCK binds whoever has no CAP_IPC_LOCK; the address sanitizer's mlock() does nothing.
    drop = ("setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock") if os.getuid() == 0 else ()
    if b"__asan_init" in pathlib.Path(OWNER).read_bytes():
        tap.ok(True, "no locked memory # SKIP the address sanitizer's mlock() does nothing")
    else:
        done = run("sh", "-c", 'ulimit -l 0; exec "$@"', "sh", *drop, OWNER, "verify", case.disk, case.table)
        tap.same("no locked memory", (done.returncode, done.stdout, done.stderr),
                 (3, b"", b"coco-secret: memory: no locked memory for a secret: RLIMIT_MEMLOCK is 0; "
                          b"next: run it as root, or raise the limit of locked memory (ulimit -l)\n"))
    tap.same("no such volume", case.forecast("--volume", "var")[0], 10)
    done = run(OWNER, "verify", case.disk)
    tap.same("usage", (done.returncode, done.stdout), (1, b""))
    # A minimum counts where the root lies.
    text = b"version=1\nvolume=root\nmin-generation=3\n"
    for tab, joined in (("root /dev/vda\ndata /dev/vdb\n", False), ("root /dev/vda\ndata /dev/vdb - root\n", True)):
        case.put(disk, table.table([(LUKS, KEY), (POLICY, text)]), tab)
        done, _ = case.verify("--volume", "root")
        tap.same(f"text: a pinned generation, {tab!r}", (done.returncode, b"only if the root lies on this volume" in done.stdout),
                 (0, joined))
    case.put(disk, good, "root /dev/vda - root\ndata /dev/vdb - root\n")
    done, _ = case.verify("--volume", "root")
    tap.same("two volumes of the root are a mistake", (done.returncode, b"a second volume with the option 'root'" in done.stderr),
             (10, True))
    case.put(disk, good, "root auto - discard\n")
    done, _ = case.verify("--json")
    tap.ok(b"/etc/coco-unlock/cocotab:1: unknown option 'discard'" in done.stderr, "a mistake is told with its line")


def not_given(tap, case, name, spec, code, says):
    done = run(OWNER, "verify", str(case.disk) + spec, case.table)
    tap.same(name, (done.returncode, done.stdout, done.stderr.count(b"\n"), says in done.stderr), (code, b"", 1, True))


def heavy(base):
    """An argon2id keyslot that claims 64 MiB; it opens nothing, but who asks?"""
    image = luks2.Image(base["argon2id"].data)
    tree = image.tree
    tree["keyslots"]["0"]["kdf"]["memory"] = 65536
    image.tree = tree
    image.seal()
    return image.bytes()


def main():
    global owner_disk  # pylint: disable=global-statement
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="coco-verify-") as tmp:
        base = bases.Bases(tmp, KEY)
        case = Case(tmp + "/case")
        case.top.mkdir()
        owner_disk = case.disk
        decided(tap, case, base)
        only_verify(tap, case, base)
        forged(tap, case, base)
    print(f"1..{tap.number}")
    return tap.failed > 0


sys.exit(main())
