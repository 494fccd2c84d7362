#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# prepare.t - coco-secret prepare: what it makes boots, what it leaves alone is as it was,
# and what it refuses is refused before anything is written.
# Needs: cryptsetup python3 setpriv
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

uuid=aaaaaaaa-0000-4000-8000-00000000000b
printf '%s old' "$canary" > "$tmp/key"
printf '%s wrong' "$canary" > "$tmp/wrong"
disk "$tmp/base" "$tmp/key" --uuid "$uuid"
some_data "$tmp/base"
d=$tmp/disk t=$tmp/table

fresh() {
	must rm -rf "$d" "$t" "$t.coco-new"
	must cp --sparse=always "$tmp/base" "$d"
}

# good NAME [TREE]: the table boots the disk, and verify says the same.
good() {
	boot "$d" "$t" "${2-}"
	is "$1: the guest opens the disk" "$rc $(status_fields "$tmp/guest" result)" '0 ok'
	ok '... no secret in its output' silent "$tmp/guest"
	verify "$d" "$t" ${2:+--config "$2"}
	is '... verify agrees' "$rc" 0
	ok '... in silence' silent_own "$t"
	is '... the table is private' "$(mode "$t")" 600
	ok '... nothing is left beside it' test ! -e "$t.coco-new"
	is '... the data are as they were' "$(data "$d")" "$(data "$tmp/base")"
}

# A whole disk, the plain way.
fresh
own prepare "$d" -o "$t" --key-file "$tmp/key"
is 'prepare of a file' "$rc" 0
ok '... no secret, old or new, in any output' silent_own "$t"
must cp "$tmp/out" "$tmp/said"
table_get "$t" "$guid" >> "$tmp/out"
ok 'premise: a secret in the output would be found' eval '! silent_own "$t"'
must mv "$tmp/said" "$tmp/out"
for word in 'by QMP' 'virsh domsetlaunchsecstate' 'sevctl secret build' \
	'coco-secret packet -o packet' "coco-secret verify $d $t"; do
	ok "... says what comes next: ${word%% /*}" grep -qF -- "$word" "$tmp/out"
done
good 'a file'
ok '... the secret is 64 hexadecimal digits and no NUL' \
	grep -qzxE '[0-9a-f]{64}' <(table_get "$t" "$guid")
is '... of 64 bytes' "$(table_get "$t" "$guid" | wc -c)" 64
ok '... the old passphrase opens, too' opens "$d" "$tmp/key"
is '... the new keyslot costs next to nothing' "$(keyslots "$d")" '0:pbkdf2:1000 1:pbkdf2:1000'
table_get "$t" "$guid" > "$tmp/new"
must cryptsetup luksDump -q --disable-locks --dump-volume-key --key-file "$tmp/new" \
	--volume-key-file "$tmp/volume-key" "$d" &> "$tmp/dump.log"
is '... and the pins are those that sha256sum and cryptsetup tell' "$(table_get "$t" "$policy")" \
	"version=1
volume=root
uuid=$uuid
header=sha256:$(head -c 32768 "$d" | sha256sum | cut -c 1-64)
volume-key=sha256:$(sha256sum < "$tmp/volume-key" | cut -c 1-64)"
is '... the table is padded to 16' $(($(stat -c %s "$t") % 16)) 0
must cp "$t" "$tmp/first"
own prepare "$d" -o "$t" --key-file "$tmp/key"
is 'an existing table is not overwritten' "$rc $(sum "$t")" "2 $(sum "$tmp/first")"
ok '... which is said' grep -qE "^coco-secret: $t: it exists; next: .*--force" "$tmp/err"
own prepare "$d" -o "$t" --key-file "$tmp/key" --force
is '... but with --force' "$rc" 0
ok '... no secret in any output' silent_own "$t" "$tmp/first"
ok '... another secret' bash -c "! cmp -s '$tmp/new' <(python3 -IS '$top/tests/lib/table.py' get \
	'$t' '$guid')"
good 'prepared again'

