#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# keyslots.t - coco-secret status, pin and remove-keyslot: whatever state a disk and its tables are in, what status
# advises is done, in a shell, and leads on; and a table boots at the end.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

must mkdir "$tmp/bin" "$tmp/it's \$here"
printf '#!/bin/bash\nexec setsid -w %q "$@"\n' "$owner" > "$tmp/bin/coco-secret" # no terminal to ask
must chmod +x "$tmp/bin/coco-secret"
plain=$owner owner=$tmp/bin/coco-secret
must cd "$tmp/it's \$here" # names that are printed have to be quoted
d="the disk" old="old 'one'" new="new one" final=FINAL
printf '%s a key that is long' "$canary" > "$tmp/key"
disk "$tmp/base" "$tmp/key" --key-size 256 # an area of 768k takes four keyslots of such keys
some_data "$tmp/base"
must cp --sparse=always "$tmp/base" "$d"
own prepare "$d" -o "$old" --key-file "$tmp/key"
must test "$rc" = 0
must cp --sparse=always "$d" "$tmp/disk0"
must cp "$old" "$tmp/old0"

# fresh: as after prepare
fresh() {
	rm -f -- *
	must cp --sparse=always "$tmp/disk0" "$d"
	must cp "$tmp/old0" "$old"
}

# advice PATTERN ARGUMENT...: status says so; sets `command` from the first such line.
advice() {
	local pattern=$1 before
	shift
	before=$(sum "$d")
	own status "$d" "$@"
	is "status ${*//"$tmp"/}" "$rc $(sum "$d")" "0 $before"
	ok "... $pattern" grep -qE "^next .*$pattern" "$tmp/out" || sed 's/^/# /' "$tmp/out"
	ok '... no secret' silent_own "$old"
	command=$(grep -E "^next .*$pattern" "$tmp/out" | grep -oE 'coco-secret .*' | head -n 1)
}

# follow CODE [WORD...]: runs the command as it is, with these words behind it.
follow() {
	local wanted=$1
	shift
	rc=0
	PATH=$tmp/bin:$PATH sh -c "$command $*" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
	is "... done: ${command%% --*} $*" "$rc" "$wanted" || sed 's/^/# /' "$tmp/err"
}

# boots TABLE...: verify and the guest say the same, that they open.
boots() {
	local t
	for t; do
		boot "$d" "$t"
		is "... $t boots" "$rc" 0
		own verify "$d" "$t"
		is '... verify' "$rc" 0
	done
}

# add_key N: another passphrase, by cryptsetup
add_key() {
	printf '%s passphrase %s' "$canary" "$1" > "$tmp/key$1"
	must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 "$d" "$tmp/key$1" &> "$tmp/add.log"
}

# All is well, up to the end of a rotation, by advice alone.
fresh
advice 'nothing; to change the secret: coco-secret rotate' --table "$old"
follow 0
must mv NEW "$new"
advice 'a rotation has begun' --table "$old"
advice 'with its other table: coco-secret status' --table "$old"
must ln "$new" NEW
follow 0
rm NEW
advice 'boot the guest with new one, then: coco-secret rotate --finish' --table "$old" --new "$new"
boots "$old" "$new"
follow 0
boots "$final"
advice 'the rotation is finished; keep the table' --table "$old" --new "$new"
advice 'nothing; to change' --table "$final"
# The final table is lost.
advice 'pin the header anew: coco-secret pin' --table "$old" --new "$new"
follow 0 --yes
boots "$new"

# The new table is lost.
fresh
own rotate "$d" --table "$old" -o "$new"
rm "$new"
advice 'if that table is lost: coco-secret remove-keyslot' --table "$old"
follow 0 --yes
advice 'nothing; to change' --table "$old"
boots "$old"

# The rotation has not begun on the disk.
fresh
own rotate "$d" --table "$old" -o "$new"
must cp --sparse=always "$tmp/disk0" "$d"
advice 'has not begun on the disk: coco-secret rotate' --table "$old" --new "$new"
follow 0
boots "$old" "$new"

