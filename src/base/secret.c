/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * secret.c - locked memory for secret bytes.
 * Trusts its caller to pass a descriptor of the secret; may not log, format or copy them.
 *
 * Who wipes, exit by exit: unlock.c ends each try with secrets_done(), which wipes those of the
 * volumes; every other struct secret of a boot has _cleanup_secret_ or a ..._done() of what holds
 * it. So success, refusal and deadline all pass secret_done(); on a signal and on a crash the
 * kernel frees the pages, which are in no core file and in no swap; the failure action (power off
 * and the like) runs after the pipeline has returned. Not ours to wipe: libcryptsetup's own
 * buffers (it wipes them itself), OpenSSL's, and the kernel's key.
 */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int secret_harden_process(void)
{
	const struct rlimit no_core = { 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	return 0;
}

static int map(struct secret *ret_secret)
{
	void *p = mmap(NULL, SECRET_CAPACITY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	int r;

	if (p == MAP_FAILED)
		return -errno;
	if (madvise(p, SECRET_CAPACITY, MADV_DONTDUMP) < 0 ||
	    madvise(p, SECRET_CAPACITY, MADV_WIPEONFORK) < 0 || mlock(p, SECRET_CAPACITY) < 0) {
		r = -errno;
		(void)munmap(p, SECRET_CAPACITY); /* holds nothing yet */
		return r;
	}
	*ret_secret = (struct secret){ .bytes = p };
	return 0;
}

int secret_init(struct secret *ret_secret, struct fault *f)
{
	static const char raise[] =
		"run it as root, or raise the limit of locked memory (ulimit -l)";
	int r = map(ret_secret);
	struct rlimit limit;

	if (r >= 0)
		return r;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		limit.rlim_cur = RLIM_INFINITY;
	/* mlock(2): EPERM if the limit is 0; ENOMEM or EAGAIN if it, or the memory, is used up. */
	if (r == -EPERM && limit.rlim_cur == 0)
		(void)fault_about(f, EXITCODE_NO_MEMORY, "memory", raise,
				  "no locked memory for a secret: RLIMIT_MEMLOCK is 0");
	else if (r != -EPERM && limit.rlim_cur != RLIM_INFINITY)
		(void)fault_about(f, EXITCODE_NO_MEMORY, "memory", raise,
				  "no locked memory for a secret: %s; RLIMIT_MEMLOCK is %llu KiB",
				  strerror(-r), (unsigned long long)limit.rlim_cur / 1024);
	else
		(void)fault_about(f, EXITCODE_NO_MEMORY, "memory", "",
				  "no locked memory for a secret: %s", strerror(-r));
	return r;
}

void secret_copy(struct secret *to, const struct secret *from)
{
	memcpy(to->bytes, from->bytes, SECRET_CAPACITY);
	to->len = from->len;
}

void secret_done(struct secret *s)
{
	if (!s->bytes)
		return;
	explicit_bzero(s->bytes, SECRET_CAPACITY);
	(void)munmap(s->bytes, SECRET_CAPACITY); /* wiped already */
	*s = SECRET_NULL;
}

int secret_read(struct secret *s, int fd)
{
	unsigned char one_more;
	ssize_t n;
	int r;

	s->len = 0;
	for (;;) {
		bool full = s->len == SECRET_CAPACITY;

		n = full ? read(fd, &one_more, 1) :
			   read(fd, s->bytes + s->len, SECRET_CAPACITY - s->len);
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || full)
			break;
		s->len += (size_t)n;
	}
	r = n < 0 ? -errno : -EFBIG;
	explicit_bzero(s->bytes, SECRET_CAPACITY);
	explicit_bzero(&one_more, sizeof(one_more));
	s->len = 0;
	return r;
}

bool secret_ends_in_nul(const struct secret *s)
{
	return s->len > 0 && s->bytes[s->len - 1] == 0;
}

int secret_sha256(const struct secret *s, struct digest *ret_digest)
{
	return digest_sha256(s->bytes, s->len, ret_digest);
}

int secret_hmac_sha256(const struct secret *key, const char *text, struct digest *ret_digest)
{
	return digest_hmac_sha256(key->bytes, key->len, text, ret_digest);
}

int secret_reveal_text(const struct secret *s, size_t max, char **ret_text)
{
	char *text;

	if (s->len > max)
		return -EFBIG;
	if (memchr(s->bytes, '\0', s->len))
		return -EINVAL;
	text = calloc(1, s->len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, s->bytes, s->len);
	*ret_text = text;
	return 0;
}
