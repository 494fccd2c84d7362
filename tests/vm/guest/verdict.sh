#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest's real root and tells the lab what it sees there, in lines "LAB key=value" on the serial
# console. Then it carries out what the driver sends: one shell command a line, its output in lines "LAB> ...",
# its exit code in "LAB exit=N"; the line "end" powers off. Few processes, since each is dear in emulation. Lab
# guests only: never part of an installation.
# shellcheck disable=SC2045,SC2046 # what is not quoted becomes words, and they one line

exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -echo
dmesg -n 1
kill -55 1		# SIGRTMIN+21: no more status messages on the console
sleep 0.2

say() { printf 'LAB %s\n' "$*"; }

printf '\n'
say "begin"
set -f
while read -r source where _; do
	[ "$where" != / ] || root=$source
done </proc/self/mounts
case $root in	# as btrfs says it
	/dev/dm-*) read -r name <"/sys/block/${root#/dev/}/dm/name"; root=/dev/mapper/$name ;;
esac
say "root=$root"
say table=$(dmsetup table root 2>&1)
if [ -d /sys/kernel/security/secrets/coco ]; then
	say secrets=$(ls /sys/kernel/security/secrets/coco 2>&1)
else
	say "secrets=absent"
fi
mappings=
for name in $(ls /dev/mapper 2>&1); do
	[ "$name" = control ] || mappings="$mappings $name"
done
say "mappings=${mappings# }"
say status=$(coco-unlock status --json 2>&1)
read -r init </proc/1/comm
say "init=$init"
say "state=$(systemctl is-system-running --wait)"
for word in $(systemctl show --property=Version --property=NFailedUnits); do
	case $word in
		Version=*) word=${word#*=}; say "systemd=${word%%[!0-9]*}" ;;
		NFailedUnits=0) say "failed=" ;;
		NFailedUnits=*) say failed=$(systemctl list-units --failed --no-legend --plain | sed 's/ .*//') ;;
	esac
done
version=$(cryptsetup --version)
say "cryptsetup=${version%% flags*}"
read -r kernel </proc/sys/kernel/osrelease
say "kernel=$kernel"
modules=
for name in coco_secret dm_crypt efi_secret sev_secret; do
	[ ! -e /sys/module/$name/initstate ] || modules="$modules $name"
done
say "modules=${modules# }"
read -r uptime _ </proc/uptime
say "uptime=$uptime"
set +f
while say "ready" && read -r command; do
	[ "$command" = end ] && break
	[ -n "$command" ] || continue
	out=$(eval "$command" 2>&1)
	code=$?
	[ -z "$out" ] || while IFS= read -r line; do
		printf 'LAB> %s\n' "$line"
	done <<-END
	$out
	END
	say "exit=$code"
done
systemctl poweroff --force --force
