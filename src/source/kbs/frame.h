/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - what the unlocking process and the broker program say to each other, over a stream
 * socket: frames of a type and a few byte strings. None carries the EC key or a plaintext.
 * On the socket a frame is the length of what follows (4 bytes), type (4), number of fields (4),
 * then of each field its length (4) and its bytes; numbers are little-endian.
 */
#ifndef COCO_FRAME_H
#define COCO_FRAME_H

#include <stdint.h>

#include "base/deadline.h"
#include "base/util.h"

#define FRAME_FIELDS_MAX 8
#define FRAME_SIZE_MAX (2 * 1024 * 1024) /* bytes, with all lengths */
#define FRAME_HEAD_SIZE 8
#define FRAME_REASON_MAX 384 /* bytes of a reason or a note */

/* The descriptors that the broker program is started with. */
#define FRAME_FD 3     /* the frames */
#define FRAME_TCP_FD 4 /* of the broker, non-blocking; connected before FRAME_START comes */

enum frame_type {
	/* To the broker program. */
	FRAME_START = 1, /* enum start_field; first of all */
	FRAME_EVIDENCE,	 /* enum evidence_field; after FRAME_NONCE */
	FRAME_RESOURCE,	 /* one field: repo/type/tag; after FRAME_ATTESTED, and again */
	/* From it. */
	FRAME_NONCE,	/* one field: the nonce's text, as it came */
	FRAME_ATTESTED, /* one field: a note in words of our own, or empty */
	FRAME_ANSWER,	/* enum answer_field */
	FRAME_FAILED,	/* enum failed_field; it ends then */
};

enum start_field {
	START_TEE,    /* "snp" or "tdx" */
	START_NAME,   /* name or IP literal without brackets, for the certificate and for SNI */
	START_HOST,   /* of the Host: header, with the port if it is not 443 */
	START_PREFIX, /* of the path: empty, or /a/b */
	START_PINS,   /* SHA-256 of a SubjectPublicKeyInfo, 32 bytes each: 0 to 4 */
	START_CA,     /* the owner's CA certificate, PEM; empty: none */
	_START_MAX,
};

enum evidence_field {
	EVIDENCE_X, /* 32 bytes: the guest's public key */
	EVIDENCE_Y,
	EVIDENCE_REPORT,    /* outblob */
	EVIDENCE_AUXILIARY, /* auxblob: the certificate table; may be empty */
	EVIDENCE_VCEK,	    /* DER of the image; used where the table has no VCEK or VLEK */
	EVIDENCE_EVENT_LOG, /* CCEL as it is; empty: null is sent */
	_EVIDENCE_MAX,
};

enum answer_field {
	ANSWER_PROTECTED, /* the text as it came: the additional data of the tag */
	ANSWER_X,	  /* 32 bytes: the ephemeral key */
	ANSWER_Y,
	ANSWER_WRAPPED_KEY, /* 40 bytes */
	ANSWER_IV,	    /* 12 bytes */
	ANSWER_CIPHERTEXT,
	ANSWER_TAG, /* 16 bytes */
	_ANSWER_MAX,
};

enum failed_field {
	FAILED_CODE,   /* one byte: enum exitcode */
	FAILED_STEP,   /* one byte: enum kbs_step */
	FAILED_RETRY,  /* one byte: enum kbs_retry */
	FAILED_REASON, /* printable text, FRAME_REASON_MAX at most */
	_FAILED_MAX,
};

/* How far an attempt came. */
enum kbs_step {
	KBS_STEP_ROUTE,
	KBS_STEP_CONNECT,
	KBS_STEP_HANDSHAKE,
	KBS_STEP_AUTH,
	KBS_STEP_REPORT,
	KBS_STEP_ATTEST,
	KBS_STEP_RESOURCE,
	KBS_STEP_OPEN,
};

/* What may follow a failure, under the one deadline. */
enum kbs_retry {
	KBS_RETRY_NEXT,	     /* the next URL, with a back-off of 1 to 15 s: connection, 5xx */
	KBS_RETRY_NEVER,     /* not this URL again in this boot: identity, malformed, version */
	KBS_RETRY_SLOW,	     /* this URL again every 10 s: refusals that the owner can lift */
	KBS_RETRY_NEW_NONCE, /* this URL 10 s later with a new session: a null certificate chain */
};

struct frame_field {
	const unsigned char *data;
	size_t len;
};

struct frame {
	enum frame_type type;
	size_t nr;
	struct frame_field fields[FRAME_FIELDS_MAX]; /* they point into the buffer */
};

/* Reads a whole frame of len bytes, without the length in front of it. Returns 0, or -EBADMSG for
 * anything but exactly one. */
int frame_parse(const unsigned char *bytes, size_t len, struct frame *ret_frame) _must_check_;

/* Writes one. Returns 0, -ETIMEDOUT, -EPIPE, -EMSGSIZE or -errno. */
int frame_send(int fd, enum frame_type type, const struct frame_field *fields, size_t nr,
	       struct deadline deadline) _must_check_;

/*
 * Reads one into a new buffer, which the caller owns and the fields point into; no larger than what
 * the length of its fields says, and never beyond max bytes. Returns 0, -ENODATA if the other side
 * has ended, -ETIMEDOUT, -EBADMSG, -EMSGSIZE or -errno.
 */
int frame_receive(int fd, size_t max, struct deadline deadline, unsigned char **ret_buffer,
		  struct frame *ret_frame) _must_check_;

#endif
