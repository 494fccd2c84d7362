#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# encrypt.t - coco-secret encrypt: every byte is there and encrypted, judged without
# libcryptsetup and libfdisk; the unlocker takes it; and nothing is lost at any point.
# Needs: cryptsetup python3 mke2fs mkswap
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/encrypt.sh"

linux=0fc63daf-8483-4772-8e79-3d69d8477de4
esp=c12a7328-f81f-11d2-ba4b-00a0c93ec93b
bios=21686148-6449-6e6f-744e-656564454649

# --- A whole image.

encrypt --secret-out key fs new
is 'encrypts a whole image' "$rc" 0
is '... which is 16 MiB longer' "$(stat -c %s new)" $((fs_size + 16 * mib))
is '... for its owner only' "$(stat -c %a new key | sort -u)" 600
ok '... the secret has 64 digits and nothing else' grep -qzxE '[0-9a-f]{64}' key
ok '... which are nowhere else' test "$(cat out err | grep -cF "$(cat key)")" = 0
plain new 0 key
ok '... decrypts to the image, without libcryptsetup' cmp -s plain fs
ok '... and the image is as it was' sha256sum --quiet -c fs.sum
ok '... nothing in it is plain' test "$(grep -caF "$canary" new)" = 0
ok '... no sector is empty or there twice: holes are encrypted' python3 -c '
import sys
data = open("new", "rb").read()[16 << 20:]
sectors = [data[i:i + 512] for i in range(0, len(data), 512)]
sys.exit(len(set(sectors)) != len(sectors) or bytes(512) in sectors)'
ok '... a header with one keyslot at the lowest cost' test "$("$top/tests/lib/volume.py" json new 0 |
	grep -cE '"iterations": 1000|"offset": "16777216"|"size": "dynamic"|"sector_size": 512')" = 5
ok '... says what comes next' grep -qx 'next: coco-secret prepare new --key-file key -o TABLE' out
ok '... plain lines of progress' grep -qE '^encrypt: 100 % of 6 MiB, [0-9]+ MiB/s$' err
ok '... nothing is left' test "$(echo ./*.coco-new)" = './*.coco-new'
ok 'cryptsetup opens it' cryptsetup open --disable-locks --test-passphrase --key-file key new

t=$tmp/t
tree "$t"
add_disk "$t" vda new
add_secret "$t" "$guid" key
run --root="$t" check
is 'the unlocker accepts the header' "$rc" 0
ok '... says so' grep -qE '^ok +root .*header accepted$' out
run --root="$t" unlock
is '... and unlocks it' "$rc" 0
rm -rf "$t"

encrypt --secret-out key2 fs new2
must cp key key2.first
ok 'another time, another key' test "$(cmp -s new new2 || cat key key2 | wc -c)" = 128
ok '... and other data' test "$(cmp -l -i 16777216 new new2 | head -n 1000 | wc -l)" = 1000
rm -f new2 key2 key2.first

must mke2fs -q -F -t ext4 -b 4096 -d content fs4k 6M &> /dev/null
encrypt --sector-size 4096 --secret-out key2 fs4k new2
is 'sectors of 4096 bytes' "$rc" 0
plain new2 0 key2
ok '... decrypt to the image' cmp -s plain fs4k
ok '... stand in the header' test "$("$top/tests/lib/volume.py" json new2 0 |
	grep -c '"sector_size": 4096')" = 1
rm -f new2 key2

printf '%s a secret of mine' "$canary" > mine
encrypt --secret mine --pbkdf minimal fs new2
is 'with a secret of my own' "$rc" 0
plain new2 0 mine
ok '... decrypts to the image' cmp -s plain fs
ok '... it is in no output' test "$(cat out err | grep -caF "$canary")" = 0
is '... no other secret is made' "$(grep -c 'secret that opens' out)" 0
rm -f new2
rc=0
"$secret_bin" encrypt --secret - --pbkdf minimal fs new2 > out 2> err < mine || rc=$?
plain new2 0 mine
ok '... from standard input, too' cmp -s plain fs
rm -f new2
for from in - /dev/stdin /dev/fd/0; do
	"$secret_bin" encrypt --secret "$from" --pbkdf minimal fs new2 > out 2> err < mine
	ok "... the next command has no name of it: $from" \
		grep -qx 'next, with the secret in KEYFILE: coco-secret prepare new2 --key-file KEYFILE -o TABLE' out
	rm -f new2
done
encrypt --secret mine fs new2
ok '... it is stretched, unless it is said that it need not be' \
	test "$("$top/tests/lib/volume.py" json new2 0 | grep -c '"type": "argon2id"')" = 1
