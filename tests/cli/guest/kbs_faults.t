#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
# Needs: python3-jwcrypto openssl cryptsetup
"""kbs_faults.t - each fault of a key broker, of the network and of the platform ends an unlock with the code of
its class and a reason that names it, in time; nothing of a secret gets out, nothing is left behind, and no
other source is asked: the launch secret that is there would have opened the disk. What is only unusual does not
end it.

    kbs_faults.t [WORD...]    only the cases that have one of these words in their names"""

import concurrent.futures
import os
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
import broker  # noqa: E402
import faults  # noqa: E402
import kbslab  # noqa: E402
import tap  # noqa: E402

SHORT, LONG, SLACK = 2, 30, 1  # seconds: where it is tried again until the deadline, and elsewhere
SECRET_EMPTY, POLICY_MISSING = 21, 27
(NO_PROVIDER, NO_NETWORK, NO_ROUTE, CONNECTION, TLS, IDENTITY, HTTP, VERSION, REFUSED, DENIED, MISSING, MALFORMED,
 REPORT, NO_ANSWER) = range(34, 48)
AGAIN = (NO_NETWORK, NO_ROUTE, CONNECTION, TLS, HTTP, REFUSED, DENIED, MISSING, NO_ANSWER)

# Of the broker: code, a part of the reason, the faults.
BROKER = [
    (CONNECTION, "refused", "refused"),
    (CONNECTION, "reset by peer", "reset-at-once reset-before-auth reset-before-attest reset-before-resource"),
    (CONNECTION, "TLS handshake.*eof", "closed-at-once"),
    (CONNECTION, "TLS handshake.*version number", "not-tls"),
    (CONNECTION, "closes the connection after one answer", "closed-after-auth"),
    (CONNECTION, "closed the connection before its answer was whole", "handshake-only closed-before-auth "
     "closed-before-attest closed-before-resource truncated-auth truncated-attest truncated-resource"),
    (CONNECTION, "connection to the broker is lost", "cut-auth cut-attest cut-resource"),
    (TLS, "protocol version", "tls-1.1"),
    (TLS, "group or cipher: .*handshake failure", "no-common-group no-common-cipher"),
    (IDENTITY, "server's key, [0-9a-f]{64}, is none of Pin=", "other-key other-ca"),
    (HTTP, "404", "auth-404 resource-404"),
    (HTTP, "elsewhere.* 302", "redirect-302"),
    (HTTP, "elsewhere.* 307", "redirect-307"),
    (HTTP, "413: payload reached size limit", "attest-413"),
    (HTTP, "204", "status-204"),
    (HTTP, "400", "problem-json"),
    (HTTP, r"500: .\[2J", "terminal-escape"),
    (HTTP, "auth was answered with 401 AttestationError", "auth-refused"),
    (HTTP, "attest was answered with 401 PolicyDeny", "attest-denied"),
    (HTTP, "401 SomethingElse", "attest-unknown resource-SomethingElse"),
    (HTTP, "forgotten the session", "resource-TokenNotFound"),
    *((HTTP, f"401 {word}", f"resource-{word}") for word in (
        "AdminAuthAccess", "JweError", "ParsePolicyError", "PolicyEngineError", "TokenVerifierError")),
    *((HTTP, f"{step} was answered with {status}", f"{step}-{status}")
      for step in ("auth", "attest", "resource") for status in (403, 429, 500, 502, 503)),
    (VERSION, "0.4.0.*Version Mismatch", "version"),
    (REFUSED, "401 AttestationError", "attest-refused"),
    (DENIED, "PolicyDeny", "resource-PolicyDeny"),
    (MISSING, "does not have the resource", "resource-PluginInternalError"),
    (MALFORMED, "length of a chunk", "chunk-minus chunk-prefix chunk-wraps chunk-word chunk-none"),
    (MALFORMED, "chunk that does not end", "chunk-short"),
    (MALFORMED, "Transfer-Encoding", "chunk-twice-chunked encoding-unknown both-lengths"),
    (MALFORMED, "Content-Length", "two-lengths length-minus length-plus length-word"),
    (MALFORMED, "more than 1 MiB", "length-wraps length-large body-endless answer-large"),
    (MALFORMED, "body without a length", "until-closed"),
    (MALFORMED, "more than what was asked for", "two-answers"),
    (MALFORMED, "too long a head", "header-large header-many header-endless continue-endless"),
    (MALFORMED, "no header", "header-no-colon header-blank-name"),
    (MALFORMED, "folded header", "header-folded"),
    (MALFORMED, "control character", "header-nul zeros"),
    (MALFORMED, "no status", "status-word status-long status-http-2 status-none status-101 not-http"),
    (MALFORMED, "no nonce", "nonce-empty nonce-number nonce-null nonce-long nonce-control nonce-nul nonce-none"),
    (MALFORMED, "challenge is no JSON", "nonce-not-ascii nonce-twice length-short content-gzip json-none json-cut "
     "json-more json-list json-text json-deep json-bom json-nul json-utf-16 json-escapes"),
    (MALFORMED, "another hash", "hash-sha512 hash-unknown hash-number"),
    (MALFORMED, "no token", "token-none token-number token-twice token-text"),
    (MALFORMED, "without a session", "cookie-none cookie-other"),
    (MALFORMED, "two sessions", "cookie-two"),
    (MALFORMED, "name that is none", "cookie-empty cookie-long cookie-odd cookie-quoted"),
    (MALFORMED, "no flattened JWE", "plain resource-nothing resource-text answer-cut jwe-compact jwe-list jwe-twice "
     "jwe-no-protected jwe-no-ciphertext jwe-number-protected jwe-number-ciphertext jwe-blank-protected "
     "jwe-blank-ciphertext"),
    (MALFORMED, "other members", "epk-outside jwe-aad jwe-aad-empty jwe-header jwe-header-epk jwe-unprotected "
     "jwe-unprotected-epk jwe-recipients jwe-more jwe-no-encrypted_key jwe-no-iv jwe-no-tag"),
    (MALFORMED, "encrypted_key, iv or tag", "jwe-tail-bits " + " ".join(
        f"jwe-{what}-{word}" for word in ("encrypted_key", "iv", "tag")
        for what in ("number", "padded", "blank", "short", "empty", "alphabet"))),
    (MALFORMED, "ciphertext.* 16 KiB", "secret-large jwe-padded-ciphertext jwe-alphabet-ciphertext"),
    (MALFORMED, "protected header .* is no JSON object", "header-list header-text header-twice jwe-padded-protected"),
    (MALFORMED, "more than alg, enc and epk", "header-apu header-apv header-kid header-cty header-zip header-crit"),
    (MALFORMED, r"not of ECDH-ES\+A256KW and A256GCM", "header-alg header-alg-none header-enc"),
    (MALFORMED, "has no epk", "epk-none epk-text"),
    (MALFORMED, "no bare public key of P-256", "epk-crv epk-kty epk-private epk-short epk-padded epk-no-y curve-p384"),
    (MALFORMED, "not a point of P-256", "epk-off-curve epk-zero epk-not-reduced"),
    (MALFORMED, "another key than this session's", "replayed other-nonce jwe-changed-encrypted_key"),
    (MALFORMED, "tag does not match", "header-reordered jwe-changed-iv jwe-changed-ciphertext jwe-changed-tag "
     "jwe-short-ciphertext jwe-empty-ciphertext"),
    (SECRET_EMPTY, "has no data", "secret-empty"),
    (NO_ANSWER, "handshake and challenge", "silent silent-auth slow-header slow-handshake"),
    (NO_ANSWER, "the evidence", "silent-attest"),
    (NO_ANSWER, "the resource", "silent-resource slow-body"),
]

