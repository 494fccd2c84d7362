# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages of a rescue once more, apart from src/rescue, by coco-unlock-rescue(7): so that a test has a second
opinion, and can play a guest, an owner or a host.

Needs Debian's own python3, which finds python3-cryptography. Not for real secrets."""

import base64
import hashlib
import hmac
import os
import re

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ACTIONS = "unlock", "fetch", "reboot", "poweroff"
KINDS = "CHALLENGE", "ANSWER"
PSK_ID, SIGNED = b"coco-unlock-rescue-1", b"coco-unlock-answer-1\0"


class Refused(Exception):
    """It is not what it has to be; the text says what is wrong."""


def sha256(data):
    return hashlib.sha256(data).digest()


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


# Lines.

def lines(kind, message):
    """The message as lines, with its marks."""
    total = -(-len(message) // 36)
    out = [f"-----BEGIN COCO-UNLOCK {kind}-----"]
    for n in range(total):
        text = f"{n + 1:03}/{total:03} " + base64.b64encode(message[36 * n:36 * n + 36]).decode()
        out.append(text + " " + sha256(text.encode()).hex()[:7])
    return out + [f"-----END COCO-UNLOCK {kind}-----"]


def messages(kind, text):
    """All whole messages of this kind in a text, such as a console's log; lines may be doubled and in any order."""
    found, parts = [], None
    for line in re.sub(r"\x1b\[[0-9;?]*[@-~]", "", text).splitlines():
        line = line.strip()
        match = re.fullmatch(r"((\d{3})/(\d{3}) ([A-Za-z0-9+/]+=*)) ([0-9a-f]{7})", line)
        if line == f"-----BEGIN COCO-UNLOCK {kind}-----":
            parts = {}
        elif line == f"-----END COCO-UNLOCK {kind}-----":
            if parts and len(parts) == max(total for total, _ in parts.values()):
                found.append(b"".join(parts[n][1] for n in sorted(parts)))
            parts = None
        elif match and parts is not None and sha256(match[1].encode()).hex()[:7] == match[5]:
            parts[int(match[2])] = int(match[3]), base64.b64decode(match[4], validate=True)
    return found


# Keys.

def hkdf_extract(salt, key):
    return hmac.digest(salt or bytes(32), key, "sha256")


def hkdf_expand(prk, info, size):
    assert size <= 32
    return hmac.digest(prk, info + b"\1", "sha256")[:size]


def shared(entry, public, nonce):
    """K of R, E and b."""
    return hkdf_expand(hkdf_extract(nonce, entry), b"coco-unlock-rescue-1 key\0" + public, 32)


def hpke(sealing, aead, dh, enc, public, psk, psk_id, info, aad, text):
    """RFC 9180, mode_psk, one message; aead: its number and class."""
    kem, suite = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01" + aead[0].to_bytes(2, "big")
    size = 16 if aead[0] == 1 else 32

    def extract(salt, name, label, key):
        return hkdf_extract(salt, b"HPKE-v1" + name + label + key)

    def expand(prk, name, label, context, length):
        return hkdf_expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + name + label + context, length)

    secret = expand(extract(b"", kem, b"eae_prk", dh), kem, b"shared_secret", enc + public, 32)
    context = b"\1" + extract(b"", suite, b"psk_id_hash", psk_id) + extract(b"", suite, b"info_hash", info)
    secret = extract(secret, suite, b"secret", psk)
    cipher = aead[1](expand(secret, suite, b"key", context, size))
    nonce = expand(secret, suite, b"base_nonce", context, 12)
    return (cipher.encrypt if sealing else cipher.decrypt)(nonce, text, aad)


def seal(public, psk, psk_id, info, aad, text, ephemeral=None, aead=(2, AESGCM)):
    ephemeral = ephemeral or X25519PrivateKey.generate()
    enc = raw(ephemeral.public_key())
    dh = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    return enc + hpke(True, aead, dh, enc, public, psk, psk_id, info, aad, text)


def unseal(private, psk, psk_id, info, aad, sealed, aead=(2, AESGCM)):
    dh = private.exchange(X25519PublicKey.from_public_bytes(sealed[:32]))
    try:
        return hpke(False, aead, dh, sealed[:32], raw(private.public_key()), psk, psk_id, info, aad, sealed[32:])
    except InvalidTag:
        raise Refused("it does not open") from None


# The guest.

