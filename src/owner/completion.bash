# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# completion.bash - bash completion of coco-secret. Each verb has its options here; those that
# have values end in "=".
_coco_secret() {
	local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local launch='--firmware= --kernel= --initrd= --append= --vmsa= --cpus= --expected-digest= --policy=
		--api-major= --api-minor= --build= --tik= --launch-measure-blob= --json'
	local volume='--config= --volume='
	local -A options=(
		[table]='--output= --format= --firmware= --nul --force --reveal --json'
		[measure]="$launch --nonce= --format="
		[packet]="$launch --tek= --output= --domain= --force --insecure-skip-measurement"
		[encrypt]='--secret-out= --secret= --pbkdf= --sector-size= --force --in-place --backup= --integrity'
		[verify]="$volume --memory= --json"
		[prepare]="$volume --output= --key-file= --remove-old --grub --secret= --force"
		[recovery]="$volume --table= --key-file="
		[rotate]="$volume --finish --table= --new= --output= --grub --force"
		[status]="$volume --table= --new="
		[repair]="$volume"
	)
	local words=

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words="${!options[*]} --help --version"
	elif [[ $before == --format ]]; then
		words='binary base64 hex'
	elif [[ $before == --pbkdf ]]; then
		words='minimal argon2id pbkdf2'
	elif [[ $before == --sector-size ]]; then
		words='512 4096'
	elif [[ $before == --pbkdf ]]; then
		words='minimal argon2id pbkdf2'
	elif [[ $before == --sector-size ]]; then
		words='512 4096'
	elif [[ $verb == table && $COMP_CWORD == 2 ]]; then
		words='build show add remove --help'
	elif [[ $word == -* ]]; then
		words="${options[$verb]-} --help"
	fi
	# A file is completed by bash where nothing fits.
	[[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W "${words//=/}" -- "$word")
}
complete -o bashdefault -o default -F _coco_secret coco-secret
