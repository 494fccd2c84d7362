/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uevent.c - waits for device events.
 * Trusts no content of an event: each is only a reason to look again.
 *
 * Group 1 of NETLINK_KOBJECT_UEVENT carries the kernel's events, group 2 udev's, which come
 * when its links are in place. udev keeps /run/udev/queue while it has events in work
 * (systemd, src/udev/udev-manager: the file is what `udevadm settle` waits for).
 */
#include "disk/uevent.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include "base/paths.h"

#define GROUP_KERNEL 1
#define GROUP_UDEV 2
#define RECEIVE_BUFFER (1024 * 1024)

int uevent_open(const struct root *root, struct uevent *ret_ue)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = GROUP_KERNEL | GROUP_UDEV,
	};
	_cleanup_close_ int netlink = -EBADF, inotify = -EBADF;
	const int size = RECEIVE_BUFFER;

	if (!root->machine) {
		*ret_ue = UEVENT_NULL;
		return 0;
	}
	netlink =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (netlink < 0)
		return -errno;
	/* Best effort: an overrun is reported by the socket and counts as an event. */
	(void)setsockopt(netlink, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (bind(netlink, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify < 0)
		return -errno;
	/* Without udev the directory is absent, and kernel events are all there is. */
	if (inotify_add_watch(inotify, PATH_UDEV_DIR, IN_DELETE) < 0 && errno != ENOENT)
		return -errno;
	*ret_ue = (struct uevent){ .netlink = TAKE_FD(netlink), .inotify = TAKE_FD(inotify) };
	return 0;
}

void uevent_done(struct uevent *ue)
{
	util_closep(&ue->netlink);
	util_closep(&ue->inotify);
	*ue = UEVENT_NULL;
}

void uevent_drain(struct uevent *ue)
{
	char buf[4096];

	while (ue->netlink >= 0 &&
	       (recv(ue->netlink, buf, sizeof(buf), 0) >= 0 || errno == ENOBUFS || errno == EINTR))
		;
	while (ue->inotify >= 0 && (read(ue->inotify, buf, sizeof(buf)) > 0 || errno == EINTR))
		;
}

static int wait_ms(const struct uevent *ue, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = ue->netlink, .events = POLLIN },
		{ .fd = ue->inotify, .events = POLLIN },
	};
	int r = poll(fds, ARRAY_SIZE(fds), timeout_ms);

	return r < 0 ? -errno : r;
}

bool uevent_idle(const struct root *root, const struct uevent *ue)
{
	if (!root->machine)
		return true;
	if (wait_ms(ue, 0) != 0)
		return false;
	return root_exists(root, PATH_UDEV_CONTROL) == 0 || root_exists(root, PATH_UDEV_QUEUE) == 0;
}

int uevent_wait(const struct uevent *ue, struct deadline deadline)
{
	int r;

	if (ue->netlink < 0)
		return -ETIMEDOUT; /* a tree does not change */
	do
		r = wait_ms(ue, deadline_left_ms(deadline));
	while (r == -EINTR);
	return r == 0 ? -ETIMEDOUT : r < 0 ? r : 0;
}
