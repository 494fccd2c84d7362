/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * provider.c - the modules of the providers of reports, and what the name of a provider comes to.
 * The machine is a tree with machine = true; libkmod and configfs-tsm are fakes.
 */
#include "source/kbs/provider.h"

#include "base/paths.h"
#include "fake_kmod.h"
#include "fixture.h"

#define FLAGS "flags\t\t: fpu vme hypervisor"

static struct fixture fx;
static struct fault f;
static char name[TSM_PROVIDER_SIZE];
static const char *found;
static const char *registered; /* NULL: none */
static int tsm_error;	       /* -errno */
static unsigned int asked;

int tsm_provider(const struct root *root, bool look_only, struct deadline deadline,
		 char ret_name[static TSM_PROVIDER_SIZE], struct fault *fault)
{
	FIXTURE_MUST(root == &fx.root);
	(void)look_only;
	(void)deadline;
	asked++;
	if (tsm_error)
		return fault_set(fault, EXITCODE_REPORT_FAILED, -tsm_error, "cannot look");
	if (!registered) {
		(void)fault_set(fault, EXITCODE_NO_PROVIDER, ENXIO, "none");
		return 0;
	}
	(void)snprintf(ret_name, TSM_PROVIDER_SIZE, "%s", registered);
	return 1;
}

static int find(bool look_only)
{
	f = (struct fault){ 0 };
	found = NULL;
	*name = '\0';
	asked = 0;
	return provider_find(&fx.root, look_only, deadline_in_ms(1000), name, &found, &f);
}

/* A kernel with these three; they load, on hardware of neither kind. */
static struct kmod_module *kernel(const char *tsm, const char *sev, const char *tdx)
{
	fake_reset();
	registered = NULL;
	tsm_error = 0;
	if (tsm)
		(void)fake_module(tsm);
	if (sev)
		fake_module(sev)->load_result = -ENODEV;
	if (tdx)
		fake_module(tdx)->load_result = -ENODEV;
	return fake_modules;
}

static void refused(const char *why, const char *what)
{
	int r = find(false);

	ok(r < 0 && f.code == EXITCODE_NO_PROVIDER && asked == 0, "%s", what);
	is_str(f.why, why, "... the reason");
}

static void test_names(void)
{
	static const struct {
		const char *name, *tee;
	} good[] = { { "sev_guest", "snp" }, { "tdx_guest", "tdx" } };
	static const char *const bad[] = { "arm_cca_guest", "sev-guest", "sev_guest2",
					   "SEV_GUEST",	    "",		 "tdx" };
	size_t i;

	(void)kernel("tsm", "sev_guest", "tdx_guest");
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		registered = good[i].name;
		ok(find(false) == 1 && f.code == EXITCODE_OK && strcmp(name, good[i].name) == 0 &&
			   found && strcmp(found, good[i].tee) == 0,
		   "%s is %s, whatever module has registered it", good[i].name, good[i].tee);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		registered = bad[i];
		ok(find(false) == -EOPNOTSUPP && f.code == EXITCODE_NO_PROVIDER &&
			   strstr(f.why, "neither sev_guest nor tdx_guest"),
		   "'%s' is a failure", bad[i]);
	}
	registered = NULL;
	ok(find(false) == 0 && f.code == EXITCODE_NO_PROVIDER, "none is none");
	tsm_error = -EIO;
	ok(find(false) == -EIO && f.code == EXITCODE_REPORT_FAILED,
	   "what cannot be looked at is not none");
}

static void test_modules(void)
{
	struct kmod_module *mod = kernel("tsm", "sev_guest", "tdx_guest");

	registered = "sev_guest";
	mod[1].load_result = 0;
	is_int(find(false), 1, "all modules of the kernel");
	is_str(fake_loaded, "tsm sev_guest tdx_guest", "... are loaded, in this order");
	is_int(find(false), 1, "once more");
	is_str(fake_loaded, "tsm sev_guest tdx_guest tdx_guest",
	       "... those that are not there yet");
	is_int(fake_refs, 0, "nothing of libkmod is left over");
	(void)kernel("tsm_report", "sev_guest", "tdx_guest");
	is_int(find(false), 0, "a newer kernel");
	is_str(fake_loaded, "tsm_report sev_guest tdx_guest", "... has another name for the first");

	(void)kernel(NULL, "sev_guest", "tdx_guest");
	refused("module tsm or tsm_report is not in this image", "no TSM");
	ok(strstr(fault_next(&f), "put it into the image"), "... and what to do");
	(void)kernel("tsm", NULL, NULL);
	registered = "tdx_guest";
	refused("neither module sev_guest nor tdx_guest is in this image",
		"no driver of a platform, whatever is registered");
	ok(strstr(fault_next(&f), "put it into the image"), "... and what to do");
}

