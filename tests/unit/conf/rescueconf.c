/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rescueconf.c - RescueKey=, RescueShell= and RescueTimeout=: what each takes, what goes with what
 * and which line is to blame, and the digest of a configuration. That no key of small order is
 * missing in the list is shown by cli/guest/check_rescue.
 */
#include "conf/rescueconf.h"

#include "base/paths.h"
#include "fixture.h"

#define KEY_A "BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY=" /* bytes 7 to 38 */
#define KEY_B "/////////////////////////////////////////38=" /* no = left over, + and / */
#define RESCUE "[Unlock]\nFailureAction=rescue\n"

static struct conf conf;
static struct fault f;
static struct fixture fx;

/* One line of [Unlock], over the defaults. */
static int line(const char *text)
{
	char copy[4096];

	(void)snprintf(copy, sizeof(copy), "[Unlock]\n%s\n", text);
	conf_defaults(&conf);
	f = (struct fault){ 0 };
	return conf_parse_ini(&conf, copy, "FILE", &f);
}

/* A whole file. */
static int load(const char *text)
{
	fixture_text(&fx, PATH_CONF, text);
	f = (struct fault){ 0 };
	return conf_load(&fx.root, &conf, &f);
}

static void test_keys(void)
{
	static const char *const bad[] = {
		"BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY", /* no = */
		"BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY==",
		"BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSZ=", /* bits left over */
		"BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJS==",
		"BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMk-_Y=", /* base64url */
		"0708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223242526",
		"MCowBQYDK2VwAyEABwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY=", /* all of DER */
		"-----BEGIN PUBLIC KEY-----",
		"/etc/coco-unlock/rescue.pem",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* of small order, as the rest */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA=",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"7P///////////////////////////////////////38=",
		"7f///////////////////////////////////////38=",
		"7v///////////////////////////////////////38=",
	};
	char text[1024];
	size_t i;

	ok(line("RescueKey=" KEY_A) == 0 && conf.rescue.nr_keys == 1 &&
		   conf.rescue.keys[0][0] == 7 && conf.rescue.keys[0][31] == 38,
	   "a key");
	ok(line("RescueKey=" KEY_A " \t" KEY_B) == 0 && conf.rescue.nr_keys == 2 &&
		   conf.rescue.keys[1][30] == 0xff && conf.rescue.keys[1][31] == 0x7f,
	   "two in a line");
	ok(line("RescueKey=" KEY_A "\nRescueKey=" KEY_B) == 0 && conf.rescue.nr_keys == 2 &&
		   conf.rescue.keys[0][0] == 7,
	   "two lines");
	ok(line("RescueKey=" KEY_A "\nRescueKey=\nRescueKey=" KEY_B) == 0 &&
		   conf.rescue.nr_keys == 1 && conf.rescue.keys[0][0] == 0xff,
	   "an empty value forgets");
	is_int(line("RescueKey=" KEY_A " " KEY_A " " KEY_A "\nRescueKey=" KEY_B), 0, "four");
	is_int(line("RescueKey=" KEY_A " " KEY_A " " KEY_A "\nRescueKey=" KEY_B " " KEY_B), -EINVAL,
	       "five are too many");
	ok(strcmp(f.why, "FILE:3: RescueKey= takes Ed25519 public keys in base64, at most 4") == 0,
	   "with file and line");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "RescueKey=%s", bad[i]);
		ok(line(text) == -EINVAL && conf.rescue.nr_keys == 0, "no key: %s", bad[i]);
	}
}

static void test_words(void)
{
	conf_defaults(&conf);
	ok(!conf.rescue.shell && conf.rescue.nr_keys == 0 && conf.rescue.timeout_ms == 900000,
	   "the defaults: no shell, no key, 15 min");
	ok(line("RescueTimeout=1min") == 0 && conf.rescue.timeout_ms == 60000, "RescueTimeout=");
	is_int(line("RescueTimeout=0"), -EINVAL, "RescueTimeout= takes no nothing");
	is_int(line("RescueTimeout=61min"), -EINVAL, "nor more than an hour");
	ok(line("RescueShell=yes") == 0 && conf.rescue.shell, "RescueShell=yes");
	ok(line("RescueShell=yes\nRescueShell=no") == 0 && !conf.rescue.shell, "the last counts");
	is_int(line("RescueShell=1"), -EINVAL, "RescueShell= takes yes and no");
}

/* Who rescues, as the rest of the program asks. */
static void test_who(void)
{
	ok(load("") == 0 && !conf_rescues(&conf) && !conf_has_shell(&conf), "nobody");
	ok(load(RESCUE) == 0 && conf_rescues(&conf) && !conf_has_shell(&conf), "the program");
	ok(load(RESCUE "RescueKey=" KEY_A "\nRescueTimeout=5min\n") == 0 && conf_rescues(&conf),
	   "the program, for an answer");
	ok(load(RESCUE "RescueShell=yes\n") == 0 && !conf_rescues(&conf) && conf_has_shell(&conf),
	   "a shell");
	ok(load(RESCUE "RescueShell=no\n") == 0 && conf_rescues(&conf), "no shell, said plainly");
	ok(load("[Unlock]\nRescueShell=no\nRescueKey=\n") == 0 && !conf_rescues(&conf),
	   "what says nothing does no harm");
}

