#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# printed.t - every command that coco-secret prints is run by a shell as it stands there, with names
# that have blanks, quotes and dashes. coco-secret is the real one; virsh, sevctl and QEMU's socket are
# stand-ins that check what they get: tests/lib/printed.py. A new verb joins by a line with `prints`,
# a refusal whose next step is a command by one with `leads`, or `mends` if the same run is good then.
# Needs: cryptsetup mke2fs openssl python3 sgdisk
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

printed=$top/tests/lib/printed.py
must mkdir stubs job
must ln -s "$bin" stubs/coco-secret
must ln -s "$printed" stubs/virsh
must ln -s "$printed" stubs/sevctl
export PATH=$tmp/stubs:$PATH PYTHONDONTWRITEBYTECODE=1

# What a launch tells, in the variables that the commands name.
export BLOB POLICY=3 MAJOR=1 MINOR=52 BUILD=4 FIRMWARE KERNEL INITRD APPEND="quiet it's" DOMAIN="-it's a \"guest\""
odd=$'it\'s "a" $HOME `id` #1; \\caf\xc3\xa9 *'
FIRMWARE="fd $odd" KERNEL="kernel $odd" INITRD="initrd $odd"
firmware fd
must mv fd "job/$FIRMWARE"
cd job || exit 99
head -c 5000 /dev/urandom > "$KERNEL"
head -c 5000 /dev/urandom > "$INITRD"
head -c 16 /dev/urandom > vm_tik.bin
head -c 16 /dev/urandom > vm_tek.bin
printf '%s, and long enough' "$canary" > key
nonce=ffeeddccbbaa99887766554433221100
BLOB=$(coco-secret measure --firmware "$FIRMWARE" --kernel "$KERNEL" --initrd "$INITRD" --append "$APPEND" --policy 3 \
	--api-major 1 --api-minor 52 --build 4 --tik vm_tik.bin --nonce $nonce | sed -n 's/^launch measure blob  *//p')
must test "$BLOB"
disk base key

# runs NAME NR: each command that was said is run; there must be at least NR of them.
runs() {
	local nr=0 command rc
	"$printed" commands < "$tmp/said" > "$tmp/commands"
	while IFS= read -r -d '' command; do
		nr=$((nr + 1)) rc=0
		sh -c "$command" > "$tmp/ran" 2>&1 < /dev/null || rc=$?
		# What asks a person gets as far as the question.
		[[ $rc != [12] ]] || ! grep -q 'there is no terminal to ask' "$tmp/ran" || rc=0
		is "$1 prints: ${command:0:100}" "$rc" 0 || sed 's/^/# /' "$tmp/ran"
	done < "$tmp/commands"
	ok "$1 prints $2 or more commands" test "$nr" -ge "$2" || sed 's/^/# /' "$tmp/said"
}

# prints NR ARGUMENT...: the run is good, and so is each of at least NR commands that it prints.
prints() {
	local wanted=$1 line
	shift
	run "$@"
	line=$*
	is "'${line:0:60}'" "$rc" 0 || sed 's/^/# /' "$tmp/err"
	cp "$tmp/out" "$tmp/said"
	runs "$1" "$wanted"
}

# leads CODE ARGUMENT...: the run is refused, and its next step is a command that leads on.
leads() {
	local code=$1 line
	shift
	run "$@"
	line=$*
	is "'${line:0:60}' is refused" "$rc" "$code"
	grep '; next: ' "$tmp/err" > "$tmp/said"
	runs "$1" 1
}

# mends CODE ARGUMENT...: the same, and then the run is good.
mends() {
	local line
	leads "$@"
	shift
	line=$*
	run "$@"
	is "... and then '${line:0:60}'" "$rc" 0 || sed 's/^/# /' "$tmp/err"
}

linux=0fc63daf-8483-4772-8e79-3d69d8477de4
id=11111111-0000-4000-8000-00000000000

# in_gpt FILE: the disk `base` as partition 1 of an image.
in_gpt() {
	rm -f -- "$1"
	must "$top/tests/lib/gpt.py" make "$1" 8 "4+2:$linux:${id}1:root"
	must dd if="$tmp/job/base" of="$1" bs=1M seek=4 conv=notrunc status=none
}

# fails_to_write ARGUMENT...: no file can be written behind its first 2 MiB.
fails_to_write() {
	rc=0
	(trap '' XFSZ && ulimit -f 2048 && exec "$bin" "$@") > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
	is "$1 on a disk that cannot be written" "$rc" 4
	grep '; next: ' "$tmp/err" > "$tmp/said"
}

