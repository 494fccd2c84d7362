/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mapping.c - the live table is what was asked for, in each of its words, or the mapping
 * differs and it is said in what. The device mapper is a fake; the disk is a file that looks
 * like a block device.
 */
#include "volume/mapping.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "fake_dm.h"

#define UUID "abcdef01-2345-4678-89ab-cdef01234567"
#define DM_UUID "CRYPT-LUKS2-abcdef012345467889abcdef01234567-root"
#define KEY ":64:logon:cryptsetup:" UUID "-d0"
#define CRYPT "aes-xts-plain64 " KEY " 0 8:17 2048"
#define DISK_SIZE (64 * 1024 * 1024)
#define SECTORS (DISK_SIZE / 512 - 2048)

static struct fixture fx;
static struct volume_conf vc;
static struct verdict verdict;
static struct device device;
static struct mapping mapping;
static struct fault f;
static mode_t disk_type;
static int fstat_error;

int fstat(int fd, struct stat *st)
{
	if (fstat_error) {
		errno = fstat_error;
		return -1;
	}
	FIXTURE_MUST(fstatat(fd, "", st, AT_EMPTY_PATH) == 0);
	if (fd == device.fd) {
		st->st_mode = disk_type | 0600;
		st->st_rdev = makedev(8, 17);
	}
	return 0;
}

static unsigned int calls;

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	FIXTURE_MUST(fd >= 0);
	calls++;
	return fake_dm_ioctl(request, arg);
}

static void begin(const char *params)
{
	vc = (struct volume_conf){ .name = "root" };
	verdict = (struct verdict){ .uuid = UUID,
				    .cipher = "aes-xts-plain64",
				    .data_offset = 1048576,
				    .sector_size = 512,
				    .volume_key_size = 64 };
	device.size = DISK_SIZE;
	disk_type = S_IFBLK;
	fstat_error = 0;
	f = (struct fault){ 0 };
	fake_dm_reset();
	(void)fake_dm_add("root", DM_UUID, "crypt", SECTORS, params);
}

/* "same", or what differs. */
static const char *check(void)
{
	static char what[FAULT_WHY_MAX];
	struct mapping untouched;
	const char *at;
	int r;

	f = (struct fault){ 0 };
	memset(&mapping, 0xaa, sizeof(mapping));
	untouched = mapping;
	r = mapping_check(&fx.root, &vc, &verdict, &device, &mapping, &f);
	if (r == 0)
		return f.code == EXITCODE_OK ? "same" : "contradiction";
	if (f.code != EXITCODE_MAPPING_DIFFERS ||
	    memcmp(&mapping, &untouched, sizeof(mapping)) != 0)
		return "contradiction";
	at = strstr(f.why, "' is not what was asked for: ");
	at = at ? at + strlen("' is not what was asked for: ") : f.why;
	(void)snprintf(what, sizeof(what), "%s", at);
	return what;
}

