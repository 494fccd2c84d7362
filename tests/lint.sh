#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lint.sh - the house rules that a search can check, as TAP: one result for each rule, with
# the lines that break it. Changes nothing. The tables below are the rules.
#
#     lint.sh [TREE [RULE...]]    checks another tree than the one that it is in; only these rules,
#                                 by the names at the end of this file
source "$(dirname "$0")/lib/tap.sh"
cd "${1:-$(dirname "$0")/..}" || exit 99
only=("${@:2}")
shopt -s nullglob
export LC_ALL=C.UTF-8

# The folders of src/ are layers: each may include itself, and what stands behind it here. Only
# those listed exist. Nobody includes guest and owner; source and disk do not know each other.
folders='
base
conf	base
source	base conf
source/kbs	base conf source
broker	base
disk	base conf
rescue	base
volume	base conf source disk
rootfs	base conf disk volume
boot	base conf source rescue disk volume rootfs
init	base conf rescue disk volume rootfs boot
guest	base conf source rescue disk volume rootfs boot init
owner	base conf rescue disk volume owner/io owner/table owner/launch owner/disk owner/plan owner/rescue
owner/io	base conf
owner/table	base conf volume owner/io
owner/launch	base conf owner/io owner/table
owner/disk	base conf disk volume owner/io
owner/plan	base conf disk volume owner/io owner/table owner/launch owner/disk
owner/rescue	base conf rescue owner/io owner/table owner/plan
'

# Single headers: who (a folder or files) may have one that its folder does not allow, and who
# must not have one that it does. Who sees secrets does not see disks; only boot/unlock.c and
# volume/ bring them together. The judge and the rules know neither secrets nor the log.
also='
owner/table owner/plan owner/disk: source/source.h source/table.h
owner/table: rescue/keys.h
broker: source/kbs/frame.h disk/jsontext.h
boot: source/kbs/kbs.h
'
never='
disk/policy disk/binheader disk/jsontext disk/judge: base/log.h base/modules.h disk/uevent.h
source/efi source/efi_module source/source source/table: base/child.h
source/kbs/kbs source/kbs/jwe: base/child.h
source/kbs/tsm source/kbs/tsm_request source/kbs/route: base/secret.h
volume/mapping volume/unmap volume/dm volume/kernel: base/secret.h volume/volume.h
volume/volume volume/pins volume/examine: base/modules.h disk/uevent.h volume/kernel.h
boot/cmdline: base/secret.h disk/device.h disk/header.h volume/volume.h
boot/secrets: volume/volume.h volume/examine.h disk/device.h disk/header.h disk/uevent.h
boot/action boot/supervise: base/secret.h volume/volume.h disk/device.h disk/header.h
'

# As never, but by no other header on the way, either.
never_reach='
disk: base/secret.h
'

# Libraries, and the only folders or files that know them. What is neither here nor in the line
# below is a library without a folder.
owners='
libcryptsetup.h: volume/volume.c owner/disk
libkmod.h: base/modules.c
openssl/: base/digest.c rescue owner/disk/xts.c owner/launch source/kbs/jwe.c broker
linux/seccomp.h: base/seccomp.h
linux/dm-ioctl.h: volume
blkid/blkid.h: disk/probe disk/device.c disk/claims.c disk/raid.c owner/disk/filesystem.c
libfdisk/: owner/disk
json-c/json.h: disk broker boot/report.c guest/cmd_status.c owner
'
c_library='arpa/inet|dirent|endian|errno|fcntl|getopt|grp|ifaddrs|limits|malloc|net/if|netinet/[a-z]+|poll|pthread|sched|signal|std(arg|atomic|bool|def|int|io|lib)|strings?'
c_library+='|termios|time|unistd|arpa/inet|sys/[a-z]+|linux/[a-z0-9-]+'

