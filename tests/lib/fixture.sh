# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034 # what is set here is for the tests
#
# fixture.sh - disks, secrets and trees in the place of the machine, below TMPDIR. Source it
# after tap.sh. May not touch anything outside its own directory, which goes at exit.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${COCO_UNLOCK:-$top/build/coco-unlock}
[[ $bin == /* ]] || bin=$PWD/$bin
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

tmp=$(mktemp -d "${TMPDIR:-/tmp}/coco-cli-XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT

guid=736869e5-84f0-4973-92ec-06879ce3da0b
example=736870e5-84f0-4973-92ec-06879ce3da0b
other=11111111-2222-3333-4444-555555555555
policy=f2d7c5a0-8f0e-4f36-9a3c-6b1de5a7c914
secrets=/sys/kernel/security/secrets/coco
status=/run/coco-unlock/status.json

# Part of every secret here; no output may have it. Put together so that a search of the
# process's own files does not find this line.
canary=cana''ry-5Xw

must() {
	"$@" || { echo "Bail out! failed: $*"; exit 99; }
}

# disk FILE KEYFILE [OPTION...]: formats a LUKS2 volume of 2 MiB whose data begin at 1 MiB.
disk() {
	local file=$1 key=$2
	shift 2
	must truncate -s 0 "$file"
	must truncate -s 2M "$file"
	must cryptsetup luksFormat -q --disable-locks --key-file "$key" --luks2-metadata-size 16k \
		--luks2-keyslots-size 768k --offset 2048 --sector-size 512 --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 "$@" "$file" &> "$tmp/format.log"
}

# Options for a keyslot that does not pad its passphrase.
argon2=(--pbkdf argon2id --pbkdf-memory 32 --pbkdf-parallel 1 --pbkdf-force-iterations 4)

# firmware FILE [AREA]: an image of 8 KiB whose reset vector has the areas of an AmdSev build.
firmware() {
	must python3 -IS - "$1" "${2-3072}" << 'EOF'
import struct, sys, uuid
def record(guid, data=b""):
    return data + struct.pack("<H", len(data) + 18) + uuid.UUID(guid).bytes_le
area = int(sys.argv[2])
table = b""
if area:
    table = record("7255371f-3a3b-4b04-927b-1da6efa8d454", struct.pack("<II", 0x810000 + area, 1024))
    table += record("4c2eb361-7d9b-4cc3-8081-127c90d3d294", struct.pack("<II", 0x810000, area))
table += record("00f771de-1a7e-4fcb-890e-68c77e2fb44e", struct.pack("<I", 0x80b004))
footer = struct.pack("<H", len(table) + 18) + uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
tail = table + footer + bytes(32)
with open(sys.argv[1], "wb") as f:
    f.write((bytes(range(256)) * 32)[:8192 - len(tail)] + tail)
EOF
}

# tree DIR: an empty machine with a table of no secrets.
tree() {
	must rm -rf "$1"
	must mkdir -p "$1"/{etc/coco-unlock,run,dev,proc,sys/class/block} "$1$secrets"
}

# add_disk TREE NAME IMAGE
add_disk() {
	must mkdir -p "$1/sys/class/block/$2/device"
	must cp "$3" "$1/dev/$2"
}

# add_secret TREE GUID FILE
add_secret() {
	must cp "$3" "$1$secrets/$2"
}

# run ARGUMENT...: sets rc; output in $tmp/out and $tmp/err.
run() {
	rc=0
	"$bin" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
}

# All that a tree has: kind, mode, size, times and content of each file.
snapshot() {
	(cd "$1" && find . -printf '%p %y %m %s %T@ %C@ %l\n' | sort &&
		find . -type f -exec sha256sum {} + | sort)
}

# True if neither the output nor what was written holds a part of a secret.
silent() {
	! grep -qaF "$canary" "$tmp/out" "$tmp/err" &&
		! grep -rqaF "$canary" "$1/run"
}

# status_fields TREE FIELD...: prints fields of the tree's status file in one line, with
# slashes between them. Fields are named as in: code, source.wiped, volumes.0.form
status_fields() {
	local file=$1$status
	shift
	python3 -IS -c '
import json, sys
values = []
for name in sys.argv[2:]:
    value = json.load(open(sys.argv[1]))
    for key in name.split("."):
        value = value[int(key) if key.isdigit() else key]
    values.append(str(value))
print("/".join(values))' "$file" "$@"
}
