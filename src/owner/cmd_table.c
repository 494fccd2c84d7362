/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_table.c - builds, shows and changes secret tables.
 */
#include "owner/cmd.h"

#include <json-c/json.h>
#include <string.h>

#include "conf/reference.h"
#include "owner/io/file.h"
#include "owner/launch/firmware.h"
#include "owner/plan/guestconf.h"
#include "owner/table/names.h"
#include "owner/table/policytext.h"
#include "owner/table/rescueentry.h"
#include "owner/table/table.h"

#define SHORT_KEY 16 /* bytes: below that, somebody may guess it */

struct options {
	const char *output, *firmware, *format_name, *config;
	enum codec format;
	bool force, reveal, json, nul;
	size_t area;
};

/* clang-format off */
#define TABLE_OPTIONS(...)                                                                        \
	OPTION_FILE('o', "output", "FILE", struct options, output, OPTION_USE_WRITE,              \
		    "written 0600; must not exist without --force", .stream = true, __VA_ARGS__), \
	OPTION_WORD("format", "binary|base64|hex", struct options, format_name,                   \
		    "without it, that of TABLE, or binary"),                                      \
	OPTION_FILE(0, "firmware", "FILE", struct options, firmware, OPTION_USE_READ,             \
		    "take the size of the area from this OVMF image; else 3072"),                 \
	OPTION_TEXT(0, "config", "DIR", struct options, config,                                   \
		    "the guest's root directory: are the entries there that its cocotab names?"), \
	OPTION_FLAG("nul", struct options, nul,                                                   \
		    "add one NUL to the luks-key entry, as GRUB wants it"),                       \
	OPTION_FLAG("force", struct options, force,                                               \
		    "replace FILE; allow entry 64 and the kernel's example GUID"),                \
	OPTION_FLAG("reveal", struct options, reveal,                                             \
		    "print the entries' content; allow -o -"),                                    \
	OPTION_FLAG("json", struct options, json, "print as JSON")
/* clang-format on */

static const struct option_row build_options[] = {
	OPTION_OPERAND("ENTRY", OPTION_USE_ENTRY, NULL),
	TABLE_OPTIONS(),
	{ 0 },
};

/* A table may be replaced by what is made of it: it has been read by then. */
static const struct option_row add_options[] = {
	OPTION_OPERAND("TABLE", OPTION_USE_READ, NULL),
	OPTION_OPERAND("ENTRY", OPTION_USE_ENTRY, NULL),
	TABLE_OPTIONS(.spares = "TABLE"),
	{ 0 },
};

static const struct option_row remove_options[] = {
	OPTION_OPERAND("TABLE", OPTION_USE_READ, NULL),
	OPTION_OPERAND("GUID", OPTION_USE_NONE, NULL),
	TABLE_OPTIONS(.spares = "TABLE"),
	{ 0 },
};

static const struct option_row extract_options[] = {
	OPTION_OPERAND("TABLE", OPTION_USE_READ, NULL),
	OPTION_OPERAND("GUID", OPTION_USE_NONE, NULL),
	TABLE_OPTIONS(),
	{ 0 },
};

static const struct option_row show_options[] = {
	OPTION_OPERAND("TABLE", OPTION_USE_READ, NULL),
	TABLE_OPTIONS(),
	{ 0 },
};

/* What `show` does not take, and `remove`; NULL: nothing of it is given. */
static const char *forbidden(const struct options *o, bool writes, bool adds)
{
	return o->output && !writes	 ? "--output" :
	       o->format_name && !writes ? "--format" :
	       o->force && !writes	 ? "--force" :
	       o->nul && !adds		 ? "--nul" :
					   NULL;
}

/* Reads the options of one of the verbs below `table`. Returns as cmd_options() does. */
static int parse_options(const struct option_row *rows, int argc, char **argv, bool writes,
			 bool adds, struct options *o, char ***ret_operands)
{
	struct cmd sub = cmd_table;
	const char *name;
	int nr;

	*o = (struct options){ .area = TABLE_AREA_SIZE };
	sub.options = rows;
	nr = cmd_options(&sub, argc, argv, o, ret_operands);
	if (nr < 0)
		return nr;
	name = forbidden(o, writes, adds);
	if (name)
		(void)cmd_usage(&cmd_table, "%s does not take '%s'", argv[0], name);
	else if (writes && !o->output)
		(void)cmd_usage(&cmd_table, "%s needs -o FILE", argv[0]);
	else if (writes && strcmp(o->output, "-") == 0 && !o->reveal)
		(void)cmd_usage(&cmd_table, "secrets go to standard output only with --reveal");
	else
		return nr;
	return -OUTCOME_USAGE;
}

