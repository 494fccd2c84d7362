#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# policy_entry.t - pins that other tools have computed: sha256sum, cryptsetup and Python's
# hmac. All of them hold; with one digit changed none does.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
uuid=aaaaaaaa-0000-4000-8000-00000000000a
printf '%s good' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key" --uuid "$uuid"
must cryptsetup luksDump -q --disable-locks --dump-volume-key --key-file "$tmp/key" \
	--volume-key-file "$tmp/volume-key" "$tmp/good" &> "$tmp/dump.log"

header=$(head -c 32768 "$tmp/good" | sha256sum | cut -c 1-64)
volume_key=$(sha256sum < "$tmp/volume-key" | cut -c 1-64)
fixated=$(python3 -IS -c '
import hashlib, hmac, sys
key = open(sys.argv[1], "rb").read()
assert len(key) == 64
print(hmac.new(key, sys.argv[2].encode(), hashlib.sha256).hexdigest())' \
	"$tmp/volume-key" "cryptsetup:root:$uuid")

# unlocks LINE...: with a policy entry of these lines.
unlocks() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	add_secret "$t" "$guid" "$tmp/key"
	printf '[Policy]\nRequirePolicyEntry=yes\n' > "$t/etc/coco-unlock/coco-unlock.conf"
	printf '%s\n' version=1 volume=root "$@" > "$t$secrets/$policy"
	run --root="$t" unlock
}

# flip DIGITS: another last digit
flip() {
	[[ $1 == *0 ]] && echo "${1%?}1" || echo "${1%?}0"
}

pins=("uuid=$uuid" "header=sha256:$header" "volume-key=sha256:$volume_key"
	"fixate-volume-key=$fixated")
unlocks "${pins[@]}" min-generation=3 set-generation=4
is 'all pins at once' "$rc" 0
is '... and the entry is wiped' "$(ls "$t$secrets")" ''
for pin in "${pins[@]}"; do
	unlocks "$pin"
	is "right: ${pin%%[=:]*}" "$rc" 0
	unlocks "$(flip "$pin")"
	is "wrong: ${pin%%[=:]*}" "$rc" 29
	ok '... which is said' grep -q 'name=pin-mismatch reason=".* that .*the policy entry pins" ' \
		"$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... nothing is left' "$(ls "$t$secrets")" ''
	ok '... no secret in any output' silent "$t"
	ok '... and no key' bash -c "! grep -q '$volume_key\|$fixated' '$tmp/out' '$tmp/err' '$t$status'"
done

unlocks "header=sha256:$(flip "$header")" "header=sha256:$header"
is 'one of two headers' "$rc" 0
unlocks "header=sha256:$(flip "$header")" "header=sha256:$volume_key"
is 'none of two headers' "$rc" 29
is '... the header is not even judged' "$(status_fields "$t" volumes.0.header volumes.0.uuid)" /

# Nobody reads the zeros behind the second JSON text; pinned they are all the same.
unlocks "header=sha256:$header"
printf '\1' | must dd of="$t/dev/vda" bs=1 seek=32767 conv=notrunc 2> /dev/null
add_secret "$t" "$guid" "$tmp/key"
printf '%s\n' version=1 volume=root "header=sha256:$header" > "$t$secrets/$policy"
run --root="$t" unlock
is 'the last byte of the second copy is pinned, too' "$rc" 29
tap_done
