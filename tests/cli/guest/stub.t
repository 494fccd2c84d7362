#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stub.t - /init of an image of our own keeps what the kernel has told it. If it cannot execute the
# program, it ends the machine as PID 1, here a namespace of processes, and else nothing.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

stub=$(dirname "${COCO_UNLOCK:?}")/coco-init
for name in first other full; do
	must mkdir "$tmp/$name"
	must cp "$stub" "$tmp/$name/init"
done
must touch "$tmp/full/init.envp"

# started DIR WORD...: the stub as PID 1, its root in DIR
started() {
	# reboot(2): a power-off ends the namespace's first process with SIGINT.
	timeout -s KILL 20 unshare --user --map-root-user --pid --fork --kill-child env -i A=1 'B=c d' LD_PRELOAD=/x.so \
		"$(command -v chroot)" "$tmp/$1" /init "${@:2}" 2> "$tmp/err"
	echo $?
}

if unshare --user --map-root-user --pid --fork true 2> /dev/null; then
	is 'PID 1 without the program' "$(started first single 'x=y z' '')" 130
	is '... keeps its arguments' "$(od -An -c -w99 "$tmp/first/init.argv")" "$(printf 'single\0x=y z\0\0' | od -An -c -w99)"
	is '... and its variables' "$(tr '\0' '|' < "$tmp/first/init.envp")" 'A=1|B=c d|LD_PRELOAD=/x.so|'
	is '... in files for root alone' "$(stat -c %a "$tmp/first/init.argv" "$tmp/first/init.envp" | sort -u)" 400
	is 'one of the files is there already' "$(started full)" 130
	is '... and stays' "$(wc -c < "$tmp/full/init.envp")" 0
	rc=$(timeout -s KILL 1 unshare --user --map-root-user chroot "$tmp/other" /init
		echo $?)
	is 'another process without it: it ends nothing' "$rc" 137
else
	skip 'the stub: no right to make a namespace'
fi
tap_done
