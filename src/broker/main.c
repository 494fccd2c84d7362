/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the broker program: speaks with the key broker for the unlocking process.
 * Trusts nobody. May not open, connect or execute anything: it has two descriptors. Never gets the
 * EC key, and cannot open what it fetches.
 */
#include <json-c/json.h>
#include <string.h>

#include "broker/jail.h"
#include "broker/rcar.h"
#include "broker/tls.h"

/* The unlocking process has the deadline, and hangs up. */
static const struct deadline forever = { .at_us = UINT64_MAX };

/* All of a session. It lies on the heap. */
struct session {
	struct tls tls;
	struct rcar rcar;
	struct identity identity;
	char tee[8];
	char *host, *prefix, *name; /* owned */
	unsigned char *start;	    /* owned: what identity points into */
	struct answer_jwe jwe;
	struct reason why;
};

/* json-c asks for random numbers once, when it makes its first table. */
static void warm_up_json(void)
{
	struct json_object *object = json_object_new_object();

	if (object)
		json_object_object_add(object, "", NULL);
	json_object_put(object);
}

static char *text_of(const struct frame_field *field)
{
	return strndup((const char *)field->data, field->len);
}

static int send_text(enum frame_type type, const char *text)
{
	const struct frame_field field = { (const unsigned char *)text, strlen(text) };

	return frame_send(FRAME_FD, type, &field, 1, forever);
}

/* Returns 0, or -errno: it has hung up, or is not who we know. */
static int receive(enum frame_type type, size_t nr, unsigned char **ret_buffer,
		   struct frame *ret_frame)
{
	int r = frame_receive(FRAME_FD, FRAME_SIZE_MAX, forever, ret_buffer, ret_frame);

	if (r < 0)
		return r;
	return ret_frame->type == type && ret_frame->nr == nr ? 0 : -EBADMSG;
}

static int receive_start(struct session *s)
{
	struct frame frame;
	const struct frame_field *field = frame.fields;
	int r;

	r = receive(FRAME_START, _START_MAX, &s->start, &frame);
	if (r < 0)
		return r;
	if (field[START_TEE].len >= sizeof(s->tee) || field[START_PINS].len % DIGEST_SIZE != 0)
		return -EBADMSG;
	memcpy(s->tee, field[START_TEE].data, field[START_TEE].len);
	s->name = text_of(&field[START_NAME]);
	s->host = text_of(&field[START_HOST]);
	s->prefix = text_of(&field[START_PREFIX]);
	if (!s->name || !s->host || !s->prefix)
		return -ENOMEM;
	s->identity = (struct identity){
		.pins = field[START_PINS].data,
		.nr_pins = field[START_PINS].len / DIGEST_SIZE,
		.ca = field[START_CA].data,
		.ca_len = field[START_CA].len,
		.name = s->name,
	};
	return 0;
}

static int handshake(struct session *s)
{
	int r;

	s->why.step = KBS_STEP_HANDSHAKE;
	r = tls_handshake(&s->tls, &s->identity, &s->why.fault);
	if (r < 0)
		s->why.retry = rcar_retry(s->why.fault.code);
	s->rcar.http.channel = tls_channel(&s->tls);
	s->rcar.http.host = s->host;
	s->rcar.prefix = s->prefix;
	return r;
}

static int attest(struct session *s)
{
	_cleanup_(evidence_done) struct evidence evidence = EVIDENCE_NULL;
	_cleanup_free_ unsigned char *buffer = NULL;
	struct frame frame;
	int r;

	r = rcar_auth(&s->rcar, s->tee, &s->why);
	if (r >= 0)
		r = send_text(FRAME_NONCE, s->rcar.nonce);
	if (r >= 0)
		r = receive(FRAME_EVIDENCE, _EVIDENCE_MAX, &buffer, &frame);
	if (r < 0)
		return r;
	if (frame.fields[EVIDENCE_X].len != 32 || frame.fields[EVIDENCE_Y].len != 32)
		return -EBADMSG;
	s->why.step = KBS_STEP_REPORT;
	r = evidence_write(s->tee, &frame, &evidence, &s->why.fault);
	if (r < 0) {
		s->why.retry = rcar_retry(s->why.fault.code);
		return r;
	}
	r = rcar_attest(&s->rcar, frame.fields[EVIDENCE_X].data, frame.fields[EVIDENCE_Y].data,
			&evidence, &s->why);
	return r < 0 ? r : send_text(FRAME_ATTESTED, evidence.note);
}

