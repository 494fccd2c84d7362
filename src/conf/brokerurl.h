/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * brokerurl.h - where a key broker is: URLs, names and addresses. Each function returns 0 or
 * -EINVAL.
 */
#ifndef COCO_BROKERURL_H
#define COCO_BROKERURL_H

#include "conf/conf.h"

/* https://HOST[:PORT][/PREFIX]. The address is empty where HOST is a name; the place is left to the
 * caller. */
int brokerurl_parse(const char *word, struct broker_url *ret_url);

/* A name of DNS; in lower case then. */
int brokerurl_parse_name(const char *text, char ret_name[static CONF_HOST_SIZE]);

/* An IP literal that one machine can have, beyond its link; as inet_ntop(3) writes it then. */
int brokerurl_parse_address(const char *text, char ret_address[static CONF_ADDRESS_SIZE]);

#endif
