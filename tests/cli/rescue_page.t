#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rescue_page.t - the way of a person in coco-unlock-rescue(7): its commands are run as they stand there, for a
# challenge that is written here from what the page says of it. The guest's part is run by vm/rescue.
# Needs: cryptsetup openssl python3
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"
unlocker=$bin
source "$(dirname "$0")/../lib/owner.sh"

page=$top/src/man/coco-unlock-rescue.7.scd
rescue=ca4b4042-831b-4962-9798-fc95c71f1236
must mkdir bin
must ln -s "$(realpath "$unlocker")" bin/coco-unlock
must ln -s "$(realpath "$bin")" bin/coco-secret
PATH=$tmp/bin:$PATH

# block SECTION N: the Nth block of commands of a section.
block() {
	awk -v name="# $1" -v n="$2" '/^# / { on = $0 == name; nr = 0; next }
		on && /^```$/ { if (in_block = !in_block) nr++; next } on && in_block && nr == n' "$page" | sed 's/\\\\/\\/g'
}

# runs NAME SECTION N: as it stands on the page.
runs() {
	block "$2" "$3" > commands
	ok "premise: $1 is there" test -s commands
	rc=0
	bash -eu commands > out 2> err < /dev/null || rc=$?
	is "$1" "$rc" 0 || sed 's/^/# /' commands err
}

# What a person has before.
must mkdir -p guest/etc/coco-unlock
echo 'root LABEL=root' > guest/etc/coco-unlock/cocotab
printf '%s first' "$canary" > first.key
disk guest.img first.key --label root

runs 'a key that signs answers' 'SETTING UP' 1
run_guest() {
	"$unlocker" --root=guest check --config
}
key=$(openssl pkey -in rescue.pem -pubout -outform der | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
is '... which the image knows' "$(run_guest | sed -n 's/^RescueKey=//p')" "$key"
is '... and a boot that fails has a rescue' "$(run_guest | grep -E '^(FailureAction|RescueShell)=' | xargs)" \
	'FailureAction=rescue RescueShell=no'
is '... its private half is for nobody else' "$(stat -c %a rescue.pem)" 600
runs 'a table with a rescue entry' 'SETTING UP' 2
python3 -IS "$top/tests/lib/table.py" get guest.table $rescue > entry
is '... which has 32 bytes' "$(wc -c < entry)" 32
must coco-secret table remove -o other.table guest.table $rescue > removed
must cp guest.table kept.table
must mv other.table guest.table
runs 'an entry for a table that is there already' 'SETTING UP' 3
is '... which has 32 bytes' "$(python3 -IS "$top/tests/lib/table.py" get guest.table $rescue | wc -c)" 32
ok '... and no copy of it stays' test ! -e rescue.bin
must mv kept.table guest.table
runs 'the digest of the configuration' 'SETTING UP' 4
digest=$(sed -n 's/^Digest=//p' out)
is '... made by hand' "$(cd guest && sha256sum etc/coco-unlock/coco-unlock.conf etc/coco-unlock/cocotab |
	sed 's,  ,  /,' | sha256sum | cut -d' ' -f1)" "$digest"

# challenge: the lines that a console would show, of this guest; its text is in challenge.
challenge() {
	openssl genpkey -algorithm x25519 | openssl pkey -pubout -outform der | tail -c 32 > e
	must python3 -IS - "$digest" > challenge.txt << 'END'
import base64, hashlib, hmac, os, sys
e, b, entry = open("e", "rb").read(), os.urandom(32), open("entry", "rb").read()
k = hmac.digest(hmac.digest(b, entry, "sha256"), b"coco-unlock-rescue-1 key\0" + e + b"\1", "sha256")
text = f"""coco-unlock-challenge=1
key={e.hex()}
boot-nonce={b.hex()}
nonce={os.urandom(32).hex()}
boot-id=6b2b1d4e-52a8-4c1c-9d21-1b7b3f4b2c33
configuration={sys.argv[1]}
actions=unlock fetch reboot poweroff
code=2
code-name=secret-refused
reason=the secret opens no keyslot
no-secret=
volume=root
secret=736869e5-84f0-4973-92ec-06879ce3da0b
device=/dev/vda
uuid=0b3f6d1e-6a52-4c0f-8d39-5f1f0b0c2a11
header=accepted
failed=yes
"""
text += f"mac={hmac.digest(k, text.encode(), 'sha256').hex()}\n"
message = text.encode()
open("challenge", "wb").write(message)
parts = [message[at:at + 36] for at in range(0, len(message), 36)]
print("what else is on the screen")
print("-----BEGIN COCO-UNLOCK CHALLENGE-----")
for n, part in enumerate(parts, 1):
    line = f"{n:03}/{len(parts):03} {base64.b64encode(part).decode()}"
    print(line, hashlib.sha256(line.encode()).hexdigest()[:7], end="\r\n")
print("-----END COCO-UNLOCK CHALLENGE-----")
END
}

# answered NAME ACTION: answer.txt is the lines of an answer with this action, signed for this challenge.
answered() {
	python3 -IS - > message 2> lines.log << 'END'
import base64, hashlib, re, sys
lines = open("answer.txt").read().split("\n")
assert lines[0] == "-----BEGIN COCO-UNLOCK ANSWER-----" and lines[-2:] == ["-----END COCO-UNLOCK ANSWER-----", ""]
message = b""
for n, line in enumerate(lines[1:-2], 1):
    front, sum = line.rsplit(" ", 1)
    assert len(line) <= 64 and front.startswith(f"{n:03}/{len(lines) - 3:03} ")
    assert hashlib.sha256(front.encode()).hexdigest()[:7] == sum
    message += base64.b64decode(front.split(" ")[1], validate=True)
sys.stdout.buffer.write(message)
END
	ok "$1: its lines" test ! -s lines.log || sed 's/^/# /' lines.log
	tail -c 64 message > signature
	head -c -64 message > signed
	{
		printf 'coco-unlock-answer-1\0'
		openssl dgst -sha256 -binary challenge
		openssl dgst -sha256 -binary signed
	} > statement
	ok '... signed by the owner, for this challenge' \
		eval 'openssl pkeyutl -verify -rawin -inkey rescue.pem -sigfile signature -in statement > /dev/null'
	ok "... which says $2" grep -qaE "(^|[= ])$2\$" signed || head -n 8 signed | cat -v | sed 's/^/# /'
	ok '... and no secret' eval '! grep -qaF "$canary" message answer.txt out err'
	must rm -f answer.txt
}

challenge
runs 'an answer with the secret of the table' ANSWERING 1
answered 'the answer' unlock
challenge
printf '%s other' "$canary" > other.key
runs 'another secret' ANSWERING 2
answered 'the answer' unlock
challenge
runs 'another device and a keyslot' ANSWERING 3
ok '... both are said' grep -qa 'LABEL=other' <(sed -n '/BEGIN/,/END/p' answer.txt | awk '/\// { print $2 }' | base64 -d)
answered 'the answer' unlock
challenge
runs 'an answer without a secret' ANSWERING 4
answered 'the answer' poweroff
ok '... says that nobody knows who has written the challenge' grep -q 'host may have written' out err
for section in 'SETTING UP' ANSWERING; do
	is "$section: all commands were run" "$(block "$section" 4 | wc -w | sed 's/^[1-9].*/more/')$(block "$section" 5)" more
done
tap_done
