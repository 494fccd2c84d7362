/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp.c - gives a process its filter.
 * Trusts the filter; may not end the process, that is the kernel's.
 */
#include "base/seccomp.h"

#include <sys/prctl.h>

int seccomp_enter(struct sock_filter *filter, size_t nr)
{
	struct sock_fprog program = { .len = (unsigned short)nr, .filter = filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}
