/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_platform.h - a platform that makes signed reports, behind the model of fake_tsm.h; words in
 * the variable FAKE_PLATFORM say which, and what goes wrong:
 *
 *     snp, tdx4, tdx5    what it is; none of them: no provider
 *     key=FILE           P-384, in PEM: signs reports of SNP
 *     rtmr=FILE          192 bytes: the registers of a quote
 *     aux=FILE           the table of certificates
 *     NAME               of an error of <errno.h>, such as EBUSY, that reading outblob ends with
 *     mkdir-NAME         the directory cannot be made
 *     rmdir-NAME         or not removed
 *     large              an outblob of 16 MiB
 *     moved              somebody else asks for a report in our directory
 *     lost               what is written has no effect
 *     hanging            outblob is never read to its end
 *     wrong-data         the report is of other 64 bytes
 *     turin, unknown     another processor
 *
 * Trusts its caller: it may end the whole program.
 */
#ifndef FAKE_PLATFORM_H
#define FAKE_PLATFORM_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "fake_tsm.h"

#define FAKE_QUOTE_SIZE(start) ((start) + 584 + 4)

static EVP_PKEY *fake_platform_key;
static unsigned char fake_platform_rtmr[192];
static const char *fake_platform_words;

static inline bool fake_platform_has(const char *word)
{
	const char *at = fake_platform_words;
	size_t len = strlen(word);

	while (at && (at = strstr(at, word))) {
		if ((at == fake_platform_words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
			return true;
		at += len;
	}
	return false;
}

/* The value of a word NAME=VALUE, in a buffer of its own; NULL if there is none. */
static inline const char *fake_platform_value(const char *name)
{
	static char value[PATH_MAX];
	const char *at = strstr(fake_platform_words, name);

	if (!at)
		return NULL;
	at += strlen(name);
	(void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, " "), at);
	return value;
}

static inline size_t fake_platform_file(const char *name, void *bytes, size_t max)
{
	const char *path = fake_platform_value(name);
	FILE *f = path ? fopen(path, "re") : NULL;
	size_t n;

	if (!path)
		return 0;
	FIXTURE_MUST(f);
	n = fread(bytes, 1, max, f);
	FIXTURE_MUST(fclose(f) == 0);
	return n;
}

/* 72 bytes, little-endian. */
static inline void fake_platform_number(const BIGNUM *n, unsigned char *to)
{
	FIXTURE_MUST(BN_bn2lebinpad(n, to, 72) == 72);
}

/* The layout: SEV-SNP firmware ABI (AMD 56860), table of ATTESTATION_REPORT. */
static inline size_t fake_platform_snp(unsigned char *report)
{
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	const unsigned char *der;
	unsigned char buf[256];
	size_t i, len = sizeof(buf);
	ECDSA_SIG *signature;
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	memset(report, 0, FAKE_TSM_REPORT_SIZE);
	for (i = 0x04; i < 0x4c; i++)
		report[i] = (unsigned char)(31 * i + 7);
	for (i = 0x90; i < 0x180; i++)
		report[i] = (unsigned char)(31 * i + 7);
	for (i = 0x1a0; i < 0x1e0; i++)
		report[i] = (unsigned char)(31 * i + 7);
	for (i = 0; i < 4; i++) {
		memset(report + tcbs[i], 0, 8);
		report[tcbs[i]] = 10;
		report[tcbs[i] + 6] = 27;
		report[tcbs[i] + 7] = 216;
	}
	report[0] = 5;
	memset(report + 0x30, 0, 4); /* VMPL */
	report[0x188] = fake_platform_has("turin") ? 0x1a : 0x19;
	report[0x189] = fake_platform_has("unknown") ? 0x77 : 0x11;
	report[0x18a] = 1;
	memset(report + 0x1f8, 0xb7, 16); /* beyond what a double can hold */
	memcpy(report + 0x50, fake_tsm->data, sizeof(fake_tsm->data));
	if (fake_platform_key) {
		FIXTURE_MUST(md && EVP_DigestSignInit(md, NULL, EVP_sha384(), NULL,
						      fake_platform_key) == 1);
		FIXTURE_MUST(EVP_DigestSign(md, buf, &len, report, 0x2a0) == 1);
		der = buf;
		signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
		FIXTURE_MUST(signature);
		fake_platform_number(ECDSA_SIG_get0_r(signature), report + 0x2a0);
		fake_platform_number(ECDSA_SIG_get0_s(signature), report + 0x2e8);
		ECDSA_SIG_free(signature);
	}
	EVP_MD_CTX_free(md);
	report[0x50] ^= fake_tsm->wrong_data;
	return FAKE_TSM_REPORT_SIZE;
}

/* The layout: Intel's TDX DCAP quoting library API, quotes of version 4 and 5. */
static inline size_t fake_platform_tdx(unsigned char *quote)
{
	const size_t start = fake_tsm->quote == 5 ? 54 : 48;
	size_t i;

	memset(quote, 0, FAKE_QUOTE_SIZE(start));
	quote[0] = (unsigned char)fake_tsm->quote;
	quote[2] = 2;
	quote[4] = 0x81;
	if (fake_tsm->quote == 5) {
		quote[48] = 2;
		quote[50] = (unsigned char)(584 & 0xff);
		quote[51] = (unsigned char)(584 >> 8);
	}
	for (i = 136; i < 184; i++)
		quote[start + i] = (unsigned char)(31 * i + 7);
	memcpy(quote + start + 328, fake_platform_rtmr, sizeof(fake_platform_rtmr));
	memcpy(quote + start + 520, fake_tsm->data, sizeof(fake_tsm->data));
	quote[start + 520] ^= fake_tsm->wrong_data;
	return FAKE_QUOTE_SIZE(start);
}

static inline size_t fake_platform_report(unsigned char *bytes)
{
	size_t n = *fake_tsm->provider == 's' ? fake_platform_snp(bytes) : fake_platform_tdx(bytes);

	if (fake_platform_has("large")) {
		memset(bytes + n, 0, 16 * 1024 * 1024 - n);
		n = 16 * 1024 * 1024;
	}
	return n;
}

/* The error of a word that is its name, with this in front; 0 if there is none. */
static inline int fake_platform_error(const char *front)
{
	static const int errors[] = { EBUSY, EINVAL, ENXIO, ENOTTY, EFBIG, EIO, EEXIST, ENOMEM };
	char word[64];
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		(void)snprintf(word, sizeof(word), "%s%s", front, strerrorname_np(errors[i]));
		if (fake_platform_has(word))
			return errors[i];
	}
	return 0;
}