# The keyslot of the old passphrase goes.
fresh
own prepare "$d" -o "$t" --key-file "$tmp/key" --remove-old
is 'prepare --remove-old' "$rc" 0
ok '... no secret in any output' silent_own "$t"
good 'without the old keyslot'
is '... which is gone' "$(keyslots "$d")" 1:pbkdf2:1000
ok '... the old passphrase opens nothing' eval '! opens "$d" "$tmp/key"'
is '... one header is pinned' "$(table_get "$t" "$policy" | grep -c ^header)" 1

# For GRUB: NUL in the entry, and not in the keyslot, since GRUB takes the text up to it.
fresh
own prepare "$d" -o "$t" --key-file "$tmp/key" --grub
is 'prepare --grub' "$rc" 0
ok '... no secret in any output' silent_own "$t"
good 'with a NUL'
is '... at the end' "$(table_get "$t" "$guid" | tail -c 1 | od -An -tx1)" ' 00'
is '... after 64 digits' "$(table_get "$t" "$guid" | wc -c)" 65
table_get "$t" "$guid" | head -c 64 > "$tmp/text"
ok '... the text alone opens, as GRUB does it' opens "$d" "$tmp/text"

# A secret of one's own may be weak, so its keyslot costs what a person's does.
fresh
printf '%s own' "$canary" > "$tmp/own"
own prepare "$d" -o "$t" --key-file "$tmp/key" --secret "$tmp/own"
is 'prepare --secret' "$rc" 0
ok '... no secret in any output' silent_own
ok '... which is in the table' cmp -s "$tmp/own" <(table_get "$t" "$guid")
ok '... a keyslot that costs something' grep -qE '^0:pbkdf2:1000 1:(argon2id:-|pbkdf2:[0-9]{6,})$' \
	<(keyslots "$d")

fresh
own prepare "$d" -o "$t" --key-file "$tmp/key" --secret "$tmp/own" --grub
is 'prepare --secret --grub' "$rc $(table_get "$t" "$guid" | tail -c 4 | od -An -c | tr -d ' ')" '0 own\0'
verify "$d" "$t"
is '... boots, says verify' "$rc" 0
is '... and GRUB knows the key derivation' "$(keyslots "$d")" '0:pbkdf2:1000 1:pbkdf2:1000000'
ok '... the text alone opens' opens "$d" "$tmp/own"

# In an image, the partition and nothing else.
g=$tmp/gpt
linux=0fc63daf-8483-4772-8e79-3d69d8477de4
must python3 -IS "$top/tests/lib/gpt.py" make "$g" 6 \
	"1+1:c12a7328-f81f-11d2-ba4b-00a0c93ec93b:11111111-0000-4000-8000-000000000001:esp" \
	"2+2:$linux:11111111-0000-4000-8000-000000000002:root" \
	"4+1:$linux:11111111-0000-4000-8000-000000000003:var"
must dd if=/dev/urandom of="$g" bs=1M seek=1 count=1 conv=notrunc 2> /dev/null
must dd if=/dev/urandom of="$g" bs=1M seek=4 count=1 conv=notrunc 2> /dev/null
must dd if="$tmp/base" of="$g" bs=1M seek=2 conv=notrunc 2> /dev/null
must cp --sparse=always "$g" "$tmp/gpt-base"
mkdir -p "$tmp/partuuid/etc/coco-unlock"
echo 'root PARTUUID=11111111-0000-4000-8000-000000000002' > "$tmp/partuuid/etc/coco-unlock/cocotab"
for part in 2 root; do
	must cp --sparse=always "$tmp/gpt-base" "$g"
	rm -f "$t"
	own prepare "$g#$part" -o "$t" --key-file "$tmp/key"
	is "prepare of partition $part" "$rc" 0
	ok '... no secret in any output' silent_own "$t"
	ok '... nothing before it has changed' cmp -s -n 2M "$g" "$tmp/gpt-base"
	ok '... nothing behind it' cmp -s -i 4M "$g" "$tmp/gpt-base"
	verify "$g#$part" "$t" --config "$tmp/partuuid"
	is '... verify of the image' "$rc" 0
