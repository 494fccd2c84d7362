/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbs.c - asks the brokers of the configuration, one after the other, until one has answered or the
 * time is over.
 * Trusts the configuration for who is asked and for what; the host can delay and refuse, and choose
 * nothing. May not know about disks.
 */
#include "source/kbs/kbs.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"
#include "base/log.h"
#include "base/paths.h"
#include "source/kbs/provider.h"
#include "source/kbs/route.h"
#include "source/kbs/session.h"

#define CONNECT_MS 10000
#define SLOW_MS 10000	    /* between two refusals, and two nonces */
#define BACKOFF_MS_MIN 1000 /* doubled with each failure of a URL */
#define BACKOFF_MS_MAX 15000
#define EVENT_LOG_MAX 1048576 /* bytes; firmware reserves 64 to 256 KiB */

/* One URL in this boot. */
struct broker {
	struct attempt last; /* code ok: not tried yet */
	bool never;	     /* not again in this boot */
	uint64_t due_us;     /* CLOCK_MONOTONIC: not before */
	uint64_t backoff_ms;
};

struct kbs {
	struct session_input input;
	struct resource resources[CONF_VOLUMES_MAX];
	size_t nr_resources;
	struct broker brokers[CONF_URLS_MAX];
	struct route route;
	int stay; /* the URL that is asked again, -1: whichever is due */
};

static struct kbs *state(const struct source *src)
{
	return src->data;
}

static int probe(struct source *src, struct fault *f)
{
	_cleanup_free_ struct kbs *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the key broker");
	r = provider_find(src->root, src->look_only, src->deadline, k->input.provider,
			  &k->input.tee, f);
	if (r <= 0)
		return r;
	k->route = ROUTE_NULL;
	k->stay = -1;
	src->info.tee = k->input.tee;
	src->data = TAKE_PTR(k);
	return 1;
}

/* Reads a public file of the image or the firmware, which the caller owns then. Returns 0 or
 * -errno. */
static int read_file(const struct root *root, const char *path, size_t max,
		     struct frame_field *ret_field)
{
	_cleanup_close_ int fd = root_open(root, path, O_RDONLY, 0);
	_cleanup_free_ unsigned char *bytes = NULL;
	ssize_t n;

	if (fd < 0)
		return fd;
	bytes = malloc(max + 1);
	if (!bytes)
		return -ENOMEM;
	n = io_read(fd, bytes, max + 1);
	if (n < 0)
		return (int)n;
	if ((size_t)n > max)
		return -EFBIG;
	*ret_field = (struct frame_field){ TAKE_PTR(bytes), (size_t)n };
	return 0;
}

static int read_certificate(const struct root *root, const char *path, const char *key,
			    struct frame_field *ret_field, struct fault *f)
{
	int r = *path ? read_file(root, path, CONF_CERTIFICATE_MAX, ret_field) : 0;

	if (r < 0)
		return fault_set(f, EXITCODE_CONFIG, -r, "cannot read %s of %s: %s", path, key,
				 strerror(-r));
	return 0;
}

/* A log that is not there is none; a log that cannot be read is not none. */
static int read_event_log(struct kbs *k, const struct root *root, struct fault *f)
{
	int r;

	if (!k->input.conf->event_log || strcmp(k->input.tee, "tdx") != 0)
		return 0;
	r = read_file(root, PATH_CCEL, EVENT_LOG_MAX, &k->input.event_log);
	if (r < 0 && r != -ENOENT)
		return fault_advise(f, EXITCODE_REPORT_FAILED, -r,
				    "set EventLog=no and build the initramfs again, where the "
				    "broker's policy needs no event log",
				    "cannot read the event log " PATH_CCEL ": %s", strerror(-r));
	return 0;
}

/* The names stay in the configuration. */
static void add_resource(struct kbs *k, const char *path)
{
	size_t i;

	for (i = 0; i < k->nr_resources; i++)
		if (strcmp(k->resources[i].path, path) == 0)
			return;
	k->resources[k->nr_resources++].path = path;
}

