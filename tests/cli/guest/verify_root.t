#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# verify_root.t - verify-root, verify-mounts, raise-generation and abort --unless-done as they are
# called: exit codes, one line, status file. What is no root in all its forms is in unit/rootfs/verify.c.
# Needs: mke2fs python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
opened=/run/coco-unlock/opened
generation=/var/lib/coco-unlock/generation
uuid=eeeeeeee-0000-4000-8000-0000000000e1

# image FILE UUID LABEL
image() {
	must truncate -s 1M "$1"
	must mke2fs -q -t ext4 -O ^has_journal -U "$2" -L "$3" "$1"
}

# device NAME NUMBER IMAGE
device() {
	must mkdir -p "$t/sys/devices/$1" "$t/sys/dev/block"
	echo "$2" > "$t/sys/devices/$1/dev"
	echo "DEVNAME=$1" > "$t/sys/devices/$1/uevent"
	must ln -s "../../devices/$1" "$t/sys/class/block/$1"
	must ln -s "../../devices/$1" "$t/sys/dev/block/$2"
	must cp "$3" "$t/dev/$1"
}

# mounted NUMBER TYPE [POINT]
mounted() {
	must mkdir -p "$t/proc/self" "$t/sysroot"
	echo "30 1 $1 / ${3-/sysroot} rw,relatime shared:1 - $2 /dev/x rw" > "$t/proc/self/mountinfo"
}

# volume MIN SET: what unlock has written
volume() {
	must mkdir -p "$t/run/coco-unlock"
	printf '%s\n' version=1 volume=root root=1 spec=- device=253:0 uuid=CRYPT-LUKS2-a-root read-only=0 \
		'target=0 4096 crypt aes-xts-plain64 :64:logon:x 0 252:0 2048' \
		"min-generation=$1" "set-generation=$2" > "$t$opened"
}

good() {
	tree "$t"
	device dm-0 253:0 "$tmp/root"
	device vda 252:0 "$tmp/other"
	mounted 253:0 ext4
	volume 0 0
}

verb=verify-root
generic="use root=/dev/mapper/NAME with the root's volume of cocotab, mount and swap in the initramfs by such names only, \
and detach every other disk that claims to be one of them"

# refused NAME CODE EXIT REASON
refused() {
	run --root="$t" "$verb"
	is "$1" "$rc" "$3"
	is '... one line of failure' "$(grep -c '^coco-unlock: FAILED ' "$tmp/err")" 1
	ok '... with code, name and reason' grep -qF \
		"FAILED code=$3 name=$2 reason=\"$4" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... and nothing to stdout' "$(cat "$tmp/out")" ''
	is '... the status file says so, too' "$(status_fields "$t" result code)" "failed/$3"
}

# advises NEXT: the last refusal had this next step. A refusal takes the list away: good() or volume() has to follow.
advises() {
	ok "... says what to do: $1" grep -qF " next=\"$1\" " "$tmp/err" || sed 's/^/# /' "$tmp/err"
}

leads_on() {
	[[ -e $t$opened ]] || volume 0 0
	run --root="$t" "$verb"
	is "... which leads on${1+ ($1)}" "$rc" 0 || sed 's/^/# /' "$tmp/err"
}

image "$tmp/root" "$uuid" system
image "$tmp/other" eeeeeeee-0000-4000-8000-0000000000e2 other

good
before=$(snapshot "$t")
run --root="$t" verify-root
is 'the root is what was opened' "$rc" 0
ok '... and it says so' grep -q '^root: /sysroot is on what was opened' "$tmp/err"
is '... nothing has changed' "$(snapshot "$t")" "$before"

good
must rm "$t$opened"
printf '%s left' "$canary" > "$tmp/key"
add_secret "$t" "$guid" "$tmp/key"
refused 'nothing was opened' root-confusion 31 'coco-unlock has opened nothing in this boot"'
advises 'look for why coco-unlock.service has not run in the lines above'
is '... a secret that is still there goes' "$(ls "$t$secrets")" ''
ok '... and is told to nobody' silent "$t"

good
echo x >> "$t$opened"
add_secret "$t" "$guid" "$tmp/key"
refused 'a list that cannot be read' root-confusion 31 "$opened cannot be read: Invalid argument"
is '... a secret that is still there goes' "$(ls "$t$secrets")" ''

