#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# profiles.t - volumes as the tools of a stock system write them pass with the default policy; what only an expert
# asks for does not.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
printf '%s' "$canary" > "$tmp/key"

options_wanted= # of cocotab
boot() {
	tree "$t"
	add_disk "$t" vda "$1"
	add_secret "$t" "$guid" "$tmp/key"
	[[ -z $options_wanted ]] || printf 'root auto - %s\n' "$options_wanted" > "$t/etc/coco-unlock/cocotab"
	run --root="$t" check
	check_rc=$rc
	run --root="$t" unlock
}

# What was written elsewhere, by the tools of a Debian 13 and of one after it: headers only, so they are judged but not
# opened.
must mkdir "$tmp/profiles"
python3 -B "$top/tests/headers/profiles.py" "$tmp/profiles" > "$tmp/list" || must false
while read -r name option what; do
	tree "$t"
	add_disk "$t" vda "$tmp/profiles/$name"
	add_secret "$t" "$guid" "$tmp/key"
	printf 'root auto - %s\n' "$option" > "$t/etc/coco-unlock/cocotab"
	run --root="$t" check
	is "$name: $what" "$rc" 0
done < "$tmp/list"

# What this machine's cryptsetup makes, with its defaults but for the costs; opened, too. Debian's installer calls it
# with -c aes-xts-plain64 -s 512, Fedora's sets the same cipher and size, and a sector size of 512 or 4096.
default() {
	must truncate -s 0 "$tmp/disk"
	must truncate -s 17M "$tmp/disk"
	must cryptsetup luksFormat -q --disable-locks --key-file "$tmp/key" "${costs[@]}" "$@" "$tmp/disk" &> "$tmp/format.log"
}
change() {
	must cryptsetup "$1" -q --disable-locks --key-file "$tmp/key" "${costs[@]}" "${@:2}" &> "$tmp/format.log"
}
passes() {
	boot "$tmp/disk"
	is "$1" "$check_rc $rc" '0 0'
}
costs=(--pbkdf-memory 32 --pbkdf-parallel 1 --pbkdf-force-iterations 4)
default
passes 'luksFormat'
must cp "$tmp/key" "$tmp/old"
printf 'another key' > "$tmp/other"
change luksAddKey "$tmp/disk" "$tmp/list"
passes '... with a second key'
change luksChangeKey "$tmp/disk" "$tmp/other"
must cp "$tmp/other" "$tmp/key"
change luksChangeKey "$tmp/disk" "$tmp/old"
must cp "$tmp/old" "$tmp/key"
passes '... after two changes of the key'
change reencrypt --force-offline-reencrypt --key-slot 0 "$tmp/disk"
passes '... after a whole reencryption'
default -c aes-xts-plain64 -s 512 --sector-size 512
passes 'the installers of Debian and Fedora'
default -c aes-xts-plain64 -s 512 --sector-size 4096
passes '... on a disk with sectors of 4096 bytes'
for options in '--label root --subsystem x' '--hash sha512' '--key-size 256' '--pbkdf argon2i' '--luks2-keyslots-size 4m'; do
	# shellcheck disable=SC2086 # several options
	default $options
	passes "luksFormat $options"
done
must truncate -s 0 "$tmp/disk"
must truncate -s 40M "$tmp/disk"
change reencrypt --encrypt --reduce-device-size 32M --force-offline-reencrypt "$tmp/disk"
passes 'reencrypt --encrypt'
costs=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
default
passes 'luksFormat --pbkdf pbkdf2'
must truncate -s 0 "$tmp/disk"
must truncate -s 17M "$tmp/disk"
must cryptsetup luksFormat -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 \
	--pbkdf-force-iterations 1000 --luks2-metadata-size 32k "$tmp/disk" &> "$tmp/format.log"
