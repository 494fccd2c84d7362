/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tsm.c - asks the kernel for a report of the platform, through configfs-tsm.
 * Trusts the kernel, but not to answer: the host may let a request wait. May touch nothing below
 * the directory of reports; the processes of tsm_request.c do.
 *
 * Facts used (Linux, drivers/virt/coco/guest/report.c and fs/configfs): a request that waits holds
 * locks that mkdir, every attribute of every directory, and rmdir of its own one need; some of
 * these waits end by no signal. So none of it is touched but in a process of its own.
 */
#include "source/kbs/tsm.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "base/child.h"
#include "base/log.h"
#include "base/paths.h"
#include "source/kbs/tsm_request.h"

#define CONFIGFS_MAGIC 0x62656570 /* Linux, fs/configfs/mount.c: in no header for programs */
/* What a directory that the kernel holds on to is waited for. With what child.c waits for a process
 * that no signal ends, and client.c for the broker program, it is less than a second in all. */
#define REMOVAL_MS 200

/* The process that does it is nobody's child, so that nobody has to wait for it. */
static int start_remove_late(void *arg)
{
	struct child child;

	return child_start(&child, tsm_request_remove_late, arg) < 0;
}

/* The process that has made the directory is gone, or hangs. */
static void remove_after(struct tsm_request *req)
{
	const struct deadline deadline = deadline_in_ms(REMOVAL_MS);
	struct pollfd end = { .events = POLLIN };
	struct child child;
	int fds[2], r = pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;

	if (r >= 0) {
		req->end = fds[1];
		r = child_start(&child, start_remove_late, req);
		(void)close(fds[1]);
		if (r >= 0) {
			child_wait(&child, 1, deadline);
			end.fd = fds[0];
			(void)poll(&end, 1, deadline_left_ms(deadline)); /* the other end closes */
		}
		(void)close(fds[0]);
	}
	r = r < 0 ? r : req->removal;
	if (!req->removed)
		log_warning("%s/%s is left: %s", PATH_TSM_REPORT, req->name,
			    r < 0 ? strerror(-r) :
				    "the kernel holds on to it; it is removed as soon as it can be");
}

/* Returns what tsm_request_make() has returned, or -errno with a fault. */
static int call_request(struct tsm_request *req, struct deadline deadline, struct fault *f)
{
	int done = -EPROTO, r = child_call(tsm_request_make, req, deadline, &done, f);

	if (r >= 0)
		return done;
	if (req->name[0] && !req->removed)
		remove_after(req);
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

static void request_freep(struct tsm_request **req)
{
	if (*req)
		(void)munmap(*req, sizeof(**req)); /* of no file */
}

static struct tsm_request *new_request(const struct root *root)
{
	struct tsm_request *req =
		mmap(NULL, sizeof(*req), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (req == MAP_FAILED)
		return NULL;
	req->root = root;
	req->owner = getpid();
	req->end = -EBADF;
	req->floor = -1;
	return req;
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
	_cleanup_(request_freep) struct tsm_request *req = NULL;
	int r;

	if (look_only)
		return look_for_device(root, ret_name, f);
	r = mount_configfs(root, f);
	if (r < 0)
		return r;
	req = new_request(root);
	if (!req)
		return no_memory(f);
	r = call_request(req, deadline, f);
	if (r == -ENXIO && !req->name[0])
		return none(f);
	if (r < 0)
		return r;
	memcpy(ret_name, req->found, TSM_PROVIDER_SIZE);
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
	_cleanup_(request_freep) struct tsm_request *req = new_request(root);
	struct tsm_report report = TSM_REPORT_NULL;
	int r;

	if (!req)
		return no_memory(f);
	req->provider = provider;
	req->data = data;
	r = call_request(req, deadline, f);
	if (r == -ENXIO && !req->name[0])
		return tsm_request_refused(f, -ENXIO);
	if (r < 0)
		return r;
	report.privlevel_floor = req->floor;
	report.outblob_len = req->outblob_len;
	report.auxblob_len = req->auxblob_len;
	report.outblob = copy(req->outblob, req->outblob_len);
	if (req->auxblob_len > 0)
		report.auxblob = copy(req->auxblob, req->auxblob_len);
	if (!report.outblob || (req->auxblob_len > 0 && !report.auxblob)) {
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
