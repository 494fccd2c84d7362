/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reference.c - reads what a line of cocotab says about the secret.
 * Trusts the file to be the owner's, not to be free of mistakes; may not do I/O.
 */
#include "conf/reference.h"

int reference_parse(const char *word, struct reference *ret_reference)
{
	*ret_reference = (struct reference){ .kind = REFERENCE_ENTRY, .has_guid = true };
	return guid_from_text(word, ret_reference->guid);
}
