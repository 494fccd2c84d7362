/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opened.c - the list of what was opened: written whole, read back equal, and refused if one
 * byte of it is not as it is written.
 */
#include "rootfs/opened.h"

#include <sys/sysmacros.h>

#include "base/paths.h"
#include "fixture.h"

#define UUID "CRYPT-LUKS2-aaaaaaaa00004000800000000000000a-root"
#define PARAMS "aes-xts-plain64 :64:logon:cryptsetup:aaaaaaaa-d0 0 254:0 2048"
#define HEAD "version=1\n"
#define VOLUME                                                                    \
	"volume=root\nroot=1\nspec=LABEL=my root\ndevice=253:1048575\nuuid=" UUID \
	"\nread-only=1\n"                                                         \
	"target=0 4161536 crypt " PARAMS                                          \
	"\nmin-generation=3\nset-generation=9223372036854775807\n"

static struct fixture fx;
static struct opened_volume back[CONF_VOLUMES_MAX];
static size_t nr;

static struct opened_volume volume(void)
{
	struct opened_volume v = {
		.name = "root",
		.is_root = true,
		.spec = { .kind = DEVICE_KIND_LABEL, .value = "my root" },
		.mapping = {
			.dev = makedev(253, 1048575),
			.uuid = UUID,
			.nr_targets = 1,
			.length = 4161536,
			.type = "crypt",
			.params = PARAMS,
			.read_only = true,
		},
		.min_generation = 3,
		.set_generation = INT64_MAX,
	};

	return v;
}

static int read_back(void)
{
	nr = 99;
	memset(back, 0xaa, sizeof(back));
	return opened_read(&fx.root, back, CONF_VOLUMES_MAX, &nr);
}

static int read_text(const char *text)
{
	fixture_text(&fx, PATH_OPENED, text);
	return read_back();
}

static bool same(const struct opened_volume *a, const struct opened_volume *b)
{
	const struct mapping *m = &a->mapping, *n = &b->mapping;

	return strcmp(a->name, b->name) == 0 && a->is_root == b->is_root &&
	       a->spec.kind == b->spec.kind && strcmp(a->spec.value, b->spec.value) == 0 &&
	       m->dev == n->dev && strcmp(m->uuid, n->uuid) == 0 &&
	       m->nr_targets == n->nr_targets && m->start == n->start && m->length == n->length &&
	       strcmp(m->type, n->type) == 0 && strcmp(m->params, n->params) == 0 &&
	       m->read_only == n->read_only && m->suspended_or_pending == n->suspended_or_pending &&
	       a->min_generation == b->min_generation && a->set_generation == b->set_generation;
}

static void test_round_trip(void)
{
	struct opened_volume v[CONF_VOLUMES_MAX];
	struct stat st;
	mode_t mask;
	size_t i;

	is_int(read_back(), -ENOENT, "no file yet");
	v[0] = volume();
	mask = umask(0);
	is_int(opened_write(&fx.root, v, 1), 0, "one volume is written");
	(void)umask(mask);
	is_str(fixture_get(&fx, PATH_OPENED), HEAD VOLUME, "in the documented form");
	FIXTURE_MUST(stat(fixture_path(&fx, PATH_OPENED), &st) == 0);
	is_int(st.st_mode & 07777, 0600, "for nobody else to read");
	FIXTURE_MUST(stat(fixture_path(&fx, PATH_RUN_DIR), &st) == 0);
	is_int(st.st_mode & 07777, 0755, "in a directory for all");
	ok(read_back() == 0 && nr == 1 && same(&v[0], &back[0]), "and comes back as it was");
	for (i = 0; i < CONF_VOLUMES_MAX; i++) {
		v[i] = volume();
		(void)snprintf(v[i].name, sizeof(v[i].name), "volume-%zu", i);
		v[i].is_root = i == 3;
		v[i].mapping.start = i;
		memset(v[i].mapping.params, 'p', sizeof(v[i].mapping.params) - 1);
		memset(v[i].mapping.uuid, 'u', sizeof(v[i].mapping.uuid) - 1);
		memset(v[i].mapping.type, 't', sizeof(v[i].mapping.type) - 1);
		memset(v[i].spec.value, 's', sizeof(v[i].spec.value) - 1);
		v[i].min_generation = UINT64_MAX;
	}
	is_int(opened_write(&fx.root, v, CONF_VOLUMES_MAX), 0, "the most and the longest");
	ok(read_back() == 0 && nr == CONF_VOLUMES_MAX && same(&v[15], &back[15]) &&
		   same(&v[3], &back[3]),
	   "come back, too");
	is_int(opened_read(&fx.root, back, CONF_VOLUMES_MAX - 1, &nr), -E2BIG, "but not into less");
	ok(!fixture_has(&fx, PATH_OPENED ".new"), "nothing else stays behind");
}

