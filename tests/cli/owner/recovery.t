#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# recovery.t - coco-secret recovery: a key for a person, which plain cryptsetup takes as it
# was printed, and a table that still opens the disk.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

d=$tmp/disk t=$tmp/table
printf '%s key' "$canary" > "$tmp/key"
printf '%s wrong' "$canary" > "$tmp/wrong"
disk "$tmp/base" "$tmp/key"
some_data "$tmp/base"
must cp --sparse=always "$tmp/base" "$d"

# shown: the key that was printed, without a line feed.
shown() {
	grep -oE '^    [a-z-]+$' "$tmp/out" | tr -d ' \n'
}

own recovery "$d" --key-file "$tmp/key"
is 'recovery with a passphrase' "$rc" 0
shown > "$tmp/recovery"
ok '... prints a key once, in groups of modhex' \
	grep -qE '^([cbdefghijklnrtuv]{4}-){8}[cbdefghijklnrtuv]{2}$' "$tmp/recovery"
is '... once' "$(grep -cF "$(cat "$tmp/recovery")" "$tmp/out")" 1
ok '... and not as a message' eval '! grep -qF "$(cat "$tmp/recovery")" "$tmp/err"'
ok '... no other secret' silent_own
ok '... says that pins no longer match' grep -qF "no longer matches, until: coco-secret pin $d --table TABLE" "$tmp/out"
ok 'plain cryptsetup takes it from a file' opens "$d" "$tmp/recovery"
ok '... and as a line that is typed' cryptsetup open --test-passphrase --disable-locks -q "$d" \
	< <(cat "$tmp/recovery"; echo)
ok '... the old passphrase, too' opens "$d" "$tmp/key"
is '... it costs next to nothing to try' "$(keyslots "$d")" '0:pbkdf2:1000 1:pbkdf2:1000'
is '... the data are as they were' "$(data "$d")" "$(data "$tmp/base")"
tr -d - < "$tmp/recovery" > "$tmp/bare"
ok '... without its dashes it is another one' eval '! opens "$d" "$tmp/bare"'
table_make "$tmp/as-secret" "$guid=$tmp/recovery"
boot "$d" "$tmp/as-secret"
is '... and the header is one that the guest accepts' "$rc" 0

# With a table, whose pins learn the new header.
must cp --sparse=always "$tmp/base" "$d"
own prepare "$d" -o "$t" --key-file "$tmp/key" --remove-old
must test "$rc" = 0
must cp "$t" "$tmp/before"
own recovery "$d" --table "$t"
is 'recovery with a table' "$rc" 0
shown > "$tmp/recovery"
ok '... no secret of the table' silent_own "$t"
ok '... says that it pins the new header' grep -qF "$t: pins the new header, too" "$tmp/out"
ok '... the key opens' opens "$d" "$tmp/recovery"
boot "$d" "$t"
is '... the table boots' "$rc" 0
boot "$d" "$tmp/before"
is '... as it was before, it does not' "$rc" 29
is '... both headers are pinned' "$(table_get "$t" "$policy" | grep -c ^header)" 2
is '... the table is private' "$(mode "$t")" 600
own recovery "$d" --table "$t"
shown > "$tmp/recovery2"
is 'another one' "$rc" 0
ok '... is another one' eval '! cmp -s "$tmp/recovery" "$tmp/recovery2"'
ok '... opens' opens "$d" "$tmp/recovery2"
ok '... as does the first' opens "$d" "$tmp/recovery"
boot "$d" "$t"
is '... the table boots' "$rc" 0

# Tables without header pins, and one that GRUB reads.
disk "$d" "$tmp/key" "${argon2[@]}"
printf '%s key\0' "$canary" > "$tmp/nul"
table_make "$t" "$guid=$tmp/nul"
must cp "$t" "$tmp/before"
own recovery "$d" --table "$t"
is 'a table without pins, with a NUL at the end' "$rc" 0
ok '... is as it was' cmp -s "$t" "$tmp/before"
boot "$d" "$t"
is '... and boots' "$rc" 0

