/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.h - is the server the owner's broker?
 * One of the owner's pins or the owner's CA says so; each alone suffices. Of the pins: that the
 * server has this key, nothing else; names and dates are not looked at. Of the CA: that its chain
 * leads to the server's certificate, which has the configured name, or address; dates are not
 * looked at, since the clock is the host's. There is no other store of certificates.
 */
#ifndef COCO_IDENTITY_H
#define COCO_IDENTITY_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/digest.h"
#include "base/fault.h"

struct identity {
	const unsigned char *pins; /* SHA-256 of a SubjectPublicKeyInfo, DIGEST_SIZE each */
	size_t nr_pins;
	const unsigned char *ca; /* PEM: one certificate */
	size_t ca_len;		 /* 0: none */
	const char *name;	 /* of the server, or an IP literal without brackets */
	/* What identity_verify() leaves: */
	bool accepted;
	struct digest shown; /* of the server's key */
	int error;	     /* X509_V_OK until it has refused, then X509_V_ERR_... */
};

/* True if a name is an IPv4 or IPv6 literal. */
bool identity_is_address(const char *name);

/* From here on a handshake of ctx fails unless the server is who it has to be. identity outlives
 * ctx. Returns 0, or -errno with f saying config or internal. */
int identity_require(SSL_CTX *ctx, struct identity *identity, struct fault *f) _must_check_;

/* A handshake has failed, or not asked: says why in f. Returns -EPERM, or 0 if the server has been
 * accepted. */
int identity_check(const struct identity *identity, struct fault *f) _must_check_;

#endif
