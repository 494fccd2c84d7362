/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline.c - fuzz target: the kernel command line, which the host writes. The list as a whole is
 * refused for the first word that is refused alone; no word that hands over the machine is allowed;
 * and the timeout gets shorter or stays.
 */
#include "fuzz.h"

#include <strings.h>

#include "boot/cmdline.h"

#define ALLOW_WORDS 1 /* AllowWords= has two, and an empty value before them */
#define SEPARATORS " \t\n"

/* What a host would like to write. A word that begins so is allowed with no configuration here. */
/* clang-format off */
static const char *const dangerous[] = {
	"init=", "rdinit=", "rd.break", "rd.shell=1", "rd.cmdline", "systemd.unit=", "systemd.run",
	"systemd.debug", "systemd.mask=", "systemd.wants=", "systemd.setenv=", "systemd.set_credential",
	"rd.systemd.unit=", "root=/dev/sd", "root=UUID=", "root=/dev/disk", "rd.luks.uuid=", "luks.",
	"module_blacklist=", "modprobe.blacklist=", "initcall_blacklist=", "console=uart",
	"efi=", "acpi", "memmap=", "mem=", "slub_debug", "kgdb", "earlycon", "crashkernel=", "single",
	"emergency", "rescue",
};
/* clang-format on */

static void set_conf(struct conf *conf, unsigned int choice)
{
	conf_defaults(conf);
	if (!(choice & ALLOW_WORDS))
		return;
	conf->allow_words.defaults = false;
	memcpy(conf->allow_words.words[0], "exact=1", sizeof("exact=1"));
	memcpy(conf->allow_words.words[1], "prefix.*", sizeof("prefix.*"));
	conf->allow_words.nr = 2;
}

static bool is_allowed(const char *word, const struct conf *conf)
{
	char *copy = strdup(word), *cursor = copy;
	bool allowed;

	FUZZ_MUST(copy);
	allowed = !cmdline_next_refused(&cursor, conf);
	free(copy);
	return allowed;
}

static void check_allowed(const char *word, const struct conf *conf)
{
	size_t i;

	for (i = 0; word[i]; i++)
		FUZZ_MUST(word[i] > 0x20 && word[i] < 0x7f && !strchr("\"'\\", word[i]));
	for (i = 0; i < ARRAY_SIZE(dangerous); i++)
		FUZZ_MUST(strncmp(word, dangerous[i], strlen(dangerous[i])) != 0);
	if (strncmp(word, "root=", 5) == 0)
		FUZZ_MUST(strcmp(word, "root=/dev/mapper/root") == 0);
	if (!conf->allow_words.defaults)
		FUZZ_MUST(strcmp(word, "exact=1") == 0 || strncmp(word, "prefix.", 7) == 0 ||
			  strncmp(word, "root=", 5) == 0);
	FUZZ_MUST(strcmp(word, "1") != 0 &&
		  strcasecmp(word, "s") != 0); /* levels of a single user */
}

/* Each word alone. Returns the number of the first that is refused; or how many there are. */
static size_t first_refused(char *text, const struct conf *conf)
{
	size_t nr = 0, refused = SIZE_MAX;
	char *word;

	for (; (word = text_word(&text, SEPARATORS)); nr++) {
		if (is_allowed(word, conf))
			check_allowed(word, conf);
		else if (refused == SIZE_MAX)
			refused = nr;
	}
	return refused == SIZE_MAX ? nr : refused;
}

static size_t count_words(char *text)
{
	size_t nr = 0;

	while (text_word(&text, SEPARATORS))
		nr++;
	return nr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int choice = fuzz_choice(&data, &size);
	char *text = fuzz_text(data, size), *other, *third, *cursor, *refused;
	struct conf conf, shorter;
	size_t first;

	if (!text)
		return 0;
	other = strdup(text);
	third = strdup(text);
	FUZZ_MUST(other && third);
	set_conf(&conf, choice);
	cursor = text;
	refused = cmdline_next_refused(&cursor, &conf);
	first = first_refused(other, &conf);
	if (refused) /* as many words in front of it as were allowed */
		third[refused - text] = '\0';
	FUZZ_MUST(count_words(third) == first);
	fuzz_accepted += !refused;
	free(other);
	memcpy(third, data, size);
	shorter = conf;
	conf_parse_cmdline(&shorter, third);
	FUZZ_MUST(shorter.timeout_ms >= 1000 && shorter.timeout_ms <= conf.timeout_ms);
	shorter.timeout_ms = conf.timeout_ms;
	FUZZ_MUST(memcmp(&shorter, &conf, sizeof(conf)) == 0);
	free(third);
	free(text);
	return 0;
}
