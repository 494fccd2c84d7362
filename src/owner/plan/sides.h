/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sides.h - the tables of one disk, one or two of them: what their secrets open, what they pin,
 * and how they learn another header before the disk has it.
 */
#ifndef COCO_OWNER_SIDES_H
#define COCO_OWNER_SIDES_H

#include "owner/io/file.h"
#include "owner/plan/pinned.h"
#include "owner/plan/target.h"

/* One table: its bytes, its policy, and the volume's secret in it. */
struct side {
	const char *path; /* not owned; NULL: no such table */
	struct secret table, secret;
	enum codec format; /* of the file */
	struct policy_entry policy;
	int slot;	     /* that its secret opens; negative: none */
	struct file_out out; /* what is to replace or to be a table */
};

struct sides {
	struct side old, new;
	struct secret key;     /* of the volume; from the last table that opens */
	struct digest present; /* the header as it was taken: what pins are compared with */
};

#define SIDE_NULL ((struct side){ .slot = -1, .out = FILE_OUT_NULL })
#define SIDES_NULL ((struct sides){ .old = SIDE_NULL, .new = SIDE_NULL })

/* Reads the tables and tries their secrets; a path may be NULL. A secret that opens nothing is no
 * failure. Returns 0 or negative with f; in any case sides_done() follows. */
int sides_read(struct sides *s, struct target *t, const char *old, const char *new,
	       struct fault *f);
/* The same for one more table. */
int side_read(struct sides *s, struct target *t, const char *path, struct side *side,
	      struct fault *f);
void side_done(struct side *side);
void sides_done(struct sides *s);

/* A table without header pins opens any header with its secret: pins would take that away. */
bool side_pins_headers(const struct side *side, const struct target *t);

/* True if it pins no header, or the one that is there. */
bool side_accepts(const struct side *side, const struct sides *s, const struct target *t);

/* Refuses if a table that is given, and opens the disk, does not accept its header: whoever pins
 * anew takes the header as it is for good. `other` ends the way out that is another one than pin,
 * or is empty. */
int sides_check_pins(const struct sides *s, const struct target *t, const char *other,
		     struct fault *f);

/* A keyslot that is preferred, as prepare and rotate do it, but is not `except`, and is opened by
 * no table that is given: there is another table, which a new header would make invalid. Negative:
 * there is none. */
int sides_stranger(const struct sides *s, const struct target *t, int except);

/* The refusal for that keyslot. Returns -EPERM. */
int sides_refuse_stranger(const struct sides *s, const struct target *t, int keyslot,
			  struct fault *f);

/* target_add() with the volume's key; with a table, status is the next step if there is no room. */
int sides_add(const struct sides *s, struct target *t, const struct secret *passphrase,
	      enum luksheader_kdf kdf, const char *key_file, struct fault *f);

/* Makes the file that is to be the table, at path: all that can be refused is refused here. */
int side_stage(struct side *side, const char *path, bool force, struct fault *f);

/* As side_stage(), over itself, for each table that is given, opens the disk with another keyslot
 * than `except`, and pins headers. */
int sides_stage(struct sides *s, const struct target *t, int except, struct fault *f);

/*
 * Pins the header as it is in memory now, and no other: anew, with UUID and volume key; or beside
 * the one on the disk; or alone. What else is pinned stays. Writes the staged file, which
 * sides_commit() gives its name.
 */
enum side_pins { SIDE_ANEW, SIDE_BESIDE, SIDE_ALONE };
int side_pin(struct side *side, const struct sides *s, const struct target *t, enum side_pins how,
	     struct fault *f);
/* The same for all that is staged. */
int sides_pin(struct sides *s, const struct target *t, enum side_pins how, struct fault *f);

/* Tries, on a copy that is thrown away, whether a table that opens the disk fits into the area for
 * tables with all that a verb may pin in it: UUID, volume key, and two headers. Returns 0 or
 * negative with f. */
int side_fits(const struct side *side, const struct sides *s, const struct target *t,
	      struct fault *f);

int sides_commit(struct sides *s, struct fault *f);

/* A command about the disk as a shell reads it: words of the verb, DISK, the configuration, the
 * tables that are not NULL, more words. If it does not fit, the way to the verb's help. Lists of
 * words end with NULL. */
#define SIDES_WORDS(...) ((const char *const[]){ __VA_ARGS__ })
#define SIDES_COMMAND_SIZE 4096
void sides_command(char *buf, size_t size, const struct target *t, const char *const *verb,
		   const char *old, const char *new, const char *const *more);

/* The same for a verb about a keyslot, with a passphrase in the place of tables: key_file is the
 * user's, or NULL or standard input for one that has no name yet. */
void sides_command_key(char *buf, size_t size, const struct target *t, const char *verb,
		       const char *keyslot, const char *key_file);

/* A line on stdout for each keyslot that is there now, but `except`: how costly it is, and who
 * opens it. */
void sides_print_keyslots(const struct sides *s, const struct target *t, int except);

#endif
