/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the options that say what a guest has to measure to; for measure and packet.
 */
#ifndef COCO_OWNER_OPTIONS_H
#define COCO_OWNER_OPTIONS_H

#include <stdbool.h>

#include "owner/launch/launch.h"

struct launch_options {
	struct launch_inputs inputs;
	struct launch_platform platform;
	bool has_policy, has_api_major, has_api_minor, has_build;
	const char *tik, *nonce, *blob, *digest;
};

enum {
	OPTION_FIRMWARE = 0x100,
	OPTION_KERNEL,
	OPTION_INITRD,
	OPTION_APPEND,
	OPTION_VMSA,
	OPTION_CPUS,
	OPTION_POLICY,
	OPTION_API_MAJOR,
	OPTION_API_MINOR,
	OPTION_BUILD,
	OPTION_TIK,
	OPTION_NONCE,
	OPTION_BLOB,
	OPTION_DIGEST,
};

/* For the table of getopt_long(3). */
#define LAUNCH_OPTIONS                                                    \
	{ "firmware", required_argument, NULL, OPTION_FIRMWARE },         \
	{ "kernel", required_argument, NULL, OPTION_KERNEL },             \
	{ "initrd", required_argument, NULL, OPTION_INITRD },             \
	{ "append", required_argument, NULL, OPTION_APPEND },             \
	{ "vmsa", required_argument, NULL, OPTION_VMSA },                 \
	{ "cpus", required_argument, NULL, OPTION_CPUS },                 \
	{ "policy", required_argument, NULL, OPTION_POLICY },             \
	{ "api-major", required_argument, NULL, OPTION_API_MAJOR },       \
	{ "api-minor", required_argument, NULL, OPTION_API_MINOR },       \
	{ "build", required_argument, NULL, OPTION_BUILD },               \
	{ "tik", required_argument, NULL, OPTION_TIK },                   \
	{ "nonce", required_argument, NULL, OPTION_NONCE },               \
	{ "launch-measure-blob", required_argument, NULL, OPTION_BLOB },  \
	{ "expected-digest", required_argument, NULL, OPTION_DIGEST }

/* Their text in --help. */
#define LAUNCH_OPTIONS_HELP                                                                     \
	"  --firmware FILE       the guest's firmware\n"                                          \
	"  --kernel FILE         with kernel-hashes=on: what the host gives with -kernel,\n"      \
	"  --initrd FILE         -initrd and\n"                                                   \
	"  --append TEXT         -append\n"                                                       \
	"  --vmsa FILE           SEV-ES: state of processor 0, then of processor 1, ...\n"        \
	"  --cpus N              the last VMSA is that of the other ones, N in all\n"             \
	"  --expected-digest D   the launch digest, in place of all these\n"                      \
	"  --policy N            the guest's policy, as 7 or 0x7\n"                               \
	"  --api-major N         what the platform's firmware is, as query-sev or\n"              \
	"  --api-minor N         virsh domlaunchsecinfo tell\n"                                   \
	"  --build N\n"                                                                           \
	"  --tik FILE            the transport integrity key, 16 bytes\n"

/* Takes an option. Returns 1, 0 if it is not one of them, or negative with f. */
int launch_options_take(struct launch_options *o, int c, const char *value, struct fault *f);

/* Are all there that a measurement needs? Returns 0, or -EINVAL with f. */
int launch_options_check(const struct launch_options *o, struct fault *f);

/* The launch digest: given, or computed. */
int launch_options_digest(const struct launch_options *o, struct digest *ret_digest,
			  struct fault *f);

/* Reads a key of 16 bytes; key is from secret_init(). */
int launch_key_read(const char *path, const char *name, struct secret *key, struct fault *f);

#endif
