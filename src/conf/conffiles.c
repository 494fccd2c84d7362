/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conffiles.c - finds the files of the configuration and the order in which they count, and names
 * them all by one digest.
 * Trusts the files of the initramfs to be the owner's; understands nothing of what is in them.
 */
#include "conf/conffiles.h"

#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "conf/conf.h"

#define CONF_DROPINS_MAX 64
#define PATH_SIZE 512 /* bytes of a path with the final NUL, and of a line around it */

struct taker {
	int (*take)(const char *path, char *text, size_t len, void *data, struct fault *f);
	void *data;
};

/* `listed`: a directory has this name, so that it is no answer that it is not there. */
static int take_file(const struct root *root, const char *path, bool listed,
		     const struct taker *taker, struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n;

	n = root_read_text(root, path, CONF_FILE_MAX, &text);
	if (n == -ENOENT && !listed)
		return 0;
	if (n < 0)
		return fault_errno(f, EXITCODE_CONFIG, (int)n, "%s", path);
	return taker->take(path, text, (size_t)n, taker->data, f);
}

struct dropin {
	char name[256];
	const char *dir;
};

struct dropins {
	struct dropin *list;
	size_t nr;
	const char *dir; /* that is being read */
};

static int dropin_compare(const void *a, const void *b)
{
	return strcmp(((const struct dropin *)a)->name, ((const struct dropin *)b)->name);
}

/* Adds a name that ends in .conf; one that is there already keeps its place and takes the new
 * directory, so that /etc wins over /usr/lib. */
static int dropin_add(const char *name, void *data)
{
	struct dropins *d = data;
	size_t len = strlen(name), i;

	if (len < 6 || strcmp(name + len - 5, ".conf") != 0 || *name == '.')
		return 0;
	for (i = 0; i < d->nr; i++)
		if (strcmp(d->list[i].name, name) == 0)
			break;
	if (i == CONF_DROPINS_MAX)
		return -E2BIG;
	memcpy(d->list[i].name, name, len + 1);
	d->list[i].dir = d->dir;
	if (i == d->nr)
		d->nr++;
	return 0;
}

static int take_dropins(const struct root *root, const struct taker *taker, struct fault *f)
{
	static const char *const dirs[] = { PATH_CONF_D_USR, PATH_CONF_D_ETC };
	_cleanup_free_ struct dropin *list = calloc(CONF_DROPINS_MAX, sizeof(*list));
	struct dropins d = { .list = list };
	char path[PATH_SIZE - 4];
	size_t i;
	int r;

	if (!list)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the configuration");
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		d.dir = dirs[i];
		r = root_walk(root, dirs[i], 0, dropin_add, &d);
		if (r < 0 && r != -ENOENT)
			return fault_errno(f, EXITCODE_CONFIG, r, "%s", dirs[i]);
	}
	qsort(list, d.nr, sizeof(*list), dropin_compare);
	for (i = 0; i < d.nr; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", list[i].dir, list[i].name); /* fits */
		r = take_file(root, path, true, taker, f);
		if (r < 0)
			return r;
	}
	return 0;
}

int conffiles_walk(const struct root *root,
		   int (*take)(const char *path, char *text, size_t len, void *data,
			       struct fault *f),
		   void *data, struct fault *f)
{
	const struct taker taker = { .take = take, .data = data };
	int r;

	r = take_file(root, PATH_CONF, false, &taker, f);
	if (r < 0)
		return r;
	return take_dropins(root, &taker, f);
}

/* The lines of sha256sum(1). */
struct lines {
	char *text;
	size_t size;
};

static int add_line(const char *path, char *text, size_t len, void *data, struct fault *f)
{
	struct lines *lines = data;
	char hex[DIGEST_TEXT_SIZE];
	struct digest digest;

	if (digest_sha256(text, len, &digest) < 0)
		return fault_set(f, EXITCODE_CONFIG, ENOTSUP, "libcrypto has no SHA-256");
	digest_text(&digest, hex);
	text_append(lines->text, lines->size, "%s  %s\n", hex, path); /* fits */
	return 0;
}

int conf_digest(const struct root *root, struct digest *ret_digest, struct fault *f)
{
	const size_t size = (CONF_DROPINS_MAX + 3) * (DIGEST_TEXT_SIZE + PATH_SIZE);
	_cleanup_free_ char *text = calloc(1, size);
	struct lines lines = { .text = text, .size = size };
	const struct taker taker = { .take = add_line, .data = &lines };
	int r;

	if (!text)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for the configuration");
	r = conffiles_walk(root, add_line, &lines, f);
	if (r >= 0)
		r = take_file(root, PATH_COCOTAB, false, &taker, f);
	if (r >= 0)
		r = take_file(root, PATH_POLICY, false, &taker, f);
	if (r < 0)
		return r;
	if (digest_sha256(text, strlen(text), ret_digest) < 0)
		return fault_set(f, EXITCODE_CONFIG, ENOTSUP, "libcrypto has no SHA-256");
	return 0;
}
