#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# image_words.t - check --cmdline= names the words that a boot refuses, and the image build
# warns of those that the machine's files will put on its command line.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

t=$tmp/t
tree "$t"

# words CODE WANTED TEXT
words() {
	local before
	before=$(snapshot "$t")
	run --root="$t" check --cmdline="$3"
	is "words $(printf %q "$3"): exit code" "$rc" "$1"
	is '... those that are refused' "$(tr '\n' ' ' < "$tmp/out")" "$2"
	is '... and nothing else' "$(cat "$tmp/err")" ''
	ok '... nothing in the tree has changed' test "$(snapshot "$t")" = "$before"
}
words 0 '' 'root=/dev/mapper/root ro quiet console=ttyS0,115200'
words 0 '' ''
words 0 '' $' \t\n '
words 25 'audit=0 security=apparmor ' $'audit=0 quiet\nsecurity=apparmor\n'
words 25 'root=UUID=x audit=0 ' 'root=UUID=x audit=0'
words 25 "'quiet' ?[2J " $'"quiet" \x1b[2J'
printf '[Policy]\nAllowWords=audit=0\n' > "$t/etc/coco-unlock/coco-unlock.conf"
words 25 'security=apparmor ' 'audit=0 security=apparmor'
printf '[Policy]\nCheckCommandLine=no\n' > "$t/etc/coco-unlock/coco-unlock.conf"
words 0 '' 'audit=0 security=apparmor rd.break'
echo 'x' > "$t/etc/coco-unlock/coco-unlock.conf"
run --root="$t" check --cmdline=quiet
is 'a mistake in the configuration' "$rc" 10
must rm "$t/etc/coco-unlock/coco-unlock.conf"
must mkdir -p "$t/proc"
echo 'audit=0' > "$t/proc/cmdline"
words 0 '' 'quiet'

# The dracut module, with what dracut would have given it.
PATH=$(dirname "$bin"):$PATH
source "$top/dracut/50coco-unlock/module-setup.sh"
dwarn() { printf '%s\n' "$*" >> "$tmp/warned"; }
dracutsysrootdir=$t initdir=$tmp/initdir
must mkdir -p "$initdir/etc/cmdline.d" "$t/etc/kernel" "$t/usr/lib/kernel" "$t/etc/default/grub.d"

# warns NAME LINE...: of exactly these, "WHERE WORD" each.
warns() {
	local name=$1
	shift
	: > "$tmp/warned"
	coco_check_words
	is "$name: exit code" $? 0
	is '... it warns of' "$(sed -E 's/^coco-unlock: (.*) has the word ([^ ]*)\. On the .* code 25 .*AllowWords=.*/\1 \2/' \
		"$tmp/warned")" "$(printf '%s\n' "$@")"
}

warns 'no file, and the words of the machine that builds'
echo '# audit=0 in a comment' > "$t/etc/kernel/cmdline"
echo 'root=/dev/mapper/root audit=0' >> "$t/etc/kernel/cmdline"
echo 'security=apparmor' > "$t/usr/lib/kernel/cmdline"
warns 'kernel-install' '/etc/kernel/cmdline audit=0'
must rm "$t/etc/kernel/cmdline"
warns 'its default' '/usr/lib/kernel/cmdline security=apparmor'
must rm "$t/usr/lib/kernel/cmdline"
cat > "$t/etc/default/grub" << 'END'
GRUB_DEFAULT=0
#GRUB_CMDLINE_LINUX="debug"
GRUB_CMDLINE_LINUX_RECOVERY="single"
GRUB_CMDLINE_LINUX_DEFAULT="quiet audit=0" # splash debug
export GRUB_CMDLINE_LINUX='security=selinux $more ro'
GRUB_CMDLINE_LINUX=nosmep
GRUB_CMDLINE_XEN="debug"
END
echo 'GRUB_CMDLINE_LINUX="${GRUB_CMDLINE_LINUX} page_poison=1"' > "$t/etc/default/grub.d/50-a.cfg"
echo 'GRUB_CMDLINE_LINUX="debug"' > "$t/etc/default/grub.d/50-a.cfg.dpkg-old"
warns GRUB '/etc/default/grub audit=0' '/etc/default/grub security=selinux' '/etc/default/grub nosmep' \
	'/etc/default/grub.d/50-a.cfg page_poison=1'
must rm "$t/etc/default/grub.d/50-a.cfg" "$t/etc/default/grub"
kernel_cmdline='quiet luks=no' hostonly_cmdline=yes
echo 'audit=0' > "$initdir/etc/cmdline.d/10-a.conf"
warns 'an image that the kernel is not part of'
uefi=yes
warns 'kernel and image in one' "dracut's kernel_cmdline= luks=no"
kernel_cmdline=''
warns '... with the words of its modules' '/etc/cmdline.d/10-a.conf of the image audit=0'
hostonly_cmdline=no
warns '... without them'
ok 'install() asks for it' grep -qx '    coco_check_words' "$top/dracut/50coco-unlock/module-setup.sh"
tap_done
