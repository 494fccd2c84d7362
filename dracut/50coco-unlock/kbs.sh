#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kbs.sh - what an image needs whose owner's key broker is asked: the drivers of the platform and of
# the network, systemd-networkd, the program that speaks with the broker; sourced by module-setup.sh.
# An image without `kbs` in Sources= gets nothing of it.

# coco_has_source NAME: does the configuration list it?
coco_has_source() {
    [[ " $(coco_conf Sources) " == *" $1 "* ]]
}

# coco_has_module NAME: has the kernel it, as a module or built in?
coco_has_module() {
    modinfo ${dracutsysrootdir:+-b "$dracutsysrootdir"} -k "$kernel" -n "$1" &> /dev/null
}

# Network cards of the clouds and of QEMU; failover is what virtio_net and hv_netvsc hand over to.
coco_nics='virtio_net failover net_failover ena gve idpf hv_netvsc mana vmxnet3'

# For installkernel(). The unlocker loads the drivers of each platform and says so if one is not in
# the image: the build says it first.
coco_kbs_modules() {
    local module found='' missing='' wanted
    for module in sev-guest tdx-guest; do
        if coco_has_module "$module"; then
            hostonly='' instmods "$module"
            found=$module
        else
            missing=$module
        fi
    done
    if [[ ! $found ]]; then
        coco_fail "kernel $kernel has neither sev-guest nor tdx-guest, one of which Sources=kbs needs for reports"
    elif [[ $missing ]]; then
        dwarn "coco-unlock: kernel $kernel has no module $missing: on its platform each boot ends with code 34" \
            "(no-provider)"
    fi
    # Its name was tsm up to Linux 6.15; sev-guest and tdx-guest need it, built in or not.
    found=''
    for module in tsm tsm_report; do
        coco_has_module "$module" || continue
        hostonly='' instmods "$module"
        found=$module
    done
    [[ $found ]] || coco_fail "kernel $kernel has neither tsm nor tsm_report, which makes the reports for Sources=kbs"
    coco_has_module configfs && hostonly='' instmods configfs

    found=''
    wanted=$(coco_conf Nics)
    for module in ${wanted:-$coco_nics}; do
        if coco_has_module "$module"; then
            hostonly='' instmods "$module"
            found=$module
        elif [[ $wanted ]]; then
            coco_fail "kernel $kernel has no module $module, which Nics= names"
        fi
    done
    [[ $found ]] || coco_fail "kernel $kernel has no driver of a network card: ${wanted:-$coco_nics}"
}

# The user of systemd-networkd, from the files of the root.
coco_network_user() {
    local file
    for file in passwd group; do
        grep -qs '^systemd-network:' "$initdir/etc/$file" && continue
        grep -s '^systemd-network:' "${dracutsysrootdir-}/etc/$file" >> "$initdir/etc/$file" \
            || coco_fail "/etc/$file has no systemd-network, as which systemd-networkd runs"
    done
}

# The owner's own *.network files, or ours. Those of the machine that builds stay out, also where a
# link leads to one. A file that the owner has meant is never left out without a word.
coco_network_files() {
    local file name found='' root=${dracutsysrootdir-}
    root=${root%/}
    for file in "$root"/etc/coco-unlock/network/*; do
        [[ -e $file || -L $file ]] || continue # there is none
        name=${file#"$root"}
        if [[ $name != *.network ]]; then
            dwarn "coco-unlock: $name is not put into the image: only *.network files are"
            continue
        fi
        found=$name
        if [[ ! -f $file ]]; then
            coco_fail "$name is no file"
        elif [[ $root && $(realpath "$file") != "$(realpath "$root")"/* ]]; then
            coco_fail "$name leads out of $root"
        else
            inst_simple "$name" "/etc/systemd/network/${name##*/}" || coco_fail "$name cannot be put into the image"
        fi
    done
    [[ $found ]] && return 0
    mkdir -p "$initdir/etc/systemd/network"
    cp "${BASH_SOURCE[0]%/*}/coco-unlock.network" "$initdir/etc/systemd/network/50-coco-unlock.network"
    chmod 644 "$initdir/etc/systemd/network/50-coco-unlock.network"
}

# What waits for the network, takes names from it, or obeys the kernel command line.
coco_network_mask() {
    local name
    for name in systemd-network-generator.service systemd-networkd-wait-online.service \
        systemd-networkd-wait-online@.service systemd-networkd-persistent-storage.service \
        systemd-resolved.service; do
        ln -sfn /dev/null "$initdir/etc/systemd/system/$name"
    done
}

# For install(). coco_kbs ACTION: with the failure action, as systemd calls it.
coco_kbs() {
    local broker=/usr/lib/coco-unlock/coco-unlock-broker name

    inst_binary "$broker" || coco_fail "$broker is missing: install coco-unlock anew"
    for name in $(coco_conf BrokerCA) $(coco_conf VCEK); do
        inst_simple "$name" || coco_fail "$name, which coco-unlock.conf names, cannot be put into the image"
    done

    inst_binary "$systemdutildir/systemd-networkd" && inst_simple "$systemdsystemunitdir/systemd-networkd.service" \
        || coco_fail "without systemd-networkd the image cannot bring a network up, which Sources=kbs needs"
    coco_network_user
    coco_network_files
    coco_network_mask

    # It does not wait for the network: it watches for a route itself. The last capabilities are of
    # the process that is given up: its user, its root, and its end.
    coco_dropin coco-unlock.service 60-kbs '[Unit]' 'Wants=systemd-networkd.service' \
        '[Service]' 'RestrictAddressFamilies=AF_INET AF_INET6' \
        'CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_SYS_CHROOT CAP_KILL'
    [[ $(coco_conf KeepNetwork) != yes ]] || return 0

    coco_dropin systemd-networkd.service 60-coco-unlock '[Service]' 'RuntimeDirectoryPreserve=no'
    coco_dropin coco-unlock-network.service 50-configuration '[Unit]' "FailureAction=$1"
    inst_simple "$systemdsystemunitdir/coco-unlock-network.service"
    mkdir -p "$initdir$systemdsystemunitdir/initrd-root-device.target.wants"
    ln_r "$systemdsystemunitdir/coco-unlock-network.service" \
        "$systemdsystemunitdir/initrd-root-device.target.wants/coco-unlock-network.service"
    for name in initrd-cleanup.service initrd-switch-root.target initrd-switch-root.service; do
        mkdir -p "$initdir$systemdsystemunitdir/$name.requires"
        ln_r "$systemdsystemunitdir/coco-unlock-network.service" \
            "$systemdsystemunitdir/$name.requires/coco-unlock-network.service"
    done
}
