/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer.c - takes the broker's JSON apart.
 * Trusts no byte of it: json-c sees only what jsontext.h's scan has passed. Knows no key: what is
 * in a JWE stays closed.
 */
#include "broker/answer.h"

#include <json-c/json.h>
#include <string.h>

#include "base/base64.h"
#include "base/text.h"
#include "disk/jsontext.h"

#define _cleanup_json_ _cleanup_(json_putp)

static void json_putp(struct json_object **object)
{
	json_object_put(*object); /* takes NULL */
}

static int malformed(struct fault *f, const char *what)
{
	return fault_set(f, EXITCODE_MALFORMED_ANSWER, EBADMSG, "%s", what);
}

/* Returns the object, or NULL: no JSON, or no memory. */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok;
	struct json_object *root;

	if (jsontext_check(text, len) < 0)
		return NULL;
	tok = json_tokener_new_ex(JSONTEXT_DEPTH_MAX + 1);
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tok, text, (int)len + 1); /* len: 1 MiB at most */
	json_tokener_free(tok);
	return root;
}

/* A member's text, of printable ASCII without NUL; NULL if it is none. */
static const char *get_text(struct json_object *object, const char *name)
{
	struct json_object *member;
	const char *text;
	size_t len, i;

	if (!json_object_object_get_ex(object, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return NULL;
	text = json_object_get_string(member);
	len = (size_t)json_object_get_string_len(member);
	for (i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return NULL;
	return text;
}

/* RCAR sends it as "" or as an object. We offer SHA-384 and hash with nothing else. */
static bool wants_sha384(struct json_object *root)
{
	struct json_object *extra, *hash;
	const char *text;

	if (!json_object_object_get_ex(root, "extra-params", &extra) || !extra)
		return true;
	if (!json_object_is_type(extra, json_type_object)) {
		text = get_text(root, "extra-params");
		return text && *text == '\0';
	}
	if (!json_object_object_get_ex(extra, "selected-hash-algorithm", &hash))
		return true;
	text = get_text(extra, "selected-hash-algorithm");
	return text && strcasecmp(text, "sha384") == 0;
}

int answer_nonce(const char *text, size_t len, char **ret_nonce, struct fault *f)
{
	_cleanup_json_ struct json_object *root = parse(text, len);
	const char *nonce = root ? get_text(root, "nonce") : NULL;

	if (!root)
		return malformed(f, "the broker's challenge is no JSON object");
	if (!nonce || *nonce == '\0' || strlen(nonce) > ANSWER_NONCE_MAX)
		return malformed(f, "the broker's challenge has no nonce that can be used");
	if (!wants_sha384(root))
		return malformed(f, "the broker's challenge asks for another hash than SHA-384");
	*ret_nonce = strdup(nonce);
	if (!*ret_nonce)
		return fault_set(f, EXITCODE_NO_MEMORY, ENOMEM, "no memory for a nonce");
	return 0;
}

int answer_token(const char *text, size_t len, struct fault *f)
{
	_cleanup_json_ struct json_object *root = parse(text, len);
	const char *token = root ? get_text(root, "token") : NULL;

	if (!token || *token == '\0')
		return malformed(f, "the broker's answer to the evidence has no token");
	return 0;
}

/* As one line. */
static void keep_text(const char *text, char *ret_line, size_t size)
{
	char line[ANSWER_DETAIL_SIZE];
	size_t i;

	(void)snprintf(line, sizeof(line), "%s", text); /* cut */
	for (i = 0; line[i] != '\0'; i++)
		if (strchr("\r\n\t", line[i]))
			line[i] = ' ';
	text_printable(line, ret_line, size);
}

/* It is for people, and may be in any language: then the type is still needed. */
static struct json_object *parse_error(const char *text, size_t len)
{
	_cleanup_free_ char *ascii = malloc(len + 1);
	size_t i;

	if (!ascii)
		return NULL;
	for (i = 0; i < len; i++)
		ascii[i] = (unsigned char)text[i] > 0x7e ? '?' : text[i];
	ascii[len] = '\0';
	return parse(ascii, len);
}

void answer_error(const char *text, size_t len, struct answer_error *ret_error)
{
	_cleanup_json_ struct json_object *root = parse_error(text, len);
	const char *type = root ? get_text(root, "type") : NULL;
	struct json_object *detail;

	*ret_error = (struct answer_error){ 0 };
	if (!root)
		keep_text(text, ret_error->detail, sizeof(ret_error->detail));
	else if (json_object_object_get_ex(root, "detail", &detail) &&
		 json_object_is_type(detail, json_type_string))
		keep_text(json_object_get_string(detail), ret_error->detail,
			  sizeof(ret_error->detail));
	if (!type)
		return;
	type = strrchr(type, '/') ? strrchr(type, '/') + 1 : type;
	text_printable(type, ret_error->type, sizeof(ret_error->type));
}

static ssize_t decode(const char *text, unsigned char *ret_bytes, size_t size)
{
	return base64_decode(BASE64_URL, text, strlen(text), ret_bytes, size);
}

/* A member that has exactly size bytes. */
static bool get_bytes(struct json_object *object, const char *name, unsigned char *ret_bytes,
		      size_t size)
{
	const char *text = get_text(object, name);

	return text && decode(text, ret_bytes, size) == (ssize_t)size;
}

static bool is_text(struct json_object *object, const char *name, const char *want)
{
	const char *text = get_text(object, name);

	return text && strcmp(text, want) == 0;
}

/* The protected header has exactly what RCAR sends: an apu, a crit or a zip would change what
 * opens it. */
static int read_protected(const char *text, struct answer_jwe *jwe, struct fault *f)
{
	_cleanup_json_ struct json_object *root = NULL;
	char json[ANSWER_PROTECTED_MAX + 1];
	struct json_object *epk;
	ssize_t len;

	len = decode(text, (unsigned char *)json, sizeof(json) - 1);
	if (len >= 0) {
		json[len] = '\0';
		root = parse(json, (size_t)len);
	}
	if (!root)
		return malformed(f, "the protected header of the broker's JWE is no JSON object");
	if (!is_text(root, "alg", "ECDH-ES+A256KW") || !is_text(root, "enc", "A256GCM"))
		return malformed(f, "the broker's JWE is not of ECDH-ES+A256KW and A256GCM");
	if (!json_object_object_get_ex(root, "epk", &epk) ||
	    !json_object_is_type(epk, json_type_object))
		return malformed(f, "the protected header of the broker's JWE has no epk");
	if (json_object_object_length(root) != 3)
		return malformed(
			f,
			"the protected header of the broker's JWE has more than alg, enc and epk");
	if (!is_text(epk, "kty", "EC") || !is_text(epk, "crv", "P-256") ||
	    json_object_object_length(epk) != 4 || !get_bytes(epk, "x", jwe->x, sizeof(jwe->x)) ||
	    !get_bytes(epk, "y", jwe->y, sizeof(jwe->y)))
		return malformed(f, "the epk of the broker's JWE is no bare public key of P-256");
	(void)snprintf(jwe->protected_text, sizeof(jwe->protected_text), "%s", text); /* fits */
	return 0;
}

int answer_jwe(const char *text, size_t len, struct answer_jwe *ret_jwe, struct fault *f)
{
	_cleanup_json_ struct json_object *root = parse(text, len);
	const char *protected_text = root ? get_text(root, "protected") : NULL;
	const char *ciphertext = root ? get_text(root, "ciphertext") : NULL;
	ssize_t n;

	if (!protected_text || !ciphertext || strlen(protected_text) > ANSWER_PROTECTED_MAX)
		return malformed(f, "the broker's answer is no flattened JWE");
	if (json_object_object_length(root) != 5)
		return malformed(
			f,
			"the broker's JWE has other members than protected, encrypted_key, iv, ciphertext and tag");
	if (!get_bytes(root, "encrypted_key", ret_jwe->wrapped_key, sizeof(ret_jwe->wrapped_key)) ||
	    !get_bytes(root, "iv", ret_jwe->iv, sizeof(ret_jwe->iv)) ||
	    !get_bytes(root, "tag", ret_jwe->tag, sizeof(ret_jwe->tag)))
		return malformed(
			f,
			"encrypted_key, iv or tag of the broker's JWE has not 40, 12 and 16 bytes in base64url");
	n = decode(ciphertext, ret_jwe->ciphertext, sizeof(ret_jwe->ciphertext));
	if (n < 0)
		return malformed(
			f, "the ciphertext of the broker's JWE is no base64url of at most 16 KiB");
	ret_jwe->len = (size_t)n;
	return read_protected(protected_text, ret_jwe, f);
}
