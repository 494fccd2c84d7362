#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkinitramfs_refuses.t - what coco-mkinitramfs refuses or warns of, and that nothing is written then;
# its options, ukify, the hooks of kernel packages, and the completion.
# Needs: cpio zstd xz depmod readelf
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/mkinitramfs.sh"

made=$tmp/made
t=$tmp/tree
image=$tmp/folder/image
made_up "$made"
must mkdir "$tmp/folder"

# anew: the tree as it was made, a copy that shares the files.
anew() {
	rm -rf "$t"
	must cp -al "$made" "$t"
	must rm "$t/etc/coco-unlock/coco-unlock.conf"
	conf '[Root]' Type=ext4
}

# conf LINE...: the configuration.
conf() {
	rm -f "$t/etc/coco-unlock/coco-unlock.conf"
	printf '%s\n' "$@" > "$t/etc/coco-unlock/coco-unlock.conf"
}

# folder FOLDER: names in it, in one line.
folder() {
	find "$1" -mindepth 1 -printf '%P\n' | sort | xargs
}

# refuses NAME CODE TEXT [OPTION...]: nothing is written, the image that is there stays, and one line of the
# text, which is a pattern, and a next step are printed.
refuses() {
	local name=$1 code=$2 text=$3
	shift 3
	echo old > "$image"
	mk --root="$t" --force -o "$image" "$@"
	is "$name" "$rc" "$code"
	ok '... and says so' grep -qE "^coco-(mkinitramfs|unlock): .*$text" "$tmp/err" || sed 's/^/# /' "$tmp/err"
	is '... and leaves no file' "$(cat "$image") $(folder "$tmp/folder")$(ls -A "$tmp/work")" 'old image'
	anew
}

# advises TEXT: the next step.
advises() {
	ok '... and what to do' grep -qF "next: $1" "$tmp/err" || sed 's/^/# /' "$tmp/err"
}

anew
mk --root="$t" -o "$image"
is 'premise: the tree as it is makes an image' "$rc" 0

# The configuration, in the words and with the code of coco-unlock check.
conf '[Root]' Type=ext4 '[Unlock]' FailureAction=rescue RescueShell=yes
refuses 'a shell' 10 'RescueShell=yes: this initramfs has no shell'
advises 'remove RescueShell=yes'
for sources in kbs 'efi kbs'; do
	conf '[Root]' Type=ext4 '[Unlock]' "Sources=$sources" '[Kbs]' Url=https://192.0.2.1 \
		Pin=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 Resource=a/b/c
	refuses "Sources=$sources" 10 'this initramfs cannot bring a network up'
	advises "use dracut's initramfs, or set Sources=efi"
done
conf '[Root]' Options=noatime
refuses 'no type of the root' 10 'Type= is missing'
conf nonsense
"$bin" --root="$t" check --config --standalone > /dev/null 2> "$tmp/check"
refuses 'nonsense' 10 'expected Key=value'
is '... in the words of check' "$(cat "$tmp/err")" "$(cat "$tmp/check")"
rm "$t/etc/coco-unlock/cocotab"
mk --root="$t" --force -o "$image"
"$bin" --root="$t" check --config --standalone > /dev/null
is 'no cocotab: as check says' "$rc" $?
anew
rm "$t/etc/coco-unlock/cocotab"
printf 'root /dev/disk/by-id/x -\n' > "$t/etc/coco-unlock/cocotab"
refuses 'a link of udev' 10 'udev'

