#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stock.t - disks that cryptsetup makes otherwise than by default, through the owner's verbs: what the guest opens is
# prepared, pinned and rotated, and what it refuses is refused by the same rule, before anything is written.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

printf '%s old' "$canary" > "$tmp/key"
cheap=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
d=$tmp/disk c=$tmp/conf

# blank SIZE, format OPTION...
blank() {
	must rm -f "$d" "$tmp"/{table,next,final}
	must truncate -s "$1" "$d"
}
format() {
	must cryptsetup luksFormat -q --disable-locks --key-file "$tmp/key" "$@" "$d" &> "$tmp/format.log"
}

# options OPTION: of cocotab, in a guest's configuration.
options() {
	must mkdir -p "$c/etc/coco-unlock"
	printf 'root auto - %s\n' "$1" > "$c/etc/coco-unlock/cocotab"
	printf '[Policy]\nRequirePolicyEntry=yes\n' > "$c/etc/coco-unlock/coco-unlock.conf"
}

# whole NAME METADATA-BYTES: from prepare to the end of a rotation.
whole() {
	own prepare "$d" -o "$tmp/table" --key-file "$tmp/key" --config "$c" --remove-old
	is "$1: prepare" "$rc" 0
	is '... pins both copies' "$(table_get "$tmp/table" "$policy" | grep '^header=')" \
		"header=sha256:$(head -c $((2 * $2)) "$d" | sha256sum | cut -c 1-64)"
	verify "$d" "$tmp/table" --config "$c"
	is '... verify' "$rc" 0
	boot "$d" "$tmp/table" "$c"
	is '... the guest opens it' "$rc" 0
	own rotate "$d" --table "$tmp/table" -o "$tmp/next" --config "$c"
	is "... rotate" "$rc" 0
	for table in table next; do
		boot "$d" "$tmp/$table" "$c"
		is "... in between it opens with the $table" "$rc" 0
	done
	own rotate --finish "$d" --table "$tmp/table" --new "$tmp/next" -o "$tmp/final" --config "$c"
	is '... rotate --finish' "$rc" 0
	boot "$d" "$tmp/final" "$c"
	is '... the guest opens it' "$rc" 0
	boot "$d" "$tmp/table" "$c"
	is '... and not with the old table' "$rc" 29
}

# refused NAME RULE WORDS
refused() {
	local before=
	before=$(sum "$d")
	own prepare "$d" -o "$tmp/table" --key-file "$tmp/key" --config "$c"
	is "$1: prepare refuses" "$rc" 2
	ok "... by the rule, and says what to do" grep -qE "rule '$2'.*; next: .*$3" "$tmp/err"
	ok '... and no table is there' test ! -e "$tmp/table"
	is '... the disk is as it was' "$(sum "$d")" "$before"
	table_make "$tmp/some" "$guid=$tmp/key"
	printf '[Policy]\n' > "$c/etc/coco-unlock/coco-unlock.conf"
	verify "$d" "$tmp/some" --config "$c"
	is '... verify refuses' "$rc" 6
	ok '... with the same words' grep -qE "rule '$2'\".* next=\".*$3" "$tmp/out"
}

# Metadata of another size: snapd's, and the largest.
for size in 2m 4m; do
	blank 20M
	options metadata-size=$size
	format --luks2-metadata-size $size --luks2-keyslots-size 8m "${cheap[@]}"
	whole "metadata of $size" $((${size%m} << 20))
done
# The second copy lies elsewhere, too, when a crash has torn it.
must dd if=/dev/zero of="$d" bs=4096 seek=$((4 << 20 >> 12)) count=4 conv=notrunc status=none
boot "$d" "$tmp/final" "$c"
is 'without its second copy' "$rc" 29
must "$top/tests/lib/gpt.py" make "$tmp/gpt" 44 \
	20+20:0fc63daf-8483-4772-8e79-3d69d8477de4:11111111-0000-4000-8000-000000000001:root
must dd if="$d" of="$tmp/gpt" bs=1M seek=20 conv=notrunc status=none
(
	trap '' XFSZ
	ulimit -f 18432
	own repair "$tmp/gpt#1" --config "$c"
	exit "$rc"
)
is '... a write that fails' "$?" 4
is '... the next step has the configuration' "$(sed -n 's/.*; next: //p' "$tmp/err")" \
	"this gives it the old header or the new one, whole: coco-secret repair '$tmp/gpt#1' --config $c"
own repair "$d" --config "$c"
is '... repair' "$rc" 0
boot "$d" "$tmp/final" "$c"
is '... the second copy has come back as text; its salt has not' "$rc" 29
own repair "$d" --config "$c"
is '... and repair has nothing to do' "$rc" 0

blank 20M
format --luks2-metadata-size 2m --luks2-keyslots-size 8m "${cheap[@]}"
options -
refused 'metadata of 2 MiB that cocotab does not know of' metadata-size 'metadata-size=2m'
options metadata-size=4m
refused '... or of which it says something else' metadata-size 'metadata-size=2m'

# LUKS1 that has become LUKS2.
options -
for hash in sha256 sha512 sha1; do
	blank 4M
	format --type luks1 --hash $hash --pbkdf-force-iterations 1000
	must cryptsetup convert -q --disable-locks --type luks2 "$d" &> "$tmp/format.log"
	options -
	if [[ $hash == sha1 ]]; then
		refused "LUKS1 with $hash" keyslot-af 'cryptsetup reencrypt --hash sha256'
	else
		whole "LUKS1 with $hash" 16384
	fi
done

# The last bytes fill no sector.
blank 20M
options -
format --sector-size 4096 "${cheap[@]}"
must truncate -s +1536 "$d"
refused 'a disk that ends inside of a sector' segment-alignment 'truncate -s -1536'
must truncate -s -1536 "$d"
options -
whole '... cut by that' 16384

