#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tables.t - coco-secret encrypt on disks with other partitions: those of an MBR are taken by number,
# with every byte in its place; damage of a GPT is found before anything is written; and it is said
# what stays plain.
# Needs: cryptsetup python3 mke2fs mkswap sgdisk
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/encrypt.sh"

linux=0fc63daf-8483-4772-8e79-3d69d8477de4
id=11111111-0000-4000-8000-00000000000
printf '%s a secret of mine' "$canary" > mine
mbr() {
	"$top/tests/lib/mbr.py" "$@"
}
warns() {
	ok "$1" grep -qE "^coco-secret: warning: $2" err || sed 's/^/# /' err
}

# --- MBR: a loader in front, two partitions before the root, an extended one behind it.

head -c $((40 * mib)) /dev/urandom > disk
must mbr make disk 40 '2048s+1:83:active' 20+14:5 4+6:83 '35+1:83:active'
must mbr logical disk 22+2 26+3
must dd if=fs of=disk bs=1M seek=4 conv=notrunc status=none
must cp --preserve disk before
encrypt --secret-out key disk#3 new
is 'encrypts a primary partition' "$rc" 0
is '... the image is 16 MiB longer' "$(stat -c %s new)" $((56 * mib))
is '... the entries say where they are' "$(mbr show new)" "\
1 2048 2048 83 80
2 $((36 * 2048)) $((14 * 2048)) 5 0
3 $((4 * 2048)) $((22 * 2048)) 83 0
4 $((51 * 2048)) 2048 83 80"
is '... the logical ones have moved with theirs' "$(mbr chain new)" "\
$((38 * 2048)) $((2 * 2048))
$((42 * 2048)) $((3 * 2048))"
ok '... boot code and signature are the same' cmp -s -n 446 disk new
ok '... all before it is the same' cmp -s -i 512 -n $((4 * mib - 512)) disk new
ok '... all behind it is the same' cmp -s -i $((10 * mib)):$((26 * mib)) -n $((30 * mib)) disk new
"$top/tests/lib/volume.py" new $((4 * mib)) key plain "$fs_size"
ok '... the root decrypts' cmp -s plain fs
ok '... the image is as it was' cmp -s disk before
warns '... a loader that is found by its place' 'partition 4 moves, and is marked as bootable'
ok '... no such warning for one that stays' test "$(grep -c 'marked as bootable' err)" = 1
warns '... says that logical ones stay plain' 'partition 2 \(with logical ones\) stays plain'
rm -f new key
encrypt --secret mine --pbkdf minimal disk#5c0c0a7e-03 new
is 'by the UUID that the kernel gives it' "$rc" 0
run_prepare() {
	"$secret_bin" prepare new#3 --key-file mine -o table > out 2> err
}
ok '... prepare takes it' run_prepare
rc=0
"$secret_bin" verify new#5c0c0a7e-03 table > out || rc=$?
is '... verify, by that UUID' "$rc" 0
rm -f new table plain
refuses 'a partition that is not there' 3 "no partition 'root'" --secret mine disk#root new
refuses 'a logical partition' 2 "'5' is a logical one of an MBR" --secret mine disk#5 new
refuses 'the extended partition' 2 "'2' is a logical one of an MBR, or has only such" --secret mine disk#2 new
truncate -s 8M table-only
must mbr make table-only 8 4+2:83
refuses 'a disk with an MBR as a whole' 2 'it has a partition table' --secret mine table-only new
must mbr make outside 8 4+6:83
refuses 'an entry outside' 3 'lies outside of it' --secret mine outside#1 new
must mbr make overlap 16 4+6:83 8+2:83
refuses 'entries that overlap' 3 'partitions 1 and 2 overlap' --secret mine overlap#1 new
must mbr make itself 16 0s+6:83
refuses 'an entry that has the table in it' 3 'lies outside of it' --secret mine itself#1 new
# All there is in 32 bits, and 16 MiB more.
must mbr make far $((2097152 + 8)) 4+6:83 "$((0xffffffff - 30000))s+2048s:83"
must dd if=fs of=far bs=1M seek=4 conv=notrunc status=none
refuses 'a place that has no number' 2 'no numbers for places that far' --secret mine far#1 new
rm -f far outside overlap itself table-only disk before

# --- GPT.

