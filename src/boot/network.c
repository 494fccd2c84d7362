/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.c - takes down the network of the initramfs, through rtnetlink(7).
 * Trusts the kernel's lists, and nobody's word that something is gone: it looks once more. May
 * touch neither the loopback nor routes that the kernel has made by itself and keeps.
 */
#include "boot/network.h"

#include <linux/if.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define BUFFER_SIZE 32768 /* bytes: what the kernel puts at most into one message of a list */
#define REQUEST_SIZE 4096
#define ANSWER_SECONDS 10

/* What is done with each thing of a list. Returns 1 if it has to go, 0 if it may stay, -errno. */
typedef int visit_fn(int fd, const struct nlmsghdr *thing);

static int open_netlink(void)
{
	const struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* The next message of the kernel, into a buffer of BUFFER_SIZE. Returns its bytes or -errno. */
static ssize_t receive(int fd, void *buffer)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_len;
	ssize_t n;

	do {
		from_len = sizeof(from);
		n = recvfrom(fd, buffer, BUFFER_SIZE, MSG_TRUNC, (struct sockaddr *)&from,
			     &from_len);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n > BUFFER_SIZE ? -EMSGSIZE : n;
}

/* An error of the kernel's answer; of an acknowledgement it is 0. */
static int error_of(const struct nlmsghdr *message)
{
	const struct nlmsgerr *e = NLMSG_DATA(message);

	return message->nlmsg_len < NLMSG_LENGTH(sizeof(*e)) ? -EBADMSG : e->error;
}

/* Sends a request, and waits until the kernel has carried it out. */
static int ask(int fd, struct nlmsghdr *request)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
	const struct nlmsghdr *answer = (const void *)buffer;
	ssize_t n;

	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	n = receive(fd, buffer);
	if (n < 0)
		return (int)n;
	return NLMSG_OK(answer, (size_t)n) && answer->nlmsg_type == NLMSG_ERROR ? error_of(answer) :
										  -EBADMSG;
}

/* The thing itself as a request of this type: that is what the kernel wants to be told. */
static int ask_about(int fd, const struct nlmsghdr *thing, uint16_t type)
{
	_Alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
	int r;

	if (thing->nlmsg_len > sizeof(buffer))
		return -EMSGSIZE;
	memcpy(buffer, thing, thing->nlmsg_len);
	((struct nlmsghdr *)buffer)->nlmsg_type = type;
	r = ask(fd, (struct nlmsghdr *)buffer);
	/* Gone with another one, or with its link. */
	return r == -ESRCH || r == -ENODEV || r == -EADDRNOTAVAIL ? 0 : r;
}

static bool is_loopback(unsigned int index)
{
	return index == 1; /* in each network namespace, since Linux 2.6.24 */
}

static int look_at_link(int fd, const struct nlmsghdr *thing)
{
	const struct ifinfomsg *link = NLMSG_DATA(thing);
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_NEWLINK },
		.link = { .ifi_index = link->ifi_index, .ifi_change = IFF_UP },
	};

	int r;

	if ((link->ifi_flags & IFF_LOOPBACK) || !(link->ifi_flags & IFF_UP))
		return 0;
	r = fd < 0 ? 1 : ask(fd, &request.head);
	return r == -ENODEV ? 0 : r; /* unplugged meanwhile */
}

static int look_at_address(int fd, const struct nlmsghdr *thing)
{
	const struct ifaddrmsg *address = NLMSG_DATA(thing);

	if (is_loopback(address->ifa_index))
		return 0;
	return fd < 0 ? 1 : ask_about(fd, thing, RTM_DELADDR);
}

/* One that leads nowhere has no link that takes it along. Its routes go with it, and no other way:
 * the kernel does not take what it lists of them. */
