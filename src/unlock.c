/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unlock.c - the pipeline; read this first.
 * The only file that sees both secrets and disks. What each step trusts is said where the
 * step lives; here stands the order, and the order is the design:
 *
 *   prepare             what can fail without a secret fails before it is read: words of
 *                       the host, the kernel's ciphers, the judge's process
 *   source_efi_open     the secret module, securityfs
 *   source_efi_fetch    the owner's pins, each volume's secret, into locked memory
 *   source_efi_discard  every entry is wiped, whatever went wrong before
 *   device_find         only now is a disk looked at
 *   header_read, pins, judge_ask, header_seal   one copy: pinned, judged, sealed
 *   volume_load, volume_check                   libcryptsetup must agree about it
 *   volume_unlock, pins, volume_map             opened from that copy and no other
 *   mapping_check                               the kernel must agree about the result
 *   opened_write                                for verify-root, later in this boot
 */
#include "unlock.h"

#include <string.h>

#include "cmdline.h"
#include "judge.h"
#include "kernel.h"
#include "log.h"
#include "mapping.h"
#include "opened.h"
#include "paths.h"
#include "policy_entry.h"
#include "text.h"

#define MEMINFO_MAX 65536

struct unlock {
	const struct root *root;
	const struct conf *conf;
	struct report *report;
	struct deadline deadline;
	struct source_efi source;
	struct uevent uevent;
	struct judge_process judge;
	struct policy_entry policy;
	struct secret secrets[CONF_VOLUMES_MAX]; /* one for each volume */
	struct opened_volume opened[CONF_VOLUMES_MAX];
};

/* What can fail without a secret. A failure is in f; the wipe comes before anybody asks. */
static void prepare(struct unlock *u, struct fault *f)
{
	int r;

	if (cmdline_check(u->root, u->conf, f) < 0 || cmdline_check_credentials(u->root, f) < 0 ||
	    judge_start(u->conf, &u->judge, f) < 0)
		return;
	report_stage(u->report, STAGE_MODULES);
	r = uevent_open(u->root, &u->uevent);
	if (r < 0)
		(void)fault_set(f, EXITCODE_INTERNAL, -r, "cannot listen to device events: %s",
				strerror(-r));
	(void)kernel_prepare(u->root, u->conf, f);
}

static int fetch_policy(struct unlock *u, struct fault *f)
{
	_cleanup_secret_ struct secret entry = SECRET_NULL;
	unsigned int ignored;
	bool there = false;
	int r;

	if (source_efi_list(&u->source, GUID_POLICY, &ignored, &there) >= 0 && there) {
		r = source_efi_fetch(&u->source, GUID_POLICY, &entry, f);
		if (r < 0)
			return r;
		r = policy_entry_parse(&entry, u->conf, &u->policy, f);
		if (r < 0)
			return r;
	}
	return policy_entry_suffices(&u->policy, u->conf, f);
}

static int fetch_secrets(struct unlock *u, struct fault *f)
{
	size_t i;
	int r;

	r = fetch_policy(u, f);
	if (r < 0)
		return r;
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

/* Copies the header once, has it compared and judged, and seals what was accepted. */
static int copy_header(struct unlock *u, size_t i, const struct pins *pins,
		       const struct device *device, struct verdict *ret_verdict,
		       struct header *ret_header, struct fault *f)
{
	_cleanup_(header_done) struct header header = HEADER_NULL;
	struct report_volume *rv = &u->report->volumes[i];
	struct header_area areas[HEADER_AREAS_MAX];
	struct verdict v = { 0 };
	uint32_t n;
	int r;

	r = header_read(device, &header, f);
	if (r < 0)
		return r;
	r = pins_check_header(pins, header.metadata, device, f);
	if (r < 0)
		return r;
	r = judge_ask(&u->judge, u->conf, i, header.metadata, device, &v, f);
	memcpy(rv->uuid, v.uuid, sizeof(rv->uuid));
	memcpy(rv->cipher, v.cipher, sizeof(rv->cipher));
	(void)snprintf(rv->header, sizeof(rv->header), "%s", r < 0 ? v.rule : "accepted");
	if (r < 0)
		return r;
	r = pins_check_uuid(pins, v.uuid, f);
	if (r < 0)
		return r;
	for (n = 0; n < v.nr_keyslots; n++)
		areas[n] = v.keyslots[n].area;
	r = header_seal(&header, device, areas, v.nr_keyslots, v.data_offset, f);
	if (r < 0)
		return r;
	*ret_verdict = v;
	*ret_header = header;
	header = HEADER_NULL;
	return 0;
}

/* An Argon2 that does not fit would bring out the kernel's OOM killer. */
static int check_memory(const struct root *root, const struct verdict *v, struct fault *f)
{
	_cleanup_free_ char *text = NULL;
	char *p, *word;
	uint64_t kib;

	if (!root->machine || v->memory_kib == 0 ||
	    root_read_text(root, PATH_MEMINFO, MEMINFO_MAX, &text) < 0)
		return 0;
	p = strstr(text, "MemAvailable:");
	if (!p)
		return 0;
	p += strlen("MemAvailable:");
	word = text_word(&p, " \t\n");
	if (!word || text_u64(word, UINT64_MAX, &kib) < 0 || kib >= v->memory_kib)
		return 0;
	return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM,
			 "the keyslot's key derivation needs %llu MiB, and this guest has %llu MiB "
			 "left",
			 (unsigned long long)(v->memory_kib / 1024), (unsigned long long)(kib / 1024));
}

