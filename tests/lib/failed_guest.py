#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""failed_guest.py - a guest that has failed, for tests of coco-secret: makes challenges, and opens answers.

    failed_guest.py make STATE [ENTRY] [NAME=VALUE]...  a challenge, as lines on standard output; ENTRY: a file with
                                                        the rescue entry. NAME is a field of the challenge, or of a
                                                        volume: of the one that a volume= before it has begun
    failed_guest.py open STATE ANSWER PUBLIC            what the answer says, as JSON; PUBLIC: as RescueKey= has it
    failed_guest.py flip FILE BIT                       the challenge with one bit changed, its lines in order again
    failed_guest.py public PEM                          the public half of a key, as RescueKey= has it

What it knows of the formats and the cryptography is rescue.py's, the second implementation."""
import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
import rescue

VOLUME = {"volume": "root", "secret": "736869e5-84f0-4973-92ec-06879ce3da0b", "device": "/dev/vda",
          "uuid": "aaaaaaaa-0000-4000-8000-00000000000b", "header": "accepted", "failed": "yes"}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def show(message):
    print("\n".join(rescue.lines("CHALLENGE", message)))


def make(state, *words):
    entry, fields, volumes = None, {"reason": "the secret opens no keyslot"}, []
    for word in words:
        name, equal, value = word.partition("=")
        if not equal:
            entry = read(word)
        elif name == "volume":
            volumes.append(dict(VOLUME, volume=value))
        elif name in VOLUME:
            volumes = volumes or [dict(VOLUME)]
            volumes[-1][name] = value
        else:
            fields[name] = value
    for name in "actions", "configuration":
        if name in fields:
            fields[name] = fields[name].split() if name == "actions" else bytes.fromhex(fields[name])
    guest = rescue.Guest(entry)
    text = guest.challenge(volumes or [VOLUME], **{"actions": ("unlock", "reboot", "poweroff"), **fields})
    with open(state, "w", encoding="ascii") as file:
        json.dump({"private": guest.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex(),
                   "nonce": guest.nonce.hex(), "entry": entry and entry.hex(), "challenge": text.hex()}, file)
    show(text)


def open_answer(state, path, public):
    known = {name: bytes.fromhex(value or "") for name, value in json.loads(read(state)).items()}
    text = read(path).decode("ascii")
    (message,) = rescue.messages("ANSWER", text)
    assert text.splitlines() == rescue.lines("ANSWER", message), "it is not written as it has to be"
    guest = rescue.Guest(known["entry"], X25519PrivateKey.from_private_bytes(known["private"]), known["nonce"])
    try:
        fields, secrets = guest.open(known["challenge"], message, [base64.b64decode(public)])
    except rescue.Refused as why:
        sys.exit(str(why))
    print(json.dumps(dict(fields, secrets={name: value.hex() for name, value in secrets.items()})))


def flip(path, bit):
    (message,) = rescue.messages("CHALLENGE", read(path).decode("ascii"))
    changed = bytearray(message)
    changed[int(bit) // 8] ^= 1 << int(bit) % 8
    show(bytes(changed))


def public_key(path):
    print(base64.b64encode(rescue.raw(load_pem_private_key(read(path), None).public_key())).decode())


if __name__ == "__main__":
    {"make": make, "open": open_answer, "flip": flip, "public": public_key}[sys.argv[1]](*sys.argv[2:])