for name in plain 'a b' "$odd" "-$odd" '-' '#' 'disk#2'; do
	safe=$name
	[[ $name != -* ]] || safe=./$name
	must mkdir here
	cd here || exit 99
	cp -- ../vm_t?k.bin ../fd* ../kernel* ../initrd* ../key .

	# encrypt, in its ways, and prepare, whose lines are for packet, sevctl, virsh and verify.
	truncate -s 4M content
	must mke2fs -q -F -t ext4 content &> /dev/null
	cp content "$safe.img"
	out=$safe.out
	prints 1 encrypt --secret-out "$safe.key" -- "$safe.img" "$out"
	rm -f TABLE
	prints 1 encrypt --secret "$safe.key" --force --pbkdf minimal -- "$safe.img" "$out"
	rm -f TABLE
	prints 1 encrypt --in-place --secret-out "$safe.key2" -- "$safe.img"
	must "$top/tests/lib/gpt.py" make "$safe.gpt" 16 1+4:0FC63DAF-8483-4772-8E79-3D69D8477DE4:11111111-0000-4000-8000-000000000001:root
	must dd if=content of="$safe.gpt" bs=1M seek=1 conv=notrunc status=none
	rm -f TABLE
	prints 1 encrypt --secret-out "$safe.key3" -- "$safe.gpt#1" "$out.gpt"

	cp ../base "$safe"
	must mkdir -p "$safe.d/etc/coco-unlock"
	printf 'root auto\n' > "$safe.d/etc/coco-unlock/cocotab"
	prints 8 prepare --rescue -o "$safe.table" --key-file key --config "$safe.d" --volume root -- "$safe"
	rm -f ./*.bin.coco-new luks-key.bin policy.bin rescue.bin header.* payload.* packet.*

	# packet: QMP, and virsh with and without --domain.
	packet=(--tik vm_tik.bin --tek vm_tek.bin --launch-measure-blob "$BLOB" --policy 3 --api-major 1 --api-minor 52 --build 4
		--firmware "$FIRMWARE" --kernel "$KERNEL" --initrd "$INITRD" --append "$APPEND")
	[[ $name == - ]] || prints 2 packet -o "$name" "${packet[@]}" -- "$safe.table"
	[[ $name == - ]] || ok '... QEMU takes the QMP commands' "$printed" qmp < "$tmp/out"
	prints 2 packet -o "$safe" --force --domain "$DOMAIN" "${packet[@]}" -- "$safe.table"
	ok '... QEMU takes the QMP commands' "$printed" qmp < "$tmp/out"
	# A rotation, and what status says at its stages.
	cp "$safe" "$safe.disk"
	cp "$safe.table" "$safe.old"
	prints 1 status --table "$safe.old" -- "$safe.disk"
	cp "$safe" "$safe.disk"
	cp "$safe.table" "$safe.old"
	rm -f NEW
	prints 1 rotate --table "$safe.old" -o "$safe.new" -- "$safe.disk"
	rm -f FINAL
	# The verbs that change keyslots, and what status says after them.
	cp ../base "$safe.disk"
	must coco-secret prepare --force -o "$safe.old" --key-file key --config "$safe.d" --volume root -- "$safe.disk"
	prints 0 recovery --table "$safe.old" --config "$safe.d" -- "$safe.disk"
	prints 1 status --table "$safe.old" --config "$safe.d" -- "$safe.disk"
	rm -f NEW
	# Refusals whose next step has the names in it: a rotation that its other table is not given of,
	# a header that is not pinned.
	cp ../base "$safe.disk"
	must coco-secret prepare --force -o "$safe.old" --key-file key -- "$safe.disk"
	must coco-secret rotate --force --table "$safe.old" -o "$safe.new" -- "$safe.disk" > /dev/null
	leads 2 recovery --table "$safe.old" -- "$safe.disk"
	must cryptsetup config --label other "$PWD/$safe.disk"
	leads 2 recovery --table "$safe.old" --new "$safe.new" -- "$safe.disk"
	leads 2 rotate --finish --table "$safe.old" --new "$safe.new" -o "$safe.none" -- "$safe.disk"
	# A keyslot that is not there, and the last one, with a table and with a passphrase.
	leads 2 remove-keyslot --keyslot 9 --table "$safe.old" --yes -- "$safe.disk"
	cp key "$safe.pass"
	leads 2 remove-keyslot --keyslot 9 --key-file "$safe.pass" --yes -- "$safe.disk"
	cp ../base "$safe.disk"
	leads 2 remove-keyslot --keyslot 0 --key-file "$safe.pass" --yes -- "$safe.disk"
	cp ../base "$safe.disk"
	must coco-secret prepare --force --remove-old -o "$safe.old" --key-file key -- "$safe.disk" > /dev/null
	leads 2 remove-keyslot --keyslot 1 --table "$safe.old" --yes -- "$safe.disk"
	# A disk that cannot be written: it is the end of a file that may not be longer than its beginning.
	in_gpt "$safe.gpt"
	must coco-secret prepare --force -o "$safe.old" --key-file key --config "$safe.d" --volume root -- "$safe.gpt#1" > /dev/null
	fails_to_write rotate --table "$safe.old" --config "$safe.d" --volume root -o "$safe.none" -- "$safe.gpt#1"
	runs rotate 1
	ok '... by repair, with the configuration' grep -q "coco-secret repair .* --config .* --volume root" "$tmp/said"
	# A header that is half there.
	cp ../base "$safe.disk"
	must coco-secret prepare --force -o "$safe.old" --key-file key -- "$safe.disk" > /dev/null
	must dd if=/dev/zero of="$safe.disk" bs=4096 count=2 conv=notrunc status=none
	leads 2 pin --table "$safe.old" -- "$safe.disk"
	# What has to be made a raw disk first.
	gzip -c < content > "it's \$HOME.img.gz"
	leads 3 encrypt --secret "$safe.key" -- "it's \$HOME.img.gz" "$safe.none"

	# Other disks and files that encrypt refuses: without --force, so that each name is new.
	take=(encrypt --secret "$safe.key" --pbkdf minimal)
	cp content "$safe.rest"
	truncate -s +100 "$safe.rest"
	mends 3 "${take[@]}" -- "$name.rest" "$out.rest"
	cp ../base "$safe.luks"
	leads 2 "${take[@]}" -- "$name.luks" "$out.none"
	leads 2 encrypt --in-place --secret "$safe.key" -- "$name.luks"
	must "$top/tests/lib/gpt.py" make "$safe.gpt" 16 "1+4:$linux:${id}1:root"
	must dd if=content of="$safe.gpt" bs=1M seek=1 conv=notrunc status=none
	leads 2 "${take[@]}" -- "$name.gpt" "$out.none"
	leads 3 "${take[@]}" -- "$name.gpt#7" "$out.none"
	printf 'x' | must dd of="$safe.gpt" bs=1 seek=530 conv=notrunc status=none
	mends 3 "${take[@]}" -- "$name.gpt#1" "$out.gpt1"
	must truncate -s 15M "$safe.gpt"
	mends 3 "${take[@]}" -- "$name.gpt#1" "$out.gpt2"
	must "$top/tests/lib/gpt.py" make "$safe.gpt" 16 --sector 4096 "1+4:$linux:${id}1:root"
	leads 3 "${take[@]}" -- "$name.gpt#7" "$out.none"
	# squashfs 4.0 before the superblock of ext4.
	cp content "$safe.two"
	printf 'hsqs%24s\4\0\0\0' '' | must dd of="$safe.two" conv=notrunc status=none
	leads 2 "${take[@]}" -- "$name.two" "$out.none"
	rm -f "$safe".{rest,luks,gpt,two} "$out".*
	cd .. || exit 99
	rm -rf here
done

# A name that a terminal would obey is in no command: it would be another one.
name=$'a\nb'
in_gpt "$name"
must coco-secret prepare -o pins --key-file key "$name#1" > /dev/null
must coco-secret rotate --table pins -o more "$name#1" > /dev/null
for verb in recovery "rotate -o none"; do
	# shellcheck disable=SC2086 # several words
	run $verb --table pins "$name#1"
	is "${verb% -o *}: a name with a newline" "$rc $(sed -n 's/^.*; next: //p' "$tmp/err")" '2 coco-secret status --help'
done
fails_to_write rotate --finish --table pins --new more -o none "$name#1"
is '... the way out has no half a name' "$(sed -n 's/^.*; next: //p' "$tmp/said")" \
	'this gives it the old header or the new one, whole: coco-secret repair --help'
tap_done
