#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rotate.t - coco-secret rotate, status and repair: a boot at each stage, what each table
# is good for then, and what status advises.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

d=$tmp/disk old=$tmp/old new=$tmp/new final=$tmp/final
printf '%s key' "$canary" > "$tmp/key"
printf '%s other' "$canary" > "$tmp/other"
disk "$tmp/base" "$tmp/key"
some_data "$tmp/base"
must cp --sparse=always "$tmp/base" "$d"
printf min-generation=7 > "$tmp/more"
own prepare "$d" -o "$old" --key-file "$tmp/key"
must test "$rc" = 0

# boots TABLE CODE NAME: the guest, and verify the same.
boots() {
	boot "$d" "$1" "${4-}"
	is "$3: the boot" "$rc" "$2"
	verify "$d" "$1" ${4:+--config "$4"}
	is '... verify' "$rc" "$2"
}

# status_says PATTERN ARGUMENT...
status_says() {
	local pattern=$1 before
	shift
	before=$(sum "$d")
	own status "$d" "$@"
	is 'status' "$rc $(sum "$d")" "0 $before"
	ok "... $pattern" grep -qE "$pattern" "$tmp/out" || sed 's/^/# /' "$tmp/out"
	ok '... no secret' silent_own "$old"
}

status_says "next +nothing; to change the secret: coco-secret rotate $d --table $old -o NEW" --table "$old"
must cp --sparse=always "$d" "$tmp/disk0"
must cp "$old" "$tmp/old0"

# The first step.
own rotate "$d" --table "$old" -o "$new"
is 'rotate' "$rc" 0
ok '... no secret in any output' silent_own "$old" "$new"
ok '... says what comes next' grep -qF \
	"coco-secret rotate --finish $d --table $old --new $new -o FINAL" "$tmp/out"
is '... both tables are private' "$(mode "$old") $(mode "$new")" '600 600'
boots "$old" 0 'the old table, as it is now'
boots "$new" 0 'the new table'
boots "$tmp/old0" 29 'the old table, as it was'
ok '... has no secret of the old one' eval '! cmp -s <(table_get "$old" "$guid") <(table_get "$new" "$guid")'
is '... the old one pins both headers' "$(table_get "$old" "$policy" | grep -c ^header)" 2
is '... the new one its own' "$(table_get "$new" "$policy" | grep -c ^header)" 1
is '... of the same volume' "$(table_get "$new" "$policy" | grep -v ^header)" \
	"$(table_get "$old" "$policy" | grep -v ^header)"
status_says "next +boot the guest with $new, then: coco-secret rotate --finish" --table "$old" --new "$new"
own status "$d" --table "$tmp/old0"
ok '... and of the table as it was, that it pins other headers' grep -q 'it pins other headers' "$tmp/out"
# As if the crash had come between the tables and the disk.
must cp --sparse=always "$d" "$tmp/disk1"
must cp --sparse=always "$tmp/disk0" "$d"
boots "$old" 0 'tables written, disk not: the old table'
status_says 'next +the rotation has not begun on the disk: .* --force' --table "$old" --new "$new"
own rotate "$d" --table "$old" -o "$new"
is '... again, without --force' "$rc" 2
own rotate "$d" --table "$old" -o "$new" --force
is '... with --force' "$rc" 0
boots "$old" 0 '... the old table'
boots "$new" 0 '... the new table'
is '... the data are as they were' "$(data "$d")" "$(data "$tmp/base")"

# The second step.
must cp "$old" "$tmp/old1"
must cp "$new" "$tmp/new1"
must cp --sparse=always "$d" "$tmp/disk1"
own rotate --finish "$d" --table "$old" --new "$new" -o "$final"
is 'rotate --finish' "$rc" 0
must cp "$tmp/out" "$tmp/finish"
ok '... no secret in any output' silent_own "$old" "$new" "$final"
is '... the table is private' "$(mode "$final")" 600
boots "$final" 0 'the final table'
boots "$old" 29 'the old table'
boots "$new" 29 'the table between'
ok '... has the same secret as the one between' cmp -s <(table_get "$final" "$guid") \
	<(table_get "$new" "$guid")
table_get "$old" "$guid" > "$tmp/secret"
ok '... the old secret opens nothing any more' eval '! opens "$d" "$tmp/secret"'
ok '... the passphrase of before prepare does' opens "$d" "$tmp/key"
ok '... which is said' grep -qE '^  keyslot 0 .*: for a passphrase' "$tmp/finish"
ok '... and not that only the new one opens' eval '! grep -q only "$tmp/finish"'
is '... the data are as they were' "$(data "$d")" "$(data "$tmp/base")"
status_says 'next +the rotation is finished; keep the table that --finish has written' \
	--table "$old" --new "$new"
own rotate --finish "$d" --table "$old" --new "$new" -o "$final" --force
is '--finish again' "$rc" 0
boots "$final" 0 '... the final table'
own rotate "$d" --table "$final" -o "$tmp/next"
is 'and the next rotation begins' "$rc" 0