/* Maps the unlocked volume, and looks at what the kernel has made of it. */
static int map_volume(struct unlock *u, size_t i, const struct pins *pins,
		      const struct device *device, const struct verdict *verdict,
		      struct volume *volume, struct fault *f)
{
	const struct volume_conf *vc = &u->conf->volumes[i];
	struct opened_volume *opened = &u->opened[i];
	bool *mapped = &u->report->volumes[i].mapped;
	int r;

	report_stage(u->report, STAGE_MAPPING);
	*mapped = true;
	r = volume_map(volume, vc, f);
	if (r < 0) {
		*mapped = false;
		return r;
	}
	report_stage(u->report, STAGE_READ_BACK);
	r = mapping_check(u->root, vc, verdict, device, &opened->mapping, f);
	if (r < 0)
		return r;
	memcpy(opened->name, vc->name, sizeof(opened->name));
	opened->min_generation = pins ? pins->min_generation : 0;
	opened->set_generation = pins ? pins->set_generation : 0;
	return 0;
}

static int open_volume(struct unlock *u, size_t i, struct fault *f)
{
	const struct volume_conf *vc = &u->conf->volumes[i];
	const struct pins *pins = policy_entry_pins(&u->policy, vc->name);
	struct report_volume *rv = &u->report->volumes[i];
	_cleanup_(device_done) struct device device = DEVICE_NULL;
	_cleanup_(header_done) struct header header = HEADER_NULL;
	_cleanup_(volume_done) struct volume volume = VOLUME_NULL;
	const char *rule = NULL;
	struct verdict verdict;
	int r;

	report_stage(u->report, STAGE_DEVICE);
	r = device_find(u->root, &vc->device, &u->uevent, u->deadline, &device, f);
	if (r < 0)
		return r;
	memcpy(rv->device, device.path, sizeof(rv->device));

	report_stage(u->report, STAGE_HEADER);
	r = copy_header(u, i, pins, &device, &verdict, &header, f);
	if (r < 0)
		return r;
	r = volume_load(&header, &device, &volume, f);
	if (r >= 0)
		r = volume_check(&volume, vc, &verdict, &rule, f);
	if (rule)
		(void)snprintf(rv->header, sizeof(rv->header), "%s", rule); /* fits */
	if (r >= 0)
		r = check_memory(u->root, &verdict, f);
	if (r < 0)
		return r;

	report_stage(u->report, STAGE_KEYSLOT);
	r = volume_unlock(&volume, &verdict, &u->secrets[i], f);
	secret_done(&u->secrets[i]);
	if (r >= 0)
		r = pins_check_key(pins, &volume.key, verdict.uuid, f);
	if (r < 0)
		return r;
	rv->form = volume.form;
	rv->keyslot = volume.keyslot;

	if (!u->root->machine)
		return 0;
	r = map_volume(u, i, pins, &device, &verdict, &volume, f);
	if (r < 0)
		return r;
	log_info("volume %s: %s, header accepted%s, opened by keyslot %d (secret %s), live table "
		 "as expected",
		 vc->name, device.path, pins ? ", pins match" : "", volume.keyslot,
		 report_form_name(volume.form));
	return 0;
}

static void remove_mappings(const struct conf *conf, struct report *report)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++)
		if (report->volumes[i].mapped && volume_unmap(conf->volumes[i].name) >= 0)
			report->volumes[i].mapped = false;
}

static int open_volumes(struct unlock *u, struct fault *f)
{
	size_t i;
	int r = 0;

	for (i = 0; i < u->conf->nr_volumes && r >= 0; i++)
		r = open_volume(u, i, f);
	if (r >= 0 && u->root->machine) {
		r = opened_write(u->root, u->opened, u->conf->nr_volumes);
		if (r < 0)
			(void)fault_set(f, EXITCODE_INTERNAL, -r, "cannot write %s: %s", PATH_OPENED,
					strerror(-r));
	}
	if (r < 0)
		remove_mappings(u->conf, u->report);
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
		.judge = JUDGE_NULL,
	};
	int r;

	if (f->code == EXITCODE_OK)
		prepare(&u, f);
	r = take_secrets(&u, f);
	if (r >= 0)
		r = open_volumes(&u, f);
	wipe_secrets(&u);
	judge_done(&u.judge);
	uevent_done(&u.uevent);
	report_end(report);
	return r;
}

int unlock_undo(const struct root *root, const struct conf *conf, struct report *report,
		struct fault *f)
{
	struct unlock u = {
		.root = root,
		.conf = conf,
		.report = report,
		.source = SOURCE_EFI_NULL,
		.uevent = UEVENT_NULL,
		.judge = JUDGE_NULL,
	};

	if (root->machine)
		remove_mappings(conf, report);
	(void)take_secrets(&u, f); /* with a fault it reads nothing */
	report_end(report);
	return -ECANCELED;
}
