# SPDX-License-Identifier: GPL-2.0-or-later
"""What a key broker for tests does wrong, a name each: broker.py listens once for each that is asked for.

A fault changes one thing of a conversation that is otherwise good. Those in RIGHT are unusual and no mistake:
the client has to get its secret. Three take numbers: reset-in:FIRST:STEP and reset-out:FIRST:STEP reset the
connection behind that many bytes from, or to the client, and STEP bytes later in each connection that follows."""

import base64
import gzip
import json
import ssl
import time

from jwcrypto import jwe, jwk

from broker import COOKIE, Answer, b64url, compact, seal

FAULTS = {}
RIGHT = []


class Fault:
    """The behaviour of one listener; without changes, a good one."""

    def __init__(self, name, certificate="server", tls=None, listens=True, greet=None):
        self.name, self.certificate, self.tls, self.listens = name, certificate, tls, listens
        self.greet = greet or (lambda wire: None)
        self.change = {}    # step: function(broker, session, answer), returns the answer to send
        self.sending = {}   # step: function(wire, answer)
        self.limits = lambda turn: (None, None)

    def context(self, certificates):
        context = certificates.context(self.certificate)
        if self.tls:
            self.tls(context)
        return context

    def answer(self, step, broker, session, answer):
        change = self.change.get(step)
        # What the broker itself refuses stays as it is, or a fault would hide a client's mistake.
        if not change or answer.status != 200:
            return answer
        return change(broker, session, answer) or answer

    def deliver(self, step, wire, answer):
        if step in self.sending:
            self.sending[step](wire, answer)
        else:
            wire.send(answer.bytes())


def listener(name, right=False, **properties):
    FAULTS[name] = Fault(name, **properties)
    if right:
        RIGHT.append(name)
    return FAULTS[name]


def at(step, name, right=False):
    """Decorates what changes the answer of a step."""
    def add(function):
        fault = FAULTS.get(name) or listener(name, right)
        fault.change[step] = function
        return function
    return add


def sends(step, name, right=False):
    """Decorates what sends the answer of a step."""
    def add(function):
        fault = FAULTS.get(name) or listener(name, right)
        fault.sending[step] = function
        return function
    return add


def find(name):
    word, *numbers = name.split(":")
    if word not in ("reset-in", "reset-out"):
        return FAULTS[name]
    first, step = map(int, numbers)
    fault = Fault(name)

    def limits(turn):
        behind = first + step * turn
        return (behind, None) if word == "reset-in" else (None, behind)
    fault.limits = limits
    return fault


listener("good", right=True)

# Connection and TLS

listener("refused", listens=False)
listener("reset-at-once", greet=lambda wire: wire.reset())
listener("closed-at-once", greet=lambda wire: wire.close())
listener("not-tls", greet=lambda wire: (wire.raw_receive(),
                                        wire.raw_send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), wire.close()))
listener("silent", greet=lambda wire: [wire.raw_receive() for _ in iter(int, 1)])
listener("expired", right=True, certificate="expired")
listener("early", right=True, certificate="early")
listener("other-key", certificate="other-key")
listener("other-ca", certificate="other-ca")
listener("other-name", certificate="other-name")


