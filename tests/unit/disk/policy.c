/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.c - which headers are refused, by which rule, and which are not.
 * Each case changes one thing in both copies of a header that cryptsetup has written, and
 * makes the checksums good again. Rules of the binary part: binheader.c.
 * Needs: cryptsetup
 */
#include "disk/policy.h"

#include "disk/advice.h"
#include "luks2.h"

#define MAN_PAGE "src/man/coco-unlock-threats.7.scd"
#define DISK_SIZE (2 * 1024 * 1024)
#define UUID "aaaaaaaa-0000-4000-8000-00000000000a"

static unsigned char base[HEADER_METADATA_SIZE], mutant[HEADER_METADATA_SIZE];
static struct conf conf;
static struct verdict verdict;
static struct json_object *tree;

/* Every rule that has refused something here. */
static char seen[64][POLICY_RULE_SIZE];
static size_t nr_seen;

static bool was_seen(const char *rule)
{
	size_t i;

	for (i = 0; i < nr_seen; i++)
		if (strcmp(seen[i], rule) == 0)
			return true;
	return false;
}

static void reset(void)
{
	memcpy(mutant, base, sizeof(mutant));
}

static void set_json(const char *json)
{
	luks2_set_text(mutant, json);
}

static const char *base_json(void)
{
	return luks2_text(base);
}

/* Puts `to` in the place of the first `from` behind the first `after`. */
static void edit(const char *after, const char *from, const char *to)
{
	static char json[4 * HEADER_JSON_SIZE];
	const char *at = strstr(base_json(), after);

	reset();
	FIXTURE_MUST(at && (at = strstr(at, from)));
	FIXTURE_MUST(snprintf(json, sizeof(json), "%.*s%s%s", (int)(at - base_json()), base_json(),
			      to, at + strlen(from)) < (int)sizeof(json));
	set_json(json);
}

static const char *judge(void)
{
	static char rule[POLICY_RULE_SIZE];
	int r;

	memset(&verdict, 0xaa, sizeof(verdict));
	r = policy_judge(mutant, DISK_SIZE, &conf, &conf.volumes[0], &verdict);
	if ((r == 0) != (verdict.rule[0] == '\0') || (r < 0 && r != -EPERM))
		return "contradiction";
	if (r == 0)
		return "accepted";
	memcpy(rule, verdict.rule, sizeof(rule));
	if (!was_seen(rule))
		memcpy(seen[nr_seen++], rule, sizeof(rule));
	return rule;
}

/* A new tree of the base; what becomes of it goes to the judge. */
static void begin(void)
{
	reset();
	if (tree)
		json_object_put(tree);
	tree = luks2_tree(base);
}

static const char *judge_tree(void)
{
	luks2_set_tree(mutant, tree);
	return judge();
}

#define S "\"segments\":"
#define K "\"keyslots\":"
#define KA "\"area\":"
#define C "\"config\":"

