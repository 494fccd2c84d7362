#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""printed.py - the commands in what coco-secret has printed, and stand-ins for the programs in them.

    printed.py commands < OUTPUT     each command on its own, with a NUL behind it
    printed.py qmp < OUTPUT          the QMP commands go to a socket, where they are checked
    virsh ..., sevctl ...            by a link of that name: checks its arguments as the program would

Trusts nothing that is printed; starts none of it."""
import base64
import json
import os
import re
import socket
import sys
import threading

PROGRAMS = ("coco-secret", "virsh", "sevctl", "base64", "cryptsetup", "qemu-img", "gzip", "xz", "zstd",
            "truncate", "cp", "partx", "sgdisk", "wipefs", "e2fsck", "blkdiscard", r"D=\$\(losetup", "ulimit")
START = re.compile(r"(?:^ *|: |; )((?:%s) .*)$" % "|".join(PROGRAMS), re.S)
HEADER_SIZE = 52


def commands(text):
    """A command ends its line; a backslash at the end of a line joins the next one to it."""
    for line in text.replace("\\\n", "").splitlines():
        found = START.search(line)
        if found and not re.search(r"^(Usage| *coco-secret \S+ - )", line):
            yield found.group(1)


def options(words, wanted):
    """--NAME VALUE pairs, all of `wanted` and no other; returns lists of values, and what is left."""
    values, rest = {name: [] for name in wanted}, []
    words = iter(words)
    for word in words:
        if not word.startswith("-"):
            rest.append(word)
            continue
        assert word[2:] in values, f"unknown option {word}"
        values[word[2:]].append(next(words))
    assert all(values.values()), f"an option is missing: {values}"
    return values, rest


def packet(header, secret):
    """Both in base64, as libvirt and QEMU want them."""
    header, secret = base64.b64decode(header, validate=True), base64.b64decode(secret, validate=True)
    assert len(header) == HEADER_SIZE, f"a header of {len(header)} bytes"
    assert secret and len(secret) % 16 == 0, f"a secret of {len(secret)} bytes"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def virsh(words):
    if words[0] == "resume":
        values, rest = options(words[1:], ["domain"])
    else:
        assert words[0] == "domsetlaunchsecstate", words[0]
        values, rest = options(words[1:], ["domain", "secrethdr", "secret"])
        packet(read(values["secrethdr"][0]), read(values["secret"][0]))
    assert not rest and values["domain"] == [os.environ["DOMAIN"]], (values, rest)


def sevctl(words):
    assert words[:2] == ["secret", "build"], words
    values, rest = options(words[2:], ["tik", "tek", "launch-measure-blob", "secret"])
    for key in "tik", "tek":
        assert len(read(values[key][0])) == 16, key
    assert len(base64.b64decode(values["launch-measure-blob"][0], validate=True)) == 48
    entries = [entry.split(":", 1) for entry in values["secret"]]
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", guid) for guid, _ in entries), entries
    payload = b"".join(read(path) for _, path in entries)
    with open(rest[0], "wb") as header, open(rest[1], "wb") as out:
        header.write(bytes(HEADER_SIZE))
        out.write(payload + bytes(-len(payload) % 16))
    assert len(rest) == 2, rest


def serve(server):
    """QEMU's side: a greeting, then it takes one command after the other in the right order."""
    connection, _ = server.accept()
    with connection, connection.makefile("rw") as stream:
        stream.write('{"QMP": {"version": {}, "capabilities": []}}\n')
        stream.flush()
        for wanted in "qmp_capabilities", "sev-inject-launch-secret", "cont":
            command = json.loads(stream.readline())
            good = command["execute"] == wanted
            if wanted == "sev-inject-launch-secret" and good:
                arguments = command["arguments"]
                good = set(arguments) == {"packet-header", "secret"}
                packet(arguments["packet-header"], arguments["secret"])
            stream.write('{"return": {}}\n' if good else '{"error": {}}\n')
            stream.flush()


def qmp(text):
    lines = [line for line in text.splitlines() if line.startswith("{")]
    assert len(lines) == 3, lines
    ours, theirs = f"qmp.{os.getpid()}", socket.socket(socket.AF_UNIX)
    theirs.bind(ours)
    theirs.listen(1)
    threading.Thread(target=serve, args=(theirs,), daemon=True).start()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(ours)
        os.unlink(ours)
        with client.makefile("rw") as stream:
            assert "QMP" in json.loads(stream.readline())
            for line in lines:
                stream.write(line + "\n")
                stream.flush()
                answer = stream.readline()
                assert answer and "return" in json.loads(answer), (line, answer)


def main():
    name = os.path.basename(sys.argv[0])
    if name in ("virsh", "sevctl"):
        {"virsh": virsh, "sevctl": sevctl}[name](sys.argv[1:])
    elif sys.argv[1] == "commands":
        text = sys.stdin.buffer.read().decode(errors="surrogateescape")
        for command in commands(text):
            sys.stdout.buffer.write(command.encode(errors="surrogateescape") + b"\0")
    else:
        qmp(sys.stdin.read())


main()
