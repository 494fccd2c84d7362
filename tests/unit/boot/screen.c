/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screen.c - the pages of a rescue: each fits into 79x23, for every outcome and whatever names the
 * host has given to things, is printable, and says what it should.
 */
#include "boot/screen.h"

#include "base/paths.h"
#include "fixture.h"

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct fault fault;
static struct attempts attempts;
static struct screens screens;
static struct console_page page;
static struct screen_facts facts;

static void begin(void)
{
	conf_defaults(&conf);
	report_init(&report);
	attempts = (struct attempts){ 0 };
	fault = (struct fault){ 0 };
	page = (struct console_page){ .actions = 1U << RESCUE_REBOOT | 1U << RESCUE_POWEROFF };
	facts = (struct screen_facts){ &fx.root, &conf, &report, &fault, &attempts, NULL };
	memset(&screens, 'x', sizeof(screens));
}

/* Within the size of a screen, printable, and with an end to each line. */
static bool fits(const char *text)
{
	size_t lines = 0, column = 0;

	if (!memchr(text, '\0', SCREEN_SIZE) || *text == '\0' || text[strlen(text) - 1] != '\n')
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '\n') {
			lines++;
			column = 0;
		} else if (*text < 0x20 || *text > 0x7e || ++column > 79) {
			return false;
		}
	}
	return lines <= 23;
}

static bool all_fit(void)
{
	size_t i;

	for (i = 0; i < page.nr_screens; i++)
		if (!fits(page.screens[i].text)) {
			printf("# %s:\n%s\n", page.screens[i].word, page.screens[i].text);
			return false;
		}
	return page.nr_screens == 4;
}

static bool has(const char *text, const char *what)
{
	if (strstr(text, what))
		return true;
	printf("# no '%s' in:\n%s", what, text);
	return false;
}

/* Our own words are never cut. */
static void test_own_words(void)
{
	static const char *const ends[] = { "type no secret.\n", "for this page:\n",
					    "is not kept here:\n", "lasted\n" };
	size_t i;

	begin();
	screens_make(&facts, &screens, &page);
	for (i = 0; i < page.nr_screens; i++) {
		const char *text = page.screens[i].text;
		size_t len = strcspn(text, "\n") + 1, end = strlen(ends[i]);

		ok(len > end && strncmp(text + len - end, ends[i], end) == 0,
		   "the first line of %s is whole", page.screens[i].word);
	}
}

static void test_codes(void)
{
	bool fit = true, said = true;
	enum exitcode code;
	char text[64];

	for (code = EXITCODE_USAGE; code < _EXITCODE_MAX; code++) {
		begin();
		(void)fault_set(&fault, code, EIO, "a reason with the number %d", (int)code);
		screens_make(&facts, &screens, &page);
		fit &= all_fit();
		(void)snprintf(text, sizeof(text), "\ncode     %d %s\n", (int)code,
			       exitcode_name(code));
		said &= has(screens.report, text);
		(void)snprintf(text, sizeof(text), "\nreason   a reason with the number %d\n",
			       (int)code);
		said &= has(screens.report, text);
		(void)snprintf(text, sizeof(text), "\nnext     %.20s", exitcode_next(code));
		said &= has(screens.report, text);
	}
	ok(fit, "each page fits with each exit code");
	ok(said, "the report has code, name, reason and next step of each");
}

/* A text of words as long as it may be, with what no terminal should get. */
static void fill(char *text, size_t size)
{
	size_t i;

	for (i = 0; i + 1 < size; i++)
		text[i] = i % 11 == 10 ? ' ' : i % 97 == 3 ? '\x1b' : i % 89 == 7 ? '\x9b' : 'w';
	text[i] = '\0';
}

static void fill_all(void)
{
	static char note[4096], challenge[] = "challenge";
	size_t i;

	fill(note, sizeof(note));
	facts.note = note;
	page.challenge = challenge;
	page.challenge_len = sizeof(challenge);
	fault.code = EXITCODE_REPORT_FAILED;
	fill(fault.why, sizeof(fault.why));
	fill(fault.next, sizeof(fault.next));
	conf.nr_volumes = CONF_VOLUMES_MAX;
	for (i = 0; i < CONF_VOLUMES_MAX; i++) {
		conf.volumes[i] = conf.volumes[0];
		fill(conf.volumes[i].name, sizeof(conf.volumes[i].name));
		fill(report.runs[i].device, sizeof(report.runs[i].device));
		fill(report.runs[i].header, sizeof(report.runs[i].header));
	}
	attempts.nr_entries = 1000; /* nobody says so: then no more than there are */
	for (i = 0; i < ARRAY_SIZE(attempts.entries); i++)
		fill(attempts.entries[i], sizeof(attempts.entries[i]));
	for (i = 0; i < _STAGE_MAX; i++) {
		report.stages.start_us[i] = UINT64_MAX / 4 * (i % 2 + 1);
		report.stages.us[i] = UINT64_MAX / 2 - 1;
	}
}

