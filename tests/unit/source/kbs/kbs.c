/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbs.c - which broker is asked when, and what is told in the end; what a volume gets of the answers.
 * Routes, connections, sessions and the clock are those of the test: five minutes take no time.
 */
#include "source/kbs/kbs.h"

#include <fcntl.h>
#include <time.h>

#include "fixture.h"
#include "source/kbs/provider.h"
#include "source/kbs/route.h"
#include "source/kbs/session.h"

#define TIMEOUT_S 300
#define CALLS_MAX 256

/* What a URL does at each attempt: the last line stays. */
struct deed {
	enum exitcode code; /* ok: it answers */
	enum kbs_step step;
	enum kbs_retry retry;
	unsigned int takes_s;
};

static uint64_t now_us;
static struct {
	struct deed deeds[4];
	size_t nr; /* of them */
	uint64_t route_at_us;
	enum exitcode missing; /* until then */
	size_t calls;
} urls[CONF_URLS_MAX];

static struct {
	unsigned int url;
	uint64_t at_us;
} calls[CALLS_MAX];
static size_t nr_calls;
static const unsigned char *answers[CONF_VOLUMES_MAX];
static size_t answer_lens[CONF_VOLUMES_MAX];

/* The only clock that deadline.h looks at. */
int clock_gettime(clockid_t id, struct timespec *ret_time)
{
	(void)id;
	*ret_time =
		(struct timespec){ (time_t)(now_us / 1000000), (long)(now_us % 1000000 * 1000) };
	return 0;
}

int provider_find(const struct root *root, bool look_only, struct deadline deadline,
		  char ret_name[static TSM_PROVIDER_SIZE], const char **ret_tee, struct fault *f)
{
	(void)root;
	(void)look_only;
	(void)deadline;
	(void)f;
	(void)snprintf(ret_name, TSM_PROVIDER_SIZE, "sev_guest");
	*ret_tee = "snp";
	return 1;
}

int route_open(struct route *ret_route, struct fault *f)
{
	(void)f;
	ret_route->fd = -EBADF;
	return 0;
}

void route_done(struct route *route)
{
	(void)route;
}

/* Addresses end in the number of the URL. */
static unsigned int url_of(const char *address)
{
	return (unsigned int)(address[strlen(address) - 1] - '0');
}

int route_find(struct route *route, const char *address, struct fault *f)
{
	const unsigned int i = url_of(address);

	(void)route;
	if (urls[i].route_at_us <= now_us)
		return 1;
	(void)fault_set(f, urls[i].missing, ENETUNREACH, "nothing leads to %s", address);
	return 0;
}

/* The next event, or the deadline. */
int route_wait(struct route *route, struct deadline deadline)
{
	uint64_t at_us = deadline.at_us;
	size_t i;

	(void)route;
	for (i = 0; i < CONF_URLS_MAX; i++)
		if (urls[i].route_at_us > now_us && urls[i].route_at_us < at_us)
			at_us = urls[i].route_at_us;
	FIXTURE_MUST(at_us >= now_us && at_us < UINT64_MAX);
	now_us = at_us;
	return at_us < deadline.at_us ? 0 : -ETIMEDOUT;
}

static const struct deed *next_deed(unsigned int i)
{
	size_t n = urls[i].calls < urls[i].nr ? urls[i].calls : urls[i].nr - 1;

	return &urls[i].deeds[n];
}

int route_connect(const char *address, unsigned int port, struct fault *f)
{
	const unsigned int i = url_of(address);
	const struct deed *d = next_deed(i);

	(void)port;
	FIXTURE_MUST(nr_calls < CALLS_MAX);
	calls[nr_calls].url = i;
	calls[nr_calls++].at_us = now_us;
	if (d->code == EXITCODE_OK || d->step > KBS_STEP_CONNECT)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	urls[i].calls++;
	now_us += d->takes_s * 1000000ULL;
	return fault_set(f, d->code, ECONNREFUSED, "refused by %u", i);
}

