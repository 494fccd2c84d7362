/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbs.h - secrets that a key broker releases to a guest that has proved what it is: Trustee's KBS,
 * protocol RCAR 0.4.0, with a report of SEV-SNP or TDX.
 */
#ifndef COCO_KBS_H
#define COCO_KBS_H

#include "source/source.h"

/*
 * probe: is a provider of reports registered? See provider.h. Absent: no-provider.
 *
 * open: waits for a route, attests, and fetches all resources that the volumes need in one session
 * with one broker, before src->deadline. What can be tried again is tried again until then; the
 * fault is that of the attempt that came furthest, and names what each broker has done. Errors:
 * config (a file of the image), and no-network to no-answer of exitcode.h.
 *
 * list, fetch: what is in the tables, or the bare secrets. Two tables with a policy entry:
 * policy-invalid.
 *
 * discard: wipes our copies. The broker keeps its own, and the guest can ask it again.
 */
extern const struct source_ops source_kbs;

#endif
