#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image_units.t - what the dracut module ties together in an image: whose way each look is in,
# what follows when it is killed, and which units never run. dracut's own functions are fakes.
# That the ties hold is shown by the boots look-killed, look-killed-last and look-short-cut.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
image=$tmp/image
units=$image/usr/lib/systemd/system
must mkdir -p "$t/etc/coco-unlock" "$tmp/bin"
must ln -s "$(realpath "${COCO_UNLOCK:-$top/build/coco-unlock}")" "$tmp/bin/coco-unlock"
PATH=$tmp/bin:$PATH

# made ACTION [LINE]...: an image with this failure action, and these lines behind it.
made() {
	rm -rf "$image"
	printf '%s\n' '[Unlock]' "FailureAction=$1" "${@:2}" > "$t/etc/coco-unlock/coco-unlock.conf"
	(
		# shellcheck disable=SC2034 # dracut's variables
		dracutsysrootdir=$t initdir=$image moddir=$top/dracut/50coco-unlock
		# shellcheck disable=SC2034
		systemdsystemunitdir=/usr/lib/systemd/system hostonly='' lvmconf=no kernel=none
		dwarn() { echo "$*" >> "$tmp/warnings"; }
		dfatal() { echo "$*" >&2; }
		inst_binary() { :; }
		inst_libdir_file() { :; }
		inst_multiple() { :; }
		inst_simple() {
			local to=$image${2-$1}
			mkdir -p "${to%/*}"
			cp "$top/units/${1##*/}" "$to"
		}
		ln_r() { ln -sfn "$1" "$image$2"; }
		systemd-escape() { echo "dev-mapper-x.device"; }
		source "$top/dracut/50coco-unlock/module-setup.sh"
		install
	) || echo "# the module fails: $?"
}
# key UNIT KEY: the last value that the unit's file and its drop-ins give.
key() {
	cat "$units/$1" "$units/$1.d/"*.conf 2> /dev/null | sed -n "s/^$2=//p" | tail -n 1
}

made reboot
while read -r unit user; do
	ok "$user requires $unit" test -L "$units/$user.requires/$unit" -a -f "$units/$unit"
	ok '... and comes behind it' grep -qE "^Before=(.* )?$user( |\$)" "$units/$unit"
	is '... which ends the machine if it is killed' "$(key "$unit" FailureAction)" reboot-force
done << END
coco-unlock.service initrd-root-device.target
coco-unlock-verify-root.service initrd-root-fs.target
coco-unlock-verify-mounts.service initrd-cleanup.service
coco-unlock-verify-mounts.service initrd-switch-root.target
coco-unlock-verify-mounts.service initrd-switch-root.service
END
for user in initrd-parse-etc.service initrd-root-fs.target initrd-usr-fs.target initrd-fs.target swap.target \
	dracut-mount.service dracut-pre-pivot.service; do
	ok "verify-mounts comes behind $user" \
		grep -qE "^After=(.* )?$user( |\$)" "$units/coco-unlock-verify-mounts.service"
done
for unit in coco-unlock coco-unlock-verify-root coco-unlock-verify-mounts; do
	is "$unit stays when the initramfs is left" "$(key $unit.service IgnoreOnIsolate)" yes
done
is 'the change begins with a look of its own' "$(key initrd-switch-root.service ExecStartPre)" 'coco-unlock verify-mounts'
is "dracut's last hooks, which may run programs of the root, begin with one, too" \
	"$(key dracut-pre-pivot.service ExecStartPre)" 'coco-unlock verify-mounts'
is '... and one line of failure is enough' "$(key dracut-pre-pivot.service StandardError)" journal
for unit in systemd-{sys,conf}ext-{initrd,sysroot}; do
	is "$unit never runs" "$(readlink "$image/etc/systemd/system/$unit.service")" /dev/null
done
made rescue
is 'rescue: systemd ends the machine for a look that was killed' \
	"$(key coco-unlock-verify-mounts.service FailureAction)" poweroff-force
made rescue RescueShell=yes
ok 'RescueShell=yes: the build says whose shell it is' \
	grep -q 'warning: RescueShell=yes gives a shell to whoever has the console .*, which is the host' "$tmp/warnings"
is '... and systemd leaves a look that was killed to it' \
	"$(key coco-unlock-verify-mounts.service FailureAction)" none
ok '... and others require it as before' \
	test -L "$units/initrd-switch-root.service.requires/coco-unlock-verify-mounts.service"
tap_done
