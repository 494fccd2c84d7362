/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * screendevices.c - writes the page of block devices.
 * Trusts no name or fact of a device, which are the host's. Looks at sysfs alone, and at no disk.
 */
#include "boot/screendevices.h"

#include <string.h>

#include "base/paths.h"
#include "base/text.h"

#define DEVICES_MAX 128
#define DEVICE_NAME_SIZE 40
#define SYSFS_MAX 4096 /* bytes of a file of sysfs */

/* A file of a device in sysfs, without its last newline; "" if it has none. */
static void device_file(const struct root *root, const char *device, const char *name,
			char *ret_text, size_t size)
{
	_cleanup_free_ char *text = NULL;
	char path[sizeof(PATH_SYS_BLOCK) + DEVICE_NAME_SIZE + 32];

	*ret_text = '\0';
	(void)snprintf(path, sizeof(path), "%s/%s/%s", PATH_SYS_BLOCK, device, name); /* fits */
	if (root_read_text(root, path, SYSFS_MAX, &text) >= 0)
		text_append(ret_text, size, "%.*s", (int)strcspn(text, "\n"), text);
}

/* What the kernel's event of the device says, such as PARTUUID=... */
static void device_fact(const char *uevent, const char *key, char *ret_value, size_t size)
{
	const char *at = uevent;
	size_t len = strlen(key);

	*ret_value = '\0';
	for (; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, key, len) == 0 && at[len] == '=')
			text_append(ret_value, size, "%.*s", (int)strcspn(at + len + 1, "\n"),
				    at + len + 1);
}

/* Facts of a device that not every one has, each behind its name. */
static void device_facts(const struct root *root, const char *device, const char *uevent,
			 char *text, size_t size)
{
	static const char *const keys[] = { "PARTUUID", "PARTNAME" };
	static const char *const files[] = { "serial", "dm/name", "md/array_state" };
	char value[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		device_fact(uevent, keys[i], value, sizeof(value));
		if (*value)
			text_append(text, size, " %s=%s", keys[i], value);
	}
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		device_file(root, device, files[i], value, sizeof(value));
		if (*value)
			text_append(text, size, " %s=%s", files[i], value);
	}
}

static void size_text(uint64_t sectors, char *ret_text, size_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)sectors / 2; /* Linux' sysfs-block: of 512 bytes, whatever it is */
	size_t i;

	for (i = 0; value >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	(void)snprintf(ret_text, size, "%.1f %s", value, units[i]);
}

/* Of these the kernel makes some without a disk behind them. */
static bool is_empty_slot(const char *name, uint64_t sectors)
{
	static const char *const prefixes[] = { "loop", "ram", "nbd", "zram" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return sectors == 0;
	return false;
}

struct device_list {
	const struct root *root;
	char names[DEVICES_MAX][DEVICE_NAME_SIZE];
	size_t nr, more; /* more: had no room */
};

static int list_device(const char *name, void *data)
{
	struct device_list *list = data;
	uint64_t sectors = 0;
	char text[32];

	if (strlen(name) >= DEVICE_NAME_SIZE)
		return 0;
	device_file(list->root, name, "size", text, sizeof(text));
	if (text_u64(text, UINT64_MAX, &sectors) == 0 && is_empty_slot(name, sectors))
		return 0;
	if (list->nr == DEVICES_MAX)
		list->more++;
	else
		(void)snprintf(list->names[list->nr++], DEVICE_NAME_SIZE, "%s", name); /* fits */
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(a, b);
}

static void device_line(struct screen_page *p, const struct root *root, const char *name)
{
	char text[32], size[32] = "?", type[24], facts[SCREEN_COLUMNS + 1] = "";
	char path[sizeof(PATH_SYS_BLOCK) + DEVICE_NAME_SIZE + 8];
	_cleanup_free_ char *uevent = NULL;
	uint64_t sectors;

	device_file(root, name, "size", text, sizeof(text));
	if (text_u64(text, UINT64_MAX, &sectors) == 0)
		size_text(sectors, size, sizeof(size));
	device_file(root, name, "ro", text, sizeof(text));
	(void)snprintf(path, sizeof(path), "%s/%s/uevent", PATH_SYS_BLOCK, name); /* fits */
	if (root_read_text(root, path, SYSFS_MAX, &uevent) < 0)
		uevent = NULL;
	device_fact(uevent ? uevent : "", "DEVTYPE", type, sizeof(type));
	device_facts(root, name, uevent ? uevent : "", facts, sizeof(facts));
	screen_line(p, "%-11.11s %11s  %-3s %-9.9s%s", name, size,
		    strcmp(text, "1") == 0 ? "ro" : "rw", type, facts);
}

void screen_devices(const struct root *root, char text[static SCREEN_SIZE])
{
	struct device_list list = { .root = root };
	struct screen_page p = screen_page_on(text);
	size_t i, shown;
	int r = root_walk(root, PATH_SYS_BLOCK, 0, list_device, &list);

	screen_line(&p, "Block devices, as the kernel lists them; no disk was read for this page:");
	if (r < 0)
		screen_line(&p, "the list cannot be read to its end: %s", strerror(-r));
	qsort(list.names, list.nr, sizeof(list.names[0]), by_name);
	shown = SCREEN_LINES - p.lines;
	if (list.nr + list.more > shown)
		shown--;
	else
		shown = list.nr;
	for (i = 0; i < shown; i++)
		device_line(&p, root, list.names[i]);
	if (shown < list.nr + list.more)
		screen_line(&p, "and %zu more", list.nr + list.more - shown);
	if (r == 0 && list.nr == 0)
		screen_line(&p, "none");
}
