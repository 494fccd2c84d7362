/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - the options that say what a guest has to measure to; for measure and packet.
 * Trusts the owner's command line, but no file it names.
 */
#include "owner/launch/options.h"

#include <string.h>

#include "owner/io/file.h"

int launch_options_take(struct launch_options *o, struct fault *f)
{
	size_t i;

	_Static_assert(OPTION_LIST_MAX <= LAUNCH_VMSAS_MAX, "there is room for each --vmsa");
	if (o->cpus.given && o->cpus.value == 0)
		return fault_about(f, EXITCODE_USAGE, "--cpus", "give their number",
				   "0 processors");
	for (i = 0; i < o->vmsas.nr; i++)
		o->inputs.vmsas[i] = o->vmsas.texts[i];
	o->inputs.nr_vmsas = o->vmsas.nr;
	o->inputs.nr_cpus = (size_t)o->cpus.value;
	o->inputs.policy = (uint32_t)o->policy.value;
	o->platform = (struct launch_platform){
		.policy = (uint32_t)o->policy.value,
		.api_major = (uint8_t)o->api_major.value,
		.api_minor = (uint8_t)o->api_minor.value,
		.build = (uint8_t)o->build.value,
	};
	return 0;
}

static int missing(struct fault *f, const char *name)
{
	return fault_about(f, EXITCODE_USAGE, name, "give it, or see --help",
			   "a measurement cannot be computed without it");
}

int launch_options_check(const struct launch_options *o, struct fault *f)
{
	return !o->tik		   ? missing(f, "--tik") :
	       !o->policy.given	   ? missing(f, "--policy") :
	       !o->api_major.given ? missing(f, "--api-major") :
	       !o->api_minor.given ? missing(f, "--api-minor") :
	       !o->build.given	   ? missing(f, "--build") :
				     0;
}

int launch_options_digest(const struct launch_options *o, struct digest *ret_digest,
			  struct fault *f)
{
	struct launch_inputs in = o->inputs;

	if (o->digest && (in.kernel || in.initrd || in.append || in.nr_vmsas))
		return fault_about(f, EXITCODE_USAGE, "--expected-digest", "give one of them",
				   "it stands for kernel, initrd, command line and VMSAs");
	if (o->digest)
		return file_value(o->digest, ret_digest->octets, DIGEST_SIZE, f);
	if (!in.firmware)
		return fault_about(f, EXITCODE_USAGE, "--firmware", "give it, or --expected-digest",
				   "a launch digest cannot be computed without it");
	if (!in.kernel && (in.initrd || in.append))
		return fault_about(f, EXITCODE_USAGE, "--kernel", "give it, too",
				   "--initrd and --append are measured only with a kernel");
	if (!o->policy.given && in.nr_vmsas)
		in.policy = LAUNCH_POLICY_ES;
	return launch_digest(&in, ret_digest, f);
}

int launch_key_read(const char *path, const char *name, struct secret *key, struct fault *f)
{
	int r;

	if (strcmp(path, "-") != 0 && access(path, F_OK) < 0 && errno == ENOENT &&
	    path[strspn(path, "0123456789abcdefABCDEF")] == '\0')
		return fault_about(f, EXITCODE_USAGE, name,
				   "give the file of the key, as sevctl or sevtool wrote it",
				   "a key is not given on the command line, which others can see");
	r = file_read_secret(path, key, f);
	if (r < 0)
		return r;
	if (key->len != LAUNCH_KEY_SIZE)
		return fault_about(f, EXITCODE_BAD_INPUT, path,
				   "use the key as sevctl or sevtool wrote it, not as text",
				   "a %s has %d bytes, and not %zu", name, LAUNCH_KEY_SIZE,
				   key->len);
	return 0;
}
