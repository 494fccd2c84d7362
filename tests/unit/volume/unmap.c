/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unmap.c - a mapping of ours is good for nothing afterwards, whoever uses it and whatever the
 * disk does: which requests the device mapper gets, in which order; what it takes to be called
 * gone; and that nobody is held up for long. libcryptsetup has no part in it.
 */
#include "volume/unmap.h"

#include <libcryptsetup.h>
#include <sys/ioctl.h>

#include "base/child.h"
#include "fake_dm.h"
#include "fake_end.h"

#define RESUME_FLAGS (DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG)

static struct fixture fx;

/* The requests, of all processes. */
struct call {
	pid_t pid;
	unsigned long request;
	char name[DM_NAME_LEN];
	uint32_t flags;
	char type[DM_MAX_TYPE_NAME]; /* of a table that is loaded */
	uint64_t start, length;
	char params[16];
};

static struct calls {
	unsigned int nr;
	struct call calls[256];
} *calls;

/* The request that fails or hangs, and for which mapping. */
static struct {
	unsigned long request;
	const char *name;
	int error; /* 0: none fails */
	bool hangs;
} trouble;

int ioctl(int fd, unsigned long request, ...)
{
	struct dm_target_spec spec;
	struct dm_ioctl *io;
	struct call *call;
	va_list ap;

	va_start(ap, request);
	io = va_arg(ap, struct dm_ioctl *);
	va_end(ap);
	FIXTURE_MUST(fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	call = &calls->calls[__atomic_fetch_add(&calls->nr, 1, __ATOMIC_SEQ_CST) % 256];
	*call = (struct call){ .pid = getpid(), .request = request, .flags = io->flags };
	memcpy(call->name, io->name, sizeof(call->name));
	if (request == DM_TABLE_LOAD) {
		memcpy(&spec, (char *)io + io->data_start, sizeof(spec));
		memcpy(call->type, spec.target_type, sizeof(call->type));
		memcpy(call->params, (char *)io + io->data_start + sizeof(spec),
		       sizeof(call->params));
		call->start = spec.sector_start;
		call->length = spec.length;
	}
	if (trouble.request == request && strcmp(trouble.name, io->name) == 0) {
		if (trouble.hangs)
			end_hang("hangs");
		errno = trouble.error;
		return -1;
	}
	return fake_dm_ioctl(request, io);
}

/* All that would look at the disk's header. */
int crypt_init(struct crypt_device **cd, const char *device)
{
	(void)cd;
	(void)device;
	abort();
}

int crypt_init_by_name(struct crypt_device **cd, const char *name)
{
	(void)cd;
	(void)name;
	abort();
}

int crypt_load(struct crypt_device *cd, const char *type, void *params)
{
	(void)cd;
	(void)type;
	(void)params;
	abort();
}

int crypt_deactivate(struct crypt_device *cd, const char *name)
{
	(void)cd;
	(void)name;
	abort();
}

ssize_t pread(int fd, void *buf, size_t len, off_t offset)
{
	(void)fd;
	(void)buf;
	(void)len;
	(void)offset;
	abort();
}

static void begin(void)
{
	memset(calls, 0, sizeof(*calls));
	memset(end, 0, sizeof(*end));
	memset(&trouble, 0, sizeof(trouble));
	fake_dm_reset();
	end_caller = getpid();
	end_forks = end_collected = 0;
	(void)fflush(stdout);
}

static void add(const char *name, uint64_t length)
{
	char node[DM_NAME_LEN + sizeof(PATH_DM_DIR) + 1];

	(void)fake_dm_add(name, "CRYPT-x", "crypt", length, "aes-xts-plain64 key");
	(void)snprintf(node, sizeof(node), PATH_DM_DIR "/%s", name);
	fixture_text(&fx, node, "");
}

static bool unmap(const char *name)
{
	const char *const names[] = { name };
	bool gone;

	unmap_all(&fx.root, names, 1, &gone);
	return gone;
}

static const char *request_name(unsigned long request)
{
	return request == DM_TABLE_STATUS ? "status" :
	       request == DM_TABLE_LOAD	  ? "load" :
	       request == DM_DEV_SUSPEND  ? "resume" :
	       request == DM_DEV_REMOVE	  ? "remove" :
					    "another";
}

/* The requests as text, in their order. */
static const char *requests(void)
{
	static char text[1024];
	unsigned int i;

	text[0] = '\0';
	for (i = 0; i < calls->nr; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s, ",
			       request_name(calls->calls[i].request), calls->calls[i].name);
	return text;
}

#define ALL                                                                   \
	"status root, load root, resume root, remove root, status root_dif, " \
	"load root_dif, resume root_dif, remove root_dif, "

static void test_order(void)
{
	const struct call *c = calls->calls;
	int i;

	begin();
	add("root", 123456);
	add("root_dif", 130000);
	add("other", 8);
	ok(unmap("root"), "a mapping with an integrity device is gone");
	is_str(requests(), ALL, "by these requests");
	for (i = 0; i < 8; i += 4) {
		ok(strcmp(c[i + 1].type, "error") == 0 && c[i + 1].start == 0 &&
			   !c[i + 1].params[0] && c[i + 1].flags == 0,
		   "the table answers with errors");
		is_int(c[i + 1].length, i ? 130000 : 123456, "and is as long as the one before");
		is_int(c[i + 2].flags, RESUME_FLAGS,
		       "it is resumed without a flush, and without freezing a file system");
		is_int(c[i + 3].flags, DM_DEFERRED_REMOVE, "if it is in use, it goes later");
	}
	ok(c[0].pid != getpid() && c[0].pid == c[7].pid, "all of it in a process of its own");
	ok(!fake_dm_find("root") && !fake_dm_find("root_dif") && fake_dm_find("other"),
	   "both are gone, and nothing else");
	ok(!fixture_has(&fx, PATH_DM_DIR "/root") && !fixture_has(&fx, PATH_DM_DIR "/root_dif") &&
		   fixture_has(&fx, PATH_DM_DIR "/other") && fixture_has(&fx, PATH_DM_CONTROL),
	   "and so are their nodes");
	is_int(end_count("open"), 1, "nothing was opened but the device mapper");
}

static void test_gone(void)
{
	begin();
	ok(unmap("root"), "what is not there is gone");
	is_int(end_count("fork"), 1, "which is asked for in a process, too");

	begin();
	add("root", 4096);
	add("root_dif", 5000);
	fake_dm_in_use = true;
	ok(!unmap("root"), "what is in use is not gone");
	is_str(requests(), ALL, "by the same requests");
	ok(strcmp(fake_dm_find("root")->type, "error") == 0 && fake_dm_find("root")->length == 4096,
	   "but answers with errors, at its size");
	ok(strcmp(fake_dm_find("root_dif")->type, "error") == 0, "and so does what is below it");
	ok(fixture_has(&fx, PATH_DM_DIR "/root"), "its node stays");
	ok(!unmap("root"), "again: it is still there");
	is_int(fake_dm_find("root")->length, 4096, "at its size");
	fake_dm_in_use = false;
	ok(unmap("root"), "when nobody uses it any more it goes");
}

/* A request that fails keeps none of the others. */
static void test_failures(void)
{
	static const unsigned long all[] = { DM_TABLE_STATUS, DM_TABLE_LOAD, DM_DEV_SUSPEND,
					     DM_DEV_REMOVE };
	static const int errors[] = { EIO, EBUSY, EINVAL, ENOMEM, EPERM };
	static const char *const names[] = { "root", "root_dif" };
	size_t i, j, k;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (j = 0; j < ARRAY_SIZE(names); j++) {
			unsigned int wrong = 0;

			for (k = 0; k < ARRAY_SIZE(errors); k++) {
				bool gone;

				begin();
				add("root", 4096);
				add("root_dif", 5000);
				trouble.request = all[i];
				trouble.name = names[j];
				trouble.error = errors[k];
				gone = unmap("root");
				wrong += gone != (all[i] != DM_DEV_REMOVE);
				wrong += gone !=
					 (!fake_dm_find("root") && !fake_dm_find("root_dif"));
				wrong += !strstr(requests(), "remove root, ");
				wrong += !strstr(requests(), "remove root_dif, ");
				if (all[i] == DM_DEV_REMOVE)
					wrong += strcmp(fake_dm_find(names[j])->type, "error") != 0;
				if (all[i] == DM_TABLE_STATUS)
					wrong += calls->calls[j ? 5 : 1].length != 8;
			}
			is_int(wrong, 0, "%s of %s fails: %s", request_name(all[i]), names[j],
			       all[i] == DM_DEV_REMOVE ? "it is not gone" :
							 "it is removed all the same");
		}
	}
	begin();
	add("root", 4096);
	fake_dm_find("root")->nr_targets = 2;
	ok(unmap("root") && calls->calls[1].length == 8,
	   "a table that is not ours has some length");
	begin();
	add("root", 4096);
	fake_dm_find("root")->nr_targets = 0;
	ok(unmap("root") && calls->calls[1].length == 8, "and so has one without a target");
}