int session_run(const struct session_input *in, const struct broker_url *url, int tcp,
		struct deadline connect, struct resource *resources, size_t nr, struct attempt *a)
{
	const unsigned int i = url_of(url->address);
	const struct deed *d = next_deed(i);
	struct table_flaw flaw;
	struct fault f = { 0 };
	size_t k;

	(void)tcp;
	(void)connect;
	urls[i].calls++;
	now_us += d->takes_s * 1000000ULL;
	if (d->code != EXITCODE_OK)
		return attempt_fail(a, d->step, d->retry, d->code, EACCES, "failed at %u", i);
	for (k = 0; k < nr; k++) {
		struct secret *s = &resources[k].secret;

		FIXTURE_MUST(secret_init(s, &f) == 0);
		memcpy(s->bytes, answers[k], answer_lens[k]);
		s->len = answer_lens[k];
		if (in->conf->format == RESOURCE_TABLE)
			FIXTURE_MUST(table_parse(s, &resources[k].table, &flaw) == 0);
	}
	return 0;
}

static struct conf conf;
static struct source src;
static struct root root = { .fd = -EBADF };

static void start(size_t nr)
{
	size_t i;

	memset(urls, 0, sizeof(urls));
	nr_calls = 0;
	now_us = 1000000;
	conf_defaults(&conf);
	conf.kbs.nr_urls = nr;
	(void)snprintf(conf.kbs.resource, sizeof(conf.kbs.resource), "a/b/c");
	conf.kbs.format = RESOURCE_SECRET;
	answers[0] = (const unsigned char *)"key";
	answer_lens[0] = 3;
	for (i = 0; i < nr; i++) {
		(void)snprintf(conf.kbs.urls[i].text, CONF_URL_SIZE, "https://host%zu", i);
		(void)snprintf(conf.kbs.urls[i].address, CONF_ADDRESS_SIZE, "192.0.2.%zu", i);
		urls[i].nr = 1;
	}
}

static void deed(size_t url, struct deed d)
{
	urls[url].deeds[0] = d;
}

static int run(struct fault *f)
{
	*f = (struct fault){ 0 };
	source_init(&source_kbs, &root, &conf, &src);
	src.deadline = deadline_in_ms(TIMEOUT_S * 1000);
	FIXTURE_MUST(src.ops->probe(&src, f) == 1);
	return src.ops->open(&src, f);
}

/* "URL@second" of each attempt. */
static const char *history(void)
{
	static char text[4096];
	size_t i;

	text[0] = '\0';
	for (i = 0; i < nr_calls; i++)
		text_append(text, sizeof(text), "%s%u@%u", i > 0 ? " " : "", calls[i].url,
			    (unsigned int)(calls[i].at_us / 1000000) - 1);
	return text;
}

static void is_end(struct fault *f, enum exitcode code, const char *want, const char *what)
{
	is_int(run(f) < 0 ? (int)f->code : 0, code, "%s", what);
	is_str(history(), want, "... when it is tried");
	ok(now_us <= (1 + TIMEOUT_S) * 1000000ULL, "... within the time");
	src.ops->done(&src);
	src.ops->done(&src);
}

