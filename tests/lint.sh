#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lint.sh - the house rules that a search can check, as TAP: one result for each rule, with
# the lines that break it. Changes nothing. The tables below are the rules.
source "$(dirname "$0")/lib/tap.sh"
cd "$(dirname "$0")/.." || exit 99
export LC_ALL=C.UTF-8

# Layers of src/, lowest first: a file includes headers of its own layer or of lower ones.
# A new file must be put in here. Above them is src/owner/, the program coco-secret: it may
# include its own headers and those of layers 1 to 4, only its verbs its cmd.h, and nobody
# includes it.
layers='
1 util text guid fault exitcode deadline root paths log digest jsontext child warning
2 reference conf cocotab lvmfilter
3 secret module uevent kernel action source source_efi source_table fetch device header policy volume
3 examine binheader judge cmdline policy_entry
3 dm unmap mapping opened mounts stack strangers rivals swaps verify generation running
3 storage services surroundings
4 run report sources unlock supervise stop
5 cmd cmd_check cmd_raise_generation cmd_status cmd_unlock cmd_verify_root main
'

# Inside layer 3: files (left) that must not know of others (right). Who gets secrets does
# not see disks, and the other way round; only examine.c and unlock.c bring them together.
# The judge and the rules know neither secrets nor libcryptsetup.
apart='
source source_efi source_table secret: device header policy volume uevent kernel action
uevent kernel device header policy action module: secret source_efi volume
header: policy
policy binheader jsontext: log secret source_efi volume
judge: log secret source_efi volume module uevent kernel
cmdline: secret device header policy volume
mapping: secret volume
unmap dm action child: secret volume source_efi device header policy
policy_entry: source_efi volume policy
supervise: secret source_efi volume device header
volume: source_efi module uevent kernel
'

# Libraries, and the only files that know them.
owners='
libcryptsetup.h: volume.c owner/luksheader.c owner/newheader.c owner/inplace.c
libkmod.h: module.c
openssl/: digest.c owner/xts.c owner/launch.c owner/packet.c
linux/seccomp.h: judge.c
linux/dm-ioctl.h: kernel.c dm.h
blkid/blkid.h: device.c rivals.c owner/filesystem.c
json-c/json.h: policy.c judge.c report.c cmd_status.c owner/cmd_table.c owner/cmd_measure.c owner/cmd_packet.c owner/cmd_verify.c owner/inplace.c
'

