/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.c - runs the policy where a mistake of a parser can do no harm.
 * The process trusts nothing and can do nothing: see the header, use one socket, get memory, end.
 * Its parent trusts the answer to be a yes or a no, after a look at every field.
 */
#include "disk/judge.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/child.h"
#include "base/digest.h"
#include "base/seccomp.h"
#include "base/text.h"
#include "disk/advice.h"

#define JUDGE_FD 3
#define ANSWER_LIMIT_MS 20000 /* some 10 ms are normal; emulation is slow */

struct request {
	uint32_t volume;
	uint64_t device_size;
};

struct answer {
	int32_t r; /* of policy_judge() */
	struct verdict verdict;
};

static int enter_seccomp(void)
{
	struct sock_filter filter[] = {
		SECCOMP_BEGIN,
		SECCOMP_ALLOW(SYS_read),
		SECCOMP_ALLOW(SYS_write),
		SECCOMP_ALLOW(SYS_exit_group),
		SECCOMP_ALLOW_MEMORY,
	};

	return seccomp_enter(filter, ARRAY_SIZE(filter));
}

/* json-c asks for random numbers once, when it makes its first table. */
static void warm_up_json(void)
{
	struct json_object *obj = json_object_new_object();

	if (obj)
		json_object_object_add(obj, "", NULL);
	json_object_put(obj);
}

