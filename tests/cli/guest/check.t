#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check.t - the dry run says what a boot would do, with the same codes, and changes nothing.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
printf '%s good' "$canary" > "$tmp/key"
: > "$tmp/empty"
disk "$tmp/good" "$tmp/key" --uuid aaaaaaaa-0000-4000-8000-00000000000a
must cp "$tmp/good" "$tmp/luks1"
printf 'LUKS\xba\xbe\x00\x01' | must dd of="$tmp/luks1" conv=notrunc 2> /dev/null
must mkdir "$tmp/mutants"
python3 -B "$top/tests/headers/mutants.py" "$tmp/key" "$tmp/mutants" seg-null || must false

good() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	add_secret "$t" "$guid" "$tmp/key"
	add_secret "$t" "$other" "$tmp/key"
}

# check NAME CODE PATTERN: runs it, with all that must hold whatever it says.
check() {
	local before
	before=$(snapshot "$t")
	run --root="$t" check
	is "$1" "$rc" "$2"
	ok "... prints: $3" grep -qE "$3" "$tmp/out" || sed 's/^/# /' "$tmp/out"
	ok '... nothing in the tree has changed' test "$(snapshot "$t")" = "$before"
	ok '... no secret in the output' silent "$t"
	ok '... each line begins with its verdict' test \
		"$(grep -cvE '^(ok      |refused |warning |a boot would now end with: )' "$tmp/out")" = 0
	[[ $2 == 0 ]] || ok '... and it says what a boot would do' \
		grep -qx "a boot would now end with: ${4-poweroff}" "$tmp/out"
}

# as_boot NAME: unlock ends with the code that check has foretold.
as_boot() {
	local foretold=$rc
	run --root="$t" unlock
	is "... as unlock does" "$rc" "$foretold"
}

good
check 'all is well' 0 \
	'^ok +root +/dev/vda, uuid aaaaaaaa-0000-4.*0a, aes-xts-plain64, header accepted$'
ok '... configuration' grep -qE '^ok +config ' "$tmp/out"
ok '... secret' grep -qE "^ok +secrets +entry $guid for volume root, one of 2\$" "$tmp/out"
ok '... nobody ends' test "$(grep -c 'would now end' "$tmp/out")" = 0
as_boot

good
must rm "$t/dev/vda"
check 'no disk' 4 '^refused root +no disk with a LUKS header .* \(4 no-device\); next: .*'
as_boot
good
add_disk "$t" vdb "$tmp/good"
check 'two disks' 18 '^refused root +2 devices match auto: .*/dev/vd.*\(18 ambiguous-device\)'
as_boot
good
add_disk "$t" vda "$tmp/luks1"
check 'LUKS1' 19 '^refused root +/dev/vda is LUKS version 1, not 2 \(19 not-luks2\)'
as_boot
good
add_disk "$t" vda "$tmp/mutants/seg-null"
check 'a forged header' 6 \
	"^refused root +the header of /dev/vda breaks the rule 'segment-cipher' \\(6 header-refused\\)"
as_boot
good
must rm "$t$secrets/$guid"
check 'no entry for the volume' 8 '^refused secrets +.* \(8 secret-missing\)'
as_boot
good
must mv "$t$secrets/$guid" "$t$secrets/$example"
check 'only the look-alike' 9 "^refused secrets +.*$example \\(9 example-guid\\)"
as_boot
good
must rm -r "$t$secrets"
check 'no table' 7 '^refused secrets +.* \(7 no-secret-table\)'
as_boot
for reason in entry-length duplicate-guid; do
	good
	must rm -r "$t$secrets"
	must mkdir "$t/sys/kernel/security/coco_secret"
	echo "corrupt $reason" > "$t/sys/kernel/security/coco_secret/state"
	[[ $reason == entry-length ]] && code=13 || code=14
	check "a corrupt table: $reason" "$code" "^refused secrets +.* \\($code table-"
	as_boot
done
good
must rm -r "$t/sys/kernel"
check 'no securityfs' 7 '^refused secrets '

