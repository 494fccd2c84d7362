/* SPDX-License-Identifier: GPL-2.0-or-later */
/* module_guest.c - the whole user land of the VM test of coco_secret: runs as /init of an initramfs.
 * Rewrites the secret area through /dev/mem, loads and unloads the module, and prints one line
 * "ok NAME" or "not ok NAME: WHY" per case, then "end" and powers off. Trusts nothing it tests:
 * what the module says it wiped is read back from memory. May not run outside a virtual machine. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEC "/sys/kernel/security"
#define DIR_ SEC "/secrets/coco"
#define STATE SEC "/coco_secret/state"
#define LUKS "736869e5-84f0-4973-92ec-06879ce3da0b"
#define OTHER "e6f5a162-d67f-4750-a67c-5d065f2a9910"
#define MAX 65536

struct built { /* a table under construction */
	uint8_t b[MAX + 64];
	size_t n;
};

static uint64_t area, area_size, spare, config_table;
static int mem = -1;
static uint8_t buf[MAX + 64], buf2[MAX + 64];
static void *volatile bad_address = (void *)8;
static char why[512];

/* cases: a failed CHECK ends its case with the reason */

#define CHECK(cond, ...)                                                                     \
	do {                                                                                 \
		if (!(cond)) {                                                               \
			snprintf(why, sizeof(why), "line %d: %s, errno %d", __LINE__, #cond, \
				 errno);                                                     \
			complain(" " __VA_ARGS__);                                           \
			return false;                                                        \
		}                                                                            \
	} while (0)

__attribute__((format(printf, 1, 2))) static void complain(const char *fmt, ...)
{
	size_t n = strlen(why);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why + n, sizeof(why) - n, fmt, ap);
	va_end(ap);
}

static void die(const char *what)
{
	printf("not ok setup: %s: %s\nend\n", what, strerror(errno));
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* physical memory */

static void peek(uint64_t pa, void *dst, size_t n)
{
	if (pread(mem, dst, n, pa) != (ssize_t)n)
		die("read of /dev/mem");
}

static void poke(uint64_t pa, const void *src, size_t n)
{
	if (pwrite(mem, src, n, pa) != (ssize_t)n)
		die("write to /dev/mem");
}

static bool zero(uint64_t pa, size_t n)
{
	peek(pa, buf, n);
	for (size_t i = 0; i < n; i++)
		if (buf[i])
			return false;
	return true;
}

/* tables */

static void guid_bytes(const char *text, uint8_t out[16])
{
	static const int order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	int i = 0;

	for (const char *p = text; *p; p++) {
		unsigned int v;

		if (*p == '-')
			continue;
		(void)sscanf(p, "%2x", &v);
		out[order[i++]] = v;
		p++;
	}
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = v >> (8 * i);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, v);
	put32(p + 4, v >> 32);
}

static void begin(struct built *t)
{
	memset(t, 0, sizeof(*t));
	guid_bytes("1e74f542-71dd-4d66-963e-ef4287ff173b", t->b);
	t->n = 20;
	put32(t->b + 16, t->n);
}

static size_t add(struct built *t, const char *guid, const void *data, size_t n)
{
	size_t at = t->n;

	if (guid)
		guid_bytes(guid, t->b + at);
	put32(t->b + at + 16, 20 + n);
	if (n)
		memcpy(t->b + at + 20, data, n);
	t->n += 20 + n;
	put32(t->b + 16, t->n);
	return at;
}

/* Bytes with every value in them, NUL and newline too, and different for each seed. */
static void pattern(uint8_t *p, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (i * 7 + seed * 13 + 1) ^ (i >> 8);
}

static void fill_area(const struct built *t)
{
	memset(buf, 0, area_size);
	memcpy(buf, t->b, t->n < area_size ? t->n : area_size);
	poke(area, buf, area_size);
}

static void example(struct built *t)
{
	begin(t);
	add(t, LUKS, "hunter2", 7);
	add(t, OTHER, "\1\2\0\4\5", 5);
}

/* the module */

static int load_file(const char *file, const char *parameters)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		die(file);
	if (syscall(SYS_finit_module, fd, parameters, 0))
		r = errno;
	close(fd);
	return r;
}

static int load_at(uint64_t table, const char *more)
{
	char p[512];

	snprintf(p, sizeof(p), "config_table=0x%llx %s", (unsigned long long)table, more);
	return load_file("/coco_secret.ko", p);
}

static int load(void)
{
	return load_at(config_table, "");
}

static int unload(void)
{
	return syscall(SYS_delete_module, "coco_secret", O_NONBLOCK) ? errno : 0;
}

static ssize_t slurp(const char *path, void *dst, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t r;

	if (fd < 0)
		return -1;
	while ((r = read(fd, (char *)dst + got, n - got)) > 0)
		got += r;
	close(fd);
	return r < 0 ? r : (ssize_t)got;
}