# cryptsetup has changed a keyslot.
fresh
add_key 2
own verify "$d" "$old"
is 'premise: a boot refuses it' "$rc" 29
advice 'pin it anew: coco-secret pin' --table "$old"
before=$(sum "$old")
follow 2
is '... without a word it does not' "$(sum "$old")" "$before"
ok '... and shows what is there' grep -qE 'keyslot 2 \(pbkdf2 sha256, 1000 iterations\): for a passphrase' "$tmp/out"
ok '... and that it is another header' grep -q 'header *ANOTHER one' "$tmp/out"
ok '... of the same volume' grep -q 'volume key *as pinned' "$tmp/out"
follow 0 --yes
boots "$old"
follow 0
is '... once' "$(grep -c 'nothing to do' "$tmp/out")" 1
is '... one header is pinned' "$(table_get "$old" "$policy" | grep -c ^header)" 1

# The same in the middle of a rotation.
own rotate "$d" --table "$old" -o "$new"
must test "$rc" = 0
must cryptsetup config --disable-locks --label changed "$d"
advice 'pin it anew in both tables: coco-secret pin' --table "$old" --new "$new"
follow 0 --yes
boots "$old" "$new"
# Four keyslots.
advice 'boot the guest with' --table "$old" --new "$new"
is '... four' "$(keyslots "$d" | wc -w)" 4
own recovery "$d" --table "$old" --new "$new"
is 'recovery has no room' "$rc" 2
ok '... and says so' grep -q 'no room for another keyslot' "$tmp/err"
command=$(sed -nE 's/.*; next: (coco-secret .*)/\1/p' "$tmp/err")
follow 0
own rotate --finish "$d" --table "$old" --new "$new" -o "$final"
must test "$rc" = 0
own recovery "$d" --table "$final"
is '... three, and recovery has' "$rc" 0
advice 'no room for another keyslot' --table "$final"
advice 'if nobody needs this one any more: coco-secret remove-keyslot' --table "$final"
follow 0 --yes
advice 'nothing; to change' --table "$final"
boots "$final"
is '... the header before it is pinned no more' "$(table_get "$final" "$policy" | grep -c ^header)" 1
is '... the data are as they were' "$(data "$d")" "$(data "$tmp/base")"

# A header that is half written.
fresh
own rotate "$d" --table "$old" -o "$new"
must dd if="$tmp/disk0" of="$d" bs=16k count=1 conv=notrunc 2> /dev/null
advice 'a write of its header was interrupted.*: coco-secret repair' --table "$old" --new "$new"
own pin "$d" --table "$old" --yes
is '... pin refuses it' "$rc" 2
follow 0
advice 'boot the guest with' --table "$old" --new "$new"
boots "$old" "$new"

# No table of this disk.
fresh
printf '%s something else' "$canary" > "$tmp/wrong"
table_make wrong "$guid=$tmp/wrong"
advice 'find the table of this disk; or make one.*: coco-secret prepare' --table wrong
follow 0 --key-file "'$tmp/key'"
boots TABLE

# A configuration that wants pins, and a table without any.
mkdir -p "$tmp/conf/etc/coco-unlock"
printf '[Policy]\nRequirePolicyEntry=yes\n' > "$tmp/conf/etc/coco-unlock/coco-unlock.conf"
must cp --sparse=always "$tmp/base" "$d"
table_make bare "$guid=$tmp/key"
advice 'it pins nothing, .*; to pin the header: coco-secret pin' --table bare --config "$tmp/conf"
own verify "$d" bare --config "$tmp/conf"
ok '... verify has the command, too' grep -qF "for this one: $command\"" "$tmp/out"
follow 0 --yes
boots bare
must cryptsetup config --label another "$d"
advice 'pin it anew: coco-secret pin' --table bare
own verify "$d" bare
ok 'verify has it for a header that is another one' grep -qF "pin it anew: $command\"" "$tmp/out"
follow 0 --yes
boots bare

