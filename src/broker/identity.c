/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * identity.c - holds the server's certificate against the owner's pins and the owner's CA.
 * Trusts what the image says, and of the certificate only what libcrypto has parsed; that the
 * server has the key is what the handshake proves.
 */
#include "broker/identity.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

bool identity_is_address(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

/* SHA-256 of the DER of its SubjectPublicKeyInfo. */
static int digest_key(X509 *certificate, struct digest *ret_digest)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der), r;

	if (len <= 0)
		return -EBADMSG;
	r = digest_sha256(der, (size_t)len, ret_digest);
	OPENSSL_free(der);
	return r;
}

static bool is_pinned(const struct identity *identity)
{
	size_t i;

	for (i = 0; i < identity->nr_pins; i++)
		if (memcmp(identity->shown.octets, identity->pins + i * DIGEST_SIZE, DIGEST_SIZE) ==
		    0)
			return true;
	return false;
}

/* libssl's verification of a chain, as a whole. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	struct identity *identity = arg;

	identity->error = X509_V_ERR_APPLICATION_VERIFICATION;
	if (!leaf || digest_key(leaf, &identity->shown) < 0) {
		X509_STORE_CTX_set_error(store, identity->error);
		return 0;
	}
	identity->accepted = is_pinned(identity);
	if (!identity->accepted && identity->ca_len > 0) {
		identity->accepted = X509_verify_cert(store) == 1;
		identity->error = X509_STORE_CTX_get_error(store);
	}
	if (identity->accepted)
		identity->error = X509_V_OK;
	X509_STORE_CTX_set_error(store, identity->error);
	return identity->accepted;
}

static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

/* The one certificate of the owner's file. */
static int add_ca(X509_STORE *store, const struct identity *identity, struct fault *f)
{
	BIO *bio = BIO_new_mem_buf(identity->ca, (int)identity->ca_len); /* 16 KiB at most */
	X509 *ca = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	X509 *second = ca ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
	bool good = ca && !second && X509_STORE_add_cert(store, ca) == 1;

	X509_free(second); /* these take NULL */
	X509_free(ca);
	BIO_free(bio);
	return good ? 0 :
		      fault_set(f, EXITCODE_CONFIG, EINVAL,
				"the file of BrokerCA= is not one certificate in PEM");
}

int identity_require(SSL_CTX *ctx, struct identity *identity, struct fault *f)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	int r;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, identity);
	if (identity->ca_len == 0)
		return 0;
	r = add_ca(SSL_CTX_get_cert_store(ctx), identity, f);
	if (r < 0)
		return r;
	/* The owner's certificate is the end of a chain, even if another one has signed it. */
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME |
						       X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
	    (identity_is_address(identity->name) ?
		     X509_VERIFY_PARAM_set1_ip_asc(param, identity->name) :
		     X509_VERIFY_PARAM_set1_host(param, identity->name, 0)) != 1)
		return fault_set(f, EXITCODE_INTERNAL, ENOMEM, "cannot ask for a certificate of %s",
				 identity->name);
	return 0;
}

int identity_check(const struct identity *identity, struct fault *f)
{
	char hex[DIGEST_TEXT_SIZE] = "";
	size_t i;

	if (identity->accepted)
		return 0;
	for (i = 0; i < DIGEST_SIZE; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", identity->shown.octets[i]); /* fits */
	if (identity->ca_len == 0)
		return fault_set(f, EXITCODE_BROKER_IDENTITY, EPERM,
				 "the server's key, %s, is none of Pin=", hex);
	return fault_set(f, EXITCODE_BROKER_IDENTITY, EPERM,
			 "the server's certificate is not of BrokerCA= for %s: %s; its key is %s%s",
			 identity->name, X509_verify_cert_error_string(identity->error), hex,
			 identity->nr_pins > 0 ? ", none of Pin=" : "");
}
