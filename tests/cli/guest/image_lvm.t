#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image_lvm.t - what the dracut module writes into an image for LVM: the filter, behind what the
# owner has, and nothing where a volume may lie on LVM. dracut's own functions are fakes.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
image=$tmp/image
file=$image/etc/lvm/lvmlocal.conf
must mkdir -p "$t/etc/coco-unlock" "$t/etc/lvm" "$tmp/bin"
must ln -s "$(realpath "${COCO_UNLOCK:-$top/build/coco-unlock}")" "$tmp/bin/coco-unlock"
PATH=$tmp/bin:$PATH

# made HOSTONLY LVMCONF: what stands in the image then; the build's warnings are in $tmp/warnings.
made() {
	rm -rf "$image"
	: > "$tmp/warnings"
	(
		# shellcheck disable=SC2034 # dracut's variables
		dracutsysrootdir=$t initdir=$image hostonly=$1 lvmconf=$2 moddir=$top/dracut/50coco-unlock
		dwarn() { echo "$*" >> "$tmp/warnings"; }
		source "$top/dracut/50coco-unlock/module-setup.sh"
		coco_lvm
	)
}
section() {
	printf '%s\n' '' '# coco-unlock: only what lies on the volumes of cocotab.' 'devices {' \
		"	global_filter = [ \"a|^/dev/mapper/root\$|\", \"a|^/dev/mapper/data\$|\", \"r|.*|\" ]" \
		'	use_devicesfile = 0' '}'
}
printf 'root UUID=aaaaaaaa-0000-4000-8000-00000000000a\ndata /dev/vdb\n' > "$t/etc/coco-unlock/cocotab"
made '' no
is 'LVM sees the volumes of cocotab and nothing else' "$(cat "$file")" "$(section)"
is '... without a warning' "$(cat "$tmp/warnings")" ''
owners='local { host_id = 7 }
devices { global_filter = [ "a|.*|" ] }'
echo "$owners" > "$t/etc/lvm/lvmlocal.conf"
made '' no
is 'an image for any machine takes nothing of the owner' "$(cat "$file")" "$(section)"
made yes no
is 'an image for this one has it in front, where the last setting counts' "$(cat "$file")" "$owners$(echo; section)"
made '' yes
is '... or one that asks for it' "$(cat "$file")" "$owners$(echo; section)"
printf 'root /dev/vg/root\n' > "$t/etc/coco-unlock/cocotab"
made yes no
ok 'LUKS on LVM: LVM is left as it is' test ! -e "$file"
is '... with a warning' "$(grep -c 'a volume may lie on LVM itself' "$tmp/warnings")" 1
is "the owner's file is as it was" "$(cat "$t/etc/lvm/lvmlocal.conf")" "$owners"
tap_done
