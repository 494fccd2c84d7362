#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# contract.t - verbs, options, configuration keys and names that scripts and images rely on. The
# lists are those of version 0.1.0: more may be added, none may go. The exit codes are in
# unit/base/exitcode, the status file in status.t.
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

# What coco-unlock takes: verb, then options.
verbs='
unlock
verify-root
verify-mounts
raise-generation
abort --unless-done
check --config --standalone --cmdline=
init
status --json
'
# What coco-secret takes; verbs may stand again.
tool='
table build show add remove extract --output -o --format --firmware --nul --force --reveal --json --config
measure --firmware --kernel --initrd --append --vmsa --cpus --expected-digest --policy
measure --api-major --api-minor --build --tik --launch-measure-blob --json --nonce --format
packet --firmware --kernel --initrd --append --vmsa --cpus --expected-digest --policy
packet --api-major --api-minor --build --tik --launch-measure-blob --json --tek --output --config --domain --force --insecure-skip-measurement
verify --config --volume --memory --json
encrypt --secret-out --secret --pbkdf --sector-size --force --in-place --backup --integrity
prepare --config --volume --output --key-file --remove-old --grub --secret --force
recovery --config --volume --table --key-file
rotate --config --volume --finish --table --new --output --grub --force
status --config --volume --table --new
repair --config --volume
'
keys='
Unlock Timeout 30s
Unlock RootTimeout 30s
Unlock FailureAction rescue
Unlock KeepSecrets 736869e5-84f0-4973-92ec-06879ce3da0b
Unlock SecretModules efi_secret
Policy Ciphers aes-xts-plain64
Policy RequirePolicyEntry yes
Policy CheckCommandLine no
Policy AllowWords quiet
Root Device /dev/mapper/root
Root Type ext4
Root Options rw
Root Usr /dev/mapper/usr ext4 ro
Root Init /sbin/init
Root Fsck yes
Image Modules ahci
'
options='read-only same-cpu-crypt submit-from-crypt-cpus no-read-workqueue no-write-workqueue
allow-discards integrity=hmac-sha256 root token=clevis'

# has WORD TEXT: the word stands in the text by itself.
has() {
	grep -qE -- "(^|[^a-z-])$1([^a-z-]|\$)" <<< "$2"
}

help=$("$COCO_UNLOCK" --help)
while read -r verb words; do
	[[ $verb ]] || continue
	ok "coco-unlock $verb" has "$verb" "$help"
	for word in $words; do
		ok "coco-unlock $verb $word" has "${word%=}" "$(grep -E "^  $verb " <<< "$help")"
	done
done <<< "$verbs"
ok 'coco-unlock --root --version' has '--root' "$help"

while read -r verb words; do
	[[ $verb ]] || continue
	help=$("$COCO_SECRET" "$verb" --help)
	for word in $words; do
		ok "coco-secret $verb $word" has "$word" "$help"
	done
done <<< "$tool"
is 'a word that is not there is missed' "$(has --nonsense "$help"; echo $?)" 1

t=$tmp/t
tree "$t"
while read -r section key value; do
	[[ $key ]] || continue
	printf '[%s]\n%s=%s\n' "$section" "$key" "$value" > "$t/etc/coco-unlock/coco-unlock.conf"
	run --root="$t" check --config
	is "[$section] $key=" "$rc" 0
done <<< "$keys"
printf '[Unlock]\nNonsense=1\n' > "$t/etc/coco-unlock/coco-unlock.conf"
run --root="$t" check --config
is 'a key that is not there is refused' "$rc" 10
must rm "$t/etc/coco-unlock/coco-unlock.conf"

for option in $options nonsense; do
	printf 'root auto - %s\n' "$option" > "$t/etc/coco-unlock/cocotab"
	run --root="$t" check --config
	is "cocotab: $option" "$rc" "$([[ $option == nonsense ]] && echo 10 || echo 0)"
done
for device in auto UUID=aaaaaaaa-0000-4000-8000-00000000000a PARTUUID=1-1 LABEL=x /dev/vda; do
	printf 'root %s 736869e5-84f0-4973-92ec-06879ce3da0b none\n' "$device" > "$t/etc/coco-unlock/cocotab"
	run --root="$t" check --config
	is "cocotab: $device" "$rc" 0
done
tap_done
