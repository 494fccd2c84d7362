/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route.h - waits for a route to the broker, and connects.
 */
#ifndef COCO_ROUTE_H
#define COCO_ROUTE_H

#include "base/deadline.h"
#include "base/fault.h"

struct route {
	int fd; /* rtnetlink, -EBADF before route_open() */
};

#define ROUTE_NULL ((struct route){ -EBADF })

/* Listens to changes of links, addresses and routes: what happens later is not missed. Returns 0,
 * or -errno with f saying internal. */
int route_open(struct route *ret_route, struct fault *f) _must_check_;
void route_done(struct route *route);

/*
 * Waits until the kernel has a route to the address (an IP literal), and connects at once; what
 * cannot connect before connect_ms has passed has failed. address and port come from the image.
 * Returns a connected, non-blocking descriptor with TCP_NODELAY, or -errno with f saying no-network
 * (no link that is up has an address), no-route, or connection.
 */
int route_connect(struct route *route, const char *address, unsigned int port,
		  unsigned int connect_ms, struct deadline deadline, struct fault *f) _must_check_;

#endif