rm -f new2
rc=0
script -qec "$secret_bin encrypt --secret mine --pbkdf minimal fs new2" /dev/null > out 2>&1 < /dev/null || rc=$?
ok 'on a terminal it draws a bar' grep -qE $'\r''encrypt \[#{24}\] 100 % of 6 MiB, [0-9]+ MiB/s' out
rm -f new2

# --- A partition.

must "$top/tests/lib/gpt.py" make disk 32 "1+2:$esp:11111111-0000-4000-8000-000000000001:esp:0x1" \
	"$((20 * mib + 512))B+$((3 * mib))B:$linux:11111111-0000-4000-8000-000000000002:home" \
	"4+6:$linux:11111111-0000-4000-8000-000000000003:root:0x0004000000000001" \
	"10+1:$linux:11111111-0000-4000-8000-000000000004:next"
must dd if=fs of=disk bs=1M seek=4 conv=notrunc status=none
head -c $((2 * mib)) /dev/urandom | must dd of=disk bs=1M seek=1 conv=notrunc status=none
head -c $((20 * mib)) /dev/urandom | must dd of=disk bs=1M seek=10 conv=notrunc iflag=fullblock status=none
must sha256sum disk > disk.sum

for name in 3 root 11111111-0000-4000-8000-000000000003; do
	encrypt --force --secret-out key2 "disk#$name" new2
	is "encrypts partition $name" "$rc" 0
	is '... the image is 16 MiB longer' "$(stat -c %s new2)" $((48 * mib))
done
is '... the tables are whole, and their partitions are in their new places' \
	"$("$top/tests/lib/gpt.py" show new2)" "\
1 $((1 * mib)) $((2 * mib)) $esp 11111111-0000-4000-8000-000000000001 esp 0x1
2 $((36 * mib + 512)) $((3 * mib)) $linux 11111111-0000-4000-8000-000000000002 home 0x0
3 $((4 * mib)) $((22 * mib)) $linux 11111111-0000-4000-8000-000000000003 root 0x4000000000001
4 $((26 * mib)) $((1 * mib)) $linux 11111111-0000-4000-8000-000000000004 next 0x0"
"$top/tests/lib/volume.py" new2 $((4 * mib)) key2 plain "$fs_size"
ok '... the root decrypts' cmp -s plain fs
ok '... what was before it is the same' cmp -s -i $mib -n $((3 * mib)) disk new2
ok '... what was behind it is the same' cmp -s -i $((10 * mib)):$((26 * mib)) -n $((20 * mib)) disk new2
ok '... the image is as it was' sha256sum --quiet -c disk.sum
ok '... names the partition' grep -qx "next: coco-secret prepare 'new2#3' --key-file key2 -o TABLE" out
must dd if=new2 of=part bs=1M skip=4 count=22 status=none
ok '... cryptsetup opens it' cryptsetup open --disable-locks --test-passphrase --key-file key2 part
rm -f part new2

must "$top/tests/lib/gpt.py" make disk4k 32 --sector 4096 \
	"4+6:$linux:11111111-0000-4000-8000-000000000003:root" \
	"10+1:$bios:11111111-0000-4000-8000-000000000004:grub"
must dd if=fs4k of=disk4k bs=1M seek=4 conv=notrunc status=none
encrypt --force --secret-out key2 --sector-size 4096 disk4k#1 new2
is 'a table with sectors of 4096 bytes' "$rc" 0
is '... moves' "$("$top/tests/lib/gpt.py" show new2 --sector 4096 | cut -d ' ' -f 1-3 | tr '\n' ';')" \
	"1 $((4 * mib)) $((22 * mib));2 $((26 * mib)) $mib;"
ok '... warns of GRUB for BIOS' grep -qE '^coco-secret: warning: partition 2 moves, and GRUB' err
rm -f new2 key2 disk4k

# --- Refusals.

must mkdir directory
must dd if=disk of=cut bs=1M count=20 status=none
must dd if=fs of=short bs=1M count=5 status=none
must cp fs odd-byte
printf 'x' >> odd-byte
must truncate -s 1M blank
must truncate -s 1M swap
must chmod 0600 swap
must mkswap swap &> /dev/null
: > empty

refuses 'an encrypted image' 2 'encrypted already \(crypto_LUKS\)' --secret mine new x
refuses 'an image without a file system' 2 'no file system is found' --secret mine blank x
refuses 'an empty file' 2 'no file system is found' --secret mine empty x
refuses 'something else than a file system' 2 'a part of something else \(swap\)' --secret mine swap x
refuses 'an image with a partition table, but no partition named' 2 'it has a partition table' \
	--secret mine disk x
