/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rcar.c - a whole session with answers of our own, its requests byte by byte; cookies; and which
 * class each refusal has.
 */
#include "broker/rcar.h"

#include "tap.h"

struct wire {
	const char *const *answers;
	size_t nr, at;
	char sent[4096]; /* the last request */
};

static ssize_t wire_read(void *arg, void *buf, size_t len, struct fault *f)
{
	struct wire *wire = arg;
	size_t n;

	(void)f;
	if (wire->at == wire->nr)
		return 0;
	n = strlen(wire->answers[wire->at]);
	if (n > len)
		abort();
	memcpy(buf, wire->answers[wire->at++], n);
	return (ssize_t)n;
}

static int wire_write(void *arg, const void *buf, size_t len, struct fault *f)
{
	struct wire *wire = arg;

	(void)f;
	(void)snprintf(wire->sent, sizeof(wire->sent), "%.*s", (int)len, (const char *)buf);
	return 0;
}

#define HEAD(status, headers, length) \
	"HTTP/1.1 " status "\r\n" headers "Content-Length: " length "\r\n\r\n"
#define COOKIE(value) \
	"Set-Cookie: kbs-session-id=" value "; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n"
#define CHALLENGE "{\"nonce\":\"ab/\\\"\\\\=\",\"extra-params\":\"\"}"
/* clang-format off */
#define JWE \
	"{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOns" \
	"ieCI6Im8wSU1weVhjdGN3OVJNVkpINGI0RGhlcW4zQ0tFWGZqcHVCUVQ4c25KYjAiLCJjcnYiOiJQLTI" \
	"1NiIsImt0eSI6IkVDIiwieSI6Ik1KTF8xaVZNa1lvY1dQbVhCWUpQY0M5Y0tZS3ZhOTBLN2FaaWtxWVV" \
	"NcncifX0\",\"encrypted_key\":\"OrJLm5qgeBJuPAG28s6dLyObHlsSWBoKXGfteuVkY9KX7OcPZ" \
	"Xab8A\",\"iv\":\"EWOI7SEPCuOilSi3\",\"ciphertext\":\"M_yNsidJfl1EQYXnIgnme7mUvBd" \
	"5whI\",\"tag\":\"A9Osaty2UcXm9oRYLYK34Q\"}"
/* clang-format on */

static struct rcar rcar;
static struct wire wire;
static struct reason why;

static void begin(const char *const *answers, size_t nr)
{
	rcar_done(&rcar);
	wire = (struct wire){ .answers = answers, .nr = nr };
	why = (struct reason){ 0 };
	rcar = (struct rcar){
		.http = { .channel = { &wire, wire_read, wire_write }, .host = "kbs" },
		.prefix = "/base",
	};
}

static void check_session(void)
{
	static const unsigned char x[32] = { 0 }, y[32] = { [0] = 0xff, [31] = 0xff };
	static const char *const answers[] = {
		HEAD("200 OK", COOKIE("one"), "38") CHALLENGE,
		HEAD("200 OK", COOKIE("two-2") COOKIE("two-2"), "13") "{\"token\":\"t\"}",
		HEAD("200 OK", "", "422") JWE,
		HEAD("200 OK", "", "422") JWE,
	};
	const struct evidence evidence = { .json = (char[]){ "{\"e\":1}" } };
	static struct answer_jwe jwe;

	begin(answers, ARRAY_SIZE(answers));
	is_int(rcar_auth(&rcar, "tdx", &why), 0, "auth");
	is_str(wire.sent,
	       "POST /base/kbs/v0/auth HTTP/1.1\r\nHost: kbs\r\nContent-Type: application/json\r\n"
	       "Content-Length: 105\r\n\r\n"
	       "{\"version\":\"0.4.0\",\"tee\":\"tdx\",\"extra-params\":"
	       "{\"supported-hash-algorithms\":[\"sha256\",\"sha384\","
	       "\"sha512\"]}}",
	       "... its request");
	is_str(rcar.nonce ? rcar.nonce : "", "ab/\"\\=", "... the nonce");
	is_int(rcar_attest(&rcar, x, y, &evidence, &why), 0, "attest");
	is_str(wire.sent,
	       "POST /base/kbs/v0/attest HTTP/1.1\r\nHost: kbs\r\nCookie: kbs-session-id=one\r\n"
	       "Content-Type: application/json\r\nContent-Length: 269\r\n\r\n"
	       "{\"runtime-data\":{\"nonce\":\"ab/\\\"\\\\=\",\"tee-pubkey\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":"
	       "\"ECDH-ES+A256KW\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":"
	       "\"_wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8\"}},\"tee-evidence\":{\"primary_evidence\":{\"e\":1},"
	       "\"additional_evidence\":\"\"}}",
	       "... its request");
	is_int(rcar_resource(&rcar, "a/b/c", &jwe, &why), 0, "a resource");
	is_str(wire.sent,
	       "GET /base/kbs/v0/resource/a/b/c HTTP/1.1\r\nHost: kbs\r\nCookie: kbs-session-id=two-2\r\n\r\n",
	       "... its request, with the latest session");
	is_int(rcar_resource(&rcar, "a/b/d", &jwe, &why), 0, "another one");
	is_int(jwe.len, 23, "... its content");
	is_int(rcar_resource(&rcar, "a/b/e", &jwe, &why), -ENODATA, "one that does not come");
	ok(why.fault.code == EXITCODE_CONNECTION && why.retry == KBS_RETRY_NEXT &&
		   why.step == KBS_STEP_RESOURCE,
	   "... is the connection's fault");
}

