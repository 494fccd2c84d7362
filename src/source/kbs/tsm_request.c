/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsm_request.c - one request to configfs-tsm, from mkdir to rmdir.
 * Trusts the kernel, but not to answer: runs in a process of its own, and nothing may wait for it
 * beyond a deadline. Trusts no byte of a report but the 64 that have to be in it. May not ask
 * twice: a second request after a failed one can cost the guest its key to the secure processor.
 *
 * Facts used (Linux, drivers/virt/coco/guest/report.c): what a write to inblob has come to is told
 * by nothing but generation. A read of outblob that fails has asked the platform, and so would the
 * next one.
 */
#include "source/kbs/tsm_request.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/little.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/text.h"

#define PREFIX "coco-unlock-" /* of our directories: PREFIX PID - RANDOM */
#define NAME_TRIES 8
#define NUMBER_SIZE 32

/* AMD's specification 56860, table 23; Intel's DCAP quote, versions 4 and 5. */
#define SNP_REPORT_DATA 0x50
#define TDX_VERSION_SIZE 2
#define TDX_BODY_V4 48
#define TDX_BODY_V5 54
#define TDX_REPORT_DATA 520 /* in the body */

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

int tsm_request_refused(struct fault *f, int r)
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
	char number[TSM_NAME_SIZE];
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
static int make_directory(struct tsm_request *req, int parent, struct fault *f)
{
	unsigned int i;
	uint64_t random;
	int fd;

	for (i = 0; i < NAME_TRIES; i++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return fault_errno(f, EXITCODE_REPORT_FAILED, -errno, "no random numbers");
		(void)snprintf(req->name, sizeof(req->name), PREFIX "%d-%016llx", (int)req->owner,
			       (unsigned long long)random); /* fits */
		if (mkdirat(parent, req->name, 0700) == 0)
			break;
		req->name[0] = '\0';
		if (errno == ENXIO)
			return -ENXIO;
		if (errno != EEXIST || i == NAME_TRIES - 1)
			return fault_errno(f, EXITCODE_REPORT_FAILED, -errno,
					   "no directory for a report below %s", PATH_TSM_REPORT);
	}
	fd = openat(parent, req->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : no_attribute(f, -errno, "the directory");
}

/* With a floor above 0 the kernel's first value is below it. Returns how many writes that took. */
static int write_privlevel(struct tsm_request *req, int dir, struct fault *f)
{
	char text[NUMBER_SIZE];
	uint64_t floor;
	int r = read_number(dir, "privlevel_floor", UINT8_MAX, &floor);

	if (r == -ENOENT)
		return 0; /* this provider has no levels */
	if (r < 0)
		return no_attribute(f, r, "privlevel_floor");
	req->floor = (int)floor;
	if (floor == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "%d", req->floor); /* fits */
	r = write_attribute(dir, "privlevel", text, strlen(text));
	return r < 0 ? no_attribute(f, r, "privlevel") : 1;
}

/* What was asked for has to be in it: generation says only that nobody has written besides. */
static int check_data(const struct tsm_request *req, struct fault *f)
{
	size_t at = SNP_REPORT_DATA;
	unsigned int version;

	if (strcmp(req->provider, "tdx_guest") == 0) {
		if (req->outblob_len < TDX_VERSION_SIZE)
			return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
					 "the quote has no version");
		version = little16(req->outblob);
		if (version != 4 && version != 5)
			return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
					 "the quote is of version %u, and only 4 and 5 are known",
					 version);
		at = TDX_REPORT_DATA + (version == 4 ? TDX_BODY_V4 : TDX_BODY_V5);
	} else if (strcmp(req->provider, "sev_guest") != 0) {
		return fault_set(f, EXITCODE_REPORT_FAILED, ENOTSUP,
				 "nobody knows where a report of %s has what was asked for",
				 req->provider);
	}
	if (req->outblob_len < at + TSM_DATA_SIZE)
		return fault_set(f, EXITCODE_REPORT_FAILED, EBADMSG,
				 "the report ends after %zu bytes", req->outblob_len);
	if (memcmp(req->outblob + at, req->data, TSM_DATA_SIZE) != 0)
		return fault_advise(f, EXITCODE_REPORT_FAILED, EBADMSG,
				    "let nothing else in the image ask for reports",
				    "the report is not about the 64 bytes that were asked for");
	return 0;
}