# A table that pins no header keeps opening: it is left alone.
must cp --sparse=always "$tmp/base" "$d"
table_make "$tmp/bare" "$guid=$tmp/key" "$other=$tmp/other"
must cp "$tmp/bare" "$tmp/bare0"
rm -f "$new"
own rotate "$d" --table "$tmp/bare" -o "$new"
is 'a table without pins' "$rc" 0
ok '... is as it was' cmp -s "$tmp/bare" "$tmp/bare0"
boots "$tmp/bare" 0 '... opens'
boots "$new" 0 'the new one'
is '... has pins' "$(table_get "$new" "$policy" | grep -c ^header)" 1
ok '... and the other entries' cmp -s "$tmp/other" <(table_get "$new" "$other")
must cp --sparse=always "$tmp/base" "$d"
boots "$tmp/bare" 0 'before the disk is written it opens, too'

# The tables that other tools make for GRUB, and one's own; what else is pinned is kept.
printf '%s key\0' "$canary" > "$tmp/nul"
printf 'version=1\nvolume=root\nuuid=%s\nmin-generation=7\n' \
	"$(cryptsetup luksUUID --disable-locks "$d")" > "$tmp/policy"
table_make "$tmp/grub" "$guid=$tmp/nul" "$policy=$tmp/policy"
rm -f "$new"
own rotate "$d" --table "$tmp/grub" -o "$new" --grub
is 'rotate --grub, with a table whose secret ends in NUL' "$rc" 0
is '... the new one ends in NUL' "$(table_get "$new" "$guid" | tail -c 1 | od -An -tx1)" ' 00'
is '... the generation is kept' "$(table_get "$new" "$policy" | grep generation)" min-generation=7
boots "$new" 0 '... it opens'
boots "$tmp/grub" 0 '... and the old one'
table_get "$new" "$guid" | head -c 64 > "$tmp/text"
ok '... the text alone opens, as GRUB does it' opens "$d" "$tmp/text"
rm -f "$final"
own rotate --finish "$d" --table "$tmp/grub" --new "$new" -o "$final"
is '... finished' "$rc $(keyslots "$d" | wc -w)" '0 1'
boots "$final" 0 '... the final one opens'

# With a configuration: another GUID, another name.
mkdir -p "$tmp/conf/etc/coco-unlock"
echo "data auto $other" > "$tmp/conf/etc/coco-unlock/cocotab"
must cp --sparse=always "$tmp/base" "$d"
table_make "$tmp/named" "$other=$tmp/key"
rm -f "$new" "$final"
own rotate "$d" --table "$tmp/named" -o "$new" --config "$tmp/conf"
is 'rotate --config' "$rc" 0
boots "$new" 0 '... it opens' "$tmp/conf"
own rotate --finish "$d" --table "$tmp/named" --new "$new" -o "$final" --config "$tmp/conf"
is '... finished' "$rc" 0
boots "$final" 0 '... it opens' "$tmp/conf"

# All other keyslots go, after a question.
must cp --sparse=always "$tmp/disk1" "$d"
must cp "$tmp/old1" "$old"
must cp "$tmp/new1" "$new"
finish=(rotate --finish "$d" --table "$old" --new "$new" -o "$final" --force --remove-others)
before=$(sum "$d")
rc=0
setsid -w "$owner" "${finish[@]}" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
is '--remove-others without a terminal' "$rc $(sum "$d")" "2 $before"
ok '... names what would go' grep -qE '^  keyslot 0 ' "$tmp/out"
ok '... and the way' grep -q -- '--yes' "$tmp/err"
own "${finish[@]}" --yes
is '--remove-others --yes' "$rc $(keyslots "$d")" '0 2:pbkdf2:1000'
ok '... only the new secret opens' grep -qE ': only the new secret opens it, with keyslot 2' "$tmp/out"
ok '... the passphrase does not' eval '! opens "$d" "$tmp/key"'
boots "$final" 0 '... the final table'

# A header that nobody has pinned takes a word.
must cp --sparse=always "$tmp/disk0" "$d"
must cp "$tmp/old0" "$old"
must cryptsetup config --disable-locks --label changed "$d"
rm -f "$new"
before=$(sum "$d")
own rotate "$d" --table "$old" -o "$new"
is 'rotate on a header that is not pinned' "$rc $(sum "$d") $(ls "$new" 2> /dev/null)" "2 $before "
ok '... names the word' grep -q -- '--accept-header' "$tmp/err"
own rotate "$d" --table "$old" -o "$new" --accept-header
is '... with the word' "$rc" 0
boots "$old" 0 '... the old table'
boots "$new" 0 '... the new table'
must cryptsetup config --disable-locks --label again "$d"
before=$(sum "$d")
own rotate --finish "$d" --table "$old" --new "$new" -o "$tmp/final2"
is '--finish on such a header' "$rc $(sum "$d")" "2 $before"
own rotate --finish "$d" --table "$old" --new "$new" -o "$tmp/final2" --accept-header
is '... with the word' "$rc" 0
boots "$tmp/final2" 0 '... the final table'

