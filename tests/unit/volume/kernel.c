/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.c - dm_crypt, its ciphers and the control node: there, or no-dm-crypt.
 * The machine is a tree with machine = true; libkmod and ioctl(2) are fakes.
 */
#include "volume/kernel.h"

#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "base/paths.h"
#include "fake_kmod.h"
#include "fixture.h"

static struct fixture fx;
static struct conf conf;
static struct fault f;

static const char *targets[5]; /* of the device mapper; up to the first NULL */
static int targets_error;

/* linux/dm-ioctl.h: each target is a header, its name, and the distance to the next. */
int ioctl(int fd, unsigned long request, ...)
{
	struct dm_target_versions target = { .version = { 1, 2, 3 } };
	struct dm_ioctl *io;
	va_list ap;
	char *p;
	int i;

	va_start(ap, request);
	io = va_arg(ap, struct dm_ioctl *);
	va_end(ap);
	FIXTURE_MUST(fd >= 0 && request == DM_LIST_VERSIONS && io->version[0] == 4);
	if (targets_error) {
		errno = targets_error;
		return -1;
	}
	FIXTURE_MUST(io->data_size > io->data_start && io->data_start == sizeof(*io));
	p = (char *)io + io->data_start;
	for (i = 0; targets[i]; i++) {
		size_t size = sizeof(target) + (strlen(targets[i]) + 8) / 8 * 8;

		target.next = targets[i + 1] ? (uint32_t)size : 0;
		memcpy(p, &target, sizeof(target));
		strcpy(p + sizeof(target), targets[i]);
		p += size;
	}
	return 0;
}

static void begin(void)
{
	fixture_init(&fx);
	fx.root.machine = true;
	fixture_text(&fx, PATH_DM_CONTROL, "");
	conf_defaults(&conf);
	f = (struct fault){ 0 };
	targets[0] = "linear";
	targets[1] = "crypt";
	targets[2] = "integrity";
	targets[3] = "striped";
	targets_error = 0;
	fake_reset();
	(void)fake_module("dm_crypt");
	fake_module("aes_generic")->alias = "crypto-aes";
	fake_module("xts")->alias = "crypto-xts";
}

static void end(void)
{
	fixture_done(&fx);
}

static struct kmod_module *module(const char *name)
{
	struct kmod_module *mod = fake_modules;

	while (strcmp(mod->name, name) != 0)
		mod++;
	return mod;
}

static void test_prepare(void)
{
	begin();
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "all is there");
	is_str(fake_loaded, "dm_crypt aes_generic xts", "and is loaded, the IV generator is not");
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "twice is harmless");
	is_str(fake_loaded, "dm_crypt aes_generic xts", "and loads nothing again");
	end();

	begin();
	fx.root.machine = false;
	targets_error = ENXIO;
	ok(kernel_prepare(&fx.root, &conf, &f) == 0 && *fake_loaded == '\0',
	   "for a tree that is no machine nothing is loaded or asked");
	end();
}

static void test_dm_crypt(void)
{
	begin();
	module("dm_crypt")->load_result = -EPERM;
	is_int(kernel_prepare(&fx.root, &conf, &f), -EPERM, "dm_crypt does not load");
	is_int(f.code, EXITCODE_NO_DM_CRYPT, "is no-dm-crypt");
	is_str(f.next, "build the initramfs again, with the modules of the very kernel that boots",
	       "... with what to do");
	end();

	begin();
	fake_reset();
	targets[1] = NULL;
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "neither a module nor a target");
	is_int(f.code, EXITCODE_NO_DM_CRYPT, "is no-dm-crypt");
	is_str(f.why, "the kernel has no device-mapper target 'crypt'", "and says so");
	end();

	begin();
	targets[1] = "crypt-not";
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "a target that only begins like it");
	targets[1] = NULL;
	end();

	begin();
	targets[0] = "crypt";
	targets[1] = NULL;
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "the only target");
	end();

	begin();
	fake_modules[0].name = "other"; /* dm_crypt is built in without being listed */
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "a target without a module");
	end();

	begin();
	targets_error = EACCES;
	is_int(kernel_prepare(&fx.root, &conf, &f), -EACCES, "the device mapper does not answer");
	is_int(f.code, EXITCODE_NO_DM_CRYPT, "is no-dm-crypt");
	end();

	begin();
	fake_lookup_error = -ENOSYS;
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOSYS, "an index of modules that is broken");
	is_int(f.code, EXITCODE_NO_DM_CRYPT, "is no-dm-crypt");
	f = (struct fault){ 0 };
	is_int(kernel_look(&fx.root, &conf, &f), -ENOSYS, "in the dry run, too");
	end();

	begin();
	fixture_unlink(&fx, PATH_DM_CONTROL);
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "no control node");
	is_int(f.code, EXITCODE_NO_DM_CRYPT, "is no-dm-crypt");
	is_str(f.why, PATH_DM_CONTROL ": No such file or directory", "and names it");
	end();
}

