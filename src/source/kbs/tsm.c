/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsm.c - asks the kernel for a report of the platform, through configfs-tsm.
 * Trusts the kernel, but not to answer: the host may let a request wait. Trusts no byte of a report
 * but the 64 that have to be in it. May not ask twice: a second request after a failed one can cost
 * the guest its key to the secure processor.
 *
 * Facts used (Linux, drivers/virt/coco/guest/report.c and fs/configfs): a request that waits holds
 * locks that mkdir, every attribute of every directory, and rmdir of its own one need; some of
 * these waits end by no signal. So nothing here is touched but in a process of its own. What a
 * write to inblob has come to is told by nothing but generation. A read of outblob that fails has
 * asked the platform, and so would the next one.
 */
#include "source/kbs/tsm.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/child.h"
#include "base/io.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/text.h"

#define CONFIGFS_MAGIC 0x62656570 /* Linux, fs/configfs/mount.c: in no header for programs */
#define PREFIX "coco-unlock-"	  /* of our directories: PREFIX PID - RANDOM */
#define NAME_SIZE 64
#define NAME_TRIES 8
#define NUMBER_SIZE 32
#define REMOVAL_MS 300 /* what a directory that the kernel holds on to is waited for */

/* AMD's specification 56860, table 23; Intel's DCAP quote, versions 4 and 5. */
#define SNP_REPORT_DATA 0x50
#define TDX_VERSION_SIZE 2
#define TDX_BODY_V4 48
#define TDX_BODY_V5 54
#define TDX_REPORT_DATA 520 /* in the body */

/* Shared with the process that does it. */
struct work {
	const struct root *root;
	const char *provider;	   /* that it has to be; NULL: any, and no report is made */
	const unsigned char *data; /* TSM_DATA_SIZE */
	pid_t owner;
	int end; /* of a pipe, open as long as a removal goes on */
	/* Written there. */
	char name[NAME_SIZE]; /* of the directory; empty: none was made */
	bool removed;
	int removal; /* -errno of a removal that has failed */
	char found[TSM_PROVIDER_SIZE];
	int floor;
	size_t outblob_len, auxblob_len;
	unsigned char outblob[TSM_OUTBLOB_MAX], auxblob[TSM_AUXBLOB_MAX];
};

/* Why the kernel has made no report, by what reading it returns. */
static const struct refusal {
	int error;
	const char *why, *next;
} refusals[] = {
	{ EBUSY, "another report is on its way",
	  "let nothing else in the image ask for reports; if nothing does, restart the guest" },
	{ EINVAL, "the provider does not take the request",
	  "let nothing else in the image write below " PATH_TSM_REPORT
	  ", and use a kernel whose provider takes 64 bytes" },
	{ ENXIO, "the provider went away while the report was made",
	  "let nothing in the image unload sev-guest or tdx-guest, and restart the guest" },
	{ ENOTTY,
	  "an exchange with the secure processor has failed, and the kernel has disabled the key for it (VMPCK)",
	  "restart the guest: nothing else brings the key back" },
	{ EFBIG, "it is larger than this kernel takes", "use a newer kernel" },
	{ ETIMEDOUT, "the host has let the request wait for too long",
	  "see to it that the host does not throttle the guest's requests, and restart the guest" },
	{ EIO, "the firmware has refused it",
	  "look at the kernel's log for the firmware's number, and at the host's firmware" },
};

static int no_report(struct fault *f, int r)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].error == -r)
			return fault_advise(f, EXITCODE_REPORT_FAILED, -r, refusals[i].next,
					    "the platform makes no report: %s (%s)",
					    refusals[i].why, strerror(-r));
	return fault_errno(f, EXITCODE_REPORT_FAILED, r, "the platform makes no report");
}

static int no_attribute(struct fault *f, int r, const char *name)
{
	return fault_errno(f, EXITCODE_REPORT_FAILED, r, "%s of a report", name);
}

/* In a process that may be left behind: nothing of ours from `first` on stays open with it, but
 * these two. */
