/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - what happened, for people and for status.json: never a secret, only names,
 * counts and times.
 */
#ifndef COCO_REPORT_H
#define COCO_REPORT_H

#include "conf.h"
#include "policy.h"
#include "source_efi.h"
#include "volume.h"

enum stage {
	STAGE_PREPARE,	     /* configuration, process */
	STAGE_MODULES,	     /* dm_crypt and ciphers */
	STAGE_SECRET_MODULE, /* securityfs and the secret module */
	STAGE_READ,
	STAGE_WIPE,
	STAGE_DEVICE,  /* waiting for the device included */
	STAGE_HEADER,  /* copy, judgement, libcryptsetup's load */
	STAGE_KEYSLOT, /* key derivation */
	STAGE_MAPPING,
	STAGE_READ_BACK, /* the live table, compared with what was judged */
	_STAGE_MAX,
};

struct report_volume {
	char device[CONF_DEVICE_SIZE];
	char uuid[BINHEADER_UUID_SIZE];
	char cipher[CONF_NAME_SIZE];
	char header[POLICY_RULE_SIZE]; /* "accepted", or the broken rule; empty: not judged */
	enum secret_form form;
	int keyslot; /* -1: none opened */
	bool mapped; /* or being mapped: if the process ends meanwhile, it has to go */
};

struct report {
	uint64_t start_us[_STAGE_MAX]; /* CLOCK_MONOTONIC, of the first entry; 0: not reached */
	uint64_t us[_STAGE_MAX];       /* spent, over all volumes */
	enum stage stage;	       /* the one that runs */
	bool running;
	uint64_t entered_us;
	struct source_efi source; /* a copy of the counters; no descriptor */
	bool discarded;		  /* the entries were wiped, or f says why not */
	bool claimed;		  /* whatever the lists of volumes name is the boot's */
	struct report_volume volumes[CONF_VOLUMES_MAX];
};

void report_init(struct report *ret_report);

/* Ends the running stage and begins this one. */
void report_stage(struct report *report, enum stage stage);

/* Ends the running stage. */
void report_end(struct report *report);

/* "exact" or "without-final-nul". */
const char *report_form_name(enum secret_form form);

/*
 * Writes /run/coco-unlock/status.json (0644), replacing an older one in one step. fault is
 * the outcome, with code ok after a success; action the name of what follows, or "none".
 * Returns 0 or -errno.
 */
int report_write(const struct root *root, const struct conf *conf, const struct report *report,
		 const struct fault *fault, const char *action);

/* Removes a status.json that is there: an old one would say that this unlock has ended. Returns 0
 * or -errno. */
int report_remove(const struct root *root);

#endif
