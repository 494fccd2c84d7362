#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkinitramfs.t - what coco-mkinitramfs puts into an image, that the same tree gives the same bytes,
# what it refuses, and that an image that is there stays until the new one is whole.
# Needs: cpio zstd xz depmod readelf
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/mkinitramfs.sh"

t="$tmp/a tree"
image=$tmp/image
made_up "$t"
conf=$t/etc/coco-unlock/coco-unlock.conf

# conf LINE...: the configuration.
conf() {
	printf '%s\n' "$@" > "$conf"
}

# What is in it.
mk --root="$t" -o "$image"
is 'an image' "$rc $(cat "$tmp/err")" '0 '
is '... with its file, size and SHA-256' "$(cat "$tmp/out")" \
	"$image: $(stat -c %s "$image") bytes, SHA-256 $(sha256sum < "$image" | cut -d' ' -f1)"
is '... readable for all' "$(stat -c %a "$image")" 644
is '... and nothing beside it' "$(ls -A "$tmp/work") $(find "$tmp" -name 'image*')" " $image"
is '... all of it' "$(names "$image" | grep -v "^usr/lib/modules/")" 'bin
etc/coco-unlock/coco-unlock.conf
etc/coco-unlock/coco-unlock.conf.d/some
etc/coco-unlock/cocotab
etc/coco-unlock/policy
init
lib
lib64
sbin
usr/bin/coco-unlock
usr/lib/coco-unlock/modules
usr/lib/made-up/libc.so.6
usr/lib/made-up/libdeep.so.3
usr/lib/made-up/libfirst.so.1
usr/lib/made-up/libgcc_s.so.1
usr/lib/made-up/own/libown.so
usr/lib64/ld-made-up.so'
is '... owners, modes and times' "$(zstd -dcq "$image" | cpio -tvn --quiet | awk '{ print $1, $3, $4, $6, $7, $8 }' | sort -u)" \
	"$(printf '%s 0 0 Jan 1 1970\n' -rw-r--r-- -rwxr-xr-x drwxr-xr-x lrwxrwxrwx)"
is '... programs, and no other, can be run' \
	"$(zstd -dcq "$image" | cpio -tv --quiet | awk '/^-..x/ { print $9 }' | grep -v '/lib' | xargs)" 'init usr/bin/coco-unlock'
is '... empty folders' "$(zstd -dcq "$image" | cpio -t --quiet | grep -E '^(dev|proc|run|sys|sysroot)' | xargs)" 'dev proc run sys sysroot'
ok '... /init is the stub' cmp -s "$t$stub" <(content "$image" init)
ok '... a link became what it names' cmp -s "$t$libdir/libc-2.so" <(content "$image" "${libdir#/}/libc.so.6")

# Modules.
is 'modules: what a boot needs, and what that needs softly' "$(modules "$image")" \
	'aes_fast after-ext4 coco_secret crc32c-one dm-crypt dm-mod ecb ext4 jbd2 virtio virtio_blk xts'
is '... those that are loaded at the start, in order' "$(content "$image" usr/lib/coco-unlock/modules | xargs)" \
	'crc32c_one jbd2 ext4 after_ext4'
must mkdir "$tmp/x"
(cd "$tmp/x" && zstd -dcq "$image" | cpio -id --quiet)
for name in fs/ext4/ext4 fs/jbd2/jbd2 drivers/block/virtio_blk; do
	case $(cd "$t$moddir/kernel" && ls $name*) in
		*.zst) zstd -dcq "$t$moddir/kernel/$name.ko.zst" ;;
		*.xz) xz -dc "$t$moddir/kernel/$name.ko.xz" ;;
		*.gz) gzip -dc "$t$moddir/kernel/$name.ko.gz" ;;
	esac > "$tmp/ko"
	ok "... $name without its compression" cmp -s "$tmp/ko" "$tmp/x$moddir/kernel/$name.ko"
done
is '... modprobe finds them, and what they need' "$(modprobe -d "$tmp/x" -C "$tmp/none" -S $kernel -D virtio_blk |
	sed 's,.*/,,' | xargs)" 'virtio.ko virtio_blk.ko'
ok '... and by an alias' grep -q '/aes_fast.ko' <(modprobe -d "$tmp/x" -C "$tmp/none" -S $kernel -D crypto-aes)
is '... and their soft needs' "$(grep -c '^softdep' "$tmp/x$moddir/modules.softdep")" 3
is '... no index of what is not there' "$(grep -c ahci "$tmp/x$moddir"/modules.* | grep -v ':0')" ''