# The first refusal is the code; all of them are told.
good
must rm "$t/dev/vda" "$t$secrets/$guid"
check 'two refusals' 8 '^refused secrets '
ok '... both are told' grep -qE '^refused root ' "$tmp/out"

# What it does not read it cannot foretell.
good
add_secret "$t" "$guid" "$tmp/empty"
check 'an empty entry' 0 "^ok +secrets +entry $guid"

good
printf '[Unlock]\nFailureAction=rescue\n' > "$t/etc/coco-unlock/coco-unlock.conf"
must rm "$t/dev/vda"
check 'the configured action' 4 '^refused root ' rescue

good
printf 'data /dev/vda\nroot LABEL=none\n' > "$t/etc/coco-unlock/cocotab"
check 'each volume of cocotab' 4 '^ok +data +/dev/vda, uuid '
ok '... is a line' grep -qE '^refused root +the device LABEL=none did not appear' "$tmp/out"

good
printf '[Unlock]\nTimeout=60min\n' > "$t/etc/coco-unlock/coco-unlock.conf"
must rm "$t/dev/vda"
start=$SECONDS
check 'a device that is not there' 4 '^refused root '
ok '... is not waited for' test $((SECONDS - start)) -lt 30

# LVM in the running system: what the owner may put into its configuration.
filter='global_filter = [ "a|^/dev/mapper/root$|", "r|.*|" ]'
lvm() {
	good
	must mkdir -p "$t/etc/lvm"
	printf '%s\n' '# global_filter = []' 'devices {' "	$1" '}' > "$t/etc/lvm/lvm.conf"
	[[ ! ${2-} ]] || printf 'devices {\n%s\n}\n' "$2" > "$t/etc/lvm/lvmlocal.conf"
}
good
check 'no LVM' 0 '^ok +root '
ok '... no word about it' test "$(grep -ci lvm "$tmp/out")" = 0
lvm 'use_devicesfile = 0'
check 'LVM without a filter' 0 '^warning lvm .* a volume group of any name; next: .* /etc/lvm/lvm.conf: '
ok '... the line to put there' grep -qF "lvm.conf: $filter" "$tmp/out"
lvm "$(tr -d ' ' <<< "$filter")"
check 'LVM with it' 0 '^ok +lvm +looks at the volumes only$'
lvm "#$filter"
check 'with it in a comment' 0 '^warning lvm '
lvm "$filter" 'global_filter = [ "a|.*|" ]'
check 'lvmlocal.conf comes first' 0 '^warning lvm '
lvm 'global_filter = [ "a|.*|" ]' "$filter"
check '... this way, too' 0 '^ok +lvm '
lvm "$filter
	global_filter = [ \"a|.*|\" ]"
check 'the last one counts' 0 '^warning lvm '
lvm "$filter"
must rm "$t/etc/lvm/lvm.conf"
must mkdir "$t/etc/lvm/lvm.conf"
check 'what cannot be read is not set' 0 '^warning lvm '
lvm ''
printf 'root /dev/vda\ndata /dev/vg/lv\n' > "$t/etc/coco-unlock/cocotab"
check 'LUKS on LVM has no filter' 4 '^warning lvm .* other disks than the volumes'
lvm ''
must touch "$t/etc/initrd-release"
check 'the initramfs has a filter of its own' 0 '^ok +root '
ok '... no word about it' test "$(grep -ci lvm "$tmp/out")" = 0

# A mistake in the configuration ends it.
good
echo 'root auto - x' > "$t/etc/coco-unlock/cocotab"
before=$(snapshot "$t")
run --root="$t" check
is 'a mistake in the configuration' "$rc" 10
is '... is told with file and line' "$(cat "$tmp/err")" \
	"coco-unlock: /etc/coco-unlock/cocotab:1: unknown option 'x'"
is '... alone' "$(cat "$tmp/out")" ''
ok '... nothing in the tree has changed' test "$(snapshot "$t")" = "$before"
as_boot
tap_done
