#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# programs.t - of what can harm a machine, the owner's tool has nothing: no call that mounts,
# reboots or loads modules is linked into it.
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

# calls PROGRAM: what it has from libraries, of these.
calls() {
	nm -D --undefined-only "$1" | grep -oE '\<(reboot|u?mount2?|swapon|(de|in|finit)it_module|delete_module|kmod_[a-z_]+)\>' |
		sort -u | tr '\n' ' '
}

if ! command -v nm > /dev/null; then
	skip 'nm is missing (binutils)'
else
	is 'coco-secret does not mount, reboot or load modules' "$(calls "$COCO_SECRET")" ''
	ok 'coco-unlock does, so the search can find it' grep -q reboot <<< "$(calls "$COCO_UNLOCK")"
	ok '... and kmod' grep -q kmod_ <<< "$(calls "$COCO_UNLOCK")"
fi
tap_done