static void test_params(void)
{
	/* clang-format off */
	static const struct {
		const char *params, *what;
	} cases[] = {
		{ CRYPT, "same" },
		{ CRYPT " 0", "same" },
		{ "", "the cipher differs" },
		{ "aes-xts-plain64", "the key differs" },
		{ "aes-xts-plain64be " KEY " 0 8:17 2048", "the cipher differs" },
		{ "aes-xts-plain " KEY " 0 8:17 2048", "the cipher differs" },
		{ "cipher_null-ecb - 0 8:17 2048", "the cipher differs" },
		{ "capi:xts(aes)-plain64 " KEY " 0 8:17 2048", "the cipher differs" },
		{ "aes-xts-plain64 :32:logon:cryptsetup:" UUID "-d0 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 :64:user:cryptsetup:" UUID "-d0 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 :64:logon:cryptsetup:" UUID "-d1 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 :64:logon:cryptsetup:" UUID " 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 :64:logon:other:" UUID "-d0 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 :64:logon:cryptsetup:bbcdef01-2345-4678-89ab-cdef01234567-d0 0 8:17 2048",
		  "the key differs" },
		/* a key that is not in the keyring is there for everybody to read */
		{ "aes-xts-plain64 000102030405060708090a0b0c0d0e0f 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 - 0 8:17 2048", "the key differs" },
		{ "aes-xts-plain64 " KEY " 1 8:17 2048", "the IV offset differs" },
		{ "aes-xts-plain64 " KEY " 00 8:17 2048", "the IV offset differs" },
		{ "aes-xts-plain64 " KEY, "the IV offset differs" },
		{ "aes-xts-plain64 " KEY " 0 8:18 2048", "the device differs" },
		{ "aes-xts-plain64 " KEY " 0 9:17 2048", "the device differs" },
		{ "aes-xts-plain64 " KEY " 0 /dev/sdb1 2048", "the device differs" },
		{ "aes-xts-plain64 " KEY " 0", "the device differs" },
		{ "aes-xts-plain64 " KEY " 0 8:17 2047", "the offset differs" },
		{ "aes-xts-plain64 " KEY " 0 8:17 4096", "the offset differs" },
		{ "aes-xts-plain64 " KEY " 0 8:17 0", "the offset differs" },
		{ "aes-xts-plain64 " KEY " 0 8:17", "the offset differs" },
		{ CRYPT " 1", "an option differs" },
		{ CRYPT " 1 allow_discards", "an option differs" },
		{ CRYPT " 0 allow_discards", "an option differs" },
		{ CRYPT " allow_discards", "an option differs" },
		{ CRYPT " 1 same_cpu_crypt", "an option differs" },
		{ CRYPT " 1 sector_size:512", "an option differs" },
		{ CRYPT " 1 sector_size:4096", "an option differs" },
		{ CRYPT " 1 iv_large_sectors", "an option differs" },
		{ CRYPT " 1 integrity:32:aead", "an option differs" },
		{ CRYPT " 17 a b", "an option differs" },
		{ CRYPT " x", "an option differs" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(cases[i].params);
		is_str(check(), cases[i].what, "table: %s", cases[i].params);
	}
	begin(CRYPT);
	is_str(check(), "same", "the mapping");
	ok(mapping.dev == makedev(252, 0) && mapping.length == SECTORS && mapping.start == 0 &&
		   mapping.nr_targets == 1 && !mapping.read_only && !mapping.suspended_or_pending,
	   "is told with its number and size");
	ok(strcmp(mapping.uuid, DM_UUID) == 0 && strcmp(mapping.type, "crypt") == 0 &&
		   strcmp(mapping.params, CRYPT) == 0,
	   "and with its texts");
}

#define ALL                                                                       \
	(VOLUME_OPTION_ALLOW_DISCARDS | VOLUME_OPTION_SAME_CPU_CRYPT |            \
	 VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS | VOLUME_OPTION_NO_READ_WORKQUEUE | \
	 VOLUME_OPTION_NO_WRITE_WORKQUEUE)

static void test_options(void)
{
	/* clang-format off */
	static const struct {
		unsigned int options, sector_size;
		const char *words;
		bool same;
	} cases[] = {
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "1 allow_discards", true },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "", false },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "0", false },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "1", false },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "2 allow_discards", false },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "2 allow_discards allow_discards", false },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "1 allow_discards same_cpu_crypt", false },
		{ VOLUME_OPTION_ALLOW_DISCARDS, 512, "1 allow_discard", false },
		{ VOLUME_OPTION_SAME_CPU_CRYPT, 512, "1 same_cpu_crypt", true },
		{ VOLUME_OPTION_SUBMIT_FROM_CRYPT_CPUS, 512, "1 submit_from_crypt_cpus", true },
		{ VOLUME_OPTION_NO_READ_WORKQUEUE, 512, "1 no_read_workqueue", true },
		{ VOLUME_OPTION_NO_WRITE_WORKQUEUE, 512, "1 no_write_workqueue", true },
		{ VOLUME_OPTION_NO_WRITE_WORKQUEUE, 512, "1 no_read_workqueue", false },
		{ 0, 4096, "1 sector_size:4096", true },
		{ 0, 4096, "", false },
		{ 0, 4096, "1 sector_size:512", false },
		{ 0, 4096, "2 sector_size:4096 iv_large_sectors", false },
		{ ALL, 4096,
		  "6 no_write_workqueue sector_size:4096 allow_discards submit_from_crypt_cpus "
		  "same_cpu_crypt no_read_workqueue", true },
		{ ALL, 4096,
		  "6 no_write_workqueue sector_size:4096 allow_discards submit_from_crypt_cpus "
		  "same_cpu_crypt same_cpu_crypt", false },
		{ ALL, 512,
		  "6 no_write_workqueue sector_size:4096 allow_discards submit_from_crypt_cpus "
		  "same_cpu_crypt no_read_workqueue", false },
	};
	/* clang-format on */
	char params[512];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)snprintf(params, sizeof(params), "%s %s", CRYPT, cases[i].words);
		begin(params);
		vc.options = cases[i].options;
		verdict.sector_size = cases[i].sector_size;
		is_str(check(), cases[i].same ? "same" : "an option differs",
		       "options %x, sectors of %u: %s", cases[i].options, cases[i].sector_size,
		       cases[i].words);
	}
}