/* clang-format off */
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
	{ S, "\"crypt\"", "\"crypt\",\"type\":\"linear\"", "json-duplicate-key" },
	{ S, "\"crypt\"", "\"linear\",\"type\":\"crypt\"", "json-duplicate-key" },
	{ S, "\"crypt\"", "\"crypt\",\"type\":\"crypt\"", "json-duplicate-key" },
	{ S, "\"crypt\"", "\"crypt\",\"t\\u0079pe\":\"linear\"", "json" },
	{ S, "\"type\"", "\"t\\u0079pe\"", "json" },
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
	{ S, "\"encryption\"", "\"other\"", "unknown-key" },
	{ S, "\"sector_size\"", "\"integrity\":{\"type\":\"hmac(sha256)\"},\"sector_size\"",
	  "segment-integrity" },
	{ S, "\"sector_size\"", "\"integrity\":null,\"sector_size\"", "segment-integrity" },
	{ S, "\"dynamic\"", "\"1048576\"", "segment-size" },
	{ S, "\"dynamic\"", "\"0\"", "segment-size" },
	{ S, "\"dynamic\"", "1048576", "segment-size" },
	{ S, "\"size\"", "\"other\"", "unknown-key" },
	{ S, "\"1048576\"", "\"0\"", "segment-offset" },
	{ S, "\"1048576\"", "\"28672\"", "segment-offset" },
	{ S, "\"1048576\"", "\"32768\"", "config" }, /* no room for keyslots */
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
	{ S, "\"offset\"", "\"other\"", "unknown-key" },
	{ S, ":512", ":4096", "accepted" },
	{ S, ":512", ":1024", "segment-sector-size" },
	{ S, ":512", ":2048", "segment-sector-size" },
	{ S, ":512", ":0", "segment-sector-size" },
	{ S, ":512", ":513", "segment-sector-size" },
	{ S, ":512", ":8192", "segment-sector-size" },
	{ S, ":512", ":-512", "segment-sector-size" },
	{ S, ":512", ":4294967808", "segment-sector-size" }, /* 2^32 + 512 */
	{ S, ":512", ":512.0", "json" },
	{ S, ":512", ":\"512\"", "segment-sector-size" },
	{ S, ":512", ":true", "segment-sector-size" },
	{ S, "\"sector_size\"", "\"other\"", "unknown-key" },
	{ S, "{\"0\":", "{\"1\":", "one-segment" },
	{ S, "{\"0\":", "{\"0\":\"x\",\"1\":", "one-segment" },
	{ S, "{\"0\":", "{\"1\":{\"type\":\"linear\",\"offset\":\"1048576\",\"size\":\"dynamic\"},\"0\":",
	  "one-segment" },
	{ S, "\"segments\":{", "\"segments\":{},\"other\":{", "unknown-key" },
	{ S, "\"segments\":", "\"other\":", "unknown-key" },
	{ S, "\"segments\":{\"0\":{", "\"segments\":[],\"other\":{\"0\":{", "unknown-key" },

	/* keyslots */
	{ K, "\"luks2\"", "\"reencrypt\"", "keyslot-type" },
	{ K, "\"luks2\"", "\"luks1\"", "keyslot-type" },
	{ K, "\"luks2\"", "null", "keyslot-type" },
	{ K, "\"luks2\"", "\"luks2\\u0000\"", "keyslot-type" },
	{ K, "{\"0\":{", "{\"0\":1,\"1\":{", "keyslot-type" },
	{ K, "{\"0\":{", "{\"0\":null,\"1\":{", "keyslot-type" },
	{ K, "\"keyslots\":{", "\"keyslots\":{},\"other\":{", "unknown-key" },
	{ K, "\"keyslots\":", "\"other\":", "unknown-key" },
	{ KA, "\"raw\"", "\"none\"", "keyslot-area" },
	{ KA, "\"raw\"", "\"datashift\"", "keyslot-area" },
	{ KA, "\"raw\"", "\"checksum\"", "keyslot-area" },
	{ KA, "\"area\"", "\"other\"", "unknown-key" },
	{ KA, "\"area\":{", "\"area\":[],\"other\":{", "unknown-key" },
	{ KA, "aes-xts-plain64", "cipher_null-ecb", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "null", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "capi:ecb(cipher_null)-plain64", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "aes-ecb", "keyslot-cipher" },
	{ KA, "aes-xts-plain64", "aes-xts-plain64\\u0000", "keyslot-cipher" },
	{ KA, "\"encryption\"", "\"other\"", "unknown-key" },
	{ KA, "\"32768\"", "\"0\"", "keyslot-area" },
	{ KA, "\"32768\"", "\"28672\"", "keyslot-area" },
	{ KA, "\"32768\"", "\"1048576\"", "keyslot-area" },	 /* inside the data */
	{ KA, "\"32768\"", "\"794624\"", "keyslot-area" },	 /* reaches into the data */
	{ KA, "\"32768\"", "\"790528\"", "keyslot-area" },	 /* ends where the data begin */
	{ KA, "\"32768\"", "\"565248\"", "keyslot-area" },	 /* ends behind keyslots_size */
	{ KA, "\"32768\"", "\"561152\"", "accepted" },		 /* ends with it */
	{ KA, "\"32768\"", "\"32769\"", "keyslot-area" },
	{ KA, "\"32768\"", "\"33280\"", "keyslot-area" },
	{ KA, "\"32768\"", "\"18446744073709518848\"", "keyslot-area" },
	{ KA, "\"32768\"", "32768", "keyslot-area" },
	{ KA, "\"258048\"", "\"0\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"1048577\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"1019904\"", "keyslot-area" },	 /* reaches into the data */
	{ KA, "\"258048\"", "\"786433\"", "keyslot-area" },	 /* more than keyslots_size */
	{ KA, "\"258048\"", "\"786432\"", "accepted" },
	{ KA, "\"258048\"", "\"256000\"", "accepted" },	 /* 64 bytes in 4000 stripes */
	{ KA, "\"258048\"", "\"255999\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"18446744073709551615\"", "keyslot-area" },
	{ KA, "\"258048\"", "\"258048\\u0000\"", "keyslot-area" },
	{ KA, "\"258048\"", "258048", "keyslot-area" },

	/* numbers and names of keyslots, segments, digests, tokens */
	{ K, "\"0\"", "\"1\"", "digest-binding" },
	{ K, "\"0\"", "\"32\"", "keyslot-id" },
	{ K, "\"0\"", "\"-1\"", "keyslot-id" },
	{ K, "\"0\"", "\"00\"", "keyslot-id" },
	{ K, "\"0\"", "\"01\"", "keyslot-id" },
	{ K, "\"0\"", "\"+0\"", "keyslot-id" },
	{ K, "\"0\"", "\" 0\"", "keyslot-id" },
	{ K, "\"0\"", "\"\"", "keyslot-id" },
	{ K, "\"0\"", "\"x\"", "keyslot-id" },
	{ K, "\"0\"", "\"4294967296\"", "keyslot-id" },
	{ S, "\"0\"", "\"00\"", "one-segment" },
	{ S, "\"0\"", "\"\"", "one-segment" },
	{ "\"digests\":", "\"0\"", "\"31\"", "accepted" },
	{ "\"digests\":", "\"0\"", "\"32\"", "digest" },
	{ "\"digests\":", "\"0\"", "\"00\"", "digest" },
	{ "\"digests\":", "\"0\"", "\"x\"", "digest" },

	/* the rest */
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"online-reencrypt\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"online-reencrypt-v2\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"offline-reencrypt\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{\"mandatory\":[\"foo\"]},", "requirements" },
	{ C, "{", "{\"requirements\":{},", "requirements" },
	{ C, "{", "{\"requirements\":null,", "requirements" },
	{ C, "\"config\":", "\"other\":", "unknown-key" },
	{ C, "\"config\":{", "\"config\":1,\"other\":{", "unknown-key" },
	{ C, "{", "{\"flags\":[\"no-journal\"],", "config-flags" },
	{ "{", "{", "{\"a\":1,", "unknown-key" },
	{ "{", "{", "{\"config\":{},", "json-duplicate-key" },
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
	{ "{", "{", "{\"a\":[[[[[[[[[[[[]]]]]]]]]]]],", "json" },
	{ "{", "{", "{\"a\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],", "json" },
};
/* clang-format on */

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
		mutant[copy * HEADER_COPY_SIZE + HEADER_BINARY_SIZE + len + 1] = '{';
	luks2_seal(mutant);
	is_str(judge(), "json", "something behind the final NUL");
	reset();
	for (copy = 0; copy < 2; copy++)
		mutant[(copy + 1) * HEADER_COPY_SIZE - 1] = 1;
	luks2_seal(mutant);
	is_str(judge(), "json", "something in the last byte");
	reset();
	for (copy = 0; copy < 2; copy++)
		memset(mutant + copy * HEADER_COPY_SIZE + HEADER_BINARY_SIZE + len, ' ',
		       HEADER_JSON_SIZE - len);
	luks2_seal(mutant);
	is_str(judge(), "json", "a text that fills its area and has no end");
	for (copy = 0; copy < 2; copy++)
		mutant[(copy + 1) * HEADER_COPY_SIZE - 1] = '\0';
	luks2_seal(mutant);
	is_str(judge(), "accepted", "one that ends in the last byte");
	memset(json, '[', sizeof(json));
	json[HEADER_JSON_SIZE - 1] = '\0';
	set_json(json);
	is_str(judge(), "json", "nested as deep as there is room");
}

