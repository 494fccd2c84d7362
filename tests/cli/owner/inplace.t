#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# inplace.t - coco-secret encrypt --in-place: what is killed goes on, and loses nothing.
# Needs: cryptsetup python3 mke2fs
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/encrypt.sh"

linux=0fc63daf-8483-4772-8e79-3d69d8477de4
must truncate -s 1M blank
printf '%s a secret of mine' "$canary" > mine

must cp fs here
encrypt --in-place --secret-out k here
is 'encrypts in place' "$rc" 0
is '... the file of 6 MiB gets the least size' "$(stat -c %s here)" $((32 * mib))
plain here 0 k
ok '... decrypts to the image' cmp -s -n "$fs_size" plain fs
ok '... progress and what comes next' test "$(grep -c '^encrypt: 100 %' err)/$(grep -c '^next: ' out)" = 1/1
ok '... nothing is left' test "$(echo here?*)" = 'here?*'
ok '... the unlocker opens it' opens here k
refuses 'an encrypted disk in place' 2 'here: it is encrypted already' --in-place --secret mine here
refuses 'a blank disk in place' 2 'no file system is found' --in-place --secret mine blank
must "$top/tests/lib/gpt.py" make disk 32 "4+6:$linux:11111111-0000-4000-8000-000000000003:root"
refuses 'a partition in place' 2 'no room to grow in place' --in-place --secret mine disk#1
refuses 'an image with partitions in place' 2 'it has a partition table' --in-place --secret mine disk
refuses 'two names' 1 '--in-place takes one' --in-place --secret mine fs x
head -c 100000 /dev/urandom > fs.header
refuses 'a backup of something else' 2 'not the header that was made for' --in-place --secret mine fs
rm -f fs.header

# A device keeps its length, and has the room behind its file system.
must truncate -s 56M whole
must mke2fs -q -F -t ext4 -b 4096 whole 24M
must cp whole before
if loop=$(losetup -f --show whole 2> /dev/null); then
	exec 9< "$loop"
	must losetup -d "$loop" # when it is closed
	refuses 'a device without a backup' 1 'a device needs a file that keeps its new header' --in-place --secret mine "$loop"
	refuses 'the file of a device' 2 "whole: it is in use as $loop" --in-place --secret mine whole
	encrypt --in-place --secret mine --pbkdf minimal --backup backup "$loop"
	is 'encrypts a device in place' "$rc" 0
	exec 9<&-
	plain whole 0 mine
	ok '... decrypts to its file system' cmp -s -n $((24 * mib)) plain before
	ok '... the unlocker opens it' opens whole mine
	ok '... nothing is left' test ! -e backup
else
	skip 'a device: no loop device here'
fi
rm -f whole before

# What cryptsetup itself has begun is as good as an interrupted run.
must cp fs here
must truncate -s +32M here
must cryptsetup reencrypt --encrypt --init-only -q --disable-locks --reduce-device-size 32M \
	--sector-size 512 --cipher aes-xts-plain64 --key-size 512 --pbkdf pbkdf2 \
	--pbkdf-force-iterations 1000 --key-file mine here &> format.log
printf 'another' > wrong
refuses 'a new secret for what has begun' 2 'its encryption has begun already' --in-place --secret-out x here
refuses 'a wrong secret for what has begun' 2 'this secret opens no keyslot' --in-place --secret wrong here
encrypt --in-place --secret mine here
is 'goes on with the right one' "$rc" 0
ok '... says so' grep -qx 'here: goes on where an earlier run was interrupted' out
plain here 0 mine
ok '... decrypts to the image' cmp -s -n "$fs_size" plain fs
ok '... the unlocker opens it' opens here mine

# A larger one has a part behind the one that is moved first, and this one has sectors of 4096 bytes.
must truncate -s 40M content.img
must mke2fs -q -F -t ext4 -b 4096 -d content content.img &> /dev/null
head -c $((30 * mib)) /dev/urandom | must dd of=content.img bs=1M seek=8 conv=notrunc iflag=fullblock status=none
total=0
for image in fs content.img fs content.img fs fs; do
	must cp "$image" here
	span=$(span --in-place --secret mine --pbkdf minimal here)
	must cp "$image" here
	nr_killed=0 rc=137
	while ((rc == 137 && nr_killed < 25)); do
		killed "$span" --in-place --secret mine --pbkdf minimal here
	done
	((total += nr_killed))
	((rc != 137)) || encrypt --in-place --secret mine --pbkdf minimal here
	# The last one may have died with all done.
	ok "$image: killed $nr_killed times in place, it goes on" \
		test "$rc $(grep -c 'encrypted already' err)" = "$((rc == 0 ? 0 : 2)) $((rc != 0))"
	"$top/tests/lib/volume.py" here 0 mine plain "$(stat -c %s "$image")"
	ok '... decrypts to the image' cmp -s plain "$image"
	is '... with the sectors that its file system allows' "$(sectors here)" \
		"$([[ $image == fs ]] && echo 512 || echo 4096)"
	ok '... the unlocker opens it' opens here mine
	ok '... nothing is left' test "$(echo here?*)" = 'here?*'
done
ok 'some runs were killed' test "$total" -gt 0
tap_done
