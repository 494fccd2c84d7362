/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.c - fuzz target: answers to three requests on one connection. How the bytes are cut into
 * pieces on the way changes nothing, and the caps hold.
 */
#include "broker/http.h"

#include "fuzz.h"

#define REQUESTS 3

struct wire {
	const char *bytes;
	size_t len, at, piece;
};

struct heard {
	int r;
	unsigned int status;
	size_t len, at; /* of the body; and how many bytes were looked at */
	uint64_t headers;
	char *body;
};

static ssize_t wire_read(void *arg, void *buf, size_t len, struct fault *f)
{
	struct wire *wire = arg;
	size_t n = wire->len - wire->at;

	(void)f;
	n = n < len ? n : len;
	n = n < wire->piece ? n : wire->piece;
	if (n > 0)
		memcpy(buf, wire->bytes + wire->at, n);
	wire->at += n;
	return (ssize_t)n;
}

static int wire_write(void *arg, const void *buf, size_t len, struct fault *f)
{
	(void)arg;
	(void)buf;
	(void)f;
	FUZZ_MUST(len > 0);
	return 0;
}

static int count_header(void *arg, const char *name, const char *value, struct fault *f)
{
	uint64_t *sum = arg;

	(void)f;
	FUZZ_MUST(*name != '\0' && !strpbrk(name, " \t:\r\n") && !strpbrk(value, "\r\n"));
	*sum = *sum * 31 + strlen(name) * 7 + strlen(value);
	return 0;
}

/* Returns how many answers were good. */
static size_t converse(const char *bytes, size_t size, size_t piece, struct heard all[REQUESTS])
{
	static const struct http_request get = { .prefix = "", .path = "/" };
	struct wire wire = { .bytes = bytes, .len = size, .piece = piece };
	struct http *http = calloc(1, sizeof(*http));
	size_t i;

	FUZZ_MUST(http);
	http->channel = (struct channel){ &wire, wire_read, wire_write };
	http->host = "h";
	for (i = 0; i < REQUESTS; i++) {
		struct http_answer answer = HTTP_ANSWER_NULL;
		struct heard *o = &all[i];
		struct fault f = { 0 };

		/* As if the other side had waited for the request. */
		wire.at -= http->end - http->at;
		http->at = http->end = 0;
		*o = (struct heard){ .r = http_ask(http, &get, count_header, &o->headers, &answer,
						   &f) };
		FUZZ_MUST((o->r < 0) == (f.code != EXITCODE_OK));
		FUZZ_MUST(o->r == 0 || f.code == EXITCODE_CONNECTION ||
			  f.code == EXITCODE_MALFORMED_ANSWER);
		if (o->r < 0)
			break;
		FUZZ_MUST(answer.body && answer.body[answer.len] == '\0' &&
			  answer.len <= HTTP_BODY_MAX);
		FUZZ_MUST(answer.status >= 200 && answer.status <= 599);
		o->status = answer.status;
		o->len = answer.len;
		o->body = answer.body;
	}
	free(http);
	return i;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard whole[REQUESTS] = { { 0 } }, cut[REQUESTS] = { { 0 } };
	size_t piece = 1 + fuzz_choice(&data, &size) % 64, nr, i;
	char *bytes = fuzz_copy(data, size);

	nr = converse(bytes, size, SIZE_MAX, whole);
	FUZZ_MUST(converse(bytes, size, piece, cut) == nr);
	for (i = 0; i < REQUESTS; i++) {
		FUZZ_MUST(whole[i].r == cut[i].r && whole[i].status == cut[i].status);
		FUZZ_MUST(whole[i].len == cut[i].len && whole[i].headers == cut[i].headers);
		FUZZ_MUST(whole[i].len == 0 ||
			  memcmp(whole[i].body, cut[i].body, whole[i].len) == 0);
		free(whole[i].body);
		free(cut[i].body);
	}
	fuzz_accepted += nr > 0;
	free(bytes);
	return 0;
}