# refused NAME RC PATTERN ARGUMENT...: nothing has changed.
refused() {
	local name=$1 code=$2 pattern=$3 before
	shift 3
	before=$(snapshot "$tmp/work")
	own "$@"
	is "$name: is refused" "$rc" "$code"
	ok '... in a line that says why' grep -qE "^coco-secret: .*$pattern.*; next: .+" "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
	is '... nothing has changed' "$(snapshot "$tmp/work")" "$before"
	ok '... no secret in any output' silent_own
}
must mkdir "$tmp/work"
w=$tmp/work
must cp --sparse=always "$tmp/disk1" "$w/disk"
must cp "$tmp/old1" "$old"
must cp "$old" "$w/old"
must cp "$tmp/old0" "$w/old0"
table_make "$w/wrong" "$guid=$tmp/other"
table_make "$w/none" "$other=$tmp/other"
printf x > "$w/bad"
printf 'version=1\nvolume=nobody\n' > "$tmp/policy"
table_make "$w/policy" "$guid=$tmp/key" "$policy=$tmp/policy"
table_make "$w/key" "$guid=$tmp/key"
refused 'a table of another disk' 2 'opens no keyslot' rotate "$w/disk" --table "$w/wrong" -o "$w/new"
refused 'a table without the entry' 3 'no entry' rotate "$w/disk" --table "$w/none" -o "$w/new"
refused 'no table' 3 'offset 1' rotate "$w/disk" --table "$w/bad" -o "$w/new"
refused 'a table with a bad policy entry' 3 'line 2' rotate "$w/disk" --table "$w/policy" -o "$w/new"
refused 'no file' 4 'No such file' rotate "$w/disk" --table "$w/nothing" -o "$w/new"
refused 'the old table as output' 2 'would be written over it' rotate "$w/disk" --table "$w/old" -o "$w/old" --force
refused 'the disk as output' 2 'would be written over it' rotate "$w/disk" --table "$w/old" -o "$w/disk" --force
refused '--finish with another table' 2 'opens no keyslot' \
	rotate --finish "$w/disk" --table "$w/old" --new "$w/wrong" -o "$w/final"
refused '--finish with one table twice' 2 'same secret' \
	rotate --finish "$w/disk" --table "$w/old0" --new "$w/old" -o "$w/final"
refused '--finish over the new table' 2 'would be written over it' \
	rotate --finish "$w/disk" --table "$w/old" --new "$w/key" -o "$w/key" --force
refused 'a rotation that has begun' 2 'keyslot 1 is preferred' rotate "$w/disk" --table "$w/key" -o "$w/new"
must cp --sparse=always "$tmp/base" "$w/disk"
for i in 1 2; do
	printf '%s %s' "$canary" "$i" > "$tmp/more"
	must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 "$w/disk" "$tmp/more" &> "$tmp/add.log"
done
refused 'no room for a keyslot' 2 'no room for another keyslot' rotate "$w/disk" --table "$w/key" -o "$w/new"
ok '... status says more' grep -qF "next: coco-secret status $w/disk --table $w/key" "$tmp/err"
must cp --sparse=always "$tmp/disk0" "$w/disk"
refused 'no directory' 4 'No such file' rotate "$w/disk" --table "$w/old0" -o "$w/absent/new"
must cp --sparse=always "$tmp/disk1" "$w/disk"
for args in "rotate $w/disk" "rotate $w/disk --table $w/old" "rotate $w/disk -o $w/new" \
	"rotate --finish $w/disk --table $w/old -o $w/new" "rotate $w/disk --table $w/old --new $w/x -o $w/new" \
	"status $w/disk" "status $w/disk --table $w/old -o $w/x" 'repair' "repair $w/disk $w/disk"; do
	# shellcheck disable=SC2086 # several words
	refused "usage: ${args//"$w/"/}" 1 '' $args
done

# A torn header: a guest refuses it, status says so, repair completes it.
must cp --sparse=always "$tmp/disk1" "$d"
must dd if="$tmp/disk0" of="$d" bs=16k count=1 conv=notrunc 2> /dev/null # the first copy is old
verify "$d" "$tmp/old"
is 'one copy is old: the boot refuses it' "$rc" 29
own status "$d" --table "$old"
ok '... status says what to do' grep -qF "interrupted, so a boot refuses it: coco-secret repair $d" "$tmp/out"
own repair "$d"
is '... repair does it' "$rc" 0
ok '... with a word' grep -q 'whole again' "$tmp/out"
ok '... it is now as it was to be written' cmp -s "$d" "$tmp/disk1"
own repair "$d"
is '... once' "$rc $(grep -c 'nothing to do' "$tmp/out")" '0 1'
must dd if=/dev/urandom of="$d" bs=4k seek=1 count=1 conv=notrunc 2> /dev/null
own repair "$d"
is 'a first copy with a broken block' "$rc" 0
ok '... is made from the second' cmp -s "$d" "$tmp/disk1"
must dd if=/dev/urandom of="$d" bs=4k seek=1 count=1 conv=notrunc 2> /dev/null
must dd if=/dev/urandom of="$d" bs=4k seek=5 count=1 conv=notrunc 2> /dev/null
before=$(sum "$d")
own repair "$d"
is 'two broken copies' "$rc $(sum "$d")" "2 $before"
tap_done
