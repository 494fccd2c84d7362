/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescueconf.c - what RescueKey= and RescueShell= mean, and what of a rescue does not go together.
 * Trusts the files to be the owner's, but not to be free of mistakes; may not do I/O. Nothing here
 * is ever taken from a disk, from the command line or from the host.
 */
#include "conf/rescueconf.h"

#include <string.h>

#include "base/base64.h"
#include "base/paths.h"
#include "conf/value.h"

/* Grows with each line; an empty value empties it. */
int rescueconf_set_key(struct conf *conf, char *value)
{
	struct rescue_conf *rescue = &conf->rescue;
	unsigned char *key;
	char *word;

	if (*value == '\0')
		rescue->nr_keys = 0;
	while ((word = text_word(&value, " \t"))) {
		if (rescue->nr_keys == CONF_RESCUE_KEYS_MAX)
			return -E2BIG;
		key = rescue->keys[rescue->nr_keys];
		if (base64_decode(BASE64_PADDED, word, strlen(word), key, ED25519_KEY_SIZE) !=
			    ED25519_KEY_SIZE ||
		    ed25519_has_small_order(key))
			return -EINVAL;
		rescue->nr_keys++;
	}
	return 0;
}

int rescueconf_set_shell(struct conf *conf, char *value)
{
	return value_bool(value, &conf->rescue.shell);
}

/* A key of another failure action. */
static int check_unused(const struct rescue_conf *rescue, struct fault *f)
{
	const struct {
		const char *key;
		bool used;
		const struct ini_place *place;
	} keys[] = {
		{ "RescueShell=yes", rescue->shell, &rescue->shell_place },
		{ "RescueKey=", rescue->nr_keys > 0, &rescue->key_place },
		{ "RescueTimeout=", rescue->timeout_place.line > 0, &rescue->timeout_place },
	};
	char buffer[INI_PLACE_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].used)
			return fault_advise(f, EXITCODE_CONFIG, EINVAL,
					    "put FailureAction=rescue into the section [Unlock], or "
					    "remove that line",
					    "%s%s has no effect without FailureAction=rescue",
					    ini_place_text(keys[i].place, buffer), keys[i].key);
	return 0;
}

/* The rescue entry is for nothing else. */
static int check_entry(const struct conf *conf, struct fault *f)
{
	char buffer[INI_PLACE_SIZE];
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++) {
		const struct volume_conf *v = &conf->volumes[i];
		const struct ini_place place = { .file = PATH_COCOTAB, .line = v->line };

		if (strcmp(v->secret.guid, GUID_RESCUE) == 0)
			return fault_advise(f, EXITCODE_CONFIG, EINVAL,
					    "give the volume an entry of its own",
					    "%svolume '%s' would be opened with the rescue entry",
					    ini_place_text(&place, buffer), v->name);
	}
	if (conf_keeps(conf, GUID_RESCUE))
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "remove this GUID: whoever reads that entry can read what the "
				    "answers of a rescue carry",
				    "%sKeepSecrets= would spare the rescue entry, " GUID_RESCUE,
				    ini_place_text(&conf->keep_place, buffer));
	return 0;
}

int rescueconf_check(const struct conf *conf, struct fault *f)
{
	const struct rescue_conf *rescue = &conf->rescue;
	char buffer[INI_PLACE_SIZE];
	int r;

	r = check_entry(conf, f);
	if (r < 0)
		return r;
	if (conf->failure_action != FAILURE_ACTION_RESCUE)
		return check_unused(rescue, f);
	if (!rescue->shell)
		return 0;
	if (rescue->nr_keys > 0)
		return fault_advise(f, EXITCODE_CONFIG, EINVAL,
				    "remove RescueShell=yes: whoever has the shell, which is the "
				    "host, needs no answer of yours",
				    "%sRescueKey= and RescueShell=yes exclude each other",
				    ini_place_text(&rescue->key_place, buffer));
	if (rescue->timeout_place.line > 0)
		return fault_advise(f, EXITCODE_CONFIG, EINVAL, "remove one of the two",
				    "%sRescueTimeout= has no effect with RescueShell=yes: a shell "
				    "has no end",
				    ini_place_text(&rescue->timeout_place, buffer));
	return 0;
}

void rescueconf_warn(const struct conf *conf, const struct warning_sink *sink)
{
	if (conf_has_shell(conf))
		warning_say(sink, "RescueShell=yes",
			    "gives a shell to whoever has the console of a boot that fails, which is "
			    "the host; no deadline, mask or replaced emergency service holds then");
	else if (conf_rescues(conf) && conf->rescue.nr_keys == 0)
		warning_say(sink, "FailureAction=rescue",
			    "shows a report, and takes reboot and poweroff, but no answer of yours; "
			    "next: put RescueKey= into the section [Unlock], see "
			    "coco-unlock-rescue(7)");
}
