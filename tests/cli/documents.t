#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# documents.t - the man pages say what the program does: the built-in words of the command
# line guard, each key and option, and the commands and examples of coco-unlock-policy(5).
# Needs: cryptsetup
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

man=$top/src/man
t=$tmp/t

# section PAGE NAME: the lines of a section.
section() {
	awk -v name="# $2" '/^# / { on = $0 == name; next } on' "$man/$1"
}

# literal: only the literal blocks of a page.
literal() {
	awk '/^\t*```$/ { on = !on; next } on'
}

# The words that the guard allows.
source_words=$(sed -n '/default_words\[\] = {/,/^};/p' "$top/src/boot/cmdline.c" | grep -o '"[^"]*"' | tr -d '"' | sort)
page_words=$(section coco-unlock.conf.5.scd 'BUILT-IN WORDS' | literal | tr ' ' '\n' | sort)
ok 'premise: there are words' test "$(wc -l <<< "$source_words")" -gt 50
is 'coco-unlock.conf(5) lists the words of src/boot/cmdline.c' "$page_words" "$source_words"
is '... none of them twice' "$(uniq -d <<< "$page_words")" ''

# Keys and options: each has its entry on the page, and is named in conf/.
keys=$(sed -nE 's/^\t\{ "(Unlock|Policy|Root|Kbs|Image)", "([A-Za-z]+)",.*/\2/p' "$top/src/conf/conf.c" | sort)
is 'coco-unlock.conf(5) has each key of src/conf/conf.c' \
	"$(sed -nE 's/^\*([A-Za-z]+)=\*$/\1/p' "$man/coco-unlock.conf.5.scd" | sort)" "$keys"
is '... and so has conf/coco-unlock.conf' \
	"$(grep -oE '^# ?[A-Z][A-Za-z]+=' "$top/conf/coco-unlock.conf" | tr -d '#= ' | sort -u)" "$keys"
while read -r option; do
	ok "cocotab(5) and conf/cocotab have $option" \
		eval "grep -qF '*$option*' '$man/cocotab.5.scd' && grep -qF -- '$option' '$top/conf/cocotab'"
done < <(sed -nE 's/^\t\{ "([a-z0-9=-]+)", VOLUME_OPTION_.*/\1/p' "$top/src/conf/cocotab.c"
	sed -nE 's/^#define TOKEN_OPTION "(.*)"/\1/p' "$top/src/conf/cocotab.c")

# Verbs.
while read -r verb; do
	ok "coco-unlock(8) describes $verb" grep -qE "^\*$verb\*( |$)" "$man/coco-unlock.8.scd"
done < <(sed -nE 's/^\t\.name = "(.*)",/\1/p' "$top"/src/guest/cmd_*.c)

# The version. Outcomes: unit/base/exitcode.c compares coco-unlock(8) with the program.
version=$(sed -n 's/^VERSION := //p' "$top/Makefile")
is 'NEWS begins with this version' "$(grep -m 1 -B 1 '^=*$' <(grep . "$top/NEWS") | head -n 1)" "$version"
run --version
is '... which the program says' "$(cat "$tmp/out")" "coco-unlock $version"
targets=$(grep -oE '^[a-z][a-z -]*:([^=]|$)' "$top/Makefile" | cut -d: -f1 | xargs -n 1 | sort -u)
help=$(make -s -C "$top" help)
ok 'premise: there are targets' test "$(wc -w <<< "$targets")" -gt 15
is 'make help has each target' "$(for target in $targets; do
	grep -qE "(^|[ ;])$target([ :;]|\$)" <<< "$help" || echo "$target"
done | xargs)" 'fuzz-programs install-real-root needs-build needs-man'

# The policy entry: the page's GUID, its example, and its script, which is run as it stands there.
policy_guid=$(sed -nE 's/^#define GUID_POLICY "(.*)"/\1/p' "$top/src/conf/reference.h")
is 'coco-unlock-policy(5) has the GUID' \
	"$(section coco-unlock-policy.5.scd DESCRIPTION | literal)" "$policy_guid"

printf '%s' "$canary" > "$tmp/key"
disk "$tmp/disk" "$tmp/key"
example_block() {
	section coco-unlock-policy.5.scd EXAMPLE | literal | sed 's/\\\\/\\/g' |
		awk -v from="$1" -v to="$2" '$0 ~ from { on = 1 } on { print } $0 ~ to { on = 0 }'
}

# try TABLE ENTRY: unlocks with this cocotab and this policy entry.
try() {
	tree "$t"
	printf '%s\n' "$1" > "$t/etc/coco-unlock/cocotab"
	printf '[Policy]\nRequirePolicyEntry=yes\n' > "$t/etc/coco-unlock/coco-unlock.conf"
	add_disk "$t" vda "$tmp/disk"
	add_secret "$t" "$guid" "$tmp/key"
	add_secret "$t" "$policy_guid" "$2"
	run --root="$t" unlock
}

example_block '^version=1' '^volume-key=.*f00' > "$tmp/example"
ok 'premise: the example has both volumes' test "$(grep -c '^volume=' "$tmp/example")" = 2
try $'root /dev/vda -\ndata /dev/vda -' "$tmp/example"
is 'the example on the page is understood, and pins another disk' "$rc" 29
sed 's/^min-gen/Min-gen/' "$tmp/example" > "$tmp/wrong"
try $'root /dev/vda -\ndata /dev/vda -' "$tmp/wrong"
is '... which with a mistake in it would be told' "$rc" 28

if ! lacks openssl; then
	example_block '^set -eu' '^rm -f' | sed "s,/dev/shm/vk,$tmp/vk," > "$tmp/script"
	ok 'premise: the script is there' test "$(wc -l < "$tmp/script")" -gt 10
	(
		cd "$tmp" || exit
		cryptsetup() { command cryptsetup --disable-locks "$@"; }
		# shellcheck disable=SC2034 # for the script
		DISK=$tmp/disk FILE=$tmp/key
		# shellcheck disable=SC1091 # a block of the page
		source "$tmp/script"
	) &> "$tmp/script.log"
	ok "the page's script makes an entry" test -s "$tmp/policy" || sed 's/^/# /' "$tmp/script.log"
	is '... with every pin but the generations' "$(cut -d= -f1 "$tmp/policy" | tr '\n' ' ')" \
		'version volume uuid header volume-key fixate-volume-key '
	is '... and leaves no key' "$(find "$tmp" -name vk)" ''
	try 'root /dev/vda -' "$tmp/policy"
	is '... which the disk keeps' "$rc" 0
	for pin in uuid header volume-key fixate-volume-key; do
		awk -v pin="$pin=" 'index($0, pin) == 1 { last = substr($0, length($0))
			$0 = substr($0, 1, length($0) - 1) (last == "0" ? "1" : "0") } { print }' \
			"$tmp/policy" > "$tmp/other"
		try 'root /dev/vda -' "$tmp/other"
		is "... and with another $pin does not" "$rc" 29
	done
fi
tap_done
