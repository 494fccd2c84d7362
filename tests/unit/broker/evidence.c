/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evidence.c - SNP reports as the broker wants them: figures of two made reports that were computed
 * elsewhere, which certificate goes along, and what is refused.
 */
#include "broker/evidence.h"

#include "base/digest.h"
#include "bytes.h"

#define REPORT_SIZE 1184

static unsigned char report[REPORT_SIZE];
static struct frame frame;
static struct evidence evidence;
static struct fault f;

/* Byte o is 31 * o + 7, but for version, VMPL and the processor. */
static void make(unsigned char version, unsigned char family, unsigned char model)
{
	size_t i;

	for (i = 0; i < REPORT_SIZE; i++)
		report[i] = (unsigned char)(31 * i + 7);
	memcpy(report, (unsigned char[]){ version, 0, 0, 0 }, 4);
	memset(report + 0x30, 0, 4);
	memcpy(report + 0x188, (unsigned char[]){ family, model, 1 }, 3);
	frame = (struct frame){ .type = FRAME_EVIDENCE, .nr = _EVIDENCE_MAX };
	frame.fields[EVIDENCE_REPORT] = (struct frame_field){ report, REPORT_SIZE };
}

static int write_as(const char *tee)
{
	evidence_done(&evidence);
	f = (struct fault){ 0 };
	return evidence_write(tee, &frame, &evidence, &f);
}

/* The value of attestation_report. */
static bool is_report(size_t len, const char *sha256)
{
	static const char front[] = "{\"attestation_report\":";
	const char *start = evidence.json + strlen(front), *end = strstr(start, ",\"cert_chain\":");
	struct digest digest;

	if (strncmp(evidence.json, front, strlen(front)) != 0 || !end)
		return false;
	BYTES_MUST(digest_sha256(start, (size_t)(end - start), &digest) == 0);
	if ((size_t)(end - start) == len &&
	    strcmp(bytes_hex(digest.octets, DIGEST_SIZE), sha256) == 0)
		return true;
	printf("# %zu bytes, %s\n", (size_t)(end - start), bytes_hex(digest.octets, DIGEST_SIZE));
	return false;
}

static bool has(const char *text)
{
	return evidence.json && strstr(evidence.json, text);
}

static void test_vectors(void)
{
	make(3, 0x19, 0x11);
	is_int(write_as("snp"), 0, "a report of Genoa, version 3");
	ok(is_report(2786, "e32c12d1e9b53fbabcfcf09bc53c2a3030331376cd8fe57471302d4225c1ba89"),
	   "... its text is the one that was computed elsewhere");
	ok(has("\"policy\":15616683037503069951,") &&
		   has("\"current_tcb\":{\"bootloader\":207,\"fmc\":null,\"microcode\":168,\"snp\":137,"
		       "\"tee\":238}") &&
		   has("\"launch_mit_vector\":null,") && has("\"current_mit_vector\":null,"),
	   "... members that were easily wrong");
	make(5, 0x1a, 0x02);
	is_int(write_as("snp"), 0, "a report of Turin, version 5");
	ok(is_report(2811, "6575b9926a8128221af95199fa3b1f67c95cdc4589ea776c096616b5bb687b93"),
	   "... its text is the one that was computed elsewhere");
	ok(has("\"current_tcb\":{\"bootloader\":238,\"fmc\":207,\"microcode\":168,\"snp\":44,"
	       "\"tee\":13}") &&
		   has("\"launch_mit_vector\":16774125802912296463,"),
	   "... members that were easily wrong");
	memset(report, 0xff, REPORT_SIZE);
	memcpy(report, "\5\0\0\0", 4);
	memcpy(report + 0x188, "\x19\0\1", 3);
	ok(write_as("snp") == 0 && has("\"policy\":18446744073709551615,") &&
		   has("\"guest_svn\":4294967295,"),
	   "the largest numbers are exact");
}

