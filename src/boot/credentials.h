/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials.h - credentials of systemd that the host offers.
 */
#ifndef COCO_CREDENTIALS_H
#define COCO_CREDENTIALS_H

#include "base/fault.h"
#include "base/root.h"

/*
 * For an initramfs of our own: nobody has imported credentials before us, but the root's systemd
 * will, and units, mounts and passwords can be made of them. Looks where it does (systemd,
 * src/core/import-creds.c): fw_cfg's folder opt/io.systemd.credentials, and strings of SMBIOS
 * (DSP0134 7.12, OEM Strings, type 11) that begin with io.systemd.credential. Loads the modules
 * that show them; where the image has none, the root has none (coco-mkinitramfs).
 * Returns 0, or -errno with f saying foreign-credential.
 */
int credentials_refuse_offered(const struct root *root, struct fault *f);

#endif