# Half of a mirror with its metadata at the end: the header is where the disk begins.
blank 20M
options -
format "${cheap[@]}"
must truncate -s 21M "$d"
must cp "$d" "$tmp/half-made"
for version in 1.0 ddf isw; do
	must cp "$tmp/half-made" "$d"
	must "$top/tests/lib/md.py" "$d" "$version"
	before=$(sum "$d")
	own prepare "$d" -o "$tmp/half" --key-file "$tmp/key"
	is "half of a mirror is not prepared, metadata $version" "$rc $(sum "$d")" "2 $before"
	ok '... as what it is' grep -q 'it is a part of a RAID; next: put the RAID together' "$tmp/err"
	ok '... and no table is left' test ! -e "$tmp/half"
	must sh -c "$(sed -n 's/^.*remove that signature: //p' "$tmp/err")" > "$tmp/log"
	own prepare "$d" -o "$tmp/half" --key-file "$tmp/key"
	is '... once it is none any more, it is' "$rc" 0
	must rm -f "$tmp/half"
done
must mv "$d" "$tmp/luks"

# nothing NAME WORD ARGUMENT...: refused, as what it is, and the disk is as before.
nothing() {
	local name=$1 word=$2 before
	shift 2
	before=$(sum "$d")
	own "$@"
	is "$name: $1" "$rc $(sum "$d")" "2 $before"
	ok '... as what it is' grep -q "$word is a part of a RAID; next: put the RAID together (" "$tmp/err"
}

# With the partition table in the RAID, each disk has it, too. That of a last partition that is half of a mirror, and
# ends where the disk does, is none of the disk's.
for version in 0.90 1.0; do
	must rm -f "$d"
	must "$top/tests/lib/mbr.py" make "$d" 64 1+22:83 24+39:83
	must dd if="$tmp/luks" of="$d" bs=1M seek=1 conv=notrunc status=none
	must cp "$d" "$tmp/beside"
	must "$top/tests/lib/md.py" "$d" "$version"
	disk='the disk with this partition'
	nothing "in a RAID, metadata $version" "$disk" prepare "$d#1" -o "$tmp/half" --key-file "$tmp/key"
	ok '... and no table is left' test ! -e "$tmp/half"
	nothing "in a RAID, metadata $version" "$disk" status "$d#1" --table x
	nothing "in a RAID, metadata $version" "$disk" repair "$d#1"
	nothing "in a RAID, metadata $version" "$disk" encrypt "$d#2" "$tmp/half" --secret "$tmp/key"
	must sh -c "$(sed -n 's/^.*remove that signature: //p' "$tmp/err")" > "$tmp/log"
	own status "$d#1" --table x
	ok '... no more, once that is removed' grep -q '^coco-secret: x: ' "$tmp/err" || sed 's/^/# /' "$tmp/err"
	must mv "$tmp/beside" "$d"
	must "$top/tests/lib/mbr.py" make "$d" 64 1+22:83 24+40:83
	must "$top/tests/lib/md.py" "$d" "$version" $((24 << 20)) $((40 << 20))
	nothing "beside one in a RAID, metadata $version" it prepare "$d#2" -o "$tmp/half" --key-file "$tmp/key"
	own prepare "$d#1" -o "$tmp/half" --key-file "$tmp/key"
	is '... the other partition is prepared' "$rc" 0
	verify "$d#1" "$tmp/half"
	is '... and verified' "$rc" 0
	must "$top/tests/lib/md.py" "$d" "$version"
	verify "$d#1" "$tmp/half"
	is '... until the disk is half of one' "$rc" 4
	ok '... which is said' grep -q 'belongs to a RAID, whose parts no boot opens' "$tmp/out"
	must rm -f "$tmp/half"
done

# Metadata that is not of Linux: libblkid, superblocks/isw_raid.c, at the last sector but one.
must cp "$tmp/luks" "$d"
printf 'Intel Raid ISM Cfg Sig. 1.3.00' | must dd of="$d" bs=512 seek=$(($(stat -c %s "$d") / 512 - 2)) conv=notrunc status=none
nothing 'half of a foreign RAID' it prepare "$d" -o "$tmp/half" --key-file "$tmp/key"
must sh -c "$(sed -n 's/^.*remove that signature: //p' "$tmp/err")" > "$tmp/log"
own prepare "$d" -o "$tmp/half" --key-file "$tmp/key"
is '... no more, once that is removed' "$rc" 0

# The same by a partition of the kernel, whose disk is another device.
must rm -f "$d" "$tmp/half"
must "$top/tests/lib/mbr.py" make "$d" 64 1+22:83 24+39:83
must dd if="$tmp/luks" of="$d" bs=1M seek=1 conv=notrunc status=none
must "$top/tests/lib/md.py" "$d" 1.0
if loop=$(losetup --show -f "$d" 2> /dev/null) && partx -a "$loop" 2> /dev/null && test -b "${loop}p1"; then
	own prepare "${loop}p1" -o "$tmp/half" --key-file "$tmp/key"
	is 'a partition of half of a mirror' "$rc" 2
	ok '... its disk is named' grep -q "remove that signature: wipefs -a -t [a-z_,]* $loop\$" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	must partx -d "$loop"
	must sh -c "$(sed -n 's/^.*remove that signature: //p' "$tmp/err")" > "$tmp/log"
	must partx -a "$loop"
	own prepare "${loop}p1" -o "$tmp/half" --key-file "$tmp/key"
	is '... no more, once that is removed' "$rc" 0
	must partx -d "$loop"
else
	skip 'a partition of a disk: no loop device here'
fi
test ! "$loop" || losetup -d "$loop"
tap_done
