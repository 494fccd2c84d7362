# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is for the tests, and there
#
# owner.sh - what the tests of coco-secret have in common. Source it after fixture.sh; then
# `run` calls coco-secret, and the working directory is $tmp. May not touch anything outside it.
bin=${COCO_SECRET:-$top/build/coco-secret}
[[ $bin == /* ]] || bin=$PWD/$bin
cd "$tmp" || exit 99

# made CODE FILE...: the last run ended with this code, and these files, and no others, are new
# since `before`; each of them has mode 0600.
before() {
	(cd "$tmp" && find . -mindepth 1 -maxdepth 1 -printf '%P\n') > "$tmp/.before"
}

made() {
	local code=$1
	shift
	[[ $rc == "$code" ]] &&
		[[ $(find "$tmp" -mindepth 1 -maxdepth 1 -printf '%P\n' | grep -vxFf "$tmp/.before" |
			sort) == "$(printf '%s\n' "$@" | sort)" ]] &&
		[[ $# == 0 || $(stat -c %a "$@" | sort -u) == 600 ]]
}

# refused CODE TEXT ARGUMENT...: the run ends with this code, one line on stderr that has the
# text and a next step, nothing on stdout, no new file, and no part of a secret.
refused() {
	local code=$1 text=$2 name
	shift 2
	name="$*"
	before
	run "$@"
	ok "'${name:0:70}': $text" refused_well "$code" "$text" ||
		sed 's/^/# /' <<< "exit code $rc, wanted $code: $(cat "$tmp/err" "$tmp/out")"
}

refused_well() {
	made "$1" && [[ ! -s $tmp/out ]] && hidden && [[ $(grep -vc ' warning: ' "$tmp/err") == 1 ]] &&
		grep -v ' warning: ' "$tmp/err" | grep -F -- "$2" | grep -qE '^coco-secret: .*; next: .'
}

# The canary as it is, in hexadecimal, and in base64 behind 0, 1 and 2 other bytes.
canary_forms=$(printf '%s\n' "$canary"
	printf %s "$canary" | od -An -tx1 | tr -d ' \n'
	echo
	for before in '' x xx; do
		text=$(printf %s "$before$canary" | base64 -w0)
		text=${text:$(((${#before} * 8 + 5) / 6))}
		text=${text%%=*}
		echo "${text%?}"
	done)

# True if neither output has a part of a secret.
hidden() {
	! grep -qaiF "$canary_forms" "$tmp/out" "$tmp/err"
}

# json FIELD...: fields of the last run's output, with slashes between them.
json() {
	python3 -IS -c '
import json, sys
found = []
top = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    value = top
    for key in name.split("."):
        value = value[int(key) if key.isdigit() else key]
    found.append(str(value))
print("/".join(found))' "$tmp/out" "$@"
}
