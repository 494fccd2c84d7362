/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf.c - coco-unlock.conf and its drop-ins: what is taken, in which order, and what is an
 * error, with file and line.
 */
#include "conf/conf.h"

#include "base/paths.h"
#include "fixture.h"

#define GUID_1 "11111111-2222-3333-4444-555555555555"
#define GUID_2 "AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE"
#define GUID_2_LOWER "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static struct conf conf;
static struct fault f;

/* Parses a copy of the text over the defaults. */
static int parse(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);

	conf_defaults(&conf);
	f = (struct fault){ 0 };
	return conf_parse_ini(&conf, copy, "FILE", &f);
}

static void test_defaults(void)
{
	conf_defaults(&conf);
	is_int(conf.timeout_ms, 90000, "default: 90 s");
	is_int(conf.root_timeout_ms, 180000, "default: 3 min for the rest of the initramfs");
	ok(!conf.require_policy, "default: no policy entry is required");
	ok(conf.check_cmdline, "default: the kernel command line is looked at");
	ok(conf.allow_words.defaults && conf.allow_words.nr == 0, "default: the built-in words");
	is_int(conf.volumes[0].tokens.nr, 0, "default: no tokens");
	is_int(conf.failure_action, FAILURE_ACTION_POWEROFF, "default: poweroff");
	is_int(conf.nr_keep, 0, "default: nothing is kept");
	is_int(conf.secret_modules.nr, 3, "default: three modules");
	is_str(conf.secret_modules.names[0], "efi_secret", "default: the kernel's own first");
	is_str(conf.secret_modules.names[1], "coco_secret", "default: then ours");
	is_str(conf.secret_modules.names[2], "sev_secret", "default: then the old name");
	is_int(conf.ciphers.nr, 1, "default: one cipher");
	is_str(conf.ciphers.names[0], "aes-xts-plain64", "default: which one");
	is_int(conf.nr_volumes, 1, "default: one volume");
	is_str(conf.volumes[0].name, "root", "default: called root");
	is_int(conf.volumes[0].device.kind, DEVICE_KIND_AUTO, "default: on the only disk");
	is_str(conf.volumes[0].secret.guid, GUID_DISK_SECRET, "default: the well-known GUID");
	is_int(conf.volumes[0].options, 0, "default: no option");
}

static void test_timeout(void)
{
	/* clang-format off */
	static const struct {
		const char *value;
		uint64_t ms; /* 0: refused */
	} cases[] = {
		{ "1", 1000 },	     { "90", 90000 },	    { "90s", 90000 },
		{ "1500ms", 1500 },  { "2min", 120000 },    { "3600s", 3600000 },
		{ "60min", 3600000 }, { "3600000ms", 3600000 }, { "007", 7000 },
		{ "0", 0 },	     { "999ms", 0 },	    { "61min", 0 },
		{ "3601", 0 },	     { "3600001ms", 0 },    { "", 0 },
		{ "s", 0 },	     { "90 s", 0 },	    { "90S", 0 },
		{ "90sec", 0 },	     { "1h", 0 },	    { "-1", 0 },
		{ "+1", 0 },	     { "1.5s", 0 },	    { "0x10", 0 },
		{ "infinity", 0 },   { "90s90s", 0 },	    { "99999999999999999999999", 0 },
		{ "18446744073709551", 0 }, { "000000000000000090", 0 },
		{ "0000000000000090", 0 }, { "000000000000090", 90000 },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];
		int r;

		(void)snprintf(text, sizeof(text), "[Unlock]\nTimeout=%s\n", cases[i].value);
		r = parse(text);
		if (cases[i].ms > 0)
			ok(r == 0 && conf.timeout_ms == cases[i].ms, "Timeout=%s is %llu ms",
			   cases[i].value, (unsigned long long)cases[i].ms);
		else
			ok(r == -EINVAL && f.code == EXITCODE_CONFIG && conf.timeout_ms == 90000 &&
				   strcmp(f.why,
					  "FILE:2: Timeout= takes a time between 1s and 60min") ==
					   0,
			   "Timeout=%s is refused", cases[i].value);
	}
}