static int look_at_nexthop(int fd, const struct nlmsghdr *thing)
{
	struct {
		struct nlmsghdr head;
		struct nhmsg nexthop;
		struct rtattr head_of_id;
		uint32_t id;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_DELNEXTHOP },
		.head_of_id = { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = NHA_ID },
	};
	size_t left = NLMSG_PAYLOAD(thing, sizeof(struct nhmsg));
	const char *nexthop = NLMSG_DATA(thing);
	const struct rtattr *a = (const void *)(nexthop + NLMSG_ALIGN(sizeof(struct nhmsg)));
	int r;

	while (RTA_OK(a, left) && a->rta_type != NHA_ID)
		a = RTA_NEXT(a, left);
	if (!RTA_OK(a, left) || RTA_PAYLOAD(a) != sizeof(request.id))
		return -EBADMSG;
	memcpy(&request.id, RTA_DATA(a), sizeof(request.id));
	r = fd < 0 ? 1 : ask(fd, &request.head);
	return r == -ENOENT ? 0 : r; /* gone with another one, or with its link */
}

/* Those of addresses go with them; of the kernel's own some stay for ever. */
static int look_at_route(int fd, const struct nlmsghdr *thing)
{
	const struct rtmsg *route = NLMSG_DATA(thing);

	if (route->rtm_protocol == RTPROT_KERNEL || (route->rtm_flags & RTM_F_CLONED))
		return 0;
	return fd < 0 ? 1 : ask_about(fd, thing, RTM_DELROUTE);
}

/* clang-format off */
static const struct {
	uint16_t list;	/* the request, and ... */
	uint16_t thing;	/* ... what the kernel lists */
	size_t size;	/* of its fixed part */
	visit_fn *visit;
	const char *what;
} lists[] = {
	{ RTM_GETLINK, RTM_NEWLINK, sizeof(struct ifinfomsg), look_at_link, "network links" },
	{ RTM_GETADDR, RTM_NEWADDR, sizeof(struct ifaddrmsg), look_at_address, "network addresses" },
	{ RTM_GETNEXTHOP, RTM_NEWNEXTHOP, sizeof(struct nhmsg), look_at_nexthop, "next hops" },
	{ RTM_GETROUTE, RTM_NEWROUTE, sizeof(struct rtmsg), look_at_route, "network routes" },
};
/* clang-format on */

/* Goes through one of the lists. Returns how many have to go, or -errno. */
static int walk(size_t n, int fd)
{
	struct {
		struct nlmsghdr head;
		union {
			struct rtgenmsg general;
			struct ifinfomsg link;
			struct ifaddrmsg address;
			struct rtmsg route;
			struct nhmsg nexthop;
		} body;
	} request = { .head = { .nlmsg_type = lists[n].list,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
	_cleanup_close_ int list = open_netlink();
	const struct nlmsghdr *m;
	int found = 0, r;
	size_t left;
	ssize_t got;

	if (list < 0)
		return list;
	request.head.nlmsg_len = (uint32_t)NLMSG_LENGTH(lists[n].size);
	if (send(list, &request, request.head.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		got = receive(list, buffer);
		if (got < 0)
			return (int)got;
		left = (size_t)got;
		for (m = (const void *)buffer; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return found;
			if (m->nlmsg_type == NLMSG_ERROR)
				return error_of(m) < 0 ? error_of(m) : -EBADMSG;
			if (m->nlmsg_type != lists[n].thing ||
			    m->nlmsg_len < NLMSG_LENGTH(lists[n].size))
				return -EBADMSG;
			r = lists[n].visit(fd, m);
			if (r < 0)
				return r;
			found += r;
		}
	}
}

int network_drop(struct fault *f)
{
	_cleanup_close_ int fd = open_netlink();
	size_t n;
	int r;

	if (fd < 0)
		return fault_errno(f, EXITCODE_INTERNAL, fd, "no way to ask for network links");
	for (n = 0; n < ARRAY_SIZE(lists); n++) {
		r = walk(n, fd);
		if (r < 0)
			return fault_errno(f, EXITCODE_INTERNAL, r,
					   "%s of the initramfs cannot be taken away",
					   lists[n].what);
	}
	for (n = 0; n < ARRAY_SIZE(lists); n++) {
		r = walk(n, -EBADF);
		if (r < 0)
			return fault_errno(f, EXITCODE_INTERNAL, r, "cannot look for %s",
					   lists[n].what);
		if (r > 0)
			return fault_advise(
				f, EXITCODE_INTERNAL, EBUSY,
				"look in the lines above for what has brought a link up again",
				"%d %s of the initramfs are still there", r, lists[n].what);
	}
	return 0;
}
