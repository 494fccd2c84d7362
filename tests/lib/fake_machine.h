/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_machine.h - a tree that looks like a machine to the whole pipeline: two volumes with
 * their secrets; modules, device mapper, mounts, events and block devices are fakes, and
 * each of them looks at what must be true when it is called. For one test program each.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include <libcryptsetup.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/statfs.h>

#include "fake_dm.h"
#include "fake_kmod.h"
#include "fixture.h"
#define INJECT_OWN_FORK
#include "base/paths.h"
#include "boot/attempt.h"
#include "inject.h"
#include "volume/pins.h"

#define ENTRIES PATH_SECURITYFS "/secrets/coco"
#define OTHER "11111111-2222-3333-4444-555555555555"

static struct fixture fx;
static struct conf conf;
static struct report report;
static struct attempts attempts;
static struct fault f;
static unsigned int *too_early_shared;
static void (*machine_hook)(const char *where); /* called by some of the fakes */

#define too_early (*too_early_shared) /* calls that came before their time, of any process */

static bool entries_there(void)
{
	return fixture_has(&fx, ENTRIES "/" GUID_DISK_SECRET) ||
	       fixture_has(&fx, ENTRIES "/" OTHER) || fixture_has(&fx, ENTRIES "/" GUID_POLICY);
}

int fstatfs(int fd, struct statfs *st)
{
	(void)fd;
	memset(st, 0, sizeof(*st));
	st->f_type = SECURITYFS_MAGIC;
	return 0;
}

/* The event socket: never has an event. It is there before a secret is read. */
static int socket_error;

int socket(int domain, int type, int protocol)
{
	int fds[2];

	(void)domain;
	(void)type;
	(void)protocol;
	too_early += inject_secrets.nr_live > 0;
	if (machine_hook)
		machine_hook("events");
	errno = socket_error;
	if (socket_error || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	return fds[0]; /* the other end stays open: an end of file would be an event */
}

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	(void)address;
	(void)size;
	return fd >= 0 ? 0 : -1;
}

/* Only device.c opens without waiting: what it opens is a block device. */
int fstat(int fd, struct stat *st)
{
	int r = fstatat(fd, "", st, AT_EMPTY_PATH);

	if (r == 0 && S_ISREG(st->st_mode) && (fcntl(fd, F_GETFL) & O_NONBLOCK)) {
		too_early += entries_there();
		st->st_mode = S_IFBLK | 0600;
		st->st_rdev = makedev(254, st->st_ino % 1000);
	}
	return r;
}

/* The judge knows no secret: it is forked before one is read, and once. */
static unsigned int forks, fork_fails_at;

pid_t fork(void)
{
	pid_t pid;

	if (++forks == fork_fails_at) {
		errno = EAGAIN;
		return -1;
	}
	(void)fflush(stdout);
	too_early += inject_secrets.nr_live > 0;
	pid = INJECT_NEXT(fork)();
	if (pid == 0 && machine_hook)
		machine_hook("forked");
	return pid;
}

/* What was done to mappings, by any process: " NAME" it is made, " -NAME" it is removed, in
 * the order in which it was done. */
struct machine_mappings {
	unsigned int len, early;
	char text[256];
};

static struct machine_mappings *mappings_shared;

static __attribute__((constructor)) void machine_share(void)
{
	mappings_shared = mmap(NULL, sizeof(*mappings_shared), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	FIXTURE_MUST(mappings_shared != MAP_FAILED);
	too_early_shared = &mappings_shared->early;
}

static const char *refuse_mapping; /* this name is not mapped */
static unsigned int live_at_mapping[2];
static uint64_t length_added; /* to what the live table should have, in sectors */

#define mappings (mappings_shared->text)

static void note_mapping(const char *sign, const char *name)
{
	char text[80];
	int n = snprintf(text, sizeof(text), " %s%s", sign, name);
	unsigned int at =
		__atomic_fetch_add(&mappings_shared->len, (unsigned int)n, __ATOMIC_SEQ_CST);

	FIXTURE_MUST(at + (unsigned int)n < sizeof(mappings_shared->text));
	memcpy(mappings_shared->text + at, text, (size_t)n);
}

/* Nothing is taken away while there is a secret: what removes may hang. */
static int machine_dm_ioctl(unsigned long request, struct dm_ioctl *io)
{
	char name[DM_NAME_LEN];
	bool there = fake_dm_find(io->name);
	int r;

	memcpy(name, io->name, sizeof(name));
	if (request != DM_TABLE_STATUS)
		too_early += entries_there() || inject_secrets.nr_live > 0;
	r = fake_dm_ioctl(request, io);
	if (request == DM_DEV_REMOVE && there && !fake_dm_find(name))
		note_mapping("-", name);
	return r;
}

static bool no_crypt_target;

int ioctl(int fd, unsigned long request, ...)
{
	struct dm_target_versions target = { 0 };
	struct stat st;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == DM_LIST_VERSIONS) {
		char *p = (char *)arg + ((struct dm_ioctl *)arg)->data_start;

		too_early += inject_secrets.nr_live > 0;
		memcpy(p, &target, sizeof(target));
		strcpy(p + sizeof(target), no_crypt_target ? "linear" : "crypt");
		return 0;
	}
	if (request == BLKGETSIZE64 && fstatat(fd, "", &st, AT_EMPTY_PATH) == 0) {
		*(uint64_t *)arg = (uint64_t)st.st_size;
		return 0;
	}
	return machine_dm_ioctl(request, arg);
}

