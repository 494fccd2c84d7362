/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescue.c - a boot that has failed, its consoles, its owner, and the host in between: what is on
 * offer, what an answer can do, and what none can. The machine is a tree, the consoles are this
 * program: each step of a plan is what somebody does at one of them.
 * Needs: cryptsetup
 */
#include "boot/rescue.h"

#include <sys/wait.h>

#include "boot/console.h"
#include "boot/sources.h"
#include "boot/supervise.h"
#include "boot/unlock.h"
#include "bytes.h"
#include "fake_machine.h"
#include "rootfs/opened.h"
#include "signing.h"
#include "source/efi.h"

#define STEPS_MAX 8
#define KEPT_GUID "22222222-2222-4333-8444-555555555555"
#define KEPT ENTRIES "/" KEPT_GUID

/* What somebody at a console does next. */
enum step {
	LET_TIME_PASS,
	ASK_TO_END, /* with a signal */
	TYPE_REBOOT,
	TYPE_POWEROFF,
	TYPE_UNLOCK,  /* which is no word */
	SEND_ANSWER,  /* to the challenge that is shown */
	SEND_AGAIN,   /* the last one, as it was */
	SEND_FORGED,  /* signed by somebody else */
	SEND_CHANGED, /* with one bit changed behind the owner's back */
};

struct act {
	enum step step;
	enum rescue_action action;
	const char *root, *data; /* secrets; NULL: the answer has none for this volume */
	const char *volume, *device;
	int keyslot; /* 0: any; else one more than its number */
};

static struct {
	struct act acts[STEPS_MAX];
	size_t next;
	unsigned int opened, closed, refused;
	bool had_challenge, page_there, kept_entry_there, open_fails;
	struct challenge challenge; /* the last one */
	char reason[FAULT_WHY_MAX], page[4096];
	char reasons[STEPS_MAX][FAULT_WHY_MAX]; /* of each refusal */
	unsigned char message[ANSWER_SIZE_MAX]; /* the last one */
	size_t len;
	enum failure_action action;
} plan;

static const struct console_page *page;
static struct signing_key *owner, *thief;
static char pinned[1024]; /* a policy entry that pins both volume keys */

/* The owner's rescue entry, which is nowhere in this program in one piece. */
static unsigned char entry_byte(size_t i)
{
	return (unsigned char)('!' + i * 7 % 90);
}

static struct secret entry_secret(void)
{
	struct secret s;
	size_t i;

	FIXTURE_MUST(secret_init(&s, &(struct fault){ 0 }) == 0);
	for (i = 0; i < RESCUE_ENTRY_SIZE; i++)
		s.bytes[i] = entry_byte(i);
	s.len = RESCUE_ENTRY_SIZE;
	return s;
}

static void put_entry(void)
{
	_cleanup_secret_ struct secret s = entry_secret();
	int fd = open(fixture_path(&fx, ENTRIES "/" GUID_RESCUE),
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FIXTURE_MUST(fd >= 0 && write(fd, s.bytes, s.len) == (ssize_t)s.len && close(fd) == 0);
}

/* Is the entry anywhere in this process, which is the parent of those that unlock? */
static bool entry_in_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to, at;
	bool found = false;
	char line[512];

	FIXTURE_MUST(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || !strstr(line, " rw"))
			continue;
		for (at = from; at + RESCUE_ENTRY_SIZE <= to && !found; at++) {
			const unsigned char *p = (const unsigned char *)at;
			size_t i;

			for (i = 0; i < RESCUE_ENTRY_SIZE && p[i] == entry_byte(i); i++)
				;
			found = i == RESCUE_ENTRY_SIZE;
		}
	}
	(void)fclose(maps);
	return found;
}

