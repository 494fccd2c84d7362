#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# next_header.t - the next step of each header that an honest owner can have and that a rule refuses, taken with the
# program that it names: then the volume opens. metadata-size and segment-alignment are in profiles.t, LUKS1 in next.t.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

t=$tmp/t
conf=$t/etc/coco-unlock
d=$tmp/disk
printf '%s good' "$canary" > "$tmp/key"
printf '%s more' "$canary" > "$tmp/more"
cheap=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# crypt ARGUMENT...: cryptsetup, as the step has it; a file needs no lock and nobody is asked.
crypt() {
	cryptsetup "$1" -q --disable-locks "${@:2}" &> "$tmp/log" || { sed 's/^/# /' "$tmp/log"; return 1; }
}

# boots [COCOTAB [CONF]]
boots() {
	tree "$t"
	add_disk "$t" vda "$d"
	add_secret "$t" "$guid" "$tmp/key"
	echo "${1-root auto}" > "$conf/cocotab"
	printf '%b' "${2-}" > "$conf/coco-unlock.conf"
	run --root="$t" unlock
}

# refused NAME RULE NEXT: NEXT is a regular expression of what follows the condition.
refused() {
	boots
	is "$1" "$rc $(status_fields "$t" volumes.0.header)" "6 $2"
	ok "... and says what to do: $3" \
		grep -qE "^coco-unlock: FAILED .* next=\"attach the disk as it was prepared; if [^\"]*$3\" action" "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
}

goes_on() {
	boots "$@"
	is '... which leads on' "$rc" 0 || sed 's/^/# /' "$tmp/err"
}

trusted='on a machine that you trust: '

# A crash between the two writes of a change: one copy is the older one, or is torn.
disk "$d" "$tmp/key"
must cp "$d" "$tmp/before"
must crypt luksAddKey --key-file "$tmp/key" "${cheap[@]}" "$d" "$tmp/more"
must cp "$d" "$tmp/after"
# old COPY: this copy as it was; torn COPY
old() {
	must dd if="$tmp/before" of="$d" bs=16k skip="$1" seek="$1" count=1 conv=notrunc 2> /dev/null
}
torn() {
	must dd if=/dev/zero of="$d" bs=512 seek=$(($1 * 32 + 9)) count=1 conv=notrunc 2> /dev/null
}
for row in 'old 1 copies-differ' 'old 0 copies-differ' 'torn 0 checksum' 'torn 1 checksum' 'gone 1 second-copy-missing'; do
	read -r how copy rule <<< "$row"
	must cp "$tmp/after" "$d"
	if [[ $how == gone ]]; then
		must dd if=/dev/zero of="$d" bs=16k seek=1 count=1 conv=notrunc 2> /dev/null
	else
		"$how" "$copy"
	fi
	refused "copy $copy is $how" "$rule" "${trusted}coco-secret repair DISK"
	own repair "$d"
	is '... coco-secret repair' "$rc" 0 || sed 's/^/# /' "$tmp/err"
	goes_on
done

# A reencryption that was begun.
must rm -f "$d"
must truncate -s 40M "$d"
must crypt luksFormat --key-file "$tmp/key" "${cheap[@]}" "$d"
must crypt reencrypt --init-only --key-file "$tmp/key" "${cheap[@]}" --force-offline-reencrypt "$d"
boots
rule=$(status_fields "$t" volumes.0.header)
refused "a reencryption under way ($rule)" "$rule" "${trusted}cryptsetup reencrypt --resume-only DISK.*"
ok '... cryptsetup' crypt reencrypt --resume-only --key-file "$tmp/key" --force-offline-reencrypt "$d"
goes_on

# Ciphers. Ciphers= takes some of them; the others are changed.
choose="name that in Ciphers= and build the initramfs again, or, ${trusted}"
allow='[Policy]\nCiphers=aes-xts-plain64 aes-cbc-plain64\n'
for cipher in aes-cbc-plain64 aes-cbc-essiv:sha256; do
	disk "$d" "$tmp/key" --cipher $cipher --key-size 256
	refused "another cipher: $cipher" segment-cipher "${choose}cryptsetup reencrypt --cipher aes-xts-plain64 --key-size 512 DISK.*"
	[[ $cipher == *essiv* ]] || goes_on 'root auto' "$allow"
	ok '... cryptsetup' crypt reencrypt --cipher aes-xts-plain64 --key-size 512 --key-file "$tmp/key" --key-slot 0 "${cheap[@]}" \
		--force-offline-reencrypt "$d"
	boots
	is '... the keyslot still has it' "$rc $(status_fields "$t" volumes.0.header)" "6 keyslot-cipher"
	ok '... cryptsetup' crypt luksChangeKey --keyslot-cipher aes-xts-plain64 --keyslot-key-size 512 --key-file "$tmp/key" \
		"${cheap[@]}" "$d" "$tmp/key"
	goes_on
	disk "$d" "$tmp/key" --keyslot-cipher $cipher --keyslot-key-size 256
	refused "... of the keyslot" keyslot-cipher \
		"${choose}cryptsetup luksChangeKey --keyslot-cipher aes-xts-plain64 --keyslot-key-size 512 DISK"
	[[ $cipher == *essiv* ]] || goes_on 'root auto' "$allow"
	ok '... cryptsetup' crypt luksChangeKey --keyslot-cipher aes-xts-plain64 --keyslot-key-size 512 --key-file "$tmp/key" \
		"${cheap[@]}" "$d" "$tmp/key"
	goes_on
done

# Keyslots.
must rm -f "$d"
must truncate -s 40M "$d"
must crypt luksFormat --key-file "$tmp/key" "${cheap[@]}" "$d"
for i in 1 2 3 4; do
	printf '%s %s' "$canary" "$i" > "$tmp/more"
	must crypt luksAddKey --key-file "$tmp/key" "${cheap[@]}" "$d" "$tmp/more"
done
refused 'five keyslots' keyslot-count "${trusted}cryptsetup luksKillSlot DISK NUMBER, until four are left"
ok '... cryptsetup' crypt luksKillSlot --key-file "$tmp/key" "$d" 4
goes_on
disk "$d" "$tmp/key" --key-size 256 --pbkdf-force-iterations 6000000
must crypt luksAddKey --key-file "$tmp/key" --pbkdf pbkdf2 --pbkdf-force-iterations 6000000 "$d" "$tmp/more"
refused 'costly keyslots' kdf-cost \
	"${trusted}cryptsetup luksConvertKey --pbkdf pbkdf2 --pbkdf-force-iterations 1000 DISK, .*"
ok '... cryptsetup' crypt luksConvertKey "${cheap[@]}" --key-file "$tmp/more" "$d"
goes_on

# Integrity, and what no honest tool writes.
python3 -B "$top/tests/headers/mutants.py" "$tmp/key" "$tmp" integrity-unasked seg-linear || must false
must cp "$tmp/integrity-unasked" "$d"
refused 'integrity that cocotab does not have' segment-integrity \
	'bring integrity= of cocotab in line with it and build the initramfs again'
goes_on 'root auto - integrity=hmac-sha256'
must cp "$tmp/seg-linear" "$d"
refused 'a forged segment' segment-type "you have changed it yourself, coco-unlock-threats\\(7\\) says what the rule demands"
disk "$d" "$tmp/key"
goes_on

# Tokens.
disk "$d" "$tmp/key"
echo '{"type":"mine","keyslots":["0"]}' > "$tmp/token"
must crypt token import --json-file "$tmp/token" "$d"
refused 'a token' token 'allow its type with token=TYPE in cocotab and build the initramfs again'
goes_on 'root auto - token=mine'
tap_done
