#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limits.t - what coco-secret says when the process may do less than it needs: open files, long files.
# It is about the limit, and about nothing else: what is on the disk is in order. Each way out is
# gone, in the same shell.
# Needs: cryptsetup mke2fs prlimit python3
# shellcheck disable=SC2034,SC2312 # what is set here is for owner.sh
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

printf '%s, and long enough' "$canary" > key
disk base key
must truncate -s 4M fs
must mke2fs -q -F -t ext4 fs &> /dev/null
must cp base disk
must "$bin" prepare disk -o table --key-file key > /dev/null
must cp disk disk0
must cp table table0

# limited LIMIT VERB...: under this limit, ulimit's letter and a number; sets rc.
limited() {
	local limit=$1
	shift
	rc=0
	# shellcheck disable=SC2086 # two words
	(ulimit $limit && exec "$bin" "$@") > "$tmp/out" 2> "$tmp/err" < /dev/null || rc=$?
}

# Open files: none of the verbs says that the disk or libcryptsetup is at fault.
verbs=("verify disk table" "status disk --table table" "recovery disk --table table" "repair disk"
	"prepare disk -o none --key-file key" "rotate disk --table table -o none" "pin disk --table table"
	"remove-keyslot disk --keyslot 0 --table table --yes" "encrypt fs none --secret key --pbkdf minimal"
	"encrypt --in-place fs --secret key --pbkdf minimal" "table build -o none luks-key=key")
before=$(sha256sum -- *)
for verb in "${verbs[@]}"; do
	for n in 6 10 14; do
		# shellcheck disable=SC2086 # several words
		limited "-n $n" $verb
		is "${verb%% *} with $n files" "$rc $(sed -n 's/.*; next: //p' err)" '4 raise the limit of open files (ulimit -n)'
	done
done
is '... nothing has changed' "$(sha256sum -- *[!rt])" "$(grep -vE ' (err|out)$' <<< "$before")"
for verb in 'verify disk table' 'encrypt fs none --secret key --pbkdf minimal'; do
	# shellcheck disable=SC2086 # several words
	limited '-S -n 6' $verb
	is "${verb%% *}: a soft limit is raised" "$rc" 0
done
rm -f none

# Long files: copies of a header in memory are such, too.
for verb in "${verbs[@]:0:5}"; do
	# shellcheck disable=SC2086 # several words
	limited '-f 512' $verb
	is "${verb%% *} with short files" "$rc $(sed -n "s/.*; next: \(raise the limit of a file's size (ulimit -f)\).*/\1/p" err)" \
		"4 raise the limit of a file's size (ulimit -f)" || sed 's/^/# /' err
done
ok '... the disk is as it was' cmp -s disk disk0
ok '... and the table' cmp -s table table0
ok '... no other one is there' test ! -e none
limited '-f 4096' verify disk table
is '... and when it is raised, verify is good' "$rc" 0
limited '-f 16384' encrypt fs none --secret key --pbkdf minimal
is 'encrypt without room for the header' "$rc $(sed -n 's/.*; next: \(raise[^,]*\).*/\1/p' err)" \
	"4 raise the limit of a file's size (ulimit -f)"

# In place the file itself gets longer; or it is too long as it is.
for size in 4M 60M; do
	must cp fs here
	must truncate -s "$size" here
	must cp --sparse=always here here0
	for shell in bash sh; do
		rc=0
		"$shell" -c 'ulimit -S -f $1; "$2" encrypt --in-place --secret key --pbkdf minimal here' - 20480 "$bin" \
			> out 2> err < /dev/null || rc=$?
		is "$size in place, $shell, a soft limit" "$rc $(sed -n 's/.*; next: //p' err)" '4 ulimit -S -f $(ulimit -H -f)'
		ok '... has changed nothing' cmp -s here here0
		rc=0
		"$shell" -c 'ulimit -S -f $1; eval "$3"; "$2" encrypt --in-place --secret key --pbkdf minimal here' - 20480 "$bin" \
			"$(sed -n 's/.*; next: //p' err)" > out 2> err < /dev/null || rc=$?
		is '... and the way out leads on' "$rc" 0 || sed 's/^/# /' err
		must cp here0 here
	done
	limited '-f 20480' encrypt --in-place --secret key --pbkdf minimal here
	next=$(sed -n 's/.*; next: //p' err)
	is "$size in place, a hard limit" "$rc ${next##*: }" '4 prlimit --fsize=unlimited --pid $$'
	ok '... has changed nothing' cmp -s here here0
	if bash -c 'ulimit -f 1; prlimit --fsize=unlimited --pid $$' 2> /dev/null; then
		rc=0
		bash -c 'ulimit -f 20480; eval "$2"; "$1" encrypt --in-place --secret key --pbkdf minimal here' - "$bin" \
			"${next##*: }" > out 2> err < /dev/null || rc=$?
		is '... and the way out leads on' "$rc" 0 || sed 's/^/# /' err
	else
		skip 'the way out: nobody here may raise a hard limit'
	fi
done
tap_done
