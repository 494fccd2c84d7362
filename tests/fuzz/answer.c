/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - fuzz target: the JSON of a broker. The first byte chooses: a challenge, a token, an
 * error, cookies. What comes out of them is text that can be printed and sent.
 */
#include "broker/answer.h"

#include "broker/rcar.h"
#include "fuzz.h"

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static void look_at_challenge(const char *text, size_t size)
{
	struct fault f = { 0 };
	char *nonce = NULL;
	int r = answer_nonce(text, size, &nonce, &f);

	FUZZ_MUST(r == 0 || (f.code == EXITCODE_MALFORMED_ANSWER && !nonce));
	if (r < 0)
		return;
	FUZZ_MUST(*nonce != '\0' && strlen(nonce) <= ANSWER_NONCE_MAX && is_printable(nonce));
	fuzz_accepted++;
	free(nonce);
}

static void look_at_token(const char *text, size_t size)
{
	struct fault f = { 0 };
	int r = answer_token(text, size, &f);

	FUZZ_MUST(r == 0 || f.code == EXITCODE_MALFORMED_ANSWER);
	fuzz_accepted += r == 0;
}

/* Whatever it says, there is a class for it, and only one of a few. */
static void look_at_error(const char *text, size_t size, unsigned int choice)
{
	static const unsigned int statuses[] = { 201, 302, 401, 404, 413, 500 };
	struct reason why = { 0 };
	struct answer_error error;

	answer_error(text, size, &error);
	FUZZ_MUST(memchr(error.type, '\0', sizeof(error.type)) && is_printable(error.type));
	FUZZ_MUST(memchr(error.detail, '\0', sizeof(error.detail)) && is_printable(error.detail));
	FUZZ_MUST(rcar_refused(KBS_STEP_RESOURCE, statuses[choice % 6], &error, false, &why) < 0);
	FUZZ_MUST(why.fault.code == EXITCODE_BROKER_HTTP ||
		  why.fault.code == EXITCODE_RELEASE_DENIED ||
		  why.fault.code == EXITCODE_RESOURCE_MISSING);
	FUZZ_MUST(why.fault.code != EXITCODE_RELEASE_DENIED ||
		  strcmp(error.type, "PolicyDeny") == 0);
	fuzz_accepted += *error.type != '\0';
}

static void look_at_cookies(char *text)
{
	struct cookies cookies = { 0 };
	struct fault f = { 0 };
	char *line, *rest = text;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n")))
		r = rcar_take_cookie(&cookies, "Set-Cookie", line, &f);
	FUZZ_MUST(r == 0 || f.code == EXITCODE_MALFORMED_ANSWER);
	FUZZ_MUST(strspn(cookies.session,
			 "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") ==
		  strlen(cookies.session));
	fuzz_accepted += r == 0 && *cookies.session != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	char *text = fuzz_text(data, size);

	if (!text)
		return 0;
	switch (choice % 4) {
	case 0:
		look_at_challenge(text, size);
		break;
	case 1:
		look_at_token(text, size);
		break;
	case 2:
		look_at_error(text, size, choice / 4);
		break;
	default:
		look_at_cookies(text);
	}
	free(text);
	return 0;
}
