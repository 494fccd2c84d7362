#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# smoke.t - each fuzz target, without libFuzzer: over its seeds, over what fuzzing has found, and
# over mutations of both, the same ones in each run. A target that accepts nothing, or everything,
# shows nothing.
source "$(dirname "$0")/../lib/tap.sh"
here=$(dirname "$0")
programs=${COCO_FUZZ:-$here/../../build/fuzz}
rounds=2000

between() {
	(($1 > $2 && $2 > 0))
}

for source in "$here"/*.c; do
	target=$(basename "$source" .c) more=()
	[[ $target != driver ]] || continue
	[[ ! -e $here/$target.dict ]] || more+=(-d "$here/$target.dict")
	more+=(-r "$rounds" "$here/seeds/$target/")
	[[ ! -d $here/crashes/$target ]] || more+=("$here/crashes/$target")
	if ! out=$("$programs/$target" "${more[@]}" 2>&1); then
		ok "$target: nothing crashes, and no promise is broken" false
		sed 's/^/# /' <<< "$out" | head -n 40
		continue
	fi
	read -r _ files _ accepted _ mutations _ more_accepted <<< "$out"
	ok "$target: of $files files $accepted are accepted" between "$files" "$accepted"
	ok "... of $mutations mutations $more_accepted" between "$mutations" "$more_accepted"
done

# coverage.py counts the lines of what it names, and of nothing else.
named=$(sed -nE 's/^    "([a-z_]+)": \[.*/\1/p' "$here/coverage.py" | sort)
targets=$(printf '%s\n' "$here"/*.c | sed 's,.*/,,; s/\.c$//' | grep -vx driver | sort)
is 'coverage.py names each target' "$named" "$targets"
gone=$(grep -oE '"[a-z_/]+\.c"' "$here/coverage.py" | tr -d '"' | while read -r file; do
	[[ -f $here/../../src/$file ]] || echo "$file"; done)
is '... and files that are there' "$gone" ''
tap_done