done
must dd if="$g" of="$d" bs=1M skip=2 count=2 2> /dev/null
good 'the partition'
ok '... the old passphrase opens it, too' opens "$d" "$tmp/key"

# The guest's configuration.
mkdir -p "$tmp/conf/etc/coco-unlock"
echo "data UUID=$uuid $other" > "$tmp/conf/etc/coco-unlock/cocotab"
printf '[Policy]\nRequirePolicyEntry=yes\n' > "$tmp/conf/etc/coco-unlock/coco-unlock.conf"
fresh
own prepare "$d" -o "$t" --key-file "$tmp/key" --config "$tmp/conf"
is 'prepare --config' "$rc" 0
guid=$other good 'with a configuration' "$tmp/conf"
is '... the secret is under its GUID' "$(table_get "$t" "$other" | wc -c)" 64
is '... the pins under its name' "$(table_get "$t" "$policy" | grep ^volume=)" volume=data
fresh
must rm "$tmp/conf/etc/coco-unlock/coco-unlock.conf"
echo "swap UUID=$other 22222222-2222-3333-4444-555555555555" >> "$tmp/conf/etc/coco-unlock/cocotab"
before=$(sum "$d")
own prepare "$d" -o "$t" --key-file "$tmp/key" --config "$tmp/conf"
is 'two volumes: one must be named' "$rc $(sum "$d")" "1 $before"
own prepare "$d" -o "$t" --key-file "$tmp/key" --config "$tmp/conf" --volume root
is '... by a name that cocotab has' "$rc $(sum "$d")" "3 $before"
own prepare "$d" -o "$t" --key-file "$tmp/key" --config "$tmp/conf" --volume data
is '... then it is the one' "$rc $(table_get "$t" "$policy" | grep ^volume=)" '0 volume=data'
verify "$d" "$t" --config "$tmp/conf" --volume data
is '... and verify says that the other secret is missing, as the boot would' "$rc" 8
boot "$d" "$t" "$tmp/conf"
is '... which it does' "$rc" 8
fresh
own prepare "$d" -o "$t" --key-file "$tmp/key" --volume other
is 'a name without a configuration' "$rc $(table_get "$t" "$policy" | grep ^volume=)" '0 volume=other'
own prepare "$d" -o "$t" --key-file "$tmp/key" --volume a/b --force
is '... unless it is none' "$rc" 1

# refused NAME RC PATTERN ARGUMENT...: with that exit code and text, the disk as it was, no table.
refused() {
	local name=$1 code=$2 pattern=$3 before
	shift 3
	before=$(sum "$d")
	own prepare "$@"
	is "$name: is refused" "$rc" "$code"
	ok '... in one line that says why, and what next' \
		grep -qE "^coco-secret: .*$pattern.*; next: .+" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... one' "$(grep -vc '^coco-secret: warning: ' "$tmp/err")" 1
	is '... without a word on standard output' "$(cat "$tmp/out")" ''
	is '... the disk is as it was' "$(sum "$d")" "$before"
	ok '... there is no table' test ! -e "$t" -a ! -e "$t.coco-new"
	ok '... no secret in any output' silent_own
}
usual=("$d" -o "$t" --key-file "$tmp/key")

must mkdir "$tmp/mutants"
must cp "$tmp/key" "$tmp/mutants/key"
must python3 -B "$top/tests/headers/mutants.py" "$tmp/key" "$tmp/mutants" seg-null seg-linear req-reenc
rm -f "$t"
# In a partition as on a whole disk: cryptsetup goes on only where there is something that goes on.
must "$top/tests/lib/mbr.py" make "$tmp/parted" 16 1+14:83
for mutant in req-reenc under-way; do
	if [[ $mutant == under-way ]]; then
		disk "$tmp/mutants/$mutant" "$tmp/key"
		must cryptsetup reencrypt -q --init-only --force-offline-reencrypt --disable-locks --key-file "$tmp/key" \
			"$tmp/mutants/$mutant" &> "$tmp/format.log"
	fi
	must dd if="$tmp/mutants/$mutant" of="$tmp/parted" bs=1M seek=1 conv=notrunc status=none
	for name in "$tmp/mutants/$mutant" "$tmp/parted#1"; do
		own prepare "$name" -o "$t" --key-file "$tmp/key"
		is "resume, ${name##*/}: $mutant" "$rc $(grep -c -e 'reencrypt --resume-only' "$tmp/err")" \
			"2 $([[ $mutant == req-reenc ]]; echo $?)" || sed 's/^/# /' "$tmp/err"
	done
