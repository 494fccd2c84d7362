#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check_config.t - what the configuration comes to, in lines that dracut's module reads.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
etc=$t/etc/coco-unlock
usr=$t/usr/lib/coco-unlock

# What stands below, in check_standalone.t, check_kbs.t and check_rescue.t.
elsewhere='^(LvmFilter|Sources|Root(Device|Type|Options)|Usr(Device|Type|Options)|Init|Fsck|Lvm|DefaultModules|Modules|Rescue(Shell|TimeoutMs|Key)|Digest)='

# prints NAME LINE...: check --config prints exactly these lines, and those of elsewhere.
prints() {
	local name=$1
	shift
	run --root="$t" check --config
	is "$name: exit code" "$rc" 0
	is '... what is printed' "$(grep -vE "$elsewhere" "$tmp/out")" "$(printf '%s\n' "$@")"
	is '... and nothing else' "$(cat "$tmp/err")" ''
}

# refuses NAME LINE
refuses() {
	run --root="$t" check --config
	is "$1: exit code" "$rc" 10
	is '... the reason' "$(cat "$tmp/err")" "coco-unlock: $2"
	is '... and nothing else' "$(cat "$tmp/out")" ''
}

defaults=(TimeoutMs=90000 RootTimeoutMs=180000 FailureAction=poweroff
	'SecretModules=efi_secret coco_secret sev_secret' Ciphers=aes-xts-plain64 Integrity= KeepSecrets=
	RequirePolicyEntry=no CheckCommandLine=yes AllowWords= RootVolume=root "Volume=root auto $guid")

must mkdir -p "$t"
prints 'no file' "${defaults[@]}"
must mkdir -p "$etc/coco-unlock.conf.d" "$usr/coco-unlock.conf.d"
prints 'empty directories' "${defaults[@]}"
must cp "$top/conf/coco-unlock.conf" "$top/conf/cocotab" "$etc"
prints 'the files of conf/, as they are' "${defaults[@]}"
sed 's/^#\([A-Z]\)/\1/' "$top/conf/coco-unlock.conf" > "$etc/coco-unlock.conf"
# AllowWords=, Type=, Modules= and the broker of [Kbs] have no default that could be written down.
ok 'premise: that made settings of the comments' test "$(grep -c '^[A-Z]' "$etc/coco-unlock.conf")" = 21
prints 'the files of conf/, which name every key with its default' "${defaults[@]}"

cat > "$etc/coco-unlock.conf" <<- END
	[Unlock]
	Timeout=2min
	RootTimeout=1min
	FailureAction=halt
	KeepSecrets=${other^^} $example
	SecretModules=coco_secret
	[Policy]
	Ciphers=aes-xts-plain64 serpent-xts-plain64
	RequirePolicyEntry=yes
	CheckCommandLine=no
	AllowWords=a=*  b
	AllowWords=c
END
cat > "$etc/cocotab" <<- END
	# volume device secret options
	root  UUID=ABCDEF01-0000-4000-8000-00000000000a  -
	data  /dev/vdb  $other  read-only
	swap  PARTUUID=01-02
	more  LABEL=more
END
prints 'every key' TimeoutMs=120000 RootTimeoutMs=60000 FailureAction=halt \
	SecretModules=coco_secret 'Ciphers=aes-xts-plain64 serpent-xts-plain64' \
	Integrity= "KeepSecrets=$other $example" RequirePolicyEntry=yes CheckCommandLine=no 'AllowWords=a=* b c' \
	RootVolume=root \
	"Volume=root UUID=abcdef01-0000-4000-8000-00000000000a $guid" \
	"Volume=data /dev/vdb $other" "Volume=swap PARTUUID=01-02 $guid" "Volume=more LABEL=more $guid"

