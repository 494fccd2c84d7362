/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.h - HTTP/1.1 on one connection that is kept, as far as three requests need it.
 * Format: RFC 9112, and less of it: lines end in CR LF, no folded header, a body of known length or
 * in chunks.
 */
#ifndef COCO_HTTP_H
#define COCO_HTTP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/fault.h"

#define HTTP_HEAD_MAX 16384	    /* bytes of all header lines of an answer, those of 1xx too */
#define HTTP_BODY_MAX (1024 * 1024) /* bytes */

/* What it is spoken over. */
struct channel {
	void *arg;
	/* Up to len bytes. Returns how many, 0 at an end that the other side has announced, or
	 * -errno with f saying connection; -ECANCELED says nothing: nobody waits for an answer. */
	ssize_t (*read)(void *arg, void *buf, size_t len, struct fault *f);
	/* All of them. Returns 0 or -errno, likewise. */
	int (*write)(void *arg, const void *buf, size_t len, struct fault *f);
};

/* It has the broker's bytes in it: it lies on the heap, which is wiped. */
struct http {
	struct channel channel;
	const char *host; /* of the Host: header */
	bool closing;	  /* the other side takes no further request */
	size_t head_left; /* bytes that header lines may still have */
	size_t at, end;	  /* of what is in `in`, not read yet */
	unsigned char in[4096];
	char line[HTTP_HEAD_MAX];
};

struct http_request {
	const char *prefix, *path; /* of the target, one behind the other */
	const char *cookie;	   /* name and value; NULL: none */
	const char *json;	   /* the body of a POST; NULL: it is a GET */
};

struct http_answer {
	unsigned int status; /* 200..599 */
	char *body;	     /* owned, with a NUL behind it; never NULL after http_ask() */
	size_t len;
};

#define HTTP_ANSWER_NULL ((struct http_answer){ 0 })

/* Gets each header line of the final answer; value has no white space around it. */
typedef int http_header_fn(void *arg, const char *name, const char *value, struct fault *f);

/* Sends one request and reads its answer, whatever status it has. Returns 0, or -errno with f
 * saying connection or malformed-answer, or nothing for -ECANCELED. */
int http_ask(struct http *http, const struct http_request *request, http_header_fn *header,
	     void *arg, struct http_answer *ret_answer, struct fault *f) _must_check_;
void http_answer_done(struct http_answer *answer);

#endif
