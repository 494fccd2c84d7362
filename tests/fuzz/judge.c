/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.c - fuzz target: the answer of a judge that a header has taken over. The input is a list
 * of changes of a good answer, of three bytes each: place (two) and value. What is believed can
 * reach no further than what the policy could have said.
 */
#include "disk/judge.h"

#include <sys/socket.h>

#include "fuzz.h"

#define DISK_SIZE (64 * 1024 * 1024)
#define UUID "5c0c0a7e-0009-4000-8000-000000000001"

/* As in src/disk/judge.c: what goes over the socket. */
struct answer {
	int32_t r;
	struct verdict verdict;
};

enum choice { REFUSAL = 1, INTEGRITY = 2, SHORT = 4, LONG = 8 };

static int ours = -1, theirs = -1;

static void make_answer(struct answer *a, unsigned int choice)
{
	struct verdict *v = &a->verdict;
	uint32_t i;

	memset(a, 0, sizeof(*a));
	memcpy(v->uuid, UUID, sizeof(UUID));
	memcpy(v->cipher, "aes-xts-plain64", sizeof("aes-xts-plain64"));
	v->data_offset = 16 * 1024 * 1024;
	v->sector_size = 512;
	v->integrity = choice & INTEGRITY;
	v->volume_key_size = v->integrity ? 96 : 64;
	v->iterations = 2000;
	v->nr_keyslots = 2;
	for (i = 0; i < 2; i++) {
		v->keyslots[i].id = i;
		v->keyslots[i].priority = 1;
		v->keyslots[i].area.offset = 32768 + i * 512 * 1024;
		v->keyslots[i].area.size = 512 * 1024;
	}
	if (choice & REFUSAL) {
		a->r = -EPERM;
		memcpy(v->rule, "segment-type", sizeof("segment-type"));
	}
}

static void check_strings(const struct verdict *v)
{
	const char *const texts[] = { v->rule, v->uuid, v->cipher };
	const size_t sizes[] = { sizeof(v->rule), sizeof(v->uuid), sizeof(v->cipher) };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		FUZZ_MUST(memchr(texts[i], '\0', sizes[i]));
		for (k = 0; texts[i][k]; k++)
			FUZZ_MUST(texts[i][k] >= 0x20 && texts[i][k] <= 0x7e);
	}
}

static void check(const struct verdict *v, unsigned int choice)
{
	unsigned char integrity;
	char uuid[GUID_TEXT_SIZE];
	uint32_t i;

	memcpy(&integrity, &v->integrity, 1);
	FUZZ_MUST(integrity == !!(choice & INTEGRITY));
	FUZZ_MUST(v->rule[0] == '\0' && guid_from_text(v->uuid, uuid) == 0);
	FUZZ_MUST(strcmp(v->cipher, "aes-xts-plain64") == 0);
	FUZZ_MUST(v->sector_size == 512 || v->sector_size == 4096);
	FUZZ_MUST(integrity ? v->volume_key_size == 96 :
			      v->volume_key_size == 32 || v->volume_key_size == 64);
	FUZZ_MUST(v->data_offset >= HEADER_METADATA_SIZE && v->data_offset < DISK_SIZE);
	FUZZ_MUST(v->iterations <= POLICY_ITERATIONS_MAX && v->argon2_kib <= POLICY_ARGON2_KIB_MAX);
	FUZZ_MUST(v->nr_keyslots >= 1 && v->nr_keyslots <= HEADER_AREAS_MAX && v->digest_id < 32);
	for (i = 0; i < v->nr_keyslots; i++) {
		const struct policy_keyslot *slot = &v->keyslots[i];

		FUZZ_MUST(slot->id < 32 && slot->memory_kib <= POLICY_ARGON2_MEMORY_KIB_MAX);
		FUZZ_MUST(slot->area.offset >= HEADER_METADATA_SIZE);
		FUZZ_MUST(slot->area.size >= 1 && slot->area.size <= HEADER_AREA_SIZE_MAX);
		FUZZ_MUST(slot->area.offset <= v->data_offset &&
			  slot->area.size <= v->data_offset - slot->area.offset);
	}
}

static void open_sockets(void)
{
	int fds[2];

	FUZZ_MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	ours = fds[0];
	theirs = fds[1];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char metadata[HEADER_METADATA_SIZE], memory[HEADER_METADATA_SIZE];
	unsigned char request[256];
	const struct device device = { .size = DISK_SIZE };
	unsigned int choice = fuzz_choice(&data, &size);
	struct {
		struct answer answer;
		unsigned char more[8];
	} message = { 0 };
	size_t len = sizeof(message.answer);
	struct judge_process judge;
	struct fault f = { 0 };
	struct conf conf;
	struct verdict v;
	int r;

	if (ours < 0)
		open_sockets();
	judge = (struct judge_process){ .fd = ours, .metadata = memory, .size = sizeof(memory) };
	conf_defaults(&conf);
	if (choice & INTEGRITY)
		conf.volumes[0].options |= VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	make_answer(&message.answer, choice);
	for (; size >= 3; data += 3, size -= 3)
		((unsigned char *)&message)[((size_t)data[0] << 8 | data[1]) % len] = data[2];
	len -= choice & SHORT ? 1 + size : 0;
	len += choice & LONG ? 8 : 0;
	FUZZ_MUST(send(theirs, &message, len, 0) == (ssize_t)len);
	memset(&v, 0, sizeof(v));
	r = judge_ask(&judge, &conf, 0, metadata, &device, &v, &f);
	FUZZ_MUST(recv(theirs, request, sizeof(request), 0) > 0);
	FUZZ_MUST(r == 0 || f.code == EXITCODE_HEADER_REFUSED || f.code == EXITCODE_NO_MEMORY ||
		  f.code == EXITCODE_JUDGE_FAILED);
	FUZZ_MUST(f.code == EXITCODE_JUDGE_FAILED || len == sizeof(message.answer));
	check_strings(&v);
	if (r < 0)
		return 0;
	fuzz_accepted++;
	check(&v, choice);
	return 0;
}
