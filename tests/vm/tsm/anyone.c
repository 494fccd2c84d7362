/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * anyone.c - in the place of src/broker/identity.c, for the lab's controls: any server is the
 * owner's broker. It shows what the check of the identity is worth, and what the image's policy
 * still refuses without it. Never part of an installation.
 */
#include "broker/identity.h"

bool identity_is_address(const char *name)
{
	return name[0] >= '0' && name[0] <= '9';
}

static int accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	((struct identity *)arg)->accepted = true;
	return 1;
}

int identity_require(SSL_CTX *ctx, struct identity *identity, struct fault *f)
{
	(void)f;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, identity);
	return 0;
}

int identity_check(const struct identity *identity, struct fault *f)
{
	(void)identity;
	(void)f;
	return 0;
}
