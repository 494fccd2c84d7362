/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snp.c - an SNP report in the broker's form.
 * Trusts neither report nor table: both come through the host. The broker makes the signed bytes of
 * the members again, so each one has to be exact.
 */
#include "broker/snp.h"

#include <string.h>

#include "base/little.h"
#include "base/text.h"
#include "broker/certificates.h"

#define VERSION_MIN 3 /* the first one that names the processor */
#define VERSION_MAX 5

#define AT_VERSION 0x000
#define AT_VMPL 0x030
#define AT_KEY_INFO 0x048
#define AT_FAMILY 0x188
#define AT_MODEL 0x189
#define AT_CHIP_ID 0x1a0
#define CHIP_ID_SIZE 64
#define SIGNATURE_PART_SIZE 72

enum form { NUMBER, BYTES, FIRMWARE, TCB, SIGNATURE };

/* In the order of names. */
static const struct member {
	const char *name;
	uint16_t at, size; /* bytes */
	enum form form;
	unsigned int since; /* version; null in reports before it */
} members[] = {
	/* clang-format off */
	{ "author_key_digest",  0x110, 48, BYTES, 0 },
	{ "chip_id",            AT_CHIP_ID, CHIP_ID_SIZE, BYTES, 0 },
	{ "committed",          0x1ec,  3, FIRMWARE, 0 },
	{ "committed_tcb",      0x1e0,  8, TCB, 0 },
	{ "cpuid_fam_id",       AT_FAMILY, 1, NUMBER, 0 },
	{ "cpuid_mod_id",       AT_MODEL, 1, NUMBER, 0 },
	{ "cpuid_step",         0x18a,  1, NUMBER, 0 },
	{ "current",            0x1e8,  3, FIRMWARE, 0 },
	{ "current_mit_vector", 0x200,  8, NUMBER, 5 },
	{ "current_tcb",        0x038,  8, TCB, 0 },
	{ "family_id",          0x010, 16, BYTES, 0 },
	{ "guest_svn",          0x004,  4, NUMBER, 0 },
	{ "host_data",          0x0c0, 32, BYTES, 0 },
	{ "id_key_digest",      0x0e0, 48, BYTES, 0 },
	{ "image_id",           0x020, 16, BYTES, 0 },
	{ "key_info",           AT_KEY_INFO, 4, NUMBER, 0 },
	{ "launch_mit_vector",  0x1f8,  8, NUMBER, 5 },
	{ "launch_tcb",         0x1f0,  8, TCB, 0 },
	{ "measurement",        0x090, 48, BYTES, 0 },
	{ "plat_info",          0x040,  8, NUMBER, 0 },
	{ "policy",             0x008,  8, NUMBER, 0 },
	{ "report_data",        0x050, 64, BYTES, 0 },
	{ "report_id",          0x140, 32, BYTES, 0 },
	{ "report_id_ma",       0x160, 32, BYTES, 0 },
	{ "reported_tcb",       0x180,  8, TCB, 0 },
	{ "sig_algo",           0x034,  4, NUMBER, 0 },
	{ "signature",          0x2a0, 2 * SIGNATURE_PART_SIZE, SIGNATURE, 0 },
	{ "version",            AT_VERSION, 4, NUMBER, 0 },
	{ "vmpl",               AT_VMPL, 4, NUMBER, 0 },
	/* clang-format on */
};

/* Where the numbers of a TCB stand, by generation of the processor. */
static const struct generation {
	unsigned int family, first, last; /* models */
	int fmc;			  /* -1: has none */
	unsigned int bootloader, tee, snp, microcode;
} generations[] = {
	{ 0x19, 0x00, 0x0f, -1, 0, 1, 6, 7 }, /* Milan */
	{ 0x19, 0x10, 0x1f, -1, 0, 1, 6, 7 }, /* Genoa */
	{ 0x19, 0xa0, 0xae, -1, 0, 1, 6, 7 }, /* Genoa's brothers */
	{ 0x1a, 0x00, 0x11, 0, 1, 2, 3, 7 },  /* Turin */
};

static const struct generation *find_generation(const unsigned char *report)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(generations); i++)
		if (report[AT_FAMILY] == generations[i].family &&
		    report[AT_MODEL] >= generations[i].first &&
		    report[AT_MODEL] <= generations[i].last)
			return &generations[i];
	return NULL;
}

static uint64_t number(const unsigned char *p, size_t size)
{
	return size == 1 ? p[0] : size == 4 ? little32(p) : little64(p);
}

static void put_bytes(FILE *out, const unsigned char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		fprintf(out, "%c%u", i ? ',' : '[', bytes[i]);
	fputc(']', out);
}

static void put_tcb(FILE *out, const unsigned char *tcb, const struct generation *generation)
{
	fprintf(out, "{\"bootloader\":%u,\"fmc\":", tcb[generation->bootloader]);
	if (generation->fmc < 0)
		fputs("null", out);
	else
		fprintf(out, "%u", tcb[generation->fmc]);
	fprintf(out, ",\"microcode\":%u,\"snp\":%u,\"tee\":%u}", tcb[generation->microcode],
		tcb[generation->snp], tcb[generation->tee]);
}

