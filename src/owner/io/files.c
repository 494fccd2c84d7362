/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.c - compares the files of a run by what they are, not by their names.
 * Trusts the file system's numbers. Of what it is given it opens block devices only; may not write.
 */
#include "owner/io/files.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "owner/io/file.h"

/* What a name stands for. */
struct identity {
	enum { NOTHING, FILE_THERE, DEVICE, PLACE } kind; /* PLACE: a file that is not there yet */
	dev_t dev; /* of the file, of the device, or of the directory */
	ino_t ino;
	char last[NAME_MAX + 1]; /* of a place: its name in the directory */
};

struct files_one {
	const struct option_row *row;
	const char *label;
	char *path;
	bool on_the_way;	    /* NAME.coco-new */
	struct identity is, behind; /* behind: of a loop device, its file */
};

static bool is_written(const struct files_one *one)
{
	return one->row->use == OPTION_USE_WRITE || one->row->use == OPTION_USE_CHANGE ||
	       one->row->use == OPTION_USE_DISK;
}

static bool is_stream(const struct files_one *one)
{
	return !one->on_the_way && strcmp(one->path, "-") == 0;
}

static void take_stat(const struct stat *st, struct identity *ret)
{
	if (S_ISREG(st->st_mode))
		*ret = (struct identity){ .kind = FILE_THERE,
					  .dev = st->st_dev,
					  .ino = st->st_ino };
	else if (S_ISBLK(st->st_mode))
		*ret = (struct identity){ .kind = DEVICE, .dev = st->st_rdev };
}

/* The directory and the name in it of a file that is not there. */
static void take_place(const char *path, struct identity *ret)
{
	char dir[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
	struct stat st;

	if (slash &&
	    snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path + 1), path) >= (int)sizeof(dir))
		return;
	if (strlen(last) >= sizeof(ret->last) || stat(dir, &st) < 0)
		return;
	*ret = (struct identity){ .kind = PLACE, .dev = st.st_dev, .ino = st.st_ino };
	memcpy(ret->last, last, strlen(last) + 1);
}

