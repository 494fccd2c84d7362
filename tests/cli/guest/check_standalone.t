#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check_standalone.t - the sections [Root] and [Image]: what they come to, in lines that
# coco-mkinitramfs reads, and what an initramfs of its own cannot carry out.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
etc=$t/etc/coco-unlock
must mkdir -p "$etc"

# conf TEXT [COCOTAB]
conf() {
	printf '%s\n' "$1" > "$etc/coco-unlock.conf"
	printf '%s\n' "${2:-root auto}" > "$etc/cocotab"
}

# prints NAME LINE...: among what check --config --standalone prints are these lines.
prints() {
	local name=$1 line
	shift
	run --root="$t" check --config --standalone
	is "$name: exit code" "$rc" 0
	for line; do
		ok "... $line" grep -qxF -- "$line" "$tmp/out" || sed 's/^/# /' "$tmp/out"
	done
}

# refuses NAME REASON NEXT: with --standalone, and only with it.
refuses() {
	run --root="$t" check --config
	is "$1: no mistake for systemd's initramfs" "$rc" 0
	run --root="$t" check --config --standalone
	is '... exit code' "$rc" 10
	ok '... the reason' grep -qF -- "coco-unlock: $2" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	ok '... the next step' grep -qF -- "coco-unlock: next: $3" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... and nothing else' "$(cat "$tmp/out")" ''
}

# mistaken LINE: an error for both kinds, with file and line.
mistaken() {
	conf "$1"
	run --root="$t" check --config
	is "${1//$'\n'/ }: exit code" "$rc" 10
	ok '... where' grep -qE '^coco-unlock: /etc/coco-unlock/coco-unlock.conf:2: [A-Z][a-z]+= takes ' "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
}

conf $'[Root]\nType=ext4'
prints 'the least' RootDevice=/dev/mapper/root RootType=ext4 RootOptions= UsrDevice= UsrType= UsrOptions= \
	Init=/sbin/init Fsck=no Lvm=no DefaultModules=yes Modules=
conf $'[Root]\nType=xfs\nOptions=rw,noatime\nUsr=/dev/mapper/usr  ext4\tro,nodev\nInit=/usr/lib/systemd/systemd
[Image]\nModules=ahci\nModules=megaraid_sas mpt3sas' $'usr UUID=aaaaaaaa-0000-4000-8000-00000000000a
croot UUID=aaaaaaaa-0000-4000-8000-00000000000b - root'
prints 'all' RootDevice=/dev/mapper/croot RootType=xfs RootOptions=rw,noatime UsrDevice=/dev/mapper/usr UsrType=ext4 \
	UsrOptions=ro,nodev Init=/usr/lib/systemd/systemd Lvm=no 'Modules=ahci megaraid_sas mpt3sas'
conf $'[Root]\nType=ext4\nUsr=/dev/mapper/usr ext4\nUsr=\nFsck=yes\n[Image]\nModules=ahci\nModules=\nModules=nvme'
prints 'what is taken back' UsrDevice= Fsck=yes DefaultModules=no Modules=nvme
for device in /dev/debian-vg/root /dev/mapper/debian--vg-root; do
	conf $'[Root]\nType=ext4\nDevice='$device
	prints "the root $device" RootDevice=$device Lvm=yes
done
conf $'[Root]\nType=ext4\nUsr=/dev/vg/usr ext4'
prints '/usr on LVM' RootDevice=/dev/mapper/root Lvm=yes

conf ''
refuses 'no type' 'Type= is missing' 'put the type'
conf $'[Root]\nType=ext4\n[Unlock]\nFailureAction=rescue'
prints 'a rescue by the program' FailureAction=rescue RescueShell=no
conf $'[Root]\nType=ext4\n[Unlock]\nFailureAction=rescue\nRescueShell=yes'
refuses 'a shell' 'RescueShell=yes: this initramfs has no shell' 'remove RescueShell=yes'
for type in xfs btrfs; do
	conf $'[Root]\nFsck=yes\nType='$type
	refuses "a check of $type" 'Fsck=yes' 'remove Fsck='
done
conf $'[Root]\nFsck=yes\nType=ext4\nUsr=/dev/mapper/usr xfs'
refuses 'a check of /usr' 'Fsck=yes' 'remove Fsck='
for link in by-uuid by-label by-id by-path; do
	conf $'[Root]\nType=ext4' "root /dev/disk/$link/x"
	refuses "a link of udev, $link" "volume 'root' is at /dev/disk/$link/x" 'write UUID='
done

for line in Device=/dev/vda Device=vda Device=/etc/mapper/x Device= Device=/dev/disk/by-uuid/x Device=/dev/mapper/../vda \
	Device=/dev/mapper/ 'Device=/dev/mapper/a b' Type= 'Type=ext4 xfs' Type=EXT4 'Options=ro, rw' 'Options="ro"' \
	Usr=/dev/mapper/usr 'Usr=/dev/vda ext4' 'Usr=/dev/mapper/usr ext4 ro x' Init= Init=init Init=/ Init=/a/../b \
	'Init=/a b' Init=/sbin/ Fsck= Fsck=true Fsck=YES; do
	mistaken "[Root]"$'\n'"$line"
done
for line in 'Modules=a/b' 'Modules=a.ko' "Modules=$(seq -s ' ' 65)"; do
	mistaken "[Image]"$'\n'"$line"
done

# --standalone belongs to --config.
for words in --standalone '--standalone --cmdline=x' '--cmdline=x --standalone'; do
	# shellcheck disable=SC2086 # several words
	run --root="$t" check $words
	is "check $words: usage" "$rc" 1
done
run --root="$t" init
is 'init with --root: usage' "$rc" 1
run init
is 'init as another process than PID 1: usage' "$rc" 1
ok '... and says so' grep -q 'PID 1 of an initramfs' "$tmp/err"
tap_done
