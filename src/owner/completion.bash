# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# completion.bash - bash completion of coco-secret.
_coco_secret() {
	local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]}
	local verbs='table measure packet'

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$word")
	fi
}
complete -o bashdefault -o default -F _coco_secret coco-secret
