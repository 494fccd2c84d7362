/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gpt.h - looks at the bytes of a GPT, before and beside libfdisk.
 */
#ifndef COCO_OWNER_GPT_H
#define COCO_OWNER_GPT_H

#include "owner/disk/image.h"

/* True if the signature of a GPT is where it is with sectors of this size. */
bool gpt_has_signature(const struct image *image, uint32_t sector_size);

/*
 * What libfdisk must not see in any of the headers, or NULL: 2.38 takes as much memory as any of
 * them says, gigabytes, and only then looks at what there is; and it reads whole entries, however
 * small the header says that they are.
 */
const char *gpt_judge(const struct image *image, uint32_t sector_size);

/*
 * What is damaged in either of the two tables: a header or its entries; or NULL. libfdisk takes the
 * other one without a word. *ret_other says whether that one is whole. For a table that gpt_judge()
 * has nothing against.
 */
const char *gpt_find_damage(const struct image *image, uint32_t sector_size, bool *ret_other);

#endif