make_gpt() {
	must "$top/tests/lib/gpt.py" make gpt 32 "4+6:$linux:${id}3:root" "10+1:$linux:${id}4:next"
	must dd if=fs of=gpt bs=1M seek=4 conv=notrunc status=none
}
total=$((32 * mib))
while read -r what at pattern; do
	make_gpt
	printf '\x55\x66\x77' | must dd of=gpt bs=1 seek="$at" conv=notrunc status=none
	must mv gpt "a 'gpt'"
	refuses "damage in the $what" 3 "the $pattern copy of its partition table" --secret-out k "a 'gpt'#1" new
	ok '... with the command that repairs it' grep -q "by sgdisk of the package gdisk: sgdisk -e 'a '.*gpt'.*'\$" err
	led=0
	sh -c "$(sed -n 's/.* package gdisk: //p' err)" > out 2>&1 || led=$?
	is '... which runs' "$led" 0
	encrypt --secret mine --pbkdf minimal "a 'gpt'#1" new
	is '... indeed' "$rc" 0
	rm -f new
done << EOF
first-header $((512 + 56)) first
first-entries $((1024 + 3)) first
second-header $((total - 512 + 56)) second
second-entries $((total - 512 - 16384 + 3)) second
EOF
# Where the end is missing, and where sgdisk would not see the table, it is not the way.
must "$top/tests/lib/gpt.py" make gpt 32 "4+6:$linux:${id}3:root" "10+$((total - 16896 - 10 * mib))B:$linux:${id}4:next"
must dd if=fs of=gpt bs=1M seek=4 conv=notrunc status=none
must truncate -s -512 gpt
refuses 'a disk without its last sector' 3 'no room behind its partitions: it is cut short' --secret mine gpt#1 new
must "$top/tests/lib/gpt.py" make gpt 32 --sector 4096 "4+6:$linux:${id}3:root"
must dd if=fs of=gpt bs=1M seek=4 conv=notrunc status=none
printf '\x55' | must dd of=gpt bs=1 seek=$((8192 + 3)) conv=notrunc status=none
refuses 'damage where sectors have 4096 bytes' 3 'the first copy of its partition table' --secret mine gpt#1 new
ok '... with a command that makes a device of it' grep -qF 'D=$(losetup --show -f -b 4096 gpt) && sgdisk -e $D' err
make_gpt
must truncate -s 24M gpt
refuses 'a disk cut behind its partitions' 3 'damaged, or the file is cut short' --secret mine gpt#1 new
led=0
sh -c "$(sed -n 's/.* package gdisk: //p' err)" > out 2>&1 || led=$?
encrypt --secret mine --pbkdf minimal gpt#1 new
is '... what is printed repairs it' "$led $rc" '0 0'
rm -f new
make_gpt
must truncate -s 40M gpt
encrypt --secret mine --pbkdf minimal gpt#1 new
is 'a disk that has grown behind its table' "$rc" 0
is '... has one at its end then' "$("$top/tests/lib/gpt.py" show new | wc -l)" 2
rm -f new
make_gpt
for at in 1027 $((total - 512 - 16384 + 3)); do
	printf '\x55\x66' | must dd of=gpt bs=1 seek="$at" conv=notrunc status=none
done
refuses 'damage in both' 3 'damaged, or the file is cut short' --secret mine gpt#1 new
ok '... and nothing that would write an empty table' test "$(grep -c sgdisk err)" = 0
make_gpt
printf '\0\0\0\0\0\0\0\0' | must dd of=gpt bs=1 seek=512 conv=notrunc status=none
refuses 'a GPT whose first header is gone' 3 'the first copy of its partition table' --secret mine gpt#1 new
make_gpt
printf '\0\1\1\0\x83\1\1\0\0\x20\0\0\0\x30\0\0' | must dd of=gpt bs=1 seek=462 conv=notrunc status=none
refuses 'a hybrid MBR' 2 'its GPT and its MBR both have partitions' --secret mine gpt#1 new
rm -f gpt "a 'gpt'"

# More partitions than are taken, which is no damage; a file system that has less room than it needs.
more=()
for n in {1..129}; do
	more+=(--new="$n:0:+1M")
done
must truncate -s 140M many
must sgdisk --resize-table=136 "${more[@]}" many > /dev/null
refuses 'too many partitions' 2 'has 129 partitions, and 128 are taken at most' --secret mine many#1 new
ok '... and says what to do' grep -q '; next: copy .* (sgdisk -d)$' err
must sgdisk --delete=2 many > /dev/null
must dd if=fs of=many bs=1M seek=1 count=1 conv=notrunc status=none
refuses '... but 128; it is cut short' 3 'larger than its place' --secret mine many#1 new
ok '... and says what to do' grep -q '; next: copy .*, or make the partition as large as that' err
rm -f many

