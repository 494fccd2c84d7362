#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# surroundings.t - `check` in the tree of a real root warns of what obeys the host: a line each,
# with what to do, and the same exit code. A root in which nothing does is told nothing.
# Needs: cryptsetup
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
printf '%s good' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key" --uuid aaaaaaaa-0000-4000-8000-00000000000a
generators=/usr/lib/systemd/system-generators
units=/usr/lib/systemd/system
nl=$'\n'

# device NAME NUMBER [SLAVE]: sysfs of a block device
device() {
	must mkdir -p "$t/sys/devices/$1/slaves" "$t/sys/dev/block"
	echo "$2" > "$t/sys/devices/$1/dev"
	must ln -sfn "../../devices/$1" "$t/sys/class/block/$1"
	must ln -sfn "../../devices/$1" "$t/sys/dev/block/$2"
	[[ -z ${3-} ]] || must ln -sfn "../../$3" "$t/sys/devices/$1/slaves/$3"
	[[ -e $t/dev/$1 ]] || must touch "$t/dev/$1"
}

# A root that coco-unlock has opened: vda2 (LUKS) below dm-0 (root), LVM on it as dm-1 and dm-2;
# vda1 is plain, and so is vdb, the host's.
good() {
	tree "$t"
	must mkdir -p "$t"/{etc/systemd/system{,-generators},etc/cloud,proc/self,proc/sys/kernel,dev/mapper} \
		"$t"/dev/disk/by-{uuid,label,partuuid,partlabel,id} "$t$generators" "$t$units"
	add_disk "$t" vda2 "$tmp/good"
	rm -r "$t/sys/class/block/vda2"
	add_secret "$t" "$guid" "$tmp/key"
	printf 'root /dev/vda2 -\n' > "$t/etc/coco-unlock/cocotab"
	device vda1 252:1
	device vda2 252:2
	device dm-0 253:0 vda2
	device dm-1 253:1 dm-0
	device dm-2 253:2 dm-0
	device vdb 252:16
	must ln -s ../dm-0 "$t/dev/mapper/root"
	must ln -s ../dm-1 "$t/dev/mapper/vg-home"
	must ln -s ../dm-2 "$t/dev/mapper/vg-swap"
	link uuid root dm-0
	link uuid home dm-1
	link uuid plain vda1
	link uuid twin vdb
	must mkdir -p "$t/run/coco-unlock"
	printf '%s\n' version=1 volume=root root=1 spec=- device=253:0 uuid=CRYPT-LUKS2-a-root read-only=0 \
		'target=0 4096 crypt aes-xts-plain64 :64:logon:x 0 252:2 2048' \
		min-generation=0 set-generation=0 > "$t/run/coco-unlock/opened"
	mounts
	printf 'Filename\tType\tSize\tUsed\tPriority\n' > "$t/proc/swaps"
	echo 0 > "$t/proc/sys/kernel/sysrq"
	must cp "$top/units/systemd-gpt-auto-generator" "$t/etc/systemd/system-generators"
	program "$generators/systemd-gpt-auto-generator"
	echo '[Unit]' > "$t$units/dracut-shutdown.service"
	must mkdir "$t$units/dracut-shutdown.service.d"
	must cp "$top/units/dracut-shutdown.conf" "$t$units/dracut-shutdown.service.d/50-coco-unlock.conf"
}
# link KIND NAME DEVICE
link() {
	must ln -sfn "../../$3" "$t/dev/disk/by-$1/$2"
}
# program PATH
program() {
	must mkdir -p "$t${1%/*}"
	printf '#!/bin/sh\nexit 0\n' > "$t$1"
	chmod 755 "$t$1"
}
# mounts LINE...: of mountinfo, behind the root and what is always there
mounts() {
	printf '%s\n' '20 1 253:0 / / rw - ext4 /dev/mapper/root rw' '21 20 0:5 / /proc rw - proc proc rw' \
		'22 20 0:6 / /run rw - tmpfs tmpfs rw' "$@" > "$t/proc/self/mountinfo"
}
swaps() {
	printf '%s\n' $'Filename\tType\tSize\tUsed\tPriority' "$@" > "$t/proc/swaps"
}
fstab() {
	printf '%s\n' "$@" > "$t/etc/fstab"
}
crypttab() {
	printf '%s\n' "$@" > "$t/etc/crypttab"
}