static bool state_is(const char *expected)
{
	char line[128] = "";

	(void)slurp(STATE, line, sizeof(line) - 1);
	if (strcmp(line, expected) == 0)
		return true;
	line[strcspn(line, "\n")] = 0;
	snprintf(why, sizeof(why), "state is \"%s\"; ", line);
	return false;
}

#define STATE_IS(s)                                   \
	do {                                          \
		if (!state_is(s "\n")) {              \
			complain("wanted \"%s\"", s); \
			return false;                 \
		}                                     \
	} while (0)

static int write_state(const char *word)
{
	int fd = open(STATE, O_WRONLY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return errno;
	if (write(fd, word, strlen(word)) < 0)
		r = errno;
	close(fd);
	return r;
}

static const char *file(const char *guid)
{
	static char path[2][128];
	static int i;

	i = !i;
	snprintf(path[i], sizeof(path[i]), DIR_ "/%s", guid);
	return path[i];
}

static bool holds(const char *guid, const void *data, size_t n)
{
	return slurp(file(guid), buf2, sizeof(buf2)) == (ssize_t)n && memcmp(buf2, data, n) == 0;
}

static int count(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static bool absent(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 && errno == ENOENT;
}

static bool mode_is(const char *path, mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_mode == mode && st.st_uid == 0 && st.st_gid == 0 &&
	       (S_ISDIR(mode) || st.st_size == 0);
}

/* the cases */

static bool no_config_table(void)
{
	CHECK(load_file("/coco_secret.ko", "") == EINVAL);
	CHECK(load_file("/coco_secret.ko", "config_table=0") == EINVAL);
	return true;
}

/* The table is the one that was injected before the firmware started; nothing wrote to it since. */
static bool injected(void)
{
	CHECK(load() == 0);
	STATE_IS("populated 2");
	CHECK(count(DIR_) == 2);
	CHECK(holds(LUKS, "hunter2", 7));
	CHECK(holds(OTHER, "\1\2\0\4\5", 5));
	return true;
}

static bool modes(void)
{
	CHECK(mode_is(file(LUKS), S_IFREG | 0440));
	CHECK(mode_is(DIR_, S_IFDIR | 0755));
	CHECK(mode_is(SEC "/secrets", S_IFDIR | 0755));
	CHECK(mode_is(STATE, S_IFREG | 0600));
	return true;
}

static bool not_writable(void)
{
	int fd = open(file(LUKS), O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(write(fd, "x", 1) < 0 && errno == EINVAL);
	close(fd);
	CHECK(truncate(file(LUKS), 0) == 0);
	CHECK(rename(file(LUKS), DIR_ "/x") < 0 && errno == EPERM);
	CHECK(open(DIR_ "/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0 && errno == EACCES);
	CHECK(mkdir(DIR_ "/x", 0700) < 0 && errno == EPERM);
	CHECK(unlink(STATE) < 0 && errno == EPERM);
	CHECK(holds(LUKS, "hunter2", 7));
	return true;
}

static bool partial_reads(void)
{
	int fd = open(file(LUKS), O_RDONLY | O_CLOEXEC);
	char c[8] = "";

	CHECK(fd >= 0);
	for (int i = 0; i < 7; i++)
		CHECK(read(fd, c + i, 1) == 1);
	CHECK(strcmp(c, "hunter2") == 0);
	CHECK(read(fd, c, 1) == 0);
	CHECK(pread(fd, c, 8, 5) == 2 && memcmp(c, "r2", 2) == 0);
	CHECK(pread(fd, c, 8, 1000) == 0);
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, c, 8) == 7);
	CHECK(read(fd, bad_address, 1) == 0);
	CHECK(pread(fd, bad_address, 4, 0) < 0 && errno == EFAULT);
	close(fd);
	return true;
}

static bool wipe_refused(void)
{
	CHECK(write_state("wipe") == EBUSY);
	CHECK(write_state("wipe\n") == EBUSY);
	CHECK(write_state("wip") == EINVAL);
	CHECK(write_state("wipe everything") == EINVAL);
	CHECK(holds(LUKS, "hunter2", 7));
	return true;
}

static bool unlink_wipes(void)
{
	static const uint8_t rest[] = { 27, 0, 0, 0 };
	struct stat before, after;

	CHECK(stat(DIR_, &before) == 0);
	CHECK(unlink(file(LUKS)) == 0);
	CHECK(absent(file(LUKS)));
	CHECK(unlink(file(LUKS)) < 0 && errno == ENOENT);
	CHECK(count(DIR_) == 1);
	CHECK(zero(area + 20, 16));
	peek(area + 36, buf, 4);
	CHECK(memcmp(buf, rest, 4) == 0, "entry.len changed");
	CHECK(zero(area + 40, 7));
	CHECK(holds(OTHER, "\1\2\0\4\5", 5));
	CHECK(stat(DIR_, &after) == 0);
	CHECK(memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)),
	      "mtime of the directory");
	STATE_IS("populated 2");
	return true;
}

static bool unload_wipes(void)
{
	CHECK(unload() == 0);
	CHECK(zero(area, area_size));
	CHECK(absent(SEC "/secrets"));
	CHECK(absent(SEC "/coco_secret"));
	return true;
}

static bool empty(void)
{
	CHECK(load() == 0);
	STATE_IS("empty");
	CHECK(absent(SEC "/secrets"));
	memset(buf, 0x5a, area_size);
	poke(area, buf, area_size);
	CHECK(write_state("wipe") == 0);
	STATE_IS("wiped");
	CHECK(zero(area, area_size));
	CHECK(unload() == 0);
	return true;
}

static bool all_unlinked(void)
{
	struct built t;

	example(&t);
	fill_area(&t);
	CHECK(load() == 0);
	CHECK(unlink(file(LUKS)) == 0 && unlink(file(OTHER)) == 0);
	CHECK(count(DIR_) == 0);
	CHECK(!zero(area, area_size), "the table's structure is gone");
	CHECK(write_state("wipe\n") == 0);
	STATE_IS("wiped");
	CHECK(zero(area, area_size));
	CHECK(write_state("wipe") == 0);
	CHECK(unload() == 0);
	return true;
}

/* An unlinked entry does not come back, a kept one does, and nothing else of the area survives. */
static bool keep(void)
{
	struct built t;
	size_t deleted;

	begin(&t);
	deleted = add(&t, NULL, "residue", 7);
	add(&t, LUKS, "hunter2", 7);
	add(&t, OTHER, "\1\2\0\4\5", 5);
	add(&t, "c0c00001-0000-4000-8000-000000000001", "third", 5);
	t.n += 12;
	put32(t.b + 16, t.n); /* counted padding */
	memcpy(t.b + t.n - 12, "pad residue", 11);
	fill_area(&t);
	poke(area + area_size - 4, "tail", 4);
	CHECK(load_at(config_table,
		      "keep=c0c00001-0000-4000-8000-00000000ffff,E6F5A162-D67F-4750-A67C-5D065F2A9910," LUKS) ==
	      0);
	STATE_IS("populated 3");
	CHECK(unlink(file(LUKS)) == 0); /* keep is for unloading only */
	CHECK(unload() == 0);
	peek(area, buf, area_size);
	CHECK(!memmem(buf, area_size, "hunter2", 7) && !memmem(buf, area_size, "third", 5) &&
	      !memmem(buf, area_size, "residue", 7) && !memmem(buf, area_size, "tail", 4));
	CHECK(zero(area + deleted + 20, 7));
	CHECK(load() == 0);
	STATE_IS("populated 1");
	CHECK(count(DIR_) == 1 && holds(OTHER, "\1\2\0\4\5", 5));
	CHECK(unload() == 0);
	CHECK(zero(area, area_size));
	return true;
}

static bool bad_keep(void)
{
	CHECK(load_at(config_table, "keep=736869e5") == EINVAL);
	CHECK(load_at(config_table, "keep=" LUKS "0") == EINVAL);
	CHECK(load_at(config_table, "keep=736869e5-84f0-4973-92ec-06879ce3da0g") == EINVAL);
	CHECK(absent(SEC "/coco_secret"));
	return true;
}

static void numbered(unsigned int n, char out[40])
{
	snprintf(out, 40, "c0c0%04x-0000-4000-8000-00000000abcd", n);
}

static bool listed(unsigned int nr, size_t size)
{
	uint8_t data[64];
	char guid[40];

	CHECK(count(DIR_) == (int)nr);
	for (unsigned int i = 0; i < nr; i++) {
		numbered(i, guid);
		pattern(data, size, i);
		CHECK(holds(guid, data, size), "entry %u", i);
	}
	return true;
}

static void many(struct built *t, unsigned int nr, size_t size)
{
	uint8_t data[64];
	char guid[40];

	begin(t);
	for (unsigned int i = 0; i < nr; i++) {
		numbered(i, guid);
		pattern(data, size, i);
		add(t, guid, data, size);
	}
}

static bool entries_65(void)
{
	struct built t;

	many(&t, 65, 9);
	fill_area(&t);
	CHECK(load() == 0);
	STATE_IS("populated 65");
	if (!listed(65, 9))
		return false;
	CHECK(unload() == 0);
	return true;
}

static bool largest(void)
{
	size_t n = area_size - 40;
	struct built t;

	pattern(buf, n, 3);
	begin(&t);
	add(&t, LUKS, buf, n);
	CHECK(t.n == area_size);
	fill_area(&t);
	CHECK(load() == 0);
	CHECK(holds(LUKS, t.b + 40, n));
	CHECK(unlink(file(LUKS)) == 0);
	CHECK(zero(area + 40, n));
	CHECK(unload() == 0);
	return true;
}

static bool no_data(void)
{
	struct built t;

	begin(&t);
	add(&t, LUKS, "", 0);
	fill_area(&t);
	CHECK(load() == 0);
	CHECK(holds(LUKS, "", 0));
	CHECK(unlink(file(LUKS)) == 0);
	CHECK(unload() == 0);
	return true;
}

static bool no_entries(void)
{
	struct built t;

	begin(&t);
	fill_area(&t);
	CHECK(load() == 0);
	STATE_IS("populated 0");
	CHECK(count(DIR_) == 0);
	CHECK(unload() == 0);
	return true;
}

static bool deleted_entries(void)
{
	struct built t;

	begin(&t);
	add(&t, NULL, "one", 3);
	add(&t, NULL, "two", 3);
	add(&t, OTHER, "three", 5);
	fill_area(&t);
	CHECK(load() == 0);
	STATE_IS("populated 1");
	CHECK(count(DIR_) == 1 && holds(OTHER, "three", 5));
	CHECK(unload() == 0);
	return true;
}

static bool padding_19(void)
{
	struct built t;

	example(&t);
	t.n += 19;
	put32(t.b + 16, t.n);
	fill_area(&t);
	CHECK(load() == 0);
	STATE_IS("populated 2");
	CHECK(unload() == 0);
	return true;
}

/* Loads; nothing is listed; the area can be zeroed; and once more, zeroed by unloading. */
static bool corrupt(const struct built *t, const char *state)
{
	for (int by_unload = 0; by_unload < 2; by_unload++) {
		fill_area(t);
		poke(area + area_size - 4, "tail", 4);
		CHECK(load_at(config_table, by_unload ? "keep=" LUKS : "") == 0);
		if (!state_is(state))
			return false;
		CHECK(absent(SEC "/secrets"));
		if (!by_unload) {
			CHECK(!zero(area, area_size));
			CHECK(write_state("wipe") == 0);
			STATE_IS("wiped");
			CHECK(zero(area, area_size));
		}
		CHECK(unload() == 0);
		CHECK(zero(area, area_size), "by %s", by_unload ? "unload" : "wipe");
	}
	return true;
}

static bool corrupt_header(uint32_t len)
{
	struct built t;

	example(&t);
	put32(t.b + 16, len);
	return corrupt(&t, "corrupt header-length\n");
}

static bool header_zero(void)
{
	return corrupt_header(0);
}
static bool header_19(void)
{
	return corrupt_header(19);
}
static bool header_big(void)
{
	return corrupt_header(area_size + 1);
}
static bool header_huge(void)
{
	return corrupt_header(0xffffffff);
}

static bool corrupt_entry(uint32_t len)
{
	struct built t;

	example(&t);
	put32(t.b + 0x3f, len);
	return corrupt(&t, "corrupt entry-length\n");
}

static bool entry_zero(void)
{
	return corrupt_entry(0);
}
static bool entry_19(void)
{
	return corrupt_entry(19);
}
static bool entry_big(void)
{
	return corrupt_entry(26);
}
static bool entry_huge(void)
{
	return corrupt_entry(0xffffffff);
}

static bool padding_20(void)
{
	struct built t;

	example(&t);
	t.n += 20;
	put32(t.b + 16, t.n);
	return corrupt(&t, "corrupt entry-length\n");
}

static bool duplicate(void)
{
	struct built t;

	example(&t);
	add(&t, LUKS, "another", 7);
	return corrupt(&t, "corrupt duplicate-guid\n");
}

/* Tables of our own. The module accepts a configuration table only in memory that the firmware keeps
 * for its runtime, so ours borrows a place there, across a page border, and gives it back after the
 * load; descriptor and area are in the spare memory. */

#define SLOTS 65
#define SLOT_SIZE 24
#define DESCRIPTOR 0x3001
#define OWN_AREA 0x10005

static uint64_t number_in(const char *path)
{
	char text[64] = "";

	return slurp(path, text, sizeof(text) - 1) > 0 ? strtoull(text, NULL, 0) : 0;
}

/* The end of the firmware's range that holds the configuration table. */
static uint64_t runtime_end(void)
{
	char path[96];

	for (int i = 0; i < 64; i++) {
		uint64_t start, size;

		snprintf(path, sizeof(path), "/sys/firmware/efi/runtime-map/%d/phys_addr", i);
		start = number_in(path);
		snprintf(path, sizeof(path), "/sys/firmware/efi/runtime-map/%d/num_pages", i);
		size = number_in(path) << 12;
		if (config_table - start < size)
			return start + size;
	}
	return 0;
}

static void put_slot(uint64_t pa, uint64_t desc, uint64_t base, uint64_t size)
{
	uint8_t d[SLOT_SIZE];

	guid_bytes("adf956ad-e98c-484c-ae11-b51c7d336447", d);
	put64(d + 16, desc);
	poke(pa, d, SLOT_SIZE);
	put64(d, base);
	put64(d + 8, size);
	poke(spare + DESCRIPTOR, d, 16);
}

static int load_own(unsigned int slot, uint64_t base, uint64_t size)
{
	static uint8_t saved[SLOTS * SLOT_SIZE], fill[SLOTS * SLOT_SIZE];
	uint64_t table = (config_table & ~0xfffULL) - 8;
	int r;

	memset(fill, 0xaf, sizeof(fill)); /* as the firmware fills freed memory */
	peek(table, saved, sizeof(saved));
	poke(table, fill, sizeof(fill));
	put_slot(table + slot * SLOT_SIZE, spare + DESCRIPTOR, base, size);
	r = load_at(table, "");
	poke(table, saved, sizeof(saved));
	return r;
}

/* Behind the last slot of the range there is nothing to look at: it is the scan that must stop. */
static bool end_of_range(void)
{
	uint64_t end = runtime_end();
	uint8_t saved[SLOT_SIZE];
	int found, missed;

	CHECK(end > config_table);
	peek(end - SLOT_SIZE, saved, SLOT_SIZE);
	put_slot(end - SLOT_SIZE, spare + DESCRIPTOR, 0, 80);
	found = load_at(end - SLOT_SIZE, "");
	if (!found)
		(void)unload();
	poke(end - SLOT_SIZE, saved, SLOT_SIZE);
	missed = load_at(end - SLOT_SIZE, "");
	CHECK(found == 0 && missed == ENODEV, "%d %d", found, missed);
	CHECK(load_at(end - 16, "") == EINVAL);
	return true;
}

static bool last_slot(void)
{
	struct built t;

	example(&t);
	poke(spare + OWN_AREA - 1, "<", 1);
	poke(spare + OWN_AREA, t.b, 80);
	poke(spare + OWN_AREA + 80, ">", 1);
	CHECK(load_own(63, spare + OWN_AREA, 80) == 0);
	STATE_IS("populated 2");
	CHECK(holds(LUKS, "hunter2", 7) && holds(OTHER, "\1\2\0\4\5", 5));
	CHECK(unload() == 0);
	peek(spare + OWN_AREA - 1, buf, 82);
	CHECK(buf[0] == '<' && buf[81] == '>', "wrote beside the area");
	CHECK(zero(spare + OWN_AREA, 80));
	return true;
}

static bool no_slot(void)
{
	CHECK(load_own(64, spare + OWN_AREA, 80) == ENODEV);
	CHECK(absent(SEC "/coco_secret"));
	return true;
}

static bool wrong_table(void)
{
	const uint64_t wrong[] = { 1,
				   8,
				   0x1000,
				   0x1000000,
				   0xfee00000,
				   0xfed00000,
				   0xffc00000,
				   config_table + 4,
				   0x0000800000000000,
				   0x8000000000000000,
				   0xffffffffffffff00,
				   0xfffffffffffffff8 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		CHECK(load_at(wrong[i], "") == EINVAL, "0x%llx", (unsigned long long)wrong[i]);
	put_slot(spare, spare + DESCRIPTOR, area, area_size);
	CHECK(load_at(spare, "") == EINVAL, "right GUID in foreign memory");
	CHECK(absent(SEC "/coco_secret"));
	return true;
}

static bool descriptor(uint64_t base, uint64_t size)
{
	CHECK(load_own(0, base, size) == 0);
	STATE_IS("corrupt descriptor");
	CHECK(absent(SEC "/secrets"));
	CHECK(write_state("wipe") == ENXIO);
	CHECK(unload() == 0);
	return true;
}

static bool descriptor_base_0(void)
{
	return descriptor(0, 80);
}
static bool descriptor_size_0(void)
{
	return descriptor(area, 0);
}
static bool descriptor_size_19(void)
{
	return descriptor(area, 19);
}
static bool descriptor_size_big(void)
{
	return descriptor(spare, MAX + 1);
}
static bool descriptor_overflow(void)
{
	return descriptor(0xfffffffffffffff0, 32);
}
static bool descriptor_too_wide(void)
{
	return descriptor(0x00f0000000000000, 32);
}
static bool descriptor_ram(void)
{
	return descriptor(spare - 0x100000, 80);
}
static bool descriptor_half_ram(void)
{
	return descriptor(spare - 0x800, 0x1000);
}

static bool largest_area(void)
{
	static struct built t;

	many(&t, 2000, 12);
	put32(t.b + 16, t.n);
	memset(buf, 0, MAX);
	memcpy(buf, t.b, t.n);
	poke(spare + OWN_AREA, buf, MAX);
	CHECK(load_own(5, spare + OWN_AREA, MAX) == 0);
	STATE_IS("populated 2000");
	if (!listed(2000, 12))
		return false;
	CHECK(unload() == 0);
	CHECK(zero(spare + OWN_AREA, MAX));
	return true;
}

static bool in_use(void)
{
	struct built t;
	int fd;
	char c[8];

	example(&t);
	fill_area(&t);
	CHECK(load() == 0);
	CHECK((fd = open(file(LUKS), O_RDONLY | O_CLOEXEC)) >= 0);
	CHECK(unload() == EAGAIN);
	CHECK(read(fd, c, 8) == 7 && memcmp(c, "hunter2", 7) == 0);
	close(fd);
	CHECK((fd = open(STATE, O_RDONLY | O_CLOEXEC)) >= 0);
	CHECK(unload() == EAGAIN);
	close(fd);
	CHECK(holds(LUKS, "hunter2", 7));
	CHECK(unload() == 0);
	return true;
}

/* A reader that is half way when the entry is wiped gets an end of file, not zeroes, not the rest. */
static bool open_across_unlink(void)
{
	struct built t;
	struct stat st;
	int fd;
	char c[8];

	example(&t);
	fill_area(&t);
	CHECK(load() == 0);
	CHECK((fd = open(file(LUKS), O_RDONLY | O_CLOEXEC)) >= 0);
	CHECK(read(fd, c, 3) == 3);
	CHECK(unlink(file(LUKS)) == 0);
	CHECK(read(fd, c, 8) == 0);
	CHECK(pread(fd, c, 8, 0) == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
	CHECK(unload() == EAGAIN);
	close(fd);
	CHECK(unload() == 0);
	return true;
}

/* Handles that do not hold the module, open directories among them (any user can have one): they go
 * dead with it and stand in nobody's way. */
static bool handles_across_unload(void)
{
	int path[3], again;
	char link[64];
	struct built t;
	struct stat st;
	DIR *d;

	for (int round = 0; round < 2; round++) {
		example(&t);
		fill_area(&t);
		CHECK(load() == 0);
		CHECK(chdir(DIR_) == 0);
		CHECK((d = opendir(".")) && readdir(d));
		path[0] = open(file(LUKS), O_PATH | O_CLOEXEC);
		path[1] = open(file(OTHER), O_PATH | O_CLOEXEC);
		path[2] = open(STATE, O_PATH | O_CLOEXEC);
		CHECK(path[0] >= 0 && path[1] >= 0 && path[2] >= 0);
		CHECK(unlink(file(OTHER)) == 0);
		CHECK(unload() == 0);
		CHECK(absent(SEC "/secrets") && absent(SEC "/coco_secret"));
		for (int i = 0; i < 3; i++) {
			snprintf(link, sizeof(link), "/proc/self/fd/%d", path[i]);
			(void)fstat(path[i], &st);
			(void)truncate(link, 100);
			again = open(link, O_RDONLY | O_CLOEXEC);
			CHECK(again < 0);
		}
		CHECK(open(LUKS, O_RDONLY | O_CLOEXEC) < 0);
		CHECK(unlink(LUKS) < 0);
		CHECK(count(".") <= 0);
		/* the second load finds the names free while the handles are still there */
		example(&t);
		fill_area(&t);
		CHECK(load() == 0);
		CHECK(holds(LUKS, "hunter2", 7));
		CHECK(open(LUKS, O_RDONLY | O_CLOEXEC) < 0,
		      "the dead directory shows the new file");
		CHECK(unload() == 0);
		for (int i = 0; i < 3; i++)
			close(path[i]);
		rewinddir(d);
		while (readdir(d))
			;
		closedir(d);
		CHECK(chdir("/") == 0);
	}
	return true;
}

/* In a child: reads every entry in small and large steps until told to stop by its absence. What it
 * gets must be a beginning of the true data; a byte that differs would be one that was wiped. */
static int read_all_along(unsigned int nr, size_t size, unsigned int seed)
{
	unsigned int gone = 0, i = seed;
	uint8_t got[512], data[512];
	char guid[40];

	while (gone < nr) {
		size_t n = 0, step = 1 + i % 97;
		ssize_t r = 0;
		int fd;

		numbered(i % nr, guid);
		fd = open(file(guid), O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			if (errno != ENOENT)
				return 2;
			gone++;
			i++;
			continue;
		}
		gone = 0;
		while (n < size && (r = read(fd, got + n, step < size - n ? step : size - n)) > 0)
			n += r;
		close(fd);
		pattern(data, size, i % nr);
		if (r < 0 || memcmp(got, data, n) != 0)
			return 3;
		i++;
	}
	return 0;
}

static bool readers_and_unlink(void)
{
	enum { NR = 6, SIZE = 480, READERS = 3, ROUNDS = 12 };
	static uint8_t data[SIZE];
	static struct built t;
	char guid[40];
	pid_t pid[READERS];
	int status;

	for (int round = 0; round < ROUNDS; round++) {
		begin(&t);
		for (unsigned int i = 0; i < NR; i++) {
			numbered(i, guid);
			pattern(data, SIZE, i);
			add(&t, guid, data, SIZE);
		}
		fill_area(&t);
		CHECK(load() == 0);
		for (int i = 0; i < READERS; i++) {
			pid[i] = fork();
			CHECK(pid[i] >= 0);
			if (pid[i] == 0)
				_exit(read_all_along(NR, SIZE, i * 31 + round));
		}
		for (unsigned int i = 0; i < NR; i++) {
			usleep(1000 + round * 300);
			numbered(i, guid);
			CHECK(unlink(file(guid)) == 0);
		}
		for (int i = 0; i < READERS; i++)
			CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0, "reader: %#x",
			      status);
		CHECK(write_state("wipe") == 0);
		CHECK(zero(area, area_size));
		CHECK(unload() == 0);
	}
	return true;
}

/* Loads and unloads while others look and unlink: whoever wins, nothing breaks and nothing is left.
 * They do not open the files: for an open in the moment of unloading the VFS itself prints a warning. */
static bool unload_under_fire(void)
{
	struct stat st;
	enum { ROUNDS = 25 };
	static struct built t;
	char guid[40];
	pid_t pid[2];
	int r;

	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		for (unsigned int n = i; pid[i] == 0; n++) {
			numbered(n % 40, guid);
			if (i)
				(void)unlink(file(guid));
			else
				(void)stat(file(guid), &st);
			(void)count(DIR_);
		}
	}
	for (int round = 0; round < ROUNDS; round++) {
		many(&t, 40, 30);
		fill_area(&t);
		CHECK((r = load()) == 0, "load: %d", r);
		usleep(round * 200);
		while ((r = unload()) == EAGAIN)
			;
		CHECK(r == 0);
		CHECK(zero(area, area_size));
		CHECK(absent(SEC "/secrets") && absent(SEC "/coco_secret"));
	}
	for (int i = 0; i < 2; i++) {
		kill(pid[i], 9);
		CHECK(waitpid(pid[i], NULL, 0) == pid[i]);
	}
	return true;
}

/* Loads with a fake of the merged driver's device or driver in place; returns the errno. */
static int load_beside(const char *what)
{
	int r = load_file("/module_fake.ko", what);

	if (r == 0) {
		r = load();
		if (syscall(SYS_delete_module, "module_fake", O_NONBLOCK) < 0)
			r = -1;
	}
	return r;
}

static bool merged_driver(void)
{
	struct built t;

	CHECK(load_beside("driver=1") == EBUSY);
	CHECK(absent(SEC "/secrets") && absent(SEC "/coco_secret"));
	begin(&t); /* a device without a driver shows nobody's secrets: then we are wanted */
	add(&t, LUKS, "hunter2", 7);
	fill_area(&t);
	CHECK(load_beside("device=1") == 0);
	CHECK(count(DIR_) == 1);
	CHECK(unload() == 0);
	return true;
}

/* The host dumps the area through QEMU meanwhile: one kept entry in it and nothing else. */
static bool dump(void)
{
	struct built t;
	char line[16];

	begin(&t);
	add(&t, LUKS, "hunter2", 7);
	add(&t, OTHER, "this one is kept", 16);
	fill_area(&t);
	CHECK(load_at(config_table, "keep=" OTHER) == 0);
	CHECK(count(DIR_) == 2);
	CHECK(unload() == 0);
	printf("dump\n");
	fflush(stdout);
	CHECK(fgets(line, sizeof(line), stdin));
	return true;
}

/* One line per load, none of it from the table, and no complaint of the kernel's own. */
static bool log_is_clean(void)
{
	static const char *const forbidden[] = { "BUG:",     "WARNING:", "Oops",    "Call Trace",
						 "ioremap",  "memremap", "hunter2", "736869e5",
						 "e6f5a162", "c0c00001", "refcount" };
	static char log[1 << 20];
	int n = klogctl(3, log, sizeof(log) - 1);

	CHECK(n > 0);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
		const char *hit = strstr(log, forbidden[i]);

		CHECK(!hit, "kernel log: %.100s", hit);
	}
	CHECK(strstr(log, "coco_secret: 2 entries in securityfs secrets/coco\n"));
	CHECK(strstr(log, "coco_secret: the secret table was not populated\n"));
	CHECK(strstr(log,
		     "coco_secret: the secret table is corrupt (duplicate-guid), no entry is shown\n"));
	return true;
}

