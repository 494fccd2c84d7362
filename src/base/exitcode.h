/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exitcode.h - the one numbered table of outcomes, for both programs.
 * Numbers and names are a contract with scripts and images: they are only ever appended,
 * never changed or reused. coco-unlock(8) lists the same table (a test compares them).
 */
#ifndef COCO_EXITCODE_H
#define COCO_EXITCODE_H

enum exitcode {
	EXITCODE_OK = 0,
	EXITCODE_USAGE = 1,
	EXITCODE_SECRET_REFUSED = 2,
	EXITCODE_NO_MEMORY = 3,
	EXITCODE_NO_DEVICE = 4,
	EXITCODE_BUSY = 5,
	EXITCODE_HEADER_REFUSED = 6,
	EXITCODE_NO_SECRET_TABLE = 7,
	EXITCODE_SECRET_MISSING = 8,
	EXITCODE_EXAMPLE_GUID = 9,
	EXITCODE_CONFIG = 10,
	EXITCODE_NO_SECRET_MODULE = 11,
	EXITCODE_NO_SECURITYFS = 12,
	EXITCODE_TABLE_CORRUPT = 13,
	EXITCODE_TABLE_DUPLICATE = 14,
	EXITCODE_WIPE_FAILED = 15,
	EXITCODE_HIDDEN_ENTRIES = 16,
	EXITCODE_NO_DM_CRYPT = 17,
	EXITCODE_AMBIGUOUS_DEVICE = 18,
	EXITCODE_NOT_LUKS2 = 19,
	EXITCODE_INTERNAL = 20,
	EXITCODE_SECRET_EMPTY = 21,
	EXITCODE_ABORTED = 22,
	EXITCODE_NO_STATUS = 23,
	EXITCODE_JUDGE_FAILED = 24,
	EXITCODE_COMMAND_LINE = 25,
	EXITCODE_FOREIGN_CREDENTIAL = 26,
	EXITCODE_POLICY_MISSING = 27,
	EXITCODE_POLICY_INVALID = 28,
	EXITCODE_PIN_MISMATCH = 29,
	EXITCODE_MAPPING_DIFFERS = 30,
	EXITCODE_ROOT_CONFUSION = 31,
	EXITCODE_OLD_GENERATION = 32,
	EXITCODE_DEADLINE = 33,
	EXITCODE_NO_PROVIDER = 34,
	EXITCODE_NO_NETWORK = 35,
	EXITCODE_NO_ROUTE = 36,
	EXITCODE_CONNECTION = 37,
	EXITCODE_TLS_PARAMETERS = 38,
	EXITCODE_BROKER_IDENTITY = 39,
	EXITCODE_BROKER_HTTP = 40,
	EXITCODE_PROTOCOL_VERSION = 41,
	EXITCODE_EVIDENCE_REFUSED = 42,
	EXITCODE_RELEASE_DENIED = 43,
	EXITCODE_RESOURCE_MISSING = 44,
	EXITCODE_MALFORMED_ANSWER = 45,
	EXITCODE_REPORT_FAILED = 46,
	EXITCODE_NO_ANSWER = 47,
	_EXITCODE_MAX,

	/* Of coco-secret alone, which says its own step with each of them. They have no name, and
	 * their numbers leave no process. */
	EXITCODE_REFUSED = 64, /* a check failed: measurement, header, key, an existing file */
	EXITCODE_BAD_INPUT,    /* a file's content, with line or offset */
	EXITCODE_IO,	       /* the machine: no space, no permission, no memory */
};

/* Exit codes of coco-secret; numbers are a contract with scripts. `verify` has those of the
 * boot instead. */
enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_USAGE = 1, /* the command line */
	OUTCOME_REFUSED = 2,
	OUTCOME_BAD_INPUT = 3,
	OUTCOME_IO = 4,
};

/* Short stable name, such as "no-device"; never NULL. */
const char *exitcode_name(enum exitcode code);

/* One sentence in the imperative: what the user should do; never NULL. */
const char *exitcode_next(enum exitcode code);

/* The same for the owner, on a machine that is not the guest. */
const char *exitcode_owner_next(enum exitcode code);

/* What coco-secret makes of it. */
enum outcome exitcode_outcome(enum exitcode code);

#endif