static void close_all_but(int first, int a, int b)
{
	const int kept[] = { a < b ? a : b, a < b ? b : a };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (kept[i] > first) /* best effort, as the other one */
			(void)close_range((unsigned int)first, (unsigned int)kept[i] - 1, 0);
		if (kept[i] >= first)
			first = kept[i] + 1;
	}
	(void)close_range((unsigned int)first, ~0U, 0);
}

/* A text of the kernel without its newline. Returns 0 or -errno. */
static int read_text(int dir, const char *name, char *ret_text, size_t size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : io_read(fd, ret_text, size - 1);

	if (n < 0)
		return (int)n;
	ret_text[n] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

static int read_number(int dir, const char *name, uint64_t max, uint64_t *ret_value)
{
	char text[NUMBER_SIZE];
	int r = read_text(dir, name, text, sizeof(text));

	return r < 0 ? r : text_u64(text, max, ret_value);
}

static int write_attribute(int dir, const char *name, const void *bytes, size_t len)
{
	int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = io_write(fd, bytes, len);
	if (close(fd) < 0 && r >= 0)
		r = -errno;
	return r;
}

/* To its end, with one descriptor: what it says stays the same. Nothing is tried again, not even
 * after a signal: that would be one more request. */
static int read_blob(int dir, const char *name, unsigned char *ret_bytes, size_t max,
		     size_t *ret_len)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char one_more;
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (len < max) {
		n = read(fd, ret_bytes + len, max - len);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	if (len < max)
		return 0;
	n = read(fd, &one_more, 1);
	return n < 0 ? -errno : n > 0 ? -E2BIG : 0;
}

/* Only those whose process is gone: its number stands in the name. */
static int remove_leftover(const char *name, void *data)
{
	const int *dir = data;
	char number[NAME_SIZE];
	uint64_t pid;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	(void)snprintf(number, sizeof(number), "%s", name + strlen(PREFIX)); /* cut: none of ours */
	number[strcspn(number, "-")] = '\0';
	if (text_u64(number, INT32_MAX, &pid) < 0 || pid == 0 || kill((pid_t)pid, 0) == 0 ||
	    errno != ESRCH)
		return 0;
	if (unlinkat(*dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		log_warning("%s/%s, which an earlier run has left behind, cannot be removed: %s",
			    PATH_TSM_REPORT, name, strerror(errno));
	else
		log_info("removed %s/%s, which an earlier run has left behind", PATH_TSM_REPORT,
			 name);
	return 0;
}

/* A directory for one report. Returns a descriptor of it, -ENXIO without a fault if there is no
 * provider, or another -errno with one. */
static int make_directory(struct work *w, int parent, struct fault *f)
{
	unsigned int i;
	uint64_t random;
	int fd;

	for (i = 0; i < NAME_TRIES; i++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return fault_errno(f, EXITCODE_REPORT_FAILED, -errno, "no random numbers");
		(void)snprintf(w->name, sizeof(w->name), PREFIX "%d-%016llx", (int)w->owner,
			       (unsigned long long)random); /* fits */
		if (mkdirat(parent, w->name, 0700) == 0)
			break;
		w->name[0] = '\0';
		if (errno == ENXIO)
			return -ENXIO;
		if (errno != EEXIST || i == NAME_TRIES - 1)
			return fault_errno(f, EXITCODE_REPORT_FAILED, -errno,
					   "no directory for a report below %s", PATH_TSM_REPORT);
	}
	fd = openat(parent, w->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : no_attribute(f, -errno, "the directory");
}

/* With a floor above 0 the kernel's first value is below it. Returns how many writes that took. */
static int write_privlevel(struct work *w, int dir, struct fault *f)
{
	char text[NUMBER_SIZE];
	uint64_t floor;
	int r = read_number(dir, "privlevel_floor", UINT8_MAX, &floor);

	if (r == -ENOENT)
		return 0; /* this provider has no levels */
	if (r < 0)
		return no_attribute(f, r, "privlevel_floor");
	w->floor = (int)floor;
	if (floor == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", w->floor); /* fits */
	r = write_attribute(dir, "privlevel", text, strlen(text));
	return r < 0 ? no_attribute(f, r, "privlevel") : 1;
}

/* What was asked for has to be in it: generation says only that nobody has written besides. */
static int check_data(const struct work *w, struct fault *f)
{
	size_t at = SNP_REPORT_DATA;
	unsigned int version;

	if (strcmp(w->provider, "tdx_guest") == 0) {
		if (w->outblob_len < TDX_VERSION_SIZE)
			return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
					 "the quote has no version");
		version = w->outblob[0] | (unsigned int)w->outblob[1] << 8;
		if (version != 4 && version != 5)
			return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
					 "the quote is of version %u, and only 4 and 5 are known",
					 version);
		at = TDX_REPORT_DATA + (version == 4 ? TDX_BODY_V4 : TDX_BODY_V5);
	} else if (strcmp(w->provider, "sev_guest") != 0) {
		return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
				 "nobody knows where a report of %s has what was asked for",
				 w->provider);
	}
	if (w->outblob_len < at + TSM_DATA_SIZE)
		return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
				 "the report ends after %zu bytes", w->outblob_len);
	if (memcmp(w->outblob + at, w->data, TSM_DATA_SIZE) != 0)
		return fault_advise(f, EXITCODE_REPORT_FAILED, EBADMSG,
				    "let nothing else in the image ask for reports",
				    "the report is not about the 64 bytes that were asked for");
	return 0;
}

static int read_blobs(struct work *w, int dir, struct fault *f)
{
	int r = read_blob(dir, "outblob", w->outblob, sizeof(w->outblob), &w->outblob_len);

	if (r == -E2BIG)
		return fault_set(f, EXITCODE_REPORT_FAILED, EFBIG,
				 "the report has more than %d bytes", TSM_OUTBLOB_MAX);
	if (r < 0)
		return no_report(f, r);
	r = read_blob(dir, "auxblob", w->auxblob, sizeof(w->auxblob), &w->auxblob_len);
	if (r == -E2BIG)
		return fault_set(f, EXITCODE_REPORT_FAILED, EFBIG,
				 "the certificate table has more than %d bytes", TSM_AUXBLOB_MAX);
	/* tdx_guest has no such file. */
	return r < 0 && r != -ENOENT ? no_attribute(f, r, "auxblob") : 0;
}

static int make_report(struct work *w, int dir, struct fault *f)
{
	uint64_t before, after;
	int writes, r;

	if (strcmp(w->found, w->provider) != 0)
		return fault_set(f, EXITCODE_REPORT_FAILED, ESTALE,
				 "the provider is %s now, and was %s before", w->found,
				 w->provider);
	r = read_number(dir, "generation", UINT32_MAX, &before);
	if (r < 0)
		return no_attribute(f, r, "generation");
	writes = write_privlevel(w, dir, f);
	if (writes < 0)
		return writes;
	r = write_attribute(dir, "inblob", w->data, TSM_DATA_SIZE);
	if (r < 0)
		return no_attribute(f, r, "inblob");
	r = read_blobs(w, dir, f);
	if (r < 0)
		return r;
	r = read_number(dir, "generation", UINT64_MAX, &after);
	if (r < 0)
		return no_attribute(f, r, "generation");
	if (after != before + (unsigned int)writes + 1)
		return fault_advise(f, EXITCODE_REPORT_FAILED, ESTALE,
				    "let nothing else in the image ask for reports",
				    "somebody else has written to the report's directory "
				    "(generation %llu in the place of %llu)",
				    (unsigned long long)after,
				    (unsigned long long)before + (unsigned int)writes + 1);
	return check_data(w, f);
}

static int remove_directory(struct work *w, int parent, struct fault *f)
{
	/* Not there: who was to make it did not come so far. */
	if (unlinkat(parent, w->name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		w->removal = -errno;
		return fault_errno(f, EXITCODE_REPORT_FAILED, w->removal, "cannot remove %s/%s",
				   PATH_TSM_REPORT, w->name);
	}
	w->removed = true;
	return 0;
}

/* All of it, from mkdir to rmdir. Returns -ENXIO without a fault if there is no provider. */
static int work(void *arg, struct fault *f)
{
	struct work *w = arg;
	_cleanup_close_ int parent = -EBADF, dir = -EBADF;
	int list, r, removed;

	close_all_but(STDERR_FILENO + 1, w->root->fd, w->root->fd);
	parent = root_open(w->root, PATH_TSM_REPORT, O_RDONLY | O_DIRECTORY, 0);
	if (parent == -ENOENT || parent == -ENOTDIR)
		return -ENXIO; /* neither configfs, nor what is below it, is in the kernel */
	if (parent < 0)
		return fault_errno(f, EXITCODE_REPORT_FAILED, parent, "%s", PATH_TSM_REPORT);
	list = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = root_walk_fd(list < 0 ? -errno : list, remove_leftover, &parent);
	if (r < 0)
		log_warning("%s cannot be listed: %s", PATH_TSM_REPORT, strerror(-r));
	dir = make_directory(w, parent, f);
	if (dir < 0 && !w->name[0])
		return dir;
	r = dir < 0 ? dir : read_text(dir, "provider", w->found, sizeof(w->found));
	if (dir >= 0 && r < 0)
		r = no_attribute(f, r, "provider");
	if (r >= 0 && w->provider)
		r = make_report(w, dir, f);
	removed = remove_directory(w, parent, f);
	return r < 0 ? r : removed;
}

static int remove_late(void *arg)
{
	struct work *w = arg;
	struct fault ignored = { 0 };
	int parent;

	close_all_but(STDIN_FILENO, w->root->fd, w->end); /* it has nothing to say */
	parent = root_open(w->root, PATH_TSM_REPORT, O_RDONLY | O_DIRECTORY, 0);
	return parent < 0 || remove_directory(w, parent, &ignored) < 0;
}

/* The process that does it is nobody's child, so that nobody has to wait for it. */
static int start_remove_late(void *arg)
{
	struct child child;

	return child_start(&child, remove_late, arg) < 0;
}

/* The process that has made the directory is gone, or hangs. */
static void remove_after(struct work *w)
{
	struct pollfd end = { .events = POLLIN };
	struct child child;
	int fds[2], r = pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;

	if (r >= 0) {
		w->end = fds[1];
		r = child_start(&child, start_remove_late, w);
		(void)close(fds[1]);
		if (r >= 0) {
			child_wait(&child, 1, deadline_in_ms(REMOVAL_MS));
			end.fd = fds[0];
			(void)poll(&end, 1, REMOVAL_MS); /* the other end closes */
		}
		(void)close(fds[0]);
	}
	r = r < 0 ? r : w->removal;
	if (!w->removed)
		log_warning("%s/%s is left: %s", PATH_TSM_REPORT, w->name,
			    r < 0 ? strerror(-r) :
				    "the kernel holds on to it; it is removed as soon as it can be");
}

/* Returns what work() has returned, or -errno with a fault. */
static int call_work(struct work *w, struct deadline deadline, struct fault *f)
{
	int done = -EPROTO, r = child_call(work, w, deadline, &done, f);

	if (r >= 0)
		return done;
	if (w->name[0] && !w->removed)
		remove_after(w);
	if (r == -ETIMEDOUT)
		return fault_advise(
			f, EXITCODE_NO_ANSWER, ETIMEDOUT,
			"see to it that the host does not throttle the guest's requests, or raise Timeout=",
			"the platform has not made the report in time");
	if (r == -ECHILD)
		return fault_advise(f, EXITCODE_REPORT_FAILED, ECHILD, FAULT_KILLED,
				    "the process that asks for the report was killed");
	return fault_errno(f, EXITCODE_REPORT_FAILED, r, "no process that asks for the report");
}

static void work_freep(struct work **w)
{
	if (*w)
		(void)munmap(*w, sizeof(**w)); /* of no file */
}

static struct work *new_work(const struct root *root)
{
	struct work *w =
		mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		return NULL;
	w->root = root;
	w->owner = getpid();
	w->end = -EBADF;
	w->floor = -1;
	return w;
}

static int no_memory(struct fault *f)
{
	return fault_set(f, EXITCODE_REPORT_FAILED, ENOMEM, "no memory for a report");
}

static int none(struct fault *f)
{
	(void)fault_set(f, EXITCODE_NO_PROVIDER, ENXIO,
			"the kernel has no provider of reports (sev_guest, tdx_guest)");
	return 0;
}

/* configfs has its directory in sysfs as soon as it is in the kernel. */
static int mount_configfs(const struct root *root, struct fault *f)
{
	_cleanup_close_ int fd = root_open(root, PATH_CONFIGFS, O_PATH | O_DIRECTORY, 0);
	struct statfs st;

	if (fd == -ENOENT || !root->machine)
		return 0; /* the next step sees that nothing is there */
	if (fd < 0)
		return fault_errno(f, EXITCODE_REPORT_FAILED, fd, "%s", PATH_CONFIGFS);
	if (fstatfs(fd, &st) < 0)
		return fault_errno(f, EXITCODE_REPORT_FAILED, -errno, "%s", PATH_CONFIGFS);
	if (st.f_type == CONFIGFS_MAGIC)
		return 0;
	if (mount("configfs", PATH_CONFIGFS, "configfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) <
	    0)
		return fault_errno(f, EXITCODE_REPORT_FAILED, -errno, "cannot mount configfs");
	return 0;
}

/* Linux makes these devices when the drivers are loaded on their platform, and register. */
static int look_for_device(const struct root *root, char *ret_name, struct fault *f)
{
	static const struct {
		const char *path, *provider;
	} devices[] = {
		{ PATH_DEV_SEV_GUEST, "sev_guest" },
		{ PATH_DEV_TDX_GUEST, "tdx_guest" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(devices); i++) {
		int r = root_exists(root, devices[i].path);

		if (r < 0)
			return fault_errno(f, EXITCODE_REPORT_FAILED, r, "%s", devices[i].path);
		if (r == 0)
			continue;
		(void)snprintf(ret_name, TSM_PROVIDER_SIZE, "%s", devices[i].provider);
		return 1;
	}
	(void)fault_set(
		f, EXITCODE_NO_PROVIDER, ENXIO,
		"neither %s nor %s is there; whether the kernel has a provider of reports shows only in a boot",
		PATH_DEV_SEV_GUEST, PATH_DEV_TDX_GUEST);
	return 0;
}

int tsm_provider(const struct root *root, bool look_only, struct deadline deadline,
		 char ret_name[static TSM_PROVIDER_SIZE], struct fault *f)
{
	_cleanup_(work_freep) struct work *w = NULL;
	int r;

	if (look_only)
		return look_for_device(root, ret_name, f);
	r = mount_configfs(root, f);
	if (r < 0)
		return r;
	w = new_work(root);
	if (!w)
		return no_memory(f);
	r = call_work(w, deadline, f);
	if (r == -ENXIO && !w->name[0])
		return none(f);
	if (r < 0)
		return r;
	memcpy(ret_name, w->found, TSM_PROVIDER_SIZE);
	return 1;
}

static unsigned char *copy(const unsigned char *bytes, size_t len)
{
	unsigned char *p = malloc(len ? len : 1);

	return p ? memcpy(p, bytes, len) : NULL;
}

int tsm_report(const struct root *root, const char *provider,
	       const unsigned char data[static TSM_DATA_SIZE], struct deadline deadline,
	       struct tsm_report *ret_report, struct fault *f)
{
	_cleanup_(work_freep) struct work *w = new_work(root);
	struct tsm_report report = TSM_REPORT_NULL;
	int r;

	if (!w)
		return no_memory(f);
	w->provider = provider;
	w->data = data;
	r = call_work(w, deadline, f);
	if (r == -ENXIO && !w->name[0])
		return no_report(f, -ENXIO);
	if (r < 0)
		return r;
	report.privlevel_floor = w->floor;
	report.outblob_len = w->outblob_len;
	report.auxblob_len = w->auxblob_len;
	report.outblob = copy(w->outblob, w->outblob_len);
	if (w->auxblob_len > 0)
		report.auxblob = copy(w->auxblob, w->auxblob_len);
	if (!report.outblob || (w->auxblob_len > 0 && !report.auxblob)) {
		tsm_report_done(&report);
		return no_memory(f);
	}
	*ret_report = report;
	return 0;
}

void tsm_report_done(struct tsm_report *report)
{
	free(report->outblob);
	free(report->auxblob);
	*report = TSM_REPORT_NULL;
}
