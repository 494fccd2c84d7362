/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opened.h - what this boot has opened: left in /run by unlock, read by verify-root, by
 * verify-mounts and by raise-generation.
 *
 * Format, one line each, all of them for every volume and in this order:
 *   version=1
 *   volume=NAME
 *   root=0|1                  1: the root has to lie on it; so for exactly one volume
 *   spec=UUID=UUID            or LABEL= or PARTUUID=: what cocotab calls the device; - for others
 *   device=MAJOR:MINOR        of the mapping
 *   uuid=UUID                 of the mapping, as the device mapper knows it
 *   read-only=0|1
 *   target=START LENGTH TYPE PARAMETERS    the one target of the live table; no key in it
 *   min-generation=N          0 if none is pinned
 *   set-generation=N          the same
 */
#ifndef COCO_OPENED_H
#define COCO_OPENED_H

#include "volume/mapping.h"

#define OPENED_VOLUME_MAX 1280				       /* bytes of one volume's lines */
#define OPENED_MAX (CONF_VOLUMES_MAX * OPENED_VOLUME_MAX + 64) /* of the file, with a final NUL */

struct opened_volume {
	char name[CONF_NAME_SIZE];
	bool is_root;		 /* the root has to lie on it */
	struct device_spec spec; /* cocotab's; a path is read back as auto */
	struct mapping mapping;	 /* one target, active */
	uint64_t min_generation;
	uint64_t set_generation;
};

/*
 * Writes PATH_OPENED (0600) in one step.
 * Returns 0, -EINVAL if a mapping has not exactly one active target or holds a byte that a
 * line cannot, or if not exactly one volume is the root's; -E2BIG, or -errno.
 */
int opened_write(const struct root *root, const struct opened_volume *volumes, size_t nr);

/*
 * Reads it back: at most `max` volumes into *ret_volumes, at least one. Returns 0, -ENOENT if
 * there is no such file, -EINVAL if its content is not exactly of the form above, -E2BIG for
 * more volumes, or -errno.
 */
int opened_read(const struct root *root, struct opened_volume *ret_volumes, size_t max,
		size_t *ret_nr);

/* Parts of the two, apart for tests: the text alone, which opened_parse() changes in place. */
int opened_format(const struct opened_volume *volumes, size_t nr, char text[static OPENED_MAX]);
int opened_parse(char *text, struct opened_volume *ret_volumes, size_t max, size_t *ret_nr);

/* Removes the list: nothing is open any more. */
void opened_remove(const struct root *root);

#endif
