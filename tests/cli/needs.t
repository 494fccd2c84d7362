#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# needs.t - what is missing is said in one line each, with its Debian package: before a build, and
# in place of a test; in continuous integration a test that cannot run has failed.
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

unset CI MAKEFLAGS MFLAGS MAKELEVEL
needs=$top/tests/needs.sh

# build WORD...: sets rc; output in $tmp/out and $tmp/err.
build() {
	rc=0
	make --no-print-directory -C "$top" BUILD="$tmp/build" "$@" > "$tmp/out" 2> "$tmp/err" || rc=$?
}

# says NAME LINE...: the build has failed, with these lines and make's own, and has compiled nothing.
says() {
	local name=$1
	shift
	ok "$name" test "$rc" = 2
	is '... in one line each' "$(grep -v '^make: ' "$tmp/err")" "$(printf '%s\n' "$@")"
	ok '... before anything is built' test ! -e "$tmp/build"
}

# A pkg-config that knows all but what $tmp/unknown names.
cat > "$tmp/pkg-config" << 'EOF'
#!/bin/sh
[ "$1" != --exists ] || ! grep -qx "$2" "${0%/*}/unknown"
EOF
chmod +x "$tmp/pkg-config"
printf 'libcryptsetup\nfdisk\n' > "$tmp/unknown"

build tests PKG_CONFIG="$tmp/pkg-config"
says 'two libraries are missing' 'libcryptsetup is missing: apt-get install libcryptsetup-dev' \
	'fdisk is missing: apt-get install libfdisk-dev'
build tests PKG_CONFIG="$tmp/none"
says 'pkg-config is missing' 'pkg-config is missing: apt-get install pkg-config'
build tests CC="$tmp/none -m64"
says 'the compiler is missing' 'cc is missing: apt-get install gcc'
build tests CC="${CC:-cc} -nostdinc"
says 'the C library is missing' 'stdio.h is missing: apt-get install libc6-dev'
: > "$tmp/unknown"
build -n "$tmp/build/coco-unlock" PKG_CONFIG="$tmp/pkg-config"
ok 'with all of them it goes on' grep -q "$tmp/build/.*main.o" "$tmp/out"
build help PKG_CONFIG="$tmp/none" CC="$tmp/none"
is 'help and clean need none of them' "$rc" 0

# A PATH with nothing but what make and the table's reader use.
must mkdir "$tmp/bin"
for program in bash make dirname mkdir sed; do must ln -s "$(command -v $program)" "$tmp/bin/"; done
PATH=$tmp/bin build man
says 'scdoc is missing' 'scdoc is missing: apt-get install scdoc'
build module KVER=1.2.3-none
says 'the headers of the kernel are missing' \
	'/lib/modules/1.2.3-none/build is missing: apt-get install linux-headers-1.2.3-none'

# lacking: a copy of the table's reader for which cryptsetup is missing.
must mkdir -p "$tmp/tests/unit" "$tmp/tests/lib" "$tmp/build/test"
must sed 's/^\(test,lab *\)cryptsetup /\1no-cryptsetup /; s/^\(test *\)python3 /\1no-python3 /' "$needs" > "$tmp/tests/needs.sh"
must chmod +x "$tmp/tests/needs.sh"
must cp "$top/tests/lib/tap.sh" "$tmp/tests/lib"
missing='is missing: apt-get install cryptsetup-bin'
printf '#!/bin/sh\n# Needs: openssl no-cryptsetup no-python3\necho ran\n' > "$tmp/tests/some.t"
printf '#!/bin/sh\n# Needs: openssl\necho ran; exit 7\n' > "$tmp/tests/others.t"
printf '/*\n * Needs: no-cryptsetup\n */\n' > "$tmp/tests/unit/some.c"
printf '#!/bin/sh\necho ran\n' > "$tmp/build/test/some"
must chmod +x "$tmp/tests/some.t" "$tmp/tests/others.t" "$tmp/build/test/some"

# reader TEST: sets rc; output in $tmp/out.
reader() {
	rc=0
	"$tmp/tests/needs.sh" --run "$tmp/$1" > "$tmp/out" 2>&1 || rc=$?
}

reader tests/some.t
is 'a test whose programs are missing is skipped, and says why' "$rc $(cat "$tmp/out")" \
	"0 ok 1 # SKIP no-cryptsetup $missing
ok 2 # SKIP no-python3 is missing: apt-get install python3
1..2"
CI=true reader tests/some.t
is '... and fails in continuous integration' "$rc $(head -n 1 "$tmp/out")" "1 not ok 1 - no-cryptsetup $missing"
reader build/test/some
is 'the source of a unit test says it' "$rc $(head -n 1 "$tmp/out")" "0 ok 1 # SKIP no-cryptsetup $missing"
reader tests/others.t
is 'a test that has all of them is run, and its result is its own' "$rc $(cat "$tmp/out")" '7 ran'

lacking=". '$tmp/tests/lib/tap.sh'; lacks no-cryptsetup && lacks openssl; tap_done"
is 'a part of a test is skipped' "$(bash -c "$lacking")" "ok 1 # SKIP no-cryptsetup $missing
1..1"
is '... and fails in continuous integration' "$(CI=true bash -c "$lacking" | head -n 1)" "not ok 1 - no-cryptsetup $missing"

all=("$top"/tests/cli/{*,*/*}.t "$top"/tests/unit/{*/*,*/*/*}.c)
# A name that is not in the table would be a skip for ever.
for name in $(sed -nE 's/^(#| \*) Needs: //p' "${all[@]}" | sort -u) mkfs.xfs mkfs.btrfs; do
	"$needs" "$name" 2>&1 | grep 'not in the table'
done > "$tmp/strange"
is 'each name that a test needs is in the table' "$(cat "$tmp/strange")" ''

# Who calls one, by these signs, needs it.
while read -r program sign; do
	for file in "${all[@]}"; do
		[[ $file != */needs.t ]] && grep -qE "$sign" "$file" &&
			! head -n 20 "$file" | grep -qE "Needs:.*\<$program\>" && echo "${file##*/}: $program"
	done
done > "$tmp/strange" << 'EOF'
cryptsetup ^(must )?cryptsetup |^disk |\<fixture_luks\(|fake_machine\.h|"cryptsetup", "|/encrypt\.sh"
python3 python3|\<status_fields\>|\<table_(make|get) |^boot |/encrypt\.sh"
openssl \<openssl (dgst|enc)
mke2fs \<mke2fs -|/encrypt\.sh"
mkswap \<mkswap [-a-z]
setpriv \(setpriv|exec setpriv
EOF
is 'each test says what it needs' "$(cat "$tmp/strange")" ''
tap_done
