/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet.h - the LAUNCH_SECRET packet: a table that only one guest's secure processor opens.
 * Layout: AMD SEV API, LAUNCH_SECRET, as virtee/sevctl (src/secret.rs) writes it.
 */
#ifndef COCO_OWNER_PACKET_H
#define COCO_OWNER_PACKET_H

#include "owner/launch/launch.h"

#define PACKET_IV_SIZE 16
#define PACKET_HEADER_SIZE (4 + PACKET_IV_SIZE + DIGEST_SIZE)

struct packet {
	unsigned char header[PACKET_HEADER_SIZE]; /* flags, IV, HMAC */
	unsigned char payload[SECRET_CAPACITY];	  /* AES-128-CTR */
	size_t len;				  /* of the payload: a multiple of 16 */
};

/*
 * Encrypts a table, padded to a multiple of 16 by table_pad(), under the TEK, and authenticates
 * it and the guest's measurement with the TIK. An IV must never be used twice with one TEK.
 * Returns 0, -EINVAL (not padded, or a TEK of another size than 16), -ENOMEM or -ENOTSUP.
 */
int packet_seal(const struct secret *table, const struct secret *tik, const struct secret *tek,
		const struct digest *measurement, const unsigned char iv[static PACKET_IV_SIZE],
		struct packet *ret_packet);

/*
 * The other direction, as the secure processor does it. table is from secret_init().
 * Returns 0, -EBADMSG (not authentic for these keys and this measurement), -EINVAL, -ENOMEM or
 * -ENOTSUP.
 */
int packet_open(const struct packet *packet, const struct secret *tik, const struct secret *tek,
		const struct digest *measurement, struct secret *table);

#endif