# Of the platform: words for it, code, a part of the reason.
PLATFORM = [
    ("EBUSY", REPORT, "another report is on its way"), ("EINVAL", REPORT, "does not take the request"),
    ("ENXIO", REPORT, "the provider went away"), ("ENOTTY", REPORT, "VMPCK"), ("EIO", REPORT, "firmware has refused"),
    ("EFBIG", REPORT, "larger than this kernel takes"), ("moved", REPORT, "generation 2 in the place of 1"),
    ("lost", REPORT, "does not take the request"), ("large", REPORT, "more than 1048576 bytes"),
    ("wrong-data", REPORT, "not about the 64 bytes"), ("hanging", NO_ANSWER, "platform has not made the report in time"),
    ("mkdir-EBUSY", REPORT, "no directory.*busy"), ("mkdir-EEXIST", REPORT, "no directory.*exists"),
    ("rmdir-EBUSY", REPORT, "cannot remove"), ("unknown", REPORT, "family 0x19, model 0x77"),
]


class Test:
    def __init__(self, lab):
        self.lab = lab
        self.pool = concurrent.futures.ThreadPoolExecutor(12)
        self.runs = []
        self.seen = []  # by the broker: name, URL, facts of the evidence
        self.unasked = []  # URLs

    def later(self, name, code, pattern, urls, platform="snp", front=(), **tree):
        """Its results come in the order of these calls. tree: see Lab.tree()."""
        timeout = SHORT if code in AGAIN else LONG
        if sys.argv[1:] and not any(word in name for word in sys.argv[1:]):
            return

        def make():
            return self.lab.unlock(self.lab.tree(urls, timeout=f"{timeout}s", **tree), platform, front, LONG + 10)
        self.runs.append((name, code, pattern, timeout, make, self.pool.submit(make)))

    def results(self):
        for name, code, pattern, timeout, make, future in self.runs:
            run = future.result()
            if run.code == NO_ANSWER != code or run.seconds > timeout + SLACK:
                run = make()  # perhaps the machine was busy; alone it has to be in time
            self.judge(name, code, pattern, timeout, run)
        for name, url, facts in () if sys.argv[1:] else self.seen:
            connections = self.lab.events(url)
            events = connections[0] if connections else []
            tap.equal((len(connections), sum(e["event"] == "request" for e in events)), (1, 3),
                      f"{name}: one connection, three requests")
            attested = next((e for e in events if e["event"] == "attested"), {})
            tap.equal({**attested, **facts}, attested, f"{name}: {facts}")

    def judge(self, name, code, pattern, timeout, run):
        tokens = [session.id for session in list(self.lab.broker.sessions.values())]
        faults_seen = []

        def must(good, what):
            if not good:
                faults_seen.append(what)
        must(run.code == code, f"code {run.code}, not {code}")
        must(re.search(pattern, run.reason), f"reason: {run.reason}")
        must(not code or run.reason, "no reason")
        must(run.seconds <= timeout + SLACK, f"{run.seconds:.1f} s")
        must(not run.leaks(*tokens), f"a secret in {run.leaks(*tokens)}")
        must(not run.out, "something on stdout")
        # A platform that cannot be asked leaves no source at all; what the host has shown is wiped then, unread.
        must("mkdir" in name or "rmdir" in name or run.launch_secret_is_there(), "the launch secret was taken")
        must(run.status.get("source", {}).get("kind") == "key-broker", "another source")
        must(not re.search("[\0-\x08\x0b-\x1f\x7f]", run.err), "control characters on stderr")
        must(re.search("hanging|rmdir|is left", name) or not run.report_directories(), "a report's directory is left")
        must("hanging" in name or not run.processes(), "a process is left")
        run.end()
        tap.ok(not faults_seen, f"{name}: {code}", *faults_seen, run.err if faults_seen else "")