# What is not in the tree.
conf '[Root]' Type=xfs
refuses 'a file system that the kernel has not' 1 "kernel $kernel has no file system xfs"
advises "install the package with the kernel's modules"
conf '[Root]' Type=ext4 'Usr=/dev/mapper/root xfs'
refuses '... for /usr' 1 "kernel $kernel has no file system xfs"
conf '[Root]' Type=ext4 '[Image]' 'Modules=ahci no-such'
refuses 'a module of Modules=' 1 'no module no-such, which Modules='
conf '[Root]' Type=ext4 '[Policy]' Ciphers=serpent-xts-plain64
refuses 'a cipher' 1 'has no serpent, which the ciphers need'
conf '[Root]' Type=ext4 '[Unlock]' SecretModules='efi_secret sev_secret'
refuses 'the secret modules' 1 'none of the secret modules: efi_secret sev_secret'
for name in drivers/md/dm-crypt drivers/md/dm-mod secret/coco_secret fs/jbd2/jbd2; do
	rm "$t$moddir/kernel/$name".ko*
	refuses "a file of ${name##*/} that modules.dep names is missing" 1 "cannot read .*/${name##*/}.ko"
	advises "depmod -b $t $kernel"
done
rm "$t$moddir/kernel/fs/jbd2/jbd2.ko.xz"
head -c 100 "$made$moddir/kernel/fs/jbd2/jbd2.ko.xz" > "$t$moddir/kernel/fs/jbd2/jbd2.ko.xz"
refuses 'half of a compressed module' 1 'cannot read .*/jbd2.ko.xz'
must mv "$t$moddir/modules.dep" "$tmp/modules.dep"
grep -v '/dm-crypt\.ko:' "$tmp/modules.dep" > "$t$moddir/modules.dep"
refuses 'no dm_crypt' 1 'has no module dm_crypt'
rm "$t$moddir/modules.dep"
refuses 'no modules.dep' 1 "is missing" --kernel=$kernel
refuses 'another kernel' 1 '1.2.3/modules.dep is missing' --kernel=1.2.3
refuses 'no name of a kernel' 1 "'../x' is no version" --kernel=../x
must cp -r "$t$moddir" "$t/usr/lib/modules/6.9-second"
refuses 'several kernels' 1 'has several kernels'
advises 'choose one: --kernel='
for file in "$libdir/libdeep.so.3" "$libdir/libgcc_s.so.1" "$stub" /usr/bin/coco-unlock "$libdir/ld-made-up.so.9"; do
	rm "$t$file"
	refuses "no $file" 1 '(is missing|knows by itself)'
done
must sed 's/0\.[0-9.]*/9.9.9/' "$made/usr/bin/coco-unlock" > "$tmp/other"
must mv "$tmp/other" "$t/usr/bin/coco-unlock"
refuses 'another version of coco-unlock in the tree' 1 'is not of version'
ln -sf /bin/sh "$t/usr/bin/coco-unlock"
refuses 'a link is followed in the tree, not on the machine that builds' 1 '/usr/bin/coco-unlock is missing'
rm "$t$stub"
must cp "$t/usr/bin/coco-unlock" "$t$stub"
refuses 'a stub with libraries' 1 "$stub needs libraries"
conf '[Root]' Type=ext4 Fsck=yes
rm "$t/usr/sbin/e2fsck"
refuses 'no e2fsck' 1 '/usr/sbin/e2fsck is missing'
conf '[Root]' Type=ext4 Device=/dev/vg/root
rm "$t/usr/sbin/lvm"
refuses 'no lvm' 1 '/usr/sbin/lvm is missing'
ln -sf loop "$t$libdir/loop"
rm "$t$libdir/libdeep.so.3"
ln -s loop "$t$libdir/libdeep.so.3"
refuses 'a link to itself' 1 'libdeep.so.3'

# Options and outputs.
for words in --nonsense '--cmdline=x' "--uki=$tmp/uki" 'more' '--kernel' '-o'; do
	# shellcheck disable=SC2086 # several words
	refuses "$words" 1 "" $words
