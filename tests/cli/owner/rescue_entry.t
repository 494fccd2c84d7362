#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rescue_entry.t - the entry of a table under which a rescue's secrets travel: who makes it, who keeps it,
# and what is said of one that is of no use.
# Needs: cryptsetup openssl python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

rescue=ca4b4042-831b-4962-9798-fc95c71f1236
d=$tmp/disk t=$tmp/table
printf '%s key' "$canary" > "$tmp/key"
disk "$tmp/base" "$tmp/key"

# entry TABLE: the rescue entry, in hexadecimal.
entry() {
	table_get "$1" $rescue | od -An -v -tx1 | tr -d ' \n'
}

# quiet TABLE: no output has the rescue entry, raw or in hexadecimal, nor the secret.
quiet() {
	silent_own "$1" && python3 -IS "$top/tests/lib/table.py" silent $rescue "$tmp/out" "$tmp/err" "$1"
}

fresh() {
	must rm -f "$d" "$t"
	must cp --sparse=always "$tmp/base" "$d"
	own prepare "$d" -o "$t" --key-file "$tmp/key" --rescue "$@"
}

# prepare
fresh
is 'prepare --rescue' "$rc" 0
ok '... no secret in any output, nor the entry' quiet "$t"
is '... 32 bytes' "$(table_get "$t" $rescue | wc -c)" 32
ok '... says so' grep -qF 'with the secret, the pins and a rescue entry; keep it like a key' "$tmp/out"
ok '... sevctl gets it, too' grep -qF -- "--secret $rescue:rescue.bin" "$tmp/out"
boot "$d" "$t"
is '... and the table boots' "$rc" 0
first=$(entry "$t")
fresh
ok 'another one is another one' test "$(entry "$t")" != "$first"
own prepare "$d" -o "$tmp/none" --key-file "$tmp/key"
is 'without --rescue there is none' "$(entry "$tmp/none" 2> /dev/null)" ''
ok '... and nothing about it' eval '! grep -q rescue "$tmp/out"'

# table
own table show "$t"
ok 'table show knows it by its name' grep -qE "^entry +$rescue rescue, 32 bytes" "$tmp/out"
ok '... without its content' quiet "$t"
own table extract -o "$tmp/entry" "$t" rescue
is 'table extract takes it out by its name' "$rc $(od -An -v -tx1 < "$tmp/entry" | tr -d ' \n')" "0 $(entry "$t")"
own table add -o "$tmp/added" "$tmp/none" rescue="$tmp/entry"
is 'table add puts it in' "$rc $(entry "$tmp/added")" "0 $(entry "$t")"
own table remove -o "$tmp/removed" "$tmp/added" rescue
ok '... table remove takes it away' cmp -s "$tmp/removed" "$tmp/none"
for length in 0 31 33; do
	head -c $length /dev/urandom > "$tmp/length"
	for word in rescue ${rescue^^}; do
		own table add -o "$tmp/wrong" "$tmp/none" "$word=$tmp/length"
		is "an entry of $length bytes, as $word, is refused" "$rc" 2
		ok '... with its length' grep -qE "the rescue entry has 32 bytes, and not $length; next: give a file of" "$tmp/err"
		ok '... and no table' test ! -e "$tmp/wrong"
	done
	own table build -o "$tmp/wrong" luks-key="$tmp/key" "rescue=$tmp/length"
	is '... by build, too' "$rc" 2
	# Another tool takes it.
	table_make "$tmp/wrong" "$guid=$tmp/key" "$rescue=$tmp/length"
	own table show "$tmp/wrong"
	is '... table show warns of it' "$rc $(grep -c 'warning: .*: its rescue entry has not the 32 bytes' "$tmp/err")" '0 1'
	own verify "$tmp/base" "$tmp/wrong"
	is '... and so does verify' "$rc $(grep -c 'warning: .*: its rescue entry has not the 32 bytes' "$tmp/err")" '0 1'
	rm "$tmp/wrong"
done

