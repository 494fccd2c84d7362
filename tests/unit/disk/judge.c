/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * judge.c - the judge's process: what it answers, that it can do nothing else, and what
 * becomes of a judge that a header has killed, stopped, or taken over.
 * A header takes it over here when it computes a checksum: EVP_DigestUpdate() is a fake, and does
 * in the child what the test says. fork, poll and prctl are fakes that mostly do their work.
 * Needs: cryptsetup
 */
#include "disk/judge.h"

#include <openssl/evp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "inject_next.h"
#include "luks2.h"

#define UUID "aaaaaaaa-0000-4000-8000-00000000000a"
#define JUDGE_FD 3

/* What judge.c sends over its socket. */
struct answer {
	int32_t r;
	struct verdict verdict;
};

static unsigned char base[HEADER_METADATA_SIZE], mutant[HEADER_METADATA_SIZE];
static struct conf conf;
static struct device device = DEVICE_NULL;
static struct verdict verdict;
static struct fault f;

static bool in_child;
static void (*attack)(void); /* what the child does in the place of its work */
static struct answer forged; /* and answers then */
static size_t forged_size;
static unsigned char *judged; /* where the header is in the child */
static int attacked_with;     /* a system call's number */

static void answer_and_end(void)
{
	if (write(JUDGE_FD, &forged, forged_size) < 0)
		_exit(2);
	_exit(0);
}

int EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t count)
{
	if (in_child && attack) {
		memcpy(&judged, &data, sizeof(judged));
		attack();
		answer_and_end();
	}
	return INJECT_NEXT(EVP_DigestUpdate)(ctx, data, count);
}

static enum { FORK_WORKS, FORK_FAILS, FORK_DIES } fork_does;

pid_t fork(void)
{
	pid_t pid;

	if (fork_does == FORK_FAILS) {
		errno = EAGAIN;
		return -1;
	}
	(void)fflush(stdout);
	pid = INJECT_NEXT(fork)();
	if (pid == 0 && fork_does == FORK_DIES)
		_exit(0);
	in_child = pid == 0;
	return pid;
}

/* What poll(2) is made to say, and what it was asked. */
static int poll_says, poll_calls, poll_timeout; /* 0: nothing came; -errno; 1: the truth */

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	poll_calls++;
	poll_timeout = timeout;
	if (poll_says == 1)
		return INJECT_NEXT(poll)(fds, nr, timeout);
	errno = -poll_says;
	if (poll_says == -EINTR)
		poll_says = 1;
	return errno ? -1 : 0;
}

static int prctl_lies_about, prctl_fails_about; /* an option */

int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;
	int i;

	va_start(ap, option);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (in_child && option == prctl_lies_about)
		return 0;
	if (in_child && option == prctl_fails_about) {
		errno = EINVAL;
		return -1;
	}
	return INJECT_NEXT(prctl)(option, a[0], a[1], a[2], a[3]);
}

static int ended; /* how the last child has */

pid_t waitpid(pid_t pid, int *status, int options)
{
	pid_t r = INJECT_NEXT(waitpid)(pid, &ended, options);

	if (status)
		*status = ended;
	return r;
}

static void begin(void)
{
	memcpy(mutant, base, sizeof(mutant));
	f = (struct fault){ 0 };
	attack = NULL;
	fork_does = FORK_WORKS;
	poll_says = 1;
	poll_calls = 0;
	prctl_lies_about = prctl_fails_about = -1;
	memset(&verdict, 0xaa, sizeof(verdict));
}

/* A judge for one question, about the mutant. */
static int ask(void)
{
	struct judge_process judge = JUDGE_NULL;
	int r;

	r = judge_start(&conf, &judge, &f);
	if (r >= 0)
		r = judge_ask(&judge, &conf, 0, mutant, &device, &verdict, &f);
	judge_done(&judge);
	ok(judge.fd == -EBADF && judge.pid == 0 && waitpid(-1, NULL, WNOHANG) == -1 &&
		   errno == ECHILD,
	   "no process is left");
	return r;
}

static void fails(const char *what)
{
	const struct verdict before = verdict;
	int r = ask();

	ok(r < 0 && f.code == EXITCODE_JUDGE_FAILED, "%s: judge-failed, %s", what, f.why);
	ok(memcmp(&before, &verdict, sizeof(before)) == 0, "the verdict is untouched");
}

