#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lint.t - tests/lint.sh says nothing of a small tree that keeps the rules, and of each that breaks
# one it names that rule, the file, and nothing else. Each rule of lint.sh has to be broken here.
# Needs: shellcheck clang-format-22
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"

lint=$top/tests/lint.sh
spdx='SPDX-License-Identifier: GPL-2.0-or-later'
mapfile -t rules < <(sed -nE 's/^rule ([a-z_]+) .*/\1/p' "$lint")
# Which rules are asked together, so that one that should be silent is heard. Those that take
# long are asked only where they have something to say.
declare -A beside=([folders]='never owners' [never]='folders owners' [owners]='folders never'
	[format]='ifdef columns openings' [headers]='ifdef columns' [shellcheck]='syntax executable')
text='words secret_calls ifdef columns blanks spdx openings machine_paths executable syntax'
nl=$'\n' tab=$'\t'

# put TREE PATH TEXT: a file of C with an opening and, if it is a header, a guard.
put() {
	local guard='' end=''
	must mkdir -p "$1/$(dirname "$2")"
	if [[ $2 == *.h ]]; then
		guard=COCO_$(tr a-z/.- A-Z___ <<< "${2#*/}")
		guard="#ifndef $guard$nl#define $guard$nl" end="#endif$nl"
	fi
	printf '/* %s */\n/*\n * %s - a part.\n */\n%s%s%s' "$spdx" "${2##*/}" "$guard" "$3" "$end" > "$1/$2"
}

# The clean tree: a header and a source in each folder.
clean=$tmp/clean
folders='base conf source disk volume rootfs boot guest owner owner/io owner/table owner/launch owner/disk owner/plan'
for folder in $folders; do
	put "$clean" "src/$folder/part.h" ''
	put "$clean" "src/$folder/part.c" "#include \"$folder/part.h\"$nl"
done
for file in base/secret.h base/log.h base/paths.h source/source.h source/table.h source/efi.h disk/device.h \
	volume/volume.h base/root.c disk/policy.c volume/volume.c volume/mapping.c boot/action.c boot/unlock.c; do
	put "$clean" "src/$file" ''
done
put "$clean" src/kmod/module.c "#include <linux/module.h>$nl"
put "$clean" tests/unit/base/part.c "#include \"tap.h\"$nl"
put "$clean" tests/lib/tap.h ''
put "$clean" tests/fuzz/part.c ''
printf '#!/bin/bash\n# %s\necho "$1"\n' "$spdx" > "$clean/tests/run.sh"
printf '# %s\n' "$spdx" | tee "$clean/tests/lab.py" > "$clean/Makefile"
must chmod +x "$clean/tests/run.sh"
must cp "$top/.clang-format" "$clean/"

# linted RULE...: sets said to what lint.sh says of $tmp/tree, but for what is good.
linted() {
	said=$("$lint" "$tmp/tree" "$@" 2>&1 | grep -vE '^(ok [0-9]+ - |1\.\.)')
}

# broken RULE NAME TEXT...: of $tmp/tree, lint.sh names that rule alone, in one line for each text,
# which has it.
broken() {
	local rule=$1 name=$2 sentence
	shift 2
	sentence=$(sed -nE "s/^rule $rule '(.*)'$/\1/p" "$lint")
	# shellcheck disable=SC2086 # several rules
	linted "$rule" ${beside[$rule]-$text}
	tried+=" $rule "
	ok "$rule: $name" broke "$sentence" "$@" || sed 's/^/# said: /' <<< "$said"
	must rm -r "$tmp/tree"
}

broke() {
	local sentence=$1 text
	shift
	[[ $(sed -nE 's/^not ok [0-9]+ - //p' <<< "$said") == "$sentence" ]] || return
	for text; do grep '^#' <<< "$said" | grep -qF -- "$text" || return; done
	[[ $rule == shellcheck || $rule == headers || $(grep -c '^#' <<< "$said") == "$#" ]]
}

fresh() {
	must cp -r "$clean" "$tmp/tree"
}

# line RULE FILE TEXT [NAME]: the file has one line more.
line() {
	fresh
	printf '%s\n' "$3" >> "$tmp/tree/$2"
	broken "$1" "${4:-$2: ${3:0:70}}" "$2"
}

# inc RULE FILE HEADER: the file, below src/, includes one header more.
inc() {
	line "$1" "src/$2" "#include $3"
}

fresh
linted
is 'a tree that keeps the rules' "$said" ''
must rm -r "$tmp/tree"

