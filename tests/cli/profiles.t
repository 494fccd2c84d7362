#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# profiles.t - volumes as the tools of a stock system write them pass with the default policy; what only an expert
# asks for does not.
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

t=$tmp/t
printf '%s' "$canary" > "$tmp/key"

boot() {
	tree "$t"
	add_disk "$t" vda "$1"
	add_secret "$t" "$guid" "$tmp/key"
	run --root="$t" check
	check_rc=$rc
	run --root="$t" unlock
}

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
