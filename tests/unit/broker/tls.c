/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls.c - who is taken for the broker, and how a handshake that fails is classed. The server is
 * libssl, in a process of its own, with keys and certificates that are made here.
 */
#include "broker/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tap.h"

#define DAY (24 * 60 * 60L) /* seconds */

static EVP_PKEY *ca_key, *server_key, *other_key;
static X509 *ca, *other_ca, *leaf;

static void must(bool good)
{
	if (!good) {
		ERR_print_errors_fp(stderr);
		abort();
	}
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	must(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* From and to: days from now. names: subjectAltName, or NULL for a CA. */
static X509 *make_certificate(EVP_PKEY *key, const char *subject, X509 *issuer,
			      EVP_PKEY *issuer_key, const char *names, long from, long to)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_NAME_new();

	must(certificate && name &&
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject,
					-1, -1, 0) == 1);
	must(X509_set_version(certificate, X509_VERSION_3) == 1);
	must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1);
	must(X509_gmtime_adj(X509_getm_notBefore(certificate), from * DAY) &&
	     X509_gmtime_adj(X509_getm_notAfter(certificate), to * DAY));
	must(X509_set_subject_name(certificate, name) == 1 &&
	     X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name) ==
		     1 &&
	     X509_set_pubkey(certificate, key) == 1);
	if (names)
		add_extension(certificate, NID_subject_alt_name, names);
	else
		add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
	must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
	X509_NAME_free(name);
	return certificate;
}

static void pin_of(EVP_PKEY *key, unsigned char ret_pin[static DIGEST_SIZE])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	unsigned int size;

	must(len > 0 && EVP_Digest(der, (size_t)len, ret_pin, &size, EVP_sha256(), NULL) == 1);
	OPENSSL_free(der);
}

/* What the server does. */
struct server {
	X509 *certificate;
	EVP_PKEY *key;
	X509 *chain; /* one more certificate, or NULL */
	int max_version;
	const char *groups, *ciphers;
	const char *raw; /* in the place of TLS */
	size_t raw_len;
	bool closes; /* at once */
};

static void serve(int fd, const struct server *server)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	char buf[64], hello[4096];
	SSL *ssl;
	int n;

	if (server->closes)
		_exit(0);
	if (server->raw) {
		must(read(fd, hello, sizeof(hello)) > 0);
		must(send(fd, server->raw, server->raw_len, 0) > 0);
		_exit(0);
	}
	SSL_CTX_set_security_level(ctx, 0);
	must(SSL_CTX_use_certificate(ctx, server->certificate) == 1 &&
	     SSL_CTX_use_PrivateKey(ctx, server->key) == 1);
	if (server->chain)
		must(SSL_CTX_add1_chain_cert(ctx, server->chain) == 1);
	must(SSL_CTX_set_max_proto_version(ctx, server->max_version) == 1);
	if (server->groups)
		must(SSL_CTX_set1_groups_list(ctx, server->groups) == 1);
	if (server->ciphers)
		must(SSL_CTX_set_cipher_list(ctx, server->ciphers) == 1);
	ssl = SSL_new(ctx);
	must(ssl && SSL_set_fd(ssl, fd) == 1);
	if (SSL_accept(ssl) == 1 && (n = SSL_read(ssl, buf, sizeof(buf))) > 0)
		(void)SSL_write(ssl, buf, n); /* says it back */
	(void)SSL_shutdown(ssl);
	_exit(0);
}

static pid_t start_server(const struct server *server, int *ret_fd)
{
	int pair[2];
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		serve(pair[1], server);
	}
	(void)close(pair[1]);
	must(pid > 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
	*ret_fd = pair[0];
	return pid;
}

/* Returns what the handshake returned; after a good one, a message must come back. */
static int connect_to(const struct server *server, const struct identity *wanted, struct fault *f)
{
	struct identity identity = *wanted;
	struct tls tls = TLS_NULL;
	struct channel channel;
	char buf[16];
	pid_t pid;
	int fd, r;

	pid = start_server(server, &fd);
	*f = (struct fault){ 0 };
	must(tls_open(&tls, fd, -1, f) == 0);
	r = tls_handshake(&tls, &identity, f);
	if (r == 0) {
		channel = tls_channel(&tls);
		must(channel.write(channel.arg, "hello", 5, f) == 0);
		must(channel.read(channel.arg, buf, sizeof(buf), f) == 5 &&
		     memcmp(buf, "hello", 5) == 0);
		must(channel.read(channel.arg, buf, sizeof(buf), f) == 0);
	}
	tls_done(&tls);
	(void)close(fd);
	must(waitpid(pid, NULL, 0) == pid);
	return r;
}

