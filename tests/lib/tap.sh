# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# tap.sh - prints results as TAP, for prove(1). Source it first, call tap_done last.
# Trusts no test to end well: the plan comes last, so one that dies early has none and fails.
tap_nr=0 tap_failed=0
tap_needs=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)/needs.sh # tests go to other directories

# ok NAME COMMAND...: good if the command succeeds.
ok() {
	local name=$1 result='ok'
	shift
	"$@" || { result='not ok' && tap_failed=$((tap_failed + 1)); }
	echo "$result $((tap_nr += 1)) - $name"
	[[ $result == ok ]]
}

# is NAME GOT WANTED: good if both are equal.
is() {
	ok "$1" test "$2" = "$3" || printf '# got:    %s\n# wanted: %s\n' "$2" "$3"
}

# skip REASON: counted by prove; the reason names what is missing.
skip() {
	echo "ok $((tap_nr += 1)) # SKIP $1"
}

# lacks PROGRAM: true if it is missing. What follows is then skipped for that reason; in continuous
# integration it has failed.
lacks() {
	local why
	why=$("$tap_needs" "$1" 2>&1) && return 1
	if [[ ${CI-} ]]; then ok "$why" false; else skip "$why"; fi
	return 0
}

tap_done() {
	echo "1..$tap_nr"
	exit $((tap_failed > 0))
}