static void test_generations(void)
{
	static const struct {
		unsigned char family, first, last;
	} known[] = { { 0x19, 0x00, 0x1f }, { 0x19, 0xa0, 0xae }, { 0x1a, 0x00, 0x11 } };
	unsigned int family, model, wrong = 0;
	unsigned char version;
	size_t i;

	for (family = 0; family < 256; family++) {
		for (model = 0; model < 256; model++) {
			bool good = false;

			for (i = 0; i < ARRAY_SIZE(known); i++)
				good |= family == known[i].family && model >= known[i].first &&
					model <= known[i].last;
			make(4, (unsigned char)family, (unsigned char)model);
			if (good)
				wrong += write_as("snp") != 0;
			else
				wrong += write_as("snp") != -ENOTSUP || evidence.json ||
					 f.code != EXITCODE_REPORT_FAILED;
		}
	}
	is_int(wrong, 0, "each processor is known, or refused");
	ok(strstr(f.why, "family 0xff, model 0xff"), "... and named");
	for (version = 0, wrong = 0; version < 8; version++) {
		make(version, 0x19, 0x11);
		wrong += write_as("snp") != (version >= 3 && version <= 5 ? 0 : -ENOTSUP);
	}
	is_int(wrong, 0, "versions 3 to 5, and no other");
	ok(f.code == EXITCODE_REPORT_FAILED && strstr(f.why, "version 7"), "... it is named");
	make(3, 0x19, 0x11);
	report[2] = 1;
	is_int(write_as("snp"), -ENOTSUP, "all four bytes of the version count");
}

static void test_refused(void)
{
	size_t len, refused = 0;

	make(3, 0x19, 0x11);
	for (len = 0; len < REPORT_SIZE; len++) {
		unsigned char *copy = malloc(len + 1);

		BYTES_MUST(copy);
		memcpy(copy, report, len);
		frame.fields[EVIDENCE_REPORT] = (struct frame_field){ copy, len };
		refused += write_as("snp") == -EBADMSG && f.code == EXITCODE_REPORT_FAILED &&
			   !evidence.json;
		free(copy);
	}
	is_int(refused, REPORT_SIZE, "cut at any byte it is refused");
	make(3, 0x19, 0x11);
	frame.fields[EVIDENCE_REPORT].len++;
	is_int(write_as("snp"), -EBADMSG, "a byte more is refused, unread");
	make(3, 0x19, 0x11);
	ok(write_as("sev") == -ENOTSUP && f.code == EXITCODE_INTERNAL, "another kind");
	frame.nr--;
	ok(write_as("snp") == -EBADMSG && f.code == EXITCODE_INTERNAL, "a frame without a field");
	make(3, 0x19, 0x11);
	frame.type = FRAME_RESOURCE;
	ok(write_as("snp") == -EBADMSG && f.code == EXITCODE_INTERNAL, "another frame");
}

static void set(enum evidence_field field, const char *hex)
{
	static unsigned char bytes[_EVIDENCE_MAX][256];
	size_t len = bytes_from_hex(hex, bytes[field], sizeof(bytes[field]));

	frame.fields[field] = (struct frame_field){ bytes[field], len };
}

#define END "00000000000000000000000000000000 00000000 00000000"
#define VCEK "63da758de6644564adc5f4b93be8accd"
#define VLEK "a8074bc2a25a483eaae639c045a0b8a1"

