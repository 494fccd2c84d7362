#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# units.t - what the system manager does when one of our processes is killed, or ends in a way
# that it must not: the units as they stand in an image, for each failure action. What comes of
# it is shown by vm/killed, vm/look-killed and vm/deaf-mute.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
image=$tmp/image
units=$image/usr/lib/systemd/system
must mkdir -p "$tmp/bin" "$t/etc/coco-unlock"
must ln -s "$(realpath "$bin")" "$tmp/bin/coco-unlock"
PATH=$tmp/bin:$PATH
echo 'root /dev/vda' > "$t/etc/coco-unlock/cocotab"

# made ACTION: what the module makes of it; dracut's functions do what they do there.
made() {
	must rm -rf "$image"
	must mkdir -p "$image"
	printf '[Unlock]\nFailureAction=%s\n' "$1" > "$t/etc/coco-unlock/coco-unlock.conf"
	must bash -c '
		initdir=$1 dracutsysrootdir=$2 moddir=$3/dracut/50coco-unlock top=$3
		systemdsystemunitdir=/usr/lib/systemd/system hostonly= lvmconf=no
		dwarn() { :; }
		inst_binary() { :; }
		inst_libdir_file() { :; }
		inst_multiple() { :; }
		inst_simple() {
			local to=${2:-$1}
			mkdir -p "$initdir${to%/*}"
			cp "$top/units/${1##*/}" "$initdir$to"
		}
		ln_r() { ln -s "$1" "$initdir$2"; }
		. "$moddir/module-setup.sh"
		install' made "$image" "$t" "$top"
}

# value UNIT KEY: the last one counts, and drop-ins come behind the unit.
value() {
	cat "$units/$1" "$units/$1.d"/*.conf 2> /dev/null | sed -n "s/^$2=//p" | tail -n 1
}

ours=(coco-unlock.service coco-unlock-verify-root.service coco-unlock-verify-mounts.service)
for action in poweroff reboot halt rescue; do
	case $action in
	rescue) word=none ;;
	*) word=$action-force ;;
	esac
	made "$action"
	for unit in "${ours[@]}"; do
		is "$action: $unit that fails or is killed" "$(value "$unit" FailureAction)" "$word"
		is '... before systemd 255, which has no halt' \
			"$(sed -n 's/^FailureAction=//p' "$units/$unit")" poweroff-force
		is '... is not stopped on the way to another target' "$(value "$unit" IgnoreOnIsolate)" yes
		is '... is not killed for memory' "$(value "$unit" OOMScoreAdjust)" -1000
		is '... is waited for' "$(value "$unit" Type)" oneshot
		is '... and all that it has started goes with it' \
			"$(value "$unit" KillMode)$(value "$unit" Restart)$(value "$unit" SuccessExitStatus)" ''
	done
	is "$action: the second look is on each way over" \
		"$(cd "$units" && echo */coco-unlock-verify-mounts.service)" \
		"$(printf '%s.requires/coco-unlock-verify-mounts.service ' initrd-cleanup.service \
			initrd-switch-root.service initrd-switch-root.target | sed 's/ $//')"
	is '... and once more at the end' "$(value initrd-switch-root.service ExecStartPre)" \
		'coco-unlock verify-mounts'
	is '... which is not killed for memory' "$(value initrd-switch-root.service OOMScoreAdjust)" -1000
	for unit in emergency rescue dracut-emergency debug-shell; do
		if [[ $action == rescue ]]; then
			ok "rescue: $unit stays the distribution's" test ! -e "$units/$unit.service"
			continue
		fi
		for key in SuccessAction FailureAction; do
			is "$action: $unit, whatever comes of it ($key)" "$(value "$unit.service" $key)" \
				poweroff-force
		done
		is '... is not killed for memory' "$(value "$unit.service" OOMScoreAdjust)" -1000
		is '... is waited for' "$(value "$unit.service" Type)" oneshot
	done
done

# An unlock that was killed.
is 'the stop step of the unlock' "$(value coco-unlock.service ExecStopPost)" \
	'/usr/bin/coco-unlock abort --unless-done'

# The end of the machine has its own limit (action.h, action.c): the unit must not end it before.
limit=$(sed -n 's/^#define [A-Z]*_LIMIT_MS \([0-9]*\).*/\1/p' "$top/src/boot/action.h" "$top/src/boot/action.c" | paste -sd+)
made poweroff
for unit in "${ours[@]:1}" emergency.service initrd-switch-root.service; do
	is "$unit has a minute" "$(value "$unit" TimeoutStartSec)" 1min
done
ok '... which is more than the end takes' test $((limit)) -gt 0 -a $((limit)) -lt 60000
is 'the unlock has its own limit and two minutes' "$(value coco-unlock.service TimeoutStartSec)" \
	$(($("$bin" --root="$t" check --config | sed -n "s/^TimeoutMs=//p") / 1000 + 120))
tap_done
