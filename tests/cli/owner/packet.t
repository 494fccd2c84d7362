#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# packet.t - coco-secret packet: sealed only for the measured guest, opened by openssl.
# Needs: openssl python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

bytes() {
	printf "$(printf %s "$@" | sed 's/../\\x&/g')"
}

hex() {
	od -An -v -tx1 "$@" | tr -d ' \n'
}

hmac() {
	openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary | hex
}

tik=101112131415161718191a1b1c1d1e1f tek=000102030405060708090a0b0c0d0e0f
bytes $tik > tik
bytes $tek > tek
printf '%s and more than 16 bytes' "$canary" > key
firmware fd
head -c 5000 /dev/urandom > kernel
must "$bin" table build -o table luks-key=key "$other"=key > /dev/null
guest=(--firmware fd --kernel kernel --append quiet --policy 3 --api-major 1 --api-minor 52 --build 4)
run measure "${guest[@]}" --tik tik --nonce ffeeddccbbaa99887766554433221100
blob=$(sed -n 's/^launch measure blob  *//p' out)
measurement=$(sed -n 's/^measurement  *//p' out)
digest=$(sed -n 's/^launch digest  *//p' out)
keys=(--tik tik --tek tek --launch-measure-blob "$blob")
files=(p.header.base64 p.header.bin p.secret.base64 p.secret.bin)

# What openssl makes of a packet: the HMAC over it, and the table in it.
openssl_hmac() {
	local length
	printf -v length '%08x' "$(stat -c %s "$1.secret.bin")"
	length=${length:6:2}${length:4:2}${length:2:2}${length:0:2}
	{ bytes 01; head -c 20 "$1.header.bin"; bytes "$length$length"; cat "$1.secret.bin"; bytes "$measurement"; } |
		hmac $tik
}

openssl_table() {
	openssl enc -d -aes-128-ctr -K $tek -iv "$(head -c 20 "$1.header.bin" | tail -c 16 | hex)" < "$1.secret.bin"
}

before
run packet -o p "${keys[@]}" "${guest[@]}" table
ok 'a packet for the expected guest: four files of mode 0600' made 0 "${files[@]}"
ok '... with no secret on the outputs' hidden
is '... and it says that it was checked' "$(sed -n 's/^measurement *//p' out)" 'as expected'
ok '... base64 as coreutils have it' test "$(base64 -d p.header.base64 | hex)" = "$(hex p.header.bin)" -a \
	"$(base64 -d p.secret.base64 | hex)" = "$(hex p.secret.bin)"
is '... 52 bytes of header, flags 0' "$(stat -c %s p.header.bin) $(head -c 4 p.header.bin | hex)" '52 00000000'
is '... the HMAC as openssl has it' "$(tail -c 32 p.header.bin | hex)" "$(openssl_hmac p)"
ok '... openssl decrypts the table' cmp -s <(openssl_table p) table
is '... the QMP command has both' "$(grep -F '{"execute":"sev-inject-launch-secret"' out)" \
	"{\"execute\":\"sev-inject-launch-secret\",\"arguments\":{\"packet-header\":\"$(cat p.header.base64)\",\"secret\":\"$(cat p.secret.base64)\"}}"
ok '... the virsh line is ready' grep -qxF \
	'virsh domsetlaunchsecstate --domain "$DOMAIN" --secrethdr p.header.base64 --secret p.secret.base64' out

run packet -o q --domain "it's" --json "${keys[@]}" --expected-digest "$digest" \
	--policy 3 --api-major 1 --api-minor 52 --build 4 table
is 'the digest in place of the files' "$rc $(json measurement_verified header_base64)" '0 True/q.header.base64'
is '... json has the QMP command' "$(json qmp.execute qmp.arguments.secret)" \
	"sev-inject-launch-secret/$(cat q.secret.base64)"
ok '... the same table' cmp -s <(openssl_table q) table
ok '... under another IV' test "$(head -c 20 p.header.bin | hex)" != "$(head -c 20 q.header.bin | hex)"
run packet -o 'a b' --domain "it's" "${keys[@]}" "${guest[@]}" table
ok 'names are quoted for the shell' grep -qxF \
	"virsh domsetlaunchsecstate --domain 'it'\\''s' --secrethdr 'a b.header.base64' --secret 'a b.secret.base64'" out