# Words (extended regular expressions) that src/ must not have, but in the files and folders named.
# Strings and comments count, too.
words='
"/(sys|dev|run|proc)(/|")	base/paths.h owner/main.c	a path outside paths.h
(->|\.)bytes\>	base/secret.c base/secret.h volume/volume.c source/table.c source/kbs/jwe.c rescue owner	secret bytes where they do not belong
\<getenv\(	base/log.c guest/cmd_status.c	a decision by the environment
\<exit\(	guest/main.c	an exit outside main.c
\<_exit\(	base/child.c disk/judge.c boot/supervise.c	the end of a child outside of child.c, judge.c and supervise.c
\<fork\(	base/child.c boot/action.c disk/judge.c boot/supervise.c	another process outside of child.c, action.c, judge.c and supervise.c
\<prctl\(	base/secret.c base/seccomp.c disk/judge.c boot/supervise.c broker/jail.c boot/terminal.c	a property of the process
\<(system|popen|vfork|clone|posix_spawnp?|f?exec[lv]p?e?)\(	init/program.c init/handover.c source/kbs/client.c	another program
\<(sleep|usleep|nanosleep|clock_nanosleep)\(	-	waiting by sleep
\<(v?sprintf|strn?cpy|strcat|strtok|gets|ato[il]|strtoul?l?|sscanf|alloca)\(	-	an unsafe call
\<(dlopen|dlsym)\(	-	code that is loaded at run time
\<((f?d)?opendir|readdir|scandir|glob|n?ftw|fts_open)\(	base/root.c rootfs/stack.c rootfs/rivals.c rootfs/verify.c	a directory whose errors nobody sees: root_walk
!root_exists\(|([(]|&& |[|][|] )root_exists\([^()]*\)([);?]| [&|?]|$)	-	root_exists() as a truth value
'

# Lines that are allowed to break the rule about paths, because no file of the machine is
# looked at through them.
path_exceptions='
conf/rootsection.c: strncmp\(value, "/dev/", 5\)
init/stub.c: SYS_EXECVE, "
base/io.c: fd = open\("/dev/null", O_RDWR\)
conf/cocotab.c: strncmp\(word, "/dev/", 5\)
'

# Calls that cut secrets at a NUL, copy them, or may be optimised away.
secret_files='src/base/secret.c src/source/table.c src/source/kbs/jwe.c src/rescue/hpke.c src/rescue/hkdf.c src/rescue/x25519.c src/rescue/keys.c src/rescue/sealed.c src/volume/volume.c src/volume/examine.c src/boot/secrets.c src/boot/unlock.c src/owner/table/table.c src/owner/launch/packet.c'
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

# The C files of the programs. src/kmod is kernel code, and includes nothing of the rest.
sources() {
	find src -name kmod -prune -o -name "*.[ch]" -print | sort
}

# in_list FILE WORD...: is the file, without src/, one of these, in one of these folders, or one of
# these with a suffix?
in_list() {
	local file=$1 word
	shift
	for word; do
		[[ $file == "$word" || $file == "$word"/* || ${file%.[ch]} == "$word" ]] && return 0
	done
	return 1
}

# table_of TABLE FILE: what lines "WORDS: MORE" of the table say about the file.
table_of() {
	local who more
	while IFS=: read -r who more; do
		# shellcheck disable=SC2086 # several words
		[[ ! $who ]] || ! in_list "$2" $who || echo "$more"
	done <<< "$1"
}

# The project's own headers that a file includes, in whatever way that is written.
includes_of() {
	local header
	sed -nE 's/^\s*#\s*include\s*"([^"]+)".*/\1/p' "$1"
	for header in $(sed -nE 's/^\s*#\s*include\s*<([^>]+)>.*/\1/p' "$1"); do
		[[ ! -e src/$header ]] || echo "$header"
	done
}

# reach FILE: sets reached to the headers below src/ that a file includes, at once or by others.
reach() {
	local header
	for header in $(includes_of "src/$1"); do
		[[ ! ${reached[$header]-} && -e src/$header ]] || continue
		reached[$header]=$1
		reach "$header"
	done
}

check_folders() {
	local file folder header to
	local -A below=()
	while IFS=$'\t' read -r folder to; do
		[[ ! $folder ]] || below[$folder]=" $folder $to "
	done <<< "$folders"
	while read -r file; do
		file=${file#src/} folder=${file%/*}
		[[ ${below[$folder]-} ]] || { echo "src/$file is in no folder of the house"; continue; }
		for header in $(includes_of "src/$file"); do
			[[ -e src/$header ]] || { echo "src/$file includes $header, which is not below src/"; continue; }
			# shellcheck disable=SC2046 # several words
			[[ ${below[$folder]} == *" ${header%/*} "* ]] ||
				in_list "$header" $(table_of "$also" "$file") ||
				echo "src/$file includes $header"
		done
	done < <(sources)
	sources | xargs grep -nE '^\s*#\s*include' /dev/null | grep -vE '#\s*include\s*("[^"]+"|<[^>]+>)'
	for file in src/kmod/*; do
		for header in $(includes_of "$file"); do echo "$file includes $header"; done
	done
}

check_never() {
	local file header
	local -A reached
	while read -r file; do
		for header in $(includes_of "$file"); do
			# shellcheck disable=SC2046 # several words
			! in_list "$header" $(table_of "$never" "${file#src/}") || echo "$file includes $header"
		done
		[[ $(table_of "$never_reach" "${file#src/}") ]] || continue
		reached=()
		reach "${file#src/}"
		for header in $(table_of "$never_reach" "${file#src/}"); do
			[[ ! ${reached[$header]-} ]] || echo "$file includes $header by way of ${reached[$header]}"
		done
	done < <(sources)
}

check_owners() {
	local library names file name
	while IFS=: read -r library names; do
		[[ $library ]] || continue
		for file in $(sources | xargs grep -lE "^\s*#\s*include\s*[<\"]$library" /dev/null); do
			# shellcheck disable=SC2086 # several words
			in_list "${file#src/}" $names || echo "$file includes $library"
		done
	done <<< "$owners"
	library=$(sed -nE 's/^([^:]+):.*/|\1/p' <<< "$owners" | tr -d '\n')
	while IFS=: read -r file name names; do
		names=$(sed -nE 's/^\s*#\s*include\s*<([^>]+)>.*/\1/p' <<< "$names")
		[[ -e src/$names ]] || echo "$file:$name: $names is of no library that has a folder"
	done < <(sources | xargs grep -nE '^\s*#\s*include\s*<' /dev/null |
		grep -vE "<(($c_library)\.h|${library#|})")
}

check_words() {
	local word names what file name text
	while IFS=$'\t' read -r word names what; do
		[[ $word ]] || continue
		while IFS=: read -r file name text; do
			[[ $file ]] || continue
			# shellcheck disable=SC2086 # several words
			in_list "${file#src/}" $names && continue
			is_exception "${file#src/}" "$text" || echo "$what: $file:$name:$text"
		done < <(sources | xargs grep -nE "$word" /dev/null)
	done <<< "$words"
}

check_secret_calls() {
	# shellcheck disable=SC2086 # several files
	grep -snE "\<($secret_calls)\(" /dev/null $secret_files | grep -vE "$secret_exceptions"
}

is_exception() {
	local file expression
	while IFS=: read -r file expression; do
		[[ $file == "$1" ]] && grep -qE "${expression# }" <<< "$2" && return 0
	done <<< "$path_exceptions"
	return 1
}

# src: 100 columns, tabs count 8. What stands inside double quotes in C does not count, since a
# message that is split cannot be searched for. Scripts, tests and Python: 120; tests of the
# program, which are lists of long commands: 160.
check_columns() {
	local file limit
	for file in $(files | grep -E '^(Makefile|src/.*|dracut/.*|tests/(unit|cli|lib|fuzz)/.*|tests/lint.sh|.*\.py)$' |
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
	for file in $(sources) tests/unit/*/*.c tests/unit/*/*/*.c tests/lib/*.h tests/fuzz/*.[ch]; do
		name=${file##*/}
		sed -n 2,3p "$file" | tr '\n' ' ' | grep -qF "/*  * $name - " ||
			echo "$file does not say what it is"
	done
}

# Machines that these files were written on, and hosts that only they can reach.
check_machine_paths() {
	local path='(^|[^a-z_}])/(work|home|root/\.|tmp/[a-z])[a-z/]|\.pyenv'
	local host='\<(localhost|127\.0\.0\.1|artifactory)\>|\.(example|internal|corp)\>'
	files | grep -vE '^(LICENSE|tests/lint\.sh)$' | xargs -d '\n' grep -nE "$path|$host" /dev/null
}

check_blanks() {
	files | grep -vE '^LICENSE$' | xargs -d '\n' grep -nE '[[:blank:]]+$' /dev/null | cut -c 1-100
	files | grep -E '^(src|tests/unit|tests/lib|tests/fuzz)/.*\.[ch]$' | xargs -d '\n' grep -nE '^ {8}| +	' /dev/null |
		cut -c 1-100
}

# src/kmod has the kernel's form.
check_format() {
	files | grep -E '^(src|tests)/.*\.[ch]$' | grep -v '^src/kmod/' |
		xargs -d '\n' clang-format-22 --dry-run --ferror-limit=1 2>&1 | sed -n 's/: warning: .*/: not as clang-format-22 does it/p'
}

check_ifdef() {
	# But for the kernel's number of an architecture, which no header has for all of them.
	sources | xargs grep -nE '^\s*#\s*(if|ifdef|elif)\>' /dev/null |
		grep -vE '^src/base/seccomp\.h:[0-9]+:#(if|elif) defined\(__(x86_64|aarch64|s390x|powerpc64)__\)'
	sources | grep '\.h$' | xargs -r grep -HcE '^#ifndef COCO_[A-Z0-9_]+_H$' | grep -v ':1$'
	sources | grep '\.h$' | xargs grep -nE '^\s*#\s*ifndef' /dev/null | grep -vE ':#ifndef COCO_[A-Z0-9_]+_H$'
	sources | grep '\.c$' | xargs grep -nE '^\s*#\s*ifndef' /dev/null
}

# A header needs no other one before it.
check_headers() {
	local file flags
	flags=$(pkg-config --cflags libcryptsetup libkmod blkid json-c fdisk)
	for file in $(sources | grep '\.h$'); do
		# shellcheck disable=SC2086 # several flags
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE $flags -x c -fsyntax-only -Isrc \
			-include "$file" /dev/null 2>&1 | head -n 3
	done
}

scripts() {
	files | xargs -d '\n' grep -lE '^#!/bin/(ba)?sh' /dev/null | cat - <(files | grep -E '^tests/lib/.*\.sh$')
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

# rule NAME SENTENCE: one result, unless other rules were asked for.
rule() {
	[[ ! ${only[*]} || " ${only[*]} " == *" $1 "* ]] || return 0
	case $1 in
		shellcheck) ! lacks shellcheck || return 0 ;;
		format) ! lacks clang-format-22 || return 0 ;;
	esac
	clean "$2" < <("check_$1")
}

rule folders 'includes go one way'
rule never 'who sees secrets does not see disks'
rule owners 'each library has its folder'
rule words 'no call and no path where it does not belong'
rule secret_calls 'nothing cuts or copies secrets'
rule ifdef 'no variants by the preprocessor'
rule headers 'each header stands alone'
rule columns 'lines are short'
rule format 'C has the form of .clang-format'
rule blanks 'no blanks at the end of a line, tabs in front'
rule spdx 'each file has its licence'
rule openings 'each file says what it is'
rule machine_paths 'no path or host of a machine'
rule executable 'scripts are executable'
rule syntax 'scripts have no syntax error'
rule shellcheck 'shellcheck finds nothing'
tap_done
