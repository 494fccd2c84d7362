/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.c - seals a secret table for one measured guest.
 * Trusts its caller to have checked the measurement; may not do I/O.
 */
#include "owner/launch/packet.h"

#include <openssl/evp.h>
#include <string.h>

#define FLAGS_SIZE 4 /* u32, 0: not compressed */
#define HMAC_AT (FLAGS_SIZE + PACKET_IV_SIZE)

static void cipher_freep(EVP_CIPHER_CTX **cipher)
{
	EVP_CIPHER_CTX_free(*cipher);
}

/* Encrypts or decrypts: in counter mode it is the same. */
static int crypt_ctr(const struct secret *tek, const unsigned char *iv, const unsigned char *in,
		     size_t len, unsigned char *out)
{
	_cleanup_(cipher_freep) EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	int n = 0;

	if (tek->len != LAUNCH_KEY_SIZE)
		return -EINVAL;
	if (!cipher || EVP_EncryptInit_ex(cipher, EVP_aes_128_ctr(), NULL, tek->bytes, iv) != 1 ||
	    EVP_EncryptUpdate(cipher, out, &n, in, (int)len) != 1 || (size_t)n != len)
		return -ENOTSUP;
	return 0;
}

static unsigned char *put32(unsigned char *p, size_t value)
{
	*p++ = (unsigned char)value;
	*p++ = (unsigned char)(value >> 8);
	*p++ = (unsigned char)(value >> 16);
	*p++ = (unsigned char)(value >> 24);
	return p;
}

static int authenticate(const struct packet *packet, const struct secret *tik,
			const struct digest *measurement, struct digest *ret_hmac)
{
	size_t size = 1 + HMAC_AT + 8 + packet->len + DIGEST_SIZE;
	_cleanup_free_ unsigned char *message = malloc(size);
	unsigned char *p = message;

	if (!message)
		return -ENOMEM;
	*p++ = 0x01;
	memcpy(p, packet->header, HMAC_AT);
	p = put32(p + HMAC_AT, packet->len); /* length in the guest */
	p = put32(p, packet->len);	     /* length of the transport */
	memcpy(p, packet->payload, packet->len);
	memcpy(p + packet->len, measurement->octets, DIGEST_SIZE);
	return launch_hmac(tik, message, size, ret_hmac);
}

int packet_seal(const struct secret *table, const struct secret *tik, const struct secret *tek,
		const struct digest *measurement, const unsigned char iv[static PACKET_IV_SIZE],
		struct packet *ret_packet)
{
	_cleanup_free_ struct packet *packet = calloc(1, sizeof(*packet));
	struct digest hmac;
	int r;

	if (!packet)
		return -ENOMEM;
	if (table->len == 0 || table->len % 16 != 0)
		return -EINVAL;
	packet->len = table->len;
	memcpy(packet->header + FLAGS_SIZE, iv, PACKET_IV_SIZE);
	r = crypt_ctr(tek, iv, table->bytes, packet->len, packet->payload);
	if (r == 0)
		r = authenticate(packet, tik, measurement, &hmac);
	if (r < 0)
		return r;
	memcpy(packet->header + HMAC_AT, hmac.octets, DIGEST_SIZE);
	*ret_packet = *packet;
	return 0;
}

int packet_open(const struct packet *packet, const struct secret *tik, const struct secret *tek,
		const struct digest *measurement, struct secret *table)
{
	struct digest hmac, given;
	int r;

	if (packet->len == 0 || packet->len % 16 != 0 || packet->len > SECRET_CAPACITY)
		return -EINVAL;
	r = authenticate(packet, tik, measurement, &hmac);
	if (r < 0)
		return r;
	memcpy(given.octets, packet->header + HMAC_AT, DIGEST_SIZE);
	if (!digest_equal(&hmac, &given))
		return -EBADMSG;
	r = crypt_ctr(tek, packet->header + FLAGS_SIZE, packet->payload, packet->len, table->bytes);
	table->len = r == 0 ? packet->len : 0;
	return r;
}