static void add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

static void entry_digest_text(const struct secret *bytes, const struct table_entry *entry,
			      char ret_text[static DIGEST_TEXT_SIZE])
{
	struct digest digest = { 0 };

	(void)digest_sha256(bytes->bytes + entry->data_offset, entry->len, &digest);
	digest_text(&digest, ret_text);
}

/* A policy entry that a boot would stop at. The volumes' names count if there is a cocotab. */
static int check_policy(const char *path, const struct secret *bytes, const struct table *table,
			const struct options *o, struct policy_entry *ret_policy, struct fault *f)
{
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	int r = conf ? guestconf_read(o->config, conf, f) :
		       fault_io(f, path, -ENOMEM, "cannot read");

	return r < 0 ? r :
		       policytext_read(path, bytes, table, o->config ? conf : NULL, ret_policy, f);
}

/* What is pinned for each volume; NULL: no policy entry, or one that is not valid. */
static struct json_object *json_policy(const struct secret *bytes, const struct table *table,
				       const struct options *o)
{
	_cleanup_free_ struct policy_entry *policy = calloc(1, sizeof(*policy));
	struct json_object *list;
	struct fault f = { 0 };
	size_t i;

	if (!policy || check_policy("table", bytes, table, o, policy, &f) < 0 || !policy->present)
		return NULL;
	list = json_object_new_array();
	for (i = 0; i < policy->nr_volumes; i++) {
		const struct pins *p = &policy->volumes[i];
		struct json_object *item = json_object_new_object();

		add_string(item, "volume", p->name);
		add_string(item, "uuid", p->uuid[0] ? p->uuid : NULL);
		json_object_object_add(item, "headers", json_object_new_uint64(p->nr_headers));
		json_object_object_add(item, "volume_key",
				       json_object_new_boolean(p->has_volume_key ||
							       p->has_fixated_key));
		json_object_object_add(item, "min_generation",
				       p->has_min_generation ?
					       json_object_new_uint64(p->min_generation) :
					       NULL);
		json_object_object_add(item, "set_generation",
				       p->has_set_generation ?
					       json_object_new_uint64(p->set_generation) :
					       NULL);
		json_object_array_add(list, item);
	}
	return list;
}

static int print_json(const struct secret *bytes, const struct table *table,
		      const struct options *o)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	size_t used = table->len - table->rest, i;
	char digest[DIGEST_TEXT_SIZE];

	json_object_object_add(object, "length", json_object_new_uint64(table->len));
	json_object_object_add(object, "counted_padding", json_object_new_uint64(table->rest));
	json_object_object_add(object, "area", json_object_new_uint64(o->area));
	json_object_object_add(object, "room",
			       json_object_new_uint64(used < o->area ? o->area - used : 0));
	for (i = 0; i < table->nr; i++) {
		const struct table_entry *entry = &table->entries[i];
		struct json_object *item = json_object_new_object();

		entry_digest_text(bytes, entry, digest);
		add_string(item, "guid", entry->guid);
		add_string(item, "alias", names_alias(entry->guid));
		add_string(item, "meaning", names_meaning(entry->guid));
		json_object_object_add(item, "offset", json_object_new_uint64(entry->offset));
		json_object_object_add(item, "length", json_object_new_uint64(entry->len));
		add_string(item, "sha256", digest);
		if (o->reveal) {
			_cleanup_free_ char *text = malloc(2 * entry->len + 1);

			if (text)
				codec_text(CODEC_HEX, bytes->bytes + entry->data_offset, entry->len,
					   text);
			add_string(item, "content", text);
		}
		json_object_array_add(list, item);
	}
	json_object_object_add(object, "entries", list);
	json_object_object_add(object, "policy", json_policy(bytes, table, o));
	printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
	return cmd_finish();
}

