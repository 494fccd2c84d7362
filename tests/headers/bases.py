# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks that mutants are made from: small LUKS2 volumes by cryptsetup, rootless. Data begin at 1 MiB; the
sector size is forced to 512, because on a file cryptsetup may choose 4096."""

import os
import struct

from luks2 import HEADERS, Image, cryptsetup

DATA = 1 << 20          # where data begin, and how many there are
KDF = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
ARGON2 = ["--pbkdf-memory", "32", "--pbkdf-parallel", "1", "--pbkdf-force-iterations", "4"]
UUID = "5c0c0a7e-0009-4000-8000-000000000001"


class Base:
    """The bytes of a disk, and its volume key."""

    def __init__(self, data, volume_key):
        self.data, self.volume_key = data, volume_key


def tidy(data):
    """Zeros in the place of what cryptsetup has left behind the headers and between keyslots: images stay sparse."""
    image = Image(data)
    bare = bytearray(data[:HEADERS].ljust(DATA, b"\0"))
    for slot in image.tree["keyslots"].values():
        begin, size = int(slot["area"]["offset"]), int(slot["area"]["size"])
        bare[begin:begin + size] = data[begin:begin + size]
    return bytes(bare) + data[DATA:]


class Bases:
    """Makes each base once, when it is asked for. `key` is the passphrase, `content` what is encrypted."""

    def __init__(self, directory, key, content=b""):
        assert len(content) <= DATA
        self.directory, self.content = directory, content
        self.keyfile, self.other = self.path("key"), self.path("other-key")
        self.write(self.keyfile, key)
        self.write(self.other, key + b" and another one")
        self.made = {}

    def path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def write(path, data):
        with open(path, "wb") as f:
            f.write(data)

    def __getitem__(self, name):
        if name not in self.made:
            path = self.path("base-" + name)
            getattr(self, "make_" + ("size" if name in ("64", "32") else name))(path, name)
            self.made[name] = Base(tidy(self.read(path)[:2 * DATA]), self.volume_key(path))
            os.unlink(path)
        return self.made[name]

    @staticmethod
    def read(path):
        with open(path, "rb") as f:
            return f.read()

    def volume_key(self, path):
        target = path + ".volume-key"
        cryptsetup("luksDump", "--dump-volume-key", "--volume-key-file", target, "--key-file", self.keyfile, path)
        key = self.read(target)
        os.unlink(target)
        return key

    def make_size(self, path, name):
        """Encrypted in place, so that what is behind the header is known without a mapping."""
        self.write(path, self.content.ljust(3 * DATA, b"\0"))
        cryptsetup("reencrypt", "--encrypt", "--reduce-device-size", 2 * DATA, "--luks2-metadata-size", "16k",
                   "--force-offline-reencrypt", "--sector-size", "512", "--cipher", "aes-xts-plain64", "--key-size",
                   int(name) * 8, "--uuid", UUID, *KDF, "--key-file", self.keyfile, path)

    def changed_copy(self, path, *arguments):
        self.write(path, self["64"].data)
        cryptsetup(*arguments, "--key-file", self.keyfile, path)

    def make_argon2id(self, path, name):
        self.changed_copy(path, "luksConvertKey", "--pbkdf", name, *ARGON2)

    make_argon2i = make_argon2id

    def make_sha512(self, path, _):
        self.changed_copy(path, "luksConvertKey", "--hash", "sha512", *KDF)

    def make_two(self, path, _):
        self.write(path, self["64"].data)
        cryptsetup("luksAddKey", *KDF, "--key-file", self.keyfile, path, self.other)

    def make_changed(self, path, _):
        """A key was changed, and changed back: other keyslot, other area, higher seqid."""
        self.write(path, self["64"].data)
        for old, new in ((self.keyfile, self.other), (self.other, self.keyfile)):
            cryptsetup("luksChangeKey", *KDF, "--key-file", old, path, new)

    def make_unbound(self, path, _):
        """With a keyslot for a key of 96 bytes that stands for no segment."""
        self.write(path, self["64"].data)
        cryptsetup("luksAddKey", "--unbound", "--key-size", 768, *KDF, path, self.keyfile)

    def make_integrity(self, path, _):
        """That keyslot is all there is, and stands for a segment with integrity; behind it is an empty volume of
        dm-integrity. luksFormat --integrity would need device-mapper."""
        image = Image(self["unbound"].data)
        tree = image.tree
        tree["keyslots"] = {"0": tree["keyslots"]["1"]}
        tree["digests"] = {"0": dict(tree["digests"]["1"], keyslots=["0"], segments=["0"])}
        tree["segments"]["0"]["integrity"] = {"type": "hmac(sha256)", "journal_encryption": "none",
                                              "journal_integrity": "none"}
        image.tree = tree
        image.seal()
        self.write(path, (image.bytes()[:DATA] + integrity_superblock(512)).ljust(2 * DATA, b"\0"))


def integrity_superblock(sectors):
    """Linux, drivers/md/dm-integrity.c, struct superblock: magic, version, log2 of the sectors between tags, tag size,
    journal sections, sectors of data, and zeros."""
    return struct.pack("<8sBBHIQ", b"integrt", 1, 9, 32, 1, sectors)