static const char *resource_of(const struct source *src, const struct reference *ref)
{
	return ref->kind == REFERENCE_RESOURCE ? ref->resource : src->conf->kbs.resource;
}

static int prepare(struct source *src, struct fault *f)
{
	struct kbs *k = state(src);
	size_t i;
	int r;

	k->input.root = src->root;
	k->input.conf = &src->conf->kbs;
	k->input.deadline = src->deadline;
	for (i = 0; i < src->conf->nr_volumes; i++)
		add_resource(k, resource_of(src, &src->conf->volumes[i].secret));
	r = read_certificate(src->root, src->conf->kbs.broker_ca, "BrokerCA=", &k->input.ca, f);
	if (r >= 0)
		r = read_certificate(src->root, src->conf->kbs.vcek, "VCEK=", &k->input.vcek, f);
	if (r >= 0)
		r = read_event_log(k, src->root, f);
	if (r >= 0)
		r = route_open(&k->route, f);
	return r;
}

/* Says what an attempt came to, and when this URL may be tried again. */
static void note_failure(struct kbs *k, size_t i, const struct attempt *a)
{
	struct broker *b = &k->brokers[i];
	uint64_t wait_ms = SLOW_MS;

	log_info("%s: %s", k->input.conf->urls[i].text, a->fault.why);
	b->last = *a;
	k->stay = -1;
	if (a->retry == KBS_RETRY_NEVER) {
		b->never = true;
		return;
	}
	if (a->retry == KBS_RETRY_NEXT) {
		b->backoff_ms = b->backoff_ms == 0 ? BACKOFF_MS_MIN : 2 * b->backoff_ms;
		if (b->backoff_ms > BACKOFF_MS_MAX)
			b->backoff_ms = BACKOFF_MS_MAX;
		wait_ms = b->backoff_ms;
	} else
		k->stay = (int)i;
	b->due_us = clock_us() + wait_ms * 1000;
}

/* May any URL be tried again in this boot? */
static bool has_broker(const struct kbs *k)
{
	size_t i;

	for (i = 0; i < k->input.conf->nr_urls; i++)
		if (!k->brokers[i].never)
			return true;
	return false;
}

/* Of all that may be tried now, the first with a route. Returns its number, -EAGAIN if none has
 * one, with f saying of the first what is missing, or -errno with f. */
static int find_route(struct kbs *k, struct fault *f)
{
	const uint64_t now = clock_us();
	int r = -EAGAIN;
	size_t i;

	for (i = 0; i < k->input.conf->nr_urls; i++) {
		if (k->brokers[i].never || k->brokers[i].due_us > now ||
		    (k->stay >= 0 && k->stay != (int)i))
			continue;
		r = route_find(&k->route, k->input.conf->urls[i].address, f);
		if (r == 1)
			return (int)i;
		if (r < 0)
			return r;
		r = -EAGAIN;
	}
	return r;
}

static struct deadline sooner(struct deadline d, uint64_t at_us)
{
	return d.at_us < at_us ? d : (struct deadline){ at_us };
}

/* When the next URL is due that is not yet. */
static uint64_t next_due_us(const struct kbs *k)
{
	uint64_t now = clock_us(), due_us = UINT64_MAX;
	size_t i;

	for (i = 0; i < k->input.conf->nr_urls; i++) {
		const struct broker *b = &k->brokers[i];

		if (!b->never && (k->stay < 0 || k->stay == (int)i) && b->due_us > now &&
		    b->due_us < due_us)
			due_us = b->due_us;
	}
	return due_us;
}

/* Waits until a URL is due and has a route. Returns its number, -ETIMEDOUT at the deadline, with
 * *ret_missing saying what is missing if that is a route, or -errno with it. */
