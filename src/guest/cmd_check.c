/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_check.c - the dry run: what is there, what would be done, what would be refused.
 * Reads no secret, wipes nothing, loads nothing, maps nothing.
 */
#include "guest/cmd.h"

#include <string.h>

#include "base/modules.h"
#include "base/paths.h"
#include "base/warning.h"
#include "boot/choice.h"
#include "boot/cmdline.h"
#include "boot/lvmfilter.h"
#include "boot/report.h"
#include "boot/surroundings.h"
#include "conf/devicespec.h"
#include "conf/kbssection.h"
#include "conf/rescueconf.h"
#include "conf/rootsection.h"
#include "disk/judge.h"
#include "volume/imagepolicy.h"
#include "volume/kernel.h"

/* The sections [Root] and [Image]; coco-mkinitramfs reads these lines. */
static void print_root(const struct conf *conf)
{
	char device[CONF_DEVICE_SIZE];
	size_t i;

	rootsection_device(conf, device);
	printf("RootDevice=%s\nRootType=%s\nRootOptions=%s\n", device, conf->root.type,
	       conf->root.options);
	printf("UsrDevice=%s\nUsrType=%s\nUsrOptions=%s\n", conf->usr.device, conf->usr.type,
	       conf->usr.options);
	printf("Init=%s\nFsck=%s\nLvm=%s\nDefaultModules=%s\nModules=", conf->init,
	       conf->fsck ? "yes" : "no", rootsection_wants_lvm(conf) ? "yes" : "no",
	       conf->modules.defaults ? "yes" : "no");
	for (i = 0; i < conf->modules.nr; i++)
		printf("%s%s", i ? " " : "", conf->modules.names[i]);
	printf("\n");
}

static void print_digits(const char *key, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];

	digest_text(digest, text);
	printf("%s=%s\n", key, text);
}

/* Sources=, and with kbs among them the section [Kbs]. */
static void print_kbs(const struct conf *conf)
{
	const struct kbs_conf *kbs = &conf->kbs;
	size_t i;

	printf("Sources=");
	for (i = 0; i < conf->nr_sources; i++)
		printf("%s%s", i ? " " : "", conf_source_name(conf->sources[i]));
	printf("\n");
	if (!conf_has_source(conf, SOURCE_KBS))
		return;
	for (i = 0; i < kbs->nr_urls; i++)
		printf("Broker=%s %s %u\n", kbs->urls[i].text, kbs->urls[i].address,
		       kbs->urls[i].port);
	for (i = 0; i < kbs->nr_pins; i++)
		print_digits("Pin", &kbs->pins[i]);
	printf("BrokerCA=%s\nVCEK=%s\nResource=%s\nResourceFormat=%s\nEventLog=%s\n",
	       kbs->broker_ca, kbs->vcek, kbs->resource,
	       kbs->format == RESOURCE_TABLE ? "table" : "secret", kbs->event_log ? "auto" : "no");
	printf("KeepNetwork=%s\nNics=", kbs->keep_network ? "yes" : "no");
	for (i = 0; i < kbs->nics.nr; i++)
		printf("%s%s", i ? " " : "", kbs->nics.names[i]);
	printf("\n");
}

/* The keys of a rescue, and what a challenge says of this configuration. */
static void print_rescue(const struct conf *conf, const struct digest *digest)
{
	const struct rescue_conf *rescue = &conf->rescue;
	struct digest key;
	size_t i;

	printf("RescueShell=%s\nRescueTimeoutMs=%llu\n", rescue->shell ? "yes" : "no",
	       (unsigned long long)rescue->timeout_ms);
	for (i = 0; i < rescue->nr_keys; i++) {
		memcpy(key.octets, rescue->keys[i], sizeof(key.octets));
		print_digits("RescueKey", &key);
	}
	print_digits("Digest", digest);
}

