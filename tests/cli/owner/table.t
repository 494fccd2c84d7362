#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# table.t - coco-secret table: what it writes, shows, changes and refuses.
# Needs: python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

# python TABLE-EXPRESSION: the bytes that the VM lab's own builder makes of it.
python() {
	PYTHONPATH=$top/tests/vm PYTHONDONTWRITEBYTECODE=1 python3 -c "
import sys, uuid
from lab.table import *
KEY = open('key', 'rb').read()
t = $1
sys.stdout.buffer.write(t + bytes(-len(t) % 16))"
}

printf '%s and more than 16 bytes...' "$canary" > key
printf '\1\2\0\4\5' > blob
printf 'version=1\nvolume=root\nmin-generation=7\n' > pins
: > empty
printf hunter2 > hunter2

# The published example.
run table build -o example luks-key=hunter2 E6F5A162-d67f-4750-a67c-5d065f2a9910=blob
is 'the published example, padded' "$(sha256sum < example)" \
	'14381dea0484cf80123f45b2719c71561032dd8a6652eb45f3e50ed77d4a3687  -'
is '... and without padding' "$(head -c 72 example | sha256sum)" \
	'8339dc51c24fea47d1a5c2595707e6866bc631bcc2d10b532537fa15633fabca  -'
ok '... with a word about a short key' grep -q 'warning: .* only 7 bytes' err

# Against an independent builder.
before
run table build -o table luks-key=key "$other"=blob
ok 'build: exit code 0, one file of mode 0600' made 0 table
ok '... with no secret on the outputs' hidden
ok '... the bytes of the lab'\''s builder' cmp -s table <(python "plain(KEY, (uuid.UUID('$other'), b'\1\2\0\4\5'))")
is '... and it says what it has' "$(head -n 2 out)" "table      2 entries, 101 bytes
room       2971 of 3072 bytes left in the area of today's AmdSev firmware"
PYTHONPATH=$top/tests/vm PYTHONDONTWRITEBYTECODE=1 must python3 -c "
from lab.table import secret
for i in range(1, 64):
    open(f'fill{i}', 'wb').write(secret(f'fill{i}', 8))"
for n in 1 62 63 64; do
	entries=()
	for ((i = 1; i < n; i++)); do
		printf -v id 'c0c0%04x-0000-4000-8000-0000000000%02x' "$i" "$i"
		entries+=("$id=fill$i")
	done
	if ((n == 64)); then
		refused 2 'with 64 entries' table build -o t64 luks-key=key "${entries[@]}"
		run table build --force -o t64 luks-key=key "${entries[@]}"
		ok '... unless forced, with a warning' grep -q 'warning: t64: 64 entries' err
		refused 2 'the kernel shows 64 entries' table add --force -o t65 t64 "$other"=blob
	else
		run table build -o "t$n" luks-key=key "${entries[@]}"
	fi
	ok "$n entries: the bytes of the lab's builder" cmp -s "t$n" <(python "filled(KEY, $n)")
done

# Formats.
for format in base64 hex; do
	run table build --format "$format" -o "table.$format" luks-key=key "$other"=blob
	ok "$format: exit code 0, no secret on the outputs" test "$rc" = 0 -a "$(hidden && echo y)" = y
done
ok 'base64 as coreutils have it' cmp -s <(base64 -d table.base64) table
ok 'hexadecimal as od has it' test "$(cat table.hex)" = "$(od -An -v -tx1 table | tr -d ' \n')"
for format in base64 hex; do
	run table show "table.$format"
	mv out "shown.$format"
done
run table show table
ok 'show: the same from each format' test "$(cat out)" = "$(cat shown.base64)" -a "$(cat out)" = "$(cat shown.hex)"
run table add -o added.hex table.hex policy=pins
is 'add: the format stays' "$(tr -d '0-9a-f' < added.hex | od -An -tx1)" ' 0a'
run table remove -o removed --format binary added.hex policy
ok 'remove: what was added, and the table is as before' cmp -s removed table

