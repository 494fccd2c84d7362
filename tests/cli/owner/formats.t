#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# formats.t - what is no raw disk is named and not touched, by every verb that takes one; and the
# command that is printed makes the raw disk of it, also where a name has blanks and quotes.
# Needs: cryptsetup python3 mke2fs qemu-img xz zstd bzip2 lz4
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/encrypt.sh"

printf '%s a secret of mine' "$canary" > mine
name="a 'b' \$c,d"

# next_step: what the last run has said that is to be done next.
next_step() {
	sed -n 's/.*; next: //p' err
}

# converts NAME PATTERN [--] FILE: refused with the format's name; the printed command makes the raw disk.
converts() {
	local name=$1 pattern=$2 file=${*: -1}
	refuses "$name" 3 "no raw disk, but an image or file of the format $pattern" --secret mine "${@:3}" out-of-it
	before=$(find . -mindepth 1 | sort)
	ok '... the command runs' sh -c "$(next_step)" || next_step | sed 's/^/# /'
	made=$(find . -mindepth 1 | grep -vxF "$before")
	ok "... it makes the disk: $made" is_disk "$made" "$file"
	rm -f "$made"
}

# is_disk FILE SOURCE: the disk and nothing else; formats that count in larger units have zeros behind it.
is_disk() {
	[[ $1 && -e $1 ]] && cmp -s -n "$fs_size" "$1" fs && size=$(stat -c %s "$1") &&
		((size >= fs_size && size <= fs_size + 1048576)) &&
		[[ $(tail -c +$((fs_size + 1)) "$1" | tr -d '\0' | wc -c) == 0 ]]
}

for format in qcow2 qcow vmdk vdi vhdx qed parallels; do
	must qemu-img convert -O "$format" fs "$name.$format"
	case $format in
		qcow | qcow2) shown=$format ;;
		qed | vmdk | vdi | vhdx) shown=${format^^} ;;
		parallels) shown=Parallels ;;
	esac
	converts "$format" "$shown" "$name.$format"
	rm -f "$name.$format"
