/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.c - which headers are refused, by which rule, and which are not.
 * Each case changes one thing in both copies of a header that cryptsetup has written. The
 * rules do not look at checksums; tests/cli/header.t repeats the main cases with good ones.
 */
#include "policy.h"

#include "fixture.h"

#define MAN_PAGE "src/man/coco-unlock.8.scd"
#define DISK_SIZE (2 * 1024 * 1024)
#define UUID "aaaaaaaa-0000-4000-8000-00000000000a"

static unsigned char base[HEADER_METADATA_SIZE], mutant[HEADER_METADATA_SIZE];
static struct conf conf;
static struct verdict verdict;

static void reset(void)
{
	memcpy(mutant, base, sizeof(mutant));
}

/* Replaces both JSON texts. */
static void set_json(const char *json)
{
	size_t len = strlen(json);
	int copy;

	FIXTURE_MUST(len < HEADER_JSON_SIZE);
	for (copy = 0; copy < 2; copy++) {
		char *area = (char *)mutant + copy * HEADER_COPY_SIZE + HEADER_BINARY_SIZE;

		memset(area, 0, HEADER_JSON_SIZE);
		memcpy(area, json, len);
	}
}

static const char *base_json(void)
{
	return (const char *)base + HEADER_BINARY_SIZE;
}

/* Puts `to` in the place of the first `from` behind the first `after`. */
static void edit(const char *after, const char *from, const char *to)
{
	static char json[4 * HEADER_JSON_SIZE];
	const char *at = strstr(base_json(), after);

	reset();
	FIXTURE_MUST(at && (at = strstr(at, from)));
	FIXTURE_MUST(snprintf(json, sizeof(json), "%.*s%s%s", (int)(at - base_json()), base_json(), to,
			      at + strlen(from)) < (int)sizeof(json));
	set_json(json);
}

static const char *judge(void)
{
	int r;

	memset(&verdict, 0xaa, sizeof(verdict));
	r = policy_judge(mutant, DISK_SIZE, &conf.ciphers, &verdict);
	if ((r == 0) != !verdict.rule || (r < 0 && r != -EPERM))
		return "contradiction";
	return verdict.rule ? verdict.rule : "accepted";
}

#define S "\"segments\":"
#define K "\"keyslots\":"
#define KA "\"area\":"
#define C "\"config\":"