/* What the kernel has for a mapping that libcryptsetup has asked for. */
static void put_table(struct crypt_device *cd, const char *name, size_t key_size)
{
	const char *luks_uuid = crypt_get_uuid(cd), *p;
	char uuid[DM_UUID_LEN] = "CRYPT-LUKS2-", params[512];
	struct stat st;

	for (p = luks_uuid; *p; p++)
		if (*p != '-')
			text_append(uuid, sizeof(uuid), "%c", *p);
	text_append(uuid, sizeof(uuid), "-%s", name);
	FIXTURE_MUST(stat(fixture_path(&fx, strcmp(name, "root") == 0 ? "/dev/vda" : "/dev/vdb"),
			  &st) == 0);
	(void)snprintf(params, sizeof(params),
		       "aes-xts-plain64 :%zu:logon:cryptsetup:%s-d0 0 254:%u %llu", key_size,
		       luks_uuid, (unsigned int)(st.st_ino % 1000),
		       (unsigned long long)crypt_get_data_offset(cd));
	(void)fake_dm_add(name, uuid, "crypt",
			  (uint64_t)st.st_size / 512 - crypt_get_data_offset(cd) + length_added,
			  params);
}

int crypt_activate_by_volume_key(struct crypt_device *cd, const char *name, const char *key,
				 size_t key_size, uint32_t flags)
{
	static unsigned int nr;

	FIXTURE_MUST(cd && key && key_size == 64 && (flags & CRYPT_ACTIVATE_IGNORE_PERSISTENT));
	nr = *mappings ? nr + 1 : 0;
	live_at_mapping[nr % 2] = inject_secrets.nr_live;
	if (machine_hook)
		machine_hook("activation");
	if (fake_dm_find(name) || (refuse_mapping && strcmp(name, refuse_mapping) == 0))
		return -EEXIST;
	note_mapping("", name);
	put_table(cd, name, key_size);
	if (machine_hook)
		machine_hook("mapping");
	return 0;
}

/* It would read the disk's header again: nobody takes a mapping away with it. */
int crypt_deactivate(struct crypt_device *cd, const char *name)
{
	(void)cd;
	(void)name;
	abort();
}

/* No test ends the machine. */
int reboot(int command)
{
	(void)command;
	abort();
}

/* A boot that will go well. */
static void begin(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		fixture_text(&fx, i ? ENTRIES "/" OTHER : ENTRIES "/" GUID_DISK_SECRET,
			     i ? "other" : "key");
		(void)snprintf(conf.volumes[i].name, CONF_NAME_SIZE, "%s", i ? "data" : "root");
	}
	fixture_text(&fx, PATH_CMDLINE, "root=/dev/mapper/root ro quiet\n");
	(void)unlink(fixture_path(&fx, PATH_OPENED));
	(void)unlink(fixture_path(&fx, ENTRIES "/" GUID_POLICY));
	fake_dm_reset();
	length_added = 0;
	forks = fork_fails_at = 0;
	machine_hook = NULL;
	fake_reset();
	fake_module("dm_crypt")->state = KMOD_MODULE_LIVE;
	fake_module("aes")->alias = "crypto-aes";
	fake_module("xts")->alias = "crypto-xts";
	report_init(&report);
	attempts = (struct attempts){ 0 };
	f = (struct fault){ 0 };
	too_early = 0;
	socket_error = 0;
	no_crypt_target = false;
	refuse_mapping = NULL;
	memset(mappings_shared, 0, sizeof(*mappings_shared));
}

/* Once, before the first begin(). */
static void machine_init(void)
{
	int i;

	volume_init_library();
	fixture_init(&fx);
	fx.root.machine = true;
	fixture_mkdir(&fx, PATH_SECURITYFS);
	fixture_text(&fx, PATH_DM_CONTROL, "");
	fixture_text(&fx, PATH_MEMINFO, "MemAvailable:    1000000 kB\n");
	fixture_mkdir(&fx, "/run");
	fixture_luks(&fx, "/dev/vda", "key", "");
	fixture_luks(&fx, "/dev/vdb", "other", "");
	conf_defaults(&conf);
	conf.nr_volumes = 2;
	for (i = 0; i < 2; i++) {
		conf.volumes[i].metadata_size = CONF_METADATA_SIZE;
		conf.volumes[i].device.kind = DEVICE_KIND_PATH;
		(void)snprintf(conf.volumes[i].device.value, CONF_DEVICE_SIZE, "/dev/vd%c",
			       'a' + i);
		(void)snprintf(conf.volumes[i].secret.guid, GUID_TEXT_SIZE, "%s",
			       i ? OTHER : GUID_DISK_SECRET);
	}
}

#endif
