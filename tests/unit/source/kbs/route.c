/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.c - a network of its own, in a namespace, that comes up in steps: when the program sees a
 * route, what it says until then, and what it makes of a broker that does not answer.
 */
#include "source/kbs/route.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fixture.h"

#define HOME "127.0.0.2" /* of the loopback */
#define NEAR "192.0.2.1"
#define FAR "198.51.100.1"
#define NEAR6 "2001:db8::1"
#define LONG_MS 20000

static struct fault f;
static struct route route = ROUTE_NULL;

struct request {
	struct nlmsghdr head;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg address;
		struct rtmsg route;
	} u;
	char attributes[256];
};

static struct rtattr *add(struct request *r, unsigned short type, const void *bytes, size_t len)
{
	struct rtattr *a = (void *)((char *)r + NLMSG_ALIGN(r->head.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len > 0)
		memcpy(RTA_DATA(a), bytes, len);
	r->head.nlmsg_len = NLMSG_ALIGN(r->head.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

/* Returns 0 or -errno. */
static int ask(struct request *r, unsigned short type, size_t size)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[1024];
	} answer = { 0 };

	if (r->head.nlmsg_len == 0)
		r->head.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	r->head.nlmsg_type = type;
	r->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	FIXTURE_MUST(fd >= 0 && send(fd, r, r->head.nlmsg_len, 0) > 0);
	FIXTURE_MUST(recv(fd, &answer, sizeof(answer), 0) > 0);
	(void)close(fd);
	return answer.error.error;
}

static void set_up(const char *name, bool up)
{
	struct request r = { .u.link = { .ifi_index = (int)if_nametoindex(name),
					 .ifi_flags = up ? IFF_UP : 0,
					 .ifi_change = IFF_UP } };

	FIXTURE_MUST(ask(&r, RTM_NEWLINK, sizeof(r.u.link)) == 0);
}

/* A pair of links, which are each other's cable. Returns 0 or -errno. */
static int make_veth(const char *name, const char *other)
{
	struct request r = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.link)),
				       .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL } };
	const struct ifinfomsg peer = { 0 };
	struct rtattr *info, *data, *pair;

	(void)add(&r, IFLA_IFNAME, name, strlen(name) + 1);
	info = add(&r, IFLA_LINKINFO, NULL, 0);
	(void)add(&r, IFLA_INFO_KIND, "veth", 4);
	data = add(&r, IFLA_INFO_DATA, NULL, 0);
	pair = add(&r, VETH_INFO_PEER, &peer, sizeof(peer));
	(void)add(&r, IFLA_IFNAME, other, strlen(other) + 1);
	pair->rta_len = (unsigned short)((char *)&r + r.head.nlmsg_len - (char *)pair);
	data->rta_len = (unsigned short)((char *)&r + r.head.nlmsg_len - (char *)data);
	info->rta_len = (unsigned short)((char *)&r + r.head.nlmsg_len - (char *)info);
	return ask(&r, RTM_NEWLINK, 0);
}

static size_t binary(const char *text, unsigned char ret_bytes[static 16])
{
	if (inet_pton(AF_INET, text, ret_bytes) == 1)
		return 4;
	FIXTURE_MUST(inet_pton(AF_INET6, text, ret_bytes) == 1);
	return 16;
}

static void set_address(const char *name, const char *address, unsigned char bits, bool there)
{
	unsigned char bytes[16];
	size_t len = binary(address, bytes);
	struct request r = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.address)),
			  .nlmsg_flags = there ? NLM_F_CREATE | NLM_F_EXCL : 0 },
		.u.address = { .ifa_family = len == 4 ? AF_INET : AF_INET6,
			       .ifa_prefixlen = bits,
			       .ifa_index = if_nametoindex(name) },
	};

	(void)add(&r, IFA_LOCAL, bytes, len);
	(void)add(&r, IFA_ADDRESS, bytes, len);
	FIXTURE_MUST(ask(&r, there ? RTM_NEWADDR : RTM_DELADDR, 0) == 0);
}

/* type: RTN_UNICAST by a link, or another one by none. bits 0: the default route. */
static void set_route(const char *name, const char *to, unsigned char bits, unsigned char type,
		      bool there)
{
	int index = (int)if_nametoindex(name);
	unsigned char bytes[16];
	size_t len = binary(to, bytes);
	struct request r = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.u.route)),
			  .nlmsg_flags = there ? NLM_F_CREATE | NLM_F_EXCL : 0 },
		.u.route = { .rtm_family = len == 4 ? AF_INET : AF_INET6,
			     .rtm_dst_len = bits,
			     .rtm_table = RT_TABLE_MAIN,
			     .rtm_protocol = RTPROT_BOOT,
			     .rtm_scope = type == RTN_UNICAST ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
			     .rtm_type = type },
	};

	if (bits > 0)
		(void)add(&r, RTA_DST, bytes, len);
	if (type == RTN_UNICAST)
		(void)add(&r, RTA_OIF, &index, sizeof(index));
	FIXTURE_MUST(ask(&r, there ? RTM_NEWROUTE : RTM_DELROUTE, 0) == 0);
}