def tls_old(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")


def tls_12(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def tls_group(context):
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # In no client's list, and not for TLS 1.3 at all.
    context.set_ecdh_curve("brainpoolP256r1")


def tls_cipher(context):
    tls_12(context)
    context.set_ciphers("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0")


listener("tls-1.1", tls=tls_old)
listener("tls-1.2", right=True, tls=tls_12)
listener("no-common-group", tls=tls_group)
listener("no-common-cipher", tls=tls_cipher)


def tls_asks_for_certificate(context):
    context.verify_mode = ssl.CERT_OPTIONAL


listener("asks-for-certificate", right=True, tls=tls_asks_for_certificate)


@sends("auth", "handshake-only")
def handshake_only(wire, _answer):
    wire.goodbye()


# What any answer may be: a status, and who says so

def error(step, name, status, kind, detail="no"):
    at(step, name)(lambda broker, session, answer: Answer.error(status, kind, detail))


def text(step, name, status, body=b"<html>no</html>", kind="text/html", **headers):
    def change(_broker, _session, _answer):
        answer = Answer(status, body, kind)
        answer.headers += headers.items()
        return answer
    at(step, name)(change)


error("auth", "version", 401, "AttestationError", "Attestation error: RCAR handshake Auth failed: KBS Client "
      "Protocol Version Mismatch: expect =0.5.0 while the request is 0.4.0")
error("auth", "auth-refused", 401, "AttestationError", "Attestation error: RCAR handshake Auth failed")
error("auth", "auth-404", 404, "InvalidRequestPath")
error("attest", "attest-refused", 401, "AttestationError", "RCAR handshake Attest failed")
error("attest", "attest-denied", 401, "PolicyDeny")
error("attest", "attest-unknown", 401, "SomethingElse")
for word in ("PolicyDeny", "PluginInternalError", "PolicyEngineError", "ParsePolicyError", "JweError", "TokenNotFound",
             "TokenVerifierError", "AdminAuthAccess", "SomethingElse"):
    error("resource", "resource-" + word, 401, word)
error("resource", "resource-404", 404, "PluginNotFound")
for step in "auth", "attest", "resource":
    for status in (403, 429, 500, 502, 503):
        text(step, f"{step}-{status}", status)
text("attest", "attest-413", 413, b"payload reached size limit.", "text/plain; charset=utf-8")
text("auth", "redirect-302", 302, location="/elsewhere")
text("resource", "redirect-307", 307, location="https://elsewhere.test/")
text("auth", "status-101", 101)
text("auth", "status-204", 204, b"")
text("auth", "problem-json", 400, b'{"type":"about:blank","title":"Bad Request","status":400,"detail":"no"}',
     "application/problem+json")
text("resource", "terminal-escape", 500, b"\x1b[2J\x07\r\nFAILED code=0", "text/plain")


# HTTP: what is around the body of a challenge. A text is what is sent: %s is the body, %d its length.

def raw(name, form, right=False):
    def change(_broker, _session, answer):
        cookie = b"".join(b"%s: %s\r\n" % (n.encode(), v.encode()) for n, v in answer.headers if n == "set-cookie")
        out = form.replace(b"@COOKIE@", cookie).replace(b"@LENGTH@", b"%d" % len(answer.body))
        answer.raw = out.replace(b"@BODY@", answer.body).replace(b"@HEX@", b"%x" % len(answer.body))
        return answer
    at("auth", name, right)(change)


OK = b"HTTP/1.1 200 OK\r\n@COOKIE@"
LENGTH = b"content-length: @LENGTH@\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
raw("continue-100", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK + LENGTH
    + b"\r\n@BODY@", right=True)
raw("other-cases", b"HTTP/1.1 200 \r\n@COOKIE@".replace(b"@COOKIE@", b"@COOKIE@X-Set-Cookie: a=b\r\n")
    + b"CONTENT-LENGTH:@LENGTH@\t\r\nConnection: Keep-Alive\r\n\r\n@BODY@", right=True)
raw("chunked", OK + CHUNKED + b"\r\n@HEX@\r\n@BODY@\r\n0\r\n\r\n", right=True)
raw("chunk-extension", OK + CHUNKED + b"\r\n0@HEX@;name=value\r\n@BODY@\r\n000\r\nlast: trailer\r\n\r\n", right=True)
raw("chunk-minus", OK + CHUNKED + b"\r\n-@HEX@\r\n@BODY@\r\n0\r\n\r\n")
raw("chunk-prefix", OK + CHUNKED + b"\r\n0x@HEX@\r\n@BODY@\r\n0\r\n\r\n")
raw("chunk-wraps", OK + CHUNKED + b"\r\n100000000000000@HEX@\r\n@BODY@\r\n0\r\n\r\n")
raw("chunk-word", OK + CHUNKED + b"\r\nlarge\r\n@BODY@\r\n0\r\n\r\n")
raw("chunk-none", OK + CHUNKED + b"\r\n\r\n@BODY@\r\n0\r\n\r\n")
raw("chunk-short", OK + CHUNKED + b"\r\n9\r\n@BODY@\r\n0\r\n\r\n")
raw("chunk-twice-chunked", OK + CHUNKED + CHUNKED + b"\r\n@HEX@\r\n@BODY@\r\n0\r\n\r\n")
raw("encoding-unknown", OK + b"transfer-encoding: gzip, chunked\r\n\r\n@HEX@\r\n@BODY@\r\n0\r\n\r\n")
raw("both-lengths", OK + CHUNKED + LENGTH + b"\r\n@HEX@\r\n@BODY@\r\n0\r\n\r\n")
raw("two-lengths", OK + LENGTH + b"content-length: 9\r\n\r\n@BODY@")
raw("length-minus", OK + b"content-length: -1\r\n\r\n@BODY@")
raw("length-plus", OK + b"content-length: +@LENGTH@\r\n\r\n@BODY@")
raw("length-word", OK + b"content-length: all\r\n\r\n@BODY@")
raw("length-wraps", OK + b"content-length: 18446744073709551616\r\n\r\n@BODY@")
raw("length-large", OK + b"content-length: 2097152\r\n\r\n@BODY@")
raw("length-short", OK + b"content-length: 9\r\n\r\n@BODY@")
raw("two-answers", OK + LENGTH + b"\r\n@BODY@" + OK + LENGTH + b"\r\n@BODY@")
raw("header-large", OK + LENGTH + b"x: " + b"y" * 20000 + b"\r\n\r\n@BODY@")
raw("header-many", OK + LENGTH + b"x: y\r\n" * 4000 + b"\r\n@BODY@")
raw("header-no-colon", OK + LENGTH + b"word\r\n\r\n@BODY@")
raw("header-folded", OK + LENGTH + b"x: y\r\n z\r\n\r\n@BODY@")
raw("header-nul", OK + LENGTH + b"x: y\0z\r\n\r\n@BODY@")
raw("header-blank-name", OK + b"content-length : @LENGTH@\r\n\r\n@BODY@")
raw("status-word", b"HTTP/1.1 OK 200\r\n@COOKIE@" + LENGTH + b"\r\n@BODY@")
raw("status-long", b"HTTP/1.1 2000 OK\r\n@COOKIE@" + LENGTH + b"\r\n@BODY@")
raw("status-http-2", b"HTTP/2 200\r\n@COOKIE@" + LENGTH + b"\r\n@BODY@")
raw("status-none", b"\r\n\r\n@BODY@")
raw("not-http", b"220 mail.test ESMTP\r\n" * 40)
raw("zeros", bytes(4096))
raw("continue-endless", b"HTTP/1.1 100 Continue\r\n\r\n" * 20000 + OK + LENGTH + b"\r\n@BODY@")


@at("auth", "content-gzip")
def content_gzip(_broker, _session, answer):
    answer.headers.append(("content-encoding", "gzip"))
    answer.body = gzip.compress(answer.body)


@sends("auth", "header-endless")
def header_endless(wire, answer):
    wire.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        wire.send(b"x: y\r\n" * 500)


@sends("resource", "body-endless")
def body_endless(wire, answer):
    wire.send(answer.head(("transfer-encoding", "chunked")))
    while True:
        wire.send(b"1000\r\n" + b" " * 4096 + b"\r\n")


@sends("resource", "pieces", right=True)
def pieces(wire, answer):
    """Each byte in a record, and in a packet, of its own."""
    for byte in answer.bytes():
        wire.send(bytes([byte]))


def slow(wire, data):
    for byte in data:
        wire.send(bytes([byte]))
        time.sleep(1)


@sends("auth", "slow-header")
def slow_header(wire, answer):
    slow(wire, answer.bytes())


@sends("resource", "slow-body")
def slow_body(wire, answer):
    wire.send(answer.head(("content-length", len(answer.body))))
    slow(wire, answer.body)


def slow_handshake(wire):
    wire.pace = (1, 1)


listener("slow-handshake", greet=slow_handshake)
for step in "auth", "attest", "resource":
    # Silence: until the client goes.
    sends(step, f"silent-{step}")(lambda wire, answer: wire.exactly(1 << 30))
    sends(step, f"closed-before-{step}")(lambda wire, answer: wire.goodbye())
    sends(step, f"reset-before-{step}")(lambda wire, answer: wire.reset())

    def cut(wire, answer):
        wire.send(answer.bytes()[:-9])
        wire.goodbye()
    sends(step, f"truncated-{step}")(cut)

    def cut_rudely(wire, answer):
        """Without TLS's own goodbye: for the client it may be anybody's cut."""
        wire.send(answer.bytes()[:-9])
        wire.close()
    sends(step, f"cut-{step}")(cut_rudely)


@at("auth", "closed-after-auth")
def closed_after_auth(_broker, _session, answer):
    answer.headers.append(("connection", "close"))
    answer.close = True


@at("auth", "until-closed")
def until_closed(_broker, _session, answer):
    answer.with_length, answer.close = False, True


# The challenge

def challenge(name, right=False, **members):
    def change(_broker, session, answer):
        values = json.loads(answer.body)
        values.update(members)
        session.nonce = values["nonce"]
        answer.body = json.dumps(values, ensure_ascii=False).encode()
    at("auth", name, right)(change)


def body(step, name, make, right=False):
    """make: what becomes of the body's bytes."""
    def change(_broker, _session, answer):
        answer.body = make(answer.body)
    at(step, name, right)(change)


challenge("nonce-odd", right=True, nonce='+/a"b\\c/{}[]<&>\'~ =')
challenge("nonce-empty", nonce="")
challenge("nonce-number", nonce=17)
challenge("nonce-null", nonce=None)
challenge("nonce-long", nonce="A" * 65536)
challenge("nonce-control", nonce="a\nb")
challenge("nonce-nul", nonce="a\0b")
challenge("nonce-not-ascii", nonce="\u00e4\u00f6")
challenge("hash-upper", right=True, **{"extra-params": {"selected-hash-algorithm": "SHA384"}})
challenge("params-object", right=True, **{"extra-params": {"another": [1, 2]}})
challenge("hash-sha512", **{"extra-params": {"selected-hash-algorithm": "sha512"}})
challenge("hash-unknown", **{"extra-params": {"selected-hash-algorithm": "rot13"}})
challenge("hash-number", **{"extra-params": {"selected-hash-algorithm": 384}})
body("auth", "nonce-none", lambda b: b'{"extra-params":""}')
body("auth", "nonce-twice", lambda b: b'{"nonce":"AAAA",' + b[1:])
body("auth", "json-blanks", lambda b: b" \n\t" + b.replace(b":", b" : ") + b"\r\n", right=True)
body("auth", "json-escapes", lambda b: b.replace(b'"nonce"', b'"\\u006eonce"'))
body("auth", "json-none", lambda b: b"")
body("auth", "json-cut", lambda b: b[:-3])
body("auth", "json-more", lambda b: b + b"{}")
body("auth", "json-list", lambda b: b"[" + b + b"]")
body("auth", "json-text", lambda b: b"nonce: abc")
body("auth", "json-deep", lambda b: b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"," + b[1:])
body("auth", "json-bom", lambda b: b"\xef\xbb\xbf" + b)
body("auth", "json-nul", lambda b: b + b"\0")
body("auth", "json-utf-16", lambda b: b.decode().encode("utf-16"))
body("attest", "token-none", lambda b: b"{}")
body("attest", "token-number", lambda b: b'{"token":1}')
body("attest", "token-twice", lambda b: b'{"token":"a",' + b[1:])
body("attest", "token-text", lambda b: b"a.b.c")


# The cookie

def cookies(name, make, right=False):
    """make: a list of values of set-cookie, from the session's identifier."""
    def change(_broker, session, answer):
        answer.headers = [h for h in answer.headers if h[0] != "set-cookie"]
        answer.headers += [("Set-Cookie", value) for value in make(session.id)]
    at("auth", name, right)(change)


cookies("cookie-attributes", lambda i: [f"{COOKIE}={i}; Secure; HttpOnly; Path=/kbs/v0; Max-Age=0"], right=True)
cookies("cookie-others", lambda i: ["a=b", f"{COOKIE}={i}", f"{COOKIE}x=c"], right=True)
cookies("cookie-twice-same", lambda i: [f"{COOKIE}={i}"] * 2, right=True)
cookies("cookie-none", lambda i: [])
cookies("cookie-other", lambda i: [f"session={i}"])
cookies("cookie-empty", lambda i: [f"{COOKIE}="])
cookies("cookie-two", lambda i: [f"{COOKIE}={i}", f"{COOKIE}={i[::-1]}"])
cookies("cookie-long", lambda i: [f"{COOKIE}={i * 40}"])
cookies("cookie-odd", lambda i: [f"{COOKIE}={i}\tX: y"])
cookies("cookie-quoted", lambda i: [f'{COOKIE}="{i}"'])


@at("attest", "cookie-renewed", right=True)
def cookie_renewed(broker, session, answer):
    """The session has another name from here on."""
    del broker.sessions[session.id]
    session.id = session.id[::-1]
    broker.sessions[session.id] = session
    answer.headers = [("set-cookie", f"{COOKIE}={session.id}")]


# The resource

def sealed(name, make):
    """make: what becomes of the JWE, a dict."""
    def change(_broker, _session, answer):
        answer.body = compact(make(json.loads(answer.body))).encode()
    at("resource", name)(change)


def protected(name, **members):
    """Members of the protected header, over which the tag is then good: only the header is wrong."""
    def change(broker, session, answer):
        plain = next(iter(broker.resources.values()))
        answer.body = compact(seal(session.key, plain, **members)).encode()
    at("resource", name)(change)


def header(name, make):
    """make: what becomes of the protected header, which nothing else knows of."""
    def change(_broker, _session, answer):
        values = json.loads(answer.body)
        inner = json.loads(decode(values["protected"]))
        values["protected"] = b64url(make(inner) if callable(make) else make)
        answer.body = compact(values).encode()
    at("resource", name)(change)


def decode(word):
    return base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))


