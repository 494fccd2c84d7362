/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kbssection.h - the section [Kbs] of coco-unlock.conf: which key broker is asked, how it is known
 * again, and for what.
 */
#ifndef COCO_KBSSECTION_H
#define COCO_KBSSECTION_H

#include "base/warning.h"
#include "conf/conf.h"

/* Setters of conf.c's table of keys, as ini.h describes them. */
int kbssection_set_url(struct conf *conf, char *value);
int kbssection_set_pin(struct conf *conf, char *value);
int kbssection_set_ca(struct conf *conf, char *value);
int kbssection_set_host(struct conf *conf, char *value);
int kbssection_set_resource(struct conf *conf, char *value);
int kbssection_set_format(struct conf *conf, char *value);
int kbssection_set_event_log(struct conf *conf, char *value);
int kbssection_set_vcek(struct conf *conf, char *value);
int kbssection_set_nics(struct conf *conf, char *value);
int kbssection_set_keep_network(struct conf *conf, char *value);

/*
 * When all files are read: fills in the addresses of the URLs, and says what does not go together,
 * of cocotab, too. Returns 0, or -EINVAL with f saying config, with file and line where one is to
 * blame.
 */
int kbssection_complete(struct conf *conf, struct fault *f);

/*
 * Are the files of BrokerCA= and VCEK= there, and are they what they should be: one certificate in
 * PEM, one in DER? Nothing in them is understood. Returns 0, or -errno with f saying config. Of a
 * configuration without the source kbs it reads none.
 */
int kbssection_check_files(const struct root *root, const struct conf *conf, struct fault *f);

/* What is no mistake, and still not what one may expect of it. */
void kbssection_warn(const struct conf *conf, const struct warning_sink *sink);

#endif
