# SPDX-License-Identifier: GPL-2.0-or-later
"""The disks of the hostile host: its own root, a plain file system whose init says ATTACKER ROOT, behind LUKS2
headers that it has forged, or beside the real root under the same name.

All headers are self-consistent: only what is named is changed, in both copies unless said otherwise, and the
checksums are right. Where the owner's key is needed, the header was made with it, as the host's copy of the
owner's own header would be."""

import hashlib
import json
import os
import struct

from . import cache, disk, lvm, table, tree

COPY = 16384                    # one copy of the header: 4096 bytes of binary header, then JSON
CHECKSUM = slice(448, 512)
STRIPES = 4000
RECIPE = 1
SOURCE = os.path.join(tree.GUEST_FILES, "attacker.c")
OS_RELEASE = 'ID=attacker\nPRETTY_NAME="the root of the hostile host"\n'
ATTACKERS_KEY = table.secret("attacker")


# the attacker's root

def init():
    """A static program that says ATTACKER ROOT, built in the guest's build tree."""
    def build(tmp):
        os.mkdir(tmp + "/src")
        cache.run(["cp", SOURCE, tmp + "/src"])
        tree.enter(tree.trees("d12") + "/build", "cd /mnt && gcc -O2 -Wall -Wextra -static -s -o init attacker.c",
                   [(tmp + "/src", "/mnt")])
        os.rename(tmp + "/src/init", tmp + "/init")
    return cache.item("attacker", cache.key(tree.trees("d12"), tree.read(SOURCE), RECIPE), build) + "/init"


def root_tree(top):
    """The directory of a root that systemd's switch-root takes for an operating system."""
    for name in "dev proc sys run tmp sbin etc usr/lib usr/bin var".split():
        os.makedirs(f"{top}/{name}")
    cache.run(["cp", init(), top + "/sbin/init"])
    disk.write(top + "/etc/os-release", OS_RELEASE)


def attackers_ext4(tmp, image, *options):
    root_tree(tmp + "/attacker")
    cache.run(["mkfs.ext4", "-q", "-F", "-m", "0", *options, "-d", tmp + "/attacker", image, "8M"])
    cache.remove(tmp + "/attacker")


# headers

def text_of(header):
    return bytes(header[4096:]).split(b"\0", 1)[0].decode()


def set_text(header, text):
    header[4096:] = text.encode().ljust(COPY - 4096, b"\0")


def seal(header):
    header[CHECKSUM] = bytes(64)
    header[CHECKSUM] = hashlib.sha256(header).digest() + bytes(32)


def forge(path, change):
    """change(first, second) on the two copies of the header of an image, which get right checksums."""
    with open(path, "r+b") as f:
        copies = [bytearray(f.read(COPY)) for _ in range(2)]
        for broken in change(*copies) or ():
            copies[broken][CHECKSUM] = bytes(64)
        f.seek(0)
        f.write(b"".join(copies))


def in_json(edit):
    """A change of the JSON, in both copies."""
    def change(first, second):
        for header in (first, second):
            found = json.loads(text_of(header))
            edit(found)
            set_text(header, json.dumps(found, separators=(",", ":")))
            seal(header)
    return change


def segment(**fields):
    def edit(found):
        found["segments"]["0"].update(fields)
    return in_json(edit)


def bare_linear(found):
    found["segments"]["0"] = {k: found["segments"]["0"][k] for k in ("offset", "size")} | {"type": "linear"}


def second_newer(first, second):
    """Only the second copy is forged, and it is the newer one: libcryptsetup repairs the first from it."""
    found = json.loads(text_of(second))
    found["segments"]["0"]["encryption"] = "cipher_null-ecb"
    set_text(second, json.dumps(found, separators=(",", ":")))
    struct.pack_into(">Q", second, 16, struct.unpack_from(">Q", second, 16)[0] + 5)
    seal(second)


def first_broken(first, second):
    second_newer(first, second)
    return [0]


def kdf(**fields):
    def edit(found):
        found["keyslots"]["0"]["kdf"].update(fields)
    return in_json(edit)


def memory_bomb(found):
    old = found["keyslots"]["0"]["kdf"]
    found["keyslots"]["0"]["kdf"] = {"type": "argon2id", "time": 4, "memory": 4 << 20, "cpus": 4, "salt": old["salt"]}


FORGED = {
    "null-segment": segment(encryption="cipher_null-ecb"),
    "linear": in_json(bare_linear),
    "linear-dressed": segment(type="linear"),
    "unknown-type": segment(type="foo"),
    # What no kernel can map: the recipe goes on without a mapping.
    "unopenable": segment(encryption="aes-xts-plain65"),
    "second-newer": second_newer,
    "first-broken": first_broken,
    "iteration-bomb": kdf(iterations=1 << 31),
    "memory-bomb": in_json(memory_bomb),
    "slow": kdf(iterations=9000000),    # below the cap, but more than a short deadline allows
}


