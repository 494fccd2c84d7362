#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# files.t - no verb writes a file that it is given a second time, by whatever name, and "-" is
# standard input or output, or refused. Each option of each verb is tried: one that is new here has
# to be marked in its table, or to stand below with those that take no file.
# Needs: cryptsetup mke2fs python3
source "$(dirname "$0")/../../lib/tap.sh"
source "$(dirname "$0")/../../lib/fixture.sh"
source "$(dirname "$0")/../../lib/owner.sh"

no_file='--keyslot --append --domain --volume --memory --config --cpus --policy --api-major --api-minor --build'
no_file+=' --device'

printf '%s, and long enough' "$canary" > key
disk disk key
cp disk plain
must "$bin" table build -o table luks-key=key > /dev/null
must mkdir dir
must ln -s dir linked

# Operands that each verb could take; the file that it writes is @, and stands once.
operands() {
	case $1 in
	table) echo 'build luks-key=key -o @' ;;
	measure | help) ;;
	packet) echo '-o x table' ;;
	verify) echo 'disk table' ;;
	encrypt) echo 'plain @' ;;
	prepare) echo 'disk -o @' ;;
	rotate) echo 'disk --table table -o @' ;;
	status) echo 'disk --table table' ;;
	answer) echo 'reboot -o @' ;;
	*) echo '@' ;; # a disk
	esac
}

# untouched CODE TEXT ARGUMENT...: refused, and no file here has changed.
sums() {
	find . -type f ! -name out ! -name err ! -name '.*' -exec sha256sum {} + | sort
}

untouched() {
	local before
	before=$(sums)
	refused "$@"
	is '... and no byte has changed' "$(sums)" "$before"
}

over='would be written over it'
run --help
verbs=$(sed -nE 's/^  ([a-z-]+)  .*/\1/p' out)
ok 'premise: there are verbs' test "$(wc -w <<< "$verbs")" -ge 10
tried=0
for verb in $verbs; do
	run "$verb" --help
	takes=$(sed -nE 's/^  (-[a-z], )?(--[a-z-]+) [A-Z]+( .*)?$/\2/p' out)
	for option in $takes; do
		[[ " $no_file " != *" $option "* ]] || continue
		line=$(operands "$verb")
		cp key file
		if [[ $line == *@* && ! ($option == --output) ]]; then
			read -ra words <<< "${line//@/file}"
			# It writes tables, and no disk.
			[[ "$verb $option" != 'pin --firmware' ]] || words=(disk --table file)
			untouched 2 "$over" "$verb" "${words[@]}" "$option" ./file
		elif [[ $verb == packet && $option != --output ]]; then
			# What packet writes has four names.
			cp key x.header.bin
			read -ra words <<< "$line"
			untouched 2 "$over" "$verb" "${words[@]}" "$option" x.header.bin
			rm x.header.bin
		elif [[ $option != --output ]]; then
			# A verb that writes nothing: "-" twice.
			read -ra words <<< "$line"
			case $verb in
			measure) words+=(--vmsa -) ;;
			status) words=(disk --new - --table -) ;;
			*) words=(disk -) ;;
			esac
			[[ $verb == status && $option == --new ]] && words=(disk --table -)
			[[ $verb == status && $option == --table ]] && words=(disk --new -)
			untouched 1 'standard input was read already' "$verb" "${words[@]}" "$option" -
		fi
		tried=$((tried + 1))
	done
done
ok 'premise: options were tried' test "$tried" -ge 30
rm -f file

# The same file by other names, for each place where a file can stand.
cp key a
must ln a hard
must ln -s a soft
for name in a ./a dir/../a linked/../a "$PWD/a" hard soft; do
	untouched 2 "$over" encrypt --in-place a --secret-out "$name" --force
	untouched 2 "$over" encrypt plain a --secret-out "$name" --force
	untouched 2 "$over" table build --force -o "$name" luks-key=a
	untouched 2 "$over" table add --force -o "$name" table policy=a
	untouched 2 "$over" table build --force -o x luks-key=key --firmware "$name" -o a
	untouched 2 "$over" encrypt plain new --secret "$name" --secret-out a --force
done
untouched 2 "$over" encrypt plain plain --force --secret key
untouched 2 "$over" encrypt 'plain#2' plain --force --secret key
untouched 2 "$over" encrypt 'plain#2' new --secret-out plain --force
untouched 2 "$over" prepare disk --key-file key -o disk --force
untouched 2 "$over" prepare disk --key-file disk -o new
untouched 2 "$over" rotate disk --table table -o table --force
untouched 2 "$over" rotate disk --finish --table table --new a -o a --force
untouched 2 "$over" rotate disk --table disk -o new
untouched 2 "$over" recovery disk --table disk
untouched 2 "$over" recovery disk --key-file disk

# A device is its number, and a loop device the file behind it, too.
if [[ $EUID != 0 ]] || ! loop=$(losetup --show -f -P plain 2> /dev/null); then
	skip 'no loop devices'
