/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * http.c - what is sent, and each way in which an answer can be wrong; whole, and a byte at a time.
 */
#include "broker/http.h"

#include "tap.h"

/* A connection that ends behind its bytes. */
struct wire {
	const char *bytes;
	size_t len, at, piece; /* read at most this many at once */
	char sent[2048];
};

static ssize_t wire_read(void *arg, void *buf, size_t len, struct fault *f)
{
	struct wire *wire = arg;
	size_t n = wire->len - wire->at;

	(void)f;
	n = n < len ? n : len;
	n = n < wire->piece ? n : wire->piece;
	memcpy(buf, wire->bytes + wire->at, n);
	wire->at += n;
	return (ssize_t)n;
}

static int wire_write(void *arg, const void *buf, size_t len, struct fault *f)
{
	struct wire *wire = arg;

	(void)f;
	(void)snprintf(wire->sent, sizeof(wire->sent), "%.*s", (int)len, (const char *)buf);
	return 0;
}

static int note_header(void *arg, const char *name, const char *value, struct fault *f)
{
	char *seen = arg;

	(void)f;
	(void)snprintf(seen + strlen(seen), 512 - strlen(seen), "[%s=%s]", name, value);
	return 0;
}

static const struct http_request get = { .prefix = "/p", .path = "/a" };

