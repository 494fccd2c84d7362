# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # for the tests; from fixture.sh
#
# guest.sh - coco-secret, and the guest that boots with what it has made. Source it after
# fixture.sh.

owner=${COCO_SECRET:-$top/build/coco-secret}
[[ $owner == /* ]] || owner=$PWD/$owner

# own ARGUMENT...: coco-secret; sets rc; output in $tmp/out and $tmp/err.
own() {
	rc=0
	"$owner" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
}

# table_make TABLE GUID=FILE...
table_make() {
	must python3 -IS "$top/tests/lib/table.py" make "$@"
}

# table_get TABLE GUID
table_get() {
	python3 -IS "$top/tests/lib/table.py" get "$@"
}

# boot DISK TABLE [TREE]: a guest with this disk, this table, and the configuration of TREE;
# sets rc. The guest's own tree is $tmp/guest.
boot() {
	tree "$tmp/guest"
	must rmdir "$tmp/guest$secrets"
	add_disk "$tmp/guest" vda "$1"
	must python3 -IS "$top/tests/lib/table.py" split "$2" "$tmp/guest"
	[[ ! ${3-} ]] || must cp -r "$3/etc" "$tmp/guest/"
	run --root="$tmp/guest" unlock
}

# verify DISK TABLE [OPTION...]: sets rc.
verify() {
	own verify "$@"
}

# opens DISK KEYFILE: cryptsetup itself
opens() {
	cryptsetup open --test-passphrase --disable-locks -q --key-file "$2" "$1" &> /dev/null
}

# keyslots DISK: their numbers, key derivations and iterations
keyslots() {
	cryptsetup luksDump --disable-locks --dump-json-metadata "$1" | python3 -IS -c '
import json, sys
slots = json.load(sys.stdin)["keyslots"]
print(" ".join("{}:{}:{}".format(n, s["kdf"]["type"], s["kdf"].get("iterations", "-"))
               for n, s in sorted(slots.items())))'
}

# some_data FILE: puts something into the data area of a disk(), so that a change is seen.
some_data() {
	must dd if=/dev/urandom of="$1" bs=64k seek=16 count=16 conv=notrunc 2> /dev/null
}

data() {
	tail -c +1048577 "$1" | sha256sum
}

sum() {
	sha256sum < "$1"
}

mode() {
	stat -c %a "$1"
}

# silent_own [TABLE...]: true if no output has the canary, nor the secret of one of the tables, as
# it is or in hexadecimal.
silent_own() {
	! grep -qaF "$canary" "$tmp/out" "$tmp/err" || return 1
	[[ ! ${1-} ]] || python3 -IS "$top/tests/lib/table.py" silent "$guid" "$tmp/out" "$tmp/err" "$@"
}
