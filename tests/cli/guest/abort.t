#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# abort.t - whatever has gone wrong before: no entry is left, and it is said that the boot
# ends.
# Needs: cryptsetup python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
printf '%s good' "$canary" > "$tmp/key"
disk "$tmp/good" "$tmp/key"

good() {
	tree "$t"
	add_disk "$t" vda "$tmp/good"
	add_secret "$t" "$guid" "$tmp/key"
	add_secret "$t" "$other" "$tmp/key"
}

# abort NAME CODE LEFT
abort() {
	run --root="$t" abort
	is "$1" "$rc" "$2"
	is '... one line of failure' "$(grep -cE "^coco-unlock: FAILED code=$2 " "$tmp/err")" 1
	is '... nothing to stdout' "$(cat "$tmp/out")" ''
	is '... entries that are left' "$(ls "$t$secrets" 2> /dev/null)" "$3"
	is '... the status file says so, too' "$(status_fields "$t" result code action)" "failed/$2/none"
	ok '... no secret in any output' silent "$t"
}

good
before=$(sha256sum "$t/dev/vda")
abort 'abort wipes all' 22 ''
is '... and counts' "$(status_fields "$t" name source.read source.wiped)" 'aborted/0/2'
is '... no disk was opened' "$(status_fields "$t" volumes.0.device volumes.0.keyslot)" '/-1'
is '... or changed' "$(sha256sum "$t/dev/vda")" "$before"
abort 'again, with nothing left' 22 ''

good
printf '[Unlock]\nKeepSecrets=%s\n' "$other" > "$t/etc/coco-unlock/coco-unlock.conf"
abort 'what is to be kept is kept' 22 "$other"
echo 'x' >> "$t/etc/coco-unlock/coco-unlock.conf"
abort 'but not with a mistake in the configuration' 22 ''

good
must mkdir "$t$secrets/stays"
abort 'an entry that cannot be removed' 15 stays

tree "$t"
must rm -r "$t$secrets"
abort 'no table' 22 ''
must rm -r "$t/sys/kernel"
abort 'no securityfs' 22 ''

tree "$t"
must rm -r "$t$secrets"
must mkdir "$t/sys/kernel/security/coco_secret"
echo 'corrupt entry-length' > "$t/sys/kernel/security/coco_secret/state"
abort 'a corrupt table' 22 ''
is '... is zeroed' "$(head -c 4 "$t/sys/kernel/security/coco_secret/state")" wipe

good
for i in {1..62}; do
	add_secret "$t" "00000000-0000-0000-0000-0000000000$((10 + i))" "$tmp/key"
done
abort '64 entries may hide more' 16 ''

# What was at work when the time was over: systemd's control groups have it.
# group DIR POPULATED
group() {
	must mkdir -p "$t/sys/fs/cgroup/system.slice/$1"
	printf 'populated %s\nfrozen 0\n' "$2" > "$t/sys/fs/cgroup/system.slice/$1/cgroup.events"
}
# at_work NAME TEXT: what the reason says behind the words that it always has.
at_work() {
	run --root="$t" abort
	is "$1" "$(sed -n 's/.* reason="the initramfs cannot go on\([^"]*\)".*/\1/p' "$tmp/err")" "$2"
}
works() {
	printf ': %s is still at work' "$1"
}
good
group systemd-udevd.service 1
group dracut-initqueue.service 1
group systemd-fsck-root.service 0
group sysroot.mount 0
at_work 'nothing at work on a file system' ''
group sysroot.mount 1
at_work 'a mount' "$(works sysroot.mount)"
fsck='systemd-fsck@dev-mapper-debian\x2d\x2dvg\x2droot.service'
group "system-systemd\\x2dfsck.slice/$fsck" 1
at_work 'a check counts more, also below the slice of its template' "$(works "$fsck")"
must rm -r "$t/sys/fs/cgroup/system.slice"/system-*
group systemd-fsck-root.service 1
at_work 'the check of the root' "$(works systemd-fsck-root.service)"
must rm "$t/sys/fs/cgroup/system.slice/systemd-fsck-root.service/cgroup.events"
at_work 'one of which nothing is known is not named' "$(works sysroot.mount)"
must rm -r "$t/sys/fs"
must ln -s /nowhere "$t/sys/fs"
at_work 'no control groups' ''

# --unless-done: for a unit that ends, in whatever way. The status file says that it is done.
good
run --root="$t" unlock
is 'premise: unlock goes well' "$rc" 0
add_secret "$t" "$other" "$tmp/key"
before=$(snapshot "$t")
run --root="$t" abort --unless-done
is 'abort --unless-done behind an unlock that was done' "$rc" 0
is '... says nothing' "$(cat "$tmp/out" "$tmp/err")" ''
is '... and changes nothing' "$(snapshot "$t")" "$before"

good
before=$(snapshot "$t")
run --root="$t" abort --unless-done
is 'abort --unless-done in the real root: there is nothing to undo' "$rc" 0
is '... and changes nothing' "$(snapshot "$t")" "$before"
must ln -s initrd-release "$t/etc/initrd-release"
run --root="$t" abort --unless-done
is 'abort --unless-done where nobody can tell: it is done' "$rc" 22
is '... no entry is left' "$(ls "$t$secrets")" ''
good
must touch "$t/etc/initrd-release"
must mkdir -p "$t/run/coco-unlock"
must ln -s status.json "$t/run/coco-unlock/status.json"
run --root="$t" abort --unless-done
is '... nor with a status that nobody can look at' "$rc" 22
is '... no entry is left' "$(ls "$t$secrets")" ''
good
must touch "$t/etc/initrd-release"
must mkdir -p "$t/run/coco-unlock"
must touch "$t/run/coco-unlock/opened"
run --root="$t" abort --unless-done
is 'abort --unless-done behind one that was killed' "$rc" 22
ok '... with the reason' grep -q \
	'^coco-unlock: FAILED code=22 name=aborted reason="the unlock was killed" ' "$tmp/err"
is '... entries that are left' "$(ls "$t$secrets")" ''
ok '... no list of what is open stays' test ! -e "$t/run/coco-unlock/opened"
is '... the status file says so, too' "$(status_fields "$t" result code action)" failed/22/none
before=$(snapshot "$t")
run --root="$t" abort --unless-done
is '... once' "$rc" 0
is '... and not again' "$(snapshot "$t")" "$before"

good
run --root="$t" abort --unless-don
is 'another option' "$rc" 1
is '... does nothing' "$(ls "$t$secrets" | wc -l)" 2
tap_done
