/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.c - the launch digest: what goes into it, in which order, and what is refused.
 */
#include "owner/launch/launch.h"

#include "bytes.h"
#include "fixture.h"

#define FIRMWARE_SIZE 4096

static struct fixture fx;
static char paths[8][512];
static unsigned char firmware[FIRMWARE_SIZE], vmsa0[LAUNCH_VMSA_SIZE], vmsa1[LAUNCH_VMSA_SIZE];

/* Kernel "kernel", initrd "initrd", command line "a b" and its NUL: SHA-256 of each. */
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NUL_HASH "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
#define TABLE_HEAD "06d63894224fc94cb479a793d411fd21a800"
#define APPEND_HEAD "d82dd097 20bd 944c aa78e7714d36ab2a 3200"
#define INITRD_HEAD "31f7ba44 2f3a d74b 9af141e29169781d 3200"
#define KERNEL_HEAD "3794e74d d2ab 7f42 b835d5b172d2045b 3200"

static const char *file(unsigned int slot, const char *name, const void *data, size_t len)
{
	fixture_put(&fx, name, data, len);
	(void)snprintf(paths[slot], sizeof(paths[slot]), "%s", fixture_path(&fx, name));
	return paths[slot];
}

/* An image whose reset vector has a place for hashes, or not. */
static const char *put_firmware(unsigned int slot, const char *name, bool hashes)
{
	unsigned char *p = firmware + FIRMWARE_SIZE - 32 - 18;

	memset(firmware, 0x5a, sizeof(firmware));
	(void)bytes_from_hex("1200de82b596b21ff745baeaa366c55a082d", p, 18);
	if (hashes) {
		p[0] = 18 + 26;
		(void)bytes_from_hex("000c8100000400001a001f3755723b3a044b927b1da6efa8d454", p - 26,
				     26);
	}
	return file(slot, name, firmware, sizeof(firmware));
}

static const char *hash_hex(const void *data, size_t len)
{
	static struct digest digest;

	FIXTURE_MUST(digest_sha256(data, len, &digest) == 0);
	return bytes_hex(digest.octets, DIGEST_SIZE);
}

static void test_hashes(void)
{
	const char *kernel = file(0, "/kernel", "kernel", 6),
		   *initrd = file(1, "/initrd", "initrd", 6);
	unsigned char table[LAUNCH_HASHES_SIZE];
	struct fault f = { 0 };
	char want[600];

	is_int(launch_hashes(kernel, NULL, NULL, table, &f), 0, "hashes: of a kernel alone");
	(void)snprintf(want, sizeof(want), "%s%s%s%s%s%s%s%s", TABLE_HEAD, APPEND_HEAD, NUL_HASH,
		       INITRD_HEAD, EMPTY_HASH, KERNEL_HEAD, hash_hex("kernel", 6),
		       "0000000000000000");
	FIXTURE_MUST(bytes_from_hex(want, vmsa0, sizeof(vmsa0)) == LAUNCH_HASHES_SIZE);
	is_str(bytes_hex(table, sizeof(table)), bytes_hex(vmsa0, LAUNCH_HASHES_SIZE),
	       "hashes: no command line is one NUL, no initrd is nothing, 8 bytes of padding");
	is_int(launch_hashes(kernel, initrd, "a b", table, &f), 0, "hashes: of all three");
	is_str(bytes_hex(table + 36, 32), hash_hex("a b", 4),
	       "hashes: the command line has its NUL");
	is_str(bytes_hex(table + 86, 32), hash_hex("initrd", 6), "hashes: the initrd");
	is_str(bytes_hex(table + 136, 32), hash_hex("kernel", 6), "hashes: the kernel");
	is_int(launch_hashes(kernel, initrd, "", table, &f), 0, "hashes: an empty command line");
	is_str(bytes_hex(table + 36, 32), NUL_HASH, "... is as none");
	is_int(launch_hashes(kernel, "/nonexistent", "", table, &f), -EIO,
	       "hashes: no such initrd");
	ok(strcmp(f.what, "/nonexistent") == 0 && f.code == EXITCODE_IO, "... is named");
}

/* The digest of parts, one behind the other. */
static const char *want_digest(const void *const parts[], const size_t sizes[], size_t nr)
{
	static unsigned char all[65536];
	size_t i, len = 0;

	for (i = 0; i < nr; i++) {
		memcpy(all + len, parts[i], sizes[i]);
		len += sizes[i];
	}
	return hash_hex(all, len);
}

static void is_digest(const struct launch_inputs *in, const char *want, const char *what)
{
	struct fault f = { 0 };
	struct digest digest;
	int r = launch_digest(in, &digest, &f);

	is_str(r == 0 ? bytes_hex(digest.octets, DIGEST_SIZE) : f.why, want, "digest: %s", what);
}

