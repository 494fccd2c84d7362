/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uevent.c - waits for device events.
 * Trusts no content of an event: each is only a reason to look again, or to look up a driver.
 *
 * Group 1 of NETLINK_KOBJECT_UEVENT carries the kernel's events, group 2 udev's, which come
 * when its links are in place. udev keeps /run/udev/queue while it has events in work
 * (systemd, src/udev/udev-manager: the file is what `udevadm settle` waits for).
 */
#include "disk/uevent.h"

#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include "base/paths.h"

#define GROUP_KERNEL 1
#define GROUP_UDEV 2
#define RECEIVE_BUFFER (1024 * 1024)
#define NR_SOURCES 3
#define EVENT_MAX 8192 /* bytes: more than UEVENT_BUFFER_SIZE and a path */
#define DRAIN_MAX 8192 /* reads: more than the buffer can hold of the smallest events */

static int open_group(unsigned int group)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = group };
	const int size = RECEIVE_BUFFER;
	_cleanup_close_ int fd = -EBADF;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	/* Best effort: an overrun is reported by the socket and counts as an event. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int uevent_open(const struct root *root, struct uevent *ret_ue)
{
	_cleanup_close_ int kernel = -EBADF, udev = -EBADF, inotify = -EBADF;

	if (!root->machine) {
		*ret_ue = UEVENT_NULL;
		return 0;
	}
	kernel = open_group(GROUP_KERNEL);
	if (kernel < 0)
		return kernel;
	udev = open_group(GROUP_UDEV);
	if (udev < 0)
		return udev;
	inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify < 0)
		return -errno;
	/* Without udev the directory is absent, and kernel events are all there is. */
	if (inotify_add_watch(inotify, PATH_UDEV_DIR, IN_DELETE) < 0 && errno != ENOENT)
		return -errno;
	*ret_ue = (struct uevent){
		.kernel = TAKE_FD(kernel),
		.udev = TAKE_FD(udev),
		.inotify = TAKE_FD(inotify),
	};
	return 0;
}

void uevent_done(struct uevent *ue)
{
	util_closep(&ue->kernel);
	util_closep(&ue->udev);
	util_closep(&ue->inotify);
	*ue = UEVENT_NULL;
}

/* An overrun is an event like the others: what was lost is seen by the look that follows. It has an
 * end, also where the host makes events without one. */
static void drain(int fd)
{
	char buf[4096];
	unsigned int i;

	for (i = 0; fd >= 0 && i < DRAIN_MAX; i++)
		if (read(fd, buf, sizeof(buf)) < 0 && errno != ENOBUFS && errno != EINTR)
			return;
}

void uevent_drain(struct uevent *ue)
{
	drain(ue->kernel);
	drain(ue->udev);
	drain(ue->inotify);
}

/* lib/kobject_uevent.c: ACTION@DEVPATH and then KEY=value, each with a NUL behind it. */
static const char *find_alias(const char *event, size_t size)
{
	static const char key[] = "MODALIAS=";
	const char *line = event;

	for (; line < event + size; line += strlen(line) + 1)
		if (strncmp(line, key, strlen(key)) == 0)
			return line + strlen(key);
	return "";
}

int uevent_next(struct uevent *ue, char *ret_alias, size_t size)
{
	char event[EVENT_MAX + 1];
	ssize_t n;

	*ret_alias = '\0';
	do
		n = read(ue->kernel, event, EVENT_MAX);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	event[n] = '\0';
	return snprintf(ret_alias, size, "%s", find_alias(event, (size_t)n)) < (int)size ? 1 :
											   -ENOBUFS;
}

/* Waits for the first sources of: the kernel, udev, inotify. */
static int wait_ms(const struct uevent *ue, nfds_t nr, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = ue->kernel, .events = POLLIN },
		{ .fd = ue->udev, .events = POLLIN },
		{ .fd = ue->inotify, .events = POLLIN },
	};
	int r = poll(fds, nr, timeout_ms);

	return r < 0 ? -errno : r;
}

/* A signal says nothing about events. */
static bool is_quiet(const struct uevent *ue, nfds_t nr)
{
	int r;

	do
		r = wait_ms(ue, nr, 0);
	while (r == -EINTR);
	return r == 0;
}

bool uevent_quiet(const struct uevent *ue)
{
	return is_quiet(ue, 1);
}

bool uevent_idle(const struct root *root, const struct uevent *ue)
{
	if (!root->machine)
		return true;
	if (!is_quiet(ue, NR_SOURCES))
		return false;
	return root_exists(root, PATH_UDEV_CONTROL) == 0 || root_exists(root, PATH_UDEV_QUEUE) == 0;
}

int uevent_wait(const struct uevent *ue, struct deadline deadline)
{
	int left, r;

	if (ue->kernel < 0)
		return -ETIMEDOUT; /* a tree does not change */
	do {
		left = deadline_left_ms(deadline);
		r = left == 0 ? 0 : wait_ms(ue, NR_SOURCES, left);
	} while (r == -EINTR);
	return r == 0 ? -ETIMEDOUT : r < 0 ? r : 0;
}