static int wait_for_broker(struct kbs *k, struct fault *ret_missing)
{
	for (;;) {
		struct deadline d = sooner(k->input.deadline, next_due_us(k));
		int r;

		*ret_missing = (struct fault){ 0 };
		r = find_route(k, ret_missing);
		if (r < 0 && r != -EAGAIN)
			return r;
		if (deadline_left_ms(k->input.deadline) == 0)
			return -ETIMEDOUT;
		if (r >= 0)
			return r;
		(void)route_wait(&k->route, d); /* whatever it says, the loop looks again */
	}
}

static int try_broker(struct source *src, size_t i, struct attempt *a)
{
	struct kbs *k = state(src);
	const struct broker_url *url = &k->input.conf->urls[i];
	_cleanup_close_ int tcp = -EBADF;
	uint64_t route_us = clock_us();
	int r;

	src->info.attempts++;
	tcp = route_connect(url->address, url->port,
			    sooner(k->input.deadline, route_us + CONNECT_MS * 1000), &a->fault);
	if (tcp < 0) {
		a->step = a->fault.code == EXITCODE_NO_ROUTE ? KBS_STEP_ROUTE : KBS_STEP_CONNECT;
		a->retry = KBS_RETRY_NEXT;
		return tcp;
	}
	r = session_run(&k->input, url, tcp, k->resources, k->nr_resources, a);
	if (r < 0)
		return r;
	src->info.route_us = route_us;
	src->info.answer_us = clock_us();
	(void)snprintf(src->info.broker, sizeof(src->info.broker), "%s", url->text); /* fits */
	return 0;
}

/* The code of the attempt that came furthest, and what each URL has done. */
static int sum_up(const struct kbs *k, const struct fault *missing, struct fault *f)
{
	const struct attempt *furthest = NULL;
	char text[FAULT_WHY_MAX] = "";
	size_t i;

	for (i = 0; i < k->input.conf->nr_urls; i++) {
		const struct attempt *a = &k->brokers[i].last;

		text_append(text, sizeof(text), "%s%s: %s", i > 0 ? "; " : "",
			    k->input.conf->urls[i].text,
			    a->fault.code != EXITCODE_OK ? a->fault.why :
			    missing->why[0]		 ? missing->why :
							   "not tried");
		if (a->fault.code != EXITCODE_OK && (!furthest || a->step > furthest->step))
			furthest = a;
	}
	if (furthest)
		return fault_advise(f, furthest->fault.code, EACCES, furthest->fault.next, "%s",
				    text);
	return fault_set(f, missing->code != EXITCODE_OK ? missing->code : EXITCODE_NO_ANSWER,
			 ETIMEDOUT, "%s", text);
}

/* All of it: sessions until one has all answers. */
static int exchange(struct source *src, struct fault *f)
{
	struct kbs *k = state(src);
	struct fault missing = { 0 };
	int i, r;

	while (has_broker(k)) {
		struct attempt a = { 0 };

		i = wait_for_broker(k, &missing);
		if (i == -ETIMEDOUT)
			break;
		if (i < 0) {
			fault_merge(f, &missing);
			return i;
		}
		r = try_broker(src, (size_t)i, &a);
		if (r >= 0)
			return 0;
		note_failure(k, (size_t)i, &a);
		/* Another broker cannot help there. */
		if (a.step == KBS_STEP_REPORT || a.fault.code == EXITCODE_INTERNAL)
			break;
	}
	return sum_up(k, &missing, f);
}

/* Is it the policy of this boot that is asked for? */
static bool is_policy(const struct reference *ref)
{
	return ref->kind == REFERENCE_ENTRY && strcmp(ref->guid, GUID_POLICY) == 0;
}

static size_t count_policies(const struct kbs *k)
{
	size_t i, nr = 0;

	for (i = 0; i < k->nr_resources; i++)
		if (table_find(&k->resources[i].table, GUID_POLICY))
			nr++;
	return nr;
}

