/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the options that say what a guest has to measure to; for measure and packet.
 */
#ifndef COCO_OWNER_LAUNCH_OPTIONS_H
#define COCO_OWNER_LAUNCH_OPTIONS_H

#include "base/options.h"
#include "owner/launch/launch.h"

struct launch_options {
	struct launch_inputs inputs;	 /* the texts; the rest by launch_options_take() */
	struct launch_platform platform; /* by launch_options_take() */
	struct option_list vmsas;
	struct option_number cpus, policy, api_major, api_minor, build;
	const char *tik, *nonce, *blob, *digest;
};

/* Rows for a table of options; o is the member of `type` that is a struct launch_options. */
/* clang-format off */
#define LAUNCH_OPTIONS(type, o)                                                                   \
	OPTION_FILE(0, "firmware", "FILE", type, o.inputs.firmware, OPTION_USE_READ, \
		    "the guest's firmware"), \
	OPTION_FILE(0, "kernel", "FILE", type, o.inputs.kernel, OPTION_USE_READ, \
		     \
		    "with kernel-hashes=on: what the host gives with -kernel"),                   \
	OPTION_FILE(0, "initrd", "FILE", type, o.inputs.initrd, OPTION_USE_READ, \
		    "the same for -initrd"), \
	OPTION_TEXT(0, "append", "TEXT", type, o.inputs.append, "the same for -append"),          \
	OPTION_FILES("vmsa", "FILE", type, o.vmsas, OPTION_USE_READ, \
		     \
		    "SEV-ES: state of processor 0, then of processor 1, ..."),                    \
	OPTION_NUMBER("cpus", LAUNCH_VMSAS_MAX, type, o.cpus,                                     \
		      "the last VMSA is that of the other ones, N in all"),                       \
	OPTION_FILE(0, "expected-digest", "D", type, o.digest, OPTION_USE_READ, \
		     \
		    "the launch digest, in place of all these"),                                  \
	OPTION_NUMBER("policy", UINT32_MAX, type, o.policy, "the guest's policy, as 7 or 0x7"),   \
	OPTION_NUMBER("api-major", UINT8_MAX, type, o.api_major,                                  \
		      "version of the platform's firmware, as query-sev or virsh "               \
		      "domlaunchsecinfo tell"),                                                   \
	OPTION_NUMBER("api-minor", UINT8_MAX, type, o.api_minor, "its second number"),            \
	OPTION_NUMBER("build", UINT8_MAX, type, o.build, "its build number"),                            \
	OPTION_FILE(0, "tik", "FILE", type, o.tik, OPTION_USE_READ, \
		    "the transport integrity key, 16 bytes"), \
	OPTION_FILE(0, "launch-measure-blob", "B", type, o.blob, OPTION_USE_READ, \
		     \
		    "what query-sev-launch-measure or virsh domlaunchsecinfo tell: measurement "  \
		    "and nonce")
/* clang-format on */

/* Puts what was parsed into inputs and platform. Returns 0, or -EINVAL with f. */
int launch_options_take(struct launch_options *o, struct fault *f);

/* Checks that all is there that a measurement needs. Returns 0, or -EINVAL with f. */
int launch_options_check(const struct launch_options *o, struct fault *f);

/* The launch digest: given, or computed. */
int launch_options_digest(const struct launch_options *o, struct digest *ret_digest,
			  struct fault *f);

/* Reads a key of 16 bytes; key is from secret_init(). */
int launch_key_read(const char *path, const char *name, struct secret *key, struct fault *f);

#endif
