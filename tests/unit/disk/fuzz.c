/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz.c - the parsers of what comes from the disk and from the table, with mutations of good
 * texts: no crash, no byte read behind the end, and what is accepted keeps its promises.
 * The same numbers in each run; SANITIZE=1 is where it sees most.
 * Needs: cryptsetup
 */
#include "disk/jsontext.h"
#include "luks2.h"
#include "disk/policy.h"
#include "volume/pins.h"
#include "base/secret.h"

#define ROUNDS 6000
#define UUID "aaaaaaaa-0000-4000-8000-00000000000a"
#define DISK_SIZE (2 * 1024 * 1024)

static uint32_t state = 4711;

static uint32_t number(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)state * below >> 32);
}

/* One to four changes of a text of *len bytes in a buffer that has room for twice as much. */
static void mutate(char *text, size_t *len)
{
	static const char *const words[] = {
		"{", "}", "[", "]", "\"", ":", ",", "\\", "\\u0000", "null", "true", "0", "-1", "31", "32",
		"4294967296", "18446744073709551615", "\"0\"", "{}", "[]", "\n", "=", "\0", "volume=root\n",
		"\"crypt\"", "\"linear\"", "header=sha256:", "\"type\":", "\xff", "aes-xts-plain64", "512",
	};
	uint32_t n = 1 + number(4);
	const size_t room = 2 * *len;

	while (n--) {
		size_t at = number((uint32_t)*len), from = number((uint32_t)*len), size;
		const char *word = words[number(ARRAY_SIZE(words))];

		switch (number(6)) {
		case 0: /* another byte */
			text[at] = (char)number(256);
			break;
		case 1: /* a bit */
			text[at] ^= (char)(1 << number(8));
			break;
		case 2: /* a word in the place of what is there */
			size = strlen(word) < *len - at ? strlen(word) : *len - at;
			memcpy(text + at, word, size);
			break;
		case 3: /* a word more */
			size = strlen(word);
			if (*len + size > room)
				break;
			memmove(text + at + size, text + at, *len - at);
			memcpy(text + at, word, size);
			*len += size;
			break;
		case 4: /* less */
			size = number(16) < *len - at ? number(16) : 1;
			if (*len <= size || size > *len - at)
				break;
			memmove(text + at, text + at + size, *len - at - size);
			*len -= size;
			break;
		default: /* a part twice */
			size = number(64);
			if (from + size > *len || at + size > *len)
				break;
			memmove(text + at, text + from, size);
		}
	}
}

static void test_json(const char *good)
{
	size_t len = strlen(good), n;
	unsigned int taken = 0, wrong = 0, i;
	char *text = malloc(2 * len);

	FIXTURE_MUST(text);
	for (i = 0; i < ROUNDS; i++) {
		char *exact;
		int r;

		memcpy(text, good, len);
		n = len;
		mutate(text, &n);
		exact = malloc(n);
		FIXTURE_MUST(exact);
		memcpy(exact, text, n);
		r = jsontext_check(exact, n);
		wrong += r != 0 && r != -EINVAL && r != -EEXIST && r != -E2BIG;
		taken += r == 0;
		free(exact);
	}
	free(text);
	ok(wrong == 0 && taken > ROUNDS / 100 && taken < ROUNDS, "the scan: %u of %d are taken", taken,
	   ROUNDS);
}

static void test_policy(const unsigned char *good)
{
	static unsigned char metadata[HEADER_METADATA_SIZE];
	static char json[2 * HEADER_JSON_SIZE];
	unsigned int taken = 0, wrong = 0, i;
	struct verdict v;
	struct conf conf;
	size_t n;

	conf_defaults(&conf);
	for (i = 0; i < ROUNDS; i++) {
		int r, copy;
		uint32_t k;

		memcpy(metadata, good, sizeof(metadata));
		n = strlen(luks2_text(good));
		memcpy(json, luks2_text(good), n);
		mutate(json, &n);
		if (n >= HEADER_JSON_SIZE)
			continue;
		for (copy = 0; copy < 2; copy++) {
			unsigned char *area = metadata + copy * HEADER_COPY_SIZE;

			area += HEADER_BINARY_SIZE;
			memset(area, 0, HEADER_JSON_SIZE);
			memcpy(area, json, n);
		}
		luks2_seal(metadata);
		r = policy_judge(metadata, DISK_SIZE, &conf, &conf.volumes[0], &v);
		wrong += (r == 0) != (v.rule[0] == '\0') || (r != 0 && r != -EPERM);
		if (r < 0)
			continue;
		taken++;
		wrong += strcmp(v.cipher, "aes-xts-plain64") != 0 || v.nr_keyslots != 1 ||
			 v.data_offset % 4096 != 0 || v.data_offset >= DISK_SIZE ||
			 (v.volume_key_size != 32 && v.volume_key_size != 64) || v.integrity ||
			 v.iterations > POLICY_ITERATIONS_MAX ||
			 v.argon2_kib > POLICY_ARGON2_KIB_MAX;
		for (k = 0; k < v.nr_keyslots; k++) {
			const struct header_area *area = &v.keyslots[k].area;

			wrong += area->offset < HEADER_METADATA_SIZE ||
				 area->offset + area->size > v.data_offset;
		}
	}
	ok(wrong == 0 && taken > 0 && taken < ROUNDS / 2, "the policy: %u of %d are accepted", taken,
	   ROUNDS);
}

static void test_entry(void)
{
	static const char good[] =
		"version=1\nvolume=root\nuuid=" UUID "\n"
		"header=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
		"min-generation=3\nset-generation=4\nvolume=data\n"
		"fixate-volume-key=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n";
	static struct policy_entry policy;
	static char text[2 * sizeof(good)];
	_cleanup_secret_ struct secret s = SECRET_NULL;
	unsigned int taken = 0, wrong = 0, i, k;
	struct conf conf;
	size_t n;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	(void)snprintf(conf.volumes[1].name, CONF_NAME_SIZE, "data");
	conf.nr_volumes = 2;
	for (i = 0; i < ROUNDS; i++) {
		struct fault f = { 0 };
		int r;

		n = sizeof(good) - 1;
		memcpy(text, good, n);
		mutate(text, &n);
		memcpy(s.bytes, text, n);
		s.len = n;
		memset(&policy, 0, sizeof(policy));
		r = policy_entry_parse(&s, &conf, &policy, &f);
		wrong += (r < 0) != (f.code == EXITCODE_POLICY_INVALID) ||
			 policy.present != (r == 0);
		if (r < 0)
			continue;
		taken++;
		wrong += policy.nr_volumes < 1 || policy.nr_volumes > 2;
		for (k = 0; k < policy.nr_volumes && k < 2; k++) {
			const struct pins *p = &policy.volumes[k];

			wrong += p->nr_headers > POLICY_ENTRY_HEADERS_MAX ||
				 p->min_generation > INT64_MAX ||
				 (p->has_set_generation && p->set_generation < p->min_generation);
		}
	}
	ok(wrong == 0 && taken > 0 && taken < ROUNDS, "the policy entry: %u of %d are taken", taken,
	   ROUNDS);
}

int main(void)
{
	static unsigned char base[HEADER_METADATA_SIZE];
	struct fixture fx;

	fixture_init(&fx);
	fixture_luks(&fx, "/vda", "key", "--uuid " UUID);
	luks2_read(&fx, "/vda", base);
	test_json(luks2_text(base));
	test_policy(base);
	test_entry();
	fixture_done(&fx);
	return tap_done();
}
