#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# forms.t - the bytes of an entry open a keyslot exactly as they are, or without one final
# NUL, and in no other form.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t

# unlocks KEYFILE ENTRYFILE [OPTION...]: enrols one, puts the other into the table; sets rc.
unlocks() {
	local key=$1 entry=$2 image
	image=$tmp/disk-${1##*/}-${3+argon2}
	shift 2
	[[ -e $image ]] || disk "$image" "$key" "$@"
	tree "$t"
	add_disk "$t" vda "$image"
	add_secret "$t" "$guid" "$entry"
	run --root="$t" unlock
}

# opens NAME FORM KEYFILE ENTRYFILE [OPTION...]
opens() {
	local name=$1 form=$2
	shift 2
	unlocks "$@"
	is "$name: opens" "$rc" 0
	is "... $form" "$(status_fields "$t" volumes.0.form volumes.0.keyslot volumes.0.header)" \
		"$form/0/accepted"
	ok '... entry gone, no secret in any output' \
		eval "[ ! -e '$t$secrets/$guid' ] && silent '$t'"
}

refused() {
	local name=$1
	shift
	unlocks "$@"
	is "$name: is refused" "$rc" 2
	is '... without a form' "$(status_fields "$t" volumes.0.form volumes.0.keyslot)" '/-1'
	ok '... entry gone, no secret in any output' \
		eval "[ ! -e '$t$secrets/$guid' ] && silent '$t'"
}

secret() {
	# shellcheck disable=SC2059 # the format is the secret
	printf "$2" > "$tmp/$1"
}

secret text "$canary"
secret text-nul "$canary\\0"
secret text-nul-nul "$canary\\0\\0"
secret text-nl "$canary\\n"
secret text-nl-nul "$canary\\n\\0"
secret text-cr "$canary\\r"
secret text-space "$canary "
secret cut "$canary\\0behind"
secret one 'x'
secret nul '\0'
secret nl '\n'
python3 - "$tmp" "$canary" <<- 'END' || must false
	import hashlib, sys
	def noise(n):
	    return b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(n // 32 + 1))[:n]
	canary = sys.argv[2].encode()
	binary = noise(8) + b"\0\n\0" + canary + b"\r\n\0\xff" + noise(32)
	open(sys.argv[1] + "/binary", "wb").write(binary[:31] + b"\1")
	open(sys.argv[1] + "/binary-nl", "wb").write(binary[:31] + b"\n")
	open(sys.argv[1] + "/binary-nul", "wb").write(binary[:31] + b"\0")
	large = (canary + noise(3032))[:3032]
	open(sys.argv[1] + "/large", "wb").write(large[:3031] + b"\1")
	open(sys.argv[1] + "/large-but-last", "wb").write(large[:3031] + b"\2")
	open(sys.argv[1] + "/largest", "wb").write((canary + noise(16384))[:16383] + b"\1")
END
ok 'premise: 32 bytes with NUL and newline inside' python3 -c \
	'import sys; b = open(sys.argv[1], "rb").read(); sys.exit(len(b) != 32 or b.count(0) < 3 or b.count(10) < 2)' \
	"$tmp/binary"

for kdf in pbkdf2 argon2id; do
	options=()
	[[ $kdf == argon2id ]] && options=("${argon2[@]}")
	opens "$kdf: text" exact "$tmp/text" "$tmp/text" "${options[@]}"
	opens "$kdf: one byte" exact "$tmp/one" "$tmp/one" "${options[@]}"
	opens "$kdf: a newline" exact "$tmp/nl" "$tmp/nl" "${options[@]}"
	opens "$kdf: 32 binary bytes" exact "$tmp/binary" "$tmp/binary" "${options[@]}"
	opens "$kdf: 32 bytes, the last a newline" exact "$tmp/binary-nl" "$tmp/binary-nl" "${options[@]}"
	opens "$kdf: 32 bytes, the last a NUL" exact "$tmp/binary-nul" "$tmp/binary-nul" "${options[@]}"
	opens "$kdf: 3032 bytes" exact "$tmp/large" "$tmp/large" "${options[@]}"
	refused "$kdf: 3032 bytes, the last is another" "$tmp/large" "$tmp/large-but-last" "${options[@]}"
	refused "$kdf: text and a newline" "$tmp/text" "$tmp/text-nl" "${options[@]}"
	refused "$kdf: text without the newline it was enrolled with" "$tmp/text-nl" "$tmp/text" "${options[@]}"
	refused "$kdf: text and a carriage return" "$tmp/text" "$tmp/text-cr" "${options[@]}"
	refused "$kdf: text and a space" "$tmp/text" "$tmp/text-space" "${options[@]}"
	refused "$kdf: not cut at a NUL inside" "$tmp/text" "$tmp/cut" "${options[@]}"
done
opens '16384 bytes' exact "$tmp/largest" "$tmp/largest"

# Where every byte counts.
opens 'text and a NUL' without-final-nul "$tmp/text" "$tmp/text-nul" "${argon2[@]}"
opens 'text and a NUL that was enrolled' exact "$tmp/text-nul" "$tmp/text-nul" "${argon2[@]}"
opens 'a newline and a NUL, enrolled with the newline' without-final-nul \
	"$tmp/text-nl" "$tmp/text-nl-nul" "${argon2[@]}"
refused 'two NULs' "$tmp/text" "$tmp/text-nul-nul" "${argon2[@]}"
refused 'a newline and a NUL' "$tmp/text" "$tmp/text-nl-nul" "${argon2[@]}"
refused 'no NUL where one was enrolled' "$tmp/text-nul" "$tmp/text" "${argon2[@]}"
opens 'one NUL that was enrolled' exact "$tmp/nul" "$tmp/nul" "${argon2[@]}"
refused 'one NUL is not cut to nothing' "$tmp/one" "$tmp/nul" "${argon2[@]}"

# A premise: HMAC pads short keys with zeros (RFC 2104), so pbkdf2 does not see NULs at the
# end, and the form is "exact" whatever was enrolled.
opens 'premise: pbkdf2 does not see a NUL' exact "$tmp/text" "$tmp/text-nul"
opens 'premise: nor two of them' exact "$tmp/text" "$tmp/text-nul-nul"
opens 'premise: nor that one is missing' exact "$tmp/text-nul" "$tmp/text"

# The second keyslot.
disk "$tmp/disk" "$tmp/one"
must cryptsetup luksAddKey -q --disable-locks --key-file "$tmp/one" "${argon2[@]}" "$tmp/disk" \
	"$tmp/text" &> "$tmp/format.log"
for key in one text text-nul; do
	tree "$t"
	add_disk "$t" vda "$tmp/disk"
	add_secret "$t" "$guid" "$tmp/$key"
	run --root="$t" unlock
	case $key in
		one) want='0/exact' ;;
		text) want='1/exact' ;;
		text-nul) want='1/without-final-nul' ;;
	esac
	is "two keyslots: $key" "$rc $(status_fields "$t" volumes.0.keyslot volumes.0.form)" "0 $want"
done
tap_done
