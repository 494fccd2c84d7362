/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * network.h - takes down the network that an initramfs has brought up to ask a key broker.
 */
#ifndef COCO_NETWORK_H
#define COCO_NETWORK_H

#include "base/fault.h"

/*
 * Takes down every link but the loopback, and takes away all addresses and routes of the others;
 * then looks whether anything is left. Whoever brings links up must have ended before. Returns 0,
 * or -errno with f saying internal.
 */
int network_drop(struct fault *f);

#endif