/* coco-secret's part: an answer to the challenge on the page. */
static void make_answer(const struct act *act)
{
	struct answer answer = { .action = act->action, .keyslot = act->keyslot - 1 };
	struct secret entry = entry_secret(), shared = SECRET_NULL;
	struct answer_secret secrets[2] = { { .volume = "root" }, { .volume = "data" } };
	const char *texts[] = { act->root, act->data };
	struct rescue_public public = { .key = { 9 } }; /* a point, whose other half nobody has */
	struct fault why = { 0 };
	size_t i, nr = 0;
	ssize_t len;

	(void)snprintf(answer.volume, sizeof(answer.volume), "%s", act->volume ? act->volume : "");
	(void)snprintf(answer.device, sizeof(answer.device), "%s", act->device ? act->device : "");
	for (i = 0; i < 2; i++) {
		if (!texts[i])
			continue;
		if (nr < i)
			memcpy(secrets[nr].volume, secrets[i].volume, sizeof(secrets[i].volume));
		secrets[nr++].secret = bytes_secret(texts[i], strlen(texts[i]));
	}
	if (plan.challenge.has_keys)
		public = plan.challenge.public;
	FIXTURE_MUST(rescue_shared(&entry, &public, &shared, &why) == 0);
	if (plan.challenge.has_keys)
		ok(challenge_verify(page->challenge, page->challenge_len, &shared) == 0,
		   "the owner sees that the challenge is of this guest");
	len = answer_make(&answer, secrets, nr, page->challenge, page->challenge_len, &public,
			  &shared, act->step == SEND_FORGED ? thief : owner, plan.message,
			  sizeof(plan.message), &why);
	FIXTURE_MUST(len > 0);
	plan.len = (size_t)len;
	if (act->step == SEND_CHANGED)
		plan.message[plan.len / 2] ^= 4;
	for (i = 0; i < nr; i++)
		secret_done(&secrets[i].secret);
	secret_done(&entry);
	secret_done(&shared);
}

/* The consoles. */
static bool page_is_gone(void)
{
	void *keys = attempts.keys;
	unsigned char vec;
	int status;
	pid_t pid;

	if (!keys)
		return true;
	pid = INJECT_NEXT(fork)();
	FIXTURE_MUST(pid >= 0);
	if (pid == 0)
		_exit(mincore(keys, 1, &vec) < 0 && errno == ENOMEM ? 0 : 1);
	FIXTURE_MUST(waitpid(pid, &status, 0) == pid);
	return status == 0;
}

int consoles_open(const struct root *root, const struct console_page *shown,
		  struct consoles **ret_consoles, struct fault *why)
{
	struct fault ignored = { 0 };

	FIXTURE_MUST(root == &fx.root);
	if (plan.open_fails)
		return fault_set(why, EXITCODE_INTERNAL, ENODEV, "no console");
	plan.opened++;
	page = shown;
	plan.had_challenge = shown->challenge != NULL;
	plan.kept_entry_there = fixture_has(&fx, KEPT);
	plan.page_there = !page_is_gone();
	if (entry_in_memory() || inject_secrets.nr_live > 0)
		ok(false, "nothing secret is in this process while somebody is at a console");
	(void)snprintf(plan.page, sizeof(plan.page), "%s", shown->screens[0].text);
	memset(&plan.challenge, 0, sizeof(plan.challenge));
	if (shown->challenge)
		ok(challenge_read(shown->challenge, shown->challenge_len, &plan.challenge,
				  &ignored) == 0,
		   "the challenge can be read: %s", ignored.why);
	*ret_consoles = (struct consoles *)&plan;
	return 0;
}

int consoles_wait(struct consoles *consoles, struct deadline deadline, unsigned char *message,
		  struct console_said *ret_said)
{
	const struct act *act = &plan.acts[plan.next++];

	FIXTURE_MUST(consoles == (struct consoles *)&plan && plan.next <= STEPS_MAX);
	FIXTURE_MUST(deadline_left_ms(deadline) > 0 &&
		     (uint64_t)deadline_left_ms(deadline) <= conf.rescue.timeout_ms);
	*ret_said = (struct console_said){ .event = CONSOLE_ANSWER, .console = 1 };
	switch (act->step) {
	case LET_TIME_PASS:
		ret_said->event = CONSOLE_TIMEOUT;
		return 0;
	case ASK_TO_END:
		ret_said->event = CONSOLE_SIGNAL;
		return 0;
	case TYPE_REBOOT:
	case TYPE_POWEROFF:
	case TYPE_UNLOCK:
		ret_said->event = CONSOLE_WORD;
		ret_said->action = act->step == TYPE_REBOOT   ? RESCUE_REBOOT :
				   act->step == TYPE_POWEROFF ? RESCUE_POWEROFF :
								RESCUE_UNLOCK;
		return 0;
	case SEND_AGAIN:
		break;
	default:
		make_answer(act);
	}
	memcpy(message, plan.message, plan.len);
	ret_said->len = plan.len;
	return 0;
}