static int send_answer(const struct answer_jwe *jwe)
{
	const struct frame_field fields[] = {
		[ANSWER_PROTECTED] = { (const unsigned char *)jwe->protected_text,
				       strlen(jwe->protected_text) },
		[ANSWER_X] = { jwe->x, sizeof(jwe->x) },
		[ANSWER_Y] = { jwe->y, sizeof(jwe->y) },
		[ANSWER_WRAPPED_KEY] = { jwe->wrapped_key, sizeof(jwe->wrapped_key) },
		[ANSWER_IV] = { jwe->iv, sizeof(jwe->iv) },
		[ANSWER_CIPHERTEXT] = { jwe->ciphertext, jwe->len },
		[ANSWER_TAG] = { jwe->tag, sizeof(jwe->tag) },
	};

	return frame_send(FRAME_FD, FRAME_ANSWER, fields, ARRAY_SIZE(fields), forever);
}

/* Until the unlocking process hangs up. */
static int fetch(struct session *s)
{
	int r;

	for (;;) {
		_cleanup_free_ unsigned char *buffer = NULL;
		_cleanup_free_ char *resource = NULL;
		struct frame frame;

		r = receive(FRAME_RESOURCE, 1, &buffer, &frame);
		if (r < 0)
			return r;
		resource = text_of(&frame.fields[0]);
		if (!resource)
			return -ENOMEM;
		r = rcar_resource(&s->rcar, resource, &s->jwe, &s->why);
		if (r >= 0)
			r = send_answer(&s->jwe);
		if (r < 0)
			return r;
	}
}

static int send_failed(const struct reason *why)
{
	const unsigned char numbers[] = { (unsigned char)why->fault.code, (unsigned char)why->step,
					  (unsigned char)why->retry };
	const struct frame_field fields[] = {
		[FAILED_CODE] = { numbers, 1 },
		[FAILED_STEP] = { numbers + 1, 1 },
		[FAILED_RETRY] = { numbers + 2, 1 },
		[FAILED_REASON] = { (const unsigned char *)why->fault.why,
				    strnlen(why->fault.why, FRAME_REASON_MAX) },
	};

	return frame_send(FRAME_FD, FRAME_FAILED, fields, ARRAY_SIZE(fields), forever);
}

static int enter_jail(struct session *s)
{
	int r = jail_enter();

	return r < 0 ? fault_errno(&s->why.fault, EXITCODE_INTERNAL, r,
				   "the broker program cannot give up its rights") :
		       0;
}

/* Returns 0 if the unlocking process has had all that it wanted, or knows why not. */
static int run(struct session *s)
{
	int r;

	warm_up_json();
	r = tls_open(&s->tls, FRAME_TCP_FD, FRAME_FD, &s->why.fault);
	if (r >= 0)
		r = enter_jail(s);
	if (r >= 0)
		r = receive_start(s);
	if (r >= 0)
		r = handshake(s);
	if (r >= 0)
		r = attest(s);
	if (r >= 0)
		r = fetch(s);
	if (s->why.fault.code != EXITCODE_OK)
		r = send_failed(&s->why);
	tls_done(&s->tls);
	return r == -ENODATA ? 0 : r;
}

int main(void)
{
	void *heap = jail_prepare_memory();
	struct session *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (s)
		r = run(s);
	jail_leave(heap, r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	return EXIT_FAILURE;
}
