/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - one volume on its way: its clock, its fault, and what was found. Plain data without
 * pointers, since the process that unlocks shares it with its parent.
 */
#ifndef COCO_RUN_H
#define COCO_RUN_H

#include "volume/examine.h"

enum stage {
	STAGE_PREPARE,	     /* configuration, process */
	STAGE_MODULES,	     /* dm_crypt and ciphers */
	STAGE_SECRET_MODULE, /* securityfs and the secret module */
	STAGE_EXCHANGE,	     /* with a key broker */
	STAGE_READ,
	STAGE_WIPE,
	STAGE_DEVICE,  /* the first of a volume; waiting for the device included */
	STAGE_HEADER,  /* copy, judgement, libcryptsetup's load */
	STAGE_KEYSLOT, /* key derivation */
	STAGE_MAPPING,
	STAGE_READ_BACK, /* the live table, compared with what was judged */
	_STAGE_MAX,
};

/* A clock that says how long each stage has lasted; one of them runs at a time. */
struct stages {
	uint64_t start_us[_STAGE_MAX]; /* CLOCK_MONOTONIC, of the first entry; 0: not reached */
	uint64_t us[_STAGE_MAX];       /* spent */
	enum stage stage;	       /* the one that runs */
	bool running;
	uint64_t entered_us;
};

/* Ends the running stage and begins this one. */
void stages_enter(struct stages *stages, enum stage stage);

/* Ends the running stage, if one runs. */
void stages_end(struct stages *stages);

struct run {
	struct stages stages;
	struct fault fault; /* why the volume is not open */
	char device[CONF_DEVICE_SIZE];
	char header[POLICY_RULE_SIZE]; /* "accepted", or the broken rule; empty: not judged */
	struct verdict verdict;
	int keyslot; /* -1: none opened */
	enum secret_form form;
	bool mapped; /* or being mapped: if the process ends meanwhile, it has to go */
};

#define RUN_NULL ((struct run){ .keyslot = -1 })

/* Takes over what examine.h has found out about the header, accepted or not. */
void run_found(struct run *run, const struct examined *examined);

#endif
