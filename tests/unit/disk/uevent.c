/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uevent.c - the sources of device events are opened as they should, drained without losing
 * their way, and closed again. The system calls are fakes.
 */
#include "disk/uevent.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/paths.h"
#include "fixture.h"

#define KERNEL_FD 901
#define UDEV_FD 902
#define INOTIFY_FD 903
#define DRAINED 100000 /* reads of a descriptor: so many have no end */

/* What each call answers: 0, or an error. */
static struct {
	int socket_error, bind_error, buffer_error, inotify_error, watch_error;
	unsigned int failing;  /* the socket that the errors of socket and bind are about: 0, 1 */
	unsigned int sockets;  /* that were asked for */
	int read_errors[3][4]; /* of each descriptor, 0: an event, -1: the end */
	unsigned int reads[3];
	const char *event; /* what a read gives, with event_size bytes */
	size_t event_size;
	bool storm;		/* events without an end */
	unsigned int groups[2]; /* of the two sockets */
	uint32_t watched;
	char watch[64];
	char closed[64];
	struct pollfd polled[3];
	nfds_t nr_polled;
	int poll_results[4]; /* of the waits, one after the other */
	unsigned int polls;
} fake;

static int answer(int error, int good)
{
	errno = error;
	return error ? -1 : good;
}

int socket(int domain, int type, int protocol)
{
	unsigned int nr = fake.sockets++;

	FIXTURE_MUST(domain == AF_NETLINK && protocol == NETLINK_KOBJECT_UEVENT && nr < 2);
	FIXTURE_MUST((type & SOCK_CLOEXEC) && (type & SOCK_NONBLOCK));
	return answer(nr == fake.failing ? fake.socket_error : 0, KERNEL_FD + (int)nr);
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_nl *nl = (const void *)address;
	unsigned int nr = (unsigned int)fd - KERNEL_FD;

	FIXTURE_MUST(nr < 2 && size == sizeof(*nl) && nl->nl_family == AF_NETLINK);
	fake.groups[nr] = nl->nl_groups;
	return answer(nr == fake.failing ? fake.bind_error : 0, 0);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	FIXTURE_MUST((fd == KERNEL_FD || fd == UDEV_FD) && level == SOL_SOCKET &&
		     option == SO_RCVBUFFORCE);
	FIXTURE_MUST(size == sizeof(int) && *(const int *)value >= 256 * 1024);
	return answer(fake.buffer_error, 0);
}

int inotify_init1(int flags)
{
	FIXTURE_MUST((flags & IN_CLOEXEC) && (flags & IN_NONBLOCK));
	return answer(fake.inotify_error, INOTIFY_FD);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	FIXTURE_MUST(fd == INOTIFY_FD);
	fake.watched = mask;
	(void)snprintf(fake.watch, sizeof(fake.watch), "%s", path);
	return answer(fake.watch_error, 1);
}

ssize_t read(int fd, void *buf, size_t len)
{
	unsigned int nr = (unsigned int)fd - KERNEL_FD, i;
	int error;

	if (nr >= 3)
		return (ssize_t)syscall(SYS_read, fd, buf, len);
	i = fake.reads[nr]++;
	FIXTURE_MUST(i < DRAINED);
	error = fake.storm ? 0 : i < 4 ? fake.read_errors[nr][i] : -1;
	if (fake.event && error == 0) {
		FIXTURE_MUST(len >= fake.event_size);
		memcpy(buf, fake.event, fake.event_size);
		return (ssize_t)fake.event_size;
	}
	return answer(error < 0 ? EAGAIN : error, 16);
}

int poll(struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	int result = fake.polls < 4 ? fake.poll_results[fake.polls] : 0;

	FIXTURE_MUST(nr <= 3 && timeout_ms >= 0);
	fake.polls++;
	fake.nr_polled = nr;
	memcpy(fake.polled, fds, nr * sizeof(*fds));
	errno = result < 0 ? -result : 0;
	return result < 0 ? -1 : result;
}

int close(int fd)
{
	if (fd < KERNEL_FD || fd > INOTIFY_FD)
		return (int)syscall(SYS_close, fd);
	(void)snprintf(fake.closed + strlen(fake.closed), sizeof(fake.closed) - strlen(fake.closed),
		       " %d", fd);
	return 0;
}

static const struct root machine = { .fd = -EBADF, .machine = true };
static const struct uevent opened = {
	.kernel = KERNEL_FD,
	.udev = UDEV_FD,
	.inotify = INOTIFY_FD,
};

static void begin(void)
{
	memset(&fake, 0, sizeof(fake));
}