# What a guest's configuration makes of it: verify, prepare, table show and packet say it.
conf=$tmp/conf
must mkdir -p "$conf/etc/coco-unlock"
must openssl genpkey -algorithm ed25519 -out "$tmp/key.pem"
key=$(openssl pkey -in "$tmp/key.pem" -pubout -outform der | tail -c 32 | base64)
conf() {
	printf '%s\n' '[Unlock]' "$@" > "$conf/etc/coco-unlock/coco-unlock.conf"
}
# rescue NAME WANTED WARNINGS TABLE [LINE]: what verify says, in text and as JSON.
rescue() {
	local name=$1 wanted=$2 warnings=$3
	own verify "$d" "$4" --config "$conf" --json
	is "$name" "$rc $(grep -o '"rescue":[a-z]*' "$tmp/out")" "0 \"rescue\":$wanted"
	is '... with a warning, or without' "$(grep -c 'warning: ' "$tmp/err")" "$warnings"
	own verify "$d" "$4" --config "$conf"
	is '... for a person' "$rc $(grep -c '^rescue .* an answer can carry a secret' "$tmp/out")" \
		"0 $([[ $wanted == true ]] && echo 1 || echo 0)"
}
fresh
own table remove -o "$tmp/without" "$t" rescue
table_make "$tmp/unpinned" "$guid=$tmp/key" "$rescue=$tmp/entry"
conf FailureAction=rescue "RescueKey=$key"
rescue 'an entry, and RescueKey=' true 0 "$t"
rescue 'RescueKey= without an entry' false 1 "$tmp/without"
ok '... is warned of' grep -q 'warning: .*/without: the configuration has RescueKey=, and it no rescue entry' "$tmp/err"
own table show --config "$conf" "$tmp/without"
is '... by table show, too' "$(grep -c 'warning: .* it no rescue entry' "$tmp/err")" 1
own prepare "$d" -o "$tmp/again" --key-file "$tmp/key" --config "$conf"
is '... by prepare, too' "$rc $(grep -c 'warning: .*again: .* it no rescue entry' "$tmp/err")" '0 1'
fresh
rescue 'no pins' false 1 "$tmp/unpinned"
ok '... is warned of' grep -q 'warning: .*/unpinned: neither header nor volume key is pinned' "$tmp/err"
conf FailureAction=rescue
rescue 'an entry without RescueKey=' false 1 "$t"
ok '... is warned of' grep -q 'warning: .*/table: it has a rescue entry, and the configuration no RescueKey=' "$tmp/err"
own table remove -o "$tmp/without2" "$t" rescue
rescue 'neither' false 0 "$tmp/without2"
own verify "$d" "$t"
is 'without --config, nobody knows' "$rc $(grep -c rescue "$tmp/out") $(wc -c < "$tmp/err")" '0 0 0'
conf FailureAction=rescue "RescueKey=$key" Sources=kbs
printf '[Kbs]\nUrl=https://192.0.2.1\nPin=%064d\nResourceFormat=secret\nResource=a/b/c\n' 0 \
	>> "$conf/etc/coco-unlock/coco-unlock.conf"
own table show --config "$conf" "$t"
is 'a broker that hands out the bare secret' "$rc $(grep -c 'warning: .* hands out the bare secret' "$tmp/err")" '0 1' ||
	sed 's/^/# /' "$tmp/err"
own table show --config "$conf" "$tmp/without"
is '... without an entry there is nothing to say' "$rc $(grep -c 'warning: .*rescue' "$tmp/err")" '0 0'

# Who changes a table keeps it.
kept() {
	is "$1" "$rc" 0 || sed 's/^/# /' "$tmp/err"
	is '... keeps the rescue entry' "$(entry "$2")" "$(entry "$tmp/prepared")"
	ok '... no secret in any output, nor the entry' quiet "$2"
}
fresh --remove-old # there is room for three keyslots
must cp "$t" "$tmp/prepared"
own recovery "$d" --table "$t"
kept recovery "$t"
own rotate "$d" --table "$t" -o "$tmp/new"
kept rotate "$tmp/new"
kept '... in the old table, too' "$t"
own rotate --finish "$d" --table "$t" --new "$tmp/new" -o "$tmp/final"
kept 'rotate --finish' "$tmp/final"
own remove-keyslot "$d" --table "$tmp/final" --keyslot 0 --yes # of the recovery key
kept remove-keyslot "$tmp/final"
must cryptsetup config --label other "$d"
own pin "$d" --table "$tmp/final" --yes
kept pin "$tmp/final"
boot "$d" "$tmp/final"
is 'and that table boots' "$rc" 0

tap_done
