# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154 # for the tests; from fixture.sh
#
# mkinitramfs.sh - a root tree of made-up programs, libraries and kernel modules, and
# coco-mkinitramfs on it. Source it after fixture.sh.

mkinitramfs=$top/mkinitramfs/coco-mkinitramfs
kernel=6.1.2-made-up
moddir=/usr/lib/modules/$kernel
libdir=/usr/lib/made-up
PATH=${bin%/*}:$PATH
mkdir -p "$tmp/work"

# elf FILE SOURCE [OPTION...]: a program or library that is linked with nothing but the options.
elf() {
	local file=$1 source=$2
	shift 2
	must mkdir -p "${file%/*}"
	must "${CC:-cc}" -x c -O0 -nostdlib -fno-stack-protector -o "$file" - -x none \
		-Wl,--no-as-needed,--unresolved-symbols=ignore-in-shared-libs "$@" <<< "$source"
}

# library TREE NAME SOURCE [OPTION...]
library() {
	local file=$1$libdir/$2 soname=$2 source=$3
	shift 3
	elf "$file" "$source" -shared -fPIC -Wl,-soname,"${soname##*/}" "$@"
}

# module TREE FOLDER NAME [SYMBOL... [+SYMBOL... KEY=VALUE...]]: a module that needs these symbols, offers
# those with a +, and says this of itself.
module() {
	local dir=$1$moddir/kernel/$2 name=$3 word nr=0 source
	shift 3
	source='#define S(name) __attribute__((section(name), used)) static const char'
	for word; do
		source+=$'\n'
		case $word in
			+*)
				source+="S(\"__ksymtab_strings\") s$((nr += 1))[] = \"${word#+}\"; "
				source+="int ${word#+}(void) { return 0; }"
				;;
			*=*) source+="S(\".modinfo\") s$((nr += 1))[] = \"$word\";" ;;
			*) source+="int $word(void); int use_$word(void) { return $word(); }" ;;
		esac
	done
	must mkdir -p "$dir"
	must "${CC:-cc}" -x c -O0 -fno-stack-protector -c -o "$dir/$name.ko" - <<< "$source"
}

# pack TREE PATH PROGRAM SUFFIX: compresses a module, as modules.dep then names it.
pack() {
	must "$3" -q "$1$moddir/kernel/$2"
	rm -f "$1$moddir/kernel/$2"
	must sed -i "s,kernel/$2\>,&$4,g" "$1$moddir/modules.dep"
}

# made_up DIR: the tree.
made_up() {
	local d=$1
	must mkdir -p "$d"/{boot,dev,etc/coco-unlock/coco-unlock.conf.d,usr/{bin,sbin,lib64,lib/coco-unlock}}
	must mkdir -p "$d$libdir/own"
	for name in bin sbin lib lib64; do must ln -s usr/$name "$d/$name"; done
	library "$d" libc.so.6 'int pthread_exit(void) { return 0; }'
	library "$d" libgcc_s.so.1 ''
	must mv "$d$libdir/libc.so.6" "$d$libdir/libc-2.so"
	must ln -s libc-2.so "$d$libdir/libc.so.6"
	library "$d" libdeep.so.3 'int pthread_exit(void); int deep(void) { return pthread_exit(); }' \
		"$d$libdir/libc.so.6"
	library "$d" own/libown.so 'int own(void) { return 0; }'
	library "$d" libfirst.so.1 'int deep(void), own(void); int first(void) { return deep() + own(); }' \
		"$d$libdir/libdeep.so.3" -L"$d$libdir/own" -lown -Wl,-rpath,'${ORIGIN}/own'
	must cp "$d$libdir/libc.so.6" "$d$libdir/ld-made-up.so.9"
	# An absolute link: below the tree, not below the root of the machine that builds.
	must ln -s "$libdir/ld-made-up.so.9" "$d/usr/lib64/ld-made-up.so"
	elf "$d/usr/bin/coco-unlock" "int first(void); int main(void) { return first(); }
		const char version[] = \"$("$bin" --version)\";" -e main -pie -fPIE \
		-Wl,--dynamic-linker=/lib64/ld-made-up.so \
		"$d$libdir/libfirst.so.1" "$d$libdir/libc.so.6"
	for name in e2fsck lvm; do
		library "$d" lib$name.so.1 "int $name(void) { return 0; }"
		elf "$d/usr/sbin/$name" "int $name(void); int main(void) { return $name(); }" -e main -pie -fPIE \
			-Wl,--dynamic-linker=/lib64/ld-made-up.so "$d$libdir/lib$name.so.1"
	done
	elf "$d$stub" 'int main(void) { return 0; }' -static -e main
	printf 'root /dev/vda -\n' > "$d/etc/coco-unlock/cocotab"
	printf 'version=1\nvolume=root\nmin-generation=0\n' > "$d/etc/coco-unlock/policy"
	printf '[Root]\nType=ext4\n' > "$d/etc/coco-unlock/coco-unlock.conf"
	printf '[Unlock]\nTimeout=70s\n' > "$d/etc/coco-unlock/coco-unlock.conf.d/some time.conf"

	module "$d" drivers/virtio virtio +virtio_register
	module "$d" drivers/block virtio_blk virtio_register
	module "$d" drivers/ata ahci
	module "$d" fs/jbd2 jbd2 +jbd2_start
	module "$d" fs/ext4 ext4 jbd2_start alias=fs-ext4 'softdep=pre: crc32c post: after-ext4'
	module "$d" fs/other other alias=fs-otherfs softdep=post:\ ext4
	module "$d" lib crc32c-one alias=crc32c
	module "$d" lib after-ext4 'softdep=pre: ext4'
	module "$d" drivers/md dm-mod +dm_register
	module "$d" drivers/md dm-crypt dm_register
	module "$d" drivers/md dm-integrity dm_register
	module "$d" crypto xts alias=crypto-xts 'softdep=pre: ecb'
	module "$d" crypto ecb alias=crypto-ecb
	module "$d" crypto aes_fast alias=crypto-aes
	module "$d" crypto authenc alias=crypto-authenc
	module "$d" secret coco_secret
	printf 'kernel/crypto/%s.ko\n' aes_generic hmac sha256 nvme > "$d$moddir/modules.builtin"
	printf '%s\0' aes_generic.alias=crypto-aes hmac.alias=crypto-hmac sha256.alias=crypto-sha256 \
		> "$d$moddir/modules.builtin.modinfo"
	: > "$d$moddir/modules.order"
	must depmod -b "$d" "$kernel"
	pack "$d" fs/ext4/ext4.ko zstd .zst
	pack "$d" fs/jbd2/jbd2.ko xz .xz
	pack "$d" drivers/block/virtio_blk.ko gzip .gz
}
stub=/usr/lib/coco-unlock/init

# mk OPTION...: sets rc; output in $tmp/out and $tmp/err.
mk() {
	rc=0
	TMPDIR=$tmp/work "$mkinitramfs" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
}

# names IMAGE: its files, without folders.
names() {
	zstd -dcq "$1" | cpio -tv --quiet | awk '$1 !~ /^d/ { print $9 }'
}

# content IMAGE FILE
content() {
	zstd -dcq "$1" | cpio -i --quiet --to-stdout "$2"
}

# modules IMAGE: names of the modules in it, in one line.
modules() {
	names "$1" | sed -nE 's,.*/([^/]*)\.ko$,\1,p' | sort | xargs
}
