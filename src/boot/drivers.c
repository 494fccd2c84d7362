/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.c - loads the modules that the image's list names, and those that devices ask for.
 * Trusts the image: whatever a device says it is, only modules of the image are found, and these
 * were chosen when it was made. May not see a secret: the process that watches is forked before
 * one is read.
 */
#include "boot/drivers.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/log.h"
#include "base/modules.h"
#include "base/paths.h"
#include "base/text.h"

#define ALIAS_MAX 4096 /* bytes: a page of sysfs */
#define END_LIMIT_MS 2000

/* True if it is there. */
static bool load(const char *name)
{
	int r = module_load(name, NULL);

	/* ENODEV: the hardware is not there; ENOENT: no module of the image is for it. */
	if (r < 0 && r != -ENODEV && r != -ENOENT)
		log_warning("the module %s does not load: %s", name, strerror(-r));
	return r >= 0;
}

/* FNV-1a. Two aliases with the same sum only cost a driver, and nobody gains from that. */
static uint64_t sum_of(const char *text)
{
	uint64_t sum = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		sum = (sum ^ (unsigned char)*text) * 0x100000001b3ULL;
	return sum;
}

/* True the first time. Without room each time: then it only takes longer. */
static bool is_new(struct drivers *d, const char *alias)
{
	uint64_t sum = sum_of(alias);
	size_t i;

	for (i = 0; i < d->nr_known; i++)
		if (d->known[i] == sum)
			return false;
	if (d->nr_known < DRIVERS_ALIASES_MAX)
		d->known[d->nr_known++] = sum;
	return true;
}

/* One look at all devices of all buses. */
struct look {
	struct drivers *drivers;
	const struct root *root;
	const char *bus;
	size_t loaded; /* drivers that no device had asked for before */
};

static int look_at_device(const char *name, void *data)
{
	char path[sizeof(PATH_SYS_BUS) + 2 * NAME_MAX + 32];
	_cleanup_free_ char *alias = NULL;
	struct look *look = data;

	(void)snprintf(path, sizeof(path), "%s/%s/devices/%s/modalias", PATH_SYS_BUS, look->bus,
		       name); /* fits */
	/* Many have none, and one that has gone needs none. */
	if (root_read_text(look->root, path, ALIAS_MAX, &alias) <= 0)
		return 0;
	alias[strcspn(alias, "\n")] = '\0';
	if (*alias && is_new(look->drivers, alias) && load(alias))
		look->loaded++;
	return 0;
}

static int look_at_bus(const char *name, void *data)
{
	char path[sizeof(PATH_SYS_BUS) + NAME_MAX + 16];
	struct look *look = data;
	int r;

	look->bus = name;
	(void)snprintf(path, sizeof(path), "%s/%s/devices", PATH_SYS_BUS, name); /* fits */
	r = root_walk(look->root, path, 0, look_at_device, look);
	return r == -ENOENT ? 0 : r; /* the bus has gone */
}

/* A driver makes devices for others: of a bus, of a controller. */
static void look_at_all(struct drivers *d, const struct root *root)
{
	struct look look = { .drivers = d, .root = root };
	int r;

	do {
		look.loaded = 0;
		r = root_walk(root, PATH_SYS_BUS, 0, look_at_bus, &look);
		if (r < 0)
			log_warning("cannot look at all devices: %s", strerror(-r));
	} while (look.loaded > 0 && d->nr_known < DRIVERS_ALIASES_MAX);
}

static void load_list(const struct root *root, struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *name;
	ssize_t n;

	n = root_read_text(root, PATH_DRIVERS, DRIVERS_MAX, &text);
	if (n < 0) {
		(void)fault_errno(f, EXITCODE_INTERNAL, (int)n, "cannot read %s", PATH_DRIVERS);
		return;
	}
	cursor = text;
	while ((name = text_word(&cursor, " \n")))
		(void)load(name);
}

struct watch {
	struct drivers *drivers;
	const struct root *root;
	int end; /* of the pipe: the other side is closed when nobody needs us */
};

/* Each event says what its own device asks for; only where some were lost all are looked at. */
static void take_event(struct watch *w)
{
	char alias[ALIAS_MAX];
	int r = uevent_next(&w->drivers->uevent, alias, sizeof(alias));

	if (r < 0)
		look_at_all(w->drivers, w->root);
	else if (r > 0 && *alias && is_new(w->drivers, alias))
		(void)load(alias);
}

static int watch(void *arg)
{
	struct watch *w = arg;
	struct pollfd fds[] = {
		{ .fd = w->end, .events = POLLIN },
		{ .fd = w->drivers->uevent.kernel, .events = POLLIN },
	};

	(void)close(w->drivers->alive); /* the caller's alone counts */
	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return EXIT_FAILURE;
		if (fds[0].revents)
			return EXIT_SUCCESS;
		take_event(w);
	}
}

static int start_watch(struct drivers *d, const struct root *root)
{
	struct watch w = { .drivers = d, .root = root };
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	w.end = ends[0];
	d->alive = ends[1];
	r = child_start(&d->child, watch, &w);
	util_closep(&ends[0]);
	uevent_done(&d->uevent); /* the child's */
	return r;
}

void drivers_start(struct drivers *drivers, const struct root *root, struct fault *f)
{
	int r;

	load_list(root, f);
	/* Listens first, so that no device comes between the two looks. */
	r = uevent_open(root, &drivers->uevent);
	if (r >= 0) {
		look_at_all(drivers, root);
		r = root->machine ? start_watch(drivers, root) : 0;
	}
	if (r < 0)
		(void)fault_errno(f, EXITCODE_INTERNAL, r, "no process to load drivers");
}

void drivers_done(struct drivers *drivers)
{
	util_closep(&drivers->alive);
	drivers->alive = -EBADF;
	if (drivers->child.pid > 0)
		child_wait(&drivers->child, 1, deadline_in_ms(END_LIMIT_MS));
	uevent_done(&drivers->uevent);
}
