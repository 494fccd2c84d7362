#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-setup.sh - puts coco-unlock into a systemd initramfs.
# Trusts the image's configuration only after `coco-unlock check --config` has accepted it;
# fails the build where the image could not boot. COCO_UNLOCK_FORCE=1 turns these failures
# into warnings, for tests of what such an image does.

# called by dracut
check() {
    require_binaries coco-unlock modprobe modinfo || return 1
    # The machine that builds is often not the one that boots: a cocotab is what asks.
    [[ -e ${dracutsysrootdir-}/etc/coco-unlock/cocotab ]] && return 0
    return 255
}

# called by dracut
depends() {
    # Not crypt: its prompt has no place here.
    echo systemd-initrd dm rootfs-block
}

coco_fail() {
    if [[ ${COCO_UNLOCK_FORCE-} == 1 ]]; then
        dwarn "coco-unlock: $1 (COCO_UNLOCK_FORCE=1: going on)"
        return 0
    fi
    dfatal "coco-unlock: $1"
    exit 1
}

# Prints the values of one key of the configuration; the defaults if it is refused.
coco_conf() {
    local key=$1 line
    while read -r line; do
        [[ $line == "$key="* ]] && printf '%s\n' "${line#*=}"
    done < <(coco-unlock --root="${dracutsysrootdir:-/}" check --config 2> /dev/null \
        || coco-unlock --root="$moddir" check --config)
}

# called by dracut
installkernel() {
    local cipher alg found='' module

    for module in $(coco_conf SecretModules); do
        modinfo ${dracutsysrootdir:+-b "$dracutsysrootdir"} -k "$kernel" -n "$module" &> /dev/null || continue
        hostonly='' instmods "$module"
        found=$module
    done
    [[ $found ]] || coco_fail "kernel $kernel has none of the secret modules: $(coco_conf SecretModules)"

    hostonly='' instmods dm_crypt
    for cipher in $(coco_conf Ciphers); do
        for alg in $(cut -d- -f1,2 --output-delimiter=' ' <<< "$cipher"); do
            # shellcheck disable=SC2046 # one word for each module
            hostonly='' instmods $(modprobe ${dracutsysrootdir:+-d "$dracutsysrootdir"} \
                -S "$kernel" -R "crypto-$alg" 2> /dev/null)
        done
    done
}

coco_unit_dropin() {
    local action=$1 seconds=$2 unit
    case $action in
        rescue) unit=none ;;
        halt) unit=halt-force ;; # before systemd 255 unknown: there the unit's own poweroff stays
        reboot) unit=reboot-force ;;
        *) unit=poweroff-force ;;
    esac
    # The program keeps its own deadline; the unit's only has to be later.
    mkdir -p "$initdir$systemdsystemunitdir/coco-unlock.service.d"
    printf '[Unit]\nFailureAction=%s\n[Service]\nTimeoutStartSec=%s\n' \
        "$unit" "$((seconds + 120))" > "$initdir$systemdsystemunitdir/coco-unlock.service.d/50-configuration.conf"
}

# called by dracut
install() {
    local action error name rest timeout unit

    error=$(coco-unlock --root="${dracutsysrootdir:-/}" check --config 2>&1 > /dev/null) \
        || coco_fail "${error#coco-unlock: }"

    inst_binary coco-unlock
    # libkmod opens these by itself where modules are compressed.
    inst_libdir_file 'libzstd.so.*' 'liblzma.so.*' 'libz.so.*'
    inst_multiple -o /etc/coco-unlock/coco-unlock.conf /etc/coco-unlock/cocotab \
        '/etc/coco-unlock/coco-unlock.conf.d/*.conf' '/usr/lib/coco-unlock/coco-unlock.conf.d/*.conf'

    inst_simple "$systemdsystemunitdir/coco-unlock.service"
    mkdir -p "$initdir$systemdsystemunitdir/initrd-root-device.target.requires"
    ln_r "$systemdsystemunitdir/coco-unlock.service" \
        "$systemdsystemunitdir/initrd-root-device.target.requires/coco-unlock.service"

    action=$(coco_conf FailureAction)
    timeout=$(coco_conf TimeoutMs)
    coco_unit_dropin "$action" "$(((timeout + 999) / 1000))"

    # coco-unlock's deadline counts, not the shorter one of the device unit.
    while read -r name rest; do
        unit=$(systemd-escape --path --suffix=device "/dev/mapper/$name")
        mkdir -p "$initdir$systemdsystemunitdir/$unit.d"
        printf '[Unit]\nJobTimeoutSec=infinity\nJobRunningTimeoutSec=infinity\n' \
            > "$initdir$systemdsystemunitdir/$unit.d/50-coco-unlock.conf"
    done < <(coco_conf Volume)

    if [[ $action == rescue ]]; then
        # For the person at the shell that this configuration asks for.
        inst_multiple -o cryptsetup
        return 0
    fi
    for unit in emergency rescue dracut-emergency debug-shell; do
        rm -f "$initdir$systemdsystemunitdir/$unit.service" "$initdir/etc/systemd/system/$unit.service"
        inst_simple "$systemdsystemunitdir/coco-unlock-abort.service" "$systemdsystemunitdir/$unit.service"
    done
    for unit in systemd-ask-password-console systemd-ask-password-plymouth; do
        rm -f "$initdir$systemdsystemunitdir/$unit.service" "$initdir$systemdsystemunitdir/$unit.path"
        ln -sfn /dev/null "$initdir$systemdsystemunitdir/$unit.path"
        ln -sfn /dev/null "$initdir$systemdsystemunitdir/$unit.service"
    done
}
