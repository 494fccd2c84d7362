/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.c - which unit is at work on a file system: systemd gives each a control group,
 * cgroups(7), which goes with its last process. Trusts the kernel's list of them; may only
 * look, and what it finds is shown to a person, and decides nothing.
 */
#include "boot/running.h"

#include <string.h>

#include "base/paths.h"
#include "base/text.h"

#define DEPTH_MAX 2 /* system.slice, and the slice of the instances of one template */
#define PATH_SIZE 1024
#define EVENTS_MAX 512

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0;
}

/* 2: a check of a file system; 1: a mount; 0: nothing of interest. */
static int weight_of(const char *name)
{
	if (strncmp(name, "systemd-fsck", 12) == 0 && ends_with(name, ".service"))
		return 2;
	return ends_with(name, ".mount") ? 1 : 0;
}

static bool has_processes(const struct root *root, const char *dir)
{
	_cleanup_free_ char *events = NULL;
	char path[PATH_SIZE + 16];

	(void)snprintf(path, sizeof(path), "%s/cgroup.events", dir); /* fits */
	return root_read_text(root, path, EVENTS_MAX, &events) >= 0 &&
	       strstr(events, "populated 1");
}

/* The best that was found so far, and the directory that is looked at. */
struct look {
	const struct root *root;
	const char *dir;
	int depth, best;
	char *name;
};

static int look_at(const char *name, void *data)
{
	struct look *look = data, inner = *look;
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s/%s", look->dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	if (look->depth < DEPTH_MAX && ends_with(name, ".slice")) {
		inner.dir = path;
		inner.depth++;
		if (root_walk(look->root, path, 0, look_at, &inner) < 0)
			return 0; /* it has gone, with whatever it was */
		look->best = inner.best;
	}
	if (weight_of(name) > look->best && has_processes(look->root, path)) {
		look->best = weight_of(name);
		(void)snprintf(look->name, RUNNING_NAME_SIZE, "%s", name); /* fits */
	}
	return 0;
}

bool running_name(const struct root *root, char name[static RUNNING_NAME_SIZE])
{
	struct look look = { .root = root, .dir = PATH_CGROUP_SYSTEM, .depth = 1, .name = name };

	return root_walk(root, look.dir, 0, look_at, &look) >= 0 && look.best > 0;
}
