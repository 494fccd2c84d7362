#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# readme.t - README.md is short, and what it and the other documents of the top directory name is there; the
# commands of README.md that need neither root nor a machine are run as they stand, the others are run by vm/readme.
# Needs: python3 openssl mke2fs
source "$(dirname "$0")/../lib/tap.sh"
source "$(dirname "$0")/../lib/fixture.sh"
unlocker=$bin
source "$(dirname "$0")/../lib/owner.sh"

readme=$top/README.md
documents=("$readme" "$top/CONTRIBUTING.md" "$top/SECURITY.md")

lines=$(wc -l < "$readme")
ok 'README.md has 150 lines at most' test "$lines" -le 150 -a "$lines" -gt 50 || echo "# $lines lines"

# What is named.
for file in "${documents[@]}"; do
	name=${file##*/}
	grep -oE '\]\([^)]+\)' "$file" | tr -d '()' | cut -c 2- | sort -u > links
	ok "premise: $name has links" test -s links
	is "$name: what it links to is there" "$(while read -r link; do
		[[ -e $top/$link ]] || echo "$link"
	done < links)" ''
	is "$name: the man pages are there" "$(grep -oE '\*[a-z.-]+\([1-8]\)\*' "$file" | tr -d '*' | sort -u |
		sed -E 's/\((.)\)/.\1/' | while read -r page; do
			[[ -e $top/src/man/$page.scd ]] || echo "$page"
		done)" ''
	is "$name: the targets are in the Makefile" "$(grep -oE '(`|^)make [a-z-]+' "$file" | sed 's/.*make //' | sort -u |
		while read -r target; do
			grep -qE "^([a-z -]+ )?$target( [a-z -]+)?:( |\$)" "$top/Makefile" || echo "$target"
		done)" ''
done
for program in "$unlocker" "$bin"; do
	"$program" --help > help
	program=${program##*/}
	is "README.md: the verbs of $program" "$(grep -oE "(\`|^)$program [a-z]+" "$readme" | cut -d' ' -f2 | sort -u |
		while read -r verb; do
			grep -qE "^  $verb( |\$)" help || echo "$verb"
		done)" ''
done

# CONTRIBUTING.md: the files, the folders of src, and the includes that lint.sh allows them.
is 'CONTRIBUTING.md: the files that it names are there' "$(grep -oE '`[a-zA-Z0-9._/-]+/[a-zA-Z0-9._-]+\.[a-z]+`' \
	"$top/CONTRIBUTING.md" | tr -d '`' | sort -u | while read -r path; do
		[[ ${path##*/} == NAME.* || -e $top/$path || -e $top/src/$path || -e $top/tests/$path ||
			-e $top/tests/vm/$path ]] || echo "$path"
	done)" ''
is '... and so are all folders of src' "$(sed -n '/^src\/base /,/^dracut/p' "$top/CONTRIBUTING.md" | sed '$d' |
	sed -E 's,^(src/| +),,; s/ .*//' | sort | xargs)" "$(cd "$top/src" && ls -d -- */ | tr -d / | sort | xargs)"

# block WORD: the commands of the block that has this word; blocks of commands are those marked sh.
block() {
	awk -v word="$1" '/^```sh$/ { on = 1; text = ""; next } /^```$/ && on { on = 0
		if (index(text, word)) printf "%s", text } on { text = text $0 "\n" }' "$readme"
}

is 'README.md has six blocks of commands' "$(grep -c '^```sh$' "$readme")" 6
for word in 'make demo' 'dracut ' 'coco-secret encrypt ' 'lab.py try ' 'coco-secret packet ' 'Sources=kbs'; do
	block "$word" > "block.${word// /-}"
	ok "... one has '$word', and is a script" eval "test -s 'block.${word// /-}' && bash -n 'block.${word// /-}'"
done

# The lab finds the same ones, and the words of `try` are those of the block before and of the one behind it.
PYTHONPATH=$top/tests/vm PYTHONDONTWRITEBYTECODE=1 python3 -c '
from lab import readme
for name in ("image", "secrets", "launch"):
    open(name, "w").write(getattr(readme, name)())
args = readme.attempt()
print(args.append, args.kernel, args.initrd, args.disk, args.table, sep="\n")' > attempt
ok 'the lab reads the same blocks' eval 'cmp -s image block.dracut- && cmp -s secrets block.coco-secret-encrypt- &&
	cmp -s launch block.coco-secret-packet-'
is 'lab.py try takes what the other commands make' "$(cat attempt)" "$(sed -nE "s/.*--append '(.*)' .*/\1/p" launch)
vmlinuz
initrd.img
guest.img
guest.table"

