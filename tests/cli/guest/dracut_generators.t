#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dracut_generators.t - the dracut modules, called as dracut calls them, over images of which
# only the folders of generators matter: no generator sees the host's credentials. What the
# wrapper does is shown by running it.
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"

image=$tmp/image
modules=$top/dracut

# An image as the other modules leave it, with the masks and two generators that are known.
fresh() {
	must rm -rf "$image"
	must mkdir -p "$image"/{bin,etc,usr/lib/systemd/system-generators}
	must ln -s usr/lib "$image/lib"
	touch "$image/bin/sh"
	call 50coco-unlock coco_mask
	generator usr/lib/systemd/system-generators/{systemd-fstab-generator,dracut-rootfs-generator} \
		usr/lib/systemd/system-generators/systemd-{debug,gpt-auto}-generator
}

generator() {
	local path
	for path; do
		must mkdir -p "$image/$(dirname "$path")"
		printf '#!/bin/sh\nenv\n' > "$image/$path"
		chmod 755 "$image/$path"
	done
}

# call MODULE FUNCTION [STATEMENT...]: after the statements, which stand for dracut's configuration.
call() {
	local module=$1 function=$2
	shift 2
	bash -c '
		initdir=$1 moddir=$2 systemdsystemunitdir=/usr/lib/systemd/system dracutsysrootdir=
		dfatal() { echo "fatal: $*"; }
		dwarn() { echo "warning: $*"; }
		. "$moddir/module-setup.sh"
		for statement in "${@:4}"; do eval "$statement"; done
		"$3"' call "$image" "$modules/$module" "$function" "$@"
}

# checked NAME RC TEXT [STATEMENT...]: what the check says of the image.
checked() {
	local name=$1 rc=$2 text=$3 out
	shift 3
	out=$(call 99zz-coco-unlock-check install "$@" 2>&1)
	is "$name" "$?" "$rc"
	if [[ $text ]]; then
		ok "... which says $text" grep -qF "$text" <<< "$out"
	else
		is '... and says nothing' "$out" ''
	fi
}

own=$image/etc/systemd/system-generators
fresh
checked 'an image with the usual generators' 0 ''
for name in systemd-fstab-generator dracut-rootfs-generator; do
	ok "... $name has its wrapper" cmp -s "$own/$name" "$modules/50coco-unlock/without-credentials.sh"
	ok '... which can be run' test -x "$own/$name"
	is '... and is itself as it was' "$(cat "$image/usr/lib/systemd/system-generators/$name")" $'#!/bin/sh\nenv'
done
is '... a mask stays one' "$(readlink "$own/systemd-debug-generator")" /dev/null
is '... and nothing else is wrapped' "$(cd "$own" && find . -type f | sort | xargs)" \
	'./dracut-rootfs-generator ./systemd-fstab-generator'

fresh
must rm "$image/usr/lib/systemd/system-generators/dracut-rootfs-generator"
checked 'one that the image does not have' 0 ''
ok '... has no wrapper' test ! -e "$own/dracut-rootfs-generator"

# The kind: wherever systemd looks for one, by whatever name, whoever brings it.
unknown=(usr/lib/systemd/system-generators/zram-generator
	usr/local/lib/systemd/system-generators/zram-generator
	etc/systemd/system-generators/zram-generator
	usr/lib/systemd/system-environment-generators/30-path
	etc/systemd/system-environment-generators/30-path
	usr/local/lib/systemd/system-environment-generators/30-path
	usr/local/lib/systemd/system-generators/systemd-fstab-generator
	usr/lib/systemd/system-generators/systemd-fstab-generator.old
	'usr/lib/systemd/system-generators/*')
for path in "${unknown[@]}"; do
	fresh
	generator "$path"
	checked "/$path" 1 "fatal: coco-unlock: the generator /$path would see"
	COCO_UNLOCK_FORCE=1 checked '... forced' 0 "warning: coco-unlock: the generator /$path would see"
