#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# luks2.py - changes LUKS2 headers, one thing at a time, in both copies and with good
# checksums, so that nobody stops at these. Usage: luks2.py IMAGE DIRECTORY
# Writes DIRECTORY/NAME for each change below and prints "NAME EXPECTED", where EXPECTED is
# the rule that refuses it, "library" if only libcryptsetup does, or "accepted".
# Each image is read back: the change is in it, and the checksums are right.
#
# Format facts: LUKS2 On-Disk Format Specification 1.1, 2.1 (binary header).

import copy
import hashlib
import json
import pathlib
import sys

COPY = 16384
BINARY = 4096
CHECKSUM = slice(448, 512)


def put(header, offset, data):
    header[offset:offset + len(data)] = data


def be64(value):
    return value.to_bytes(8, "big")


def seal(header):
    header[CHECKSUM] = bytes(64)
    header[CHECKSUM] = hashlib.sha256(header).digest() + bytes(32)


def sealed(header):
    bare = bytearray(header)
    bare[CHECKSUM] = bytes(64)
    return header[CHECKSUM] == hashlib.sha256(bare).digest() + bytes(32)


def text_of(header):
    return bytes(header[BINARY:]).split(b"\0", 1)[0].decode()


def set_text(header, text):
    header[BINARY:] = text.encode().ljust(COPY - BINARY, b"\0")


def segment(key, value):
    def change(tree):
        tree["segments"]["0"][key] = value
    return change


def keyslot(key, value):
    def change(tree):
        tree["keyslots"]["0"][key] = value
    return change


def area(key, value):
    def change(tree):
        tree["keyslots"]["0"]["area"][key] = value
    return change


def requirement(*names):
    def change(tree):
        tree["config"]["requirements"] = {"mandatory": list(names)}
    return change


def drop(*path):
    def change(tree):
        for key in path[:-1]:
            tree = tree[key]
        del tree[path[-1]]
    return change


def two_segments(tree):
    first = tree["segments"]["0"]
    tree["segments"]["1"] = dict(first, offset=str(int(first["offset"]) + 65536), type="linear")
    first["size"] = "65536"


def five_keyslots(tree):
    for number in range(1, 5):
        tree["keyslots"][str(number)] = copy.deepcopy(tree["keyslots"]["0"])


def discards(tree):
    tree["config"]["flags"] = ["allow-discards"]


def token(tree):
    tree["tokens"]["0"] = {"type": "foo", "keyslots": ["0"]}


def decorated(tree):
    # Everything that the library's getters look at is in order, only the type is not.
    tree["segments"]["0"]["type"] = "linear"
    tree["segments"]["0"]["iv_tweak"] = "0"


# Changes of the JSON tree.
TREES = {
    "seg-linear": (decorated, "segment-type"),
    "seg-foo": (segment("type", "foo"), "segment-type"),
    "seg-hw-opal": (segment("type", "hw-opal"), "segment-type"),
    "seg-hw-opal-crypt": (segment("type", "hw-opal-crypt"), "segment-type"),
    "seg-null": (segment("encryption", "cipher_null-ecb"), "segment-cipher"),
    "seg-capi-null": (segment("encryption", "capi:ecb(cipher_null)-plain64"), "segment-cipher"),
    "seg-capi-aes": (segment("encryption", "capi:xts(aes)-plain64"), "segment-cipher"),
    "seg-ecb": (segment("encryption", "aes-ecb"), "segment-cipher"),
    "seg-plain": (segment("encryption", "aes-xts-plain"), "segment-cipher"),
    "seg-two": (two_segments, "one-segment"),
    "seg-none": (drop("segments", "0"), "one-segment"),
    "seg-integrity": (segment("integrity", {"type": "hmac(sha256)", "journal_encryption": "none",
                                            "journal_integrity": "none"}), "segment-integrity"),
    "seg-fixed-size": (segment("size", "1048576"), "segment-size"),
    "seg-offset-zero": (segment("offset", "0"), "segment-offset"),
    "seg-offset-odd": (segment("offset", "1049088"), "segment-offset"),
    "seg-offset-end": (segment("offset", "2097152"), "segment-offset"),
    "seg-sector-513": (segment("sector_size", 513), "segment-sector-size"),
    "seg-sector-8192": (segment("sector_size", 8192), "segment-sector-size"),
    "key-five": (five_keyslots, "keyslot-count"),
    "key-none": (drop("keyslots", "0"), "keyslot-count"),
    "key-reencrypt": (keyslot("type", "reencrypt"), "keyslot-type"),
    "area-null": (area("encryption", "cipher_null-ecb"), "keyslot-cipher"),
    "area-capi-null": (area("encryption", "capi:ecb(cipher_null)-plain64"), "keyslot-cipher"),
    "area-none": (area("type", "none"), "keyslot-area"),
    "area-in-metadata": (area("offset", "16384"), "keyslot-area"),
    "area-in-data": (area("offset", "1048576"), "keyslot-area"),
    "area-huge": (area("size", "18446744073709551615"), "keyslot-area"),
    "req-online": (requirement("online-reencrypt-v2"), "requirements"),
    "req-offline": (requirement("offline-reencrypt"), "requirements"),
    "req-foo": (requirement("foo"), "requirements"),
    "req-none": (requirement(), "requirements"),
    "conf-none": (drop("config"), "config"),
    "digest-none": (drop("digests", "0"), "library"),
    "af-none": (drop("keyslots", "0", "af"), "library"),
    "flag-discards": (discards, "accepted"),
    "token-foo": (token, "accepted"),
}

