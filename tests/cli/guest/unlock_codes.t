#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# unlock_codes.t - each outcome of unlock that a tree can show: exit code, the one line, the
# status file, no entry left, and no secret anywhere.
# Needs: cryptsetup python3 setpriv
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
printf '%s good' "$canary" > "$tmp/key"
printf '%s wrong' "$canary" > "$tmp/wrong"
printf '%s more' "$canary" > "$tmp/more"
: > "$tmp/empty"
disk "$tmp/good" "$tmp/key"
must dd if=/dev/zero of="$tmp/zeros" bs=64k count=1 2> /dev/null
must cp "$tmp/zeros" "$tmp/luks1"
printf 'LUKS\xba\xbe\x00\x01' | must dd of="$tmp/luks1" conv=notrunc 2> /dev/null
must mkdir "$tmp/mutants"
python3 -B "$top/tests/headers/mutants.py" "$tmp/key" "$tmp/mutants" seg-linear || must false

# The tree of a boot that goes well, with two more entries.
good() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	add_secret "$t" "$guid" "$tmp/key"
	add_secret "$t" "$other" "$tmp/more"
	add_secret "$t" not-a-guid "$tmp/more"
}

entries() {
	find "$t$secrets" -mindepth 1 2> /dev/null | wc -l
}

# after CODE NAME PATTERN [ENTRIES]: unlocks the tree; PATTERN is one of the reason.
after() {
	local code=$1 name=$2 pattern=$3 left=${4-0} line form
	run --root="$t" unlock
	is "code of $name" "$rc" "$code"
	is '... one line of failure' "$(grep -c 'coco-unlock: FAILED' "$tmp/err")" 1
	line=$(grep 'coco-unlock: FAILED' "$tmp/err")
	form="^coco-unlock: FAILED code=$code name=$name reason=\"$pattern\" next=\"[^\"]+\" action=none\$"
	ok '... of the fixed form' grep -qE "$form" <<< "$line" || echo "# $line"
	is '... nothing to stdout' "$(cat "$tmp/out")" ''
	is '... the status file says so, too' \
		"$(status_fields "$t" result code name volumes.0.mapping)" "failed/$code/$name/"
	is '... with the texts of the line' \
		"$(status_fields "$t" reason next action)" \
		"$(sed -E 's,.* reason="(.*)" next="(.*)" action=(.*),\1/\2/\3,' <<< "$line")"
	is '... entries that are left' "$(entries)" "$left"
	ok '... no secret in any output' silent "$t"
}

good
run --root="$t" unlock
is 'code of ok' "$rc" 0
ok '... no line of failure' test "$(grep -c FAILED "$tmp/err")" = 0
is '... nothing to stdout' "$(cat "$tmp/out")" ''
is '... the status file says so, too' \
	"$(status_fields "$t" result code name reason action)" 'ok/0/ok//none'
is '... entries that are left' "$(entries)" 0
ok '... no secret in any output' silent "$t"
ok 'premise: the search finds a secret where there is one' \
	bash -c "grep -rqaF '$canary' '$tmp/key'"

good
add_secret "$t" "$guid" "$tmp/wrong"
after 2 secret-refused 'the secret opens no keyslot of the volume'

good # RLIMIT_MEMLOCK binds whoever has no CAP_IPC_LOCK
limited=("$bin")
[[ $(id -u) == 0 ]] && limited=(setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock "$bin")
plain=$bin
bin=$tmp/limited
printf '#!/bin/bash\nulimit -l 0\nexec%s "$@"\n' "$(printf ' %q' "${limited[@]}")" > "$bin"
must chmod +x "$bin"
if grep -q __asan_init "$plain"; then
	skip 'no-memory: the address sanitizer has an mlock() that does nothing'
else
	after 3 no-memory 'no locked memory for a secret: .*'
fi
bin=$plain

