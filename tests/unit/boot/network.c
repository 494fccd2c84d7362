/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.c - the network of an initramfs is taken down, in a network namespace of the test's own.
 * Where the kernel has no kind of link that needs no hardware, only the loopback and routes without
 * a link are here; the lab's attested boots have real cards.
 */
#include "boot/network.h"

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inject_next.h"
#include "tap.h"

#define GONE 4242 /* the number of a link that nobody has any more */

static int fd;
static bool listed; /* lists have it still, until its address was asked for */
static bool asked;  /* somebody wanted something of it */

/* A card that is unplugged behind a list: the list has one link, or address, more than the kernel,
 * which says of a request for it what it says. */
ssize_t recvfrom(int socket_fd, void *buf, size_t len, int flags, struct sockaddr *from,
		 socklen_t *from_len)
{
	struct nlmsghdr *last = buf, *more;
	ssize_t n = INJECT_NEXT(recvfrom)(socket_fd, buf, len, flags, from, from_len);
	size_t left = n > 0 ? (size_t)n : 0;
	size_t size;

	if (!listed || !NLMSG_OK(last, left) ||
	    (last->nlmsg_type != RTM_NEWLINK && last->nlmsg_type != RTM_NEWADDR))
		return n;
	size = NLMSG_ALIGN(last->nlmsg_len);
	more = (struct nlmsghdr *)((char *)buf + NLMSG_ALIGN((size_t)n));
	memcpy(more, last, size);
	if (more->nlmsg_type == RTM_NEWLINK) {
		((struct ifinfomsg *)NLMSG_DATA(more))->ifi_index = GONE;
		((struct ifinfomsg *)NLMSG_DATA(more))->ifi_flags = IFF_UP;
	} else {
		((struct ifaddrmsg *)NLMSG_DATA(more))->ifa_index = GONE;
	}
	return (ssize_t)(NLMSG_ALIGN((size_t)n) + size);
}

ssize_t send(int socket_fd, const void *buf, size_t len, int flags)
{
	const struct nlmsghdr *head = buf;

	if ((head->nlmsg_type == RTM_NEWLINK &&
	     ((const struct ifinfomsg *)NLMSG_DATA(head))->ifi_index == GONE) ||
	    (head->nlmsg_type == RTM_DELADDR &&
	     ((const struct ifaddrmsg *)NLMSG_DATA(head))->ifa_index == GONE)) {
		asked = true;
		listed = head->nlmsg_type == RTM_NEWLINK;
	}
	return INJECT_NEXT(send)(socket_fd, buf, len, flags);
}

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
		struct nhmsg nexthop;
	} body;
	char attributes[256];
};

static struct rtattr *put(struct request *q, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)q + NLMSG_ALIGN(q->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(a), data, len);
	q->head.nlmsg_len = NLMSG_ALIGN(q->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

/* The kernel's answer: 0 or -errno. */
static int send_it(struct request *q)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer;

	if (send(fd, q, q->head.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return -errno;
	return answer.error.error;
}

/* Returns true if the kernel knows the kind. */
static bool add_link(const char *kind, const char *name)
{
	struct request q = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(q.body.link)),
				       .nlmsg_type = RTM_NEWLINK,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
			     .body.link = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP } };
	struct rtattr *info;

	(void)put(&q, IFLA_IFNAME, name, strlen(name) + 1);
	info = put(&q, IFLA_LINKINFO, NULL, 0);
	(void)put(&q, IFLA_INFO_KIND, kind, strlen(kind) + 1);
	info->rta_len = (unsigned short)((char *)&q + q.head.nlmsg_len - (char *)info);
	return send_it(&q) == 0;
}

static int flags_of(const char *name)
{
	struct ifreq r = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(r.ifr_name, name, strlen(name));
	if (ioctl(s, SIOCGIFFLAGS, &r) < 0)
		r.ifr_flags = -1;
	close(s);
	return r.ifr_flags;
}

static void set_up(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_UP };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(r.ifr_name, name, strlen(name));
	(void)ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

static int add_address(int index, int family, const char *text)
{
	struct request q = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(q.body.address)),
				       .nlmsg_type = RTM_NEWADDR,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
			     .body.address = { .ifa_family = (unsigned char)family,
					       .ifa_prefixlen = index == 1	  ? 8 :
								family == AF_INET ? 24 :
										    64,
					       .ifa_index = (unsigned int)index } };
	unsigned char bytes[16];

	inet_pton(family, text, bytes);
	(void)put(&q, IFA_LOCAL, bytes, family == AF_INET ? 4 : 16);
	return send_it(&q);
}