static void test_work(void)
{
	struct judge_process judge = JUDGE_NULL;
	struct verdict direct;
	unsigned int fds = fixture_fds();
	int i;

	begin();
	is_int(ask(), 0, "a good header: %s", f.why);
	FIXTURE_MUST(policy_judge(base, device.size, &conf, &conf.volumes[0], &direct) == 0);
	ok(memcmp(&direct, &verdict, sizeof(direct)) == 0, "the verdict is that of policy_judge()");
	/* It sees the end of its socket, or the signal, whichever comes first. */
	ok(WIFEXITED(ended) ? WEXITSTATUS(ended) == 0 : WTERMSIG(ended) == SIGKILL,
	   "the judge ends when it is done");
	ok(poll_timeout > 1000 && poll_timeout <= 20000, "it has some seconds for an answer");
	is_int(fixture_fds(), fds, "no descriptor is left");

	begin();
	mutant[HEADER_BINARY_SIZE] = '[';
	luks2_seal(mutant);
	mutant[HEADER_COPY_SIZE + HEADER_BINARY_SIZE] = '[';
	luks2_seal(mutant);
	ok(ask() == -EPERM && f.code == EXITCODE_HEADER_REFUSED &&
		   strcmp(verdict.rule, "json") == 0,
	   "a bad one: %s", f.why);
	is_str(f.why, "the header of /dev/x breaks the rule 'json'", "with path and rule");
	is_str(verdict.uuid, UUID, "and the UUID is told");

	begin();
	FIXTURE_MUST(judge_start(&conf, &judge, &f) == 0);
	for (i = 0; i < 3; i++) {
		f = (struct fault){ 0 };
		mutant[24] = i == 1 ? 0x1b : 0;
		luks2_seal(mutant);
		is_int(judge_ask(&judge, &conf, i == 2, mutant, &device, &verdict, &f),
		       i == 1 ? -EPERM : 0, "question %d to the same judge", i + 1);
	}
	f = (struct fault){ 0 };
	ok(judge_ask(&judge, &conf, 2, mutant, &device, &verdict, &f) < 0 &&
		   f.code == EXITCODE_JUDGE_FAILED,
	   "a volume that is not in the configuration ends it");
	judge_done(&judge);
	judge_done(&judge);
	ok(judge.pid == 0, "done twice is harmless");
	is_int(fixture_fds(), fds, "no descriptor is left");
}

static void die_by_signal(void)
{
	__builtin_trap();
}

static void die_by_stack(void)
{
	volatile char *nowhere = NULL;

	*nowhere = 1;
}

static void nothing(void)
{
}

static void never_answer(void)
{
	char c;

	while (read(JUDGE_FD, &c, 1) >= 0) /* the parent says nothing more */
		;
}

static void end_silently(void)
{
	_exit(0);
}

static void test_failures(void)
{
	static const struct {
		const char *what;
		void (*attack)(void);
		int poll_says;
	} cases[] = {
		{ "killed by a signal", die_by_signal, 1 },
		{ "killed by a bad pointer", die_by_stack, 1 },
		{ "ended without an answer", end_silently, 1 },
		{ "no answer in time", never_answer, 0 },
		{ "poll fails", never_answer, -EIO },
	};
	unsigned int fds = fixture_fds();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		attack = cases[i].attack;
		poll_says = cases[i].poll_says;
		fails(cases[i].what);
	}
	ok(strstr(f.why, "/dev/x") != NULL, "the reason names the disk");
	begin();
	poll_says = -EINTR;
	ok(ask() == 0 && poll_calls == 2, "a signal while waiting: it waits on");
	begin();
	fork_does = FORK_FAILS;
	fails("no process");
	begin();
	fork_does = FORK_DIES;
	fails("a judge that is dead before the question");
	begin();
	prctl_fails_about = PR_SET_SECCOMP;
	fails("no seccomp: it does not look at the header");
	begin();
	prctl_fails_about = PR_SET_NO_NEW_PRIVS;
	fails("nor without its premise");
	begin();
	prctl_fails_about = PR_SET_PDEATHSIG;
	fails("nor where it might outlive its parent");
	is_int(fixture_fds(), fds, "no descriptor is left");
}

/* A good answer, to be spoilt. */
static void begin_forged(void)
{
	const struct volume_conf plain = { .metadata_size = HEADER_COPY_SIZE };

	begin();
	forged = (struct answer){ .r = 0 };
	FIXTURE_MUST(policy_judge(base, device.size, &conf, &plain, &forged.verdict) == 0);
	forged_size = sizeof(forged);
	attack = nothing;
}