#define DIFFERS(what, change)                   \
	do {                                    \
		begin(CRYPT);                   \
		change;                         \
		is_str(check(), what, #change); \
	} while (0)

static void test_table(void)
{
	struct fake_dm *dm = &fake_dm[0];

	DIFFERS("the number of targets differs", dm->nr_targets = 2);
	DIFFERS("the number of targets differs", dm->nr_targets = 0);
	DIFFERS("the number of targets differs", dm->start = 8);
	DIFFERS("the target's type differs", strcpy(dm->type, "linear"));
	DIFFERS("the target's type differs", strcpy(dm->type, "crypt2"));
	DIFFERS("the target's type differs", strcpy(dm->type, "cryp"));
	DIFFERS("the size differs", dm->length = SECTORS - 1);
	DIFFERS("the size differs", dm->length = SECTORS + 1);
	DIFFERS("the size differs", device.size += 512);
	DIFFERS("the UUID differs", dm->uuid[0] = '\0');
	DIFFERS("the UUID differs", dm->uuid[12] ^= 1);
	DIFFERS("the UUID differs", strcpy(dm->uuid, "CRYPT-PLAIN-root"));
	DIFFERS("the UUID differs", strcat(dm->uuid, "x"));
	DIFFERS("the UUID differs", memset(dm->uuid, 'x', sizeof(dm->uuid)));
	DIFFERS("the access mode differs", dm->flags |= DM_READONLY_FLAG);
	DIFFERS("the access mode differs", vc.options = VOLUME_OPTION_READ_ONLY);
	DIFFERS("same", (dm->flags |= DM_READONLY_FLAG, vc.options = VOLUME_OPTION_READ_ONLY));
	DIFFERS("its state differs", dm->flags |= DM_SUSPEND_FLAG);
	DIFFERS("its state differs", dm->flags |= DM_INACTIVE_PRESENT_FLAG);
	DIFFERS("the device differs", disk_type = S_IFREG);
	DIFFERS("the device differs", disk_type = S_IFCHR);
	DIFFERS("the device differs", fstat_error = EIO);
	DIFFERS("the live mapping 'root' cannot be read back: No such device or address",
		dm->name[0] = '\0');
	DIFFERS("the live mapping 'root' cannot be read back: Input/output error",
		fake_dm_error = EIO);
	DIFFERS("the live mapping 'root' cannot be read back: Argument list too long",
		memset(dm->params, 'a', MAPPING_PARAMS_SIZE));
	DIFFERS("the live mapping 'root' cannot be read back: Input/output error",
		memset(dm->type, 'x', sizeof(dm->type)));
	DIFFERS("the cipher differs", memset(dm->params, 'a', MAPPING_PARAMS_SIZE - 1));
	/* A second UUID with the first one's digits in another place. */
	DIFFERS("the key differs", strcpy(verdict.uuid, "abcdef0123-45-4678-89ab-cdef01234567"));
}

/* More targets than the buffer has room for: the kernel says so. */
static void test_too_large(void)
{
	char name[DM_NAME_LEN + 1];

	begin(CRYPT);
	memset(fake_dm[0].params, 'a', 1000);
	is_str(check(), "the live mapping 'root' cannot be read back: Argument list too long",
	       "parameters of a kilobyte");
	memset(fake_dm[0].params, 'a', 5000);
	is_str(check(), "the live mapping 'root' cannot be read back: Argument list too long",
	       "more than the buffer takes");
	memset(vc.name, 'x', sizeof(vc.name) - 1);
	is_int(mapping_read(&fx.root, vc.name, &mapping), -ENXIO, "a name of 63 bytes fits");
	memset(name, 'x', DM_NAME_LEN);
	name[DM_NAME_LEN] = '\0';
	calls = 0;
	ok(mapping_read(&fx.root, name, &mapping) == -ENAMETOOLONG && calls == 0,
	   "one that the device mapper has no room for is not asked for");
	fixture_unlink(&fx, PATH_DM_CONTROL);
	begin(CRYPT);
	is_str(check(), "the live mapping 'root' cannot be read back: No such file or directory",
	       "no device mapper");
	fixture_text(&fx, PATH_DM_CONTROL, "");
}

#define HMAC_CRYPT                                                                                \
	"capi:authenc(hmac(sha256),xts(aes))-plain64 :96:logon:cryptsetup:" UUID "-d0 0 252:1 0 " \
	"1 integrity:32:aead"
#define DIF                                                                                 \
	"8:17 2048 32 J 6 interleave_sectors:32768 buffer_sectors:128 journal_sectors:864 " \
	"journal_watermark:50 commit_time:10000 fix_padding"
#define DIF_SECTORS 120000

static void begin_integrity(const char *params)
{
	begin(HMAC_CRYPT);
	vc.options = VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	verdict.integrity = true;
	verdict.volume_key_size = 96;
	fake_dm[0].length = DIF_SECTORS;
	(void)fake_dm_add("root_dif", "CRYPT-SUBDEV-abcdef012345467889abcdef01234567-root_dif",
			  "integrity", DIF_SECTORS, params);
}

#define DIF_DIFFERS(what, change)               \
	do {                                    \
		begin_integrity(DIF);           \
		change;                         \
		is_str(check(), what, #change); \
	} while (0)

static void test_integrity(void)
{
	static const struct {
		const char *params, *what;
	} cases[] = {
		{ DIF, "same" },
		{ "8:17 2048 32 J 0", "same" },
		{ "8:17 2048 32 J 1 fix_hmac", "same" },
		{ "8:17 2048 32 J 1 block_size:4096", "same" },
		{ "", "the device differs" },
		{ "8:18 2048 32 J 0", "the device differs" },
		{ "252:0 2048 32 J 0", "the device differs" },
		{ "8:17 0 32 J 0", "offset, tag size or mode differs" },
		{ "8:17 2048 4 J 0", "offset, tag size or mode differs" },
		{ "8:17 2048 - J 0", "offset, tag size or mode differs" },
		{ "8:17 2048 32 D 0", "offset, tag size or mode differs" }, /* no journal */
		{ "8:17 2048 32 B 0", "offset, tag size or mode differs" }, /* bitmap */
		{ "8:17 2048 32 R 0", "offset, tag size or mode differs" }, /* recovery: no check */
		{ "8:17 2048 32", "offset, tag size or mode differs" },
		{ "8:17 2048 32 J 1 meta_device:8:18", "an option differs" },
		{ "8:17 2048 32 J 1 internal_hash:crc32c", "an option differs" },
		{ "8:17 2048 32 J 1 allow_discards", "an option differs" },
		{ "8:17 2048 32 J 1 recalculate", "an option differs" },
		{ "8:17 2048 32 J 1 legacy_recalculate", "an option differs" },
		{ "8:17 2048 32 J 1 reset_recalculate", "an option differs" },
		{ "8:17 2048 32 J 1 journal_crypt:ctr(aes):0102", "an option differs" },
		{ "8:17 2048 32 J 2 fix_padding other", "an option differs" },
	};
	struct fake_dm *crypt = &fake_dm[0], *dif = &fake_dm[1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin_integrity(cases[i].params);
		is_str(check(), cases[i].what, "below: %s", cases[i].params);
	}
	DIF_DIFFERS("the size differs", crypt->length = DIF_SECTORS - 8);
	DIF_DIFFERS("the size differs", crypt->length = DIF_SECTORS + 8);
	DIF_DIFFERS("the size differs", (dif->length = SECTORS + 8, crypt->length = SECTORS + 8));
	DIF_DIFFERS("the target differs", dif->nr_targets = 2);
	DIF_DIFFERS("the target differs", dif->start = 8);
	DIF_DIFFERS("the target differs", strcpy(dif->type, "linear"));
	DIF_DIFFERS("its state differs", dif->flags |= DM_SUSPEND_FLAG);
	DIF_DIFFERS("its state differs", dif->flags |= DM_INACTIVE_PRESENT_FLAG);
	DIF_DIFFERS("its state differs", crypt->flags |= DM_SUSPEND_FLAG);
	DIF_DIFFERS("the live mapping 'root_dif' cannot be read back: No such device or address",
		    strcpy(dif->name, "other"));
	DIF_DIFFERS("the device differs", dif->minor = 2); /* crypt is not above it */
	DIF_DIFFERS("the device differs",
		    strcpy(crypt->params,
			   "capi:authenc(hmac(sha256),xts(aes))-plain64 :96:logon:cryptsetup:" UUID
			   "-d0 0 8:17 2048 1 integrity:32:aead"));
	DIF_DIFFERS("the cipher differs",
		    strcpy(crypt->params, "aes-xts-plain64 :96:logon:cryptsetup:" UUID
					  "-d0 0 252:1 0 1 integrity:32:aead"));
	DIF_DIFFERS("an option differs",
		    strcpy(strstr(crypt->params, "integrity:32"), "integrity:32:none"));
	DIF_DIFFERS("an option differs", *strstr(crypt->params, " 1 integrity") = '\0');
	DIF_DIFFERS("the cipher differs", strcpy(verdict.cipher, "aes-xts"));
	begin_integrity(DIF);
	verdict.integrity = false;
	is_str(check(), "the size differs", "integrity that nobody has asked for");
}

/* Numbers of devices with all bits that the kernel packs. */
static void test_dev(void)
{
	begin(CRYPT);
	fake_dm[0].major = 0xabc;
	fake_dm[0].minor = 0x12345;
	is_str(check(), "same", "a large number");
	ok(mapping.dev == makedev(0xabc, 0x12345), "is unpacked");
}

int main(void)
{
	unsigned int fds;

	fixture_init(&fx);
	fixture_text(&fx, PATH_DM_CONTROL, "");
	fixture_text(&fx, "/disk", "");
	device.fd = open(fixture_path(&fx, "/disk"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(device.fd >= 0);
	fds = fixture_fds();
	test_params();
	test_options();
	test_table();
	test_too_large();
	test_integrity();
	test_dev();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	fixture_done(&fx);
	return tap_done();
}