def flip(word):
    """The first byte, so that the last character stays as it has to be."""
    data = bytearray(decode(word))
    data[0] ^= 1
    return b64url(data)


P256 = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff


def number(word):
    return int.from_bytes(decode(word), "big")


def with_epk(**change):
    def make(inner):
        for name, function in change.items():
            value = function(inner["epk"].get(name))
            inner["epk"] = {**inner["epk"], name: value}
            if value is None:
                del inner["epk"][name]
        return compact(inner).encode()
    return make


def with_members(**members):
    return lambda inner: compact({**inner, **members}).encode()


def without(*names):
    return lambda values: {name: value for name, value in values.items() if name not in names}


for word in "protected", "encrypted_key", "iv", "ciphertext", "tag":
    sealed(f"jwe-no-{word}", without(word))
    sealed(f"jwe-number-{word}", lambda values, word=word: {**values, word: 17})
    sealed(f"jwe-padded-{word}", lambda values, word=word: {**values, word: values[word] + "="})
    sealed(f"jwe-blank-{word}", lambda values, word=word: {**values, word: values[word][:4] + "\n" + values[word][4:]})
for word in "encrypted_key", "iv", "ciphertext", "tag":
    sealed(f"jwe-changed-{word}", lambda values, word=word: {**values, word: flip(values[word])})
    sealed(f"jwe-short-{word}", lambda values, word=word: {**values, word: b64url(decode(values[word])[:-4])})
    sealed(f"jwe-empty-{word}", lambda values, word=word: {**values, word: ""})
    sealed(f"jwe-alphabet-{word}", lambda values, word=word: {
        **values, word: base64.b64encode(b"\xff" * 3 + decode(values[word])[3:]).decode().rstrip("=")})