#define INSANE(change)          \
	do {                    \
		begin_forged(); \
		change;         \
		fails(#change); \
	} while (0)

static void test_answers(void)
{
	struct verdict *v = &forged.verdict;
	size_t i;

	begin_forged();
	is_int(ask(), 0, "premise: a forged answer that is sane is taken");
	INSANE(forged_size = 1);
	INSANE(forged_size = sizeof(forged) - 1);
	INSANE(forged_size = 4);
	INSANE(forged.r = 1);
	INSANE(forged.r = -EINVAL);
	INSANE(forged.r = INT32_MIN);
	INSANE(memset(v->rule, 'x', sizeof(v->rule)));
	INSANE(strcpy(v->rule, "json"));
	INSANE(memset(v->uuid, 'x', sizeof(v->uuid)));
	INSANE(strcpy(v->uuid, "\x1b[2J"));
	INSANE(v->uuid[0] = '\0');
	INSANE(memset(v->cipher, 'x', sizeof(v->cipher)));
	INSANE(strcpy(v->cipher, "cipher_null-ecb"));
	INSANE(v->cipher[0] = '\0');
	INSANE(v->data_offset = 0);
	INSANE(v->data_offset = HEADER_METADATA_SIZE - 1);
	INSANE(v->data_offset = device.size);
	INSANE((device.size = 4ULL << 30, v->data_offset = HEADER_DATA_OFFSET_MAX + 1));
	device.size = 2 * 1024 * 1024;
	INSANE(v->data_offset = UINT64_MAX);
	INSANE(v->sector_size = 0);
	INSANE(v->sector_size = 1024);
	INSANE(v->volume_key_size = 0);
	INSANE(v->volume_key_size = 33);
	INSANE(v->volume_key_size = 96);
	INSANE(v->volume_key_size = UINT32_MAX);
	INSANE(v->digest_id = 32);
	INSANE(v->integrity = true); /* cocotab has not asked for it */
	INSANE((v->integrity = true, v->volume_key_size = 96));
	INSANE(memset(&v->integrity, 2, sizeof(v->integrity)));
	conf.volumes[0].options = VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	INSANE(v->volume_key_size = 96); /* now it has */
	INSANE(v->integrity = true);
	begin_forged();
	v->integrity = true;
	v->volume_key_size = 96;
	is_int(ask(), 0, "with integrity the volume key has 96 bytes");
	conf.volumes[0].options = 0;
	INSANE(v->iterations = POLICY_ITERATIONS_MAX + 1);
	INSANE(v->argon2_kib = POLICY_ARGON2_KIB_MAX + 1);
	INSANE(v->keyslots[0].memory_kib = POLICY_ARGON2_MEMORY_KIB_MAX + 1);
	INSANE(v->nr_keyslots = 0);
	INSANE(v->nr_keyslots = HEADER_AREAS_MAX + 1);
	INSANE(v->nr_keyslots = UINT32_MAX);
	INSANE(v->nr_keyslots = 2);
	INSANE(v->keyslots[0].id = 32);
	INSANE(v->keyslots[0].area.offset = 0);
	INSANE(v->keyslots[0].area.offset = HEADER_METADATA_SIZE - 1);
	INSANE(v->keyslots[0].area.offset = v->data_offset);
	INSANE(v->keyslots[0].area.offset = UINT64_MAX - 4096);
	INSANE(v->keyslots[0].area.size = 0);
	INSANE(v->keyslots[0].area.size = HEADER_AREA_SIZE_MAX + 1);
	INSANE(v->keyslots[0].area.size = v->data_offset - v->keyslots[0].area.offset + 1);
	INSANE(v->keyslots[0].area.size = UINT64_MAX);
	INSANE((forged.r = -EPERM, v->rule[0] = '\0'));
	INSANE((forged.r = -EPERM, memset(v->rule, 'x', sizeof(v->rule))));

	begin_forged();
	forged.r = -ENOMEM;
	ok(ask() == -ENOMEM && f.code == EXITCODE_NO_MEMORY, "no memory to judge: %s", f.why);
	begin_forged();
	forged.r = -EPERM;
	strcpy(v->rule, "a\x1b[2J\"b");
	strcpy(v->uuid, "\x07\x1b]0;x");
	strcpy(v->cipher, "\x1b[2J\xff");
	ok(ask() == -EPERM && f.code == EXITCODE_HEADER_REFUSED, "a refusal in strange words");
	for (i = 0; i < sizeof(verdict.rule); i++)
		if (verdict.rule[i] && (verdict.rule[i] < 0x20 || verdict.rule[i] > 0x7e))
			break;
	is_int(i, sizeof(verdict.rule), "the rule's name is printable");
	ok(!strchr(f.why, 0x1b), "and so is the reason");
	ok(!strchr(verdict.uuid, 0x1b) && !strchr(verdict.cipher, 0x1b),
	   "and so are UUID and cipher, which go to the status file");
}

/* One system call, with arguments that do no harm if it works. */
static void call(void)
{
	static char memory[4096] __attribute__((aligned(4096)));
	long r;

	switch (attacked_with) {
	case SYS_mmap:
		r = syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case SYS_mprotect:
		r = syscall(SYS_mprotect, memory, sizeof(memory), PROT_READ | PROT_EXEC);
		break;
	case SYS_openat:
		r = syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
		break;
	case SYS_socket:
		r = syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0);
		break;
	case SYS_execve:
		r = syscall(SYS_execve, "/nonexistent", NULL, NULL);
		break;
	case SYS_kill:
		r = syscall(SYS_kill, 1, 0);
		break;
	case SYS_clone:
		r = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
		if (r == 0)
			_exit(0);
		break;
	case SYS_prctl:
		r = syscall(SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0, 0);
		break;
	default:
		r = syscall(attacked_with, -1, -1, -1, -1, -1, -1);
	}
	(void)r; /* whether it worked or failed: it was not to be made */
}

