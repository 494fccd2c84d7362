/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.c - writes requests, reads answers.
 * Trusts no byte of an answer: what could be read in two ways is refused. Follows nothing.
 */
#include "broker/http.h"

#include <string.h>

#include "base/text.h"

#define CHUNK_LINE_MAX 256 /* bytes, with extensions, which say nothing to us */

#define TOKEN_CHARS "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct head {
	unsigned int status;
	bool has_length, chunked;
	uint64_t length;
};

static int malformed(struct fault *f, const char *what)
{
	return fault_set(f, EXITCODE_MALFORMED_ANSWER, EBADMSG,
			 "the broker's answer is not HTTP/1.1 as it should be: %s", what);
}

static int fill(struct http *http, struct fault *f)
{
	ssize_t n = http->channel.read(http->channel.arg, http->in, sizeof(http->in), f);

	if (n < 0)
		return (int)n;
	if (n == 0)
		return fault_set(f, EXITCODE_CONNECTION, ENODATA,
				 "the broker has closed the connection before its answer was whole");
	http->at = 0;
	http->end = (size_t)n;
	return 0;
}

static int read_byte(struct http *http, char *ret_byte, struct fault *f)
{
	int r = http->at == http->end ? fill(http, f) : 0;

	if (r >= 0)
		*ret_byte = (char)http->in[http->at++];
	return r;
}

/* Into http->line, without its CR LF. Text of another kind than headers have is refused. */
static int read_line(struct http *http, struct fault *f)
{
	size_t len = 0;
	char c;
	int r;

	for (;;) {
		r = read_byte(http, &c, f);
		if (r < 0)
			return r;
		if (c == '\n' && len > 0 && http->line[len - 1] == '\r') {
			http->line[len - 1] = '\0';
			return 0;
		}
		if ((len > 0 && http->line[len - 1] == '\r') || c == 0x7f ||
		    ((unsigned char)c < 0x20 && c != '\t' && c != '\r'))
			return malformed(f, "a line with a control character");
		if (http->head_left == 0 || len == sizeof(http->line) - 1)
			return malformed(f, "too long a head");
		http->head_left--;
		http->line[len++] = c;
	}
}

static int parse_status(const char *line, unsigned int *ret_status, struct fault *f)
{
	uint64_t status;
	char text[4];

	if (strncmp(line, "HTTP/1.1 ", 9) != 0 || strnlen(line, 13) < 12 ||
	    (line[12] != ' ' && line[12] != '\0'))
		return malformed(f, "no status line");
	(void)snprintf(text, sizeof(text), "%s", line + 9); /* three of them */
	if (text_u64(text, 599, &status) < 0 || status < 100 || status == 101)
		return malformed(f, "no status");
	*ret_status = (unsigned int)status;
	return 0;
}

static int parse_length(struct head *head, const char *value, struct fault *f)
{
	int r = text_u64(value, HTTP_BODY_MAX, &head->length);

	if (r < 0 || head->has_length)
		return malformed(f, r == -ERANGE ? "a body of more than 1 MiB" :
						   "a bad Content-Length");
	head->has_length = true;
	return 0;
}

/* Splits a line in place. */
static int split_header(char *line, char **ret_value, struct fault *f)
{
	size_t len = strspn(line, TOKEN_CHARS);

	if (len == 0 || line[len] != ':')
		return malformed(f, line[0] == ' ' || line[0] == '\t' ? "a folded header" :
									"no header");
	line[len] = '\0';
	*ret_value = text_strip(line + len + 1);
	return 0;
}

static int parse_header(struct http *http, struct head *head, const char *name, char *value,
			struct fault *f)
{
	char *word;

	if (strcasecmp(name, "Content-Length") == 0)
		return parse_length(head, value, f);
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		if (head->chunked || strcasecmp(value, "chunked") != 0)
			return malformed(f, "a bad Transfer-Encoding");
		head->chunked = true;
	}
	if (strcasecmp(name, "Connection") == 0)
		while ((word = text_word(&value, ", \t")))
			http->closing |= strcasecmp(word, "close") == 0;
	return 0;
}

static int read_headers(struct http *http, struct head *head, http_header_fn *header, void *arg,
			struct fault *f)
{
	char *value = NULL;
	int r;

	for (;;) {
		r = read_line(http, f);
		if (r < 0 || http->line[0] == '\0')
			return r;
		r = split_header(http->line, &value, f);
		if (r >= 0 && header)
			r = header(arg, http->line, value, f);
		if (r >= 0 && head)
			r = parse_header(http, head, http->line, value, f);
		if (r < 0)
			return r;
	}
}

/* Of the final answer: those with 1xx before it say nothing. */
static int read_head(struct http *http, http_header_fn *header, void *arg, struct head *ret_head,
		     struct fault *f)
{
	struct head head;
	int r;

