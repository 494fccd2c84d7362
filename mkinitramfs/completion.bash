# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# completion.bash - bash completion of coco-mkinitramfs. It knows no option: the program's --help has
# them. So it fits any version.
_coco_mkinitramfs() {
	local help directory
	COMPREPLY=()
	# Values that stand behind a = are words of their own for bash.
	local before=$3 word=$2
	[[ $before != = ]] || before=${COMP_WORDS[COMP_CWORD - 2]}
	[[ $word != = ]] || { before=$3 && word=''; }
	case $before in
		--kernel)
			for directory in /lib/modules/*/; do
				directory=${directory%/} directory=${directory##*/}
				[[ $directory != "$word"* ]] || COMPREPLY+=("$directory")
			done
			;;
		--root) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
		*)
			[[ $word == -* ]] || return 0
			help=$("$1" --help < /dev/null 2> /dev/null)
			mapfile -t COMPREPLY < <(compgen -W \
				"$(sed -nE 's/^  (-[a-z], )?(--[a-z-]+).*/\2/p' <<< "$help")" -- "$word")
			;;
	esac
}
complete -o bashdefault -o default -F _coco_mkinitramfs coco-mkinitramfs
