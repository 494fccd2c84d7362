/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.c - one session with one broker: a report for its nonce, then what it releases for that.
 * The only file that sees EC key, report and answers together. Trusts what opens with its own key
 * to come from somebody who knows the report, no more: who that is, the broker program has asked,
 * and what a disk may be, the policies say.
 */
#include "source/kbs/session.h"

#include <string.h>

#include "base/log.h"
#include "source/kbs/jwe.h"
#include "source/kbs/route.h"

#define ANSWER_MS 30000 /* for one answer, so that another broker has its turn */

struct session {
	const struct session_input *in;
	const struct broker_url *url;
	struct client client;
	struct ec_key key;
};

/* The one deadline, or less. */
static struct deadline soon(const struct session *s)
{
	struct deadline d = deadline_in_ms(ANSWER_MS);

	return d.at_us < s->in->deadline.at_us ? d : s->in->deadline;
}

static struct frame_field text_field(const char *text)
{
	return (struct frame_field){ (const unsigned char *)text, strlen(text) };
}

/* RFC 9110 section 7.2: an IPv6 literal in brackets, and the port if it is not the scheme's. */
static void host_header(const struct broker_url *url, char *text, size_t size)
{
	const bool v6 = strchr(url->host, ':') != NULL;

	(void)snprintf(text, size, "%s%s%s", v6 ? "[" : "", url->host, v6 ? "]" : ""); /* fits */
	if (url->port != 443)
		text_append(text, size, ":%u", url->port);
}

/* The program starts while the connection is under way; it speaks no sooner than it is told to. */
static int start(struct session *s, int tcp, struct deadline connect, struct attempt *a)
{
	const struct kbs_conf *conf = s->in->conf;
	unsigned char pins[CONF_PINS_MAX * sizeof(conf->pins[0].octets)];
	char host[CONF_HOST_SIZE + 16];
	size_t i;
	int r;

	host_header(s->url, host, sizeof(host));
	for (i = 0; i < conf->nr_pins; i++)
		memcpy(pins + i * sizeof(conf->pins[i].octets), conf->pins[i].octets,
		       sizeof(conf->pins[i].octets));
	const struct frame_field fields[_START_MAX] = {
		[START_TEE] = text_field(s->in->tee),
		[START_NAME] = text_field(s->url->host),
		[START_HOST] = text_field(host),
		[START_PREFIX] = text_field(s->url->prefix),
		[START_PINS] = { pins, conf->nr_pins * sizeof(conf->pins[0].octets) },
		[START_CA] = s->in->ca,
	};

	r = client_start(s->in->root, tcp, &s->client, a);
	if (r < 0)
		return r;
	a->step = KBS_STEP_CONNECT;
	a->retry = KBS_RETRY_NEXT;
	r = route_connected(tcp, s->url->address, s->url->port, connect, &a->fault);
	if (r < 0)
		return r;
	return client_send(&s->client, FRAME_START, fields, _START_MAX, KBS_STEP_AUTH, soon(s), a);
}

/* A report that binds this nonce and this key. There is one for each nonce, and none is asked for
 * again: a platform that was asked too often makes none any more. */
static int make_report(struct session *s, const struct frame_field *nonce,
		       struct tsm_report *ret_report, struct attempt *a)
{
	unsigned char data[REPORT_DATA_SIZE];
	int r;

	r = ec_key_report_data(&s->key, nonce->data, nonce->len, data, &a->fault);
	if (r < 0) {
		a->step = KBS_STEP_AUTH;
		a->retry = KBS_RETRY_NEVER;
		return r;
	}
	r = tsm_report(s->in->root, s->in->provider, data, s->in->deadline, ret_report, &a->fault);
	if (r < 0) {
		a->step = KBS_STEP_REPORT;
		a->retry = KBS_RETRY_NEVER;
		return r;
	}
	/* For people: nothing here depends on the level. */
	if (ret_report->privlevel_floor >= 0)
		log_info("the report is made by %s at privilege level %d (VMPL)", s->in->provider,
			 ret_report->privlevel_floor);
	else
		log_info("the report is made by %s", s->in->provider);
	return r;
}

