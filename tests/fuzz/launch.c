/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch.c - fuzz target: what a guest has to measure to, and what the host says that it does. The
 * host's blob is accepted only if it is the expected one; a file is measured only if it has its
 * size and its place.
 */
#include "owner/launch/launch.h"
#include "owner/launch/options.h"

#include <strings.h>

#include "base/options.h"
#include "fuzz.h"

enum way { CHECK_BLOB, MEASURE_FIRMWARE, READ_KEY, READ_NUMBER, NR_WAYS };

static struct secret tik = SECRET_NULL;
static char path[FUZZ_PATH_SIZE];
static int fd = -1;

/* The platform, then the blob, of which the expected measurement may be put in front. */
static void check_blob(const uint8_t *data, size_t size)
{
	struct launch_platform platform = { 0 };
	unsigned char blob[LAUNCH_BLOB_SIZE];
	struct digest digest, expected;
	unsigned int choice = fuzz_choice(&data, &size);
	int r;

	memset(digest.octets, 'd', sizeof(digest.octets));
	platform.api_major = (uint8_t)fuzz_choice(&data, &size);
	platform.api_minor = (uint8_t)fuzz_choice(&data, &size);
	platform.build = (uint8_t)fuzz_choice(&data, &size);
	platform.policy = fuzz_choice(&data, &size);
	if (size < sizeof(blob))
		return;
	memcpy(blob, data, sizeof(blob));
	fuzz_secret_set(&tik, (const uint8_t *)"iiiiiiiiiiiiiiii", LAUNCH_KEY_SIZE);
	FUZZ_MUST(launch_measurement(&tik, &platform, &digest, blob + DIGEST_SIZE, &expected) == 0);
	if (choice & 1)
		memcpy(blob, expected.octets, DIGEST_SIZE);
	r = launch_check(&tik, &platform, &digest, blob);
	FUZZ_MUST(r == (memcmp(blob, expected.octets, DIGEST_SIZE) == 0 ? 0 : -EPERM));
	fuzz_accepted += r == 0;
	platform.build++; /* another platform's measurement is another one */
	FUZZ_MUST(launch_check(&tik, &platform, &digest, blob) == -EPERM);
}

static void measure_firmware(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	struct launch_inputs in = {
		.firmware = path,
		.kernel = choice & 1 ? path : NULL,
		.initrd = choice & 2 ? path : NULL,
		.append = choice & 4 ? "quiet" : NULL,
		.vmsas = { path, path },
		.nr_vmsas = choice >> 3 & 3 ? 1 + (choice >> 4 & 1) : 0,
		.nr_cpus = choice >> 5 & 3,
		.policy = choice & 0x80 ? LAUNCH_POLICY_ES : LAUNCH_POLICY_NODBG,
	};
	struct digest digest, again;
	struct fault f = { 0 };
	int r;

	fuzz_file_set(fd, data, size, (off_t)size);
	r = launch_digest(&in, &digest, &f);
	if (r < 0) {
		FUZZ_MUST(f.code == EXITCODE_REFUSED || f.code == EXITCODE_BAD_INPUT);
		return;
	}
	fuzz_accepted++;
	FUZZ_MUST(size > 0 && (in.nr_vmsas == 0 || size == LAUNCH_VMSA_SIZE));
	FUZZ_MUST(launch_digest(&in, &again, &f) == 0 && digest_equal(&digest, &again));
	if (!in.kernel && in.nr_vmsas == 0)
		FUZZ_MUST(digest_sha256(data, size, &again) == 0 && digest_equal(&digest, &again));
}

static void read_key(const uint8_t *data, size_t size)
{
	struct fault f = { 0 };
	int r;

	fuzz_secret_init(&tik);
	fuzz_secret_open(&tik);
	fuzz_file_set(fd, data, size, (off_t)size);
	r = launch_key_read(path, "TIK", &tik, &f);
	FUZZ_MUST((r == 0) == (size == LAUNCH_KEY_SIZE));
	FUZZ_MUST(r < 0 || memcmp(tik.bytes, data, size) == 0);
	fuzz_accepted += r == 0;
}

static void read_number(const uint8_t *data, size_t size)
{
	uint64_t max = fuzz_choice(&data, &size) & 1 ? UINT32_MAX : UINT8_MAX, value = 0;
	char *text = fuzz_text(data, size), shown[32];

	if (!text)
		return;
	if (options_number(text, max, &value) == 0) {
		bool hex = strncasecmp(text, "0x", 2) == 0;
		const char *digits = text + (hex ? 2 : 0);

		fuzz_accepted++;
		FUZZ_MUST(value <= max);
		while (digits[0] == '0' && digits[1])
			digits++;
		if (hex)
			(void)snprintf(shown, sizeof(shown), "%llx", (unsigned long long)value);
		else
			(void)snprintf(shown, sizeof(shown), "%llu", (unsigned long long)value);
		FUZZ_MUST(strcasecmp(digits, shown) == 0);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum way way = fuzz_choice(&data, &size) % NR_WAYS;

	if (fd < 0)
		fd = fuzz_file(path);
	if (way == CHECK_BLOB)
		check_blob(data, size);
	else if (way == MEASURE_FIRMWARE)
		measure_firmware(data, size);
	else if (way == READ_KEY)
		read_key(data, size);
	else
		read_number(data, size);
	return 0;
}
