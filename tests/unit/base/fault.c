/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - the first cause is the one that is told, as one printable line.
 */
#include "base/fault.h"

#include "tap.h"

static void test_errno(void)
{
	struct fault f = { 0 };
	char longer[FAULT_WHY_MAX * 2] = "";

	is_int(fault_errno(&f, EXITCODE_NO_DEVICE, -ENOENT, "cannot read %s", "disk"), -ENOENT,
	       "a call that has failed: returns its error number");
	is_int(f.code, EXITCODE_NO_DEVICE, "records the code");
	is_str(f.why, "cannot read disk: No such file or directory", "and the number's text");
	is_int(fault_errno(&f, EXITCODE_INTERNAL, -EIO, "later"), -EIO,
	       "a second one returns its own");
	ok(f.code == EXITCODE_NO_DEVICE && strncmp(f.why, "cannot read disk", 16) == 0,
	   "and changes nothing");

	f = (struct fault){ 0 };
	(void)fault_errno(&f, EXITCODE_CONFIG, -EIO, "100%% of \"%s\"", "\x1b[2J");
	is_str(f.why, "100% of '?[2J': Input/output error", "it is one printable line");

	f = (struct fault){ 0 };
	memset(longer, 'x', sizeof(longer) - 1);
	(void)fault_errno(&f, EXITCODE_CONFIG, -EIO, "%s", longer);
	ok(strlen(f.why) == FAULT_WHY_MAX - 1 && strchr(f.why, ':') == NULL, "a long one is cut");
}

static void test_about(void)
{
	struct fault f = { 0 };

	is_int(fault_about(&f, EXITCODE_BAD_INPUT, "table\t", "build \"it\"", "offset %d", 7),
	       -EINVAL, "about an object, bad input");
	ok(f.code == EXITCODE_BAD_INPUT && strcmp(f.what, "table?") == 0 &&
		   strcmp(f.why, "offset 7") == 0 && strcmp(f.next, "build \"it\"") == 0,
	   "with object and sentence, printable, and the next step as it is");
	is_int(fault_about(&f, EXITCODE_REFUSED, "disk", "no", "later"), -EPERM, "a refusal");
	is_int(fault_io(&f, "disk", -ENOSPC, "cannot write"), -EIO, "a call on a file");
	ok(f.code == EXITCODE_BAD_INPUT && strcmp(f.what, "table?") == 0 &&
		   strcmp(f.next, "build \"it\"") == 0,
	   "but the first one counts");
	is_int(fault_about(&f, EXITCODE_SECRET_REFUSED, "", "", "x"), -EPERM,
	       "a refusal of the boot");
	is_int(fault_about(&f, EXITCODE_NO_MEMORY, "", "", "x"), -EIO, "the machine fails");
	is_int(fault_about(&f, EXITCODE_USAGE, "", "", "x"), -EINVAL, "the command line");
}

static void test_shows(void)
{
	static const struct {
		const char *text, *shown;
	} controls[] = {
		{ "a\x7f", "a?" },
		{ "a\xc2\x9b"
		  "2J",
		  "a??2J" }, /* CSI as UTF-8 */
		{ "\xc2\x80\xc2\x9f", "????" },
		{ "a\x9b"
		  "2J",
		  "a?2J" },		      /* of a terminal with 8 bits */
		{ "\xe0\x82\x9b", "\xe0??" }, /* CSI, longer than it may be */
		{ "\xe2\x82\x1b[2J", "\xe2??[2J" },
	};
	static const char *const letters[] = {
		"\xc2\xa0\xc3\x80\xc3\x9b",
		"\xe2\x82\x9b",
		"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80",
		"\xf0\x9f\x98\x80\xf1\x80\x80\x80\xf4\x8f\xbf\xbf",
		"caf\xe9",
	};
	char longest[FAULT_NEXT_MAX + 1];
	size_t i;

	memset(longest, 'x', sizeof(longest));
	longest[FAULT_NEXT_MAX] = '\0';
	ok(!fault_shows(longest), "a next step that would be cut");
	longest[FAULT_NEXT_MAX - 1] = '\0';
	ok(fault_shows(longest), "... and one that just fits");
	ok(fault_shows("run 'a b'"), "one that is shown as it is");
	ok(fault_shows("run 'caf\xc3\xa9' \"$A\""), "... with any letters and quotes");
	ok(!fault_shows("run 'a\x1b[2J'"), "what a terminal would obey");
	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		struct fault f = { 0 };

		ok(!fault_shows(controls[i].text), "... control character %zu", i);
		(void)fault_about(&f, EXITCODE_REFUSED, "", controls[i].text, "x");
		is_str(f.next, controls[i].shown, "... is not printed");
	}
	for (i = 0; i < ARRAY_SIZE(letters); i++) {
		struct fault f = { 0 };

		ok(fault_shows(letters[i]), "letters %zu are shown", i);
		(void)fault_about(&f, EXITCODE_REFUSED, "", letters[i], "x");
		is_str(f.next, letters[i], "... as they are");
	}
}