boot "$tmp/disk"
is 'larger metadata' "$check_rc $rc $(status_fields "$t" volumes.0.header)" '6 6 metadata-size'
ok '... names the option' grep -q 'put metadata-size=32k into its options in cocotab' "$tmp/err"
options_wanted=metadata-size=32k
passes '... which leads on'
options_wanted=metadata-size=64k
boot "$tmp/disk"
is '... and no other value does' "$check_rc $rc $(status_fields "$t" volumes.0.header)" '6 6 metadata-size'
default
boot "$tmp/disk"
is '... nor the option on a disk with the default' "$check_rc $rc $(status_fields "$t" volumes.0.header)" \
	'6 6 metadata-size'
ok '... which names the default' grep -q 'put metadata-size=16k into its options in cocotab' "$tmp/err"
# snapd formats in this way.
for size in 2m 4m; do
	options_wanted=metadata-size=$size
	default --luks2-metadata-size $size --luks2-keyslots-size 8m
	passes "luksFormat --luks2-metadata-size $size --luks2-keyslots-size 8m"
done
options_wanted=
# The flags that `cryptsetup open --persistent` leaves; it needs a mapping, so they are put there by hand.
python3 -B "$top/tests/headers/mutants.py" "$tmp/key" "$tmp" flags-speed flags-all flags-journal || must false
for name in flags-speed flags-all; do
	must cp "$tmp/$name" "$tmp/disk"
	passes "persistent flags: $name"
done
boot "$tmp/flags-journal"
is 'the flag no-journal' "$check_rc $rc $(status_fields "$t" volumes.0.header)" '6 6 config-flags'

# LUKS1 that `cryptsetup convert` has made LUKS2 keeps its hash, and a digest of 20 bytes.
luks1() {
	must truncate -s 0 "$tmp/disk"
	must truncate -s 4M "$tmp/disk"
	must cryptsetup luksFormat -q --type luks1 --disable-locks --key-file "$tmp/key" --pbkdf-force-iterations 1000 \
		"$@" "$tmp/disk" &> "$tmp/format.log"
	must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf-force-iterations 1000 \
		"$tmp/disk" "$tmp/other" &> "$tmp/format.log"
	must cryptsetup convert -q --disable-locks --type luks2 "$tmp/disk" &> "$tmp/format.log"
}
for options in '--hash sha256 --key-size 512' '--hash sha256 --key-size 256' '--hash sha512 --key-size 512' \
	'--hash sha512 --key-size 256 --align-payload 3072'; do
	# shellcheck disable=SC2086 # several options
	luks1 $options
	passes "LUKS1 $options, converted"
	is '... cryptsetup: the digest has 20 bytes' "$(cryptsetup luksDump --disable-locks --dump-json-metadata "$tmp/disk" |
		python3 -IS -c 'import base64, json, sys
print(len(base64.b64decode(json.load(sys.stdin)["digests"]["0"]["digest"])))')" 20
	change luksAddKey "$tmp/disk" "$tmp/list"
	passes '... with another key since'
done
luks1 --hash sha1
boot "$tmp/disk"
is 'LUKS1 with sha1, converted' "$check_rc $rc $(status_fields "$t" volumes.0.header)" '6 6 keyslot-af'
ok '... names the way' grep -q 'cryptsetup reencrypt --hash sha256 DISK, of a file with --force-offline-reencrypt' "$tmp/err"
change reencrypt --force-offline-reencrypt --key-slot 0 "$tmp/disk"
passes '... which leads on'

# A partition that was grown to the last sector of a disk.
default --sector-size 4096
must truncate -s $((17 * 1024 * 1024 + 4096 - 512)) "$tmp/disk"
boot "$tmp/disk"
is 'a device that ends inside of a sector' "$check_rc $rc $(status_fields "$t" volumes.0.header)" '6 6 segment-alignment'
ok '... says by how much' grep -q 'smaller by 3584 bytes' "$tmp/err"
must truncate -s -3584 "$tmp/disk"
passes '... and cut by that'
default --sector-size 512
must truncate -s $((17 * 1024 * 1024 + 4096 - 512)) "$tmp/disk"
passes 'the same with sectors of 512 bytes'
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
