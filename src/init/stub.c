/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stub.c - /init of an initramfs of our own: executes coco-unlock with arguments and an
 * environment of its own.
 * Trusts nothing of what the kernel has put on its stack: words of the command line that the kernel
 * does not know become arguments and variables of the first program (init/main.c,
 * unknown_bootoption()), and a variable such as LD_PRELOAD would run somebody else's code. They are
 * written to two files, which nobody reads before the guard has passed the command line. So this
 * is a program without a library and without a loader; for x86-64, as all machines with SEV and
 * TDX are.
 */
#include <fcntl.h>

#include "base/paths.h"

#define SYS_READ 0
#define SYS_WRITE 1
#define SYS_OPEN 2
#define SYS_CLOSE 3
#define SYS_PWRITE64 18
#define SYS_PAUSE 34
#define SYS_GETPID 39
#define SYS_EXECVE 59
#define SYS_MOUNT 165
#define SYS_UMOUNT2 166
#define SYS_REBOOT 169

/* mount(2) */
#define NOSUID_NODEV_NOEXEC 14L
#define DETACH 2L

/* reboot(2) */
#define REBOOT_MAGIC1 0xfee1deadUL
#define REBOOT_MAGIC2 0x28121969UL
#define REBOOT_POWER_OFF 0x4321fedcUL

/* unistd_64.h: the number in rax, arguments in rdi, rsi, rdx, r10, r8; the call uses rcx and r11.
 * Only mount(2) has a fifth, and none is needed. */
static long call4(long number, const void *a, const void *b, const void *c, const void *d)
{
	register const void *r10 __asm__("r10") = d;
	register const void *r8 __asm__("r8") = (void *)0;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return r;
}

static long call(long number, const void *a, const void *b, const void *c)
{
	return call4(number, a, b, c, (void *)0);
}

/* The kernel enters here without a call: the stack has the number of arguments, these, NULL, the
 * variables, NULL, and is not aligned as functions have it. */
__asm__(".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call start\n");

/* Writes the strings, each with its NUL, to a file that was not there. Returns whether it did. */
static int keep(const char *path, const char *const *strings)
{
	const char *end;
	long fd = call(SYS_OPEN, path, (void *)(O_CREAT | O_EXCL | O_WRONLY), (void *)0400L);

	for (; fd >= 0 && *strings; strings++) {
		for (end = *strings; *end; end++)
			;
		end++;
		if (call(SYS_WRITE, (void *)fd, *strings, (void *)(end - *strings)) !=
		    end - *strings)
			return 0;
	}
	return fd >= 0 && call(SYS_CLOSE, (void *)fd, (void *)0, (void *)0) == 0;
}

/*
 * Until the program can do it by itself, a panic would let the machine stand still: if the
 * program's libraries cannot be loaded, for instance. The value that was there is kept for the
 * program, which puts it back. Whatever of this fails, the program starts.
 */
static void end_by_panic(void)
{
	static char before[16]; /* ends with a NUL */
	const char *const strings[] = { before, (const char *)0 };
	long fd;

	if (call4(SYS_MOUNT, "proc", PATH_PROC, "proc", (void *)NOSUID_NODEV_NOEXEC) < 0)
		return;
	fd = call(SYS_OPEN, PATH_PANIC, (void *)(O_RDWR | O_CLOEXEC), (void *)0);
	if (fd >= 0) {
		if (call(SYS_READ, (void *)fd, before, (void *)(sizeof(before) - 1)) > 0 &&
		    keep(PATH_KERNEL_PANIC, strings))
			(void)call4(SYS_PWRITE64, (void *)fd, "1\n", (void *)2L, (void *)0);
		(void)call(SYS_CLOSE, (void *)fd, (void *)0, (void *)0);
	}
	(void)call(SYS_UMOUNT2, PATH_PROC, (void *)DETACH, (void *)0);
}

__attribute__((used)) static void start(const char *const *stack)
{
	static const char *const argv[] = { "coco-unlock", "init", (const char *)0 };
	static const char *const envp[] = { (const char *)0 };
	const char *const *strings = stack + 1, *const *variables = stack + (long)stack[0] + 2;

	if (call(SYS_GETPID, (void *)0, (void *)0, (void *)0) == 1)
		end_by_panic();
	/* Started with no argument at all it has no name, either. */
	if (keep(PATH_KERNEL_ARGV, stack[0] ? strings + 1 : strings) &&
	    keep(PATH_KERNEL_ENVP, variables))
		(void)call(SYS_EXECVE, "/usr/bin/coco-unlock", argv, envp);
	/* The image is broken, or there is no memory. Who is not PID 1 has no machine to end. */
	if (call(SYS_GETPID, (void *)0, (void *)0, (void *)0) == 1)
		(void)call(SYS_REBOOT, (void *)REBOOT_MAGIC1, (void *)REBOOT_MAGIC2,
			   (void *)REBOOT_POWER_OFF);
	/* An end would be a panic; this starts nothing else, either. */
	for (;;)
		(void)call(SYS_PAUSE, (void *)0, (void *)0, (void *)0);
}
