/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock.c - the pipeline; read this first.
 * The only file that sees both secrets and disks. What each step trusts is said where the
 * step lives; here stands the order, and the order is the design:
 *
 *   prepare             what can fail without a secret fails before it is read: the image's
 *                       policy, words of the host, the kernel's ciphers, the judge's process
 *   choice_make         probe: which of the configured sources is there?
 *   fetch_policy        the owner's pins, and what a rescue's secrets would travel under
 *   fetch_secrets       each volume's secret, into locked memory
 *   discard             every entry is wiped, whatever went wrong before
 *   device_find         only now is a disk looked at
 *   examine_header      one copy of its header: pinned, judged, sealed, loaded
 *   examine_keyslot     the secret opens a keyslot; the volume key is the pinned one
 *   volume_map          the mapping, from that copy and no other
 *   mapping_check       the kernel must agree about the result
 *   opened_write        for verify-root, later in this boot
 *
 * A try that an answer of the owner has made (rescue.c) opens that, with answer_open(), in the
 * place of the source; the pins are those of the first try, and all behind it is the same.
 */
#include "boot/unlock.h"

#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/choice.h"
#include "boot/cmdline.h"
#include "boot/credentials.h"
#include "boot/drivers.h"
#include "rootfs/opened.h"
#include "volume/fetch.h"
#include "volume/imagepolicy.h"
#include "volume/kernel.h"
#include "volume/mapping.h"
#include "volume/unmap.h"

struct unlock {
	const struct root *root;
	const struct conf *conf;
	struct report *report;
	struct attempts *attempts;     /* with what image and source pin together */
	const struct attempt *attempt; /* NULL: the source is asked */
	struct deadline deadline;
	struct source sources[SOURCES_MAX];
	size_t nr_sources; /* of the configuration */
	struct uevent uevent;
	struct drivers drivers; /* only in an initramfs of our own */
	struct judge_process judge;
	struct policy_entry image;		 /* what it pins */
	struct secret secrets[CONF_VOLUMES_MAX]; /* one for each volume */
	struct opened_volume opened[CONF_VOLUMES_MAX];
};

/* What can fail without a secret. A failure is in f; the wipe comes before anybody asks. */
static void prepare(struct unlock *u, struct fault *f)
{
	int r;

	if (image_policy_load(u->root, u->conf, &u->image, f) < 0 ||
	    cmdline_check(u->root, u->conf, f) < 0 || cmdline_check_credentials(u->root, f) < 0 ||
	    (u->root->standalone && credentials_refuse_offered(u->root, f) < 0) ||
	    judge_start(u->conf, &u->judge, f) < 0)
		return;
	stages_enter(&u->report->stages, STAGE_MODULES);
	r = uevent_open(u->root, &u->uevent);
	if (r < 0)
		(void)fault_errno(f, EXITCODE_INTERNAL, r, "cannot listen to device events");
	if (u->root->standalone)
		drivers_start(&u->drivers, u->root, f);
	(void)kernel_prepare(u->root, u->conf, f);
}

static void wipe_secrets(struct unlock *u)
{
	size_t i;

	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		secret_done(&u->secrets[i]);
}

static void log_secrets(const struct source_info *info)
{
	if (info->refetchable)
		log_info("secrets: %u released by %s, %u read, our copies wiped; this guest can "
			 "ask for them again",
			 info->found, info->broker, info->read);
	else
		log_info("secrets: %u found by %s, %u read, %u wiped, %u kept", info->found,
			 info->module[0] ? info->module : "a built-in driver", info->read,
			 info->wiped, info->kept);
}

/* What stays of the owner's rescue entry is what rescue_keys_make() makes of it. Without it, or if
 * it is none, no answer can carry a secret, which is no reason not to unlock. */
static void read_rescue_entry(struct unlock *u, struct source *src)
{
	static const struct reference ref = REFERENCE_RESCUE;
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	struct fault f = { 0 };
	unsigned int ignored;
	bool there = false;

	u->attempts->keys->there = false;
	if (src->ops->list(src, &ref, &ignored, &there) < 0 || !there)
		return;
	if (src->ops->fetch(src, &ref, &entry, &f) < 0 ||
	    rescue_keys_make(&entry, u->attempts->keys, &f) < 0)
		log_warning("a rescue of this boot cannot carry secrets: %s", f.why);
}

/* f counts, after the wipe. */
static void read_source(struct unlock *u, struct source *src, struct fault *f)
{
	stages_enter(&u->report->stages, STAGE_READ);
	u->attempts->read = false;
	if (fetch_policy(src, &u->image, &u->attempts->policy, f) < 0)
		return;
	u->attempts->read = true;
	if (u->attempts->keys)
		read_rescue_entry(u, src);
	(void)fetch_secrets(src, u->secrets, f);
}