/* The file behind a loop device, or behind the one that a partition is of. */
static void take_backing(const struct files_one *one, struct identity *ret)
{
	_cleanup_close_ int fd =
		is_stream(one) ?
			fcntl(is_written(one) ? STDOUT_FILENO : STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
			open(one->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat file;

	if (fd >= 0 && io_loop_file(fd, &file, NULL) > 0)
		*ret = (struct identity){ .kind = FILE_THERE,
					  .dev = file.st_dev,
					  .ino = file.st_ino };
}

static void identify(struct files_one *one)
{
	struct stat st;

	if (is_stream(one)) {
		if (fstat(is_written(one) ? STDOUT_FILENO : STDIN_FILENO, &st) == 0)
			take_stat(&st, &one->is);
	} else if (stat(one->path, &st) == 0) {
		take_stat(&st, &one->is);
	} else if (errno == ENOENT && is_written(one)) {
		take_place(one->path, &one->is);
	}
	if (one->is.kind == DEVICE)
		take_backing(one, &one->behind);
}

static bool same(const struct identity *a, const struct identity *b)
{
	return a->kind != NOTHING && a->kind == b->kind && a->dev == b->dev && a->ino == b->ino &&
	       strcmp(a->last, b->last) == 0;
}

static bool is_same_file(const struct files_one *a, const struct files_one *b)
{
	return same(&a->is, &b->is) || same(&a->is, &b->behind) || same(&a->behind, &b->is) ||
	       same(&a->behind, &b->behind);
}

static int add_path(struct files *files, const struct option_row *row, const char *label,
		    const char *path, size_t len, bool on_the_way, struct fault *f)
{
	struct files_one *list = reallocarray(files->list, files->nr + 1, sizeof(*list));
	struct files_one *one;

	if (!list)
		return fault_io(f, label, -ENOMEM, "cannot look at it");
	files->list = list;
	one = &list[files->nr];
	*one = (struct files_one){ .row = row, .label = label, .on_the_way = on_the_way };
	if (asprintf(&one->path, "%.*s%s", (int)len, path, on_the_way ? FILE_NEW_SUFFIX : "") < 0)
		return fault_io(f, label, -ENOMEM, "cannot look at it");
	files->nr++;
	identify(one);
	return 0;
}

int files_add(struct files *files, const struct option_row *row, const char *label,
	      const char *name, struct fault *f)
{
	size_t len;
	int r;

	if (!name || row->use == OPTION_USE_NONE)
		return 0;
	if (row->use == OPTION_USE_ENTRY) {
		name = strchr(name, '=');
		if (!name)
			return 0; /* the verb refuses it */
		name++;
	}
	len = strlen(name);
	/* As image_open() takes it: a file whose own name has the # is that file. */
	if ((row->use == OPTION_USE_DISK || row->use == OPTION_USE_LOOK) &&
	    access(name, F_OK) < 0 && strrchr(name, '#'))
		len = (size_t)(strrchr(name, '#') - name);
	r = add_path(files, row, label, name, len, false, f);
	if (r >= 0 && (row->use == OPTION_USE_WRITE || row->use == OPTION_USE_CHANGE) &&
	    strcmp(name, "-") != 0)
		r = add_path(files, row, label, name, len, true, f);
	return r;
}

static int add_operands(struct files *files, const struct option_row *rows, int nr, char **operands,
			struct fault *f)
{
	const struct option_row *row = NULL;
	int i, r = 0;

	for (i = 0; i < nr && r >= 0; i++) {
		for (; rows->kind != OPTION_KIND_END && rows->kind != OPTION_KIND_OPERAND; rows++)
			;
		if (rows->kind != OPTION_KIND_END)
			row = rows++;
		else if (row && row->use != OPTION_USE_ENTRY)
			return 0; /* more than the verb takes: it says so */
		if (row)
			r = files_add(files, row, row->name, operands[i], f);
	}
	return r;
}

int files_add_all(struct files *files, const struct option_row *rows, const void *values, int nr,
		  char **operands, struct fault *f)
{
	const struct option_row *row;
	int r = add_operands(files, rows, nr, operands, f);
	size_t i;

	for (row = rows; row->kind != OPTION_KIND_END && r >= 0; row++) {
		const void *at = (const char *)values + row->offset;

		if (row->kind == OPTION_KIND_TEXT)
			r = files_add(files, row, row->name, *(const char *const *)at, f);
		if (row->kind != OPTION_KIND_LIST)
			continue;
		for (i = 0; i < ((const struct option_list *)at)->nr && r >= 0; i++)
			r = files_add(files, row, row->name,
				      ((const struct option_list *)at)->texts[i], f);
	}
	return r;
}

/* "--output", or an operand as it is. */
static const char *dashes(const struct files_one *one)
{
	return one->row->kind == OPTION_KIND_OPERAND ? "" : "--";
}

static int refuse_stream(const struct files_one *one, const char *why, struct fault *f)
{
	char what[64];

	(void)snprintf(what, sizeof(what), "%s%s", dashes(one), one->label); /* fits */
	return fault_about(f, EXITCODE_USAGE, what, "give a file; ./- is one that is called so",
			   "%s", why);
}

static int check_stream(const struct files *files, size_t i, struct fault *f)
{
	const struct files_one *one = &files->list[i];
	bool written = one->row->use == OPTION_USE_WRITE;
	size_t k;

	if (one->row->use == OPTION_USE_DISK || one->row->use == OPTION_USE_LOOK)
		return refuse_stream(one, "'-' is standard input, and that is no disk", f);
	if (one->row->use == OPTION_USE_CHANGE)
		return refuse_stream(one, "'-' is standard input, and this file may be replaced",
				     f);
	if (written && !one->row->stream)
		return refuse_stream(one,
				     "'-' is standard output, and this must be a file that is on "
				     "its disk before the work goes on",
				     f);
	for (k = 0; k < i; k++)
		if (is_stream(&files->list[k]) && is_written(&files->list[k]) == written)
			return refuse_stream(one,
					     written ? "standard output is taken already" :
						       "standard input was read already",
					     f);
	return 0;
}

static bool is_meant(const struct files_one *written, const struct files_one *other)
{
	return written->row->spares && !written->on_the_way && !other->on_the_way &&
	       strcmp(written->row->spares, other->label) == 0;
}

static int check_pair(const struct files_one *a, const struct files_one *b, struct fault *f)
{
	const struct files_one *written = is_written(b) && b->row->use != OPTION_USE_DISK ? b : a;
	const struct files_one *other = written == a ? b : a;
	char next[128];

	if ((!is_written(a) && !is_written(b)) || !is_same_file(a, b) || is_meant(written, other))
		return 0;
	if (!is_written(written)) {
		written = other;
		other = written == a ? b : a;
	}
	(void)snprintf(next, sizeof(next), "give another file for %s%s", dashes(written),
		       written->label); /* fits */
	return fault_about(f, EXITCODE_REFUSED, other->path, next,
			   "it is the file of %s%s%s, and %s%s%s would be written over it",
			   dashes(other), other->label, other->on_the_way ? " on its way" : "",
			   dashes(written), written->label,
			   written->on_the_way ? ", on its way," : "");
}

int files_check(const struct files *files, struct fault *f)
{
	size_t i, k;
	int r = 0;

	for (i = 0; i < files->nr && r >= 0; i++)
		if (is_stream(&files->list[i]))
			r = check_stream(files, i, f);
	for (i = 0; i < files->nr && r >= 0; i++)
		for (k = 0; k < i && r >= 0; k++)
			r = check_pair(&files->list[k], &files->list[i], f);
	return r;
}

void files_done(struct files *files)
{
	size_t i;

	for (i = 0; i < files->nr; i++)
		free(files->list[i].path);
	free(TAKE_PTR(files->list));
	files->nr = 0;
}