for word in "header", "unprotected":
    sealed(f"jwe-{word}", lambda values, word=word: {**values, word: {}})
    sealed(f"jwe-{word}-epk", lambda values, word=word: {**values, word: json.loads(decode(values["protected"]))})
sealed("jwe-aad", lambda values: {**values, "aad": "AAAA"})
sealed("jwe-aad-empty", lambda values: {**values, "aad": ""})
sealed("jwe-recipients", lambda values: {**values, "recipients": []})
sealed("jwe-more", lambda values: {**values, "more": 1})
sealed("jwe-tail-bits", lambda values: {**values, "tag": values["tag"][:-1] + {
    "A": "B", "Q": "R", "g": "h", "w": "x"}[values["tag"][-1]]})
sealed("jwe-compact", lambda values: ".".join(values.values()))
sealed("jwe-list", lambda values: [values])
body("resource", "jwe-twice", lambda b: b[:-1] + b',"tag":"AAAAAAAAAAAAAAAAAAAAAA"}')
protected("header-apu", apu="QWxpY2U")
protected("header-apv", apv="Qm9i")
protected("header-kid", kid="1")
protected("header-cty", cty="text")
protected("header-zip", zip="DEF")
header("header-crit", with_members(crit=["exp"]))
header("header-alg", with_members(alg="ECDH-ES"))
header("header-alg-none", lambda inner: compact(without("alg")(inner)).encode())
header("header-enc", with_members(enc="A128GCM"))
header("header-reordered", lambda inner: compact(dict(reversed(inner.items()))).encode())
header("header-list", b"[]")
header("header-text", b"ECDH-ES+A256KW")
header("header-twice", lambda inner: b'{"alg":"none",' + compact(inner).encode()[1:])
header("epk-none", lambda inner: compact(without("epk")(inner)).encode())
header("epk-text", with_members(epk="P-256"))
header("epk-crv", with_epk(crv=lambda value: "P-384"))
header("epk-kty", with_epk(kty=lambda value: "OKP"))
header("epk-private", with_epk(d=lambda value: "A" * 43))
header("epk-off-curve", with_epk(y=lambda y: b64url((number(y) ^ 1).to_bytes(32, "big"))))
header("epk-zero", with_epk(x=lambda x: "A" * 43, y=lambda y: "A" * 43))
header("epk-not-reduced", with_epk(x=lambda x: b64url(P256.to_bytes(32, "big"))))
header("epk-short", with_epk(x=lambda x: x[:42]))
header("epk-padded", with_epk(x=lambda x: x + "="))
header("epk-no-y", with_epk(y=lambda y: None))


