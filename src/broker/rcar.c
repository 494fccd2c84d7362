/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rcar.c - asks for a challenge, shows the evidence, asks for resources.
 * Trusts no answer; what one says is only quoted. Knows the public key alone.
 */
#include "broker/rcar.h"

#include <string.h>

#include "base/base64.h"
#include "base/text.h"

#define COORDINATE_SIZE 32 /* bytes */
#define SESSION_CHARS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-"
#define COOKIE_SIZE (sizeof(RCAR_COOKIE "=") + RCAR_SESSION_MAX)

static const char *const requests[] = {
	[KBS_STEP_AUTH] = "auth",
	[KBS_STEP_ATTEST] = "attest",
	[KBS_STEP_RESOURCE] = "the resource",
};

int rcar_take_cookie(void *arg, const char *name, const char *value, struct fault *f)
{
	static const char wanted[] = RCAR_COOKIE "=";
	struct cookies *cookies = arg;
	size_t len;

	if (strcasecmp(name, "Set-Cookie") != 0 || strncmp(value, wanted, sizeof(wanted) - 1) != 0)
		return 0;
	value += sizeof(wanted) - 1;
	len = strspn(value, SESSION_CHARS);
	if (len == 0 || len > RCAR_SESSION_MAX || (value[len] != '\0' && value[len] != ';'))
		return fault_set(f, EXITCODE_MALFORMED_ANSWER, EBADMSG,
				 "the broker's session has a name that is none");
	if (*cookies->session != '\0' &&
	    (strlen(cookies->session) != len || strncmp(cookies->session, value, len) != 0))
		return fault_set(f, EXITCODE_MALFORMED_ANSWER, EBADMSG,
				 "the broker's answer names two sessions");
	(void)snprintf(cookies->session, sizeof(cookies->session), "%.*s", (int)len, value);
	return 0;
}

/* One request; the answer is 200, or a refusal. */
static int ask(struct rcar *rcar, enum kbs_step step, const char *path, const char *json,
	       bool null_chain, struct http_answer *ret_answer, struct reason *why)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	struct cookies cookies = { 0 };
	char cookie[COOKIE_SIZE];
	const struct http_request request = {
		.prefix = rcar->prefix,
		.path = path,
		.cookie = step == KBS_STEP_AUTH ? NULL : cookie,
		.json = json,
	};
	struct answer_error error;
	int r;

	why->step = step;
	(void)snprintf(cookie, sizeof(cookie), RCAR_COOKIE "=%s", rcar->session); /* fits */
	r = http_ask(&rcar->http, &request, rcar_take_cookie, &cookies, &answer, &why->fault);
	if (r < 0)
		return r;
	if (answer.status != 200) {
		answer_error(answer.body, answer.len, &error);
		return rcar_refused(step, answer.status, &error, null_chain, why);
	}
	if (*cookies.session != '\0')
		memcpy(rcar->session, cookies.session, sizeof(rcar->session));
	*ret_answer = answer;
	answer = HTTP_ANSWER_NULL;
	return 0;
}

/* The answer itself has said what may follow it: rcar_refused(), -EPERM. Else the code does. */
static int finish(int r, struct reason *why)
{
	if (r < 0 && r != -EPERM)
		why->retry = rcar_retry(why->fault.code);
	return r;
}

int rcar_auth(struct rcar *rcar, const char *tee, struct reason *why)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	char json[128];
	int r;

	(void)snprintf(json, sizeof(json),
		       "{\"version\":\"0.4.0\",\"tee\":\"%s\",\"extra-params\":"
		       "{\"supported-hash-algorithms\":[\"sha256\",\"sha384\",\"sha512\"]}}",
		       tee); /* fits */
	r = ask(rcar, KBS_STEP_AUTH, "/kbs/v0/auth", json, false, &answer, why);
	if (r >= 0)
		r = answer_nonce(answer.body, answer.len, &rcar->nonce, &why->fault);
	if (r >= 0 && *rcar->session == '\0')
		r = fault_set(&why->fault, EXITCODE_MALFORMED_ANSWER, EBADMSG,
			      "the broker's challenge comes without a session");
	return finish(r, why);
}

/* A nonce as it came is not yet the inside of a JSON string. */
static void escape(const char *text, char *ret_text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			*ret_text++ = '\\';
		*ret_text++ = *text;
	}
	*ret_text = '\0';
}

int rcar_attest(struct rcar *rcar, const unsigned char *x, const unsigned char *y,
		const struct evidence *evidence, struct reason *why)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	char nonce[2 * ANSWER_NONCE_MAX + 1];
	char x_text[BASE64_SIZE(COORDINATE_SIZE)];
	char y_text[BASE64_SIZE(COORDINATE_SIZE)];
	_cleanup_free_ char *json = NULL;
	int r;

	why->step = KBS_STEP_ATTEST;
	escape(rcar->nonce, nonce);
	(void)base64_encode(BASE64_URL, x, COORDINATE_SIZE, x_text);
	(void)base64_encode(BASE64_URL, y, COORDINATE_SIZE, y_text);
	if (asprintf(&json,
		     "{\"runtime-data\":{\"nonce\":\"%s\",\"tee-pubkey\":{\"kty\":\"EC\","
		     "\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"%s\",\"y\":\"%s\"}},"
		     "\"tee-evidence\":{\"primary_evidence\":%s,\"additional_evidence\":\"\"}}",
		     nonce, x_text, y_text, evidence->json) < 0) {
		json = NULL;
		return finish(fault_set(&why->fault, EXITCODE_NO_MEMORY, ENOMEM,
					"no memory for the evidence"),
			      why);
	}
	r = ask(rcar, KBS_STEP_ATTEST, "/kbs/v0/attest", json, evidence->null_chain, &answer, why);
	/* A broker does not say what it does not like; this may be it. */
	if (why->fault.code == EXITCODE_EVIDENCE_REFUSED && evidence->note[0] != '\0')
		text_append(why->fault.why, sizeof(why->fault.why), "; %s", evidence->note);
	if (r >= 0)
		r = answer_token(answer.body, answer.len, &why->fault);
	return finish(r, why);
}

