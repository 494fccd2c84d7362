/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - the machine behind lab_tsm.c: loads that module, makes a report of SEV-SNP or a quote
 * of TDX out of each request, and signs it with the lab's key. What it is told comes from the host,
 * as the serial number of the machine, so that one image serves for all: the name of a platform
 * (none: there is no provider) and, behind it, what goes wrong. Lab guests only.
 *
 * Layouts: AMD 56860, ATTESTATION_REPORT; Intel's TDX DCAP quote, version 4.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lab_tsm.h"

#define ORDER "/sys/class/dmi/id/product_serial"
#define MODULE "/lab/lab_tsm.ko"
#define KEY "/lab/key.pem"
#define AUXBLOB "/lab/auxblob"
#define DEVICE "/dev/lab_tsm"
#define REPORTS "/sys/kernel/config/tsm/report"
#define DATA_SIZE 64
#define REPORT_SIZE 1184
#define REPORT_SIGNED 0x2a0
#define QUOTE_HEAD 48
#define QUOTE_BODY 584
#define QUOTE_SIGNED (QUOTE_HEAD + QUOTE_BODY)
#define QUOTE_SIZE (QUOTE_SIGNED + 4 + 64)

static const struct {
	const char *name;
	int error;
} FAULTS[] = { { "ebusy", EBUSY }, { "einval", EINVAL }, { "enxio", ENXIO }, { "enotty", ENOTTY } };

static void fail(const char *what)
{
	FILE *console = fopen("/dev/kmsg", "w");

	if (console)
		fprintf(console, "<1>LAB tsm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static size_t read_file(const char *path, unsigned char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, size);

	if (fd >= 0)
		close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static void put16(unsigned char *p, unsigned int value)
{
	p[0] = (unsigned char)value;
	p[1] = (unsigned char)(value >> 8);
}

/* r and s of a signature over the bytes, little-endian as the platforms write it, `size` bytes each. */
static void sign(EVP_PKEY *key, const unsigned char *bytes, size_t len, unsigned char *r_and_s,
		 int size)
{
	unsigned char der[256];
	const unsigned char *p = der;
	size_t der_len = sizeof(der);
	const BIGNUM *r, *s;
	ECDSA_SIG *signature;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, der, &der_len, bytes, len) != 1)
		fail("signature");
	EVP_MD_CTX_free(ctx);
	signature = d2i_ECDSA_SIG(NULL, &p, (long)der_len);
	if (!signature)
		fail("signature");
	ECDSA_SIG_get0(signature, &r, &s);
	if (BN_bn2lebinpad(r, r_and_s, size) != size ||
	    BN_bn2lebinpad(s, r_and_s + size, size) != size)
		fail("signature");
	ECDSA_SIG_free(signature);
}

/* A report of version 3, of a Genoa at VMPL 0. */
static size_t snp_report(EVP_PKEY *key, const unsigned char *data, unsigned char *report)
{
	static const unsigned char tcb[8] = { 10, 0, 0, 0, 0, 0, 27, 27 };
	static const size_t tcbs[] = { 0x38, 0x180, 0x1e0, 0x1f0 };
	size_t i;

	memset(report, 0, REPORT_SIZE);
	report[0] = 3;
	report[0x0a] = 3; /* policy: SMT, and the bit that must be one */
	report[0x34] = 1; /* ECDSA P-384 with SHA-384 */
	report[0x40] = 0x25;
	memcpy(report + 0x50, data, DATA_SIZE);
	memset(report + 0x90, 0x4c, 48);  /* measurement */
	memset(report + 0x140, 0x1d, 32); /* report id */
	memset(report + 0x1a0, 0xc5, 64); /* chip */
	report[0x188] = 0x19;
	report[0x189] = 0x11;
	report[0x18a] = 1;
	for (i = 0; i < sizeof(tcbs) / sizeof(tcbs[0]); i++)
		memcpy(report + tcbs[i], tcb, sizeof(tcb));
	sign(key, report, REPORT_SIGNED, report + REPORT_SIGNED, 72);
	return REPORT_SIZE;
}

/* A quote of version 4. Its signature is of a length that is right, and nothing: a broker of the
 * lab does not have Intel's keys. */