good
mounted 252:0 ext4
refused 'a plain disk' root-confusion 31 'ext4 on /sysroot uses device 252:0, which is not'
advises "$generic"
mounted 253:0 ext4
leads_on

good
mounted 0:40 tmpfs
refused 'a tmpfs' root-confusion 31 'tmpfs on /sysroot (device 0:40) is of a kind'

good
device vdb 252:16 "$tmp/root"
refused 'a second disk with the UUID' root-confusion 31 "/dev/vdb claims the UUID $uuid of /dev/dm-0"
advises 'detach it; if it is yours, give it a UUID of its own'
must tune2fs -U random -L mine "$t/dev/vdb" > /dev/null 2>&1
leads_on 'another UUID'
must rm "$t/sys/class/block/vdb" "$t/sys/dev/block/252:16"
leads_on 'detached'

good
image "$tmp/label" eeeeeeee-0000-4000-8000-0000000000e4 system
device vdb 252:16 "$tmp/label"
refused 'a second disk with the label' root-confusion 31 "/dev/vdb claims the label 'system' of /dev/dm-0\""
advises "detach it; if it is yours, give it another label: e2label '/dev/vdb' EFI"
must e2label "$t/dev/vdb" EFI
leads_on

good
device vdb 252:16 "$tmp/other"
must rm "$t/dev/vdb"
refused 'a disk that cannot be read' root-confusion 31 '/dev/vdb cannot be read, so that it may claim to be'
advises 'detach this device, or attach one that can be read'
must rm "$t/sys/class/block/vdb" "$t/sys/dev/block/252:16"
leads_on

good
device dm-1 253:1 "$tmp/other"
must mkdir "$t/sys/devices/dm-1/dm" "$t/sys/devices/dm-1/slaves"
echo debian--vg-swap_1 > "$t/sys/devices/dm-1/dm/name"
must ln -s ../../vda "$t/sys/devices/dm-1/slaves/vda"
refused 'a logical volume of the host' root-confusion 31 \
	"the device-mapper device 'debian--vg-swap_1' (/dev/dm-1) is no part of a volume that was opened\""
advises 'detach its disk, or keep the initramfs from assembling it'
must rm "$t/sys/class/block/dm-1" "$t/sys/dev/block/253:1"
leads_on

good
volume 5 6
must mkdir -p "$t/sysroot${generation%/*}"
echo 4 > "$t/sysroot$generation"
refused 'an old copy of the disk' old-generation 32 'the root is of generation 4, the policy demands 5'
volume 5 6 # a refusal takes the list away
echo 5 > "$t/sysroot$generation"
run --root="$t" verify-root
is 'a copy that is new enough' "$rc" 0

# The second look: /usr is mounted, and there may be swap.
verb=verify-mounts

# second ROOT: another volume in the list, which is the root's if ROOT is 1; usr NUMBER: /usr on that device
second() {
	sed "1d;s/=root$/=usr/;s/^root=.*/root=$1/;s/253:0/253:1/" "$t$opened" >> "$t$opened.more"
	must cat "$t$opened.more" >> "$t$opened"
	must rm "$t$opened.more"
	device dm-1 253:1 "$tmp/usr"
}
usr() {
	echo "31 30 $1 / /sysroot/usr rw - ext4 /dev/x rw" >> "$t/proc/self/mountinfo"
}
image "$tmp/usr" eeeeeeee-0000-4000-8000-0000000000e3 usr

good
second 0
usr 253:1
before=$(snapshot "$t")
run --root="$t" verify-mounts
is 'root and /usr are what was opened' "$rc" 0
ok '... and it says so' grep -q '^mounts: all mounts and swap areas are on what was opened' "$tmp/err"
is '... nothing has changed' "$(snapshot "$t")" "$before"
run --root="$t" verify-root
is '... verify-root accepts it, too' "$rc" 0

good
second 0
usr 252:0
refused 'a foreign /usr' root-confusion 31 'ext4 on /sysroot/usr uses device 252:0, which is not'
advises "$generic"
mounted 253:0 ext4
usr 253:1
volume 0 0
must rm "$t/sys/class/block/dm-1" "$t/sys/dev/block/253:1"
second 0
leads_on

good
second 0
usr 253:1
device vdb 252:16 "$tmp/usr"
refused 'a twin of /usr' root-confusion 31 '/dev/vdb claims'

