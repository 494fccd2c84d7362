#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check_kbs.t - Sources= and the section [Kbs]: what they come to, in lines that dracut's module
# reads, what is refused with which line, and what the dry run says of each source.
# Needs: cryptsetup
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
etc=$t/etc/coco-unlock
pin=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
pin64=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
must mkdir -p "$etc/coco-unlock.conf.d"
printf '%s\n' "-----BEGIN CERTIFICATE-----" MIIB "-----END CERTIFICATE-----" > "$etc/ca.pem"
{ printf '\x30\x82\x02\x00'; head -c 512 /dev/zero; } > "$etc/vcek.der"

# conf TEXT [COCOTAB]
conf() {
	printf '%s\n' "$1" > "$etc/coco-unlock.conf"
	printf '%s\n' "${2:-root auto}" > "$etc/cocotab"
}

# prints NAME LINE...: check --config prints these of the lines that are about sources, and no others.
prints() {
	local name=$1
	shift
	run --root="$t" check --config
	is "$name: exit code" "$rc" 0
	is '... what is printed' "$(grep -E '^(TimeoutMs|Volume|Sources|Broker|Pin|BrokerCA|VCEK|Resource.*|EventLog|KeepNetwork|Nics)=' \
		"$tmp/out")" "$(printf '%s\n' "$@")"
}

# refuses NAME REASON [NEXT]
refuses() {
	run --root="$t" check --config
	is "$1: exit code" "$rc" 10
	is '... the reason' "$(head -n 1 "$tmp/err")" "coco-unlock: /etc/coco-unlock/$2"
	[[ ! ${3-} ]] || ok '... what to do' grep -qF -- "coco-unlock: next: $3" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... and nothing else' "$(cat "$tmp/out")" ''
}

kbs=$'[Unlock]\nSources=kbs\n[Kbs]\nUrl=https://192.0.2.1:8080\nPin='$pin$'\nResource=a/b/c'

conf ''
prints 'the default' TimeoutMs=90000 "Volume=root auto $guid" Sources=efi
conf "$kbs"
prints 'the least' TimeoutMs=300000 "Volume=root auto $guid" Sources=kbs 'Broker=https://192.0.2.1:8080 192.0.2.1 8080' \
	Pin=$pin BrokerCA= VCEK= Resource=a/b/c ResourceFormat=table EventLog=auto KeepNetwork=no Nics=
is '... without a word, where the policy has pins' "$(grep -v 'policy' "$tmp/err")" ''
conf "[Unlock]
Sources=efi kbs
Timeout=1min
[Kbs]
Url=https://Broker.Lan/kbs/ https://[2001:DB8::1]
Host=broker.lan 192.0.2.7
BrokerCA=/etc/coco-unlock/ca.pem
VCEK=/etc/coco-unlock/vcek.der
ResourceFormat=secret
EventLog=no
KeepNetwork=yes
Nics=virtio_net hv-netvsc" "root UUID=aaaaaaaa-0000-4000-8000-00000000000a kbs:///a/b/c
data /dev/vdb kbs:///a/b/d#${other^^}"
prints 'all' TimeoutMs=60000 'Volume=root UUID=aaaaaaaa-0000-4000-8000-00000000000a kbs:///a/b/c' \
	"Volume=data /dev/vdb kbs:///a/b/d#$other" 'Sources=efi kbs' 'Broker=https://Broker.Lan/kbs/ 192.0.2.7 443' \
	'Broker=https://[2001:DB8::1] 2001:db8::1 443' BrokerCA=/etc/coco-unlock/ca.pem VCEK=/etc/coco-unlock/vcek.der \
	Resource= ResourceFormat=secret EventLog=no KeepNetwork=yes 'Nics=virtio_net hv-netvsc'

# A drop-in in /etc takes the broker away again.
printf '[Unlock]\nSources=efi\n' > "$etc/coco-unlock.conf.d/efi.conf"
conf "$kbs"
prints 'a drop-in that says efi' TimeoutMs=90000 "Volume=root auto $guid" Sources=efi
is '... with a warning' "$(cat "$tmp/err")" 'coco-unlock: warning: [Kbs] has no effect: Sources= has no kbs'
must rm "$etc/coco-unlock.conf.d/efi.conf"
conf "$kbs"$'\nBrokerCA=/etc/coco-unlock/ca.pem'
run --root="$t" check --config
ok 'both a pin and a CA: a warning' grep -qF 'coco-unlock: warning: Pin= a broker has to fit Pin= or BrokerCA=' "$tmp/err"
is '... and no error' "$rc" 0

for url in http://192.0.2.1 https://u@192.0.2.1 'https://192.0.2.1/?a' 'https://192.0.2.1#a' https://192.0.2.300 \
	'https://[fe80::1]'; do
	conf $'[Unlock]\nSources=kbs\n[Kbs]\nUrl='"$url"
	refuses "Url=$url" 'coco-unlock.conf:4: Url= takes URLs such as https://HOST, https://HOST:PORT/PATH or https://[ADDRESS], '\
'at most 4: without user, query and fragment'
done
conf $'[Unlock]\nSources=kbs'
refuses 'no URL' 'coco-unlock.conf:2: Sources= has kbs, and [Kbs] has no Url=' 'put Url=https://HOST'
conf $'[Unlock]\nSources=kbs\n[Kbs]\nUrl=https://192.0.2.1'
refuses 'neither a pin nor a CA' \
	'coco-unlock.conf:4: nothing says how the broker is known again: neither Pin= nor BrokerCA=' 'put Pin= with'
