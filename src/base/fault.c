/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - records the first cause of a failure as one printable sentence.
 * Trusts no byte of the text's arguments but next steps, which are ours; may not print.
 */
#include "base/fault.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

/* error: a number whose text is appended, or 0. */
static void record(struct fault *f, enum exitcode code, int error, const char *fmt, va_list ap)
{
	char raw[FAULT_WHY_MAX];

	(void)vsnprintf(raw, sizeof(raw), fmt, ap); /* a long sentence is cut on purpose */
	if (error)
		text_append(raw, sizeof(raw), ": %s", strerror(error));
	*f = (struct fault){ .code = code };
	text_printable(raw, f->why, sizeof(f->why));
}

int fault_set(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK)
		record(f, code, 0, fmt, ap);
	va_end(ap);
	return -errno_value;
}

int fault_replace(struct fault *f, enum exitcode code, int errno_value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(f, code, 0, fmt, ap);
	va_end(ap);
	f->outranks = true;
	return -errno_value;
}

void fault_merge(struct fault *f, const struct fault *other)
{
	if (other->code != EXITCODE_OK && (f->code == EXITCODE_OK || other->outranks))
		*f = *other;
}

int fault_errno(struct fault *f, enum exitcode code, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK)
		record(f, code, -r, fmt, ap);
	va_end(ap);
	return r;
}

/* RFC 3629, 4: how many bytes the letter of UTF-8 at p has; 0 if there is none. */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, least, most; /* of the first byte, and of the second */
		size_t len;
	} kinds[] = {
		{ 0x01, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (p[0] >= kinds[i].first && p[0] <= kinds[i].last)
			break;
	if (i == ARRAY_SIZE(kinds) || p[1] < kinds[i].least || p[1] > kinds[i].most)
		return 0;
	for (n = 2; n < kinds[i].len; n++)
		if (p[n] < 0x80 || p[n] > 0xbf)
			return 0;
	return kinds[i].len;
}

/* Steps over one letter, or over a byte that is none. True if a terminal would obey it: ISO 6429
 * has C0, DEL and C1, which are 0x80 to 0x9f, alone or as UTF-8. */
static bool is_control(const char *text, size_t *ret_len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = utf8_length(p);

	*ret_len = len > 0 ? len : 1;
	if (len == 0)
		return p[0] >= 0x80 && p[0] <= 0x9f;
	return len == 1 ? p[0] < ' ' || p[0] == 0x7f : len == 2 && p[0] == 0xc2 && p[1] <= 0x9f;
}

/* All letters and quotes stay: each byte of a command counts. What moves a terminal's cursor does
 * not. */
static void set_next(struct fault *f, const char *next)
{
	size_t len;
	char *p;

	(void)snprintf(f->next, sizeof(f->next), "%s", next); /* see fault_shows() */
	for (p = f->next; *p; p += len)
		if (is_control(p, &len))
			memset(p, '?', len);
}

static void tell(struct fault *f, const char *what, const char *next)
{
	text_printable(what, f->what, sizeof(f->what));
	set_next(f, next);
}

int fault_about(struct fault *f, enum exitcode code, const char *what, const char *next,
		const char *fmt, ...)
{
	enum outcome outcome = exitcode_outcome(code);
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK) {
		record(f, code, 0, fmt, ap);
		tell(f, what, next);
	}
	va_end(ap);
	return outcome == OUTCOME_REFUSED ? -EPERM : outcome == OUTCOME_IO ? -EIO : -EINVAL;
}

bool fault_shows(const char *next)
{
	size_t i, len;

	for (i = 0; next[i]; i += len)
		if (is_control(next + i, &len))
			return false;
	return i < FAULT_NEXT_MAX;
}

const char *fault_io_next(int error)
{
	switch (error) {
	case EACCES:
		return "change the permissions, of it or its directory, or run it as a user who has "
		       "them";
	case EPERM:
		return "take away the attribute that forbids it (lsattr, chattr -ia; of its directory, "
		       "too), or run it as its owner";
	case EROFS:
		return "use a place where you may write, or mount this one so (mount -o remount,rw)";
	case ENOSPC:
	case EDQUOT:
		return "make room, or write somewhere else";
	case EFBIG:
		return "raise the limit of a file's size (ulimit -f), or use a file system that takes "
		       "so large a file";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		return "check the path";
	case ENAMETOOLONG:
		return "use a shorter name";
	case EISDIR:
	case ENXIO: /* a socket, too */
		return "give a regular file";
	case EBADF: /* standard output was closed, or is open for reading only */
		return "open it for writing: to a file, for instance";
	case EPIPE:
		return "let the program behind the pipe read to the end";
	case ENOMEM:
		return exitcode_owner_next(EXITCODE_NO_MEMORY);
	default:
		return "check the file and the disk that it is on";
	}
}

int fault_io(struct fault *f, const char *what, int r, const char *doing)
{
	if (f->code == EXITCODE_OK) {
		(void)fault_errno(f, EXITCODE_IO, r, "%s", doing);
		tell(f, what, fault_io_next(-r));
	}
	return -EIO;
}

int fault_name(struct fault *f, int r, const char *what)
{
	if (r < 0 && !*f->what)
		text_printable(what, f->what, sizeof(f->what));
	return r;
}

int fault_advise(struct fault *f, enum exitcode code, int errno_value, const char *next,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->code == EXITCODE_OK) {
		record(f, code, 0, fmt, ap);
		set_next(f, next);
	}
	va_end(ap);
	return -errno_value;
}

const char *fault_next(const struct fault *f)
{
	return *f->next ? f->next : exitcode_next(f->code);
}
