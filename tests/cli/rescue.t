#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# Needs: python3-cryptography
"""rescue.t - the second implementation of a rescue's messages, tests/lib/rescue.py: it makes the vectors of RFC 9180
and of RFC 5869, those that the unit tests of src/rescue have, and what the manual has; and its guest and its owner
understand each other, and nobody else."""

import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(TOP, "lib"))
import rescue  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305  # noqa: E402
from tap import done, equal, ok  # noqa: E402

INFO, AAD = b"Ode on a Grecian Urn", b"Count-0"
PSK, PSK_ID = "0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82", b"Ennyn Durin aran Moria"
TEXT = b"Beauty is truth, truth beauty"


def unit_test(name):
    """Its source, with what a C compiler puts together."""
    with open(os.path.join(TOP, "unit", "rescue", name), encoding="ascii") as f:
        return re.sub(r'"\s+"', "", f.read())


def refused(call, *arguments):
    try:
        call(*arguments)
    except rescue.Refused:
        return True
    return False


def x25519(octets):
    return X25519PrivateKey.from_private_bytes(octets)


def hpke():
    source = unit_test("hpke.c")
    for name, aead in (("A.1.2, AES-128-GCM", (1, AESGCM)), ("A.1.2 with AES-256-GCM", (2, AESGCM)),
                       ("A.2.2, ChaCha20Poly1305", (3, ChaCha20Poly1305))):
        found = re.search(r'\{ "' + re.escape(name) + r'", \w+,\s*((?:"[0-9a-f]+"[,\s]*){5})\}', source)
        ephemeral, private, public, enc, ciphertext = map(bytes.fromhex, re.findall(r"[0-9a-f]{32,}", found[1]))
        sealed = rescue.seal(public, bytes.fromhex(PSK), PSK_ID, INFO, AAD, TEXT, x25519(ephemeral), aead)
        equal(sealed.hex(), (enc + ciphertext).hex(), f"{name}: what the unit test has")
        equal(rescue.unseal(x25519(private), bytes.fromhex(PSK), PSK_ID, INFO, AAD, sealed, aead), TEXT, "... opens")


def keys():
    # RFC 5869, A.1, of which 32 bytes are made here.
    prk = rescue.hkdf_extract(bytes(range(13)), b"\x0b" * 22)
    equal(prk.hex(), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5", "HKDF of the RFC")
    equal(rescue.hkdf_expand(prk, bytes(range(0xf0, 0xfa)), 32).hex(),
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf", "... expanded")
    ok(rescue.shared(b"\x11" * 32, b"\x22" * 32, b"\x33" * 32).hex() in unit_test("keys.c"), "K of keys.c")


def lines():
    source = unit_test("line.c")
    message = re.search(r'MESSAGE "(.*)"', source)[1].encode()
    ok(all(f'"{line}"' in source for kind in rescue.KINDS for line in rescue.lines(kind, message)), "lines of line.c")
    noise = "\x1b[200~ok 001\r\n" + "\r\n".join(rescue.lines("ANSWER", message)) + "\x1b[201~"
    equal(rescue.messages("ANSWER", noise), [message], "... are read")
    equal(rescue.messages("CHALLENGE", noise), [], "... as what they are")


def manual():
    with open(os.path.join(TOP, "..", "src", "man", "coco-unlock-rescue.7.scd"), encoding="ascii") as f:
        text = f.read()
    equal(rescue.messages("CHALLENGE", text), [b"what a guest says to its owner, and the owner to his guest"],
          "the lines of the manual")
    parts = re.split(r"^## (.*)$", text, flags=re.M)
    names = {title: sum((re.findall(r"\*([a-z-]+)\*", line) for line in part.splitlines()
                         if re.fullmatch(r"(\*[a-z-]+\*(, )?)+", line)), [])
             for title, part in zip(parts[1::2], parts[2::2])}
    guest = rescue.Guest(b"r" * 32)
    equal(names["Challenge"], [*rescue.parse(guest.challenge([{"volume": "root"}])), "sum"], "... a challenge's fields")
    key = Ed25519PrivateKey.generate()
    message = rescue.answer(b"", key, "reboot")
    equal(names["Answer"], list(rescue.check(b"", message, [rescue.raw(key.public_key())])[0]), "... an answer's")


def challenge():
    guest = rescue.Guest(b"r" * 32)
    guest.public, guest.nonce, guest.shared = b"\x22" * 32, b"\x33" * 32, b"\x66" * 32
    text = guest.challenge([{"volume": "root", "secret": "-", "device": "/dev/vda2", "header": "accepted",
                             "uuid": "5c0c0a7e-0009-4000-8000-000000000001", "failed": "yes"},
                            {"volume": "data", "secret": "kbs:///default/disk/data"}],
                           ("unlock", "reboot", "poweroff"), reason="no keyslot opens with the secret",
                           configuration=b"\x55" * 32, nonce=b"\x44" * 32)
    ok(text.decode().splitlines()[-1] in unit_test("challenge.c"), "the HMAC of challenge.c")


def answers():
    guest = rescue.Guest(b"\x22" * 32, x25519(b"\x11" * 32), b"\x33" * 32)
    key = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
    source = unit_test("answer.c")
    message = bytes.fromhex(re.search(r'answer_hex\[\] =\s*"([0-9a-f]+)"', source)[1])
    text = re.search(r'CHALLENGE "(.*)"', source)[1].encode()
    fields, secrets = guest.open(text, message, [rescue.raw(key.public_key())])
    equal((fields["volume"], fields["device"], fields["keyslot"]), ("root", "/dev/vdb", "7"), "the answer of answer.c")
    equal(secrets, {"root": b"correct horse", "swap": bytes(range(32))}, "... and its secrets")
    entry = os.urandom(32)
    guest, other, text = rescue.Guest(entry), rescue.Guest(entry), None
    text = guest.challenge([{"volume": "root", "failed": "yes"}])
    message = rescue.answer(text, key, "unlock", {"root": b"secret"}, entry, volume="root")
    public = [rescue.raw(key.public_key())]
    equal(guest.open(text, message, public)[1], {"root": b"secret"}, "an owner and a guest")
    ok(refused(other.open, text, message, public), "... and no other boot")
    ok(refused(guest.open, guest.challenge(), message, public), "... no other challenge")
    ok(refused(guest.open, text, message, [rescue.raw(Ed25519PrivateKey.generate().public_key())]), "... no other key")
    ok(refused(rescue.verify, rescue.Guest(os.urandom(32)).challenge(), entry), "a host that exchanges E is seen")
    host = rescue.Guest(entry)
    message = rescue.answer(text, key, "unlock", {"root": b"secret"}, entry, volume="root", public=host.public)
    host.shared = guest.shared
    equal(host.open(text, message, public)[1], {"root": b"secret"},
          "control: who seals to the host's E, and gives K away, has told the host")


if __name__ == "__main__":
    hpke()
    keys()
    lines()
    manual()
    challenge()
    answers()
    sys.exit(done())
