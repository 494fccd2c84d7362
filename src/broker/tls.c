/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tls.c - handshake, reads and writes.
 * Trusts libssl, and the server only once identity.c has accepted it. Waits for the other side as
 * long as somebody waits for it: the deadline is the unlocking process's.
 */
#include "broker/tls.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <poll.h>
#include <string.h>

/* Of TLS 1.2, what TLS 1.3 would do, too. */
#define CIPHERS_OF_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
#define CERTIFICATES_MAX 65536 /* bytes of the server's chain */
/* SSL_OP_NO_RX_CERTIFICATE_COMPRESSION and ..._TX_...: 3.0 does not know them and has no such
 * thing. */
#define OP_NO_CERTIFICATE_COMPRESSION ((uint64_t)3 << 32)

int tls_open(struct tls *ret_tls, int fd, int stop_fd, struct fault *f)
{
	struct tls tls = { .fd = fd, .stop_fd = stop_fd };
	unsigned char byte;

	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1)
		tls.ctx = SSL_CTX_new(TLS_client_method());
	if (!tls.ctx || RAND_bytes(&byte, 1) != 1 ||
	    SSL_CTX_set_min_proto_version(tls.ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(tls.ctx, CIPHERS_OF_1_2) != 1) {
		SSL_CTX_free(tls.ctx); /* takes NULL */
		return fault_set(f, EXITCODE_INTERNAL, ENOTSUP, "libssl does not start");
	}
	SSL_CTX_set_options(tls.ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_COMPRESSION | OP_NO_CERTIFICATE_COMPRESSION);
	SSL_CTX_set_session_cache_mode(tls.ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(tls.ctx, CERTIFICATES_MAX);
	*ret_tls = tls;
	return 0;
}

/* Waits for what libssl wants of the network. Returns 0, -ECANCELED if nobody waits for us any
 * longer, or -errno. */
static int wait_for(const struct tls *tls, int error)
{
	struct pollfd fds[] = {
		{ .fd = tls->fd, .events = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN },
		{ .fd = tls->stop_fd },
	};
	int r;

	do {
		r = poll(fds, ARRAY_SIZE(fds), -1);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : fds[1].revents ? -ECANCELED : 0;
}

/* A call of libssl's has returned r, with errno. Returns 1: again; 0: the other side has said that
 * it ends; or -errno. The queue of libssl's errors stays for those who want to know. */
static int outcome(const struct tls *tls, int r, int error_number)
{
	int error = SSL_get_error(tls->ssl, r);

	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		r = wait_for(tls, error);
		return r < 0 ? r : 1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return error_number != 0 ? -error_number : -ECONNRESET;
	default:
		return -EPROTO;
	}
}

static bool is_about_parameters(int reason)
{
	switch (reason) {
	case SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION:
	case SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY:
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_NO_CIPHERS_AVAILABLE:
	case SSL_R_UNKNOWN_CIPHER_RETURNED:
	case SSL_R_WRONG_CIPHER_RETURNED:
	case SSL_R_WRONG_CURVE:
	case SSL_R_BAD_KEY_SHARE:
	case SSL_R_DH_KEY_TOO_SMALL:
		return true;
	default:
		return false;
	}
}

/* Why a handshake has ended with r. */
static int refuse(const struct identity *identity, int r, struct fault *f)
{
	unsigned long error = ERR_get_error();
	const char *text;

	if (r == -ECANCELED)
		return r;
	if (identity->error != X509_V_OK) /* also if libcrypto has more to say on that chain */
		return identity_check(identity, f);
	if (r != -EPROTO)
		return fault_errno(f, EXITCODE_CONNECTION, r == 0 ? -ECONNRESET : r,
				   "the connection ends during the TLS handshake");
	text = ERR_reason_error_string(error);
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && is_about_parameters(ERR_GET_REASON(error)))
		return fault_set(f, EXITCODE_TLS_PARAMETERS, EPROTO,
				 "no common TLS version, group or cipher: %s",
				 text ? text : "handshake failure");
	return fault_set(f, EXITCODE_CONNECTION, EPROTO, "the TLS handshake has failed: %s",
			 text ? text : "not TLS");
}

static int start(struct tls *tls, const char *name)
{
	tls->ssl = SSL_new(tls->ctx);
	if (!tls->ssl || SSL_set_fd(tls->ssl, tls->fd) != 1)
		return -ENOMEM;
	if (!identity_is_address(name) && SSL_set_tlsext_host_name(tls->ssl, name) != 1)
		return -ENOMEM;
	return 0;
}

int tls_handshake(struct tls *tls, struct identity *identity, struct fault *f)
{
	int r;

	r = identity_require(tls->ctx, identity, f);
	if (r < 0)
		return r;
	r = start(tls, identity->name);
	if (r < 0)
		return fault_errno(f, EXITCODE_INTERNAL, r, "cannot start TLS");
	do {
		ERR_clear_error();
		errno = 0;
		r = SSL_connect(tls->ssl);
		if (r == 1)
			return identity_check(identity, f);
		r = outcome(tls, r, errno);
	} while (r > 0);
	return refuse(identity, r, f);
}

static int lost(int r, struct fault *f)
{
	if (r == -ECANCELED)
		return r;
	if (r == -EPROTO)
		return fault_set(f, EXITCODE_CONNECTION, EPROTO,
				 "the connection to the broker is lost: cut, or no TLS any more");
	return fault_errno(f, EXITCODE_CONNECTION, r, "the connection to the broker is lost");
}

static ssize_t tls_read(void *arg, void *buf, size_t len, struct fault *f)
{
	struct tls *tls = arg;
	size_t n;
	int r;

	do {
		ERR_clear_error();
		errno = 0;
		r = SSL_read_ex(tls->ssl, buf, len, &n);
		if (r == 1)
			return (ssize_t)n;
		r = outcome(tls, r, errno);
	} while (r > 0);
	return r == 0 ? 0 : lost(r, f);
}

static int tls_write(void *arg, const void *buf, size_t len, struct fault *f)
{
	struct tls *tls = arg;
	size_t n;
	int r;

	do {
		ERR_clear_error();
		errno = 0;
		r = SSL_write_ex(tls->ssl, buf, len, &n); /* all of it, or again */
		if (r == 1)
			return 0;
		r = outcome(tls, r, errno);
	} while (r > 0);
	return lost(r == 0 ? -EPIPE : r, f);
}

struct channel tls_channel(struct tls *tls)
{
	return (struct channel){ .arg = tls, .read = tls_read, .write = tls_write };
}

void tls_done(struct tls *tls)
{
	if (tls->ssl && SSL_is_init_finished(tls->ssl))
		(void)SSL_shutdown(tls->ssl); /* does not wait for an answer */
	SSL_free(tls->ssl);		      /* these take NULL */
	SSL_CTX_free(tls->ctx);
	*tls = TLS_NULL;
}