static size_t tdx_quote(const unsigned char *data, unsigned char *quote)
{
	memset(quote, 0, QUOTE_SIZE);
	put16(quote, 4);
	put16(quote + 2, 2);			    /* ECDSA P-256 */
	quote[4] = 0x81;			    /* TDX */
	memset(quote + QUOTE_HEAD + 136, 0x7d, 48); /* MRTD */
	memcpy(quote + QUOTE_HEAD + 520, data, DATA_SIZE);
	put16(quote + QUOTE_SIGNED, 64);
	memset(quote + QUOTE_SIGNED + 4, 0x5a, 64);
	return QUOTE_SIZE;
}

/* Another client writes into the directory of the one that is being answered: its write waits for
 * the core's lock, and is done before that one reads on. */
static void meddle(void)
{
	static const unsigned char zeros[DATA_SIZE];
	static bool done;
	glob_t found;
	size_t i;
	int fd;

	if (done)
		return;
	done = true;
	if (fork() == 0) {
		if (glob(REPORTS "/*/inblob", 0, NULL, &found) != 0)
			fail(REPORTS);
		for (i = 0; i < found.gl_pathc; i++) {
			fd = open(found.gl_pathv[i], O_WRONLY | O_CLOEXEC);
			if (fd < 0 || write(fd, zeros, sizeof(zeros)) != sizeof(zeros) ||
			    close(fd) < 0)
				fail(found.gl_pathv[i]);
		}
		_exit(0);
	}
	usleep(500000);
}

static void load(const char *provider)
{
	char parameters[64];
	int fd, r;

	if (system("modprobe -q tsm || modprobe -q tsm_report") != 0)
		fail("modprobe tsm");
	fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	snprintf(parameters, sizeof(parameters), "provider=%s", provider);
	r = fd < 0 ? -1 : (int)syscall(SYS_finit_module, fd, parameters, 0);
	if (r < 0)
		fail(MODULE);
	close(fd);
}

static EVP_PKEY *read_key(void)
{
	FILE *f = fopen(KEY, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (!key)
		fail(KEY);
	fclose(f);
	return key;
}

/* Answers one request. */
static void answer(int fd, EVP_PKEY *key, bool tdx, const char *fault, const unsigned char *data)
{
	static unsigned char buffer[sizeof(struct lab_tsm_answer) + REPORT_SIZE + 65536];
	struct lab_tsm_answer head = { 0 };
	unsigned char *bytes = buffer + sizeof(head);
	size_t i;

	for (i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++)
		if (strcmp(fault, FAULTS[i].name) == 0)
			head.error = (unsigned int)FAULTS[i].error;
	if (strcmp(fault, "hang") == 0)
		return;
	if (strcmp(fault, "generation") == 0)
		meddle();
	if (!head.error) {
		head.outblob_len =
			(unsigned int)(tdx ? tdx_quote(data, bytes) : snp_report(key, data, bytes));
		head.auxblob_len =
			(unsigned int)(tdx ? 0 :
					     read_file(AUXBLOB, bytes + head.outblob_len, 65536));
	}
	memcpy(buffer, &head, sizeof(head));
	if (write(fd, buffer, sizeof(head) + head.outblob_len + head.auxblob_len) < 0)
		fail("answer");
}

int main(void)
{
	char order[64] = { 0 }, platform[16] = { 0 }, fault[16] = { 0 };
	unsigned char data[DATA_SIZE];
	EVP_PKEY *key;
	bool tdx;
	int fd;

	read_file(ORDER, (unsigned char *)order, sizeof(order) - 1);
	if (sscanf(order, "%15s %15s", platform, fault) < 1 || strcmp(platform, "none") == 0)
		return 0;
	tdx = strcmp(platform, "tdx") == 0;
	key = read_key();
	load(tdx ? "tdx_guest" : "sev_guest");
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(DEVICE);
	/* From now on requests are answered; what has started this waits no longer. */
	if (fork() != 0)
		return 0;
	for (;;) {
		ssize_t n = read(fd, data, sizeof(data));

		if (n == DATA_SIZE)
			answer(fd, key, tdx, fault, data);
		else if (n >= 0)
			answer(fd, key, tdx, "einval", data);
		else if (errno != EINTR && errno != EAGAIN)
			fail("request");
	}
}
