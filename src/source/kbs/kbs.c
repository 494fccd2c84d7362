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
#include "source/kbs/session.h"
#include "source/kbs/turns.h"

#define CONNECT_MS 10000
#define SLOW_MS 10000	    /* between two refusals, and two nonces */
#define BACKOFF_MS_MIN 1000 /* doubled with each failure of a URL */
#define BACKOFF_MS_MAX 15000
#define EVENT_LOG_MAX 524288 /* bytes; firmware reserves 64 to 256 KiB */

struct kbs {
	struct session_input input;
	struct resource resources[CONF_VOLUMES_MAX];
	size_t nr_resources;
	struct turns turns;
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
	k->turns = TURNS_NULL;
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
	if (r == -EFBIG) {
		log_info("the event log has more than %d bytes, and is not sent", EVENT_LOG_MAX);
		return 0;
	}
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

static int prepare(struct source *src, struct fault *f)
{
	struct kbs *k = state(src);
	size_t i;
	int r;

	k->input.root = src->root;
	k->input.conf = &src->conf->kbs;
	k->input.deadline = src->deadline;
	for (i = 0; i < src->conf->nr_volumes; i++)
		add_resource(k, conf_resource(src->conf, &src->conf->volumes[i].secret));
	r = read_certificate(src->root, src->conf->kbs.broker_ca, "BrokerCA=", &k->input.ca, f);
	if (r >= 0)
		r = read_certificate(src->root, src->conf->kbs.vcek, "VCEK=", &k->input.vcek, f);
	if (r >= 0)
		r = read_event_log(k, src->root, f);
	if (r >= 0)
		r = turns_open(&src->conf->kbs, src->deadline, &k->turns, f);
	return r;
}

static struct deadline connect_deadline(const struct kbs *k)
{
	struct deadline d = deadline_in_ms(CONNECT_MS);

	return d.at_us < k->input.deadline.at_us ? d : k->input.deadline;
}

static int try_broker(struct source *src, size_t i, struct attempt *a)
{
	struct kbs *k = state(src);
	const struct broker_url *url = &k->input.conf->urls[i];
	_cleanup_close_ int tcp = -EBADF;
	uint64_t route_us = clock_us();
	int r;

	src->info.attempts++;
	tcp = route_connect(url->address, url->port, &a->fault);
	if (tcp < 0) {
		a->step = a->fault.code == EXITCODE_NO_ROUTE ? KBS_STEP_ROUTE : KBS_STEP_CONNECT;
		a->retry = KBS_RETRY_NEXT;
		return tcp;
	}
	r = session_run(&k->input, url, tcp, connect_deadline(k), k->resources, k->nr_resources, a);
	if (r < 0)
		return r;
	src->info.route_us = route_us;
	src->info.answer_us = clock_us();
	(void)snprintf(src->info.broker, sizeof(src->info.broker), "%s", url->text); /* fits */
	return 0;
}

/* Sessions until one has all answers. */
static int exchange(struct source *src, struct fault *f)
{
	struct kbs *k = state(src);
	int i, r;

	while ((i = turns_next(&k->turns, f)) >= 0) {
		struct attempt a = { 0 };

		r = try_broker(src, (size_t)i, &a);
		if (r >= 0)
			return 0;
		turns_failed(&k->turns, (size_t)i, &a);
		/* Another broker cannot help there. */
		if (a.step == KBS_STEP_REPORT || a.fault.code == EXITCODE_INTERNAL)
			break;
	}
	return f->code != EXITCODE_OK ? i : turns_sum_up(&k->turns, f);
}

/* Entries that are of the boot and of no volume: they may be in any of its tables, and in one. */
static bool is_of_boot(const struct reference *ref)
{
	return ref->kind == REFERENCE_ENTRY &&
	       (strcmp(ref->guid, GUID_POLICY) == 0 || strcmp(ref->guid, GUID_RESCUE) == 0);
}

static size_t count_entries(const struct kbs *k, const char *guid)
{
	size_t i, nr = 0;

	for (i = 0; i < k->nr_resources; i++)
		if (table_find(&k->resources[i].table, guid))
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
		if (is_of_boot(ref) ?
			    table_find(&k->resources[i].table, ref->guid) != NULL :
			    strcmp(k->resources[i].path, conf_resource(src->conf, ref)) == 0)
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

static size_t names(struct source *src, char (*ret_names)[GUID_TEXT_SIZE], size_t max)
{
	const struct kbs *k = state(src);
	size_t i, j, nr = 0;

	for (i = 0; k && i < k->nr_resources; i++)
		for (j = 0; j < k->resources[i].table.nr && nr < max; j++) {
			const char *guid = k->resources[i].table.entries[j].guid;

			if (strcmp(guid, TABLE_GUID_DELETED) != 0)
				memcpy(ret_names[nr++], guid, GUID_TEXT_SIZE);
		}
	return nr;
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
	if (is_of_boot(ref) && count_entries(state(src), ref->guid) > 1)
		return fault_advise(f, EXITCODE_POLICY_INVALID, EEXIST,
				    "leave the entry in one of the tables at the broker",
				    "two tables of this boot have a %s entry, the first of them "
				    "resource %s",
				    strcmp(ref->guid, GUID_POLICY) == 0 ? "policy" : "rescue",
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
	turns_done(&k->turns);
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
	.names = names,
	.fetch = fetch,
	.discard = discard,
	.done = done,
};