#define ATTACK(name) { #name, SYS_##name }

static void test_seccomp(void)
{
	/* clang-format off */
	static const struct {
		const char *name;
		int nr;
	} attacks[] = {
		ATTACK(openat), ATTACK(socket), ATTACK(execve), ATTACK(mmap), ATTACK(mprotect),
		ATTACK(clone), ATTACK(kill), ATTACK(ptrace), ATTACK(prctl), ATTACK(ioctl),
		ATTACK(sendmsg), ATTACK(recvmsg), ATTACK(sendto), ATTACK(recvfrom), ATTACK(connect),
		ATTACK(readv), ATTACK(writev), ATTACK(pread64), ATTACK(dup), ATTACK(fcntl),
		ATTACK(close), ATTACK(openat2), ATTACK(memfd_create), ATTACK(unlinkat),
		ATTACK(getpid), ATTACK(process_vm_readv), ATTACK(process_vm_writev),
		ATTACK(pidfd_open), ATTACK(io_uring_setup), ATTACK(bpf), ATTACK(keyctl),
		ATTACK(add_key), ATTACK(mount), ATTACK(reboot), ATTACK(finit_module),
		ATTACK(userfaultfd), ATTACK(setns), ATTACK(shmat), ATTACK(getrandom),
		/* x32 on x86: the same architecture, other numbers; nothing elsewhere */
		{ "x32 read", 0x40000000 },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attacks); i++) {
		attacked_with = attacks[i].nr;
		begin_forged();
		attack = call;
		prctl_lies_about = PR_SET_SECCOMP;
		is_int(ask(), 0, "without seccomp a judge that calls %s answers", attacks[i].name);
		begin_forged();
		attack = call;
		fails(attacks[i].name);
		ok(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSYS, "it was seccomp that ended it");
	}
}

/* What a parser needs is there. */
static void use_memory(void)
{
	char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p, 1 << 20) < 0)
		_exit(3);
	p = malloc(1 << 20);
	if (!p)
		_exit(3);
	memset(p, 1, 1 << 20);
	p = realloc(p, 1 << 22);
	if (!p)
		_exit(3);
	free(p);
}

/* The header's memory, found as any attacker would: by the magic that it begins with. */
static void write_header(void)
{
	*(volatile unsigned char *)judged = 0;
}

static void cut_header(void)
{
	/* The pages would be gone for the parent, too. */
	if (madvise(judged, 4096, MADV_REMOVE) == 0)
		_exit(3);
}

/* Descriptors other than the socket. */
static void write_everywhere(void)
{
	int fd;

	for (fd = 0; fd < 1024; fd++)
		if (fd != JUDGE_FD && !(write(fd, "x", 1) < 0 && errno == EBADF))
			_exit(3);
}

static void test_abilities(void)
{
	int fd;

	begin_forged();
	attack = use_memory;
	is_int(ask(), 0, "memory may be had, and given back");
	begin_forged();
	attack = write_header;
	fails("a judge that writes to the header");
	ok(WIFSIGNALED(ended) && WTERMSIG(ended) == SIGSEGV, "it was the memory that ended it");
	begin_forged();
	attack = cut_header;
	is_int(ask(), 0, "nor can it take the header's memory away");
	fd = open(fixture_base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FIXTURE_MUST(fd >= 0 && dup2(fd, 500) == 500);
	begin_forged();
	attack = write_everywhere;
	is_int(ask(), 0, "it has no descriptor but its socket");
	begin_forged();
	forged.r = -1000;
	attack = write_everywhere;
	fails("premise: that answer counts");
	FIXTURE_MUST(close(500) == 0 && close(fd) == 0);
}

int main(void)
{
	struct fixture fx;

	fixture_init(&fx);
	fixture_luks(&fx, "/vda", "key", "--uuid " UUID);
	luks2_read(&fx, "/vda", base);
	conf_defaults(&conf);
	conf.volumes[1] = conf.volumes[0];
	conf.nr_volumes = 2;
	device.size = 2 * 1024 * 1024;
	(void)snprintf(device.path, sizeof(device.path), "/dev/x");
	test_work();
	test_failures();
	test_answers();
	test_seccomp();
	test_abilities();
	fixture_done(&fx);
	return tap_done();
}
