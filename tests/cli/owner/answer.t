#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# answer.t - coco-secret answer: what a failed guest gets, which is another program here (lib/failed_guest.py), and
# everything that gets no answer.
# Needs: openssl python3 python3-cryptography
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

lacks python3-cryptography && tap_done
guest=$top/tests/lib/failed_guest.py
export PYTHONDONTWRITEBYTECODE=1

printf '%s of the disk' "$canary" > disk.key
printf '%s of the other' "$canary" > other.key
head -c 32 /dev/urandom > entry
head -c 32 /dev/urandom > entry2
must openssl genpkey -algorithm ed25519 -out key.pem
must openssl genpkey -algorithm ed25519 -out key2.pem
must openssl pkey -aes256 -in key.pem -passout pass:slow -out locked.pem
public=$(openssl pkey -in key.pem -pubout -outform der | tail -c 32 | base64)
is 'the public key, as RescueKey= has it, by two programs' "$public" "$("$guest" public key.pem)"
must "$bin" table build -o table luks-key=disk.key rescue=entry > /dev/null
must "$bin" table build -o table2 luks-key=disk.key rescue=entry2 > /dev/null
must "$bin" table build -o bare luks-key=disk.key > /dev/null
must "$bin" table build -o both luks-key=disk.key "$other"=other.key rescue=entry > /dev/null

# challenge NAME ARGUMENT...: writes NAME, and what its guest keeps to NAME.state.
challenge() {
	local name=$1
	shift
	must "$guest" make "$name.state" "$@" > "$name"
}

# said NAME ANSWER FIELD...: fields of what the guest of that challenge opens.
said() {
	local name=$1 answer=$2
	shift 2
	"$guest" open "$name.state" "$answer" "$public" > opened 2> opened.err || { cat opened.err && return 1; }
	python3 -IS -c 'import json, sys
top = json.load(open("opened"))
print(*(json.dumps(top[f]) if isinstance(top[f], dict) else top[f] for f in sys.argv[1:]), sep="/")' "$@"
}

hex() {
	od -An -v -tx1 "$@" | tr -d ' \n'
}

answered() {
	run answer --key key.pem "$@"
	cp out answer
}

# The usual way.
challenge ch entry
before
answered --table table unlock ch
is 'unlock: exit code 0' "$rc" 0
ok '... no secret on the outputs' hidden
ok '... nor the entry' eval '! cat out err | grep -qF "$(hex entry)"'
is '... the guest opens it' "$(said ch answer action volume device keyslot secrets)" \
	"unlock////{\"root\": \"$(hex disk.key)\"}"
ok '... lines of at most 64 letters' eval '[[ $(wc -L < answer) -le 64 ]]'
is '... proved, and shown' "$(sed -n 's/^challenge *//p' err)" 'of a guest that has the rescue entry of table'
is '... what has failed' "$(sed -n 's/^failed *//p' err)" 'code 2 secret-refused: the secret opens no keyslot'
is '... what is sent' "$(sed -n 's/^secret *//p' err)" 'of volume root, from table'
is '... the secret may be the one that was refused' \
	"$(grep -c 'warning: table: if the guest was started with this table, its secret is the one that was refused' err)" 1
cp answer first
answered --table table unlock ch
ok 'another answer is sealed anew' eval '! cmp -s answer first'
is '... and opens, too' "$(said ch answer action)" unlock
challenge ch2 entry
is 'the answer is for this challenge alone' "$(said ch2 answer action)" 'nobody has signed it'
must openssl pkey -in key2.pem -out key.pem.2
run answer --key key2.pem --table table unlock ch
cp out answer
is 'another key: the guest takes none of it' "$(said ch answer action)" 'nobody has signed it'
for what in reboot poweroff; do
	answered --table table $what ch
	is "$what, proved" "$rc $(said ch answer action secrets)" "0 $what/{}"
	answered $what ch
	is '... and without a table' "$rc $(said ch answer action secrets)" "0 $what/{}"
	ok '... which is said' grep -q 'warning: nothing proves the challenge: the host may have written this' err
	is '... twice' "$(sed -n 's/^challenge *//p' err)" 'not proved: the host may have written this'
done
challenge fetch entry 'actions=fetch reboot poweroff' code=37 code_name=connection
answered --table table fetch fetch
is 'fetch' "$rc $(said fetch answer action)" '0 fetch'
challenge nokey 'actions=reboot poweroff' 'no_secret=the guest has no rescue entry'
answered reboot nokey
is 'a challenge that can carry no secret' "$rc $(said nokey answer action)" '0 reboot'
ok '... says why' grep -q '^no secret  the guest has no rescue entry$' err