# many RULE NAME: of lines "FILE HEADER...", each file includes its headers, each of which is named.
many() {
	local file headers header texts=()
	fresh
	while read -r file headers; do
		for header in $headers; do
			echo "#include $header" >> "$tmp/tree/src/$file"
			header=${header//[\"<>]/}
			[[ $1 != owners || $header == linux/* ]] || header=${header%%/*}
			texts+=("src/$file includes $header")
		done
	done
	broken "$1" "$2" "${texts[@]}"
}

many folders 'one way, and nobody includes guest and owner' << 'EOT'
base/part.c            "conf/part.h"
conf/part.c            "source/part.h" "disk/part.h"
source/part.c          "disk/part.h" "volume/part.h"
disk/part.c            "source/part.h" "volume/part.h"
volume/part.c          "rootfs/part.h" "owner/part.h"
rootfs/part.c          "boot/part.h" "source/part.h"
boot/part.c            "guest/part.h" "owner/io/part.h"
guest/part.c           "owner/part.h"
owner/part.c           "rootfs/part.h" "boot/part.h" "guest/part.h" "source/table.h"
owner/io/part.c        "owner/table/part.h"
owner/table/part.c     "owner/launch/part.h" "source/efi.h"
owner/launch/part.c    "owner/disk/part.h"
owner/disk/part.c      "owner/table/part.h"
owner/plan/part.c      "boot/part.h" "source/efi.h"
EOT
fresh
for header in source/source.h source/table.h; do
	echo "#include \"$header\"" | must tee -a "$tmp/tree/src/owner/plan/part.c" > /dev/null
done
linted folders
is 'owner/plan includes source.h and table.h' "$said" ''
must rm -r "$tmp/tree"

# In whatever way it is written.
inc folders source/part.c '<disk/part.h>'
inc folders disk/policy.c '"device.h"'
inc folders disk/part.c '"../source/part.h"'
inc folders disk/part.c '"disk/../source/part.h"'
line folders src/disk/part.c " #  include${tab}\"source/part.h\""
inc folders disk/part.c PART
inc folders kmod/module.c '"base/part.h"'
inc folders kmod/module.c '<base/part.h>'
fresh
put "$tmp/tree" src/other/part.c ''
broken folders 'a folder that is not in the table' src/other/part.c

inc never disk/part.c '"base/secret.h"'
fresh
put "$tmp/tree" src/base/way.h "#include \"base/secret.h\"$nl"
echo '#include "base/way.h"' >> "$tmp/tree/src/disk/part.c"
broken never 'a header that brings it along' src/disk/part.c
inc never disk/policy.c '"base/log.h"'
inc never volume/mapping.c '"volume/volume.h"'
inc never boot/action.c '"disk/device.h"'

many owners 'each library' << 'EOT'
disk/part.c            <libcryptsetup.h>
boot/part.c            <libkmod.h>
base/part.c            <openssl/evp.h>
disk/policy.c          <linux/seccomp.h>
rootfs/part.c          <linux/dm-ioctl.h>
volume/volume.c        <blkid/blkid.h>
boot/unlock.c          <libfdisk/libfdisk.h>
guest/part.c           <json-c/json.h>
EOT
inc owners owner/part.c '<curl/curl.h>'

# A line for each row of the table.
words='
	fd = open("/proc/self", 0);
	f(secret->bytes);
	if (getenv("X"))
	exit(1);
	_exit(1);
	pid = fork();
	prctl(PR_SET_DUMPABLE, 0);
	system("true");
	sleep(1);
	sprintf(text, "x");
	h = dlopen("x.so", RTLD_NOW);
	d = opendir(path);
	if (root_exists(root, path))
'
rows() { sed -nE "/^$1='$/,/^'$/p" "$2" | grep -c "$tab"; }
is 'each word that is forbidden is tried' "$(grep -c "$tab" <<< "$words")" "$(rows words "$lint")"
mapfile -t each < <(sed '/^$/d' <<< "$words")
fresh
printf '%s\n' "${each[@]}" >> "$tmp/tree/src/boot/part.c"
broken words 'each of them is found' "${each[@]}"

line secret_calls src/volume/volume.c "${tab}n = strlen(secret);"
line secret_calls src/boot/unlock.c "${tab}memset(key, 0, 32);"
line ifdef src/boot/part.c '#ifdef DEBUG'
line ifdef src/boot/part.c '  # if DEBUG'
line ifdef src/boot/part.c '#ifndef DEBUG'
fresh
put "$tmp/tree" src/boot/open.h ''
must sed -i /COCO_/d "$tmp/tree/src/boot/open.h"
broken ifdef 'a header without a guard' src/boot/open.h
line headers src/boot/part.h 'size_t length(void);'

line columns src/boot/part.c "$(printf '%101s' ';' | tr ' ' x)" '101 columns of a program'
line columns src/boot/part.c "$(printf '\t%93s' ';' | tr ' ' x)" '101 with a tab'
line columns tests/unit/base/part.c "$(printf '%121s' ';' | tr ' ' x)" '121 of a test'
line columns tests/lab.py "x = '$(printf '%116s' "'" | tr ' ' x)" '121 of the lab'
fresh
{ printf '\tf("%200s");\n' x; printf '%100s\n' ';' | tr ' ' x; } >> "$tmp/tree/src/boot/part.c"
linted columns
is 'columns: a message does not count' "$said" ''
must rm -r "$tmp/tree"

line format src/boot/part.c 'int  x;'
line format tests/unit/base/part.c 'int *x, * y;'
line blanks src/boot/part.c 'x; '
line blanks tests/lab.py "x = 1$tab" 'a tab at the end'
line blanks src/boot/part.c '        x;'
line blanks src/boot/part.c " ${tab}x;" 'a blank in front of a tab'
fresh
echo x > "$tmp/tree/notes"
broken spdx 'a file without a licence' notes
fresh
printf '/* %s */\nint x;\n' "$spdx" > "$tmp/tree/src/boot/new.c"
broken openings 'a file that does not say what it is' src/boot/new.c
fresh
printf '/* %s */\nint x;\n' "$spdx" > "$tmp/tree/tests/unit/base/new.c"
broken openings 'a test that does not' tests/unit/base/new.c
# In two pieces, or this file would break the rule.
line machine_paths Makefile "# /ho""me/user"
line machine_paths tests/run.sh "# 127.0.""0.1"
fresh
must chmod -x "$tmp/tree/tests/run.sh"
broken executable 'a script that is not' tests/run.sh
line shellcheck tests/run.sh 'unused=1'
fresh
echo 'if true' >> "$tmp/tree/tests/run.sh"
broken syntax 'an if without an end' tests/run.sh

is 'each rule was broken' "$(tr ' ' '\n' <<< "$tried" | sed '/^$/d' | sort -u)" "$(printf '%s\n' "${rules[@]}" | sort)"
tap_done
