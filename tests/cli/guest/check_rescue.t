#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check_rescue.t - FailureAction=rescue and the keys that go with it: the lines for scripts, what is
# refused and what is warned of, a key from PEM to the image, and the digest of a configuration as
# sha256sum makes it.
# Needs: openssl python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
etc=$t/etc/coco-unlock
usr=$t/usr/lib/coco-unlock
must mkdir -p "$etc/coco-unlock.conf.d" "$usr/coco-unlock.conf.d"

# conf LINE...: lines of [Unlock].
conf() {
	printf '%s\n' '[Unlock]' "$@" > "$etc/coco-unlock.conf"
}

# prints NAME LINE...: check --config prints these of the lines that are about a rescue.
prints() {
	local name=$1
	shift
	run --root="$t" check --config
	is "$name: exit code" "$rc" 0
	is '... what is printed' "$(grep -E '^(FailureAction|Rescue.*)=' "$tmp/out")" "$(printf '%s\n' "$@")"
}

# refuses NAME REASON
refuses() {
	run --root="$t" check --config
	is "$1: exit code" "$rc" 10
	is '... the reason' "$(head -n 1 "$tmp/err")" "coco-unlock: /etc/coco-unlock/coco-unlock.conf:$2"
	is '... and nothing else' "$(cat "$tmp/out")" ''
}

# The way that coco-unlock-rescue(7) has.
must openssl genpkey -algorithm ed25519 -out "$tmp/rescue.pem"
key=$(openssl pkey -in "$tmp/rescue.pem" -pubout -outform der | tail -c 32 | base64)
digits=$(base64 -d <<< "$key" | od -An -vtx1 | tr -d ' \n')

conf
prints 'the default' FailureAction=poweroff RescueShell=no RescueTimeoutMs=900000
is '... without a word' "$(cat "$tmp/err")" ''
conf FailureAction=rescue "RescueKey=$key" RescueTimeout=20min
prints 'a key of the owner' FailureAction=rescue RescueShell=no RescueTimeoutMs=1200000 "RescueKey=$digits"
is '... without a word' "$(cat "$tmp/err")" ''
run --root="$t" check
ok '... and for a person' grep -qE \
	'^ok      rescue         after a failure for 1200 s, answers by 1 keys, configuration [0-9a-f]{64}$' "$tmp/out" ||
	sed 's/^/# /' "$tmp/out"
conf FailureAction=rescue
prints 'no key' FailureAction=rescue RescueShell=no RescueTimeoutMs=900000
ok '... a warning' grep -q '^coco-unlock: warning: FailureAction=rescue .*no answer of yours; next: ' "$tmp/err"
conf FailureAction=rescue RescueShell=yes
prints 'a shell' FailureAction=rescue RescueShell=yes RescueTimeoutMs=900000
ok '... whose it is' grep -q '^coco-unlock: warning: RescueShell=yes gives a shell to .*, which is the host' "$tmp/err"
run --root="$t" check
ok '... and for a person' grep -q '^warning RescueShell=yes gives a shell to .*, which is the host' "$tmp/out"
ok '... without a rescue' test "$(grep -c '^ok      rescue' "$tmp/out")" = 0

conf "RescueKey=$key"
refuses 'a key without a rescue' '2: RescueKey= has no effect without FailureAction=rescue'
conf RescueTimeout=1min
refuses 'a time without a rescue' '2: RescueTimeout= has no effect without FailureAction=rescue'
conf RescueShell=yes FailureAction=halt
refuses 'a shell without a rescue' '2: RescueShell=yes has no effect without FailureAction=rescue'
conf FailureAction=rescue "RescueKey=$key" RescueShell=yes
refuses 'key and shell' '3: RescueKey= and RescueShell=yes exclude each other'
conf KeepSecrets=ca4b4042-831b-4962-9798-fc95c71f1236
refuses 'the rescue entry is kept' \
	'2: KeepSecrets= would spare the rescue entry, ca4b4042-831b-4962-9798-fc95c71f1236'
conf FailureAction=rescue "RescueKey=${key%?}"
refuses 'a part of a key' '3: RescueKey= takes Ed25519 public keys in base64, at most 4'

# Keys of small order, worked out: the y of the points of order 1, 2, 4 and 8 on
# -x^2 + y^2 = 1 + d x^2 y^2, and 0 and 1 once more, with either sign (RFC 8032, 5.1).
python3 -IS - > "$tmp/small" << 'END'
import base64
p = 2 ** 255 - 19
d = -121665 * pow(121666, -1, p) % p
def root(a):
    for r in (pow(a, (p + 3) // 8, p), pow(a, (p + 3) // 8, p) * pow(2, (p - 1) // 4, p) % p):
        if r * r % p == a % p:
            return {r, -r % p}
    return set()
ys = {0, 1, p - 1}
for s in root(1 + d):                      # of order 8: x^2 = -y^2, so d y^4 + 2 y^2 = 1
    ys |= {y for y in root((s - 1) * pow(d, -1, p)) if root(-y * y)}
for y in sorted(ys) + [p, p + 1]:
    for sign in (0, 1):
        print(base64.b64encode((y | sign << 255).to_bytes(32, "little")).decode())
END
is 'premise: fourteen keys of small order' "$(sort -u "$tmp/small" | wc -l)" 14
while read -r small; do
	conf FailureAction=rescue "RescueKey=$small"
	refuses "whose signatures anybody can make, $small" '3: RescueKey= takes Ed25519 public keys in base64, at most 4'
done < "$tmp/small"

# digest NAME FILE...: what a challenge says of the configuration, made of these files in this order.
digest() {
	local name=$1
	shift
	run --root="$t" check --config
	is "the digest of $name" "$(sed -n 's/^Digest=//p' "$tmp/out")" \
		"$(for file; do echo "$(sha256sum < "$t$file" | cut -d' ' -f1)  $file"; done | sha256sum | cut -d' ' -f1)"
}
conf
digest 'a file' /etc/coco-unlock/coco-unlock.conf
echo 'x LABEL=x' > "$etc/cocotab"
printf '%s\n' version=1 volume=x uuid=aaaaaaaa-0000-4000-8000-00000000000a > "$etc/policy"
: > "$etc/coco-unlock.conf.d/20.conf"
for dropin in "$usr/coco-unlock.conf.d/"{1,2}0.conf "$etc/coco-unlock.conf.d/30.conf"; do
	printf '[Unlock]\nTimeout=9s\n' > "$dropin"
done
digest 'all that there can be' /etc/coco-unlock/coco-unlock.conf /usr/lib/coco-unlock/coco-unlock.conf.d/10.conf \
	/etc/coco-unlock/coco-unlock.conf.d/20.conf /etc/coco-unlock/coco-unlock.conf.d/30.conf /etc/coco-unlock/cocotab \
	/etc/coco-unlock/policy
must rm -r "$etc" "$usr"
digest 'nothing'
tap_done