# Arguments, volumes, other secrets.
answered --table table --device UUID=AAAAAAAA-0000-4000-8000-00000000000b --keyslot 3 unlock ch
is 'a device and a keyslot' "$rc $(said ch answer volume device keyslot)" \
	'0 root/UUID=AAAAAAAA-0000-4000-8000-00000000000b/3'
answered --table table --keyslot 0 unlock ch
is 'keyslot 0 is one' "$rc $(said ch answer volume device keyslot)" '0 root//0'
answered --table table --secret other.key unlock ch
is 'another secret' "$rc $(said ch answer secrets)" "0 {\"root\": \"$(hex other.key)\"}"
ok '... hidden' hidden
is '... with no warning' "$(grep -c warning err)" 0
is '... named' "$(sed -n 's/^secret *//p' err)" 'of volume root, from other.key'
challenge two entry volume=root failed=no volume=data "secret=$other" failed=yes
answered --table both unlock two
is 'two volumes' "$rc $(said two answer secrets)" \
	"0 {\"root\": \"$(hex disk.key)\", \"data\": \"$(hex other.key)\"}"
answered --table both --keyslot 1 unlock two
is '... the one that has failed' "$(said two answer volume)" data
answered --table both --keyslot 1 --volume root unlock two
is '... or the one that is named' "$(said two answer volume)" root
answered --table table --secret other.key unlock two
is '... its secret from a file, the other from the table' "$rc $(said two answer secrets)" \
	"0 {\"root\": \"$(hex disk.key)\", \"data\": \"$(hex other.key)\"}"
challenge kbs entry secret=kbs:///guest/disk/key
answered --table table unlock kbs
is 'a secret of a key broker, from the table' "$rc $(said kbs answer secrets)" "0 {\"root\": \"$(hex disk.key)\"}"
ok '... with a doubt' grep -q 'warning: table: the secret of volume root .* resource guest/disk/key .* are they one?' err
for size in 1 512; do
	head -c "$size" /dev/urandom > sized
	answered --table table --secret sized unlock ch
	is "a secret of $size bytes" "$rc $(said ch answer secrets)" "0 {\"root\": \"$(hex sized)\"}"
done
base64 -w0 table > table.base64
answered --table table.base64 unlock ch
is 'a table in base64' "$rc $(said ch answer action)" '0 unlock'

# The image's configuration: whose key is in it, and is it the one that the guest has?
must mkdir -p image/etc/coco-unlock
printf '[Unlock]\nFailureAction=rescue\nRescueKey=%s\n' "$public" > image/etc/coco-unlock/coco-unlock.conf
must cp -r image other
must cp -r image nokey.d
echo 'root LABEL=root' > other/etc/coco-unlock/cocotab
echo > nokey.d/etc/coco-unlock/coco-unlock.conf
digest=$(echo "$(sha256sum < image/etc/coco-unlock/coco-unlock.conf | cut -d ' ' -f 1)  /etc/coco-unlock/coco-unlock.conf" |
	sha256sum | cut -d ' ' -f 1)
challenge image.ch entry "configuration=$digest"
answered --table table --config image unlock image.ch
is 'the image of the guest' "$rc $(said image.ch answer action)" '0 unlock'
is '... is said' "$(sed -n 's/^image *//p' err)" "configuration $digest, as image has it"
answered --config image reboot image.ch
is '... without a table' "$rc $(said image.ch answer action)" '0 reboot'
refused 2 'has another configuration' answer --key key.pem --table table --config image unlock ch
refused 2 'has another configuration' answer --key key.pem --table table --config other unlock image.ch
refused 2 'it is none of the keys that RescueKey= has' answer --key key2.pem --table table --config image unlock image.ch
refused 2 'its configuration has no RescueKey=' answer --key key.pem --table table --config nokey.d unlock image.ch
refused 4 'cannot open' answer --key key.pem --table table --config none unlock image.ch
printf '[Unlock]\nRescueKey=%s\n' "$public" > other/etc/coco-unlock/coco-unlock.conf
refused 3 'without FailureAction=rescue' answer --key key.pem --table table --config other unlock image.ch

# Where it comes from, where it goes.
rc=0
"$bin" answer --key key.pem --table table unlock < ch > answer 2> err || rc=$?
is 'the challenge from standard input' "$rc $(said ch answer action)" '0 unlock'
before
run answer --key key.pem --table table unlock -o answer2 ch
ok 'to a file of mode 0600' made 0 answer2
is '... and what is shown to standard output' "$(sed -n 's/^answer  *//p' out) $(grep -vc warning err)" 'unlock 0'
is '... it opens' "$(said ch answer2 action)" unlock
refused 2 'it exists' answer --key key.pem --table table unlock -o answer2 ch
run answer --key key.pem --table table unlock -o answer2 --force ch
is '... but with --force' "$rc" 0
run answer --key key.pem --table table unlock -o - ch
cp out answer
is '- is standard output' "$rc $(said ch answer action)" '0 unlock'