static void test_root_timeout(void)
{
	/* clang-format off */
	static const struct {
		const char *value;
		uint64_t ms; /* 0: refused */
	} cases[] = {
		{ "10", 10000 },   { "10000ms", 10000 }, { "60min", 3600000 }, { "3min", 180000 },
		{ "9999ms", 0 },   { "9", 0 },		 { "1", 0 },	       { "0", 0 },
		{ "3600001ms", 0 }, { "61min", 0 },	 { "", 0 },	       { "infinity", 0 },
	};
	/* clang-format on */
	char text[64];
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)snprintf(text, sizeof(text), "[Unlock]\nRootTimeout=%s\n", cases[i].value);
		r = parse(text);
		if (cases[i].ms > 0)
			ok(r == 0 && conf.root_timeout_ms == cases[i].ms &&
				   conf.timeout_ms == 90000,
			   "RootTimeout=%s", cases[i].value);
		else
			ok(r == -EINVAL && conf.root_timeout_ms == 180000 &&
				   strcmp(f.why,
					  "FILE:2: RootTimeout= takes a time between 10s and 60min") ==
					   0,
			   "RootTimeout=%s is refused", cases[i].value);
	}
}

static void test_bools(void)
{
	static const char *const bad[] = { "", "Yes", "true", "1", "on", "yes no", "y", "noo" };
	char text[64];
	size_t i;

	ok(parse("[Policy]\nRequirePolicyEntry=yes\n") == 0 && conf.require_policy &&
		   conf.check_cmdline,
	   "RequirePolicyEntry=yes");
	ok(parse("[Policy]\nRequirePolicyEntry=yes\nRequirePolicyEntry=no\n") == 0 &&
		   !conf.require_policy,
	   "the last line counts");
	ok(parse("[Policy]\nCheckCommandLine=no\n") == 0 && !conf.check_cmdline &&
		   !conf.require_policy,
	   "CheckCommandLine=no");
	ok(parse("[Policy]\nCheckCommandLine=yes\n") == 0 && conf.check_cmdline,
	   "CheckCommandLine=yes");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "[Policy]\nRequirePolicyEntry=%s\n", bad[i]);
		ok(parse(text) == -EINVAL && !conf.require_policy &&
			   strcmp(f.why, "FILE:2: RequirePolicyEntry= takes yes or no") == 0,
		   "RequirePolicyEntry='%s' is refused", bad[i]);
		(void)snprintf(text, sizeof(text), "[Policy]\nCheckCommandLine=%s\n", bad[i]);
		ok(parse(text) == -EINVAL && conf.check_cmdline, "CheckCommandLine='%s' is refused",
		   bad[i]);
	}
	is_int(parse("[Unlock]\nRequirePolicyEntry=yes\n"), -EINVAL, "in the wrong section");
}

static const char *words(void)
{
	static char shown[1024];
	size_t i;

	(void)snprintf(shown, sizeof(shown), "%s", conf.allow_words.defaults ? "+" : "");
	for (i = 0; i < conf.allow_words.nr; i++)
		text_append(shown, sizeof(shown), "%s%s", *shown ? " " : "",
			    conf.allow_words.words[i]);
	return shown;
}

#define WORD_OF_127                                                              \
	"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij" \
	"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefg"