/* What the evidence lacks is told with the refusal, since the broker does not say it. */
static void check_note(void)
{
	static const unsigned char point[32];
	static const char *const answers[] = {
		HEAD("200 OK", COOKIE("one"), "38") CHALLENGE,
		HEAD("401 Unauthorized", "", "29") "{\"type\":\"x/AttestationError\"}",
	};
	const struct evidence evidence = { .json = (char[]){ "{}" },
					   .null_chain = true,
					   .note = "the chip is hidden" };

	begin(answers, ARRAY_SIZE(answers));
	is_int(rcar_auth(&rcar, "snp", &why), 0, "auth");
	ok(rcar_attest(&rcar, point, point, &evidence, &why) < 0 &&
		   why.fault.code == EXITCODE_EVIDENCE_REFUSED && why.retry == KBS_RETRY_NEW_NONCE,
	   "evidence without a certificate is refused");
	ok(strstr(why.fault.why, "; the chip is hidden"), "... with its note: %s", why.fault.why);
}

static const struct {
	const char *name, *answer;
	enum exitcode code;
	enum kbs_retry retry;
} auths[] = {
	{ "no session", HEAD("200 OK", "", "38") CHALLENGE, EXITCODE_MALFORMED_ANSWER,
	  KBS_RETRY_NEVER },
	{ "two sessions", HEAD("200 OK", COOKIE("a") COOKIE("b"), "38") CHALLENGE,
	  EXITCODE_MALFORMED_ANSWER, KBS_RETRY_NEVER },
	{ "two sessions, one longer", HEAD("200 OK", COOKIE("a") COOKIE("ab"), "38") CHALLENGE,
	  EXITCODE_MALFORMED_ANSWER, KBS_RETRY_NEVER },
	{ "two sessions, one shorter", HEAD("200 OK", COOKIE("ab") COOKIE("a"), "38") CHALLENGE,
	  EXITCODE_MALFORMED_ANSWER, KBS_RETRY_NEVER },
	{ "an empty session", HEAD("200 OK", COOKIE(""), "38") CHALLENGE, EXITCODE_MALFORMED_ANSWER,
	  KBS_RETRY_NEVER },
	{ "a session with a header in it", HEAD("200 OK", COOKIE("a b"), "38") CHALLENGE,
	  EXITCODE_MALFORMED_ANSWER, KBS_RETRY_NEVER },
	{ "another cookie",
	  HEAD("200 OK", "Set-Cookie: kbs-session-identity=a\r\n", "38") CHALLENGE,
	  EXITCODE_MALFORMED_ANSWER, KBS_RETRY_NEVER },
	{ "a good one among others",
	  HEAD("200 OK", "Set-Cookie: a=b\r\n" COOKIE("s") "Set-Cookie: c=d\r\n", "38") CHALLENGE,
	  EXITCODE_OK, KBS_RETRY_NEXT },
	{ "no challenge", HEAD("200 OK", COOKIE("a"), "2") "{}", EXITCODE_MALFORMED_ANSWER,
	  KBS_RETRY_NEVER },
	{ "a redirect", HEAD("302 Found", "Location: https://else.test/\r\n", "0"),
	  EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ "a failure", HEAD("503 Busy", "", "0"), EXITCODE_BROKER_HTTP, KBS_RETRY_NEXT },
	{ "an unknown path", HEAD("404 No", "", "0"), EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ "half an answer", "HTTP/1.1 200 OK\r\n", EXITCODE_CONNECTION, KBS_RETRY_NEXT },
};

static void check_auths(void)
{
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(auths); i++) {
		begin(&auths[i].answer, 1);
		r = rcar_auth(&rcar, "snp", &why);
		if (!ok((r < 0) == (auths[i].code != EXITCODE_OK) &&
				why.fault.code == auths[i].code && why.step == KBS_STEP_AUTH &&
				why.retry == auths[i].retry,
			"auth with %s", auths[i].name))
			printf("# %d, code %d, retry %d: %s\n", r, (int)why.fault.code,
			       (int)why.retry, why.fault.why);
	}
}