static void test_order(void)
{
	const struct deed refused = { EXITCODE_CONNECTION, KBS_STEP_CONNECT, KBS_RETRY_NEXT, 0 };
	const struct deed broken = { EXITCODE_BROKER_HTTP, KBS_STEP_AUTH, KBS_RETRY_NEXT, 0 };
	const struct deed stranger = { EXITCODE_BROKER_IDENTITY, KBS_STEP_HANDSHAKE,
				       KBS_RETRY_NEVER, 0 };
	const struct deed denied = { EXITCODE_RELEASE_DENIED, KBS_STEP_RESOURCE, KBS_RETRY_SLOW,
				     0 };
	const struct deed unknown = { EXITCODE_EVIDENCE_REFUSED, KBS_STEP_ATTEST,
				      KBS_RETRY_NEW_NONCE, 0 };
	const struct deed no_report = { EXITCODE_REPORT_FAILED, KBS_STEP_REPORT, KBS_RETRY_NEVER,
					0 };
	const struct deed slow = { EXITCODE_NO_ANSWER, KBS_STEP_ATTEST, KBS_RETRY_NEXT, 30 };
	const struct deed good = { EXITCODE_OK, 0, 0, 0 };
	struct fault f;

	start(1);
	is_end(&f, EXITCODE_OK, "0@0", "a broker that answers");
	start(2);
	deed(0, refused);
	is_end(&f, EXITCODE_OK, "0@0 1@0", "the second is asked when the first cannot be reached");
	start(2);
	deed(0, broken);
	is_end(&f, EXITCODE_OK, "0@0 1@0", "... or has an error of its own");
	start(2);
	deed(0, stranger);
	is_end(&f, EXITCODE_OK, "0@0 1@0", "... or is somebody else");
	start(1);
	deed(0, refused);
	is_end(&f, EXITCODE_CONNECTION,
	       "0@0 0@1 0@3 0@7 0@15 0@30 0@45 0@60 0@75 0@90 0@105 0@120 0@135 0@150 0@165 "
	       "0@180 0@195 0@210 0@225 0@240 0@255 0@270 0@285",
	       "a broker that cannot be reached is asked again, ever more slowly");
	ok(strstr(f.why, "https://host0: refused by 0"), "... and named: %s", f.why);
	start(1);
	deed(0, stranger);
	is_end(&f, EXITCODE_BROKER_IDENTITY, "0@0", "a stranger is never asked again");
	start(2);
	deed(0, stranger);
	deed(1, stranger);
	is_end(&f, EXITCODE_BROKER_IDENTITY, "0@0 1@0", "... nor are two");
	ok(strstr(f.why, "https://host0: failed at 0; https://host1: failed at 1"),
	   "... and both are named: %s", f.why);
	start(2);
	deed(0, stranger);
	deed(1, slow);
	is_end(&f, EXITCODE_NO_ANSWER, "0@0 1@0 1@31 1@63 1@97 1@135 1@180 1@225 1@270",
	       "the code is that of the attempt that came furthest");
	start(2);
	deed(0, denied);
	urls[0].deeds[1] = denied;
	urls[0].deeds[2] = good;
	urls[0].nr = 3;
	is_end(&f, EXITCODE_OK, "0@0 0@10 0@20", "who denies is asked again, and nobody else");
	start(2);
	deed(0, unknown);
	urls[0].deeds[1] = stranger;
	urls[0].nr = 2;
	is_end(&f, EXITCODE_OK, "0@0 0@10 1@10", "so is who does not know the chip");
	start(1);
	deed(0, denied);
	urls[0].deeds[1] = slow;
	urls[0].deeds[1].takes_s = 250;
	urls[0].deeds[2] = refused;
	urls[0].nr = 3;
	is_end(&f, EXITCODE_RELEASE_DENIED, "0@0 0@10 0@261 0@263 0@267 0@275 0@290",
	       "what came furthest is told, also if it was long ago");
	start(2);
	deed(0, no_report);
	is_end(&f, EXITCODE_REPORT_FAILED, "0@0",
	       "no second report is asked for, not for another broker either");
}

