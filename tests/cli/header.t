#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# header.t - forged headers with good checksums in both copies: refused by the rule that is
# meant, with the disk untouched and the secret gone; and those that may pass do pass.
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

t=$tmp/t
printf '%s' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key"
must mkdir "$tmp/mutants"
"$top/tests/lib/luks2.py" "$tmp/good" "$tmp/mutants" > "$tmp/list" || must false

boot() {
	tree "$t"
	add_disk "$t" vda "$1"
	add_secret "$t" "$guid" "$tmp/key"
	run --root="$t" check
	check_rc=$rc
	run --root="$t" unlock
}

boot "$tmp/good"
is 'the header as cryptsetup has written it' "$check_rc $rc" '0 0'
while read -r name expected; do
	boot "$tmp/mutants/$name"
	case $expected in
		accepted)
			is "$name: accepted, check agrees" "$rc $check_rc" '0 0'
			is '... and opened' "$(status_fields "$t" volumes.0.keyslot)" 0
			;;
		library)
			is "$name: refused by libcryptsetup" "$rc" 6
			ok '... which is said' grep -qE 'libcryptsetup does not accept|no usable keyslot' "$tmp/err"
			;;
		*)
			is "$name: refused, check agrees" "$rc $check_rc" '6 6'
			is "... by $expected" "$(status_fields "$t" volumes.0.header)" "$expected"
			ok '... which is said' grep -qF "breaks the rule '$expected'" "$tmp/err"
			;;
	esac
	ok '... disk as it was, entry gone, no secret in any output' \
		eval "cmp -s '$tmp/mutants/$name' '$t/dev/vda' && [ ! -e '$t$secrets/$guid' ] && silent '$t'"
done < "$tmp/list"

# Why the rules are there: libcryptsetup itself takes these headers.
json() {
	cryptsetup luksDump --disable-locks --dump-json-metadata "$tmp/mutants/$1" 2> /dev/null |
		python3 -c 'import json, sys; v = json.load(sys.stdin)
for key in sys.argv[1:]: v = v[key]
print(v)' "${@:2}"
}
is 'premise: libcryptsetup takes a linear segment' "$(json seg-linear segments 0 type)" linear
is 'premise: and an unknown one' "$(json seg-foo segments 0 type)" foo
is 'premise: and a null cipher' "$(json seg-null segments 0 encryption)" cipher_null-ecb
is 'premise: of a key that occurs twice it takes the last' \
	"$(json dup-last-crypt segments 0 type) $(json dup-last-linear segments 0 type)" 'crypt linear'

# Formats that cryptsetup offers, with their defaults but for the costs.
for options in '' '--sector-size 4096' '--label root --subsystem x' "${argon2[*]}" '--hash sha512' \
	'--key-size 256'; do
	# shellcheck disable=SC2086 # several options
	disk "$tmp/disk" "$tmp/key" $options
	boot "$tmp/disk"
	is "luksFormat $options" "$check_rc $rc" '0 0'
done
must truncate -s 0 "$tmp/disk"
must truncate -s 17M "$tmp/disk"
must cryptsetup luksFormat -q --disable-locks --key-file "$tmp/key" --pbkdf-memory 32 \
	--pbkdf-force-iterations 4 "$tmp/disk" &> "$tmp/format.log"
boot "$tmp/disk"
is 'luksFormat with its own sizes' "$check_rc $rc" '0 0'
must truncate -s 0 "$tmp/disk"
must truncate -s 17M "$tmp/disk"
must cryptsetup luksFormat -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 \
	--pbkdf-force-iterations 1000 --luks2-metadata-size 32k "$tmp/disk" &> "$tmp/format.log"
boot "$tmp/disk"
is 'larger metadata' "$check_rc $rc $(status_fields "$t" volumes.0.header)" '6 6 metadata-size'
must truncate -s 0 "$tmp/disk"
must truncate -s 17M "$tmp/disk"
must cryptsetup luksFormat -q --type luks1 --disable-locks --key-file "$tmp/key" \
	--pbkdf-force-iterations 1000 "$tmp/disk" &> "$tmp/format.log"
boot "$tmp/disk"
is 'LUKS1' "$check_rc $rc" '19 19'

# Another cipher has to be asked for.
disk "$tmp/disk" "$tmp/key" --cipher aes-cbc-plain64 --key-size 256
boot "$tmp/disk"
is 'a cipher that is not on the list' "$rc $(status_fields "$t" volumes.0.header)" '6 segment-cipher'
tree "$t"
add_disk "$t" vda "$tmp/disk"
add_secret "$t" "$guid" "$tmp/key"
printf '[Policy]\nCiphers=aes-xts-plain64 aes-cbc-plain64\n' > "$t/etc/coco-unlock/coco-unlock.conf"
run --root="$t" unlock
is 'one that is' "$rc $(status_fields "$t" volumes.0.cipher)" '0 aes-cbc-plain64'
tap_done