/* A member that is there, and the rule that misses it. */
static const struct {
	const char *path, *rule;
} members[] = {
	{ "keyslots", "keyslot-count" },
	{ "keyslots.0", "keyslot-count" },
	{ "keyslots.0.type", "keyslot-type" },
	{ "keyslots.0.key_size", "keyslot-key-size" },
	{ "keyslots.0.af", "keyslot-af" },
	{ "keyslots.0.af.type", "keyslot-af" },
	{ "keyslots.0.af.stripes", "keyslot-af" },
	{ "keyslots.0.af.hash", "keyslot-af" },
	{ "keyslots.0.area", "keyslot-area" },
	{ "keyslots.0.area.type", "keyslot-area" },
	{ "keyslots.0.area.offset", "keyslot-area" },
	{ "keyslots.0.area.size", "keyslot-area" },
	{ "keyslots.0.area.encryption", "keyslot-cipher" },
	{ "keyslots.0.area.key_size", "keyslot-key-size" },
	{ "keyslots.0.kdf", "keyslot-kdf" },
	{ "keyslots.0.kdf.type", "keyslot-kdf" },
	{ "keyslots.0.kdf.hash", "keyslot-kdf" },
	{ "keyslots.0.kdf.iterations", "kdf-cost" },
	{ "keyslots.0.kdf.salt", "keyslot-kdf" },
	{ "tokens", "token" },
	{ "segments", "one-segment" },
	{ "segments.0", "one-segment" },
	{ "segments.0.type", "segment-type" },
	{ "segments.0.offset", "segment-offset" },
	{ "segments.0.size", "segment-size" },
	{ "segments.0.iv_tweak", "segment-iv-tweak" },
	{ "segments.0.encryption", "segment-cipher" },
	{ "segments.0.sector_size", "segment-sector-size" },
	{ "digests", "digest-count" },
	{ "digests.0", "digest-count" },
	{ "digests.0.type", "digest" },
	{ "digests.0.keyslots", "digest-binding" },
	{ "digests.0.segments", "digest-binding" },
	{ "digests.0.hash", "digest" },
	{ "digests.0.iterations", "kdf-cost" },
	{ "digests.0.salt", "digest" },
	{ "digests.0.digest", "digest" },
	{ "config", "config" },
	{ "config.json_size", "config" },
	{ "config.keyslots_size", "config" },
};

static unsigned int count_members(struct json_object *obj)
{
	unsigned int nr = 0;

	json_object_object_foreach(obj, key, value) {
		(void)key;
		nr += 1 + (json_object_is_type(value, json_type_object) ? count_members(value) : 0);
	}
	return nr;
}

/* Without each member, with another one beside it, with each in another form. */
static void test_members(void)
{
	/* clang-format off */
	static const char *const forms[] = {
		"null", "true", "\"\"", "\"0\\u0000\"", "[]", "{}", "-1", "[\"0\"]", "1e3",
		"18446744073709551616", "9223372036854775807", "\"18446744073709551616\"",
	};
	/* clang-format on */
	unsigned int taken = 0;
	char path[128];
	size_t i, j;

	begin();
	is_int(count_members(tree), ARRAY_SIZE(members), "premise: the list has every member");
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		const char *dot = strrchr(members[i].path, '.');
		const char *rule = "unknown-key";

		begin();
		luks2_del(tree, members[i].path);
		is_str(judge_tree(), members[i].rule, "without %s", members[i].path);
		begin();
		(void)snprintf(path, sizeof(path), "%.*sother",
			       dot ? (int)(dot - members[i].path) + 1 : 0, members[i].path);
		luks2_put(tree, path, "{}");
		if (strcmp(path, "keyslots.other") == 0)
			rule = "keyslot-id";
		else if (strcmp(path, "segments.other") == 0)
			rule = "one-segment";
		else if (strcmp(path, "digests.other") == 0)
			rule = "digest-count";
		is_str(judge_tree(), rule, "with %s", path);
		for (j = 0; j < ARRAY_SIZE(forms); j++) {
			begin();
			luks2_put(tree, members[i].path, forms[j]);
			if (strcmp(judge_tree(), "accepted") != 0 ||
			    (strcmp(members[i].path, "tokens") == 0 &&
			     strcmp(forms[j], "{}") == 0) ||
			    (strcmp(forms[j], "[\"0\"]") == 0 &&
			     (strcmp(members[i].path, "digests.0.keyslots") == 0 ||
			      strcmp(members[i].path, "digests.0.segments") == 0)))
				continue;
			taken++;
			printf("# accepted: %s as %s\n", members[i].path, forms[j]);
		}
	}
	is_int(taken, 0, "no member is taken in another form");
}

/* 43 digits and one `=` are 32 bytes. */
#define B19 "AAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define B20 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define B21 "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define B32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define B31 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define B33 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define B64 B33 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

