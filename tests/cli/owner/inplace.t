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

# What goes from the end is zeros, and else the file grows: nothing is thrown away unread.
must truncate -s 20M small.img
must mke2fs -q -F -t ext4 small.img &> /dev/null
for tail in 32 40; do
	for content in zeros data; do
		must cp small.img here
		must truncate -s $(((20 + tail) * mib)) here
		[[ $content == zeros ]] || must dd if=/dev/urandom of=here bs=1M seek=$((20 + tail - 32)) count=1 \
			conv=notrunc status=none
		must cp here before
		encrypt --in-place --secret mine --pbkdf minimal here
		[[ $content == zeros ]] && change=-16 || change=16
		is "$tail MiB of $content behind the file system: the length" "$rc $(stat -c %s here)" \
			"0 $(((20 + tail + change) * mib))"
		plain here 0 mine
		ok '... nothing but zeros is lost' cmp -s -n $(((20 + tail - (change < 0 ? 32 : 0)) * mib)) plain before
	done
done

# A device keeps its length, and has the room behind its file system.
must truncate -s 56M whole
must mke2fs -q -F -t ext4 -b 4096 whole 24M
must cp whole before
must dd if=/dev/urandom of=whole bs=1M seek=55 count=1 conv=notrunc status=none
if loop=$(losetup -f --show whole 2> /dev/null); then
	exec 9< "$loop"
	must losetup -d "$loop" # when it is closed
	refuses 'a device without a backup' 1 'a device needs a file that keeps its new header' --in-place --secret mine "$loop"
	refuses 'the file of a device' 2 "whole: it is in use as $loop" --in-place --secret mine whole
	refuses 'a device with data in its end' 2 'not all zeros, and would be lost' \
		--in-place --secret mine --backup backup "$loop"
	must sh -c "$(sed -n 's/.*if nobody needs them: //p' err)" 2> discard.log
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
must cp fs here
must ln here twin
if loop=$(losetup -f --show twin 2> /dev/null); then
	must rm twin
	refuses 'a file that a device has by a name that has gone' 2 "here: it is in use as $loop" --in-place --secret mine here
	# Nobody can lock such a file: another device of it may be what another program works on.
	must mv here gone
	if second=$(losetup -f --show gone 2> /dev/null); then
		must rm gone
		for pair in "$loop $second" "$second $loop"; do
			refuses 'one of two devices of a file without a name' 2 "the file behind it is in use as ${pair#* }, too" \
				--in-place --secret mine --backup backup "${pair% *}"
		done
		must losetup -d "$second"
		refuses 'the only device of such a file is looked at' 2 'must be free' --in-place --secret mine --backup backup "$loop"
	else
		skip 'two devices of a file: no second one here'
	fi
	must losetup -d "$loop"
	must cp fs here
else
	skip 'a file of a device: no loop device here'
	must rm twin
fi
# Two ways to one file lead to one backup.
must mkdir links
must ln -s ../here links/here
head -c 100000 /dev/urandom > here.header
refuses 'a backup beside the file of a link' 2 'here.header: it is there, and not the header' --in-place --secret mine links/here
must rm here.header
refuses 'the secret as that backup' 2 'is the file of --' --in-place --secret-out here.header links/here
head -c 100000 /dev/urandom > links/here.header
refuses 'one beside the link' 2 'here.header: it is there, and not the header' --in-place --secret mine links/here
must rm -r links
refuses 'an empty name of the secret' 1 "no file can be called so" --in-place --secret-out '' here
refuses 'an empty name of the output' 1 "no file can be called so" --secret mine here ''