def identity(test):
    lab = test.lab
    ca, ca_file = lab.ca()
    other, other_file = lab.ca("other-ca")
    pin = [f"Pin={lab.pins['server']}"]
    url, named = lab.url("good"), lab.url("good", kbslab.NAME)
    host = [f"Host={kbslab.NAME} {broker.LOOPBACK}"]

    def case(name, code, pattern, urls, lines, files=None, **more):
        test.later(name, code, pattern, urls, identity=lines, more=files, **more)
    case("the CA, by address", 0, "", [url], ca, ca_file)
    case("the CA, by name", 0, "", [named], ca + host, ca_file)
    case("expired, with the CA", 0, "", [lab.url("expired")], ca, ca_file)
    case("early, with the CA", 0, "", [lab.url("early")], ca, ca_file)
    case("the second of two pins", 0, "", [url], [f"Pin={lab.pins['other']}", *pin])
    not_of = "not of BrokerCA= for "
    case("the CA of another", IDENTITY, not_of, [url], other, other_file)
    case("a certificate of another CA", IDENTITY, not_of, [lab.url("other-ca")], ca, ca_file)
    case("the CA, with another name", IDENTITY, not_of + ".*mismatch", [lab.url("other-name")], ca, ca_file)
    case("the CA, with another host", IDENTITY, not_of + "third.test.*mismatch", [lab.url("good", "third.test")],
         ca + [f"Host=third.test {broker.LOOPBACK}"], ca_file)
    case("the pin of the CA's key", IDENTITY, "none of Pin=", [url], [f"Pin={lab.pins['ca']}"])
    case("a prefix of a proxy", 0, "", [url + "/of/a/proxy"], pin)
    case("no table, where there should be one", MALFORMED, "no secret table", [lab.url("not-a-table")], pin,
         kbs=["ResourceFormat=table"])
    # Two brokers: the second is asked, and the reason names both.
    case("the first is dead", 0, "", [lab.url("refused"), url], pin)
    case("the first is false", 0, "", [lab.url("other-key"), url], pin)
    case("the first makes no sense", 0, "", [lab.url("json-text"), url], pin)
    case("the one that came furthest", MALFORMED, "refused.*; .*", [lab.url("refused"), lab.url("jwe-changed-tag")],
         pin)


