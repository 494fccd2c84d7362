/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * traced.h - one run of the image's /init as PID 1 of a PID namespace, under ptrace.
 */
#ifndef TRACED_H
#define TRACED_H

#include <stdbool.h>
#include <sys/types.h>

#define TRACED_CALLS 512
#define TRACED_ALL (-1)
#define TRACED_NONE (-2)

/* What is to happen. */
struct plan {
	int call;	  /* its number; TRACED_ALL: all are counted; TRACED_NONE */
	unsigned int nth; /* of all processes together, from 1; 0: none fails */
	int error;
	unsigned int kill_ms; /* after so long one of the descendants is killed; 0: none */
	unsigned int which;
	bool weigh; /* memory is looked at, at each call */
};

enum end {
	END_REFUSED, /* reboot(2), or the kernel was asked for it in another way */
	END_ROOT,    /* a program of the mounted root is executed: the run ends there */
	END_DEAD,    /* PID 1 has ended: a panic */
	END_HANGS,
	_END_MAX,
};

struct run {
	enum end end;
	unsigned int uses[TRACED_CALLS]; /* of what is counted */
	bool hit;			 /* it has failed */
	char hit_by[64];		 /* the process: its place in the tree, and its name */
	int killed;			 /* 1: a descendant was killed */
	int command;			 /* of reboot(2) */
	char trigger;			 /* what was written for SysRq, or 0 */
	int status;			 /* of PID 1, as wait(2) has it */
	int code;			 /* of the status file at the end; -1: there is none */
	bool heard;			 /* its lines come to the log */
	bool looked[2];			 /* both looks have said that all is well */
	unsigned int ms;
	unsigned long pss_kib, rss_kib, largest_kib; /* at the largest sum */
	char strange[320];			     /* the first thing that must not be */
};

void traced_run(const struct plan *plan, unsigned int limit_ms, struct run *ret);

#endif