# Words (extended regular expressions) that src/*.[ch] must not have, but in the files named.
# Strings and comments count, too.
words='
"/(sys|dev|run|proc)(/|")	paths.h owner/main.c	a path outside paths.h
(->|\.)bytes\>	secret.c secret.h volume.c source_table.c owner/blob.c owner/table.c owner/packet.c owner/launch.c owner/cmd_table.c owner/cmd_packet.c owner/luksheader.c owner/newheader.c owner/passphrase.c owner/pinnedtable.c owner/xts.c owner/encrypt.c owner/cmd_encrypt.c owner/inplace.c	secret bytes where they do not belong
\<getenv\(	log.c	a decision by the environment
\<exit\(	main.c	an exit outside main.c
\<_exit\(	child.c judge.c supervise.c	the end of a child outside of child.c, judge.c and supervise.c
\<fork\(	child.c action.c judge.c supervise.c	another process outside of child.c, action.c, judge.c and supervise.c
\<prctl\(	secret.c judge.c supervise.c	a property of the process
\<(system|popen|vfork|clone|posix_spawnp?|exec[lv]p?e?)\(	-	another program
\<(sleep|usleep|nanosleep|clock_nanosleep)\(	-	waiting by sleep
\<(v?sprintf|strn?cpy|strcat|strtok|gets|ato[il]|strtoul?l?|sscanf|alloca)\(	-	an unsafe call
\<(dlopen|dlsym)\(	-	code that is loaded at run time
\<((f?d)?opendir|readdir|scandir|glob|n?ftw|fts_open)\(	root.c stack.c rivals.c verify.c	a directory whose errors nobody sees: root_walk
!root_exists\(|([(]|&& |[|][|] )root_exists\([^()]*\)([);?]| [&|?]|$)	-	root_exists() as a truth value
'

# Lines that are allowed to break the rule about paths, because no file of the machine is
# looked at through them.
path_exceptions='
main.c: fd = open\("/dev/null", O_RDWR\)
cocotab.c: strncmp\(word, "/dev/", 5\)
'

# Calls that cut secrets at a NUL, copy them, or may be optimised away.
secret_files='src/secret.c src/volume.c src/examine.c src/unlock.c src/source_table.c src/owner/table.c src/owner/packet.c'
secret_exceptions='volume\.c:.*\<strcmp\((text|uuid|ip\.integrity), '
secret_calls='memset|strn?len|strn?dup|strn?cpy|strn?cat|strn?cmp|realloc|bcopy|printf'

files() {
	find . \( -name .git -o -path ./build -o -name __pycache__ -o -path ./tests/vm/cache \
		-o -path ./tests/fuzz/seeds -o -path ./tests/fuzz/crashes \) -prune \
		-o -type f -print | sed 's,^\./,,' | sort
}

# clean NAME: good if standard input is empty; else its lines are told.
clean() {
	local lines
	lines=$(cat)
	ok "$1" test -z "$lines" || sed 's/^/# /' <<< "$lines" | head -n 40
}

layer_of() {
	awk -v name="$1" '{ for (i = 2; i <= NF; i++) if ($i == name) print $1 }' <<< "$layers"
}

includes_of() {
	sed -nE 's/^#\s*include\s+"([^"]+)\.h".*/\1/p' "$1"
}

check_layers() {
	local file name layer header
	for file in src/*.[ch]; do
		name=${file#src/} name=${name%.*} layer=$(layer_of "$name")
		[[ $layer ]] || { echo "$file is in no layer"; continue; }
		for header in $(includes_of "$file"); do
			[[ $(layer_of "$header") ]] || { echo "$file includes $header.h of no layer"; continue; }
			(($(layer_of "$header") <= layer)) ||
				echo "$file (layer $layer) includes $header.h (layer $(layer_of "$header"))"
		done
	done
	for file in src/owner/*.[ch]; do
		for header in $(includes_of "$file"); do
			if [[ -e src/owner/$header.h ]]; then
				[[ $header != cmd || $file == src/owner/cmd_*.[ch] || $file == src/owner/main.c ]] ||
					echo "$file includes cmd.h"
			else
				layer=$(layer_of "$header")
				((${layer:-9} <= 4)) || echo "$file includes $header.h (layer ${layer:-unknown})"
			fi
		done
	done
}

check_apart() {
	local left right name header
	while IFS=: read -r left right; do
		for name in $left; do
			for header in $(cat src/"$name".[ch] 2> /dev/null | includes_of /dev/stdin); do
				[[ " $right " != *" $header "* ]] || echo "src/$name.[ch] includes $header.h"
			done
		done
	done <<< "$apart"
}

check_owners() {
	local library names file
	while IFS=: read -r library names; do
		[[ $library ]] || continue
		for file in $(grep -lE "^#\s*include\s+[<\"]$library" src/*.[ch] src/owner/*.[ch]); do
			[[ " $names " == *" ${file#src/} "* ]] || echo "$file includes $library"
		done
	done <<< "$owners"
}

check_words() {
	local word names what file name text
	while IFS=$'\t' read -r word names what; do
		[[ $word ]] || continue
		while IFS=: read -r file name text; do
			[[ $file ]] || continue
			[[ " $names " == *" ${file#src/} "* ]] && continue
			is_exception "${file#src/}" "$text" || echo "$what: $file:$name:$text"
		done < <(grep -nE "$word" src/*.[ch] src/owner/*.[ch])
	done <<< "$words"
}

check_secret_calls() {
	# shellcheck disable=SC2086 # several files
	grep -nE "\<($secret_calls)\(" $secret_files | grep -vE "$secret_exceptions"
}

is_exception() {
	local file expression
	while IFS=: read -r file expression; do
		[[ $file == "$1" ]] && grep -qE "${expression# }" <<< "$2" && return 0
	done <<< "$path_exceptions"
	return 1
}

# src: 100 columns, tabs count 8. What stands inside double quotes in C does not count, since a
# message that is split cannot be searched for. Scripts and tests: 120; tests of the
# program, which are lists of long commands: 160.
check_columns() {
	local file limit
	for file in $(files | grep -E '^(Makefile|src/.*|dracut/.*|tests/(unit|cli|lib|fuzz)/.*|tests/lint.sh)$' |
		grep -vE '\.scd$'); do
		limit=120
		[[ $file != src/*.[ch] ]] || limit=100
		[[ $file != tests/*/*.t ]] || limit=160
		[[ $file != tests/lint.sh ]] || limit=400 # its tables
		expand "$file" | awk -v file="$file" -v limit="$limit" '
			{ bare = $0; if (limit == 100) gsub(/"([^"\\]|\\.)*"/, "\"\"", bare) }
			length(bare) > limit || length($0) > 400 { print file ":" FNR ": " length($0) " columns" }'
	done
}

check_spdx() {
	local file
	for file in $(files | grep -vE '(^|/)(LICENSE|\.gitignore)$|\.md$'); do
		head -n 5 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' ||
			echo "$file has no SPDX line"
	done
}

# Each C file says what it is in a comment right behind the SPDX line; each .c file of src/
# says also what it trusts or may not do, unless it only holds the command line.
check_openings() {
	local file name
	for file in src/*.[ch] src/owner/*.[ch] tests/unit/*.c tests/lib/*.h tests/fuzz/*.[ch]; do
		name=${file##*/}
		sed -n 2,3p "$file" | tr '\n' ' ' | grep -qF "/*  * $name - " ||
			echo "$file does not say what it is"
	done
}

# Machines that these files were written on, and hosts that only they can reach.
check_machine_paths() {
	local path='(^|[^a-z_}])/(work|home|root/\.|tmp/[a-z])[a-z/]|\.pyenv'
	local host='\<(localhost|127\.0\.0\.1|artifactory)\>|\.(example|internal|corp)\>'
	files | grep -vE '^(LICENSE|tests/lint\.sh)$' | xargs -d '\n' grep -nE "$path|$host"
}

check_blanks() {
	files | grep -vE '^LICENSE$' | xargs -d '\n' grep -nE '[[:blank:]]+$' | cut -c 1-100
	files | grep -E '^(src|tests/unit|tests/lib|tests/fuzz)/.*\.[ch]$' | xargs -d '\n' grep -nE '^ {8}| +	' |
		cut -c 1-100
}

check_ifdef() {
	# But for the kernel's number of an architecture, which no header has for all of them.
	grep -nE '^#\s*(if|ifdef|elif)\>' src/*.[ch] src/owner/*.[ch] |
		grep -vE '^src/judge\.c:[0-9]+:#(if|elif) defined\(__(x86_64|aarch64|s390x|powerpc64)__\)'
	grep -cE '^#\s*ifndef COCO_[A-Z_]+_H$' src/*.h src/owner/*.h | grep -v ':1$'
	grep -nE '^#\s*ifndef' src/*.c src/owner/*.c
}

# A header needs no other one before it.
check_headers() {
	local file flags
	flags=$(pkg-config --cflags libcryptsetup libkmod blkid json-c fdisk)
	for file in src/*.h src/owner/*.h; do
		# shellcheck disable=SC2086 # several flags
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE $flags -x c -fsyntax-only -Isrc/owner -Isrc \
			-include "$file" /dev/null 2>&1 | head -n 3
	done
}

scripts() {
	files | xargs -d '\n' grep -lE '^#!/bin/(ba)?sh' | cat - <(files | grep -E '^tests/lib/.*\.sh$')
}

check_syntax() {
	local file
	while read -r file; do
		bash -n "$file" 2>&1
	done < <(scripts)
}

check_shellcheck() {
	local file
	while read -r file; do
		case $file in
			dracut/*) shellcheck -x -S warning -e SC2154 "$file" ;; # variables of dracut
			tests/vm/*) shellcheck -x -S warning -e SC2010 "$file" ;; # names of our own
			*) shellcheck -x -P SCRIPTDIR -S warning "$file" ;;
		esac
	done < <(scripts)
}

check_executable() {
	local file
	while read -r file; do
		[[ $file == tests/lib/*.sh || -x $file ]] || echo "$file is not executable"
	done < <(scripts)
}

clean 'includes go one way' < <(check_layers)
clean 'who sees secrets does not see disks' < <(check_apart)
clean 'each library has its file' < <(check_owners)
clean 'no call and no path where it does not belong' < <(check_words)
clean 'nothing cuts or copies secrets' < <(check_secret_calls)
clean 'no variants by the preprocessor' < <(check_ifdef)
clean 'each header stands alone' < <(check_headers)
clean 'lines are short' < <(check_columns)
clean 'no blanks at the end of a line, tabs in front' < <(check_blanks)
clean 'each file has its licence' < <(check_spdx)
clean 'each file says what it is' < <(check_openings)
clean 'no path or host of a machine' < <(check_machine_paths)
clean 'scripts are executable' < <(check_executable)
clean 'scripts have no syntax error' < <(check_syntax)
lacks shellcheck || clean 'shellcheck finds nothing' < <(check_shellcheck)
tap_done
