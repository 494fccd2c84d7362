/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.c - the record of a volume's way: times and findings.
 * Trusts the pipeline that fills it; decides nothing, and never gets a secret to see.
 */
#include "boot/run.h"

#include <string.h>

#include "base/deadline.h"

void stages_end(struct stages *stages)
{
	if (!stages->running)
		return;
	stages->us[stages->stage] += clock_us() - stages->entered_us;
	stages->running = false;
}

void stages_enter(struct stages *stages, enum stage stage)
{
	stages_end(stages);
	stages->entered_us = clock_us();
	if (stages->start_us[stage] == 0)
		stages->start_us[stage] = stages->entered_us;
	stages->stage = stage;
	stages->running = true;
}

void run_found(struct run *run, const struct examined *examined)
{
	run->verdict = examined->verdict;
	memcpy(run->header, examined->rule, sizeof(run->header));
}
