/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls.h - TLS on the descriptor that the program has got.
 * Format: RFC 8446, RFC 5246; by libssl.
 */
#ifndef COCO_TLS_H
#define COCO_TLS_H

#include "broker/http.h"
#include "broker/identity.h"

struct tls {
	int fd;	     /* connected, non-blocking */
	int stop_fd; /* while this one is not hung up, it waits */
	SSL_CTX *ctx;
	SSL *ssl;
};

#define TLS_NULL ((struct tls){ .fd = -EBADF, .stop_fd = -EBADF })

/* Makes libssl ready, so that nothing is opened or loaded later. Returns 0, or -errno with f saying
 * internal. */
int tls_open(struct tls *ret_tls, int fd, int stop_fd, struct fault *f) _must_check_;

/* Returns 0, or -errno with f saying broker-identity, tls-parameters, connection, or what
 * identity_require() says; -ECANCELED says nothing. Not a byte of HTTP has been sent before. */
int tls_handshake(struct tls *tls, struct identity *identity, struct fault *f) _must_check_;

/* After the handshake; tls outlives it. */
struct channel tls_channel(struct tls *tls);

/* Says goodbye, if it can do so at once. */
void tls_done(struct tls *tls);

#endif