	http->head_left = HTTP_HEAD_MAX;
	do {
		head = (struct head){ 0 };
		r = read_line(http, f);
		if (r >= 0)
			r = parse_status(http->line, &head.status, f);
		if (r >= 0)
			r = read_headers(http, &head, head.status < 200 ? NULL : header, arg, f);
		if (r < 0)
			return r;
	} while (head.status < 200);
	if (head.chunked && head.has_length)
		return malformed(f, "both Content-Length and Transfer-Encoding");
	*ret_head = head;
	return 0;
}

static int read_bytes(struct http *http, struct http_answer *answer, size_t len, struct fault *f)
{
	char *body;
	size_t n;
	int r;

	if (len > HTTP_BODY_MAX - answer->len)
		return malformed(f, "a body of more than 1 MiB");
	body = realloc(answer->body, answer->len + len + 1);
	if (!body)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for an answer");
	answer->body = body;
	while (len > 0) {
		r = http->at == http->end ? fill(http, f) : 0;
		if (r < 0)
			return r;
		n = http->end - http->at < len ? http->end - http->at : len;
		memcpy(answer->body + answer->len, http->in + http->at, n);
		http->at += n;
		answer->len += n;
		len -= n;
	}
	answer->body[answer->len] = '\0';
	return 0;
}

static int parse_chunk_size(const char *line, size_t *ret_size, struct fault *f)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t nr = strspn(line, digits), size = 0, i;

	if (nr == 0 || nr > 8 || (line[nr] != '\0' && line[nr] != ';'))
		return malformed(f, "a bad length of a chunk");
	for (i = 0; i < nr; i++)
		size = size * 16 + (size_t)(strchr(digits, line[i]) - digits) % 16;
	*ret_size = size;
	return 0;
}

static int read_chunks(struct http *http, struct http_answer *answer, struct fault *f)
{
	size_t size = 0;
	char cr = '\0', lf = '\0';
	int r;

	for (;;) {
		http->head_left = CHUNK_LINE_MAX;
		r = read_line(http, f);
		if (r >= 0)
			r = parse_chunk_size(http->line, &size, f);
		if (r >= 0)
			r = read_bytes(http, answer, size, f);
		if (r < 0)
			return r;
		if (size == 0)
			break;
		r = read_byte(http, &cr, f);
		if (r >= 0)
			r = read_byte(http, &lf, f);
		if (r < 0)
			return r;
		if (cr != '\r' || lf != '\n')
			return malformed(f, "a chunk that does not end where it says");
	}
	http->head_left = HTTP_HEAD_MAX;
	return read_headers(http, NULL, NULL, NULL, f); /* trailers say nothing */
}

static int read_body(struct http *http, const struct head *head, struct http_answer *answer,
		     struct fault *f)
{
	if (head->status == 204 || head->status == 304)
		return read_bytes(http, answer, 0, f); /* whatever length they name */
	if (head->chunked)
		return read_chunks(http, answer, f);
	if (head->has_length)
		return read_bytes(http, answer, (size_t)head->length, f);
	/* It would end with the connection. Of a refusal the status is enough. */
	if (head->status == 200)
		return malformed(f, "a body without a length");
	http->closing = true;
	return read_bytes(http, answer, 0, f);
}

static int send_request(struct http *http, const struct http_request *q, struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	char more[96] = "";
	int len;

	if (q->json)
		(void)snprintf(more, sizeof(more),
			       "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			       strlen(q->json)); /* fits */
	len = asprintf(&text, "%s %s%s HTTP/1.1\r\nHost: %s\r\n%s%s%s%s\r\n%s",
		       q->json ? "POST" : "GET", q->prefix, q->path, http->host,
		       q->cookie ? "Cookie: " : "", q->cookie ? q->cookie : "",
		       q->cookie ? "\r\n" : "", more, q->json ? q->json : "");
	if (len < 0) {
		text = NULL;
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for a request");
	}
	return http->channel.write(http->channel.arg, text, (size_t)len, f);
}

int http_ask(struct http *http, const struct http_request *request, http_header_fn *header,
	     void *arg, struct http_answer *ret_answer, struct fault *f)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	struct head head = { 0 };
	int r;

	if (http->closing)
		return fault_set(f, EXITCODE_CONNECTION, ECONNRESET,
				 "the broker closes the connection after one answer");
	if (http->at != http->end)
		return malformed(f, "more than what was asked for");
	r = send_request(http, request, f);
	if (r >= 0)
		r = read_head(http, header, arg, &head, f);
	if (r >= 0)
		r = read_body(http, &head, &answer, f);
	if (r < 0)
		return r;
	answer.status = head.status;
	*ret_answer = answer;
	answer = HTTP_ANSWER_NULL;
	return 0;
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->body);
	*answer = HTTP_ANSWER_NULL;
}
