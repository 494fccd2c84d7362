#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest's real root, called by the driver (lab/session.py): every forged header on real device-mapper.
#
#   headers.sh mutants       all that stand on the disk with the serial lab1, one after the other
#   headers.sh swap          a disk whose header changes between two reads (serials lab2 and lab3)
#
# It judges nothing: it tells what it sees, in lines "LAB mutant|control|swap NAME key=value ...". Each header is a
# part of the disk behind dm-linear, with a fresh secret in a tmpfs in the place of the secret directory, and the
# program is run as it is. Few processes, since each is dear in emulation. Lab guests only: never part of an
# installation.

set -f
disk=/dev/disk/by-id/virtio-lab1
part=/dev/dm-1		# the first mapping beside the root; its node is devtmpfs's, so that udev has no part in it
secrets=/sys/kernel/security/secrets/coco
guid=736869e5-84f0-4973-92ec-06879ce3da0b
dir=/run/headers

say() { printf '%s ' LAB "$@" >/dev/ttyS0; echo >/dev/ttyS0; }

prepare() {
	mkdir -p $dir /etc/coco-unlock /mnt
	mountpoint -q $secrets || mount -t tmpfs tmpfs $secrets
	# This is no initramfs: what is on the command line is not for these volumes.
	printf '[Unlock]\nTimeout=20s\n[Policy]\nCheckCommandLine=no\n' >/etc/coco-unlock/coco-unlock.conf
	dd if=$disk bs=1M count=1 status=none | tr -d '\0' >$dir/list
	read -r _ key <$dir/list
	printf '%s' "$key" >$dir/key
	printf 'a wrong key' >$dir/wrong
}

# What a reader finds behind a mapping: sets content.
look() {
	content=none
	[ -e "/dev/mapper/$1" ] || return
	content=unknown
	if grep -qa 'MARKER of the owner' "/dev/mapper/$1"; then
		content=owner
	elif mount -o ro "/dev/mapper/$1" /mnt 2>/dev/null; then
		read -r content </mnt/marker
		umount /mnt
	fi
}

remove() {
	for mapping in "$1" "$1_dif"; do
		[ ! -e "/dev/mapper/$mapping" ] || dmsetup remove --retry "$mapping"
	done
}

# unlock KIND NAME DEVICE OPTIONS
unlock() {
	printf 'mut %s %s %s\n' "$3" $guid "$4" >/etc/coco-unlock/cocotab
	printf '%s' "$key" >$secrets/$guid
	message=$(coco-unlock unlock 2>&1 </dev/null)
	code=$?
	left=
	[ ! -e $secrets/$guid ] || left=secret
	tables=$(dmsetup table)
	look mut
	# shellcheck disable=SC2086 # lines become words
	say "$1" "$2" code=$code left=$left content=$content tables= $tables message= $message
	remove mut
}

# control KIND NAME DEVICE KEY: what people use today, on the same disk.
control() {
	message=$(cryptsetup open --type luks2 --key-file "$dir/$4" "$3" ctl 2>&1 </dev/null)
	code=$?
	tables=$(dmsetup table)
	look ctl
	# shellcheck disable=SC2086 # lines become words
	say "$1" "$2" code=$code left= content=$content tables= $tables message= $message
	remove ctl
}

mutants() {
	read -r _
	while read -r name start key_of_control options; do
		echo "0 4096 linear $disk $start" | dmsetup create m --noudevrules --noudevsync
		unlock mutant "$name" $part "$options"
		[ "$key_of_control" = - ] || control control "$name" $part "$key_of_control"
		dmsetup remove --retry --noudevrules --noudevsync m
	done
}

# swap FUNCTION REQUESTS DIRECTION N: one run, from a clean disk and with nothing in the page cache.
swap() {
	udevadm settle
	printf '%s %s' "$3" "$4" | dd of=$plan bs=4096 conv=sync oflag=direct status=none
	blockdev --flushbufs $swapped
	"$1" swap "$1,$2,$3,$4" $swapped "$5"
	say served "$1,$2,$3,$4" "$(dd if=$plan bs=4096 count=1 iflag=direct status=none | tr -d '\0')"
}

# Requests of any size, and then of one page each: there the header can change in the middle.
swaps() {
	swapped=/dev/disk/by-id/virtio-lab2
	plan=/dev/disk/by-id/virtio-lab3
	queue=/sys/class/block/$(basename "$(readlink -f $swapped)")/queue
	for direction in good-evil evil-good; do
		for n in 1 2 3 4; do swap unlock large $direction $n -; done
		for n in 1 2 3 4 5 6 7 8; do swap control large $direction $n key; done
	done
	echo 0 >"$queue/read_ahead_kb"
	echo 4 >"$queue/max_sectors_kb"
	for direction in good-evil evil-good; do
		for n in 1 2 3 4 5 6 7 8 9; do swap unlock pages $direction $n -; done
	done
}

prepare
case $1 in
	mutants) mutants <$dir/list ;;
	swap) swaps ;;
esac
umount $secrets