# refused NAME RC PATTERN ARGUMENT...
must mkdir "$tmp/work"
w=$tmp/work
must cp --sparse=always "$tmp/base" "$w/disk"
table_make "$w/wrong" "$guid=$tmp/wrong"
table_make "$w/key" "$guid=$tmp/key"
refused() {
	local name=$1 code=$2 pattern=$3 before
	shift 3
	before=$(snapshot "$w")
	own recovery "$@"
	is "$name: is refused" "$rc" "$code"
	ok '... in a line that says why' grep -qE "^coco-secret: .*$pattern.*; next: .+" "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
	is '... nothing has changed' "$(snapshot "$w")" "$before"
	is '... no key is shown' "$(shown)" ''
	ok '... no secret in any output' silent_own
}
refused 'a wrong passphrase' 2 'opens no keyslot' "$w/disk" --key-file "$tmp/wrong"
refused 'a table of another disk' 2 'opens no keyslot' "$w/disk" --table "$w/wrong"
refused 'no table' 4 'No such file' "$w/disk" --table "$w/none"
refused 'both' 1 '' "$w/disk" --table "$w/key" --key-file "$tmp/key"
refused 'no disk' 1 '' --table "$w/key"
refused 'a disk that is not there' 4 'No such file' "$w/none" --table "$w/key"
before=$(snapshot "$w")
rc=0
"$owner" recovery "$w/disk" --key-file "$tmp/key" > /dev/full 2> "$tmp/err" < /dev/null || rc=$?
is 'a key that cannot be shown is a failure' "$rc" 4
is '... and no keyslot: nobody could open it' "$(snapshot "$w")" "$before"
rc=0
"$owner" recovery "$w/disk" --key-file "$tmp/key" >&- 2> "$tmp/err" < /dev/null || rc=$?
is 'so is one for a standard output that is closed' "$rc" 4
is '... and no keyslot' "$(snapshot "$w")" "$before"
# The first line still goes out: the keyslot goes again, and the table boots what is there then.
must cp --sparse=always "$tmp/base" "$d"
rm -f "$t"
own prepare "$d" -o "$t" --key-file "$tmp/key" --remove-old
must test "$rc" = 0
must cp --sparse=always "$d" "$tmp/disk0"
must cp "$t" "$tmp/table0"
rc=0
python3 -IS - "$owner" "$d" "$t" 2> "$tmp/err" << 'EOF' || rc=$?
import fcntl, os, subprocess, sys
owner, disk, table = sys.argv[1:]
line = len(disk) + 60   # the first line, and a little; the key does not fit behind it
end, stdout = os.pipe()
fcntl.fcntl(stdout, 1031, 4096)   # F_SETPIPE_SZ
os.set_blocking(stdout, False)
os.write(stdout, b"." * (4096 - line))
code = subprocess.run([owner, "recovery", disk, "--table", table], stdin=subprocess.DEVNULL, stdout=stdout).returncode
os.close(stdout)
shown = os.read(end, 4096).strip(b".")
sys.exit(code if shown.endswith(b"shown only now:\n") else 99)
EOF
is 'room for a line, and none for the key' "$rc" 4
ok '... the disk is as it was' cmp -s "$d" "$tmp/disk0"
ok '... which is said' grep -q 'cannot print the key.*; the disk has no new keyslot' "$tmp/err"
boot "$d" "$t"
is '... the table boots' "$rc" 0
own recovery "$d" --table "$t" # and it pins what is there
is '... and again, with room' "$rc" 0

# The reader goes when the disk has the keyslot, and nothing can be written any more: the way back is shut, and what
# is said takes the keyslot away later.
lost() {
	rc=0
	python3 -IS - "$owner" "$d" "$@" 2> "$tmp/err" << 'EOF' || rc=$?
import fcntl, os, resource, subprocess, sys
end, stdout = os.pipe()
size = fcntl.fcntl(stdout, 1031, 4096)   # F_SETPIPE_SZ
line = len(sys.argv[2]) + 60
os.write(stdout, b"." * (size - line))   # the first line has room
child = subprocess.Popen([sys.argv[1], "recovery"] + sys.argv[2:], stdin=subprocess.DEVNULL, stdout=stdout,
                         stderr=subprocess.PIPE)   # that is no file
while not open(f"/proc/{child.pid}/syscall").read().startswith("1 0x1 "):   # x86-64: write(1, ...), which waits
    os.sched_yield()
resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (0, 0))
os.close(end)
sys.stderr.write(child.communicate()[1].decode())
sys.exit(child.returncode)
EOF
}
for way in table key; do
	must cp --sparse=always "$tmp/base" "$d"
	must rm -f "$t"
	own prepare "$d" -o "$t" --key-file "$tmp/key"
	must test "$rc" = 0
	more=(--table "$t")
	[[ $way == table ]] || more=(--key-file "$tmp/key")
	must rm -f "$tmp/lost"
	if [[ $(uname -m) == x86_64 && -r /proc/self/syscall ]]; then
		lost "${more[@]}"
		is "a way back that is shut, with a $way" "$rc" 4
		command=$(sed -n 's/^.*; next: make it whole, and take that keyslot away if it is there: //p' "$tmp/err")
		is '... the keyslot of nobody is there' "$(keyslots "$d" | wc -w)" 3
		must mkdir -p "$tmp/bin"
		must ln -sf "$owner" "$tmp/bin/coco-secret"
		PATH=$tmp/bin:$PATH sh -c "${command:-false} --yes" > "$tmp/log" 2>&1 || sed 's/^/# /' "$tmp/log"
		is '... and goes by what was said' "$(keyslots "$d" | wc -w)" 2
		[[ $way == key ]] || boot "$d" "$t"
		is '... the table boots' "$rc" "$([[ $way == key ]] && echo 4 || echo 0)"
	else
		skip 'a way back that is shut: no /proc/PID/syscall'
	fi
