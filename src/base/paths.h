/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * paths.h - every path of the machine that the program looks at, in one place.
 * All of them are opened below the root descriptor of root.h; the few that a library
 * opens by itself are marked.
 */
#ifndef COCO_PATHS_H
#define COCO_PATHS_H

#define PATH_CONF "/etc/coco-unlock/coco-unlock.conf"
#define PATH_CONF_D_ETC "/etc/coco-unlock/coco-unlock.conf.d"
#define PATH_CONF_D_USR "/usr/lib/coco-unlock/coco-unlock.conf.d"
#define PATH_COCOTAB "/etc/coco-unlock/cocotab"

#define PATH_LVM_CONF "/etc/lvm/lvm.conf" /* read by check, never written */
#define PATH_LVM_LOCAL_CONF "/etc/lvm/lvmlocal.conf"
/* Of the real root: what its owner has set up, and what of that obeys the host. */
#define PATH_FSTAB "/etc/fstab"
#define PATH_CRYPTTAB "/etc/crypttab"
#define PATH_SHADOW "/etc/shadow"
#define PATH_UNITS_ETC "/etc/systemd/system"
#define PATH_GENERATORS_ETC "/etc/systemd/system-generators"
#define PATH_SWAPS "/proc/swaps"
#define PATH_SYSRQ "/proc/sys/kernel/sysrq"
#define PATH_DEV_DISK "/dev/disk"
#define PATH_DEV_FD "/dev/fd"
#define PATH_DEV_NULL "/dev/null"
#define PATH_DEV_STDIN "/dev/stdin"

#define PATH_INITRD_RELEASE "/etc/initrd-release"

/* Of an initramfs of our own. */
#define PATH_DRIVERS "/usr/lib/coco-unlock/modules" /* names, a line each: what init loads */
#define PATH_E2FSCK "/usr/sbin/e2fsck"
#define PATH_LVM "/usr/sbin/lvm"
#define PATH_PROC "/proc"
#define PATH_SYS "/sys"
#define PATH_RUN "/run"
#define PATH_SYSROOT_USR "/sysroot/usr"
#define PATH_FW_CFG_CREDENTIALS "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials"
#define PATH_DMI_ENTRIES "/sys/firmware/dmi/entries"
#define PATH_EFIVARS "/sys/firmware/efi/efivars"
#define PATH_PANIC "/proc/sys/kernel/panic"
#define PATH_PANIC_ON_OOPS "/proc/sys/kernel/panic_on_oops"
#define PATH_DEVKMSG "/proc/sys/kernel/printk_devkmsg"
#define PATH_PRINTK "/proc/sys/kernel/printk"
#define PATH_MODPROBE "/proc/sys/kernel/modprobe"
#define PATH_BTRFS_CONTROL "/dev/btrfs-control"
#define PATH_UDEV_DATA "/run/udev/data"
#define PATH_FSCK_ROOT "/run/initramfs/fsck-root" /* systemd-fsck-root.service(8) */
#define PATH_FSCK_USR "/run/initramfs/fsck-usr"

#define PATH_RUN_DIR "/run/coco-unlock"
#define PATH_STATUS "/run/coco-unlock/status.json"
#define PATH_OPENED "/run/coco-unlock/opened"

/* In the encrypted root, below whatever it is mounted on. */
#define PATH_GENERATION_DIR "/var/lib/coco-unlock"
#define PATH_GENERATION "/var/lib/coco-unlock/generation"
#define PATH_SYSROOT "/sysroot"

#define PATH_MOUNTINFO "/proc/self/mountinfo"
#define PATH_SWAPS "/proc/swaps"
#define PATH_CMDLINE "/proc/cmdline"
/* What the kernel has given to the stub of an initramfs of our own. */
#define PATH_KERNEL_ARGV "/init.argv"
#define PATH_KERNEL_ENVP "/init.envp"
#define PATH_KERNEL_PANIC "/init.panic" /* what PATH_PANIC was before the stub */
#define PATH_CRYPTO "/proc/crypto"
#define PATH_MEMINFO "/proc/meminfo"
#define PATH_CPUINFO "/proc/cpuinfo"
#define PATH_PROC_STATUS "/proc/self/status"
#define PATH_BOOT_ID "/proc/sys/kernel/random/boot_id"
#define PATH_OOM_SCORE_ADJ "/proc/self/oom_score_adj"
#define PATH_KMSG "/dev/kmsg"
#define PATH_SYSRQ_TRIGGER "/proc/sysrq-trigger"

#define PATH_DEV "/dev"
#define PATH_TTY "/dev/tty" /* coco-secret: the person who runs it */
#define PATH_CONSOLE "/dev/console"
#define PATH_CONSOLES_ACTIVE "/sys/class/tty/console/active"
#define PATH_SYS_BUS "/sys/bus"
#define PATH_SYS_BLOCK "/sys/class/block"
#define PATH_SYS_DEV_BLOCK "/sys/dev/block"
#define PATH_SYS_BTRFS "/sys/fs/btrfs"
#define PATH_SYS_MODULE "/sys/module"
#define PATH_DM_CONTROL "/dev/mapper/control"
#define PATH_DM_DIR "/dev/mapper"

/* The kernel's list of EFI configuration tables starts here (a physical address in text form). */
#define PATH_EFI_CONFIG_TABLE "/sys/firmware/efi/config_table"

/* systemd's proc-cmdline: the variable has systemd's own vendor GUID. */
#define PATH_EFI_SYSTEMD_OPTIONS_CACHE \
	"/run/systemd/efivars/SystemdOptions-8cf2644b-4b0b-428f-9387-6d876050dc67"
#define PATH_EFI_SYSTEMD_OPTIONS \
	"/sys/firmware/efi/efivars/SystemdOptions-8cf2644b-4b0b-428f-9387-6d876050dc67"

/* systemd.exec(5): what it has imported, plain and encrypted. */
#define PATH_CREDENTIALS_SYSTEM "/run/credentials/@system"
#define PATH_CREDENTIALS_ENCRYPTED "/run/credentials/@encrypted"

/* Control groups of systemd's services, where the kernel has one hierarchy of them. */
#define PATH_CGROUP_SYSTEM "/sys/fs/cgroup/system.slice"

/* Of a source that asks a key broker. */
#define PATH_POLICY "/etc/coco-unlock/policy" /* the image's own, for every source */
#define PATH_BROKER "/usr/lib/coco-unlock/coco-unlock-broker"
#define PATH_BROKER_ROOT "/run/coco-unlock-broker-XXXXXX" /* of mkdtemp(3), and gone at once */
#define PATH_CONFIGFS "/sys/kernel/config"
#define PATH_TSM_REPORT "/sys/kernel/config/tsm/report"
#define PATH_DEV_SEV_GUEST "/dev/sev-guest"
#define PATH_DEV_TDX_GUEST "/dev/tdx_guest"
#define PATH_SEV_GUEST_DEVICE "/sys/bus/platform/devices/sev-guest"
#define PATH_CCEL "/sys/firmware/acpi/tables/data/CCEL"

#define PATH_SECURITYFS "/sys/kernel/security"
#define PATH_COCO_SECRET_STATE "/sys/kernel/security/coco_secret/state"

#define PATH_UDEV_DIR "/run/udev"
#define PATH_UDEV_CONTROL "/run/udev/control"
#define PATH_UDEV_QUEUE "/run/udev/queue"

/* Opened by libcryptsetup, which takes devices by path only: our own descriptors. */
#define PATH_SELF_FD "/proc/self/fd/%d"
#define PATH_SELF_FDS "/proc/self/fd"

#endif