static const struct {
	const char *after, *from, *to;
	const char *rule;
} edits[] = {
	/* segments */
	{ S, "\"crypt\"", "\"linear\"", "segment-type" },
	{ S, "\"crypt\"", "\"foo\"", "segment-type" },
	{ S, "\"crypt\"", "\"hw-opal\"", "segment-type" },
	{ S, "\"crypt\"", "\"hw-opal-crypt\"", "segment-type" },
	{ S, "\"crypt\"", "\"Crypt\"", "segment-type" },
	{ S, "\"crypt\"", "\"\"", "segment-type" },
	{ S, "\"crypt\"", "\"crypt \"", "segment-type" },
	{ S, "\"crypt\"", "\"crypt\\u0000\"", "segment-type" },
	{ S, "\"crypt\"", "\"crypt\\u0000linear\"", "segment-type" },
	{ S, "\"crypt\"", "null", "segment-type" },
	{ S, "\"crypt\"", "1", "segment-type" },
	{ S, "\"crypt\"", "[\"crypt\"]", "segment-type" },
	{ S, "\"type\"", "\"Type\"", "segment-type" },
	{ S, "\"crypt\"", "\"crypt\",\"type\":\"linear\"", "segment-type" }, /* the last counts */
	{ S, "\"crypt\"", "\"linear\",\"type\":\"crypt\"", "accepted" },
	{ S, "aes-xts-plain64", "cipher_null-ecb", "segment-cipher" },
	{ S, "aes-xts-plain64", "cipher_null-xts-plain64", "segment-cipher" },
	{ S, "aes-xts-plain64", "null", "segment-cipher" },
	{ S, "\"aes-xts-plain64\"", "null", "segment-cipher" },
	{ S, "aes-xts-plain64", "capi:ecb(cipher_null)-plain64", "segment-cipher" },
	{ S, "aes-xts-plain64", "capi:xts(ecb(aes-generic))-plain64", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-ecb", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-xts-plain", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-xts-null", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-cbc-essiv:sha256", "segment-cipher" },
	{ S, "aes-xts-plain64", "serpent-xts-plain64", "segment-cipher" },
	{ S, "aes-xts-plain64", "AES-XTS-PLAIN64", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-xts-plain64 ", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-xts-plain64be", "segment-cipher" },
	{ S, "aes-xts-plain64", "aes-xts-plain64\\u0000", "segment-cipher" },
	{ S, "aes-xts-plain64", "", "segment-cipher" },
	{ S, "\"encryption\"", "\"other\"", "segment-cipher" },
	{ S, "\"sector_size\"", "\"integrity\":{\"type\":\"hmac(sha256)\"},\"sector_size\"",
	  "segment-integrity" },
	{ S, "\"sector_size\"", "\"integrity\":null,\"sector_size\"", "segment-integrity" },
	{ S, "\"dynamic\"", "\"1048576\"", "segment-size" },
	{ S, "\"dynamic\"", "\"0\"", "segment-size" },
	{ S, "\"dynamic\"", "1048576", "segment-size" },
	{ S, "\"size\"", "\"other\"", "segment-size" },
	{ S, "\"1048576\"", "\"0\"", "segment-offset" },
	{ S, "\"1048576\"", "\"28672\"", "segment-offset" },
	{ S, "\"1048576\"", "\"32768\"", "keyslot-area" }, /* no room for one */
	{ S, "\"1048576\"", "\"1048577\"", "segment-offset" },
	{ S, "\"1048576\"", "\"1049088\"", "segment-offset" }, /* 512 more */
	{ S, "\"1048576\"", "\"2097152\"", "segment-offset" }, /* the disk's end */
	{ S, "\"1048576\"", "\"2093056\"", "accepted" },
	{ S, "\"1048576\"", "\"1073745920\"", "segment-offset" },
	{ S, "\"1048576\"", "\"18446744073709547520\"", "segment-offset" },
	{ S, "\"1048576\"", "\"18446744073710600192\"", "segment-offset" }, /* 2^64 + 1 MiB */
	{ S, "\"1048576\"", "\"-1048576\"", "segment-offset" },
	{ S, "\"1048576\"", "\"0x100000\"", "segment-offset" },
	{ S, "\"1048576\"", "\" 1048576\"", "segment-offset" },
	{ S, "\"1048576\"", "\"1048576\\u0000\"", "segment-offset" },
	{ S, "\"1048576\"", "1048576", "segment-offset" },
	{ S, "\"offset\"", "\"other\"", "segment-offset" },
	{ S, ":512", ":4096", "accepted" },
	{ S, ":512", ":1024", "accepted" },
	{ S, ":512", ":2048", "accepted" },
	{ S, ":512", ":0", "segment-sector-size" },
	{ S, ":512", ":513", "segment-sector-size" },
	{ S, ":512", ":8192", "segment-sector-size" },
	{ S, ":512", ":-512", "segment-sector-size" },
	{ S, ":512", ":4294967808", "segment-sector-size" }, /* 2^32 + 512 */
	{ S, ":512", ":512.0", "segment-sector-size" },
	{ S, ":512", ":\"512\"", "segment-sector-size" },
	{ S, ":512", ":true", "segment-sector-size" },
	{ S, "\"sector_size\"", "\"other\"", "segment-sector-size" },
	{ S, "{\"0\":", "{\"1\":", "one-segment" },
	{ S, "{\"0\":", "{\"0\":\"x\",\"1\":", "one-segment" },
	{ S, "{\"0\":", "{\"1\":{\"type\":\"linear\",\"offset\":\"1048576\",\"size\":\"dynamic\"},\"0\":",
	  "one-segment" },
	{ S, "\"segments\":{", "\"segments\":{},\"other\":{", "one-segment" },
	{ S, "\"segments\":", "\"other\":", "one-segment" },
	{ S, "\"segments\":{\"0\":{", "\"segments\":[],\"other\":{\"0\":{", "one-segment" },

	/* keyslots */
	{ K, "\"luks2\"", "\"reencrypt\"", "keyslot-type" },
	{ K, "\"luks2\"", "\"luks1\"", "keyslot-type" },
	{ K, "\"luks2\"", "null", "keyslot-type" },
	{ K, "\"luks2\"", "\"luks2\\u0000\"", "keyslot-type" },
	{ K, "{\"0\":{", "{\"0\":1,\"1\":{", "keyslot-type" },
	{ K, "{\"0\":{", "{\"0\":null,\"1\":{", "keyslot-type" },
	{ K, "\"keyslots\":{", "\"keyslots\":{},\"other\":{", "keyslot-count" },
	{ K, "\"keyslots\":", "\"other\":", "keyslot-count" },
	{ KA, "\"raw\"", "\"none\"", "keyslot-area" },
	{ KA, "\"raw\"", "\"datashift\"", "keyslot-area" },
	{ KA, "\"raw\"", "\"checksum\"", "keyslot-area" },
	{ KA, "\"area\"", "\"other\"", "keyslot-area" },
	{ KA, "\"area\":{", "\"area\":[],\"other\":{", "keyslot-area" },
	{ KA, "aes-xts-plain64", "cipher_null-ecb", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "null", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "capi:ecb(cipher_null)-plain64", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "aes-ecb", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "aes-xts-plain64\\u0000", "keyslot-cipher" },
	{ KA, "\"encryption\"", "\"other\"", "keyslot-cipher" },
	{ KA, "\"32768\"", "\"0\"", "keyslot-area" },
	{ KA, "\"32768\"", "\"28672\"", "keyslot-area" },
	{ KA, "\"32768\"", "\"1048576\"", "keyslot-area" },	 /* inside the data */
	{ KA, "\"32768\"", "\"794624\"", "keyslot-area" },	 /* reaches into the data */
	{ KA, "\"32768\"", "\"790528\"", "accepted" },		 /* ends where the data begin */
	{ KA, "\"32768\"", "\"18446744073709518848\"", "keyslot-area" },
	{ KA, "\"32768\"", "32768", "keyslot-area" },
	{ KA, "\"258048\"", "\"0\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"1048577\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"1019904\"", "keyslot-area" },	 /* reaches into the data */
	{ KA, "\"258048\"", "\"1015808\"", "accepted" },
	{ KA, "\"258048\"", "\"18446744073709551615\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"258048\\u0000\"", "keyslot-area" },
	{ KA, "\"258048\"", "258048", "keyslot-area" },

	/* the rest */
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"online-reencrypt\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"offline-reencrypt\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"foo\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{},", "requirements" },
	{ C, "{", "{\"requirements\":null,", "requirements" },
	{ C, "\"config\":", "\"other\":", "config" },
	{ C, "\"config\":{", "\"config\":1,\"other\":{", "config" },
	{ C, "{", "{\"flags\":[\"allow-discards\"],", "accepted" }, /* ignored, see volume_map() */
	{ "{", "{", "[{", "json" },
	{ "{", "{", "", "json" },
	{ "{", "{", "{,", "json" },
	{ "{", "{", "{\"a\":'x',", "json" }, /* not strict JSON */
	{ "{", "{", "/* c */{", "json" },
	{ "{", "{", "[],{", "json" },
	{ "\"keyslots_size\"", "}}", "}}x", "json" },
	{ "\"keyslots_size\"", "}}", "}}}", "json" },
	{ "\"keyslots_size\"", "}}", "},}", "json" },
	{ "\"keyslots_size\"", "}}", "}", "json" },
	{ "{", "{", "{\"a\":[[[[[[[[[[[[]]]]]]]]]]]],", "accepted" },
	{ "{", "{", "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],", "json" },
};