static void print_conf(const struct conf *conf, const struct digest *digest)
{
	char filter[LVMFILTER_SIZE], secret[REFERENCE_TEXT_SIZE];
	size_t i;

	/* dracut's module reads these lines: keys are only ever added. */
	printf("TimeoutMs=%llu\n", (unsigned long long)conf->timeout_ms);
	printf("RootTimeoutMs=%llu\n", (unsigned long long)conf->root_timeout_ms);
	printf("FailureAction=%s\n", conf_action_name(conf->failure_action));
	printf("SecretModules=");
	for (i = 0; i < conf->secret_modules.nr; i++)
		printf("%s%s", i ? " " : "", conf->secret_modules.names[i]);
	printf("\nCiphers=");
	for (i = 0; i < conf->ciphers.nr; i++)
		printf("%s%s", i ? " " : "", conf->ciphers.names[i]);
	printf("\nIntegrity=%s", conf_wants_integrity(conf) ? "hmac-sha256" : "");
	printf("\nKeepSecrets=");
	for (i = 0; i < conf->nr_keep; i++)
		printf("%s%s", i ? " " : "", conf->keep[i]);
	printf("\nRequirePolicyEntry=%s\nCheckCommandLine=%s\nAllowWords=",
	       conf->require_policy ? "yes" : "no", conf->check_cmdline ? "yes" : "no");
	for (i = 0; i < conf->allow_words.nr; i++)
		printf("%s%s", i ? " " : "", conf->allow_words.words[i]);
	printf("\nRootVolume=%s\n", conf->volumes[conf->root_volume].name);
	for (i = 0; i < conf->nr_volumes; i++) {
		const struct volume_conf *v = &conf->volumes[i];

		reference_text(&v->secret, secret);
		printf("Volume=%s %s%s %s\n", v->name, devicespec_prefix(v->device.kind),
		       v->device.kind == DEVICE_KIND_AUTO ? "auto" : v->device.value, secret);
	}
	(void)lvmfilter_value(conf, filter); /* empty: none is possible */
	printf("LvmFilter=%s\n", filter);
	print_root(conf);
	print_kbs(conf);
	print_rescue(conf, digest);
}

/* Prints one line of the report and remembers the first fault as the verb's exit code. */
static void print_check(const char *what, const struct fault *f, const char *good,
			enum exitcode *code)
{
	if (f->code == EXITCODE_OK) {
		printf("ok      %-14s %s\n", what, good);
		return;
	}
	printf("refused %-14s %s (%d %s); next: %s\n", what, f->why, (int)f->code,
	       exitcode_name(f->code), fault_next(f));
	if (*code == EXITCODE_OK)
		*code = f->code;
}

static void check_kernel(const struct root *root, const struct conf *conf, enum exitcode *code)
{
	struct fault f = { 0 };

	if (!root->machine)
		return;
	(void)kernel_look(root, conf, &f);
	print_check("kernel", &f, "dm_crypt and the ciphers are there", code);
}

/* Nobody has exposed launch secrets yet. */
static void check_efi_absent(const struct root *root, const struct conf *conf, struct fault *f,
			     enum exitcode *code)
{
	char good[160];
	size_t i;

	for (i = 0; i < conf->secret_modules.nr && root->machine; i++)
		if (module_lookup(conf->secret_modules.names[i]) >= 0)
			break;
	if (root->machine && i == conf->secret_modules.nr)
		(void)fault_set(f, EXITCODE_NO_SECRET_MODULE, ENOENT,
				"no module that exposes launch secrets");
	else if (!root->machine)
		(void)fault_set(f, EXITCODE_NO_SECRET_TABLE, ENOENT, "no secrets are exposed here");
	(void)snprintf(good, sizeof(good), "module %s would be loaded to look for secrets",
		       i < conf->secret_modules.nr ? conf->secret_modules.names[i] : "");
	print_check("secrets", f, good, code);
}

