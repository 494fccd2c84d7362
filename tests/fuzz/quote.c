/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * quote.c - fuzz target: a TDX quote, with an event log. The first byte says whether the quote's
 * registers are made those of the log, `A`; then the quote's length (2 bytes), quote and log. What
 * comes out has to decode to what went in, and the log only if the registers are its own.
 */
#include <json-c/json.h>
#include <openssl/evp.h>

#include "broker/eventlog.h"
#include "broker/tdx.h"
#include "fuzz.h"

static unsigned char *quote, *log_bytes;
static size_t quote_len, log_len;
static struct eventlog eventlog;

/* Base64 of these bytes, and `marks` of 0xff behind them. */
static void is_base64(json_object *tree, const char *name, const unsigned char *bytes, size_t len,
		      size_t marks)
{
	json_object *value = NULL;
	const char *text;
	unsigned char *decoded;
	size_t size, i;

	FUZZ_MUST(json_object_object_get_ex(tree, name, &value) && value);
	text = json_object_get_string(value);
	size = strlen(text);
	FUZZ_MUST(size == (len + marks + 2) / 3 * 4);
	decoded = malloc(size + 1);
	FUZZ_MUST(decoded);
	FUZZ_MUST(EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)size) ==
		  (int)(size / 4 * 3)); /* what fills it up, too */
	FUZZ_MUST(len == 0 || memcmp(decoded, bytes, len) == 0);
	for (i = 0; i < marks; i++)
		FUZZ_MUST(decoded[len + i] == 0xff);
	free(decoded);
}

static void check(const struct evidence *evidence, const unsigned char *body, bool replays)
{
	json_object *tree = json_tokener_parse(evidence->json), *value = NULL;
	const bool sent = replays && memcmp(body + TDX_AT_RTMR, eventlog.registers,
					    sizeof(eventlog.registers)) == 0;

	FUZZ_MUST(tree && json_object_object_length(tree) == 2);
	FUZZ_MUST(json_object_object_get_ex(tree, "cc_eventlog", &value));
	FUZZ_MUST((value != NULL) == sent && (evidence->note[0] != '\0') == (log_len > 0 && !sent));
	if (sent)
		is_base64(tree, "cc_eventlog", log_bytes, eventlog.len, EVENTLOG_MARK_SIZE);
	is_base64(tree, "quote", quote, quote_len, 0);
	FUZZ_MUST(!evidence->null_chain);
	json_object_put(tree);
}

/* Where a body must be, by the version alone; all of it and a length are there. */
static void check_body(const unsigned char *body)
{
	const size_t at = quote[0] == 4 ? 48 : 54;
	const size_t size = at == 54 && quote[48] == 3 ? 648 : 584;

	FUZZ_MUST((quote[0] == 4 || quote[0] == 5) && quote[1] == 0 && quote[4] == 0x81);
	FUZZ_MUST(body == quote + at && quote_len >= at + size + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned int choice = fuzz_choice(&data, &size);
	const size_t low = fuzz_choice(&data, &size),
		     wanted = low | (size_t)fuzz_choice(&data, &size) << 8;
	struct frame frame = { .type = FRAME_EVIDENCE, .nr = _EVIDENCE_MAX };
	struct evidence evidence = EVIDENCE_NULL;
	struct eventlog_flaw flaw;
	struct fault f = { 0 };
	const unsigned char *body;
	bool replays;
	int r;

	quote_len = wanted < size ? wanted : size;
	log_len = size - quote_len;
	quote = fuzz_copy(data, quote_len);
	log_bytes = fuzz_copy(data + quote_len, log_len);
	replays = eventlog_replay(log_bytes, log_len, &eventlog, &flaw) == 0;
	body = tdx_quote_body(quote, quote_len, &f);
	if (body)
		check_body(body);
	if (body && replays && choice & 1)
		memcpy(quote + (body - quote) + TDX_AT_RTMR, eventlog.registers,
		       sizeof(eventlog.registers));
	frame.fields[EVIDENCE_REPORT] = (struct frame_field){ quote, quote_len };
	frame.fields[EVIDENCE_EVENT_LOG] = (struct frame_field){ log_bytes, log_len };
	r = evidence_write("tdx", &frame, &evidence, &f);
	FUZZ_MUST((r == 0) == (body != NULL));
	FUZZ_MUST(r == 0 || (f.code == EXITCODE_REPORT_FAILED && f.why[0] && !evidence.json));
	if (r == 0) {
		fuzz_accepted++;
		check(&evidence, body, replays);
		evidence_done(&evidence);
	}
	free(quote);
	free(log_bytes);
	return 0;
}
