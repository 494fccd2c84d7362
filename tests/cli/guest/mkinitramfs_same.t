#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkinitramfs_same.t - the same tree gives the same bytes, whoever makes the image, when and where; and
# whatever ends coco-mkinitramfs, an image that was there is there, and nothing else.
# Needs: cpio zstd xz depmod readelf setpriv
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/mkinitramfs.sh"

t=$tmp/tree
image=$tmp/image
made_up "$t"
mk --root="$t" -o "$image"
is 'premise: an image' "$rc" 0
before=$(sum=$(sha256sum < "$image") && echo "$sum")

# same NAME IMAGE: it has the bytes of the first.
same() {
	is "$1" "$rc" 0
	ok '... the same bytes' cmp "$image" "$2"
}

mk --root="$t/" -o "$tmp/2"
same 'once more' "$tmp/2"
must cp -r "$t" "$tmp/with blanks, and ünlike"
find "$tmp/with blanks, and ünlike" -exec touch -h -d '2001-02-03 04:05:06' {} +
cd "$tmp" || exit 99
mk --root='with blanks, and ünlike' --output '3 3'
same 'another folder, relative, other times' "$tmp/3 3"
(umask 077 && TZ=Asia/Kathmandu LC_ALL=C.UTF-8 LANG=C.UTF-8 XZ_OPT=--keep ZSTD_CLEVEL=1 ZSTD_NBTHREADS=4 TMPDIR=$tmp/work \
	bash "$mkinitramfs" --root="$t" -o "$tmp/4") > /dev/null && rc=0
same 'another umask, time zone, locale and shell' "$tmp/4"
find "$t" -type f -name '*.conf' -exec chmod 600 {} +
find "$t/usr/lib" -type f -exec chmod 444 {} +
mk --root="$t" -o "$tmp/5"
same 'other modes in the tree' "$tmp/5"
if [[ $(id -u) = 0 ]]; then
	find "$t" -type f -name '*.conf' -exec chmod 644 {} +
	must mkdir "$tmp/theirs"
	must chown 65534:65534 "$tmp/theirs"
	chmod 755 "$tmp"
	# The folder of the project may be closed to others.
	must cp "$mkinitramfs" "$bin" "$tmp/theirs/"
	rc=0
	(cd / && PATH=$tmp/theirs:$PATH TMPDIR=$tmp/theirs setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$tmp/theirs/coco-mkinitramfs" --root="$t" -o "$tmp/theirs/6") > "$tmp/out" 2> "$tmp/err" || rc=$?
	same 'another user' "$tmp/theirs/6"
	chmod 600 "$t/etc/coco-unlock/coco-unlock.conf.d"/*
	rc=0
	(cd / && PATH=$tmp/theirs:$PATH TMPDIR=$tmp/theirs setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$tmp/theirs/coco-mkinitramfs" --root="$t" -o "$tmp/theirs/7") > "$tmp/out" 2> "$tmp/err" || rc=$?
	ok 'who cannot read the tree gets no image' test "$rc" != 0 -a ! -e "$tmp/theirs/7"
	chmod 644 "$t/etc/coco-unlock/coco-unlock.conf.d"/*
fi
printf '# a remark\n' >> "$t/etc/coco-unlock/cocotab"
mk --root="$t" -o "$tmp/8"
ok 'control: another tree, other bytes' eval "test $rc = 0 && ! cmp -s '$image' '$tmp/8'"

# A signal at some moment. The tree is another one, so that the new image would be seen.
folder=$tmp/folder
must mkdir "$folder"
new=$(sha256sum < "$tmp/8")
killed=0 whole=0 strange=''
for delay in 0.01 0.1 0.2 0.3 0.35 0.4 0.5 0.6 0.7 0.8 1; do
	for signal in TERM INT HUP; do
		must cp "$image" "$folder/image"
		TMPDIR=$tmp/work timeout --foreground -s $signal "$delay" "$mkinitramfs" --root="$t" --force -o "$folder/image" \
			&> "$tmp/out"
		case $? in
			0) whole=$((whole + 1)) && wanted=$new ;;
			# It may have been about to print what it has written.
			*) killed=$((killed + 1)) && wanted="$before|$new" ;;
		esac
		[[ "|$wanted|" == *"|$(sha256sum < "$folder/image")|"* ]] || strange+=" $signal after $delay s: the image;"
		left=$(find "$folder" "$tmp/work" -mindepth 1 ! -path "$folder/image")
		[[ ! $left ]] || strange+=" $signal after $delay s: $left;"
		rm -rf "${folder:?}"/* "$tmp/work"/*
	done
done
ok "killed $killed times, $whole times too late" test "$killed" -ge 6
is '... each time the old image or the whole new one, and nothing else' "$strange" ''

# A full disk: files may have 20 blocks, and nobody dies of it.
must cp "$image" "$folder/image"
rc=0
(trap '' XFSZ && ulimit -f 20 && TMPDIR=$tmp/work exec "$mkinitramfs" --root="$t" --force -o "$folder/image") &> "$tmp/out" || rc=$?
ok 'a full disk' test "$rc" != 0
is '... the old image, and nothing else' "$(find "$folder" "$tmp/work" -mindepth 1) $(sha256sum < "$folder/image")" \
	"$folder/image $before"
tap_done
