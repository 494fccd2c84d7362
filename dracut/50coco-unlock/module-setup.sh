#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# module-setup.sh - puts coco-unlock into a systemd initramfs.
# Trusts the image's configuration only after `coco-unlock check --config` has accepted it;
# fails the build where the image could not boot. COCO_UNLOCK_FORCE=1 turns these failures
# into warnings, for tests of what such an image does.

# shellcheck source=dracut/50coco-unlock/functions.sh
. "${BASH_SOURCE[0]%/*}/functions.sh"
# shellcheck source=dracut/50coco-unlock/kbs.sh
. "${BASH_SOURCE[0]%/*}/kbs.sh"

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
    echo systemd-initrd dm rootfs-block zz-coco-unlock-check
}

# Prints the values of one key of the configuration; the defaults if it is refused.
coco_conf() {
    local key=$1 line
    while read -r line; do
        [[ $line == "$key="* ]] && printf '%s\n' "${line#*=}"
    done < <(coco-unlock --root="${dracutsysrootdir:-/}" check --config 2> /dev/null \
        || coco-unlock --root="$moddir" check --config)
}

# coco_seconds KEY: a time of the configuration, rounded up.
coco_seconds() {
    echo "$((($(coco_conf "$1") + 999) / 1000))"
}

# coco_algorithms NAME...: the kernel modules of these algorithms, where they are modules.
coco_algorithms() {
    local alg
    for alg in "$@"; do
        # shellcheck disable=SC2046 # one word for each module
        hostonly='' instmods $(modprobe ${dracutsysrootdir:+-d "$dracutsysrootdir"} \
            -S "$kernel" -R "crypto-$alg" 2> /dev/null)
    done
}

# called by dracut
installkernel() {
    local cipher found='' module

    if coco_has_source efi; then
        for module in $(coco_conf SecretModules); do
            coco_has_module "$module" || continue
            hostonly='' instmods "$module"
            found=$module
        done
        [[ $found ]] || coco_fail "kernel $kernel has none of the secret modules: $(coco_conf SecretModules)"
    fi
    if coco_has_source kbs; then
        coco_kbs_modules
    fi

    hostonly='' instmods dm_crypt
    for cipher in $(coco_conf Ciphers); do
        # shellcheck disable=SC2046 # algorithm and mode are two words
        coco_algorithms $(cut -d- -f1,2 --output-delimiter=' ' <<< "$cipher")
    done
    if [[ $(coco_conf Integrity) ]]; then
        hostonly='' instmods dm_integrity
        coco_algorithms authenc hmac sha256
    fi
}

# coco_dropin UNIT NAME LINE...
coco_dropin() {
    local dir=$initdir$systemdsystemunitdir/$1.d name=$2
    shift 2
    mkdir -p "$dir"
    printf '%s\n' "$@" > "$dir/$name.conf"
}

# The word of systemd for the action. halt-force is unknown before systemd 255: there what
# stands before it stays, which is a poweroff. A rescue that was killed ends the machine; only
# a shell is left alone.
coco_systemd_action() {
    case $1 in
        shell) echo none ;;
        halt) echo halt-force ;;
        reboot) echo reboot-force ;;
        *) echo poweroff-force ;;
    esac
}

# coco_deadlines ACTION SECONDS LAST: the initramfs ends in time, whatever hangs in it. First the
# job of its target fails, and the emergency.service below says so and ends the machine. If
# not even that works, LAST seconds later systemd does it.
coco_deadlines() {
    local action=$1 seconds=$2 last=$3 unit

    coco_dropin initrd.target 50-coco-unlock '[Unit]' "JobTimeoutSec=$seconds" \
        'JobTimeoutAction=none' 'OnFailure=emergency.target'
    for unit in initrd-root-device initrd-root-fs initrd-fs initrd-switch-root; do
        coco_dropin "$unit.target" 50-coco-unlock '[Unit]' "JobTimeoutSec=$((seconds + last))" \
            'JobTimeoutAction=poweroff-force' "JobTimeoutAction=$(coco_systemd_action "$action")"
    done
}