refuses 'a partition without a file system' 2 'no file system is found' --secret mine disk#1 x
refuses 'a partition that is not there' 3 "no partition '5'" --secret mine disk#5 x
refuses 'a partition 0' 3 "no partition '0'" --secret mine disk#0 x
refuses 'a partition of an image without a table' 3 'no partition table' --secret mine fs#1 x
refuses 'an image that is cut short' 3 'damaged, or the file is cut short' --secret mine cut#3 x
refuses 'a file system that is cut short' 3 'larger than its place' --secret mine short x
# Their superblocks, as their own tools write them; without its last sector a file is too short.
make_other() {
	case $1 in
		xfs) must truncate -s 300M xfs && must mkfs.xfs -q -f xfs ;;
		btrfs) must truncate -s 128M btrfs && must mkfs.btrfs -q -f btrfs > /dev/null ;;
	esac
	must cp --sparse=always "$1" "$1.short"
	must truncate -s -512 "$1.short"
}
for fs in xfs btrfs; do
	lacks "mkfs.$fs" && continue
	make_other "$fs"
	refuses "a $fs that is cut short" 3 "\($fs\) is larger than its place" --secret mine "$fs.short" x
done
# What is on another device would stay plain: not taken for a file system that is cut short, which it is none of.
if ! lacks mkfs.btrfs; then
	must truncate -s 200M btrfs-1
	must truncate -s 120M btrfs-2
	must mkfs.btrfs -q -f -d single -m raid1 btrfs-1 btrfs-2 &> /dev/null
	for image in btrfs-1 btrfs-2; do
		refuses "a btrfs of two devices, $image" 2 'a part of its file system \(btrfs\) is on another device' \
			--secret mine "$image" x
		refuses '... in place' 2 'is on another device' --in-place --secret mine "$image"
		ok '... says how that ends' grep -qF 'take the other devices out (btrfs device remove)' err
	done
	must truncate -s 100M btrfs-2
	refuses 'one of them that is cut short' 3 'larger than its place' --secret mine btrfs-2 x
fi
if ! lacks mkfs.xfs; then
	must truncate -s 300M xfs-log
	must truncate -s 64M log
	must mkfs.xfs -q -f -l logdev=log,size=64m xfs-log
	refuses 'an XFS with its log elsewhere' 2 'its file system \(xfs\) is on another device' --secret mine xfs-log x
	rm -f log
fi
must truncate -s 8M ext4-log ext4-none
must mke2fs -q -F -t ext4 ext4-log
printf '\0\0\0\0' | must dd of=ext4-log bs=1 seek=$((1024 + 0xe0)) conv=notrunc status=none
refuses 'an ext4 with its journal elsewhere' 2 'its file system \(ext4\) is on another device' --secret mine ext4-log x
ok '... says how that ends' grep -qF 'take its journal into it' err
must mke2fs -q -F -t ext4 -O ^has_journal ext4-none
encrypt --secret mine --pbkdf minimal ext4-none x
is 'an ext4 without a journal is taken' "$rc" 0
rm -f btrfs-? xfs-log ext4-log ext4-none x
# The sectors of the volume are no larger than what the file system asks for. As small as it gets.
if [[ -e xfs ]]; then
	must cp xfs xfs-4k
	must mkfs.xfs -q -f -s size=4096 xfs-4k
fi
for blocks in 1024 4096; do
	must truncate -s 8M "ext4-$blocks"
	must mke2fs -q -F -t ext4 -b "$blocks" "ext4-$blocks"
done
must cp ext4-4096 ext4-odd
head -c 512 /dev/zero >> ext4-odd
must truncate -s 8M squashfs
printf 'hsqs' | must dd of=squashfs conv=notrunc status=none
printf '\x04\0\0\0' | must dd of=squashfs bs=1 seek=28 conv=notrunc status=none
while read -r image sectors; do
	[[ -e $image ]] || continue # without its mkfs
	encrypt --secret mine --pbkdf minimal --force "$image" x
	is "takes a whole $image" "$rc" 0
	is '... with the sectors that it allows' "$(sectors x)" "$sectors"
	plain x 0 mine
	ok '... which decrypts to it' cmp -s plain "$image"