static int find(const char *address)
{
	f = (struct fault){ 0 };
	return route_find(&route, address, &f);
}

static void finds(const char *address, int r, enum exitcode code)
{
	is_int(find(address), r, "%s", address);
	is_int(f.code, code, "%s", f.why);
}

/* Listens, for as many as it does not accept. Returns the port. */
static unsigned int listener(const char *address, int backlog, int *ret_fd)
{
	struct sockaddr_in6 any = { 0 };
	struct sockaddr_in *in = (void *)&any;
	unsigned char bytes[16];
	socklen_t len = binary(address, bytes) == 4 ? sizeof(*in) : sizeof(any);

	if (len == sizeof(*in)) {
		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, bytes, 4);
	} else {
		any.sin6_family = AF_INET6;
		memcpy(&any.sin6_addr, bytes, 16);
	}
	*ret_fd = socket(any.sin6_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FIXTURE_MUST(*ret_fd >= 0 && bind(*ret_fd, (const void *)&any, len) == 0 &&
		     listen(*ret_fd, backlog) == 0 &&
		     getsockname(*ret_fd, (void *)&any, &len) == 0);
	return ntohs(any.sin6_port); /* both have it in the same place */
}

static int connect_to(const char *address, unsigned int port, uint64_t ms)
{
	int fd, r;

	f = (struct fault){ 0 };
	fd = route_connect(address, port, &f);
	r = fd < 0 ? fd : route_connected(fd, address, port, deadline_in_ms(ms), &f);
	if (r < 0 && fd >= 0)
		(void)close(fd);
	return r < 0 ? r : fd;
}

static void test_addresses(void)
{
	static const char *const none[] = { "",		  "broker",	   "192.0.2",
					    "192.0.2.1 ", "[::1]",	   "fe80::1%1",
					    "0x7f000001", "192.0.2.1:443", "2001:::1" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		finds(none[i], -EINVAL, EXITCODE_INTERNAL);
		is_int(connect_to(none[i], 443, 0), -EINVAL, "and nothing connects to it");
	}
	is_int(connect_to(HOME, 0, 0), -EINVAL, "nor to port 0");
	is_int(connect_to(HOME, 65536, 0), -EINVAL, "nor to port 65536");
}

/* Time of the step in another process. */
static uint64_t *stepped_us;

/* The other process takes the step after 200 ms, and notes when. */
static pid_t later(void (*step)(void))
{
	pid_t pid = fork();

	FIXTURE_MUST(pid >= 0);
	if (pid > 0)
		return pid;
	(void)poll(NULL, 0, 200);
	*stepped_us = clock_us();
	step();
	_exit(0);
}

/* Waits for the route as the source does. Returns how many times it has looked. */
static int wait_for_route(const char *address, uint64_t ms)
{
	const struct deadline d = deadline_in_ms(ms);
	int looks = 1;

	while (find(address) == 0 && route_wait(&route, d) == 0)
		looks++;
	return looks;
}

static void takes_step(const char *address, void (*step)(void))
{
	pid_t pid = later(step);
	int looks = wait_for_route(address, LONG_MS);
	uint64_t us = clock_us() - *stepped_us;

	is_int(find(address), 1, "%s is found: %s", address, f.why);
	/* A fraction of a millisecond, but on a machine that has other work. */
	ok(us < 1000000, "%llu us after the step", (unsigned long long)us);
	ok(looks < 30, "after %d looks", looks);
	FIXTURE_MUST(waitpid(pid, NULL, 0) == pid);
}

static void loopback_up(void)
{
	set_up("lo", true);
}

static void test_wait(void)
{
	uint64_t began = clock_us();
	int r;

	while (route_wait(&route, deadline_in_ms(0)) == 0)
		;
	r = route_wait(&route, deadline_in_ms(150));
	ok(r == -ETIMEDOUT && clock_us() - began >= 150000, "nothing happens: that is no change");
	finds(HOME, 0, EXITCODE_NO_NETWORK);
	is_int(connect_to(HOME, 443, LONG_MS), -ENETUNREACH, "nobody connects without a network");
	is_int(f.code, EXITCODE_NO_NETWORK, "%s", f.why);
	takes_step(HOME, loopback_up);
	set_up("lo", false);
	is_int(route_wait(&route, deadline_in_ms(LONG_MS)), 0, "a link that goes is a change");
	set_up("lo", true);
	is_int(route_wait(&route, deadline_in_ms(LONG_MS)), 0, "and so is one that comes");
	is_int(find("::1"), 1, "the loopback has an address of IPv6, too: %s", f.why);
}

