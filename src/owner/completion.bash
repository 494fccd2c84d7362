# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# completion.bash - bash completion of coco-secret. It knows no verb and no option: the program is
# asked for its --help, which prints the tables that it parses by. So it fits any version.
_coco_secret() {
	local word=$2 before=$3 verb=${COMP_WORDS[1]} help list='' words=''
	local option='^  (-[a-z], )?'

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		help=$("$1" --help < /dev/null 2> /dev/null)
		words=$(sed -nE 's/^  ([a-z-]+)  .*/\1/p' <<< "$help")
	else
		help=$("$1" "$verb" --help < /dev/null 2> /dev/null)
		# A word out of a list stands as "a|b|c" behind its option.
		[[ ! $before =~ ^--[a-z-]+$ ]] ||
			list=$(sed -nE "s/$option$before ([a-z0-9]+(\|[a-z0-9]+)+)( .*)?$/\2/p" <<< "$help")
		if [[ $list ]]; then
			words=${list//|/ }
		elif [[ $word == -* ]]; then
			words="$(sed -nE "s/$option(--[a-z-]+).*/\2/p" <<< "$help") --help"
		elif ((COMP_CWORD == 2)); then
			# Verbs below a verb stand in its usage.
			words=$(sed -nE 's/^(Usage:|      ) coco-secret [a-z]+ ([a-z]+) .*/\2/p' <<< "$help")
		fi
	fi
	# A file is completed by bash where nothing fits.
	[[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o bashdefault -o default -F _coco_secret coco-secret