static int send_evidence(struct session *s, const struct tsm_report *report, struct attempt *a)
{
	const struct frame_field fields[_EVIDENCE_MAX] = {
		[EVIDENCE_X] = { s->key.x, sizeof(s->key.x) },
		[EVIDENCE_Y] = { s->key.y, sizeof(s->key.y) },
		[EVIDENCE_REPORT] = { report->outblob, report->outblob_len },
		[EVIDENCE_AUXILIARY] = { report->auxblob, report->auxblob_len },
		[EVIDENCE_VCEK] = s->in->vcek,
		[EVIDENCE_EVENT_LOG] = s->in->event_log,
	};

	return client_send(&s->client, FRAME_EVIDENCE, fields, _EVIDENCE_MAX, KBS_STEP_ATTEST,
			   soon(s), a);
}

static int attest(struct session *s, struct attempt *a)
{
	_cleanup_free_ unsigned char *challenge = NULL, *attested = NULL;
	_cleanup_(tsm_report_done) struct tsm_report report = TSM_REPORT_NULL;
	struct frame frame;
	int r;

	/* While the nonce is under way. */
	a->step = KBS_STEP_AUTH;
	a->retry = KBS_RETRY_NEVER;
	r = ec_key_new(&s->key, &a->fault);
	if (r >= 0)
		r = client_receive(&s->client, FRAME_NONCE, 1, KBS_STEP_AUTH, soon(s), &challenge,
				   &frame, a);
	if (r >= 0)
		r = make_report(s, &frame.fields[0], &report, a);
	if (r >= 0)
		r = send_evidence(s, &report, a);
	if (r >= 0)
		r = client_receive(&s->client, FRAME_ATTESTED, 1, KBS_STEP_ATTEST, soon(s),
				   &attested, &frame, a);
	if (r >= 0 && frame.fields[0].len > 0) {
		char note[FRAME_REASON_MAX + 1] = "", shown[FRAME_REASON_MAX + 1];

		memcpy(note, frame.fields[0].data,
		       frame.fields[0].len < FRAME_REASON_MAX ? frame.fields[0].len :
								FRAME_REASON_MAX);
		text_printable(note, shown, sizeof(shown));
		log_info("%s: %s", s->url->text, shown);
	}
	return r;
}

/* Whose table is it? Nobody guesses: the configuration says what a resource holds. */
static int read_table(struct resource *resource, struct fault *f)
{
	struct table_flaw flaw;

	if (table_parse(&resource->secret, &resource->table, &flaw) == 0)
		return 0;
	return fault_set(f, EXITCODE_MALFORMED_ANSWER, EBADMSG,
			 "resource %s is no secret table, which ResourceFormat= asks for: offset "
			 "%zu: %s",
			 resource->path, flaw.offset, flaw.reason);
}

static int fetch(struct session *s, struct resource *resource, struct attempt *a)
{
	_cleanup_free_ unsigned char *buffer = NULL;
	const struct frame_field path = text_field(resource->path);
	struct frame frame;
	int r;

	r = client_send(&s->client, FRAME_RESOURCE, &path, 1, KBS_STEP_RESOURCE, soon(s), a);
	if (r >= 0)
		r = client_receive(&s->client, FRAME_ANSWER, _ANSWER_MAX, KBS_STEP_RESOURCE,
				   soon(s), &buffer, &frame, a);
	if (r < 0)
		return r;
	a->step = KBS_STEP_OPEN;
	a->retry = KBS_RETRY_NEVER;
	r = jwe_open(&s->key, &frame, &resource->secret, &a->fault);
	if (r < 0)
		return r;
	return s->in->conf->format == RESOURCE_TABLE ? read_table(resource, &a->fault) : 0;
}

int session_run(const struct session_input *in, const struct broker_url *url, int tcp,
		struct deadline connect, struct resource *resources, size_t nr, struct attempt *a)
{
	struct session s = { .in = in, .url = url, .client = CLIENT_NULL, .key = EC_KEY_NULL };
	size_t i;
	int r;

	r = start(&s, tcp, connect, a);
	if (r >= 0)
		r = attest(&s, a);
	for (i = 0; i < nr && r >= 0; i++)
		r = fetch(&s, &resources[i], a);
	ec_key_done(&s.key);
	client_end(&s.client, in->deadline);
	for (i = 0; i < nr && r < 0; i++)
		secret_done(&resources[i].secret);
	return r;
}