static void check_efi(struct source *src, enum exitcode *code)
{
	const struct conf *conf = src->conf;
	struct fault f = { 0 };
	unsigned int nr = 0;
	char good[160];
	bool has;
	size_t i;

	if (src->ops->probe(src, &f) <= 0) {
		check_efi_absent(src->root, conf, &f, code);
		return;
	}
	for (i = 0; i < conf->nr_volumes; i++) {
		const struct volume_conf *v = &conf->volumes[i];

		f = (struct fault){ 0 };
		if (src->ops->list(src, &v->secret, &nr, &has) < 0 || !has)
			(void)source_missing(src, &v->secret, &f);
		(void)snprintf(good, sizeof(good), "entry %s for volume %s, one of %u",
			       v->secret.guid, v->name, nr);
		print_check("secrets", &f, good, code);
	}
}

/* Which brokers would be asked, and for what. */
static void print_brokers(const struct conf *conf)
{
	const char *resource;
	size_t i;

	for (i = 0; i < conf->kbs.nr_urls; i++)
		printf("ok      %-14s %s, at %s port %u\n", "key broker", conf->kbs.urls[i].text,
		       conf->kbs.urls[i].address, conf->kbs.urls[i].port);
	for (i = 0; i < conf->nr_volumes; i++) {
		const struct volume_conf *v = &conf->volumes[i];

		resource = v->secret.kind == REFERENCE_RESOURCE ? v->secret.resource :
								  conf->kbs.resource;
		printf("ok      %-14s resource %s for volume %s%s%s\n", "key broker", resource,
		       v->name, conf->kbs.format == RESOURCE_TABLE ? ", entry " : "",
		       conf->kbs.format == RESOURCE_TABLE ? v->secret.guid : "");
	}
}

/* Returns what a probe does: 1 if the broker would be asked, 0 if efi would be its turn. */
static int check_kbs(struct source *src, bool has_efi, enum exitcode *code)
{
	struct fault f = { 0 };
	char good[160];
	int r;

	r = src->ops->probe(src, &f);
	if (r == 0 && (src->root->machine || has_efi)) {
		/* Nothing is loaded, so that there may be one at boot. */
		f = (struct fault){ 0 };
		(void)snprintf(good, sizeof(good),
			       "no provider of reports is seen; with one at "
			       "boot a key broker is asked, without one %s",
			       has_efi ? "the launch secret is used" : "the boot ends");
	} else {
		(void)snprintf(good, sizeof(good), "reports of %s prove this guest to it",
			       src->info.tee ? src->info.tee : "");
	}
	print_check("key broker", &f, good, code);
	if (r >= 0)
		print_brokers(src->conf);
	if (r > 0 && has_efi)
		printf("ok      %-14s skipped, since there is a provider of reports\n", "secrets");
	return r;
}

/* What each source would do, in the order of a boot. */
static void check_sources(const struct root *root, const struct conf *conf, enum exitcode *code)
{
	bool has_efi = conf_has_source(conf, SOURCE_EFI);
	struct source list[SOURCES_MAX];
	size_t nr = choice_list(root, conf, true, deadline_in_ms(0), list), i;
	int r = 0;

	for (i = 0; i < nr && r == 0; i++) {
		if (list[i].ops->refetchable)
			r = check_kbs(&list[i], has_efi, code);
		else
			check_efi(&list[i], code);
		list[i].ops->done(&list[i]);
	}
}

static void check_volume(const struct root *root, const struct conf *conf, size_t i,
			 const struct policy_entry *image, const struct judge_process *judge,
			 enum exitcode *code)
{
	const struct pins *pins = policy_entry_pins(image, conf->volumes[i].name);
	_cleanup_(device_done) struct device device = DEVICE_NULL;
	_cleanup_(header_done) struct header header = HEADER_NULL;
	struct uevent ue = UEVENT_NULL;
	struct verdict verdict = { 0 };
	struct fault f = { 0 };
	char good[CONF_DEVICE_SIZE + 160];
	int r;