else
	must mknod node b $((16#$(stat -c %t "$loop"))) $((16#$(stat -c %T "$loop")))
	for name in "$loop" node; do
		untouched 2 "$over" encrypt "$name" plain --force --secret key
		untouched 2 "$over" encrypt --in-place "$name" --backup x --secret-out plain --force
		untouched 2 "$over" encrypt --in-place plain --backup x --secret "$name"
		untouched 2 "$over" encrypt --in-place "$loop" --backup x --secret "$name"
	done
	must losetup -d "$loop"
	# The name that the loop device was made with has gone; the file has another one.
	must cp plain gone
	must ln gone kept
	loop=$(losetup --show -f gone) || exit 99
	must rm gone
	untouched 2 "$over" encrypt --in-place "$loop" --backup x --secret-out kept --force
	must losetup -d "$loop"
	must rm kept
	must rm node
fi

# Files that are not there yet, and those that are written on the way.
untouched 2 "$over" encrypt plain new --secret-out new
untouched 2 "$over" encrypt plain dir/new --secret-out linked/new
untouched 2 "$over" encrypt plain dir/new --secret-out linked/../linked/new
untouched 2 "$over" encrypt plain new --secret-out new.coco-new
untouched 2 "$over" encrypt plain new.coco-new --secret-out new
cp key new.coco-new
untouched 2 "$over" table build -o new luks-key=new.coco-new
untouched 2 "$over" prepare disk --key-file new.coco-new -o new
untouched 2 "$over" rotate disk --table new.coco-new -o new
must mv new.coco-new table.coco-new
untouched 2 "$over" recovery disk --table table --key-file table.coco-new
untouched 2 "$over" encrypt --in-place a --secret-out a.header
cp key a.header.coco-new
untouched 2 "$over" encrypt --in-place a --secret a.header.coco-new
must rm a.header.coco-new
untouched 2 "$over" encrypt --in-place a --backup k --secret-out k
must mv table.coco-new x.secret.bin.coco-new
keys=(--tik key --tek key --launch-measure-blob x)
untouched 2 "$over" packet -o x --tik x.secret.bin.coco-new --tek key --launch-measure-blob x table
untouched 2 "$over" table build --force -o a luks-key=- "$other"=a
before=$(sums)
"$bin" table build --force -o a luks-key=- < a > out 2> err
is 'standard input that is the output' "$? $(grep -c "$over" err)" '2 1'
is '... and no byte has changed' "$(sums)" "$before"

# What is meant: a table that is made of itself.
cp table t
run table add --force -o t t "$other"=key
is 'table add may replace the table' "$rc" 0
run table remove --force -o ./t t "$other"
is 'table remove, too' "$rc" 0
untouched 2 "$over" table add --force -o t table "$other"=t
run table remove -o luks-key t luks-key
is 'a GUID is no file' "$rc" 0

# Two files with the same content, or in different directories, are two files.
cp key dir/key
run table build -o dir/out luks-key=key "$other"=dir/key
is 'two files' "$rc" 0

# "-"
untouched 1 'that is no disk' prepare - -o new
untouched 1 'that is no disk' verify - table
untouched 1 'that is no disk' status - --table table
untouched 1 'that is no disk' repair -
untouched 1 'that is no disk' recovery -
untouched 1 'that is no disk' rotate - --table table -o new
untouched 1 'that is no disk' encrypt - new --secret key
untouched 1 'that is no disk' encrypt --in-place - --secret key
untouched 1 'on its disk before' prepare disk -o -
untouched 1 'on its disk before' rotate disk --table table -o -
untouched 1 'on its disk before' encrypt plain - --secret key
untouched 1 'on its disk before' encrypt --in-place plain --secret key --backup -
untouched 1 'may be replaced' rotate disk --table - -o new
untouched 1 'may be replaced' recovery disk --table -
untouched 1 'these are 4 files' packet -o - "${keys[@]}" table
untouched 1 'is read twice' packet -o x "${keys[@]}" --firmware - table
untouched 1 'standard input was read already' prepare disk --key-file - --secret - -o new
untouched 1 'standard input was read already' packet -o x --tik - --tek - --launch-measure-blob x table
untouched 1 'standard input was read already' packet -o x --tik - --tek key --launch-measure-blob x -
untouched 1 'standard input was read already' measure --vmsa - --vmsa - --firmware x
untouched 1 'standard input was read already' table add -o x - "$other"=-
must cp key ./-
run table build -o dir/dash luks-key=./-
is 'a file that is called so' "$rc" 0
"$bin" table show - < table > out 2> err
is 'a table from standard input' "$?" 0
firmware fd
for option in firmware kernel initrd; do
	words=(--firmware fd)
	[[ $option == firmware ]] && words=()
	[[ $option == initrd ]] && words+=(--kernel fd)
	"$bin" measure "${words[@]}" "--$option" fd > want 2>&1
	"$bin" measure "${words[@]}" "--$option" - < fd > got 2>&1
	is "measure --$option -" "$(sed 's/^coco-secret: fd/coco-secret: -/' want)" "$(cat got)"
done
head -c 4096 /dev/urandom > vmsa
"$bin" measure --firmware fd --vmsa vmsa --vmsa vmsa --cpus 4 > want
"$bin" measure --firmware fd --vmsa vmsa --vmsa - --cpus 4 < vmsa > got
ok 'measure --vmsa -, for three processors' cmp -s want got
# A standard output that takes nothing: what is said is true of it.
says_of_output() {
	is "standard output that $1" "$(grep -o 'cannot be written.*' err)" "cannot be written: $2"
	is '... is a failure' "$rc" 4
}
rc=0
"$bin" --help 2> err >&- || rc=$?
says_of_output 'is closed' 'Bad file descriptor; next: open it for writing: to a file, for instance'
rc=0
"$bin" --help 2> err > /dev/full || rc=$?
says_of_output 'is full' 'No space left on device; next: make room, or write somewhere else'
mkfifo pipe
: < pipe &
exec 7> pipe # opens when that one does
wait $!
rc=0
(trap '' PIPE && exec "$bin" --help 2> err >&7) || rc=$?
exec 7>&-
says_of_output 'nobody reads' 'Broken pipe; next: let the program behind the pipe read to the end'
for way in mkdir mkfifo 'ln -s nowhere'; do
	must $way x.coco-new
	untouched 2 'x.coco-new: it is in the way of what is written' table build -o x luks-key=key
	rm -rf x.coco-new
done
tap_done
