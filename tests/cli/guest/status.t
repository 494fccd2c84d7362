#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# status.t - the status file has the fields of its contract, and is shown to people and
# programs.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
printf '%s good' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key" --uuid aaaaaaaa-0000-4000-8000-00000000000a

# contract FILE STAGES: names and types of all fields, and what must fit together.
contract() {
	python3 -IS -c '
import json, re, sys
text = open(sys.argv[1]).read()
def unique(pairs):
    assert len(dict(pairs)) == len(pairs), "a key occurs twice"
    return dict(pairs)
status = json.loads(text, object_pairs_hook=unique)
def fields(value, **types):
    assert set(value) == set(types), sorted(set(value) ^ set(types))
    for name, kind in types.items():
        assert type(value[name]) is kind, name
fields(status, version=int, result=str, code=int, name=str, reason=str, next=str, action=str,
       source=dict, volumes=list, stages=list, peak_memory_kib=int)
fields(status["source"], kind=str, module=str, path=str, found=int, read=int, wiped=int, kept=int,
       refetchable=bool)
for volume in status["volumes"]:
    fields(volume, name=str, device=str, uuid=str, cipher=str, secret=str, form=str, header=str,
           keyslot=int, mapping=str)
for stage in status["stages"]:
    fields(stage, name=str, start_us=int, us=int)
assert text.endswith("}\n") and text.count("\n") == 1, "one line"
assert status["version"] == 1
assert status["source"]["kind"] == "launch-secret"
assert status["result"] == ("failed" if status["code"] else "ok")
assert bool(status["reason"]) == bool(status["code"])
names = [stage["name"] for stage in status["stages"]]
assert " ".join(names) == sys.argv[2], names
starts = [stage["start_us"] for stage in status["stages"]]
assert starts == sorted(starts) and starts[0] > 0, starts
ends = [stage["start_us"] + stage["us"] for stage in status["stages"]]
if len(status["volumes"]) == 1: # with more, a stage is entered again
    assert all(end <= start + 1 for end, start in zip(ends, starts[1:])), "stages overlap"
' "$@" 2> "$tmp/why" || { sed 's/^/# /' "$tmp/why" | tail -n 1; false; }
}

good() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	add_secret "$t" "$guid" "$tmp/key"
	add_secret "$t" "$other" "$tmp/key"
	must mkdir -p "$t/proc/self" "$t/sys/module/coco_secret"
	printf 'Name:\tx\nVmPeak:\t   99999 kB\nVmHWM:\t    4712000 kB\nVmRSS:\t   1 kB\n' > "$t/proc/self/status"
}

good
printf '[Unlock]\nKeepSecrets=%s\n' "$other" > "$t/etc/coco-unlock/coco-unlock.conf"
run --root="$t" unlock
ok 'a success: the fields of the contract' contract "$t$status" \
	'prepare modules secret-module read wipe device header keyslot'
is '... the outcome' "$(status_fields "$t" result code name reason next action)" \
	'ok/0/ok//nothing to do/none'
is '... the source' "$(status_fields "$t" source.module source.path source.found source.read \
	source.wiped source.kept)" "coco_secret/$secrets/2/1/1/1"
is '... the volume' "$(status_fields "$t" volumes.0.name volumes.0.device volumes.0.uuid \
	volumes.0.cipher volumes.0.secret volumes.0.form volumes.0.header volumes.0.keyslot \
	volumes.0.mapping)" \
	"root//dev/vda/aaaaaaaa-0000-4000-8000-00000000000a/aes-xts-plain64/$guid/exact/accepted/0/"
is '... the peak of the memory' "$(status_fields "$t" peak_memory_kib)" 4712000
is '... one line on stderr for the journal' "$(cat "$tmp/err")" \
	'secrets: 2 found by coco_secret, 1 read, 1 wiped, 1 kept'