/* clang-format off */
static const struct {
	const char *path, *value, *rule;
} values[] = {
	{ "segments.0.iv_tweak", "\"1\"", "segment-iv-tweak" },
	{ "segments.0.iv_tweak", "\"00\"", "segment-iv-tweak" },
	{ "segments.0.iv_tweak", "0", "segment-iv-tweak" },
	{ "segments.0.iv_tweak", "\"18446744073709551615\"", "segment-iv-tweak" },
	{ "segments.0.flags", "[]", "segment-flags" },
	{ "segments.0.flags", "[\"backup-final\"]", "segment-flags" },
	{ "segments.0.flags", "null", "segment-flags" },
	{ "segments.0.integrity",
	  "{\"type\":\"hmac(sha256)\",\"journal_encryption\":\"none\",\"journal_integrity\":\"none\"}",
	  "segment-integrity" },
	{ "segments.0.sector_size", "4096", "accepted" },
	{ "segments.0.sector_size", "4097", "segment-sector-size" },
	{ "keyslots.0.priority", "0", "keyslot-priority" },
	{ "keyslots.0.priority", "1", "accepted" },
	{ "keyslots.0.priority", "2", "accepted" },
	{ "keyslots.0.priority", "3", "keyslot-priority" },
	{ "keyslots.0.priority", "-1", "keyslot-priority" },
	{ "keyslots.0.priority", "\"1\"", "keyslot-priority" },
	{ "keyslots.0.priority", "null", "keyslot-priority" },
	{ "keyslots.0.key_size", "32", "accepted" },
	{ "keyslots.0.key_size", "16", "keyslot-key-size" },
	{ "keyslots.0.key_size", "0", "keyslot-key-size" },
	{ "keyslots.0.key_size", "1", "keyslot-key-size" },
	{ "keyslots.0.key_size", "33", "keyslot-key-size" },
	{ "keyslots.0.key_size", "63", "keyslot-key-size" },
	{ "keyslots.0.key_size", "65", "keyslot-key-size" },
	{ "keyslots.0.key_size", "96", "keyslot-key-size" }, /* only with integrity */
	{ "keyslots.0.key_size", "128", "keyslot-key-size" },
	{ "keyslots.0.key_size", "4294967360", "keyslot-key-size" }, /* 2^32 + 64 */
	{ "keyslots.0.key_size", "\"64\"", "keyslot-key-size" },
	{ "keyslots.0.area.key_size", "32", "accepted" },
	{ "keyslots.0.area.key_size", "16", "keyslot-key-size" },
	{ "keyslots.0.area.key_size", "0", "keyslot-key-size" },
	{ "keyslots.0.area.key_size", "96", "keyslot-key-size" },
	{ "keyslots.0.area.type", "\"raw \"", "keyslot-area" },
	{ "keyslots.0.af.type", "\"luks2\"", "keyslot-af" },
	{ "keyslots.0.af.type", "\"none\"", "keyslot-af" },
	{ "keyslots.0.af.stripes", "3999", "keyslot-af" },
	{ "keyslots.0.af.stripes", "4001", "keyslot-af" },
	{ "keyslots.0.af.stripes", "0", "keyslot-af" },
	{ "keyslots.0.af.stripes", "1", "keyslot-af" },
	{ "keyslots.0.af.stripes", "4294971296", "keyslot-af" }, /* 2^32 + 4000 */
	{ "keyslots.0.af.stripes", "\"4000\"", "keyslot-af" },
	{ "keyslots.0.af.hash", "\"sha512\"", "accepted" },
	{ "keyslots.0.af.hash", "\"sha1\"", "keyslot-af" },
	{ "keyslots.0.af.hash", "\"md5\"", "keyslot-af" },
	{ "keyslots.0.af.hash", "\"SHA256\"", "keyslot-af" },
	{ "keyslots.0.kdf.type", "\"scrypt\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.type", "\"argon2id\"", "unknown-key" }, /* hash and iterations */
	{ "keyslots.0.kdf.hash", "\"sha512\"", "accepted" },
	{ "keyslots.0.kdf.hash", "\"sha1\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.hash", "\"crc32c\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.iterations", "0", "keyslot-kdf" },
	{ "keyslots.0.kdf.iterations", "999", "keyslot-kdf" },
	{ "keyslots.0.kdf.iterations", "1000", "accepted" },
	{ "keyslots.0.kdf.iterations", "9999000", "accepted" }, /* 1000 more for the digest */
	{ "keyslots.0.kdf.iterations", "9999001", "kdf-cost" },
	{ "keyslots.0.kdf.iterations", "10000001", "kdf-cost" },
	{ "keyslots.0.kdf.iterations", "4294968296", "kdf-cost" }, /* 2^32 + 1000 */
	{ "keyslots.0.kdf.iterations", "-1000", "kdf-cost" },
	{ "keyslots.0.kdf.iterations", "\"1000\"", "kdf-cost" },
	{ "keyslots.0.kdf.salt", "\"" B32 "\"", "accepted" },
	{ "keyslots.0.kdf.salt", "\"" B31 "\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.salt", "\"" B33 "\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.salt", "\"" B64 "\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.salt", "\"AAAAAAAAAAAAAAAAAAAAA*AAAAAAAAAAAAAAAAAAAAA=\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.salt", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.salt", "\"AAAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAA=\"", "keyslot-kdf" },
	{ "keyslots.0.kdf.salt", "\"AAAAAAAAAAAAAAAAAAAAA\\u0000AAAAAAAAAAAAAAAAAAAAA=\"", "keyslot-kdf" },
	{ "digests.0.type", "\"pbkdf1\"", "digest" },
	{ "digests.0.hash", "\"sha1\"", "digest" },
	{ "digests.0.hash", "\"sha512\"", "digest" }, /* the digest is too short for it */
	{ "digests.0.iterations", "999", "digest" },
	{ "digests.0.iterations", "9999000", "accepted" },
	{ "digests.0.iterations", "9999001", "kdf-cost" },
	{ "digests.0.iterations", "10000001", "kdf-cost" },
	{ "digests.0.iterations", "-1", "kdf-cost" },
	{ "digests.0.salt", "\"" B31 "\"", "digest" },
	{ "digests.0.digest", "\"" B20 "\"", "accepted" },
	{ "digests.0.digest", "\"" B19 "\"", "digest" },
	{ "digests.0.digest", "\"" B21 "\"", "digest" },
	{ "digests.0.digest", "\"\"", "digest" },
	{ "digests.0.digest", "\"" B31 "\"", "digest" },
	{ "digests.0.digest", "\"" B33 "\"", "digest" },
	{ "digests.0.digest", "\"" B64 "\"", "digest" },
	{ "digests.0.keyslots", "[]", "digest-binding" },
	{ "digests.0.keyslots", "[\"1\"]", "digest-binding" },
	{ "digests.0.keyslots", "[0]", "digest-binding" },
	{ "digests.0.keyslots", "[null]", "digest-binding" },
	{ "digests.0.keyslots", "[[\"0\"]]", "digest-binding" },
	{ "digests.0.keyslots", "[\"00\"]", "digest-binding" },
	{ "digests.0.keyslots", "[\"0\\u0000\"]", "digest-binding" },
	{ "digests.0.keyslots", "[\"32\"]", "digest-binding" },
	{ "digests.0.keyslots", "[\"0\",\"0\"]", "digest-binding" },
	{ "digests.0.keyslots", "[\"0\",\"1\"]", "digest-binding" },
	{ "digests.0.keyslots", "{\"0\":\"0\"}", "digest-binding" },
	{ "digests.0.segments", "[]", "digest-binding" },
	{ "digests.0.segments", "[\"1\"]", "digest-binding" },
	{ "digests.0.segments", "[0]", "digest-binding" },
	{ "digests.0.segments", "[\"0\",\"0\"]", "digest-binding" },
	{ "digests.1", "{}", "digest-count" },
	{ "tokens.0", "{\"type\":\"luks2-keyring\",\"keyslots\":[\"0\"],\"key_description\":\"x\"}",
	  "token" },
	{ "tokens.0", "{\"type\":\"systemd-tpm2\",\"keyslots\":[]}", "token" },
	{ "tokens.0", "{}", "token" },
	{ "tokens.0", "null", "token" },
	{ "config.json_size", "\"12287\"", "config" },
	{ "config.json_size", "\"12289\"", "config" },
	{ "config.json_size", "12288", "config" },
	{ "config.keyslots_size", "\"1015808\"", "accepted" },	/* up to the data */
	{ "config.keyslots_size", "\"1019904\"", "config" },
	{ "config.keyslots_size", "\"786431\"", "config" },
	{ "config.keyslots_size", "\"0\"", "keyslot-area" },
	{ "config.keyslots_size", "\"18446744073709551615\"", "config" },
	{ "config.keyslots_size", "786432", "config" },
	{ "config.flags", "[]", "accepted" },
	{ "config.flags", "null", "config-flags" },
	{ "config.flags", "{}", "config-flags" },
	{ "config.flags", "\"allow-discards\"", "config-flags" },
	{ "config.flags", "[\"allow-discards\"]", "accepted" }, /* and ignored */
	{ "config.flags", "[\"allow-discards\",\"allow-discards\"]", "config-flags" },
	{ "config.flags", "[\"no-journal\"]", "config-flags" },
	{ "config.flags", "[\"same-cpu-crypt\"]", "accepted" },
	{ "config.flags", "[\"submit-from-crypt-cpus\"]", "accepted" },
	{ "config.flags", "[\"no-read-workqueue\"]", "accepted" },
	{ "config.flags", "[\"no-write-workqueue\"]", "accepted" },
	{ "config.flags", "[\"high_priority\"]", "accepted" },
	{ "config.flags", "[\"no-write-workqueue\",\"allow-discards\",\"no-read-workqueue\"]", "accepted" },
	{ "config.flags",
	  "[\"allow-discards\",\"same-cpu-crypt\",\"submit-from-crypt-cpus\",\"no-read-workqueue\","
	  "\"no-write-workqueue\",\"high_priority\"]", "accepted" },
	{ "config.flags", "[\"no-read-workqueue\",\"allow-discards\",\"no-read-workqueue\"]", "config-flags" },
	{ "config.flags", "[\"no-read-workqueue\",\"no-journal\"]", "config-flags" },
	{ "config.flags", "[\"high-priority\"]", "config-flags" },
	{ "config.flags", "[\"No-Read-Workqueue\"]", "config-flags" },
	{ "config.flags", "[\"high_priority\\u0000\"]", "config-flags" },
	{ "config.flags", "[\"\"]", "config-flags" },
	{ "config.flags", "[null]", "config-flags" },
	{ "config.flags", "[[\"allow-discards\"]]", "config-flags" },
	{ "config.requirements", "{\"mandatory\":[\"opal\"]}", "requirements" },
	{ "config.requirements", "{\"mandatory\":[]}", "requirements" },
	{ "config.requirements", "{\"optional\":[\"x\"]}", "requirements" },
};
/* clang-format on */

