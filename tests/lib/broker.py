#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A key broker for tests: RCAR 0.4.0 over TLS, strict about what it is sent, and wrong on demand.

    broker.py --dir DIR --resource REPO/TYPE/TAG=FILE... [--listen ADDRESS] [--port PORT] [--name NAME]...
              [--fault NAME]... [--snp-key FILE] [--log FILE] [--stdin]

Listens once for each --fault (`good`, if none is named): a listener has one behaviour. Prints one line of
JSON when it is ready: the ports by behaviour, the pins by certificate, the CA's file. With --port the first
listener has that port, the next one the next. --log gets a line of JSON for each connection, handshake,
request, answer and end, with milliseconds since the start; never a secret. It ends by a signal, or with
--stdin when its standard input does.

--snp-key is the public half of what signs SNP reports; without it the signature is not looked at.
faults.py has the wrong behaviours. The JWE comes from python3-jwcrypto, the certificates and the verdict over
a report's signature from the openssl command: nothing here is of the code under test.

Needs Debian's own python3, which finds python3-jwcrypto."""

import argparse
import base64
import hashlib
import json
import os
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

from jwcrypto import jwe, jwk

import attested

LOOPBACK = socket.inet_ntoa(bytes([127, 0, 0, 1]))
COOKIE = "kbs-session-id"
VERSION = "0.4.0"
HEADER_MAX, BODY_MAX = 16384, 2 << 20
REASONS = {100: "Continue", 200: "OK", 302: "Found", 307: "Temporary Redirect", 400: "Bad Request",
           401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           413: "Payload Too Large", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"))


class Complaint(Exception):
    """The client has done something that the protocol does not have."""


class Gone(Exception):
    """The connection is over: closed by the other side, or by a fault."""


# Certificates

CA_CONFIG = """
[ca]
default_ca = this
[this]
dir = .
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
x509_extensions = server
[any]
commonName = supplied
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = ${ENV::NAMES}
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
"""


class Certificates:
    """Two CAs, and of the first one certificates that are good, old, early, or of another name."""

    # name: CA, key, names, first and last second
    NOW, LATER = "20200101000000Z", "20990101000000Z"
    KINDS = {
        "server": ("ca", "server", None, NOW, LATER),
        "expired": ("ca", "server", None, NOW, "20210101000000Z"),
        "early": ("ca", "server", None, "20980101000000Z", LATER),
        "other-name": ("ca", "server", "DNS:another.test", NOW, LATER),
        "other-key": ("ca", "other", None, NOW, LATER),
        "other-ca": ("other-ca", "other", None, NOW, LATER),
    }

    def __init__(self, directory, names):
        self.directory = directory
        self.names = ",".join(names)
        os.makedirs(directory, exist_ok=True)
        if not os.path.exists(self.path("ready")):
            self.make()

    def path(self, name):
        return os.path.join(self.directory, name)

    def openssl(self, *words, names="", stdin=None):
        done = subprocess.run(["openssl", *words], cwd=self.directory, input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=dict(os.environ, NAMES=names), check=False)
        if done.returncode:
            raise RuntimeError(f"openssl {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as f:
            f.write(text)

    def make(self):
        self.write("config", CA_CONFIG)
        for name in "ca", "other-ca", "server", "other":
            self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                         name + ".key")
        for name in "ca", "other-ca":
            self.openssl("req", "-x509", "-new", "-config", "config", "-extensions", "root", "-key",
                         name + ".key", "-subj", "/CN=" + name, "-days", "3650", "-out", name + ".pem",
                         names="DNS:none.test")
        for number, (name, (ca, key, names, first, last)) in enumerate(self.KINDS.items(), 1):
            self.write("index", "")
            self.write("serial", f"{number:02x}\n")
            names = names or self.names
            self.openssl("req", "-new", "-config", "config", "-key", key + ".key", "-subj", "/CN=" + name,
                         "-out", "request", names=names)
            self.openssl("ca", "-batch", "-notext", "-config", "config", "-cert", ca + ".pem", "-keyfile",
                         ca + ".key", "-startdate", first, "-enddate", last, "-in", "request", "-out",
                         name + ".crt", names=names)
            with open(self.path(name + ".pem"), "wb") as f:
                for part in name + ".crt", ca + ".pem":
                    with open(self.path(part), "rb") as source:
                        f.write(source.read())
        self.write("ready", "")

    def pin(self, key):
        """SHA-256 of the SubjectPublicKeyInfo."""
        der = self.openssl("pkey", "-in", key + ".key", "-pubout", "-outform", "DER")
        return base64.b64encode(hashlib.sha256(der).digest()).decode()

    def context(self, kind):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(self.path(kind + ".pem"), self.path(self.KINDS[kind][1] + ".key"))
        ctx.set_alpn_protocols(["h2", "http/1.1"])
        return ctx


# The wire

class Wire:
    """A connection with TLS by hand over it, so that each byte passes here: all that is written at once goes
    in one piece, and a reset can come behind any byte of either direction."""

    def __init__(self, sock, read_max=None, write_max=None):
        self.sock = sock
        self.left = {"in": read_max, "out": write_max}
        self.bytes = {"in": 0, "out": 0}
        self.pace = None  # bytes at once, and seconds between them
        self.plain = b""
        self.tls = None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise Gone("reset")

    def close(self):
        self.sock.close()
        raise Gone("closed")

    def count(self, way, nr):
        self.bytes[way] += nr
        if self.left[way] is not None:
            self.left[way] -= nr
            if self.left[way] <= 0:
                self.reset()

    def raw_send(self, data):
        if self.left["out"] is not None:
            data = data[:self.left["out"]]
        step, seconds = self.pace or (len(data) or 1, 0)
        try:
            for i in range(0, len(data), step):
                self.sock.sendall(data[i:i + step])
                if seconds:
                    time.sleep(seconds)
        except OSError as e:
            raise Gone(f"broken: {e.strerror}") from e
        self.count("out", len(data))

    def raw_receive(self):
        try:
            data = self.sock.recv(min(65536, self.left["in"] or 65536))
        except OSError as e:
            raise Gone(f"broken: {e.strerror}") from e
        if not data:
            raise Gone("closed by the client")
        self.count("in", len(data))
        return data

    def flush(self):
        data = self.outgoing.read()
        if data:
            self.raw_send(data)

    def handshake(self, context):
        if self.left["in"] == 0 or self.left["out"] == 0:
            self.reset()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                self.tls.do_handshake()
                return self.flush()
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.raw_receive())
            except ssl.SSLError:
                self.flush()
                raise

    def receive(self):
        while True:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(self.raw_receive())
                continue
            except ssl.SSLError as e:
                raise Gone("closed by the client") from e
            if not data:
                raise Gone("closed by the client")
            return data

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def goodbye(self):
        """Ends TLS, then the connection."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()
        self.close()

    def until(self, end, limit):
        while end not in self.plain:
            if len(self.plain) > limit:
                raise Complaint("a header that is too large")
            self.plain += self.receive()
        head, self.plain = self.plain.split(end, 1)
        return head

    def exactly(self, size):
        while len(self.plain) < size:
            self.plain += self.receive()
        data, self.plain = self.plain[:size], self.plain[size:]
        return data


# HTTP

class Request:
    def __init__(self, wire):
        lines = wire.until(b"\r\n\r\n", HEADER_MAX).decode("ascii").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1":
            raise Complaint(f"a request line of {len(words)} words")
        self.method, self.path = words[:2]
        self.headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            name = name.lower()
            if not colon or name in self.headers:
                raise Complaint(f"header {name!r}")
            self.headers[name] = value.strip()
        for name in "host",:
            if name not in self.headers:
                raise Complaint(f"no {name}")
        for name in "accept-encoding", "expect", "transfer-encoding", "upgrade":
            if name in self.headers:
                raise Complaint(name)
        self.body = b""
        if self.method == "POST":
            if self.headers.get("content-type") != "application/json":
                raise Complaint("no content-type of JSON")
            size = self.headers.get("content-length", "")
            if not size.isdigit() or not 0 < int(size) <= BODY_MAX:
                raise Complaint(f"content-length {size!r}")
            self.body = wire.exactly(int(size))

    def json(self):
        def pairs(items):
            if len({name for name, _ in items}) != len(items):
                raise Complaint("a member twice")
            return dict(items)
        try:
            return json.loads(self.body.decode("utf-8"), object_pairs_hook=pairs)
        except ValueError as e:
            raise Complaint(f"not JSON: {e}") from e

    def cookie(self):
        """All of the header's cookies are ours."""
        name, equals, value = self.headers.get("cookie", "").partition("=")
        return value if equals and name == COOKIE else None


