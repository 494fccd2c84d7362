#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# recovery.t - coco-secret recovery: a key for a person, which plain cryptsetup takes as it
# was printed, and a table that still opens the disk.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

d=$tmp/disk t=$tmp/table
printf '%s key' "$canary" > "$tmp/key"
printf '%s wrong' "$canary" > "$tmp/wrong"
disk "$tmp/base" "$tmp/key"
some_data "$tmp/base"
must cp --sparse=always "$tmp/base" "$d"

# shown: the key that was printed, without a line feed.
shown() {
	grep -oE '^    [a-z-]+$' "$tmp/out" | tr -d ' \n'
}

own recovery "$d" --key-file "$tmp/key"
is 'recovery with a passphrase' "$rc" 0
shown > "$tmp/recovery"
ok '... prints a key once, in groups of modhex' \
	grep -qE '^([cbdefghijklnrtuv]{4}-){8}[cbdefghijklnrtuv]{2}$' "$tmp/recovery"
is '... once' "$(grep -cF "$(cat "$tmp/recovery")" "$tmp/out")" 1
ok '... and not as a message' eval '! grep -qF "$(cat "$tmp/recovery")" "$tmp/err"'
ok '... no other secret' silent_own
ok '... says that pins no longer match' grep -q 'run this with --table' "$tmp/out"
ok 'plain cryptsetup takes it from a file' opens "$d" "$tmp/recovery"
ok '... and as a line that is typed' cryptsetup open --test-passphrase --disable-locks -q "$d" \
	< <(cat "$tmp/recovery"; echo)
ok '... the old passphrase, too' opens "$d" "$tmp/key"
is '... it costs next to nothing to try' "$(keyslots "$d")" '0:pbkdf2:1000 1:pbkdf2:1000'
is '... the data are as they were' "$(data "$d")" "$(data "$tmp/base")"
tr -d - < "$tmp/recovery" > "$tmp/bare"
ok '... without its dashes it is another one' eval '! opens "$d" "$tmp/bare"'
table_make "$tmp/as-secret" "$guid=$tmp/recovery"
boot "$d" "$tmp/as-secret"
is '... and the header is one that the guest accepts' "$rc" 0

# With a table, whose pins learn the new header.
must cp --sparse=always "$tmp/base" "$d"
own prepare "$d" -o "$t" --key-file "$tmp/key" --remove-old
must test "$rc" = 0
must cp "$t" "$tmp/before"
own recovery "$d" --table "$t"
is 'recovery with a table' "$rc" 0
shown > "$tmp/recovery"
ok '... no secret of the table' silent_own "$t"
ok '... says that it pins the new header' grep -qF "$t: pins the new header, too" "$tmp/out"
ok '... the key opens' opens "$d" "$tmp/recovery"
boot "$d" "$t"
is '... the table boots' "$rc" 0
boot "$d" "$tmp/before"
is '... as it was before, it does not' "$rc" 29
is '... both headers are pinned' "$(table_get "$t" "$policy" | grep -c ^header)" 2
is '... the table is private' "$(mode "$t")" 600
own recovery "$d" --table "$t"
shown > "$tmp/recovery2"
is 'another one' "$rc" 0
ok '... is another one' eval '! cmp -s "$tmp/recovery" "$tmp/recovery2"'
ok '... opens' opens "$d" "$tmp/recovery2"
ok '... as does the first' opens "$d" "$tmp/recovery"
boot "$d" "$t"
is '... the table boots' "$rc" 0

# Tables without header pins, and one that GRUB reads.
disk "$d" "$tmp/key" "${argon2[@]}"
printf '%s key\0' "$canary" > "$tmp/nul"
table_make "$t" "$guid=$tmp/nul"
must cp "$t" "$tmp/before"
own recovery "$d" --table "$t"
is 'a table without pins, with a NUL at the end' "$rc" 0
ok '... is as it was' cmp -s "$t" "$tmp/before"
boot "$d" "$t"
is '... and boots' "$rc" 0

# refused NAME RC PATTERN ARGUMENT...
must mkdir "$tmp/work"
w=$tmp/work
must cp --sparse=always "$tmp/base" "$w/disk"
table_make "$w/wrong" "$guid=$tmp/wrong"
table_make "$w/key" "$guid=$tmp/key"
refused() {
	local name=$1 code=$2 pattern=$3 before
	shift 3
	before=$(snapshot "$w")
	own recovery "$@"
	is "$name: is refused" "$rc" "$code"
	ok '... in a line that says why' grep -qE "^coco-secret: .*$pattern.*; next: .+" "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
	is '... nothing has changed' "$(snapshot "$w")" "$before"
	is '... no key is shown' "$(shown)" ''
	ok '... no secret in any output' silent_own
}
refused 'a wrong passphrase' 2 'opens no keyslot' "$w/disk" --key-file "$tmp/wrong"
refused 'a table of another disk' 2 'opens no keyslot' "$w/disk" --table "$w/wrong"
refused 'no table' 4 'No such file' "$w/disk" --table "$w/none"
refused 'both' 1 '' "$w/disk" --table "$w/key" --key-file "$tmp/key"
refused 'no disk' 1 '' --table "$w/key"
refused 'a disk that is not there' 4 'No such file' "$w/none" --table "$w/key"
before=$(snapshot "$w")
rc=0
"$owner" recovery "$w/disk" --key-file "$tmp/key" > /dev/full 2> "$tmp/err" < /dev/null || rc=$?
is 'a key that cannot be shown is a failure' "$rc" 4
is '... and no keyslot: nobody could open it' "$(snapshot "$w")" "$before"
tap_done