static void test_values(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		begin();
		luks2_put(tree, values[i].path, values[i].value);
		is_str(judge_tree(), values[i].rule, "%s is %s", values[i].path, values[i].value);
	}
}

/* A kdf of Argon2. */
static void put_argon2(const char *keyslot, const char *type, const char *time, const char *memory,
		       const char *cpus)
{
	char path[64], value[256];

	(void)snprintf(path, sizeof(path), "keyslots.%s.kdf", keyslot);
	(void)snprintf(value, sizeof(value),
		       "{\"type\":\"%s\",\"time\":%s,\"memory\":%s,\"cpus\":%s,\"salt\":\"" B32
		       "\"}",
		       type, time, memory, cpus);
	luks2_put(tree, path, value);
}

static void test_argon2(void)
{
	static const struct {
		const char *type, *time, *memory, *cpus, *rule;
	} cases[] = {
		{ "argon2id", "1", "1", "1", "accepted" },
		{ "argon2i", "4", "32", "1", "accepted" },
		{ "argon2d", "4", "32", "1", "keyslot-kdf" },
		{ "argon2id", "16", "1048576", "4", "accepted" },
		{ "argon2id", "17", "32", "1", "kdf-cost" },
		{ "argon2id", "4", "1048577", "1", "kdf-cost" },
		{ "argon2id", "4", "32", "5", "kdf-cost" },
		{ "argon2id", "0", "32", "1", "keyslot-kdf" },
		{ "argon2id", "4", "0", "1", "keyslot-kdf" },
		{ "argon2id", "4", "32", "0", "keyslot-kdf" },
		{ "argon2id", "-1", "32", "1", "kdf-cost" },
		{ "argon2id", "4", "4294967328", "1", "kdf-cost" }, /* 2^32 + 32 */
		{ "argon2id", "4", "\"32\"", "1", "kdf-cost" },
		{ "argon2id", "null", "32", "1", "kdf-cost" },
		{ "argon2id", "4", "32", "1,\"hash\":\"sha256\"", "unknown-key" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		put_argon2("0", cases[i].type, cases[i].time, cases[i].memory, cases[i].cpus);
		is_str(judge_tree(), cases[i].rule, "%s: time %s, memory %s, cpus %s",
		       cases[i].type, cases[i].time, cases[i].memory, cases[i].cpus);
		if (i == 3)
			ok(verdict.argon2_kib == 16ULL * 1048576 &&
				   verdict.keyslots[0].memory_kib == 1048576 &&
				   verdict.iterations == 1000,
			   "the largest one's costs");
	}
}

/* n keyslots with keys of 32 bytes, one behind the other; ids 0, 10, 20, .. */
static void begin_keyslots(unsigned int n)
{
	char path[64], value[64], list[64] = "";
	unsigned int i;

	begin();
	luks2_put(tree, "keyslots.0.key_size", "32");
	luks2_put(tree, "keyslots.0.area.size", "\"131072\"");
	luks2_set_tree(mutant, tree);
	json_object_put(tree);
	tree = luks2_tree(mutant); /* what was put raw can now be copied */
	for (i = 1; i < n; i++) {
		(void)snprintf(path, sizeof(path), "keyslots.%u", 10 * i);
		luks2_copy(tree, "keyslots.0", path);
		(void)snprintf(path, sizeof(path), "keyslots.%u.area.offset", 10 * i);
		(void)snprintf(value, sizeof(value), "\"%u\"", 32768 + i * 131072);
		luks2_put(tree, path, value);
	}
	for (i = 0; i < n; i++)
		text_append(list, sizeof(list), "%s\"%u\"", i ? "," : "[", 10 * i);
	text_append(list, sizeof(list), "]");
	luks2_put(tree, "digests.0.keyslots", list);
}

static void test_keyslots(void)
{
	unsigned int n, i, good = 0;

	for (n = 1; n <= 5; n++) {
		begin_keyslots(n);
		is_str(judge_tree(), n <= 4 ? "accepted" : "keyslot-count", "%u keyslots", n);
		for (i = 0; i < n && n <= 4; i++)
			good += verdict.nr_keyslots == n && verdict.keyslots[i].id == 10 * i &&
				verdict.keyslots[i].area.offset == 32768 + i * 131072 &&
				verdict.keyslots[i].area.size == 131072;
		ok(n > 4 || verdict.iterations == 2000 * n, "the sum of their iterations");
	}
	is_int(good, 1 + 2 + 3 + 4, "all of them are listed, with their places");

	begin_keyslots(2);
	luks2_put(tree, "keyslots.10.area.encryption", "\"aes-xts-plain65\"");
	is_str(judge_tree(), "keyslot-cipher", "the second keyslot is judged, too");
	begin_keyslots(2);
	luks2_put(tree, "keyslots.10.key_size", "64");
	luks2_put(tree, "keyslots.10.area.size", "\"258048\"");
	is_str(judge_tree(), "keyslot-key-size", "two sizes of one volume key");
	begin_keyslots(3);
	luks2_put(tree, "keyslots.20.area.offset", "\"32768\"");
	is_str(judge_tree(), "keyslot-area", "two keyslots in one place");
	begin_keyslots(2);
	luks2_put(tree, "keyslots.10.area.offset", "\"159744\"");
	is_str(judge_tree(), "keyslot-area", "two that overlap by a block");
	begin_keyslots(2);
	luks2_put(tree, "keyslots.0.area.offset", "\"159744\"");
	luks2_put(tree, "keyslots.10.area.offset", "\"32768\"");
	is_str(judge_tree(), "keyslot-area", "the same with the second in front");
	begin_keyslots(2);
	luks2_put(tree, "keyslots.10.area.offset", "\"65536\"");
	luks2_put(tree, "keyslots.10.area.size", "\"131072\"");
	luks2_put(tree, "keyslots.0.area.size", "\"786432\"");
	is_str(judge_tree(), "keyslot-area", "one inside of the other");

	begin_keyslots(2);
	luks2_put(tree, "digests.0.keyslots", "[\"0\"]");
	is_str(judge_tree(), "digest-binding", "a keyslot that the digest leaves out");
	begin_keyslots(2);
	luks2_put(tree, "digests.0.keyslots", "[\"0\",\"0\"]");
	is_str(judge_tree(), "digest-binding", "one that it names twice, and leaves out the other");
	begin_keyslots(2);
	luks2_put(tree, "digests.0.keyslots", "[\"10\",\"0\"]");
	is_str(judge_tree(), "accepted", "in another order");

	/* Costs: all keyslots may have to be tried. */
	begin_keyslots(4);
	for (i = 0; i < 4; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "keyslots.%u.kdf.iterations", 10 * i);
		luks2_put(tree, path, i ? "2499000" : "2499000");
	}
	is_str(judge_tree(), "accepted", "pbkdf2: ten million in sum");
	is_int(verdict.iterations, 10000000, "that is");
	luks2_put(tree, "keyslots.30.kdf.iterations", "2499001");
	is_str(judge_tree(), "kdf-cost", "one more");
	luks2_put(tree, "keyslots.30.kdf.iterations", "2499000");
	luks2_put(tree, "digests.0.iterations", "1001");
	is_str(judge_tree(), "kdf-cost", "one more of the digest counts for each keyslot");
	begin_keyslots(2);
	put_argon2("0", "argon2id", "15", "1048576", "4");
	put_argon2("10", "argon2i", "1", "1048576", "4");
	is_str(judge_tree(), "accepted", "argon2: time times memory, 16 GiB in sum");
	is_int(verdict.argon2_kib, 16 * 1048576, "that is");
	put_argon2("10", "argon2i", "2", "524289", "4");
	is_str(judge_tree(), "kdf-cost", "more than that");
	put_argon2("0", "argon2i", "2", "1000", "4");
	put_argon2("10", "argon2i", "2", "999", "4");
	is_str(judge_tree(), "accepted", "two small ones");
	is_int(verdict.keyslots[0].memory_kib > verdict.keyslots[1].memory_kib ?
		       verdict.keyslots[0].memory_kib :
		       verdict.keyslots[1].memory_kib,
	       1000, "the need of memory of each is told");
	begin_keyslots(1);
	luks2_copy(tree, "keyslots.0", "keyslots.31");
	luks2_del(tree, "keyslots.0");
	luks2_put(tree, "digests.0.keyslots", "[\"31\"]");
	is_str(judge_tree(), "accepted", "a single keyslot with number 31");
	is_int(verdict.keyslots[0].id, 31, "that is");
}

