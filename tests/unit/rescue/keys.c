/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keys.c - the keys of a boot: a vector of K that another implementation has made, that both sides
 * have the same, that each boot has others, and that nothing is left of them.
 */
#include "rescue/keys.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "bytes.h"
#include "fixture.h"
#include "inject.h"

static struct fault f;

/* R, E and b are 32 bytes 0x11, 0x22 and 0x33. tests/cli/rescue.t makes the same K. */
static void test_vector(void)
{
	unsigned char bytes[32];
	struct secret entry, shared = SECRET_NULL;
	struct rescue_public public;

	memset(bytes, 0x11, sizeof(bytes));
	memset(public.key, 0x22, sizeof(public.key));
	memset(public.nonce, 0x33, sizeof(public.nonce));
	entry = bytes_secret(bytes, sizeof(bytes));
	is_int(rescue_shared(&entry, &public, &shared, &f), 0, "K is derived");
	is_str(bytes_hex(shared.bytes, shared.len),
	       "46793a37d5c7e7057f00954930a50dc369cc6efedf664fda0f939020fd14ff09",
	       "... as somebody else does it");
	secret_done(&shared);
	entry.len = 31;
	is_int(rescue_shared(&entry, &public, &shared, &f), -EINVAL, "an entry of 31 bytes");
	is_int(f.code, EXITCODE_BAD_INPUT, "... is said: %s", f.why);
	entry.len = 33;
	f = (struct fault){ 0 };
	is_int(rescue_shared(&entry, &public, &shared, &f), -EINVAL, "... or of 33");
	entry.len = 0;
	is_int(rescue_shared(&entry, &public, &shared, &f), -EINVAL, "... or of none");
	ok(!shared.bytes, "... leaves nothing");
	secret_done(&entry);
}

static bool same(const unsigned char *a, const unsigned char *b)
{
	return memcmp(a, b, 32) == 0;
}

static void test_both_sides(void)
{
	struct secret entry = bytes_secret("12345678901234567890123456789012", 32), shared;
	struct rescue_public public;
	struct rescue_keys *one = NULL, *two = NULL;
	void *page;

	f = (struct fault){ 0 };
	FIXTURE_MUST(rescue_keys_map(&one, &f) == 0 && rescue_keys_map(&two, &f) == 0);
	ok(inject_all_zero((unsigned char *)one, sizeof(*one)), "the page is zero at first");
	is_int(rescue_keys_make(&entry, one, &f), 0, "a boot has keys");
	ok(one->there, "... which count");
	is_int(rescue_keys_make(&entry, two, &f), 0, "another one, too");
	ok(!same(one->public.key, two->public.key) && !same(one->public.nonce, two->public.nonce) &&
		   !same(one->private, two->private) && !same(one->shared, two->shared),
	   "... none of which are the same");
	public = one->public;
	is_int(rescue_shared(&entry, &public, &shared, &f), 0, "the owner derives K");
	ok(same(shared.bytes, one->shared), "... the same");
	secret_done(&shared);
	public.key[31] ^= 0x80;
	FIXTURE_MUST(rescue_shared(&entry, &public, &shared, &f) == 0);
	ok(!same(shared.bytes, one->shared), "... and another one of another E");
	secret_done(&shared);
	public = one->public;
	public.nonce[0] ^= 1;
	FIXTURE_MUST(rescue_shared(&entry, &public, &shared, &f) == 0);
	ok(!same(shared.bytes, one->shared), "... or b");
	secret_done(&shared);
	entry.len = 16;
	is_int(rescue_keys_make(&entry, one, &f), -EINVAL, "an entry of 16 bytes makes none");
	ok(inject_all_zero((unsigned char *)one, sizeof(*one)), "... and leaves nothing");
	/* A second mapping of the same page, as another process has it: mremap(2), old_size 0. */
	page = mremap(one, 0, sizeof(*one), MREMAP_MAYMOVE);
	FIXTURE_MUST(page != MAP_FAILED);
	memset(one, 0x5a, sizeof(*one));
	ok(!inject_all_zero(page, sizeof(*one)), "what the page has");
	rescue_keys_done(&one);
	ok(inject_all_zero(page, sizeof(*one)), "... is wiped for all who see it");
	(void)munmap(page, sizeof(*one));
	rescue_keys_done(&one);
	rescue_keys_done(&two);
	secret_done(&entry);
}

