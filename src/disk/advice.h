/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice.h - what the owner can do about a header that breaks a rule, where that is known.
 */
#ifndef COCO_ADVICE_H
#define COCO_ADVICE_H

#include "disk/policy.h"

#define ADVICE_SIZE 288 /* with the final NUL */

/*
 * Fills ret_text with the next step, which begins with the condition that makes it right ("if you
 * have ..."), since the host may have written the header; or with an empty text, where there is no
 * better one than the code's. v->rule names the rule; whatever else v holds may come from a judge
 * that a header has taken over, and is used as a number only.
 * metadata is what was judged for the volume vc, device_size in bytes.
 */
void advice_on(const struct verdict *v, const unsigned char *metadata, const struct volume_conf *vc,
	       uint64_t device_size, char ret_text[ADVICE_SIZE]);

/* A size of one copy of the metadata, in bytes, as cocotab has it; NULL if no tool makes it. */
const char *advice_size_name(uint64_t size);

#endif