# A table that another run does not have, as from standard input, is no file in a command.
fresh
own rotate "$d" --table "$old" -o "$new"
boots "$old" "$new"
for table in - /dev/stdin /dev/fd/0; do
	"$plain" status "$d" --table "$table" --new "$new" < "$old" > "$tmp/out" 2> "$tmp/err"
	ok "status, --table $table" grep -qF "'the disk' --table TABLE --new 'new one' -o FINAL" "$tmp/out" ||
		sed 's/^/# /' "$tmp/out" "$tmp/err"
	"$plain" status "$d" --table "$old" --new "$table" < "$new" > "$tmp/out" 2> "$tmp/err"
	ok '... --new' grep -qF ' --new NEW -o FINAL' "$tmp/out" || sed 's/^/# /' "$tmp/out" "$tmp/err"
done
must rm -f "$new"

# A table for several volumes, and no configuration.
printf 'version=1\nvolume=data\nuuid=0d2b5b1e-6d3c-4b4f-9a55-2b1c8f2f7a10\n' > "$tmp/entry"
must "$plain" table build -o several "luks-key=$tmp/key" "policy=$tmp/entry" > "$tmp/log" 2>&1
printf 'root UUID=%s\ndata LABEL=data\n' "$(cryptsetup luksUUID "$d")" > "$tmp/conf/etc/coco-unlock/cocotab"
for verb in "pin --yes" status; do
	# shellcheck disable=SC2086 # several words
	own $verb "$d" --table several
	is "$verb with the pins of other volumes" "$rc" 3
	ok '... says what may be missing' grep -q 'if cocotab has other volumes than root, give --config' "$tmp/err"
done
own verify "$d" several
ok '... verify, too' grep -q 'if cocotab has other volumes than root, give --config' "$tmp/out"
must mkdir -p "$tmp/one/etc/coco-unlock"
printf 'root auto\n' > "$tmp/one/etc/coco-unlock/cocotab"
for verb in status "pin --yes"; do
	# shellcheck disable=SC2086
	own $verb "$d" --table several --config "$tmp/one"
	is "$verb with a cocotab that lacks one of them" "$rc $(grep -c -e '; if cocotab has' "$tmp/err")" '3 0'
done
own verify "$d" several --config "$tmp/one"
is '... verify, too' "$rc $(grep -c -e '; if cocotab has' "$tmp/out")" '28 0'
own pin --yes "$d" --table several --config "$tmp/conf" --volume root
is '... it leads on' "$rc" 0 || sed 's/^/# /' "$tmp/err"
own verify "$d" several --config "$tmp/conf" --volume root
is '... verify' "$rc" 0 || sed 's/^/# /' "$tmp/out"

# remove-keyslot: what it refuses changes nothing.
fresh
rm -f wrong
refused() {
	local name=$1 code=$2 pattern=$3 before
	shift 3
	before=$(snapshot .)
	own "$@"
	is "$name: is refused" "$rc" "$code"
	ok '... in a line that says why' grep -qE "^coco-secret: .*$pattern.*; next: .+" "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
	is '... nothing has changed' "$(sed 's/^\. d .*//' <<< "$(snapshot .)")" "$(sed 's/^\. d .*//' <<< "$before")"
	ok '... no secret in any output' silent_own
}
remove=(remove-keyslot "$d" --table "$old" --yes)
refused 'a keyslot that is not there' 2 'keyslot 3: there is none' "${remove[@]}" --keyslot 3
refused "the table's own" 2 'secret of a table that is given opens it' "${remove[@]}" --keyslot 1
refused "the passphrase's own" 2 'passphrase of --key-file opens it' \
	remove-keyslot "$d" --key-file "$tmp/key" --keyslot 0 --yes