class Answer:
    """What is sent back: faults change it, or replace it by the bytes of `raw`, or by `deliver`."""

    def __init__(self, status, body=b"", kind="application/json", cookie=None):
        self.status, self.body = status, body if isinstance(body, bytes) else compact(body).encode()
        self.headers = [("content-type", kind)] if kind else []
        if cookie:
            self.headers.append(("set-cookie", f"{COOKIE}={cookie}; Expires=Mon, 01 Jan 2024 00:00:00 GMT"))
        self.chunks = None  # a list of bytes: chunked
        self.with_length = True
        self.raw = None
        self.deliver = None  # called with the wire and the bytes
        self.close = False

    @classmethod
    def error(cls, status, name, detail):
        """As Trustee words it."""
        return cls(status, {"type": "https://github.com/confidential-containers/kbs/errors/" + name,
                            "detail": detail}, kind=None)

    def head(self, *more):
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Other')}"]
        lines += [f"{name}: {value}" for name, value in [*self.headers, *more]]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"

    def bytes(self):
        if self.raw is not None:
            return self.raw
        if self.chunks is not None:
            parts = [b"%x\r\n%s\r\n" % (len(c), c) for c in self.chunks]
            return self.head(("transfer-encoding", "chunked")) + b"".join(parts) + b"0\r\n\r\n"
        if not self.with_length:
            return self.head() + self.body
        return self.head(("content-length", len(self.body))) + self.body