base64 -w0 table > table.base64
run packet -o r "${keys[@]}" "${guest[@]}" table.base64
ok 'a table in base64' cmp -s <(openssl_table r) table
cat table <(head -c 1000 /dev/zero) > area
run packet -o s "${keys[@]}" "${guest[@]}" area
ok 'zeros behind a table are not sealed' cmp -s <(openssl_table s) table

# A wrong measurement, nonce, policy, key, platform or guest: no packet.
refuse() {
	local what=$1
	shift
	refused 2 "$what" packet -o x "$@" table
}
not='measurement: it is not the expected one'
flipped=$(base64 -d <<< "$blob" | hex)
refuse "$not" --tik tik --tek tek --launch-measure-blob "$(tr 0-9a-f 1-9a-f0 <<< "${flipped:0:2}")${flipped:2}" "${guest[@]}"
refuse "$not" --tik tik --tek tek --launch-measure-blob "${flipped:0:94}$(tr 0-9a-f 1-9a-f0 <<< "${flipped:94}")" "${guest[@]}"
refuse "$not" "${keys[@]}" "${guest[@]}" --policy 1
refuse "$not" "${keys[@]}" "${guest[@]}" --build 5
refuse "$not" "${keys[@]}" "${guest[@]}" --api-major 2
refuse "$not" "${keys[@]}" "${guest[@]}" --api-minor 51
refuse "$not" "${keys[@]}" "${guest[@]}" --append 'quiet rd.break'
refuse "$not" "${keys[@]}" "${guest[@]}" --kernel fd
refuse "$not" "${keys[@]}" "${guest[@]}" --initrd kernel
bytes "${tik:0:31}e" > tik2
refuse "$not" "${keys[@]}" "${guest[@]}" --tik tik2
refuse 'it is not the TIK: the measurement verifies with the other key' \
	--tik tek --tek tik --launch-measure-blob "$blob" "${guest[@]}"
refuse 'it is the same key as the TIK' "${keys[@]}" "${guest[@]}" --tek tik
refused 3 '16 bytes, and not 32' packet -o x "${keys[@]}" "${guest[@]}" --tek <(cat tek tek) table
refused 3 '16 bytes, and not 15' packet -o x "${keys[@]}" "${guest[@]}" --tik <(head -c 15 tik) table
refused 3 '16 bytes, and not 0' packet -o x "${keys[@]}" "${guest[@]}" --tek /dev/null table
run packet -o y "${keys[@]}" "${guest[@]}" --policy 2 table
ok 'a guest that the host may debug: a warning' grep -q 'warning: policy 0x2' err

# Without a check.
run packet -o skip --insecure-skip-measurement "${keys[@]}" table
is 'without a check: exit code 0' "$rc" 0
ok '... with a warning what it costs' grep -q 'warning: .*whatever guest the host has started gets the secret' err
is '... and it is not called checked' "$(sed -n 's/^measurement *//p' out)" 'NOT CHECKED'
is '... the HMAC has the measurement that was given' "$(tail -c 32 skip.header.bin | hex)" "$(openssl_hmac skip)"
refused 1 'give it, or --expected-digest' packet -o x "${keys[@]}" --policy 3 --api-major 1 --api-minor 52 --build 4 table
refused 1 'cannot be computed without it' packet -o x "${keys[@]}" --firmware fd table

# Tables.
firmware small 64
head -c 3033 /dev/zero | tr '\0' x > toolarge
firmware big 4096
must "$bin" table build -o large --firmware big luks-key=toolarge &> /dev/null
known=(--expected-digest "$digest" --policy 3 --api-major 1 --api-minor 52 --build 4)
refused 2 "has 3088 bytes, the firmware's area 3072" packet -o x "${keys[@]}" "${known[@]}" large
refused 2 "the firmware's area 64" packet -o x "${keys[@]}" "${known[@]}" --firmware small table
run packet -o large "${keys[@]}" "${known[@]}" --firmware big large
ok 'the room of the firmware counts' cmp -s <(openssl_table large) large
head -c 50 table > half
refused 3 'no secret table, at offset 16' packet -o x "${keys[@]}" "${known[@]}" half
refused 3 'no secret table, at offset 0' packet -o x "${keys[@]}" "${known[@]}" key
refused 4 'No such file' packet -o x "${keys[@]}" "${known[@]}" missing

