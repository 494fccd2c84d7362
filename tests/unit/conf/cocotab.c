/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cocotab.c - the table of volumes: every column, and every mistake with file and line.
 */
#include "conf/cocotab.h"
#include "conf/devicespec.h"

#include "tap.h"

#define GUID_1 "11111111-2222-3333-4444-555555555555"
#define LABEL_OF_47 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstu"
#define LABEL_OF_255                                                        \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm" \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm" \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm" \
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh"
#define NAME_OF_63 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij123"

static struct conf conf;
static struct fault f;

static int parse(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);

	conf_defaults(&conf);
	f = (struct fault){ 0 };
	return cocotab_parse(&conf, copy, "TAB", &f);
}

static void test_good(void)
{
	static const struct {
		const char *line;
		const char *name;
		enum device_kind kind;
		const char *value;
		const char *guid;
		unsigned int options;
	} cases[] = {
		{ "root auto", "root", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "root auto -", "root", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "root auto - -", "root", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "root auto none none", "root", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "\t root \t /dev/vda \t-\t - \r", "root", DEVICE_KIND_PATH, "/dev/vda",
		  GUID_DISK_SECRET, 0 },
		{ "d_1.a+b-C /dev/disk/by-id/x", "d_1.a+b-C", DEVICE_KIND_PATH, "/dev/disk/by-id/x",
		  GUID_DISK_SECRET, 0 },
		{ "a UUID=ABCDEF01-0000-4000-8000-00000000000F", "a", DEVICE_KIND_UUID,
		  "abcdef01-0000-4000-8000-00000000000f", GUID_DISK_SECRET, 0 },
		{ "a PARTUUID=ABCDEF01-0000-4000-8000-00000000000F", "a", DEVICE_KIND_PARTUUID,
		  "abcdef01-0000-4000-8000-00000000000f", GUID_DISK_SECRET, 0 },
		{ "a PARTUUID=ABCDEF01-02", "a", DEVICE_KIND_PARTUUID, "abcdef01-02",
		  GUID_DISK_SECRET, 0 },
		{ "a LABEL=ABC", "a", DEVICE_KIND_LABEL, "ABC", GUID_DISK_SECRET, 0 },
		{ "a LABEL=UUID=x", "a", DEVICE_KIND_LABEL, "UUID=x", GUID_DISK_SECRET, 0 },
		{ "a LABEL=" LABEL_OF_47, "a", DEVICE_KIND_LABEL, LABEL_OF_47, GUID_DISK_SECRET,
		  0 },
		{ "a LABEL=my\\040root -", "a", DEVICE_KIND_LABEL, "my root", GUID_DISK_SECRET, 0 },
		{ "a LABEL=my\\x20root -", "a", DEVICE_KIND_LABEL, "my root", GUID_DISK_SECRET, 0 },
		{ "a LABEL=\"my root\" - read-only", "a", DEVICE_KIND_LABEL, "my root",
		  GUID_DISK_SECRET, VOLUME_OPTION_READ_ONLY },
		{ "a \t\"LABEL=my root\"\t" GUID_1, "a", DEVICE_KIND_LABEL, "my root", GUID_1, 0 },
		{ "a LABEL=my\" \"root", "a", DEVICE_KIND_LABEL, "my root", GUID_DISK_SECRET, 0 },
		{ "a LABEL=\"a \\\" b\\134\\042\\\\\"", "a", DEVICE_KIND_LABEL, "a \" b\\\"\\",
		  GUID_DISK_SECRET, 0 },
		{ "a LABEL=\"  x#\"", "a", DEVICE_KIND_LABEL, "  x#", GUID_DISK_SECRET, 0 },
		{ "a \"auto\"", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "a /dev/disk/by-label/my\\x20root", "a", DEVICE_KIND_PATH,
		  "/dev/disk/by-label/my\\x20root", GUID_DISK_SECRET, 0 },
		{ "a \"/dev/disk/by-id/x y\"", "a", DEVICE_KIND_PATH, "/dev/disk/by-id/x y",
		  GUID_DISK_SECRET, 0 },
		{ NAME_OF_63 " auto", NAME_OF_63, DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "a auto " GUID_1, "a", DEVICE_KIND_AUTO, "", GUID_1, 0 },
		{ "a auto ADF956AD-E98C-484C-AE11-B51C7D336447", "a", DEVICE_KIND_AUTO, "",
		  "adf956ad-e98c-484c-ae11-b51c7d336447", 0 },
		{ "a auto - read-only", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET,
		  VOLUME_OPTION_READ_ONLY },
		{ "a auto - same-cpu-crypt", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET,
		  VOLUME_OPTION_SAME_CPU_CRYPT },
		{ "a auto - submit-from-crypt-cpus", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET,
		  VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS },
		{ "a auto - no-read-workqueue,no-write-workqueue", "a", DEVICE_KIND_AUTO, "",
		  GUID_DISK_SECRET,
		  VOLUME_OPTION_NO_READ_WORKQUEUE | VOLUME_OPTION_NO_WRITE_WORKQUEUE },
		{ "a auto - allow-discards", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET,
		  VOLUME_OPTION_ALLOW_DISCARDS },
		{ "a auto - integrity=hmac-sha256,read-only", "a", DEVICE_KIND_AUTO, "",
		  GUID_DISK_SECRET, VOLUME_OPTION_INTEGRITY_HMAC_SHA256 | VOLUME_OPTION_READ_ONLY },
		{ "a auto - token=systemd-tpm2", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET, 0 },
		{ "a auto - read-only,root", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET,
		  VOLUME_OPTION_READ_ONLY | VOLUME_OPTION_ROOT },
		{ "a auto - no-write-workqueue", "a", DEVICE_KIND_AUTO, "", GUID_DISK_SECRET,
		  VOLUME_OPTION_NO_WRITE_WORKQUEUE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct volume_conf *v = &conf.volumes[0];

		if (!ok(parse(cases[i].line) == 0 && conf.nr_volumes == 1, "good: %.60s",
			cases[i].line))
			continue;
		is_str(v->name, cases[i].name, "its name");
		is_int(v->device.kind, cases[i].kind, "the kind of its device");
		is_str(v->device.value, cases[i].value, "its device");
		is_str(v->secret.guid, cases[i].guid, "its GUID");
		is_int(v->options, cases[i].options, "its options");
	}
}

static void test_bad(void)
{
#define NO_DEVICE(word) \
	"TAB:1: device '" word "' is not auto, UUID=, PARTUUID=, LABEL= or a path in /dev"
#define NO_UUID(word) \
	"TAB:1: device 'UUID=" word "' is no UUID such as `cryptsetup luksUUID` prints"
#define NO_PARTUUID(word)                                                  \
	"TAB:1: device 'PARTUUID=" word "' is no UUID of a partition, as " \
	"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee or, with an MBR, 01234567-02"
#define NO_LABEL(word)                                                                      \
	"TAB:1: device 'LABEL=" word "' is no label: a LUKS2 header has 1 to 47 printable " \
	"characters, and no blank at the end"
#define ESCAPE(word)                 \
	"TAB:1: device 'LABEL=" word \
	"' has a backslash that begins none of \\040, \\x20, \\\\ and \\'"
	/* clang-format off */
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{ "", "TAB: lists no volume" },
		{ "# root auto\n\n \t\n", "TAB: lists no volume" },
		{ "root", "TAB:1: expected: volume device secret options" },
		{ "root auto - - -", "TAB:1: unexpected fifth column '-'" },
		{ "root auto - - # why", "TAB:1: unexpected fifth column '#'" },
		{ "../x auto", "TAB:1: '../x' is no name for a mapping" },
		{ "a/b auto", "TAB:1: 'a/b' is no name for a mapping" },
		{ ".. auto", "TAB:1: '..' is no name for a mapping" },
		{ "-a auto", "TAB:1: '-a' is no name for a mapping" },
		{ "control auto", "TAB:1: 'control' is no name for a mapping" },
		{ "a%20b auto", "TAB:1: 'a%20b' is no name for a mapping" },
		{ NAME_OF_63 "4 auto", "TAB:1: '" NAME_OF_63 "4' is no name for a mapping" },
		{ "a AUTO", NO_DEVICE("AUTO") },
		{ "a vda", NO_DEVICE("vda") },
		{ "a /etc/shadow", NO_DEVICE("/etc/shadow") },
		{ "a /dev/../etc/shadow", NO_DEVICE("/dev/../etc/shadow") },
		{ "a /devious", NO_DEVICE("/devious") },
		{ "a /dev/", NO_DEVICE("/dev/") },
		{ "a /dev/mapper/", NO_DEVICE("/dev/mapper/") },
		{ "a /dev/mapper/.", NO_DEVICE("/dev/mapper/.") },
		{ "a /dev/mapper/..", NO_DEVICE("/dev/mapper/..") },
		{ "a \"\"", NO_DEVICE("") },
		{ "a UUID=", NO_UUID("") },
		{ "a UUID=LABEL=x", NO_UUID("LABEL=x") },
		{ "a UUID=aaaaaaaa-0000-4000-8000-00000000000", NO_UUID("aaaaaaaa-0000-4000-8000-00000000000") },
		{ "a UUID=aaaaaaaa-0000-4000-8000-00000000000g", NO_UUID("aaaaaaaa-0000-4000-8000-00000000000g") },
		{ "a UUID=aaaaaaaa-0000-4000-8000-0000000000000", NO_UUID("aaaaaaaa-0000-4000-8000-0000000000000") },
		{ "a UUID=aaaaaaaa000040008000000000000000", NO_UUID("aaaaaaaa000040008000000000000000") },
		{ "a PARTUUID=", NO_PARTUUID("") },
		{ "a PARTUUID=01234567", NO_PARTUUID("01234567") },
		{ "a PARTUUID=01234567-", NO_PARTUUID("01234567-") },
		{ "a PARTUUID=012345678-01", NO_PARTUUID("012345678-01") },
		{ "a PARTUUID=01234567-0001", NO_PARTUUID("01234567-0001") },
		{ "a PARTUUID=01234567-0x", NO_PARTUUID("01234567-0x") },
		{ "a LABEL=", NO_LABEL("") },
		{ "a LABEL=\"\"", NO_LABEL("") },
		{ "a LABEL=" LABEL_OF_47 "x", NO_LABEL(LABEL_OF_47 "x") },
		{ "a LABEL=x\\040", NO_LABEL("x ") },
		{ "a LABEL=\"x \"", NO_LABEL("x ") },
		{ "a LABEL=x\\011y", NO_LABEL("x?y") },
		{ "a LABEL=\xc3\xa4", NO_LABEL("??") },
		{ "a LABEL=\"my root - -", "TAB:1: device 'LABEL='my root - -' has a quote that is not closed" },
		{ "a LABEL=x\\", ESCAPE("x\\") },
		{ "a LABEL=x\\4", ESCAPE("x\\4") },
		{ "a LABEL=x\\049", ESCAPE("x\\049") },
		{ "a LABEL=x\\400", ESCAPE("x\\400") },
		{ "a LABEL=x\\000", ESCAPE("x\\000") },
		{ "a LABEL=x\\x2", ESCAPE("x\\x2") },
		{ "a LABEL=x\\n", ESCAPE("x\\n") },
		{ "a LABEL=my root", "TAB:1: 'root' is no GUID" },
		{ "a uuid=x", NO_DEVICE("uuid=x") },
		{ "a PARTLABEL=x", NO_DEVICE("PARTLABEL=x") },
		{ "a ID=x", NO_DEVICE("ID=x") },
		{ "a auto luks-key", "TAB:1: 'luks-key' is no GUID" },
		{ "a auto /path/to/key", "TAB:1: '/path/to/key' is no GUID" },
		{ "a auto - discard", "TAB:1: unknown option 'discard'" },
		{ "a auto - read-only,x", "TAB:1: unknown option 'x'" },
		{ "a auto - x,read-only", "TAB:1: unknown option 'x'" },
		{ "a auto - allow-discard", "TAB:1: unknown option 'allow-discard'" },
		{ "a auto - integrity", "TAB:1: unknown option 'integrity'" },
		{ "a auto - integrity=", "TAB:1: unknown option 'integrity='" },
		{ "a auto - integrity=none", "TAB:1: unknown option 'integrity=none'" },
		{ "a auto - integrity=hmac-sha512", "TAB:1: unknown option 'integrity=hmac-sha512'" },
		{ "a auto - allow-discards,integrity=hmac-sha256",
		  "TAB:1: allow-discards does not go with integrity=" },
		{ "a auto - integrity=hmac-sha256,allow-discards",
		  "TAB:1: allow-discards does not go with integrity=" },
		{ "a auto - token", "TAB:1: unknown option 'token'" },
		{ "a auto - token=",
		  "TAB:1: 'token=': not the type of a token, or more than 4 of them" },
		{ "a auto - token=a\"b",
		  "TAB:1: 'token=a'b': not the type of a token, or more than 4 of them" },
		{ "a auto - token=" NAME_OF_63 "4", "TAB:1: 'token=" NAME_OF_63
						   "4': not the type of a token, or more than 4 of them" },
		{ "a auto - token=a,token=b,token=c,token=d,token=e",
		  "TAB:1: 'token=e': not the type of a token, or more than 4 of them" },
		{ "a auto - readonly", "TAB:1: unknown option 'readonly'" },
		{ "a auto - Read-Only", "TAB:1: unknown option 'Read-Only'" },
		{ "a auto - \x1b[1m", "TAB:1: unknown option '?[1m'" },
		{ "# c\n\na /dev/vda\nb /dev/vdb\na /dev/vdc\n", "TAB:5: volume 'a' is listed twice" },
		{ "a /dev/vda\nb auto\n",
		  "TAB: volume 'b' has device auto, which works for a single volume only" },
		{ "a auto\nb LABEL=b\n",
		  "TAB: volume 'a' has device auto, which works for a single volume only" },
		{ "a auto - Root", "TAB:1: unknown option 'Root'" },
		{ "a auto - root=yes", "TAB:1: unknown option 'root=yes'" },
		{ "a /dev/vda - root\n\nb /dev/vdb - read-only,root\n",
		  "TAB:3: a second volume with the option 'root'" },
		{ "a auto\nb\n", "TAB:2: expected: volume device secret options" },
	};
	/* clang-format on */
	char text[1024] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		is_int(parse(cases[i].text), -EINVAL, "refused: %s", cases[i].reason);
		is_int(f.code, EXITCODE_CONFIG, "with the exit code of the configuration");
		is_str(f.why, cases[i].reason, "and this reason");
	}
	ok(parse("a /dev/" LABEL_OF_255) == -EINVAL && f.code == EXITCODE_CONFIG,
	   "a device of 256 bytes is refused");
	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		text_append(text, sizeof(text), "v%zu /dev/vd%c\n", i, (char)('a' + i));
	is_int(parse(text), 0, "16 volumes");
	ok(conf.nr_volumes == 16 && strcmp(conf.volumes[15].device.value, "/dev/vdp") == 0,
	   "in the order of the lines");
	text_append(text, sizeof(text), "v16 /dev/vdq\n");
	is_int(parse(text), -EINVAL, "17 volumes");
	is_str(f.why, "TAB:17: more than 16 volumes", "its reason");
}

