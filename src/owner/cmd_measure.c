/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd_measure.c - what a guest has to measure to when the host starts it as agreed.
 */
#include "owner/cmd.h"

#include <json-c/json.h>
#include <string.h>

#include "owner/io/file.h"
#include "owner/launch/options.h"

struct measure {
	struct launch_options launch;
	const char *format_name;
	enum codec format;
	bool json;
	/* results */
	struct digest digest, measurement;
	bool has_measurement;
	unsigned char blob[LAUNCH_BLOB_SIZE];
};

/* Returns an enum outcome. */
static int parse_options(int argc, char **argv, struct measure *m)
{
	char **operands;
	int nr = cmd_options(&cmd_measure, argc, argv, m, &operands);
	struct fault f = { 0 };

	if (nr < 0)
		return -nr;
	if (nr > 0)
		return cmd_usage(&cmd_measure, "unexpected '%s'", operands[0]);
	if (m->launch.nonce && m->launch.blob)
		return cmd_usage(&cmd_measure, "--nonce or --launch-measure-blob, not both");
	m->format = CODEC_HEX;
	if (m->format_name)
		(void)codec_from_name(m->format_name, &m->format); /* one of the row's words */
	return launch_options_take(&m->launch, &f) < 0 ? cmd_fail(&f) : OUTCOME_OK;
}

/* Refuses a measurement that lacks something it needs. */
static int check(const struct measure *m, struct fault *f)
{
	if (m->launch.nonce || m->launch.blob)
		return launch_options_check(&m->launch, f);
	return m->launch.tik ? fault_about(f, EXITCODE_USAGE, "--tik",
					   "give --nonce or --launch-measure-blob, too",
					   "a measurement needs the platform's nonce") :
			       0;
}

/* The measurement, if there is a nonce for it. Compares with the host's, if there is one. */
static int measure(struct measure *m, struct fault *f)
{
	_cleanup_secret_ struct secret tik = SECRET_NULL;
	unsigned char reported[LAUNCH_BLOB_SIZE];
	int r;

	if (!m->launch.nonce && !m->launch.blob)
		return 0;
	if (m->launch.blob)
		r = file_value(m->launch.blob, reported, sizeof(reported), f);
	else
		r = file_value(m->launch.nonce, reported + DIGEST_SIZE, LAUNCH_NONCE_SIZE, f);
	if (r < 0)
		return r;
	r = secret_init(&tik, f);
	if (r >= 0)
		r = launch_key_read(m->launch.tik, "TIK", &tik, f);
	if (r < 0)
		return r;
	if (launch_measurement(&tik, &m->launch.platform, &m->digest, reported + DIGEST_SIZE,
			       &m->measurement) < 0)
		return fault_io(f, "libcrypto", -ENOTSUP, "no HMAC");
	memcpy(m->blob, m->measurement.octets, DIGEST_SIZE);
	memcpy(m->blob + DIGEST_SIZE, reported + DIGEST_SIZE, LAUNCH_NONCE_SIZE);
	m->has_measurement = true;
	if (m->launch.blob && memcmp(m->blob, reported, sizeof(reported)) != 0)
		return fault_about(f, EXITCODE_REFUSED, "measurement",
				   "give this guest no secret; compare all inputs with the host's",
				   "the host reports another one than the expected");
	return 0;
}

static int print(const struct measure *m)
{
	char digest[DIGEST_TEXT_SIZE], measurement[DIGEST_TEXT_SIZE];
	char blob[2 * LAUNCH_BLOB_SIZE + 1];
	struct json_object *object;

	codec_text(m->format, m->digest.octets, DIGEST_SIZE, digest);
	codec_text(m->format, m->measurement.octets, DIGEST_SIZE, measurement);
	codec_text(CODEC_BASE64, m->blob, sizeof(m->blob), blob);
	if (!m->json) {
		printf("launch digest        %s\n", digest);
		if (m->has_measurement)
			printf("measurement          %s\nlaunch measure blob  %s\n", measurement,
			       blob);
		return cmd_finish();
	}
	object = json_object_new_object();
	json_object_object_add(object, "launch_digest", json_object_new_string(digest));
	if (m->has_measurement) {
		json_object_object_add(object, "measurement", json_object_new_string(measurement));
		json_object_object_add(object, "launch_measure_blob", json_object_new_string(blob));
	}
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
	return cmd_finish();
}

static int run_measure(int argc, char **argv)
{
	struct measure m = { 0 };
	struct fault f = { 0 };
	int r = parse_options(argc, argv, &m);

	if (r != OUTCOME_OK)
		return r;
	if (check(&m, &f) < 0 || launch_options_digest(&m.launch, &m.digest, &f) < 0)
		return cmd_fail(&f);
	r = measure(&m, &f);
	if (r < 0 && exitcode_outcome(f.code) != OUTCOME_REFUSED)
		return cmd_fail(&f);
	if (m.launch.policy.given && !(m.launch.platform.policy & LAUNCH_POLICY_NODBG))
		cmd_warn("policy 0x%x lets the host read the guest's memory (bit 0 is not set)",
			 m.launch.platform.policy);
	if (print(&m) != OUTCOME_OK)
		return OUTCOME_IO;
	return r < 0 ? cmd_fail(&f) : OUTCOME_OK;
}

/* clang-format off */
static const struct option_row measure_options[] = {
	LAUNCH_OPTIONS(struct measure, launch),
	OPTION_FILE(0, "nonce", "N", struct measure, launch.nonce, OPTION_USE_READ,
		    "the platform's nonce, 16 bytes"),
	OPTION_WORD("format", "hex|base64", struct measure, format_name, "hex is the default"),
	OPTION_FLAG("json", struct measure, json, "print as JSON"),
	{ 0 },
};
/* clang-format on */

const struct cmd cmd_measure = {
	.name = "measure",
	.args = "[OPTION...]",
	.help = "compute the launch digest and the measurement that the host must report",
	.intro =
		"Without a TIK it computes the launch digest; with a TIK and a nonce the measurement,\n"
		"too. With --launch-measure-blob it compares that with what the host reports.\n",
	.options = measure_options,
	.notes = "D, B and the nonce are given in hex, in base64, or as a file.\n",
	.run = run_measure,
};