# show
run table show --json table
is 'show --json' "$(json entries.0.guid entries.0.alias entries.0.length entries.0.sha256 entries.1.guid \
	entries.1.alias entries.1.offset length room area)" \
	"$guid/luks-key/36/$(sha256sum < key | cut -c 1-64)/$other/None/76/101/2971/3072"
ok '... without content' test "$(hidden && echo y)" = y -a "$(grep -c content out)" = 0
run table show table
ok 'show: no content' hidden
ok '... GUID, name, length' grep -q "^entry      $guid luks-key, 36 bytes at offset 20$" out
ok '... digest' grep -q "sha256 $(sha256sum < key | cut -c 1-64)" out
run table show --reveal table
ok 'show --reveal: text' grep -qF "content '$canary and more than 16 bytes...'" out
ok '... and bytes' grep -qF 'content 0102000405' out
run table show --reveal --json table
is 'show --reveal --json' "$(json entries.1.content)" 0102000405
run table show - < table
is 'show: not from an empty standard input' "$rc" 3
rc=0
"$bin" table show - < table > out 2> err || rc=$?
is 'show: from standard input' "$rc $(head -n 1 out)" '0 table      2 entries, 101 bytes'

# What a builder wrote that counts its padding, and NULs.
python "table([entry(LUKS, KEY), bytes(12)], length=88)" > counted
run table show counted
ok 'show: counted padding' grep -q '^padding    12 bytes are counted' out
run table add -o exact counted "$other"=blob
ok 'add: makes the length exact' cmp -s exact table
run table build --nul -o nul luks-key=key "$other"=blob
ok '--nul adds one NUL to the key, and only to it' cmp -s nul \
	<(python "plain(KEY + b'\0', (uuid.UUID('$other'), b'\1\2\0\4\5'))")
printf 'has\0one' > has
refused 2 'it has a NUL already' table build --nul -o x luks-key=has
printf '%s with a newline\n' "$canary" > newline
run table build -o withnl luks-key=newline
ok 'a newline at the end is kept, with a warning' grep -q 'warning: newline: it ends in a newline' err
ok '... byte for byte' cmp -s withnl <(python "plain(b'$canary with a newline\n')")

# Room.
firmware fd
firmware small 128
firmware none 0
head -c 3032 /dev/zero | tr '\0' x > largest
head -c 3033 /dev/zero | tr '\0' x > toolarge
run table build -o last luks-key=largest
is 'the last byte that fits: 3072' "$(stat -c %s last) $(grep -c '^room       0 of 3072' out)" '3072 1'
refused 2 "has 3088 bytes, the firmware's area 3072" table build -o x luks-key=toolarge
refused 2 "has 3088 bytes, the firmware's area 3072" table build -o x --firmware fd luks-key=toolarge
firmware big 4096
run table build -o x --firmware big luks-key=toolarge
is 'a firmware that has more room' "$rc $(grep -c '^room .* of 4096 bytes left in big$' out)" '0 1'
rm -f x
refused 2 "has 160 bytes, the firmware's area 128" table add -o x --firmware small table policy=pins
refused 2 'no area for a secret table' table build -o x --firmware none luks-key=key
refused 3 'the GUID of its footer is not there' table build -o x --firmware largest luks-key=key
run table show --firmware small table
is 'show: the room of a firmware' "$rc $(grep -c '^room       27 of 128 bytes left in small' out)" '0 1'
run table show --firmware small last
is 'show: a table that does not fit: exit code 2' "$rc" 2