# coco_rescue SECONDS UNIT...: what a failure needs that somebody may rescue. The units have RescueTimeout=
# and two minutes: a look may take 45 s of them before somebody reads of it. Those of ours have what
# the processes at the consoles need to change their user, and to be ended. systemd's lines about
# jobs that wait stay off these consoles.
coco_rescue() {
    local seconds=$1 unit
    shift
    for unit in coco-unlock "$@"; do
        [[ $unit == coco-unlock ]] \
            || coco_dropin "$unit.service" 50-rescue-time '[Service]' "TimeoutStartSec=$((seconds + 120))"
        [[ $unit != coco-unlock* ]] || coco_dropin "$unit.service" 50-rescue \
            '[Service]' 'CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL'
    done
    mkdir -p "$initdir/etc/systemd/system.conf.d"
    printf '%s\n' '[Manager]' 'ShowStatus=error' > "$initdir/etc/systemd/system.conf.d/50-coco-unlock.conf"
}

# coco_initqueue SECONDS: dracut's own wait for devices must not end before ours, whose failure
# has a name. After two thirds of its time it takes what it has, degraded arrays for instance.
coco_initqueue() {
    mkdir -p "$initdir/etc/cmdline.d"
    echo "rd.retry=$(($1 * 3 / 2 + 1))" > "$initdir/etc/cmdline.d/50-coco-unlock.conf"
}