static void test_words(void)
{
	static const char *const bad[] = { "*", "a *", "a\"b", "'a'", "a\\b", WORD_OF_127 "x" };
	char text[16384] = "[Policy]\n";
	size_t i;

	(void)parse("[Policy]\nAllowWords=a b=* \t c\n");
	is_str(words(), "+ a b=* c", "AllowWords= adds to the built-in ones");
	(void)parse("[Policy]\nAllowWords=a\nAllowWords=b\n");
	is_str(words(), "+ a b", "a second line adds");
	(void)parse("[Policy]\nAllowWords=a\nAllowWords=\nAllowWords=b\n");
	is_str(words(), "b", "an empty value forgets all, the built-in ones, too");
	(void)parse("[Policy]\nAllowWords=\n");
	is_str(words(), "", "so that none is allowed");
	ok(parse("[Policy]\nAllowWords=" WORD_OF_127 "\n") == 0 && conf.allow_words.nr == 1,
	   "a word of 127 bytes");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "[Policy]\nAllowWords=%s\n", bad[i]);
		is_int(parse(text), -EINVAL, "AllowWords=%.20s is refused", bad[i]);
	}
	ok(strstr(f.why, "FILE:2: AllowWords= takes words of the kernel command line") != NULL,
	   "its reason");
	(void)snprintf(text, sizeof(text), "[Policy]\n");
	for (i = 0; i < CONF_WORDS_MAX; i++)
		text_append(text, sizeof(text), "AllowWords=word%zu\n", i);
	ok(parse(text) == 0 && conf.allow_words.nr == CONF_WORDS_MAX, "64 of them");
	text_append(text, sizeof(text), "AllowWords=more\n");
	is_int(parse(text), -EINVAL, "65 are too many");
}

static void test_action(void)
{
	static const char *const names[] = { "poweroff", "reboot", "halt", "rescue" };
	static const char *const bad[] = { "",	   "Poweroff", "poweroff ; reboot",
					   "none", "shell",    "rescue,",
					   "power" };
	char text[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(text, sizeof(text), "[Unlock]\nFailureAction=%s\n", names[i]);
		ok(parse(text) == 0 && conf.failure_action == (enum failure_action)i,
		   "FailureAction=%s", names[i]);
		is_str(conf_action_name((enum failure_action)i), names[i], "its name");
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(text, sizeof(text), "[Unlock]\nFailureAction=%s\n", bad[i]);
		ok(parse(text) == -EINVAL && conf.failure_action == FAILURE_ACTION_POWEROFF &&
			   strcmp(f.why, "FILE:2: FailureAction= takes poweroff, reboot, halt "
					 "or rescue") == 0,
		   "FailureAction='%s' is refused", bad[i]);
	}
	is_str(conf_action_name(_FAILURE_ACTION_MAX), "poweroff",
	       "a number that is no action counts as the strictest");
}

static void test_keep(void)
{
	char text[16384] = "[Unlock]\n";
	int i;

	is_int(parse("[Unlock]\nKeepSecrets=" GUID_1 " \t" GUID_2 "\n"), 0, "KeepSecrets= two");
	is_int(conf.nr_keep, 2, "two are kept");
	ok(conf_keeps(&conf, GUID_1) && conf_keeps(&conf, GUID_2_LOWER), "these two, lower case");
	ok(!conf_keeps(&conf, GUID_DISK_SECRET), "and not another one");
	ok(!conf_keeps(&conf, GUID_2), "entries have lower case names only");
	(void)parse("[Unlock]\nKeepSecrets=" GUID_1 "\nKeepSecrets=" GUID_2 "\n");
	is_int(conf.nr_keep, 2, "a second line adds");
	(void)parse("[Unlock]\nKeepSecrets=" GUID_1 "\nKeepSecrets=\nKeepSecrets=" GUID_2 "\n");
	ok(conf.nr_keep == 1 && conf_keeps(&conf, GUID_2_LOWER), "an empty value forgets");
	is_int(parse("[Unlock]\nKeepSecrets=luks-key\n"), -EINVAL, "a word that is no GUID");
	is_str(f.why, "FILE:2: KeepSecrets= takes GUIDs, at most 64", "its reason");
	is_int(parse("[Unlock]\nKeepSecrets=" GUID_1 "," GUID_2 "\n"), -EINVAL, "commas");
	for (i = 0; i < CONF_KEEP_MAX; i++)
		text_append(text, sizeof(text), "KeepSecrets=00000000-0000-0000-0000-%012d\n", i);
	is_int(parse(text), 0, "64 of them");
	is_int(conf.nr_keep, CONF_KEEP_MAX, "are kept");
	text_append(text, sizeof(text), "KeepSecrets=" GUID_1 "\n");
	is_int(parse(text), -EINVAL, "65 are too many");
	is_str(f.why, "FILE:66: KeepSecrets= takes GUIDs, at most 64", "its reason");
}

