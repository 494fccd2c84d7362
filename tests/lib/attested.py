# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges the evidence of RCAR 0.4.0 as a broker has it: the JSON of an SNP report becomes bytes again, whose
signature openssl verifies; a TDX quote is read, and its event log replayed.

Sources of the formats: AMD 56860 (the report) and Trustee's deps/verifier (its JSON); Intel's TDX DCAP quoting
library API (the quote); the TCG PC Client Platform Firmware Profile (the event log). Written apart from src/,
with another order of fields and other code, so that a mistake in one is seen by the other."""

import base64
import hashlib
import os
import struct
import subprocess
import tempfile


class Refused(Exception):
    """The evidence is not what a broker accepts."""


REPORT_SIZE, SIGNED = 1184, 0x2a0
# Member: offset, bytes. Numbers are little-endian, arrays are lists of bytes.
NUMBERS = {
    "version": (0x000, 4), "guest_svn": (0x004, 4), "policy": (0x008, 8), "vmpl": (0x030, 4),
    "sig_algo": (0x034, 4), "plat_info": (0x040, 8), "key_info": (0x048, 4), "cpuid_fam_id": (0x188, 1),
    "cpuid_mod_id": (0x189, 1), "cpuid_step": (0x18a, 1), "launch_mit_vector": (0x1f8, 8),
    "current_mit_vector": (0x200, 8),
}
ARRAYS = {
    "family_id": (0x010, 16), "image_id": (0x020, 16), "report_data": (0x050, 64), "measurement": (0x090, 48),
    "host_data": (0x0c0, 32), "id_key_digest": (0x0e0, 48), "author_key_digest": (0x110, 48),
    "report_id": (0x140, 32), "report_id_ma": (0x160, 32), "chip_id": (0x1a0, 64),
}
TCBS = {"current_tcb": 0x038, "reported_tcb": 0x180, "committed_tcb": 0x1e0, "launch_tcb": 0x1f0}
VERSIONS = {"current": 0x1e8, "committed": 0x1ec}
TCB_MILAN = {"bootloader": 0, "tee": 1, "snp": 6, "microcode": 7}
TCB_TURIN = {"fmc": 0, "bootloader": 1, "tee": 2, "snp": 3, "microcode": 7}


def number(value, size, name):
    if type(value) is not int or not 0 <= value < 1 << 8 * size:  # bool is an int, too
        raise Refused(f"{name} is no number of {size} bytes")
    return value.to_bytes(size, "little")


def array(value, size, name):
    if not isinstance(value, list) or len(value) != size:
        raise Refused(f"{name} is no list of {size} bytes")
    return b"".join(number(byte, 1, name) for byte in value)


def exactly(value, names, what):
    if not isinstance(value, dict) or set(value) != set(names):
        raise Refused(f"{what} has other members than those of the format")


def generation(report):
    """Where each number of a TCB stands."""
    family, model = report["cpuid_fam_id"], report["cpuid_mod_id"]
    if report["version"] < 3 or report["version"] > 5:
        raise Refused(f"version {report['version']}")
    if family == 0x19 and (model <= 0x1f or 0xa0 <= model < 0xaf):
        return TCB_MILAN
    if family == 0x1a and model <= 0x11:
        return TCB_TURIN
    raise Refused(f"processor {family:#x}/{model:#x}")


def snp_bytes(report):
    """The report and its signature, made from the JSON alone."""
    exactly(report, [*NUMBERS, *ARRAYS, *TCBS, *VERSIONS, "signature"], "the report")
    out = bytearray(REPORT_SIZE)

    def put(offset, data):
        out[offset:offset + len(data)] = data

    for name, (offset, size) in NUMBERS.items():
        if name.endswith("_mit_vector") and report["version"] < 5:
            if report[name] is not None:
                raise Refused(f"{name} before version 5")
            continue
        put(offset, number(report[name], size, name))
    for name, (offset, size) in ARRAYS.items():
        put(offset, array(report[name], size, name))
    places = generation(report)
    for name, offset in TCBS.items():
        exactly(report[name], ("fmc", "bootloader", "tee", "snp", "microcode"), name)
        if "fmc" not in places and report[name]["fmc"] is not None:
            raise Refused("fmc on a processor that has none")
        for part, place in places.items():
            put(offset + place, number(report[name][part], 1, f"{name}.{part}"))
    for name, offset in VERSIONS.items():
        exactly(report[name], ("build", "minor", "major"), name)
        for place, part in enumerate(("build", "minor", "major")):
            put(offset + place, number(report[name][part], 1, f"{name}.{part}"))
    exactly(report["signature"], ("r", "s"), "signature")
    put(0x2a0, array(report["signature"]["r"], 72, "r"))
    put(0x2e8, array(report["signature"]["s"], 72, "s"))
    return bytes(out)


def der_integer(little):
    value = int.from_bytes(little, "little")
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(data)]) + data


def openssl(words, stdin=None):
    return subprocess.run(["openssl", *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False)


def snp_signed(report, key):
    """key: a PEM file with the public key."""
    pair = der_integer(report[0x2a0:0x2e8]) + der_integer(report[0x2e8:0x330])
    with tempfile.NamedTemporaryFile() as signature:
        signature.write(b"\x30" + bytes([len(pair)]) + pair)
        signature.flush()
        return openssl(["dgst", "-sha384", "-verify", key, "-signature", signature.name],
                       report[:SIGNED]).returncode == 0


def snp_certificate(chain):
    """The chip's certificate of the chain, in DER."""
    for entry in chain:
        exactly(entry, ("cert_type", "data"), "a certificate")
        if entry["cert_type"] in ("VCEK", "VLEK"):
            return array(entry["data"], len(entry["data"]), "a certificate")
    raise Refused("a chain without the chip's certificate")