static void print_content(const unsigned char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len && bytes[i] >= 0x20 && bytes[i] <= 0x7e; i++)
		;
	printf("           content ");
	(void)fflush(stdout);
	if (i == len) {
		printf("'%.*s'\n", (int)len, (const char *)bytes);
		return;
	}
	(void)file_put(STDOUT_FILENO, CODEC_HEX, bytes, len); /* cmd_finish() reports it */
	printf("\n");
}

static void print_pins(const struct policy_entry *policy)
{
	size_t i;

	for (i = 0; i < policy->nr_volumes; i++) {
		const struct pins *p = &policy->volumes[i];

		printf("           volume %s:", p->name);
		if (p->uuid[0])
			printf(" uuid %s;", p->uuid);
		if (p->nr_headers > 0)
			printf(" %zu %s;", p->nr_headers,
			       p->nr_headers == 1 ? "header" : "headers");
		if (p->has_volume_key || p->has_fixated_key)
			printf(" volume key;");
		if (p->has_min_generation)
			printf(" generation at least %llu;", (unsigned long long)p->min_generation);
		if (p->has_set_generation)
			printf(" generation becomes %llu;", (unsigned long long)p->set_generation);
		printf("\n");
	}
}

/* What is wrong in it is said by whoever checks it. */
static void show_policy(const struct secret *bytes, const struct table *table,
			const struct options *o)
{
	_cleanup_free_ struct policy_entry *policy = calloc(1, sizeof(*policy));
	struct fault f = { 0 };

	if (policy && check_policy("table", bytes, table, o, policy, &f) >= 0)
		print_pins(policy);
	else
		printf("           not valid: %s\n", f.why);
}

static int print_table(const struct secret *bytes, const struct table *table,
		       const struct options *o)
{
	size_t used = table->len - table->rest, i;
	char digest[DIGEST_TEXT_SIZE];

	if (o->json)
		return print_json(bytes, table, o);
	printf("table      %zu %s, %zu bytes\n", table->nr, table->nr == 1 ? "entry" : "entries",
	       table->len);
	if (table->rest)
		printf("padding    %zu bytes are counted in the length; the kernel skips them\n",
		       table->rest);
	printf("room       %zu of %zu bytes left in %s\n", used < o->area ? o->area - used : 0,
	       o->area, o->firmware ? o->firmware : "the area of today's AmdSev firmware");
	for (i = 0; i < table->nr; i++) {
		const struct table_entry *entry = &table->entries[i];
		const char *alias = names_alias(entry->guid), *meaning = names_meaning(entry->guid);

		entry_digest_text(bytes, entry, digest);
		printf("entry      %s%s%s, %zu bytes at offset %zu\n", entry->guid,
		       alias ? " " : "", alias ? alias : "", entry->len, entry->offset);
		if (meaning)
			printf("           %s\n", meaning);
		if (strcmp(entry->guid, GUID_POLICY) == 0)
			show_policy(bytes, table, o);
		printf("           sha256 %s\n", digest);
		if (o->reveal)
			print_content(bytes->bytes + entry->data_offset, entry->len);
	}
	return cmd_finish();
}

void cmd_warn_missing(const char *path, const struct table *table, const struct conf *conf,
		      bool is_default)
{
	size_t i;

	for (i = 0; i < conf->nr_volumes; i++) {
		const char *guid = conf->volumes[i].secret.guid, *alias = names_alias(guid);

		if (!table_find(table, guid))
			cmd_warn("%s: no entry %s, so that a boot ends with secret-missing%s", path,
				 alias ? alias : guid,
				 is_default ? "; if cocotab names another one, give --config" : "");
	}
}

void cmd_warn_rescue(const char *path, const struct table *table, const struct conf *conf,
		     bool is_default)
{
	const char *doubt = rescueentry_doubt(table, is_default ? NULL : conf);

	if (doubt)
		cmd_warn("%s: %s", path, doubt);
}

/* What a boot could stumble over, though the table is well formed. */
static int warn_about(const char *path, const struct table *table, const struct options *o,
		      struct fault *f)
{
	const struct table_entry *key = table_find(table, GUID_DISK_SECRET);
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	int r = conf ? guestconf_read(o->config, conf, f) :
		       fault_io(f, path, -ENOMEM, "cannot read");

