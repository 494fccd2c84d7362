#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# readonly.t - what coco-secret says of files, places and devices that it may not write. A device that
# is set to be read only is found before a table or a backup is written, and the way out is gone.
# Needs: blockdev chattr cryptsetup mke2fs
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

printf '%s, and long enough' "$canary" > key
disk base key
must cp base disk
must "$bin" prepare disk -o table --key-file key > /dev/null

# stops NAME STEP ARGUMENT...: the run is refused with that step, and has changed nothing.
stops() {
	local name=$1 step=$2 before
	shift 2
	before=$(sha256sum -- * */* 2> /dev/null | grep -vE ' (err|out)$')
	run "$@"
	is "$name: $1" "$rc $(sed -n 's/.*; next: //p' err)" "4 $step" || sed 's/^/# /' err
	is '... has changed nothing' "$(sha256sum -- * */* 2> /dev/null | grep -vE ' (err|out)$')" "$before"
}
leads() {
	run "$@"
	is "... leads on: $1" "$rc" 0 || sed 's/^/# /' err
}

# A directory that takes no file; as root that is one with an attribute.
must mkdir closed
if [[ $EUID != 0 ]]; then
	must chmod 500 closed
	step='change the permissions, of it or its directory, or run it as a user who has them'
	stops 'a directory' "$step" table build -o closed/t luks-key=key
	must chmod 700 closed
	leads table build -o closed/t luks-key=key
elif chattr +i closed disk table 2> /dev/null; then
	step='take away the attribute that forbids it (lsattr, chattr -ia; of its directory, too), or run it as its owner'
	stops 'a directory' "$step" table build -o closed/t luks-key=key
	stops 'a disk' "$step" recovery disk --table table
	must chattr -ia closed disk
	leads table build -o closed/t luks-key=key
	run recovery disk --table table
	is 'a table: recovery' "$rc $(sed -n 's/.*; next: //p' err)" "4 $step"
	must chattr -ia table
	leads recovery disk --table table
else
	skip 'attributes: this file system has none'
fi

# Devices: half of the way would be gone when the first write fails.
device=
attach() {
	device=$(losetup --show -f "$@" 2> /dev/null)
}
must truncate -s 60M plain
must mke2fs -q -F -t ext4 plain 20M &> /dev/null
if [[ $EUID == 0 ]] && must cp base disk && attach disk; then
	must "$bin" prepare --force "$device" -o table --key-file key > /dev/null
	must blockdev --setro "$device"
	anew="attach or make it anew, so that it may be written; if only a setting of the kernel forbids it:"
	step="$anew blockdev --setrw $device"
	stops 'a device' "$step" prepare "$device" -o none --key-file key
	stops 'a device' "$step" rotate "$device" --table table -o none
	stops 'a device' "$step" recovery "$device" --table table
	stops 'a device' "$step" remove-keyslot "$device" --keyslot 0 --table table --yes
	stops 'a device' "$step" repair "$device"
	leads status "$device" --table table
	leads verify "$device" table
	must sh -c "${step#*: }"
	leads recovery "$device" --table table
	losetup -d "$device"
	attach -r disk
	step='make the loop device anew, by losetup without its option -r, and of a file that may be written'
	stops 'a loop device' "$step" recovery "$device" --table table
	losetup -d "$device"
	attach disk
	leads remove-keyslot "$device" --keyslot 0 --table table --yes
	losetup -d "$device"
	attach plain
	must blockdev --setro "$device"
	stops 'in place' "$anew blockdev --setrw $device" encrypt --in-place --secret key --pbkdf minimal \
		--backup none "$device"
	leads encrypt --secret key --pbkdf minimal "$device" copy
	must blockdev --setrw "$device"
	leads encrypt --in-place --secret key --pbkdf minimal --backup none "$device"
	losetup -d "$device"
	# A partition of the kernel is as its disk.
	must "$top/tests/lib/mbr.py" make disks 8 1+4:83
	must dd if=base of=disks bs=1M seek=1 conv=notrunc status=none
	attach disks
	if partx -a "$device" 2> /dev/null && test -b "${device}p1"; then
		must blockdev --setro "$device"
		stops 'a partition' "$anew blockdev --setrw $device ${device}p1" prepare "${device}p1" -o none \
			--key-file key
		must sh -c "blockdev --setrw $device ${device}p1"
		leads prepare "${device}p1" -o none --key-file key
		must partx -d "$device"
	else
		skip 'a partition: the kernel takes none here'
	fi
	losetup -d "$device"
else
	skip 'devices: no loop device here'
fi
if [[ $EUID == 0 ]] && must mkdir place && mount -t tmpfs none place 2> /dev/null; then
	must cp base place/disk
	must "$bin" prepare place/disk -o place/table --key-file key > /dev/null
	must mount -o remount,ro place
	step='use a place where you may write, or mount this one so (mount -o remount,rw)'
	stops 'a place' "$step" recovery place/disk --table place/table
	stops 'a place' "$step" table build -o place/t luks-key=key
	must mount -o remount,rw place
	leads recovery place/disk --table place/table
	umount place
else
	skip 'a place: no mount here'
fi
tap_done