run --root="$t" status --json
is '--json exits with 0' "$rc" 0
ok '... and prints the file' cmp -s "$tmp/out" "$t$status"
run --root="$t" status
is 'for people: exits with 0' "$rc" 0
for line in 'result     ok \(0 ok\)' \
	'secrets    2 found by coco_secret, 1 read, 1 wiped, 1 kept' \
	'volume     root on /dev/vda, uuid aaaaaaaa-0000-4000-8000-00000000000a' \
	' +header accepted, cipher aes-xts-plain64, keyslot 0, secret exact, mapping ?' \
	'stage      prepare +[0-9]+\.[0-9]{3} ms  #+\.*' 'stage      keyslot +[0-9]+\.[0-9]{3} ms  \.*#+\.*' \
	'stage      sum +[0-9]+\.[0-9]{3} ms' 'memory     4712000 KiB at the peak'; do
	ok "... $line" grep -qxE "$line" "$tmp/out"
done
ok '... no reason where there is none' test "$(grep -cE '^(reason|next|action)' "$tmp/out")" = 0
ok '... the sum is the sum' python3 -IS -c '
import sys
times = [line.split() for line in open(sys.argv[1]) if line.startswith("stage")]
total = sum(float(t[2]) for t in times[:-1])
sys.exit(not (len(times) == 9 and total > 0 and abs(total - float(times[-1][2])) < 0.01))' "$tmp/out"

ok '... in 80 columns' test "$(grep '^stage' "$tmp/out" | wc -L)" -le 80

# The picture: where a stage stands, and how long it was.
picture() {
	printf '{"stages":['
	printf '%s' "$1"
	printf '],"rescue":%s}' "${2:-null}"
}
one='{"name":"prepare","start_us":1000000,"us":250000},{"name":"read","start_us":1500000,"us":0}'
picture "$one,"'{"name":"keyslot","start_us":1500000,"us":500000}' > "$t$status"
run --root="$t" status
is 'stages as bars' "$(grep '^stage' "$tmp/out")" \
'stage      prepare           250.000 ms  #########...........................
stage      read                0.000 ms  ..................#.................
stage      keyslot           500.000 ms  ..................##################
stage      sum               750.000 ms'
picture '{"name":"a","start_us":18446744073709551615,"us":18446744073709551615},{"name":"b","us":7},{}' > "$t$status"
run --root="$t" status
ok 'times that no clock has' test "$rc" = 0 -a "$(grep '^stage' "$tmp/out" | wc -L)" -le 90
picture "$one" '{"code":2,"name":"secret-refused","tries":2,"refused":1,"console":"ttyS0","action":"unlock",
	"volume":"root","device":"/dev/vdb","keyslot":3}' > "$t$status"
run --root="$t" status
is 'a rescue' "$(grep -A 1 '^rescue' "$tmp/out")" \
'rescue     after code 2 (secret-refused): unlock at ttyS0; more tries: 2, answers refused: 1
           for the volume root: device /dev/vdb, keyslot 3'
picture "$one" '{"code":2,"name":"secret-refused","tries":0,"refused":0,"console":"","action":"poweroff",
	"volume":"","device":"","keyslot":-1}' > "$t$status"
run --root="$t" status
is '... that nobody has answered' "$(grep -A 1 '^rescue' "$tmp/out" | head -n 1)" \
	'rescue     after code 2 (secret-refused): more tries: 0, answers refused: 0'
ok '... names no volume' test "$(grep -c 'for the volume' "$tmp/out")" = 0
for rescue in 1 '[]' '{}' '"x"' '{"code":{},"console":[1],"volume":2,"keyslot":{}}'; do
	picture "$one" "$rescue" > "$t$status"
	run --root="$t" status
	is "a rescue that is $rescue: no crash" "$rc" 0
done

# colours [NAME=VALUE...]: how many lines have colours at a terminal.
colours() {
	env -u NO_COLOR -u TERM "$@" python3 -IS -c '
import os, pty, sys
seen = bytearray()
def read(fd):
    part = os.read(fd, 4096)
    seen.extend(part)
    return part
out = os.dup(1)
os.dup2(2, 1)
pty.spawn(sys.argv[1:], read, lambda fd: b"")
os.write(out, b"%d" % seen.count(b"\x1b["))' "$bin" --root="$t" status 2> /dev/null < /dev/null
}
picture "$one" '{"code":2}' > "$t$status"
is 'colours at a terminal' "$(colours TERM=xterm)" 8
is '... an empty NO_COLOR is none' "$(colours TERM=xterm NO_COLOR=)" 8
is '... none with NO_COLOR' "$(colours TERM=xterm NO_COLOR=1)" 0
is '... none at a dumb one' "$(colours TERM=dumb)" 0
is '... none at one without a type' "$(colours)$(colours TERM=)" 00
run --root="$t" status
is '... and none elsewhere' "$(grep -c $'\e' "$tmp/out")" 0

