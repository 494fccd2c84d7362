#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# next.t - the next step of each refusal of unlock that a tree can show, taken: then the volume opens, or what is
# refused now is another thing. Rules of headers are in next_header.t, the mounted root in verify_root.t.
# Needs: cryptsetup python3 setpriv
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

t=$tmp/t
conf=$t/etc/coco-unlock
state=$t/sys/kernel/security/coco_secret/state
printf '%s good' "$canary" > "$tmp/key"
printf '%s wrong' "$canary" > "$tmp/wrong"
: > "$tmp/empty"
disk "$tmp/good" "$tmp/key"
disk "$tmp/other" "$tmp/wrong"
must truncate -s 1M "$tmp/zeros"

good() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	launch
}

# The machine starts again, with the secret in the table.
launch() {
	must rm -rf "$t/sys/kernel/security"
	must mkdir -p "$t$secrets"
	add_secret "$t" "$guid" "$tmp/key"
}

# refused NAME CODE NEXT: NEXT is a regular expression of the whole step.
refused() {
	run --root="$t" unlock
	is "$1" "$rc" "$2"
	ok "... and says what to do: $3" grep -qE "^coco-unlock: FAILED .* next=\"$3\" action=none$" "$tmp/err" ||
		sed 's/^/# /' "$tmp/err"
}

goes_on() {
	run --root="$t" unlock
	is "... which leads on${1+ ($1)}" "$rc" 0 || sed 's/^/# /' "$tmp/err"
}

run unlokc
is 'usage' "$rc $(cat "$tmp/err")" "1 coco-unlock: unknown verb 'unlokc'; see --help"
run --help
is '... which leads on' "$rc" 0

# The table.
inject='inject the launch secret before the guest starts'
good
must rm -r "$t$secrets"
refused 'no table' 7 "$inject, and use firmware of the AmdSev kind"
launch
goes_on
for row in "empty|7|$inject" "wiped|7|start the machine again, and $inject" \
	'populated 2|7|start the machine again; let nothing in the initramfs remove secrets' \
	'corrupt descriptor|13|use firmware of edk2-stable202302 or newer: this one names no area that could hold a table' \
	'corrupt header-length|13|build the secret table again, and no larger than .*' \
	'corrupt entry-length|13|build the secret table again: an entry is .*; if GRUB has .* start the kernel directly instead' \
	'corrupt duplicate-guid|14|build the secret table again, with each GUID once' \
	'corrupt something|13|use coco-unlock and coco_secret of one version'; do
	good
	must rm -r "$t$secrets"
	must mkdir -p "${state%/*}"
	IFS='|' read -r word code next <<< "$row"
	echo "$word" > "$state"
	refused "coco_secret: $word" "$code" "$next"
	launch
	goes_on
done
good
must rm -r "$t$secrets"
must mkdir -p "$state"
refused 'a state that cannot be read' 15 '.*' # a secret may be left
launch
goes_on

good
must rm "$t$secrets/$guid"
add_secret "$t" "$other" "$tmp/key"
missing='put the entry that cocotab names into the secret table, or correct its GUID in cocotab and build the initramfs again'
refused 'no such entry' 8 "$missing"
launch
goes_on 'the table'
good
must mv "$t$secrets/$guid" "$t$secrets/$other"
refused 'no such entry' 8 "$missing"
must mkdir -p "$t$secrets"
add_secret "$t" "$other" "$tmp/key"
echo "root auto $other" > "$conf/cocotab"
goes_on 'cocotab'
good
must truncate -s 16385 "$t$secrets/$guid"
refused 'a secret that is too long' 8 'make the entry smaller: a secret has at most 16384 bytes'
launch
goes_on
good
must mv "$t$secrets/$guid" "$t$secrets/$example"
refused 'the example of the documentation' 9 "rebuild the table with GUID $guid; .*"
launch
goes_on
good
add_secret "$t" "$guid" "$tmp/empty"
refused 'an empty secret' 21 "put the secret's bytes into the table: the entry has no data"
launch
goes_on
good
add_secret "$t" "$guid" "$tmp/wrong"
refused 'another secret' 2 'check that the secret in the table is the one that was enrolled .*, then launch again'
launch
goes_on
good
for i in {1..63}; do
	add_secret "$t" "00000000-0000-0000-0000-0000000000$((10 + i))" "$tmp/wrong"
done
refused '64 entries' 16 'put at most 63 entries into the secret table'
launch
for i in {1..62}; do
	add_secret "$t" "00000000-0000-0000-0000-0000000000$((10 + i))" "$tmp/wrong"
done
goes_on
good
must mkdir "$t$secrets/stays"
refused 'an entry that stays' 15 'leave /sys writable for coco-unlock; where it was, give secrets to another kernel only'
launch
goes_on 'another kernel'
good
must rm -r "$t/sys/kernel"
refused 'no securityfs' 12 'use a kernel with CONFIG_SECURITYFS'
launch
goes_on