/* Three mappings, of which one hangs in the kernel. */
static void test_hangs(void)
{
	static const unsigned long all[] = { DM_TABLE_STATUS, DM_TABLE_LOAD, DM_DEV_SUSPEND,
					     DM_DEV_REMOVE };
	static const char *const names[] = { "a", "b", "c" };
	bool gone[ARRAY_SIZE(names)];
	int undead, at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (undead = 0; undead < 2; undead++) {
			begin();
			add("a", 4096);
			add("b", 4096);
			add("c", 4096);
			trouble.request = all[i];
			trouble.name = names[i % ARRAY_SIZE(names)];
			trouble.hangs = true;
			plan.patience_ends = "hangs";
			plan.others = 2;
			plan.nr_waits = undead ? 2 : 1;
			plan.undead = undead;
			unmap_all(&fx.root, names, ARRAY_SIZE(names), gone);
			ok(gone[0] == (i % 3 != 0) && gone[1] == (i % 3 != 1) &&
				   gone[2] == (i % 3 != 2),
			   "%s of %s hangs%s: the two others are gone", request_name(all[i]),
			   trouble.name, undead ? ", and does not die" : "");
			at = end_find("waits for children", getpid(), 1);
			ok(at >= 0 && end->events[at].value <= UNMAP_LIMIT_MS &&
				   end->events[at].value > UNMAP_LIMIT_MS - 1000,
			   "it had 3 s");
			ok(end->ahead_us > 1000000 &&
				   end->ahead_us <= (UNMAP_LIMIT_MS + 600) * 1000,
			   "and half a second to die (%llu us in all)",
			   (unsigned long long)end->ahead_us);
			end_over();
		}
	}
}