static void test_names(void)
{
	static const char *const bad[] = {
		"[Unlock]\nSecretModules=\n",
		"[Unlock]\nSecretModules=../evil\n",
		"[Unlock]\nSecretModules=efi-secret\n",
		"[Unlock]\nSecretModules=EFI_SECRET\n",
		"[Unlock]\nSecretModules=a b c d e f g h i\n",
		"[Unlock]\nSecretModules="
		"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij1234\n", /* 64 */
		"[Policy]\nCiphers=\n",
		"[Policy]\nCiphers=cipher_null-ecb\n",
		"[Policy]\nCiphers=aes-xts-plain64 cipher_null-ecb\n",
		"[Policy]\nCiphers=null\n",
		"[Policy]\nCiphers=capi:ecb(cipher_null)-null\n",
		"[Policy]\nCiphers=aes-xts-plain64,serpent-xts-plain64\n",
		"[Policy]\nCiphers=AES-XTS-PLAIN64\n",
		"[Policy]\nCiphers=cipher_null-xts-plain64\n",
		"[Policy]\nCiphers=capi:xts(aes)-plain64\n",
		"[Policy]\nCiphers=capi:xts-aes-plain64\n",
		"[Policy]\nCiphers=aes\n",
		"[Policy]\nCiphers=aes-xts\n",
		"[Policy]\nCiphers=aes-plain64\n",
		"[Policy]\nCiphers=-xts-plain64\n",
		"[Policy]\nCiphers=aes--plain64\n",
		"[Policy]\nCiphers=aes-ecb-plain64\n",
		"[Policy]\nCiphers=aes-xts-plain\n",
		"[Policy]\nCiphers=aes-xts-plain64be\n",
		"[Policy]\nCiphers=aes-xts-plain64-x\n",
		"[Policy]\nCiphers=aes-cbc-essiv:sha256\n",
		"[Policy]\nCiphers=a-a-plain64 b-b-plain64 c-c-plain64 d-d-plain64 e-e-plain64 "
		"f-f-plain64 g-g-plain64 h-h-plain64 i-i-plain64\n",
	};
	char shown[40];
	size_t i;

	is_int(parse("[Unlock]\nSecretModules=sev_secret  efi_secret\n"), 0, "SecretModules= two");
	ok(conf.secret_modules.nr == 2 && strcmp(conf.secret_modules.names[0], "sev_secret") == 0 &&
		   strcmp(conf.secret_modules.names[1], "efi_secret") == 0,
	   "these two, in this order, in place of the defaults");
	(void)parse("[Unlock]\nSecretModules=a b c\nSecretModules=d\n");
	ok(conf.secret_modules.nr == 1 && strcmp(conf.secret_modules.names[0], "d") == 0,
	   "a second line replaces the first");
	is_int(parse("[Unlock]\nSecretModules=a b c d e f g h\n"), 0, "eight are allowed");
	is_int(parse("[Unlock]\nSecretModules="
		     "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij123\n"),
	       0, "a name of 63 bytes is allowed");
	is_int(parse("[Policy]\nCiphers=serpent-xts-plain64 twofish-cbc-plain64\n"), 0,
	       "Ciphers= two");
	ok(conf.ciphers.nr == 2 && strcmp(conf.ciphers.names[0], "serpent-xts-plain64") == 0 &&
		   strcmp(conf.ciphers.names[1], "twofish-cbc-plain64") == 0,
	   "these two, in place of the default");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		text_printable(bad[i] + strlen("[Unlock]\n"), shown, sizeof(shown));
		is_int(parse(bad[i]), -EINVAL, "refused: %s", shown);
		ok(f.code == EXITCODE_CONFIG && strncmp(f.why, "FILE:2: ", 8) == 0,
		   "with file and line");
		if (strncmp(bad[i], "[Policy]", 8) == 0)
			ok(conf.ciphers.nr == 1 &&
				   strcmp(conf.ciphers.names[0], "aes-xts-plain64") == 0,
			   "and the list of ciphers stays as it was");
	}
}