# The process that does the work may have had more, and tells it in its own way.
for text in '' 'VmHWM: much kB' 'VmRSS: 17 kB' 'VmHWM: 17 kB'; do
	printf '%s' "$text" > "$t/proc/self/status"
	run --root="$t" unlock
	ok "the peak of the memory, with '$text': of the child" test \
		"$(status_fields "$t" peak_memory_kib)" -gt 1000
done

good
must rm "$t$secrets/$guid"
run --root="$t" unlock
ok 'a failure: the fields of the contract' contract "$t$status" \
	'prepare modules secret-module read wipe'
is '... the outcome' "$(status_fields "$t" result code name action)" 'failed/8/secret-missing/none'
is '... the volume was not reached' "$(status_fields "$t" volumes.0.device volumes.0.form \
	volumes.0.header volumes.0.keyslot)" '///-1'
run --root="$t" status
is 'for people: status of a failure exits with 0' "$rc" 0
ok '... with the reason' grep -q "^reason     the secret table has 1 entries, none with" "$tmp/out"
ok '... the next step' grep -q '^next       put the entry that cocotab names into' "$tmp/out"
ok '... and the action' grep -qx 'action     none' "$tmp/out"

good
printf 'root /dev/vda\ndata /dev/vdb\n' > "$t/etc/coco-unlock/cocotab"
add_disk "$t" vdb "$tmp/good"
run --root="$t" unlock
ok 'two volumes: the fields of the contract' contract "$t$status" \
	'prepare modules secret-module read wipe device header keyslot'
is '... both are listed' "$(status_fields "$t" volumes.0.name volumes.1.name volumes.1.keyslot)" \
	'root/data/0'

# Where unlock has not run, or something else has written the file.
must rm "$t$status"
for option in '' --json; do
	run --root="$t" status $option
	is "no status file $option" "$rc" 23
	ok '... which is said' grep -q "^coco-unlock: no status at $status " "$tmp/err"
	is '... and nothing is printed' "$(cat "$tmp/out")" ''
done
for text in '' '[]' 'null' '{' 'text'; do
	printf '%s' "$text" > "$t$status"
	run --root="$t" status
	is "a status file with '$text'" "$rc" 20
	is '... is none' "$(cat "$tmp/err")" "coco-unlock: $status is not a status file"
done
for text in '{}' '{"volumes":1,"stages":2,"source":3}' '{"volumes":[1,null,[]],"stages":[[],0]}' \
	'{"stages":[{"name":7,"us":"x"}],"volumes":[{"name":{},"device":[]}],"source":{"found":{}}}' \
	'{"result":null,"code":[],"reason":{}}' '{"stages":[{"us":-1}],"peak_memory_kib":-1}'; do
	printf '%s' "$text" > "$t$status"
	run --root="$t" status
	is "no crash with $text" "$rc" 0
done
# shellcheck disable=SC1003 # a backslash
printf '{"result":"a\\u001b[2Jb","name":"%s","volumes":[{"name":"\x1b\x9b\\r"}]}' \
	"$(printf 'x%.0s' {1..1000})" > "$t$status"
run --root="$t" status
ok 'what is not printable is not printed' test "$rc" = 0 -a \
	"$(LC_ALL=C grep -cP '[^\x20-\x7e]' "$tmp/out")" = 0
printf '{"result":"a\0b"}' > "$t$status"
run --root="$t" status
is 'a NUL byte in the file' "$rc" 23
head -c 70000 /dev/zero | tr '\0' ' ' > "$t$status"
run --root="$t" status --json
is 'a file that is too large' "$rc" 23
tap_done