conf '[Root]' Type=ext4 '[Image]' Modules=ahci
mk --root="$t" --force -o "$image"
is 'Modules= adds' "$rc $(modules "$image" | tr ' ' '\n' | grep -E '^(ahci|virtio)' | xargs)" '0 ahci virtio virtio_blk'
conf '[Root]' Type=ext4 '[Image]' Modules= 'Modules=ahci nvme'
mk --root="$t" --force -o "$image"
is '... and an empty value takes the list away; what is built in is there' \
	"$rc $(content "$image" usr/lib/coco-unlock/modules | xargs)" '0 ahci crc32c_one jbd2 ext4 after_ext4'
conf '[Root]' Type=ext4 '[Unlock]' FailureAction=rescue RescueKey=BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY=
mk --root="$t" --force -o "$image"
is 'a rescue brings no program, and no word of it' "$rc $(cat "$tmp/err")$(zstd -dcq "$image" | cpio -tv --quiet |
	awk '/^-..x/ { print $9 }' | grep -v '/lib' | xargs)" '0 init usr/bin/coco-unlock'
must rm -r "$tmp/x"
must mkdir "$tmp/x"
(cd "$tmp/x" && zstd -dcq "$image" | cpio -id --quiet)
is "... and its challenges have the tree's digest" "$("$bin" --root="$tmp/x" check --config | grep '^Digest=')" \
	"$("$bin" --root="$t" check --config | grep '^Digest=')"
conf '[Root]' Type=otherfs 'Usr=/dev/mapper/root ext4'
mk --root="$t" --force -o "$image"
is 'file systems of root and /usr, by an alias' "$rc $(content "$image" usr/lib/coco-unlock/modules | xargs)" \
	'0 other crc32c_one jbd2 ext4 after_ext4'
printf 'root /dev/vda - integrity=hmac-sha256\n' > "$t/etc/coco-unlock/cocotab"
mk --root="$t" --force -o "$image"
is 'integrity' "$rc $(modules "$image" | tr ' ' '\n' | grep -E '^(dm|authenc)' | xargs)" '0 authenc dm-crypt dm-integrity dm-mod'
printf 'root /dev/vda -\n' > "$t/etc/coco-unlock/cocotab"
conf '[Root]' Type=ext4 Fsck=yes
mk --root="$t" --force -o "$image"
is 'Fsck=yes: e2fsck and its library' "$rc $(names "$image" | grep -E 'e2fsck|lvm' | xargs)" '0 usr/lib/made-up/libe2fsck.so.1 usr/sbin/e2fsck'
conf '[Root]' Type=ext4 Device=/dev/vg/root
mk --root="$t" --force -o "$image"
is 'a logical volume: lvm and its library' "$rc $(names "$image" | grep -E 'e2fsck|lvm' | xargs)" '0 usr/lib/made-up/liblvm.so.1 usr/sbin/lvm'
conf '[Root]' Type=ext4 Device=/dev/mapper/root
mk --root="$t" --force -o "$image"
is 'a mapping of ours: no lvm' "$rc $(names "$image" | grep lvm)" '0 '

# --list.
conf '[Root]' Type=ext4 Device=/dev/vg/root Fsck=yes
before=$(snapshot "$t")
mk --root="$t" --list
is '--list' "$rc $(cat "$tmp/err")" '0 '
is '... writes nothing' "$(snapshot "$t")" "$before"
why() {
	awk -v path="$1" '$3 == path { $1 = $2 = $3 = ""; sub(/^ */, ""); print }' "$tmp/out"
}
is '... why a library' "$(why $libdir/libdeep.so.3)" 'library of libfirst.so.1'
is '... that nobody names' "$(why $libdir/libgcc_s.so.1)" 'library of libdeep.so.3, when it ends a thread'
is '... why a module' "$(why $moddir/kernel/drivers/virtio/virtio.ko)" 'module: needed by virtio_blk'
is '... softly' "$(why $moddir/kernel/crypto/ecb.ko)" 'module: softly needed by xts'
is '... of a cipher' "$(why $moddir/kernel/crypto/xts.ko)" 'module: cipher aes-xts-plain64'
is '... the configuration' "$(why /etc/coco-unlock/cocotab)" configuration
is '... what each part weighs' "$(awk '/^$/ { on = 1 } on && NF' "$tmp/out" | sed -E 's/^ *[0-9]* +[0-9]+  //')" 'LVM
configuration
e2fsck
kernel modules
the program and its libraries
all
the whole image, packed as one'
mk --root="$t" --force -o "$image"
is '... and its size' "$(stat -c %s "$image")" "$(TMPDIR=$tmp/work "$mkinitramfs" --root="$t" --list | awk '/whole image/ { print $1 }')"
is '... every file of the image' "$(TMPDIR=$tmp/work "$mkinitramfs" --root="$t" --list |
	awk '/^$/ { exit } NR > 1 { print substr($3, 2) }' | sort)" "$(names "$image" | grep -vE '^(s?bin|lib|lib64)$' | sort)"
tap_done