done
must cp --sparse=always "$tmp/disk0" "$d"
must rm -f "$t"
must cp "$tmp/table0" "$t"

# A disk that takes no write, behind a partition table: no key, and the table boots what is there.
g=$tmp/gpt
must python3 -IS "$top/tests/lib/gpt.py" make "$g" 6 \
	2+2:0fc63daf-8483-4772-8e79-3d69d8477de4:11111111-0000-4000-8000-000000000002:root
must dd if="$tmp/disk0" of="$g" bs=1M seek=2 conv=notrunc 2> /dev/null
before=$(sum "$g")
printf '#!/bin/bash\ntrap "" XFSZ\nulimit -f 1536\nexec %q "$@"\n' "$owner" > "$tmp/limited"
must chmod +x "$tmp/limited"
rc=0
"$tmp/limited" recovery "$g#root" --table "$t" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
is 'a disk that takes no more' "$rc $(sum "$g")" "4 $before"
ok '... which is said' grep -q 'cannot write the header.*; the disk has no new keyslot' "$tmp/err"
is '... no key is shown' "$(shown)" ''

# What cannot be replaced is found before anything is done.
must cp --sparse=always "$tmp/disk0" "$d"
must cp "$t" "$w/table"
must ln -s table "$w/link"
must cp --sparse=always "$d" "$w/disk"
refused 'a table that is a link' 2 'no regular file' "$w/disk" --table "$w/link"

# During a rotation there are two tables.
own rotate "$d" --table "$t" -o "$tmp/new"
must test "$rc" = 0
must cp --sparse=always "$d" "$w/disk"
must cp "$t" "$tmp/new" "$w"
refused 'one table of two' 2 'keyslot [0-9]+ is preferred' "$w/disk" --table "$w/table"
refused '... the other one' 2 'keyslot [0-9]+ is preferred' "$w/disk" --table "$w/new"
refused 'one table twice' 2 '' "$w/disk" --table "$w/new" --new "$w/new"
own recovery "$d" --table "$t" --new "$tmp/new"
is 'recovery with both' "$rc" 0
shown > "$tmp/recovery"
ok '... the key opens' opens "$d" "$tmp/recovery"
boot "$d" "$t"
is '... the old table boots' "$rc" 0
boot "$d" "$tmp/new"
is '... and the new one' "$rc" 0
own rotate --finish "$d" --table "$t" --new "$tmp/new" -o "$tmp/final"
is '... the rotation can be finished' "$rc" 0
ok '... the key opens' opens "$d" "$tmp/recovery"
must cryptsetup config --disable-locks --label changed "$d"
must cp --sparse=always "$d" "$w/disk"
must cp "$tmp/final" "$w"
refused 'a header that is not pinned' 2 'none of those' "$w/disk" --table "$w/final"
ok '... the way' grep -qF "next: coco-secret pin $w/disk --table $w/final" "$tmp/err"
# A table keeps its encoding.
must cp --sparse=always "$tmp/base" "$d"
own prepare "$d" -o "$t" --key-file "$tmp/key" --force
base64 "$t" > "$tmp/text"
own recovery "$d" --table "$tmp/text"
is 'recovery with a table in base64' "$rc" 0
ok '... which it still is' eval 'base64 -d "$tmp/text" > "$tmp/binary"'
verify "$d" "$tmp/binary"
is '... and good' "$rc" 0
tap_done
