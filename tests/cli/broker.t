#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# Needs: python3-jwcrypto openssl
"""broker.t - the tests' own key broker, with a client of a few lines: it gives a secret for good evidence
of both kinds, and refuses each kind of evidence and of request that is wrong."""

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import attested  # noqa: E402
import broker  # noqa: E402
import faults  # noqa: E402
import kbslab  # noqa: E402
from jwcrypto import jwe, jwk  # noqa: E402
from tap import done, ok  # noqa: E402

def openssl(*words, stdin=None):
    return subprocess.run(["openssl", *words], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout


class Chip:
    """Signs reports."""

    def __init__(self, directory):
        self.key, self.public = os.path.join(directory, "chip.key"), os.path.join(directory, "chip.pub")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", self.key)
        openssl("pkey", "-in", self.key, "-pubout", "-out", self.public)
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", "/CN=chip", "-outform", "DER", "-out",
                self.key + ".der")
        with open(self.key + ".der", "rb") as f:
            self.certificate = f.read()

    def report(self, report_data, version=5, vmpl=0):
        """Each byte has a value of its own; what is reserved is zero."""
        out = bytearray((31 * i + 7) % 256 for i in range(1184))
        for first, last in ((0x4c, 0x50), (0x18b, 0x1a0), (0x1eb, 0x1ec), (0x1ef, 0x1f0), (0x208, 0x4a0)):
            out[first:last] = bytes(last - first)
        for tcb in 0x38, 0x180, 0x1e0, 0x1f0:
            out[tcb + 2:tcb + 6] = bytes(4)
        if version < 5:
            out[0x1f8:0x208] = bytes(16)
        struct.pack_into("<I", out, 0, version)
        struct.pack_into("<I", out, 0x30, vmpl)
        out[0x188:0x18b] = bytes([0x19, 0x11, 1])
        out[0x50:0x90] = report_data
        der = openssl("dgst", "-sha384", "-sign", self.key, stdin=bytes(out[:0x2a0]))
        at = 2
        for place in 0x2a0, 0x2e8:
            size = der[at + 1]
            out[place:place + 72] = der[at + 2:at + 2 + size][::-1].ljust(72, b"\0")[:72]
            at += 2 + size
        return bytes(out)


def snp_json(report):
    def tcb(at):
        return {"fmc": None, "bootloader": report[at], "tee": report[at + 1], "snp": report[at + 6],
                "microcode": report[at + 7]}

    def le(at, size):
        return int.from_bytes(report[at:at + size], "little")

    def part(at, size):
        return list(report[at:at + size])
    late = le(0, 4) >= 5
    return {"version": le(0, 4), "guest_svn": le(4, 4), "policy": le(8, 8), "family_id": part(16, 16),
            "image_id": part(32, 16), "vmpl": le(48, 4), "sig_algo": le(52, 4), "current_tcb": tcb(56),
            "plat_info": le(64, 8), "key_info": le(72, 4), "report_data": part(80, 64),
            "measurement": part(144, 48), "host_data": part(192, 32), "id_key_digest": part(224, 48),
            "author_key_digest": part(272, 48), "report_id": part(320, 32), "report_id_ma": part(352, 32),
            "reported_tcb": tcb(384), "cpuid_fam_id": report[392], "cpuid_mod_id": report[393],
            "cpuid_step": report[394], "chip_id": part(416, 64), "committed_tcb": tcb(480),
            "current": dict(zip(("build", "minor", "major"), report[488:491])),
            "committed": dict(zip(("build", "minor", "major"), report[492:495])), "launch_tcb": tcb(496),
            "launch_mit_vector": le(504, 8) if late else None,
            "current_mit_vector": le(512, 8) if late else None,
            "signature": {"r": part(672, 72), "s": part(744, 72)}}


def quote(report_data, registers):
    body = bytearray((i * 7) % 256 for i in range(584))
    body[328:328 + 192], body[520:584] = registers, report_data
    return struct.pack("<HHI40s", 4, 2, 0x81, b"") + bytes(body) + struct.pack("<I", 0)