def same_key(der, key):
    with open(key, "rb") as f:
        wanted = openssl(["pkey", "-pubin"], f.read()).stdout
    return openssl(["x509", "-inform", "DER", "-noout", "-pubkey"], der).stdout == wanted


def verify_snp(evidence, report_data, key):
    exactly(evidence, ("attestation_report", "cert_chain"), "the evidence")
    report = snp_bytes(evidence["attestation_report"])
    chain = evidence["cert_chain"]
    if chain is not None and key and not same_key(snp_certificate(chain), key):
        raise Refused("the chip's certificate is of another key")
    if key and not snp_signed(report, key):
        raise Refused("the report's signature")
    if report[0x30:0x34] != bytes(4):
        raise Refused("VMPL Check Failed")
    if report[0x50:0x90] != report_data:
        raise Refused("Report Data Mismatch")
    return {"chain": chain is not None, "measurement": report[0x90:0xc0].hex()}


def base64_of(text, what):
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as e:
        raise Refused(f"{what} is not base64") from e


def quote_body(quote):
    if len(quote) < 48:
        raise Refused("a quote without a header")
    version, _, tee = struct.unpack_from("<HHI", quote)
    start = {4: 48, 5: 54}.get(version)
    if not start or tee != 0x81:
        raise Refused(f"a quote of version {version} for {tee:#x}")
    body = quote[start:start + 584]
    if len(body) != 584:
        raise Refused("a quote without a body")
    return body


def replay(log):
    """RTMR 0 to 3 after all events of a log, which may end with 8 bytes of 0xFF or 0x00."""
    def take(size):
        nonlocal at
        if at + size > len(log):
            raise Refused("an event log that ends too early")
        at += size
        return log[at - size:at]

    at, registers = 0, [bytes(48)] * 4
    _, kind, _, size = struct.unpack("<II20sI", take(32))
    first = take(size)
    if kind != 3 or first[:16] != b"Spec ID Event03\0":
        raise Refused("an event log without its first record")
    sizes = dict(struct.unpack_from("<HH", first, 28 + 4 * i) for i in range(struct.unpack_from("<I", first, 24)[0]))
    while len(log) - at >= 8 and log[at:at + 8] not in (b"\xff" * 8, bytes(8)):
        index, kind, count = struct.unpack("<III", take(12))
        for _ in range(count):
            algorithm = struct.unpack("<H", take(2))[0]
            if algorithm not in sizes:
                raise Refused(f"a digest of kind {algorithm:#x}")
            digest = take(sizes[algorithm])
            if algorithm == 0xc and 1 <= index <= 4 and kind != 3:
                registers[index - 1] = hashlib.sha384(registers[index - 1] + digest).digest()
        take(struct.unpack("<I", take(4))[0])
    if 0 < len(log) - at < 8:
        raise Refused("bytes behind the event log")
    return registers


def verify_tdx(evidence, report_data):
    exactly(evidence, ("cc_eventlog", "quote"), "the evidence")
    body = quote_body(base64_of(evidence["quote"], "the quote"))
    if body[520:584] != report_data:
        raise Refused("REPORT_DATA is different from that in TDX Quote")
    log = evidence["cc_eventlog"]
    if log is not None:
        registers = replay(base64_of(log, "the event log"))
        if b"".join(registers) != body[328:328 + 4 * 48]:
            raise Refused("an event log that does not replay")
    return {"event_log": log is not None, "measurement": body[136:184].hex()}


def verify(tee, evidence, report_data, snp_key=None):
    """Returns facts for a log; raises Refused. snp_key: a PEM file, or None: signatures are not looked at."""
    if snp_key and not os.path.exists(snp_key):
        raise FileNotFoundError(snp_key)
    if tee == "snp":
        return verify_snp(evidence, report_data, snp_key)
    return verify_tdx(evidence, report_data)