static void test_no_means(void)
{
	static const int errors[] = { EMFILE, EACCES, ENODEV, EIO };
	const char *names[UNMAP_MAX + 2];
	bool gone[UNMAP_MAX + 2];
	char long_name[DM_NAME_LEN + 8];
	size_t i, nr;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		begin();
		add("root", 4096);
		plan.open_path = PATH_DM_CONTROL;
		plan.open_error = errors[i];
		ok(!unmap("root"), "the device mapper cannot be opened, %s: nothing is called gone",
		   strerror(errors[i]));
		end_over();
	}
	begin();
	add("root", 4096);
	plan.no_fork = true;
	ok(!unmap("root") && fake_dm_find("root"), "no process can be started: not gone");
	end_over();

	begin();
	unmap_all(&fx.root, NULL, 0, NULL);
	is_int(end_count("fork"), 0, "no mapping, no process");

	begin();
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	ok(!unmap(long_name) && calls->nr == 0, "a name that is too long for the kernel");
	long_name[DM_NAME_LEN - 1] = '\0';
	ok(!unmap(long_name) && calls->nr == 3, "the longest one: what is below it has none");

	begin();
	for (i = 0; i < ARRAY_SIZE(names); i++)
		names[i] = "absent";
	unmap_all(&fx.root, names, ARRAY_SIZE(names), gone);
	for (i = nr = 0; i < ARRAY_SIZE(names); i++)
		nr += gone[i];
	ok(nr == UNMAP_MAX && !gone[UNMAP_MAX] && !gone[UNMAP_MAX + 1],
	   "more than it can do at once are not called gone");
}

int main(void)
{
	unsigned int fds;

	calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	FIXTURE_MUST(calls != MAP_FAILED);
	fixture_init(&fx);
	fx.root.machine = true;
	fixture_text(&fx, PATH_DM_CONTROL, "");
	fds = fixture_fds();
	test_order();
	test_gone();
	test_failures();
	test_hangs();
	test_no_means();
	is_int(fixture_fds(), fds, "no descriptor is left open");
	fixture_done(&fx);
	return tap_done();
}