done
while read -r mutant rule; do
	must mv "$tmp/mutants/$mutant" "$d"
	refused "a disk with $mutant" 2 "breaks the rule '$rule'" "${usual[@]}"
done << 'END'
seg-null segment-cipher
seg-linear segment-type
req-reenc requirements
END

fresh
refused 'a wrong passphrase' 2 'opens no keyslot' "$d" -o "$t" --key-file "$tmp/wrong"
refused 'no passphrase file' 4 'cannot open' "$d" -o "$t" --key-file "$tmp/none"
if command -v setsid > /dev/null; then
	plain=$owner
	printf '#!/bin/bash\nexec setsid -w %q "$@"\n' "$plain" > "$tmp/setsid"
	must chmod +x "$tmp/setsid"
	owner=$tmp/setsid
	refused 'no terminal to ask' 1 'no terminal' "$d" -o "$t"
	owner=$plain
fi
refused 'no directory for the table' 4 'No such file' "$d" -o "$tmp/none/table" --key-file "$tmp/key"
refused 'no such disk' 4 'No such file' "$tmp/none" -o "$t" --key-file "$tmp/key"
refused 'the disk as output' 2 'would be written over it' "$d" -o "$d" --key-file "$tmp/key" --force
must ln "$d" "$tmp/link"
refused 'the disk as output, by another name' 2 'would be written over it' "$d" -o "$tmp/link" --key-file "$tmp/key" --force
rm "$tmp/link"
must cp "$tmp/key" "$tmp/key2"
refused 'the passphrase file as output' 2 'would be written over it' "$d" -o "$tmp/key2" --key-file "$tmp/key2" --force
ok '... which is as it was' cmp -s "$tmp/key" "$tmp/key2"
must mkdir "$tmp/dir"
refused 'a directory as output' 2 'no regular file' "$d" -o "$tmp/dir" --key-file "$tmp/key" --force
must ln -s nowhere "$tmp/dangling"
refused 'a dangling link as output' 2 'no regular file' "$d" -o "$tmp/dangling" --key-file "$tmp/key" --force
ok '... nothing came into being at its other end' test ! -e "$tmp/nowhere"

: > "$tmp/empty"
refused 'an empty secret' 3 'it is empty' "${usual[@]}" --secret "$tmp/empty"
printf 'a\0b' > "$tmp/binary"
refused 'a binary secret for GRUB' 3 'first NUL' "${usual[@]}" --grub --secret "$tmp/binary"
must dd if=/dev/zero of="$tmp/large" bs=16385 count=1 2> /dev/null
refused 'a secret beyond what a table takes' 3 'longer than' "${usual[@]}" --secret "$tmp/large"
must dd if=/dev/zero of="$tmp/large" bs=3000 count=1 2> /dev/null
printf '[Unlock]\nTimeuot=1\n' > "$tmp/conf/etc/coco-unlock/coco-unlock.conf"
refused 'a configuration with a mistake' 3 'coco-unlock.conf:2' "${usual[@]}" --config "$tmp/conf"

exec 9< "$d"
must flock -s 9
refused 'a disk that another program has locked' 2 'has locked it' "${usual[@]}"
exec 9<&-

# Root may write to everything, but not without its capabilities.
chmod 0444 "$d"
plain=$owner
if [[ $(id -u) == 0 ]]; then
	printf '#!/bin/bash\nexec setpriv --bounding-set=-all --inh-caps=-all %q "$@"\n' "$plain" > "$tmp/bare"
	must chmod +x "$tmp/bare"
	owner=$tmp/bare
