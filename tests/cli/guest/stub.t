#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stub.t - /init of an image of our own that cannot execute the program: as PID 1 it ends the
# machine, here a namespace of processes, and else nothing.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

stub=$(dirname "${COCO_UNLOCK:?}")/coco-init
must mkdir "$tmp/empty"
must cp "$stub" "$tmp/empty/init"
if unshare --user --map-root-user --pid --fork true 2> /dev/null; then
	# reboot(2): a power-off ends the namespace's first process with SIGINT.
	rc=$(timeout -s KILL 20 unshare --user --map-root-user --pid --fork --kill-child chroot "$tmp/empty" /init
		echo $?)
	is 'PID 1 without the program' "$rc" 130
	rc=$(timeout -s KILL 1 unshare --user --map-root-user chroot "$tmp/empty" /init
		echo $?)
	is 'another process without it: it ends nothing' "$rc" 137
else
	skip 'the stub: no right to make a namespace'
fi
tap_done