	if (r < 0)
		return r;
	if (table->nr > TABLE_ENTRIES_SAFE)
		cmd_warn("%s: %zu entries: from 64 on a guest must fear that the kernel hides some",
			 path, table->nr);
	cmd_warn_missing(path, table, conf, !o->config);
	cmd_warn_rescue(path, table, conf, !o->config);
	if (key && key->len < SHORT_KEY)
		cmd_warn("%s: luks-key has only %zu bytes", path, key->len);
	return 0;
}

/* Writes the table and says what it has. */
static int finish(struct secret *bytes, const struct options *o)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	struct fault f = { 0 };
	int r;

	if (!table) {
		(void)fault_io(&f, o->output, -ENOMEM, "cannot write");
		return cmd_fail(&f);
	}
	table_pad(bytes);
	if (table_check(o->output, bytes, table, &f) < 0 ||
	    table_fits(o->output, bytes, o->area, &f) < 0 ||
	    warn_about(o->output, table, o, &f) < 0)
		return cmd_fail(&f);
	if (strcmp(o->output, "-") == 0) {
		r = file_put(STDOUT_FILENO, o->format, bytes->bytes, bytes->len);
		if (r >= 0)
			return OUTCOME_OK;
		(void)fault_io(&f, "standard output", r, "cannot write");
		return cmd_fail(&f);
	}
	if (file_write_secret(o->output, o->format, bytes, o->force, &f) < 0)
		return cmd_fail(&f);
	return print_table(bytes, table,
			   &(struct options){ .area = o->area,
					      .json = o->json,
					      .firmware = o->firmware,
					      .config = o->config });
}

/* A policy entry, as a boot reads it; the volumes' names count if there is a cocotab. */
static int parse_pins(const char *path, const struct secret *entry, const struct options *o,
		      struct policy_entry *ret_policy, struct fault *f)
{
	_cleanup_free_ struct conf *conf = malloc(sizeof(*conf));
	int r = conf ? guestconf_read(o->config, conf, f) :
		       fault_io(f, path, -ENOMEM, "cannot read");

	if (r >= 0)
		r = policy_entry_parse(entry, o->config ? conf : NULL, ret_policy, f);
	return fault_name(f, r, path);
}

static int check_pins(const char *path, const struct secret *entry, const struct options *o,
		      struct fault *f)
{
	_cleanup_free_ struct policy_entry *policy = calloc(1, sizeof(*policy));

	return policy ? parse_pins(path, entry, o, policy, f) :
			fault_io(f, path, -ENOMEM, "cannot read");
}

/* One word GUID=FILE. */
static int add_word(struct secret *bytes, const char *word, const struct options *o,
		    bool *stdin_used, struct fault *f)
{
	_cleanup_secret_ struct secret data = SECRET_NULL;
	const char *file = strchr(word, '=');
	char name[64], guid[GUID_TEXT_SIZE];
	int r;

	if (!file ||
	    (size_t)snprintf(name, sizeof(name), "%.*s", (int)(file - word), word) >=
		    sizeof(name) ||
	    names_parse(name, guid) < 0)
		return fault_about(f, EXITCODE_USAGE, word, "coco-secret table --help",
				   "an entry is given as GUID=FILE or luks-key=FILE");
	file++;
	if (strcmp(file, "-") == 0 && *stdin_used)
		return fault_about(f, EXITCODE_USAGE, word, "use a file",
				   "standard input was read already");
	*stdin_used |= strcmp(file, "-") == 0;
	r = secret_init(&data, f);
	if (r < 0)
		return r;
	r = file_read_secret(file, &data, f);
	if (r < 0)
		return r;
	if (strcmp(guid, GUID_DISK_SECRET) == 0 && data.len > 0) {
		if (data.bytes[data.len - 1] == '\n')
			cmd_warn("%s: it ends in a newline, which is a part of the key then", file);
		if (o->nul && memchr(data.bytes, 0, data.len))
			return fault_about(f, EXITCODE_REFUSED, file,
					   "use a key of text, or no --nul",
					   "it has a NUL already");
		if (o->nul && data.len < SECRET_CAPACITY)
			data.bytes[data.len++] = 0;
	}
	if (strcmp(guid, GUID_POLICY) == 0) {
		r = check_pins(file, &data, o, f);
		if (r < 0)
			return r;
	}
	return table_add(bytes, guid, &data, o->force, word, f);
}

