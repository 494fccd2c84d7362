#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# broker.t - verify, where the guest's configuration asks a key broker: the table is one of the broker's resources, or
# all that the guest gets of it is the secret.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/guest.sh"

d=$tmp/disk t=$tmp/table c=$tmp/conf other=11111111-2222-3333-4444-555555555555
printf '%s a key that is long' "$canary" > "$tmp/key"
disk "$d" "$tmp/key" --key-size 256
some_data "$d"
must mkdir -p "$c/etc/coco-unlock"
own prepare "$d" -o "$t" --key-file "$tmp/key"
is 'premise: prepared' "$rc$(cat "$tmp/err")" 0

# configure LINE...: these lines of [Kbs], behind what each broker needs
configure() {
	printf '%s\n' '[Unlock]' "Sources=${sources-kbs}" '[Policy]' "RequirePolicyEntry=${strict-no}" '[Kbs]' \
		Url=https://192.0.2.1 "Pin=$(printf '%064d' 0)" Resource=a/b/root "$@" > "$c/etc/coco-unlock/coco-unlock.conf"
}

configure
printf 'root /dev/vda - -\ndata /dev/vdb kbs:///a/b/data#%s -\n' "$other" > "$c/etc/coco-unlock/cocotab"
verify "$d" "$t" --config "$c" --volume root
is "a table without what another resource has" "$rc" 0 || sed 's/^/# /' "$tmp/out" "$tmp/err"
printf 'root /dev/vda - -\ndata /dev/vdb %s -\n' "$other" > "$c/etc/coco-unlock/cocotab"
verify "$d" "$t" --config "$c" --volume root
is '... and without what it should have' "$rc" 8
sources='efi kbs' configure
printf 'root /dev/vda - -\ndata /dev/vdb kbs:///a/b/data#%s -\n' "$other" > "$c/etc/coco-unlock/cocotab"
verify "$d" "$t" --config "$c" --volume root
is '... all of which a launch secret has to have' "$rc" 8

must rm "$c/etc/coco-unlock/cocotab"
strict=yes configure
verify "$d" "$t" --config "$c"
is 'the whole table: its policy entry counts' "$rc" 0
ok '... its pins, too' grep -q '^pin ' "$tmp/out"
configure ResourceFormat=secret
verify "$d" "$t" --config "$c"
is 'the bare secret of it' "$rc" 0
ok '... comes without pins' eval '! grep -qE "^pin .*matches" "$tmp/out"' || sed 's/^/# /' "$tmp/out"
strict=yes configure ResourceFormat=secret
verify "$d" "$t" --config "$c"
is '... and without a policy entry' "$rc" 27
tap_done