	r = device_find(root, &conf->volumes[i].device, &ue, deadline_in_ms(0), &device, &f);
	if (r >= 0)
		r = header_read(&device, conf->volumes[i].metadata_size, &header, &f);
	if (r >= 0)
		r = pins_check_header(pins, header.metadata, header.size, &device, &f);
	if (r >= 0)
		r = judge_ask(judge, conf, i, header.metadata, &device, &verdict, &f);
	if (r >= 0)
		(void)pins_check_uuid(pins, verdict.uuid, &f);
	(void)snprintf(good, sizeof(good), "%s, uuid %s, %s, header accepted", device.path,
		       verdict.uuid, verdict.cipher);
	print_check(conf->volumes[i].name, &f, good, code);
}

static void check_host_words(const struct root *root, const struct conf *conf, enum exitcode *code)
{
	struct fault f = { 0 };

	/* Outside of the initramfs the words are those of another boot's stage. */
	if (root->machine && root_exists(root, PATH_INITRD_RELEASE) == 0)
		return;
	if (cmdline_check(root, conf, &f) >= 0)
		(void)cmdline_check_credentials(root, &f);
	print_check("command line", &f, "no word that is not allowed, no credential", code);
}

/* In the running system: the host may bring a volume group at any time, by a name of ours. */
static void advise_lvm(const struct root *root, const struct conf *conf)
{
	char filter[LVMFILTER_SIZE];

	if (root_exists(root, PATH_INITRD_RELEASE) > 0 || !lvmfilter_has_lvm(root))
		return;
	if (lvmfilter_value(conf, filter) < 0)
		printf("warning %-14s LVM has to look at other disks than the volumes: the host may bring "
		       "a volume group of any name; next: name what you mount by /dev/mapper\n",
		       "lvm");
	else if (lvmfilter_is_set(root, filter))
		printf("ok      %-14s looks at the volumes only\n", "lvm");
	else
		printf("warning %-14s the host may bring a volume group of any name; next: put this line "
		       "into the section devices of %s: global_filter = %s\n",
		       "lvm", PATH_LVM_CONF, filter);
}

static void print_warning(void *arg, const char *what, const char *text)
{
	(void)arg;
	printf("warning %-14s %s\n", what, text);
}

/* The real root: what else in it obeys the host. It changes no code. */
static void check_surroundings(const struct root *root, const struct conf *conf)
{
	const struct warning_sink sink = { .take = print_warning };

	if (root_exists(root, PATH_INITRD_RELEASE) <= 0)
		surroundings_look(root, conf, &sink);
}

/* What the image's policy leaves open, or makes hard to change. It changes no code. */
static void advise_policy(const struct conf *conf, const struct policy_entry *image)
{
	char doubt[WARNING_MAX];
	size_t n;

	for (n = 0; image_policy_doubt(image, conf, n, doubt, sizeof(doubt)); n++)
		printf("warning %-14s %s\n", "policy", doubt);
}

/* What a failed boot offers to whoever is at a console. */
static void advise_rescue(const struct conf *conf, const struct digest *digest)
{
	char text[DIGEST_TEXT_SIZE];

	if (!conf_rescues(conf))
		return;
	digest_text(digest, text);
	printf("ok      %-14s after a failure for %llu s, answers by %zu keys, configuration %s\n",
	       "rescue", (unsigned long long)(conf->rescue.timeout_ms / 1000), conf->rescue.nr_keys,
	       text);
}