static void test_routes(void)
{
	const struct deed refused = { EXITCODE_CONNECTION, KBS_STEP_CONNECT, KBS_RETRY_NEXT, 0 };
	struct fault f;

	start(1);
	urls[0].route_at_us = 51000000;
	urls[0].missing = EXITCODE_NO_NETWORK;
	is_end(&f, EXITCODE_OK, "0@50", "the connection is made when the route comes");
	start(2);
	urls[0].route_at_us = UINT64_MAX;
	urls[0].missing = EXITCODE_NO_ROUTE;
	is_end(&f, EXITCODE_OK, "1@0", "a broker without a route keeps nobody from the other");
	start(2);
	urls[0].route_at_us = 21000000;
	urls[0].missing = EXITCODE_NO_ROUTE;
	deed(1, refused);
	is_end(&f, EXITCODE_OK, "1@0 1@1 1@3 1@7 1@15 0@20", "... and the other not from it");
	start(1);
	urls[0].route_at_us = UINT64_MAX;
	urls[0].missing = EXITCODE_NO_NETWORK;
	is_end(&f, EXITCODE_NO_NETWORK, "", "no network at all");
	ok(strstr(f.why, "https://host0: nothing leads to"), "... which is said: %s", f.why);
	start(2);
	urls[0].route_at_us = urls[1].route_at_us = UINT64_MAX;
	urls[0].missing = urls[1].missing = EXITCODE_NO_ROUTE;
	is_end(&f, EXITCODE_NO_ROUTE, "", "no route to any");
}

/* A table with these entries; lengths of at most 255. */
static size_t make_table(unsigned char *bytes, const char *const *guids, const char *const *data)
{
	size_t at = TABLE_HEADER_SIZE, i;

	memset(bytes, 0, 1024);
	guid_bytes(TABLE_GUID, bytes);
	for (i = 0; guids[i]; i++) {
		guid_bytes(guids[i], bytes + at);
		bytes[at + GUID_SIZE] = (unsigned char)(TABLE_HEADER_SIZE + strlen(data[i]));
		memcpy(bytes + at + TABLE_HEADER_SIZE, data[i], strlen(data[i]));
		at += TABLE_HEADER_SIZE + strlen(data[i]);
	}
	bytes[GUID_SIZE] = (unsigned char)at;
	bytes[GUID_SIZE + 1] = (unsigned char)(at >> 8);
	return at;
}

#define GUID_OTHER "11111111-2222-3333-4444-555555555555"

static void is_secret(const struct reference *ref, enum exitcode code, const char *want,
		      const char *what)
{
	_cleanup_secret_ struct secret s = SECRET_NULL;
	struct fault f = { 0 };
	int r = src.ops->fetch(&src, ref, &s, &f);

	is_int(r < 0 ? (int)f.code : 0, code, "%s %s", what, f.why);
	if (r >= 0)
		ok(s.len == strlen(want) && memcmp(s.bytes, want, s.len) == 0, "... its bytes");
	else
		ok(!s.bytes, "... no bytes");
}

