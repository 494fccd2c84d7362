# SPDX-License-Identifier: GPL-2.0-or-later
"""The mutants: LUKS2 headers with one change each, in both copies, with good checksums and the right key, so that
nothing but a rule can stop them; and the verdict on each.

A mutant is made from one of the bases (bases.py): `64` and `32` by the size of their volume key, the others by
what cryptsetup did to the first. `expected` is the rule that refuses it, ACCEPTED, or NOT_LUKS2. `options` go to
cocotab. `why`, where it stands, says what becomes of it elsewhere: cryptsetup itself then opens it with the right
key, and headers.t sees to it that this stays true."""

import base64
import copy
import dataclasses
import hashlib
import json
import sys

import bases
import luks2
from luks2 import BINARY, COPY, HEADERS, b64, be64

ACCEPTED, NOT_LUKS2 = "accepted", "not-luks2"
PLAIN = "maps plaintext"
TAKEN = "opened as if nothing were wrong"
# What a keyslot of the attacker's holds: made without any secret of the owner.
ATTACKERS_KEY = hashlib.shake_256(b"a volume key of the attacker's").digest(64)


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    expected: str
    change: object              # a function that changes a luks2.Image; None: the base is the mutant
    base: str = "64"
    options: str = ""
    why: str = ""               # what cryptsetup makes of it ...
    until: tuple = (99,)        # ... before this version
    sealed: bool = True         # good checksums; False only where the checksum is the change
    readable: bool = True       # what is behind an accepted one is what was written


def at(tree, path):
    for key in path.split("/") if path else ():
        tree = tree[key]
    return tree


def on_tree(function):
    def change(image):
        tree = image.tree
        function(tree)
        image.tree = tree
    return change


def put(path, value):
    """Set a member; the path is that of the object and the member's name."""
    where, _, key = path.rpartition("/")
    return on_tree(lambda tree: at(tree, where).update({key: copy.deepcopy(value)}))


def drop(path):
    where, _, key = path.rpartition("/")
    return on_tree(lambda tree: at(tree, where).pop(key))


def rename(path, new):
    where, _, key = path.rpartition("/")
    return on_tree(lambda tree: at(tree, where).update({new: at(tree, where).pop(key)}))


def member(path, text, first=False):
    """Put the text of a member into an object, as it is, behind or before the others."""
    def change(image):
        tree = image.tree
        where = at(tree, path)
        others = dict(where)
        where.clear()
        where.update({"@": 0, **others} if first else {**others, "@": 0})
        image.text = luks2.dump(tree).replace('"@":0', text, 1)
    return change


def text(old, new, behind="{"):
    """Replace the first occurrence of a text behind another one."""
    def change(image, copies=None):
        before = image.text
        pos = before.index(old, before.index(behind))
        for one in copies or image.copies:
            one.text = before[:pos] + new + before[pos + len(old):]
    return change


def every(*changes):
    def change(image):
        for one in changes:
            one(image)
    return change


def both(offset, data):
    return lambda image: image.put(offset, data)


def first(offset, data):
    return lambda image: image.first.put(offset, data)


def second(offset, data):
    return lambda image: image.second.put(offset, data)


def field(data, size):
    return data.ljust(size, b"\0")


def second_says(old, new, seqid=None):
    """Only the second copy's segment says something else, and perhaps that it is newer."""
    def change(image):
        text(old, new, '"segments"')(image, [image.second])
        if seqid is not None:
            image.second.put(luks2.SEQID, be64(seqid))
    return change


def unsealed(change, which="first"):
    """Seal, and then break what the seal is over."""
    def apply(image):
        image.seal()
        change(getattr(image, which))
    return apply


def append(path, extra):
    """Extra text behind the JSON text, with a NUL between."""
    def change(image):
        data = image.text.encode() + path + extra
        for one in image.copies:
            one[BINARY:] = data.ljust(COPY - BINARY, b"\0")
    return change


def full_area(image):
    """Blanks to the very end: no byte is left for the NUL."""
    for one in image.copies:
        one[BINARY:] = one.text.encode().ljust(COPY - BINARY, b" ")


SEGMENT, KEYSLOT, DIGEST = "segments/0", "keyslots/0", "digests/0"
AREA, KDF, AF = KEYSLOT + "/area", KEYSLOT + "/kdf", KEYSLOT + "/af"


def bare(kind):
    """A segment with no member but those that every type has."""
    def function(tree):
        old = tree["segments"]["0"]
        tree["segments"]["0"] = {"type": kind, "offset": old["offset"], "size": old["size"]}
    return on_tree(function)


def opal(kind):
    def function(tree):
        tree["segments"]["0"].update(type=kind, opal_segment_number=1, opal_key_size=32, opal_segment_size="1048576")
    return on_tree(function)


def two_segments(**other):
    def function(tree):
        one = tree["segments"]["0"]
        tree["segments"]["1"] = dict(one, offset=str(int(one["offset"]) + 65536), **other)
        one["size"] = "65536"
        if tree["segments"]["1"]["type"] == "crypt":
            tree["digests"]["0"]["segments"].append("1")
    return on_tree(function)