/* It has its address since it is up. */
static int add_loopback(void)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address = { .s_addr = htonl(INADDR_LOOPBACK) };

	return add_address(1, AF_INET, inet_ntop(AF_INET, &address, text, sizeof(text)));
}

static int ask_route(unsigned short type, unsigned short flags, unsigned char kind, const char *to)
{
	struct request q = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(q.body.route)),
				       .nlmsg_type = type,
				       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags },
			     .body.route = { .rtm_family = AF_INET,
					     .rtm_dst_len = 24,
					     .rtm_table = RT_TABLE_MAIN,
					     .rtm_protocol = RTPROT_DHCP,
					     .rtm_type = kind } };
	unsigned char bytes[4];

	inet_pton(AF_INET, to, bytes);
	(void)put(&q, RTA_DST, bytes, sizeof(bytes));
	return send_it(&q);
}

/* A next hop that leads nowhere, so that no link takes it along, and a route over it. */
static int add_nexthop(uint32_t id)
{
	struct request q = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(q.body.nexthop)),
			  .nlmsg_type = RTM_NEWNEXTHOP,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.body.nexthop = { .nh_family = AF_INET, .nh_protocol = RTPROT_STATIC }
	};
	struct request route = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(route.body.route)),
					   .nlmsg_type = RTM_NEWROUTE,
					   .nlmsg_flags =
						   NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
				 .body.route = { .rtm_family = AF_INET,
						 .rtm_dst_len = 24,
						 .rtm_table = RT_TABLE_MAIN,
						 .rtm_protocol = RTPROT_STATIC,
						 .rtm_type = RTN_UNICAST } };
	unsigned char bytes[4];
	int r;

	(void)put(&q, NHA_ID, &id, sizeof(id));
	(void)put(&q, NHA_BLACKHOLE, NULL, 0);
	r = send_it(&q);
	if (r < 0)
		return r;
	inet_pton(AF_INET, "203.0.113.0", bytes);
	(void)put(&route, RTA_DST, bytes, sizeof(bytes));
	(void)put(&route, RTA_NH_ID, &id, sizeof(id));
	return send_it(&route);
}

int main(void)
{
	static const char *const kinds[] = { "dummy", "ifb", "bridge", "veth" };
	struct fault f = { 0 };
	bool link = false;
	size_t i;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		printf("1..0 # SKIP no network namespace of its own\n");
		return 0;
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	set_up("lo");
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !link; i++)
		link = add_link(kinds[i], "card");
	is_int(network_drop(&f), 0, "a network without anything: %s", f.why);

	listed = true;
	is_int(network_drop(&f), 0, "a card that is unplugged behind the list: %s", f.why);
	ok(asked && !listed, "... it was to be taken down, and so was its address");

	is_int(ask_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, RTN_UNREACHABLE, "192.0.2.0"), 0,
	       "a route without a link");
	is_int(add_nexthop(7), 0, "a next hop without a link, and its route");
	if (link) {
		set_up("card");
		is_int(add_address(2, AF_INET, "198.51.100.1"), 0, "an address");
		is_int(add_address(2, AF_INET, "198.51.100.2"), 0, "... a second of its network");
		is_int(add_address(2, AF_INET6, "2001:db8::1"), 0, "... and one of IPv6");
		ok(flags_of("card") & IFF_UP, "the link is up");
	}
	is_int(network_drop(&f), 0, "all of it is taken down: %s", f.why);
	is_int(ask_route(RTM_DELROUTE, 0, RTN_UNREACHABLE, "192.0.2.0"), -ESRCH,
	       "the route is gone");
	is_int(add_nexthop(7), 0, "the next hop is gone");
	is_int(network_drop(&f), 0, "... once more: %s", f.why);
	if (link) {
		ok(!(flags_of("card") & IFF_UP), "the link is down");
		is_int(add_address(2, AF_INET, "198.51.100.1"), 0, "the address was gone");
		is_int(add_address(2, AF_INET6, "2001:db8::1"), 0, "... and that of IPv6");
		is_int(network_drop(&f), 0, "addresses of a link that is down: %s", f.why);
		is_int(add_address(2, AF_INET, "198.51.100.1"), 0, "... they are gone, too");
	}
	ok(flags_of("lo") & IFF_UP, "the loopback is up as before");
	is_int(add_loopback(), -EEXIST, "... with its address");
	return tap_done();
}