void consoles_refuse(struct consoles *consoles, size_t console, const char *why)
{
	FIXTURE_MUST(consoles && console == 1);
	FIXTURE_MUST(plan.refused < STEPS_MAX);
	(void)snprintf(plan.reasons[plan.refused++], sizeof(plan.reason), "%s", why);
	(void)snprintf(plan.reason, sizeof(plan.reason), "%s", why);
}

const char *consoles_name(const struct consoles *consoles, size_t console)
{
	FIXTURE_MUST(consoles && console == 1);
	return "ttyS0";
}

void consoles_close(struct consoles **consoles, const char *line)
{
	FIXTURE_MUST(*consoles && line);
	plan.closed++;
	*consoles = NULL;
}

/* A broker, that fails as often as it is told. */
static struct broker {
	unsigned int fails, asked;
} *shop; /* shared with the processes that unlock */

static int broker_probe(struct source *src, struct fault *why)
{
	(void)src;
	(void)why;
	return 1;
}

static int broker_open(struct source *src, struct fault *why)
{
	(void)src;
	if (shop->asked++ >= shop->fails)
		return 0;
	return fault_set(why, EXITCODE_CONNECTION, ECONNREFUSED, "nobody is there");
}

static int broker_list(struct source *src, const struct reference *ref, unsigned int *ret_nr,
		       bool *ret_has)
{
	(void)src;
	*ret_nr = 4;
	*ret_has = strcmp(ref->guid, GUID_POLICY) == 0 || strcmp(ref->guid, GUID_RESCUE) == 0;
	return 0;
}

static int broker_fetch(struct source *src, const struct reference *ref, struct secret *ret_secret,
			struct fault *why)
{
	const char *text = strcmp(ref->guid, GUID_POLICY) == 0 ? pinned :
			   strcmp(ref->guid, OTHER) == 0       ? "other" :
								 "key";

	(void)src;
	(void)why;
	*ret_secret = strcmp(ref->guid, GUID_RESCUE) == 0 ? entry_secret() :
							    bytes_secret(text, strlen(text));
	return 0;
}

static int broker_discard(struct source *src, struct fault *why)
{
	(void)src;
	(void)why;
	return 0;
}

static void broker_done(struct source *src)
{
	(void)src;
}

static const struct source_ops broker = {
	.kind = "key-broker",
	.refetchable = true,
	.probe = broker_probe,
	.open = broker_open,
	.list = broker_list,
	.fetch = broker_fetch,
	.discard = broker_discard,
	.done = broker_done,
};

const struct source_row sources[SOURCES_MAX + 1] = {
	{ SOURCE_KBS, &broker },
	{ SOURCE_EFI, &source_efi },
};

/* A boot with the wrong secret for `root`, pins, and a rescue entry. */
static void begin_rescue(void)
{
	begin();
	conf.failure_action = FAILURE_ACTION_RESCUE;
	conf.rescue.nr_keys = 2;
	conf.nr_keep = 0;
	conf.sources[0] = SOURCE_EFI;
	conf.nr_sources = 1;
	FIXTURE_MUST(signing_key_public(owner, conf.rescue.keys[1]) == 0);
	memset(conf.rescue.keys[0], 0x77, ED25519_KEY_SIZE);
	(void)snprintf(conf.volumes[0].device.value, CONF_DEVICE_SIZE, "/dev/vda");
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "old key");
	fixture_text(&fx, ENTRIES "/" GUID_POLICY, pinned);
	put_entry();
	memset(&plan, 0, sizeof(plan));
	memset(shop, 0, sizeof(*shop));
}

/* As step.c and stop.c do; the machine's end is an action. */
static enum rescue_end run(void)
{
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	enum rescue_end end = RESCUE_DONE;