# What cryptsetup itself has begun in just this way is as good as an interrupted run. Version 0.1.0 has left the same.
small_kdf=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
# begin SIZE ARGUMENT...: has cryptsetup begin an encryption of `here`.
begin() {
	must cp fs here
	must truncate -s "$1" here
	must cryptsetup reencrypt --encrypt --init-only -q --disable-locks --cipher aes-xts-plain64 --key-size 512 \
		"${small_kdf[@]}" --key-file mine "${@:2}" here &> format.log
}
begin 48M --reduce-device-size 32M --sector-size 512
printf 'another secret of mine' > wrong
refuses 'a new secret for what has begun' 2 'its encryption has begun already' --in-place --secret-out x here
refuses 'a wrong secret for what has begun' 2 'this secret opens no keyslot' --in-place --secret wrong here
is '... and does not say that it goes on' "$(cat out)" ''
encrypt --in-place --secret mine here
is 'goes on with the right one' "$rc" 0
ok '... says so' grep -qx 'here: goes on where an earlier run was interrupted' out
plain here 0 mine
ok '... decrypts to the image' cmp -s -n "$fs_size" plain fs
ok '... the unlocker opens it' opens here mine

# Everything else is not ours, and stays as it is.
# resumes: the command that the last refusal has printed ends well.
resumes() (
	cryptsetup() { # as it was printed, but for what it would ask
		command cryptsetup "$@" -q --disable-locks --key-file mine
	}
	eval "$(sed -n 's/.*; next: //p' err)" &> resume.log || { sed 's/^/# /' resume.log && false; }
)
foreign='cryptsetup has begun to re-encrypt it, and only cryptsetup can go on'
begin 80M --reduce-device-size 64M --sector-size 512
refuses 'a shift of 32 MiB' 2 "$foreign" --in-place --secret mine here
ok '... and the command goes on' resumes
begin 38M --reduce-device-size 32M --sector-size 512
refuses 'a moved part of less than 16 MiB' 2 "$foreign" --in-place --secret mine here
begin 48M --reduce-device-size 32M --sector-size 1024
refuses 'sectors of 1024 bytes' 2 "$foreign" --in-place --secret mine here
begin 48M --reduce-device-size 32M --sector-size 512 --key-size 256
refuses 'a shorter key' 2 "$foreign" --in-place --secret mine here
begin 48M --reduce-device-size 32M --sector-size 512
must truncate -s 64M here
refuses 'a disk that has become larger' 2 "$foreign" --in-place --secret mine here
for how in checksum journal none; do
	must truncate -s 0 here
	must truncate -s 48M here
	must cryptsetup luksFormat -q --type luks2 --disable-locks "${small_kdf[@]}" --key-file mine here
	must cryptsetup reencrypt --init-only -q --disable-locks --resilience "$how" "${small_kdf[@]}" --key-file mine here \
		&> format.log
	refuses "a reencryption ($how)" 2 "$foreign" --in-place --secret mine here
	ok '... and the command goes on' resumes
	refuses '... after which it is encrypted' 2 'here: it is encrypted already' --in-place --secret mine here
done
must cp fs here
printf 'LUKS\xde\xad\0\0' | must dd of=here conv=notrunc status=none
refuses 'a reencryption of LUKS1' 2 'begun to re-encrypt it .LUKS1.' --in-place --secret mine here
refuses '... for a new image' 2 'begun to re-encrypt it .LUKS1.' --secret mine here x
ok '... and says who goes on' grep -q '; next: cryptsetup reencrypt here$' err
for verb in 'prepare here -o x --key-file mine' 'status here --table mine' 'repair here'; do
	# shellcheck disable=SC2086 # several words
	"$secret_bin" $verb > out 2> err < /dev/null
	ok "... by ${verb%% *}" grep -q 'begun to re-encrypt it (LUKS1).*; next: cryptsetup reencrypt here$' err
done

# A backup of a header that somebody has made brings nothing back.
must cp fs here
encrypt --in-place --secret mine --pbkdf minimal here
must cryptsetup luksHeaderBackup --disable-locks here --header-backup-file here.header
refuses 'a header of a finished disk as the backup' 2 'not one that this program has still to write' --in-place --secret mine here
rm -f here.header

