/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seccomp.h - parts of a filter: a list of the calls that a process may still make. Any other one
 * ends it.
 * Interface: Linux' Documentation/userspace-api/seccomp_filter.rst.
 */
#ifndef COCO_SECCOMP_H
#define COCO_SECCOMP_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/util.h"

/* Linux' include/uapi/linux/audit.h: a call number means nothing without its architecture. */
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#elif defined(__s390x__)
#define NATIVE_ARCH AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCH AUDIT_ARCH_PPC64LE
#else
#error "seccomp.h does not know this architecture's AUDIT_ARCH value"
#endif

/* What poll(3) calls. */
#if defined(__aarch64__)
#define SECCOMP_NR_POLL SYS_ppoll
#else
#define SECCOMP_NR_POLL SYS_poll
#endif

#define SECCOMP_LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SECCOMP_YES BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define SECCOMP_KILL BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* The first of a filter. */
#define SECCOMP_BEGIN                                                                             \
	SECCOMP_LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0), SECCOMP_KILL, \
		SECCOMP_LOAD(nr)

#define SECCOMP_ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), SECCOMP_YES

/* Linux' Documentation/networking/ip-sysctl.rst, tcp_fastopen: a send that connects, to anywhere,
 * once the socket was reset. The low half of args[3]: */
#define SECCOMP_ALLOW_SEND                                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 0, 4),                          \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                      \
			 offsetof(struct seccomp_data, args[3]) +                       \
				 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),     \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MSG_FASTOPEN, 0, 1), SECCOMP_KILL, \
		SECCOMP_YES

/* The last: malloc may have memory, but not to run code in. The low half of args[2]: */
#define SECCOMP_ALLOW_MEMORY                                                                     \
	SECCOMP_ALLOW(SYS_brk), SECCOMP_ALLOW(SYS_munmap), SECCOMP_ALLOW(SYS_mremap),            \
		SECCOMP_ALLOW(SYS_madvise), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0), \
		SECCOMP_KILL,                                                                    \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                               \
			 offsetof(struct seccomp_data, args[2]) +                                \
				 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)),              \
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0), SECCOMP_YES, SECCOMP_KILL

/* The calling process has no other calls from here on, and gets no new rights by an exec. Returns 0
 * or -errno. */
int seccomp_enter(struct sock_filter *filter, size_t nr) _must_check_;

#endif
