/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * brokerurl.c - takes the URL of a key broker apart.
 * Trusts the text to be the owner's, but not to be free of mistakes; no name is looked up anywhere.
 * Format: RFC 3986, a small part of it.
 */
#include "conf/brokerurl.h"

#include <arpa/inet.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define NAME_CHARS LETTERS DIGITS "-."
#define PREFIX_CHARS LETTERS DIGITS "-._~/"
#define SCHEME "https://"
#define PORT_HTTPS 443

/* Can one machine have it? Linux connects to itself over 0.0.0.0 and [::]. */
static bool is_of_one(const struct in_addr *v4)
{
	uint32_t address = ntohl(v4->s_addr);

	return address >> 24 != 0 && !IN_MULTICAST(address) && address != INADDR_BROADCAST;
}

/* An IPv6 address of a link needs a name of the link, which nobody knows before it is there; one
 * that stands for an IPv4 address would be a second way to write that. */
static bool is_of_one6(const struct in6_addr *v6)
{
	return !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_MULTICAST(v6) &&
	       !IN6_IS_ADDR_LINKLOCAL(v6) && !IN6_IS_ADDR_V4MAPPED(v6);
}

/* An IP literal, as inet_ntop(3) writes it. */
int brokerurl_parse_address(const char *text, char ret_address[static CONF_ADDRESS_SIZE])
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		if (!is_of_one(&v4))
			return -EINVAL;
		return inet_ntop(AF_INET, &v4, ret_address, CONF_ADDRESS_SIZE) ? 0 : -EINVAL;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1 || !is_of_one6(&v6))
		return -EINVAL;
	return inet_ntop(AF_INET6, &v6, ret_address, CONF_ADDRESS_SIZE) ? 0 : -EINVAL;
}

/* A name of DNS. One whose last label is a number would be a mistaken address. */
int brokerurl_parse_name(const char *text, char ret_name[static CONF_HOST_SIZE])
{
	const char *last = strrchr(text, '.');
	size_t len = strlen(text), i, label = 0;

	last = last ? last + 1 : text;
	if (len == 0 || len > 253 || text[strspn(text, NAME_CHARS)] != '\0' ||
	    last[strspn(last, DIGITS)] == '\0')
		return -EINVAL;
	for (i = 0; i <= len; i++) {
		if (text[i] != '.' && text[i] != '\0') {
			label++;
			continue;
		}
		if (label == 0 || label > 63 || text[i - label] == '-' || text[i - 1] == '-')
			return -EINVAL;
		label = 0;
	}
	for (i = 0; i <= len; i++)
		ret_name[i] =
			text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
	return 0;
}

/* [ADDRESS] is of IPv6, without brackets it is a name or of IPv4. `text` is changed in place. */
static int parse_host(char *text, struct broker_url *url)
{
	size_t len = strlen(text);

	if (*text == '[') {
		if (text[len - 1] != ']')
			return -EINVAL;
		text[len - 1] = '\0';
		text++;
		if (!strchr(text, ':'))
			return -EINVAL;
	} else if (strchr(text, ':')) {
		return -EINVAL;
	}
	if (brokerurl_parse_address(text, url->address) < 0)
		return brokerurl_parse_name(text, url->host);
	memcpy(url->host, url->address, sizeof(url->address));
	return 0;
}

/* What stands behind the host, "/a/b" or "/a/b/"; no segment that a server might take away. */
static int parse_prefix(const char *text, char ret_prefix[static CONF_URL_SIZE])
{
	size_t len = strlen(text);
	char path[CONF_URL_SIZE + 1];

	if (len > 0 && text[len - 1] == '/')
		len--;
	(void)snprintf(path, sizeof(path), "%.*s/", (int)len, text); /* fits: text is of a URL */
	if (path[strspn(path, PREFIX_CHARS)] != '\0' || strstr(path, "//") || strstr(path, "/./") ||
	    strstr(path, "/../"))
		return -EINVAL;
	memcpy(ret_prefix, path, len);
	ret_prefix[len] = '\0';
	return 0;
}

/* https://HOST[:PORT][/PREFIX]: a user, a query or a fragment has no character that is allowed. */
int brokerurl_parse(const char *word, struct broker_url *ret_url)
{
	struct broker_url url = { .port = PORT_HTTPS };
	char host[CONF_URL_SIZE], *port;
	const char *rest;
	uint64_t n;

	if (strlen(word) >= CONF_URL_SIZE || strncmp(word, SCHEME, strlen(SCHEME)) != 0)
		return -EINVAL;
	memcpy(url.text, word, strlen(word) + 1);
	rest = word + strlen(SCHEME);
	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(rest, "/"), rest); /* fits */
	if (*host == '\0' || parse_prefix(rest + strlen(host), url.prefix) < 0)
		return -EINVAL;
	port = strrchr(host, ':');
	if (port && !strchr(port, ']')) {
		*port++ = '\0';
		if (strlen(port) > 5 || text_u64(port, 65535, &n) < 0 || n == 0 || *host == '\0')
			return -EINVAL;
		url.port = (unsigned int)n;
	}
	if (parse_host(host, &url) < 0)
		return -EINVAL;
	*ret_url = url;
	return 0;
}