class Client:
    def __init__(self, kbs, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(kbs.certificates.path("ca.pem"))
        plain = socket.create_connection((broker.LOOPBACK, port))
        self.sock = context.wrap_socket(plain, server_hostname=broker.LOOPBACK)
        self.file = self.sock.makefile("rb")
        self.key = jwk.JWK.generate(kty="EC", crv="P-256")
        self.cookie = None

    def ask(self, method, path, body=None, **headers):
        lines = [f"{method} /kbs/v0/{path} HTTP/1.1", "Host: broker"]
        data = b"" if body is None else json.dumps(body).encode()
        if data:
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        status = int(self.file.readline().split()[1])
        size = 0
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(": ")
            if name == "content-length":
                size = int(value)
            if name == "set-cookie":
                self.cookie = value.split(";")[0]
        return status, json.loads(self.file.read(size))

    def auth(self, tee):
        body = {"version": "0.4.0", "tee": tee, "extra-params": {"supported-hash-algorithms": ["sha384"]}}
        status, answer = self.ask("POST", "auth", body)
        self.nonce = answer.get("nonce")
        public = self.key.export_public(as_dict=True)
        self.public = {"kty": "EC", "crv": "P-256", "alg": "ECDH-ES+A256KW", "x": public["x"], "y": public["y"]}
        text = ('{"additional-evidence":"","nonce":%s,"tee-pubkey":{"alg":"ECDH-ES+A256KW","crv":"P-256",'
                '"kty":"EC","x":"%s","y":"%s"}}' % (json.dumps(self.nonce), public["x"], public["y"]))
        self.report_data = hashlib.sha384(text.encode()).digest() + bytes(16)
        return status

    def attest(self, evidence, **runtime):
        return self.ask("POST", "attest", {
            "runtime-data": {"nonce": self.nonce, "tee-pubkey": self.public, **runtime},
            "tee-evidence": {"primary_evidence": evidence, "additional_evidence": ""}})

    def resource(self, path):
        status, answer = self.ask("GET", "resource/" + path)
        if status != 200:
            return status, answer
        opened = jwe.JWE()
        opened.deserialize(".".join(answer[name] for name in
                                    ("protected", "encrypted_key", "iv", "ciphertext", "tag")), self.key)
        return status, opened.payload


def main():
    with tempfile.TemporaryDirectory() as directory:
        chip = Chip(directory)
        log = open(os.path.join(directory, "log"), "w+", encoding="utf-8")
        kbs = broker.Broker(os.path.join(directory, "kbs"), {"a/b/c": b"secret\0of bytes"}, snp_key=chip.public,
                            log=log)
        port = kbs.listen(faults.find("good"))
        events, registers = kbslab.event_log()

        def refused(name, tee, make, **runtime):
            client = Client(kbs, port)
            client.auth(tee)
            status, answer = client.attest(make(client.report_data), **runtime)
            kind = answer.get("type", "").split("/")[-1]
            ok((status, kind) in ((401, "AttestationError"), (400, "Complaint")), f"refused: {name}")

        def snp(version=5, chain=None, vmpl=0, change=None):
            def make(report_data):
                report = snp_json(chip.report(report_data, version, vmpl))
                if change:
                    change(report)
                return {"attestation_report": report, "cert_chain": chain}
            return make

        def tdx(log_bytes, registers=registers):
            return lambda data: {"quote": base64.b64encode(quote(data, registers)).decode(),
                                 "cc_eventlog": log_bytes and base64.b64encode(log_bytes).decode()}

        def change(**values):
            return lambda report: report.update(values)

        vcek = [{"cert_type": "VCEK", "data": list(chip.certificate)}]
        for name, tee, make in (("snp, version 5", "snp", snp()), ("snp, version 3", "snp", snp(version=3)),
                                ("snp with the chip's certificate", "snp", snp(chain=vcek)),
                                ("tdx", "tdx", tdx(None)), ("tdx with its log", "tdx", tdx(events)),
                                ("tdx with a marked end", "tdx", tdx(events + b"\xff" * 8))):
            client = Client(kbs, port)
            client.auth(tee)
            client.attest(make(client.report_data))
            ok(client.resource("a/b/c") == (200, b"secret\0of bytes"), f"the secret for {name}")
            ok(client.resource("a/b/d")[1]["type"].endswith("/PluginInternalError"), "... and no other one")

        refused("another report_data", "snp", lambda data: snp()(bytes(64)))
        refused("another nonce", "snp", snp(), nonce="bm9uY2U=")
        refused("another key", "snp", snp(), **{"tee-pubkey": {"kty": "EC", "crv": "P-256",
                                                               "alg": "ECDH-ES+A256KW", "x": "A" * 43,
                                                               "y": "A" * 43}})
        refused("VMPL 1", "snp", snp(vmpl=1))
        refused("a version of before", "snp", snp(version=2))
        for member in list(attested.NUMBERS) + list(attested.ARRAYS) + list(attested.TCBS):
            def flip(report, member=member):
                value = report[member]
                if isinstance(value, dict):
                    value["snp"] ^= 1
                elif isinstance(value, list):
                    value[-1] ^= 1
                else:
                    report[member] = value ^ 1
            refused(f"one bit of {member}", "snp", snp(change=flip))
        refused("a number as a float", "snp", snp(change=change(policy=1e19)))
        refused("a member more", "snp", snp(change=change(more=1)))
        refused("a member less", "snp", snp(change=lambda report: report.pop("key_info")))
        refused("a chain without the chip", "snp", snp(chain=[]))
        refused("a log that is not the quote's", "tdx", tdx(events.replace(b"\x01\0\0\0\x0d", b"\x02\0\0\0\x0d", 1)))
        refused("a log that is cut", "tdx", tdx(events[:-1]))
        refused("a quote for another nonce", "tdx", lambda data: tdx(None)(bytes(64)))

        client = Client(kbs, port)
        client.auth("snp")
        ok(client.resource("a/b/c")[1]["type"].endswith("/TokenNotFound"), "no secret before evidence")
        client = Client(kbs, port)
        ok(client.ask("GET", "resource/a/b/c")[0] == 400, "nor without a session")
        for name, words in (("a version of another kind", {"version": "0.3.0"}), ("another TEE", {"tee": "sample"}),
                            ("a member more", {"more": 1}), ("text as extra-params", {"extra-params": ""})):
            body = {"version": "0.4.0", "tee": "snp", "extra-params": {}, **words}
            ok(Client(kbs, port).ask("POST", "auth", body)[0] in (400, 401), f"auth with {name}")
        ok(Client(kbs, port).ask("POST", "auth", {}, **{"Accept-Encoding": "gzip"})[0] == 400, "no compression")
        kbs.close()
        log.seek(0)
        lines = log.read()
        ok(all(json.loads(line)["event"] for line in lines.splitlines()), "each line of the log is JSON")
        ok("secret" not in lines, "... without a secret")
        log.close()
    return done()


sys.exit(main())
