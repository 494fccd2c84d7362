#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image_network.t - what the dracut module puts into an image whose owner's key broker is asked, and
# that an image without one gets none of it. dracut's own functions are fakes, and so is the program
# that reads the configuration. That such an image boots is shown by the lab's attested boots.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
image=$tmp/image
units=$image/usr/lib/systemd/system
must mkdir -p "$t/etc/coco-unlock" "$t/etc/ssl" "$tmp/bin"
must mkdir -p "$t/usr/lib/systemd/system"
printf '[Service]\nRuntimeDirectory=systemd/netif\n' > "$t/usr/lib/systemd/system/systemd-networkd.service"
printf 'root:x:0:0::/root:/bin/sh\nsystemd-network:x:998:998::/:/sbin/nologin\n' > "$t/etc/passwd"
printf 'root:x:0:\nsystemd-network:x:998:\n' > "$t/etc/group"
cat > "$tmp/bin/coco-unlock" << 'END'
#!/bin/sh
cat "${0%/bin/*}/conf"
END
must chmod 755 "$tmp/bin/coco-unlock"
PATH=$tmp/bin:$PATH

# made LINE...: an image whose configuration says this besides; what fails is in $tmp/failed, the modules of the
# kernel in $tmp/modules, and all that was put in, by function, in $tmp/put. without: a module the kernel has not.
made() {
	rm -rf "$image"
	must mkdir -p "$image/etc"
	printf '%s\n' TimeoutMs=300000 RootTimeoutMs=180000 "FailureAction=$action" SecretModules=coco_secret \
		'Volume=root auto - ' "$@" > "$tmp/conf"
	: > "$tmp/failed"
	: > "$tmp/warned"
	: > "$tmp/modules"
	: > "$tmp/put"
	(
		# shellcheck disable=SC2034 # dracut's variables
		dracutsysrootdir=$t initdir=$image moddir=$top/dracut/50coco-unlock systemdutildir=/usr/lib/systemd
		# shellcheck disable=SC2034
		systemdsystemunitdir=/usr/lib/systemd/system hostonly='' lvmconf=no kernel=none
		dwarn() { [[ $* == *LVM* ]] || echo "$*" >> "$tmp/warned"; }
		dfatal() { echo "$*" >> "$tmp/failed"; }
		modinfo() { [[ " $without " != *" ${*: -1} "* ]]; }
		modprobe() { :; }
		instmods() { printf '%s\n' "$@" >> "$tmp/modules"; }
		inst_binary() {
			echo "$1" >> "$tmp/put"
			[[ " $without " != *" $1 "* ]]
		}
		inst_libdir_file() { :; }
		inst_multiple() { :; }
		inst_simple() {
			local from to=$image${2-$1}
			echo "$1" >> "$tmp/put"
			mkdir -p "${to%/*}"
			for from in "$t$1" "$top/units/${1##*/}" "$1"; do
				[[ ! -e $from ]] || break
			done
			cp "$from" "$to" 2> /dev/null
		}
		ln_r() { ln -sfn "$1" "$image$2"; }
		systemd-escape() { echo "dev-mapper-x.device"; }
		source "$top/dracut/50coco-unlock/module-setup.sh"
		installkernel
		install
	)
	status=$?
}
without='' action=reboot

# key UNIT KEY: all values that the unit's file and its drop-ins give.
key() {
	cat "$units/$1" "$units/$1.d/"*.conf 2> /dev/null | sed -n "s/^$2=//p" | tr '\n' ' '
}

for sources in efi 'efi kbs' kbs; do
	made "Sources=$sources" 'KeepNetwork=no'
	is "Sources=$sources: the image is built" "$status $(cat "$tmp/failed")" '0 '
	want=1
	[[ $sources != efi ]] || want=0
	is '... with the program that speaks with the broker, or without' \
		"$(grep -c coco-unlock-broker "$tmp/put")" "$want"
	is '... and so is networkd' "$(grep -c 'systemd-networkd$' "$tmp/put")" "$want"
	is '... its user' "$(cat "$image/etc/passwd" 2> /dev/null | grep -c '^systemd-network:')" "$want"
	is '... a driver of a network card' "$(grep -cx virtio_net "$tmp/modules")" "$want"
	is '... those of the platforms' "$(grep -cE '^(sev|tdx)-guest$' "$tmp/modules")" "$((2 * want))"
	has=1
	[[ $sources != kbs ]] || has=0
	is '... and what exposes a launch secret, where that is asked for' "$(grep -cx coco_secret "$tmp/modules")" "$has"
	is '... and of anything by these names' \
		"$(find "$image" | grep -cE 'network|kbs|broker' | sed 's/^[1-9].*/1/')" "$want"
