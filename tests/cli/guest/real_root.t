#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# real_root.t - what `make install` puts into the real root, so that it does not obey the host's
# disk: where it goes, whose files it leaves alone, and that it does nothing without a cocotab.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES
d=$tmp/dest
name=systemd-gpt-auto-generator
wrapper=$d/etc/systemd/system-generators/$name
dropin=$d/usr/lib/systemd/system/dracut-shutdown.service.d/50-coco-unlock.conf

# mk TARGET [WORD...]
mk() {
	make -s --no-print-directory -C "$top" "$@" DESTDIR="$d" &> "$tmp/make.log"
}

# Where files go, and whose stay.
ok 'installs' mk install-real-root || sed 's/^/# /' "$tmp/make.log"
ok '... the wrapper, executable' test -x "$wrapper"
ok '... the drop-in' grep -qx 'ConditionPathExists=!/etc/coco-unlock/cocotab' "$dropin"
ok '... which also hears a link that leads nowhere' \
	grep -qx 'ConditionPathIsSymbolicLink=!/etc/coco-unlock/cocotab' "$dropin"
is '... and nothing else' "$(find "$d" -type f | wc -l)" 2
ok '... as make install does' eval "make -n -C '$top' install DESTDIR='$d' 2> /dev/null | grep -q 'install.*$name'"
echo '# an older one' >> "$wrapper"
ok 'installs again' mk install-real-root
ok '... over what is ours' cmp -s "$top/units/$name" "$wrapper"
ok 'removes' mk uninstall
is '... both' "$(find "$d" -type f)" ''
ok '... and the directory of the drop-in' test ! -e "${dropin%/*}"
ok 'removes what is not there' mk uninstall
ok 'all is installed' eval 'mk install BUILD="${bin%/*}" && test -x "$d/usr/lib/coco-unlock/init"'
ok '... and removed' mk uninstall
is '... to the last file' "$(find "$d" ! -type d)" ''
rm -rf "$d"
mkdir -p "$d"

# theirs WHAT: what is there is the owner's, and stays through both.
theirs() {
	local before
	before=$(snapshot "$d/etc")
	ok "$1: installs" mk install-real-root
	is '... and leaves it' "$(snapshot "$d/etc")" "$before"
	ok '... and says so' grep -q 'not ours' "$tmp/make.log"
	ok '... and the drop-in is there' test -e "$dropin"
	ok '... removes' mk uninstall
	is '... and leaves it' "$(snapshot "$d/etc")" "$before"
	rm -rf "$d"
	mkdir -p "${wrapper%/*}"
}
mkdir -p "${wrapper%/*}"
ln -s /dev/null "$wrapper"
theirs "the owner's mask"
: > "$wrapper"
theirs 'an empty file, a mask too'
printf '#!/bin/sh\nexit 0\n' > "$wrapper"
theirs "the owner's program"
cp "$top/units/$name" "$tmp/elsewhere"
ln -s "$tmp/elsewhere" "$wrapper"
theirs 'a link to a wrapper'
mkdir -p "${dropin%/*}"
echo '[Unit]' > "${dropin%/*}/90-owner.conf"
ok "an owner's own drop-in" mk install-real-root
ok '... stays' eval "mk uninstall && test -e '${dropin%/*}/90-owner.conf' -a ! -e '$dropin'"

# What the wrapper does, in a tree: the same file, with the tree before each path.
r=$tmp/r
root_tree() {
	rm -rf "$r"
	mkdir -p "$r/etc/coco-unlock" "$r"/usr/{local/,}lib/systemd/system-generators
	sed -E "s,([ =])/(etc|usr|lib)\>,\1$r/\2,g; s,( )/lib; do, $r/lib; do," "$top/units/$name" > "$tmp/wrapper"
	real "$r/usr/lib" usr
}
real() {
	printf '#!/bin/sh\necho "%s $#:$*"\n' "$2" > "$1/systemd/system-generators/$name"
	chmod 755 "$1/systemd/system-generators/$name"
}
# ran NAME OUTPUT
ran() {
	is "$1" "$(sh "$tmp/wrapper" normal early 'late dir' 2> /dev/null; echo $?)" "$2"
}
runs=$'usr 3:normal early late dir\n0'

root_tree
ok 'premise: no path of the machine is left' eval "! grep -vE '^#' '$tmp/wrapper' | grep -qE '[ =]/(etc|usr|lib)'"
ran 'no cocotab: the real one runs, with its arguments' "$runs"
rmdir "$r/etc/coco-unlock"
ran 'no directory of ours' "$runs"
mkdir "$r/etc/coco-unlock"
touch "$r/etc/coco-unlock/cocotab.old" "$r/etc/coco-unlock/xcocotab"
ran 'names like it' "$runs"
touch "$r/etc/coco-unlock/cocotab"
ran 'a cocotab: nothing runs' 0
rm "$r/etc/coco-unlock/cocotab"
ln -s none "$r/etc/coco-unlock/cocotab"
ran 'a cocotab that is a link to nowhere' 0
root_tree
rmdir "$r/etc/coco-unlock"
ln -s none "$r/etc/coco-unlock"
ran 'a directory of ours that cannot be read' 0
root_tree
mv "$r/etc" "$r/etc2"
ran 'an /etc that cannot be read' 0
root_tree
mkdir "$tmp/bin"
printf '#!/bin/sh\nexit 2\n' > "$tmp/bin/ls"
chmod 755 "$tmp/bin/ls"
is 'a list that breaks off' "$(PATH=$tmp/bin:$PATH sh "$tmp/wrapper" a b c; echo $?)" 0
is 'no program to list' "$(PATH=$tmp/none /bin/sh "$tmp/wrapper" a b c 2> /dev/null; echo $?)" 0

# Which one is the real one: the first, as for systemd.
root_tree
real "$r/usr/local/lib" local
ran "the owner's own in /usr/local" $'local 3:normal early late dir\n0'
ln -sf /dev/null "$r/usr/local/lib/systemd/system-generators/$name"
ran 'a mask in /usr/local' 0
root_tree
: > "$r/usr/lib/systemd/system-generators/$name"
ran 'an empty file' 0
root_tree
rm "$r/usr/lib/systemd/system-generators/$name"
ran 'none at all' 0
root_tree
printf '#!/bin/sh\nexit 7\n' > "$r/usr/lib/systemd/system-generators/$name"
ran 'its exit code is told' 7
tap_done