class Guest:
    """A boot: its pair, its nonce, and K if it has a rescue entry."""

    def __init__(self, entry=None, private=None, nonce=None):
        self.private = private or X25519PrivateKey.generate()
        self.public, self.nonce = raw(self.private.public_key()), nonce or os.urandom(32)
        self.shared = shared(entry, self.public, self.nonce) if entry else None

    def challenge(self, volumes=(), actions=ACTIONS, code=2, code_name="secret-refused", reason="why", no_secret="",
                  boot_id="0f7a0c6e-5d1b-4b0e-9a53-3a6ad7a9c001", configuration=bytes(32), nonce=None):
        """volumes: dictionaries."""
        fields = [("coco-unlock-challenge", "1"), ("key", self.public.hex() if self.shared else ""),
                  ("boot-nonce", self.nonce.hex() if self.shared else ""), ("nonce", (nonce or os.urandom(32)).hex()),
                  ("boot-id", boot_id), ("configuration", configuration.hex()), ("actions", " ".join(actions)),
                  ("code", code), ("code-name", code_name), ("reason", reason), ("no-secret", no_secret)]
        for volume in volumes:
            fields += [(name, volume.get(name, "no" if name == "failed" else ""))
                       for name in ("volume", "secret", "device", "uuid", "header", "failed")]
        text = "".join(f"{name}={value}\n" for name, value in fields).encode()
        last = hmac.new(self.shared, text, "sha256") if self.shared else hashlib.sha256(text)
        return text + f"{'mac' if self.shared else 'sum'}={last.hexdigest()}\n".encode()

    def open(self, challenge, message, keys):
        """What an answer says: its header as a dictionary, and the secrets. keys: public ones, of 32 bytes."""
        return check(challenge, message, keys, self)


def check(challenge, message, keys, guest=None):
    front, signature = message[:-64], message[-64:]
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, SIGNED + sha256(challenge) + sha256(front))
            break
        except InvalidSignature:
            continue
    else:
        raise Refused("nobody has signed it")
    names = "coco-unlock-answer", "action", "volume", "device", "keyslot", "sealed"
    *texts, sealed = front.split(b"\n", len(names))
    fields = dict(text.decode("ascii").split("=", 1) for text in texts)
    if tuple(fields) != names or fields["coco-unlock-answer"] != "1" or int(fields["sealed"]) != len(sealed):
        raise Refused("its header is not right")
    if not sealed or not guest:
        return fields, {}
    aad = front[:len(front) - len(sealed)]
    return fields, records(unseal(guest.private, guest.shared, PSK_ID, sha256(challenge), aad, sealed))


def records(text):
    found = {}
    while text[0]:
        name, text = text[1:1 + text[0]].decode("ascii"), text[1 + text[0]:]
        size = int.from_bytes(text[:2], "big")
        found[name], text = text[2:2 + size], text[2 + size:]
    if any(text):
        raise Refused("there is more behind the secrets")
    return found


# The owner.

def parse(challenge):
    """Fields that are there once; the rest is not for this side of a test."""
    return dict(line.split("=", 1) for line in challenge.decode("ascii").splitlines())


def verify(challenge, entry):
    """K, if the challenge is of a boot that has this rescue entry."""
    fields = parse(challenge)
    key = shared(entry, bytes.fromhex(fields["key"]), bytes.fromhex(fields["boot-nonce"]))
    if not hmac.compare_digest(hmac.new(key, challenge[:-69], "sha256").hexdigest(), fields["mac"]):
        raise Refused("the HMAC is of somebody else")
    return key


def answer(challenge, key, action, secrets=None, entry=None, volume="", device="", keyslot="", public=None):
    """key: the owner's, private. public: in the place of the challenge's E, for a host that exchanges it."""
    header = f"coco-unlock-answer=1\naction={action}\nvolume={volume}\ndevice={device}\nkeyslot={keyslot}\nsealed="
    if secrets:
        text = b"".join(bytes([len(name)]) + name.encode() + len(value).to_bytes(2, "big") + value
                        for name, value in secrets.items()) + b"\0"
        text += bytes(-len(text) % 128)
        fields = parse(challenge)
        header = f"{header}{32 + len(text) + 16}\n".encode()
        e = bytes.fromhex(fields["key"])
        message = header + seal(public or e, shared(entry, e, bytes.fromhex(fields["boot-nonce"])), PSK_ID,
                                sha256(challenge), header, text)
    else:
        message = f"{header}0\n".encode()
    return message + key.sign(SIGNED + sha256(challenge) + sha256(message))
