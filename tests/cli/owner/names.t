#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# names.t - coco-secret verify foresees what verify-root will say of names on the volume's own image: it decrypts where
# they stand. What is a claim, and what is none, is in unit/rootfs/verify.c.
# Needs: cryptsetup mke2fs python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

linux=0fc63daf-8483-4772-8e79-3d69d8477de4
uuid=eeeeeeee-0000-4000-8000-0000000000e1
other=eeeeeeee-0000-4000-8000-0000000000e2
image="an image's"
mib=$((1024 * 1024))

# ext4 FILE UUID LABEL
ext4() {
	must truncate -s 4M "$1"
	must mke2fs -q -F -t ext4 -b 4096 -O ^has_journal -U "$2" -L "$3" "$1"
}

# fat FILE LABEL: as much of FAT12 as libblkid looks at.
fat() {
	must python3 -IS - "$1" "$2" << 'EOF'
import struct, sys
boot = bytearray(b"\xeb\x3c\x90mkfs.fat" + struct.pack("<HBHBHHBH", 512, 1, 1, 1, 16, 128, 0xf8, 1)).ljust(512, b"\0")
boot[38], boot[43:62], boot[510:] = 0x29, b"NO NAME    FAT12   ", b"\x55\xaa"
with open(sys.argv[1], "wb") as f:
    f.write(boot + b"\xf8\xff\xff".ljust(512, b"\0") + (sys.argv[2].encode().ljust(11) + b"\x08").ljust(512, b"\0"))
EOF
}

# put FILE PARTITION: 1 is at 1 MiB, 2 behind the volume of 20 MiB.
put() {
	must dd if="$1" of="$image" bs=1M seek=$(($2 == 1 ? 1 : 29)) conv=notrunc status=none
}

ext4 root "$uuid" system
must python3 "$top/tests/lib/gpt.py" make plain 40 "1+8:$linux:11111111-0000-4000-8000-000000000001:first" \
	"9+4:$linux:11111111-0000-4000-8000-000000000002:root" "13+8:$linux:11111111-0000-4000-8000-000000000003:last"
must dd if=root of=plain bs=1M seek=9 conv=notrunc status=none

# made [OPTION...]: the image and its table.
make_image() {
	must rm -f made key table
	run encrypt plain#2 made --secret-out key "$@"
	[[ $rc == 0 ]] || cat err
	run prepare made#2 -o table --key-file key
	must cp --sparse=always made "$image"
}

# says NAME CODE PATTERN
says() {
	run verify "$image#2" table
	is "$1" "$rc" "$2"
	ok "... says: $3" grep -qE "$3" out || sed 's/^/# /' out err
}

for size in 512 4096; do
	make_image --sector-size "$size"
	says "sectors of $size: an image without names elsewhere" 0 '^boot +opens volume root'
	fat esp system
	put esp 1
	says '... an ESP with the label of the root' 31 \
		"^boot +FAILED code=31 name=root-confusion reason=.partition 1 claims the label 'system' of the volume 'root'"
	must cp --sparse=always made "$image"
done
run verify --json "$image#2" table
is 'no failure, no advice' "$(json result)" ok

put esp 1
run verify --json "$image#2" table
command=$(json next)
is '... with a command that runs in a shell' "$command" \
	"L=\$(losetup -f --show -o $mib --sizelimit $((8 * mib)) 'an image'\\''s') && fatlabel \$L EFI; losetup -d \$L"
run status "$image#2" --table table
is '... and status has it, too' "$(sed -n 's/^next   //p' out)" "$command"
# Whoever may not make a loop device still sees what would be done to which bytes.
losetup() {
	case $1 in
		-f) [[ "$*" == "-f --show -o $mib --sizelimit $((8 * mib)) $image" ]] && echo device ;;
		-d) echo "gone $2" > loop ;;
	esac
}
fatlabel() {
	[[ $1 == device ]] && fat esp "$2" && put esp 1
}
eval "$command"
is '... it comes to its end' "$(cat loop)" 'gone device'
says '... and leads on' 0 '^boot +opens volume root'

ext4 boot "$other" system
put boot 2
says 'another file system with the label' 31 "partition 3 claims the label 'system'.*e2label"
ext4 boot "$uuid" boot
put boot 2
says '... with the UUID' 31 "partition 3 claims the UUID '$uuid' of the volume 'root'.*next=.give the file system in partition 3 another UUID;"
ext4 boot "$other" boot
put boot 2
says '... with neither' 0 '^boot +opens volume root'
must dd if=made of=part bs=1M skip=9 count=20 status=none
id=$(cryptsetup luksUUID part)
ext4 boot "$id" boot
put boot 2
says '... with the UUID of the LUKS header' 31 "partition 3 claims the UUID '$id' of the LUKS header of the volume 'root'"

# A header with the name of its content, as systemd-repart makes it.
must cryptsetup config -q --label system part
must dd if=part of=made bs=1M seek=9 conv=notrunc status=none
must rm table
run prepare made#2 -o table --key-file key
must cp --sparse=always made "$image"
says 'a LUKS header with the label of the root' 0 '^boot +opens volume root'
fat esp system
put esp 1
says '... and an ESP' 31 "partition 1 claims the label 'system'"
tap_done