static void test_ciphers(void)
{
	begin();
	module("xts")->load_result = -ENOENT;
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "a cipher's part is missing");
	is_str(f.why,
	       "the kernel has no 'xts' for cipher aes-xts-plain64: No such file or directory",
	       "and is named");
	is_int(f.code, EXITCODE_NO_DM_CRYPT, "is no-dm-crypt");
	end();

	begin();
	fake_modules[2].name = fake_modules[2].alias = "other";
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "no module has the alias");
	fixture_text(&fx, PATH_CRYPTO,
		     "name         : xts(aes)\ndriver       : x\n\n"
		     "name         : aes\n");
	f = (struct fault){ 0 };
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "and the kernel lists another thing");
	fixture_text(&fx, PATH_CRYPTO,
		     "name         : aes\n\nname         : xts\ndriver       : x\n");
	f = (struct fault){ 0 };
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "or lists it: built in");
	end();

	begin();
	fake_module("xts_broken")->alias = "crypto-xts";
	module("xts")->load_result = -ENODEV;
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "one working driver of two is enough");
	is_str(fake_loaded, "dm_crypt aes_generic xts xts_broken", "and both were tried");
	end();

	begin();
	(void)snprintf(conf.ciphers.names[1], CONF_NAME_SIZE, "serpent-xts-plain64");
	conf.ciphers.nr = 2;
	ok(kernel_prepare(&fx.root, &conf, &f) == -ENOENT && strstr(f.why, "'serpent'"),
	   "every cipher of the list is prepared");
	end();
}

static void begin_integrity(void)
{
	begin();
	(void)fake_module("dm_integrity");
	fake_module("authenc")->alias = "crypto-authenc";
	fake_module("hmac")->alias = "crypto-hmac";
	fake_module("sha256_generic")->alias = "crypto-sha256";
	conf.volumes[1] = conf.volumes[0];
	conf.volumes[1].options = VOLUME_OPTION_INTEGRITY_HMAC_SHA256;
	conf.nr_volumes = 2;
}

/* Only where a volume of cocotab has integrity=. */
static void test_integrity(void)
{
	static const char *const parts[] = { "authenc", "hmac", "sha256_generic" };
	size_t i;

	begin_integrity();
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "integrity: all is there");
	is_str(fake_loaded, "dm_crypt dm_integrity authenc hmac sha256_generic aes_generic xts",
	       "and is loaded");
	end();
	begin_integrity();
	targets[2] = "integrity2";
	is_int(kernel_prepare(&fx.root, &conf, &f), -ENOENT, "the module has made no target");
	is_str(f.why, "the kernel has no device-mapper target 'integrity'", "and that is said");
	end();
	begin_integrity();
	conf.nr_volumes = 1;
	targets[2] = "striped";
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "without it");
	is_str(fake_loaded, "dm_crypt aes_generic xts", "nothing of that is");
	end();
	begin_integrity();
	module("dm_integrity")->load_result = -EPERM;
	ok(kernel_prepare(&fx.root, &conf, &f) == -EPERM && f.code == EXITCODE_NO_DM_CRYPT,
	   "dm_integrity does not load: %s", f.why);
	ok(strstr(f.next, "put dm_integrity, ") != NULL, "... with what to do: %s", f.next);
	f = (struct fault){ 0 };
	module("dm_integrity")->state = KMOD_MODULE_BUILTIN;
	is_int(kernel_prepare(&fx.root, &conf, &f), 0, "it is built in");
	end();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		begin_integrity();
		module(parts[i])->load_result = -EPERM;
		ok(kernel_prepare(&fx.root, &conf, &f) == -EPERM &&
			   f.code == EXITCODE_NO_DM_CRYPT && strstr(f.why, "for integrity="),
		   "%s does not load: %s", parts[i], f.why);
		fixture_text(&fx, PATH_CRYPTO,
			     "name         : authenc\nname         : hmac\n"
			     "name         : sha256\n");
		f = (struct fault){ 0 };
		is_int(kernel_prepare(&fx.root, &conf, &f), 0, "but the kernel has it");
		end();
	}
	begin_integrity();
	is_int(kernel_look(&fx.root, &conf, &f), 0, "dry run: integrity could be loaded");
	is_str(fake_loaded, "", "and is not");
	end();
}

static void test_look(void)
{
	begin();
	is_int(kernel_look(&fx.root, &conf, &f), 0, "dry run: all could be loaded");
	is_str(fake_loaded, "", "dry run: nothing is");
	module("xts")->load_result = -ENOENT;
	ok(kernel_look(&fx.root, &conf, &f) == -ENOENT && f.code == EXITCODE_NO_DM_CRYPT,
	   "dry run: a cipher's part is missing");
	f = (struct fault){ 0 };
	module("dm_crypt")->load_result = -ENOENT;
	ok(kernel_look(&fx.root, &conf, &f) == -ENOENT && strstr(f.why, "dm_crypt"),
	   "dry run: dm_crypt is missing");
	module("dm_crypt")->state = KMOD_MODULE_BUILTIN;
	module("xts")->state = KMOD_MODULE_LIVE;
	is_int(kernel_look(&fx.root, &conf, &f), 0, "dry run: built in and loaded are there");
	module("xts")->state = -ENOENT;
	fixture_text(&fx, PATH_CRYPTO, "name         : xts\n");
	is_int(kernel_look(&fx.root, &conf, &f), 0, "dry run: what the kernel lists is there");
	is_str(fake_loaded, "", "dry run: still nothing was loaded");
	end();
}

int main(void)
{
	test_prepare();
	test_dm_crypt();
	test_ciphers();
	test_integrity();
	test_look();
	is_int(fake_refs, 0, "libkmod got back all that it handed out");
	return tap_done();
}