static void test_connect(const char *address)
{
	int fd, server, peer, on = 0, filled[8];
	unsigned int port = listener(address, 1, &server), i;
	socklen_t len = sizeof(on);
	uint64_t began, ms;

	fd = connect_to(address, port, LONG_MS);
	ok(fd >= 0, "%s: %s", address, f.why);
	ok((fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC),
	   "it does not block, and no other program gets it");
	ok(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on, "nothing is held back");
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	ok(peer >= 0 && send(peer, "x", 1, 0) == 1 &&
		   poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, LONG_MS) == 1 &&
		   recv(fd, &on, 1, 0) == 1,
	   "it is connected");
	(void)close(peer);
	(void)close(fd);
	/* Nobody accepts: the kernel drops what comes when its queue is full. */
	for (i = 0; i < ARRAY_SIZE(filled); i++)
		filled[i] = connect_to(address, port, 100);
	began = clock_us();
	is_int(connect_to(address, port, 300), -ETIMEDOUT, "a broker that does not answer");
	ms = (clock_us() - began) / 1000;
	ok(f.code == EXITCODE_CONNECTION && ms >= 300 && ms < 1300, "%llu ms: %s",
	   (unsigned long long)ms, f.why);
	is_int(connect_to(address, port, 0), -ETIMEDOUT, "a deadline that has passed");
	for (i = 0; i < ARRAY_SIZE(filled); i++)
		if (filled[i] >= 0)
			(void)close(filled[i]);
	(void)close(server);
	is_int(connect_to(address, port, LONG_MS), -ECONNREFUSED, "a port that nobody has");
	ok(f.code == EXITCODE_CONNECTION && strstr(f.why, address) && strstr(f.why, "refused"),
	   "%s", f.why);
}

static void near_up(void)
{
	set_up("other", true);
	set_up("nic", true);
	set_address("nic", "192.0.2.2", 24, true);
}

static void far_up(void)
{
	set_route("nic", FAR, 0, RTN_UNICAST, true);
}

static void near6_up(void)
{
	set_address("nic", "2001:db8::2", 64, true);
}

/* An address that another one on the link may have: it is none for a second. */
static void test_tentative(void)
{
	pid_t pid = later(near6_up);
	uint64_t us;

	(void)wait_for_route(NEAR6, LONG_MS);
	us = clock_us() - *stepped_us;
	FIXTURE_MUST(waitpid(pid, NULL, 0) == pid);
	is_int(find(NEAR6), 1, "%s is found: %s", NEAR6, f.why);
	ok(us > 100000, "when the address is not tentative any more: %llu us",
	   (unsigned long long)us);
}

static void test_links(void)
{
	static const unsigned char forbidden[] = { RTN_UNREACHABLE, RTN_PROHIBIT, RTN_BLACKHOLE };
	size_t i;

	finds(NEAR, 0, EXITCODE_NO_NETWORK);
	set_up("nic", true);
	finds(NEAR, 0, EXITCODE_NO_NETWORK);
	takes_step(NEAR, near_up);
	finds(FAR, 0, EXITCODE_NO_ROUTE);
	is_int(connect_to(FAR, 443, LONG_MS), -ENETUNREACH, "nothing connects to it");
	ok(f.code == EXITCODE_NO_ROUTE && strstr(f.why, FAR), "%s", f.why);
	finds(NEAR6, 0, EXITCODE_NO_ROUTE);
	takes_step(FAR, far_up);
	for (i = 0; i < ARRAY_SIZE(forbidden); i++) {
		set_route("nic", FAR, 32, forbidden[i], true);
		finds(FAR, 0, EXITCODE_NO_ROUTE);
		set_route("nic", FAR, 32, forbidden[i], false);
	}
	is_int(find(FAR), 1, "without them it is found again");
	set_address("nic", "192.0.2.2", 24, false);
	finds(NEAR, 0, EXITCODE_NO_NETWORK);
	set_up("nic", false);
	finds(FAR, 0, EXITCODE_NO_NETWORK);
	set_up("nic", true);
	test_tentative();
}

int main(void)
{
	unsigned int fds;
	int r;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		printf("1..0 # SKIP no network of its own: %s\n", strerror(errno));
		return 0;
	}
	stepped_us = mmap(NULL, sizeof(*stepped_us), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST(stepped_us != MAP_FAILED);
	fds = fixture_fds();
	is_int(route_open(&route, &f), 0, "the kernel tells of changes: %s", f.why);
	test_addresses();
	test_wait();
	test_connect(HOME);
	test_connect("::1");
	r = make_veth("nic", "other");
	if (r < 0)
		ok(true, "links # SKIP no veth: %s", strerror(-r));
	else
		test_links();
	route_done(&route);
	route_done(&route);
	is_int(fixture_fds(), fds, "no descriptor is left");
	return tap_done();
}