static void test_worst(void)
{
	begin();
	fill_all();
	screens_make(&facts, &screens, &page);
	ok(all_fit(), "all at its longest, with bytes of terminals in it: it fits");
	ok(has(screens.report,
	       "\nwords    report devices secrets times challenge reboot poweroff\n"),
	   "... the words are still there");
	ok(has(screens.report, "\nanswer   ") && has(screens.report, "\ntime     ") &&
		   has(screens.report, "         and 13 more\n") && has(screens.report, " ...\n"),
	   "... and the other fields; what is cut is said to be");
	ok(has(screens.secrets, "\nand 44 more\n"), "... more entries than lines: how many");
}

static void test_words(void)
{
	begin();
	fault.code = EXITCODE_COMMAND_LINE;
	screens_make(&facts, &screens, &page);
	ok(has(screens.report, "\nwords    report devices secrets times reboot poweroff\n") &&
		   !strstr(screens.report, "\nanswer "),
	   "without a challenge nothing is said of one");
	ok(has(screens.report,
	       "\ntime     the machine powers off 15 min 0 s after the first failure\n"),
	   "when the machine powers off");
	begin();
	page.actions = 1U << RESCUE_REBOOT | 1U << RESCUE_UNLOCK;
	screens_make(&facts, &screens, &page);
	ok(has(screens.report, "\nwords    report devices secrets times reboot\n"),
	   "only words that are on offer");
}

static void test_volumes(void)
{
	begin();
	fault.code = EXITCODE_PIN_MISMATCH;
	facts.note = "no answer can carry a secret";
	conf.nr_volumes = 4;
	conf.volumes[1] = conf.volumes[2] = conf.volumes[3] = conf.volumes[0];
	(void)strcpy(conf.volumes[1].name, "data");
	(void)strcpy(report.runs[0].device, "/dev/vda2");
	(void)strcpy(report.runs[0].header, "accepted");
	report.runs[0].keyslot = 3;
	(void)strcpy(report.runs[1].device, "/dev/vdb");
	(void)strcpy(report.runs[1].header, "segment-cipher");
	(void)strcpy(report.runs[2].device, "/dev/vdc");
	(void)strcpy(report.runs[2].header, "accepted");
	screens_make(&facts, &screens, &page);
	ok(has(screens.report, "\nvolume   root: /dev/vda2, header accepted, opened\n") &&
		   has(screens.report, "\nvolume   data: /dev/vdb, header breaks the rule "
				       "'segment-cipher'\n") &&
		   has(screens.report,
		       "\nvolume   root: /dev/vdc, header accepted, not opened\n") &&
		   has(screens.report, "\nvolume   root: no device, header not looked at\n"),
	   "what the judge has said of each volume");
	ok(has(screens.report, "\nnote     no answer can carry a secret\n"), "the note");
}

static void add_device(const char *name, const char *size, const char *ro, const char *uevent)
{
	static const char *const files[] = { "size", "ro", "uevent" };
	const char *texts[] = { size, ro, uevent };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", PATH_SYS_BLOCK, name, files[i]);
		if (texts[i])
			fixture_text(&fx, path, texts[i]);
	}
}

static void test_devices(void)
{
	char name[16];
	int i;

	begin();
	screens_make(&facts, &screens, &page);
	ok(has(screens.devices,
	       "\nthe list cannot be read to its end: No such file or directory\n"),
	   "no sysfs: it is said");
	fixture_mkdir(&fx, PATH_SYS_BLOCK);
	screens_make(&facts, &screens, &page);
	ok(has(screens.devices, "\nnone\n"), "no device");
	add_device("vda10", "2097152\n", "1\n",
		   "MAJOR=254\nDEVTYPE=partition\nPARTN=10\nPARTNAME=ro\x1b[2Jot\n"
		   "PARTUUID=12345678-01\n");
	add_device("vda", "20971520\n", "0\n", "DEVNAME=vda\nDEVTYPE=disk\n");
	fixture_text(&fx, PATH_SYS_BLOCK "/vda/serial", "the-serial");
	add_device("vda2", "3\n", "0\n", "DEVTYPE=partition\n");
	add_device("dm-0", "0\n", "0\n", "DEVTYPE=disk");
	fixture_text(&fx, PATH_SYS_BLOCK "/dm-0/dm/name", "root\n");
	add_device("loop0", "0\n", "0\n", "DEVTYPE=disk\n");
	add_device("vdz", NULL, NULL, NULL);
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vdz");
	screens_make(&facts, &screens, &page);
	ok(all_fit(), "a name with a terminal's command in it does no harm");
	is_str(strchr(screens.devices, '\n') + 1,
	       "dm-0            0.0 KiB  rw  disk      dm/name=root\n"
	       "vda            10.0 GiB  rw  disk      serial=the-serial\n"
	       "vda2            1.5 KiB  rw  partition\n"
	       "vda10           1.0 GiB  ro  partition PARTUUID=12345678-01 PARTNAME=ro?[2Jot\n"
	       "vdz                   ?  rw           \n",
	       "devices in their order, with what is known of each");
	for (i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "sd%03d", i);
		add_device(name, "18446744073709551615\n", "0\n", NULL);
	}
	screens_make(&facts, &screens, &page);
	ok(all_fit() && has(screens.devices, "\nand 184 more\n"),
	   "more than the page has room for");
}