# But what version 0.1.0 has left in the end goes on: the header is on the disk in part, and the end is still plain.
plain here 0 mine
must cp here finished
must head -c $((16 * mib)) here > here.header
must dd if=/dev/urandom of=here bs=1M seek=8 count=8 conv=notrunc status=none
must dd if=plain of=here bs=1M seek=32 conv=notrunc status=none
encrypt --in-place --secret wrong here
is 'the end of a run of version 0.1.0, with a wrong secret' "$rc" 2
encrypt --in-place --secret mine here
is '... goes on with the right one' "$rc" 0
ok '... to the very same' cmp -s here finished
ok '... nothing is left' test "$(echo here?*)" = 'here?*'

# A run has died with all done but for the backup, and the disk has been used since: nothing of that is lost.
# leave N: here.header, as such a run leaves it for a disk that gets 16 * N MiB.
leave() {
	must head -c $((16 * mib)) finished > here.header
	printf "coco-secret last header\\0\\0\\0\\0\\$1\\0\\0\\0\\0" >> here.header
}
head -c $((16 * mib)) /dev/urandom > used
leave 2
must cp finished here
must cat used >> here
must cp here before
encrypt --in-place --secret mine here
is 'a file that was used before it was made shorter' "$rc" 0
ok '... keeps its end' cmp -s here before
ok '... and says so' grep -q 'here: its last 16 MiB have been used since' err
leave 2
must cp finished here
must cat plain >> here
must truncate -s 48M here
encrypt --in-place --secret mine here
ok 'a file that was not used gets its size' cmp -s here finished
leave 2
must cp finished here
encrypt --in-place --secret mine here
ok '... and one that has it stays as it is' cmp -s here finished
leave 2
must cp finished here
must cat used >> here
must cryptsetup luksAddKey -q --disable-locks "${small_kdf[@]}" --key-file mine here wrong
refuses 'a header that was changed since' 2 'not one that this program has still to write' --in-place --secret mine here
rm -f here.header
must truncate -s 48M finished
must cp finished here
must dd if=used of=here bs=1M seek=32 conv=notrunc status=none
if loop=$(losetup -f --show here 2> /dev/null); then
	leave 3
	must cp here before
	encrypt --in-place --secret mine --backup here.header "$loop"
	is 'a device that was used since' "$rc" 0
	ok '... keeps its end' cmp -s "$loop" before
	losetup -d "$loop"
else
	skip 'a device that was used: no loop device here'
fi
rm -f finished before used here.header

# What is refused the first time has changed nothing.
must mkdir no
must touch no/file
refuses 'a secret that cannot be written' 4 'no/file/k' --in-place --secret-out no/file/k fs
refuses 'a backup that cannot be written' 4 'no/file/b' --in-place --secret-out k2 --backup no/file/b fs
refuses 'a secret that is there' 2 'mine: it exists' --in-place --secret-out mine fs
limited=$(ulimit -S -f $((40 * 1024)) && refuses 'a limit on the size of files' 4 'may not write so long a file' \
	--in-place --secret-out k2 fs | sed -n '/^not/p'
	sed -n 's/.*; next: /next: /p' err)
is 'refuses more than ulimit -f' "$limited" 'next: ulimit -S -f $(ulimit -H -f)'
if [[ $EUID == 0 ]] && must mkdir tiny && mount -t tmpfs -o size=40M tmpfs tiny 2> /dev/null; then
	must truncate -s 100M tiny/here
	must mke2fs -q -F -t ext4 tiny/here
	must sha256sum tiny/here > tiny.sum
	refuses 'a sparse file without room' 4 'MiB are missing' --in-place --secret-out k2 tiny/here
	rm -f tiny/here
	must cp fs tiny/here
	refuses 'no room for the backup' 4 'MiB are missing' --in-place --secret-out k2 tiny/here
	umount tiny
else
	skip 'a full file system: no mount here'
fi

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