good
printf 'Filename\tType\tSize\tUsed\tPriority\n/dev/vda partition\t9\t0\t-2\n' > "$t/proc/swaps"
refused 'swap on a plain disk' root-confusion 31 'the swap on /dev/vda is not on a volume that was opened"'
advises 'let nothing in the initramfs swap to it, or make it a volume of cocotab and swap to /dev/mapper/NAME'
must sed -i s/vda/dm-0/ "$t/proc/swaps"
leads_on

good
echo '40 1 252:0 / /run/x rw - ext4 /dev/vda rw' >> "$t/proc/self/mountinfo"
refused 'a plain disk elsewhere' root-confusion 31 'ext4 on /run/x uses device 252:0'

good
must rm "$t$opened"
refused 'nothing was opened' root-confusion 31 'coco-unlock has opened nothing in this boot"'

good
volume 5 6
refused 'an old copy of the disk' old-generation 32 'the root is of generation 0, the policy demands 5'

# The root lies on the volume that the list says.
for verb in verify-root verify-mounts; do
	good
	sed -i s/^root=1/root=0/ "$t$opened"
	refused "$verb: a list without the root's volume" root-confusion 31 "$opened cannot be read: Invalid argument"
	good
	sed -i s/^root=1/root=0/ "$t$opened"
	second 1
	refused "$verb: the root on another volume" root-confusion 31 \
		"/sysroot does not lie on the volume 'usr', which is the root's"
	advises 'use root=/dev/mapper/usr, or mark another volume with the option root in cocotab and build the initramfs again'
	volume 0 0
	must rm "$t/sys/class/block/dm-1" "$t/sys/dev/block/253:1"
	second 0
	leads_on
done
verb=verify-root

# raised NAME EXIT TEXT FILE: raise-generation, in the real root
raised() {
	run --root="$t" raise-generation
	is "$1" "$rc" "$2"
	ok "... and says '$3'" grep -qF "$3" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... the file' "$(cat "$t$generation" 2> /dev/null)" "$4"
	ok '... is no failure of the boot' test ! -e "$t$status"
}

good
mounted 253:0 ext4 /
volume 5 6
raised 'the first generation' 0 'raised from 0 to 6' 6
raised 'once more' 0 'it is 6, nothing to raise' 6
echo 9 > "$t$generation"
raised 'a greater one is not lowered' 0 'it is 9, nothing to raise' 9
echo x9 > "$t$generation"
raised 'what is no number is not overwritten' 32 'not a number and a line feed' x9
number='attach a copy of the disk in which it is a number and a line feed, or write it so yourself, on a machine that you trust'
ok '... says what to do' grep -qF "; $number" "$tmp/err"
echo 5 > "$t$generation"
raised '... which leads on' 0 'raised from 5 to 6' 6
volume 0 0
must rm "$t$generation"
raised 'nothing is demanded, nothing is written' 0 'it is 0, nothing to raise' ''
volume 5 6
mounted 252:0 ext4 /
raised 'another root is not raised' 31 'uses device 252:0' ''
mounted 253:0 ext4 /
must rm -r "$t/var"
must ln -s /none "$t/var"
raised 'a place that cannot be written' 32 'cannot be written' ''
ok '... says what to do' grep -qF '; make the root writable and free of errors, then run coco-unlock raise-generation' "$tmp/err"
must rm "$t/var"
raised '... which leads on' 0 'raised from 0 to 6' 6
must rm "$t$generation"
must rm "$t$opened"
raised 'nothing was opened in this boot' 23 "$opened cannot be read" ''

# Behind unlock, abort has work only if that was killed.
good
add_secret "$t" "$guid" "$tmp/key"
echo '{}' > "$t$status"
before=$(snapshot "$t")
run --root="$t" abort --unless-done
is 'abort --unless-done behind an unlock that ended' "$rc" 0
is '... says nothing' "$(cat "$tmp/out" "$tmp/err")" ''
is '... and changes nothing' "$(snapshot "$t")" "$before"
must rm "$t$status"
must touch "$t/etc/initrd-release"
run --root="$t" abort --unless-done
is 'behind one that was killed' "$rc" 22
is '... wipes' "$(ls "$t$secrets")" ''
is '... and says so' "$(status_fields "$t" code reason)" '22/the unlock was killed'
tap_done