# The configuration.
config='correct what the reason names, run coco-unlock check --config, and build the initramfs again'
# corrected FILE TEXT
corrected() {
	printf '%b' "$2" > "$conf/$1"
	run --root="$t" check --config
	is '... check --config agrees' "$rc" 0
	launch
	goes_on
}
good
echo 'root auto - discard' > "$conf/cocotab"
refused 'an unknown option' 10 "$config"
run --root="$t" check --config
is '... check --config names it, too' "$rc $(cat "$tmp/err")" \
	"10 coco-unlock: /etc/coco-unlock/cocotab:1: unknown option 'discard'"
corrected cocotab 'root auto - allow-discards\n'
good
echo '# nothing' > "$conf/cocotab"
refused 'no volume' 10 "$config"
corrected cocotab 'root auto\n'
good
printf '[Unlock]\nTimeout=soon\n' > "$conf/coco-unlock.conf"
refused 'a value that is none' 10 "$config"
corrected coco-unlock.conf '[Unlock]\nTimeout=1\n'
good
must mkdir "$conf/coco-unlock.conf"
refused 'a file that cannot be read' 10 "$config"
must rmdir "$conf/coco-unlock.conf"
launch
goes_on

# Memory.
good
limited=("$bin")
[[ $(id -u) == 0 ]] && limited=(setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock "$bin")
plain=$bin
bin=$tmp/limited
limit() {
	printf '#!/bin/bash\nulimit -l %s\nexec%s "$@"\n' "$1" "$(printf ' %q' "${limited[@]}")" > "$bin"
	must chmod +x "$bin"
}
if grep -q __asan_init "$plain"; then
	skip 'no-memory: the address sanitizer has an mlock() that does nothing'
else
	for few in 0 8; do
		launch
		limit "$few"
		refused "$few KiB of locked memory" 3 \
			'run it as root, or raise the limit of locked memory \(ulimit -l\)'
		limit 64
		launch
		goes_on
	done
fi
bin=$plain

# Devices.
attach='attach the encrypted disk, put its driver into the initramfs, raise Timeout=, or correct the device column of cocotab, and build the initramfs again'
good
must rm "$t/dev/vda"
refused 'no disk' 4 "$attach"
add_disk "$t" vda "$tmp/good"
launch
goes_on
good
add_disk "$t" vda "$tmp/zeros"
refused 'another disk' 4 "$attach"
add_disk "$t" vdb "$tmp/good"
launch
goes_on
good
echo 'root /dev/sda' > "$conf/cocotab"
refused 'a wrong path' 4 "$attach"
echo 'root /dev/vda' > "$conf/cocotab"
launch
goes_on
good
must mkdir -p "$t/sys/class/block/vdb/device" "$t/dev/vdb"
next="detach what cannot be read, or name the volume's device in cocotab by a path and build the initramfs again"
[[ $(id -u) == 0 ]] || next='run it as root'
refused 'a disk that cannot be read, and may be the one' 4 "$next"
echo 'root /dev/vda' > "$conf/cocotab"
launch
goes_on 'the path'
echo 'root auto' > "$conf/cocotab"
must rm -r "$t/sys/class/block/vdb" "$t/dev/vdb"
launch
goes_on 'detached'
good
add_disk "$t" vdb "$tmp/other"
detach="detach the other disk, or name the volume's device in cocotab by a path and build the initramfs again"
refused 'two disks' 18 "$detach"
echo 'root /dev/vda' > "$conf/cocotab"
launch
goes_on 'the path'
echo 'root auto' > "$conf/cocotab"
must rm -r "$t/sys/class/block/vdb"
launch
goes_on 'detached'
good
add_disk "$t" vda "$tmp/zeros"
add_disk "$t" vdb "$tmp/good"
echo 'root /dev/vda' > "$conf/cocotab"
refused 'no LUKS header' 19 "attach the encrypted disk, or correct the device column of cocotab and .*: only LUKS2 volumes are opened"
echo 'root /dev/vdb' > "$conf/cocotab"
launch
goes_on
convert='on a machine that you trust: cryptsetup convert --type luks2 DISK'
for hash in sha256 sha1; do
	good
	must truncate -s 0 "$t/dev/vda"
	must truncate -s 4M "$t/dev/vda"
	must cryptsetup luksFormat -q --type luks1 --disable-locks --key-file "$tmp/key" \
		--pbkdf-force-iterations 1000 --hash $hash "$t/dev/vda" &> "$tmp/format.log"
	refused "LUKS1 with $hash" 19 "$convert"
	must cryptsetup convert -q --disable-locks --type luks2 "$t/dev/vda" &> "$tmp/format.log"
	launch
	[[ $hash == sha1 ]] || { goes_on; continue; }
	refused '... is LUKS2 now, by a hash that is refused' 6 \
		"attach the disk as it was prepared; if it was LUKS1 with sha1, on a machine that you trust: cryptsetup reencrypt --hash sha256 DISK, .*"
	must cryptsetup reencrypt -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
		--key-slot 0 --hash sha256 --force-offline-reencrypt "$t/dev/vda" &> "$tmp/format.log"
	launch
	goes_on