done
mk --root="$tmp/none"
is 'no tree' "$rc $(cat "$tmp/err")" "1 coco-mkinitramfs: $tmp/none is no directory"
echo old > "$image"
mk --root="$t" -o "$image"
is 'an image that exists, without --force' "$rc $(cat "$image") $(grep -c -- --force "$tmp/err")" '1 old 1'
ln -s nowhere "$tmp/folder/link"
mk --root="$t" -o "$tmp/folder/link"
is '... a link' "$rc $(readlink "$tmp/folder/link")" '1 nowhere'
rm "$tmp/folder/link"
mk --root="$t" --force -o "$tmp/folder"
is '... a folder' "$rc $(folder "$tmp/folder")" '1 image'
mk --root="$t" --force -o "$tmp/none/image"
is '... in a folder that is not there' "$rc $(grep -c 'cannot write beside' "$tmp/err")" '1 1'
if [[ $(id -u) != 0 ]]; then
	chmod 555 "$tmp/folder"
	mk --root="$t" --force -o "$image"
	is 'a folder that cannot be written' "$rc $(cat "$image") $(grep -c 'cannot write beside' "$tmp/err")" '1 old 1'
	chmod 755 "$tmp/folder"
fi
mk --root="$t"
is 'without -o: /boot of the tree' "$rc $(folder "$t/boot")" "0 coco-initrd-$kernel"
(cd "$tmp/folder" && mk --root="$t" -o -here && exit $rc)
is 'a name that begins with -' "$? $(folder "$tmp/folder")" '0 -here image'
rm -f "$tmp/folder/-here"
mk --help
is '--help' "$rc $(head -c 6 "$tmp/out")$(cat "$tmp/err")" '0 Usage:'

# Words of a command line that a boot would refuse.
must mkdir -p "$t/etc/kernel" "$t/etc/default/grub.d"
echo 'quiet init=/bin/one' > "$t/etc/kernel/cmdline"
printf '# init=/bin/no\nGRUB_CMDLINE_LINUX="$x rd.break"\n' > "$t/etc/default/grub"
echo "export GRUB_CMDLINE_LINUX_DEFAULT='quiet init=/bin/two'" > "$t/etc/default/grub.d/a b.cfg"
mk --root="$t" --force -o "$image"
is 'words that a boot would refuse' "$rc $(grep -oE 'warning: .* has the word [^ ]*' "$tmp/err" | sed 's/warning: //')" \
	'0 /etc/kernel/cmdline has the word init=/bin/one.
/etc/default/grub has the word rd.break.
/etc/default/grub.d/a b.cfg has the word init=/bin/two.'
anew