static void test_tokens(void)
{
	const struct name_list *tokens = &conf.volumes[0].tokens;

	ok(parse("a auto - token=x,read-only,token=systemd-tpm2,token=Y_.1,token=" NAME_OF_63) ==
			   0 &&
		   tokens->nr == 4,
	   "four types of tokens");
	is_str(tokens->names[0], "x", "the first");
	is_str(tokens->names[1], "systemd-tpm2", "the second");
	is_str(tokens->names[3], NAME_OF_63, "the longest");
	is_int(conf.volumes[0].options, VOLUME_OPTION_READ_ONLY, "and the option between them");
	(void)parse("a /dev/vda - token=x\nb /dev/vdb\n");
	is_int(conf.volumes[1].tokens.nr, 0, "another volume has none of them");
}

static void test_metadata_size(void)
{
	static const struct {
		const char *value;
		uint32_t size; /* 0: an error */
	} cases[] = {
		{ "16k", 16384 },
		{ "32k", 32768 },
		{ "64k", 65536 },
		{ "128k", 131072 },
		{ "256k", 262144 },
		{ "512k", 524288 },
		{ "1m", 1048576 },
		{ "2m", 2097152 },
		{ "4m", 4194304 },
		{ "2M", 2097152 },
		{ "64K", 65536 },
		{ "2048k", 2097152 },
		{ "16384", 16384 },
		{ "4194304", 4194304 },
		{ "", 0 },
		{ "k", 0 },
		{ "0", 0 },
		{ "0k", 0 },
		{ "8k", 0 },
		{ "15k", 0 },
		{ "17k", 0 },
		{ "48k", 0 },
		{ "3m", 0 },
		{ "8m", 0 },
		{ "16", 0 },
		{ "16kb", 0 },
		{ "16KiB", 0 },
		{ "1g", 0 },
		{ "-16k", 0 },
		{ "+16k", 0 },
		{ "16 k", 0 },
		{ "0x4000", 0 },
		{ "16384.", 0 },
		{ "4294983680", 0 },
		{ "4194304m", 0 },
		{ "4294967296m", 0 },
		{ "99999999999999999999k", 0 },
		{ "16k,metadata-size=16k", 0 },
	};
	char text[128];
	size_t i;
	int r;

	conf_defaults(&conf);
	is_int(conf.volumes[0].metadata_size, 16384, "without a cocotab it is 16 KiB");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)snprintf(text, sizeof(text), "a auto - read-only,metadata-size=%s",
			       cases[i].value);
		r = parse(text);
		ok(cases[i].size ? r == 0 && conf.volumes[0].metadata_size == cases[i].size :
				   r == -EINVAL && f.code == EXITCODE_CONFIG,
		   "metadata-size=%s: %s", cases[i].value, r < 0 ? f.why : "taken");
	}
	(void)parse("a /dev/vda - metadata-size=2m\nb /dev/vdb\n");
	is_int(conf.volumes[1].metadata_size, 16384, "another volume has the default");
}