conf $'[Unlock]\nSources=kbs\n[Kbs]\nUrl=https://broker.lan\nPin='$pin64
refuses 'a name without an address' 'coco-unlock.conf:4: no Host= gives the address of broker.lan' 'put Host=NAME ADDRESS'
conf $'[Kbs]\nPin='$pin
refuses '[Kbs] alone' 'coco-unlock.conf:2: the section [Kbs], but no Sources= that says kbs' 'put Sources=kbs'
conf '' $'root auto kbs:///a/b/c'
refuses 'a resource without the source' \
	"cocotab:1: volume 'root' is opened with a resource of a key broker, and Sources= has no kbs" 'put Sources=kbs'
conf "$kbs"$'\nResource='
refuses 'no resource' "cocotab:1: volume 'root' needs the broker's Resource=, and [Kbs] has none" 'put Resource='
conf "$kbs"$'\nResourceFormat=secret' "root auto $other"
refuses 'an entry of no table' \
	"cocotab:1: volume 'root' names an entry of a table, and ResourceFormat=secret says that there is none" 'remove the GUID'
conf "$kbs"$'\n[Unlock]\nKeepSecrets='$other
refuses 'nothing to be kept' \
	'coco-unlock.conf:8: KeepSecrets= spares entries of the launch secret, and Sources= has no efi' 'remove KeepSecrets='
conf "$kbs" 'root auto kbs://host/a/b/c'
refuses 'a broker in cocotab' \
	"cocotab:1: 'kbs://host/a/b/c' is neither kbs:///REPOSITORY/TYPE/TAG nor that with #GUID"
conf "$kbs"$'\n\nBrokerCA=/etc/coco-unlock/none.pem'
refuses 'no CA file' 'coco-unlock.conf:8: BrokerCA=: /etc/coco-unlock/none.pem: No such file or directory'
conf "$kbs"$'\nBrokerCA=/etc/coco-unlock/vcek.der'
refuses 'another form' 'coco-unlock.conf:7: BrokerCA=: /etc/coco-unlock/vcek.der is no certificate in PEM'
conf "$kbs"$'\nVCEK=/etc/coco-unlock/ca.pem'
refuses 'PEM for DER' \
	'coco-unlock.conf:7: VCEK=: /etc/coco-unlock/ca.pem is PEM: openssl x509 -outform DER makes DER of it'

# An initramfs of its own has no network.
for sources in kbs 'kbs efi'; do
	conf "${kbs/Sources=kbs/Sources=$sources}"$'\n[Root]\nType=ext4'
	run --root="$t" check --config --standalone
	is "Sources=$sources with --standalone: exit code" "$rc" 10
	is '... the reason' "$(head -n 1 "$tmp/err")" \
		'coco-unlock: Sources= has kbs: this initramfs cannot bring a network up'
	ok '... what to do' grep -qF "coco-unlock: next: use dracut's initramfs, or set Sources=efi" "$tmp/err"
done

# The dry run.
printf '%s' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key"

# look NAME CODE
look() {
	run --root="$t" check
	is "$1: exit code" "$rc" "$2"
	ok '... each line begins with its verdict' test \
		"$(grep -cvE '^(ok      |refused |warning |a boot would now end with: )' "$tmp/out")" = 0
}

# says LINE
says() {
	ok "... $1" grep -qxF -- "$1" "$tmp/out" || sed 's/^/# /' "$tmp/out"
}

fresh() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	must mkdir -p "$etc"
	conf "$@"
}

fresh "$kbs"
look 'no provider in a tree' 34
ok '... which is said' grep -qE '^refused key broker .*\(34 no-provider\)' "$tmp/out"
must touch "$t/dev/sev-guest"
look 'SEV-SNP' 0
says 'ok      key broker     reports of snp prove this guest to it'
says 'ok      key broker     https://192.0.2.1:8080, at 192.0.2.1 port 8080'
says "ok      key broker     resource a/b/c for volume root, entry $guid"
must mv "$t/dev/sev-guest" "$t/dev/tdx_guest"
conf "$kbs"$'\nResourceFormat=secret' 'root auto kbs:///x/y/z'
look 'TDX' 0
says 'ok      key broker     reports of tdx prove this guest to it'
says 'ok      key broker     resource x/y/z for volume root'

fresh "${kbs/Sources=kbs/Sources=efi kbs}"
add_secret "$t" "$guid" "$tmp/key"
look 'both, and a launch secret' 0
says 'ok      key broker     no provider of reports is seen; with one at boot a key broker is asked, without one the launch secret is used'
says "ok      secrets        entry $guid for volume root, one of 1"
must touch "$t/dev/tdx_guest"
look 'both, and a provider besides' 0
says 'ok      secrets        skipped, since there is a provider of reports'
ok '... the launch secret is not looked at' test "$(grep -c 'one of 1' "$tmp/out")" = 0
conf $'[Unlock]\nSources=efi'
look 'efi alone, and a provider besides' 0
says "ok      secrets        entry $guid for volume root, one of 1"
ok '... no broker is spoken of' test "$(grep -c 'key broker' "$tmp/out")" = 0
tap_done