static void note_entries(struct unlock *u, struct source *src)
{
	if (u->attempts && src->ops->names)
		u->attempts->nr_entries =
			src->ops->names(src, u->attempts->entries, ATTEMPT_ENTRIES_MAX);
}

/* Reads and wipes. The wipe follows whatever came before it, a fault included, and is that of
 * each source, also of those that were not needed. */
static int take_secrets(struct unlock *u, struct fault *f)
{
	struct source *src;
	size_t i;
	int r = 0, failed;

	stages_enter(&u->report->stages, STAGE_SECRET_MODULE);
	u->nr_sources = choice_list(u->root, u->conf, false, u->deadline, u->sources);
	src = choice_make(u->sources, u->nr_sources, f);
	if (f->code == EXITCODE_OK && src->ops->refetchable) {
		(void)policy_check_bare(&u->image, u->conf, f); /* f counts */
		stages_enter(&u->report->stages, STAGE_EXCHANGE);
	}
	if (f->code == EXITCODE_OK && src->ops->open(src, f) >= 0)
		read_source(u, src, f);
	note_entries(u, src);
	stages_enter(&u->report->stages, STAGE_WIPE);
	for (i = 0; i < u->nr_sources; i++) {
		failed = u->sources[i].ops->discard(&u->sources[i], f);
		r = r < 0 ? r : failed;
		u->sources[i].ops->done(&u->sources[i]);
	}
	u->report->source = src->info;
	u->report->discarded = true;
	stages_end(&u->report->stages);
	if (f->code != EXITCODE_OK)
		return r < 0 ? r : -ECANCELED;
	log_secrets(&src->info);
	return 0;
}

/* The secrets of an answer, which has to have one for each volume. */
static int take_answer(struct unlock *u, struct fault *f)
{
	static const char next[] =
		"make an answer to the challenge that is shown now, with a secret "
		"for each volume";
	const struct attempt *a = u->attempt;
	const char *names[CONF_VOLUMES_MAX];
	struct fault why = { 0 };
	size_t i;
	int r;

	if (f->code != EXITCODE_OK)
		return -ECANCELED;
	stages_enter(&u->report->stages, STAGE_READ);
	for (i = 0; i < u->conf->nr_volumes; i++)
		names[i] = u->conf->volumes[i].name;
	r = answer_open(a->answer, a->message, a->challenge, a->challenge_len, u->attempts->keys,
			names, u->conf->nr_volumes, u->secrets, &why);
	if (r < 0)
		return fault_advise(f, EXITCODE_SECRET_MISSING, -r, next, "%s", why.why);
	for (i = 0; i < u->conf->nr_volumes; i++)
		if (u->secrets[i].len == 0)
			return fault_advise(f, EXITCODE_SECRET_MISSING, ENOENT, next,
					    "the answer has no secret for volume %s", names[i]);
	stages_end(&u->report->stages);
	return 0;
}

/* The one that an answer asks for. */
static int keyslot_of(const struct unlock *u, size_t i)
{
	return u->attempt && u->attempt->volume == i ? u->attempt->keyslot : VOLUME_KEYSLOT_ANY;
}

/* One copy of the header, and what it comes to. */
static int examine(struct unlock *u, size_t i, const struct pins *pins, const struct device *device,
		   struct examined *examined)
{
	struct run *run = &u->report->runs[i];
	uint64_t memory_kib = 0;
	int r;

	r = kernel_available_kib(u->root, &memory_kib, &run->fault);
	if (r < 0)
		return r;
	stages_enter(&run->stages, STAGE_HEADER);
	r = examine_header(u->conf, i, pins, &u->judge, device, examined, &run->fault);
	run_found(run, examined);
	if (r < 0)
		return r;
	stages_enter(&run->stages, STAGE_KEYSLOT);
	r = examine_keyslot(examined, pins, keyslot_of(u, i), memory_kib, &u->secrets[i],
			    &run->fault);
	if (r < 0)
		return r;
	run->keyslot = examined->volume.keyslot;
	run->form = examined->volume.form;
	return 0;
}

/* Maps the unlocked volume, and looks at what the kernel has made of it. */
static int map_volume(struct unlock *u, size_t i, const struct pins *pins,
		      const struct device *device, struct volume *volume)
{
	const struct volume_conf *vc = &u->conf->volumes[i];
	struct opened_volume *opened = &u->opened[i];
	struct run *run = &u->report->runs[i];
	int r;

	stages_enter(&run->stages, STAGE_MAPPING);
	r = mapping_refuse_taken(u->root, vc->name, &run->fault);
	if (r < 0)
		return r;
	run->mapped = true; /* from here on, whatever ends this process */
	r = volume_map(u->root, device->path, volume, vc, &run->fault);
	if (r < 0) {
		run->mapped = false;
		return r;
	}
	stages_enter(&run->stages, STAGE_READ_BACK);
	r = mapping_check(u->root, vc, &run->verdict, device, &opened->mapping, &run->fault);
	if (r < 0)
		return r;
	memcpy(opened->name, vc->name, sizeof(opened->name));
	opened->is_root = i == u->conf->root_volume;
	opened->spec = vc->device;
	opened->min_generation = pins ? pins->min_generation : 0;
	opened->set_generation = pins ? pins->set_generation : 0;
	return 0;
}