static void test_digest(void)
{
	struct launch_inputs in = { .firmware = put_firmware(2, "/fd", true) };
	unsigned char table[LAUNCH_HASHES_SIZE];
	const void *const sev[] = { firmware, table };
	const void *const es[] = { firmware, table, vmsa0, vmsa1, vmsa1 };
	const void *const bare[] = { firmware, vmsa0, vmsa1 };
	const size_t sizes[] = { FIRMWARE_SIZE, LAUNCH_HASHES_SIZE, 4096, 4096, 4096 };
	const size_t bare_sizes[] = { FIRMWARE_SIZE, 4096, 4096 };
	struct fault f = { 0 };

	memset(vmsa0, 0x11, sizeof(vmsa0));
	memset(vmsa1, 0x22, sizeof(vmsa1));
	is_digest(&in, want_digest(sev, sizes, 1), "of the firmware");
	in.kernel = file(0, "/kernel", "kernel", 6);
	in.initrd = file(1, "/initrd", "initrd", 6);
	in.append = "a b";
	is_int(launch_hashes(in.kernel, in.initrd, in.append, table, &f), 0, "digest: hashes");
	is_digest(&in, want_digest(sev, sizes, 2), "and of the hashes, with their padding");
	in.policy = LAUNCH_POLICY_ES | 1;
	in.vmsas[in.nr_vmsas++] = file(3, "/vmsa0", vmsa0, sizeof(vmsa0));
	is_digest(&in, want_digest(es, sizes, 3), "and of one processor");
	in.vmsas[in.nr_vmsas++] = file(4, "/vmsa1", vmsa1, sizeof(vmsa1));
	is_digest(&in, want_digest(es, sizes, 4), "and of two");
	in.nr_cpus = 3;
	is_digest(&in, want_digest(es, sizes, 5), "and of a third one, which is like the second");
	in.nr_cpus = 0;
	in.vmsas[in.nr_vmsas++] = paths[4];
	is_digest(&in, want_digest(es, sizes, 5), "... which may also be given");
	in.kernel = NULL;
	in.nr_vmsas = 2;
	is_digest(&in, want_digest(bare, bare_sizes, 3), "of firmware and processors alone");
}

static void refuses(const struct launch_inputs *in, int outcome, const char *why)
{
	struct digest digest = { .octets = "untouched" };
	struct fault f = { 0 };
	int r = launch_digest(in, &digest, &f);

	if (!ok(r < 0 && (int)f.code == outcome && strstr(f.why, why) && *f.next &&
			memcmp(digest.octets, "untouched", 9) == 0,
		"refused: %s", why))
		printf("# got %d, outcome %d: %s\n", r, f.code, f.why);
}

static void test_refusals(void)
{
	struct launch_inputs in = { .firmware = put_firmware(2, "/fd", true) }, plain = in;

	plain.policy = LAUNCH_POLICY_ES;
	refuses(&plain, EXITCODE_REFUSED, "is SEV-ES");
	plain.vmsas[plain.nr_vmsas++] = file(3, "/vmsa0", vmsa0, sizeof(vmsa0));
	plain.nr_cpus = 2;
	refuses(&plain, EXITCODE_REFUSED, "2 processors do not go with 1 VMSAs");
	plain.vmsas[plain.nr_vmsas++] = paths[3];
	plain.nr_cpus = 1;
	refuses(&plain, EXITCODE_REFUSED, "1 processors do not go with 2 VMSAs");
	plain.nr_cpus = 0;
	plain.policy = 3;
	refuses(&plain, EXITCODE_REFUSED, "is not SEV-ES");
	plain.policy = LAUNCH_POLICY_ES;
	plain.vmsas[1] = file(5, "/short", vmsa0, sizeof(vmsa0) - 1);
	refuses(&plain, EXITCODE_BAD_INPUT, "4096 bytes, and not 4095");
	plain.vmsas[1] = file(5, "/long", firmware, sizeof(firmware));
	FIXTURE_MUST(truncate(plain.vmsas[1], 4097) == 0);
	refuses(&plain, EXITCODE_BAD_INPUT, "more than 4096 bytes");
	in.kernel = "/nonexistent";
	refuses(&in, EXITCODE_IO, "No such file");
	in.kernel = file(0, "/kernel", "kernel", 6);
	in.firmware = put_firmware(6, "/plain", false);
	refuses(&in, EXITCODE_REFUSED, "no place for the hashes");
	in.firmware = file(6, "/random", vmsa1, sizeof(vmsa1));
	refuses(&in, EXITCODE_BAD_INPUT, "offset 4048");
	in.firmware = file(6, "/empty", "", 0);
	refuses(&in, EXITCODE_BAD_INPUT, "empty");
	in.firmware = "/nonexistent";
	refuses(&in, EXITCODE_IO, "No such file");
	in.firmware = fx.dir;
	refuses(&in, EXITCODE_IO, "directory");
}

int main(void)
{
	fixture_init(&fx);
	test_hashes();
	test_digest();
	test_refusals();
	fixture_done(&fx);
	return tap_done();
}