# ukify: here a program that keeps what it is given.
must mkdir "$tmp/bin"
cat > "$tmp/bin/ukify" << 'END'
#!/bin/sh
printf '%s\n' "$@" > "${0%/*}/words"
for word; do
	case $word in
		--initrd=*) cp "${word#*=}" "${0%/*}/initrd" ;;
		--output=*) out=${word#*=} ;;
	esac
done
[ ! -e "${0%/*}/fail" ] || exit 3
echo uki > "$out"
END
chmod +x "$tmp/bin/ukify"
uki=$tmp/folder/uki
mk --root="$t" --force -o "$image"
if ! command -v ukify > /dev/null && [[ ! -e /usr/lib/systemd/ukify ]]; then
	mk --root="$t" --uki="$uki" --cmdline=quiet
	is 'no ukify' "$rc $(grep -c 'apt-get install systemd-ukify' "$tmp/err")" '1 1'
fi
PATH=$tmp/bin:$PATH
mk --root="$t" --uki="$uki" --cmdline='quiet panic=1'
is 'no kernel' "$rc $(grep -c "vmlinuz-$kernel is missing" "$tmp/err")$(folder "$tmp/folder")" '1 1image'
echo kernel > "$t/boot/vmlinuz-$kernel"
echo ID=made-up > "$t/etc/os-release"
mk --root="$t" --uki="$uki" --cmdline='quiet panic=1'
is 'ukify' "$rc $(cat "$uki")" '0 uki'
is '... gets kernel, command line and name' "$(grep -vE '^--(initrd|output)=' "$tmp/bin/words")" "build
--linux=$t/boot/vmlinuz-$kernel
--cmdline=quiet panic=1
--uname=$kernel
--os-release=@$t/etc/os-release"
ok '... and the image, the same bytes' cmp "$image" "$tmp/bin/initrd"
is '... which alone is not written' "$(find "$tmp/folder" "$t/boot" -name '*initrd*')" ''
mk --root="$t" --uki="$uki" --cmdline=
is '... does not replace' "$rc" 1
mk --root="$t" --uki="$uki" --cmdline='quiet init=/bin/sh' --force
is 'a word that a boot would refuse' "$rc $(cat "$uki") $(grep -c 'init=/bin/sh' "$tmp/err")" '1 uki 1'
: > "$tmp/bin/fail"
echo old > "$image"
mk --root="$t" --uki="$uki" --cmdline= --force -o "$image"
is 'ukify fails: both outputs stay' "$rc $(cat "$image" "$uki" | xargs) $(folder "$tmp/folder")" '1 old uki image uki'

# The hooks of kernel packages, with this tree in the place of /.
for hook in postinst postrm; do
	sed "s,/etc/coco-unlock,$t&,; s,/boot/,$t&,; s,exec coco-mkinitramfs,& --root='$t'," \
		"$top/mkinitramfs/$hook.d/zz-coco-mkinitramfs" > "$tmp/$hook"
	chmod +x "$tmp/$hook"
done
cp "$mkinitramfs" "$tmp/bin/"
# hook NAME WORD...
hook() {
	rc=0
	TMPDIR=$tmp/work "$tmp/$1" "${@:2}" > "$tmp/out" 2> "$tmp/err" || rc=$?
}
name=$t/boot/coco-initrd-$kernel
rm -f "$name"
hook postinst $kernel "$t/boot/vmlinuz-$kernel"
is 'a new kernel, and nobody has asked for images' "$rc $(folder "$t/boot")" "0 vmlinuz-$kernel"
: > "$t/etc/coco-unlock/mkinitramfs"
hook postinst $kernel "$t/boot/vmlinuz-$kernel"
is 'a new kernel' "$rc $(folder "$t/boot")" "0 coco-initrd-$kernel vmlinuz-$kernel"
before=$(sha256sum < "$name")
echo '# more' >> "$t/etc/coco-unlock/cocotab.new"
hook postinst $kernel
is '... once more' "$rc $(sha256sum < "$name")" "0 $before"
conf '[Root]' Type=xfs
hook postinst $kernel
is '... that cannot be made: the old one stays' "$rc $(sha256sum < "$name")" "1 $before"
DEB_MAINT_PARAMS="'upgrade' '2'" hook postrm $kernel
ok 'an upgrade of the package leaves the image' test -e "$name"
DEB_MAINT_PARAMS="'remove'" hook postrm $kernel
is '... its removal takes it' "$rc $(folder "$t/boot")" "0 vmlinuz-$kernel"
hook postrm $kernel
is '... as it does without Debian, and twice' "$rc" 0

# Completion and man page know the options of --help.
source "$top/mkinitramfs/completion.bash"
options=$("$mkinitramfs" --help | sed -nE 's/^  (-[a-z], )?(--[a-z]+).*/\2/p' | sort | xargs)
offers() {
	COMP_WORDS=(coco-mkinitramfs "$@") COMP_CWORD=$# COMPREPLY=()
	_coco_mkinitramfs "$mkinitramfs" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	printf '%s\n' "${COMPREPLY[@]}" | sort | xargs
}
is 'completion has each option' "$(offers --)" "$options"
is '... one that is begun' "$(offers --list --r)" --root
is '... a folder' "$(offers --root = "$tmp/tre")" "$tmp/tree"
is '... a file is for bash' "$(offers -o im)" ''
for option in $options; do
	grep -qF -- "*$option" "$top/src/man/coco-mkinitramfs.8.scd" || echo "$option"
done > "$tmp/missing"
is 'the man page has each' "$(cat "$tmp/missing")" ''
tap_done
