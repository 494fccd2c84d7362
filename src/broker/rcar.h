/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rcar.h - the three requests of a session with a key broker.
 * Format: RCAR 0.4.0, Trustee's kbs/docs/kbs_attestation_protocol.md and kbs/src/error.rs.
 */
#ifndef COCO_RCAR_H
#define COCO_RCAR_H

#include "broker/answer.h"
#include "broker/evidence.h"
#include "broker/http.h"
#include "broker/reason.h"

#define RCAR_COOKIE "kbs-session-id"
#define RCAR_SESSION_MAX 128 /* bytes of its value */

/* It lies on the heap, as struct http does. */
struct rcar {
	struct http http;
	const char *prefix; /* of the path */
	char *nonce;	    /* owned, after rcar_auth() */
	char session[RCAR_SESSION_MAX + 1];
};

/*
 * Each returns 0, or -errno with why saying everything: connection, malformed-answer, broker-http,
 * protocol-version, evidence-refused, release-denied, resource-missing or no-memory.
 * -ECANCELED says nothing: nobody waits for the answer.
 */

/* tee: "snp" or "tdx". */
int rcar_auth(struct rcar *rcar, const char *tee, struct reason *why) _must_check_;
/* x, y: of the guest's public key, 32 bytes each. */
int rcar_attest(struct rcar *rcar, const unsigned char *x, const unsigned char *y,
		const struct evidence *evidence, struct reason *why) _must_check_;
/* resource: repo/type/tag. */
int rcar_resource(struct rcar *rcar, const char *resource, struct answer_jwe *ret_jwe,
		  struct reason *why) _must_check_;

void rcar_done(struct rcar *rcar);

/* The class of an answer that is not 200, to the request of that step. null_chain: the evidence
 * had no certificate of the chip. Returns -errno. */
int rcar_refused(enum kbs_step step, unsigned int status, const struct answer_error *error,
		 bool null_chain, struct reason *why);

/* What may follow a failure with this code, where nothing else is known. */
enum kbs_retry rcar_retry(enum exitcode code);

/* Looks for our cookie in a header line. Returns 0, or -EBADMSG with f saying malformed-answer.
 * A http_header_fn; arg is a struct cookies. */
struct cookies {
	char session[RCAR_SESSION_MAX + 1]; /* of this answer; empty: none */
};
int rcar_take_cookie(void *arg, const char *name, const char *value, struct fault *f);

#endif
