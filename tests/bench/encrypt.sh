#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# encrypt.sh - how fast coco-secret encrypts an image, beside cp and cryptsetup reencrypt on the
# same file system, in turns. Usage: encrypt.sh [MIB [ROUNDS]]; files in TMPDIR, five times MIB.
# Each counts with what makes it durable: encrypt and cryptsetup sync by themselves, cp is
# followed by sync. cp alone is not compared: it may only fill the page cache. The image has no
# holes, or cp would leave them out. The best run counts: one is slower for what was deleted before it, and, in
# a virtual machine, for memory that nobody has used for a while.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
bin=${COCO_SECRET:-$top/build/coco-secret}
[[ $bin == /* ]] || bin=$PWD/$bin
size=${1:-1024} rounds=${2:-5}
PATH=$PATH:/usr/sbin:/sbin
tmp=$(mktemp -d "${TMPDIR:-/tmp}/coco-bench-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

head -c $((size * 1024 * 1024)) /dev/urandom > image
mke2fs -q -F -t ext4 -b 4096 -E nodiscard,lazy_itable_init=0 image &> /dev/null
head -c 32 /dev/urandom > key
cat image > /dev/null

# timed NAME COMMAND...: adds the milliseconds to the list of NAME.
declare -A times
timed() {
	local name=$1 start end
	shift
	sync -f .
	start=${EPOCHREALTIME/./}
	"$@" &> log || { cat log; exit 1; }
	end=${EPOCHREALTIME/./}
	times[$name]+="$(((end - start) / 1000)) "
}

copy_synced() {
	cp image copy
	sync copy
}

for ((i = 0; i < rounds; i++)); do
	timed 'cp and sync' copy_synced
	rm copy
	timed 'coco-secret encrypt' "$bin" encrypt --secret key --pbkdf minimal image new
	rm new
	cp image copy
	truncate -s +32M copy
	timed 'cryptsetup reencrypt' cryptsetup reencrypt --encrypt -q --disable-locks --reduce-device-size 32M \
		--force-offline-reencrypt --sector-size 4096 --cipher aes-xts-plain64 --key-size 512 \
		--pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file key copy
	rm copy
done

best() {
	tr ' ' '\n' <<< "${times[$1]}" | grep . | sort -n | head -n 1
}

echo "# $size MiB on $(stat -f -c %T .), $(nproc) cores, best of $rounds rounds in turns"
ours=$(best 'coco-secret encrypt')
for name in 'cp and sync' 'coco-secret encrypt' 'cryptsetup reencrypt'; do
	ms=$(best "$name")
	awk -v name="$name" -v ms="$ms" -v ours="$ours" -v size="$size" -v all="${times[$name]}" 'BEGIN {
		printf "%-22s %6d ms %6.0f MiB/s   encrypt is %.2f of its speed   (%s)\n",
			name, ms, size * 1000 / (ms ? ms : 1), ms / ours, all }'
done
# Memory: the highest resident size must not depend on the image.
for mib in 64 "$size"; do
	truncate -s "${mib}M" part
	mke2fs -q -F -t ext4 part &> /dev/null
	python3 -IS -c '
import resource, subprocess, sys
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(sys.argv[1], "MiB: highest resident size",
      resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, "KiB")' \
		"$mib" "$bin" encrypt --secret key --pbkdf minimal part new
	rm new part
done

# The verbs that open a keyslot, beside cryptsetup with the same one: with the fewest iterations,
# and with those of a passphrase, where one derivation is nearly all of the time.
truncate -s 64M part
mke2fs -q -F -t ext4 part &> /dev/null
for kdf in minimal pbkdf2; do
	times=()
	"$bin" encrypt --secret key --pbkdf "$kdf" part "$kdf" &> log
	for ((i = 0; i < rounds; i++)); do
		cp "$kdf" disk
		timed 'cryptsetup open' cryptsetup open --test-passphrase --disable-locks --key-file key disk
		timed 'coco-secret prepare' "$bin" prepare disk --key-file key --force -o table
		timed 'coco-secret verify' "$bin" verify disk table
	done
	for name in 'cryptsetup open' 'coco-secret prepare' 'coco-secret verify'; do
		printf '%-22s %6d ms   keyslot of --pbkdf %s (%s)\n' "$name" "$(best "$name")" "$kdf" "${times[$name]}"
	done
done