/* A kernel for one of the platforms. */
static void test_one(void)
{
	(void)kernel("tsm", NULL, "tdx_guest");
	is_int(find(false), 0, "no sev_guest, and no hardware of either kind: none");
	registered = "tdx_guest";
	fake_modules[1].load_result = 0;
	ok(find(false) == 1 && strcmp(found, "tdx") == 0, "... TDX is found");
	(void)kernel("tsm", NULL, "tdx_guest");
	registered = "tdx_guest";
	fake_modules[1].load_result = -EIO;
	refused("module tdx_guest does not load: Input/output error", "... or refused");
	(void)kernel("tsm", "sev_guest", NULL);
	is_int(find(false), 0, "no tdx_guest: none");
	registered = "sev_guest";
	fake_modules[1].load_result = 0;
	ok(find(false) == 1 && strcmp(found, "snp") == 0, "... SNP is found");
	ok(find(true) == 1 && strcmp(found, "snp") == 0, "... and seen");

	(void)kernel("tsm", NULL, "tdx_guest");
	fixture_mkdir(&fx, PATH_SEV_GUEST_DEVICE);
	ok(find(false) == -ENODEV && f.code == EXITCODE_NO_PROVIDER &&
		   strstr(f.why, PATH_SEV_GUEST_DEVICE ", which is there"),
	   "no sev_guest for the hardware that is there: %s", f.why);
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_SEV_GUEST_DEVICE)) == 0);
	(void)kernel("tsm", "sev_guest", NULL);
	fixture_text(&fx, PATH_CPUINFO, FLAGS " tdx_guest\n");
	ok(find(false) == -ENODEV && f.code == EXITCODE_NO_PROVIDER, "no tdx_guest: %s", f.why);
	fixture_unlink(&fx, PATH_CPUINFO);
}

/* Built in, or a module that says ENODEV: TDX has no device of its own. */
static void test_tdx_hardware(void)
{
	static const struct {
		const char *text;
		bool there;
	} cases[] = {
		{ "", false },
		{ "processor\t: 0\n", false },
		{ FLAGS "\n", false },
		{ FLAGS " tdx_guest2 xtdx_guest\n", false },
		{ "model name\t: tdx_guest\n" FLAGS "\nbugs\t: tdx_guest\n", false },
		{ "processor\t: 0\n" FLAGS " tdx_guest\n", true },
		{ FLAGS " tdx_guest arat\nbugs\t\t: x\n", true },
		{ "flags\t\t: tdx_guest\n", true },
	};
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		(void)kernel("tsm", "sev_guest", "tdx_guest");
		fake_modules[2].load_result = i % 2 ? -ENODEV : 0;
		fixture_text(&fx, PATH_CPUINFO, cases[i / 2].text);
		is_int(find(false), cases[i / 2].there ? -ENODEV : 0, "tdx_guest of '%s'",
		       cases[i / 2].text);
		ok(!cases[i / 2].there || (f.code == EXITCODE_NO_PROVIDER &&
					   strstr(f.why, "tdx_guest does not drive")),
		   "... %s", f.why);
	}
	fixture_unlink(&fx, PATH_CPUINFO);
	fixture_mkdir(&fx, PATH_CPUINFO);
	(void)kernel("tsm", "sev_guest", "tdx_guest");
	is_int(find(false), -EISDIR, "what cannot be read is not absent");
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_CPUINFO)) == 0);
}

static void test_errors(void)
{
	static const int errors[] = { EPERM,  ENOEXEC, EKEYREJECTED, ENOMEM,
				      EINVAL, EBUSY,   EIO,	     ENXIO };
	char why[128];
	size_t i;

	for (i = 0; i < 3 * ARRAY_SIZE(errors); i++) {
		struct kmod_module *mod = kernel("tsm", "sev_guest", "tdx_guest");
		int error = errors[i / 3];

		registered = "sev_guest";
		mod[i % 3].load_result = -error;
		(void)snprintf(why, sizeof(why), "module %s%s does not load: %s", mod[i % 3].name,
			       i % 3 == 0 ? " or tsm_report" : "", strerror(error));
		refused(why, "a module that does not load");
	}
	kernel("tsm", "sev_guest", "tdx_guest")->load_result = -ENODEV;
	refused("module tsm or tsm_report does not load: No such device",
		"the core needs no hardware");
	(void)kernel("tsm", "sev_guest", "tdx_guest");
	fixture_mkdir(&fx, PATH_SEV_GUEST_DEVICE);
	refused("module sev_guest does not drive " PATH_SEV_GUEST_DEVICE ", which is there",
		"the hardware is there, and the module says no");
	fake_modules[1].load_result = 0;
	registered = "sev_guest";
	is_int(find(false), 1, "with a module that works it is found");
	registered = NULL;
	ok(find(false) == -ENODEV && f.code == EXITCODE_NO_PROVIDER &&
		   strstr(f.why, PATH_SEV_GUEST_DEVICE ", which is there"),
	   "one that is built in says nothing, and the hardware is there all the same");
	(void)kernel("tsm", "sev_guest", "tdx_guest");
	fake_modules[1].load_result = fake_modules[2].load_result = 0;
	is_int(find(true), 0, "a look cannot know that it will not");
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_SEV_GUEST_DEVICE)) == 0);
}

static void test_look(void)
{
	(void)kernel("tsm", "sev_guest", "tdx_guest");
	fake_modules[1].load_result = fake_modules[2].load_result = 0;
	registered = "tdx_guest";
	ok(find(true) == 1 && strcmp(found, "tdx") == 0, "a look");
	is_str(fake_loaded, "", "... loads nothing");
	fake_modules[0].name = "other";
	ok(find(true) < 0 && strstr(f.why, "module tsm or tsm_report is not in this image"),
	   "but sees what is not there");
	fake_reset();
	fx.root.machine = false;
	is_int(find(false), 1, "in a tree no module is looked for");
	fx.root.machine = true;
}

int main(void)
{
	fixture_init(&fx);
	fx.root.machine = true;
	test_names();
	test_modules();
	test_one();
	test_tdx_hardware();
	test_errors();
	test_look();
	fixture_done(&fx);
	return tap_done();
}