# In a network of its own, with a link and its address if they are wanted: LINK PROGRAM...
ALONE = """
import fcntl, os, socket, struct, sys
if sys.argv[1] == "up":
    tun = os.open("/dev/net/tun", os.O_RDWR)
    os.set_inheritable(tun, True)
    fcntl.ioctl(tun, 0x400454ca, struct.pack("16sh14x", b"link", 0x1001))  # TUNSETIFF with IFF_TUN, IFF_NO_PI
    address = struct.pack("16sHH4s16x", b"link", socket.AF_INET, 0, bytes([198, 51, 100, 1]))
    fcntl.ioctl(socket.socket(), 0x8916, address)  # SIOCSIFADDR
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"link", 1))  # SIOCSIFFLAGS with IFF_UP
os.execv(sys.argv[2], sys.argv[2:])
"""


def network(test):
    """Returns what has to stay open until the results are there."""
    lab, held = test.lab, []
    with socket.socket() as free:
        free.bind((broker.LOOPBACK, 0))
        port = free.getsockname()[1]
    test.later("nobody listens", CONNECTION, "refused", [f"https://{broker.LOOPBACK}:{port}"])
    # A queue that is full: nobody answers.
    full = socket.socket()
    full.bind((broker.LOOPBACK, 0))
    full.listen(0)
    held.append(full)
    for _ in range(3):
        held.append(socket.socket())
        held[-1].setblocking(False)
        held[-1].connect_ex(full.getsockname())
    test.later("a port that never answers", CONNECTION, "timed out", [f"https://{broker.LOOPBACK}:{full.getsockname()[1]}"])
    six = socket.inet_ntop(socket.AF_INET6, bytes(15) + b"\1")
    try:
        port = lab.broker.listen(faults.find("good"), six)
        test.later("IPv6", 0, "", [f"https://[{six}]:{port}"])
    except OSError:
        tap.skip("no IPv6 here")
    alone = ["unshare", "-rn", "/usr/bin/python3", "-ISc", ALONE]
    if subprocess.run([*alone, "up", "/bin/true"], stderr=subprocess.DEVNULL, check=False).returncode:
        tap.skip("no network namespaces, or no tun device, here")
        return held
    other = socket.inet_ntoa(bytes([192, 0, 2, 1]))
    for link, code, pattern in (("down", NO_NETWORK, "no network interface"), ("up", NO_ROUTE, f"no route to {other}")):
        test.later(f"a link that is {link}", code, pattern, [f"https://{other}"], front=[*alone, link])
    return held