static void test_edits(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(edits); i++) {
		edit(edits[i].after, edits[i].from, edits[i].to);
		FIXTURE_MUST(memcmp(mutant, base, sizeof(mutant)) != 0);
		is_str(judge(), edits[i].rule, "%s %s becomes %s", edits[i].after, edits[i].from,
		       edits[i].to);
	}
}

static void test_json_text(void)
{
	char json[HEADER_JSON_SIZE + 1];
	size_t len = strlen(base_json()), cut;
	unsigned int wrong = 0;
	int copy;

	for (cut = 0; cut < len; cut++) {
		reset();
		snprintf(json, cut + 1, "%s", base_json());
		set_json(json);
		wrong += strcmp(judge(), "json") != 0;
	}
	is_int(wrong, 0, "cut short anywhere: json");
	reset();
	set_json("[]");
	is_str(judge(), "json", "an array is no header");
	set_json("");
	is_str(judge(), "json", "no text at all");
	set_json("null");
	is_str(judge(), "json", "null");
	set_json("{}");
	is_str(judge(), "one-segment", "an empty object");
	reset();
	for (copy = 0; copy < 2; copy++)
		memset(mutant + copy * HEADER_COPY_SIZE + HEADER_BINARY_SIZE + len, ' ',
		       HEADER_JSON_SIZE - len);
	is_str(judge(), "json", "a text that fills its area and has no end");
	for (copy = 0; copy < 2; copy++)
		mutant[(copy + 1) * HEADER_COPY_SIZE - 1] = '\0';
	is_str(judge(), "accepted", "one that ends in the last byte");
	memset(json, '[', sizeof(json));
	json[HEADER_JSON_SIZE - 1] = '\0';
	set_json(json);
	is_str(judge(), "json", "nested as deep as there is room");
}