static char *pem_of(X509 *first, X509 *second)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	must(bio && PEM_write_bio_X509(bio, first) == 1 &&
	     (!second || PEM_write_bio_X509(bio, second) == 1));
	len = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)len);
	BIO_free(bio);
	return text;
}

static void check(const char *name, const struct server *server, const struct identity *identity,
		  enum exitcode code, const char *why)
{
	struct fault f;
	int r = connect_to(server, identity, &f);

	if (!ok((r == 0) == (code == EXITCODE_OK) && f.code == code && strstr(f.why, why), "%s",
		name))
		printf("# %d, code %d: %s\n", r, (int)f.code, f.why);
}

static struct identity with_ca(const char *pem, const char *name)
{
	return (struct identity){ .ca = (const unsigned char *)pem,
				  .ca_len = strlen(pem),
				  .name = name };
}

static void check_pins(void)
{
	unsigned char pins[3 * DIGEST_SIZE];
	const struct identity one = { .pins = pins, .nr_pins = 1, .name = "kbs.test" };
	const struct identity three = { .pins = pins, .nr_pins = 3, .name = "kbs.test" };
	struct server server = { .certificate = leaf, .key = server_key };
	X509 *expired = make_certificate(server_key, "x", ca, ca_key, "DNS:else.test", -20, -10);
	X509 *future = make_certificate(server_key, "x", NULL, server_key, "DNS:else.test", 10, 20);

	pin_of(server_key, pins);
	check("the pin", &server, &one, EXITCODE_OK, "");
	server.max_version = TLS1_2_VERSION;
	check("... with TLS 1.2", &server, &one, EXITCODE_OK, "");
	server.max_version = 0;
	server.certificate = expired;
	check("... with an expired certificate of another name", &server, &one, EXITCODE_OK, "");
	server.certificate = future;
	check("... with one that is not yet valid, and signed by itself", &server, &one,
	      EXITCODE_OK, "");
	server.certificate = leaf;
	pin_of(ca_key, pins);
	server.chain = ca;
	check("the pin of a CA in the chain", &server, &one, EXITCODE_BROKER_IDENTITY,
	      "none of Pin=");
	server.chain = NULL;
	pin_of(other_key, pins);
	check("another pin", &server, &one, EXITCODE_BROKER_IDENTITY, "none of Pin=");
	pin_of(server_key, pins + 2 * DIGEST_SIZE);
	memcpy(pins + DIGEST_SIZE, pins, DIGEST_SIZE);
	check("one of three", &server, &three, EXITCODE_OK, "");
	pins[2 * DIGEST_SIZE + 31] ^= 1;
	check("none of three, by a bit", &server, &three, EXITCODE_BROKER_IDENTITY, "none of Pin=");
	check("neither pin nor CA", &server, &(struct identity){ .name = "kbs.test" },
	      EXITCODE_BROKER_IDENTITY, "");
	X509_free(expired);
	X509_free(future);
}

static void check_ca(void)
{
	_cleanup_free_ char *good = pem_of(ca, NULL), *other = pem_of(other_ca, NULL),
			    *two = pem_of(ca, other_ca);
	struct server server = { .certificate = leaf, .key = server_key };
	const struct identity right = with_ca(good, "kbs.test"),
			      another = with_ca(other, "kbs.test");
	const struct identity name = with_ca(good, "else.test"),
			      address = with_ca(good, "192.0.2.1");
	const struct identity v6 = with_ca(good, "2001:db8::1"),
			      no_address = with_ca(good, "192.0.2.2");
	const struct identity both = with_ca(two, "kbs.test"),
			      none = with_ca("hello\n", "kbs.test");
	X509 *expired = make_certificate(server_key, "x", ca, ca_key, "DNS:kbs.test", -20, -10);
	X509 *future = make_certificate(server_key, "x", ca, ca_key, "DNS:kbs.test", 10, 20);
	X509 *common = make_certificate(server_key, "kbs.test", ca, ca_key, "IP:192.0.2.9", -1, 1);
	X509 *wild = make_certificate(server_key, "x", ca, ca_key, "DNS:*.test", -1, 1);
	X509 *middle = make_certificate(other_key, "middle", ca, ca_key, "DNS:kbs.test", -1, 1);
	X509 *below = make_certificate(server_key, "x", middle, other_key, "DNS:kbs.test", -1, 1);
	unsigned char pin[DIGEST_SIZE];
	struct identity pinned = another;

	check("the CA and the name", &server, &right, EXITCODE_OK, "");
	check("the CA and an IPv4 address", &server, &address, EXITCODE_OK, "");
	check("the CA and an IPv6 address", &server, &v6, EXITCODE_OK, "");
	check("another CA", &server, &another, EXITCODE_BROKER_IDENTITY, "not of BrokerCA=");
	check("the CA and another name", &server, &name, EXITCODE_BROKER_IDENTITY,
	      "ostname mismatch");
	check("the CA and another address", &server, &no_address, EXITCODE_BROKER_IDENTITY,
	      "address mismatch");
	server.certificate = expired;
	check("an expired certificate", &server, &right, EXITCODE_OK, "");
	server.certificate = future;
	check("one that is not yet valid", &server, &right, EXITCODE_OK, "");
	server.certificate = common;
	check("the name as subject only", &server, &right, EXITCODE_BROKER_IDENTITY,
	      "ostname mismatch");
	server.certificate = wild;
	check("a wildcard", &server, &right, EXITCODE_BROKER_IDENTITY, "ostname mismatch");
	server.certificate = below;
	server.chain = middle;
	check("a chain over a certificate that is no CA", &server, &right, EXITCODE_BROKER_IDENTITY,
	      "not of BrokerCA=");
	server.certificate = leaf;
	server.chain = NULL;
	pin_of(server_key, pin);
	pinned.pins = pin;
	pinned.nr_pins = 1;
	check("another CA, but the pin", &server, &pinned, EXITCODE_OK, "");
	check("two certificates in BrokerCA=", &server, &both, EXITCODE_CONFIG, "one certificate");
	check("none", &server, &none, EXITCODE_CONFIG, "one certificate");
	X509_free(expired);
	X509_free(future);
	X509_free(common);
	X509_free(wild);
	X509_free(middle);
	X509_free(below);
}

