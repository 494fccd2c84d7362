/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - the first cause is the one that is told, as one printable line.
 */
#include "fault.h"

#include "tap.h"

static void test_errno(void)
{
	struct fault f = { 0 };
	char longer[FAULT_WHY_MAX * 2] = "";

	is_int(fault_errno(&f, EXITCODE_NO_DEVICE, -ENOENT, "cannot read %s", "disk"), -ENOENT,
	       "a call that has failed: returns its error number");
	is_int(f.code, EXITCODE_NO_DEVICE, "records the code");
	is_str(f.why, "cannot read disk: No such file or directory", "and the number's text");
	is_int(fault_errno(&f, EXITCODE_INTERNAL, -EIO, "later"), -EIO, "a second one returns its own");
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
	test_name();
	return tap_done();
}