fi
refused 'a read-only disk' 4 'Permission denied' "${usual[@]}"
owner=$plain
chmod 0600 "$d"

must dd if=/dev/zero of="$d" bs=64k count=1 conv=notrunc 2> /dev/null
refused 'a blank disk' 2 'no LUKS2 header' "${usual[@]}"
# LUKS1: all verbs name the way, which a shell then goes.
mkdir "$tmp/it's \$one" # a name that has to be quoted
disk_before=$d d="$tmp/it's \$one/disk"
for hash in sha256 sha1; do
	must truncate -s 0 "$d"
	must truncate -s 8M "$d"
	must cryptsetup luksFormat -q --type luks1 --hash "$hash" --disable-locks --key-file "$tmp/key" \
		--pbkdf-force-iterations 1000 "$d" &> "$tmp/format.log"
	refused "LUKS1 with $hash" 2 'its header is LUKS1' "$d" -o "$t" --key-file "$tmp/key"
	[[ $hash == sha1 ]] && wanted=1 || wanted=0
	is '... sha1 has to go' "$(grep -c 'cryptsetup reencrypt' "$tmp/err")" "$wanted"
	way=$(sed -nE 's/.*; next: (cryptsetup convert .*)/\1/p' "$tmp/err")
	table_make "$tmp/verify-table" "$guid=$tmp/key"
	own verify "$d" "$tmp/verify-table"
	is '... verify' "$rc" 19
	ok '... names the same' grep -qF "next=\"$way\"" "$tmp/out"
	own encrypt "$d" "$tmp/encrypted" --secret-out "$tmp/secret-out"
	is '... encrypt' "$rc $(ls "$tmp/encrypted" "$tmp/secret-out" 2> /dev/null)" '2 '
	ok '... names the same' grep -qF "; next: $way" "$tmp/err"
	bash -c "${way%% && *} -q --disable-locks" &> "$tmp/convert.log"
	is '... and the command makes LUKS2' "$(cryptsetup luksDump --disable-locks "$d" | sed -n 's/^Version:[[:blank:]]*//p')" 2
	if [[ $hash == sha1 ]]; then
		bash -c "${way##* && } -q --disable-locks --key-file ${tmp@Q}/key --pbkdf pbkdf2" &> "$tmp/convert.log"
		own prepare "$d" -o "$t" --key-file "$tmp/key"
		is '... prepare takes it then' "$rc" 0
	fi
	rm -f "$t"
done
# Each keyslot is made once more, which has no room for four of them.
must truncate -s 0 "$d"
must truncate -s 8M "$d"
old=(cryptsetup -q --hash sha1 --disable-locks --key-file "$tmp/key" --pbkdf-force-iterations 1000)
must "${old[@]}" luksFormat --type luks1 "$d" &> "$tmp/format.log"
for _ in 1 2 3 4; do
	must "${old[@]}" luksAddKey "$d" "$tmp/key" &> "$tmp/format.log"
done
refused 'LUKS1 with five keyslots' 2 'its header is LUKS1' "$d" -o "$t" --key-file "$tmp/key"
way=$(sed -nE 's/.* for each N: (cryptsetup luksKillSlot .*)/\1/p' "$tmp/err")
is '... two of them have to go' "$(grep -o 'luksKillSlot' <<< "$way" | wc -l)" 2
must bash -c "$(sed -E 's/ N && / 4 -q \&\& /; s/ N && / 3 -q \&\& /; s/(.*) && .*/\1 -q --disable-locks/' <<< "$way")" &> "$tmp/convert.log"
is '... and the rest is as with one' "$(cryptsetup luksDump --disable-locks "$d" | grep -c '^  [0-2]: luks2')" 3
# Convert moves the areas of all eight keyslots; an old header has no room for that.
must truncate -s 0 "$d"
must truncate -s 8M "$d"
must "${old[@]}" luksFormat --type luks1 --align-payload 2104 --key-size 256 "$d" &> "$tmp/format.log"
refused 'LUKS1 without room for LUKS2' 2 'its header is LUKS1' "$d" -o "$t" --key-file "$tmp/key"
ok '... as cryptsetup says' bash -c "! cryptsetup convert -q --disable-locks --type luks2 ${d@Q} 2> /dev/null"
ok '... names another way' grep -qF 'plain && coco-secret encrypt --secret-out SECRET /dev/mapper/plain NEW' "$tmp/err"
d=$disk_before
must truncate -s 8M "$d"