look() {
	run --root="$t" check
	is "$1" "$rc" 0
	grep '^warning ' "$tmp/out" > "$tmp/warnings"
}
# quiet NAME
quiet() {
	look "$1"
	is '... nothing is warned of' "$(cat "$tmp/warnings")" ''
}
# warns NAME WHAT PATTERN: one line, of this form
warns() {
	look "$1"
	is '... one line' "$(wc -l < "$tmp/warnings")" 1
	ok "... of $2: $3" grep -qE "^warning $2 +.*($3)" "$tmp/warnings" || sed 's/^/# /' "$tmp/warnings"
	ok '... with what to do' grep -qE '[;:] [a-z/]' "$tmp/warnings"
}

good
quiet 'a root that obeys nobody'
before=$(snapshot "$t")
look 'once more'
is '... nothing in the tree has changed' "$(snapshot "$t")" "$before"
tree "$t"
add_disk "$t" vda "$tmp/good"
add_secret "$t" "$guid" "$tmp/key"
quiet 'a tree that is hardly a root'

# An initramfs is no real root; a refusal keeps its code.
good
fstab 'UUID=twin /home ext4 defaults 0 2'
touch "$t/etc/initrd-release"
quiet 'an initramfs is not looked at'
rm "$t/etc/initrd-release" "$t$secrets/$guid"
run --root="$t" check
is 'a refusal keeps its code' "$rc" 8
is '... beside the warning' "$(grep -c '^warning fstab ' "$tmp/out")" 1
is '... and says last what a boot would do' "$(tail -n 1 "$tmp/out")" 'a boot would now end with: poweroff'
run --root="$t" check --config
is 'with --config only the configuration is read' "$(grep -c '^warning' "$tmp/out")" 0

# fstab: what is ours.
for source in /dev/mapper/root UUID=root 'UUID="root"' "UUID='root'" uuid=root /dev/dm-0 /dev/disk/by-uuid/root \
	/dev/mapper/vg-home UUID=home; do
	good
	fstab '# comment' '' "$source /home ext4 defaults 0 2"
	quiet "fstab: $source is ours"
done
for line in 'proc /proc proc defaults 0 0' 'tmpfs /tmp tmpfs size=1G 0 0' '/srv/a /srv/b none bind 0 0' \
	'/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0' '/swapfile none swap sw 0 0' \
	'/dev/mapper/vg-swap none swap sw 0 0' '/image.img /mnt ext4 loop 0 0' \
	'  UUID=root	/	ext4	defaults,x-systemd.growfs-not	0	1' 'UUID=plain /boot ext4 noauto' \
	'UUID=plain /boot/efi vfat umask=0077,nosuid,nodev,noexec 0 1'; do
	good
	fstab "$line"
	quiet "fstab: '$line'"
done
good
printf 'root /dev/vda2 -\ndata /dev/vda2 -\n' > "$t/etc/coco-unlock/cocotab"
fstab '/dev/mapper/data /data ext4 defaults'
quiet 'fstab: a volume of cocotab that is not there now'