static void test_io(void)
{
	static const struct {
		int error;
		const char *next;
	} cases[] = {
		{ EACCES, "change the permissions, of it or its directory, or run it as a user who "
			  "has them" },
		{ EPERM, "take away the attribute that forbids it (lsattr, chattr -ia; of its "
			 "directory, too), or run it as its owner" },
		{ EROFS, "use a place where you may write, or mount this one so (mount -o "
			 "remount,rw)" },
		{ EDQUOT, "make room, or write somewhere else" },
		{ ENOTDIR, "check the path" },
		{ ELOOP, "check the path" },
		{ ENAMETOOLONG, "use a shorter name" },
		{ EISDIR, "give a regular file" },
		{ ENXIO, "give a regular file" },
		{ EFBIG, "raise the limit of a file's size (ulimit -f), or use a file system that "
			 "takes so large a file" },
		{ EMFILE, "raise the limit of open files (ulimit -n)" },
		{ EBADF, "open it for writing: to a file, for instance" },
		{ EPIPE, "let the program behind the pipe read to the end" },
		{ ENOMEM, "free memory, or raise the limit of locked memory (ulimit -l)" },
		{ EIO, "check the file and the disk that it is on" },
	};
	char why[FAULT_WHY_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { 0 };

		is_int(fault_io(&f, "file", -cases[i].error, "cannot read"), -EIO,
		       "a call on a file");
		(void)snprintf(why, sizeof(why), "cannot read: %s", strerror(cases[i].error));
		ok(f.code == EXITCODE_IO && strcmp(f.what, "file") == 0 && strcmp(f.why, why) == 0,
		   "says %s", why);
		is_str(f.next, cases[i].next, "and what to do");
	}
}

static void test_merge(void)
{
	struct fault f = { 0 }, first = { 0 }, second = { 0 }, urgent = { 0 };

	fault_merge(&f, &first);
	is_int(f.code, EXITCODE_OK, "no fault is taken over");
	(void)fault_about(&first, EXITCODE_NO_DEVICE, "disk", "", "gone");
	(void)fault_set(&second, EXITCODE_CONFIG, EINVAL, "later");
	(void)fault_replace(&urgent, EXITCODE_WIPE_FAILED, EBUSY, "still there");
	fault_merge(&f, &first);
	fault_merge(&f, &second);
	ok(f.code == EXITCODE_NO_DEVICE && strcmp(f.what, "disk") == 0,
	   "the first one is, as it is");
	fault_merge(&f, &urgent);
	is_int(f.code, EXITCODE_WIPE_FAILED, "but one that outranks it counts more");
}

static void test_name(void)
{
	struct fault f = { 0 };

	is_int(fault_name(&f, 7, "disk"), 7, "no fault, no object: returns what it gets");
	is_str(f.what, "", "and names nothing");
	(void)fault_set(&f, EXITCODE_NO_DEVICE, ENODEV, "gone");
	is_int(fault_name(&f, -ENODEV, "disk\n"), -ENODEV, "a fault gets its object");
	ok(strcmp(f.what, "disk?") == 0 && strcmp(f.why, "gone") == 0, "printable, and in front");
	(void)fault_name(&f, -ENODEV, "verb");
	is_str(f.what, "disk?", "which is named once");
	(void)fault_replace(&f, EXITCODE_WIPE_FAILED, EBUSY, "another thing");
	is_str(f.what, "", "what outranks is not about it");
}

static void test_advise(void)
{
	struct fault f = { 0 };

	is_int(fault_advise(&f, EXITCODE_CONFIG, EINVAL, "turn \"it\"\n", "%d", 7), -EINVAL,
	       "with advice: returns the negative error number");
	ok(f.code == EXITCODE_CONFIG && strcmp(f.why, "7") == 0, "records code and reason");
	is_str(fault_next(&f), "turn \"it\"?", "and the advice, on one line");
	(void)fault_advise(&f, EXITCODE_IO, EIO, "another", "8");
	ok(strcmp(f.why, "7") == 0 && strcmp(fault_next(&f), "turn \"it\"?") == 0,
	   "a second one changes nothing");
	(void)fault_replace(&f, EXITCODE_WIPE_FAILED, EBUSY, "x");
	is_str(fault_next(&f), exitcode_next(EXITCODE_WIPE_FAILED),
	       "what has no advice of its own has the code's");
}

int main(void)
{
	struct fault f = { 0 };
	char longer[FAULT_WHY_MAX * 2];

	is_int(fault_set(&f, EXITCODE_NO_DEVICE, ENODEV, "disk %d", 7), -ENODEV,
	       "returns the negative error number");
	is_int(f.code, EXITCODE_NO_DEVICE, "records the code");
	is_str(f.why, "disk 7", "records the reason");
	ok(!*f.what && !*f.next, "and neither an object nor a step of its own");

	is_int(fault_set(&f, EXITCODE_INTERNAL, EIO, "later"), -EIO,
	       "a second one returns its own error number");
	is_int(f.code, EXITCODE_NO_DEVICE, "a second one does not change the code");
	is_str(f.why, "disk 7", "a second one does not change the reason");

	is_int(fault_replace(&f, EXITCODE_WIPE_FAILED, EBUSY, "entry \"%d\"", 8), -EBUSY,
	       "what outranks returns its own error number");
	ok(f.code == EXITCODE_WIPE_FAILED && strcmp(f.why, "entry '8'") == 0,
	   "and is the one that is told");
	f = (struct fault){ 0 };
	(void)fault_replace(&f, EXITCODE_WIPE_FAILED, EBUSY, "alone");
	is_str(f.why, "alone", "with nothing to outrank it is told, too");

	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "%s", "a\"b\r\nc\x1b[2Jd\xff");
	is_str(f.why, "a'b??c?[2Jd?", "the reason is one printable line without quotes");

	f = (struct fault){ 0 };
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "%s", longer);
	is_int(strlen(f.why), FAULT_WHY_MAX - 1, "a long reason is cut");
	test_errno();
	test_about();
	test_shows();
	test_io();
	test_merge();
	test_name();
	test_advise();
	return tap_done();
}