def moved_keyslot(image, number, **members):
    """A copy of the first keyslot behind it, area and all: both open with the same key."""
    tree = image.tree
    old = tree["keyslots"]["0"]
    new = copy.deepcopy(old)
    size = int(old["area"]["size"])
    offset = int(old["area"]["offset"]) + size * int(number)
    new["area"]["offset"] = str(offset)
    new.update(members)
    tree["keyslots"][number] = new
    tree["digests"]["0"]["keyslots"].append(number)
    image.put_area(offset, image.get_area(int(old["area"]["offset"]), size))
    image.tree = tree


def several_keyslots(count):
    def change(image):
        for number in range(1, count):
            moved_keyslot(image, str(number))
    return change


def other_keyslot(**members):
    return lambda image: moved_keyslot(image, "1", **members)


def costly_keyslots(image):
    several_keyslots(2)(image)
    tree = image.tree
    for slot in tree["keyslots"].values():
        slot["kdf"]["iterations"] = 6000000
    image.tree = tree


def overlapping(image):
    """The second keyslot begins inside the first one's area."""
    moved_keyslot(image, "1")
    tree = image.tree
    tree["keyslots"]["1"]["area"]["offset"] = str(int(tree["keyslots"]["0"]["area"]["offset"]) + 4096)
    image.tree = tree


def keyslot_id(number):
    def function(tree):
        tree["keyslots"][number] = tree["keyslots"].pop("0")
        tree["digests"]["0"]["keyslots"] = [number]
    return on_tree(function)


def second_digest(**members):
    def function(tree):
        tree["digests"]["1"] = dict(copy.deepcopy(tree["digests"]["0"]), **members)
    return on_tree(function)


def new_digest(name="sha256", iterations=1000, key=None, salt=bytes(range(32))):
    """A digest made anew, so that it fits the volume key (which bases.py leaves with the image)."""
    def change(image):
        tree = image.tree
        value = luks2.digest_of(key or image.volume_key, salt, iterations, name)
        tree["digests"]["0"].update(hash=name, iterations=iterations, salt=b64(salt), digest=b64(value))
        image.tree = tree
    return change


def short_digest(size, name="sha256"):
    """The first bytes of the digest of a volume key."""
    def change(image):
        new_digest(name)(image)
        tree = image.tree
        digest = tree["digests"]["0"]
        digest["digest"] = b64(base64.b64decode(digest["digest"])[:size])
        image.tree = tree
    return change


def forged_area(image, encryption="cipher_null-ecb"):
    """A keyslot whose null cipher lets every passphrase find the attacker's volume key."""
    tree = image.tree
    area = tree["keyslots"]["0"]["area"]
    area["encryption"] = encryption
    image.put_area(int(area["offset"]), luks2.af_split(ATTACKERS_KEY[:tree["keyslots"]["0"]["key_size"]],
                                                       tree["keyslots"]["0"]["af"]["hash"]))
    image.tree = tree
    new_digest(key=ATTACKERS_KEY[:tree["keyslots"]["0"]["key_size"]])(image)


INTEGRITY = {"type": "hmac(sha256)", "journal_encryption": "none", "journal_integrity": "none"}
TOKEN = {"type": "foo", "keyslots": ["0"]}
REQUIREMENT = "config/requirements"
DISCARDS = ["allow-discards"]
SPEED = ["same-cpu-crypt", "submit-from-crypt-cpus", "no-read-workqueue", "no-write-workqueue", "high_priority"]


def requirement(*names):
    return put(REQUIREMENT, {"mandatory": list(names)})


