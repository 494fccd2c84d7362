#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# functions.sh - what both modules of coco-unlock need; sourced by their module-setup.sh.

coco_fail() {
    if [[ ${COCO_UNLOCK_FORCE-} == 1 ]]; then
        dwarn "coco-unlock: $1 (COCO_UNLOCK_FORCE=1: going on)"
        return 0
    fi
    dfatal "coco-unlock: $1"
    exit 1
}
