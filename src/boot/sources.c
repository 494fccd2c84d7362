/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sources.c - the table of sources: a new one is a file and a row here.
 * Constant; the host has no say in it.
 */
#include "boot/sources.h"

#include "source/efi.h"
#include "source/kbs/kbs.h"

const struct source_row sources[SOURCES_MAX + 1] = {
	{ SOURCE_KBS, &source_kbs },
	{ SOURCE_EFI, &source_efi },
};