#define OK200 "HTTP/1.1 200 OK\r\n"
#define LENGTH5 "Content-Length: 5\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct {
	const char *name;
	const char *answer;
	enum exitcode code;
	const char *result; /* body, or what the reason has in it */
} cases[] = {
	{ "a body of known length", OK200 LENGTH5 "\r\nhello", EXITCODE_OK, "hello" },
	{ "names of either case", OK200 "cOnTeNt-LeNgTh:5\r\n\r\nhello", EXITCODE_OK, "hello" },
	{ "white space around a value", OK200 "Content-Length: \t5 \t\r\n\r\nhello", EXITCODE_OK,
	  "hello" },
	{ "an empty body", OK200 "Content-Length: 0\r\n\r\n", EXITCODE_OK, "" },
	{ "no reason", "HTTP/1.1 200\r\n" LENGTH5 "\r\nhello", EXITCODE_OK, "hello" },
	{ "an empty reason", "HTTP/1.1 200 \r\n" LENGTH5 "\r\nhello", EXITCODE_OK, "hello" },
	{ "1xx before it",
	  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" OK200 LENGTH5
	  "\r\nhello",
	  EXITCODE_OK, "hello" },
	{ "chunks", OK200 CHUNKED "\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", EXITCODE_OK, "hello" },
	{ "chunks with extensions and trailers",
	  OK200 CHUNKED "\r\n05;a=b\r\nhello\r\n000\r\nX: y\r\n\r\n", EXITCODE_OK, "hello" },
	{ "a chunk of 0x1f bytes",
	  OK200 CHUNKED "\r\n1F\r\n0123456789012345678901234567890\r\n0\r\n\r\n", EXITCODE_OK,
	  "0123456789012345678901234567890" },
	{ "no content", "HTTP/1.1 204 No Content\r\n\r\n", EXITCODE_OK, "" },
	{ "not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", EXITCODE_OK,
	  "" },
	{ "a refusal that ends with the connection", "HTTP/1.1 401 No\r\n\r\nxx", EXITCODE_OK, "" },

	{ "nothing", "", EXITCODE_CONNECTION, "closed" },
	{ "half a head", OK200 LENGTH5, EXITCODE_CONNECTION, "closed" },
	{ "half a body", OK200 LENGTH5 "\r\nhel", EXITCODE_CONNECTION, "closed" },
	{ "half a chunk", OK200 CHUNKED "\r\n5\r\nhel", EXITCODE_CONNECTION, "closed" },
	{ "no last chunk", OK200 CHUNKED "\r\n5\r\nhello\r\n", EXITCODE_CONNECTION, "closed" },

	{ "HTTP/1.0", "HTTP/1.0 200 OK\r\n" LENGTH5 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "status line" },
	{ "HTTP/2", "HTTP/2 200 OK\r\n" LENGTH5 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "status line" },
	{ "another protocol", "SSH-2.0-x\r\n", EXITCODE_MALFORMED_ANSWER, "status line" },
	{ "a short status", "HTTP/1.1 20\r\n\r\n", EXITCODE_MALFORMED_ANSWER, "status line" },
	{ "a long status", "HTTP/1.1 2000 OK\r\n\r\n", EXITCODE_MALFORMED_ANSWER, "status line" },
	{ "a status of letters", "HTTP/1.1 2x0 OK\r\n\r\n", EXITCODE_MALFORMED_ANSWER,
	  "no status" },
	{ "a status of nobody", "HTTP/1.1 600 OK\r\n\r\n", EXITCODE_MALFORMED_ANSWER, "no status" },
	{ "a status below 100", "HTTP/1.1 099 OK\r\n\r\n", EXITCODE_MALFORMED_ANSWER, "no status" },
	{ "another protocol from here on", "HTTP/1.1 101 Switching\r\n\r\n",
	  EXITCODE_MALFORMED_ANSWER, "no status" },
	{ "lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
	  EXITCODE_MALFORMED_ANSWER, "control" },
	{ "a CR inside a line", "HTTP/1.1 200 O\rK\r\n\r\n", EXITCODE_MALFORMED_ANSWER, "control" },
	{ "an escape in a header", OK200 "X: \x1b[2J\r\n\r\n", EXITCODE_MALFORMED_ANSWER,
	  "control" },
	{ "a folded header", OK200 "X: a\r\n b\r\n" LENGTH5 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "folded" },
	{ "a header without a colon", OK200 "X\r\n" LENGTH5 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "no header" },
	{ "a header without a name", OK200 ": x\r\n" LENGTH5 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "no header" },
	{ "a space before the colon", OK200 "Content-Length : 5\r\n\r\nhello",
	  EXITCODE_MALFORMED_ANSWER, "no header" },
	{ "both lengths", OK200 LENGTH5 CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n",
	  EXITCODE_MALFORMED_ANSWER, "both" },
	{ "the length twice", OK200 LENGTH5 LENGTH5 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "Content-Length" },
	{ "a list of lengths", OK200 "Content-Length: 5, 5\r\n\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "Content-Length" },
	{ "a negative length", OK200 "Content-Length: -5\r\n\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "Content-Length" },
	{ "a length with a sign", OK200 "Content-Length: +5\r\n\r\nhello",
	  EXITCODE_MALFORMED_ANSWER, "Content-Length" },
	{ "a length in hexadecimal", OK200 "Content-Length: 0x5\r\n\r\nhello",
	  EXITCODE_MALFORMED_ANSWER, "Content-Length" },
	{ "no digits", OK200 "Content-Length:\r\n\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "Content-Length" },
	{ "a byte more than 1 MiB", OK200 "Content-Length: 1048577\r\n\r\n",
	  EXITCODE_MALFORMED_ANSWER, "1 MiB" },
	{ "a length of 2^64 + 5", OK200 "Content-Length: 18446744073709551621\r\n\r\nhello",
	  EXITCODE_MALFORMED_ANSWER, "1 MiB" },
	{ "another coding", OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n",
	  EXITCODE_MALFORMED_ANSWER, "Transfer" },
	{ "chunked twice", OK200 CHUNKED CHUNKED "\r\n0\r\n\r\n", EXITCODE_MALFORMED_ANSWER,
	  "Transfer" },
	{ "a body without a length", OK200 "\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "without a length" },
	{ "a chunk without a length", OK200 CHUNKED "\r\n\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "length of a chunk" },
	{ "a chunk's negative length", OK200 CHUNKED "\r\n-5\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "length of a chunk" },
	{ "a chunk's length of letters", OK200 CHUNKED "\r\n5g\r\nhello", EXITCODE_MALFORMED_ANSWER,
	  "length of a chunk" },
	{ "a chunk's length with a space", OK200 CHUNKED "\r\n5 \r\nhello",
	  EXITCODE_MALFORMED_ANSWER, "length of a chunk" },
	{ "a chunk's length of nine digits", OK200 CHUNKED "\r\n000000005\r\nhello",
	  EXITCODE_MALFORMED_ANSWER, "length of a chunk" },
	{ "a chunk of 4 GiB", OK200 CHUNKED "\r\nffffffff\r\n", EXITCODE_MALFORMED_ANSWER,
	  "1 MiB" },
	{ "a chunk that is too long", OK200 CHUNKED "\r\n4\r\nhello\r\n0\r\n\r\n",
	  EXITCODE_MALFORMED_ANSWER, "end where" },
	{ "a bad trailer", OK200 CHUNKED "\r\n0\r\nX\r\n\r\n", EXITCODE_MALFORMED_ANSWER,
	  "no header" },
};

static void check_answer(size_t i, size_t piece)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	struct wire wire = { .bytes = cases[i].answer,
			     .len = strlen(cases[i].answer),
			     .piece = piece };
	static struct http http;
	struct fault f = { 0 };
	char seen[512] = "";
	int r;

	http = (struct http){ .channel = { &wire, wire_read, wire_write }, .host = "h" };
	r = http_ask(&http, &get, note_header, seen, &answer, &f);
	if (!ok((r == 0) == (cases[i].code == EXITCODE_OK) && f.code == cases[i].code &&
			strstr(r == 0 ? answer.body : f.why, cases[i].result) != NULL &&
			(r < 0 || strlen(answer.body) == strlen(cases[i].result)),
		"%s, %s", cases[i].name, piece == 1 ? "a byte at a time" : "whole"))
		printf("# %d, code %d: %s\n", r, (int)f.code, f.why);
}

static int ask(struct http *http, const struct http_request *request, char *seen,
	       struct http_answer *ret_answer)
{
	struct fault f = { 0 };
	int r = http_ask(http, request, seen ? note_header : NULL, seen, ret_answer, &f);

	return r < 0 ? -(int)f.code : 0;
}

static void check_requests(void)
{
	const struct http_request post = {
		.prefix = "", .path = "/x", .cookie = "a=b", .json = "{}"
	};
	struct wire wire = { .bytes = OK200 "Set-Cookie:  k=v \r\nA:\r\n" LENGTH5
					    "\r\nhello" OK200 LENGTH5 "\r\nworld",
			     .piece = 4096 };
	_cleanup_(http_answer_done) struct http_answer first = HTTP_ANSWER_NULL,
						       second = HTTP_ANSWER_NULL;
	static struct http http;
	char seen[512] = "";

	http = (struct http){ .channel = { &wire, wire_read, wire_write }, .host = "name:8" };
	wire.len = strlen(wire.bytes);
	is_int(ask(&http, &get, seen, &first), 0, "an answer");
	is_str(wire.sent, "GET /p/a HTTP/1.1\r\nHost: name:8\r\n\r\n", "... to a GET");
	is_str(seen, "[Set-Cookie=k=v][A=][Content-Length=5]", "... with headers");
	is_int(ask(&http, &post, NULL, &second), -EXITCODE_MALFORMED_ANSWER,
	       "one that has come before it was asked for");
	wire = (struct wire){ .bytes = OK200 LENGTH5 "\r\nhello", .len = 41, .piece = 41 };
	http.at = http.end = 0;
	wire.len = strlen(wire.bytes);
	is_int(ask(&http, &post, NULL, &second), 0, "another answer");
	is_str(wire.sent,
	       "POST /x HTTP/1.1\r\nHost: name:8\r\nCookie: a=b\r\nContent-Type: application/json\r\n"
	       "Content-Length: 2\r\n\r\n{}",
	       "... to a POST");
}

/* What the first answer says of a second. */
static void check_closing(const char *header, int result)
{
	_cleanup_(http_answer_done) struct http_answer first = HTTP_ANSWER_NULL,
						       second = HTTP_ANSWER_NULL;
	struct wire wire = { .piece = 4096 };
	static struct http http;
	char text[256];

	(void)snprintf(text, sizeof(text), OK200 "%s\r\n" LENGTH5 "\r\nhello", header);
	wire.bytes = text;
	wire.len = strlen(text);
	http = (struct http){ .channel = { &wire, wire_read, wire_write }, .host = "h" };
	is_int(ask(&http, &get, NULL, &first), 0, "an answer with '%s'", header);
	wire.at = 0;
	is_int(ask(&http, &get, NULL, &second), result, "... and the next request");
}

/* Two caps, of which neither can be gone round by small pieces. */
static void check_large(const char *name, const char *head, const char *piece, size_t nr,
			int result)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	size_t len = strlen(head) + nr * strlen(piece), i;
	char *text = malloc(len + 1);
	struct wire wire = { .bytes = text, .len = len, .piece = 4096 };
	static struct http http;

	if (!text)
		abort();
	(void)snprintf(text, len + 1, "%s", head);
	for (i = 0; i < nr; i++)
		memcpy(text + strlen(head) + i * strlen(piece), piece, strlen(piece));
	http = (struct http){ .channel = { &wire, wire_read, wire_write }, .host = "h" };
	is_int(ask(&http, &get, NULL, &answer), result, "%s", name);
	free(text);
}

int main(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		check_answer(i, 1);
		check_answer(i, 4096);
	}
	check_requests();
	check_closing("Connection: keep-alive", 0);
	check_closing("Connection: close", -EXITCODE_CONNECTION);
	check_closing("connection: Upgrade ,CLOSE", -EXITCODE_CONNECTION);
	check_closing("X: close", 0);
	check_large("many headers", OK200, "X-Header: 0123456789\r\n", 1000,
		    -EXITCODE_MALFORMED_ANSWER);
	check_large("a line without an end", OK200, "x", 20000, -EXITCODE_MALFORMED_ANSWER);
	check_large("many answers with 1xx", "", "HTTP/1.1 100 \r\n\r\n", 2000,
		    -EXITCODE_MALFORMED_ANSWER);
	check_large("an endless chunk extension", OK200 CHUNKED "\r\n1;", "x", 300,
		    -EXITCODE_MALFORMED_ANSWER);
	check_large("1 MiB and more in small chunks", OK200 CHUNKED "\r\n",
		    "40\r\n"
		    "0123456789012345678901234567890123456789012345678901234567890123\r\n",
		    16385, -EXITCODE_MALFORMED_ANSWER);
	check_large("exactly 1 MiB", OK200 "Content-Length: 1048576\r\n\r\n", "0123456789abcdef",
		    65536, 0);
	return tap_done();
}