static void test_specs(void)
{
	static const struct {
		enum device_kind kind;
		const char *value, *line;
	} cases[] = {
		{ DEVICE_KIND_AUTO, "", "\nspec=-\n" },
		{ DEVICE_KIND_PATH, "/dev/\xc3\xa4", "\nspec=-\n" },
		{ DEVICE_KIND_UUID, "a-b", "\nspec=UUID=a-b\n" },
		{ DEVICE_KIND_PARTUUID, "01234567-02", "\nspec=PARTUUID=01234567-02\n" },
		{ DEVICE_KIND_LABEL, "UUID=x", "\nspec=LABEL=UUID=x\n" },
	};
	struct opened_volume v = volume();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		v.spec = (struct device_spec){ .kind = cases[i].kind };
		(void)snprintf(v.spec.value, sizeof(v.spec.value), "%s", cases[i].value);
		ok(opened_write(&fx.root, &v, 1) == 0 &&
			   strstr(fixture_get(&fx, PATH_OPENED), cases[i].line),
		   "written: kind %d", (int)cases[i].kind);
		if (cases[i].kind == DEVICE_KIND_PATH)
			v.spec = (struct device_spec){ .kind = DEVICE_KIND_AUTO };
		ok(read_back() == 0 && same(&v, &back[0]), "and read back");
	}
}

static void test_not_written(void)
{
	struct opened_volume v[CONF_VOLUMES_MAX + 1];
	size_t i;

	fixture_text(&fx, PATH_OPENED, "earlier");
	for (i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = volume();
	is_int(opened_write(&fx.root, v, 2), -EINVAL, "two volumes of the root");
	v[0].is_root = v[1].is_root = false;
	is_int(opened_write(&fx.root, v, 2), -EINVAL, "no volume of the root");
	v[0] = volume();
	is_int(opened_write(&fx.root, v, 0), -EINVAL, "nothing is no list");
	is_int(opened_write(&fx.root, v, ARRAY_SIZE(v)), -E2BIG, "too many volumes");
	v[0].mapping.nr_targets = 2;
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "two targets");
	v[0] = volume();
	v[0].mapping.suspended_or_pending = true;
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "a suspended mapping");
	v[0] = volume();
	strcpy(v[0].mapping.params, "a\nvolume=x");
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "a line feed in the parameters");
	v[0] = volume();
	strcpy(v[0].mapping.type, "a b");
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "a space in the type");
	v[0] = volume();
	strcpy(v[0].name, "r\x80");
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "a byte above ASCII in the name");
	v[0] = volume();
	v[0].spec.value[0] = '\n';
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "a line feed in the label");
	v[0] = volume();
	v[0].mapping.uuid[0] = '\0';
	is_int(opened_write(&fx.root, v, 1), -EINVAL, "a mapping without a UUID");
	is_str(fixture_get(&fx, PATH_OPENED), "earlier", "the earlier list stays");
}