def table():
    """All of them, in the order of the rules."""
    refused, accepted = [], []

    def refuse(rule, name, change, **more):
        refused.append(Mutant(name, rule, change, **more))

    def accept(name, change=None, **more):
        accepted.append(Mutant(name, ACCEPTED, change, **more))

    def at_32(rule, name, change, **more):
        refuse(rule, name, change, **more)
        refuse(rule, name + "@32", change, base="32", **more)

    # the binary header
    refuse(NOT_LUKS2, "hdr-version-3", both(6, b"\0\3"))
    refuse("metadata-size", "hdr-size", both(luks2.HDR_SIZE, be64(32768)))
    refuse("metadata-size", "hdr-size-zero", both(luks2.HDR_SIZE, be64(0)))
    refuse("metadata-size", "hdr-size-2nd", second(luks2.HDR_SIZE, be64(32768)), why="the second copy is written anew")
    refuse("second-copy-missing", "hdr-2nd-gone", second(0, bytes(COPY)), why="the second copy is written anew",
           sealed=False)
    refuse("second-copy-missing", "hdr-2nd-magic", second(0, b"LUKS"), why="the second copy is written anew")
    refuse("second-copy-missing", "hdr-2nd-version", second(6, b"\0\1"), why="the second copy is written anew")
    refuse("header-offset", "hdr-offset-1st", first(luks2.HDR_OFFSET, be64(COPY)), why=TAKEN)
    refuse("header-offset", "hdr-offset-2nd", second(luks2.HDR_OFFSET, be64(HEADERS)), why=TAKEN)
    for name in ("sha1", "sha512"):
        refuse("checksum-algorithm", "hdr-" + name, both(luks2.CHECKSUM_ALG, field(name.encode(), 32)), why=TAKEN)
    refuse("checksum-algorithm", "hdr-alg-tail", both(luks2.CHECKSUM_ALG + 16, b"x"), why=TAKEN)
    refuse("checksum", "hdr-checksum-1st", unsealed(lambda c: c.put(luks2.CHECKSUM, b"no checksum")), sealed=False,
           why="the first copy is written anew")
    refuse("checksum", "hdr-checksum-2nd", unsealed(lambda c: c.put(luks2.CHECKSUM, b"no checksum"), "second"),
           sealed=False, why="the second copy is written anew")
    refuse("checksum", "hdr-checksum-tail", unsealed(lambda c: c.put(luks2.CHECKSUM + 40, b"x")), sealed=False,
           why=TAKEN)
    refuse("checksum", "hdr-salt-changed", unsealed(lambda c: c.put(luks2.SALT, b"another salt")), sealed=False,
           why="the first copy is written anew")
    refuse("checksum", "pri-bad-sec-null",
           every(second_says("aes-xts-plain64", "cipher_null-ecb"),
                 unsealed(lambda c: c.put(luks2.CHECKSUM, b"x" * 32))),
           sealed=False, why="repairs the first copy from the forged one, and " + PLAIN)
    refuse("reserved-bytes", "hdr-padding", both(luks2.PADDING, b"x"), why=TAKEN)
    refuse("reserved-bytes", "hdr-padding-2nd", second(luks2.PADDING + 100, b"x"), why=TAKEN)
    refuse("reserved-bytes", "hdr-padding-4096", both(1024, b"x"), why="room for a superblock")
    refuse("reserved-bytes", "hdr-padding-end", both(BINARY - 1, b"x"), why=TAKEN)
    refuse("label", "hdr-label-open", both(luks2.LABEL, b"x" * 48), why=TAKEN)
    refuse("label", "hdr-label-control", both(luks2.LABEL, b"\x1b[2Jboo"), why=TAKEN)
    refuse("label", "hdr-label-8bit", both(luks2.LABEL, b"caf\xc3\xa9"), why=TAKEN)
    refuse("label", "hdr-label-tail", both(luks2.LABEL, b"a\0b"), why=TAKEN)
    refuse("label", "hdr-subsystem", both(luks2.SUBSYSTEM, b"x\n"), why=TAKEN)
    refuse("uuid", "hdr-uuid-open", both(luks2.UUID, b"x" * 40), why=TAKEN)
    refuse("uuid", "hdr-uuid-none", both(luks2.UUID, bytes(40)), why=TAKEN)
    refuse("uuid", "hdr-uuid-text", both(luks2.UUID, field(b"no-uuid", 40)), why=TAKEN)
    refuse("uuid", "hdr-uuid-path", both(luks2.UUID, b"../.."), why=TAKEN)
    refuse("copies-differ", "hdr-2nd-newer", second(luks2.SEQID, be64(4711)), why=TAKEN)
    refuse("copies-differ", "hdr-1st-newer", first(luks2.SEQID, be64(4711)), why="the second copy is written anew")
    refuse("copies-differ", "hdr-2nd-label", second(luks2.LABEL, b"other"), why=TAKEN)
    refuse("copies-differ", "hdr-2nd-subsystem", second(luks2.SUBSYSTEM, b"other"), why=TAKEN)
    refuse("copies-differ", "hdr-2nd-uuid", second(luks2.UUID, b"bbbbbbbb"), why=TAKEN)
    refuse("copies-differ", "hdr-2nd-blank", second_says("{", "{ "), why=TAKEN)
    for size in ("64", "32"):
        refuse("copies-differ", "sec-newer-null" + ("@32" if size == "32" else ""),
               second_says("aes-xts-plain64", "cipher_null-ecb", seqid=4711), base=size,
               why="repairs the first copy from the forged one, and " + PLAIN)
    refuse("copies-differ", "sec-newer-linear", second_says('"type":"crypt"', '"type":"linear"', seqid=4711),
           why="repairs the first copy from the forged one, and " + PLAIN)
    refuse("copies-differ", "sec-same-seq-null", second_says("aes-xts-plain64", "cipher_null-ecb"), why=TAKEN)
    refuse("copies-differ", "pri-same-seq-null",
           lambda i: text("aes-xts-plain64", "cipher_null-ecb", '"segments"')(i, [i.first]), why=PLAIN)

    # the JSON text
    refuse("json", "json-cut", text('"digests"', "\0", '"digests"'))
    refuse("json", "json-full-area", full_area)
    refuse("json", "json-tail", append(b"\0", b"{}"))
    refuse("json", "json-tail-text", text("{", "{}{"))
    refuse("json", "json-array", text("{", "[{"))
    refuse("json", "json-deep", text("{", '{"a":' + "[" * 40 + "]" * 40 + ","))
    refuse("json", "json-comment", text("{", "{/* */"), why=TAKEN)
    refuse("json", "json-comma", text('"dynamic"', '"dynamic",', '"segments"'))
    refuse("json", "json-quotes", text('"dynamic"', "'dynamic'", '"segments"'), why=TAKEN)
    refuse("json", "json-literal", member("config", '"x":TRUE'), why=TAKEN)
    refuse("json", "json-fraction", text('"sector_size":512', '"sector_size":512.0'))
    refuse("json", "json-exponent", text('"iterations":1000', '"iterations":1e3'))
    refuse("json", "json-leading-zero", text('"iterations":1000', '"iterations":01000'), why=TAKEN)
    refuse("json", "json-8bit", text('"dynamic"', '"dyn\xc3\xa4mic"', '"segments"'))
    refuse("json", "json-control", text('"dynamic"', '"dyn\x01amic"', '"segments"'))
    refuse("json", "json-escaped-name", text('"encryption"', '"\\u0065ncryption"', '"segments"'), why=TAKEN)
    refuse("json", "dup-escaped", member(SEGMENT, '"\\u0065ncryption":"cipher_null-ecb"'), why=PLAIN)
    refuse("json", "dup-escaped-type", member(SEGMENT, '"typ\\u0065":"linear"'), why=PLAIN)
    refuse("json", "dup-escaped-first", member(SEGMENT, '"\\u0065ncryption":"cipher_null-ecb"', first=True), why=TAKEN)

    # names that occur twice: cryptsetup takes the last
    refuse("json-duplicate-key", "dup-key", member(SEGMENT, '"encryption":"cipher_null-ecb"'), why=PLAIN)
    refuse("json-duplicate-key", "dup-key-first", member(SEGMENT, '"encryption":"cipher_null-ecb"', first=True),
           why=TAKEN)
    refuse("json-duplicate-key", "dup-type", member(SEGMENT, '"type":"linear"'), why=PLAIN)
    for where, name, again in (
            ("", "top", '"tokens":{}'), ("segments", "segments", '"0":{}'), ("keyslots", "keyslots", '"0":{}'),
            (KEYSLOT, "keyslot", '"key_size":64'), (AREA, "area", '"encryption":"cipher_null-ecb"'),
            (KDF, "kdf", '"iterations":1'), (AF, "af", '"hash":"sha1"'), ("digests", "digests", '"0":{}'),
            (DIGEST, "digest", '"segments":[]'), ("config", "config", '"json_size":"1"')):
        # first, so that cryptsetup does not see it
        refuse("json-duplicate-key", "dup-" + name, member(where, again, first=True), why=TAKEN)
    refuse("json-duplicate-key", "dup-tokens", member("tokens", '"0":{"type":"foo","keyslots":[]},"0":{"type":"foo"}'),
           options="token=foo")
    refuse("json-duplicate-key", "dup-token",
           member("tokens", '"0":{"type":"bar","type":"foo","keyslots":[]}'), options="token=foo", why=TAKEN)

    # members that nobody knows
    for where, name in (("", "top"), (SEGMENT, "segment"), (KEYSLOT, "keyslot"), (AREA, "area"), (KDF, "kdf"),
                        (AF, "af"), (DIGEST, "digest"), ("config", "config")):
        refuse("unknown-key", "extra-" + name, put((where + "/x").lstrip("/"), 1), why=TAKEN)
    refuse("unknown-key", "extra-kdf-argon2", put(KDF + "/hash", "sha256"), base="argon2id", why=TAKEN)
    refuse("unknown-key", "extra-integrity", put(SEGMENT + "/integrity/x", 1), base="integrity",
           options="integrity=hmac-sha256", why=TAKEN)
    refuse("unknown-key", "extra-null", put(SEGMENT + "/x", None), why=TAKEN)

    # the segment
    refuse("one-segment", "seg-none", drop(SEGMENT))
    refuse("one-segment", "seg-array", put("segments", []))
    refuse("one-segment", "two-seg", two_segments(type="linear"), why="maps the whole device by the first")
    refuse("one-segment", "two-seg-null", two_segments(encryption="cipher_null-ecb"),
           why="maps the whole device by the first")
    refuse("one-segment", "two-seg-overlap", on_tree(lambda t: t["segments"].update({"1": dict(t["segments"]["0"])})))
    refuse("one-segment", "seg-id-1", every(rename(SEGMENT, "1"), put(DIGEST + "/segments", ["1"])))
    refuse("one-segment", "seg-backup", two_segments(flags=["backup-previous"]), why=TAKEN)
    at_32("segment-type", "seg-linear", bare("linear"), why=PLAIN)
    at_32("segment-type", "seg-linear-decorated", put(SEGMENT + "/type", "linear"), why=PLAIN)
    refuse("segment-type", "seg-unknown-type", bare("foo"), why=PLAIN)
    refuse("segment-type", "seg-unknown-decorated", put(SEGMENT + "/type", "foo"), why=PLAIN)
    refuse("segment-type", "seg-opal", opal("hw-opal"), why="does not know the type and " + PLAIN, until=(2, 7))
    refuse("segment-type", "seg-opal-crypt", opal("hw-opal-crypt"), why="does not know the type and " + PLAIN,
           until=(2, 7))
    refuse("segment-type", "seg-type-case", put(SEGMENT + "/type", "Crypt"), why=PLAIN)
    refuse("segment-type", "seg-type-nul", text('"crypt"', '"crypt\\u0000"', '"segments"'), why=TAKEN)
    refuse("segment-type", "seg-type-number", put(SEGMENT + "/type", 1))
    refuse("segment-type", "seg-type-none", drop(SEGMENT + "/type"))
    at_32("segment-cipher", "seg-null", put(SEGMENT + "/encryption", "cipher_null-ecb"), why=PLAIN)
    at_32("segment-cipher", "seg-null-capi", put(SEGMENT + "/encryption", "capi:ecb(cipher_null)-plain"), why=PLAIN)
    at_32("segment-cipher", "seg-ecb", put(SEGMENT + "/encryption", "aes-ecb"), why="maps with a key of 32 bytes")
    at_32("segment-cipher", "seg-null-iv", put(SEGMENT + "/encryption", "aes-cbc-null"),
           why="maps with a key of 32 bytes")
    for name, cipher in (("short-null", "null"), ("plain-iv", "aes-xts-plain"), ("capi-aes", "capi:xts(aes)-plain64"),
                         ("capi-aes-generic", "capi:xts(ecb(aes-generic))-plain64"), ("essiv", "aes-cbc-essiv:sha256"),
                         ("serpent", "serpent-xts-plain64"), ("blank", "aes-xts-plain64 "), ("case", "AES-xts-plain64"),
                         ("plain64be", "aes-xts-plain64be"), ("arc4", "arc4-ecb")):
        refuse("segment-cipher", "seg-" + name, put(SEGMENT + "/encryption", cipher), why=TAKEN)
    refuse("segment-cipher", "seg-cipher-nul", text('"aes-xts-plain64"', '"aes-xts-plain64\\u0000"', '"segments"'),
           why=TAKEN)
    refuse("segment-cipher", "seg-no-enc", drop(SEGMENT + "/encryption"))
    refuse("segment-cipher", "seg-empty-enc", put(SEGMENT + "/encryption", ""))
    refuse("segment-integrity", "seg-integrity", put(SEGMENT + "/integrity", INTEGRITY), why=TAKEN)
    refuse("segment-integrity", "seg-integrity-none", put(SEGMENT + "/integrity", dict(INTEGRITY, type="none")),
           why=TAKEN)
    wanted = {"base": "integrity", "options": "integrity=hmac-sha256"}
    refuse("segment-integrity", "integrity-missing", None, options="integrity=hmac-sha256", why=TAKEN)
    refuse("segment-integrity", "integrity-unasked", None, base="integrity", why=TAKEN)
    refuse("segment-integrity", "integrity-sha1", put(SEGMENT + "/integrity/type", "hmac(sha1)"), why=TAKEN, **wanted)
    refuse("segment-integrity", "integrity-aead", put(SEGMENT + "/integrity/type", "aead"), why=TAKEN, **wanted)
    refuse("segment-integrity", "integrity-journal", put(SEGMENT + "/integrity/journal_encryption", "cbc(aes)"),
           why=TAKEN,
           **wanted)
    refuse("segment-integrity", "integrity-journal-mac", put(SEGMENT + "/integrity/journal_integrity", "hmac(sha1)"),
           why=TAKEN, **wanted)
    refuse("segment-size", "seg-size", put(SEGMENT + "/size", "4096"), why="maps a part")
    refuse("segment-size", "seg-size-zero", put(SEGMENT + "/size", "0"))
    refuse("segment-size", "seg-size-none", drop(SEGMENT + "/size"))
    refuse("segment-offset", "seg-offset0", put(SEGMENT + "/offset", "0"), why="maps the header, too")
    refuse("segment-offset", "seg-offset-odd", put(SEGMENT + "/offset", "1049088"), why=TAKEN)
    for name, offset in (("end", "2097152"), ("huge", "18446744073709547520")):
        refuse("segment-offset", "seg-offset-" + name, put(SEGMENT + "/offset", offset), why="the key opens it")
    refuse("segment-offset", "seg-offset-number", put(SEGMENT + "/offset", 1048576))
    refuse("segment-offset", "seg-offset-hex", put(SEGMENT + "/offset", "0x100000"))
    refuse("segment-offset", "seg-offset-none", drop(SEGMENT + "/offset"))
    refuse("segment-iv-tweak", "seg-ivtweak", put(SEGMENT + "/iv_tweak", "8"), why=TAKEN)
    refuse("segment-iv-tweak", "seg-ivtweak-huge", put(SEGMENT + "/iv_tweak", "18446744073709551615"), why=TAKEN)
    refuse("segment-iv-tweak", "seg-ivtweak-none", drop(SEGMENT + "/iv_tweak"))
    refuse("segment-sector-size", "seg-sector-513", put(SEGMENT + "/sector_size", 513))
    refuse("segment-sector-size", "seg-sector-1024", put(SEGMENT + "/sector_size", 1024), why=TAKEN)
    refuse("segment-sector-size", "seg-sector-8192", put(SEGMENT + "/sector_size", 8192), why=TAKEN)
    refuse("segment-sector-size", "seg-sector-text", put(SEGMENT + "/sector_size", "512"))
    refuse("segment-sector-size", "seg-sector-none", drop(SEGMENT + "/sector_size"))
    refuse("segment-flags", "seg-flag-foo", put(SEGMENT + "/flags", ["foo"]), why=TAKEN)
    refuse("segment-flags", "seg-flag-inreenc", put(SEGMENT + "/flags", ["in-reencryption"]), why=TAKEN)
    refuse("segment-flags", "seg-flag-backup", put(SEGMENT + "/flags", ["backup-previous"]))
    refuse("segment-flags", "seg-flag-empty", put(SEGMENT + "/flags", []), why=TAKEN)

    # keyslots
    refuse("keyslot-count", "ks-none", drop(KEYSLOT))
    refuse("keyslot-count", "ks-array", put("keyslots", []))
    refuse("keyslot-count", "ks-five", several_keyslots(5), base="32", why=TAKEN)
    for name, number in (("32", "32"), ("zeros", "00"), ("minus", "-1"), ("word", "x")):
        refuse("keyslot-id", "ks-id-" + name, keyslot_id(number), why=TAKEN if name == "32" else "")
    refuse("keyslot-type", "ks-reencrypt", put(KEYSLOT + "/type", "reencrypt"))
    refuse("keyslot-type", "ks-foo", put(KEYSLOT + "/type", "foo"))
    refuse("keyslot-type", "ks-type-none", drop(KEYSLOT + "/type"))
    refuse("keyslot-type", "ks-no-object", put(KEYSLOT, []))
    for size in (0, 16, 63, 96, -1):
        refuse("keyslot-key-size", f"ks-key-{size}", put(KEYSLOT + "/key_size", size))
    refuse("keyslot-key-size", "ks-key-text", put(KEYSLOT + "/key_size", "64"))
    refuse("keyslot-key-size", "ks-key-differs", other_keyslot(key_size=32), why=TAKEN)
    refuse("keyslot-key-size", "ks-unbound", None, base="unbound", why=TAKEN)
    refuse("keyslot-key-size", "integrity-key-64", put(KEYSLOT + "/key_size", 64), **wanted)
    refuse("keyslot-key-size", "area-key-16", put(AREA + "/key_size", 16))
    refuse("keyslot-priority", "prio0", put(KEYSLOT + "/priority", 0))
    refuse("keyslot-priority", "prio3", put(KEYSLOT + "/priority", 3))
    refuse("keyslot-priority", "prio-minus", put(KEYSLOT + "/priority", -1))
    refuse("keyslot-priority", "prio-text", put(KEYSLOT + "/priority", "1"), why=TAKEN)
    for name in ("none", "journal", "checksum", "datashift"):
        refuse("keyslot-area", "area-" + name, put(AREA + "/type", name))
    refuse("keyslot-area", "area-missing", drop(AREA))
    refuse("keyslot-area", "area-in-hdr", put(AREA + "/offset", "16384"))
    refuse("keyslot-area", "area-in-data", put(AREA + "/offset", "1048576"))
    refuse("keyslot-area", "area-over-end", put(AREA + "/offset", "1044480"))
    refuse("keyslot-area", "area-huge", put(AREA + "/size", "18446744073709551615"))
    refuse("keyslot-area", "area-small", put(AREA + "/size", "253952"), why=TAKEN)
    refuse("keyslot-area", "area-odd", put(AREA + "/offset", "33280"))
    refuse("keyslot-area", "area-overlap", overlapping)
    refuse("keyslot-cipher", "area-null", put(AREA + "/encryption", "cipher_null-ecb"))
    refuse("keyslot-cipher", "area-null-capi", put(AREA + "/encryption", "capi:ecb(cipher_null)-plain64"))
    refuse("keyslot-cipher", "area-ecb", put(AREA + "/encryption", "aes-ecb"))
    refuse("keyslot-cipher", "area-plain", put(AREA + "/encryption", "aes-xts-plain"), why=TAKEN)
    refuse("keyslot-cipher", "area-no-enc", drop(AREA + "/encryption"))
    # the segment is the second thing that is forged, so that the mapping is plaintext; it is judged first
    refuse("segment-type", "area-null-forged", every(forged_area, bare("linear")))
    refuse("segment-type", "area-null-forged@32", every(forged_area, bare("linear")), base="32")
    refuse("segment-cipher", "area-null-forged-null",
           every(forged_area, put(SEGMENT + "/encryption", "cipher_null-ecb")))
    refuse("keyslot-cipher", "area-null-own-key", forged_area)
    refuse("keyslot-cipher", "area-null-own-key-capi", lambda i: forged_area(i, "capi:ecb(cipher_null)-plain64"))
    refuse("keyslot-af", "af-stripes1", put(AF + "/stripes", 1), why=TAKEN)
    refuse("keyslot-af", "af-stripes4001", put(AF + "/stripes", 4001), why=TAKEN)
    refuse("keyslot-af", "af-sha1", put(AF + "/hash", "sha1"))
    refuse("keyslot-af", "af-type", put(AF + "/type", "luks3"))
    refuse("keyslot-af", "af-none", drop(AF))
    refuse("keyslot-kdf", "kdf-type", put(KDF + "/type", "scrypt"))
    refuse("keyslot-kdf", "kdf-none", drop(KDF))
    refuse("keyslot-kdf", "kdf-sha1", put(KDF + "/hash", "sha1"))
    refuse("keyslot-kdf", "iter1", put(KDF + "/iterations", 1))
    refuse("keyslot-kdf", "kdf-iter999", put(KDF + "/iterations", 999))
    refuse("keyslot-kdf", "kdf-iter0", put(KDF + "/iterations", 0))
    refuse("keyslot-kdf", "kdf-salt-16", put(KDF + "/salt", b64(bytes(16))))
    refuse("keyslot-kdf", "kdf-salt-64", put(KDF + "/salt", b64(bytes(64))))
    refuse("keyslot-kdf", "kdf-salt-empty", put(KDF + "/salt", ""))
    refuse("keyslot-kdf", "kdf-salt-text", put(KDF + "/salt", "!" * 44))
    refuse("keyslot-kdf", "kdf-salt-none", drop(KDF + "/salt"))
    for name in ("time", "memory", "cpus"):
        refuse("keyslot-kdf", f"kdf-{name}-0", put(f"{KDF}/{name}", 0), base="argon2id")
    refuse("kdf-cost", "kdf-iterbig", put(KDF + "/iterations", 1 << 31))
    refuse("kdf-cost", "kdf-iter-max", put(KDF + "/iterations", 10000001))
    refuse("kdf-cost", "kdf-iter-minus", put(KDF + "/iterations", -1))
    refuse("kdf-cost", "kdf-iter-64bit", put(KDF + "/iterations", (1 << 32) + 1000))
    refuse("kdf-cost", "kdf-iter-text", put(KDF + "/iterations", "1000"))
    refuse("kdf-cost", "kdf-mem4G", put(KDF + "/memory", (1 << 32) - 1), base="argon2id")
    refuse("kdf-cost", "kdf-mem2G", put(KDF + "/memory", 2 << 20), base="argon2id")
    refuse("kdf-cost", "kdf-mem-minus", put(KDF + "/memory", -1), base="argon2id")
    refuse("kdf-cost", "kdf-time17", put(KDF + "/time", 17), base="argon2id")
    refuse("kdf-cost", "kdf-cpus5", put(KDF + "/cpus", 5), base="argon2id")
    refuse("kdf-cost", "kdf-cpus-1000", put(KDF + "/cpus", 1000), base="argon2i")
    refuse("kdf-cost", "kdf-sum", costly_keyslots)
    refuse("kdf-cost", "dig-iterbig", put(DIGEST + "/iterations", 1 << 31))
    refuse("kdf-cost", "dig-iter-sum", every(several_keyslots(3), put(DIGEST + "/iterations", 4000000)))

    # the digest
    refuse("digest-count", "dig-none", drop(DIGEST))
    refuse("digest-count", "dig-array", put("digests", []))
    refuse("digest-count", "two-digests", second_digest(keyslots=[], segments=[]), why=TAKEN)
    refuse("digest-count", "dig-split", every(several_keyslots(2), put(DIGEST + "/keyslots", ["0"]),
                                              second_digest(keyslots=["1"], segments=[])), why=TAKEN)
    refuse("digest", "dig-type", put(DIGEST + "/type", "foo"))
    refuse("digest", "dig-sha1", new_digest("sha1"), why=TAKEN)
    refuse("digest", "dig-iter1", new_digest(iterations=1), why=TAKEN)
    refuse("digest", "dig-iter999", new_digest(iterations=999), why=TAKEN)
    refuse("digest", "dig-salt-8", new_digest(salt=bytes(8)), why=TAKEN)
    refuse("digest", "dig-short", on_tree(lambda t: t["digests"]["0"].update(digest=t["digests"]["0"]["digest"][:8])),
           why="less of the digest is compared")
    refuse("digest", "dig-empty", put(DIGEST + "/digest", ""), why="less of the digest is compared")
    refuse("digest", "dig-id-32", rename(DIGEST, "32"), why=TAKEN)
    refuse("digest", "dig-no-object", put(DIGEST, []))
    refuse("digest-binding", "dig-nokey", put(DIGEST + "/keyslots", []))
    refuse("digest-binding", "dig-noseg", put(DIGEST + "/segments", []))
    refuse("digest-binding", "dig-otherkey", put(DIGEST + "/keyslots", ["1"]))
    refuse("digest-binding", "dig-otherseg", put(DIGEST + "/segments", ["1"]))
    refuse("digest-binding", "dig-key-twice", put(DIGEST + "/keyslots", ["0", "0"]), why=TAKEN)
    refuse("digest-binding", "dig-seg-twice", put(DIGEST + "/segments", ["0", "0"]), why=TAKEN)
    refuse("digest-binding", "dig-seg-number", put(DIGEST + "/segments", [0]))
    refuse("digest-binding", "ks-orphan", every(several_keyslots(2), put(DIGEST + "/keyslots", ["0"])))
    refuse("digest-binding", "dig-key-foreign", every(several_keyslots(2), put(DIGEST + "/keyslots", ["0", "0"])))

    for size in (8, 19, 21, 31):
        refuse("digest", f"dig-short-{size}", short_digest(size), why=TAKEN)

    # tokens, config, flags, requirements
    refuse("token", "token-x", put("tokens/0", TOKEN), why=TAKEN)
    refuse("token", "token-other", put("tokens/0", TOKEN), options="token=bar", why=TAKEN)
    refuse("token", "token-second", put("tokens", {"0": TOKEN, "1": dict(TOKEN, type="bar")}), options="token=foo",
           why=TAKEN)
    refuse("token", "token-tpm2", put("tokens/0", dict(TOKEN, type="systemd-tpm2", **{"tpm2-blob": ""})), why=TAKEN)
    refuse("token", "token-keyring", put("tokens/0", dict(TOKEN, type="luks2-keyring", key_description="x")), why=TAKEN)
    refuse("token", "token-nul", text('"tokens":{}', '"tokens":{"0":{"type":"foo\\u0000","keyslots":[]}}'),
           options="token=foo", why=TAKEN)
    refuse("token", "token-id", put("tokens/32", TOKEN), options="token=foo")
    refuse("token", "tokens-none", drop("tokens"))
    refuse("token", "token-no-keyslots", put("tokens/0", {"type": "foo"}), options="token=foo")
    refuse("token", "token-keyslot-gone", put("tokens/0", dict(TOKEN, keyslots=["1"])), options="token=foo")
    refuse("config", "conf-none", drop("config"))
    refuse("config", "json_size", put("config/json_size", "12289"))
    refuse("config", "json_size-number", put("config/json_size", 12288))
    refuse("config", "keyslots_size-odd", put("config/keyslots_size", "1015296"))
    refuse("config", "keyslots_size-big", put("config/keyslots_size", "1019904"))
    refuse("config", "keyslots_size-none", drop("config/keyslots_size"))
    refuse("config-flags", "flags-journal", put("config/flags", ["no-journal"]), why=TAKEN)
    refuse("config-flags", "flags-two", put("config/flags", DISCARDS + ["no-journal"]), options="allow-discards",
           why=TAKEN)
    refuse("config-flags", "flags-twice", put("config/flags", DISCARDS * 2), options="allow-discards", why=TAKEN)
    refuse("config-flags", "flags-speed-twice", put("config/flags", SPEED + SPEED[-1:]), why=TAKEN)
    refuse("config-flags", "flags-unknown", put("config/flags", SPEED + ["no-such-flag"]), why=TAKEN)
    refuse("config-flags", "flags-object", put("config/flags", {}))
    refuse("requirements", "req-reenc", requirement("online-reencrypt-v2"))
    refuse("requirements", "req-reenc-v1", requirement("online-reencrypt"))
    refuse("requirements", "req-offline", requirement("offline-reencrypt"), why=TAKEN)
    refuse("requirements", "req-unknown", requirement("foo"), why=TAKEN)
    refuse("requirements", "req-empty", requirement(), why=TAKEN)
    refuse("requirements", "req-object", put(REQUIREMENT, {}), why=TAKEN)

    # what has to pass
    for base in ("64", "32", "argon2id", "argon2i", "sha512", "two", "changed"):
        accept("base-" + base, base=base)
    accept("base-integrity", readable=False, **wanted)
    accept("hdr-label", both(luks2.LABEL, b"a label"))
    accept("hdr-label-47", both(luks2.LABEL, b"~" * 47))
    accept("hdr-subsystem-name", both(luks2.SUBSYSTEM, b"some subsystem"))
    accept("hdr-uuid", both(luks2.UUID, b"bbbbbbbb"))
    accept("hdr-newer", both(luks2.SEQID, be64(4711)))
    accept("hdr-seqid-max", both(luks2.SEQID, be64((1 << 64) - 2)))
    accept("hdr-salt", both(luks2.SALT, b"other salt of this copy"))
    accept("json-spaces", text("{", "{  \n\t"))
    accept("json-order", lambda i: setattr(i, "text", json.dumps(i.tree, sort_keys=True, indent=1)))
    accept("json-escaped-value", text('"aes-xts-plain64"', '"\\u0061es-xts-plain64"', '"segments"'))
    accept("seg-sector4096", put(SEGMENT + "/sector_size", 4096), readable=False)
    accept("seg-offset", put(SEGMENT + "/offset", "1052672"), readable=False)
    accept("two-keyslots", several_keyslots(2))
    accept("four-keyslots", several_keyslots(4), base="32")
    accept("keyslot-7", keyslot_id("7"))
    accept("keyslot-31", keyslot_id("31"))
    accept("digest-1", rename(DIGEST, "1"))
    accept("digest-sha512", new_digest("sha512"))
    accept("digest-100000", new_digest(iterations=100000))
    accept("digest-20", short_digest(20))                           # as long as LUKS1's
    accept("digest-20-sha512", short_digest(20, "sha512"))
    accept("prio1", put(KEYSLOT + "/priority", 1))
    accept("prio2", put(KEYSLOT + "/priority", 2))
    accept("keyslots_size", put("config/keyslots_size", "524288"))
    accept("flags-empty", put("config/flags", []))
    accept("flags-discards", put("config/flags", DISCARDS))         # ignored: the live table has none
    accept("flags-discards-asked", put("config/flags", DISCARDS), options="allow-discards")
    accept("flags-none-asked", options="allow-discards")
    accept("flags-speed", put("config/flags", SPEED))               # ignored, too
    accept("flags-all", put("config/flags", SPEED[2:] + DISCARDS + SPEED[:2]))
    accept("token-asked", put("tokens/0", TOKEN), options="token=foo")
    accept("token-two-asked", put("tokens", {"0": TOKEN, "1": dict(TOKEN, type="bar")}), options="token=foo,token=bar")
    accept("token-free", put("tokens/3", dict(TOKEN, anything={"goes": [1, None]})), options="token=foo")
    return refused + accepted


MUTANTS = table()


def make(mutant, base):
    """The disk of a mutant, as bytes, from that of its base; looked at before it is handed out."""
    image = luks2.Image(base.data)
    image.volume_key = base.volume_key
    if mutant.change:
        mutant.change(image)
    if mutant.sealed:
        image.seal()
    data = image.bytes()
    assert len(data) == len(base.data), mutant.name
    assert (data[:HEADERS] != base.data[:HEADERS]) == bool(mutant.change), mutant.name + ": no change"
    if mutant.sealed:
        assert all(c.sealed() for c in luks2.Image(data).copies), mutant.name + ": checksum"
    return data


def main(keyfile, directory, *names):
    """Writes the disks of some mutants; for tests that need one or two of them."""
    with open(keyfile, "rb") as f:
        base = bases.Bases(directory, f.read())
    for mutant in MUTANTS:
        if mutant.name in names:
            with open(f"{directory}/{mutant.name}", "wb") as f:
                f.write(make(mutant, base[mutant.base]))


if __name__ == "__main__":
    main(*sys.argv[1:])
