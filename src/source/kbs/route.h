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
 * Has the kernel a route to this address (an IP literal)? Returns 1, or 0 with f saying no-network
 * (no link that is up has an address) or no-route, or -errno with f saying internal.
 */
int route_find(struct route *route, const char *address, struct fault *f) _must_check_;

/* Waits for a change since route_open() that has not been waited for yet. Returns 0, or
 * -ETIMEDOUT. */
int route_wait(struct route *route, struct deadline deadline);

/*
 * Begins to connect to an address and port, both from the image. Returns a non-blocking descriptor
 * with TCP_NODELAY, or -errno with f saying connection, or no-route if the route has gone.
 */
int route_connect(const char *address, unsigned int port, struct fault *f) _must_check_;

/* Waits until it is connected. Returns 0, or -errno with f saying connection; -ETIMEDOUT at the
 * deadline. */
int route_connected(int fd, const char *address, unsigned int port, struct deadline deadline,
		    struct fault *f) _must_check_;

#endif
