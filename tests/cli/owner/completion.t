#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# completion.t - bash completion and man page of coco-secret have the verbs and options that the
# program takes, and no other.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"
source "$top/src/owner/completion.bash"

program=$owner

# complete WORD...: what bash offers for the last one, sorted, in one line.
offers() {
	COMP_WORDS=(coco-secret "$@") COMP_CWORD=$# COMPREPLY=()
	_coco_secret "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd ' '
}

# takes VERB OPTION: does the program know it? Its value, or an operand, is a file that is missing.
takes() {
	local verb=$1
	[[ $verb != table ]] || verb='table build'
	# shellcheck disable=SC2086 # two words
	own $verb "$2" "$tmp/missing/x"
	! grep -qF "'$2' is not an option" "$tmp/err"
}

# short VERB OPTION: is it the beginning of an option of the verb, which may be cut, and none itself?
short() {
	own "$1" --help
	grep -qE "^  (-[a-z], )?$2-" "$tmp/out" && ! grep -qE "^  (-[a-z], )?$2( |$)" "$tmp/out"
}

for word in -h help; do
	own $word
	is "$word is --help" "$rc $(cat "$tmp/out")" "0 $("$owner" --help)"
done
own -V
is '-V is --version' "$rc $(cat "$tmp/out")" "0 $("$owner" --version)"
for words in 'help table' 'table -h' 'table build -h'; do
	# shellcheck disable=SC2086 # several words
	own $words
	is "$words" "$rc $(cat "$tmp/out")" "0 $("$owner" table --help)"
done
own help nonsense
is 'help for no verb' "$rc" 1
own --help
verbs=$(sed -nE 's/^  ([a-z][a-z-]*)  .*/\1/p' "$tmp/out" | sort | xargs)
ok 'there are verbs' test "$(wc -w <<< "$verbs")" -ge 9
is 'all verbs' "$(offers '' | tr ' ' '\n' | grep -v ^- | xargs)" "$verbs"
is '... and the two options without a verb' "$(offers -)" '--help --version'
is 'a verb that is begun' "$(offers pr)" prepare

# Every option that stands in a table of any verb, and some that do not.
all=$(sed -nE 's/.*OPTION_(FLAG|WORD|FILES|NUMBER)\("([a-z-]+)".*/--\2/p
	s/.*OPTION_(TEXT|FILE)\(.*, "([a-z-]+)", "[A-Z]+".*/--\2/p' "$top"/src/owner/*.c "$top"/src/owner/*/*.h | sort -u)
ok 'premise: there are options' test "$(wc -l <<< "$all")" -ge 35
for verb in $verbs; do
	taken=$(for option in $all --nonsense; do
		# Known to packet, to be refused with a reason.
		[[ $verb$option == packet--nonce ]] || short "$verb" "$option" || ! takes "$verb" "$option" ||
			echo "$option"
	done)
	offered=$(offers "$verb" x --)
	is "options of $verb" "$offered" "$(printf '%s\n' "$taken" --help | sort -u | xargs)"
	own "$verb" --help
	ok '... the usage names the verb' grep -q "^Usage: coco-secret $verb " "$tmp/out"
	is '... the help has each of them once' "$(grep -oE '^  (-[a-z], )?--[a-z-]+' "$tmp/out" |
		grep -oE -- '--.*' | sort | xargs)" "$(sort <<< "$taken" | xargs)"
	man=$(sed -n "/^# SYNOPSIS/,/^# DESCRIPTION/p" "$top/src/man/coco-secret.1.scd")
	ok '... the man page has it' grep -qE "^\*coco-secret\* \*${verb}[ *]" <<< "$man"
	for option in $taken; do
		grep -qE -- "${option}[*]" "$top/src/man/coco-secret.1.scd" || echo "$verb: $option"
	done > "$tmp/missing"
	is '... and its options' "$(cat "$tmp/missing")" ''
done
is 'verbs below table' "$(offers table '')" 'add build extract remove show'
is '... and below no other' "$(for verb in ${verbs/table/}; do offers "$verb" ''; done | xargs)" ''
is 'an option behind the verb' "$(offers rotate --f)" '--finish --firmware --force'
is 'values of --format' "$(offers table build --format '')" 'base64 binary hex'
is '... of another verb' "$(offers measure --format '')" 'base64 hex'
is '... begun' "$(offers measure --format h)" hex
is 'values of --pbkdf' "$(offers encrypt --pbkdf '')" 'argon2id minimal pbkdf2'
is 'values of --sector-size' "$(offers encrypt --sector-size '')" '4096 512'
is 'a file where a value is free' "$(offers encrypt --secret '')" ''
is 'a file where nothing fits' "$(offers verify '')" ''
is 'no verb' "$(offers nonsense '')$(offers nonsense x --f)" ''
is 'a word that is a pattern' "$(offers table build '--.*' '')" ''
program=$tmp/none
is 'no program: nothing, and no word of it' "$(offers '' 2>&1)$(offers table x --j 2>&1)" ''
tap_done