refused 'without a word' 2 'there is no terminal' remove-keyslot "$d" --table "$old" --keyslot 0
ok '... it says what stays' grep -qE '^  keyslot 1 .*: the secret of' "$tmp/out"
refused 'no keyslot' 1 '--keyslot' "${remove[@]}"
refused 'a number that is none' 1 '' "${remove[@]}" --keyslot 32
refused 'no table' 1 '' remove-keyslot "$d" --keyslot 0
refused 'pin without a table' 1 '' pin "$d" --yes
must ln -s "$old" link
refused 'a table that is a link' 2 'no regular file' remove-keyslot "$d" --table link --keyslot 0 --yes
ok '... it says which name would do' grep -q 'next: give the name of the file that the link leads to' "$tmp/err"
rm link
own "${remove[@]}" --keyslot 0
is 'the passphrase goes' "$rc $(keyslots "$d")" '0 1:pbkdf2:1000'
ok '... it opens nothing' eval '! opens "$d" "$tmp/key"'
boots "$old"
boot "$tmp/disk0" "$old"
is '... the header with it is pinned no more' "$rc" 29
refused 'the last one' 2 'the last one' "${remove[@]}" --keyslot 1 --disable-table
fresh
own "${remove[@]}" --keyslot 1 --disable-table
is "the table's own, with its word" "$rc $(keyslots "$d")" '0 0:pbkdf2:1000'
ok '... which is said' grep -q 'opens nothing any more' "$tmp/out"
fresh
own remove-keyslot "$d" --key-file "$tmp/key" --keyslot 1 --yes
is 'with a passphrase' "$rc $(keyslots "$d")" '0 0:pbkdf2:1000'
ok '... it opens' opens "$d" "$tmp/key"

# answered ANSWER ARGUMENT...: coco-secret on a terminal of its own
answered() {
	rc=0
	python3 -IS - "$@" > "$tmp/out" << 'EOF' || rc=$?
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
try:
    while more := os.read(fd, 4096):
        seen += more
        if seen.endswith(b"Type yes: "):
            os.write(fd, sys.argv[1].encode() + b"\n")
except OSError:
    pass
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF
}
fresh
before=$(sum "$d")$(sum "$old")
for answer in no '' yess; do
	answered "$answer" "$plain" remove-keyslot "$d" --table "$old" --keyslot 0
	is "asked, '$answer' is no" "$rc $(sum "$d")$(sum "$old")" "2 $before"
done
answered yes "$plain" remove-keyslot "$d" --table "$old" --keyslot 0
is "asked, 'yes' is yes" "$rc $(keyslots "$d")" '0 1:pbkdf2:1000'
boots "$old"

# A rotation is taken back.
fresh
own rotate "$d" --table "$old" -o "$new"
refused 'one table of two' 2 'keyslot 2 is preferred' "${remove[@]}" --keyslot 0
own "${remove[@]}" --new "$new" --keyslot 2 --disable-table
is 'a rotation is taken back' "$rc" 0
boots "$old"
fresh
own rotate "$d" --table "$old" -o "$new"
own "${remove[@]}" --new "$new" --keyslot 0
is 'a passphrase goes during a rotation' "$rc" 0
boots "$old" "$new"

# A table that was built for a larger area than today's firmware has: the verbs take its size from the firmware,
# as table does, and what they print has it, too.
fresh
head -c 2800 /dev/urandom > "$tmp/filler"
firmware "its 'fd'" 3312
filler=11111111-2222-4333-8444-555555555555
must "$plain" table add -o "$old" --force --firmware "its 'fd'" "$old" "$filler=$tmp/filler" > "$tmp/log"
must cp "$d" "$tmp/disk1"
must cp "$old" "$tmp/old1"
for verb in "rotate -o NEW --accept-header" recovery "remove-keyslot --keyslot 2 --yes" "pin --yes"; do
	must cp --sparse=always "$tmp/disk1" "$d"
	must cp "$tmp/old1" "$old"
	[[ $verb != remove* ]] || add_key 2
	[[ $verb != remove* ]] || must "$plain" pin --yes "$d" --table "$old" --firmware "its 'fd'" > "$tmp/log"
	[[ $verb != pin* ]] || must cryptsetup config --label other "$d"
	before=$(sum "$d") table=$(sum "$old")
	# shellcheck disable=SC2086 # several words
	own $verb "$d" --table "$old"
	is "a table that is too large for 3072 bytes: $verb" "$rc" 2
	ok '... says where more room is' grep -q "next: if the guest's firmware has more room, give it with --firmware; else " "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
	is '... nothing is changed' "$(sum "$d") $(sum "$old")" "$before $table"
	# shellcheck disable=SC2086
	own $verb "$d" --table "$old" --firmware "its 'fd'"
	is '... with the firmware' "$rc" 0 || sed 's/^/# /' "$tmp/err"
	boots "$old"