/* Each line left out, doubled, and cut after each byte; then what no line may be. */
static void test_not_read(void)
{
	/* clang-format off */
	static const struct {
		const char *from;
		const char *to;
	} changes[] = {
		{ "version=1", "version=2" },	       { "version=1", "version=01" },
		{ "version=1", "Version=1" },	       { "volume=root", "volume=" },
		{ "volume=root", "volume=a b" },       { "volume=root", "volume=root\r" },
		{ "root=1", "root=2" },		       { "root=1", "root=0" },
		{ "root=1", "root=" },		       { "root=1", "root=01" },
		{ "spec=LABEL=my root", "spec=LABEL=" }, { "spec=LABEL=my root", "spec=" },
		{ "spec=LABEL=my root", "spec=auto" }, { "spec=LABEL=my root", "spec=-x" },
		{ "spec=LABEL=my root", "spec=label=x" }, { "spec=LABEL=my root", "spec=LABEL=\x7f" },
		{ "253:1048575", "253" },	       { "253:1048575", "253:" },
		{ "253:1048575", "253:1:2" },	       { "253:1048575", "-1:1" },
		{ "253:1048575", "253:0x1" },	       { "253:1048575", "253:4294967296" },
		{ "read-only=1", "read-only=2" },      { "read-only=1", "read-only=" },
		{ "target=0 ", "target= 0 " },	       { "target=0 ", "target=00 " },
		{ "target=0 ", "target=0  " },	       { "4161536", "18446744073709551616" },
		{ " crypt ", " a-type-of-17-byte " },  { "crypt " PARAMS, "crypt" },
		{ "crypt " PARAMS, "crypt " },	       { "generation=3", "generation=-3" },
		{ "generation=3", "generation=" },     { "generation=3", "generation=3 " },
		{ "set-generation", "sut-generation" }, { "=9223372036854775807\n", "=9223372036854775807\n\n" },
		{ "=9223372036854775807\n", "=1\nx" },
	};
	/* clang-format on */
	static const char text[] = HEAD VOLUME;
	char changed[4096];
	unsigned int accepted = 0;
	const char *at;
	size_t i;

	is_int(read_text(text), 0, "premise: unchanged it is read");
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		at = strstr(text, changes[i].from);
		FIXTURE_MUST(at);
		(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text,
			       changes[i].to, at + strlen(changes[i].from));
		is_int(read_text(changed), -EINVAL, "change %zu of '%.12s' is refused", i,
		       changes[i].from);
	}
	for (i = 0; i < sizeof(text) - 1; i++) {
		(void)snprintf(changed, sizeof(changed), "%.*s", (int)i, text);
		if (read_text(changed) != -EINVAL)
			accepted++, printf("# accepted when cut to %zu bytes\n", i);
	}
	is_int(accepted, 0, "cut anywhere it is refused");
	for (at = text; *at; at = strchr(at, '\n') + 1) {
		int line = (int)(strchr(at, '\n') + 1 - at);

		(void)snprintf(changed, sizeof(changed), "%.*s%s", (int)(at - text), text,
			       at + line);
		if (read_text(changed) != -EINVAL)
			accepted++, printf("# accepted without %.*s", line, at);
		(void)snprintf(changed, sizeof(changed), "%.*s%.*s%s", (int)(at - text), text, line,
			       at, at);
		if (read_text(changed) != -EINVAL)
			accepted++, printf("# accepted with two %.*s", line, at);
	}
	is_int(accepted, 0, "without a line, or with one twice, it is refused");
	is_int(read_text(HEAD VOLUME VOLUME), -EINVAL, "with two volumes of the root, too");
	is_int(read_text(""), -EINVAL, "an empty file is no list");
	is_int(read_text(HEAD), -EINVAL, "nor is one without a volume");
	ok(nr == 99 && back[0].name[0] == (char)0xaa, "and nothing is handed out then");
	fixture_put(&fx, PATH_OPENED, HEAD VOLUME "\0", sizeof(HEAD VOLUME));
	is_int(read_back(), -EINVAL, "nor one with a NUL");
	fixture_text(&fx, PATH_OPENED, "");
	FIXTURE_MUST(truncate(fixture_path(&fx, PATH_OPENED), 30000) == 0);
	is_int(read_back(), -EFBIG, "nor one that is too long");
}

int main(void)
{
	fixture_init(&fx);
	fixture_mkdir(&fx, "/run");
	test_round_trip();
	test_specs();
	test_not_written();
	test_not_read();
	return tap_done();
}
