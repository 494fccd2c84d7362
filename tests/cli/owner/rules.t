#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rules.t - headers that cryptsetup makes and a rule of the unlocker refuses: the next step that coco-secret prints is
# done, in a shell, with names that have blanks and quotes, and in the end the disk is prepared.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

printf '%s old' "$canary" > "$tmp/key"
printf '%s another' "$canary" > "$tmp/key2"
cheap=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
must mkdir "$tmp/bin" "$tmp/it's \$here"
must ln -s "$owner" "$tmp/bin/coco-secret"
d="$tmp/it's \$here/the 'disk'" c=$tmp/conf
must mkdir -p "$c/etc/coco-unlock"
printf '[Policy]\n' > "$c/etc/coco-unlock/coco-unlock.conf"

# made OPTION...: a small disk
layout=(--luks2-keyslots-size 2m --offset 8192)
made() {
	must rm -f "$d" "$tmp/table"
	must truncate -s $((layout[3] * 512 + 1024 * 1024)) "$d"
	must cryptsetup luksFormat -q --disable-locks --key-file "$tmp/key" "${layout[@]}" "$@" "$d" &> "$tmp/format.log"
}

# options OPTION: of cocotab
options() {
	printf 'root auto - %s\n' "$1" > "$c/etc/coco-unlock/cocotab"
}

# way RULE COMMAND: what prepare and verify say next about the rule begins so, and is done, in a shell.
way() {
	local said command
	own prepare "$d" -o "$tmp/table" --key-file "$tmp/key" --config "$c"
	ok "rule $1: prepare refuses" grep -qF "breaks the rule '$1'" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	said=$(sed -n 's/^.*; next: //p' "$tmp/err")
	command=$2${said#*"$2"}
	is "... and says what to do: $2" "${said:$((${#said} - ${#command}))}" "$command"
	table_make "$tmp/some" "$guid=$tmp/key"
	verify "$d" "$tmp/some" --config "$c"
	is '... verify says the same' "$(sed -n 's/^boot .* next="\(.*\)"$/\1/p' "$tmp/out")" "$said"
	rc=0
	PATH=$tmp/bin:$PATH sh -c "$command" > "$tmp/ran" 2>&1 < "${3-$tmp/key}" || rc=$?
	is '... it is done' "$rc" 0 || sed 's/^/# /' "$tmp/ran"
}

# led: nothing is left to do.
led() {
	own prepare "$d" -o "$tmp/table" --key-file "$tmp/key" --config "$c"
	is '... and it leads on: prepare' "$rc" 0 || sed 's/^/# /' "$tmp/err"
}

# add_key ARGUMENT...: another keyslot
add_key() {
	must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" "${cheap[@]}" "$@" "$d" "$tmp/key2" &> "$tmp/format.log"
}

# What cryptsetup can make otherwise, and cryptsetup can change.
options -
made "${cheap[@]}" --label $'caf\xc3\xa9'
way label 'cryptsetup config --label'
led
made --cipher aes-cbc-essiv:sha256 --key-size 256 "${cheap[@]}"
way segment-cipher 'cryptsetup reencrypt --cipher'
way keyslot-cipher 'cryptsetup luksConvertKey --key-slot'
led
made --sector-size 2048 "${cheap[@]}"
way segment-sector-size 'cryptsetup reencrypt --sector-size'
led
for hash in sha1 sha384; do
	made --hash $hash "${cheap[@]}"
	way keyslot-af 'cryptsetup reencrypt --hash sha256'
	led
done
made "${cheap[@]}"
add_key --hash sha1
way keyslot-af 'cryptsetup luksConvertKey --key-slot 1 --hash sha256' "$tmp/key2"
led
for bits in 128 512; do
	made --key-size 512 "${cheap[@]}"
	add_key --unbound --key-size $bits
	rule=keyslot-key-size
	[[ $bits == 128 ]] || rule=digest-count
	way $rule 'cryptsetup luksKillSlot'
	led
done
made --pbkdf argon2id --pbkdf-memory 32 --pbkdf-force-iterations 17
way kdf-cost 'cryptsetup luksConvertKey --key-slot 0'
led
made "${cheap[@]}"
must cryptsetup config --priority ignore --key-slot 0 "$d"
way keyslot-priority 'cryptsetup config --priority normal --key-slot 0'
led
made "${cheap[@]}"
must cryptsetup token import "$d" <<< '{"type":"clevis","keyslots":["0"]}'
way token 'cryptsetup token remove --token-id 0'
led
made --key-size 256 "${cheap[@]}"
for _ in 1 2 3 4; do
	add_key
done
way keyslot-count 'cryptsetup luksDump'
must cryptsetup luksKillSlot -q "$d" 4
must cryptsetup luksKillSlot -q "$d" 3
led
made "${cheap[@]}"
must cryptsetup reencrypt -q --init-only --force-offline-reencrypt --key-file "$tmp/key" "$d" &> "$tmp/format.log"
way one-segment 'cryptsetup reencrypt --resume-only'
led
made --sector-size 4096 "${cheap[@]}"
must truncate -s +1536 "$d"
way segment-alignment 'truncate -s -1536'
led
layout=(--luks2-keyslots-size 2m --offset 16384)
made --luks2-metadata-size 2m "${cheap[@]}"
options metadata-size=16k
own prepare "$d" -o "$tmp/table" --key-file "$tmp/key" --config "$c"
line=$(sed -n 's/^.*, as in: //p' "$tmp/err")
is 'rule metadata-size: prepare says which line of cocotab' "$line" 'root auto - metadata-size=2m'
must tee "$c/etc/coco-unlock/cocotab" > "$tmp/log" <<< "$line"
led
# A copy that a crash has torn: verify has the way that status has, with a pin of the header, too.
for torn in 0 4; do
	must cp "$d" "$tmp/whole"
	must dd if=/dev/zero of="$d" bs=4096 seek=$((torn ? 2 << 20 >> 12 : 0)) count=2 conv=notrunc status=none
	for table in some table; do
		verify "$d" "$tmp/$table" --config "$c"
		ok "torn copy, $table: verify says what to do" \
			grep -qF "next=\"coco-secret repair '" "$tmp/out" || sed 's/^/# /' "$tmp/out"
	done
	PATH=$tmp/bin:$PATH sh -c "$(sed -n 's/^boot .* next="\(.*\)"$/\1/p' "$tmp/out")" > "$tmp/ran" 2>&1
	is '... and it is done' "$?" 0 || sed 's/^/# /' "$tmp/ran"
	must mv "$tmp/whole" "$d"
done
tap_done
