/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snp.c - fuzz target: an SNP report, and what lies beside it. The first byte says what: `A` the
 * image's file, else the host's table. json-c reads the text, and each member has to be the bytes
 * that the report has there: a broker signs for no other.
 */
#include "broker/snp.h"

#include <json-c/json.h>

#include "broker/certificates.h"
#include "fuzz.h"

static const unsigned char *report;
static json_object *members;

static uint64_t le(const unsigned char *p, size_t size)
{
	uint64_t value = 0;

	while (size-- > 0)
		value = value << 8 | p[size];
	return value;
}

static json_object *get(json_object *object, const char *name)
{
	json_object *value = NULL;

	FUZZ_MUST(json_object_object_get_ex(object, name, &value));
	return value;
}

static void is_number(json_object *object, const char *name, size_t at, size_t size)
{
	json_object *value = get(object, name);

	FUZZ_MUST(json_object_is_type(value, json_type_int));
	FUZZ_MUST(json_object_get_uint64(value) == le(report + at, size));
}

static void is_bytes(json_object *array, const unsigned char *bytes, size_t size)
{
	size_t i;

	FUZZ_MUST(json_object_is_type(array, json_type_array));
	FUZZ_MUST(json_object_array_length(array) == size);
	for (i = 0; i < size; i++)
		FUZZ_MUST(json_object_get_int(json_object_array_get_idx(array, i)) == bytes[i]);
}

static void is_array(const char *name, size_t at, size_t size)
{
	is_bytes(get(members, name), report + at, size);
}

static void is_tcb(const char *name, size_t at)
{
	json_object *tcb = get(members, name);
	const bool turin = report[0x188] == 0x1a;

	FUZZ_MUST(json_object_object_length(tcb) == 5);
	if (turin)
		is_number(tcb, "fmc", at, 1);
	else
		FUZZ_MUST(!get(tcb, "fmc"));
	is_number(tcb, "bootloader", at + turin, 1);
	is_number(tcb, "tee", at + 1 + turin, 1);
	is_number(tcb, "snp", at + (turin ? 3 : 6), 1);
	is_number(tcb, "microcode", at + 7, 1);
}

static void is_firmware(const char *name, size_t at)
{
	FUZZ_MUST(json_object_object_length(get(members, name)) == 3);
	is_number(get(members, name), "build", at, 1);
	is_number(get(members, name), "minor", at + 1, 1);
	is_number(get(members, name), "major", at + 2, 1);
}

static void is_vector(const char *name, size_t at)
{
	if (report[0] < 5)
		FUZZ_MUST(!get(members, name));
	else
		is_number(members, name, at, 8);
}

static void check_report(void)
{
	FUZZ_MUST(json_object_object_length(members) == 29);
	is_number(members, "version", 0, 4);
	is_number(members, "guest_svn", 4, 4);
	is_number(members, "policy", 8, 8);
	is_array("family_id", 0x10, 16);
	is_array("image_id", 0x20, 16);
	is_number(members, "vmpl", 0x30, 4);
	is_number(members, "sig_algo", 0x34, 4);
	is_tcb("current_tcb", 0x38);
	is_number(members, "plat_info", 0x40, 8);
	is_number(members, "key_info", 0x48, 4);
	is_array("report_data", 0x50, 64);
	is_array("measurement", 0x90, 48);
	is_array("host_data", 0xc0, 32);
	is_array("id_key_digest", 0xe0, 48);
	is_array("author_key_digest", 0x110, 48);
	is_array("report_id", 0x140, 32);
	is_array("report_id_ma", 0x160, 32);
	is_tcb("reported_tcb", 0x180);
	is_number(members, "cpuid_fam_id", 0x188, 1);
	is_number(members, "cpuid_mod_id", 0x189, 1);
	is_number(members, "cpuid_step", 0x18a, 1);
	is_array("chip_id", 0x1a0, 64);
	is_tcb("committed_tcb", 0x1e0);
	is_firmware("current", 0x1e8);
	is_firmware("committed", 0x1ec);
	is_tcb("launch_tcb", 0x1f0);
	is_vector("launch_mit_vector", 0x1f8);
	is_vector("current_mit_vector", 0x200);
	FUZZ_MUST(json_object_object_length(get(members, "signature")) == 2);
	is_bytes(get(get(members, "signature"), "r"), report + 0x2a0, 72);
	is_bytes(get(get(members, "signature"), "s"), report + 0x2e8, 72);
}

/* One certificate, which lies in what was given. */
static void check_chain(json_object *chain, const struct evidence *evidence,
			const unsigned char *given, size_t len)
{
	json_object *one, *data;
	unsigned char *der;
	size_t i, size;

	FUZZ_MUST(evidence->null_chain == !chain &&
		  (!chain || json_object_array_length(chain) == 1));
	FUZZ_MUST(evidence->note[0] || !evidence->null_chain);
	if (!chain)
		return;
	one = json_object_array_get_idx(chain, 0);
	data = get(one, "data");
	size = json_object_array_length(data);
	der = malloc(size + 1);
	FUZZ_MUST(der && json_object_object_length(one) == 2);
	for (i = 0; i < size; i++)
		der[i] = (unsigned char)json_object_get_int(json_object_array_get_idx(data, i));
	FUZZ_MUST(certificate_is_der(der, size) && memmem(given, len, der, size));
	FUZZ_MUST(strstr("VCEK VLEK", json_object_get_string(get(one, "cert_type"))));
	free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned int choice = fuzz_choice(&data, &size);
	const size_t len = size < SNP_REPORT_SIZE ? size : SNP_REPORT_SIZE;
	struct frame frame = { .type = FRAME_EVIDENCE, .nr = _EVIDENCE_MAX };
	struct evidence evidence = EVIDENCE_NULL;
	unsigned char *copy = fuzz_copy(data, len), *more = fuzz_copy(data + len, size - len);
	struct fault f = { 0 };
	json_object *tree;
	int r;

	frame.fields[EVIDENCE_REPORT] = (struct frame_field){ copy, len };
	frame.fields[choice & 1 ? EVIDENCE_VCEK : EVIDENCE_AUXILIARY] =
		(struct frame_field){ more, size - len };
	r = evidence_write("snp", &frame, &evidence, &f);
	FUZZ_MUST(r == 0 ||
		  (r < 0 && f.code == EXITCODE_REPORT_FAILED && f.why[0] && !evidence.json));
	if (r == 0) {
		fuzz_accepted++;
		tree = json_tokener_parse(evidence.json);
		FUZZ_MUST(tree && json_object_object_length(tree) == 2);
		report = copy;
		members = get(tree, "attestation_report");
		FUZZ_MUST(report[0] >= 3 && report[0] <= 5);
		check_report();
		check_chain(get(tree, "cert_chain"), &evidence, more, size - len);
		json_object_put(tree);
		evidence_done(&evidence);
	}
	free(copy);
	free(more);
	return 0;
}