# A secret that may not be meant like this: said where it is first seen.
fresh
printf '%s key that is quite long\n' "$canary" > "$tmp/lf"
own prepare "$d" -o "$t" --key-file "$tmp/lf"
is 'a passphrase file with a newline' "$rc" 2
ok '... is warned about' grep -q "^coco-secret: warning: $tmp/lf: it ends with a newline" "$tmp/err"
ok '... without the secret' silent_own
own prepare "$d" -o "$t" --key-file "$tmp/key" --secret "$tmp/lf"
is 'a secret with a newline' "$rc $(grep -c "warning: $tmp/lf: it ends with a newline" "$tmp/err")" '0 1'
is '... the short passphrase, too' "$(grep -c "warning: $tmp/key: it is shorter than 16" "$tmp/err")" 1
rm "$t"
fresh
must truncate -s 4k "$d"
refused 'a disk of 4 KiB' 2 'too small' "${usual[@]}"
must cp --sparse=always "$tmp/gpt-base" "$d"
refused 'a partition without LUKS' 2 'no LUKS2 header' "$d#3" -o "$t" --key-file "$tmp/key"
refused 'a partition that is not there' 3 "no partition '7'" "$d#7" -o "$t" --key-file "$tmp/key"
refused 'a partitioned disk as a whole' 2 'no LUKS2 header' "${usual[@]}"

# The disk cannot be written behind the first MiB, as if it were full: the table is there by then,
# and is of no use.
fresh
must cp --sparse=always "$tmp/gpt-base" "$d"
before=$(sum "$d")
printf '#!/bin/bash\ntrap "" XFSZ\nulimit -f 1536\nexec %q "$@"\n' "$plain" > "$tmp/limited"
must chmod +x "$tmp/limited"
owner=$tmp/limited
own prepare "$d#root" -o "$t" --key-file "$tmp/key"
is 'a disk that takes no more' "$rc" 4
ok '... which is said' grep -qE 'cannot write the header of .*: File too large; next: ' "$tmp/err"
is '... the disk is as it was' "$(sum "$d")" "$before"
owner=$plain

# A full file system for the table; a namespace of its own, where that is allowed.
fresh
before=$(sum "$d")
if unshare -rm true 2> /dev/null; then
	must mkdir "$tmp/full"
	cat > "$tmp/filled" << 'END'
mount -t tmpfs -o size=4k none "$1/full" && head -c 4096 /dev/zero > "$1/full/filler" &&
	exec "$2" prepare "$1/disk" -o "$1/full/table" --key-file "$1/key"
END
	rc=0
	unshare -rm bash "$tmp/filled" "$tmp" "$owner" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
	is 'a full file system' "$rc" 4
	ok '... which is said' grep -qE '^coco-secret: .*: No space left on device; next: make room' \
		"$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... the disk is as it was' "$(sum "$d")" "$before"
	ok '... no secret in any output' silent_own
else
	skip 'no namespaces of its own for a user'
fi

# Three keyslots fill this header: there is no place for another one.
fresh
for i in 1 2; do
	printf '%s %s' "$canary" "$i" > "$tmp/more"
	must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 "$d" "$tmp/more" &> "$tmp/add.log"
done
refused 'a header without room for a keyslot' 2 'keyslot' "${usual[@]}"
disk "$d" "$tmp/key" --cipher aes-xts-plain64 --key-size 256
for i in 1 2 3; do
	printf '%s %s' "$canary" "$i" > "$tmp/more"
	must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 \
		--pbkdf-force-iterations 1000 "$d" "$tmp/more" &> "$tmp/add.log"