# What the kernel would not take, or nobody wants.
refused 2 'is there already' table build -o x luks-key=key "${guid^^}"=blob
refused 2 'is there already' table add -o x table "$other"=key
refused 2 'is the header of a secret table' table build -o x 1e74f542-71dd-4d66-963e-ef4287ff173b=key
refused 2 'is the deleted entry' table build -o x 00000000-0000-0000-0000-000000000000=key
refused 2 'one byte pair differs' table build -o x "$example"=key
refused 2 'the key of the disk is empty' table build -o x luks-key=empty
refused 4 'cannot open: No such file' table build -o x luks-key=missing
refused 4 'Is a directory' table build -o x luks-key=/
refused 4 'No such file' table build -o nodir/x luks-key=key
refused 2 'it exists' table build -o table luks-key=key
head -c 17000 /dev/zero > huge
refused 3 'longer than the 16384 bytes' table build -o x luks-key=huge
refused 3 'longer than the 16384 bytes' table show huge

# Bad tables: each offset is named.
for ((i = 0, bad = 0; i < 101; i += 5)); do
	head -c "$i" table > half
	run table show half
	if ((i < 20)); then want="offset $i:"; else want='offset 16:'; fi
	[[ $rc == 3 && ! -s out ]] && grep -qF "half: no secret table, at $want" err || bad=$((bad + 1))
done
is 'a table that is cut is refused, at its offset' "$bad" 0
python 'duplicate(KEY)' > twice
refused 3 'at offset 99: GUID' table show twice
python 'bad_entry_length(KEY)' > short
refused 3 "at offset 92: the entry's length is 5, below 20" table show short
python 'bad_header_length(KEY)' > long
refused 3 "at offset 16: the table's length is 65536" table show long
refused 3 'no secret table, at offset 0' table show key
refused 3 'no secret table, at offset 0: 0 bytes' table show empty
refused 3 'no secret table' table add -o x twice policy=blob
refused 3 'no secret table' table remove -o x twice policy
refused 2 'it has no entry' table remove -o x table policy
sed 's/^.\{50\}/&!/' table.base64 > typo
refused 3 'no secret table' table show typo
printf 'x' | cat table - > longer
refused 3 'a byte behind the last entry that is not zero' table show longer

# One entry.
before
run table extract -o entry table luks-key
ok 'extract: one file of mode 0600' made 0 entry
ok '... with the bytes of the entry' cmp -s entry key
ok '... and nothing is printed' test ! -s out -a ! -s err
rm -f entry
run table extract --reveal -o - table "$other"
ok 'extract: to standard output' cmp -s out blob
refused 1 'only with --reveal' table extract -o - table luks-key
refused 2 'it has no entry' table extract -o x table policy
refused 1 'no name of one' table extract -o x table nothing
refused 1 'extract takes' table extract -o x table
refused 1 'extract takes' table extract -o x --json table luks-key
refused 1 "does not take '--nul'" table extract -o x --nul table luks-key
refused 2 'would be written over it' table extract -o table table luks-key --force

# The policy entry: parsed wherever it is seen.
digest=sha256:$(printf '0123456789abcdef%.0s' 1 2 3 4)
must mkdir -p guest/etc/coco-unlock
printf 'data auto\n' > guest/etc/coco-unlock/cocotab
for junk in junk 'version=1' 'version=2\nvolume=root\nmin-generation=1\n' 'version=1\nvolume=root\n' \
	'version=1\nvolume=root\nmin-generation=x\n' 'version=1\nvolume=a/b\nmin-generation=1\n' \
	'version=1\nvolume=\nmin-generation=1\n' 'version=1\nvolume=root\nheader=sha256:12\n' \
	'version=1\r\nvolume=root\r\nmin-generation=1\r\n' 'version=1\nvolume=root\nmin-generation=1'; do
	printf "$junk" > bad
	refused 3 'of the policy entry' table build -o x luks-key=key policy=bad
	grep -q 'coco-secret: bad: line [0-9]' err || ok '... names file and line' false
	refused 3 'of the policy entry' table add -o x table "$policy"=bad
	python "plain(KEY, (uuid.UUID('$policy'), open('bad', 'rb').read()))" > junked
	run table show junked
	is "show: $junk" "$rc $(grep -c '^           not valid: line [0-9]' out)" '3 1'
	ok '... says which file' grep -q '^coco-secret: junked: line [0-9].*(policy-invalid)' err
	run table remove -o mended --force junked policy
	is '... and it can be taken out' "$rc" 0