# --- What stays plain beside a root, and what must.

must truncate -s 1M swap
must chmod 0600 swap
must mkswap swap &> /dev/null
must truncate -s 4M home
must mke2fs -q -F -t ext4 home &> /dev/null
must "$top/tests/lib/gpt.py" make gpt 40 "1+2:$linux:${id}1:esp" "4+6:$linux:${id}3:root" "10+1:$linux:${id}4:swap" \
	"12+4:$linux:${id}5:home" "20+17:$linux:${id}6:other" "38+1:$linux:${id}7:empty"
must sgdisk --typecode=1:ef00 gpt > /dev/null # what it is, others say
must dd if=fs of=gpt bs=1M seek=4 conv=notrunc status=none
must dd if=swap of=gpt bs=1M seek=10 conv=notrunc status=none
must dd if=home of=gpt bs=1M seek=12 conv=notrunc status=none
encrypt --secret mine --pbkdf minimal fs luks
must dd if=luks of=gpt bs=1M seek=20 count=17 conv=notrunc status=none
encrypt --secret mine --pbkdf minimal gpt#2 new
is 'a root beside others' "$rc" 0
warns '... says that swap leaks' 'partition 3 is swap and stays plain: .*keys included'
warns '... says that /home is the host'\''s' 'partition 4 \(ext4\) stays plain: the host can read and change'
is '... and no word on an encrypted one, an empty one, and the ESP' "$(grep -c warning: err)" 2
rm -f new luks
must truncate -s 2M home
must mke2fs -q -F -t ext4 home 2M &> /dev/null
must dd if=home of=gpt bs=1M seek=1 count=2 conv=notrunc status=none
refuses 'the ESP by its type' 2 'it is an EFI system partition' --secret mine gpt#1 new
# vfat FILE BITS: a file system with an EFI directory, as the Microsoft specification has it.
cat > vfat.py << 'END'
import struct, sys
wide = sys.argv[2] == "32"
fat = 1024 if wide else 64
boot = bytearray(512)
boot[:11] = b"\xeb\x58\x90mkfs.fat"
struct.pack_into("<HBHBHHBHHHII", boot, 11, 512, 1, 32 if wide else 8, 2, 0 if wide else 512, 0, 0xf8, 0 if wide else fat,
                 32, 64, 0, 80000 if wide else 16000)
if wide:
    struct.pack_into("<IHHIHH", boot, 36, fat, 0, 0, 2, 1, 6)
at = 66 if wide else 38
boot[at:at + 24] = b"\x29ABCDNO NAME    " + (b"FAT32   " if wide else b"FAT16   ")
boot[510:] = b"\x55\xaa"
root = ((32 if wide else 8) + 2 * fat) * 512
with open(sys.argv[1], "wb") as f:
    f.truncate((80000 if wide else 16000) * 512)
    f.write(boot)
    for n in range(2):
        f.seek(((32 if wide else 8) + n * fat) * 512)
        f.write(b"\xf8\xff\xff\x0f\xff\xff\xff\x0f\xff\xff\xff\x0f" if wide else b"\xf8\xff\xff\xff")
    f.seek(root + 32)
    f.write(sys.argv[3].encode().ljust(11) + b"\x10" + bytes(20))
END
for bits in 16 32; do
	must python3 vfat.py vfat "$bits" EFI
	refuses "a FAT$bits with an EFI directory" 2 'it is an EFI system partition' --secret mine vfat new
	refuses '... in place, too' 2 'it is an EFI system partition' --in-place --secret mine vfat
	must python3 vfat.py vfat "$bits" DATA
	encrypt --secret mine --pbkdf minimal vfat new
	is '... one with another is taken' "$rc" 0
	rm -f new vfat
done
must mbr make disk 24 1+6:ef 10+6:83
must dd if=fs of=disk bs=1M seek=1 conv=notrunc status=none
must dd if=fs of=disk bs=1M seek=10 conv=notrunc status=none
refuses 'the ESP of an MBR' 2 'it is an EFI system partition' --secret mine disk#1 new
encrypt --secret mine --pbkdf minimal disk#2 new
is 'the root beside it' "$rc" 0
tap_done
