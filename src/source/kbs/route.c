/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.c - waits until the kernel has a route to an address, and connects.
 * Trusts the kernel; addresses and routes may be the host's, by DHCP. Trusts no content of an
 * event: each is only a reason to look again. May not send a byte, nor set anything up.
 *
 * Facts used: to connect a datagram socket sends nothing, but looks the route up as a packet would
 * need it, with rules and with a source address. An IPv6 address is none before duplicate address
 * detection has ended, which is an event; until then Linux takes one that is only good for a link.
 */
#include "source/kbs/route.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/io.h"

#define DRAIN_MAX 4096 /* reads: more than the buffer can hold of the smallest events */
#define EVENT_SIZE 8192
#define ANY_PORT 443 /* a port belongs to the question, but changes nothing */

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len;
};

int route_open(struct route *ret_route, struct fault *f)
{
	const struct sockaddr_nl groups = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return fault_errno(f, EXITCODE_INTERNAL, -errno,
				   "cannot listen to changes of the network");
	ret_route->fd = TAKE_FD(fd);
	return 0;
}

void route_done(struct route *route)
{
	util_closep(&route->fd);
	route->fd = -EBADF;
}

int route_wait(struct route *route, struct deadline deadline)
{
	char event[EVENT_SIZE];
	int i, r = io_wait(route->fd, POLLIN, deadline);

	/* ENOBUFS, an overrun, has changes in it, too; and what stays in the buffer is one more. */
	for (i = 0; r >= 0 && i < DRAIN_MAX; i++)
		if (recv(route->fd, event, sizeof(event), MSG_DONTWAIT) < 0 && errno == EAGAIN)
			break;
	return r;
}

static int parse(const char *text, unsigned int port, struct address *ret_address)
{
	struct address a = { 0 };

	if (port == 0 || port > UINT16_MAX)
		return -EINVAL;
	if (inet_pton(AF_INET, text, &a.u.in.sin_addr) == 1) {
		a.u.in.sin_family = AF_INET;
		a.u.in.sin_port = htons((uint16_t)port);
		a.len = sizeof(a.u.in);
	} else if (inet_pton(AF_INET6, text, &a.u.in6.sin6_addr) == 1) {
		a.u.in6.sin6_family = AF_INET6;
		a.u.in6.sin6_port = htons((uint16_t)port);
		a.len = sizeof(a.u.in6);
	} else {
		return -EINVAL;
	}
	*ret_address = a;
	return 0;
}

/* True for what connect() says at once where there is no route, no source address, or a route that
 * forbids it. */
static bool is_unreachable(int error)
{
	static const int errors[] = { ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL,
				      EACCES,	   EPERM,	 EINVAL };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i] == error)
			return true;
	return false;
}

/* Begins to connect. Returns a descriptor, or -errno. */
static int begin(const struct address *address, int type)
{
	_cleanup_close_ int fd =
		socket(address->u.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || (connect(fd, &address->u.any, address->len) < 0 && errno != EINPROGRESS))
		return -errno;
	return TAKE_FD(fd);
}

/* Not of the loopback, and not only good for the link itself. */
static bool is_address(const struct ifaddrs *a)
{
	if (!a->ifa_addr || !(a->ifa_flags & IFF_UP) || (a->ifa_flags & IFF_LOOPBACK))
		return false;
	if (a->ifa_addr->sa_family == AF_INET)
		return true;
	return a->ifa_addr->sa_family == AF_INET6 &&
	       !IN6_IS_ADDR_LINKLOCAL(
		       &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr);
}

static int no_route(struct fault *f, const char *address, int r)
{
	struct ifaddrs *all = NULL, *a;
	bool has = getifaddrs(&all) < 0; /* who cannot look says what it knows */

	for (a = all; a && !has; a = a->ifa_next)
		has = is_address(a);
	freeifaddrs(all); /* takes NULL */
	if (!has)
		return fault_set(f, EXITCODE_NO_NETWORK, -r,
				 "no network interface that is up has an address");
	return fault_errno(f, EXITCODE_NO_ROUTE, r, "no route to %s", address);
}

static int no_address(struct fault *f, const char *address, unsigned int port)
{
	return fault_set(f, EXITCODE_INTERNAL, EINVAL, "%s port %u is no address", address, port);
}

/* Would an answer come back? Returns 0, or -EADDRNOTAVAIL. */
static int check_source(int fd, const struct address *to)
{
	struct address from = { .len = sizeof(from.u) };
	const struct in6_addr *a = &from.u.in6.sin6_addr, *b = &to->u.in6.sin6_addr;

	if (getsockname(fd, &from.u.any, &from.len) < 0)
		return -errno;
	if (from.u.any.sa_family != AF_INET6 || IN6_IS_ADDR_LOOPBACK(b))
		return 0;
	if (IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_LINKLOCAL(a) && !IN6_IS_ADDR_LINKLOCAL(b)))
		return -EADDRNOTAVAIL;
	return 0;
}

int route_find(struct route *route, const char *address, struct fault *f)
{
	_cleanup_close_ int fd = -EBADF;
	struct address a;
	int r;

	(void)route; /* only the events come from there */
	if (parse(address, ANY_PORT, &a) < 0)
		return no_address(f, address, ANY_PORT);
	fd = begin(&a, SOCK_DGRAM);
	r = fd < 0 ? fd : check_source(fd, &a);
	if (r >= 0)
		return 1;
	if (!is_unreachable(-r))
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot look for a route to %s",
				   address);
	(void)no_route(f, address, r);
	return 0;
}

static int no_connection(struct fault *f, const char *address, unsigned int port, int r)
{
	return fault_errno(f, EXITCODE_CONNECTION, r, "no connection to %s port %u", address, port);
}

int route_connect(const char *address, unsigned int port, struct fault *f)
{
	_cleanup_close_ int fd = -EBADF;
	const int on = 1;
	struct address a;

	if (parse(address, port, &a) < 0)
		return no_address(f, address, port);
	fd = begin(&a, SOCK_STREAM);
	if (fd < 0 && is_unreachable(-fd))
		return no_route(f, address, fd);
	if (fd < 0)
		return no_connection(f, address, port, fd);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return no_connection(f, address, port, -errno);
	return TAKE_FD(fd);
}

int route_connected(int fd, const char *address, unsigned int port, struct deadline deadline,
		    struct fault *f)
{
	int error = 0, r = io_wait(fd, POLLOUT, deadline);
	socklen_t len = sizeof(error);

	if (r >= 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		r = -errno;
	else if (r >= 0)
		r = -error;
	return r < 0 ? no_connection(f, address, port, r) : 0;
}