done
refused 3 'the policy entry is no text, or longer' table build -o x luks-key=key policy=blob
refused 3 'does not have' table build -o x --config guest luks-key=key policy=pins
printf 'version=1\nvolume=root\nheader=%s\nheader=%s\nvolume-key=%s\nset-generation=9\nvolume=data\nuuid=%s\n' \
	"$digest" "$digest" "$digest" "$other" > two
run table build -o pinned luks-key=key policy=two
is 'show: what is pinned, for each volume' "$rc $(grep -A 1 '^           volume root' out)" \
	"0            volume root: 2 headers; volume key; generation becomes 9;
           volume data: uuid $other;"
run table show --json pinned
is '... in JSON' "$(json policy.0.volume policy.0.headers policy.0.volume_key policy.1.uuid)" "root/2/True/$other"

# What the disk needs.
run table build -o x --force "$other"=key
ok 'no luks-key: a warning' grep -q 'warning: x: no entry luks-key, .*give --config' err
printf 'data auto %s\n' "$other" > guest/etc/coco-unlock/cocotab
run table show --config guest x
ok 'none, if cocotab names what is there' test "$rc" = 0 -a ! -s err
run table build -o y --config guest luks-key=key
ok 'cocotab names another one' grep -q "warning: y: no entry $other, so that a boot ends" err
rm -f x y junked mended pinned

# Outputs.
run table add --force -o table table policy=pins
is 'a table may be replaced by itself, if forced' "$rc $(sed -n 1p out)" '0 table      3 entries, 160 bytes'
before
(trap '' XFSZ; ulimit -f 0; exec "$bin" table build -o full luks-key=key) > out.full 2> err.full
is 'a full disk: exit code 4' "$?" 4
ok '... and no file is left' test ! -e full -a ! -e full.coco-new
must mkdir -m 555 readonly
if [[ $EUID == 0 ]]; then
	skip 'root writes everywhere'
else
	refused 4 'cannot create: Permission denied' table build -o readonly/x luks-key=key
fi
refused 1 'only with --reveal' table build -o - luks-key=key
run table build --reveal -o - luks-key=hunter2
ok 'with --reveal it goes to standard output' cmp -s out <(python "plain(b'hunter2')")

# Somebody else is writing it, or something is in the way.
: > used.coco-new
chmod 600 used.coco-new
exec 7< used.coco-new
must flock -x 7
refused 2 'another coco-secret is writing used just now' table build -o used luks-key=key
exec 7<&-
must chmod 644 used.coco-new
refused 2 'no leftover of an earlier run' table build -o used luks-key=key

# The command line.
refused 1 'build, show, add, remove or extract?' table
refused 1 "'make' is not" table make
refused 1 'build needs -o FILE' table build luks-key=key
refused 1 'build needs an entry' table build -o x
refused 1 'GUID=FILE' table build -o x key
refused 1 'GUID=FILE' table build -o x luks=key
refused 1 'GUID=FILE' table build -o x =key
refused 1 'standard input was read already' table build -o x "$other"=- luks-key=-
refused 1 '--format=text: not binary, base64 or hex' table build --format text -o x luks-key=key
refused 1 'is not an option' table build --iv 00 -o x luks-key=key
refused 1 'is not an option' table build -o
refused 1 "show does not take '--force'" table show --force table
refused 1 'show needs one table' table show
refused 1 'remove needs a table and a GUID' table remove -o x table
refused 1 'no name of one' table remove -o x table key
run table --help
ok '--help tells of each verb' test "$rc" = 0 -a "$(grep -cE ' table (build|show|add|remove|extract) ' out)" = 5
tap_done
