#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# measure.t - coco-secret measure, with openssl, sha256sum and the VM lab as other judges.
# Needs: openssl python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

# bytes HEX...: the bytes.
bytes() {
	printf "$(printf %s "$@" | sed 's/../\\x&/g')"
}

# hmac KEYHEX < MESSAGE: in hexadecimal, by openssl.
hmac() {
	openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary | od -An -v -tx1 | tr -d ' \n'
}

# is_digest NAME WANTED OPTION...
is_digest() {
	local name=$1 want=$2
	shift 2
	run measure "$@"
	is "$name" "$rc $(sed -n 's/^launch digest  *//p' out)" "0 $want"
}

sum() {
	cat "$@" | sha256sum | cut -c 1-64
}

firmware fd
firmware plain 0
head -c 100000 /dev/urandom > kernel
head -c 3000000 /dev/urandom > initrd
head -c 4096 /dev/urandom > vmsa0
head -c 4096 /dev/urandom > vmsa1
head -c 4095 vmsa1 > short
: > none

# hashes INITRD COMMANDLINE: by the VM lab, for a QEMU that serves the kernel as it is.
hashes() {
	PYTHONPATH=$top/tests/vm PYTHONDONTWRITEBYTECODE=1 python3 -c "
import sys
from lab import hashes
hashes.served_kernel = lambda image, *ignored: image
sys.stdout.buffer.write(hashes.table('kernel', sys.argv[1], sys.argv[2], 0))" "$@"
}
hashes initrd 'console=ttyS0 root=/dev/sda' > h-all
hashes none '' > h-kernel

is_digest 'the firmware alone' "$(sum fd)" --firmware fd
is_digest 'with kernel, initrd and command line' "$(sum fd h-all)" --firmware fd --kernel kernel \
	--initrd initrd --append 'console=ttyS0 root=/dev/sda'
is_digest 'with a kernel alone' "$(sum fd h-kernel)" --firmware fd --kernel kernel
is_digest 'SEV-ES with two processors' "$(sum fd vmsa0 vmsa1)" --firmware fd --vmsa vmsa0 --vmsa vmsa1
is_digest '... of four' "$(sum fd h-kernel vmsa0 vmsa1 vmsa1 vmsa1)" --firmware fd --kernel kernel \
	--policy 0x5 --vmsa vmsa0 --vmsa vmsa1 --cpus 4
run measure --firmware fd --format base64
is 'base64' "$(awk '{ print $3 }' out | base64 -d | od -An -v -tx1 | tr -d ' \n')" "$(sum fd)"
run measure --firmware fd --json
is 'json' "$(json launch_digest)" "$(sum fd)"

# The published measurement of sevctl's tests.
bytes 3569cf61a32a602b87185ac6e0f55913 > tik
sevctl=(--expected-digest xkvRAfyaSizgonxAjZIAkR8TmolUabBKQKb6KJCDDSM= --tik tik --api-major 0x01
	--api-minor 40 --build 40)
nonce=wxP6tRHCFrFQWxsuqZA8QA==
run measure "${sevctl[@]}" --policy 0x03 --nonce $nonce --format base64
is 'sevctl'\''s measurement' "$(sed -n 's/^measurement  *//p' out)" \
	'lswbxWxI9gckya16JQvdFtpYmNO4b+3inAPpqsgoBI4='
sed -n 's/^launch measure blob  *//p' out > blob
run measure "${sevctl[@]}" --policy 3 --launch-measure-blob blob --json
is '... which a host reports' "$rc $(json launch_measure_blob)" "0 $(cat blob)"

# With openssl, over a digest of our own.
key=101112131415161718191a1b1c1d1e1f
bytes $key > tik
args=(--firmware fd --tik tik --api-major 1 --api-minor 52 --build 4)
want=$({ bytes 04013404 03000000 "$(sum fd)" 000102030405060708090a0b0c0d0e0f; } | hmac $key)
run measure "${args[@]}" --policy 3 --nonce 000102030405060708090a0b0c0d0e0f
is 'the measurement as openssl has it' "$(sed -n 's/^measurement  *//p' out)" "$want"
blob=$(sed -n 's/^launch measure blob  *//p' out)
is '... and the blob is measurement and nonce' "$(base64 -d <<< "$blob" | od -An -v -tx1 | tr -d ' \n')" \
	"${want}000102030405060708090a0b0c0d0e0f"