done

is 'the unlocker waits for no network' "$(key coco-unlock.service After | grep -c network)" 0
ok '... but has it started' grep -q systemd-networkd.service <<< "$(key coco-unlock.service Wants)"
ok '... and may speak to one' grep -q 'AF_INET AF_INET6' <<< "$(key coco-unlock.service RestrictAddressFamilies)"
network=$image/etc/systemd/network
is 'one file says what networkd does' "$(ls "$network")" 50-coco-unlock.network
is '... for cards alone' "$(sed -n '/^\[Match\]/,/^$/p' "$network"/*)" $'[Match]\nType=ether\nKind=!*'
for key in UseDNS UseHostname UseNTP UseDomains; do
	is "... $key of DHCPv4 and DHCPv6" "$(grep -h "^$key=" "$network"/* | sort -u)" "$key=no"
done
for unit in systemd-network-generator systemd-networkd-wait-online systemd-resolved; do
	is "$unit never runs" "$(readlink "$image/etc/systemd/system/$unit.service")" /dev/null
done
for user in initrd-cleanup.service initrd-switch-root.target initrd-switch-root.service; do
	ok "$user requires that the network is gone" test -L "$units/$user.requires/coco-unlock-network.service"
	ok '... and comes behind it' grep -qE "^Before=(.* )?$user( |\$)" "$units/coco-unlock-network.service"
done
ok 'it goes as soon as the key is there' test -L \
	"$units/initrd-root-device.target.wants/coco-unlock-network.service"
is '... which ends the machine if it is killed' "$(key coco-unlock-network.service FailureAction)" \
	'poweroff-force reboot-force '
is '... and leases go, too' "$(key systemd-networkd.service RuntimeDirectoryPreserve)" 'no '

made 'Sources=kbs' 'KeepNetwork=yes'
is 'a network that stays: no unit takes it down' "$(find "$image" -name 'coco-unlock-network*')" ''
is '... nor its leases' "$(key systemd-networkd.service RuntimeDirectoryPreserve)" ''

must mkdir -p "$t/etc/coco-unlock/network"
echo '[Match]' > "$t/etc/coco-unlock/network/10-mine.network"
made 'Sources=kbs'
is "the owner's own file is there instead of ours" "$(ls "$network")" 10-mine.network
is '... without a warning' "$(cat "$tmp/warned")" ''
must ln -s 10-mine.network "$t/etc/coco-unlock/network/20-link.network"
made 'Sources=kbs'
is '... and a link to such a file' "$status $(cat "$tmp/failed") $(ls "$network" | tr '\n' ' ')" \
	'0  10-mine.network 20-link.network '
echo '[NetDev]' > "$t/etc/coco-unlock/network/30-bond.netdev"
made 'Sources=kbs'
ok "what is no *.network file is said" grep -q '30-bond.netdev.*is not put into the image' "$tmp/warned"
is '... once' "$status $(wc -l < "$tmp/warned") $(ls "$network" | wc -l)" '0 1 2'
must rm "$t/etc/coco-unlock/network/"[123]*