# What a terminal or a record does to the lines.
{ printf 'Debian GNU/Linux\r\n\033[2J\r\n'; sed 's/$/\r/' ch; printf 'login: '; } > noisy
answered --table table unlock noisy
is 'carriage returns and noise around' "$rc $(said ch answer action)" '0 unlock'
tr '\n' '\r' < ch > cr
answered --table table unlock cr
is 'carriage returns alone' "$rc $(said ch answer action)" '0 unlock'
{ head -n 1 ch; sed '1d;$d' ch | shuf; sed '1d;$d' ch | shuf; tail -n 1 ch; } > mixed
answered --table table unlock mixed
is 'lines doubled and in any order' "$rc $(said ch answer action)" '0 unlock'
cat ch2 noisy ch > log
answered --table table unlock log
is 'of several challenges, the last one' "$rc $(said ch answer action)" '0 unlock'
{ head -c 3000000 /dev/urandom; printf '\n'; cat ch; head -c 1000000 /dev/urandom; } > noise
answered --table table unlock noise
is 'megabytes of noise around' "$rc $(said ch answer action)" '0 unlock'

# A line that was lost, and comes behind the end mark: `challenge 2` at the guest's console shows it alone.
{ sed 3d ch; printf 'challenge 2\r\n'; sed -n 3p ch; echo 'login: '; } > late
answered --table table unlock late
is 'a lost line behind the end mark' "$rc $(said ch answer action)" '0 unlock'
{ cat ch2; sed 3d ch; sed -n 3p ch; } > late2
answered --table table unlock late2
is '... of the second challenge' "$rc $(said ch answer action)" '0 unlock'
{ cat ch; sed -n 3p ch; } > shown
answered --table table unlock shown
is '... or one that was there already' "$rc $(said ch answer action)" '0 unlock'
{ cat ch2; sed -n '2,3p;5,$p' ch; } > headless
refused 3 'are missing or not as they were: 003' answer --key key.pem --table table unlock headless
{ cat ch; sed -n 3p ch; sed '1d;4d' two; } > headless2
refused 3 'are missing or not as they were: 003' answer --key key.pem --table table unlock headless2
# Two of one boot begin alike. Without an entry it is the first line that does.
challenge one
challenge next
is 'premise: they begin alike' "$(sed -n 2p one)" "$(sed -n 2p next)"
{ cat one; sed 1d next; } > headless3
answered reboot headless3
is 'a begin mark is lost, and the first line is known' "$rc $(said next answer action)" '0 reboot'
{ sed 9d one; sed 1d next; } > headless4
answered reboot headless4
is '... behind one that is not whole' "$rc $(said next answer action)" '0 reboot'
{ cat one; sed -n 5p one; sed '1d;5d' next; } > headless5
refused 3 'are missing or not as they were: 004' answer --key key.pem reboot headless5
must mkdir directory
refused 4 'cannot read: Is a directory' answer --key key.pem --table table unlock directory

# Challenges that are not whole.
use=(answer --key key.pem --table table unlock)
sed 3d ch > lost
refused 3 'are missing or not as they were: 002' "${use[@]}" lost
sed '4s/./x/20' ch > slip
refused 3 'are missing or not as they were: 003' "${use[@]}" slip
sed '$d' ch > endless
refused 3 'the end of the challenge is missing' "${use[@]}" endless
{ cat ch2; head -n 5 ch; } > newer
refused 3 'the challenge is not whole' "${use[@]}" newer
refused 3 'there is no challenge in it' "${use[@]}" table
refused 3 'there is no challenge in it' "${use[@]}" /dev/null
refused 3 'the end of the challenge is missing' "${use[@]}" first # which is an answer
refused 4 'cannot open' "${use[@]}" none
"$guest" flip ch 3 > version
refused 3 'line 1 of the challenge' "${use[@]}" version

# Challenges that nothing proves: nothing of them is shown.
challenge evil entry "reason=SHOWN" boot_id=SHOWN no_secret=SHOWN device=SHOWN actions=reboot
unseen() {
	refused "$@"
	ok '... nothing of it is shown' eval '! grep -q SHOWN out err'
}
unseen 2 'it is not from a guest that has the rescue entry of table2' answer --key key.pem --table table2 reboot evil
bits=$(($(sed '1d;$d' ch | cut -d ' ' -f 2 | base64 -d | wc -c) * 8))
wrong=0
for ((bit = 1; bit < bits; bit += 97)); do
	"$guest" flip ch $bit > flipped
	run "${use[@]}" flipped
	[[ $rc == [23] && ! -s out ]] || { wrong=$((wrong + 1)) && echo "# bit $bit: $rc"; }