	FIXTURE_MUST(saved >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
	if (conf.rescue.nr_keys > 0)
		FIXTURE_MUST(rescue_keys_map(&attempts.keys, &f) == 0);
	if (supervise(&fx.root, &conf, &report, &attempts, NULL, &f) < 0) {
		rescue_undo(&fx.root, &conf, &report, &f);
		end = rescue_unlock(&fx.root, &conf, &report, &attempts, &plan.action, &f);
	}
	FIXTURE_MUST(dup2(saved, STDERR_FILENO) >= 0 && close(saved) == 0 && close(null) == 0);
	is_int(plan.opened, plan.closed, "who has opened the consoles has closed them");
	ok(!plan.page_there, "no process at a console has the page with the keys");
	ok(!entries_there() && !fixture_has(&fx, ENTRIES "/" GUID_RESCUE), "no entry is left");
	is_int(too_early, 0, "nothing was done before its time");
	return end;
}

/* The page is zero for everybody when it is given back. */
static void keys_are_gone(void)
{
	static const struct rescue_keys none;
	struct rescue_keys *copy;

	if (!attempts.keys)
		return;
	copy = mremap(attempts.keys, 0, 4096, MREMAP_MAYMOVE);
	FIXTURE_MUST(copy != MAP_FAILED);
	rescue_keys_done(&attempts.keys);
	ok(!attempts.keys && memcmp(copy, &none, sizeof(none)) == 0, "the keys are wiped");
	FIXTURE_MUST(munmap(copy, 4096) == 0);
	ok(!entry_in_memory() && inject_secrets.nr_live == 0, "and nothing else is left");
}

static const struct act good = { .step = SEND_ANSWER, .root = "key", .data = "other" };

static bool offers(enum rescue_action action)
{
	return plan.challenge.actions & 1U << action;
}

static void test_wrong_secret(void)
{
	const char *text;

	begin_rescue();
	plan.acts[0] = good;
	is_int(run(), RESCUE_DONE, "an old secret: the answer brings the right one: %s", f.why);
	ok(offers(RESCUE_UNLOCK) && !offers(RESCUE_FETCH) && offers(RESCUE_REBOOT) &&
		   offers(RESCUE_POWEROFF) && plan.challenge.has_keys,
	   "what was on offer");
	is_int(plan.challenge.code, EXITCODE_SECRET_REFUSED, "and why");
	ok(plan.challenge.nr_volumes == 2 && plan.challenge.volumes[0].failed &&
		   !plan.challenge.volumes[1].failed &&
		   strcmp(plan.challenge.volumes[0].device, "/dev/vda") == 0 &&
		   strcmp(plan.challenge.volumes[0].header, "accepted") == 0 &&
		   strcmp(plan.challenge.boot_id, "12345678-1234-4234-8234-123456789abc") == 0,
	   "and of what");
	is_str(mappings, " root data", "both are mapped then");
	is_int(f.code, EXITCODE_OK, "and no failure is left");
	is_int(report.rescue.tries, 1, "after one try");
	is_int(attempts.nr_entries, 4, "the entries were counted");
	FIXTURE_MUST(report_write(&fx.root, &conf, &report, &f, "none") == 0);
	text = fixture_get(&fx, PATH_STATUS);
	ok(strstr(text, "\"result\":\"ok\"") &&
		   strstr(text, "\"rescue\":{\"code\":2,\"name\":\"secret-refused\",\"tries\":1,"
				"\"refused\":0,\"console\":\"ttyS0\",\"action\":\"unlock\","
				"\"volume\":\"\",\"device\":\"\",\"keyslot\":-1}"),
	   "the status file says so");
	keys_are_gone();
}

static void test_second_try(void)
{
	begin_rescue();
	plan.acts[0] = (struct act){ .step = SEND_ANSWER, .root = "no key", .data = "other" };
	plan.acts[1] = (struct act){ .step = SEND_AGAIN };
	plan.acts[2] = good;
	is_int(run(), RESCUE_DONE, "a wrong secret, the same again, the right one: %s", f.why);
	is_int(plan.opened, 2, "a wrong one leads back to the consoles");
	ok(plan.refused == 1 && report.rescue.refused == 1 && strstr(plan.reason, "challenge"),
	   "an answer counts once: %s", plan.reason);
	is_int(report.rescue.tries, 2, "two tries");
	keys_are_gone();
}

static void test_other_boot(void)
{
	static unsigned char message[ANSWER_SIZE_MAX];
	size_t len;

	begin_rescue();
	plan.acts[0] = good;
	FIXTURE_MUST(run() == RESCUE_DONE);
	keys_are_gone();
	memcpy(message, plan.message, sizeof(message));
	len = plan.len;
	begin_rescue();
	memcpy(plan.message, message, sizeof(message));
	plan.len = len;
	plan.acts[0] = (struct act){ .step = SEND_AGAIN };
	plan.acts[1] = (struct act){ .step = LET_TIME_PASS };
	is_int(run(), RESCUE_STOP, "an answer of the boot before");
	ok(plan.refused == 1 && report.rescue.tries == 0 && !*mappings, "does nothing: %s",
	   plan.reason);
	ok(!report.rescue.action && plan.action == FAILURE_ACTION_POWEROFF,
	   "when the time is over the machine powers off");
	is_int(f.code, EXITCODE_SECRET_REFUSED, "and what has failed is still the reason");
	keys_are_gone();
}

/* systemd, for one, while somebody is waited for. */
static void test_asked_to_end(void)
{
	begin_rescue();
	plan.acts[0] = good;
	plan.acts[0].root = "no key";
	plan.acts[1] = (struct act){ .step = ASK_TO_END };
	is_int(run(), RESCUE_STOP, "somebody asks this process to end");
	ok(plan.next == 2 && !report.rescue.action && plan.action == FAILURE_ACTION_POWEROFF,
	   "nobody is waited for any more, and nobody's word is noted");
	is_int(f.code, EXITCODE_SECRET_REFUSED, "what has failed is still the reason");
	keys_are_gone();
}

static void test_not_the_owner(void)
{
	begin_rescue();
	plan.acts[0] = good;
	plan.acts[0].step = SEND_FORGED;
	plan.acts[1] = good;
	plan.acts[1].step = SEND_CHANGED;
	plan.acts[2] = (struct act){ .step = TYPE_UNLOCK };
	plan.acts[3] = (struct act){ .step = TYPE_REBOOT };
	is_int(run(), RESCUE_STOP, "somebody else's signature, a changed bit, a word");
	ok(plan.refused == 2 && report.rescue.tries == 0 && !*mappings, "do nothing");
	ok(plan.opened == 1, "and use up nothing");
	ok(plan.action == FAILURE_ACTION_REBOOT && strcmp(report.rescue.action, "reboot") == 0 &&
		   strcmp(report.rescue.console, "ttyS0") == 0,
	   "reboot is obeyed");
	keys_are_gone();
}

static void test_signed_end(void)
{
	begin_rescue();
	plan.acts[0] = (struct act){ .step = SEND_ANSWER, .action = RESCUE_REBOOT };
	ok(run() == RESCUE_STOP && plan.action == FAILURE_ACTION_REBOOT, "a signed reboot");
	keys_are_gone();
	begin_rescue();
	plan.acts[0] = (struct act){ .step = SEND_ANSWER, .action = RESCUE_FETCH };
	plan.acts[1] = (struct act){ .step = SEND_ANSWER, .action = RESCUE_POWEROFF };
	ok(run() == RESCUE_STOP && plan.action == FAILURE_ACTION_POWEROFF, "a signed poweroff");
	is_str(plan.reason, "fetch is not on offer",
	       "and fetch, of a launch secret, which is gone");
	keys_are_gone();
}

/* Whoever could make an answer open a disk of the host's. */
static void test_no_pins(void)
{
	static const char *const policies[] = {
		NULL,
		"version=1\nvolume=root\nmin-generation=1\n",
		"version=1\nvolume=root\nuuid=00000000-0000-4000-8000-00000000000b\n",
	};
	char half[1024];
	size_t i;

	for (i = 0; i <= ARRAY_SIZE(policies); i++) {
		const char *policy = i < ARRAY_SIZE(policies) ? policies[i] : half;

		begin_rescue();
		(void)snprintf(half, sizeof(half), "%s", pinned);
		*strstr(half, "volume=data") = '\0';
		fixture_unlink(&fx, ENTRIES "/" GUID_POLICY);
		if (policy)
			fixture_text(&fx, ENTRIES "/" GUID_POLICY, policy);
		plan.acts[0] = good;
		plan.acts[1] = (struct act){ .step = TYPE_POWEROFF };
		is_int(run(), RESCUE_STOP, "pins, case %zu: %s", i, f.why);
		ok(plan.had_challenge && !offers(RESCUE_UNLOCK) && offers(RESCUE_REBOOT) &&
			   strstr(plan.challenge.no_secret, i == 3 ? "volume data" : "volume root"),
		   "the challenge offers no unlock: %s", plan.challenge.no_secret);
		ok(plan.refused == 1 && strstr(plan.reason, "unlock is not on offer: ") &&
			   report.rescue.tries == 0,
		   "an answer is refused: %s", plan.reason);
		keys_are_gone();
	}
}

/* What the first try has refused stays refused. */
static void test_header_pin(void)
{
	char text[2048];

	begin_rescue();
	(void)snprintf(text, sizeof(text), "%sheader=sha256:%064d\n", pinned, 1);
	fixture_text(&fx, ENTRIES "/" GUID_POLICY, text);
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	plan.acts[0] = good;
	plan.acts[1] = (struct act){ .step = TYPE_POWEROFF };
	is_int(run(), RESCUE_STOP, "a header that is not the pinned one: %s", f.why);
	ok(f.code == EXITCODE_PIN_MISMATCH && report.rescue.tries == 1 &&
		   report.rescue.code == EXITCODE_PIN_MISMATCH && offers(RESCUE_UNLOCK),
	   "no answer changes that");
	is_str(mappings, " root -root root -root", "what is good goes again each time");
	keys_are_gone();

	begin_rescue();
	fixture_luks(&fx, "/dev/vdc", "key", "");
	plan.acts[0] = good;
	plan.acts[0].volume = "root";
	plan.acts[0].device = "/dev/vdc";
	plan.acts[1] = (struct act){ .step = TYPE_POWEROFF };
	is_int(run(), RESCUE_STOP, "a disk of the host's that the secret opens: %s", f.why);
	is_int(f.code, EXITCODE_PIN_MISMATCH, "the pin of the volume key holds");
	is_str(mappings, "", "and it is not mapped");
	keys_are_gone();
}

static void test_device(void)
{
	struct opened_volume opened[CONF_VOLUMES_MAX];
	size_t nr;

	begin_rescue();
	(void)snprintf(conf.volumes[0].device.value, CONF_DEVICE_SIZE, "/dev/vdb");
	plan.acts[0] = good;
	plan.acts[0].volume = "root";
	plan.acts[0].device = "/dev/vda";
	plan.acts[0].keyslot = 1;
	is_int(run(), RESCUE_DONE, "another device and a keyslot: %s", f.why);
	is_str(report.runs[0].device, "/dev/vda", "it is on that device");
	ok(strcmp(report.rescue.volume, "root") == 0 &&
		   strcmp(report.rescue.device, "/dev/vda") == 0 && report.rescue.keyslot == 0,
	   "which is reported");
	ok(opened_read(&fx.root, opened, CONF_VOLUMES_MAX, &nr) == 0 && nr == 2,
	   "what was opened is written down");
	is_str(conf.volumes[0].device.value, "/dev/vdb", "the configuration is as it was");
	keys_are_gone();
}

static void test_keyslot(void)
{
	static const struct {
		const char *volume, *device, *why;
		int keyslot;
	} cases[] = {
		{ "swap", "/dev/vda", "this guest has no volume 'swap'", 0 },
		{ "swap", NULL, "this guest has no volume 'swap'", 1 },
		{ "swap", NULL, "this guest has no volume 'swap'", 0 }, /* for nothing */
		{ "root", "UUID=x", "no device: ", 0 },
		{ "root", "relative", "no device: ", 0 },
	};
	size_t i;

	begin_rescue();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		plan.acts[i] = good;
		plan.acts[i].volume = cases[i].volume;
		plan.acts[i].device = cases[i].device;
		plan.acts[i].keyslot = cases[i].keyslot;
	}
	plan.acts[i] = good;
	plan.acts[i].volume = "root";
	plan.acts[i].keyslot = 2;
	plan.acts[i + 1] = (struct act){ .step = TYPE_POWEROFF };
	is_int(run(), RESCUE_STOP, "keyslot 1, which is not there: %s", f.why);
	ok(f.code == EXITCODE_SECRET_REFUSED && strstr(f.why, "keyslot 1"), "no other is tried");
	is_int(plan.refused, ARRAY_SIZE(cases), "arguments that are wrong");
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		ok(strstr(plan.reasons[i], cases[i].why), "... case %zu: %s", i, plan.reasons[i]);
	is_int(report.rescue.tries, 1, "use up nothing");
	keys_are_gone();