static void test_chain(void)
{
	make(3, 0x19, 0x11);
	ok(write_as("snp") == 0 && evidence.null_chain && has(",\"cert_chain\":null}") &&
		   strstr(evidence.note, "fetch it from AMD"),
	   "without a certificate the chain is null, and that is said");
	set(EVIDENCE_AUXILIARY, END);
	ok(write_as("snp") == 0 && evidence.null_chain, "as with an empty table");
	set(EVIDENCE_VCEK, "3001ff");
	ok(write_as("snp") == 0 && !evidence.null_chain && !evidence.note[0] &&
		   has(",\"cert_chain\":[{\"cert_type\":\"VCEK\",\"data\":[48,1,255]}]}"),
	   "then the image's file is sent");
	set(EVIDENCE_AUXILIARY, VCEK "30000000 03000000" END "30017f");
	ok(write_as("snp") == 0 && has("\"VCEK\",\"data\":[48,1,127]}]}"), "but first the host's");
	set(EVIDENCE_AUXILIARY,
	    VLEK "48000000 03000000" VCEK "4b000000 03000000" END "300101 300102");
	ok(write_as("snp") == 0 && has("[{\"cert_type\":\"VCEK\",\"data\":[48,1,2]}]}"),
	   "of two the one that has signed");
	report[0x48] = 1 << 2;
	ok(write_as("snp") == 0 && has("[{\"cert_type\":\"VLEK\",\"data\":[48,1,1]}]}"),
	   "... which can be the VLEK");
	set(EVIDENCE_AUXILIARY, VCEK "30000000 03000000" END "30017f");
	ok(write_as("snp") == 0 && has("[{\"cert_type\":\"VCEK\",\"data\":[48,1,127]}]}"),
	   "a single one is sent as what the host calls it");
	set(EVIDENCE_AUXILIARY, "");
	ok(write_as("snp") == 0 && has("[{\"cert_type\":\"VLEK\",\"data\":[48,1,255]}]}"),
	   "the file is what has signed");
	set(EVIDENCE_VCEK, "2d2d2d2d2d");
	ok(write_as("snp") == -EBADMSG && f.code == EXITCODE_REPORT_FAILED &&
		   strstr(f.why, "VCEK="),
	   "a file in PEM is refused");
	set(EVIDENCE_AUXILIARY, VCEK "30000000 03000000" END "30017e30");
	ok(write_as("snp") == 0, "... if it is needed");
	set(EVIDENCE_AUXILIARY, VCEK "30000000 03000000");
	ok(write_as("snp") == -EBADMSG && f.code == EXITCODE_REPORT_FAILED && !evidence.json &&
		   strstr(f.why, "certificate table is malformed"),
	   "a malformed table is refused, also beside such a file");
	set(EVIDENCE_VCEK, "");
	ok(write_as("snp") == -EBADMSG && f.code == EXITCODE_REPORT_FAILED && !evidence.json &&
		   strstr(f.why, "certificate table is malformed"),
	   "... and without one");
	set(EVIDENCE_VCEK, "3001ff");
	ok(write_as("snp") == 0 && f.code == EXITCODE_OK && !evidence.null_chain &&
		   has("\"data\":[48,1,255]}]}") &&
		   strstr(evidence.note, "table is malformed: entry 1 is not whole") &&
		   strstr(evidence.note, "VCEK="),
	   "beside the image's file that is only said: %s", evidence.note);
	set(EVIDENCE_VCEK, "");
}

static void test_notes(void)
{
	make(3, 0x19, 0x11);
	memset(report + 0x1a0, 0, 64);
	ok(write_as("snp") == 0 && evidence.null_chain &&
		   strstr(evidence.note, "nobody can fetch one"),
	   "a chip that is hidden is said");
	report[0x1a0 + 63] = 1;
	ok(write_as("snp") == 0 && !strstr(evidence.note, "nobody"), "... all of its bytes count");
	report[0x1a0 + 63] = 0;
	report[0x30] = 2;
	ok(write_as("snp") == 0 && strstr(evidence.note, "nobody can fetch one; ") &&
		   strstr(evidence.note, "VMPL 2,") &&
		   strlen(evidence.note) < sizeof(evidence.note) - 1,
	   "another VMPL is said, too");
	set(EVIDENCE_VCEK, "3000");
	ok(write_as("snp") == 0 && strncmp(evidence.note, "the report is of VMPL 2", 23) == 0,
	   "... or alone");
}

int main(void)
{
	test_vectors();
	test_generations();
	test_refused();
	test_chain();
	test_notes();
	evidence_done(&evidence);
	return tap_done();
}
