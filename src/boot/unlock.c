/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock.c - the pipeline; read this first.
 * The only file that sees both secrets and disks. What each step trusts is said where the
 * step lives; here stands the order, and the order is the design:
 *
 *   prepare             what can fail without a secret fails before it is read: the image's
 *                       policy, words of the host, the kernel's ciphers, the judge's process
 *   secrets_take        of the source that is there (secrets.c): the owner's pins, what a rescue's
 *                       secrets would travel under, each volume's secret, into locked memory; then
 *                       every entry is wiped, whatever went wrong before
 *   device_find         only now is a disk looked at
 *   examine_header      one copy of its header: pinned, judged, sealed, loaded
 *   examine_keyslot     the secret opens a keyslot; the volume key is the pinned one
 *   volume_map          the mapping, from that copy and no other
 *   mapping_check       the kernel must agree about the result
 *   opened_write        for verify-root, later in this boot
 *
 * A try that an answer of the owner has made (rescue.c) opens that, secrets_take_answer(), in the
 * place of the source; the pins are those of the first try, and all behind it is the same.
 */
#include "boot/unlock.h"

#include <string.h>

#include "base/log.h"
#include "base/paths.h"
#include "boot/action.h"
#include "boot/cmdline.h"
#include "boot/credentials.h"
#include "boot/drivers.h"
#include "boot/secrets.h"
#include "rootfs/opened.h"
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
	struct uevent uevent;
	struct drivers drivers; /* only in an initramfs of our own */
	struct judge_process judge;
	struct secrets secrets;
	struct opened_volume opened[CONF_VOLUMES_MAX];
};

/* What can fail without a secret. A failure is in f; the wipe comes before anybody asks. */
static void prepare(struct unlock *u, struct fault *f)
{
	int r;

	if (image_policy_load(u->root, u->conf, &u->secrets.image, f) < 0 ||
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
	r = examine_keyslot(examined, pins, keyslot_of(u, i), memory_kib, &u->secrets.list[i],
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
	const struct deadline deadline = deadline_in_ms(conf->timeout_ms);
	struct unlock u = {
		.root = root,
		.conf = conf,
		.report = report,
		.attempts = attempts,
		.attempt = attempt,
		.deadline = deadline,
		.uevent = UEVENT_NULL,
		.drivers = DRIVERS_NULL,
		.judge = JUDGE_NULL,
		.secrets = { .root = root,
			     .conf = conf,
			     .report = report,
			     .attempts = attempts,
			     .deadline = deadline },
	};
	int r;

	if (f->code == EXITCODE_OK)
		prepare(&u, f);
	r = attempt ? secrets_take_answer(&u.secrets, attempt, f) : secrets_take(&u.secrets, f);
	if (r >= 0)
		r = open_volumes(&u, f);
	secrets_done(&u.secrets);
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
	struct secrets secrets = { .root = root, .conf = conf, .report = report };
	size_t i;

	if (!report->discarded)
		(void)secrets_take(&secrets, f); /* with a fault it reads nothing */
	if (root->machine)
		remove_mappings(root, conf, report);
	/* In a running system the list is that of its boot, and a look by hand changes nothing. */
	if (!root->machine || action_applies(root))
		opened_remove(root);
	stages_end(&report->stages);
	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		stages_end(&report->runs[i].stages); /* its process may have been killed */
}