done
must cp --sparse=always "$tmp/disk1" "$d"
must cp "$tmp/old1" "$old"
rm -f NEW
advice 'nothing; to change the secret' --table "$old"
ok '... says what the commands need' grep -q 'with more pins it is larger than 3072 bytes: .* the guest.s firmware' "$tmp/out"
must ln -s "its 'fd'" FIRMWARE
follow 0
rm -f NEW FIRMWARE
must cp --sparse=always "$tmp/disk1" "$d"
advice 'nothing; to change the secret' --table "$old" --firmware "its 'fd'"
follow 0
command=$(grep -oE 'coco-secret rotate --finish .*' "$tmp/out")
follow 0
boots FINAL
# One that is too large for this firmware, too.
must cp --sparse=always "$tmp/disk1" "$d"
must cp "$tmp/old1" "$old"
head -c 100 "$tmp/filler" > "$tmp/filler2"
must "$plain" table add -o "$old" --force --firmware "its 'fd'" "$old" "${filler/1/2}=$tmp/filler2" > "$tmp/log"
own recovery "$d" --table "$old" --firmware "its 'fd'"
is 'a table that is too large for its firmware' "$rc" 2
ok '... says what to do' grep -q 'next: take an entry out: coco-secret table remove --help' "$tmp/err" ||
	sed 's/^/# /' "$tmp/err"
advice 'take an entry out of .*: coco-secret table remove --help' --table "$old" --firmware "its 'fd'"
must "$plain" table remove -o "$old" --force --firmware "its 'fd'" "$old" "$filler" > "$tmp/log"
own recovery "$d" --table "$old"
is '... done' "$rc" 0
boots "$old"

# A short secret, for which rotate puts a longer one: where it has no room for that, status has said so.
table_make "$tmp/short" "$guid=$tmp/key"
must cp --sparse=always "$tmp/base" "$d"
own pin "$d" --table "$tmp/short" --yes
must test "$rc" = 0
refused=0
room=$((3072 - $(stat -c %s "$tmp/short") - 20 - 15))
for ((size = room - 240; size <= room; size += 16)); do
	rm -f NEW
	head -c "$size" /dev/urandom > "$tmp/filler"
	must "$plain" table add -o "$old" --force "$tmp/short" "$filler=$tmp/filler" > "$tmp/log"
	own status "$d" --table "$old"
	warned=$(grep -c 'with more pins' "$tmp/out")
	must cp --sparse=always "$d" "$tmp/disk1"
	own rotate "$d" --table "$old" -o NEW
	must mv "$tmp/disk1" "$d"
	[[ $rc == 0 ]] || refused=$((refused + 1))
	ok "a table with $size bytes more: status is right" test "$((rc == 0 || warned))" = 1
done
ok '... some have room, some have none' test "$refused" -gt 0 -a "$refused" -lt 15

# Where there is no table, a passphrase takes a keyslot away; the command has the configuration.
for verb in "prepare -o $final" recovery; do
	must rm -rf conf
	fresh
	must cp --sparse=always "$tmp/base" "$d"
	must mkdir -p conf/etc/coco-unlock
	printf 'data auto - \n' > conf/etc/coco-unlock/cocotab
	must cp "$tmp/key" "it's a key"
	for n in 1 2; do
		add_key $n
	done
	[[ $(keyslots "$d" | wc -w) == 3 ]] || add_key 3
	while true; do
		# shellcheck disable=SC2086 # several words
		own $verb "$d" --key-file "it's a key" --config conf --volume data
		[[ $rc == 0 ]] || break
		rm -f "$final"
	done
	is "$verb without room" "$rc" 2
	command=$(sed -nE 's/.*; next: take one away .* for N: //p' "$tmp/err")
	is '... names what it was given' "$command" \
		"coco-secret remove-keyslot '$d' --config conf --volume data --keyslot N --key-file 'it'\\''s a key'"
	command=${command/--keyslot N/--keyslot 1}
	follow 0 --yes
	# shellcheck disable=SC2086 # several words
	own $verb "$d" --key-file "it's a key" --config conf --volume data
	is '... and then there is room' "$rc" 0
done
tap_done
