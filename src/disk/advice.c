/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice.c - a way out for headers that an honest tool has written, and that a rule refuses, as a
 * boot tells it: it does not know who wrote the header, and has no name for the disk that holds
 * elsewhere. Of the owner's tool, which knows both, see owner/disk/rules.c.
 * Trusts nothing of what it is told; may not decide anything.
 */
#include "disk/advice.h"

#include <stdio.h>
#include <string.h>

#define REBUILD " and build the initramfs again"
#define TRUSTED ", on a machine that you trust: "
#define OF_FILE ", of a file with --force-offline-reencrypt"
#define OTHER_HASH \
	"if it was LUKS1 with sha1" TRUSTED "cryptsetup reencrypt --hash sha256 DISK" OF_FILE
#define OTHER_CIPHER \
	"if you have chosen its cipher yourself, name that in Ciphers=" REBUILD ", or" TRUSTED
#define LAST_WRITE \
	"if you were writing its header when the machine stopped" TRUSTED "coco-secret repair DISK"
#define UNDER_WAY \
	"if you have begun a reencryption" TRUSTED "cryptsetup reencrypt --resume-only DISK" OF_FILE

static const struct {
	const char *rule, *text;
} fixed[] = {
	{ "checksum", LAST_WRITE },
	{ "second-copy-missing", LAST_WRITE },
	{ "copies-differ", LAST_WRITE },
	{ "one-segment", UNDER_WAY },
	{ "requirements", UNDER_WAY },
	{ "segment-cipher", OTHER_CIPHER
	  "cryptsetup reencrypt --cipher aes-xts-plain64 --key-size 512 DISK" OF_FILE },
	{ "keyslot-cipher", OTHER_CIPHER
	  "cryptsetup luksChangeKey --keyslot-cipher aes-xts-plain64 --keyslot-key-size 512 DISK" },
	{ "segment-integrity",
	  "if you have chosen its integrity yourself, bring integrity= of cocotab in line with "
	  "it" REBUILD },
	{ "keyslot-count",
	  "if you have added keyslots" TRUSTED "cryptsetup luksKillSlot DISK NUMBER, until four "
	  "are left" },
	{ "keyslot-af", OTHER_HASH },
	{ "keyslot-kdf", OTHER_HASH },
	{ "kdf-cost",
	  "if you have added keyslots" TRUSTED "cryptsetup luksConvertKey --pbkdf pbkdf2 "
	  "--pbkdf-force-iterations 1000 DISK, where the key is a random one" },
	{ "digest", OTHER_HASH },
	{ "token", "if the token is yours, allow its type with token=TYPE in cocotab" REBUILD },
};

const char *advice_size_name(uint64_t size)
{
	static const char *const names[] = { "16k",  "32k", "64k", "128k", "256k",
					     "512k", "1m",  "2m",  "4m" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (size == (uint64_t)CONF_METADATA_SIZE << i)
			return names[i];
	return NULL;
}

/* Of the header's own size, where it is one that tools make. */
static void advise_size(const unsigned char *metadata, const struct volume_conf *vc, char *ret_text)
{
	uint64_t size = binheader_size(metadata);
	const char *name = advice_size_name(size);

	if (name && size != vc->metadata_size)
		(void)snprintf(ret_text, ADVICE_SIZE,
			       "if it was made with metadata of this size, put metadata-size=%s into "
			       "its options in cocotab" REBUILD,
			       name); /* fits */
}

void advice_on(const struct verdict *v, const unsigned char *metadata, const struct volume_conf *vc,
	       uint64_t device_size, char ret_text[ADVICE_SIZE])
{
	uint64_t excess;
	size_t i;

	ret_text[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (strcmp(v->rule, fixed[i].rule) == 0)
			(void)snprintf(ret_text, ADVICE_SIZE, "%s", fixed[i].text); /* fits */
	if (strcmp(v->rule, "metadata-size") == 0)
		advise_size(metadata, vc, ret_text);
	excess = policy_excess(v, device_size);
	if (strcmp(v->rule, "segment-alignment") == 0 && excess > 0)
		(void)snprintf(ret_text, ADVICE_SIZE,
			       "if it is yours, make it, or its partition, smaller by %llu bytes: it has "
			       "to end with a sector of %u bytes",
			       (unsigned long long)excess, v->sector_size); /* fits */
}