/* Is it mapped? mincore(2). */
static bool has_page(void *keys)
{
	unsigned char vec;

	return mincore(keys, 1, &vec) == 0 || errno != ENOMEM;
}

/* How a child ends that does this. */
static int in_child(int (*what)(struct rescue_keys *), struct rescue_keys *keys)
{
	int status;
	pid_t pid = fork();

	FIXTURE_MUST(pid >= 0);
	if (pid == 0)
		_exit(what(keys));
	FIXTURE_MUST(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int has_it(struct rescue_keys *keys)
{
	return has_page(keys);
}

static int makes_them(struct rescue_keys *keys)
{
	struct secret entry = bytes_secret("12345678901234567890123456789012", 32);

	return rescue_keys_make(&entry, keys, &f) < 0;
}

static int passes_it_on(struct rescue_keys *keys)
{
	return in_child(has_it, keys);
}

static int keeps_it(struct rescue_keys *keys)
{
	return rescue_keys_share(keys, false) < 0 || in_child(has_it, keys) || !has_page(keys);
}

/* A child that is let makes them, the parent has them; nobody else sees the page. */
static void test_shared(void)
{
	struct rescue_keys *keys = NULL;

	f = (struct fault){ 0 };
	FIXTURE_MUST(rescue_keys_map(&keys, &f) == 0);
	is_int(in_child(has_it, keys), 0, "no child has the page");
	is_int(rescue_keys_share(keys, true), 0, "it is shared");
	is_int(in_child(makes_them, keys), 0, "a child makes the keys");
	ok(keys->there, "they are its parent's");
	is_int(in_child(passes_it_on, keys), 1, "control: its own child has the page, too");
	is_int(in_child(keeps_it, keys), 0, "a child that keeps it does not pass it on");
	is_int(rescue_keys_share(keys, false), 0, "it is shared no more");
	is_int(in_child(has_it, keys), 0, "no other child has the page");
	ok(keys->there, "and the keys are still there");
	inject_failure(INJECT_MADVISE, 1, ENOMEM);
	is_int(rescue_keys_share(keys, true), -ENOMEM, "what the kernel refuses is an error");
	inject_failure(INJECT_NONE, 0, 0);
	rescue_keys_done(&keys);
	ok(!keys, "then they are given back");
	rescue_keys_done(&keys);
	is_int(rescue_keys_share(NULL, true), 0, "no keys: nothing to share");
}

/* Is what is mapped there locked, and in no core file? proc_pid_smaps(5). */
static void test_page(void)
{
	struct rescue_keys *keys = NULL;
	char line[512], start[32];
	bool inside = false, locked = false, undumped = false;
	FILE *smaps;

	FIXTURE_MUST(rescue_keys_map(&keys, &f) == 0);
	(void)snprintf(start, sizeof(start), "%lx-", (unsigned long)keys);
	smaps = fopen("/proc/self/smaps", "re");
	FIXTURE_MUST(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		if (strchr("0123456789abcdef", line[0]))
			inside = strncmp(line, start, strlen(start)) == 0;
		if (!inside || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		locked = strstr(line, " lo");
		undumped = strstr(line, " dd");
	}
	(void)fclose(smaps);
	ok(locked, "the page is locked");
	ok(undumped, "... and left out of core files");
	rescue_keys_done(&keys);
	inject_failure(INJECT_MLOCK, 1, ENOMEM);
	is_int(rescue_keys_map(&keys, &f), -ENOMEM, "no locked page");
	is_int(f.code, EXITCODE_NO_MEMORY, "... is said: %s", f.why);
	inject_failure(INJECT_MADVISE, 1, EINVAL);
	is_int(rescue_keys_map(&keys, &f), -EINVAL, "... nor one that would be dumped");
	inject_failure(INJECT_MADVISE, 2, EINVAL);
	is_int(rescue_keys_map(&keys, &f), -EINVAL, "... nor one that children would have");
	inject_failure(INJECT_NONE, 0, 0);
	ok(!keys, "... is handed out");
}

int main(void)
{
	test_vector();
	test_both_sides();
	test_shared();
	test_page();
	is_int(inject_secrets.dirty, 0, "all secret memory was wiped");
	is_int(inject_secrets.nr_live, 0, "... and given back");
	return tap_done();
}