#define INTEGRITY(type, encryption, integrity)                  \
	"{\"type\":" type ",\"journal_encryption\":" encryption \
	",\"journal_integrity\":" integrity "}"
#define GOOD_INTEGRITY INTEGRITY("\"hmac(sha256)\"", "\"none\"", "\"none\"")

static void begin_integrity(const char *integrity)
{
	begin();
	if (integrity)
		luks2_put(tree, "segments.0.integrity", integrity);
	luks2_put(tree, "keyslots.0.key_size", "96");
	luks2_put(tree, "keyslots.0.area.size", "\"385024\"");
}

/* What cocotab asks for beyond the defaults; each option allows one thing. */
static void test_options(void)
{
	static const char *const bad[] = {
		INTEGRITY("\"hmac(sha512)\"", "\"none\"", "\"none\""),
		INTEGRITY("\"hmac(sha1)\"", "\"none\"", "\"none\""),
		INTEGRITY("\"none\"", "\"none\"", "\"none\""),
		INTEGRITY("\"aead\"", "\"none\"", "\"none\""),
		INTEGRITY("\"hmac(sha256)\\u0000\"", "\"none\"", "\"none\""),
		INTEGRITY("\"hmac(sha256)\"", "\"aes\"", "\"none\""),
		INTEGRITY("\"hmac(sha256)\"", "\"none\"", "\"crc32c\""),
		"{\"type\":\"hmac(sha256)\",\"journal_encryption\":\"none\"}",
		"{\"type\":\"hmac(sha256)\",\"journal_integrity\":\"none\"}",
		"{}",
		"null",
		"\"hmac(sha256)\"",
	};
	struct volume_conf *vc = &conf.volumes[0];
	size_t i;

	vc->options = VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	begin_integrity(GOOD_INTEGRITY);
	is_str(judge_tree(), "accepted", "integrity=hmac-sha256");
	ok(verdict.integrity && verdict.volume_key_size == 96, "is in the verdict");
	begin_integrity(NULL);
	is_str(judge_tree(), "segment-integrity", "a header without, where it is asked for");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		begin_integrity(bad[i]);
		is_str(judge_tree(), "segment-integrity", "integrity is %s", bad[i]);
	}
	begin_integrity("{\"type\":\"hmac(sha256)\",\"journal_encryption\":\"none\","
			"\"journal_integrity\":\"none\",\"key_size\":32}");
	is_str(judge_tree(), "unknown-key", "with one member more");
	begin_integrity(GOOD_INTEGRITY);
	luks2_put(tree, "keyslots.0.key_size", "64");
	is_str(judge_tree(), "keyslot-key-size", "a volume key without the part for integrity");
	begin_integrity(GOOD_INTEGRITY);
	luks2_put(tree, "keyslots.0.area.size", "\"383999\"");
	is_str(judge_tree(), "keyslot-area", "an area that is too small for 96 bytes");

	vc->options = VOLUME_OPTION_ALLOW_DISCARDS;
	begin();
	luks2_put(tree, "config.flags", "[\"allow-discards\"]");
	is_str(judge_tree(), "accepted", "allow-discards, also where cocotab asks for them");
	luks2_put(tree, "config.flags", "[\"no-journal\"]");
	is_str(judge_tree(), "config-flags", "but no other flag");
	luks2_put(tree, "config.flags", "[\"allow-discards\",\"allow-discards\"]");
	is_str(judge_tree(), "config-flags", "and not twice");
	reset();
	is_str(judge(), "accepted", "and without it, too");

	vc->options = 0;
	(void)snprintf(vc->tokens.names[0], CONF_NAME_SIZE, "systemd-tpm2");
	(void)snprintf(vc->tokens.names[1], CONF_NAME_SIZE, "x");
	vc->tokens.nr = 2;
	begin();
	luks2_put(tree, "tokens.0", "{\"type\":\"systemd-tpm2\",\"keyslots\":[],\"any\":[1,{}]}");
	luks2_put(tree, "tokens.31", "{\"type\":\"x\",\"keyslots\":[\"0\",\"0\"]}");
	is_str(judge_tree(), "accepted", "tokens of the types that are asked for");
	luks2_put(tree, "tokens.1", "{\"type\":\"systemd-fido2\",\"keyslots\":[]}");
	is_str(judge_tree(), "token", "but of no other type");
	luks2_put(tree, "tokens.1", "{\"type\":\"x\\u0000\",\"keyslots\":[]}");
	is_str(judge_tree(), "token", "or nearly that type");
	luks2_put(tree, "tokens.1", "{\"keyslots\":[]}");
	is_str(judge_tree(), "token", "or of none");
	/* Whatever libcryptsetup refuses, and with it the header. */
	luks2_put(tree, "tokens.1", "{\"type\":\"x\"}");
	is_str(judge_tree(), "token", "nor without the keyslots that it stands for");
	luks2_put(tree, "tokens.1", "{\"type\":\"x\",\"keyslots\":\"0\"}");
	is_str(judge_tree(), "token", "or with something else than a list of them");
	luks2_put(tree, "tokens.1", "{\"type\":\"x\",\"keyslots\":[\"0\",\"7\"]}");
	is_str(judge_tree(), "token", "or with one that is not there");
	luks2_put(tree, "tokens.1", "{\"type\":\"x\",\"keyslots\":[0]}");
	is_str(judge_tree(), "token", "or with a number");
	luks2_put(tree, "tokens.1", "{\"type\":\"x\",\"keyslots\":[\"0\\u0000\"]}");
	is_str(judge_tree(), "token", "or with nearly the name of one");
	luks2_put(tree, "tokens.1", "{\"type\":\"x\",\"keyslots\":[null]}");
	is_str(judge_tree(), "token", "or with none of them");
	luks2_del(tree, "tokens.1");
	luks2_put(tree, "tokens.32", "{\"type\":\"x\",\"keyslots\":[]}");
	is_str(judge_tree(), "token", "or with a number out of range");
	vc->tokens.nr = 0;
}