# bad NAME SAYS: the owner's only file, which the caller has made, is none that networkd could read.
bad() {
	made 'Sources=kbs'
	ok "$1: the build ends" test "$status" != 0
	ok '... and says why' grep -qF -- "/etc/coco-unlock/network/10-mine.network$2" "$tmp/failed" || sed 's/^/# /' "$tmp/failed"
	ok '... and no other file takes its place' test ! -e "$network/50-coco-unlock.network"
	must rm -r "$t/etc/coco-unlock/network/10-mine.network"
}
owner=$t/etc/coco-unlock/network/10-mine.network
must ln -s nowhere.network "$owner"
bad 'a link to nothing' ' is no file'
must ln -s 10-mine.network "$owner"
bad 'a link to itself' ' is no file'
must ln -s /dev/null "$owner"
bad 'a mask' ' is no file'
must mkdir "$owner"
bad 'a directory' ' is no file'
echo '[Match]' > "$tmp/foreign.network"
must ln -s "$tmp/foreign.network" "$owner"
bad "a link out of the image's root" " leads out of $t"
must ln -s ../../../../foreign.network "$owner"
bad '... by a relative path' " leads out of $t"
must rm -r "$t/etc/coco-unlock/network"
made 'Sources=kbs'
is 'without any there is ours again' "$(ls "$network")" 50-coco-unlock.network

echo certificate > "$t/etc/ssl/ca.pem"
made 'Sources=kbs' 'BrokerCA=/etc/ssl/ca.pem' 'VCEK=/etc/ssl/ca.pem'
ok 'the certificates that the configuration names are there' cmp -s "$t/etc/ssl/ca.pem" "$image/etc/ssl/ca.pem"

made 'Sources=kbs' 'Nics=e1000 ice'
is 'Nics= are the drivers' "$(grep -cE '^(e1000|ice)$' "$tmp/modules") $(grep -c virtio_net "$tmp/modules")" '2 0'

action=rescue
made Sources=kbs KeepNetwork=no RescueShell=no RescueTimeoutMs=900000
is 'a rescue: the unit that takes it down has the time for a report' \
	"$(key coco-unlock-network.service TimeoutStartSec)" '1min 1020 '
ok '... and may change the user of a process, besides' \
	grep -q 'CAP_NET_ADMIN CAP_SYS_BOOT CAP_SETUID CAP_SETGID CAP_KILL' \
	<<< "$(key coco-unlock-network.service CapabilityBoundingSet)"
made Sources=kbs KeepNetwork=yes RescueShell=no RescueTimeoutMs=900000
is '... and is not there for a network that stays' "$(find "$image" -name 'coco-unlock-network*')" ''
action=reboot

# fails WITHOUT SAYS LINE...
fails() {
	without=$1
	made "${@:3}"
	without=''
	ok "without $1 the build ends" test "$status" != 0
	ok '... and says why' grep -qF -- "$2" "$tmp/failed"
}
fails 'sev-guest tdx-guest' 'neither sev-guest nor tdx-guest' 'Sources=kbs'
for module in sev-guest tdx-guest; do
	without=$module
	made 'Sources=kbs'
	without=''
	is "without $module alone there is an image" "$status $(cat "$tmp/failed")" '0 '
	is '... which has the other one' "$(grep -cE '^(sev|tdx)-guest$' "$tmp/modules")" 1
	ok '... and a warning' grep -q "no module $module: .* code 34" "$tmp/warned"
	is '... and no other one' "$(wc -l < "$tmp/warned")" 1
done
fails 'tsm tsm_report' 'neither tsm nor tsm_report' 'Sources=kbs'
for module in tsm tsm_report; do
	without=$module
	made 'Sources=kbs'
	without=''
	is "without $module, which other kernels have" "$status $(cat "$tmp/failed" "$tmp/warned")" '0 '
done
fails ice 'no module ice, which Nics= names' 'Sources=kbs' 'Nics=e1000 ice'
fails 'virtio_net failover net_failover ena gve idpf hv_netvsc mana vmxnet3' 'no driver of a network card' 'Sources=kbs'
fails /usr/lib/systemd/systemd-networkd 'cannot bring a network up' 'Sources=kbs'
fails /usr/lib/coco-unlock/coco-unlock-broker 'install coco-unlock anew' 'Sources=kbs'
fails coco_secret 'none of the secret modules' 'Sources=efi'
without=coco_secret
made 'Sources=kbs'
without=''
is 'without efi no secret module is asked for' "$status" 0
must sed -i /systemd-network/d "$t/etc/group"
fails 'systemd-network of /etc/group' 'no systemd-network' 'Sources=kbs'
tap_done
