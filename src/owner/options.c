/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - the options that say what a guest has to measure to; for measure and packet.
 * Trusts the owner's command line, but takes no number that does not fit its field.
 */
#include "owner/options.h"

#include "owner/io/file.h"
#include "base/options.h"

static int take_number(const char *name, const char *text, uint64_t max, uint64_t *ret_value,
		       struct fault *f)
{
	if (options_number(text, max, ret_value) == 0)
		return 1;
	return fault_about(f, EXITCODE_USAGE, name, "coco-secret measure --help",
			   "'%s' is not a number from 0 to %llu", text, (unsigned long long)max);
}

static int take_vmsa(struct launch_inputs *in, const char *path, struct fault *f)
{
	if (in->nr_vmsas == LAUNCH_VMSAS_MAX)
		return fault_about(f, EXITCODE_USAGE, "--vmsa", "use --cpus",
				   "more than %d of them", LAUNCH_VMSAS_MAX);
	in->vmsas[in->nr_vmsas++] = path;
	return 1;
}

static int take_text(struct launch_options *o, int c, const char *value)
{
	const char **const texts[] = {
		[OPTION_FIRMWARE - OPTION_FIRMWARE] = &o->inputs.firmware,
		[OPTION_KERNEL - OPTION_FIRMWARE] = &o->inputs.kernel,
		[OPTION_INITRD - OPTION_FIRMWARE] = &o->inputs.initrd,
		[OPTION_APPEND - OPTION_FIRMWARE] = &o->inputs.append,
		[OPTION_TIK - OPTION_FIRMWARE] = &o->tik,
		[OPTION_NONCE - OPTION_FIRMWARE] = &o->nonce,
		[OPTION_BLOB - OPTION_FIRMWARE] = &o->blob,
		[OPTION_DIGEST - OPTION_FIRMWARE] = &o->digest,
	};

	if (c < OPTION_FIRMWARE || c > OPTION_DIGEST || !texts[c - OPTION_FIRMWARE])
		return 0;
	*texts[c - OPTION_FIRMWARE] = value;
	return 1;
}

int launch_options_take(struct launch_options *o, int c, const char *value, struct fault *f)
{
	uint64_t n = 0;
	int r;

	switch (c) {
	case OPTION_VMSA:
		return take_vmsa(&o->inputs, value, f);
	case OPTION_CPUS:
		r = take_number("--cpus", value, LAUNCH_VMSAS_MAX, &n, f);
		o->inputs.nr_cpus = (size_t)n;
		return r == 1 && n == 0 ? fault_about(f, EXITCODE_USAGE, "--cpus",
						      "give their number", "0 processors") : r;
	case OPTION_POLICY:
		r = take_number("--policy", value, UINT32_MAX, &n, f);
		o->platform.policy = o->inputs.policy = (uint32_t)n;
		o->has_policy = true;
		return r;
	case OPTION_API_MAJOR:
		r = take_number("--api-major", value, UINT8_MAX, &n, f);
		o->platform.api_major = (uint8_t)n;
		o->has_api_major = true;
		return r;
	case OPTION_API_MINOR:
		r = take_number("--api-minor", value, UINT8_MAX, &n, f);
		o->platform.api_minor = (uint8_t)n;
		o->has_api_minor = true;
		return r;
	case OPTION_BUILD:
		r = take_number("--build", value, UINT8_MAX, &n, f);
		o->platform.build = (uint8_t)n;
		o->has_build = true;
		return r;
	default:
		return take_text(o, c, value);
	}
}

static int missing(struct fault *f, const char *name)
{
	return fault_about(f, EXITCODE_USAGE, name, "give it, or see --help",
			   "a measurement cannot be computed without it");
}

int launch_options_check(const struct launch_options *o, struct fault *f)
{
	return !o->tik		 ? missing(f, "--tik") :
	       !o->has_policy	 ? missing(f, "--policy") :
	       !o->has_api_major ? missing(f, "--api-major") :
	       !o->has_api_minor ? missing(f, "--api-minor") :
	       !o->has_build	 ? missing(f, "--build") :
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
	if (!o->has_policy && in.nr_vmsas)
		in.policy = LAUNCH_POLICY_ES;
	return launch_digest(&in, ret_digest, f);
}

int launch_key_read(const char *path, const char *name, struct secret *key, struct fault *f)
{
	int r = file_read_secret(path, key, f);

	if (r < 0)
		return r;
	if (key->len != LAUNCH_KEY_SIZE)
		return fault_about(f, EXITCODE_BAD_INPUT, path,
				   "use the key as sevctl or sevtool wrote it, not as text",
				   "a %s has %d bytes, and not %zu", name, LAUNCH_KEY_SIZE, key->len);
	return 0;
}