/* The option, else the name, else the first line. */
static void test_root(void)
{
	static const struct {
		const char *text;
		size_t volume;
	} cases[] = {
		{ "a auto", 0 },
		{ "root auto", 0 },
		{ "a /dev/a\nb /dev/b\n", 0 },
		{ "a /dev/a\nroot /dev/b\nc /dev/c\n", 1 },
		{ "a /dev/a\nRoot /dev/b\nroot2 /dev/c\n", 0 },
		{ "root /dev/a\nb /dev/b\n", 0 },
		{ "root /dev/a\nb /dev/b\nc /dev/c - read-only,root\n", 2 },
		{ "a /dev/a - root\nroot /dev/b\n", 0 },
		{ "a /dev/a - root,root\nb /dev/b\n", 0 },
	};
	size_t i;

	conf_defaults(&conf);
	is_int(conf.root_volume, 0, "without a cocotab it is the only volume");
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ok(parse(cases[i].text) == 0 && conf.root_volume == cases[i].volume,
		   "the root of table %zu is on volume %zu", i, cases[i].volume);
	(void)parse("a /dev/a\nroot /dev/b\n");
	f = (struct fault){ 0 };
	ok(cocotab_parse(&conf, (char[]){ "x auto\n" }, "TAB", &f) == 0 && conf.root_volume == 0,
	   "a second table leaves nothing of the first");
}

int main(void)
{
	test_good();
	test_tokens();
	test_metadata_size();
	test_root();
	test_bad();
	is_str(devicespec_prefix(DEVICE_KIND_UUID), "UUID=", "prefix: UUID");
	is_str(devicespec_prefix(DEVICE_KIND_PARTUUID), "PARTUUID=", "prefix: PARTUUID");
	is_str(devicespec_prefix(DEVICE_KIND_LABEL), "LABEL=", "prefix: LABEL");
	is_str(devicespec_prefix(DEVICE_KIND_PATH), "", "prefix: path");
	is_str(devicespec_prefix(DEVICE_KIND_AUTO), "", "prefix: auto");
	return tap_done();
}
