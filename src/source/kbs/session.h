/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one session with one broker: attestation, and then its resources.
 */
#ifndef COCO_SESSION_H
#define COCO_SESSION_H

#include "base/secret.h"
#include "source/kbs/client.h"
#include "source/kbs/tsm.h"
#include "source/table.h"

/* One thing to be fetched; volumes may share it. */
struct resource {
	const char *path;     /* repo/type/tag */
	struct secret secret; /* what came */
	struct table table;   /* where things are in it, if it is a table */
};

/* What all sessions of a boot have in common; public data, read before the first of them. */
struct session_input {
	const struct root *root;
	const struct kbs_conf *conf;
	const char *tee; /* "snp" or "tdx" */
	char provider[TSM_PROVIDER_SIZE];
	struct frame_field ca;	      /* the file of BrokerCA=, owned */
	struct frame_field vcek;      /* that of VCEK=, owned */
	struct frame_field event_log; /* the firmware's, owned */
	struct deadline deadline;
};

/*
 * Speaks with a broker over a descriptor that connects, or is connected, and stays the caller's.
 * connect: until when it has to be. The EC key is made for this session and wiped before it
 * returns, and the broker program is gone. Returns 0 with all resources filled, or -errno with a,
 * and none of them filled.
 */
int session_run(const struct session_input *in, const struct broker_url *url, int tcp,
		struct deadline connect, struct resource *resources, size_t nr, struct attempt *a);

#endif
