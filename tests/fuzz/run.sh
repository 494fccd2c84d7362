#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# run.sh SECONDS JOBS PROGRAMS CORPUS TARGET... - runs libFuzzer on each target for SECONDS, JOBS of
# them at once, and prints executions, their rate, and the edges of the code that were reached. What
# is new goes to CORPUS/TARGET, where the next run begins; what crashes to CORPUS/crashes, and its
# log is shown. The exit status is 0 only if nothing crashed.
seconds=$1 jobs=$2 programs=$3 corpus=$4
here=$(dirname "$0")
shift 4

# one TARGET: one line.
one() {
	local target=$1 log=$corpus/$1.log result=ok more=()
	[[ ! -e $here/$target.dict ]] || more+=("-dict=$here/$target.dict")
	mkdir -p "$corpus/$target" "$corpus/crashes"
	more+=("$corpus/$target" "$here/seeds/$target")
	[[ ! -d $here/crashes/$target ]] || more+=("$here/crashes/$target")
	"$programs/$target" -max_total_time="$seconds" -max_len=32768 -timeout=20 -rss_limit_mb=1500 \
		-print_final_stats=1 -artifact_prefix="$corpus/crashes/$target-" "${more[@]}" \
		> "$log" 2>&1 || result=FAILED
	printf '%-14s %11s %9s %7s %9s %7s  %s\n' "$target" "$(stat number_of_executed_units)" \
		"$(stat average_exec_per_sec)" "$(last cov)" "$(last ft)" "$(stat peak_rss_mb)" "$result"
	[[ $result == ok ]] || tail -n 40 "$log"
	[[ $result == ok ]]
}

stat() {
	sed -nE "s/^stat::$1: *//p" "$log"
}

last() {
	grep -oE "\<$1: [0-9]+" "$log" | tail -n 1 | cut -d ' ' -f 2
}

export -f one stat last
export seconds programs corpus here
printf '%-14s %11s %9s %7s %9s %7s\n' target executions each-s edges features MiB
printf '%s\n' "$@" | xargs -P "$jobs" -I{} bash -c 'one {}'
