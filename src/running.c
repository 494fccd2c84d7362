/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * running.c - which unit is at work on a file system: systemd gives each a control group,
 * cgroups(7), which goes with its last process. Trusts the kernel's list of them; may only
 * look, and what it finds is told to a person, never decided by.
 */
#include "running.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "paths.h"
#include "text.h"

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

/* Returns the weight of what is in name by then. */
static int look_into(const struct root *root, const char *dir, int depth, int best,
		     char name[static RUNNING_NAME_SIZE])
{
	_cleanup_close_ int fd = root_open(root, dir, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	char path[PATH_SIZE];
	struct dirent *e;
	int n;

	if (!d)
		return best;
	TAKE_FD(fd);
	while ((e = readdir(d))) {
		n = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		if (depth < DEPTH_MAX && ends_with(e->d_name, ".slice"))
			best = look_into(root, path, depth + 1, best, name);
		if (weight_of(e->d_name) <= best || !has_processes(root, path))
			continue;
		best = weight_of(e->d_name);
		(void)snprintf(name, RUNNING_NAME_SIZE, "%s", e->d_name); /* fits */
	}
	(void)closedir(d);
	return best;
}

bool running_name(const struct root *root, char name[static RUNNING_NAME_SIZE])
{
	return look_into(root, PATH_CGROUP_SYSTEM, 1, 0, name) > 0;
}