/* Reads the table and the firmware's area. */
static int open_table(const char *path, struct secret *bytes, struct table *table,
		      struct options *o, struct fault *f)
{
	enum codec format = CODEC_BINARY;
	int r = secret_init(bytes, f);

	o->format = CODEC_BINARY;
	if (o->format_name)
		(void)codec_from_name(o->format_name, &o->format); /* one of the row's words */
	if (r >= 0 && o->firmware)
		r = firmware_secret_area(o->firmware, &o->area, f);
	if (r < 0 || !path)
		return r;
	r = file_read_encoded(path, bytes, &format, f);
	if (r < 0)
		return r;
	if (!o->format_name)
		o->format = format;
	return table_check(path, bytes, table, f);
}

static int run_build(int argc, char **argv)
{
	_cleanup_secret_ struct secret bytes = SECRET_NULL;
	struct fault f = { 0 };
	bool stdin_used = false;
	struct options o;
	char **operands;
	int r, i, nr = parse_options(build_options, argc, argv, true, true, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr == 0)
		return cmd_usage(&cmd_table, "build needs an entry: luks-key=FILE or GUID=FILE");
	r = open_table(NULL, &bytes, NULL, &o, &f);
	if (r >= 0)
		table_start(&bytes);
	for (i = 0; i < nr && r >= 0; i++)
		r = add_word(&bytes, operands[i], &o, &stdin_used, &f);
	return r < 0 ? cmd_fail(&f) : finish(&bytes, &o);
}

static int run_add(int argc, char **argv)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	_cleanup_secret_ struct secret bytes = SECRET_NULL;
	struct fault f = { 0 };
	bool stdin_used;
	struct options o;
	char **operands;
	int r, i, nr = parse_options(add_options, argc, argv, true, true, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr < 2 || !table)
		return cmd_usage(&cmd_table, "add needs a table and an entry");
	stdin_used = strcmp(operands[0], "-") == 0;
	r = open_table(operands[0], &bytes, table, &o, &f);
	for (i = 1; i < nr && r >= 0; i++)
		r = add_word(&bytes, operands[i], &o, &stdin_used, &f);
	return r < 0 ? cmd_fail(&f) : finish(&bytes, &o);
}

static int parse_guid(const char *word, char guid[static GUID_TEXT_SIZE], struct fault *f)
{
	return names_parse(word, guid) < 0 ?
		       fault_about(f, EXITCODE_USAGE, word, "coco-secret table --help",
				   "it is no GUID and no name of one") :
		       0;
}

static int find_entry(const char *path, const struct table *table, const char *guid,
		      const struct table_entry **ret_entry, struct fault *f)
{
	*ret_entry = table_find(table, guid);
	return *ret_entry ? 0 :
			    fault_about(f, EXITCODE_REFUSED, path,
					"name one that coco-secret table show lists",
					"it has no entry %s", guid);
}

static int remove_word(struct secret *bytes, const char *path, const char *word,
		       struct table *table, struct fault *f)
{
	const struct table_entry *entry;
	char guid[GUID_TEXT_SIZE];
	int r;

	r = parse_guid(word, guid, f);
	if (r >= 0)
		r = table_check(path, bytes, table, f);
	if (r >= 0)
		r = find_entry(path, table, guid, &entry, f);
	if (r < 0)
		return r;
	table_remove(bytes, table, entry);
	return 0;
}

static int run_remove(int argc, char **argv)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	_cleanup_secret_ struct secret bytes = SECRET_NULL;
	struct fault f = { 0 };
	struct options o;
	char **operands;
	const char *path;
	int r, i, nr = parse_options(remove_options, argc, argv, true, false, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr < 2 || !table)
		return cmd_usage(&cmd_table, "remove needs a table and a GUID");
	path = operands[0];
	r = open_table(path, &bytes, table, &o, &f);
	for (i = 1; i < nr && r >= 0; i++)
		r = remove_word(&bytes, path, operands[i], table, &f);
	if (r >= 0) { /* the padding of the old one goes, even if the tables are equal */
		r = table_check(path, &bytes, table, &f);
		table_trim(&bytes, table);
	}
	return r < 0 ? cmd_fail(&f) : finish(&bytes, &o);
}