# filter NAME VALUE: what the image's LVM may look at.
filter() {
	run --root="$t" check --config
	is "$1" "$(grep '^LvmFilter=' "$tmp/out")" "LvmFilter=$2"
}
filter 'LVM sees every volume, and nothing else' '[ "a|^/dev/mapper/root$|", "a|^/dev/mapper/data$|", "a|^/dev/mapper/swap$|",'\
' "a|^/dev/mapper/more$|", "r|.*|" ]'
for device in vda disk/by-id/virtio-x disk/by-partlabel/x md/x md0 cciss/c0d0p1 block/253:0; do
	echo "a.b+c-d /dev/$device" > "$etc/cocotab"
	filter "... dots and plus signs are no patterns, /dev/$device is not of LVM" '[ "a|^/dev/mapper/a[.]b[+]c-d$|", "r|.*|" ]'
done
for device in vg/lv mapper/vg-lv dm-0 disk/by-id/dm-name-vg-lv disk/by-id/lvm-pv-uuid-x; do
	printf 'root LABEL=x\ndata /dev/%s\n' "$device" > "$etc/cocotab"
	filter "LUKS on LVM: /dev/$device is left to it" ''
done
root_volume() {
	run --root="$t" check --config
	is "$1" "$(sed -n 's/^RootVolume=//p' "$tmp/out")" "$2"
}
printf '%s\n' 'a /dev/vda' 'b /dev/vdb' > "$etc/cocotab"
root_volume 'without another sign, the first volume is the root' a
printf '%s\n' 'a /dev/vda' 'root /dev/vdb' > "$etc/cocotab"
root_volume 'or that of the name' root
printf '%s\n' 'a /dev/vda - read-only,root' 'root /dev/vdb' > "$etc/cocotab"
root_volume 'or that of the option' a
echo 'b /dev/vdc - root' >> "$etc/cocotab"
refuses 'two of them' "/etc/coco-unlock/cocotab:3: a second volume with the option 'root'"
must rm "$etc/cocotab"
cat > "$etc/cocotab" << END
root UUID=abcdef01-0000-4000-8000-00000000000a
END

must mkdir -p "$t/proc"
echo 'coco_unlock.timeout=5' > "$t/proc/cmdline"
run --root="$t" check --config
is 'the kernel command line plays no part' "$(head -n 1 "$tmp/out")" TimeoutMs=120000
run --root="$t" check --config --config
is 'the option twice is once' "$rc" 0

echo '[Unlock]' > "$usr/coco-unlock.conf.d/a.conf"
echo 'Timeout=3s' >> "$usr/coco-unlock.conf.d/a.conf"
run --root="$t" check --config
is 'a drop-in' "$(head -n 1 "$tmp/out")" TimeoutMs=3000
printf '\nFoo=1\n' >> "$usr/coco-unlock.conf.d/a.conf"
refuses 'a mistake in a drop-in' \
	"/usr/lib/coco-unlock/coco-unlock.conf.d/a.conf:4: unknown key 'Foo' in section [Unlock]"
: > "$etc/coco-unlock.conf.d/a.conf"
run --root="$t" check --config
is 'masked by one of the same name in /etc' "$rc $(head -n 1 "$tmp/out")" '0 TimeoutMs=120000'
must ln -s none "$etc/coco-unlock.conf.d/z.conf"
refuses 'a drop-in that is a link to nothing' \
	'/etc/coco-unlock/coco-unlock.conf.d/z.conf: No such file or directory'
must rm "$etc/coco-unlock.conf.d/z.conf"
echo 'root auto - discard' > "$etc/cocotab"
refuses 'an option that is unknown' "/etc/coco-unlock/cocotab:1: unknown option 'discard'"
must rm "$etc/cocotab"
must ln -s /etc/coco-unlock/none "$etc/cocotab"
run --root="$t" check --config
is 'a link that leads nowhere is no file' "$rc" 0
must rm "$etc/cocotab"
must mkdir "$etc/cocotab"
refuses 'a directory' '/etc/coco-unlock/cocotab: Is a directory'
ok 'nothing was written' test ! -e "$t/run"
tap_done
