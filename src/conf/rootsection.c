/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rootsection.c - what the keys of [Root] and [Image] mean, and what an initramfs of our own cannot
 * carry out.
 * Trusts the file to be the owner's, but not to be free of mistakes; may not do I/O. Nothing here
 * is ever taken from a disk or from the command line.
 */
#include "conf/rootsection.h"

#include <string.h>

#include "base/paths.h"
#include "conf/value.h"

#define TYPE_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define MODULE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define DM_DIR PATH_DM_DIR "/"
#define DISK_LINKS PATH_DEV_DISK "/"

/* A device that only our own mappings can be behind: not a disk, and no link that says what a disk
 * says of itself. */
static int set_device(char *to, const char *value)
{
	if (strncmp(value, "/dev/", 5) != 0 || !strchr(value + 5, '/') ||
	    strncmp(value, DISK_LINKS, strlen(DISK_LINKS)) == 0)
		return -EINVAL;
	return value_path(value, to, CONF_DEVICE_SIZE);
}

static int set_word(char *to, size_t size, const char *value, const char *allowed)
{
	size_t len = strlen(value);

	if (len == 0 || len >= size || value[strspn(value, allowed)] != '\0')
		return -EINVAL;
	memcpy(to, value, len + 1);
	return 0;
}

static int set_options(char *to, const char *value)
{
	size_t len = strlen(value);

	if (len >= CONF_OPTIONS_SIZE || value[strcspn(value, " \t\"'\\")] != '\0')
		return -EINVAL;
	memcpy(to, value, len + 1);
	return 0;
}

int rootsection_set_device(struct conf *conf, char *value)
{
	return set_device(conf->root.device, value);
}

int rootsection_set_type(struct conf *conf, char *value)
{
	return set_word(conf->root.type, sizeof(conf->root.type), value, TYPE_CHARS);
}

int rootsection_set_options(struct conf *conf, char *value)
{
	return set_options(conf->root.options, value);
}

/* Usr=DEVICE TYPE [OPTIONS]; an empty value: it is in the root. */
int rootsection_set_usr(struct conf *conf, char *value)
{
	struct mount_conf usr = { .device = "" };
	char *device, *type, *options;

	device = text_word(&value, " \t");
	type = text_word(&value, " \t");
	options = text_word(&value, " \t");
	if (!device) {
		conf->usr = usr;
		return 0;
	}
	if (!type || text_word(&value, " \t") || set_device(usr.device, device) < 0 ||
	    set_word(usr.type, sizeof(usr.type), type, TYPE_CHARS) < 0 ||
	    (options && set_options(usr.options, options) < 0))
		return -EINVAL;
	conf->usr = usr;
	return 0;
}

int rootsection_set_init(struct conf *conf, char *value)
{
	return value_path(value, conf->init, sizeof(conf->init));
}

/* Grows with each line; an empty value empties it, and the built-in list with it. */
int rootsection_set_modules(struct conf *conf, char *value)
{
	struct module_list *list = &conf->modules;
	char *word;

	if (*value == '\0') {
		list->nr = 0;
		list->defaults = false;
	}
	while ((word = text_word(&value, " \t"))) {
		if (list->nr == CONF_MODULES_MAX)
			return -E2BIG;
		if (set_word(list->names[list->nr], CONF_NAME_SIZE, word, MODULE_CHARS) < 0)
			return -EINVAL;
		list->nr++;
	}
	return 0;
}

void rootsection_device(const struct conf *conf, char ret_path[static CONF_DEVICE_SIZE])
{
	if (*conf->root.device)
		memcpy(ret_path, conf->root.device, CONF_DEVICE_SIZE);
	else
		(void)snprintf(ret_path, CONF_DEVICE_SIZE, DM_DIR "%s",
			       conf->volumes[conf->root_volume].name); /* fits */
}

/* Is this what a volume of cocotab is called when it is open? */
static bool is_volume(const struct conf *conf, const char *device)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++)
		if (strncmp(device, DM_DIR, strlen(DM_DIR)) == 0 &&
		    strcmp(device + strlen(DM_DIR), conf->volumes[i].name) == 0)
			return true;
	return false;
}

bool rootsection_wants_lvm(const struct conf *conf)
{
	char device[CONF_DEVICE_SIZE];

	rootsection_device(conf, device);
	return !is_volume(conf, device) ||
	       (*conf->usr.device && !is_volume(conf, conf->usr.device));
}

bool rootsection_has_fsck(const char *type)
{
	return strcmp(type, "ext2") == 0 || strcmp(type, "ext3") == 0 || strcmp(type, "ext4") == 0;
}

int rootsection_check(const struct conf *conf, struct fault *f)
{
	size_t i;

	if (conf_has_source(conf, SOURCE_KBS))
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "use dracut's initramfs, or set Sources=efi",
				    "Sources= has kbs: this initramfs cannot bring a network up");
	if (conf_has_shell(conf))
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "remove RescueShell=yes, or use dracut's initramfs",
				    "RescueShell=yes: this initramfs has no shell");
	if (!*conf->root.type)
		return fault_advise(
			f, EXITCODE_CONFIG, EINVAL,
			"put the type of the root's file system into coco-unlock.conf, for example: "
			"[Root] and below it Type=ext4",
			"Type= is missing in the section [Root]: nothing is probed from the disk");
	if (conf->fsck && (!rootsection_has_fsck(conf->root.type) ||
			   (*conf->usr.type && !rootsection_has_fsck(conf->usr.type))))
		return fault_advise(
			f, EXITCODE_CONFIG, EINVAL,
			"remove Fsck= : xfs and btrfs check themselves when they are mounted",
			"Fsck=yes is for ext2, ext3 and ext4 alone");
	for (i = 0; i < conf->nr_volumes; i++)
		if (conf->volumes[i].device.kind == DEVICE_KIND_PATH &&
		    strncmp(conf->volumes[i].device.value, DISK_LINKS, strlen(DISK_LINKS)) == 0)
			return fault_advise(
				f, EXITCODE_CONFIG, EINVAL,
				"write UUID=, PARTUUID= or LABEL= into cocotab",
				"volume '%s' is at %s, a link that udev makes: this initramfs has no udev",
				conf->volumes[i].name, conf->volumes[i].device.value);
	return 0;
}