static int read_blobs(struct tsm_request *req, int dir, struct fault *f)
{
	int r = read_blob(dir, "outblob", req->outblob, sizeof(req->outblob), &req->outblob_len);

	if (r == -E2BIG)
		return fault_set(f, EXITCODE_REPORT_FAILED, EFBIG,
				 "the report has more than %d bytes", TSM_OUTBLOB_MAX);
	if (r < 0)
		return tsm_request_refused(f, r);
	r = read_blob(dir, "auxblob", req->auxblob, sizeof(req->auxblob), &req->auxblob_len);
	if (r == -E2BIG)
		return fault_set(f, EXITCODE_REPORT_FAILED, EFBIG,
				 "the certificate table has more than %d bytes", TSM_AUXBLOB_MAX);
	/* tdx_guest has no such file. */
	return r < 0 && r != -ENOENT ? no_attribute(f, r, "auxblob") : 0;
}

static int make_report(struct tsm_request *req, int dir, struct fault *f)
{
	uint64_t before, after;
	int writes, r;

	if (strcmp(req->found, req->provider) != 0)
		return fault_set(f, EXITCODE_REPORT_FAILED, ESTALE,
				 "the provider is %s now, and was %s before", req->found,
				 req->provider);
	r = read_number(dir, "generation", UINT32_MAX, &before);
	if (r < 0)
		return no_attribute(f, r, "generation");
	writes = write_privlevel(req, dir, f);
	if (writes < 0)
		return writes;
	r = write_attribute(dir, "inblob", req->data, TSM_DATA_SIZE);
	if (r < 0)
		return no_attribute(f, r, "inblob");
	r = read_blobs(req, dir, f);
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
	return check_data(req, f);
}

static int remove_directory(struct tsm_request *req, int parent, struct fault *f)
{
	/* Not there: who was to make it did not come so far. */
	if (unlinkat(parent, req->name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		req->removal = -errno;
		return fault_errno(f, EXITCODE_REPORT_FAILED, req->removal, "cannot remove %s/%s",
				   PATH_TSM_REPORT, req->name);
	}
	req->removed = true;
	return 0;
}

/* All of it, from mkdir to rmdir. Returns -ENXIO without a fault if there is no provider. */
int tsm_request_make(void *arg, struct fault *f)
{
	struct tsm_request *req = arg;
	_cleanup_close_ int parent = -EBADF, dir = -EBADF;
	int list, r, removed;

	close_all_but(STDERR_FILENO + 1, req->root->fd, req->root->fd);
	parent = root_open(req->root, PATH_TSM_REPORT, O_RDONLY | O_DIRECTORY, 0);
	if (parent == -ENOENT || parent == -ENOTDIR)
		return -ENXIO; /* neither configfs, nor what is below it, is in the kernel */
	if (parent < 0)
		return fault_errno(f, EXITCODE_REPORT_FAILED, parent, "%s", PATH_TSM_REPORT);
	list = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = root_walk_fd(list < 0 ? -errno : list, remove_leftover, &parent);
	if (r < 0)
		log_warning("%s cannot be listed: %s", PATH_TSM_REPORT, strerror(-r));
	dir = make_directory(req, parent, f);
	if (dir < 0 && !req->name[0])
		return dir;
	r = dir < 0 ? dir : read_text(dir, "provider", req->found, sizeof(req->found));
	if (dir >= 0 && r < 0)
		r = no_attribute(f, r, "provider");
	if (r >= 0 && req->provider)
		r = make_report(req, dir, f);
	removed = remove_directory(req, parent, f);
	return r < 0 ? r : removed;
}

int tsm_request_remove_late(void *arg)
{
	struct tsm_request *req = arg;
	struct fault ignored = { 0 };
	int parent;

	close_all_but(STDIN_FILENO, req->root->fd, req->end); /* it has nothing to say */
	parent = root_open(req->root, PATH_TSM_REPORT, O_RDONLY | O_DIRECTORY, 0);
	return parent < 0 || remove_directory(req, parent, &ignored) < 0;
}
