/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.c - the broker program: speaks with the key broker for the unlocking process.
 * Trusts nobody. May not open, connect or execute anything: it has two descriptors.
 */
#include <stdlib.h>

int main(void)
{
	return EXIT_FAILURE;
}
