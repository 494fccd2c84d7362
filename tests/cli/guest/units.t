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

# made ACTION [LINE]...: with these lines in [Unlock] besides, what the module makes of it; dracut's functions do what they do there.
made() {
	must rm -rf "$image"
	must mkdir -p "$image"
	printf '%s\n' '[Unlock]' "FailureAction=$1" "${@:2}" > "$t/etc/coco-unlock/coco-unlock.conf"
	must bash -c '
		initdir=$1 dracutsysrootdir=$2 moddir=$3/dracut/50coco-unlock top=$3
		systemdsystemunitdir=/usr/lib/systemd/system hostonly= lvmconf=no
		dwarn() { :; }
		inst_binary() { :; }
		inst_libdir_file() { :; }
		inst_multiple() { printf "%s\n" "$@" >> "$initdir/asked"; }
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
for action in poweroff reboot halt rescue shell; do
	case $action in
	shell) word=none ;;
	rescue) word=poweroff-force ;;
	*) word=$action-force ;;
	esac
	case $action in
	shell) made rescue RescueShell=yes ;;
	*) made "$action" ;;
	esac
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
		if [[ $action == shell ]]; then
			ok "RescueShell=yes: $unit stays the distribution's" test ! -e "$units/$unit.service"
			continue
		fi
		for key in SuccessAction FailureAction; do
			is "$action: $unit, whatever comes of it ($key)" "$(value "$unit.service" $key)" \
				poweroff-force
		done
		is '... is not killed for memory' "$(value "$unit.service" OOMScoreAdjust)" -1000
		is '... is waited for' "$(value "$unit.service" Type)" oneshot
	done
	for file in /usr/sbin/sulogin /usr/lib/systemd/systemd-sulogin-shell; do
		is "$action: $file is the distribution's, or nothing" "$(readlink "$image$file")" \
			"$([[ $action == shell ]] || echo /dev/null)"
	done
	is "$action: cryptsetup is there for the person at the shell only" "$(grep -cx cryptsetup "$image/asked")" \
		"$([[ $action == shell ]] && echo 1 || echo 0)"
	ok "$action: no unit asks for a password" test "$(readlink "$units/systemd-ask-password-console.service")" = \
		"$([[ $action == shell ]] || echo /dev/null)"
	is "$action: systemd's lines stay off the console of a rescue" \
		"$(sed -n 's/^ShowStatus=//p' "$image"/etc/systemd/system.conf.d/*.conf 2> /dev/null)" \
		"$([[ $action != rescue ]] || echo error)"
	is "$action: what the processes at the consoles need" \
		"$(grep -l 'CAP_SETUID CAP_SETGID CAP_KILL' "$units"/*.service.d/50-rescue.conf 2> /dev/null | wc -l)" \
		"$([[ $action == rescue ]] && echo 3 || echo 0)"
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

# A rescue: its whole time, and a whole try that begins at its end. A report for as long may follow
# each later failure, that of the deadline itself, too. The shell has no end.
made rescue Timeout=100s RootTimeout=50s RescueTimeout=1000s
is 'the unlock has the rescue, and a try' "$(value coco-unlock.service TimeoutStartSec)" $((100 + 1000 + 100 + 120))
for unit in "${ours[@]:1}" {emergency,rescue,dracut-emergency,debug-shell,initrd-switch-root}.service; do
	is "$unit has the rescue, and two minutes" "$(value "$unit" TimeoutStartSec)" 1120
done
# A look and the undoing, twice the lines of the consoles, their processes' ends, the machine's.
limits=$(sed -n 's/^#define [A-Z]*_LIMIT_MS \([0-9]*\).*/\1/p; s/^#define \(END\|RESTORE\)_MS \([0-9]*\).*/\2/p
	s/^static int look_limit_ms = \([0-9]*\);/\1/p' "$top"/src/boot/{action.h,action.c,stop.c,step.c,console.c})
is 'each of these limits is found' "$(wc -w <<< "$limits")" 6
ok '... and two minutes are enough for all' test \
	$(($(paste -sd+ <<< "$limits") + $(sed -n 's/^#define CONSOLES_LIMIT_MS \([0-9]*\).*/\1/p' "$top/src/boot/stop.c"))) -lt 120000
is 'the initramfs has all of it' "$(value initrd.target JobTimeoutSec)" $((100 + 50 + 1000 + 100))
for unit in initrd-root-device initrd-root-fs initrd-fs initrd-switch-root; do
	is "... and $unit.target a report and two minutes more" "$(value $unit.target JobTimeoutSec)" $((1250 + 1120))
	is '... before systemd does it' "$(value $unit.target JobTimeoutAction)" poweroff-force
done
is "... and dracut's own wait is longer" "$(sed -n 's/^rd.retry=//p' "$image/etc/cmdline.d/50-coco-unlock.conf")" \
	$((1250 * 3 / 2 + 1))
ok 'no unit of the network is there for the rescue alone' test ! -e "$units/coco-unlock-network.service.d"
made poweroff Timeout=100s RootTimeout=50s
is 'control: without a rescue' "$(value initrd.target JobTimeoutSec) $(value initrd-fs.target JobTimeoutSec)" '150 210'
made rescue RescueShell=yes
is 'control: with the shell' "$(value initrd.target JobTimeoutSec)$(value initrd-fs.target JobTimeoutSec)" ''
tap_done