int rcar_resource(struct rcar *rcar, const char *resource, struct answer_jwe *ret_jwe,
		  struct reason *why)
{
	_cleanup_(http_answer_done) struct http_answer answer = HTTP_ANSWER_NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	why->step = KBS_STEP_RESOURCE;
	if (asprintf(&path, "/kbs/v0/resource/%s", resource) < 0) {
		path = NULL;
		return finish(fault_set(&why->fault, EXITCODE_NO_MEMORY, ENOMEM,
					"no memory for a request"),
			      why);
	}
	r = ask(rcar, KBS_STEP_RESOURCE, path, NULL, false, &answer, why);
	if (r >= 0)
		r = answer_jwe(answer.body, answer.len, ret_jwe, &why->fault);
	return finish(r, why);
}

void rcar_done(struct rcar *rcar)
{
	free(rcar->nonce);
	rcar->nonce = NULL;
}

enum kbs_retry rcar_retry(enum exitcode code)
{
	switch (code) {
	case EXITCODE_CONNECTION:
	case EXITCODE_TLS_PARAMETERS:
		return KBS_RETRY_NEXT;
	case EXITCODE_BROKER_HTTP:
	case EXITCODE_EVIDENCE_REFUSED:
	case EXITCODE_RELEASE_DENIED:
	case EXITCODE_RESOURCE_MISSING:
		return KBS_RETRY_SLOW;
	default:
		return KBS_RETRY_NEVER;
	}
}

/* Which code a name of kbs/src/error.rs stands for, at that step. */
static const struct {
	enum kbs_step step;
	const char *type;
	const char *detail; /* what it has to say besides, or NULL */
	enum exitcode code;
	enum kbs_retry retry;
	const char *what;
} classes[] = {
	{ KBS_STEP_AUTH, "AttestationError", "Version Mismatch", EXITCODE_PROTOCOL_VERSION,
	  KBS_RETRY_NEVER, "the broker does not speak RCAR 0.4.0" },
	{ KBS_STEP_ATTEST, "AttestationError", NULL, EXITCODE_EVIDENCE_REFUSED, KBS_RETRY_SLOW,
	  "the broker refuses the evidence" },
	{ KBS_STEP_RESOURCE, "PolicyDeny", NULL, EXITCODE_RELEASE_DENIED, KBS_RETRY_SLOW,
	  "the broker's policy does not release the resource to this guest" },
	{ KBS_STEP_RESOURCE, "PluginInternalError", NULL, EXITCODE_RESOURCE_MISSING, KBS_RETRY_SLOW,
	  "the broker does not have the resource" },
	{ KBS_STEP_RESOURCE, "TokenNotFound", NULL, EXITCODE_BROKER_HTTP, KBS_RETRY_NEXT,
	  "the broker has forgotten the session" },
	{ KBS_STEP_RESOURCE, "TokenVerifierError", NULL, EXITCODE_BROKER_HTTP, KBS_RETRY_NEXT,
	  "the broker does not take its own token" },
	{ KBS_STEP_RESOURCE, "PluginNotFound", NULL, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW,
	  "the broker has no resources" },
	{ KBS_STEP_RESOURCE, "InvalidRequestPath", NULL, EXITCODE_BROKER_HTTP, KBS_RETRY_SLOW,
	  "the broker does not know the path" },
};

/* What the status alone says. */
static const char *read_status(enum kbs_step step, unsigned int status, struct reason *why,
			       enum exitcode *ret_code)
{
	*ret_code = EXITCODE_BROKER_HTTP;
	why->retry = status >= 500 ? KBS_RETRY_NEXT : KBS_RETRY_SLOW;
	if (status < 300)
		return "the broker gives an answer that is not 200";
	if (status < 400)
		return "the broker sends us elsewhere, which is not followed";
	if (status >= 500)
		return "the broker has failed";
	if (status != 404)
		return "the broker refuses";
	if (step != KBS_STEP_RESOURCE)
		return "the broker does not know the path";
	*ret_code = EXITCODE_RESOURCE_MISSING;
	return "the broker does not have the resource";
}

int rcar_refused(enum kbs_step step, unsigned int status, const struct answer_error *error,
		 bool null_chain, struct reason *why)
{
	enum exitcode code;
	const char *what = read_status(step, status, why, &code);
	size_t i;

	why->step = step;
	for (i = 0; i < ARRAY_SIZE(classes) && status >= 400 && status < 500; i++) {
		if (classes[i].step != step || strcmp(classes[i].type, error->type) != 0 ||
		    (classes[i].detail && !strstr(error->detail, classes[i].detail)))
			continue;
		code = classes[i].code;
		what = classes[i].what;
		why->retry = classes[i].retry;
	}
	if (code == EXITCODE_EVIDENCE_REFUSED && null_chain) {
		what = "the broker refuses the evidence, which has no certificate of the chip";
		why->retry = KBS_RETRY_NEW_NONCE;
	}
	return fault_set(&why->fault, code, EPERM, "%s: %s was answered with %u%s%s%s%s", what,
			 requests[step], status, *error->type != '\0' ? " " : "", error->type,
			 *error->detail != '\0' ? ": " : "", error->detail);
}