static void test_keys(void)
{
	/* clang-format off */
	static const struct {
		const char *text;
		const char *reason;
	} bad[] = {
		{ "[Unlock]\ntimeout=1\n", "FILE:2: unknown key 'timeout' in section [Unlock]" },
		{ "[Policy]\nTimeout=1\n", "FILE:2: unknown key 'Timeout' in section [Policy]" },
		{ "[Unlock]\nCiphers=a\n", "FILE:2: unknown key 'Ciphers' in section [Unlock]" },
		{ "[unlock]\n", "FILE:1: unknown section [unlock]" },
		{ "[Unlock]\nTimeout=9 # why\n", "FILE:2: Timeout= takes a time between 1s and 60min" },
		{ "[Unlock]\nTimeout=1s\nTimeout=x", "FILE:3: Timeout= takes a time between 1s and 60min" },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		is_int(parse(bad[i].text), -EINVAL, "refused: %s", bad[i].reason);
		is_int(f.code, EXITCODE_CONFIG, "with the exit code of the configuration");
		is_str(f.why, bad[i].reason, "and this reason");
	}
	is_int(parse("  [Unlock]\r\n\tTimeout =\t5s \r\n[Policy]\n[Unlock]\nFailureAction=halt"), 0,
	       "blanks around, carriage returns, sections twice, no newline at the end");
	ok(conf.timeout_ms == 5000 && conf.failure_action == FAILURE_ACTION_HALT,
	   "were understood");
	is_int(parse("[Unlock]\nTimeout=5s\nTimeout=6s\n"), 0, "a key twice");
	is_int(conf.timeout_ms, 6000, "counts as the later one");
}

static int load(const struct fixture *fx)
{
	f = (struct fault){ 0 };
	memset(&conf, 0xaa, sizeof(conf));
	return conf_load(&fx->root, &conf, &f);
}

static void test_files(void)
{
	static const struct {
		const char *path;
		const char *text;
		uint64_t timeout_ms;
	} steps[] = {
		{ PATH_CONF, "[Unlock]\nTimeout=2s\n", 2000 },
		{ PATH_CONF_D_USR "/10-b.conf", "[Unlock]\nTimeout=3s\n", 3000 },
		{ PATH_CONF_D_ETC "/05-a.conf", "[Unlock]\nTimeout=4s\n", 3000 }, /* sorts first */
		{ PATH_CONF_D_ETC "/20-c.conf", "[Unlock]\nTimeout=5s\n", 5000 },
		{ PATH_CONF_D_USR "/30-d.conf", "[Unlock]\nTimeout=6s\n", 6000 },
		{ PATH_CONF_D_ETC "/30-d.conf", "[Unlock]\nTimeout=7s\n",
		  7000 }, /* wins over usr */
		{ PATH_CONF_D_ETC "/99.conf", "[Unlock]\nTimeout=8s\n", 8000 },
		{ PATH_CONF_D_ETC "/999.conf.bak", "[Unlock]\nFoo=1\n", 8000 }, /* not *.conf */
		{ PATH_CONF_D_ETC "/999", "[Unlock]\nFoo=1\n", 8000 },
		{ PATH_CONF_D_ETC "/.conf", "[Unlock]\nFoo=1\n", 8000 },
		{ PATH_CONF_D_ETC "/.hidden.conf", "[Unlock]\nFoo=1\n", 8000 },
		{ PATH_CONF_D_ETC "/a.conf", "", 8000 },
		{ PATH_CONF_D_USR "/a.conf", "[Unlock]\nFoo=1\n",
		  8000 }, /* masked by the empty one */
	};
	struct fixture fx;
	size_t i;

	fixture_init(&fx);
	is_int(load(&fx), 0, "no file at all");
	ok(conf.timeout_ms == 90000 && conf.nr_volumes == 1, "means the defaults");
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		fixture_text(&fx, steps[i].path, steps[i].text);
		ok(load(&fx) == 0 && conf.timeout_ms == steps[i].timeout_ms, "with %s: %llu ms",
		   steps[i].path, (unsigned long long)steps[i].timeout_ms);
	}
	fixture_text(&fx, PATH_COCOTAB, "data LABEL=data\n");
	ok(load(&fx) == 0 && conf.nr_volumes == 1 && strcmp(conf.volumes[0].name, "data") == 0,
	   "cocotab takes the place of the default volume");
	fixture_done(&fx);
}