static void test_secrets(void)
{
	begin();
	screens_make(&facts, &screens, &page);
	ok(has(screens.secrets, "\nsource   launch-secret: 0 found, 0 read, 0 wiped, 0 kept\n"
				"no name is known\n"),
	   "no entries");
	(void)strcpy(attempts.entries[0], GUID_DISK_SECRET);
	(void)strcpy(attempts.entries[1], GUID_POLICY);
	(void)strcpy(attempts.entries[2], GUID_RESCUE);
	(void)strcpy(attempts.entries[3], "aaaaaaaa-0000-4000-8000-00000000000a");
	attempts.nr_entries = 4;
	(void)strcpy(conf.keep[0], attempts.entries[3]);
	conf.nr_keep = 1;
	report.source.found = 4;
	screens_make(&facts, &screens, &page);
	is_str(strstr(screens.secrets, "source   "),
	       "source   launch-secret: 4 found, 0 read, 0 wiped, 0 kept\n" GUID_DISK_SECRET
	       ", disk secret, of volume root\n" GUID_POLICY ", policy entry\n" GUID_RESCUE
	       ", rescue entry\naaaaaaaa-0000-4000-8000-00000000000a, in KeepSecrets=\n",
	       "what entries are for");
	facts.attempts = NULL;
	screens_make(&facts, &screens, &page);
	ok(has(screens.secrets, "\nno name is known\n"), "nothing known of entries");
}

static void test_times(void)
{
	begin();
	screens_make(&facts, &screens, &page);
	ok(has(screens.times, "\nno stage was reached\n"), "no stage");
	report.stages.start_us[STAGE_PREPARE] = 1000000;
	report.stages.us[STAGE_PREPARE] = 1500;
	report.stages.start_us[STAGE_READ] = 1050000;
	report.stages.us[STAGE_READ] = 0;
	report.runs[1].stages.start_us[STAGE_KEYSLOT] = 1050000;
	report.runs[1].stages.us[STAGE_KEYSLOT] = 50000;
	screens_make(&facts, &screens, &page);
	is_str(strchr(screens.times, '\n') + 1,
	       "prepare              0.0 ms       1.5 ms #...................................\n"
	       "read                50.0 ms       0.0 ms ..................#.................\n"
	       "keyslot             50.0 ms      50.0 ms ..................##################\n",
	       "stages as bars");
}

static void test_wrap(void)
{
	char text[1000], wrapped[1200], small[8];
	size_t i;

	screen_wrap("", wrapped, sizeof(wrapped));
	is_str(wrapped, "", "nothing to wrap");
	screen_wrap("one line", wrapped, sizeof(wrapped));
	is_str(wrapped, "one line", "a short text stays");
	for (i = 0; i < 300; i++)
		text[i] = i % 8 == 7 ? ' ' : 'a';
	text[i] = '\0';
	screen_wrap(text, wrapped, sizeof(wrapped));
	ok(strlen(wrapped) == 300 && wrapped[71 + 8] == '\n' && !strstr(wrapped, " \n"),
	   "a long one is broken at a blank");
	memset(text, 'a', sizeof(text));
	text[999] = '\0';
	screen_wrap(text, wrapped, sizeof(wrapped));
	ok(strlen(wrapped) == 999 + 12 && wrapped[79] == '\n', "or where there is none");
	screen_wrap(text, small, sizeof(small));
	is_str(small, "aaaaaaa", "what has no room is cut");
}

int main(void)
{
	fixture_init(&fx);
	test_own_words();
	test_codes();
	test_worst();
	test_words();
	test_volumes();
	test_secrets();
	test_times();
	test_devices();
	test_wrap();
	fixture_done(&fx);
	return tap_done();
}