	begin_rescue();
	plan.acts[0] = good;
	plan.acts[0].volume = "data";
	is_int(run(), RESCUE_DONE, "a volume of the guest, and nothing about it: %s", f.why);
	is_str(report.rescue.volume, "data", "it is reported");
	keys_are_gone();
}

static void test_secret_missing(void)
{
	begin_rescue();
	plan.acts[0] = good;
	plan.acts[0].data = NULL;
	plan.acts[1] = (struct act){ .step = TYPE_POWEROFF };
	ok(run() == RESCUE_STOP && f.code == EXITCODE_SECRET_MISSING && strstr(f.why, "data"),
	   "a secret for one volume alone: %s", f.why);
	is_str(mappings, "", "nothing is mapped");
	keys_are_gone();

	begin_rescue();
	fixture_unlink(&fx, ENTRIES "/" GUID_DISK_SECRET);
	plan.acts[0] = good;
	is_int(run(), RESCUE_DONE, "an entry that is missing: the answer has it: %s", f.why);
	is_int(report.rescue.code, EXITCODE_SECRET_MISSING, "that was the reason");
	keys_are_gone();
}

/* A table of before, and an image that knows nobody. */
static void test_no_entry(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		begin_rescue();
		if (i == 0)
			fixture_unlink(&fx, ENTRIES "/" GUID_RESCUE);
		else
			fixture_text(&fx, ENTRIES "/" GUID_RESCUE, "too short");
		plan.acts[0] = good;
		plan.acts[1] = (struct act){ .step = SEND_ANSWER, .action = RESCUE_REBOOT };
		ok(run() == RESCUE_STOP && plan.action == FAILURE_ACTION_REBOOT,
		   "a table %s a rescue entry", i == 0 ? "without" : "with a broken");
		ok(plan.had_challenge && !plan.challenge.has_keys && !offers(RESCUE_UNLOCK) &&
			   strstr(plan.challenge.no_secret, "no rescue entry"),
		   "the challenge says that no secret can travel: %s", plan.challenge.no_secret);
		is_int(plan.refused, 1, "none is taken");
		keys_are_gone();
	}
	begin_rescue();
	conf.rescue.nr_keys = 0;
	plan.acts[0] = (struct act){ .step = TYPE_UNLOCK };
	plan.acts[1] = (struct act){ .step = TYPE_POWEROFF };
	ok(run() == RESCUE_STOP && !plan.had_challenge && plan.opened == 1,
	   "an image without a key of the owner shows no challenge");
	is_int(attempts.read, true, "though the secrets were read");
	keys_are_gone();
}

