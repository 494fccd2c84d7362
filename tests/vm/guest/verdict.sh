#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest's real root and tells the lab what it sees there, in lines "LAB key=value" on the serial
# console. Then it carries out what the driver sends: one shell command a line, its output in lines "LAB> ...",
# its exit code in "LAB exit=N"; the line "end" powers off. Lab guests only: never part of an installation.

exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty -echo
dmesg -n 1
kill -55 1		# SIGRTMIN+21: no more status messages on the console
sleep 0.2

say() { printf 'LAB %s\n' "$*"; }
one_line() { tr '\n' ' ' | sed 's/  */ /g; s/ $//'; }

printf '\n'
say "begin"
root=$(findmnt -no SOURCE /)
case $root in	# as btrfs says it
	/dev/dm-*) root=/dev/mapper/$(cat "/sys/block/${root#/dev/}/dm/name") ;;
esac
say "root=$root"
say "table=$(dmsetup table root 2>&1 | one_line)"
if [ -d /sys/kernel/security/secrets/coco ]; then
	say "secrets=$(ls /sys/kernel/security/secrets/coco | sort | one_line)"
else
	say "secrets=absent"
fi
say "mappings=$(ls /dev/mapper | grep -v '^control$' | sort | one_line)"
say "status=$(coco-unlock status --json 2>&1 | one_line)"
say "init=$(cat /proc/1/comm)"
say "systemd=$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"
say "state=$(systemctl is-system-running)"
say "failed=$(systemctl list-units --failed --no-legend --plain | sed 's/ .*//' | one_line)"
say "cryptsetup=$(cryptsetup --version | sed 's/ flags.*//')"
say "kernel=$(uname -r)"
say "modules=$(grep -oE '^(efi_secret|coco_secret|sev_secret|dm_crypt) ' /proc/modules | sort | one_line)"
say "uptime=$(cut -d' ' -f1 /proc/uptime)"
while say "ready" && read -r command; do
	[ "$command" = end ] && break
	[ -n "$command" ] || continue
	out=$(eval "$command" 2>&1)
	code=$?
	[ -z "$out" ] || printf '%s\n' "$out" | sed 's/^/LAB> /'
	say "exit=$code"
done
systemctl poweroff --force --force
