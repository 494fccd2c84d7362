#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image_policy.t - the image's policy: it holds without a policy entry and with one, a mistake in it ends the boot before a
# secret is read, check foretells all of it, and both builders put it into the image.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
file=$t/etc/coco-unlock/policy
uuid=aaaaaaaa-0000-4000-8000-00000000000a
printf '%s good' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key" --uuid "$uuid"
must cryptsetup luksDump -q --disable-locks --dump-volume-key --key-file "$tmp/key" \
	--volume-key-file "$tmp/volume-key" "$tmp/good" &> "$tmp/dump.log"
header=$(head -c 32768 "$tmp/good" | sha256sum | cut -c 1-64)
volume_key=$(sha256sum < "$tmp/volume-key" | cut -c 1-64)
fixated=$(python3 -IS -c '
import hashlib, hmac, sys
print(hmac.new(open(sys.argv[1], "rb").read(), sys.argv[2].encode(), hashlib.sha256).hexdigest())' \
	"$tmp/volume-key" "cryptsetup:root:$uuid")
pins=("uuid=$uuid" "header=sha256:$header" "volume-key=sha256:$volume_key" "fixate-volume-key=$fixated")

# flip DIGITS: another last digit
flip() {
	[[ $1 == *0 ]] && echo "${1%?}1" || echo "${1%?}0"
}

# machine [LINE...]: with these lines about the volume root in the image's policy; without any, there is none.
machine() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	add_secret "$t" "$guid" "$tmp/key"
	[[ $# == 0 ]] || printf '%s\n' version=1 volume=root "$@" > "$file"
}

# entry LINE...: the same in the policy entry
entry() {
	printf '%s\n' version=1 volume=root "$@" > "$t$secrets/$policy"
}

strict() {
	printf '[Policy]\nRequirePolicyEntry=yes\n' > "$t/etc/coco-unlock/coco-unlock.conf"
}

# unlocks NAME CODE [REASON]: and nothing is left, nor told.
unlocks() {
	run --root="$t" unlock
	is "$1" "$rc" "$2"
	[[ ! ${3-} ]] || ok "... says: $3" grep -qE "reason=\"$3\" next=\"." "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... nothing is left' "$(ls "$t$secrets")" ''
	ok '... no secret in any output' silent "$t"
}

# foretold NAME CODE: what check says, who does not see the entry
foretold() {
	local before
	before=$(snapshot "$t")
	run --root="$t" check
	is "check: $1" "$rc" "$2"
	ok '... and changes nothing' test "$(snapshot "$t")" = "$before"
}

# Without an entry.
machine
unlocks 'control: no policy at all' 0
for pin in "${pins[@]}"; do
	kind=${pin%%[=:]*}
	machine "$pin"
	foretold "right: $kind" 0
	unlocks "right: $kind" 0
	machine "$(flip "$pin")"
	[[ $kind == *key* ]] && foretold "wrong: $kind" 0 || foretold "wrong: $kind" 29
	unlocks "wrong: $kind" 29 ".* that the image's policy pins"
	ok '... with what to do' grep -q ' next="attach the disk .*/etc/coco-unlock/policy and build' "$tmp/err"
	is '... in the status file' "$(status_fields "$t" code name)" 29/pin-mismatch
done
machine "header=sha256:$(flip "$header")"
unlocks 'the pin comes before the judge' 29
is '... the header is not even judged' "$(status_fields "$t" volumes.0.header volumes.0.uuid)" /

# With one: a false broker's entry can only add to it.
for pin in "${pins[@]}"; do
	kind=${pin%%[=:]*} name=${pin%%=*}
	machine "$pin"
	entry "$pin"
	unlocks "the same in both: $kind" 0
	machine "$(flip "$pin")"
	entry "$(flip "$pin")"
	unlocks "wrong in both: $kind" 29 ".* that the image's policy and the policy entry both pin"
	machine "$pin"
	entry "$(flip "$pin")"
	unlocks "the entry contradicts: $kind" 28 "$name= of volume root: the image's policy and the policy entry .*"
	is '... in the status file' "$(status_fields "$t" code name)" 28/policy-invalid
	machine "$(flip "$pin")"
	entry "$pin"
	unlocks "the image contradicts: $kind" 28
done
machine "header=sha256:$header" "header=sha256:$volume_key"
entry "header=sha256:$fixated" "header=sha256:$header"
unlocks 'one header in common' 0
machine "header=sha256:$header" "header=sha256:$volume_key"
entry "header=sha256:$fixated" "header=sha256:$volume_key"
unlocks 'another one in common' 29
machine "${pins[2]}"
entry "${pins[0]}"
unlocks 'a pin each' 0
machine "${pins[2]}"
entry "$(flip "${pins[0]}")"
unlocks '... the entry is wrong' 29 '.* that the policy entry pins'
machine "$(flip "${pins[2]}")"
entry "${pins[0]}"
unlocks '... the image is wrong' 29 ".* that the image's policy pins"
machine "${pins[2]}"
echo x > "$t$secrets/$policy"
unlocks 'an entry with a mistake stays one' 28

# RequirePolicyEntry=yes.
for pin in "${pins[@]}"; do
	kind=${pin%%[=:]*}
	machine "$pin"
	strict
	[[ $kind == uuid ]] && wanted=27 || wanted=0
	unlocks "strict, the image alone: $kind" "$wanted"
done
machine "${pins[0]}" min-generation=3
strict
unlocks 'strict, the image names the disk only' 27 \
	".* volume root, and the image's policy pins neither its key nor its header"
ok '... with both ways out' grep -q 'next="put a policy entry .* or put .*volume-key= into /etc/coco-unlock/policy' "$tmp/err"
machine "${pins[0]}"
strict
entry "${pins[0]}"
unlocks 'strict, the volume stands in the entry' 0
machine "${pins[2]}"
strict
printf 'root UUID=%s - -\ndata UUID=%s %s -\n' "$uuid" "${uuid%a}b" "$other" > "$t/etc/coco-unlock/cocotab"
unlocks 'strict, a volume that neither names' 27 '.* about volume data, .*'

# A mistake: before anything else, with nothing read.
# broken NAME LINE REASON
broken() {
	add_secret "$t" "$other" "$tmp/key"
	foretold "$1" 10
	ok '... check says where' grep -q "^coco-unlock: /etc/coco-unlock/policy$2: $3" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	run --root="$t" check --config
	is '... and check --config' "$rc$(cat "$tmp/out")" 10
	unlocks "... unlock" 10 "/etc/coco-unlock/policy$2: $3.*"
	is '... nothing was read' "$(status_fields "$t" name source.read)" config/0
}
machine "uuid=x"
broken 'a value' :3 'not what coco-unlock-policy'
machine '# comment' "${pins[2]}"
broken 'a comment' :3 'not what'
machine
: > "$file"
broken 'an empty file' :1 'not what'
machine "${pins[2]}"
printf 'volume=data\n%s\n' "${pins[2]}" >> "$file"
broken 'a volume that cocotab does not have' :4 'not what .*, or a volume that cocotab does not have'
machine
must ln -s /nowhere "$file"
broken 'a link into nowhere' '' 'No such file'
machine
must mkdir "$file"
broken 'a directory' '' 'Is a directory'
machine
head -c 4097 /dev/zero | tr '\0' x > "$file"
broken 'a large file' '' 'longer than 4096 bytes'
machine
printf 'version=1\nvolume=root\n%s\n\0' "${pins[2]}" > "$file"
broken 'a NUL' '' 'Invalid argument'

# Header pins are warned of: whoever rotates has to build the image again.
warning='/etc/coco-unlock/policy pins the header of volume root: coco-secret rotate and recovery change it, .* 29 '
machine "${pins[@]}"
foretold 'all pins' 0
ok '... warns of the header' grep -qE "^warning policy +$warning.*; next: ." "$tmp/out"
run --root="$t" check --config
is '... check --config, too' "$rc" 0
ok '... beside its lines' grep -qE "^coco-unlock: warning: $warning" "$tmp/err"
is '... once' "$(wc -l < "$tmp/err")" 1
machine "${pins[0]}" "${pins[2]}"
foretold 'without the header' 0
ok '... no warning' test "$(grep -c "$warning" "$tmp/out")" = 0
run --root="$t" check --config
is '... none' "$(cat "$tmp/err")" ''

# Where a key broker is a source, a false one chooses the disk unless the image pins it.
# broker LINE...: says how many warnings of that there are.
broker() {
	machine "$@"
	printf '[Unlock]\nSources=efi kbs\n[Kbs]\nUrl=https://192.0.2.1\nPin=%s\nResource=a/b/c\n' "$volume_key" \
		> "$t/etc/coco-unlock/coco-unlock.conf"
	run --root="$t" check --config
	[[ $rc == 0 ]] || sed 's/^/# /' "$tmp/err"
	grep -c '^coco-unlock: warning: .* neither key nor header of volume root: .*; next: put volume-key= ' "$tmp/err"
}
is 'a broker and no policy: a warning' "$(broker)" 1
is '... one that names the disk only' "$(broker "${pins[0]}" min-generation=1)" 1
for pin in "${pins[@]:1}"; do
	is "... with ${pin%%[=:]*} there is none" "$(broker "$pin")" 0
done
broker > "$tmp/warnings"
run --root="$t" check
ok '... check has it, too' grep -q '^warning policy .* neither key nor header' "$tmp/out"

# A bare secret comes without a policy entry. bare CODE SOURCES LINE...: check --config of an image that requires one.
bare() {
	broker "${@:3}" > "$tmp/warnings"
	printf '[Unlock]\nSources=%s\n[Kbs]\nResourceFormat=secret\n[Policy]\nRequirePolicyEntry=yes\n' "$2" \
		>> "$t/etc/coco-unlock/coco-unlock.conf"
	run --root="$t" check --config
	is "a bare secret, required pins, Sources=$2, ${3-none}" "$rc" "$1"
}
bare 27 kbs
ok '... with the reason' grep -q '^coco-unlock: a bare secret .* neither key nor header of volume root$' "$tmp/err"
ok '... and what to do' grep -q '^coco-unlock: next: put volume-key= into /etc/coco-unlock/policy' "$tmp/err"
bare 27 kbs "${pins[0]}"
bare 0 'efi kbs'
bare 0 kbs "${pins[1]}"

# The dracut module, with what dracut would have given it.
# built: installs; what it warns of is in warned, the names of files in installed.
built() {
	rm -rf "$tmp/image"
	: > "$tmp/warned"
	: > "$tmp/installed"
	(
		# shellcheck disable=SC2034 # dracut's variables
		dracutsysrootdir=$t initdir=$tmp/image moddir=$top/dracut/50coco-unlock
		# shellcheck disable=SC2034
		systemdsystemunitdir=/usr/lib/systemd/system hostonly='' lvmconf=no kernel=none
		dwarn() { echo "$*" >> "$tmp/warned"; }
		dfatal() { echo "$*" >&2; }
		inst_binary() { :; }
		inst_libdir_file() { :; }
		inst_multiple() { printf '%s\n' "$@" >> "$tmp/installed"; }
		inst_simple() { :; }
		ln_r() { ln -sfn "$1" "$tmp/image$2"; }
		systemd-escape() { echo "dev-mapper-x.device"; }
		source "$top/dracut/50coco-unlock/module-setup.sh"
		install
	) 2> "$tmp/err"
}
PATH=$(dirname "$bin"):$PATH
machine "${pins[@]}"
built
ok 'dracut: the policy is in the image' grep -qx /etc/coco-unlock/policy "$tmp/installed"
ok '... with the warning' grep -qE "^coco-unlock: warning: $warning" "$tmp/warned"
broker > "$tmp/warnings"
built
ok '... or that of a broker' grep -q 'neither key nor header of volume root' "$tmp/warned"
machine "${pins[2]}"
built
is '... and without one' "$(cat "$tmp/warned")" ''
machine "uuid=x"
built
ok '... a mistake fails the build' grep -q '/etc/coco-unlock/policy:3: ' "$tmp/err"
tap_done
