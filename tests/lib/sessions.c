/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sessions.c - one session with a broker after the other, each on its own: nothing is tried again.
 *
 *     sessions TREE ADDRESS PORT PIN MAX     PIN: 64 hexadecimal digits; MAX: sessions at most
 *
 * Prints a line for each: code, step, retry, milliseconds, reason; and ends behind the first that
 * has got its secret, whose line has the secret's length for a reason. FAKE_PLATFORM says what makes
 * the reports; see fake_platform.h.
 */
#include "fake_platform.h"

#include "source/kbs/route.h"
#include "source/kbs/session.h"

#define SESSION_MS 20000

static int one(struct session_input *in, struct broker_url *url)
{
	struct resource resource = { .path = "default/disk/root" };
	struct attempt a = { 0 };
	const uint64_t begin_us = clock_us();
	int tcp, r;

	in->deadline = deadline_in_ms(SESSION_MS);
	a.step = KBS_STEP_CONNECT;
	tcp = route_connect(url->address, url->port, &a.fault);
	r = tcp;
	if (tcp >= 0) {
		r = session_run(in, url, tcp, in->deadline, &resource, 1, &a);
		(void)close(tcp);
	}
	printf("%d %d %d %llu ", a.fault.code, a.step, a.retry,
	       (unsigned long long)((clock_us() - begin_us) / 1000));
	if (r >= 0)
		printf("%zu\n", resource.secret.len);
	else
		printf("%s\n", a.fault.why);
	secret_done(&resource.secret);
	return r;
}

int main(int argc, char **argv)
{
	struct root root;
	struct kbs_conf conf = { .nr_pins = 1, .format = RESOURCE_SECRET };
	struct broker_url url = { 0 };
	struct session_input in = { .root = &root, .conf = &conf };
	long i;

	if (argc != 6 || root_init(&root, argv[1]) < 0 || digest_parse(argv[4], &conf.pins[0]) < 0)
		return 99;
	fake_platform_init(&root);
	in.tee = *fake_tsm->provider == 's' ? "snp" : "tdx";
	(void)snprintf(in.provider, sizeof(in.provider), "%s", fake_tsm->provider);
	(void)snprintf(url.host, sizeof(url.host), "%s", argv[2]);
	(void)snprintf(url.address, sizeof(url.address), "%s", argv[2]);
	(void)snprintf(url.text, sizeof(url.text), "https://%s:%s", argv[2], argv[3]);
	url.port = (unsigned int)atoi(argv[3]);
	for (i = 0; i < atol(argv[5]); i++)
		if (one(&in, &url) >= 0)
			break;
	root_done(&root);
	return 0;
}