static int open_brokers(struct source *src, struct fault *f)
{
	struct kbs *k = state(src);
	size_t i;
	int r;

	r = prepare(src, f);
	if (r >= 0)
		r = exchange(src, f);
	if (r < 0)
		return r;
	for (i = 0; i < k->nr_resources; i++)
		src->info.found += src->conf->kbs.format == RESOURCE_TABLE ?
					   (unsigned int)table_count_shown(&k->resources[i].table) :
					   1;
	return 0;
}

/* Where the reference is looked up; NULL if no resource has this name. */
static const struct resource *find_resource(const struct source *src, const struct reference *ref)
{
	const struct kbs *k = state(src);
	size_t i;

	for (i = 0; i < k->nr_resources; i++)
		if (is_policy(ref) ? table_find(&k->resources[i].table, GUID_POLICY) != NULL :
				     strcmp(k->resources[i].path, resource_of(src, ref)) == 0)
			return &k->resources[i];
	return NULL;
}

static int list(struct source *src, const struct reference *ref, unsigned int *ret_nr,
		bool *ret_has)
{
	const struct resource *resource = find_resource(src, ref);

	*ret_nr = src->info.found;
	if (ret_has)
		*ret_has = resource && (src->conf->kbs.format == RESOURCE_SECRET ||
					table_find(&resource->table, ref->guid));
	return 0;
}

static int fetch(struct source *src, const struct reference *ref, struct secret *ret_secret,
		 struct fault *f)
{
	const struct resource *resource = find_resource(src, ref);
	const struct table_entry *entry = NULL;
	_cleanup_secret_ struct secret s = SECRET_NULL;
	int r;

	if (!resource)
		return source_missing(src, ref, f);
	if (is_policy(ref) && count_policies(state(src)) > 1)
		return fault_advise(f, EXITCODE_POLICY_INVALID, EEXIST,
				    "leave the policy entry in one of the tables at the broker",
				    "two tables of this boot have a policy entry, the first of them "
				    "resource %s",
				    resource->path);
	if (src->conf->kbs.format == RESOURCE_TABLE) {
		entry = table_find(&resource->table, ref->guid);
		if (!entry)
			return fault_set(f, EXITCODE_SECRET_MISSING, ENOENT,
					 "the secret table of resource %s has no entry %s",
					 resource->path, ref->guid);
	}
	if (entry ? entry->len == 0 : resource->secret.len == 0)
		return fault_set(f, EXITCODE_SECRET_EMPTY, ENODATA, "%s of resource %s has no data",
				 entry ? ref->guid : "the secret", resource->path);
	r = secret_init(&s, f);
	if (r < 0)
		return r;
	if (entry)
		(void)table_get(&resource->secret, entry, &s); /* always 0 */
	else
		secret_copy(&s, &resource->secret);
	src->info.read++;
	*ret_secret = s;
	s = SECRET_NULL;
	return 0;
}

static int discard(struct source *src, struct fault *f)
{
	struct kbs *k = state(src);
	size_t i;

	(void)f;
	for (i = 0; k && i < k->nr_resources; i++)
		secret_done(&k->resources[i].secret);
	src->info.wiped = src->info.found;
	return 0;
}

/* The bytes are ours, though a frame only reads them. */
static void free_field(struct frame_field *field)
{
	free((void *)(uintptr_t)field->data);
	*field = (struct frame_field){ 0 };
}

static void done(struct source *src)
{
	struct kbs *k = state(src);
	struct fault ignored = { 0 };

	if (!k)
		return;
	(void)discard(src, &ignored);
	route_done(&k->route);
	free_field(&k->input.ca);
	free_field(&k->input.vcek);
	free_field(&k->input.event_log);
	free(k);
	src->data = NULL;
}

const struct source_ops source_kbs = {
	.kind = "key-broker",
	.refetchable = true,
	.probe = probe,
	.open = open_brokers,
	.list = list,
	.fetch = fetch,
	.discard = discard,
	.done = done,
};