# What would mount, unlock or start something that the host's text asks for. systemd's
# generator for fstab and root= stays: verify-root looks at what it has mounted.
coco_mask() {
    local name
    mkdir -p "$initdir/etc/systemd/system-generators" "$initdir/etc/systemd/system"
    for name in bless-boot cryptsetup debug factory-reset getty gpt-auto hibernate-resume import \
        integritysetup rc-local run ssh system-update sysv tpm2 veritysetup; do
        ln -sfn /dev/null "$initdir/etc/systemd/system-generators/systemd-$name-generator"
    done
    for name in systemd-hibernate-resume.service systemd-hibernate-resume@.service \
        systemd-udev-load-credentials.service systemd-sysext-initrd.service systemd-confext-initrd.service \
        systemd-sysext-sysroot.service systemd-confext-sysroot.service \
        systemd-factory-reset-request.service systemd-factory-reset.socket; do
        ln -sfn /dev/null "$initdir/etc/systemd/system/$name"
    done
    # dracut would complain about a mask: this one only never runs.
    coco_dropin dracut-cmdline-ask.service 50-coco-unlock \
        '[Unit]' 'ConditionPathExists=!/etc/initrd-release'
    # Modules that come later write through the link, or find a file that is there already.
    ln -sfn /dev/null "$initdir/etc/crypttab"

    # Credentials are the host's, and some units obey them (tmpfiles.extra, sysctl.extra).
    coco_dropin service 50-coco-unlock '[Service]' 'LoadCredential=' 'LoadCredentialEncrypted='
    # Before systemd 254 the key is unknown, and every unit would complain.
    if grep -qs '^ImportCredential=' "${dracutsysrootdir-}$systemdsystemunitdir"/*.service; then
        echo 'ImportCredential=' >> "$initdir$systemdsystemunitdir/service.d/50-coco-unlock.conf"
    fi
}

# LVM activates whatever a disk brings, before our volume is open: in the image it only sees what
# lies on the volumes. lvmlocal.conf comes before lvm.conf, which dracut's lvm module takes away
# or writes anew at boot; a file that is there already is not installed again.
coco_lvm() {
    local filter file=/etc/lvm/lvmlocal.conf
    filter=$(coco_conf LvmFilter)
    if [[ ! $filter ]]; then
        dwarn "coco-unlock: a volume may lie on LVM itself, so LVM looks at all disks in this image"
        return 0
    fi
    mkdir -p "$initdir/etc/lvm"
    {
        # As the lvm module does it; of two settings LVM takes the last.
        if [[ $hostonly || ${lvmconf-} == yes ]]; then
            cat "${dracutsysrootdir-}$file" 2> /dev/null
        fi
        printf '%s\n' '' '# coco-unlock: only what lies on the volumes of cocotab.' 'devices {' \
            "	global_filter = $filter" '	use_devicesfile = 0' '}'
    } > "$initdir$file"
}

# coco_warn_words WHERE WORDS: warns of each word that a boot with this configuration will refuse.
coco_warn_words() {
    local where=$1 word
    while read -r word; do
        dwarn "coco-unlock: $where has the word $word. On the kernel command line it ends each boot with code 25" \
            "(command-line). Remove it; or, if that line is measured, put it into AllowWords= of coco-unlock.conf"
    done < <(coco-unlock --root="${dracutsysrootdir:-/}" check --cmdline="$2" 2> /dev/null)
}

# What the machine that boots the image will have on its command line, as far as files say it: the
# words of the machine that builds (/proc/cmdline) are often those of another one.
coco_check_words() {
    local root=${dracutsysrootdir-} file assignment

    for file in /etc/kernel/cmdline /usr/lib/kernel/cmdline; do
        [[ -r $root$file ]] || continue
        coco_warn_words "$file" "$(sed '/^[[:blank:]]*#/d' "$root$file")"
        break # as kernel-install(8) does
    done
    # The value of an assignment, in quotes or not; words of it with a $ are another's.
    assignment='^[[:blank:]]*(export[[:blank:]]+)?GRUB_CMDLINE_LINUX(_DEFAULT)?='
    for file in "$root"/etc/default/grub "$root"/etc/default/grub.d/*.cfg; do
        [[ -r $file ]] || continue
        coco_warn_words "${file#"$root"}" "$(sed -nE \
            -e "s/$assignment(\"([^\"]*)\"|'([^']*)'|([^[:blank:]#]*)).*/\\4\\5\\6/p" "$file" |
            sed -E 's/[^[:blank:]]*\$[^[:blank:]]*//g')"
    done
    # An image that is a kernel, too, brings its command line: dracut makes it of this.
    [[ ${uefi-} == yes ]] || return 0
    if [[ ${kernel_cmdline-} ]]; then
        coco_warn_words "dracut's kernel_cmdline=" "$kernel_cmdline"
    elif [[ ${hostonly_cmdline-} == yes ]]; then
        for file in "$initdir"/etc/cmdline.d/*.conf; do
            [[ -r $file ]] && coco_warn_words "${file#"$initdir"} of the image" "$(< "$file")"
        done
    fi
    return 0
}

# called by dracut
install() {
    local action deadline error name rescue=0 rest timeout try=0 unit
    local doors='emergency rescue dracut-emergency debug-shell'

    error=$(coco-unlock --root="${dracutsysrootdir:-/}" check --config 2>&1 > /dev/null) \
        || coco_fail "${error#coco-unlock: }"
    while read -r error; do
        [[ $error != coco-unlock:\ warning:* ]] || dwarn "$error"
    done <<< "$error"
    coco_check_words

    inst_binary coco-unlock
    # libkmod opens these by itself where modules are compressed.
    inst_libdir_file 'libzstd.so.*' 'liblzma.so.*' 'libz.so.*'
    inst_multiple -o /etc/coco-unlock/coco-unlock.conf /etc/coco-unlock/cocotab /etc/coco-unlock/policy \
        '/etc/coco-unlock/coco-unlock.conf.d/*.conf' '/usr/lib/coco-unlock/coco-unlock.conf.d/*.conf'

    while read -r unit name; do
        [[ $unit == *.target ]] || inst_simple "$systemdsystemunitdir/$unit"
        mkdir -p "$initdir$systemdsystemunitdir/$name.requires"
        ln_r "$systemdsystemunitdir/$unit" "$systemdsystemunitdir/$name.requires/$unit"
    done << 'END'
coco-unlock.service initrd-root-device.target
coco-unlock-verify-root.service initrd-root-fs.target
coco-unlock-verify-mounts.service initrd-cleanup.service
coco-unlock-verify-mounts.service initrd-switch-root.target
coco-unlock-verify-mounts.service initrd-switch-root.service
initrd-root-fs.target initrd.target
END
    # The last of them: without a unit that mounts /sysroot, systemd then starts rescue.target
    # (below) at once, instead of an initramfs that waits for nothing.

    action=$(coco_conf FailureAction)
    timeout=$(coco_seconds TimeoutMs)
    if [[ $(coco_conf RescueShell) == yes ]]; then
        action=shell
    elif [[ $action == rescue ]]; then
        # An answer that comes at the last moment still has a whole try.
        rescue=$(coco_seconds RescueTimeoutMs) try=$timeout
    fi
    deadline=$((timeout + $(coco_seconds RootTimeoutMs) + rescue + try))
    # The program keeps its own deadline; the unit's only has to be later.
    coco_dropin coco-unlock.service 50-configuration \
        '[Unit]' "FailureAction=$(coco_systemd_action "$action")" \
        '[Service]' "TimeoutStartSec=$((timeout + rescue + try + 120))"
    for name in root mounts; do
        coco_dropin "coco-unlock-verify-$name.service" 50-configuration \
            '[Unit]' "FailureAction=$(coco_systemd_action "$action")"
    done
    # Before that, for dracut's last hooks: one of them (selinux) runs programs of the root.
    # Its errors go to the console otherwise, and the failure line would come twice.
    coco_dropin dracut-pre-pivot.service 50-coco-unlock '[Service]' 'ExecStartPre=coco-unlock verify-mounts' \
        'StandardError=journal'
    # Once more at the very end: udev has stopped by then, so that no disk can come any more on
    # which a mount still waits that need not succeed (nofail).
    coco_dropin initrd-switch-root.service 50-coco-unlock \
        '[Service]' 'ExecStartPre=coco-unlock verify-mounts' 'TimeoutStartSec=1min' \
        'OOMScoreAdjust=-1000'
    coco_mask
    if coco_has_source kbs; then
        coco_kbs "$(coco_systemd_action "$action")"
    fi
    coco_lvm
    coco_initqueue "$deadline"

    # coco-unlock's deadline counts, not the shorter one of the device unit.
    while read -r name rest; do
        unit=$(systemd-escape --path --suffix=device "/dev/mapper/$name")
        coco_dropin "$unit" 50-coco-unlock \
            '[Unit]' 'JobTimeoutSec=infinity' 'JobRunningTimeoutSec=infinity'
    done < <(coco_conf Volume)

    if [[ $action == shell ]]; then
        # For the person at the shell that this configuration asks for.
        inst_multiple -o cryptsetup
        return 0
    fi
    # What ends the machine may first show a report for as long.
    coco_deadlines "$action" "$deadline" "$((rescue + (rescue > 0 ? 120 : 60)))"
    if [[ $action == rescue ]]; then
        # shellcheck disable=SC2046,SC2086 # a unit for each word
        coco_rescue "$rescue" coco-unlock-verify-root coco-unlock-verify-mounts initrd-switch-root $doors \
            $([[ -e $initdir$systemdsystemunitdir/coco-unlock-network.service ]] && echo coco-unlock-network)
    fi
    # Nothing starts them any more; a file that is there already is not installed again.
    for name in /usr/sbin/sulogin /usr/lib/systemd/systemd-sulogin-shell; do
        mkdir -p "$initdir${name%/*}"
        ln -sfn /dev/null "$initdir$name"
    done
    for unit in $doors; do
        rm -f "$initdir$systemdsystemunitdir/$unit.service" "$initdir/etc/systemd/system/$unit.service"
        inst_simple "$systemdsystemunitdir/coco-unlock-abort.service" "$systemdsystemunitdir/$unit.service"
    done
    for unit in systemd-ask-password-console systemd-ask-password-plymouth; do
        rm -f "$initdir$systemdsystemunitdir/$unit.service" "$initdir$systemdsystemunitdir/$unit.path"
        ln -sfn /dev/null "$initdir$systemdsystemunitdir/$unit.path"
        ln -sfn /dev/null "$initdir$systemdsystemunitdir/$unit.service"
    done
}