static void test_report_alone(void)
{
	begin_rescue();
	fixture_text(&fx, PATH_CMDLINE, "root=/dev/mapper/root rd.break\n");
	plan.acts[0] = (struct act){ .step = TYPE_POWEROFF };
	ok(run() == RESCUE_STOP && f.code == EXITCODE_COMMAND_LINE && !plan.had_challenge,
	   "a failure from before the secrets were read");
	ok(strstr(plan.page, "before the secrets were read"), "the page says why");
	keys_are_gone();

	begin_rescue();
	fixture_mkdir(&fx, ENTRIES "/stays");
	plan.acts[0] = (struct act){ .step = TYPE_POWEROFF };
	ok(run() == RESCUE_STOP && f.code == EXITCODE_WIPE_FAILED && !plan.had_challenge,
	   "an entry that cannot be wiped");
	FIXTURE_MUST(rmdir(fixture_path(&fx, ENTRIES "/stays")) == 0);
	keys_are_gone();

	begin_rescue();
	fixture_text(&fx, ENTRIES "/" GUID_DISK_SECRET, "key");
	refuse_mapping = "data";
	fake_dm_in_use = true;
	plan.acts[0] = (struct act){ .step = TYPE_REBOOT };
	ok(run() == RESCUE_STOP && report.runs[0].mapped && !plan.had_challenge,
	   "a mapping that does not go");
	ok(strstr(plan.page, "cannot be removed"), "the page says why");
	is_int(plan.action, FAILURE_ACTION_REBOOT, "and reboot is there");
	fake_dm_reset();
	keys_are_gone();

	begin_rescue();
	(void)fault_set(&f, EXITCODE_OLD_GENERATION, EPERM, "an old disk");
	plan.acts[0] = (struct act){ .step = TYPE_UNLOCK };
	plan.acts[1] = (struct act){ .step = TYPE_REBOOT };
	is_int(rescue_report(&fx.root, &conf, &report, &f), FAILURE_ACTION_REBOOT,
	       "of another step: the report");
	ok(!plan.had_challenge && report.rescue.code == EXITCODE_OLD_GENERATION, "and no more");
	begin_rescue();
	plan.open_fails = true;
	is_int(rescue_report(&fx.root, &conf, &report, &f), FAILURE_ACTION_POWEROFF,
	       "no console at all: power off");
}

