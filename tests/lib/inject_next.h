/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inject_next.h - the function that a test's own definition has taken the place of.
 */
#ifndef INJECT_NEXT_H
#define INJECT_NEXT_H

#include <dlfcn.h>

#define INJECT_NEXT(fn) ((__typeof__(&fn))dlsym(RTLD_NEXT, #fn))

#endif
