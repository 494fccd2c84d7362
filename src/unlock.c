/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock.c - the pipeline; read this first.
 * The only file that sees both secrets and disks. What each step trusts is said where the
 * step lives; here stands the order, and the order is the design:
 *
 *   prepare             what can fail without a secret fails before it is read
 *   source_efi_open     the secret module, securityfs
 *   source_efi_fetch    each volume's secret, into locked memory
 *   source_efi_discard  every entry is wiped, whatever went wrong before
 *   device_find         only now is a disk looked at
 *   header_read, policy_judge, header_seal      one copy: judged, sealed
 *   volume_load, volume_unlock, volume_map      opened from that copy and no other
 */
#include "unlock.h"

#include <string.h>

#include "kernel.h"
#include "log.h"

struct unlock {
	const struct root *root;
	const struct conf *conf;
	struct report *report;
	struct deadline deadline;
	struct source_efi source;
	struct uevent uevent;
	struct secret secrets[CONF_VOLUMES_MAX]; /* one for each volume */
};

/* What can fail without a secret. A failure is in f; the wipe comes before anybody asks. */
static void prepare(struct unlock *u, struct fault *f)
{
	int r;

	report_stage(u->report, STAGE_MODULES);
	r = uevent_open(u->root, &u->uevent);
	if (r < 0)
		(void)fault_set(f, EXITCODE_INTERNAL, -r, "cannot listen to device events: %s",
				strerror(-r));
	(void)kernel_prepare(u->root, u->conf, f);
}

static int fetch_secrets(struct unlock *u, struct fault *f)
{
	size_t i;
	int r;

	for (i = 0; i < u->conf->nr_volumes; i++) {
		r = source_efi_fetch(&u->source, u->conf->volumes[i].guid, &u->secrets[i], f);
		if (r < 0)
			return r;
	}
	return 0;
}

static void wipe_secrets(struct unlock *u)
{
	size_t i;

	for (i = 0; i < CONF_VOLUMES_MAX; i++)
		secret_done(&u->secrets[i]);
}

/* Reads and wipes. The wipe follows whatever came before it, a fault included. */
static int take_secrets(struct unlock *u, struct fault *f)
{
	int r;

	report_stage(u->report, STAGE_SECRET_MODULE);
	r = source_efi_open(u->root, u->conf, &u->source, f);
	if (r >= 0 && f->code == EXITCODE_OK) {
		report_stage(u->report, STAGE_READ);
		(void)fetch_secrets(u, f); /* a failure is in f, after the wipe it counts */
	}
	report_stage(u->report, STAGE_WIPE);
	r = source_efi_discard(u->root, u->conf, &u->source, f);
	u->report->source = u->source;
	u->report->source.dir_fd = -EBADF;
	source_efi_done(&u->source);
	if (f->code != EXITCODE_OK)
		return r < 0 ? r : -ECANCELED;
	log_info("secrets: %u found by %s, %u read, %u wiped, %u kept", u->source.found,
		 u->source.module[0] ? u->source.module : "a built-in driver", u->source.read,
		 u->source.wiped, u->source.kept);
	return 0;
}

/* Copies the header once, has it judged, and seals what was accepted. */
static int copy_header(struct unlock *u, const struct device *device, struct report_volume *rv,
		       struct header *ret_header, struct fault *f)
{
	_cleanup_(header_done) struct header header = HEADER_NULL;
	struct verdict verdict;
	int r;

	r = header_read(device, &header, f);
	if (r < 0)
		return r;
	r = policy_judge(header.metadata, device->size, &u->conf->ciphers, &verdict);
	if (r == -ENOMEM)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory to judge the header");
	rv->header = verdict.rule ? verdict.rule : "accepted";
	memcpy(rv->uuid, verdict.uuid, sizeof(rv->uuid));
	memcpy(rv->cipher, verdict.cipher, sizeof(rv->cipher));
	if (r < 0)
		return fault_set(f, EXITCODE_HEADER_REFUSED, -r,
				 "the header of %s breaks the rule '%s'", device->path, verdict.rule);
	r = header_seal(&header, device, verdict.areas, verdict.nr_areas, verdict.data_offset, f);
	if (r < 0)
		return r;
	*ret_header = header;
	header = HEADER_NULL;
	return 0;
}

static int open_volume(struct unlock *u, size_t i, struct fault *f)
{
	const struct volume_conf *vc = &u->conf->volumes[i];
	struct report_volume *rv = &u->report->volumes[i];
	_cleanup_(device_done) struct device device = DEVICE_NULL;
	_cleanup_(header_done) struct header header = HEADER_NULL;
	_cleanup_(volume_done) struct volume volume = VOLUME_NULL;
	int r;

	report_stage(u->report, STAGE_DEVICE);
	r = device_find(u->root, &vc->device, &u->uevent, u->deadline, &device, f);
	if (r < 0)
		return r;
	memcpy(rv->device, device.path, sizeof(rv->device));

	report_stage(u->report, STAGE_HEADER);
	r = copy_header(u, &device, rv, &header, f);
	if (r < 0)
		return r;
	r = volume_load(&header, &device, &volume, f);
	if (r < 0)
		return r;

	report_stage(u->report, STAGE_KEYSLOT);
	r = volume_unlock(&volume, &u->secrets[i], f);
	secret_done(&u->secrets[i]);
	if (r < 0)
		return r;
	rv->form = volume.form;
	rv->keyslot = volume.keyslot;

	if (!u->root->machine)
		return 0;
	report_stage(u->report, STAGE_MAPPING);
	r = volume_map(&volume, vc, f);
	if (r < 0)
		return r;
	rv->mapped = true;
	log_info("volume %s: %s, header accepted, opened by keyslot %d (secret %s)", vc->name,
		 device.path, volume.keyslot, report_form_name(volume.form));
	return 0;
}

static int open_volumes(struct unlock *u, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < u->conf->nr_volumes && r >= 0; i++)
		r = open_volume(u, i, f);
	for (i = 0; i < u->conf->nr_volumes && r < 0; i++)
		if (u->report->volumes[i].mapped && volume_unmap(u->conf->volumes[i].name) >= 0)
			u->report->volumes[i].mapped = false;
	return r;
}

int unlock_run(const struct root *root, const struct conf *conf, struct report *report,
	       struct fault *f)
{
	struct unlock u = {
		.root = root,
		.conf = conf,
		.report = report,
		.deadline = deadline_in_ms(conf->timeout_ms),
		.source = SOURCE_EFI_NULL,
		.uevent = UEVENT_NULL,
	};
	int r;

	prepare(&u, f);
	r = take_secrets(&u, f);
	if (r >= 0)
		r = open_volumes(&u, f);
	wipe_secrets(&u);
	uevent_done(&u.uevent);
	report_end(report);
	return r;
}