static void test_answers(void)
{
	static const char *const one[] = { GUID_DISK_SECRET, GUID_OTHER, GUID_POLICY, NULL };
	static const char *const one_data[] = { "first", "", "version=1\n" };
	static const char *const two[] = { GUID_OTHER, GUID_POLICY, NULL };
	static const char *const two_data[] = { "second", "version=1\n" };
	static const char *const rescues[] = { GUID_RESCUE, NULL };
	static unsigned char tables[2][1024];
	const struct reference rescue = REFERENCE_RESCUE;
	char names[8][GUID_TEXT_SIZE];
	size_t i;
	const struct reference disk = REFERENCE_DISK_SECRET, policy = REFERENCE_POLICY;
	const struct reference other = { .guid = GUID_OTHER, .has_guid = true };
	struct reference named = { .kind = REFERENCE_RESOURCE,
				   .guid = GUID_OTHER,
				   .has_guid = true };
	struct fault f;
	unsigned int nr = 0;
	bool has = true;

	start(1);
	FIXTURE_MUST(run(&f) == 0);
	is_secret(&disk, EXITCODE_OK, "key", "a bare secret");
	ok(src.ops->list(&src, &policy, &nr, &has) == 0 && !has && nr == 1,
	   "... without a policy entry");
	ok(src.ops->list(&src, &rescue, &nr, &has) == 0 && !has, "... and it is no rescue entry");
	is_secret(&rescue, EXITCODE_SECRET_MISSING, "", "... nor given out as one");
	is_int(src.ops->names(&src, names, ARRAY_SIZE(names)), 0, "... it has no name");
	ok(src.ops->discard(&src, &f) == 0 && src.info.wiped == 1, "... is wiped");
	src.ops->done(&src);

	start(1);
	answer_lens[0] = 0;
	FIXTURE_MUST(run(&f) == 0);
	is_secret(&disk, EXITCODE_SECRET_EMPTY, "", "an empty one");
	src.ops->done(&src);

	start(1);
	conf.kbs.format = RESOURCE_TABLE;
	answers[0] = tables[0];
	answer_lens[0] = make_table(tables[0], one, one_data);
	FIXTURE_MUST(run(&f) == 0);
	is_secret(&disk, EXITCODE_OK, "first", "an entry of a table");
	is_secret(&other, EXITCODE_SECRET_EMPTY, "", "one without data");
	is_secret(&policy, EXITCODE_OK, "version=1\n", "its policy entry");
	ok(src.ops->list(&src, &policy, &nr, &has) == 0 && has && nr == 3, "... is listed");
	src.ops->done(&src);

	start(1);
	conf.kbs.format = RESOURCE_TABLE;
	conf.nr_volumes = 3;
	(void)snprintf(named.resource, sizeof(named.resource), "a/b/other");
	conf.volumes[1].secret = named;
	conf.volumes[2].secret = named;
	answers[0] = tables[0];
	answers[1] = tables[1];
	answer_lens[0] = make_table(tables[0], one, one_data);
	answer_lens[1] = make_table(tables[1], two, two_data);
	FIXTURE_MUST(run(&f) == 0);
	ok(src.info.found == 5, "two tables, each fetched once");
	is_secret(&named, EXITCODE_OK, "second", "an entry of the other table");
	is_secret(&policy, EXITCODE_POLICY_INVALID, "", "two policy entries");
	ok(src.ops->names(&src, names, ARRAY_SIZE(names)) == 5 &&
		   strcmp(names[0], GUID_DISK_SECRET) == 0 && strcmp(names[4], GUID_POLICY) == 0,
	   "... the names of all entries");
	is_int(src.ops->names(&src, names, 2), 2, "... or as many as there is room for");
	src.ops->done(&src);

	for (i = 0; i < 2; i++) {
		start(1);
		conf.kbs.format = RESOURCE_TABLE;
		conf.nr_volumes = 2;
		conf.volumes[1].secret = named;
		answers[0] = tables[0];
		answers[1] = tables[1];
		answer_lens[0] = make_table(tables[0], i == 0 ? one : rescues, one_data);
		answer_lens[1] = make_table(tables[1], rescues, one_data);
		FIXTURE_MUST(run(&f) == 0);
		if (i == 0)
			is_secret(&rescue, EXITCODE_OK, "first", "a rescue entry of any table");
		else
			is_secret(&rescue, EXITCODE_POLICY_INVALID, "", "two rescue entries");
		src.ops->done(&src);
	}

	start(1);
	conf.kbs.format = RESOURCE_TABLE;
	answers[0] = tables[1];
	answer_lens[0] = make_table(tables[1], two, two_data);
	FIXTURE_MUST(run(&f) == 0);
	is_secret(&disk, EXITCODE_SECRET_MISSING, "", "an entry that is not there");
	src.ops->done(&src);
}

static void test_files(void)
{
	struct fixture fx;
	struct fault f;

	fixture_init(&fx);
	root = fx.root;
	start(1);
	(void)snprintf(conf.kbs.broker_ca, sizeof(conf.kbs.broker_ca), "/etc/ca.pem");
	ok(run(&f) < 0 && f.code == EXITCODE_CONFIG && strstr(f.why, "BrokerCA="),
	   "a certificate that is not there: %s", f.why);
	is_str(history(), "", "... before anybody is asked");
	src.ops->done(&src);
	fixture_done(&fx);
}

int main(void)
{
	test_order();
	test_routes();
	test_answers();
	test_files();
	return tap_done();
}