#define TYPE "AttestationError"
static const struct {
	enum kbs_step step;
	unsigned int status;
	const char *type, *detail;
	bool null_chain;
	enum exitcode code;
	enum kbs_retry retry;
} refusals[] = {
	{ KBS_STEP_AUTH, 401, TYPE, "KBS Client Protocol Version Mismatch: expect =0.3.0", false,
	  EXITCODE_PROTOCOL_VERSION, KBS_RETRY_NEVER },
	{ KBS_STEP_AUTH, 401, TYPE, "else", false, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ KBS_STEP_AUTH, 401, "PolicyDeny", "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ KBS_STEP_ATTEST, 401, TYPE, "failed", false, EXITCODE_EVIDENCE_REFUSED, KBS_RETRY_SLOW },
	{ KBS_STEP_ATTEST, 401, TYPE, "failed", true, EXITCODE_EVIDENCE_REFUSED,
	  KBS_RETRY_NEW_NONCE },
	{ KBS_STEP_ATTEST, 401, TYPE, "Version Mismatch", false, EXITCODE_EVIDENCE_REFUSED,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_ATTEST, 401, "PolicyDeny", "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ KBS_STEP_ATTEST, 413, "", "payload reached size limit", true, EXITCODE_BROKER_HTTP,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_ATTEST, 500, TYPE, "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_NEXT },
	{ KBS_STEP_RESOURCE, 401, "PolicyDeny", "", false, EXITCODE_RELEASE_DENIED,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 401, "PluginInternalError", "", false, EXITCODE_RESOURCE_MISSING,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 401, "TokenNotFound", "", false, EXITCODE_BROKER_HTTP,
	  KBS_RETRY_NEXT },
	{ KBS_STEP_RESOURCE, 401, "TokenVerifierError", "", false, EXITCODE_BROKER_HTTP,
	  KBS_RETRY_NEXT },
	{ KBS_STEP_RESOURCE, 401, "PolicyEngineError", "", false, EXITCODE_BROKER_HTTP,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 401, TYPE, "", true, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 403, "about:blank", "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 404, "about:blank", "", false, EXITCODE_RESOURCE_MISSING,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 404, "", "<html>", false, EXITCODE_RESOURCE_MISSING, KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 404, "PluginNotFound", "", false, EXITCODE_BROKER_HTTP,
	  KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 502, "PolicyDeny", "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_NEXT },
	{ KBS_STEP_RESOURCE, 204, "PolicyDeny", "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
	{ KBS_STEP_RESOURCE, 307, "", "", false, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW },
};

static void check_refusals(void)
{
	struct answer_error error;
	char status[16];
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		why = (struct reason){ 0 };
		(void)snprintf(error.type, sizeof(error.type), "%s", refusals[i].type);
		(void)snprintf(error.detail, sizeof(error.detail), "%s", refusals[i].detail);
		(void)snprintf(status, sizeof(status), " %u", refusals[i].status);
		r = rcar_refused(refusals[i].step, refusals[i].status, &error,
				 refusals[i].null_chain, &why);
		if (!ok(r < 0 && why.fault.code == refusals[i].code &&
				why.retry == refusals[i].retry && why.step == refusals[i].step &&
				strstr(why.fault.why, status) &&
				strstr(why.fault.why, refusals[i].type) &&
				strstr(why.fault.why, refusals[i].detail),
			"step %d: %u %s", (int)refusals[i].step, refusals[i].status,
			refusals[i].type))
			printf("# code %d, retry %d: %s\n", (int)why.fault.code, (int)why.retry,
			       why.fault.why);
	}
}

static void check_sizes(void)
{
	char value[512];
	struct cookies cookies = { 0 };
	struct fault f = { 0 };

	(void)snprintf(value, sizeof(value), RCAR_COOKIE "=%0*d", RCAR_SESSION_MAX, 0);
	is_int(rcar_take_cookie(&cookies, "set-cookie", value, &f), 0, "a session of 128 bytes");
	is_int(strlen(cookies.session), RCAR_SESSION_MAX, "... whole");
	(void)snprintf(value, sizeof(value), RCAR_COOKIE "=%0*d", RCAR_SESSION_MAX + 1, 0);
	is_int(rcar_take_cookie(&cookies, "set-cookie", value, &f), -EBADMSG, "one of 129 bytes");
}

int main(void)
{
	check_session();
	check_note();
	check_auths();
	check_refusals();
	check_sizes();
	rcar_done(&rcar);
	return tap_done();
}
