#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image_policy.t - the policy in the guest's configuration: verify says what the boot with it will say, and verbs that
# change a header or a table warn before they write, with the line that the image then needs.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

d=$tmp/disk t=$tmp/table c=$tmp/conf file=$tmp/conf/etc/coco-unlock/policy
printf '%s a key that is long' "$canary" > "$tmp/key"
disk "$tmp/base" "$tmp/key" --key-size 256
some_data "$tmp/base"
must mkdir -p "$c/etc/coco-unlock"
must cp --sparse=always "$tmp/base" "$d"
own prepare "$d" -o "$t" --key-file "$tmp/key" --config "$c"
is 'premise: prepared' "$rc$(cat "$tmp/err")" 0
must cp --sparse=always "$d" "$tmp/disk0"
must cp "$t" "$tmp/table0"
own table extract -o "$tmp/pins" "$t" policy
is 'premise: the entry is a file' "$rc" 0
table_make "$tmp/bare" "$guid=$tmp/key"

# fresh [PATTERN]: disk and table as prepared; the image pins what the entry does, or the lines of it that match.
fresh() {
	must cp --sparse=always "$tmp/disk0" "$d"
	must cp "$tmp/table0" "$t"
	grep -E "^(version|volume)=|${1-.}" "$tmp/pins" > "$file"
}

# wrong: another last digit in each digest and UUID of the image's policy
wrong() {
	must sed -Ei -e 's/^(.*[:=].{31}.*)0$/\11/;t' -e 's/^(.*[:=].{31}.*).$/\10/' "$file"
}

# as_boot NAME CODE TABLE [PATTERN]: verify ends as the boot does, and says this.
as_boot() {
	local name=$1 code=$2 table=$3 pattern=${4-}
	boot "$d" "$table" "$c"
	is "$name: a boot" "$rc" "$code"
	verify "$d" "$table" --config "$c"
	is '... verify' "$rc" "$code"
	ok "... says: $pattern" grep -qE "$pattern" "$tmp/out" || sed 's/^/# /' "$tmp/out"
	ok '... no secret' silent_own "$table"
}

# warns NAME CODE ARGUMENT...: a verb does so with the configuration, and warns once of the header; sets line.
warns() {
	local name=$1 code=$2
	shift 2
	own "$@" --config "$c"
	is "$name" "$rc" "$code" || sed 's/^/# /' "$tmp/err"
	line=$(sed -nE "s#^coco-secret: warning: $c: /etc/coco-unlock/policy pins headers of volume root, and not this new one: \
.* 28 or 29 until the image is built again with (header=sha256:[0-9a-f]{64})\$#\1#p" "$tmp/err")
	ok '... warns of the header' test "$(wc -w <<< "$line")" = "${lines-1}" || sed 's/^/# /' "$tmp/err"
}

# quiet NAME ARGUMENT...: the same without a header pin: not a word
quiet() {
	local name=$1
	shift
	own "$@" --config "$c"
	is "$name without a header pin" "$rc" 0 || sed 's/^/# /' "$tmp/err"
	is '... not a word' "$(grep -c warning "$tmp/err")" 0
}

# verify, merged
fresh
as_boot 'both pin the same' 0 "$t" '^pin +header: one of 1 matches, both policies$'
ok '... warns of the rotation' grep -qE "^coco-secret: warning: $c: /etc/coco-unlock/policy pins the header .* rotate" \
	"$tmp/err"