static void test_together(void)
{
	/* clang-format off */
	static const struct {
		const char *text, *why, *next;
	} cases[] = {
		{ "[Unlock]\nRescueShell=yes\n",
		  PATH_CONF ":2: RescueShell=yes has no effect without FailureAction=rescue",
		  "put FailureAction=rescue" },
		{ "[Unlock]\nFailureAction=halt\n\nRescueKey=" KEY_A "\n",
		  PATH_CONF ":4: RescueKey= has no effect without FailureAction=rescue",
		  "put FailureAction=rescue" },
		{ "[Unlock]\nRescueTimeout=15min\n",
		  PATH_CONF ":2: RescueTimeout= has no effect without FailureAction=rescue",
		  "put FailureAction=rescue" },
		{ RESCUE "RescueKey=" KEY_A "\nRescueShell=yes\n",
		  PATH_CONF ":3: RescueKey= and RescueShell=yes exclude each other",
		  "remove RescueShell=yes" },
		{ RESCUE "RescueShell=yes\nRescueTimeout=1min\n",
		  PATH_CONF ":4: RescueTimeout= has no effect with RescueShell=yes: a shell has no end",
		  "remove one" },
		{ RESCUE "KeepSecrets=CA4B4042-831B-4962-9798-FC95C71F1236\n",
		  PATH_CONF ":3: KeepSecrets= would spare the rescue entry, " GUID_RESCUE,
		  "remove this GUID" },
		{ "[Unlock]\nKeepSecrets=" GUID_RESCUE "\n",
		  PATH_CONF ":2: KeepSecrets= would spare the rescue entry, " GUID_RESCUE,
		  "remove this GUID" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		is_int(load(cases[i].text), -EINVAL, "refused: %s", cases[i].why);
		is_int(f.code, EXITCODE_CONFIG, "as a mistake of the configuration");
		is_str(f.why, cases[i].why, "with file and line");
		ok(strncmp(f.next, cases[i].next, strlen(cases[i].next)) == 0, "and what to do");
		ok(conf.failure_action == FAILURE_ACTION_POWEROFF && conf.rescue.nr_keys == 0 &&
			   !conf.rescue.shell,
		   "and nothing of it counts");
	}
	fixture_text(&fx, PATH_CONF_D_ETC "/a.conf", "[Unlock]\nRescueShell=yes\n");
	is_int(load("[Unlock]\n"), -EINVAL, "of a drop-in");
	ok(strncmp(f.why, PATH_CONF_D_ETC "/a.conf:2: ", strlen(PATH_CONF_D_ETC "/a.conf:2: ")) ==
		   0,
	   "with its name");
	is_int(load(RESCUE), 0, "and what a drop-in adds goes with the file");
	fixture_unlink(&fx, PATH_CONF_D_ETC "/a.conf");
}

static void test_entry(void)
{
	static const char *const words[] = { GUID_RESCUE, "CA4B4042-831B-4962-9798-FC95C71F1236" };
	size_t i;

	(void)load("");
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "root LABEL=root -\ndata LABEL=data %s\n",
			       words[i]);
		fixture_text(&fx, PATH_COCOTAB, text);
		is_int(load(""), -EINVAL, "a volume with the secret %s", words[i]);
		is_str(f.why,
		       PATH_COCOTAB ":2: volume 'data' would be opened with the rescue entry",
		       "its reason");
	}
	fixture_text(&fx, PATH_COCOTAB, "root auto -\n");
	is_int(load(""), 0, "control: another secret");
	fixture_unlink(&fx, PATH_COCOTAB);
}

static struct digest digest(const char *what)
{
	struct digest digest = { { 0 } };

	f = (struct fault){ 0 };
	is_int(conf_digest(&fx.root, &digest, &f), 0, "the digest of %s", what);
	return digest;
}

/* Each file by its name and by its bytes. That it is what sha256sum prints: check_rescue.t. */
static void test_digest(void)
{
	static const struct {
		const char *path, *text;
		bool counts;
	} steps[] = {
		{ PATH_CONF, "# changed\n", true },
		{ PATH_COCOTAB, "root LABEL=a\n", true },
		{ PATH_COCOTAB, "root LABEL=b\n", true },
		{ PATH_POLICY, "\n", true },
		{ PATH_CONF_D_USR "/10.conf", "[Unlock]\n", true },
		{ PATH_CONF_D_ETC "/10.conf", "[Unlock]\n", true }, /* of another name */
		{ PATH_CONF_D_USR "/10.conf", "[Unlock]\n# not read any more\n", false },
		{ PATH_CONF_D_ETC "/20.conf", "", true },
		{ PATH_CONF_D_ETC "/20.conf.bak", "x", false },
		{ "/etc/coco-unlock/broker-ca.pem", "x", false },
	};
	struct digest before, after;
	size_t i;

	fixture_unlink(&fx, PATH_CONF);
	before = digest("no file at all");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		fixture_text(&fx, steps[i].path, steps[i].text);
		after = digest(steps[i].path);
		ok(digest_equal(&before, &after) == !steps[i].counts, "it is %s one",
		   steps[i].counts ? "another" : "the same");
		before = after;
	}
	fixture_unlink(&fx, PATH_COCOTAB);
	fixture_text(&fx, PATH_COCOTAB "/file", "");
	ok(conf_digest(&fx.root, &after, &f) == -EISDIR && f.code == EXITCODE_CONFIG,
	   "what cannot be read is an error");
}

int main(void)
{
	const unsigned int fds = fixture_fds();

	fixture_init(&fx);
	test_keys();
	test_words();
	test_who();
	test_together();
	test_entry();
	test_digest();
	fixture_done(&fx);
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
