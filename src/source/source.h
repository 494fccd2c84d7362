/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source.h - where the owner's secrets come from. A source is a file with these operations and a
 * row in sources.c; all of it is over before the first disk is touched.
 */
#ifndef COCO_SOURCE_H
#define COCO_SOURCE_H

#include "base/deadline.h"
#include "base/secret.h"
#include "conf/conf.h"

struct source;

/* Each operation that fails returns -errno with f saying why. */
struct source_ops {
	const char *kind; /* its name in status.json */
	bool refetchable; /* the running system can get the secrets again in the same way */

	/*
	 * Is there something of this source on this machine? Loads and mounts what it takes to
	 * know, unless the source is only looked at. Returns 1, or 0 with f saying why not: what
	 * cannot be seen, or is broken, is an error and never absent.
	 */
	int (*probe)(struct source *src, struct fault *f);

	/* Makes the secrets ready to be fetched; one exchange may serve all volumes of conf. */
	int (*open)(struct source *src, struct fault *f);

	/* Counts the secrets; *ret_has says, unless it is NULL, whether this one is among
	 * them. Fills no fault. */
	int (*list)(struct source *src, const struct reference *ref, unsigned int *ret_nr,
		    bool *ret_has);

	/* What the entries of a secret table are called, for a report: GUIDs, at most max of
	 * them; how many. Also before open(), and after any failure. NULL: it never says. */
	size_t (*names)(struct source *src, char (*ret_names)[GUID_TEXT_SIZE], size_t max);

	/* Gets one into locked memory; *ret_secret is owned by the caller. f says
	 * secret-missing, example-guid, secret-empty or no-memory. */
	int (*fetch)(struct source *src, const struct reference *ref, struct secret *ret_secret,
		     struct fault *f);

	/* Removes all but the kept ones from where they came from, and proves it. Called
	 * whatever went wrong before, also when nothing was found or opened, and twice. */
	int (*discard)(struct source *src, struct fault *f);

	/* Gives back what the source holds; may be called twice. */
	void (*done)(struct source *src);
};

/* What is reported about a source. Plain data: texts are constant ones of the program. */
struct source_info {
	const char *kind;
	const char *path;	     /* of the directory with the secrets, or NULL */
	char module[CONF_NAME_SIZE]; /* that exposes it; empty if built in */
	unsigned int found;	     /* secrets listed at first */
	unsigned int read;	     /* fetched */
	unsigned int wiped;	     /* removed, and seen to be gone */
	unsigned int kept;	     /* spared by KeepSecrets= */
	bool refetchable;
	const char *tee;	    /* "snp" or "tdx", or NULL */
	char broker[CONF_URL_SIZE]; /* the URL that has answered; empty without one */
	unsigned int attempts;	    /* sessions with brokers that were begun */
	uint64_t route_us;	    /* CLOCK_MONOTONIC: there was a route to it; 0: never */
	uint64_t answer_us;	    /* the last of its answers was opened */
};

struct source {
	const struct source_ops *ops;
	const struct root *root;
	const struct conf *conf;
	bool look_only;		  /* nothing is mounted, loaded or wiped */
	struct deadline deadline; /* of the whole unlock, for sources that wait */
	struct source_info info;
	int fd;	    /* the source's own, -EBADF if it has none */
	void *data; /* the source's own */
};

/* A source that nobody has asked yet. root and conf must outlive it. */
void source_init(const struct source_ops *ops, const struct root *root, const struct conf *conf,
		 struct source *ret_src);

/* Fills f for a secret that is not there: secret-missing, or example-guid. Returns -errno. */
int source_missing(struct source *src, const struct reference *ref, struct fault *f);

#endif
