/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * volume.c - fuzz target: two readers of one header. What the policy accepts, libcryptsetup must
 * load from the sealed copy, and all that its accessors say must be what was judged.
 */
#include "volume/volume.h"

#include <libcryptsetup.h>

#include "forge.h"

static int disk = -1;

/* Whatever volume_check() leaves out, since nobody there acts on it. */
static void check_more(struct crypt_device *cd, const struct verdict *v,
		       const struct volume_conf *vc)
{
	uint64_t iterations = 0, argon2_kib = 0;
	uint32_t i;
	int id;

	for (i = 0; i < v->nr_keyslots; i++) {
		const struct policy_keyslot *slot = &v->keyslots[i];
		struct crypt_pbkdf_type kdf = { 0 };

		FUZZ_MUST(crypt_keyslot_get_priority(cd, (int)slot->id) == (int)slot->priority);
		FUZZ_MUST(crypt_keyslot_get_pbkdf(cd, (int)slot->id, &kdf) == 0);
		FUZZ_MUST(kdf.max_memory_kb == slot->memory_kib);
		FUZZ_MUST(kdf.parallel_threads <= POLICY_ARGON2_CPUS_MAX);
		if (slot->memory_kib)
			argon2_kib += (uint64_t)kdf.iterations * kdf.max_memory_kb;
		else
			iterations += kdf.iterations;
	}
	FUZZ_MUST(argon2_kib == v->argon2_kib);
	/* The rest is that of the digest, which has no accessor. */
	FUZZ_MUST(iterations + POLICY_ITERATIONS_MIN <= v->iterations);
	for (id = 0; id < crypt_token_max(CRYPT_LUKS2); id++) {
		const char *type = NULL;

		if (crypt_token_status(cd, id, &type) != CRYPT_TOKEN_INACTIVE)
			FUZZ_MUST(type && (strcmp(type, vc->tokens.names[0]) == 0 ||
					   strcmp(type, vc->tokens.names[1]) == 0));
	}
}

static void load(const struct device *device, const struct conf *conf, const struct verdict *v,
		 struct header *header)
{
	struct header_area areas[HEADER_AREAS_MAX];
	struct volume volume = VOLUME_NULL;
	const char *rule = NULL;
	struct fault f = { 0 };
	uint32_t i;

	for (i = 0; i < v->nr_keyslots; i++)
		areas[i] = v->keyslots[i].area;
	FUZZ_MUST(header_seal(header, device, areas, v->nr_keyslots, v->data_offset, &f) == 0);
	if (volume_load(header, device, &volume, &f) < 0 ||
	    volume_check(&volume, &conf->volumes[0], v, &rule, &f) < 0)
		fprintf(stderr, "%s\n", f.why);
	FUZZ_MUST(f.code == 0);
	check_more(volume.cd, v, &conf->volumes[0]);
	volume_done(&volume);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char metadata[2 * FORGE_COPY_MAX];
	unsigned int choice = fuzz_choice(&data, &size);
	struct device device = { .path = "fuzz" };
	struct header header = HEADER_NULL;
	struct fault f = { 0 };
	struct verdict v;
	struct conf conf;
	uint32_t copy_size;

	if (disk < 0) {
		disk = fuzz_file(NULL);
		volume_init_library();
	}
	forge_conf(choice, &conf, &device.size);
	copy_size = conf.volumes[0].metadata_size;
	if (size > copy_size - HEADER_BINARY_SIZE)
		return 0;
	forge_make((const char *)data, size, copy_size, metadata);
	if (policy_judge(metadata, device.size, &conf, &conf.volumes[0], &v) < 0)
		return 0;
	fuzz_accepted++;
	fuzz_file_set(disk, metadata, 2 * (size_t)copy_size, (off_t)device.size);
	device.fd = disk;
	FUZZ_MUST(header_read(&device, copy_size, &header, &f) == 0);
	FUZZ_MUST(header.size == 2 * (size_t)copy_size &&
		  memcmp(header.metadata, metadata, header.size) == 0);
	load(&device, &conf, &v, &header);
	header_done(&header);
	return 0;
}
