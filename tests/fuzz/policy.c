/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy.c - fuzz target: the policy on the JSON text of a header. The checksums are good, so that
 * nothing but a rule stops a text; what is accepted lies in the bounds that policy.h promises.
 */
#include "forge.h"

static void check_place(const struct verdict *v, uint64_t metadata_size, uint32_t i)
{
	const struct policy_keyslot *slot = &v->keyslots[i];
	uint32_t k;

	FUZZ_MUST(slot->id < 32 && (slot->priority == 1 || slot->priority == 2));
	FUZZ_MUST(slot->memory_kib <= POLICY_ARGON2_MEMORY_KIB_MAX);
	FUZZ_MUST(slot->area.offset >= metadata_size && slot->area.offset % 4096 == 0);
	FUZZ_MUST(slot->area.size >= v->volume_key_size * 4000ULL);
	FUZZ_MUST(slot->area.size <= HEADER_AREA_SIZE_MAX);
	FUZZ_MUST(slot->area.offset + slot->area.size <= v->data_offset);
	for (k = 0; k < i; k++) {
		const struct policy_keyslot *other = &v->keyslots[k];

		FUZZ_MUST(other->id != slot->id);
		FUZZ_MUST(other->area.offset + other->area.size <= slot->area.offset ||
			  slot->area.offset + slot->area.size <= other->area.offset);
	}
}

static void check(const struct verdict *v, const struct conf *conf, unsigned int choice,
		  uint64_t disk_size)
{
	const uint64_t metadata_size = 2 * (uint64_t)conf->volumes[0].metadata_size;
	uint32_t i;

	FUZZ_MUST(v->rule[0] == '\0' && strcmp(v->uuid, FORGE_UUID) == 0);
	FUZZ_MUST(strcmp(v->cipher, conf->ciphers.names[0]) == 0 ||
		  ((choice & FORGE_CIPHERS) && strcmp(v->cipher, conf->ciphers.names[1]) == 0));
	FUZZ_MUST(v->data_offset >= metadata_size && v->data_offset % 4096 == 0);
	FUZZ_MUST(v->data_offset < disk_size);
	FUZZ_MUST(v->sector_size == 512 || v->sector_size == 4096);
	FUZZ_MUST(v->integrity || (disk_size - v->data_offset) % v->sector_size == 0);
	FUZZ_MUST(v->integrity == (bool)(choice & FORGE_INTEGRITY));
	FUZZ_MUST(v->integrity ? v->volume_key_size == 96 :
				 v->volume_key_size == 32 || v->volume_key_size == 64);
	FUZZ_MUST(v->digest_id < 32);
	FUZZ_MUST(v->iterations >= POLICY_ITERATIONS_MIN && v->iterations <= POLICY_ITERATIONS_MAX);
	FUZZ_MUST(v->argon2_kib <= POLICY_ARGON2_KIB_MAX);
	FUZZ_MUST(v->nr_keyslots >= 1 && v->nr_keyslots <= HEADER_AREAS_MAX);
	for (i = 0; i < v->nr_keyslots; i++)
		check_place(v, metadata_size, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char metadata[2 * FORGE_COPY_MAX];
	unsigned int choice = fuzz_choice(&data, &size);
	struct verdict v;
	struct conf conf;
	uint64_t disk_size;
	int r;

	forge_conf(choice, &conf, &disk_size);
	if (size > conf.volumes[0].metadata_size - HEADER_BINARY_SIZE)
		return 0;
	forge_make((const char *)data, size, conf.volumes[0].metadata_size, metadata);
	r = policy_judge(metadata, disk_size, &conf, &conf.volumes[0], &v);
	FUZZ_MUST(r == 0 || r == -EPERM);
	FUZZ_MUST(memchr(v.rule, '\0', sizeof(v.rule)));
	if (r < 0) {
		FUZZ_MUST(v.rule[0] != '\0');
		return 0;
	}
	fuzz_accepted++;
	check(&v, &conf, choice, disk_size);
	return 0;
}