/* Whatever is wrong: the defaults apply, so nothing of the file's leniency is left. */
static void test_file_errors(void)
{
	static const char lenient[] = "[Unlock]\nFailureAction=rescue\nTimeout=60min\n"
				      "KeepSecrets=" GUID_1 "\n";
	static const struct {
		const char *path;
		const char *text;
		const char *reason;
	} cases[] = {
		{ PATH_CONF_D_USR "/a.conf", "[Unlock]\nFoo=1\n",
		  PATH_CONF_D_USR "/a.conf:2: unknown key 'Foo' in section [Unlock]" },
		{ PATH_CONF_D_ETC "/a.conf", "[Unlock]\nFoo=1\n",
		  PATH_CONF_D_ETC "/a.conf:2: unknown key 'Foo' in section [Unlock]" },
		{ PATH_COCOTAB, "root auto - foo\n", PATH_COCOTAB ":1: unknown option 'foo'" },
		{ PATH_CONF_D_ETC "/a.conf/file", "", PATH_CONF_D_ETC "/a.conf: Is a directory" },
		{ PATH_CONF_D_ETC, "", PATH_CONF_D_ETC ": Not a directory" },
		{ PATH_COCOTAB "/file", "", PATH_COCOTAB ": Is a directory" },
	};
	char big[70000] = "[Unlock]\n", name[64];
	struct fixture fx;
	struct conf defaults;
	size_t i;

	conf_defaults(&defaults);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		fixture_init(&fx);
		fixture_text(&fx, PATH_CONF, lenient);
		fixture_text(&fx, cases[i].path, cases[i].text);
		ok(load(&fx) < 0 && f.code == EXITCODE_CONFIG, "refused: %s", cases[i].reason);
		is_str(f.why, cases[i].reason, "with file and line");
		ok(memcmp(&conf, &defaults, sizeof(conf)) == 0, "the defaults apply");
		fixture_done(&fx);
	}
	fixture_init(&fx);
	fixture_text(&fx, PATH_CONF, lenient);
	ok(load(&fx) == 0 && conf.failure_action == FAILURE_ACTION_RESCUE &&
		   conf_keeps(&conf, GUID_1),
	   "premise: without the mistake the file is taken");
	memset(big + 9, '#', sizeof(big) - 9);
	fixture_put(&fx, PATH_CONF, big, 65536);
	is_int(load(&fx), 0, "a file of 64 KiB");
	fixture_put(&fx, PATH_CONF, big, 65537);
	is_int(load(&fx), -EFBIG, "a longer file");
	fixture_put(&fx, PATH_CONF, "[Unlock]\nTimeout=1\0s\n", 21);
	is_int(load(&fx), -EINVAL, "a NUL byte in a file");
	fixture_unlink(&fx, PATH_CONF);
	for (i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), PATH_CONF_D_USR "/%03zu.conf", i);
		fixture_text(&fx, name, "[Unlock]\nTimeout=9s\n");
	}
	fixture_text(&fx, PATH_CONF_D_ETC "/010.conf", "");
	is_int(load(&fx), 0, "64 drop-ins, one of them in both places");
	fixture_text(&fx, PATH_CONF_D_ETC "/064.conf", "");
	is_int(load(&fx), -E2BIG, "65 drop-ins");
	is_str(f.why, PATH_CONF_D_ETC ": Argument list too long", "its reason");
	fixture_done(&fx);
}

int main(void)
{
	const unsigned int fds = fixture_fds();

	test_defaults();
	test_timeout();
	test_root_timeout();
	test_bools();
	test_words();
	test_action();
	test_keep();
	test_names();
	test_keys();
	test_files();
	test_file_errors();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	return tap_done();
}