static int put_entry(const char *path, struct secret *bytes, const char *word, struct options *o,
		     struct fault *f)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	_cleanup_secret_ struct secret data = SECRET_NULL;
	const struct table_entry *entry;
	char guid[GUID_TEXT_SIZE];
	int r;

	r = parse_guid(word, guid, f);
	if (r >= 0)
		r = table ? secret_init(&data, f) : fault_io(f, path, -ENOMEM, "cannot read");
	if (r >= 0)
		r = open_table(path, bytes, table, o, f);
	if (r >= 0)
		r = find_entry(path, table, guid, &entry, f);
	if (r < 0)
		return r;
	(void)table_get(bytes, entry, &data); /* always 0 */
	if (strcmp(o->output, "-") != 0)
		return file_write_secret(o->output, CODEC_BINARY, &data, o->force, f);
	r = file_put(STDOUT_FILENO, CODEC_BINARY, data.bytes, data.len);
	return r < 0 ? fault_io(f, "standard output", r, "cannot write") : 0;
}

/* The bytes of one entry, for tools that take them from a file. */
static int run_extract(int argc, char **argv)
{
	_cleanup_secret_ struct secret bytes = SECRET_NULL;
	struct fault f = { 0 };
	struct options o;
	char **operands;
	int nr = parse_options(extract_options, argc, argv, true, false, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 2 || o.format_name || o.firmware || o.json)
		return cmd_usage(&cmd_table, "extract takes -o FILE, a table and a GUID");
	return put_entry(operands[0], &bytes, operands[1], &o, &f) < 0 ? cmd_fail(&f) : OUTCOME_OK;
}

static int run_show(int argc, char **argv)
{
	_cleanup_free_ struct table *table = malloc(sizeof(*table));
	_cleanup_free_ struct policy_entry *policy = malloc(sizeof(*policy));
	_cleanup_secret_ struct secret bytes = SECRET_NULL;
	struct fault f = { 0 };
	struct options o;
	char **operands;
	int r, nr = parse_options(show_options, argc, argv, false, false, &o, &operands);

	if (nr < 0)
		return -nr;
	if (nr != 1 || !table || !policy)
		return cmd_usage(&cmd_table, "show needs one table");
	if (open_table(operands[0], &bytes, table, &o, &f) < 0)
		return cmd_fail(&f);
	r = print_table(&bytes, table, &o);
	if (r != OUTCOME_OK)
		return r;
	if (warn_about(operands[0], table, &o, &f) < 0)
		return cmd_fail(&f);
	if (check_policy(operands[0], &bytes, table, &o, policy, &f) < 0)
		return cmd_fail(&f);
	bytes.len = table->len;
	return table_fits(operands[0], &bytes, o.area, &f) < 0 ? cmd_fail(&f) : OUTCOME_OK;
}

static int run_table(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = {
		{ "build", run_build },	  { "show", run_show },	      { "add", run_add },
		{ "remove", run_remove }, { "extract", run_extract },
	};
	size_t i;

	if (argc < 2)
		return cmd_usage(&cmd_table, "build, show, add, remove or extract?");
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	return cmd_usage(&cmd_table, "'%s' is not build, show, add, remove or extract", argv[1]);
}

const struct cmd cmd_table = {
	.name = "table",
	.args = "build -o OUT [OPTION...] ENTRY...\n"
		"show [--reveal] [--json] [--firmware FILE] TABLE\n"
		"add -o OUT [OPTION...] TABLE ENTRY...\n"
		"remove -o OUT [OPTION...] TABLE GUID...\n"
		"extract -o FILE [--force] [--reveal] TABLE GUID",
	.help = "build, show and change secret tables, and take entries out",
	.intro =
		"An ENTRY is GUID=FILE; the file's bytes are taken as they are, \"-\" is standard\n"
		"input. GUIDs have names: luks-key, policy, rescue. TABLE may be binary, base64 or hex.\n",
	.options = build_options,
	.run = run_table,
};