# fstab: what is the host's.
link label 'my\x20disk' vdb
for source in UUID=twin 'UUID="twin"' "LABEL='my\\040disk'" LABEL=other PARTUUID=0-1 PARTLABEL=home ID=virtio-x /dev/vdb \
	/dev/disk/by-uuid/twin /dev/disk/by-label/x /dev/sdq1 /dev/mapper/other /dev/vg/home; do
	good
	link label 'my\x20disk' vdb
	link label other vdb
	link partuuid 0-1 vdb
	link partlabel home vdb
	link id virtio-x vdb
	fstab "$source /home ext4 defaults 0 2"
	warns "fstab: $source" fstab "/etc/fstab:1: /home .*(is not on a volume|not there now).*; .*cocotab"
	shown=${source//\\040/ }
	ok '... names the entry' grep -qF "(${shown//\"/\'})" "$tmp/warnings"
done
for line in 'host /mnt 9p trans=virtio 0 0' 'tag /mnt virtiofs defaults' 'nas:/x /mnt nfs4 defaults' '//nas/x /mnt cifs x' \
	'pool/home /home zfs defaults' 'UUID=twin /mnt ext4 noauto,x-systemd.automount 0 0'; do
	good
	fstab "$line"
	warns "fstab: '$line'" fstab '/etc/fstab:1: '
done
good
fstab 'UUID=twin none swap sw 0 0'
warns 'fstab: swap' fstab 'swap .*memory .*in clear'
good
fstab 'UUID=plain /boot ext4 defaults 0 2'
warns 'fstab: a plain /boot' fstab '/boot .*only what the launch measures counts'
for options in umask=0077 nosuid,nodev nosuid,noexec,xnodev; do
	good
	fstab "UUID=plain /boot/efi vfat $options 0 1"
	warns "fstab: /boot/efi with $options" fstab '/boot/efi .*noexec'
done
good
fstab 'UUID=plain /boot/efi ext4 nosuid,nodev,noexec 0 1'
warns 'fstab: another file system on /boot/efi' fstab '/boot/efi '
good
fstab '# x' 'UUID=twin' '/dev/mapper/root / ext4'
warns 'fstab: a line that cannot be read' fstab '/etc/fstab:2: cannot be read'
good
fstab '/dev/mapper/root / ext4 x-systemd.growfs'
warns 'fstab: growfs' fstab 'growfs .*header'
good
fstab 'UUID=twin /a ext4' 'UUID=plain /b ext4' '/dev/mapper/root / ext4'
look 'fstab: several'
is '... a line each' "$(grep -oE '[0-9]: /. [^ ]+' "$tmp/warnings")" "1: /a (UUID=twin)${nl}2: /b (UUID=plain)"
good
printf 'UUID=\033[2J\xff /a"b ext4\n' > "$t/etc/fstab"
warns 'fstab: bytes that are not printable' fstab 'UUID=\?\[2J\?'

# crypttab.
for line in 'swap /dev/vdb /dev/urandom plain,cipher=aes-xts-plain64' 'swap UUID=twin /dev/urandom swap' \
	'tmp /dev/vdb /dev/random tmp=ext4' 'x UUID=twin none luks,noauto' 'inner /dev/mapper/vg-home none luks'; do
	good
	crypttab "$line"
	quiet "crypttab: '$line'"
done
for line in 'home UUID=twin none luks' 'home UUID=twin /dev/urandom luks' 'home /dev/vdb /etc/key plain' 'home LABEL=gone' \
	'swap /dev/vdb /swapkey swap'; do
	good
	crypttab "$line"
	warns "crypttab: '$line'" crypttab '/etc/crypttab:1: .*cocotab'
done

# Swap that is in use.
for area in '/dev/dm-2 partition 1 0 -2' '/swapfile file 1 0 -2' '/dev/zram0 partition 1 0 100'; do
	good
	device zram0 251:0
	echo lzo > "$t/sys/devices/zram0/comp_algorithm"
	echo none > "$t/sys/devices/zram0/backing_dev"
	swaps "${area// /$'\t'}"
	quiet "swap: $area"
done
good
device dm-3 253:3 vdb
must mkdir "$t/sys/devices/dm-3/dm"
echo CRYPT-PLAIN-swap > "$t/sys/devices/dm-3/dm/uuid"
swaps $'/dev/dm-3 partition\t1\t0\t-2'
quiet 'swap: behind a random key'
echo LVM-x > "$t/sys/devices/dm-3/dm/uuid"
warns 'swap: a mapping of another kind' swap '/dev/dm-3, .*swapoff'
good
swaps $'/dev/vdb partition\t1\t0\t-2'
warns 'swap: a partition of the host' swap '/dev/vdb, .*memory.*swapoff'
fstab 'UUID=twin none swap sw'
warns 'swap: ... that fstab names is told once' fstab swap
good
device zram0 251:0
echo lzo > "$t/sys/devices/zram0/comp_algorithm"
echo /dev/vdb > "$t/sys/devices/zram0/backing_dev"
swaps $'/dev/zram0 partition\t1\t0\t-2'
warns 'swap: zram that writes to a disk' swap /dev/zram0
good
mounts '30 20 252:16 / /mnt rw - ext4 /dev/vdb rw'
swaps $'/mnt/my\\040swap file\t1\t0\t-2'
look 'swap: a file elsewhere'
ok '... is told' grep -qE '^warning swap +.*/mnt/my swap' "$tmp/warnings"
good
swaps $'/dev/gone partition\t1\t0\t-2'
warns 'swap: a device that is gone' swap '/dev/gone .*No such file'
good
rm "$t/run/coco-unlock/opened"
swaps $'/dev/vdb partition\t1\t0\t-2'
warns 'swap: nothing was opened' swap /dev/vdb

# What is mounted.
good
mounts '30 20 253:1 / /home rw - ext4 /dev/mapper/vg-home rw' '31 20 0:40 / /d rw - overlay overlay lowerdir=/a' \
	'32 20 0:41 / /f rw - fuse.lxcfs lxcfs rw'
quiet 'mounts that are ours'
good
device loop0 7:0
must mkdir "$t/sys/devices/loop0/loop"
echo /var/lib/x.snap > "$t/sys/devices/loop0/loop/backing_file"
mounts '30 20 7:0 / /snap/x ro - squashfs /dev/loop0 ro'
quiet 'a loop device on the root'
mounts '29 20 252:16 / /var/lib rw - ext4 /dev/vdb rw' '30 20 7:0 / /snap/x ro - squashfs /dev/loop0 ro'
look 'a loop device elsewhere'
is '... both are told' "$(grep -c '^warning mount ' "$tmp/warnings")" 2
good
mounts '30 20 252:16 / /home rw - ext4 /dev/vdb rw' '31 20 252:16 / /home2 rw - ext4 /dev/vdb rw'
warns 'mounted from outside, told once' mount '/home .*/dev/vdb'
fstab 'UUID=twin /home ext4'
warns '... and not again beside fstab' fstab /home
good
mounts '30 20 0:50 / /share rw - virtiofs tag rw'
warns "the host's directory" mount '/share .*virtiofs'
good
mounts '30 20 0:50 / /z rw - zfs pool rw'
warns 'a kind without a device' mount '/z .*cannot|cannot find out what /z'
good
mounts 'nonsense'
warns 'a list that cannot be read' mount mountinfo
good
echo x >> "$t/run/coco-unlock/opened"
warns 'a list of volumes that cannot be read' volumes opened

# Generators.
wrapper=$t/etc/systemd/system-generators/systemd-gpt-auto-generator
good
rm "$wrapper"
warns 'gpt-auto without the wrapper' gpt-auto 'mask it'
must ln -s /dev/null "$wrapper"
quiet '... masked'
must rm "$wrapper"
: > "$wrapper"
quiet '... masked by an empty file'
echo '#!/bin/sh' > "$wrapper"
chmod 755 "$wrapper"
warns "... an owner's own program" gpt-auto "/etc/systemd/.*gpt-auto"
good
chmod 644 "$wrapper"
warns 'a wrapper that is not executable' gpt-auto 'mask it'
good
must rm "$t/etc/coco-unlock/cocotab"
run --root="$t" check
grep '^warning ' "$tmp/out" > "$tmp/warnings"
is 'no cocotab' "$(wc -l < "$tmp/warnings")" 2
is '... is told for both' "$(cut -d' ' -f 2 "$tmp/warnings" | tr '\n' ' ')" 'gpt-auto shutdown '
is '... with what to do' "$(grep -c 'make one$' "$tmp/warnings")" 2
good
must rm "$wrapper" "$t$generators/systemd-gpt-auto-generator"
quiet 'no such generator'
good
program "$generators/systemd-ssh-generator"
quiet 'the generator for ssh, without sshd'
program /usr/sbin/sshd
warns '... with sshd' vsock 'vsock.*mask it'
must ln -s /dev/null "$t/etc/systemd/system/sshd-vsock.socket"
quiet '... its socket masked'
must rm "$t/etc/systemd/system/sshd-vsock.socket"
must ln -s /dev/null "$t/etc/systemd/system-generators/systemd-ssh-generator"
quiet '... itself masked'

# The shutdown.
dropin=$t$units/dracut-shutdown.service.d/50-coco-unlock.conf
good
must rm "$dropin"
warns 'dracut-shutdown without the drop-in' shutdown 'as root.*systemctl mask'
must ln -s /dev/null "$t/etc/systemd/system/dracut-shutdown.service"
quiet '... masked'
good
must mkdir "$t/etc/systemd/system/dracut-shutdown.service.d"
must ln -s /dev/null "$t/etc/systemd/system/dracut-shutdown.service.d/50-coco-unlock.conf"
warns 'a drop-in that is masked' shutdown 'systemctl mask'
good
echo '[Unit]' > "$dropin"
warns 'a drop-in without the condition' shutdown 'systemctl mask'
good
must rm -r "$dropin" "$t$units/dracut-shutdown.service"
quiet 'no dracut in the root'

# Services.
good
program /usr/bin/cloud-init
warns 'cloud-init' cloud-init 'cidata.*touch /etc/cloud/cloud-init.disabled'
: > "$t/etc/cloud/cloud-init.disabled"
quiet '... switched off'
# sources FILE LIST
sources() {
	must mkdir -p "$t/etc/cloud/cloud.cfg.d"
	printf 'users:\n - default\n%s\n' "datasource_list: $2" > "$t/etc/cloud/$1"
}
good
program /usr/bin/cloud-init
sources cloud.cfg '[ NoCloud, None ]'
warns 'cloud-init with a source' cloud-init cidata
sources cloud.cfg.d/90_dpkg.cfg '[ None ]'
quiet '... which a drop-in takes away'
sources cloud.cfg.d/10_early.cfg '[ NoCloud ]'
quiet '... after an earlier one'
sources cloud.cfg.d/99_late.cfg.old '[ NoCloud ]'
quiet '... and a file that is none'
sources cloud.cfg.d/99_late.cfg "['NoCloud']"
warns '... before a later one' cloud-init cidata
sources cloud.cfg.d/99_late.cfg '[]'
warns 'an empty list' cloud-init cidata
printf 'datasource_list:\n - NoCloud\n' > "$t/etc/cloud/cloud.cfg.d/99_late.cfg"
warns 'a list over several lines' cloud-init cidata
echo '# nothing' > "$t/etc/cloud/cloud.cfg.d/99_late.cfg"
quiet 'a file that does not say'
must ln -sf 99_late.cfg "$t/etc/cloud/cloud.cfg.d/99_late.cfg"
warns 'a file that cannot be read' cloud-init '99_late.cfg cannot'
must rm -r "$t/etc/cloud/cloud.cfg.d"
must ln -s cloud.cfg.d "$t/etc/cloud/cloud.cfg.d"
warns 'a directory that cannot be read' cloud-init cannot
while read -r what path; do
	good
	program "$path"
	warns "agent: $path" agent "$what"
done << 'END'
qemu-guest-agent /usr/sbin/qemu-ga
qemu-guest-agent /usr/lib/systemd/system/qemu-guest-agent.service
open-vm-tools /usr/bin/vmtoolsd
hyperv-daemons /usr/sbin/hv_kvp_daemon
hyperv-daemons /usr/sbin/hv_fcopy_daemon
hyperv-daemons /usr/sbin/hv_vss_daemon
walinuxagent /usr/sbin/waagent
google-guest-agent /usr/bin/google_guest_agent
amazon-ssm-agent /usr/bin/amazon-ssm-agent
amazon-ssm-agent /lib/systemd/system/amazon-ssm-agent.service
virtualbox /usr/sbin/VBoxService
kdump-tools /usr/sbin/kdump-config
kexec-tools /etc/init.d/kexec-load
END
good
program /usr/sbin/qemu-ga
program "$units/qemu-guest-agent.service"
must ln -s /dev/null "$t/etc/systemd/system/qemu-guest-agent.service"
quiet 'agent: masked'
good
must mkdir -p "$t/usr/lib/repart.d"
echo '[Service]' > "$t$units/systemd-repart.service"
touch "$t/usr/lib/repart.d/README"
quiet 'repart without definitions'
touch "$t/usr/lib/repart.d/50-home.conf"
warns 'repart with one' repart '50-home.conf.*systemctl mask'

# The console, the kernel, credentials.
for mask in 0 2 16 176 434; do
	good
	echo "$mask" > "$t/proc/sys/kernel/sysrq"
	quiet "sysrq $mask"
done
for mask in 1 4 8 64 438 511; do
	good
	echo "$mask" > "$t/proc/sys/kernel/sysrq"
	warns "sysrq $mask" sysrq "kernel.sysrq is $mask: .*kernel.sysrq=0"
done
good
echo x > "$t/proc/sys/kernel/sysrq"
warns 'sysrq that cannot be read' sysrq 'cannot be read'
for kind in @system @encrypted; do
	good
	must mkdir -p "$t/run/credentials/$kind"
	quiet "credentials: none in $kind"
	touch "$t/run/credentials/$kind/tmpfiles.extra"
	run --root="$t" check
	ok "credentials: in $kind" grep -q "^warning credentials .*/$kind has 'tmpfiles.extra'.*; find" "$tmp/out"
done
good
printf 'root:*:1::::::\nguest::1::::::\nlocked:!:1::::::\n' > "$t/etc/shadow"
warns 'an empty password' console "'guest' .*passwd -l guest"

# Errors are told: what cannot be read may be anything.
while read -r what path; do
	good
	must rm -rf "$t$path"
	must mkdir -p "$t$path"
	look "unreadable: $path"
	ok '... is told' grep -qE "^warning $what +.*$path" "$tmp/warnings" || sed 's/^/# /' "$tmp/warnings"
	must rm -r "$t$path"
	must ln -s "${path##*/}" "$t$path"
	look "a loop of links: $path"
	ok '... is told' grep -qE "^warning $what +.*$path" "$tmp/warnings" || sed 's/^/# /' "$tmp/warnings"
done << 'END'
fstab /etc/fstab
crypttab /etc/crypttab
console /etc/shadow
swap /proc/swaps
sysrq /proc/sys/kernel/sysrq
mount /proc/self/mountinfo
volumes /run/coco-unlock/opened
END
for dir in /run/credentials/@system /usr/lib/repart.d; do
	good
	echo '[Service]' > "$t$units/systemd-repart.service"
	must mkdir -p "$t${dir%/*}"
	must ln -s "${dir##*/}" "$t$dir"
	run --root="$t" check
	ok "a loop of links: $dir is told" grep -q "^warning .*$dir cannot" "$tmp/out"
done
ok 'no secret in any output' silent "$t"
tap_done