static void serve(const struct conf *conf, const unsigned char *metadata)
{
	struct answer answer;
	struct request request;

	while (read(JUDGE_FD, &request, sizeof(request)) == sizeof(request) &&
	       request.volume < conf->nr_volumes) {
		memset(&answer, 0, sizeof(answer));
		answer.r = policy_judge(metadata, request.device_size, conf,
					&conf->volumes[request.volume], &answer.verdict);
		if (write(JUDGE_FD, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
}

/* The judge's memory for headers, as large as the largest of them. From here on nobody can map it
 * to be written, punch holes into it, or change its size: F_SEAL_FUTURE_WRITE (Linux 5.1) leaves
 * only the mapping that is there, ours. Returns the descriptor, or -errno. */
static int make_memory(const struct conf *conf, struct judge_process *j)
{
	int fd = memfd_create("luks2-headers", MFD_CLOEXEC | MFD_ALLOW_SEALING), r;
	size_t i;

	if (fd < 0)
		return -errno;
	for (i = 0; i < conf->nr_volumes; i++)
		if (j->size < 2 * (size_t)conf->volumes[i].metadata_size)
			j->size = 2 * (size_t)conf->volumes[i].metadata_size;
	if (ftruncate(fd, (off_t)j->size) == 0) {
		j->metadata = mmap(NULL, j->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (j->metadata != MAP_FAILED &&
		    fcntl(fd, F_ADD_SEALS,
			  F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE) == 0)
			return fd;
	}
	r = -errno;
	if (j->metadata == MAP_FAILED)
		j->metadata = NULL;
	(void)close(fd);
	return r;
}

/* What the child does; it never returns. */
static void run_judge(int fd, int memory, const struct judge_process *j, const struct conf *conf)
{
	const unsigned char *metadata = mmap(NULL, j->size, PROT_READ, MAP_SHARED, memory, 0);

	/* The mapping that can be written to stays with the parent. */
	if (metadata == MAP_FAILED || munmap(j->metadata, j->size) < 0)
		_exit(EXIT_FAILURE);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(fd, JUDGE_FD) < 0 ||
	    syscall(SYS_close_range, 0, JUDGE_FD - 1, 0) < 0 ||
	    syscall(SYS_close_range, JUDGE_FD + 1, ~0U, 0) < 0)
		_exit(EXIT_FAILURE);
	warm_up_json();
	if (enter_seccomp() < 0)
		_exit(EXIT_FAILURE);
	serve(conf, metadata);
	_exit(EXIT_SUCCESS);
}

int judge_start(const struct conf *conf, struct judge_process *ret_judge, struct fault *f)
{
	_cleanup_(judge_done) struct judge_process judge = JUDGE_NULL;
	_cleanup_close_ int memory = -EBADF;
	int fds[2];

	if (digest_init_library() < 0)
		return fault_set(f, EXITCODE_JUDGE_FAILED, ENOTSUP, "libcrypto has no SHA-256");
	memory = make_memory(conf, &judge);
	if (memory < 0)
		return fault_errno(f, EXITCODE_JUDGE_FAILED, memory, "no memory for the judge");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return fault_errno(f, EXITCODE_JUDGE_FAILED, -errno, "no socket for the judge");
	judge.fd = fds[0];
	judge.pid = fork();
	if (judge.pid == 0)
		run_judge(fds[1], memory, &judge, conf);
	(void)close(fds[1]); /* the child has its own */
	if (judge.pid < 0)
		return fault_set(f, EXITCODE_JUDGE_FAILED, ENOMEM, "cannot start the judge");
	*ret_judge = judge;
	judge = JUDGE_NULL;
	return 0;
}

static bool is_terminated(const char *field, size_t size)
{
	return memchr(field, '\0', size) != NULL;
}

static bool is_listed(const struct name_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->nr; i++)
		if (strcmp(list->names[i], name) == 0)
			return true;
	return false;
}

static bool places_are_sane(const struct verdict *v, const struct volume_conf *vc,
			    const struct device *device)
{
	const uint64_t metadata_size = 2 * (uint64_t)vc->metadata_size;
	uint32_t i;

	if (v->data_offset < metadata_size || v->data_offset > HEADER_DATA_OFFSET_MAX ||
	    v->data_offset >= device->size || v->nr_keyslots == 0 ||
	    v->nr_keyslots > HEADER_AREAS_MAX)
		return false;
	for (i = 0; i < v->nr_keyslots; i++) {
		const struct header_area *area = &v->keyslots[i].area;

		if (area->offset < metadata_size || area->offset > v->data_offset ||
		    area->size == 0 || area->size > HEADER_AREA_SIZE_MAX ||
		    area->size > v->data_offset - area->offset || v->keyslots[i].id > 31 ||
		    v->keyslots[i].memory_kib > POLICY_ARGON2_MEMORY_KIB_MAX)
			return false;
	}
	return true;
}

/* Integrity is what cocotab says, and nothing else fits the volume key. */
static bool key_is_sane(const struct verdict *v, const struct volume_conf *vc)
{
	bool wanted = vc->options & VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	unsigned char integrity; /* a bool may hold any byte, since another process has set it */

	memcpy(&integrity, &v->integrity, sizeof(integrity));
	if (integrity != wanted)
		return false;
	return wanted ? v->volume_key_size == 96 :
			v->volume_key_size == 32 || v->volume_key_size == 64;
}

/* A judge that a header has taken over must not reach further than its answer. */
static bool is_sane(const struct answer *a, const struct conf *conf, const struct volume_conf *vc,
		    const struct device *device)
{
	const struct verdict *v = &a->verdict;
	char uuid[GUID_TEXT_SIZE];

	if (!is_terminated(v->rule, sizeof(v->rule)) || !is_terminated(v->uuid, sizeof(v->uuid)) ||
	    !is_terminated(v->cipher, sizeof(v->cipher)))
		return false;
	if (a->r == -EPERM)
		return v->rule[0] != '\0';
	if (a->r == -ENOMEM)
		return true;
	return a->r == 0 && v->rule[0] == '\0' && is_listed(&conf->ciphers, v->cipher) &&
	       (v->sector_size == 512 || v->sector_size == 4096) &&
	       v->iterations <= POLICY_ITERATIONS_MAX && v->argon2_kib <= POLICY_ARGON2_KIB_MAX &&
	       key_is_sane(v, vc) && guid_from_text(v->uuid, uuid) == 0 && v->digest_id <= 31 &&
	       places_are_sane(v, vc, device);
}

static int exchange(const struct judge_process *judge, const struct request *request,
		    struct answer *ret_answer)
{
	struct deadline deadline = deadline_in_ms(ANSWER_LIMIT_MS);
	struct pollfd p = { .fd = judge->fd, .events = POLLIN };
	int r;

	if (send(judge->fd, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request))
		return -EPIPE;
	do
		r = poll(&p, 1, deadline_left_ms(deadline));
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	return recv(judge->fd, ret_answer, sizeof(*ret_answer), MSG_TRUNC) == sizeof(*ret_answer) ?
		       0 :
		       -EPIPE;
}

int judge_ask(const struct judge_process *judge, const struct conf *conf, size_t volume,
	      const unsigned char *metadata, const struct device *device,
	      struct verdict *ret_verdict, struct fault *f)
{
	const struct volume_conf *vc = &conf->volumes[volume];
	const struct request request = { .volume = (uint32_t)volume, .device_size = device->size };
	size_t size = 2 * (size_t)vc->metadata_size;
	char advice[ADVICE_SIZE], next[ADVICE_SIZE + 40];
	struct answer answer;
	int r;

	if (size > judge->size)
		return fault_set(f, EXITCODE_JUDGE_FAILED, EINVAL,
				 "the judge has no room for the header of %s", device->path);
	memcpy(judge->metadata, metadata, size);
	r = exchange(judge, &request, &answer);
	if (r == -ETIMEDOUT)
		return fault_set(f, EXITCODE_JUDGE_FAILED, ETIMEDOUT,
				 "the judge does not answer about the header of %s", device->path);
	if (r < 0 || !is_sane(&answer, conf, vc, device))
		return fault_set(f, EXITCODE_JUDGE_FAILED, EPIPE,
				 "the judge has failed on the header of %s", device->path);
	*ret_verdict = answer.verdict;
	text_printable(answer.verdict.rule, ret_verdict->rule, sizeof(ret_verdict->rule));
	text_printable(answer.verdict.uuid, ret_verdict->uuid, sizeof(ret_verdict->uuid));
	text_printable(answer.verdict.cipher, ret_verdict->cipher, sizeof(ret_verdict->cipher));
	if (answer.r == -ENOMEM)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory to judge the header");
	if (answer.r == 0)
		return 0;
	advice_on(ret_verdict, metadata, vc, device->size, advice);
	(void)snprintf(next, sizeof(next), "%s%s",
		       *advice ? "attach the disk as it was prepared; " : "", advice); /* fits */
	return fault_advise(f, EXITCODE_HEADER_REFUSED, EPERM, next,
			    "the header of %s breaks the rule '%s'", device->path,
			    ret_verdict->rule);
}

void judge_done(struct judge_process *judge)
{
	if (judge->pid > 0)
		(void)child_end(judge->pid); /* it has nothing to save */
	util_closep(&judge->fd);
	if (judge->metadata)
		(void)munmap(judge->metadata, judge->size); /* a whole mapping of ours */
	*judge = JUDGE_NULL;
}