@at("resource", "epk-outside")
def epk_outside(broker, session, answer):
    """jwcrypto's own flattened form."""
    public = jwk.JWK(kty="EC", crv="P-256", x=session.key["x"], y=session.key["y"])
    token = jwe.JWE(next(iter(broker.resources.values())), recipient=public,
                    protected=compact({"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}))
    answer.body = token.serialize().encode()


@at("resource", "curve-p384")
def curve_p384(_broker, _session, answer):
    other = jwk.JWK.generate(kty="EC", crv="P-384")
    parts = jwe.JWE(b"of another curve", recipient=other,
                    protected=compact({"alg": "ECDH-ES+A256KW", "enc": "A256GCM"})).serialize(compact=True).split(".")
    answer.body = compact(dict(zip(("protected", "encrypted_key", "iv", "ciphertext", "tag"), parts))).encode()


def earlier(broker, session, answer):
    """Of a session before, which is made up if there is none."""
    for other, _, old in broker.sealed:
        if other is not session:
            return other.key, old
    key = jwk.JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True)
    return key, seal(key, next(iter(broker.resources.values())))


@at("resource", "replayed")
def replayed(broker, session, answer):
    answer.body = compact(earlier(broker, session, answer)[1]).encode()


@at("resource", "other-nonce")
def other_nonce(broker, session, answer):
    """Sealed anew, to the key that has come with the nonce of another session."""
    answer.body = compact(seal(earlier(broker, session, answer)[0], next(iter(broker.resources.values())))).encode()


@at("resource", "plain")
def plain(broker, _session, _answer):
    return Answer(200, next(iter(broker.resources.values())), "text/xml")


@at("resource", "secret-large")
def secret_large(_broker, session, answer):
    answer.body = compact(seal(session.key, bytes(70000))).encode()


@at("resource", "secret-empty")
def secret_empty(_broker, session, answer):
    answer.body = compact(seal(session.key, b"")).encode()


@at("resource", "not-a-table")
def not_a_table(_broker, session, answer):
    answer.body = compact(seal(session.key, b"no table")).encode()


text("resource", "resource-nothing", 200, b"", "application/json")
text("resource", "resource-text", 200, b"hunter2", "text/plain")
body("resource", "answer-large", lambda b: b + b" " * (2 << 20))
body("resource", "answer-cut", lambda b: b[:-30])