static void test_open(void)
{
	static const struct {
		const char *what;
		unsigned int failing;
		int socket_error, bind_error, inotify_error;
		const char *closed;
	} cases[] = {
		{ "no socket", 0, EAFNOSUPPORT, 0, 0, "" },
		{ "one that cannot be bound", 0, 0, EADDRINUSE, 0, " 901" },
		{ "no second socket", 1, EMFILE, 0, 0, " 901" },
		{ "a second one that cannot be bound", 1, 0, EADDRINUSE, 0, " 902 901" },
		{ "no inotify", 0, 0, 0, EMFILE, " 902 901" },
	};
	const struct root tree = { .fd = -EBADF };
	struct uevent ue = { 7, 8, 9 };
	size_t i;

	begin();
	fake.socket_error = fake.inotify_error = EIO;
	ok(uevent_open(&tree, &ue) == 0 && ue.kernel < 0 && ue.udev < 0 && ue.inotify < 0,
	   "a tree has no events");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		fake.failing = cases[i].failing;
		fake.socket_error = cases[i].socket_error;
		fake.bind_error = cases[i].bind_error;
		fake.inotify_error = cases[i].inotify_error;
		ue = (struct uevent){ 7, 8, 9 };
		ok(uevent_open(&machine, &ue) < 0 && ue.kernel == 7 && ue.udev == 8 &&
			   ue.inotify == 9,
		   "%s: an error, and nothing is handed out", cases[i].what);
		is_str(fake.closed, cases[i].closed, "what was open is closed");
	}
	begin();
	fake.watch_error = ENOSPC;
	ue = (struct uevent){ 7, 8, 9 };
	ok(uevent_open(&machine, &ue) == -ENOSPC && ue.kernel == 7 && strlen(fake.closed) == 12,
	   "udev's directory cannot be watched: an error, and all are closed");
	begin();
	fake.buffer_error = EPERM;
	fake.watch_error = ENOENT;
	is_int(uevent_open(&machine, &ue), 0, "without a large buffer and without udev it goes on");
	ok(ue.kernel == KERNEL_FD && ue.udev == UDEV_FD && ue.inotify == INOTIFY_FD,
	   "all are handed out");
	ok(fake.groups[0] == 1 && fake.groups[1] == 2, "events of the kernel, and those of udev");
	ok(strcmp(fake.watch, PATH_UDEV_DIR) == 0 && fake.watched == IN_DELETE,
	   "files that go from udev's directory");
	is_str(fake.closed, "", "nothing is closed");
	uevent_done(&ue);
	is_str(fake.closed, " 901 902 903", "until it is done");
	uevent_done(&ue);
	is_str(fake.closed, " 901 902 903", "and not twice");
}

static void test_drain(void)
{
	struct uevent ue = opened, none = UEVENT_NULL;

	begin();
	fake.read_errors[0][1] = ENOBUFS;
	fake.read_errors[0][2] = EINTR;
	fake.read_errors[1][1] = -1;
	fake.read_errors[2][1] = EINTR;
	fake.read_errors[2][3] = -1;
	uevent_drain(&ue);
	is_int(fake.reads[0], 5, "all events go, an overrun and a signal among them");
	ok(fake.reads[1] == 2 && fake.reads[2] == 4, "those of udev and about files, too");
	begin();
	uevent_drain(&none);
	ok(fake.reads[0] == 0 && fake.reads[1] == 0 && fake.reads[2] == 0,
	   "where there are none nothing is read");
	begin();
	fake.storm = true;
	uevent_drain(&ue);
	ok(fake.reads[0] > 1000 && fake.reads[2] > 1000, "events without an end: it has one");
}

static int next(const char *event, size_t size, char *alias, size_t alias_size)
{
	struct uevent ue = opened;

	begin();
	fake.event = event;
	fake.event_size = size;
	memset(alias, 'x', alias_size);
	return uevent_next(&ue, alias, alias_size);
}

#define NEXT(event, alias) next(event, sizeof(event), alias, sizeof(alias))

static void test_next(void)
{
	struct uevent ue = opened;
	char alias[32], huge[8192];

	ok(NEXT("add@/devices/x\0ACTION=add\0MODALIAS=virtio:d2v1AF4\0SEQNUM=1", alias) == 1 &&
		   strcmp(alias, "virtio:d2v1AF4") == 0,
	   "an event: what its device asks for");
	ok(NEXT("add@/module/x\0ACTION=add\0XMODALIAS=virtio:d2", alias) == 1 && !*alias,
	   "one of something that asks for nothing");
	ok(NEXT("add@/d\0MODALIAS=", alias) == 1 && !*alias, "an empty alias");
	ok(next("add@/d\0MODALIAS=abcdefgh", 20, alias, sizeof(alias)) == 1 &&
		   strcmp(alias, "abcd") == 0,
	   "what is not terminated ends with the event");
	ok(next("", 0, alias, sizeof(alias)) == 1 && !*alias, "an event of no bytes");
	is_int(NEXT("add@/d\0MODALIAS=0123456789012345678901234567890123456789", alias), -ENOBUFS,
	       "an alias without room: all devices have to be looked at");
	memset(huge, 'y', sizeof(huge));
	ok(next(huge, sizeof(huge), alias, sizeof(alias)) == 1 && !*alias, "the largest event");
	begin();
	fake.read_errors[0][0] = -1;
	ok(uevent_next(&ue, alias, sizeof(alias)) == 0 && !*alias, "none waits");
	begin();
	fake.read_errors[0][0] = EINTR;
	fake.read_errors[0][1] = ENOBUFS;
	is_int(uevent_next(&ue, alias, sizeof(alias)), -ENOBUFS, "an overrun, after a signal");
}