/* Writes n big-endian bytes at an offset of the first, the second or (2) both headers. */
static void poke(int which, size_t offset, uint64_t value, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)(value >> 8 * (n - 1 - i));

		if (which != 1)
			mutant[offset + (size_t)i] = byte;
		if (which != 0)
			mutant[HEADER_COPY_SIZE + offset + (size_t)i] = byte;
	}
}

/* LUKS2 spec, 2.1 */
#define HDR_SIZE 8
#define SEQID 16
#define UUID_FIELD 168
#define HDR_OFFSET 256

static void test_binary(void)
{
	static const struct {
		int which;
		size_t offset;
		uint64_t value;
		int n;
		const char *rule;
	} cases[] = {
		{ 0, HDR_SIZE, 32768, 8, "metadata-size" },
		{ 1, HDR_SIZE, 32768, 8, "metadata-size" },
		{ 2, HDR_SIZE, 32768, 8, "metadata-size" },
		{ 2, HDR_SIZE, 0, 8, "metadata-size" },
		{ 2, HDR_SIZE, UINT64_MAX, 8, "metadata-size" },
		{ 0, HDR_SIZE, 1, 1, "metadata-size" }, /* the most significant byte */
		{ 1, 0, 0, 1, "second-copy-missing" },
		{ 1, 7, 1, 1, "second-copy-missing" }, /* its version */
		{ 1, 0, 0x4c554b53babe0002, 8, "second-copy-missing" }, /* the first one's magic */
		{ 0, HDR_OFFSET, 16384, 8, "header-offset" },
		{ 1, HDR_OFFSET, 0, 8, "header-offset" },
		{ 1, HDR_OFFSET, 32768, 8, "header-offset" },
		{ 0, SEQID, 77, 8, "copies-differ" },
		{ 1, SEQID, 77, 8, "copies-differ" },
		{ 2, SEQID, 77, 8, "accepted" },
		{ 0, UUID_FIELD, 'b', 1, "copies-differ" },
		{ 1, UUID_FIELD + 39, 'b', 1, "copies-differ" },
		{ 0, HEADER_BINARY_SIZE, '[', 1, "copies-differ" },
		{ 1, HEADER_COPY_SIZE - 1, ' ', 1, "copies-differ" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		reset();
		poke(cases[i].which, cases[i].offset, cases[i].value, cases[i].n);
		FIXTURE_MUST(memcmp(mutant, base, sizeof(mutant)) != 0);
		is_str(judge(), cases[i].rule, "header %d: %llx at byte %zu", cases[i].which,
		       (unsigned long long)cases[i].value, cases[i].offset);
	}
	reset();
	for (i = 0; i < POLICY_UUID_SIZE; i++)
		poke(2, UUID_FIELD + i, 'x', 1);
	is_str(judge(), "uuid", "a UUID without an end");
	poke(2, UUID_FIELD + 1, '"', 1);
	poke(2, UUID_FIELD + 2, 0x1b, 1);
	poke(2, UUID_FIELD + 4, 0, 1);
	is_str(judge(), "accepted", "a UUID of other characters");
	is_str(verdict.uuid, "x'?x", "is made printable");
	reset();
	memcpy(mutant + HEADER_COPY_SIZE + HEADER_BINARY_SIZE, mutant, HEADER_JSON_SIZE);
	is_str(judge(), "copies-differ", "two copies with other texts");
}

static void test_accepted(void)
{
	reset();
	is_str(judge(), "accepted", "the header as cryptsetup has written it");
	is_str(verdict.uuid, UUID, "its UUID");
	is_str(verdict.cipher, "aes-xts-plain64", "its cipher");
	is_int(verdict.data_offset, 1048576, "its data offset");
	is_int(verdict.sector_size, 512, "its sector size");
	ok(verdict.nr_areas == 1 && verdict.areas[0].offset == 32768 &&
		   verdict.areas[0].size == 258048,
	   "its keyslot area");
	edit(S, ":512", ":4096");
	(void)judge();
	is_int(verdict.sector_size, 4096, "a sector size of 4096");
	edit(S, "\"1048576\"", "\"1073741824\"");
	is_int(policy_judge(mutant, 1ULL << 40, &conf.ciphers, &verdict), 0,
	       "data that begin at 1 GiB, on a large disk");
	is_int(policy_judge(mutant, 1ULL << 30, &conf.ciphers, &verdict), -EPERM,
	       "not on one that ends there");
}

/* n keyslots, the first one n times. */
static void test_keyslot_count(void)
{
	static char json[2 * HEADER_JSON_SIZE];
	const char *slot = strstr(base_json(), "{\"0\":") + strlen("{\"0\":");
	const char *end = strstr(slot, "},\"tokens\"");
	int n, i;

	for (n = 2; n <= 5; n++) {
		(void)snprintf(json, sizeof(json), "%.*s", (int)(end - base_json()), base_json());
		for (i = 1; i < n; i++)
			text_append(json, sizeof(json), ",\"%d\":%.*s", 10 * i, (int)(end - slot), slot);
		text_append(json, sizeof(json), "%s", end);
		set_json(json);
		is_str(judge(), n <= 4 ? "accepted" : "keyslot-count", "%d keyslots", n);
		ok(n > 4 || verdict.nr_areas == (size_t)n, "all of them are listed");
	}
	(void)snprintf(json, sizeof(json), "%.*s,\"1\":%.*s%s", (int)(end - base_json()), base_json(),
		       (int)(end - slot), slot, end);
	memcpy(strstr(strstr(json, "\"1\":"), "aes-xts-plain64"), "aes-xts-plain65", 15);
	set_json(json);
	is_str(judge(), "keyslot-cipher", "the second keyslot is judged, too");
}

static void test_ciphers(void)
{
	(void)snprintf(conf.ciphers.names[1], CONF_NAME_SIZE, "serpent-xts-plain64");
	conf.ciphers.nr = 2;
	edit(S, "aes-xts-plain64", "serpent-xts-plain64");
	is_str(judge(), "accepted", "a second cipher of the list");
	is_str(verdict.cipher, "serpent-xts-plain64", "is the volume's cipher");
	edit(S, "aes-xts-plain64", "serpent-xts-plain64 aes-xts-plain64");
	is_str(judge(), "segment-cipher", "two in one string are none");
	conf.ciphers.nr = 0;
	reset();
	is_str(judge(), "segment-cipher", "an empty list allows nothing");
	conf_defaults(&conf);
}

/* Headers that cryptsetup writes in other ways. */
static void test_formats(const struct fixture *fx)
{
	static const struct {
		const char *options;
		const char *rule;
	} cases[] = {
		{ "--pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1",
		  "accepted" },
		{ "--sector-size 4096", "accepted" },
		{ "--label data --subsystem x", "accepted" },
		{ "--cipher aes-cbc-essiv:sha256", "segment-cipher" },
		{ "--cipher aes-xts-plain", "segment-cipher" },
		{ "--cipher aes-ecb --key-size 256", "segment-cipher" },
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_luks(fx, "/other", "key", cases[i].options);
		fd = open(fixture_path(fx, "/other"), O_RDONLY | O_CLOEXEC);
		FIXTURE_MUST(fd >= 0);
		FIXTURE_MUST(read(fd, mutant, sizeof(mutant)) == (ssize_t)sizeof(mutant));
		FIXTURE_MUST(close(fd) == 0);
		is_str(judge(), cases[i].rule, "luksFormat %s", cases[i].options);
	}
}

/* Whatever is flipped: no crash, and what is accepted keeps its promises. */
static void test_flips(void)
{
	const size_t len = strlen(base_json());
	unsigned int i, j, accepted = 0, broken = 0;
	uint32_t random = 4711;

	for (i = 0; i < 4000; i++) {
		size_t at;

		reset();
		random = random * 1664525 + 1013904223;
		at = HEADER_BINARY_SIZE + (random >> 8) % len;
		random = random * 1664525 + 1013904223;
		mutant[at] = mutant[HEADER_COPY_SIZE + at] = (unsigned char)(random >> 16);
		if (strcmp(judge(), "accepted") != 0)
			continue;
		accepted++;
		broken += strcmp(verdict.cipher, "aes-xts-plain64") != 0 || verdict.nr_areas != 1 ||
			  verdict.data_offset % 4096 != 0 || verdict.data_offset >= DISK_SIZE;
		for (j = 0; j < verdict.nr_areas; j++)
			broken += verdict.areas[j].offset < HEADER_METADATA_SIZE ||
				  verdict.areas[j].offset + verdict.areas[j].size >
					  verdict.data_offset;
	}
	ok(accepted > 100 && accepted < 3000, "premise: some flips matter, some do not (%u)", accepted);
	is_int(broken, 0, "an accepted header is inside its limits");
}

/* The man page explains each rule, at the start of a line, and no others. */
static void test_man_page(void)
{
	static const char *const more[] = { "metadata-size", "second-copy-missing", "header-offset",
					    "copies-differ", "uuid" };
	FILE *page = fopen(MAN_PAGE, "re");
	bool in_section = false, seen[ARRAY_SIZE(edits) + ARRAY_SIZE(more)] = { false };
	unsigned int surplus = 0, missing = 0;
	char line[1024], *cursor, *word;
	size_t i;

	if (!ok(page != NULL, "%s is there", MAN_PAGE))
		return;
	while (fgets(line, sizeof(line), page)) {
		if (strncmp(line, "# ", 2) == 0)
			in_section = strcmp(line, "# HEADER RULES\n") == 0;
		if (!in_section || *line != '*')
			continue;
		cursor = line;
		while ((word = text_word(&cursor, "*, \n"))) {
			bool known = false;

			for (i = 0; i < ARRAY_SIZE(seen); i++) {
				if (strcmp(i < ARRAY_SIZE(edits) ? edits[i].rule :
								   more[i - ARRAY_SIZE(edits)],
					   word) == 0)
					known = seen[i] = true;
			}
			if (!known)
				surplus++, printf("# no test for the man page's rule %s\n", word);
		}
	}
	(void)fclose(page);
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		if (!seen[i] && (i >= ARRAY_SIZE(edits) || strcmp(edits[i].rule, "accepted") != 0))
			missing++;
	is_int(surplus, 0, "each rule of the man page is tested here");
	is_int(missing, 0, "each rule tested here is in the man page");
}

int main(void)
{
	struct fixture fx;
	int fd;

	fixture_init(&fx);
	fixture_luks(&fx, "/vda", "key", "--uuid " UUID);
	fd = open(fixture_path(&fx, "/vda"), O_RDONLY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && read(fd, base, sizeof(base)) == (ssize_t)sizeof(base));
	FIXTURE_MUST(close(fd) == 0);
	conf_defaults(&conf);
	test_accepted();
	test_edits();
	test_json_text();
	test_binary();
	test_keyslot_count();
	test_ciphers();
	test_formats(&fx);
	test_flips();
	test_man_page();
	fixture_done(&fx);
	return tap_done();
}