done

# What the host has told the kernel and the system manager.
word='remove the word from the kernel command line, or allow it with AllowWords= and build the initramfs again'
good
echo 'root=/dev/mapper/root audit=0' > "$t/proc/cmdline"
refused 'a word' 25 "$word"
echo 'root=/dev/mapper/root' > "$t/proc/cmdline"
launch
goes_on 'removed'
echo 'root=/dev/mapper/root audit=0' > "$t/proc/cmdline"
printf '[Policy]\nAllowWords=audit=0\n' > "$conf/coco-unlock.conf"
launch
goes_on 'allowed'
for word in 'quiet"rd.break"' "$(printf '%0300d' 0)"; do
	good
	echo "$word" > "$t/proc/cmdline"
	refused 'a word that cannot be allowed' 25 'remove the word from the kernel command line'
	echo quiet > "$t/proc/cmdline"
	launch
	goes_on
done
root='use root=/dev/mapper/root; if the root is a logical volume on that, allow its word with AllowWords= and build the initramfs again'
good
echo 'root=/dev/vda' > "$t/proc/cmdline"
refused 'another root' 25 "$root"
echo 'root=/dev/mapper/root' > "$t/proc/cmdline"
launch
goes_on
echo 'root=/dev/mapper/vg-root' > "$t/proc/cmdline"
printf '[Policy]\nAllowWords=root=/dev/mapper/vg-root\n' > "$conf/coco-unlock.conf"
launch
goes_on 'a logical volume'
good
must mkdir -p "$t/sys/firmware/efi/efivars"
: > "$t/sys/firmware/efi/efivars/SystemdOptions-8cf2644b-4b0b-428f-9387-6d876050dc67"
refused 'an EFI variable' 25 'start the guest without the EFI variable SystemdOptions'
must rm "$t"/sys/firmware/efi/efivars/*
launch
goes_on
good
must mkdir -p "$t/run/credentials/@system"
: > "$t/run/credentials/@system/fstab.extra"
refused 'a credential' 26 'start the guest without SMBIOS, fw_cfg and EFI credentials for the system manager'
must rm "$t/run/credentials/@system/fstab.extra"
launch
goes_on

# The owner's pins, by the program that the step names.
good
printf '[Policy]\nRequirePolicyEntry=yes\n' > "$conf/coco-unlock.conf"
refused 'no policy entry' 27 \
	'put a policy entry with every volume of cocotab into the secret table: coco-secret prepare writes one; '\
'or put their volume-key= into /etc/coco-unlock/policy and build the initramfs again'
must cp "$tmp/good" "$tmp/pinned"
own prepare "$tmp/pinned" --key-file "$tmp/key" -o "$tmp/table" --config "$t"
is '... coco-secret prepare' "$rc" 0
# pinned: a launch with this disk and this table
pinned() {
	add_disk "$t" vda "$tmp/pinned"
	must rm -r "$t/sys/kernel"
	must python3 -IS "$top/tests/lib/table.py" split "$tmp/table" "$t"
}
pinned
goes_on
must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/key" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
	"$tmp/pinned" "$tmp/wrong" &> "$tmp/format.log"
pinned
refused 'a header that the owner has changed' 29 \
	'attach the disk that the policy entry pins; if you have changed its header yourself, pin the new one with coco-secret pin'
own pin "$tmp/pinned" --table "$tmp/table" --yes --config "$t"
is '... coco-secret pin' "$rc" 0
pinned
goes_on
must cp "$tmp/pinned" "$tmp/mine"
must cp "$tmp/other" "$tmp/pinned"
pinned
refused 'another disk' 29 'attach the disk that the policy entry pins; .*'
must cp "$tmp/mine" "$tmp/pinned"
pinned
goes_on
good
printf 'version=1\nvolume=data\n' > "$t$secrets/$policy"
refused 'a policy entry with a mistake' 28 'correct the line of the policy entry and build the secret table again'
launch
printf 'version=1\nvolume=root\nmin-generation=0\n' > "$t$secrets/$policy"
goes_on
good
printf '%05000d' 0 > "$t$secrets/$policy"
refused 'one that is too long' 28 'write the policy entry again: coco-secret prepare does'
must cp "$tmp/mine" "$tmp/pinned"
pinned
goes_on

# The other verbs.
good
run --root="$t" status
is 'no status' "$rc $(cat "$tmp/err")" \
	"23 coco-unlock: no status at $status (No such file or directory): coco-unlock has not run in this boot"
goes_on
run --root="$t" status
is '... status' "$rc" 0
tap_done