static int open_volume(struct unlock *u, size_t i)
{
	const struct volume_conf *vc = &u->conf->volumes[i];
	const struct pins *pins = policy_entry_pins(&u->attempts->policy, vc->name);
	struct run *run = &u->report->runs[i];
	_cleanup_(device_done) struct device device = DEVICE_NULL;
	_cleanup_(examined_done) struct examined examined = EXAMINED_NULL;
	int r;

	stages_enter(&run->stages, STAGE_DEVICE);
	r = device_find(u->root, &vc->device, &u->uevent, u->deadline, &device, &run->fault);
	if (r < 0)
		return r;
	memcpy(run->device, device.path, sizeof(run->device));
	r = examine(u, i, pins, &device, &examined);
	if (r < 0 || !u->root->machine)
		return r;
	r = map_volume(u, i, pins, &device, &examined.volume);
	if (r < 0)
		return r;
	log_info("volume %s: %s, header accepted%s, opened by keyslot %d (secret %s), live table "
		 "as expected",
		 vc->name, device.path, pins ? ", pins match" : "", run->keyslot,
		 volume_form_name(run->form));
	return 0;
}

/* One after the other; the first fault ends it. */
static int open_volumes(struct unlock *u, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < u->conf->nr_volumes && r >= 0; i++) {
		r = open_volume(u, i);
		stages_end(&u->report->runs[i].stages);
		if (r < 0)
			*f = u->report->runs[i].fault;
	}
	if (r >= 0 && u->root->machine) {
		r = opened_write(u->root, u->opened, u->conf->nr_volumes);
		if (r < 0)
			(void)fault_errno(f, EXITCODE_INTERNAL, r, "cannot write %s", PATH_OPENED);
	}
	return r;
}

int unlock_run(const struct root *root, const struct conf *conf, struct report *report,
	       struct attempts *attempts, const struct attempt *attempt, struct fault *f)
{
	struct unlock u = {
		.root = root,
		.conf = conf,
		.report = report,
		.attempts = attempts,
		.attempt = attempt,
		.deadline = deadline_in_ms(conf->timeout_ms),
		.uevent = UEVENT_NULL,
		.drivers = DRIVERS_NULL,
		.judge = JUDGE_NULL,
	};
	int r;

	if (f->code == EXITCODE_OK)
		prepare(&u, f);
	r = attempt ? take_answer(&u, f) : take_secrets(&u, f);
	if (r >= 0)
		r = open_volumes(&u, f);
	wipe_secrets(&u);
	judge_done(&u.judge);
	drivers_done(&u.drivers);
	uevent_done(&u.uevent);
	stages_end(&report->stages);
	return r;
}

void unlock_claim(const struct conf *conf, struct report *report)
{
	size_t i;

	report->claimed = true;
	for (i = 0; i < conf->nr_volumes; i++)
		report->runs[i].mapped = true;
}

/* The configuration may have become unreadable, so the list of what was opened counts, too. */
static void remove_mappings(const struct root *root, const struct conf *conf, struct report *report)
{
	struct opened_volume opened[CONF_VOLUMES_MAX];
	const char *names[2 * CONF_VOLUMES_MAX];
	bool gone[2 * CONF_VOLUMES_MAX];
	size_t nr_opened = 0, nr = 0, i;

	for (i = 0; i < conf->nr_volumes; i++)
		if (report->runs[i].mapped)
			names[nr++] = conf->volumes[i].name;
	if (report->claimed && opened_read(root, opened, CONF_VOLUMES_MAX, &nr_opened) < 0)
		nr_opened = 0;
	for (i = 0; i < nr_opened; i++)
		names[nr++] = opened[i].name; /* what is gone already does no harm */
	unmap_all(root, names, nr, gone);
	for (i = 0, nr = 0; i < conf->nr_volumes; i++)
		if (report->runs[i].mapped)
			report->runs[i].mapped = !gone[nr++];
}

void unlock_undo(const struct root *root, const struct conf *conf, struct report *report,
		 struct fault *f)
{
	struct unlock u = {
		.root = root,
		.conf = conf,
		.report = report,
		.uevent = UEVENT_NULL,
		.judge = JUDGE_NULL,
	};
	size_t i;

	if (!report->discarded)
		(void)take_secrets(&u, f); /* with a fault it reads nothing */
	if (root->machine)
		remove_mappings(root, conf, report);
	/* In a running system the list is that of its boot, and a look by hand changes nothing. */
	if (!root->machine || action_applies(root))
		opened_remove(root);
	stages_end(&report->stages);
	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		stages_end(&report->runs[i].stages); /* its process may have been killed */
}
