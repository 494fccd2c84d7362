#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# threats.t - coco-unlock-threats(7) is true in what can be looked up: each test that it names
# is there, each outcome is one of the program's, and its rules are those of the source.
# Needs: python3
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

page=$top/src/man/coco-unlock-threats.7.scd

# What the page says of attacks, a fact in a line: its kind, the value, and whose it is.
python3 -B - "$page" > "$tmp/facts" << 'EOP'
import re, sys

text = open(sys.argv[1]).read().split("\n# ATTACKS\n")[1].split("\n# ")[0]
for paragraph in text.split("\n\n"):
    what, _, body = paragraph.strip().partition("\n")
    if not what.startswith("*"):
        continue
    parts = re.fullmatch(r"do: (.+)\+\+ end: (.+)\+\+ test: (.+)", " ".join(body.split()))
    print("attack" if parts else "odd", what, sep="\t")
    if not parts:
        continue
    _, end, test = parts.groups()
    end = re.sub(r" \(.*?\)", "", end)
    found = {"outcome": re.findall(r"\b\d+ [a-z][a-z0-9-]+", end),
             "rule": [r for part in re.findall(r"header-refused, ([^;]*)", end)
                      for r in re.findall(r"\b[a-z0-9]+(?:-[a-z0-9]+)*\b(?!-)", part)],
             "test": re.findall(r"\b(?:headers|vm|cli|unit)/[A-Za-z0-9_@/-]+", test)}
    for kind, values in found.items():
        for value in values:
            print(kind, value, what, sep="\t")
    if not found["test"]:
        print("untested", what, sep="\t")
EOP
facts() {
	sed -n "s/^$1\t\([^\t]*\).*/\1/p" "$tmp/facts" | sort -u
}
ok 'premise: there are attacks' test "$(facts attack | wc -l)" -gt 30
is 'each says what is done, how it ends, and what shows it' "$(facts odd)" ''

# Every test there is, by the names that the page uses.
{
	(cd "$top/tests" && ls cli/*.t cli/*/*.t unit/*/*.c unit/*/*/*.c) | sed 's/\.[ct]$//'
	PYTHONPATH=$top/tests/headers python3 -B -c '
import mutants
for mutant in mutants.MUTANTS:
    print("headers/" + mutant.name)'
	"$top/tests/vm/lab.py" list | sed 's,^,vm/,; s/@.*//'
} | sort -u > "$tmp/tests"
for kind in cli unit headers vm; do
	ok "premise: there are tests of $kind, and the page names some" \
		test "$(grep -c "^$kind/" "$tmp/tests")" -gt 5 -a "$(facts test | grep -c "^$kind/")" -gt 2
done
is 'each attack names a test' "$(facts untested)" ''
is '... which is there' "$(facts test | comm -23 - "$tmp/tests")" ''

sed -nE 's/^\*([0-9]+ [a-z0-9-]+)\*$/\1/p' "$top/src/man/coco-unlock.8.scd" | sort -u > "$tmp/outcomes"
ok 'premise: the page names outcomes' test "$(facts outcome | wc -l)" -gt 15
is 'each outcome is one of coco-unlock(8)' "$(facts outcome | comm -23 - "$tmp/outcomes")" ''

# A rule is what the source returns as the name of one.
cat "$top"/src/{disk/policy,disk/binheader,volume/volume}.c | tr '\n\t' '  ' |
	grep -oE '(\<return|\<rule =|[?:]) +"[a-z0-9-]+"' | grep -oE '"[^"]+"' | tr -d '"' | sort -u > "$tmp/rules"
ok 'premise: there are rules' test "$(wc -l < "$tmp/rules")" -gt 45
is 'the page lists the rules of the source, no others, and each once' \
	"$(awk '/^# / { on = $0 == "# HEADER RULES"; next } on' "$page" | grep '^\*' | tr -s '*, ' '\n' |
		grep . | sort)" "$(cat "$tmp/rules")"
is '... and attacks name only these' \
	"$(facts rule | comm -23 - "$tmp/rules")" ''
tap_done