static void check_handshakes(void)
{
	unsigned char pin[DIGEST_SIZE];
	const struct identity identity = { .pins = pin, .nr_pins = 1, .name = "kbs.test" };
	struct server server = { .certificate = leaf,
				 .key = server_key,
				 .max_version = TLS1_1_VERSION };

	pin_of(server_key, pin);
	check("TLS 1.1", &server, &identity, EXITCODE_TLS_PARAMETERS, "version");
	server.max_version = TLS1_2_VERSION;
	server.groups = "brainpoolP384r1";
	check("no common group", &server, &identity, EXITCODE_TLS_PARAMETERS, "handshake failure");
	server.groups = NULL;
	server.ciphers = "ECDHE-ECDSA-AES128-SHA";
	check("no common cipher", &server, &identity, EXITCODE_TLS_PARAMETERS, "handshake failure");
	server.closes = true;
	check("a server that closes", &server, &identity, EXITCODE_CONNECTION, "TLS handshake");
	server.closes = false;
	server.raw = "HTTP/1.1 400 Bad Request\r\n\r\n";
	server.raw_len = strlen(server.raw);
	check("a server without TLS", &server, &identity, EXITCODE_CONNECTION, "TLS handshake");
	server.raw = "\x15\x03\x03\x00\x02\x02\x28";
	server.raw_len = 7;
	check("handshake_failure", &server, &identity, EXITCODE_TLS_PARAMETERS,
	      "handshake failure");
	server.raw = "\x15\x03\x03\x00\x02\x02\x50";
	check("internal_error", &server, &identity, EXITCODE_CONNECTION, "internal error");
	ok(identity_is_address("::1") && identity_is_address("192.0.2.1") &&
		   !identity_is_address("a.1") && !identity_is_address("1.2.3") &&
		   !identity_is_address(""),
	   "what is an address");
}

/* Nobody waits for an answer any longer. */
static void check_stop(void)
{
	struct identity identity = { .name = "kbs.test" };
	int stop[2], wire[2];
	struct fault f = { 0 };
	struct tls tls;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, stop) == 0 &&
	     socketpair(AF_UNIX, SOCK_STREAM, 0, wire) == 0);
	must(fcntl(wire[0], F_SETFL, O_NONBLOCK) == 0 && tls_open(&tls, wire[0], stop[0], &f) == 0);
	(void)close(stop[1]);
	is_int(tls_handshake(&tls, &identity, &f), -ECANCELED,
	       "the unlocking process hangs up in a handshake");
	is_int(f.code, EXITCODE_OK, "... and nothing is said");
	tls_done(&tls);
}

int main(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	ca_key = EVP_EC_gen("P-256");
	server_key = EVP_EC_gen("P-256");
	other_key = EVP_EC_gen("P-256");
	must(ca_key && server_key && other_key);
	ca = make_certificate(ca_key, "ca", NULL, ca_key, NULL, -20, -10);
	other_ca = make_certificate(other_key, "ca", NULL, other_key, NULL, -1, 1);
	leaf = make_certificate(server_key, "x", ca, ca_key,
				"DNS:kbs.test,IP:192.0.2.1,IP:2001:db8::1", -1, 1);
	check_pins();
	check_ca();
	check_handshakes();
	check_stop();
	X509_free(ca);
	X509_free(other_ca);
	X509_free(leaf);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(server_key);
	EVP_PKEY_free(other_key);
	return tap_done();
}