static void put_member(FILE *out, const unsigned char *report, const struct member *member,
		       const struct generation *generation)
{
	const unsigned char *p = report + member->at;

	switch (member->form) {
	case NUMBER:
		if (little32(report + AT_VERSION) < member->since)
			fputs("null", out);
		else
			fprintf(out, "%llu", (unsigned long long)number(p, member->size));
		break;
	case BYTES:
		put_bytes(out, p, member->size);
		break;
	case FIRMWARE:
		fprintf(out, "{\"build\":%u,\"major\":%u,\"minor\":%u}", p[0], p[2], p[1]);
		break;
	case TCB:
		put_tcb(out, p, generation);
		break;
	case SIGNATURE:
		fputs("{\"r\":", out);
		put_bytes(out, p, SIGNATURE_PART_SIZE);
		fputs(",\"s\":", out);
		put_bytes(out, p + SIGNATURE_PART_SIZE, SIGNATURE_PART_SIZE);
		fputc('}', out);
	}
}

static int put_report(FILE *out, const unsigned char *report, struct fault *f)
{
	const struct generation *generation = find_generation(report);
	uint32_t version = little32(report + AT_VERSION);
	size_t i;

	if (version < VERSION_MIN || version > VERSION_MAX)
		return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
				 "the report is of version %u, and brokers read %d to %d", version,
				 VERSION_MIN, VERSION_MAX);
	if (!generation)
		return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
				 "the report is of a processor that brokers do not know: family "
				 "0x%02x, model 0x%02x",
				 report[AT_FAMILY], report[AT_MODEL]);
	for (i = 0; i < ARRAY_SIZE(members); i++) {
		fprintf(out, "%c\"%s\":", i ? ',' : '{', members[i].name);
		put_member(out, report, &members[i], generation);
	}
	fputc('}', out);
	return 0;
}

/* Of what the host gives the one that the report names as its signer, if there is a choice. What is
 * wrong with the host's table matters only to those who need it. */
static int find_certificate(const struct frame *frame, enum certificate_kind signer,
			    struct certificate *ret_certificate, enum certificate_kind *ret_kind,
			    struct evidence *evidence, struct fault *f)
{
	const struct frame_field *table = &frame->fields[EVIDENCE_AUXILIARY];
	const struct frame_field *file = &frame->fields[EVIDENCE_VCEK];
	const enum certificate_kind other =
		signer == CERTIFICATE_VCEK ? CERTIFICATE_VLEK : CERTIFICATE_VCEK;
	struct certificate certificates[_CERTIFICATE_MAX] = { 0 };
	struct fault flaw = { 0 };
	int r = certificates_find(table->data, table->len, certificates, &flaw);

	if (r < 0 && !certificate_is_der(file->data, file->len)) {
		fault_merge(f, &flaw);
		return r;
	}
	if (r < 0)
		text_append(evidence->note, sizeof(evidence->note),
			    "%s; the image's file of VCEK= is sent in its place", flaw.why);
	*ret_kind = certificates[signer].der || !certificates[other].der ? signer : other;
	*ret_certificate = certificates[*ret_kind];
	if (ret_certificate->der || file->len == 0)
		return 0;
	if (!certificate_is_der(file->data, file->len))
		return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
				 "the image's file of VCEK= is no certificate in DER");
	*ret_certificate = (struct certificate){ .der = file->data, .len = file->len };
	return 0;
}

static void note(struct evidence *evidence, const unsigned char *report)
{
	static const unsigned char hidden[CHIP_ID_SIZE];
	uint32_t vmpl = little32(report + AT_VMPL);

	if (evidence->null_chain && memcmp(report + AT_CHIP_ID, hidden, CHIP_ID_SIZE) == 0)
		text_append(evidence->note, sizeof(evidence->note),
			    "the host gives no certificate of the chip and hides which chip it is: "
			    "nobody can fetch one");
	else if (evidence->null_chain)
		text_append(evidence->note, sizeof(evidence->note),
			    "the host gives no certificate of the chip: the broker has to fetch it "
			    "from AMD, which can take several attempts");
	if (vmpl != 0)
		text_append(evidence->note, sizeof(evidence->note),
			    "%sthe report is of VMPL %u, and brokers take only those of VMPL 0",
			    evidence->note[0] ? "; " : "", vmpl);
}

int snp_write(const struct frame *frame, FILE *out, struct evidence *evidence, struct fault *f)
{
	static const char *const names[] = { [CERTIFICATE_VCEK] = "VCEK",
					     [CERTIFICATE_VLEK] = "VLEK" };
	const struct frame_field *report = &frame->fields[EVIDENCE_REPORT];
	struct certificate certificate;
	enum certificate_kind kind;
	int r;

	if (report->len != SNP_REPORT_SIZE)
		return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
				 "the report has %zu bytes in place of %d", report->len,
				 SNP_REPORT_SIZE);
	fputs("{\"attestation_report\":", out);
	r = put_report(out, report->data, f);
	if (r < 0)
		return r;
	/* Bits 2 to 4 are the signing key: 1 is the VLEK. */
	kind = (report->data[AT_KEY_INFO] >> 2 & 7) == 1 ? CERTIFICATE_VLEK : CERTIFICATE_VCEK;
	r = find_certificate(frame, kind, &certificate, &kind, evidence, f);
	if (r < 0)
		return r;
	fputs(",\"cert_chain\":", out);
	evidence->null_chain = !certificate.der;
	if (certificate.der) {
		fprintf(out, "[{\"cert_type\":\"%s\",\"data\":", names[kind]);
		put_bytes(out, certificate.der, certificate.len);
		fputs("}]}", out);
	} else {
		fputs("null}", out);
	}
	note(evidence, report->data);
	return 0;
}