done
fresh
generator etc/systemd/system-generators/systemd-fstab-generator
checked 'another wrapper where ours should be' 1 'the generator /etc/systemd/system-generators/systemd-fstab-generator'
fresh
must ln -s /usr/bin/other "$own/other"
checked 'a link to a program' 1 'the generator /etc/systemd/system-generators/other'
fresh
must ln -s /dev/null "$own/zram-generator"
generator {usr/lib,usr/local/lib}/systemd/system-generators/zram-generator
checked 'one that the owner has masked' 0 ''

for statement in 'install_items+=" /usr/bin/a /usr/lib/systemd/system-generators/late /usr/bin/b "' \
	'install_optional_items=" /lib/systemd/system-generators/late "' \
	'include_src=(/x /y) include_target=(/etc/x /usr/lib/systemd/system-generators/late)'; do
	fresh
	checked "installed behind the last module: ${statement%%[+=]*}" 1 'the generator /usr/lib/systemd/system-generators/late' \
		"$statement"
done
fresh
must mkdir -p "$tmp/include/systemd/system-generators/x"
touch "$tmp/include/systemd/system-generators/systemd-fstab-generator"
checked 'a folder that is included' 1 'the generator /etc/systemd/system-generators/systemd-fstab-generator' \
	"include_src=('$tmp/include') include_target=(/etc/)"
checked '... elsewhere' 0 '' "include_src=('$tmp/include') include_target=(/usr/share/doc)"
fresh
checked 'a known one behind the last module' 0 '' \
	'install_items="/usr/lib/systemd/system-generators/systemd-fstab-generator"'

fresh
generator usr/lib/systemd/system-generators/{a,b} usr/lib/systemd/system-environment-generators/30-path
checked 'what the owner allows' 0 '' 'coco_unlock_generators=" a b "' 'coco_unlock_generators+=" 30-path "'
ok '... runs without credentials' cmp -s "$own/b" "$modules/50coco-unlock/without-credentials.sh"
ok '... also one for the environment' \
	cmp -s "$image/etc/systemd/system-environment-generators/30-path" "$modules/50coco-unlock/without-credentials.sh"
fresh
generator usr/local/lib/systemd/system-generators/a
checked '... not where the wrapper does not find it' 1 'the generator /usr/local/lib/systemd/system-generators/a' \
	'coco_unlock_generators=" a "'
fresh
must rm "$image/bin/sh"
checked 'an image without a shell' 1 '/bin/sh'

# The wrapper finds the real one by its own name; here both are in the tree.
generator gen/real
export CREDENTIALS_DIRECTORY=/run/credentials/@system ENCRYPTED_CREDENTIALS_DIRECTORY=/run/credentials/@encrypted LAB=kept
printf '#!/bin/sh\necho "$0 $# $1 $3"; env\n' > "$image/gen/real"
out=$(sh -c 'wrapper=$1; shift; . "$wrapper"' "/etc/../../$image/gen/real" \
	"$modules/50coco-unlock/without-credentials.sh" 'a b' '' c)
is 'the wrapper runs the real one with its arguments' "$(head -n 1 <<< "$out")" "/usr/lib/../../$image/gen/real 3 a b c"
is '... without the credentials' "$(grep -c CREDENTIALS <<< "$out")" 0
is '... and with the rest of the environment' "$(grep -c '^LAB=kept$' <<< "$out")" 1

# dracut's own patience: longer than ours, whatever is configured, and with two thirds of it, too.
for seconds in 11 270 7200; do
	fresh
	call 50coco-unlock run "run() { coco_initqueue $seconds; }"
	retry=$(sed -n 's/^rd\.retry=\([0-9]*\)$/\1/p' "$image/etc/cmdline.d/50-coco-unlock.conf")
	ok "rd.retry for $seconds s: $retry" test "$((retry * 2 / 3))" -ge "$seconds"
done
tap_done
