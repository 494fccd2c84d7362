#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# completion.t - bash completion, --help and man page of coco-secret have the same verbs, and
# of each the same options.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"
source "$top/src/owner/completion.bash"

# complete WORD...: what bash offers for the last one, sorted, in one line.
offers() {
	COMP_WORDS=(coco-secret "$@") COMP_CWORD=$# COMPREPLY=()
	_coco_secret
	printf '%s\n' "${COMPREPLY[@]}" | sort -u | xargs
}

# Long options of a text.
options() {
	grep -oE -- '--[a-z][a-z-]+' | sort -u | xargs
}

own --help
verbs=$(sed -nE 's/^  ([a-z]+)  .*/\1/p' "$tmp/out" | sort | xargs)
ok 'there are verbs' test "$(wc -w <<< "$verbs")" -ge 9
is 'all verbs' "$(offers '' | tr ' ' '\n' | grep -v ^- | xargs)" "$verbs"
is '... and the two options without a verb' "$(offers -)" '--help --version'
is 'a verb that is begun' "$(offers pr)" prepare
for verb in $verbs; do
	own "$verb" --help
	is "options of $verb" "$(offers "$verb" x --)" "$(options < <(cat "$tmp/out" <(echo --help)))"
	ok '... the usage names the verb' grep -q "^Usage: coco-secret $verb " "$tmp/out"
	man=$(sed -n "/^# SYNOPSIS/,/^# DESCRIPTION/p" "$top/src/man/coco-secret.1.scd")
	ok '... the man page has it' grep -qE "^\*coco-secret\* \*${verb}[ *]" <<< "$man"
	for option in $(options < "$tmp/out"); do
		grep -qE -- "${option}[*]" "$top/src/man/coco-secret.1.scd" || echo "$verb: $option"
	done > "$tmp/missing"
	is '... and its options' "$(cat "$tmp/missing")" ''
done
is 'values of --format' "$(offers table build --format '')" 'base64 binary hex'
is 'a file where nothing fits' "$(offers verify '')" ''
tap_done