/* Whoever sits at a console reads nothing that was to stay. */
static void test_kept(void)
{
	begin_rescue();
	(void)snprintf(conf.keep[0], GUID_TEXT_SIZE, KEPT_GUID);
	fixture_text(&fx, KEPT, "a secret of the running system");
	conf.nr_keep = 1;
	plan.acts[0] = good;
	is_int(run(), RESCUE_DONE, "entries that were to stay: %s", f.why);
	ok(!plan.kept_entry_there && !fixture_has(&fx, KEPT),
	   "are wiped before somebody is at a console");
	ok(report.source.wiped == 5 && report.source.kept == 0 && report.source.read == 4 &&
		   report.source.found == 5,
	   "which is counted");
	conf.nr_keep = 0;
	keys_are_gone();
}

static void test_fetch(void)
{
	static const char *const entries[] = { ENTRIES "/" GUID_DISK_SECRET, ENTRIES "/" OTHER,
					       ENTRIES "/" GUID_POLICY, ENTRIES "/" GUID_RESCUE };
	size_t i;

	begin_rescue();
	conf.sources[0] = SOURCE_KBS;
	shop->fails = 2;
	for (i = 0; i < ARRAY_SIZE(entries); i++)
		fixture_unlink(&fx, entries[i]);
	plan.acts[0] = plan.acts[1] = (struct act){ .step = SEND_ANSWER, .action = RESCUE_FETCH };
	is_int(run(), RESCUE_DONE, "a broker that is not there, twice: %s", f.why);
	is_int(shop->asked, 3, "it was asked each time");
	ok(offers(RESCUE_FETCH) && !offers(RESCUE_UNLOCK), "no secret was on offer before");
	is_str(report.rescue.action, "fetch", "that is reported");
	is_str(mappings, " root data", "and both are mapped");
	keys_are_gone();
}