static void test_accepted(void)
{
	reset();
	is_str(judge(), "accepted", "the header as cryptsetup has written it");
	is_str(verdict.uuid, UUID, "its UUID");
	is_str(verdict.cipher, "aes-xts-plain64", "its cipher");
	is_int(verdict.data_offset, 1048576, "its data offset");
	is_int(verdict.sector_size, 512, "its sector size");
	is_int(verdict.volume_key_size, 64, "its volume key's size");
	ok(verdict.digest_id == 0 && !verdict.integrity, "its digest, and no integrity");
	ok(verdict.iterations == 2000 && verdict.argon2_kib == 0 &&
		   verdict.keyslots[0].memory_kib == 0,
	   "its costs: keyslot and digest");
	ok(verdict.nr_keyslots == 1 && verdict.keyslots[0].id == 0 &&
		   verdict.keyslots[0].area.offset == 32768 &&
		   verdict.keyslots[0].area.size == 258048,
	   "its keyslot area");
	edit(S, ":512", ":4096");
	(void)judge();
	is_int(verdict.sector_size, 4096, "a sector size of 4096");
	edit(S, "\"1048576\"", "\"1073741824\"");
	is_int(policy_judge(mutant, 1ULL << 40, &conf, &conf.volumes[0], &verdict), 0,
	       "data that begin at 1 GiB, on a large disk");
	is_int(policy_judge(mutant, 1ULL << 30, &conf, &conf.volumes[0], &verdict), -EPERM,
	       "not on one that ends there");
	begin();
	luks2_put(tree, "digests.0.hash", "\"sha512\"");
	luks2_put(tree, "digests.0.digest", "\"" B64 "\"");
	is_str(judge_tree(), "accepted", "a digest of SHA-512");
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
	edit(KA, "aes-xts-plain64", "serpent-xts-plain64");
	is_str(judge(), "accepted", "for a keyslot, too");
	conf.ciphers.nr = 0;
	reset();
	is_str(judge(), "segment-cipher", "an empty list allows nothing");
	conf_defaults(&conf);
}

