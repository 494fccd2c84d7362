#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-setup.sh - looks at the image when every other module has put its files there; dracut
# takes modules in the order of their names. A generator runs before each unit, with the
# host's credentials in its environment: those that stay get a wrapper that takes them away,
# and one that nobody has looked at fails the build.

# shellcheck source=dracut/50coco-unlock/functions.sh
. "${BASH_SOURCE[0]%/*}/../50coco-unlock/functions.sh"

# They make units of fstab and root=, the second for an image with a command line of its own.
coco_wanted='systemd-fstab-generator dracut-rootfs-generator'

# called by dracut
check() {
    # The module coco-unlock asks for it.
    return 255
}

# Paths in the image of what dracut installs behind the last module: the items of its
# configuration, then what --include names.
coco_still_to_come() {
    local i path
    # shellcheck disable=SC2068 # several items in one word
    printf '%s\n' ${install_items[@]-} ${install_optional_items[@]-}
    for ((i = 0; i < ${#include_src[@]}; i++)); do
        printf '%s\n' "${include_target[i]}"
        [[ -d ${include_src[i]} ]] || continue
        while read -r path; do
            printf '%s/%s\n' "${include_target[i]%/}" "$path"
        done < <(find "${include_src[i]}" ! -type d -printf '%P\n')
    done
}

# coco_generator PATH: what does not run gets nothing, what stays its wrapper.
coco_generator() {
    local name=${1##*/} own=$initdir/etc/systemd/${1##*/systemd/}

    [[ $1 != /etc/* && $(readlink "$own") == /dev/null ]] && return 0
    if [[ $1 == /usr/lib/* && " $coco_wanted ${coco_unlock_generators-} " == *" $name "* ]]; then
        mkdir -p "${own%/*}"
        cp "${BASH_SOURCE[0]%/*}/../50coco-unlock/without-credentials.sh" "$own"
        chmod 755 "$own"
        return 0
    fi
    coco_fail "the generator $1 would see the host's credentials: leave out what brings it into the image, \
or let it run without them: coco_unlock_generators+=\" NAME \" in dracut's configuration, if it is in /usr/lib"
}

# called by dracut
install() {
    local path folder='^/(etc|run|usr/lib|usr/local/lib)/systemd/system(-environment)?-generators/[^/]+$'

    [[ -e $initdir/bin/sh ]] || coco_fail "without /bin/sh in the image its generators would see the host's credentials"
    while read -r path; do
        [[ $path =~ $folder ]] && coco_generator "$path"
    done < <({
        # Those of /etc that run nothing are masks, most of them our own.
        (cd "$initdir" && find etc usr/lib/systemd usr/local ! -type d ! -lname /dev/null -printf '/%p\n' 2> /dev/null)
        coco_still_to_come | sed 's,^/lib/,/usr/lib/,'
    } | sort -u)
    return 0
}
