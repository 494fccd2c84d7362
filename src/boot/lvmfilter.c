/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lvmfilter.c - what LVM may look at: the dracut module writes it into the image, and the
 * check of a running system says it.
 * Trusts the configuration; may not change a file of LVM's.
 */
#include "boot/lvmfilter.h"

#include <string.h>

#include "base/paths.h"

#define LVM_CONF_MAX (512 * 1024) /* mostly comments, 100 KiB */
#define SETTING "global_filter="

/* Names of cocotab have few special bytes; LVM's expressions have no classes but sets. */
static void append_name(char *text, const char *name)
{
	for (; *name != '\0'; name++)
		text_append(text, LVMFILTER_SIZE, strchr(".+", *name) ? "[%c]" : "%c", *name);
}

/* /dev/VG/LV, or a name of the device mapper; directories of other kinds of devices are not. */
static bool may_be_logical(const struct device_spec *d)
{
	static const char *const mapper[] = { PATH_DM_DIR "/", PATH_DEV "/dm-",
					      PATH_DEV "/disk/by-id/dm-",
					      PATH_DEV "/disk/by-id/lvm-" };
	static const char *const others[] = { "block/", "bus/",	 "cciss/", "disk/", "ida/",
					      "md/",	"nvme/", "rd/",	   "xen/" };
	const char *rest = d->value + sizeof(PATH_DEV);
	size_t i;

	if (d->kind != DEVICE_KIND_PATH)
		return false;
	for (i = 0; i < ARRAY_SIZE(mapper); i++)
		if (strncmp(d->value, mapper[i], strlen(mapper[i])) == 0)
			return true;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (strncmp(rest, others[i], strlen(others[i])) == 0)
			return false;
	return strchr(rest, '/') != NULL;
}

int lvmfilter_value(const struct conf *conf, char ret_text[static LVMFILTER_SIZE])
{
	size_t i;

	*ret_text = '\0';
	for (i = 0; i < conf->nr_volumes; i++)
		if (may_be_logical(&conf->volumes[i].device))
			return -ENOTSUP;
	text_append(ret_text, LVMFILTER_SIZE, "[ ");
	for (i = 0; i < conf->nr_volumes; i++) {
		text_append(ret_text, LVMFILTER_SIZE, "\"a|^%s/", PATH_DM_DIR);
		append_name(ret_text, conf->volumes[i].name);
		text_append(ret_text, LVMFILTER_SIZE, "$|\", ");
	}
	text_append(ret_text, LVMFILTER_SIZE, "\"r|.*|\" ]");
	return 0;
}

/* Takes blanks away, in place, so that lines can be compared. */
static void squeeze(char *s)
{
	char *dst = s;

	for (; *s != '\0'; s++)
		if (*s != ' ' && *s != '\t')
			*dst++ = *s;
	*dst = '\0';
}

/* Of several settings in one file the last one counts. Returns 1 if it is the wanted one, 0 if
 * it is another, or -errno; -ENOENT if there is none. */
static int compare_file(const struct root *root, const char *path, const char *wanted)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *line;
	int r = -ENOENT;
	ssize_t n;

	n = root_read_text(root, path, LVM_CONF_MAX, &text);
	if (n < 0)
		return (int)n;
	cursor = text;
	while ((line = text_word(&cursor, "\n"))) {
		squeeze(line);
		if (strncmp(line, SETTING, sizeof(SETTING) - 1) == 0)
			r = strcmp(line, wanted) == 0;
	}
	return r;
}

bool lvmfilter_is_set(const struct root *root, const char *value)
{
	char wanted[sizeof(SETTING) + LVMFILTER_SIZE];
	int r;

	(void)snprintf(wanted, sizeof(wanted), SETTING "%s", value); /* fits */
	squeeze(wanted);
	r = compare_file(root, PATH_LVM_LOCAL_CONF, wanted); /* it comes before the other */
	if (r == -ENOENT)
		r = compare_file(root, PATH_LVM_CONF, wanted);
	return r > 0; /* what cannot be read is not set */
}

bool lvmfilter_has_lvm(const struct root *root)
{
	return root_exists(root, PATH_LVM_CONF) != 0;
}
