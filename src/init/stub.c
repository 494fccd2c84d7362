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

#define SYS_WRITE 1
#define SYS_OPEN 2
#define SYS_CLOSE 3
#define SYS_PAUSE 34
#define SYS_GETPID 39
#define SYS_EXECVE 59
#define SYS_REBOOT 169

/* reboot(2) */
#define REBOOT_MAGIC1 0xfee1deadUL
#define REBOOT_MAGIC2 0x28121969UL
#define REBOOT_POWER_OFF 0x4321fedcUL

/* unistd_64.h: the number in rax, arguments in rdi, rsi, rdx; the call uses rcx and r11. */
static long call(long number, const void *a, const void *b, const void *c)
{
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return r;
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

__attribute__((used)) static void start(const char *const *stack)
{
	static const char *const argv[] = { "coco-unlock", "init", (const char *)0 };
	static const char *const envp[] = { (const char *)0 };
	const char *const *strings = stack + 1, *const *variables = stack + (long)stack[0] + 2;

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