static inline void fake_platform_init(const struct root *root)
{
	const char *path;
	FILE *f;

	fake_platform_words = getenv("FAKE_PLATFORM");
	if (!fake_platform_words)
		fake_platform_words = "";
	fake_tsm_init(root);
	fake_tsm_provider(fake_platform_has("snp")  ? "sev_guest" :
			  fake_platform_has("tdx4") ? "tdx_guest" :
			  fake_platform_has("tdx5") ? "tdx_guest" :
						      NULL);
	fake_tsm->quote = fake_platform_has("tdx5") ? 5 : 4;
	path = fake_platform_value("key=");
	if (path) {
		f = fopen(path, "re");
		FIXTURE_MUST(f);
		fake_platform_key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		FIXTURE_MUST(fake_platform_key && fclose(f) == 0);
	}
	(void)fake_platform_file("rtmr=", fake_platform_rtmr, sizeof(fake_platform_rtmr));
	fake_tsm->aux_len = fake_platform_file("aux=", fake_tsm->aux, sizeof(fake_tsm->aux));
	fake_tsm->read_error = fake_platform_error("");
	fake_tsm->mkdir_error = fake_platform_error("mkdir-");
	fake_tsm->rmdir_error = fake_platform_error("rmdir-");
	fake_tsm->foreign = fake_platform_has("moved");
	fake_tsm->lose_write = fake_platform_has("lost");
	fake_tsm->hang_read = fake_platform_has("hanging");
	fake_tsm->wrong_data = fake_platform_has("wrong-data");
	fake_tsm_maker = fake_platform_report;
}

#endif