/* The volume key of a container, as a line of a policy. */
static void pin_volume_key(const char *device, const char *passphrase)
{
	struct crypt_device *cd = NULL;
	char key[64], text[DIGEST_TEXT_SIZE];
	size_t size = sizeof(key);
	struct digest digest;

	FIXTURE_MUST(crypt_init(&cd, fixture_path(&fx, device)) == 0 &&
		     crypt_load(cd, CRYPT_LUKS2, NULL) == 0 &&
		     crypt_volume_key_get(cd, CRYPT_ANY_SLOT, key, &size, passphrase,
					  strlen(passphrase)) >= 0);
	crypt_free(cd);
	FIXTURE_MUST(digest_sha256(key, size, &digest) == 0);
	digest_text(&digest, text);
	text_append(pinned, sizeof(pinned), "volume-key=sha256:%s\n", text);
}

int main(void)
{
	shop = mmap(NULL, sizeof(*shop), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST(shop != MAP_FAILED);
	machine_init();
	fixture_text(&fx, PATH_INITRD_RELEASE, "");
	fixture_text(&fx, PATH_BOOT_ID, "12345678-1234-4234-8234-123456789abc\n");
	text_append(pinned, sizeof(pinned), "version=1\nvolume=root\n");
	pin_volume_key("/dev/vda", "key");
	text_append(pinned, sizeof(pinned), "volume=data\n");
	pin_volume_key("/dev/vdb", "other");
	owner = signing_key_of(1);
	thief = signing_key_of(2);
	test_wrong_secret();
	test_second_try();
	test_other_boot();
	test_asked_to_end();
	test_not_the_owner();
	test_signed_end();
	test_no_pins();
	test_header_pin();
	test_device();
	test_keyslot();
	test_secret_missing();
	test_no_entry();
	test_report_alone();
	test_kept();
	test_fetch();
	signing_key_done(&owner);
	signing_key_done(&thief);
	is_int(inject_secrets.dirty, 0, "every secret was zero when its pages went");
	fixture_done(&fx);
	return tap_done();
}