/* Events of udev say nothing new of what there is. */
static void test_quiet(void)
{
	const struct uevent ue = opened;

	begin();
	ok(uevent_quiet(&ue), "without an event it is quiet");
	ok(fake.nr_polled == 1 && fake.polled[0].fd == KERNEL_FD && fake.polled[0].events == POLLIN,
	   "only the kernel's count");
	begin();
	fake.poll_results[0] = 1;
	ok(!uevent_quiet(&ue), "with one that waits it is not");
	begin();
	fake.poll_results[0] = -EINVAL;
	ok(!uevent_quiet(&ue), "nor where nobody can tell");
	begin();
	fake.poll_results[0] = -EINTR;
	ok(uevent_quiet(&ue) && fake.polls == 2, "a signal is no event");
}

static void test_wait(void)
{
	const struct uevent ue = opened, none = UEVENT_NULL;

	begin();
	fake.poll_results[0] = 1;
	is_int(uevent_wait(&ue, deadline_in_ms(1000)), 0, "an event");
	ok(fake.nr_polled == 3 && fake.polled[0].fd == KERNEL_FD && fake.polled[1].fd == UDEV_FD &&
		   fake.polled[2].fd == INOTIFY_FD && (fake.polled[0].events & POLLIN) &&
		   (fake.polled[1].events & POLLIN) && (fake.polled[2].events & POLLIN),
	   "of all sources");
	begin();
	is_int(uevent_wait(&ue, deadline_in_ms(1000)), -ETIMEDOUT, "none until the deadline");
	begin();
	fake.poll_results[0] = fake.poll_results[1] = -EINTR;
	fake.poll_results[2] = 1;
	ok(uevent_wait(&ue, deadline_in_ms(1000)) == 0 && fake.polls == 3,
	   "a signal does not end the wait");
	begin();
	fake.poll_results[0] = -ENOMEM;
	is_int(uevent_wait(&ue, deadline_in_ms(1000)), -ENOMEM, "an error does");
	begin();
	fake.poll_results[0] = 1;
	is_int(uevent_wait(&ue, deadline_in_ms(0)), -ETIMEDOUT,
	       "after the deadline an event that waits is none");
	begin();
	ok(uevent_wait(&none, deadline_in_ms(60000)) == -ETIMEDOUT && fake.polls == 0,
	   "where no event can come there is no use in waiting");
}

/* udev (systemd): the file "queue" is there while it has events in work. */
static void test_idle(void)
{
	const struct uevent ue = opened;
	struct fixture fx;

	fixture_init(&fx);
	fixture_text(&fx, PATH_UDEV_CONTROL, "");
	fixture_text(&fx, PATH_UDEV_QUEUE, "");
	begin();
	fake.poll_results[0] = 1;
	ok(uevent_idle(&fx.root, &ue) && fake.polls == 0, "a tree is always idle");
	fx.root.machine = true;
	begin();
	ok(!uevent_idle(&fx.root, &ue), "udev at work is not idle");
	fixture_unlink(&fx, PATH_UDEV_QUEUE);
	begin();
	ok(uevent_idle(&fx.root, &ue), "udev without work is");
	begin();
	fake.poll_results[0] = -EINTR;
	ok(uevent_idle(&fx.root, &ue), "also when a signal comes");
	begin();
	fake.poll_results[0] = 1;
	ok(!uevent_idle(&fx.root, &ue), "with an event that waits it is not");
	begin();
	fake.poll_results[0] = -EINVAL;
	ok(!uevent_idle(&fx.root, &ue), "nor where nobody can tell");
	fixture_text(&fx, PATH_UDEV_QUEUE, "");
	fixture_unlink(&fx, PATH_UDEV_CONTROL);
	begin();
	ok(uevent_idle(&fx.root, &ue), "a file without udev means nothing");
	fixture_done(&fx);
}

int main(void)
{
	test_open();
	test_drain();
	test_next();
	test_quiet();
	test_wait();
	test_idle();
	return tap_done();
}
