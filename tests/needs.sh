#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# needs.sh - what is needed to build, to test and to run the lab, and which package of Debian has
# it; the table is the same for Debian 12, 13 and testing. Looks only, installs nothing.
#
#     needs.sh NAME...       a line on stderr for each that is missing; then the exit code is 1.
#                            A NAME is a group of the table, or a name in it
#     needs.sh --packages    prints all packages, but for those of fuzzing
#     needs.sh --run TEST    runs a test. If a program is missing that its line "Needs:" names, that
#                            is a skip with the reason; with CI set it is a failure
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin

# Groups; a program, a header of the C library, or NAME.pc as pkg-config finds it; packages.
table='
build     cc                  gcc
build     stdio.h             libc6-dev
build     pkg-config          pkg-config
build     libcryptsetup.pc    libcryptsetup-dev
build     libkmod.pc          libkmod-dev
build     blkid.pc            libblkid-dev
build     json-c.pc           libjson-c-dev
build     libcrypto.pc        libssl-dev
build     libssl.pc           libssl-dev
build     fdisk.pc            libfdisk-dev
man       scdoc               scdoc
module,test depmod            kmod
test,lab  readelf             binutils
test      prove               perl
test      python3             python3
test,lab  python3-jwcrypto    python3-jwcrypto
lab       python3-pexpect     python3-pexpect
test,lab  python3-cryptography python3-cryptography
test      shellcheck          shellcheck
test      clang-format-22     clang-format-22
test,lab  cryptsetup          cryptsetup-bin
test,lab  openssl             openssl
test,lab  mke2fs              e2fsprogs
test      mkfs.btrfs          btrfs-progs
test      mkfs.xfs            xfsprogs
test,lab  mkswap              util-linux
test      setpriv             util-linux
test      prlimit             util-linux
test      blockdev            util-linux
test      chattr              e2fsprogs
test      sgdisk              gdisk
test,lab  xz                  xz-utils
test,lab  zstd                zstd
test      bzip2               bzip2
test      lz4                 lz4
lab       curl                curl
lab       unshare             util-linux
lab       mount               mount
lab       mmdebstrap          mmdebstrap
lab       qemu-system-x86_64  qemu-system-x86
test,lab  qemu-img            qemu-utils
lab       nbdkit              nbdkit nbdkit-plugin-python
test,lab  cpio                cpio
fuzz      clang               clang
fuzz      llvm-cov            llvm
fuzz      libclang_rt.fuzzer  libclang-rt-dev
'

# has NAME: headers and libraries are looked for where Debian puts them if the program is missing
# that knows better.
has() {
	local cc=${CC:-cc} pkg_config=${PKG_CONFIG:-pkg-config}
	# shellcheck disable=SC2086 # may have arguments
	case $1 in
		cc) command -v ${cc%% *} > /dev/null ;;
		pkg-config) command -v ${pkg_config%% *} > /dev/null ;;
		*.h) if has cc; then $cc -E -include "$1" -x c /dev/null; else ls "/usr/include/$1"; fi &> /dev/null ;;
		*.pc)
			if has pkg-config; then $pkg_config --exists "${1%.pc}"; else
				compgen -G "/usr/lib/*/pkgconfig/$1" > /dev/null; fi
			;;
		# Of Debian's own interpreter: another one that comes first in PATH does not have them.
		python3-*) /usr/bin/python3 -c "import ${1#python3-}" &> /dev/null ;;
		libclang_rt.*) compgen -G "$(clang -print-resource-dir 2> /dev/null)/lib/*/$1*" > /dev/null ;;
		*) command -v "$1" > /dev/null ;;
	esac
}

# look NAME...: prints what is missing.
look() {
	local wanted groups name packages known
	for wanted; do
		known=
		while read -r groups name packages; do
			[[ $wanted == "$name" || ,$groups, == *,$wanted,* ]] || continue
			known=yes
			has "$name" || echo "${name%.pc} is missing: apt-get install $packages"
		done <<< "$table"
		[[ $known ]] || echo "$wanted is not in the table of ${0##*/}"
	done
}

# The programs that a test names in its first lines; a binary's are in its source.
needs_of() {
	local source=$1
	[[ $1 == *.t || $1 == *.sh ]] || source=$top/tests/unit/${1##*/test/}.c
	sed -nE '1,20s/^(#| \*) Needs: //p' "$source"
}

run() {
	local lack nr=0 line
	# shellcheck disable=SC2046 # several names
	lack=$(look $(needs_of "$1"))
	[[ $lack ]] || exec "$1"
	while read -r line; do
		if [[ ${CI-} ]]; then
			echo "not ok $((nr += 1)) - $line"
		else
			echo "ok $((nr += 1)) # SKIP $line"
		fi
	done <<< "$lack"
	echo "1..$nr"
	[[ ! ${CI-} ]]
}

case $1 in
	--packages) awk '$1 != "fuzz" { for (i = 3; i <= NF; i++) print $i }' <<< "$table" | sort -u ;;
	--run) run "$2" ;;
	*)
		lack=$(look "$@")
		[[ ! $lack ]] || { echo "$lack" >&2 && exit 1; }
		;;
esac
