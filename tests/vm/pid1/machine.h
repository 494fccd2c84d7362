/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.h - makes a guest in which PID 1 of a namespace has just run as good as new.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#define MACHINE_IMAGE "/t" /* where the image is, for the next run */

/* The kernel's file systems, and what of the machine is to be as it is now. Ends the guest if it
 * cannot. */
void machine_begin(void);

/* One line on the console, which nothing cuts in two. */
void machine_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void machine_die(const char *what);

/* A fresh copy of the image in memory, and the launch secret where the firmware had it. */
void machine_fresh(void);

/* Takes away what a run has left: the image, mappings, modules, settings. Returns how many mappings
 * there were. */
unsigned int machine_clean(void);

/* A setting of the kernel that is not as it was, or NULL. */
const char *machine_changed(void);

/* Bytes of the secret that are still in the area. */
size_t machine_secret_left(void);

/* Is this device the mapping of the owner's root? */
bool machine_is_root(unsigned int major, unsigned int minor);

/* Text of a file, up to size - 1 bytes; empty if it cannot be read. */
char *machine_text(const char *path, char *text, size_t size);

#endif