def platform(test):
    lab = test.lab
    good = lab.url("good")
    log = {"sys/firmware/acpi/tables/data/CCEL": open(lab.log, "rb").read() + b"\xff" * 64}
    wrong = {"sys/firmware/acpi/tables/data/CCEL": kbslab.event_log([(1, b"four")])[0] + b"\xff" * 64}
    cut = {"sys/firmware/acpi/tables/data/CCEL": open(lab.log, "rb").read()[:-3]}

    def case(name, code, pattern, words, files=None, kbs=()):
        test.later(name, code, pattern, [good], words, more=files, kbs=kbs)
    with open(lab.path("chip.der"), "rb") as f:
        der = {"etc/coco-unlock/vcek.der": f.read()}
    vcek = ["VCEK=/etc/coco-unlock/vcek.der"]
    left = {f"{kbslab.REPORTS}/somebody-else/provider": b""}
    # What the broker sees of it: the evidence is whole each time.
    for name, words, facts, files, kbs in (
            ("snp without a certificate", "snp", {"chain": False}, None, ()),
            ("snp with the host's certificates", f"snp aux={lab.aux}", {"chain": True}, None, ()),
            ("snp with the image's certificate", "snp", {"chain": True}, der, vcek),
            ("snp beside a directory that is left", "snp", {"chain": False}, left, ()),
            ("tdx, version 4", "tdx4", {"event_log": False}, None, ()),
            ("tdx, version 5", "tdx5", {"event_log": False}, None, ()),
            ("tdx with its log", "tdx4", {"event_log": True}, log, ()),
            ("tdx with another log", "tdx4", {"event_log": False}, wrong, ()),
            ("tdx with a log that is cut", "tdx4", {"event_log": False}, cut, ()),
            ("tdx without a log, as configured", "tdx5", {"event_log": False}, log, ["EventLog=no"])):
        url = lab.url("good", new=True)
        test.later(name, 0, "", [url], words, more=files, kbs=kbs)
        test.seen.append((name, url, facts))
    # What cannot come to an end is not begun.
    for sources in ("kbs", "efi kbs"):
        url = lab.url("good", new=True)
        test.later(f"{sources}: a bare secret where a policy is required", POLICY_MISSING, "bare secret", [url],
                   sources=sources, kbs=["[Policy]", "RequirePolicyEntry=yes"])
        test.unasked.append(url)
    test.later("no platform, and no other source", NO_PROVIDER, "provider", [good], "", sources="kbs")
    for words, code, pattern in PLATFORM:
        case(words, code, pattern, "snp " + words)
    whole = kbslab.certificate_table((kbslab.VCEK, b"\x30\x03\x02\x01\x00"))
    tables = {"a table that is cut": whole[:30], "a table without an end": whole[:24],
              "a table that points outside": whole[:16] + b"\xf0\xff\xff\xff\x20\0\0\0" + whole[24:],
              "a certificate that is none": kbslab.certificate_table((kbslab.VCEK, b"none"))}
    for number, (name, data) in enumerate(tables.items()):
        words = f"snp aux={lab.file(f'table{number}', data)}"
        case(name, REPORT, "certificate table is malformed", words)
        url = lab.url("good", new=True)
        test.later(f"{name}, and the image's certificate", 0, "", [url], words, more=der, kbs=vcek)
        test.seen.append((name, url, {"chain": True}))


def main():
    with kbslab.Lab() as lab:
        test = Test(lab)
        held = network(test)
        platform(test)
        identity(test)
        for name in faults.RIGHT:
            url = lab.url(name, new=True)
            test.later(name, 0, "", [url])
            test.seen.append((name, url, {}))
        named = set(faults.RIGHT)
        for code, pattern, names in BROKER:
            for name in names.split():
                test.later(name, code, pattern, [lab.url(name)])
                named.add(name)
        test.results()
        tap.equal([url for url in test.unasked if lab.events(url)], [], "no broker is asked in vain")
        control = lab.unlock(lab.tree([lab.url("good")]), "")
        tap.equal((control.code, control.status["source"]["kind"]), (0, "launch-secret"),
                  "control: without a platform the launch secret opens the disk")
        tap.equal(sorted(set(faults.FAULTS) - named - {"other-name", "not-a-table"}), [], "no fault is left out")
        for sock in held:
            sock.close()
    return tap.done()


sys.exit(main())