static enum exitcode check_all(const struct root *root, const struct conf *conf,
			       const struct policy_entry *image, const struct digest *digest)
{
	const struct warning_sink sink = { .take = print_warning };
	struct judge_process judge = JUDGE_NULL;
	enum exitcode code = EXITCODE_OK;
	struct fault f = { 0 };
	size_t v;

	print_check("config", &f, "no mistake found", &code);
	check_host_words(root, conf, &code);
	check_kernel(root, conf, &code);
	check_sources(root, conf, &code);
	if (judge_start(conf, &judge, &f) < 0)
		print_check("judge", &f, "", &code);
	for (v = 0; v < conf->nr_volumes && f.code == EXITCODE_OK; v++)
		check_volume(root, conf, v, image, &judge, &code);
	judge_done(&judge);
	advise_policy(conf, image);
	kbssection_warn(conf, &sink);
	advise_rescue(conf, digest);
	rescueconf_warn(conf, &sink);
	advise_lvm(root, conf);
	check_surroundings(root, conf);
	if (code != EXITCODE_OK)
		printf("a boot would now end with: %s\n", conf_action_name(conf->failure_action));
	return code;
}

/* For a command line that is still in a file: each word that a boot would refuse, one in a line.
 * dracut's module reads them. */
static enum exitcode print_refused(const struct conf *conf, char *words)
{
	enum exitcode code = EXITCODE_OK;
	char *word, shown[CONF_WORD_SIZE + 80];

	while (conf->check_cmdline && (word = cmdline_next_refused(&words, conf))) {
		text_printable(word, shown, sizeof(shown));
		printf("%s\n", shown);
		code = EXITCODE_COMMAND_LINE;
	}
	return code;
}

/* Beside the configuration, which is for scripts: builders show these lines as warnings. */
static void print_config_warning(void *arg, const char *what, const char *text)
{
	(void)arg;
	fprintf(stderr, "coco-unlock: warning: %s %s\n", what, text);
}

static void warn_policy(const struct conf *conf, const struct policy_entry *image)
{
	char doubt[WARNING_MAX];
	size_t n;

	for (n = 0; image_policy_doubt(image, conf, n, doubt, sizeof(doubt)); n++)
		fprintf(stderr, "coco-unlock: warning: %s\n", doubt);
}

static int run_check(const struct root *root, int argc, char **argv)
{
	const struct warning_sink warnings = { .take = print_config_warning };
	struct policy_entry image;
	struct digest digest;
	struct conf conf;
	bool config_only = false, standalone = false;
	struct fault f = { 0 };
	char *words = NULL;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && !words)
			config_only = true;
		else if (strcmp(argv[i], "--standalone") == 0 && !words)
			standalone = true;
		else if (strncmp(argv[i], "--cmdline=", 10) == 0 && !words && !config_only &&
			 !standalone)
			words = argv[i] + 10;
		else
			return cmd_usage(&cmd_check, argv[i]);
	}
	if (standalone && !config_only)
		return cmd_usage(&cmd_check, "--standalone without --config");
	if (conf_load(root, &conf, &f) < 0 || (standalone && rootsection_check(&conf, &f) < 0) ||
	    image_policy_load(root, &conf, &image, &f) < 0 || conf_digest(root, &digest, &f) < 0 ||
	    (!words && kbssection_check_files(root, &conf, &f) < 0) ||
	    (!words && !conf_has_source(&conf, SOURCE_EFI) &&
	     policy_check_bare(&image, &conf, &f) < 0)) {
		fprintf(stderr, "coco-unlock: %s\n", f.why);
		if (*f.next)
			fprintf(stderr, "coco-unlock: next: %s\n", f.next);
		return (int)f.code;
	}
	if (words)
		return (int)print_refused(&conf, words);
	if (config_only) {
		kbssection_warn(&conf, &warnings);
		rescueconf_warn(&conf, &warnings);
		print_conf(&conf, &digest);
		warn_policy(&conf, &image);
		return EXITCODE_OK;
	}
	return (int)check_all(root, &conf, &image, &digest);
}

const struct cmd cmd_check = {
	.name = "check",
	.args = "[--config [--standalone] | --cmdline=WORDS]",
	.help = "say what is there, what would be refused, and what obeys the host; or only read the configuration, or judge WORDS",
	.run = run_check,
};
