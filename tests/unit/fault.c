/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.c - the first cause is the one that is told, as one printable line.
 */
#include "fault.h"

#include "tap.h"

int main(void)
{
	struct fault f = { 0 };
	char longer[FAULT_REASON_MAX * 2];

	is_int(fault_set(&f, EXITCODE_NO_DEVICE, ENODEV, "disk %d", 7), -ENODEV,
	       "returns the negative error number");
	is_int(f.code, EXITCODE_NO_DEVICE, "records the code");
	is_str(f.reason, "disk 7", "records the reason");

	is_int(fault_set(&f, EXITCODE_INTERNAL, EIO, "later"), -EIO,
	       "a second one returns its own error number");
	is_int(f.code, EXITCODE_NO_DEVICE, "a second one does not change the code");
	is_str(f.reason, "disk 7", "a second one does not change the reason");

	is_int(fault_replace(&f, EXITCODE_WIPE_FAILED, EBUSY, "entry \"%d\"", 8), -EBUSY,
	       "what outranks returns its own error number");
	ok(f.code == EXITCODE_WIPE_FAILED && strcmp(f.reason, "entry '8'") == 0,
	   "and is the one that is told");
	f = (struct fault){ 0 };
	(void)fault_replace(&f, EXITCODE_WIPE_FAILED, EBUSY, "alone");
	is_str(f.reason, "alone", "with nothing to outrank it is told, too");

	f = (struct fault){ 0 };
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "%s", "a\"b\r\nc\x1b[2Jd\xff");
	is_str(f.reason, "a'b??c?[2Jd?", "the reason is one printable line without quotes");

	f = (struct fault){ 0 };
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)fault_set(&f, EXITCODE_CONFIG, EINVAL, "%s", longer);
	is_int(strlen(f.reason), FAULT_REASON_MAX - 1, "a long reason is cut");
	return tap_done();
}