done
is "a bit changed, $((bits / 97)) of them" "$wrong" 0
# The host has no entry, but a key pair.
challenge host entry2 "reason=SHOWN"
unseen 2 'it is not from a guest that has the rescue entry of table' "${use[@]}" host
challenge host 'actions=unlock reboot' "reason=SHOWN"
unseen 2 'nothing proves it' "${use[@]}" host
unseen 2 'nothing proves it' answer --key key.pem --table table reboot host
unseen 2 'it has no rescue entry' answer --key key.pem --table bare unlock host
head -c 31 entry > short
must python3 -IS "$top/tests/lib/table.py" make wrong "$guid=disk.key" ca4b4042-831b-4962-9798-fc95c71f1236=short
unseen 3 'its rescue entry has 31 bytes, and not 32' answer --key key.pem --table wrong unlock ch
# Letters that a terminal obeys.
printf '\033]0;SHOWN\a' > escape
{ cat escape; cat ch; cat escape; } > escapes
run answer --key key.pem reboot escapes
ok 'no byte around a challenge is shown' eval '! grep -q SHOWN out err'

# What is not on offer, and what makes no sense.
challenge few entry actions=reboot 'no_secret=no pin for volume root'
refused 2 'it does not offer unlock: no pin for volume root' answer --key key.pem --table table unlock few
ok '... and names what is' grep -q '; next: answer with what it offers: reboot$' err
refused 2 'it does not offer fetch' answer --key key.pem --table table fetch ch
refused 2 'it does not offer poweroff; next: ' answer --key key.pem --table table poweroff few
refused 2 'the guest has no volume of this name' "${use[@]}" --volume data ch
challenge neither entry volume=root failed=no volume=data failed=no
refused 1 'it has 2 volumes, and none of them has failed' "${use[@]}" neither
refused 2 'it has no entry 11111111' "${use[@]}" two
: > empty
refused 3 'has 0 bytes, and an answer carries 1 to 512' "${use[@]}" --secret empty ch
head -c 513 /dev/urandom > long
refused 3 'has 513 bytes, and an answer carries 1 to 512' "${use[@]}" --secret long ch
challenge odd entry 'secret=nonsense'
refused 3 'names no secret for the volume root' "${use[@]}" odd

# Keys.
must openssl genpkey -algorithm ed448 -out ed448.pem
must openssl pkey -in key.pem -pubout -out public.pem
refused 3 'not of Ed25519' answer --key ed448.pem reboot ch
refused 3 'no private key in PEM' answer --key public.pem reboot ch
refused 3 'no private key in PEM' answer --key disk.key reboot ch
refused 4 'cannot open' answer --key none reboot ch
if command -v setsid > /dev/null; then
	plain=$bin
	printf '#!/bin/bash\nexec setsid -w %q "$@"\n' "$plain" > without
	chmod +x without
	bin=$tmp/without
	refused 1 'there is no terminal to ask' answer --key locked.pem reboot ch
	run "${use[@]}" --ask ch
	is '... nor for a secret' "$rc $(wc -c < out) $(grep -c "there is no terminal to ask.*--secret" err)" '1 0 1'
	bin=$plain
fi

# The command line.
refused 1 'it takes --key PEM' answer reboot ch
refused 1 'it takes --key PEM' answer --key key.pem
refused 1 'it takes --key PEM' answer --key key.pem reboot ch ch
refused 1 "'nonsense' is not unlock" answer --key key.pem nonsense ch
refused 1 'unlock needs --table' answer --key key.pem unlock ch
for option in '--volume root' '--secret disk.key' --ask '--device auto' '--keyslot 1'; do
	# shellcheck disable=SC2086 # two words
	refused 1 'go with unlock only' answer --key key.pem --table table $option reboot ch
done
refused 1 'one of --secret and --ask' "${use[@]}" --secret disk.key --ask ch
refused 1 'as in cocotab' "${use[@]}" --device vda ch
refused 1 'plain ASCII' "${use[@]}" --device $'LABEL=\303\244' ch
refused 1 'plain ASCII' "${use[@]}" --device "/dev/$(printf '%0300d' 0)" ch
refused 1 '--keyslot' "${use[@]}" --keyslot 32 ch
refused 1 'standard input was read already' "${use[@]}" --secret -
refused 2 'would be written over it' "${use[@]}" -o table --force ch
refused 2 'would be written over it' "${use[@]}" -o ch --force ch
refused 2 'would be written over it' "${use[@]}" -o key.pem --force ch

tap_done
