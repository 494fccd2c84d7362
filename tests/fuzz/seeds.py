#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds.py - writes seeds/TARGET/ anew, where the fuzz targets begin: small inputs, most of which are accepted.
Without it nobody would know what the binary ones are. What fuzzing has found is in crashes/, and not from here."""

import base64
import functools
import hashlib
import hmac
import json
import os
import struct
import subprocess
import uuid

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds")
LUKS_KEY, POLICY = "736869e5-84f0-4973-92ec-06879ce3da0b", "f2d7c5a0-8f0e-4f36-9a3c-6b1de5a7c914"
TABLE, DELETED = "1e74f542-71dd-4d66-963e-ef4287ff173b", "00000000-0000-0000-0000-000000000000"
LUKS_UUID = "5c0c0a7e-0009-4000-8000-000000000001"


def put(target, name, data):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as f:
        f.write(data.encode() if isinstance(data, str) else data)


# LUKS2 metadata: the choice of forge.h, then the text.

def keyslot(number, key_size=64, kdf=None, **more):
    return {"type": "luks2", "key_size": key_size, "af": {"type": "luks1", "stripes": 4000, "hash": "sha256"},
            "area": {"type": "raw", "offset": str(32768 + number * 393216),
                     "size": "258048" if key_size < 96 else "385024", "encryption": "aes-xts-plain64", "key_size": 64},
            "kdf": kdf or {"type": "pbkdf2", "hash": "sha256", "iterations": 1000, "salt": "w" * 43 + "="}, **more}


def header(keyslots, **more):
    return {"keyslots": {str(i): slot for i, slot in enumerate(keyslots)}, "tokens": {},
            "segments": {"0": {"type": "crypt", "offset": "16777216", "size": "dynamic", "iv_tweak": "0",
                               "encryption": "aes-xts-plain64", "sector_size": 512}},
            "digests": {"0": {"type": "pbkdf2", "keyslots": [str(i) for i in range(len(keyslots))], "segments": ["0"],
                              "hash": "sha256", "iterations": 1000, "salt": "d" * 43 + "=", "digest": "y" * 43 + "="}},
            "config": {"json_size": "12288", "keyslots_size": "16744448"}, **more}


def policy():
    argon2 = {"type": "argon2id", "time": 4, "memory": 32, "cpus": 1, "salt": "w" * 43 + "="}

    def one(name, tree, choice="@"):
        put("policy", name, choice + json.dumps(tree, separators=(",", ":")))

    one("pbkdf2", header([keyslot(0)]))
    one("argon2id", header([keyslot(0, kdf=argon2)]))
    one("argon2i-preferred", header([keyslot(0, kdf=dict(argon2, type="argon2i"), priority=2), keyslot(1)]))
    one("four-keyslots", header([keyslot(i, key_size=32) for i in range(4)]))
    tree = header([keyslot(0)])
    tree["digests"]["0"].update(hash="sha512", digest="y" * 86 + "==")
    tree["keyslots"]["0"]["af"]["hash"] = tree["keyslots"]["0"]["kdf"]["hash"] = "sha512"
    tree["segments"]["0"]["sector_size"] = 4096
    tree["config"]["flags"] = ["allow-discards"]
    one("sha512-discards", tree)
    tree = header([keyslot(0, key_size=96)])
    tree["segments"]["0"]["integrity"] = {"type": "hmac(sha256)", "journal_encryption": "none",
                                          "journal_integrity": "none"}
    one("integrity", tree, "A")
    tree = header([keyslot(0)], tokens={
        "0": {"type": "systemd-tpm2", "keyslots": ["0"], "tpm2-blob": "AAAA", "tpm2-pcrs": [7]},
        "1": {"type": "coco-test", "keyslots": []}})
    one("tokens", tree, "B")
    tree = header([keyslot(0)])
    tree["segments"]["0"]["encryption"] = "serpent-xts-plain64"
    one("second-cipher", tree, "D")
    tree = header([keyslot(0)])
    tree["segments"]["0"]["offset"] = "1048576"
    tree["config"]["keyslots_size"] = "1015808"
    one("small-disk", tree, "H")
    tree = header([keyslot(0)], segments={"0": {"type": "linear", "offset": "16777216", "size": "dynamic"}})
    one("linear", tree)
    tree = header([keyslot(0)])
    tree["config"]["requirements"] = {"mandatory": ["online-reencrypt-v2"]}
    one("reencryption", tree)
    tree["segments"]["0"]["flags"] = ["in-reencryption"]
    one("segment-flags", tree)
    tree = header([keyslot(i, key_size=32) for i in range(5)])
    one("five-keyslots", tree)
    for name, member, value, choice in (
            ("integrity-more", "segments/0/integrity/tag", 32, "A"), ("json-size", "config/json_size", "16384", "@"),
            ("two-flags", "config/flags", ["allow-discards", "no-journal"], "@"), ("no-tokens", "tokens", [], "@"),
            ("other-token", "tokens/32", {"type": "coco-test", "keyslots": []}, "B"),
            ("short-salt", "digests/0/salt", "AAAA", "@"), ("cost", "digests/0/iterations", 4294967295, "@"),
            ("unbound", "digests/0/keyslots", ["1"], "@"), ("few-iterations", "keyslots/0/kdf/iterations", 999, "@")):
        tree = header([keyslot(0, key_size=96 if choice == "A" else 64)])
        if choice == "A":
            tree["segments"]["0"]["integrity"] = {"type": "hmac(sha256)", "journal_encryption": "none",
                                                  "journal_integrity": "none"}
        *path, last = member.split("/")
        functools.reduce(dict.__getitem__, path, tree)[last] = value
        one(name, tree, choice)
    tree = header([dict(keyslot(0), area=dict(keyslot(0)["area"], offset="131072"))])
    tree["config"].update(json_size="61440", keyslots_size="16646144")
    one("large", tree, "P")
    one("large-of-small", header([keyslot(0)]), "P")
    put("policy", "behind", "@{}\0{}")
    put("jsontext", "header", json.dumps(header([keyslot(0)])))


def jsontext():
    for name, text in {
            "empty": "{}", "values": '{"a":1,"b":[true,false,null,-7,0],"c":{"d":"e"}}',
            "spaces": ' {\t"a" :\r\n[ ] } ',
            "escapes": '{"a":"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041"}', "twice": '{"a":1,"b":{"a":2},"a":3}',
            "deep": '{"a":' + "[" * 7 + "]" * 7 + "}", "too-deep": '{"a":' + "[" * 8 + "]" * 8 + "}",
            "big": '{"a":18446744073709551616}', "behind": '{"a":1} {}',
            "many": "{" + ",".join(f'"{i}":0' for i in range(257)) + "}"}.items():
        put("jsontext", name, text)


def binheader():
    put("binheader", "good", b"@")
    put("binheader", "label", b"A" + bytes.fromhex("2018 58"))              # both copies
    put("binheader", "salt", b"A" + bytes.fromhex("0068 00 8068 01"))       # one each
    put("binheader", "uuid", b"A" + bytes.fromhex("20a8 61 20a9 61"))
    put("binheader", "seqid-differs", b"A" + bytes.fromhex("8017 09"))
    put("binheader", "padding", b"A" + bytes.fromhex("2108 01"))
    put("binheader", "json", b"A" + bytes.fromhex("5002 20 d002 20"))
    put("binheader", "checksum", b"@" + bytes.fromhex("01c0 00"))


def texts():
    digest = "0123456789abcdef" * 4
    put("policy_entry", "one", "version=1\nvolume=root\nmin-generation=3\n")
    put("policy_entry", "all", f"version=1\nvolume=root\nuuid={LUKS_UUID}\nheader=sha256:{digest}\n"
        f"header=sha256:{digest}\nvolume-key=sha256:{digest}\nmin-generation=3\nset-generation=4\nvolume=data\n"
        f"fixate-volume-key={digest}\n")
    put("policy_entry", "with-image", f"version=1\nvolume=root\nheader=sha256:{digest}\nset-generation=2\n--\n"
        f"version=1\nvolume=root\nheader=sha256:{digest}\nmin-generation=4\nvolume=data\nuuid={LUKS_UUID}\n")
    put("policy_entry", "empty-volume", "version=1\nvolume=root\nvolume=data\nmin-generation=0\n")
    put("cocotab", "one", "root auto\n")
    put("cocotab", "all", "# volume device secret options\n\n"
        f"root UUID={LUKS_UUID} {LUKS_KEY} read-only,same-cpu-crypt,submit-from-crypt-cpus,allow-discards,root\n"
        "data\tPARTUUID=5C0C0A7E-01 - no-read-workqueue,no-write-workqueue,integrity=hmac-sha256\n"
        "swap LABEL=swap none token=systemd-tpm2,token=b\nmore /dev/disk/by-id/virtio-x\n")
    put("cocotab", "discards-integrity", "root auto - integrity=hmac-sha256,allow-discards\n")
    put("cocotab", "many", "".join(f"v{i} /dev/vd{i}\n" for i in range(17)))
    put("cocotab", "label-escapes", "root LABEL=my\\040root\nb LABEL=\"a \\\" b\\x20c\"\nc \"/dev/x y\"\n")
    put("cocotab", "uuids", "root UUID=aaaaaaaa-0000-4000-8000-00000000000a\nb PARTUUID=01234567-02\n")
    put("cocotab", "resources", "root auto kbs:///a/b-1/c_2.x\n")
    put("cocotab", "resource-entry", f"root /dev/vda kbs:///default/disk/root#{LUKS_KEY}\nb /dev/vdb -\n")
    put("cocotab", "resource-dots", "root auto kbs:///a/../c\n")
    put("cocotab", "twice", "root auto\nroot /dev/vda\n")
    put("ini", "all", "# all keys\n[Unlock]\nTimeout=90s\nRootTimeout = 2min\nFailureAction=reboot\n"
        f"KeepSecrets={LUKS_KEY} {POLICY}\nSecretModules=efi_secret coco_secret\n\n[Policy]\n"
        "Ciphers=aes-xts-plain64 serpent-xts-plain64\nRequirePolicyEntry=yes\nCheckCommandLine=no\n"
        "AllowWords=ip=* net.ifnames=1\n")
    put("ini", "kbs", "[Unlock]\nSources=kbs\n[Kbs]\nUrl=https://Broker.lan:8080/kbs/ https://[2001:db8::1]\n"
        "Host=broker.lan 192.0.2.1\nPin=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
        "Pin=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\nBrokerCA=/etc/ca.pem\n"
        "Resource=kbs:///a/b/c\nResourceFormat=secret\nEventLog=no\nVCEK=/v.der\nNics=virtio_net\nKeepNetwork=yes\n")
    put("ini", "kbs-urls", "[Kbs]\nUrl=https://192.0.2.1\nUrl=\nUrl=https://user@a/../b?c#d\n")
    put("ini", "sources", "[Unlock]\nSources=efi kbs\nKeepSecrets=\n")
    put("ini", "empties", "[Unlock]\nKeepSecrets=\nTimeout=1500ms\n[Policy]\nAllowWords=\n; end")
    put("ini", "null-cipher", "[Policy]\nCiphers=cipher_null-ecb-plain64\n")
    put("cmdline", "usual", "@BOOT_IMAGE=/vmlinuz root=/dev/mapper/root ro quiet console=ttyS0,115200 panic=5 "
        "coco_unlock.timeout=30 swiotlb=65536\n")
    put("cmdline", "words", "Aexact=1 prefix.anything=yes root=/dev/mapper/root\n")
    put("cmdline", "shell", "@quiet rdinit=/bin/sh rd.break root=/dev/sda1 coco_unlock.timeout=4711\n")
    put("cmdline", "quoted", '@console="tty0" quiet\\ x\n')
    put("mountinfo", "guest",
        "21 1 0:20 / / rw,relatime - rootfs rootfs rw\n22 21 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
        "36 21 254:0 / /sysroot ro,relatime shared:18 master:1 - ext4 /dev/mapper/root ro,errors=remount-ro\n"
        "37 36 0:40 /@usr /sysroot/usr\\040x rw - btrfs /dev/mapper/da\\134ta rw,subvol=/@usr\n")
    put("mountinfo", "cut", "1 0 0:1 / / rw - a b\n")
    put("mountinfo", "many", "1 1 1:1 / / r - a b c\n" * 1025)
    put("mountinfo", "covered", "1 0 0:1 / / rw - a b c\n2 1 8:1 / /x rw - a b c\n3 2 8:2 / /x rw - a b c\n"
        "4 3 8:3 / /x/y rw - a b c\n")
    volume = ("volume={}\nroot={}\nspec={}\ndevice=254:{}\nuuid=CRYPT-LUKS2-5c0c0a7e000940008000000000000001-root\n"
              "read-only=0\n"
              "target=0 2097152 crypt aes-xts-plain64 :64:logon:cryptsetup:5c0c0a7e-d0 0 254:16 32768\n"
              "min-generation={}\nset-generation=0\n")
    put("opened", "one", "version=1\n" + volume.format("root", 1, "-", 0, 18446744073709551615))
    put("opened", "two", "version=1\n" + volume.format("root", 1, "LABEL=my root", 0, 3)
        + volume.format("data", 0, "PARTUUID=5c0c0a7e-01", 1, 0))
    put("opened", "no-root",
        "version=1\n" + volume.format("data", 0, "UUID=5c0c0a7e-0001-4000-8000-000000000001", 1, 0))


# The secret table, and packets of it.

def guid(text):
    return uuid.UUID(text).bytes_le


def table(*entries, rest=b""):
    body = b"".join(guid(g) + struct.pack("<I", 20 + len(data)) + data for g, data in entries) + rest
    return guid(TABLE) + struct.pack("<I", 20 + len(body)) + body


def tables():
    one = table((LUKS_KEY, b"secret"))
    put("table", "empty", table())
    put("table", "one", one)
    put("table", "padded", one.ljust(48, b"\0"))
    put("table", "counted-padding", table((LUKS_KEY, b"secret"), rest=bytes(7)))
    put("table", "deleted", table((DELETED, bytes(4)), (POLICY, b"version=1\n"), (DELETED, b""), (LUKS_KEY, b"")))
    put("table", "twice", table((LUKS_KEY, b"a"), (LUKS_KEY, b"b")))
    put("table", "too-long", one[:16] + b"\xff\x00\x00\x00" + one[20:])
    put("table", "trailing", one + b"\x01")
    put("packet", "seal", b"@" + bytes(2) + one)
    put("packet", "flip", b"B" + b"\x00\x91" + one)
    put("packet", "open", b"A" + packet(one.ljust(48, b"\0")))
    put("packet", "forged", b"A" + bytes(52) + one.ljust(48, b"\0"))


def packet(plain):
    """The keys of packet.c; AMD SEV API, LAUNCH_SECRET."""
    iv = b"sixteen bytes..\0"
    payload = subprocess.run(["openssl", "enc", "-aes-128-ctr", "-K", (b"e" * 16).hex(), "-iv", iv.hex()], input=plain,
                             stdout=subprocess.PIPE, check=True).stdout
    front = bytes(4) + iv
    length = struct.pack("<I", len(plain))
    return front + hmac.digest(b"i" * 16, b"\x01" + front + 2 * length + payload + b"m" * 32, "sha256") + payload


def codec():
    text = "c2VjcmV0IGJ5dGVzIQ=="
    put("codec", "binary", b"\0" + bytes(range(256)))
    put("codec", "base64", "\0" + text + "\n")
    put("codec", "hex", "\0" + "00ff 1A2b\n3c\n")
    put("codec", "too-long", bytes(1) + bytes(16385))
    put("codec", "too-long-text", "\0" + "AAAA\n" * 5462)
    put("codec", "cut", "\0" + text[:-3])
    for way in (1, 2):
        put("codec", f"value-{way}-hex", bytes([way, 13]) + b"0123456789abcdef0123456789abcdef")
        put("codec", f"value-{way}-base64", bytes([way, 10]) + text.encode())
    put("codec", "value-2-raw", bytes([2, 13]) + b"sixteen bytes..\0")
    put("codec", "write-hex", bytes([3, 1]) + b"bytes\0")
    put("codec", "write-base64", bytes([3, 0]) + b"other bytes\xff")


def record(kind, data=b""):
    return data + struct.pack("<H", 18 + len(data)) + guid(kind)


def firmware():
    records = (record("0ea74f78-0000-0000-0000-000000000000", bytes(4)) +
               record("7255371f-3a3b-4b04-927b-1da6efa8d454", struct.pack("<II", 0x810c00, 0x400)) +
               record("4c2eb361-7d9b-4cc3-8081-127c90d3d294", struct.pack("<II", 0x810000, 0xc00)))

    def image(records):
        footer = struct.pack("<H", len(records) + 18) + guid("96b582de-1fb2-45f7-baea-a366c55a082d")
        return bytes(16) + records + footer + bytes(32)  # the reset vector

    put("firmware", "areas", image(records))
    put("firmware", "none", image(b""))
    put("firmware", "twice", image(records[-26:] * 2))
    put("launch", "firmware", b"\1\1" + image(records))
    put("launch", "firmware-all", b"\1\7" + image(records))
    put("launch", "firmware-vmsa", b"\1\x88" + image(records).rjust(4096, b"\0"))
    put("launch", "blob", b"\0\1\1\x33\7\1" + bytes(48))
    put("launch", "blob-other", b"\0\0\1\x33\7\1" + bytes(48))
    put("launch", "key", b"\2" + b"k" * 16)
    put("launch", "key-text", b"\2" + b"6b" * 16)
    put("launch", "number", b"\3\1" + b"0x0001F")
    put("launch", "number-ten", b"\3\0" + b"0255")


# A partition table: choice and number, record of the protective MBR, header, entries.

def gpt():
    def one(name, choice, places, size=128, total=128):
        sector = 4096 if choice & 1 else 512
        last = (2 << 20) // sector - 1
        mbr = struct.pack("<4s4sII", bytes(4), b"\xee" + bytes(3), 1, last)
        area = 32768 // sector
        head = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, last, 2 + area, last - 1 - area,
                           uuid.UUID(LUKS_UUID).bytes_le, 2, total, size, 0)
        entries = b""
        for i, (first, length) in enumerate(places):
            entry = struct.pack("<16s16sQQQ72s", guid("0fc63daf-8483-4772-8e79-3d69d8477de4"),
                                guid("11111111-0000-4000-8000-%012d" % i), first, max(first + length - 1, 0), 0,
                                f"name {i}".encode("utf-16-le"))
            entries += entry.ljust(size, b"\0") if first else bytes(size)
        put("gpt", name, bytes([choice, 1]) + mbr + head + entries)

    one("three", 0, [(1024, 256), (512, 128), (2048, 1024)])
    one("sectors-4096", 1, [(32, 64), (128, 256)])
    one("bad-primary", 2, [(512, 128)])
    one("bad-backup", 4, [(512, 128)])
    one("bad-both", 6, [(512, 128)])
    one("own-places", 16, [(0, 0), (512, 128)])
    one("overlap", 0, [(512, 128), (600, 128)])
    one("outside", 0, [(512, 1 << 20)])
    one("entries-256", 0, [(512, 128), (1024, 64)], size=256, total=128)


# A DOS partition table: is the disk large, which one grows, then the sector from byte 440 on.

def mbr():
    def one(name, large, which, *entries):
        table = b"".join(struct.pack("<B3sB3sII", flag, bytes(3), kind, bytes(3), start, length)
                         for flag, kind, start, length in entries)
        put("mbr", name, bytes([large, which]) + struct.pack("<IH", 0x5c0c0a7e, 0) + table.ljust(64, b"\0") +
            b"\x55\xaa")

    one("one", 0, 0, (0x80, 0x83, 2048, 65536))
    one("four", 0, 1, (0, 0xef, 2048, 2048), (0, 0x83, 40960, 8192), (0, 0x82, 8192, 4096), (0x80, 5, 65536, 8192))
    one("last", 1, 1, (0, 0x83, 2048, 2048), (0, 0x83, 0x80000000, 0x7fff0000))
    one("far", 1, 0, (0, 0x83, 2048, 2048), (0, 0x83, 0xfffff000, 2048))
    one("full", 1, 0, (0, 0x83, 2048, 0xffffffff))
    one("outside", 0, 0, (0, 0x83, 2048, 1 << 20))
    one("overlap", 0, 0, (0, 0x83, 2048, 4096), (0, 0x83, 4096, 4096))
    one("at-zero", 0, 0, (0, 0x83, 0, 4096))
    one("protective", 0, 0, (0, 0xee, 1, 131071))
    one("flag", 0, 0, (1, 0x83, 2048, 4096))


# What a guest shows to a key broker: reports, certificate tables, quotes, event logs, and frames of them.

VCEK, VLEK, ARK = (bytes.fromhex(text) for text in ("63da758de6644564adc5f4b93be8accd",
                                                    "a8074bc2a25a483eaae639c045a0b8a1",
                                                    "c0b406a4a803495297433fb6014cd0ae"))
DER = b"\x30\x81\x80" + bytes(range(128))


def certificate_table(*entries):
    at = 24 * len(entries) + 24
    head = body = b""
    for kind, data in entries:
        head += kind + struct.pack("<II", at + len(body), len(data))
        body += data
    return head + bytes(24) + body


def snp_report(version, family, model, chip=0x5a):
    report = bytearray((31 * i + 7) % 256 for i in range(1184))
    report[0:4], report[0x30:0x34] = struct.pack("<I", version), bytes(4)
    report[0x188:0x18b], report[0x1a0:0x1e0] = (family, model, 1), bytes([chip] * 64)
    return bytes(report)


def reports():
    put("certificates", "none", certificate_table())
    put("certificates", "vcek", certificate_table((VCEK, DER)))
    put("certificates", "three", certificate_table((ARK, b""), (VLEK, b"\x30\0"), (VCEK, DER)))
    put("certificates", "twice", certificate_table((VCEK, DER), (VCEK, DER)))
    put("certificates", "no-der", certificate_table((VCEK, DER + b"\0")))
    put("certificates", "no-end", VCEK + struct.pack("<II", 24, 2) + b"\x30\0")
    put("certificates", "most", certificate_table(*[(ARK, b"")] * 32))
    put("certificates", "too-many", certificate_table(*[(ARK, b"")] * 33))
    put("snp", "genoa", b"@" + snp_report(3, 0x19, 0x11))
    put("snp", "milan-table", b"@" + snp_report(4, 0x19, 1) + certificate_table((VCEK, DER), (VLEK, b"\x30\0")))
    put("snp", "turin-file", b"A" + snp_report(5, 0x1a, 2) + DER)
    put("snp", "hidden", b"@" + snp_report(5, 0x19, 0xa0, chip=0))
    put("snp", "old", b"@" + snp_report(2, 0x19, 0x11))
    put("snp", "unknown", b"@" + snp_report(3, 0x19, 0xaf))
    put("snp", "bad-table", b"@" + snp_report(3, 0x19, 0x11) + b"\1")


def event(index, kind, *digests, data=b""):
    return struct.pack("<III", index, kind, len(digests)) + b"".join(
        struct.pack("<H", algorithm) + digest for algorithm, digest in digests) + struct.pack("<I", len(data)) + data


def first_event(*algorithms, vendor=b""):
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(algorithms)) + b"".join(
        struct.pack("<HH", *one) for one in algorithms) + bytes([len(vendor)]) + vendor
    return struct.pack("<II20sI", 0, 3, b"", len(spec)) + spec


def quotes():
    sha384 = (0xc, b"\x11" * 48)
    one = first_event((0xc, 48)) + event(1, 4, sha384, data=b"\0\0\0\0")
    usual = one + event(0xffffffff, 3, sha384, data=b"a cloud's") + event(2, 0x80000003, sha384, data=b"loader") + \
        event(3, 0xd, sha384) + event(4, 6)
    both = first_event((4, 20), (0xc, 48), vendor=b"vendor") + event(2, 0x80000007, (4, bytes(20)), sha384)
    put("eventlog", "empty", first_event((0xc, 48)))
    put("eventlog", "usual", usual + b"\xff" * 16)
    put("eventlog", "zeros", one + bytes(9))
    put("eventlog", "two-algorithms", both)
    put("eventlog", "unknown-type", one + event(1, 0x13))
    put("eventlog", "unknown-algorithm", one + event(1, 4, (0xb, bytes(32))))
    put("eventlog", "two-ways", one + event(1, 3, sha384))
    put("eventlog", "cut", usual[:-9])

    def quote(version, size, front=b""):
        return struct.pack("<HHI40s", version, 2, 0x81, b"") + front + bytes(size) + struct.pack("<I", 5) + b"sign."

    def pair(choice, quote, log=b""):
        return choice + struct.pack("<H", len(quote)) + quote + log

    put("quote", "version-4", pair(b"@", quote(4, 584)))
    put("quote", "version-4-log", pair(b"A", quote(4, 584), usual + b"\xff" * 8))
    put("quote", "version-4-other-log", pair(b"@", quote(4, 584), usual))
    put("quote", "version-4-bad-log", pair(b"A", quote(4, 584), one + event(1, 0x13)))
    put("quote", "version-5", pair(b"A", quote(5, 584, struct.pack("<HI", 2, 584)), both))
    put("quote", "version-5-late", pair(b"@", quote(5, 648, struct.pack("<HI", 3, 648))))
    put("quote", "version-5-size", pair(b"@", quote(5, 648, struct.pack("<HI", 2, 648))))
    put("quote", "version-3", pair(b"@", quote(3, 584)))


def frame(kind, *fields):
    return struct.pack("<II", kind, len(fields)) + b"".join(struct.pack("<I", len(one)) + one for one in fields)


def frames():
    start = frame(1, b"snp", b"kbs.test", b"kbs.test:8080", b"", bytes(32), b"")
    put("frame", "start", start)
    put("frame", "evidence", frame(2, bytes(32), bytes(32), snp_report(3, 0x19, 0x11), b"", DER, b""))
    put("frame", "resource", frame(3, b"default/disk/root"))
    put("frame", "answer", frame(6, b"eyJ9", bytes(32), bytes(32), bytes(40), bytes(12), b"secret", bytes(16)))
    put("frame", "failed", frame(7, b"\x25", b"\1", b"\0", b"the connection has ended"))
    put("frame", "no-field", frame(5))
    put("frame", "stream", struct.pack("<I", len(start)) + start)
    put("frame", "cut", start[:-1])
    put("frame", "nine", frame(1, *[b""] * 9))


# What the guest's key is for: nonces, and an answer for the key that eckey.c has.

def eckey():
    def octets(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    header = json.dumps({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": {
        "x": "o0IMpyXctcw9RMVJH4b4Dheqn3CKEXfjpuBQT8snJb0", "crv": "P-256", "kty": "EC",
        "y": "MJL_1iVMkYocWPmXBYJPcC9cKYKva90K7aZikqYUMrw"}}, separators=(",", ":"))
    epk = json.loads(header)["epk"]
    fields = [base64.urlsafe_b64encode(header.encode()).rstrip(b"="), octets(epk["x"]), octets(epk["y"]),
              octets("OrJLm5qgeBJuPAG28s6dLyObHlsSWBoKXGfteuVkY9KX7OcPZXab8A"), octets("EWOI7SEPCuOilSi3"),
              octets("M_yNsidJfl1EQYXnIgnme7mUvBd5whI"), octets("A9Osaty2UcXm9oRYLYK34Q")]
    put("eckey", "answer", b"j" + frame(6, *fields))
    put("eckey", "answer-changed", b"j" + frame(6, *fields[:6], bytes(16)))
    put("eckey", "answer-no-point", b"j" + frame(6, fields[0], fields[2], *fields[2:]))
    put("eckey", "answer-short", b"j" + frame(6, *fields[:3], fields[3][:39], *fields[4:]))
    put("eckey", "nonce", b"nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    put("eckey", "nonce-escaped", b'n{"request_blob":"a/b\\"c"}')
    put("eckey", "nonce-long", b'n"' + b"\\" * 4095)
    put("eckey", "nonce-longer", b"n" + b"+" * 4097)
    put("eckey", "nonce-control", b"nAAEC\n")


def judge():
    put("judge", "accept", b"\0")
    put("judge", "refuse", b"\1")
    put("judge", "integrity", b"\2")
    put("judge", "short", b"\4")
    put("judge", "long", b"\10")
    put("judge", "changed", b"\0" + bytes.fromhex("0008 41 0030 42 0090 01 00a0 ff"))


# What a key broker answers, and the fields of its JWE.

def console_lines(kind, message):
    """A message as it is typed at a console."""
    parts = [message[i:i + 36] for i in range(0, len(message), 36)]
    lines = [f"-----BEGIN COCO-UNLOCK {kind}-----"]
    for i, part in enumerate(parts):
        line = f"{i + 1:03}/{len(parts):03} {base64.b64encode(part).decode()}"
        lines.append(f"{line} {hashlib.sha256(line.encode()).hexdigest()[:7]}")
    return lines + [f"-----END COCO-UNLOCK {kind}-----"]


def dialog():
    answer = console_lines("ANSWER", bytes(range(100)))
    put("dialog", "words", "Areport\rtimes\r\nchallenge\npoweroff\rreboot\r")
    put("dialog", "keys", "Crebox\x7fot\x15reboot \b\r\x1b[A\x1bOPreboot\r")
    put("dialog", "answer", "C" + "\r".join(answer) + "\r")
    put("dialog", "lost", "C" + "\r".join(answer[:1] + answer[2:] + answer[1:2] + answer[-1:]) + "\r")
    put("dialog", "no-answer", "@" + "\r".join(answer) + "\r")
    put("dialog", "ask", "Fchallenge\rchallenge 2\rchallenge 99\r" + "times\r" * 9)
    put("dialog", "long", "@" + "reboot".rjust(121) + "\rsecret\r" + "reboot".rjust(120) + "\r")


def http():
    head, five = "HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n\r\nhello"
    chunks = "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\n"
    put("http", "length", "C" + head + five)
    put("http", "chunks", "A" + head + chunks)
    put("http", "three", "B" + head + five + head + chunks + "HTTP/1.1 401 No\r\n" + five)
    put("http", "interim", "@HTTP/1.1 100 Continue\r\n\r\n" + head + "Set-Cookie: a=b; c\r\n" + five)
    put("http", "close", "G" + head + "Connection: close\r\n" + five + head + five)
    put("http", "no-length", "AHTTP/1.1 404 No\r\n\r\nx")
    put("http", "both", "A" + head + "Content-Length: 5\r\n" + chunks)


def answer():
    put("answer", "challenge", '@{"nonce":"AAEC/w==","extra-params":""}')
    put("answer", "hash", '@{"nonce":"A","extra-params":{"selected-hash-algorithm":"SHA384"}}')
    put("answer", "token", 'A{"token":"a.b.c"}')
    put("answer", "error", 'J{"type":"https://x/kbs/errors/PolicyDeny","detail":"no"}')
    put("answer", "problem", 'N{"type":"about:blank","title":"t","status":404,"detail":"gone"}')
    put("answer", "plain", "Bpayload reached size limit")
    put("answer", "cookies", "Ca=b\nkbs-session-id=0123-abc; Expires=x\nkbs-session-id=0123-abc")


def jwe():
    x = "o0IMpyXctcw9RMVJH4b4Dheqn3CKEXfjpuBQT8snJb0"
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "epk": {"kty": "EC", "crv": "P-256", "x": x, "y": x}}
    put("jwe", "header", "A" + json.dumps(header))
    put("jwe", "apu", "A" + json.dumps(dict(header, apu="")))
    text = base64.urlsafe_b64encode(json.dumps(header, separators=(",", ":")).encode()).decode().rstrip("=")
    whole = {"protected": text, "encrypted_key": "OrJLm5qgeBJuPAG28s6dLyObHlsSWBoKXGfteuVkY9KX7OcPZXab8A",
             "iv": "EWOI7SEPCuOilSi3", "ciphertext": "M_yNsidJfl1EQYXnIgnme7mUvBd5whI", "tag": "A9Osaty2UcXm9oRYLYK34Q"}
    put("jwe", "whole", "@" + json.dumps(whole))
    put("jwe", "empty", "@" + json.dumps(dict(whole, ciphertext="")))
    put("jwe", "aad", "@" + json.dumps(dict(whole, aad="")))


def lines(kind, message, with_sums=True):
    total = (len(message) + 35) // 36
    texts = [f"-----BEGIN COCO-UNLOCK {kind}-----"]
    for n in range(total):
        text = f"{n + 1:03}/{total:03} " + base64.b64encode(message[36 * n:36 * n + 36]).decode()
        texts.append(text + " " + hashlib.sha256(text.encode()).hexdigest()[:7] if with_sums else text)
    return texts + [f"-----END COCO-UNLOCK {kind}-----"]


def rescue_lines():
    message = bytes(range(100))
    answer = lines("ANSWER", message)
    put("line", "answer", "A" + "\n".join(answer))
    put("line", "challenge", "@" + "\n".join(lines("CHALLENGE", message)))
    put("line", "order", "A" + "\r\n".join([answer[2], *answer[3:0:-1], answer[2], answer[4]]))
    put("line", "lost", "A" + "\n".join([*answer[:2], answer[4], *answer[2:]]))
    put("line", "terminal", "A" + "".join(f"\x1b[200~ {text}\t\x1b[K\r\n" for text in answer))
    put("line", "missing", "A" + "\n".join(answer[:2] + answer[3:]))
    put("line", "sums", "C" + "\n".join(lines("ANSWER", message, with_sums=False)))
    put("line", "one-byte", "C" + "\n".join(lines("ANSWER", b"x", with_sums=False)))
    put("line", "longest", "B" + "456/456 AAAAAA==\n-----END COCO-UNLOCK CHALLENGE-----\n455/456 AAAA")


def challenge():
    volume = "volume={}\nsecret=-\ndevice={}\nuuid=\nheader={}\nfailed={}\n"

    def front(keys=True, actions="unlock reboot poweroff", no_secret="", volumes=""):
        return (f"coco-unlock-challenge=1\nkey={'22' * 32 if keys else ''}\n"
                f"boot-nonce={'33' * 32 if keys else ''}\nnonce={'44' * 32}\n"
                f"boot-id=0f7a0c6e-5d1b-4b0e-9a53-3a6ad7a9c001\nconfiguration={'55' * 32}\nactions={actions}\n"
                f"code=2\ncode-name=secret-refused\nreason=why\nno-secret={no_secret}\n{volumes}")

    root = volume.format("root", "/dev/vda2", "accepted", "yes")
    put("challenge", "keys", "A" + front(volumes=root + volume.format("data", "", "", "no")))
    put("challenge", "no-keys", "A" + front(False, "fetch reboot poweroff", "there is no rescue entry", root))
    put("challenge", "no-volume", "A" + front(actions="reboot"))
    put("challenge", "no-action", "A" + front(actions=""))
    put("challenge", "many", "A" + front(volumes=root * 17))
    text = front(volumes=root)
    put("challenge", "whole", "@" + text + "mac=" + hmac.digest(b"\x66" * 32, text.encode(), "sha256").hex() + "\n")
    put("challenge", "other-mac", "@" + text + "mac=" + "0" * 64 + "\n")
    put("challenge", "other-sum", "@" + front(False) + "sum=" + "0" * 64 + "\n")


def rescue_answer():
    header = "coco-unlock-answer=1\naction={}\nvolume={}\ndevice={}\nkeyslot={}\nsealed={}\n"
    for action in ("fetch", "reboot", "poweroff"):
        put("rescue_answer", action, "A" + header.format(action, "", "", "", 0))
    put("rescue_answer", "unlock-nothing", "A" + header.format("unlock", "root", "", "", 0))
    put("rescue_answer", "unlock-noise", "A" + header.format("unlock", "root", "/dev/vda", 31, 64) + "x" * 64)
    put("rescue_answer", "arguments", "A" + header.format("reboot", "root", "", "", 0))
    put("rescue_answer", "unsigned", "@" + header.format("reboot", "", "", "", 0) + "x" * 64)
    put("rescue_answer", "one", b"B" + b"\4root\0\6secret".ljust(128, b"\0"))
    put("rescue_answer", "two", b"B" + b"\4data\0\1x\4root\0\2yy\0")
    put("rescue_answer", "longest", b"B" + b"\4root\2\0" + bytes(range(256)) * 2 + b"\0")
    put("rescue_answer", "other", b"B" + b"\4home\0\1x\0")
    put("rescue_answer", "behind", b"B" + b"\4root\0\1x\0x")


if __name__ == "__main__":
    policy()
    jsontext()
    binheader()
    texts()
    tables()
    codec()
    firmware()
    gpt()
    mbr()
    judge()
    reports()
    quotes()
    frames()
    eckey()
    http()
    dialog()
    answer()
    jwe()
    rescue_lines()
    challenge()
    rescue_answer()
    if not os.path.islink(os.path.join(HERE, "volume")):
        os.symlink("policy", os.path.join(HERE, "volume"))