# What a boot would stop at is not sealed; what it would miss is warned about.
printf junk > junk
PYTHONPATH=$top/tests/vm PYTHONDONTWRITEBYTECODE=1 must python3 -c "
import uuid
from lab.table import *
t = plain(open('key', 'rb').read(), (uuid.UUID('$policy'), b'junk'))
open('junked', 'wb').write(t + bytes(-len(t) % 16))"
refused 3 'junked: line 1 of the policy entry' packet -o x "${keys[@]}" "${known[@]}" junked
must "$bin" table build -o foreign "$other"=key &> /dev/null
run packet -o f "${keys[@]}" "${known[@]}" foreign
is 'a table without the entry of the disk is sealed' "$rc" 0
ok '... with a warning' grep -q 'warning: foreign: no entry luks-key, so that a boot ends' err
must mkdir -p guest/etc/coco-unlock
printf 'root auto %s\n' "$other" > guest/etc/coco-unlock/cocotab
run packet -o f --force --config guest "${keys[@]}" "${known[@]}" foreign
ok 'none, if cocotab names it' test "$rc" = 0 -a "$(grep -c 'no entry' err)" = 0
printf 'root auto 99999999-0000-4000-8000-000000000001\n' > guest/etc/coco-unlock/cocotab
run packet -o f --force --config guest "${keys[@]}" "${known[@]}" foreign
ok '... with the GUID that cocotab names' grep -q 'warning: foreign: no entry 99999999' err

# Wrong lengths are called so.
missing=(--tik tik --tek tek --launch-measure-blob)
refused 3 '94 hexadecimal digits, where 48 bytes have 96' packet -o x "${missing[@]}" "${flipped:2}" "${known[@]}" table
refused 3 'base64 of 45 bytes, and 48 are needed' packet -o x "${missing[@]}" "${blob:4}" "${known[@]}" table
refused 3 '63 hexadecimal digits, where 32 bytes have 64' packet -o x "${keys[@]}" "${known[@]}" --expected-digest "${digest:1}" table
refused 3 'it has 5000 bytes, and neither 48 nor' packet -o x "${missing[@]}" kernel "${known[@]}" table
refused 4 'no such file, and no 48 bytes' packet -o x "${missing[@]}" none/blob "${known[@]}" table
refused 1 'a key is not given on the command line' packet -o x "${keys[@]}" "${known[@]}" --tek "$tek" table
firmware stock 0
refused 2 'it is no AmdSev build of OVMF' packet -o x "${keys[@]}" "${known[@]}" --firmware stock table

# Files.
refused 2 'it exists' packet -o p "${keys[@]}" "${known[@]}" table
must rm p.header.base64 p.header.bin p.secret.base64
refused 2 'p.secret.bin: it exists' packet -o p "${keys[@]}" "${known[@]}" table
run packet -o p --force "${keys[@]}" "${known[@]}" table
ok 'unless forced' cmp -s <(openssl_table p) table
refused 4 'No such file' packet -o nodir/x "${keys[@]}" "${known[@]}" table
(trap '' XFSZ; ulimit -f 0; exec "$bin" packet -o full "${keys[@]}" "${known[@]}" table) > out.full 2> err.full
is 'a full disk: exit code 4' "$?" 4
ok '... and no file is left' test -z "$(compgen -G 'full*')"

# The command line.
refused 1 'it needs one table' packet -o x "${keys[@]}" "${known[@]}"
refused 1 'it needs one table' packet -o x "${keys[@]}" "${known[@]}" table table
refused 1 'it needs -o PREFIX' packet "${keys[@]}" "${known[@]}" table
refused 1 'it needs -o PREFIX' packet -o x --tik tik --launch-measure-blob "$blob" table
refused 1 'it needs -o PREFIX' packet -o x --tik tik --tek tek table
refused 1 'the nonce is in' packet -o x "${keys[@]}" --nonce 00 table
refused 1 'is not an option' packet -o x "${keys[@]}" --iv 202122232425262728292a2b2c2d2e2f table
run packet --help
ok '--help has no word about an IV' test "$rc" = 0 -a "$(grep -ciw iv out)" = 0
tap_done