/* The data's size and the sector size; the data begin at 1 MiB. */
static void test_alignment(void)
{
	static const uint64_t sizes[] = { DISK_SIZE, DISK_SIZE + 512, DISK_SIZE + 3584,
					  DISK_SIZE + 4096, (1ULL << 40) + 512 };
	static const unsigned int excess[] = { 0, 512, 3584, 0, 512 };
	char advice[ADVICE_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		reset();
		is_int(policy_judge(mutant, sizes[i], &conf, &conf.volumes[0], &verdict), 0,
		       "sectors of 512 bytes on a disk of %llu", (unsigned long long)sizes[i]);
		edit(S, ":512", ":4096");
		is_int(policy_judge(mutant, sizes[i], &conf, &conf.volumes[0], &verdict),
		       excess[i] ? -EPERM : 0, "... of 4096 bytes");
		is_str(verdict.rule, excess[i] ? "segment-alignment" : "", "... by the rule");
		is_int(policy_excess(&verdict, sizes[i]), excess[i], "... which knows the surplus");
		advice_on(&verdict, mutant, &conf.volumes[0], sizes[i], advice);
		ok(excess[i] ? strstr(advice, excess[i] == 512 ? " smaller by 512 bytes" :
								 " smaller by 3584 bytes") != NULL :
			       advice[0] == '\0',
		   "... and says what to do: %s", advice);
	}
	if (!was_seen("segment-alignment"))
		(void)snprintf(seen[nr_seen++], POLICY_RULE_SIZE, "segment-alignment");
	/* The device below dm-crypt is then dm-integrity's. */
	conf.volumes[0].options = VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	begin_integrity(GOOD_INTEGRITY);
	luks2_put(tree, "segments.0.sector_size", "4096");
	luks2_set_tree(mutant, tree);
	is_int(policy_judge(mutant, DISK_SIZE + 512, &conf, &conf.volumes[0], &verdict), 0,
	       "with integrity the disk's size is not what counts");
	conf.volumes[0].options = 0;
	/* What a judge that was taken over may say. */
	memset(&verdict, 0xff, sizeof(verdict));
	(void)snprintf(verdict.rule, sizeof(verdict.rule), "segment-alignment");
	advice_on(&verdict, mutant, &conf.volumes[0], DISK_SIZE, advice);
	is_str(advice, "", "no advice from numbers that make no sense");
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
		{ "--pbkdf argon2i --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 2",
		  "accepted" },
		{ "--sector-size 4096", "accepted" },
		{ "--label data --subsystem x", "accepted" },
		{ "--key-size 256", "accepted" },
		{ "--hash sha512", "accepted" },
		{ "--hash sha1", "keyslot-af" },
		{ "--hash whirlpool", "keyslot-af" },
		{ "--key-slot 2", "accepted" },
		{ "--cipher aes-cbc-essiv:sha256", "segment-cipher" },
		{ "--cipher aes-xts-plain", "segment-cipher" },
		{ "--cipher aes-ecb --key-size 256", "segment-cipher" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_luks(fx, "/other", "key", cases[i].options);
		luks2_read(fx, "/other", mutant);
		is_str(judge(), cases[i].rule, "luksFormat %s", cases[i].options);
	}
}

/* The man page explains each rule, at the start of a line, and no others. */
static void test_man_page(void)
{
	/* Those of other tests: binheader.c, and what volume.c asks libcryptsetup for. */
	/* clang-format off */
	static const char *const more[] = {
		"metadata-size", "second-copy-missing", "header-offset", "checksum-algorithm",
		"checksum", "reserved-bytes", "label", "uuid", "copies-differ", "accessor-cipher",
		"accessor-offset", "accessor-sector-size", "accessor-key-size", "accessor-uuid",
		"accessor-metadata", "accessor-reencryption", "accessor-hardware",
		"accessor-requirements", "accessor-flags", "accessor-integrity", "accessor-keyslot",
	};
	/* clang-format on */
	FILE *page = fopen(MAN_PAGE, "re");
	char line[1024], *cursor, *word;
	bool in_section = false, told[64] = { false };
	unsigned int surplus = 0, missing = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(more); i++)
		(void)snprintf(seen[nr_seen++], POLICY_RULE_SIZE, "%s", more[i]);
	if (!page) {
		ok(true, "# SKIP no %s yet", MAN_PAGE);
		return;
	}
	while (fgets(line, sizeof(line), page)) {
		if (strncmp(line, "# ", 2) == 0)
			in_section = strcmp(line, "# HEADER RULES\n") == 0;
		if (!in_section || *line != '*')
			continue;
		cursor = line;
		while ((word = text_word(&cursor, "*, \n"))) {
			for (i = 0; i < nr_seen && strcmp(seen[i], word) != 0; i++)
				;
			if (i < nr_seen)
				told[i] = true;
			else
				surplus++, printf("# no test for the man page's rule %s\n", word);
		}
	}
	(void)fclose(page);
	for (i = 0; i < nr_seen; i++)
		if (!told[i])
			missing++, printf("# the man page lacks %s\n", seen[i]);
	is_int(surplus, 0, "each rule of the man page is tested");
	is_int(missing, 0, "each rule that is tested is in the man page");
}

/* The names are part of the contract. */
static void test_names(void)
{
	/* clang-format off */
	static const char *const names[] = {
		"json", "json-duplicate-key", "unknown-key", "one-segment", "segment-type",
		"segment-cipher", "segment-integrity", "segment-size", "segment-offset",
		"segment-iv-tweak", "segment-sector-size", "segment-alignment", "segment-flags",
		"keyslot-count",
		"keyslot-id", "keyslot-type", "keyslot-key-size", "keyslot-priority",
		"keyslot-area", "keyslot-cipher", "keyslot-af", "keyslot-kdf", "kdf-cost",
		"digest-count", "digest", "digest-binding", "token", "config", "config-flags",
		"requirements",
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		ok(was_seen(names[i]), "something has broken the rule %s", names[i]);
	is_int(nr_seen, ARRAY_SIZE(names), "and there is no rule of another name");
}

int main(void)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_luks(&fx, "/vda", "key", "--uuid " UUID);
	luks2_read(&fx, "/vda", base);
	conf_defaults(&conf);
	test_accepted();
	test_alignment();
	test_edits();
	test_json_text();
	test_members();
	test_values();
	test_argon2();
	test_keyslots();
	test_options();
	test_ciphers();
	test_formats(&fx);
	test_names();
	test_man_page();
	json_object_put(tree);
	fixture_done(&fx);
	return tap_done();
}