done
must qemu-img convert -O qcow2 -o compat=0.10 fs ./nbd:old.qcow2
converts 'an old qcow2' qcow2 nbd:old.qcow2
must qemu-img convert -O vmdk -o subformat=monolithicFlat fs flat.vmdk
converts 'a descriptor of VMware' VMDK flat.vmdk
must qemu-img convert -O vmdk -o subformat=streamOptimized fs stream.vmdk
converts 'a VMDK as a stream' VMDK stream.vmdk
rm -f ./*.vmdk ./*.qcow2
for program in gzip xz zstd bzip2 lz4; do
	case $program in
		gzip) shown=gzip suffix=gz ;;
		xz) shown=xz suffix=xz ;;
		zstd) shown=Zstandard suffix=zst ;;
		bzip2) shown=bzip2 suffix=bz2 ;;
		lz4) shown=LZ4 suffix=lz4 ;;
	esac
	"$program" -c < fs > "$name.img.$suffix"
	converts "what $program has made" "$shown" "$name.img.$suffix"
	must mv "$name.img.$suffix" 'x: y'
	converts '... with another name' "$shown" 'x: y'
	rm -f 'x: y'
done
must cp fs disk.raw
must tar -cf disk.tar disk.raw
rm -f disk.raw
converts 'a tar archive' tar disk.tar
rm -f disk.tar

# --- VHD: with a footer alone, and with a copy of it in front.

for sub in fixed dynamic; do
	must qemu-img convert -O vpc -o "subformat=$sub,force_size=on" fs "$name.vhd"
	converts "a VHD, $sub" "VHD \\($sub" "$name.vhd"
	rm -f "$name.vhd"
	# QEMU itself takes the size from the geometry if this one has made it, or says to have.
	must qemu-img convert -O vpc -o "subformat=$sub" fs x.vhd
	converts "a VHD with a geometry, $sub" "VHD \\($sub" x.vhd
	rm -f x.vhd
done
# footer FILE SIZE CREATOR TYPE [FLIP]: as "Virtual Hard Disk Image Format Specification" has it.
cat > footer.py << 'END'
import struct, sys
size, creator, kind, flip = int(sys.argv[2]), sys.argv[3].encode(), int(sys.argv[4]), len(sys.argv) > 5
f = bytearray(struct.pack(">8sIIQI4sI4sQQHBBII16sB", b"conectix", 2, 0x10000, 2**64 - 1, 0, creator, 0x10000, b"Wi2k",
                          size, size, 2, 3, 17, kind, 0, b"u" * 16, 0).ljust(512, b"\0"))
f[64:68] = struct.pack(">I", ~sum(f) & 0xffffffff)
f[100] ^= flip
open(sys.argv[1], "ab").write(f)
END
for creator in 'win ' 'vpc ' 'wa'; do
	must cp fs disk.vhd
	must python3 footer.py disk.vhd "$fs_size" "$creator" 2
	converts "a fixed VHD of '$creator', whose geometry is smaller" 'VHD \(fixed' disk.vhd
done
must truncate -s -1 disk.vhd
converts 'a fixed VHD with a footer of 511 bytes' 'VHD \(fixed' disk.vhd
must cp fs disk.raw
converts 'a VHD whose raw disk has its name taken' 'VHD \(fixed' disk.vhd
ok '... which stays' cmp -s disk.raw fs
rm -f disk.vhd disk.raw
: > difference.vhd
must python3 footer.py difference.vhd "$fs_size" 'win ' 4
must cat fs >> difference.vhd
refuses 'a differencing VHD' 3 'VHD \(differencing\)' --secret mine difference.vhd x
ok '... says what is to be done' grep -qF 'merge it into its parent' err
rm -f difference.vhd

# --- What only looks like one is taken.

must cp fs like
must python3 footer.py like "$fs_size" 'win ' 2 flip
encrypt --secret mine --pbkdf minimal like x
is 'a disk that ends as a VHD does, but for the checksum' "$rc" 0
plain x 0 mine
ok '... all of it is encrypted' cmp -s plain like
rm -f x like plain
head -c 1000 /dev/zero > small
refuses 'less than a sector' 2 'no file system is found' --secret mine small x
long=$(printf '%0250d' 0)
must gzip -c fs > "$long"
refuses 'a file with a long name' 3 'the format gzip' --secret mine "$long" x
ok '... shows the whole command' grep -qF "next: gzip -dc < $long > " err
must mv "$long" $'a\t"b'
refuses 'a file with a control character in its name' 3 'the format gzip' --secret mine $'a\t"b' x
ok '... names the program' grep -qF 'make a raw disk of it with gzip' err
must mv $'a\t"b' $'\xc3\xa9"b'
refuses 'a file with an odd name' 3 'the format gzip' --secret mine $'\xc3\xa9"b' x
ok '... shows the whole command' grep -qF $'next: gzip -dc < \'\xc3\xa9"b\' > ' err
rm -f $'\xc3\xa9"b' small
# What begins with a dash is no option of the program that is named.
must qemu-img convert -O qcow2 fs ./-v
converts 'a name with a dash' qcow2 -- -v
rm -f ./-v
must "$top/tests/lib/gpt.py" make ./-v 8 1+6:0fc63daf-8483-4772-8e79-3d69d8477de4:11111111-0000-4000-8000-000000000001:root
must dd if=fs of=./-v bs=1M seek=1 conv=notrunc status=none
must dd if=/dev/zero of=./-v bs=512 seek=$((16384 - 1)) count=1 conv=notrunc status=none
refuses 'a damaged GPT in one' 3 '' --secret mine -- -v#1 x
ok '... says how to repair it' grep -q 'gdisk: sgdisk -e ./-v$' err
rm -f ./-v

# --- Every verb. An encrypted disk, too, is a VHD if it has the footer.

encrypt --secret mine --pbkdf minimal fs luks
must cp luks luks.vhd
must python3 footer.py luks.vhd "$(stat -c %s luks)" 'win ' 2
must qemu-img convert -O qcow2 luks luks.qcow2
"$secret_bin" prepare luks --key-file mine -o table > /dev/null 2>&1
must test -e table
must sha256sum luks.vhd luks.qcow2 table > sums

# verb CODE ARGUMENT...: refuses both, and changes nothing.
verb() {
	local code=$1 image shown
	shift
	for image in luks.vhd luks.qcow2; do
		[[ $image == *.vhd ]] && shown='VHD (fixed' || shown=qcow2
		rc=0
		"$secret_bin" "${@//IMAGE/$image}" > out 2> err < /dev/null || rc=$?
		is "$1 of $image" "$rc" "$code"
		ok '... names the format' grep -qF "$image: it is no raw disk, but an image or file of the format $shown" err
		ok '... in one line' test "$(wc -l < err)" = 1
		ok '... and changes nothing' sha256sum --quiet -c sums
	done
}

verb 3 encrypt --secret mine IMAGE x
verb 3 encrypt --secret-out k IMAGE x
verb 3 encrypt --secret mine IMAGE#1 x
verb 3 encrypt --in-place --secret-out k IMAGE
verb 3 prepare IMAGE --key-file mine -o x
verb 4 verify IMAGE table
verb 3 rotate IMAGE --table table -o x
verb 3 status IMAGE --table table
verb 3 repair IMAGE
verb 3 recovery IMAGE --key-file mine
ok 'nothing was made' test ! -e x -a ! -e k
tap_done