done
refused 'a fifth keyslot, which the unlocker would refuse' 2 'no room for another keyslot' "${usual[@]}"
ok '... names the verb that makes room' grep -q 'coco-secret remove-keyslot' "$tmp/err"
own remove-keyslot "$d" --key-file "$tmp/key" --keyslot 3 --yes
is '... which does' "$rc" 0
own prepare "${usual[@]}"
is '... and prepare goes on' "$rc" 0
rm -f "$t"

# A guest that asks a key broker: the commands that are printed, as they stand there, hand over what the guest
# will ask for. curl is one that only looks at its arguments.
fresh
must mkdir -p "$tmp/kbs/etc/coco-unlock" "$tmp/bin" "$tmp/a b"
printf '%s\n' '#!/bin/bash' 'printf "%s\n" "$@"' > "$tmp/bin/curl"
must chmod +x "$tmp/bin/curl"
must ln -s "$(readlink -f "$owner")" "$tmp/bin/coco-secret"
# kbs SOURCES FORMAT COCOTAB
kbs() {
	printf '%s\n' '[Unlock]' "Sources=$1" '[Kbs]' "Url=https://192.0.2.1:8080/x/ https://[2001:db8::1]" \
		Pin=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 Resource=a/b/c \
		"ResourceFormat=$2" > "$tmp/kbs/etc/coco-unlock/coco-unlock.conf"
	printf '%s\n' "$3" > "$tmp/kbs/etc/coco-unlock/cocotab"
	must rm -rf "$tmp/a b"
	must mkdir "$tmp/a b"
	fresh
	own prepare "$d" -o "$tmp/a b/table" --key-file "$tmp/key" --config "$tmp/kbs"
	is "prepare for Sources=$1, $2: exit code" "$rc" 0
	sed -n '/key broker (Trustee)/,/^[A-Z]/p' "$tmp/out" | grep '^  ' > "$tmp/commands"
	(cd "$tmp/a b" && PATH=$tmp/bin:$PATH TOKEN='t k' bash "$tmp/commands") > "$tmp/did" 2>&1
	is '... its commands run' "$?" 0
}
stores() {
	printf '%s\n' --fail -H 'Authorization: Bearer t k' -H 'Content-Type: application/octet-stream' --data-binary "@$1" \
		"https://192.0.2.1:8080/x/kbs/v0/resource/$2"
	printf '%s\n' --fail -H 'Authorization: Bearer t k' -H 'Content-Type: application/octet-stream' --data-binary "@$1" \
		"https://[2001:db8::1]/kbs/v0/resource/$2"
}
kbs kbs table 'root auto'
is '... the table goes to each broker' "$(cat "$tmp/did")" "$(stores "$tmp/a b/table" a/b/c)"
ok '... nothing is said of a launch' eval '! grep -qE "packet|sevctl|virsh" "$tmp/out"'
kbs 'efi kbs' table "root auto kbs:///x/y/z#$other"
is '... as the resource of its line' "$(cat "$tmp/did")" "$(stores "$tmp/a b/table" x/y/z)"
ok '... and the launch is still there' grep -q 'coco-secret packet -o packet' "$tmp/out"
kbs kbs secret 'root auto'
is '... the bare secret' "$(cat "$tmp/did")" "$(stores luks-key.bin a/b/c)"
is '... which is that of the table' "$(cat "$tmp/a b/luks-key.bin")" "$(table_get "$tmp/a b/table" "$guid")"
is '... the pins for the image' "$(cat "$tmp/a b/policy")" "$(table_get "$tmp/a b/table" "$policy")"
rm -rf "$tmp/a b"

# The command line.
for args in "$d" "-o $t" "$d $d -o $t" "$d -o $t --nonsense" "$d -o"; do
	# shellcheck disable=SC2086 # several words
	own prepare $args
	is "usage: prepare ${args//"$tmp/"/}" "$rc" 1
	ok '... points to the help' grep -q 'next: coco-secret prepare --help' "$tmp/err"
done
tap_done
