/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.h - the policy in a process of its own: no secret, no file, nothing but one socket
 * and memory that it can only read.
 */
#ifndef COCO_JUDGE_H
#define COCO_JUDGE_H

#include <sys/types.h>

#include "disk/policy.h"

struct judge_process {
	int fd;			 /* socket to it, owned */
	pid_t pid;		 /* 0: none */
	unsigned char *metadata; /* memory that it can read and we can write, owned */
	size_t size;		 /* bytes of that */
};

#define JUDGE_NULL ((struct judge_process){ .fd = -EBADF })

/*
 * Forks the process, which knows the configuration and nothing else, and enters seccomp.
 * Call it before the first secret is read. Returns 0 or -errno with f saying judge-failed.
 */
int judge_start(const struct conf *conf, struct judge_process *ret_judge, struct fault *f);

/*
 * Has both copies of a header judged, as policy_judge() does, for volume number `volume` of the
 * configuration, which says how long they are. What it answers is checked for ranges, so that a
 * judge that a header has taken over can say yes or no and nothing else. Returns 0, or -errno with
 * f saying header-refused (ret_verdict->rule names the rule), no-memory or judge-failed.
 */
int judge_ask(const struct judge_process *judge, const struct conf *conf, size_t volume,
	      const unsigned char *metadata, const struct device *device,
	      struct verdict *ret_verdict, struct fault *f);

/* Ends the process. */
void judge_done(struct judge_process *judge);

#endif
