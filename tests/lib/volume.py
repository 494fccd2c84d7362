#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads LUKS2 volumes apart from libcryptsetup, so that a test has a second opinion.

    volume.py IMAGE OFFSET KEYFILE OUT     decrypts the volume at byte OFFSET of IMAGE, to its end or to
                                           the SIZE given as a fifth argument
    volume.py json IMAGE OFFSET            prints the header's JSON

Keyslots with PBKDF2 and AES-256-XTS only. AES itself comes from the openssl command line, in ECB mode;
the rest of XTS (IEEE 1619), the splitter and the header are done here, by the LUKS2 On-Disk Format
Specification 1.1."""

import base64
import hashlib
import json
import struct
import subprocess
import sys


def ecb(key, data, decrypt):
    mode = ["-d"] if decrypt else []
    # The key of a test, which nothing else uses: argv is good enough for it.
    return subprocess.run(["openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), *mode], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


def xor(a, b):
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")


def xts_decrypt(key, data, sector_size):
    numbers = b"".join(struct.pack("<QQ", i // 512, 0) for i in range(0, len(data), sector_size))
    first, tweaks, mask = ecb(key[32:], numbers, False), [], (1 << 128) - 1
    for i in range(0, len(first), 16):
        tweak = int.from_bytes(first[i:i + 16], "little")
        for _ in range(sector_size // 16):
            tweaks.append(tweak.to_bytes(16, "little"))
            tweak = tweak << 1 ^ (0x87 if tweak >> 127 else 0)
            tweak &= mask
    tweaks = b"".join(tweaks)
    return xor(ecb(key[:32], xor(data, tweaks), True), tweaks)


def diffuse(block, hash_name):
    size, out = hashlib.new(hash_name).digest_size, b""
    for i in range(0, len(block), size):
        part = block[i:i + size]
        out += hashlib.new(hash_name, struct.pack(">I", i // size) + part).digest()[:len(part)]
    return out


def merge(material, size, stripes, hash_name):
    last = bytes(size)
    for i in range(stripes - 1):
        last = diffuse(xor(last, material[i * size:(i + 1) * size]), hash_name)
    return xor(last, material[(stripes - 1) * size:stripes * size])


def read_json(f, offset):
    f.seek(offset)
    binary = f.read(4096)
    assert binary[:8] == b"LUKS\xba\xbe\x00\x02", "not LUKS2"
    return json.loads(f.read(struct.unpack(">Q", binary[8:16])[0] - 4096).rstrip(b"\0"))


def derive(kdf, secret, size):
    assert kdf["type"] == "pbkdf2", "PBKDF2 only"
    return hashlib.pbkdf2_hmac(kdf["hash"], secret, base64.b64decode(kdf["salt"]), kdf["iterations"], size)


def volume_key(f, offset, header, secret):
    digest = header["digests"]["0"]
    for slot in header["keyslots"].values():
        area, size = slot["area"], slot["key_size"]
        assert area["encryption"] == "aes-xts-plain64" and area["key_size"] == 64
        f.seek(offset + int(area["offset"]))
        material = f.read((size * slot["af"]["stripes"] + 511) // 512 * 512)
        material = xts_decrypt(derive(slot["kdf"], secret, 64), material, 512)
        key = merge(material, size, slot["af"]["stripes"], slot["af"]["hash"])
        found = derive(digest, key, len(base64.b64decode(digest["digest"])))
        if found == base64.b64decode(digest["digest"]):
            return key
    sys.exit("the secret opens no keyslot")


def main(args):
    if args[0] == "json":
        with open(args[1], "rb") as f:
            print(json.dumps(read_json(f, int(args[2])), indent=1, sort_keys=True))
        return
    with open(args[2], "rb") as f:
        secret = f.read()
    offset = int(args[1])
    with open(args[0], "rb") as f, open(args[3], "wb") as out:
        header = read_json(f, offset)
        segment = header["segments"]["0"]
        assert segment["encryption"] == "aes-xts-plain64" and segment["iv_tweak"] == "0"
        key = volume_key(f, offset, header, secret)
        f.seek(offset + int(segment["offset"]))
        out.write(xts_decrypt(key, f.read(int(args[4])) if len(args) > 4 else f.read(), segment["sector_size"]))


if __name__ == "__main__":
    main(sys.argv[1:])
