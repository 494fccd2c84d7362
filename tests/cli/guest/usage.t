#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage.t - what is no command line, and what needs no machine.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

# refused REASON ARGUMENT...: exit code 1, one line to stderr with this text.
refused() {
	local reason=$1
	shift
	run "$@"
	is "'$*' is a mistake" "$rc" 1
	ok '... which is told in one line' test "$(grep -cF "$reason" "$tmp/err")" = 1 -a \
		"$(wc -l < "$tmp/err")" = 1
	is '... and nothing is printed' "$(cat "$tmp/out")" ''
}

tree "$tmp/t"
must cp -a "$tmp/t" "$tmp/before"
refused 'a verb is missing'
refused 'a verb is missing' "--root=$tmp/t"
refused "unknown verb 'open'" open
refused "unknown verb 'Unlock'" --root="$tmp/t" Unlock
refused "unknown verb ''" --root="$tmp/t" ''
refused "unknown option '-x'" -x
refused "unknown verb 'open'" help open
refused "unknown option '--root'" --root "$tmp/t" check
refused "unknown option '--root='" --root= check
refused "unknown option '--rooted=x'" --rooted=x check
refused "unknown option '--'" -- check
refused "$tmp/none: No such file" --root="$tmp/none" unlock
refused "/dev/null: Not a directory" --root=/dev/null unlock
refused "unexpected 'now'; it takes: nothing" --root="$tmp/t" unlock now
refused "unexpected '--config'; it takes: nothing" --root="$tmp/t" unlock --config
refused "unexpected 'x'; it takes: [--unless-done]" --root="$tmp/t" abort x
refused "unexpected '--unless-done'; it takes: nothing" --root="$tmp/t" verify-root --unless-done
refused "unexpected '/'; it takes: nothing" --root="$tmp/t" raise-generation /
refused "unexpected '/sysroot'; it takes: nothing" --root="$tmp/t" verify-mounts /sysroot
takes='it takes: [--config [--standalone] | --cmdline=WORDS]'
refused "unexpected '--conf'; $takes" --root="$tmp/t" check --conf
refused "unexpected 'x'; $takes" --root="$tmp/t" check --config x
refused "unexpected '--cmdline'; $takes" --root="$tmp/t" check --cmdline quiet
refused "unexpected '--cmdline=x'; $takes" --root="$tmp/t" check --config --cmdline=x
refused "unexpected '--config'; $takes" --root="$tmp/t" check --cmdline=x --config
refused "unexpected '--cmdline=y'; $takes" --root="$tmp/t" check --cmdline=x --cmdline=y
refused "unexpected 'x'; it takes: [--json]" --root="$tmp/t" status --json x
is 'no mistake has changed anything' "$(cd "$tmp/t" && find . | sort)" \
	"$(cd "$tmp/before" && find . | sort)"

for word in help --help -h; do
	run "$word"
	is "$word exits with 0" "$rc" 0
	for verb in unlock verify-root verify-mounts check status abort; do
		ok "... and tells of $verb" grep -q "^  $verb " "$tmp/out"
	done
done
for verb in unlock check status abort; do
	for words in "help $verb" "$verb --help" "$verb -h"; do
		# shellcheck disable=SC2086 # two words
		run $words
		is "$words" "$rc $(grep -c "^Usage: coco-unlock .* $verb" "$tmp/out")" '0 1'
	done
done
run -V
is '-V is --version' "$rc $(cat "$tmp/out")" "0 $("$bin" --version)"
run --version
is '--version exits with 0' "$rc" 0
ok '... and prints a version' grep -qE '^coco-unlock [0-9]+\.[0-9]+\.[0-9]+$' "$tmp/out"
ok 'a full disk, a closed output: no crash' sh -c '"$0" --help >&- 2>&- <&-; [ $? -lt 64 ]' "$bin"
tap_done
