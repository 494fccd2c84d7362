# SPDX-License-Identifier: GPL-2.0-or-later
"""LUKS2 headers as bytes: taken apart, changed, and put together again with good checksums; and the few parts of
the format that a forger needs, the anti-forensic split and the digest.

Format facts: LUKS2 On-Disk Format Specification 1.1, 2.1 (binary header), 2.4 and 3 (areas, JSON);
LUKS1 On-Disk Format Specification 1.2.3, 2.4 (anti-forensic information splitter)."""

import base64
import hashlib
import json
import os
import subprocess

COPY = 16384
BINARY = 4096
HEADERS = 2 * COPY
# Fields of the binary header.
HDR_SIZE, SEQID, LABEL, CHECKSUM_ALG, SALT, UUID, SUBSYSTEM, HDR_OFFSET = 8, 16, 24, 72, 104, 168, 208, 256
PADDING, CHECKSUM, PADDING_4096 = 264, 448, 512
STRIPES = 4000


def be64(value):
    return value.to_bytes(8, "big")


class Copy(bytearray):
    """One of the two copies of a header."""

    def put(self, offset, data):
        self[offset:offset + len(data)] = data

    def checksum(self):
        bare = bytearray(self)
        bare[CHECKSUM:CHECKSUM + 64] = bytes(64)
        name = bytes(self[CHECKSUM_ALG:CHECKSUM_ALG + 32]).split(b"\0")[0].decode()
        return hashlib.new(name, bare).digest().ljust(64, b"\0")

    def seal(self):
        self[CHECKSUM:CHECKSUM + 64] = self.checksum()

    def sealed(self):
        return self[CHECKSUM:CHECKSUM + 64] == self.checksum()

    @property
    def text(self):
        return bytes(self[BINARY:]).split(b"\0", 1)[0].decode()

    @text.setter
    def text(self, text):
        data = text.encode("latin-1")
        assert len(data) <= len(self) - BINARY, "the text does not fit"
        self[BINARY:] = data.ljust(len(self) - BINARY, b"\0")


class Image:
    """A disk with a LUKS2 header. A change of the tree or the text goes to both copies."""

    def __init__(self, data):
        self.first, self.second, self.rest = Copy(data[:COPY]), Copy(data[COPY:HEADERS]), bytearray(data[HEADERS:])
        self.copies = (self.first, self.second)

    @property
    def text(self):
        return self.first.text

    @text.setter
    def text(self, text):
        for copy in self.copies:
            copy.text = text

    @property
    def tree(self):
        return json.loads(self.text)

    @tree.setter
    def tree(self, tree):
        self.text = dump(tree)

    def put(self, offset, data):
        """The same bytes to both binary headers."""
        for copy in self.copies:
            copy.put(offset, data)

    def put_area(self, offset, data):
        """Bytes behind the headers; the offset is that on the disk."""
        self.rest[offset - HEADERS:offset - HEADERS + len(data)] = data

    def get_area(self, offset, size):
        return bytes(self.rest[offset - HEADERS:offset - HEADERS + size])

    def seal(self):
        for copy in self.copies:
            copy.seal()

    def bytes(self):
        return bytes(self.first) + bytes(self.second) + bytes(self.rest)


def dump(tree):
    return json.dumps(tree, separators=(",", ":"))


def b64(data):
    return base64.b64encode(data).decode()


def digest_of(volume_key, salt, iterations, name="sha256"):
    """What a digest object of type pbkdf2 says of a volume key."""
    return hashlib.pbkdf2_hmac(name, volume_key, salt, iterations)


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def diffuse(block, name):
    size = hashlib.new(name).digest_size
    parts = [block[i:i + size] for i in range(0, len(block), size)]
    return b"".join(hashlib.new(name, n.to_bytes(4, "big") + part).digest()[:len(part)]
                    for n, part in enumerate(parts))


def af_split(key, name="sha256", random=os.urandom):
    """The anti-forensic split of a key: what a keyslot area holds once decrypted."""
    stripes, block = [], bytes(len(key))
    for _ in range(STRIPES - 1):
        stripes.append(random(len(key)))
        block = diffuse(xor(block, stripes[-1]), name)
    return b"".join(stripes) + xor(block, key)


def af_merge(area, size, name="sha256"):
    block = bytes(size)
    for i in range(STRIPES - 1):
        block = diffuse(xor(block, area[i * size:(i + 1) * size]), name)
    return xor(block, area[(STRIPES - 1) * size:STRIPES * size])


def cryptsetup(*arguments, program="cryptsetup"):
    """Run cryptsetup rootless, with no benchmark and no lock; returns what it prints."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run([program, "--batch-mode", "--disable-locks", *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C", "PATH": path})
    if done.returncode:
        raise RuntimeError(f"cryptsetup {' '.join(map(str, arguments))}: exit {done.returncode}: {done.stdout}")
    return done.stdout