def forged(name):
    """A disk with the owner's key and UUID, one forgery in its header, and the attacker's root in the clear."""
    def build(tmp):
        formatted(tmp + "/disk", tmp, disk.ROOT_UUID, table.secret("root"))
        attackers_ext4(tmp, tmp + "/root")
        with open(tmp + "/root", "rb") as f, open(tmp + "/disk", "r+b") as out:
            out.seek(disk.HEADER)
            out.write(f.read())
        os.unlink(tmp + "/root")
        forge(tmp + "/disk", FORGED[name])
    return item("forged-" + name, build)


def item(name, build, *parts):
    """The disk file of a cached attack; parts: what it is made of besides this file."""
    return cache.item("attack", cache.key(name, tree.read(__file__), tree.read(SOURCE), RECIPE, *parts), build,
                      f"the attack disk {name}") + "/disk"


def formatted(image, tmp, uuid, key):
    """An empty LUKS2 disk of 24 MiB."""
    with open(image, "wb") as f:
        f.truncate(24 << 20)
    cache.run(["cryptsetup", "luksFormat", "--batch-mode", "--type", "luks2", "--cipher", "aes-xts-plain64",
               "--key-size", "512", "--uuid", uuid, "--sector-size", "512", *disk.PBKDF, "--key-file",
               disk.with_file(tmp, "key", key), image])
    os.unlink(tmp + "/key")


def encrypted(image, tmp, uuid, key):
    """The attacker's root, really encrypted, under a key of the attacker."""
    attackers_ext4(tmp, image)
    disk.encrypt(tmp, key, image, uuid)


# a keyslot that any key opens

def diffuse(block):
    out, pos = b"", 0
    while pos < len(block):
        part = block[pos:pos + 32]
        out += hashlib.sha256(struct.pack(">I", pos // 32) + part).digest()[:len(part)]
        pos += 32
    return out


def split(key):
    """The anti-forensic split of LUKS1 with SHA-256, its random stripes all zero."""
    state = bytes(len(key))
    for _ in range(STRIPES - 1):
        state = diffuse(state)
    return bytes(len(key) * (STRIPES - 1)) + bytes(a ^ b for a, b in zip(state, key))


def null_keyslot():
    """The attacker's root under a volume key of its own, which a keyslot holds in the clear: any key opens it.
    All else is in order: aes-xts-plain64 in the segment, a right digest."""
    def build(tmp):
        image = tmp + "/disk"
        encrypted(image, tmp, disk.ROOT_UUID, ATTACKERS_KEY)
        key, places = disk.volume_key(image, ATTACKERS_KEY), []

        def edit(found):
            area = found["keyslots"]["0"]["area"]
            area["encryption"] = "cipher_null-ecb"
            places.append(int(area["offset"]))
        forge(image, in_json(edit))
        with open(image, "r+b") as f:
            f.seek(places[0])
            f.write(split(key))
    return item("null-keyslot", build)


def foreign():
    """A LUKS2 disk with the root's UUID, and with another key."""
    return item("foreign", lambda tmp: encrypted(tmp + "/disk", tmp, disk.ROOT_UUID, ATTACKERS_KEY))


def same_secret():
    """The attacker's root, encrypted under the secret that the guest gets: the disk of a false broker, or of whoever
    has come to know the secret. It has the UUID of the real one."""
    return item("same-secret", lambda tmp: encrypted(tmp + "/disk", tmp, disk.ROOT_UUID, table.secret("root")))


def btrfs_twin():
    """A plain btrfs with the identifier of the real root's, a device of its own and a higher generation: the kernel
    reads the trees from the newest device that it knows of this identifier, whatever device is mounted."""
    def build(tmp):
        root_tree(tmp + "/attacker")
        tools = tree.trees("d12") + "/root"
        disk.make_btrfs(tools, tmp + "/attacker", tmp + "/disk", 128)
        tree.enter(tools, "for n in $(seq 20); do btrfs filesystem label /mnt/disk lab-root; done", [(tmp, "/mnt")])
        cache.remove(tmp + "/attacker")
    return item("btrfs-twin", build, tree.trees("d12"))


def twin():
    """A plain disk with the file system UUID and the label of the real root."""
    return item("twin", lambda tmp: attackers_ext4(tmp, tmp + "/disk", "-U", disk.ROOT_FS_UUID, "-L", "lab-root"))


def lvm_twin():
    """A plain disk with LVM's names of the real root."""
    def build(tmp):
        attackers_ext4(tmp, tmp + "/plain")
        lvm.physical_volume("d12", tmp + "/plain", tmp + "/disk", None)
        os.unlink(tmp + "/plain")
    return item("lvm-twin", build, tree.trees("d12"), tree.read(lvm.__file__))
