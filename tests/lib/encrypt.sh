# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # variables of the tests, and of fixture.sh
#
# encrypt.sh - for the tests of coco-secret encrypt: a small root, runs and killed runs of the
# program. Source it after fixture.sh; it goes to the directory of the test's own files.

secret_bin=${COCO_SECRET:-$top/build/coco-secret}
[[ $secret_bin == /* ]] || secret_bin=$PWD/$secret_bin
mib=$((1024 * 1024))
cd "$tmp" || exit 99

# encrypt ARGUMENT...: sets rc; output in out and err.
encrypt() {
	rc=0
	"$secret_bin" encrypt "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
}

# plain IMAGE OFFSET SECRET: writes the decrypted volume to the file plain.
plain() {
	"$top/tests/lib/volume.py" "$1" "$2" "$3" plain
}

# sectors IMAGE: how large those of its volume are.
sectors() {
	"$top/tests/lib/volume.py" json "$1" 0 | sed -n 's/.*"sector_size": \([0-9]*\).*/\1/p'
}

# All that could have changed here, but for the output: name, size and times of each file.
files() {
	find . -mindepth 1 ! -name out ! -name err -printf '%p %y %m %s %T@ %C@\n' | sort
}

# refuses NAME CODE PATTERN ARGUMENT...: nothing is left behind, and the images are untouched.
refuses() {
	local name=$1 code=$2 pattern=$3 before
	shift 3
	before=$(files)
	encrypt "$@"
	is "refuses $name" "$rc" "$code"
	ok "... says: $pattern" grep -qE "^coco-secret: .*$pattern.*; next: ." err || sed 's/^/# /' err
	ok '... in one line' test "$(wc -l < err)" = 1
	ok '... and has written nothing' test "$(files)" = "$before"
}

# A file system with data, and with a hole at its end.
must mkdir content
head -c 300000 /dev/urandom > content/random
printf '%s plain text of the root' "$canary" > content/text
must mke2fs -q -F -t ext4 -d content fs 6M &> /dev/null
fs_size=$((6 * mib))
must sha256sum fs > fs.sum

# span ARGUMENT...: how long a run takes, in microseconds.
span() {
	local start=$EPOCHREALTIME
	encrypt "$@"
	local end=$EPOCHREALTIME
	echo $((${end/./} - ${start/./}))
}

# killed SPAN ARGUMENT...: kills a run somewhere before SPAN; sets rc, and counts in nr_killed.
killed() {
	local delay=$(($1 * RANDOM / 32768))
	shift
	# The shell itself tells of each one that is killed.
	{ timeout --foreground -s KILL "$((delay / 1000000)).$(printf %06d $((delay % 1000000)))" \
		"$secret_bin" encrypt "$@" > out 2> err; } 2> /dev/null
	rc=$?
	# 124: it has ended by itself at that very moment.
	((rc != 124)) || rc=137
	((rc != 137)) || ((nr_killed += 1))
}

# opens IMAGE SECRET: true if the unlocker opens it.
opens() {
	local t=$tmp/tree
	tree "$t"
	add_disk "$t" vda "$1"
	add_secret "$t" "$guid" "$2"
	run --root="$t" unlock
	rm -rf "$t"
	((rc == 0))
}
