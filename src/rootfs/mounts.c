/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mounts.c - reads the list of mounts.
 * Trusts the kernel's list; what stands in it as source is only text. May not mount.
 */
#include "rootfs/mounts.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/paths.h"
#include "base/text.h"

#define MOUNTINFO_MAX (1024 * 1024)

void mounts_unescape(char *s)
{
	char *dst = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*dst++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*dst++ = *s;
		}
	}
	*dst = '\0';
}

/* The next word; single spaces stand between them, so an empty one is an error. */
static char *next(char **cursor)
{
	char *word = *cursor, *end = word + strcspn(word, " ");

	if (end == word)
		return NULL;
	*cursor = *end == '\0' ? end : end + 1;
	*end = '\0';
	return word;
}

static int parse_dev(char *word, dev_t *ret_dev)
{
	char *colon = strchr(word, ':');
	uint64_t major_nr, minor_nr;

	if (!colon)
		return -EINVAL;
	*colon = '\0';
	if (text_u64(word, UINT32_MAX, &major_nr) < 0 ||
	    text_u64(colon + 1, UINT32_MAX, &minor_nr) < 0)
		return -EINVAL;
	*ret_dev = makedev((unsigned int)major_nr, (unsigned int)minor_nr);
	return 0;
}

static int parse_line(char *line, struct mount *m)
{
	char *id = next(&line), *parent = next(&line), *dev = next(&line), *subtree, *point, *word;
	char *type, *source, *options;

	subtree = next(&line);
	point = subtree ? next(&line) : NULL;
	(void)next(&line); /* the mount's own options; where one word lacks, so do all behind it */
	do {
		word = next(&line);
	} while (word && strcmp(word, "-") != 0);
	type = word ? next(&line) : NULL;
	source = type ? next(&line) : NULL;
	options = source ? next(&line) : NULL;
	if (!options || text_u64(id, UINT64_MAX, &m->id) < 0 ||
	    text_u64(parent, UINT64_MAX, &m->parent) < 0 || parse_dev(dev, &m->dev) < 0)
		return -EINVAL;
	mounts_unescape(point);
	mounts_unescape(source);
	m->point = point;
	m->type = type;
	m->source = source;
	m->options = options;
	return 0;
}

int mounts_parse(char *text, struct mounts *ret_mounts)
{
	_cleanup_(mounts_done) struct mounts m = { .text = text };
	char *cursor, *line;

	m.list = calloc(MOUNTS_MAX, sizeof(*m.list));
	if (!m.list)
		return -ENOMEM;
	cursor = m.text;
	while ((line = text_word(&cursor, "\n"))) {
		if (m.nr == MOUNTS_MAX)
			return -E2BIG;
		if (parse_line(line, &m.list[m.nr]) < 0)
			return -EINVAL;
		m.nr++;
	}
	*ret_mounts = m;
	m = MOUNTS_NULL;
	return 0;
}

int mounts_read(const struct root *root, struct mounts *ret_mounts)
{
	char *text;
	ssize_t n;

	n = root_read_text(root, PATH_MOUNTINFO, MOUNTINFO_MAX, &text);
	return n < 0 ? (int)n : mounts_parse(text, ret_mounts);
}

void mounts_done(struct mounts *mounts)
{
	free(mounts->text);
	free(mounts->list);
	*mounts = MOUNTS_NULL;
}

const struct mount *mounts_on(const struct mounts *mounts, const char *path)
{
	const struct mount *found = NULL;
	size_t i;

	for (i = 0; i < mounts->nr; i++)
		if (strcmp(mounts->list[i].point, path) == 0)
			found = &mounts->list[i];
	return found;
}

bool mounts_is_below(const char *path, const char *top)
{
	size_t len = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return strncmp(path, top, len) == 0 && path[len] == '/' && path[len + 1] != '\0';
}

const struct mount *mounts_holding(const struct mounts *mounts, const char *path,
				   const struct mount *cover)
{
	const struct mount *found = NULL;
	size_t i;

	for (i = 0; i < mounts->nr; i++) {
		const struct mount *m = &mounts->list[i];

		if (m == cover || m->parent == cover->id)
			continue;
		if (strcmp(path, m->point) != 0 && !mounts_is_below(path, m->point))
			continue;
		if (!found || strlen(m->point) >= strlen(found->point))
			found = m;
	}
	return found;
}