done << 'EOF'
ext4-1024 512
ext4-4096 4096
ext4-odd 512
xfs 512
xfs-4k 4096
btrfs 4096
squashfs 512
EOF
# What somebody asks for must be what the file system can live on; in place, too.
must mke2fs -q -F -t ext2 -b 2048 ext2-2048 8M
must truncate -s 8M vfat
printf '\xeb\x3c\x90mkfs.fat\0\x02\x04\x01\0\x02\0\x02\0\x40\xf8\x10\0' | must dd of=vfat conv=notrunc status=none
printf '\x29....NO NAME    FAT16   ' | must dd of=vfat bs=1 seek=38 conv=notrunc status=none
printf '\x55\xaa' | must dd of=vfat bs=1 seek=510 conv=notrunc status=none
printf '\xf8\xff\xff\xff' | must dd of=vfat bs=512 seek=1 conv=notrunc status=none
while read -r image pattern; do
	[[ -e $image ]] || continue
	refuses "sectors of 4096 bytes for $image" 2 "$pattern" --secret-out k --sector-size 4096 "$image" x
	refuses '... in place, too' 2 "$pattern" --in-place --secret-out k --sector-size 4096 "$image"
	rm -f x
	encrypt --secret-out k --sector-size 512 "$image" x
	is '... but 512 are taken' "$rc" 0
	rm -f x k
done << 'EOF'
ext4-1024 \(ext4\) reads and writes 1024 bytes: it cannot be mounted from sectors of 4096
ext2-2048 \(ext2\) reads and writes 2048 bytes
xfs \(xfs\) reads and writes 512 bytes
squashfs nothing says that its file system \(squashfs\) can be mounted
vfat nothing says that its file system \(vfat\) can be mounted
EOF
must cp ext4-4096 "odd 'one'"
head -c 1536 /dev/zero >> "odd 'one'"
refuses 'a size that is odd for its sectors' 3 'no multiple of 4096 bytes: the last 1536 are too many' \
	--secret mine --sector-size 4096 "odd 'one'" x
ok '... the printed command' sh -c "$(sed -n 's/.*, or: //p' err)"
encrypt --secret mine --sector-size 4096 "odd 'one'" x
is '... leads on' "$rc" 0
must "$top/tests/lib/gpt.py" make odd 32 "4+$((8 * mib + 512))B:$linux:11111111-0000-4000-8000-000000000003:root"
must dd if=ext4-4096 of=odd bs=1M seek=4 conv=notrunc status=none
refuses 'a partition of such a size' 3 'the last 512 are too many' --secret mine --sector-size 4096 odd#1 y
ok '... says what to cut' grep -qF 'make the partition smaller by 512 bytes: its file system ends before' err
encrypt --force --secret mine --pbkdf minimal odd#1 x
is '... which has sectors of 512 bytes without the option' "$rc" 0
"$top/tests/lib/volume.py" x $((4 * mib)) mine plain $((8 * mib + 512))
ok '... and decrypts, with what is behind the file system' cmp -s -i $((4 * mib)):0 -n $((8 * mib + 512)) odd plain
rm -f xfs* btrfs* ext4-* ext2-* squashfs vfat odd odd\ * x plain
refuses 'an odd size' 3 'no multiple of 512' --secret mine odd-byte x
refuses 'a file that is not there' 4 'No such file' --secret mine none x
refuses 'a directory' 3 'neither a file nor a block device' --secret mine directory x
refuses 'a place that is not there' 4 'No such file' --secret mine fs none/x
refuses 'an empty secret' 3 'it is empty' --secret empty fs x
refuses 'a secret that is not there' 4 'No such file' --secret none fs x
refuses 'a place for the secret that is not there' 4 'No such file' --secret-out none/x fs x
refuses 'to replace a file' 2 'new: it exists' --secret mine fs new
refuses 'to replace a secret' 2 'key: it exists' --secret-out key fs x
refuses 'to replace the image by itself' 2 'would be written over it' --force --secret mine fs fs
refuses 'an authenticated volume' 2 'can only be laid out by the kernel' --integrity fs x
ok '... and says what can make one' grep -q 'next: make it by hand, as root: man coco-secret has the commands, under --integrity$' err
ok '... which are there' grep -q '^cryptsetup luksFormat .*--integrity hmac-sha256 NEW KEY$' "$top/src/man/coco-secret.1.scd"
refuses 'no secret' 1 'one of --secret and --secret-out' fs x
refuses 'two secrets' 1 'one of --secret and --secret-out' --secret mine --secret-out y fs x
refuses 'no name for the result' 1 'IMAGE and OUT are needed' --secret mine fs
refuses 'another number of arguments' 1 'IMAGE and OUT are needed' --secret mine fs x y
refuses 'a sector size' 1 'sector-size=1024: not 512 or 4096' --secret mine --sector-size 1024 fs x
refuses 'a way to stretch' 1 'pbkdf=md5: not ' --secret mine --pbkdf md5 fs x
refuses 'an unknown option' 1 "'--foo' is not an option" --foo --secret mine fs x
refuses 'a backup of nothing' 1 '--backup goes with' --backup y --secret mine fs x
exec 9< fs
flock -x 9
refuses 'an image that another program has locked' 2 'another program has locked it' --secret mine fs x
exec 9<&-

