/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * choice.c - which of the configured sources is asked.
 * Trusts the configuration for what there may be, and each source for whether it is there. The host
 * must not be able to lead from one source to another: by breaking one, or by showing one more.
 */
#include "boot/choice.h"

#include "base/log.h"

size_t choice_list(const struct root *root, const struct conf *conf, bool look_only,
		   struct deadline deadline, struct source ret_sources[static SOURCES_MAX])
{
	size_t i, nr = 0;

	for (i = 0; sources[i].ops; i++) {
		if (!conf_has_source(conf, sources[i].kind))
			continue;
		source_init(sources[i].ops, root, conf, &ret_sources[nr]);
		ret_sources[nr].look_only = look_only;
		ret_sources[nr++].deadline = deadline;
	}
	return nr;
}

/* No secret will be read. What lies in this machine is looked for, for the wipe. Returns the first
 * that is there, or NULL. */
static struct source *find_to_wipe(struct source *list, size_t nr, struct fault *f)
{
	struct source *found = NULL;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct fault why = { 0 };
		int r;

		if (list[i].ops->refetchable)
			continue; /* it has nothing here */
		r = list[i].ops->probe(&list[i], &why);
		if (r < 0)
			fault_merge(f, &why); /* of the two the graver one */
		else if (r > 0 && !found)
			found = &list[i];
	}
	return found;
}

/* What Sources= calls it. */
static const char *name_of(const struct source *src)
{
	size_t i = 0;

	while (sources[i].ops != src->ops)
		i++; /* it is in the table */
	return conf_source_name(sources[i].kind);
}

static void log_skipped(const struct source *list, size_t taken, size_t nr)
{
	const char *tee = list[taken].info.tee;
	size_t i;

	for (i = taken + 1; i < nr; i++)
		log_info("source %s is skipped: %s is there%s%s", name_of(&list[i]),
			 name_of(&list[taken]), tee ? ", with reports of " : "", tee ? tee : "");
}

struct source *choice_make(struct source *list, size_t nr, struct fault *f)
{
	struct source *found;
	size_t i;
	int r;

	for (i = 0; i < nr && f->code == EXITCODE_OK; i++) {
		struct fault why = { 0 };

		r = list[i].ops->probe(&list[i], &why);
		if (r > 0) {
			log_skipped(list, i, nr);
			return &list[i];
		}
		if (r == 0 && i + 1 < nr) {
			log_info("source %s is absent: %s", name_of(&list[i]), why.why);
			continue;
		}
		fault_merge(f, &why);
		(void)fault_set(f, EXITCODE_NO_SECRET_TABLE, ENOENT, "no source has a secret");
		if (r < 0)
			(void)find_to_wipe(list + i + 1, nr - i - 1, f);
		return &list[i];
	}
	found = find_to_wipe(list, nr, f);
	return found ? found : &list[0];
}