/* Last, since there is no way back. The signature check comes before the parameter, so what is
 * shown is only that such a kernel does not load this module at all. */
static bool lockdown(void)
{
	int fd = open(SEC "/lockdown", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(write(fd, "integrity", 9) == 9);
	close(fd);
	CHECK(load() == EPERM);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(void);
} cases[] = {
	{ "without config_table the load fails with EINVAL", no_config_table },
	{ "the injected worked example is listed and read exactly", injected },
	{ "modes, owners and size 0 as with the merged driver", modes },
	{ "write, truncate, rename and create as with the merged driver", not_writable },
	{ "reads in parts, at offsets, and to a bad address", partial_reads },
	{ "wipe is refused while an entry is listed, other words always", wipe_refused },
	{ "unlink zeroes data and GUID, keeps the length", unlink_wipes },
	{ "unload zeroes the whole area and removes every file", unload_wipes },
	{ "an area that was not populated is empty and can be zeroed", empty },
	{ "after the last unlink the whole area can be zeroed", all_unlinked },
	{ "unload spares kept entries and nothing else; unlinked ones do not come back", keep },
	{ "a malformed keep is refused", bad_keep },
	{ "65 entries are all listed", entries_65 },
	{ "a secret that fills the area", largest },
	{ "an entry without data", no_data },
	{ "a table without entries", no_entries },
	{ "deleted entries are stepped over", deleted_entries },
	{ "19 counted bytes of padding", padding_19 },
	{ "corrupt: 20 counted zero bytes", padding_20 },
	{ "corrupt: header length 0", header_zero },
	{ "corrupt: header length 19", header_19 },
	{ "corrupt: header length one above the area", header_big },
	{ "corrupt: header length 2^32 - 1", header_huge },
	{ "corrupt: entry length 0", entry_zero },
	{ "corrupt: entry length 19", entry_19 },
	{ "corrupt: entry length one above the rest", entry_big },
	{ "corrupt: entry length 2^32 - 1", entry_huge },
	{ "corrupt: duplicate GUID", duplicate },
	{ "table across a page border, GUID in the last slot, area at an odd address", last_slot },
	{ "a GUID behind the last slot is not found: ENODEV", no_slot },
	{ "the scan stops at the end of the firmware's range", end_of_range },
	{ "a foreign config_table is refused and maps nothing", wrong_table },
	{ "corrupt: descriptor with base 0", descriptor_base_0 },
	{ "corrupt: descriptor with size 0", descriptor_size_0 },
	{ "corrupt: descriptor with size 19", descriptor_size_19 },
	{ "corrupt: descriptor with a size that is too large", descriptor_size_big },
	{ "corrupt: descriptor whose end overflows", descriptor_overflow },
	{ "corrupt: descriptor beyond the address width", descriptor_too_wide },
	{ "corrupt: descriptor that points to the kernel's memory", descriptor_ram },
	{ "corrupt: descriptor that reaches half into the kernel's memory", descriptor_half_ram },
	{ "2000 entries in an area of 64 KiB", largest_area },
	{ "an open file holds the module", in_use },
	{ "a file read in part before unlink ends there", open_across_unlink },
	{ "O_PATH handles and open directories outlive the module", handles_across_unload },
	{ "readers during unlink see true data or an end", readers_and_unlink },
	{ "unload while others read, list and unlink", unload_under_fire },
	{ "refused where the merged driver or its device is", merged_driver },
	{ "a dump through QEMU holds the kept entry only", dump },
	{ "the kernel log has no warning and nothing of the table", log_is_clean },
	{ "a kernel under lockdown does not load it", lockdown },
};

static uint64_t option(const char *cmdline, const char *name)
{
	const char *p = strstr(cmdline, name);

	return p ? strtoull(p + strlen(name), NULL, 0) : 0;
}

int main(void)
{
	char text[4096] = "";

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (mount("p", "/proc", "proc", 0, NULL) || mount("s", "/sys", "sysfs", 0, NULL) ||
	    mount("s", SEC, "securityfs", 0, NULL) || mount("d", "/dev", "devtmpfs", 0, NULL))
		die("mount");
	mem = open("/dev/mem", O_RDWR | O_CLOEXEC);
	if (mem < 0)
		die("/dev/mem");
	(void)slurp("/proc/cmdline", text, sizeof(text) - 1);
	area = option(text, "test.area=");
	area_size = option(text, "test.size=");
	spare = option(text, "test.spare=");
	memset(text, 0, sizeof(text));
	(void)slurp("/sys/firmware/efi/config_table", text, sizeof(text) - 1);
	config_table = strtoull(text, NULL, 0);
	if (!area || !area_size || area_size > MAX || !spare || !config_table)
		die("command line");

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct timespec a, b;
		bool ok;

		clock_gettime(CLOCK_MONOTONIC, &a);
		ok = cases[i].run();
		clock_gettime(CLOCK_MONOTONIC, &b);
		printf("%s %s%s%s # %lld ms\n", ok ? "ok" : "not ok", cases[i].name, ok ? "" : ": ",
		       ok ? "" : why,
		       (b.tv_sec - a.tv_sec) * 1000LL + (b.tv_nsec - a.tv_nsec) / 1000000);
		if (!ok) { /* leave nothing of it to the next case */
			(void)chdir("/");
			for (int n = 0; n < 20 && unload() == EAGAIN; n++)
				usleep(100000);
		}
	}
	printf("end\n");
	reboot(RB_POWER_OFF);
	return 0;
}