rc=0
"$secret_bin" encrypt --force --secret mine --pbkdf minimal fs new > out 2> err || rc=$?
is '--force replaces' "$rc" 0
plain new 0 mine
ok '... by the new one' cmp -s plain fs

# --- What goes wrong on the way.

# A limit above what the header takes, below what the data take.
before=$(files)
rc=0
(ulimit -f $((18 * 1024)) && exec "$secret_bin" encrypt --secret-out key3 fs x) > out 2> err || rc=$?
is 'a file that cannot grow' "$rc" 4
ok '... is told' grep -qE '^coco-secret: x: cannot write: File too large; next: .' err
ok '... nothing is left' test "$(files)" = "$before"
if unshare -m true 2> /dev/null; then
	must mkdir small
	# shellcheck disable=SC2016 # for the inner shell
	rc=$(unshare -m sh -c 'mount -t tmpfs -o size=20m none small && shift &&
		"$0" encrypt --secret mine --pbkdf minimal fs small/x 2> err > out
		echo $?; ls small > left' "$secret_bin" x)
	is 'a full disk' "$rc" 4
	ok '... is told' grep -qE '^coco-secret: small/x: cannot write: No space left on device; next: make room' err
	ok '... nothing is left' test ! -s left
	rm -rf small left
else
	skip 'a full disk: no right to mount'
fi
# Large enough to be interrupted, whatever the machine; most of it is a hole.
must truncate -s 1G large
must mke2fs -q -F -t ext4 large 1G &> /dev/null
before=$(files)
timeout -s INT 0.2 "$secret_bin" encrypt --secret-out key3 large x > out 2> err
ok 'interrupted from the keyboard: nothing is left' \
	test "$(files)" = "$before"
rm -f large

# Killed at any point: the image is whole, OUT is not there or is complete, and its secret is.
span=$(span --secret-out k fs killed)
rm -f killed k
nr_killed=0 complete=0 bad=0 lonely=0
for ((i = 0; i < 50; i++)); do
	killed $((2 * span)) --force --secret-out k fs killed
	if [[ -e killed ]]; then
		((complete += 1))
		"$top/tests/lib/volume.py" killed 0 k plain && cmp -s plain fs || ((bad += 1))
		rm -f killed k
	elif [[ -e k ]]; then
		((lonely += 1))
		"$top/tests/lib/volume.py" killed.coco-new 0 k plain && cmp -s plain fs || ((bad += 1))
		rm -f k
	fi
done
echo "# killed $nr_killed times, $complete results, $lonely secrets of a complete OUT.coco-new"
is 'killed at 50 points: whatever has its name is complete and opens' "$bad" 0
ok '... some runs were killed' test "$nr_killed" -gt 0
ok '... the image is as it was' sha256sum --quiet -c fs.sum
encrypt --force --secret-out k fs killed
is '... what was left is no obstacle' "$rc" 0
ok '... and is gone' test "$(echo ./*.coco-new)" = './*.coco-new'
plain killed 0 k
ok '... and all is well' cmp -s plain fs
# What a killed run has kept of an old secret may be the only one for the old image.
must cp k k.coco-old
before=$(cat k killed k.coco-old 2> /dev/null | sha256sum)
encrypt --force --secret-out k fs killed
is 'an old secret that a killed run has kept' "$rc $(cat k killed k.coco-old 2> /dev/null | sha256sum)" "2 $before"
ok '... is named' grep -q 'k.coco-old: it is there, .* what k was before a run that was interrupted; next: move it' err
must ln -f k k.coco-old
refuses 'one kept of a run that was killed before the new one had its name' 2 'k.coco-old: it is there, ' \
	--force --secret-out k fs killed
must mv -f k.coco-old elsewhere
encrypt --force --secret-out k fs killed
is '... moved away, the same goes on' "$rc" 0
ok '... and leaves nothing' test ! -e k.coco-old
refuses 'OUT where an old secret is kept' 2 'would be written over it' --force --secret-out k fs k.coco-old
refuses 'an image there' 2 'k.coco-old: ' --force --secret-out k k.coco-old killed
encrypt --secret-out k2 fs k.coco-old
is '... which is a name as any other where nothing is replaced' "$rc" 0
tap_done
