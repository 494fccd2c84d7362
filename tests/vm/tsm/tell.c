/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tell.c - tells the lab, on the console, which EC key the unlocker has made, so that the guest's
 * memory can be searched for it. Preloaded into the programs of one lab guest's initramfs: it stands
 * before libcrypto's function through which a private key leaves libcrypto. What it tells is
 * disguised, so that the search finds neither the line nor its copies; it keeps no copy itself.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DISGUISE 0x5a

static void tell(const unsigned char *scalar, size_t len)
{
	char line[200] = "<1>LAB scalar=";
	size_t at = strlen(line), i;
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	for (i = 0; i < len && at + 4 < sizeof(line); i++)
		at += (size_t)sprintf(line + at, "%02x", scalar[i] ^ DISGUISE);
	line[at++] = '\n';
	if (fd < 0 || write(fd, line, at) < 0)
		fprintf(stderr, "tell: nobody hears it\n");
	if (fd >= 0)
		close(fd);
}

int EVP_PKEY_get_params(const EVP_PKEY *pkey, OSSL_PARAM params[])
{
	int (*next)(const EVP_PKEY *, OSSL_PARAM[]);
	OSSL_PARAM *p;
	int r;

	*(void **)&next = dlsym(RTLD_NEXT, "EVP_PKEY_get_params");
	r = next(pkey, params);
	p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY);
	if (r == 1 && p)
		tell(p->data, p->return_size);
	return r;
}