# RCAR

class Session:
    def __init__(self, tee):
        self.id = secrets.token_hex(16)
        self.tee = tee
        self.nonce = base64.b64encode(secrets.token_bytes(32)).decode()
        self.key = None  # JWK of the guest
        self.attested = False


def seal(key, plaintext, **protected):
    """The JWE of flattened form, with the ephemeral key in the protected header, to a JWK."""
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", **protected}
    public = jwk.JWK(kty="EC", crv="P-256", x=key["x"], y=key["y"])
    # jwcrypto's own flattened form has it outside.
    parts = jwe.JWE(plaintext, protected=compact(header), recipient=public).serialize(compact=True).split(".")
    return dict(zip(("protected", "encrypted_key", "iv", "ciphertext", "tag"), parts))


def members(value, names, what, optional=()):
    if not isinstance(value, dict) or not set(names) <= set(value) <= {*names, *optional}:
        raise Complaint(f"{what} has other members than {', '.join(names)}")


def coordinate(text):
    if not isinstance(text, str) or len(text) != 43:
        raise Complaint("a coordinate that is not of 43 characters")
    if b64url(base64.urlsafe_b64decode(text + "=")) != text:
        raise Complaint("a coordinate that is not base64url")


class Broker:
    """All listeners of a process; they share the resources, the sessions and the answers of before."""

    def __init__(self, directory, resources, names=(LOOPBACK,), snp_key=None, log=None):
        def subject(name):
            kind = "IP" if ":" in name or name.replace(".", "").isdigit() else "DNS"
            return f"{kind}:{name}"
        self.certificates = Certificates(directory, [subject(n) for n in names])
        self.resources = resources  # path: bytes
        self.snp_key = snp_key
        self.log_file = log
        self.begin = time.monotonic()
        self.lock = threading.Lock()
        self.sessions = {}
        self.sealed = []  # of all sessions: (session, path, JWE)
        self.nr = 0
        self.listeners = []

    def log(self, event, **fields):
        line = compact({"ms": round((time.monotonic() - self.begin) * 1000, 1), "event": event, **fields})
        with self.lock:
            if self.log_file:
                self.log_file.write(line + "\n")
                self.log_file.flush()

    def listen(self, fault, address=LOOPBACK, port=0):
        """fault: of faults.FAULTS. Returns the port."""
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        self.listeners.append(sock)
        if fault.listens:
            sock.listen(64)
            context = fault.context(self.certificates)
            threading.Thread(target=self.serve, args=(sock, fault, context), daemon=True).start()
        return sock.getsockname()[1]

    def serve(self, sock, fault, context):
        turn = 0
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            with self.lock:
                self.nr += 1
                nr = self.nr
            wire = Wire(connection, *fault.limits(turn))
            turn += 1
            threading.Thread(target=self.talk, args=(nr, wire, fault, context), daemon=True).start()

    def talk(self, nr, wire, fault, context):
        how = ""
        self.log("connection", nr=nr, fault=fault.name, port=wire.sock.getsockname()[1])
        try:
            fault.greet(wire)
            wire.handshake(context)
            alpn = wire.tls.selected_alpn_protocol()
            self.log("handshake", nr=nr, version=wire.tls.version(), cipher=wire.tls.cipher()[0], alpn=alpn)
            if alpn == "h2":
                raise Complaint("ALPN of h2")
            while True:
                self.one(nr, wire, fault)
        except Gone as e:
            how = str(e)
        except ssl.SSLError as e:
            how = f"TLS: {e.reason}"
        except Complaint as e:
            how = f"complaint: {e}"
            self.log("complaint", nr=nr, why=str(e))
            try:
                wire.send(Answer.error(400, "Complaint", str(e)).bytes())
            except Gone:
                pass
        finally:
            wire.sock.close()
            self.log("end", nr=nr, how=how, **wire.bytes)

    def one(self, nr, wire, fault):
        request = Request(wire)
        self.log("request", nr=nr, method=request.method, path=request.path, host=request.headers["host"],
                 bytes=len(request.body))
        prefix, kbs, path = request.path.partition("/kbs/v0/")
        if not kbs:
            raise Complaint(f"path {request.path}")
        del prefix
        step = path.split("/")[0]
        session = None
        if request.method == "POST" and step == "auth":
            session, answer = self.auth(request)
        elif request.method == "POST" and step == "attest":
            session, answer = self.attest(nr, request)
        elif request.method == "GET" and step == "resource":
            session, answer = self.resource(request, path[len("resource/"):])
        else:
            raise Complaint(f"{request.method} {request.path}")
        answer = fault.answer(step, self, session, answer)
        self.log("answer", nr=nr, step=step, status=answer.status)
        fault.deliver(step, wire, answer)
        if answer.close:
            wire.goodbye()

    def auth(self, request):
        body = request.json()
        members(body, ("version", "tee", "extra-params"), "auth")
        if not isinstance(body["extra-params"], dict) or body["tee"] not in ("snp", "tdx"):
            raise Complaint("extra-params or tee of auth")
        if body["version"] != VERSION:
            return None, Answer.error(401, "AttestationError", f"version {body['version']}")
        session = Session(body["tee"])
        self.sessions[session.id] = session
        return session, Answer(200, {"nonce": session.nonce, "extra-params": ""}, cookie=session.id)

    def find(self, request):
        session = self.sessions.get(request.cookie())
        if not session:
            raise Complaint("no cookie of a session")
        return session

    def attest(self, nr, request):
        session = self.find(request)
        body = request.json()
        members(body, ("runtime-data", "tee-evidence"), "attest")
        runtime, evidence = body["runtime-data"], body["tee-evidence"]
        members(runtime, ("nonce", "tee-pubkey"), "runtime-data")
        members(evidence, ("primary_evidence", "additional_evidence"), "tee-evidence")
        key = runtime["tee-pubkey"]
        members(key, ("kty", "crv", "alg", "x", "y"), "tee-pubkey")
        if (key["kty"], key["crv"], key["alg"]) != ("EC", "P-256", "ECDH-ES+A256KW"):
            raise Complaint("tee-pubkey of another kind")
        coordinate(key["x"])
        coordinate(key["y"])
        if evidence["additional_evidence"] != "":
            raise Complaint("additional evidence")
        if runtime["nonce"] != session.nonce:
            return session, Answer.error(401, "AttestationError", "RCAR handshake Attest failed")
        # RFC 8785 for such values: sorted, no blanks, UTF-8, no slash escaped.
        hashed = json.dumps({"nonce": session.nonce, "tee-pubkey": key, "additional-evidence": ""},
                            sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            facts = attested.verify(session.tee, evidence["primary_evidence"],
                                    hashlib.sha384(hashed).digest() + bytes(16), self.snp_key)
        except attested.Refused as e:
            self.log("refused", nr=nr, why=str(e))
            return session, Answer.error(401, "AttestationError", "RCAR handshake Attest failed")
        self.log("attested", nr=nr, tee=session.tee, **facts)
        session.key, session.attested = key, True
        # A broker gives the cookie again, and a token that means nothing to the guest.
        token = ".".join(b64url(part) for part in (b'{"alg":"ES256"}', b'{"sub":"guest"}', bytes(64)))
        return session, Answer(200, {"token": token}, cookie=session.id)

    def resource(self, request, path):
        session = self.find(request)
        if not session.attested:
            return session, Answer.error(401, "TokenNotFound", "Attestation Token not found")
        if path not in self.resources:
            return session, Answer.error(401, "PluginInternalError", "Plugin Internal Error")
        sealed = seal(session.key, self.resources[path])
        self.sealed.append((session, path, sealed))
        return session, Answer(200, sealed)

    def close(self):
        for sock in self.listeners:
            sock.close()
        with self.lock:
            self.log_file = None


def main():
    import faults  # pylint: disable=import-outside-toplevel # it needs this module
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--dir", required=True)
    parser.add_argument("--resource", action="append", default=[])
    parser.add_argument("--listen", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", action="append", default=[])
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--snp-key")
    parser.add_argument("--log")
    parser.add_argument("--stdin", action="store_true")
    args = parser.parse_args()
    resources = {}
    for word in args.resource:
        path, _, file = word.partition("=")
        with open(file, "rb") as f:
            resources[path] = f.read()
    with (open(args.log, "a", encoding="utf-8") if args.log else tempfile.TemporaryFile("w")) as log:
        broker = Broker(args.dir, resources, args.name or [args.listen], args.snp_key, log)
        ports, port = {}, args.port
        for name in args.fault or ["good"]:
            ports[name] = broker.listen(faults.find(name), args.listen, port)
            port += bool(port)
        pins = {name: broker.certificates.pin(name) for name in ("server", "other", "ca")}
        print(compact({"ports": ports, "pins": pins, "ca": os.path.abspath(broker.certificates.path("ca.pem")),
                       "other_ca": os.path.abspath(broker.certificates.path("other-ca.pem"))}), flush=True)
        if args.stdin:
            sys.stdin.read()
        else:
            threading.Event().wait()
        broker.close()


if __name__ == "__main__":
    sys.modules["broker"] = sys.modules[__name__]
    main()