as_boot 'the image alone' 0 "$tmp/bare" "^pin +volume key: matches, the image's policy$"
fresh '^volume-key'
as_boot 'the key by the image, too' 0 "$t" '^pin +volume key: matches, both policies$'
ok '... and the rest by the entry' grep -qE '^pin +header: one of 1 matches, the policy entry$' "$tmp/out"
is '... without a warning' "$(cat "$tmp/err")" ''
wrong
as_boot 'they contradict' 28 "$t" 'volume-key= of volume root: .* differ" next="correct the one .*policy'
as_boot 'another key by the image alone' 29 "$tmp/bare" "the image's policy pins\" next=\"attach .*/etc/coco-unlock/policy"
ok '... and not pin' test "$(grep -c 'coco-secret pin' "$tmp/out")" = 0
own status "$d" --table "$tmp/bare" --config "$c"
ok '... nor by status' grep -qE '^next +attach the disk that the image.s policy pins' "$tmp/out"
fresh '^header'
wrong
as_boot 'no header in common' 28 "$t" 'header= of volume root: .* have none in common'
printf '[Policy]\nRequirePolicyEntry=yes\n' > "$c/etc/coco-unlock/coco-unlock.conf"
fresh '^volume-key'
as_boot 'strict, the image alone' 0 "$tmp/bare" 'volume key: matches'
fresh '^uuid'
as_boot 'strict, a name alone' 27 "$tmp/bare" 'neither its key nor its header'
rm "$c/etc/coco-unlock/coco-unlock.conf"
fresh
echo '# comment' >> "$file"
boot "$d" "$t" "$c"
is 'a mistake: a boot' "$rc" 10
verify "$d" "$t" --config "$c"
is '... verify' "$rc" 10
ok '... says where' grep -q "/etc/coco-unlock/policy:6: not what" "$tmp/err" || sed 's/^/# /' "$tmp/err"
own rotate "$d" --table "$t" -o "$tmp/new" --config "$c"
is '... rotate' "$rc" 3
ok '... and nothing was written' test ! -e "$tmp/new" -a "$(sum "$d")" = "$(sum "$tmp/disk0")"

# A rotation: the image is built twice on the way.
fresh
warns 'rotate' 0 rotate "$d" --table "$t" -o "$tmp/new"
as_boot 'before the image is built' 28 "$tmp/new"
as_boot '... with the old table' 29 "$t" 'the image.s policy and the policy entry both pin'
echo "$line" >> "$file"
as_boot 'when it is built' 0 "$tmp/new"
as_boot '... with the old table' 0 "$t"
warns 'rotate --finish' 0 rotate --finish "$d" --table "$t" --new "$tmp/new" -o "$tmp/final"
echo "$line" >> "$file"
as_boot 'when it is built again' 0 "$tmp/final"
rm "$tmp/new" "$tmp/final"
fresh '^volume-key|^uuid'
quiet 'rotate' rotate "$d" --table "$t" -o "$tmp/new"
quiet 'rotate --finish' rotate --finish "$d" --table "$t" --new "$tmp/new" -o "$tmp/final"
as_boot '... and boots' 0 "$tmp/final"

# The other verbs that change the header.
fresh
warns 'recovery' 0 recovery "$d" --table "$t"
as_boot 'before the image is built' 29 "$t"
echo "$line" >> "$file"
as_boot 'when it is built' 0 "$t"
before=$(sum "$d")$(sum "$t")
warns 'remove-keyslot' 2 remove-keyslot "$d" --keyslot 2 --table "$t"
ok '... before it is agreed to' test "$(sum "$d")$(sum "$t")" = "$before"
warns '... with --yes' 0 remove-keyslot "$d" --keyslot 2 --table "$t" --yes
echo "$line" >> "$file"
as_boot 'when it is built' 0 "$t"
fresh '^volume-key'
quiet 'recovery' recovery "$d" --table "$t"
must cp --sparse=always "$tmp/base" "$d"
grep -E '^(version|volume|header)' "$tmp/pins" > "$file"
warns 'prepare' 0 prepare "$d" -o "$t" --key-file "$tmp/key" --force
echo "$line" >> "$file"
as_boot 'when it is built' 0 "$t"

# A table for another disk than the image's; and a changed header.
fresh '^volume-key'
wrong
own prepare "$d" -o "$tmp/other" --key-file "$tmp/key" --config "$c"
ok 'prepare for a key that the image does not pin: a warning' \
	grep -q "warning: .*/policy: the volume key is not the one .* so no boot of that image" "$tmp/err"
fresh
must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
	"$d" "$tmp/pins" &> "$tmp/add.log"
warns 'pin' 0 pin "$d" --table "$t" --yes
echo "$line" >> "$file"
as_boot 'when it is built' 0 "$t"
tap_done