bytes "$want" 000102030405060708090a0b0c0d0e0f > blob.bin
for form in "$blob" blob.bin "${want}000102030405060708090a0b0c0d0e0f"; do
	run measure "${args[@]}" --policy 3 --launch-measure-blob "$form"
	is "the blob as ${form:0:8}... is the expected one" "$rc" 0
done

# differs OPTION...: exit code 2 and the expected measurement, but no approval.
differs() {
	run measure "$@" --launch-measure-blob blob.bin
	ok "another ${*: -2:1}: exit code 2" test "$rc" = 2 -a "$(grep -c 'reports another one' err)" = 1
	ok '... the expected one is shown' test "$(grep -cE '^measurement +[0-9a-f]{64}$' out)" = 1 -a \
		"$(sed -n 's/^measurement  *//p' out)" != "$want"
}
bytes 101112131415161718191a1b1c1d1e1e > tik2
differs "${args[@]}" --policy 1
differs "${args[@]}" --policy 3 --build 5
differs "${args[@]}" --policy 3 --api-minor 53
differs "${args[@]}" --policy 3 --api-major 2
differs "${args[@]}" --policy 3 --tik tik2
differs "${args[@]}" --policy 3 --kernel kernel
bytes "$want" 000102030405060708090a0b0c0d0e0e > blob.bin
differs "${args[@]}" --policy 3 # another nonce
run measure "${args[@]}" --policy 2 --nonce $nonce
ok 'a policy that allows debugging: a warning' grep -q 'warning: policy 0x2 lets the host read' err

refused 1 'give it, or --expected-digest' measure --policy 3
refused 1 'give it, or --expected-digest' measure
refused 4 'No such file' measure --firmware missing
refused 1 'are measured only with a kernel' measure --firmware fd --initrd initrd
refused 1 'are measured only with a kernel' measure --firmware fd --append quiet
refused 2 'no place for the hashes' measure --firmware plain --kernel kernel
refused 3 'the GUID of its footer is not there' measure --firmware kernel --kernel kernel
refused 3 'it is empty' measure --firmware none
refused 2 'is SEV-ES (bit 2)' measure --firmware fd --policy 5
refused 2 'is not SEV-ES (bit 2)' measure --firmware fd --policy 3 --vmsa vmsa0
refused 3 '4096 bytes, and not 4095' measure --firmware fd --vmsa vmsa0 --vmsa short
refused 2 '2 processors do not go with 1 VMSAs' measure --firmware fd --vmsa vmsa0 --cpus 2
refused 2 'leave it out, or give --vmsa and the --policy of SEV-ES' measure --firmware fd --policy 3 --cpus 2
refused 1 'it stands for' measure --expected-digest "$(sum fd)" --kernel kernel
refused 3 'it has 16 bytes, and neither 32 nor' measure --expected-digest tik
refused 3 'it has 4096 bytes, and neither 32 nor' measure --expected-digest vmsa0
refused 3 '6 hexadecimal digits, where 32 bytes have 64' measure --expected-digest 001122
refused 4 "coco-secret: '': no such file" measure --expected-digest ''
for option in --policy --api-major --api-minor --build --tik; do
	rest=() skip=0
	for word in "${args[@]}" --policy 3; do
		((skip)) && { skip=0; continue; }
		[[ $word == "$option" ]] && { skip=1; continue; }
		rest+=("$word")
	done
	refused 1 "$option: a measurement cannot be computed without it" measure "${rest[@]}" --nonce $nonce
done
refused 1 'not a number from 0 to 255' measure --api-major 256 --firmware fd
refused 1 'not a number from 0 to 255' measure --build 0x --firmware fd
refused 1 'not a number from 0 to 4294967295' measure --policy 4294967296 --firmware fd
refused 1 '0 processors' measure --cpus 0 --firmware fd
refused 1 "needs the platform's nonce" measure "${args[@]}" --policy 3
refused 1 'not both' measure "${args[@]}" --policy 3 --nonce $nonce --launch-measure-blob blob.bin
refused 3 '16 bytes, and not 32' measure "${args[@]}" --policy 3 --nonce $nonce --tik <(printf '%032d' 0)
refused 3 '16 bytes, and not 0' measure "${args[@]}" --policy 3 --nonce $nonce --tik none
refused 3 'it has 16 bytes, and neither 48 nor' measure "${args[@]}" --policy 3 --launch-measure-blob tik
refused 1 'hex or base64' measure --firmware fd --format binary
refused 1 'unexpected' measure --firmware fd fd
refused 1 'is not an option' measure --firmware fd --iv 00
tap_done