good
must rm "$t/dev/vda"
after 4 no-device 'no disk with a LUKS header appeared in time; seen: no disk at all'
good
add_disk "$t" vda "$tmp/zeros"
after 4 no-device 'no disk with a LUKS header appeared in time; seen: /dev/vda \(unknown content\)'
good
echo 'root UUID=00000000-0000-0000-0000-000000000000' > "$t/etc/coco-unlock/cocotab"
after 4 no-device 'the device UUID=00000000-.* did not appear in time; seen: /dev/vda \(crypto_LUKS\)'

good
add_disk "$t" vda "$tmp/mutants/seg-linear"
after 6 header-refused "the header of /dev/vda breaks the rule 'segment-type'"
is '... the rule in the status file' "$(status_fields "$t" volumes.0.header)" segment-type

good
must rm -r "$t$secrets"
after 7 no-secret-table 'the firmware has published no launch secret'

good
must rm "$t$secrets/$guid"
after 8 secret-missing "the secret table has 2 entries, none with GUID $guid"
good
must rm "$t$secrets"/*
after 8 secret-missing "the secret table has 0 entries, none with GUID $guid"
good
must dd if=/dev/zero of="$t$secrets/$guid" bs=16385 count=1 2> /dev/null
after 8 secret-missing "cannot read entry $guid: File too large"

good
must mv "$t$secrets/$guid" "$t$secrets/$example"
after 9 example-guid "the secret table has no entry $guid, only the look-alike $example"

good
printf '[Unlock]\nTimeout=1\nFailureActoin=rescue\n' > "$t/etc/coco-unlock/coco-unlock.conf"
after 10 config "/etc/coco-unlock/coco-unlock.conf:3: unknown key 'FailureActoin' in section \[Unlock\]"
is '... and no secret was read' "$(status_fields "$t" source.read)" 0
good
printf 'root auto - discard\n' > "$t/etc/coco-unlock/cocotab"
after 10 config "/etc/coco-unlock/cocotab:1: unknown option 'discard'"
good
printf '[Unlock]\nKeepSecrets=%s\nx\n' "$other" > "$t/etc/coco-unlock/coco-unlock.conf"
after 10 config '/etc/coco-unlock/coco-unlock.conf:3: expected Key=value' # nothing is kept

good
must rm -r "$t/sys/kernel"
after 12 no-securityfs 'this kernel has no /sys/kernel/security'

good
must rm -r "$t$secrets"
must mkdir "$t/sys/kernel/security/coco_secret"
echo 'corrupt entry-length' > "$t/sys/kernel/security/coco_secret/state"
after 13 table-corrupt 'the secret table is corrupt \(entry-length\)'
is '... and was zeroed' "$(head -c 4 "$t/sys/kernel/security/coco_secret/state")" wipe
echo 'corrupt duplicate-guid' > "$t/sys/kernel/security/coco_secret/state"
after 14 table-duplicate 'two entries of the secret table have one GUID'
is '... and was zeroed' "$(head -c 4 "$t/sys/kernel/security/coco_secret/state")" wipe

good
must mkdir "$t$secrets/stays"
after 15 wipe-failed 'the secret table still holds a secret: Is a directory' 1
good
must mkdir "$t$secrets/stays"
must rm "$t$secrets/$guid"
after 15 wipe-failed 'the secret table still holds a secret: Is a directory' 1

good
for i in {1..61}; do
	add_secret "$t" "00000000-0000-0000-0000-0000000000$((10 + i))" "$tmp/more"
done
after 16 hidden-entries '64 secrets are listed, more may be hidden, .*'
good # one less
for i in {1..60}; do
	add_secret "$t" "00000000-0000-0000-0000-0000000000$((10 + i))" "$tmp/more"
done
run --root="$t" unlock
is '63 entries are none too many' "$rc $(status_fields "$t" source.wiped)" '0 63'

good
add_disk "$t" vdb "$tmp/good"
after 18 ambiguous-device '2 devices match auto: /dev/vd[ab], /dev/vd[ab]'

good
add_disk "$t" vda "$tmp/luks1"
after 19 not-luks2 '/dev/vda is LUKS version 1, not 2'
good
add_disk "$t" vda "$tmp/zeros"
echo 'root /dev/vda' > "$t/etc/coco-unlock/cocotab"
after 19 not-luks2 '/dev/vda has no LUKS2 header'
good
add_disk "$t" vda "$tmp/key"
echo 'root /dev/vda' > "$t/etc/coco-unlock/cocotab"
after 19 not-luks2 '/dev/vda is too small for a LUKS2 header'

good
add_secret "$t" "$guid" "$tmp/empty"
after 21 secret-empty "entry $guid has no data"

# What the host has told the system manager: the secrets are wiped unread.
unread() {
	after "$@"
	is '... and no secret was read' "$(status_fields "$t" source.read volumes.0.device)" 0/
}
good
echo 'root=/dev/mapper/root ro rd.break' > "$t/proc/cmdline"
unread 25 command-line "the kernel command line has the word 'rd.break', which is not allowed"
# The host names another volume as the root.
good
printf '%s\n' 'data /dev/vda' 'root /dev/vda' > "$t/etc/coco-unlock/cocotab"
echo 'root=/dev/mapper/data ro' > "$t/proc/cmdline"
unread 25 command-line "the kernel command line has the word 'root=/dev/mapper/data', which is not allowed: .*'root'"
good
printf '%s\n' 'data /dev/vda - root' 'root /dev/vda' > "$t/etc/coco-unlock/cocotab"
echo 'root=/dev/mapper/data ro' > "$t/proc/cmdline"
run --root="$t" unlock
is '... but not if the owner calls that one the root' "$rc" 0
good
must mkdir -p "$t/sys/firmware/efi/efivars"
: > "$t/sys/firmware/efi/efivars/SystemdOptions-8cf2644b-4b0b-428f-9387-6d876050dc67"
unread 25 command-line 'the EFI variable SystemdOptions adds to the kernel command line'
printf '[Policy]\nCheckCommandLine=no\n' > "$t/etc/coco-unlock/coco-unlock.conf"
echo 'rd.break' > "$t/proc/cmdline"
add_secret "$t" "$guid" "$tmp/key"
run --root="$t" unlock
is '... but not with CheckCommandLine=no' "$rc" 0
for kind in system encrypted; do
	good
	must mkdir -p "$t/run/credentials/@$kind"
	run --root="$t" unlock
	is "an empty @$kind has no credential" "$rc" 0
	good
	must mkdir -p "$t/run/credentials/@$kind"
	: > "$t/run/credentials/@$kind/fstab.extra"
	unread 26 foreign-credential "the system manager has imported the credential 'fstab.extra'"
done

good
printf '[Policy]\nRequirePolicyEntry=yes\n' > "$t/etc/coco-unlock/coco-unlock.conf"
unread 27 policy-missing 'the secret table has no policy entry, and the configuration requires one'
good
printf 'version=2\n' > "$t$secrets/$policy"
after 28 policy-invalid 'line 1 of the policy entry is not valid, or names a volume .*'
good
printf 'version=1\nvolume=root\nuuid=00000000-0000-4000-8000-00000000000b\n' > "$t$secrets/$policy"
after 29 pin-mismatch 'the LUKS UUID [0-9a-f-]* is not the one that the policy entry pins'

# What is kept is kept, after a success and after a refusal.
for key in key wrong; do
	good
	add_secret "$t" "$guid" "$tmp/$key"
	printf '[Unlock]\nKeepSecrets=%s\n' "${other^^}" > "$t/etc/coco-unlock/coco-unlock.conf"
	run --root="$t" unlock
	is "KeepSecrets= with the $key secret: only it is left" "$(ls "$t$secrets")" "$other"
	ok '... as it was' cmp -s "$t$secrets/$other" "$tmp/more"
	is '... and counted' "$(status_fields "$t" source.kept)" 1
	ok '... no secret in any output' silent "$t"
done

good # a path that leads out of the tree ends in it
must rm "$t/dev/vda"
must ln -s "$tmp/good" "$t/dev/vda"
after 4 no-device 'no disk with a LUKS header appeared in time; seen: no disk at all'
tap_done