# From a plain image to a table that opens it; the guest boots what is pinned, and nothing else.
must mkdir -p guest/etc/coco-unlock content
must cp "$top/conf/cocotab" guest/etc/coco-unlock/
grep -m 1 -F RequirePolicyEntry image > configure
ok 'premise: the configuration is written by one command' test "$(wc -l < configure)" = 1
bash -e configure
is '... which makes pins a must' "$("$unlocker" --root=guest check --config | grep Require)" RequirePolicyEntry=yes
echo 'a file of the root' > content/file
must mke2fs -q -F -t ext4 -d content fs 6M > /dev/null
must python3 -IS "$top/tests/lib/gpt.py" make plain.img 20 \
	1+2:c12a7328-f81f-11d2-ba4b-00a0c93ec93b:00000000-0000-4000-8000-000000000001:esp \
	9+6:4f68bce3-e8cd-4db1-96e7-fbcaf984b709:00000000-0000-4000-8000-000000000002:root
must dd if=fs of=plain.img bs=1M seek=9 conv=notrunc status=none
PATH=${bin%/*}:$PATH bash -e secrets > said 2>&1
is 'the commands for the secrets end well' "$?" 0 || sed 's/^/# /' said
grep -m 1 '^  coco-secret verify ' said > next
ok 'premise: prepare prints the command that comes next' test -s next
PATH=${bin%/*}:$PATH bash -e next > /dev/null 2>&1
is '... which ends well, too' "$?" 0
boots() {
	tree "$tmp/machine"
	must rmdir "$tmp/machine$secrets"
	must cp guest/etc/coco-unlock/* "$tmp/machine/etc/coco-unlock/"
	add_disk "$tmp/machine" vda root
	must python3 -IS "$top/tests/lib/table.py" split "$1" "$tmp/machine"
	"$unlocker" --root="$tmp/machine" unlock > out 2> err
}
must dd if=guest.img of=root bs=1M skip=9 count=22 status=none
boots guest.table
is 'a guest opens the disk' "$?" 0 || sed 's/^/# /' err
must "$bin" table remove -o bare.table guest.table policy > /dev/null
boots bare.table
is '... and not without the pins' "$?" 27
ok '... first.key opens it no more' eval '! cryptsetup open --test-passphrase --disable-locks -q --key-file first.key \
	root &> /dev/null'

# The key broker.
must openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout broker.key -out broker.pem \
	-subj /CN=broker -days 2 2> /dev/null
must cp -r guest launched
PATH=${bin%/*}:$PATH bash -e block.Sources=kbs > said 2>&1
is 'the commands for a key broker end well' "$?" 0 || sed 's/^/# /' said
must mv guest asked
must mv launched guest
"$unlocker" --root=asked check --config > said 2>&1
is '... and make a configuration that the unlocker takes' "$?" 0 || sed 's/^/# /' said
ok '... with the broker as the source' grep -q '^Sources=kbs$' said
ok '... without a warning' eval '! grep -q warning said' || grep warning said | sed 's/^/# /'
ok '... which has pins of its own' grep -q '^volume-key=sha256:' asked/etc/coco-unlock/policy

# The packet.
if command -v openssl > /dev/null; then
	firmware OVMF.amdsev.fd
	head -c 5000 /dev/urandom > vmlinuz
	head -c 7000 /dev/urandom > initrd.img
	printf 0123456789abcdef > vm_tik.bin
	printf fedcba9876543210 > vm_tek.bin
	POLICY=0x1 MAJOR=1 MINOR=52 BUILD=4
	# measured COMMANDLINE: what the host reports of a guest with this one.
	measured() {
		"$bin" measure --tik vm_tik.bin --nonce 00112233445566778899aabbccddeeff --policy $POLICY --api-major $MAJOR \
			--api-minor $MINOR --build $BUILD --firmware OVMF.amdsev.fd --kernel vmlinuz --initrd initrd.img \
			--append "$1" | sed -n 's/^launch measure blob  *//p'
	}
	BLOB=$(measured "$(head -n 1 attempt)")
	export POLICY MAJOR MINOR BUILD BLOB
	PATH=${bin%/*}:$PATH bash -e launch > said 2>&1
	is 'the command for the packet ends well' "$?" 0 || sed 's/^/# /' said
	ok '... and prints the line that injects it' grep -q '^virsh domsetlaunchsecstate ' said
	openssl enc -d -aes-128-ctr -K "$(od -An -v -tx1 vm_tek.bin | tr -d ' \n')" -in guest.secret.bin -out opened \
		-iv "$(head -c 20 guest.header.bin | tail -c 16 | od -An -v -tx1 | tr -d ' \n')"
	ok '... in which is the table' cmp -s -n "$(stat -c %s opened)" opened guest.table
	rm -f guest.header.* guest.secret.*
	BLOB=$(measured "$(head -n 1 attempt) rdinit=/bin/sh")
	PATH=${bin%/*}:$PATH bash -e launch > said 2>&1
	is 'a guest with another command line gets none' "$? $(ls guest.header.bin 2> /dev/null)" '2 '
else
	skip 'openssl is not installed'
fi
tap_done