# Changes of the JSON text: the first occurrence of one text behind another.
TEXTS = {
    "dup-last-linear": ('"segments"', '"type":"crypt"', '"type":"crypt","type":"linear"',
                        "segment-type"),
    "dup-last-crypt": ('"segments"', '"type":"crypt"', '"type":"linear","type":"crypt"',
                       "accepted"),
    "nul-inside": ('"segments"', '"type":"crypt"', '"type":"crypt\\u0000"', "segment-type"),
    "cut": ('"digests"', '"digests"', "\0", "json"),
    "deep": ("{", "{", '{"a":' + "[" * 40 + "]" * 40 + ",", "json"),
    "array": ("{", "{", "[{", "json"),
    "spaces": ("{", "{", "{  \n\t", "accepted"),
}


def both(change):
    def apply(first, second):
        change(first)
        change(second)
    return apply


def only_second_text(first, second):
    set_text(second, text_of(second).replace('"crypt"', '"linear"'))


def only_first_text(first, second):
    set_text(first, text_of(first).replace('"crypt"', '"linear"'))


# Changes of the binary headers.
BINARIES = {
    "hdr-size": (both(lambda h: put(h, 8, be64(32768))), "metadata-size"),
    "hdr-size-zero": (both(lambda h: put(h, 8, be64(0))), "metadata-size"),
    "hdr-offset": (lambda a, b: put(b, 256, be64(32768)), "header-offset"),
    "hdr-second-gone": (lambda a, b: put(b, 0, bytes(COPY)), "metadata-size"),
    "hdr-second-magic": (lambda a, b: put(b, 0, b"LUKS"), "second-copy-missing"),
    "hdr-second-newer": (lambda a, b: put(b, 16, be64(4711)), "copies-differ"),
    "hdr-first-newer": (lambda a, b: put(a, 16, be64(4711)), "copies-differ"),
    "hdr-second-linear": (only_second_text, "copies-differ"),
    "hdr-first-linear": (only_first_text, "copies-differ"),
    "hdr-uuid-open": (both(lambda h: put(h, 168, b"x" * 40)), "uuid"),
    "hdr-other-uuid": (both(lambda h: put(h, 168, b"bbbbbbbb")), "accepted"),
    "hdr-label": (both(lambda h: put(h, 24, b"a label")), "accepted"),
    "hdr-newer": (both(lambda h: put(h, 16, be64(4711))), "accepted"),
}


def mutants(image):
    def copies():
        return bytearray(image[:COPY]), bytearray(image[COPY:2 * COPY])

    for name, (change, expected) in TREES.items():
        first, second = copies()
        tree = json.loads(text_of(first))
        change(tree)
        for header in (first, second):
            set_text(header, json.dumps(tree, separators=(",", ":")))
        yield name, expected, first, second
    for name, (after, old, new, expected) in TEXTS.items():
        first, second = copies()
        text = text_of(first)
        at = text.index(old, text.index(after))
        for header in (first, second):
            set_text(header, text[:at] + new + text[at + len(old):])
        yield name, expected, first, second
    for name, (change, expected) in BINARIES.items():
        first, second = copies()
        change(first, second)
        yield name, expected, first, second


def main():
    image = pathlib.Path(sys.argv[1]).read_bytes()
    directory = pathlib.Path(sys.argv[2])
    for name, expected, first, second in mutants(image):
        seal(first)
        seal(second)
        path = directory / name
        path.write_bytes(first + second + image[2 * COPY:])
        written = path.read_bytes()
        assert written[:2 * COPY] != image[:2 * COPY], name
        assert written[2 * COPY:] == image[2 * COPY:], name
        assert sealed(bytearray(written[:COPY])), name
        assert sealed(bytearray(written[COPY:2 * COPY])), name
        print(name, expected)


main()
