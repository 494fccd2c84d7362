/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * header.c - headers that a crash has torn, and each write of a change with the crash
 * right there: a key of the owner's opens what is on the disk then, and what is completed from
 * it is one of the two headers that tables pin.
 * Needs: cryptsetup
 */
#include "owner/disk/header.h"

#include "base/io.h"
#include "bytes.h"
#include "inject_next.h"
#include "luks2.h"
#include "tap.h"

#define DATA (1024 * 1024)
#define STEPS_MAX 512
#define SYNC (-1)

static struct fixture fx;
static struct conf conf;
static char disk[PATH_MAX + 16];

/* What is done to the disk, in its order: offsets of writes, or SYNC. */
static struct {
	bool on;
	dev_t dev;
	ino_t ino;
	long steps[STEPS_MAX];
	unsigned int nr;
	unsigned int last; /* the last one that happens, and it only by half; 0: all happen */
} watch;

static bool is_watched(int fd)
{
	struct stat st;

	return watch.on && fstat(fd, &st) == 0 && st.st_dev == watch.dev && st.st_ino == watch.ino;
}

/* Returns 1 if it happens, 0 if half of it does, and -1 after the crash. */
static int step(long what)
{
	FIXTURE_MUST(watch.nr < STEPS_MAX);
	watch.steps[watch.nr++] = what;
	errno = EIO;
	return watch.last == 0 || watch.nr < watch.last ? 1 : watch.nr == watch.last ? 0 : -1;
}

int fsync(int fd)
{
	return !is_watched(fd) || step(SYNC) > 0 ? 0 : -1;
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	int happens = is_watched(fd) ? step((long)offset) : 1;

	if (happens > 0)
		return INJECT_NEXT(pwrite)(fd, buf, len, offset);
	if (happens == 0)
		FIXTURE_MUST(INJECT_NEXT(pwrite)(fd, buf, len / 2, offset) > 0);
	errno = EIO;
	return -1;
}

static void copy_file(const char *from, const char *to)
{
	static unsigned char buf[2 * DATA];
	int fd = open(fixture_path(&fx, from), O_RDONLY | O_CLOEXEC);

	FIXTURE_MUST(fd >= 0 && read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	(void)close(fd);
	fixture_put(&fx, to, buf, sizeof(buf));
}

static int take(struct image *image, struct luksheader *h, struct fault *f)
{
	*f = (struct fault){ 0 };
	FIXTURE_MUST(image_open(disk, true, image, f) == 0);
	return luksheader_take(image, &conf, &conf.volumes[0], h, f);
}

static void done(struct image *image, struct luksheader *h)
{
	luksheader_done(h);
	image_done(image);
}

/* The keyslot that a passphrase opens, or a negative number. */
static int open_with(const struct luksheader *h, const char *passphrase, struct secret *ret_key)
{
	_cleanup_secret_ struct secret key = SECRET_NULL;
	struct secret s = bytes_secret(passphrase, strlen(passphrase));
	struct fault f = { 0 };
	int r = luksheader_open(h, &s, &key, &f);

	secret_done(&s);
	if (r >= 0 && ret_key) {
		*ret_key = key;
		key = SECRET_NULL;
	}
	return r;
}

enum change { ADD, REMOVE };

/* Adds the new passphrase, or removes the old one; in memory. */
static void change(struct luksheader *h, enum change what)
{
	struct secret key = SECRET_NULL, new = bytes_secret("new", 3);
	struct fault f = { 0 };
	int r;

	if (what == ADD) {
		FIXTURE_MUST(open_with(h, "old", &key) >= 0);
		r = luksheader_add(h, &key, &new, LUKSHEADER_KDF_MINIMAL, &f);
	} else {
		r = luksheader_remove(h, open_with(h, "old", NULL), &f);
	}
	FIXTURE_MUST(r >= 0);
	secret_done(&key);
	secret_done(&new);
}

/* One change of the disk that is there, with a crash at a step. Returns luksheader_put()'s. */
static int put(enum change what, unsigned int last, struct digest *ret_old, struct digest *ret_new)
{
	struct luksheader h = LUKSHEADER_NULL;
	struct image image = IMAGE_NULL;
	struct fault f;
	struct stat st;
	int r;

	FIXTURE_MUST(take(&image, &h, &f) == 0 && luksheader_pin(&h, ret_old) == 0);
	change(&h, what);
	FIXTURE_MUST(luksheader_pin(&h, ret_new) == 0 && fstat(image.fd, &st) == 0);
	watch.dev = st.st_dev;
	watch.ino = st.st_ino;
	watch.nr = 0;
	watch.last = last;
	watch.on = true;
	r = luksheader_put(&h, &f);
	watch.on = false;
	done(&image, &h);
	return r;
}

/* Which part of the disk a step belongs to. */
static char part(long at)
{
	return at == SYNC		 ? 's' :
	       at < HEADER_COPY_SIZE	 ? '1' :
	       at < HEADER_METADATA_SIZE ? '2' :
					   'k';
}

/* The steps without repetitions. */
static const char *order(void)
{
	static char text[64];
	unsigned int i;
	size_t len = 0;

	for (i = 0; i < watch.nr && len + 1 < sizeof(text); i++)
		if (len == 0 || text[len - 1] != part(watch.steps[i]))
			text[len++] = part(watch.steps[i]);
	text[len] = '\0';
	return text;
}

static bool is_inside(void)
{
	unsigned int i;

	for (i = 0; i < watch.nr; i++)
		if (watch.steps[i] >= DATA)
			return false;
	return true;
}

static void crashes(enum change what, const char *from, const char *survives, const char *wanted)
{
	unsigned int i, all, lost = 0, strange = 0, unrepaired = 0, old_ones = 0, torn = 0;
	const char *name = what == ADD ? "add" : "remove";
	struct digest old, new, now;

	copy_file(from, "/disk");
	is_int(put(what, 0, &old, &new), 0, "%s", name);
	is_str(order(), wanted, "%s: key material, second copy, first copy, wipe", name);
	ok(is_inside(), "... nothing behind the header");
	all = watch.nr;
	for (i = 1; i <= all; i++) {
		struct luksheader h = LUKSHEADER_NULL;
		struct image image = IMAGE_NULL;
		struct fault f;

		copy_file(from, "/disk");
		FIXTURE_MUST(put(what, i, &old, &new) < 0);
		if (take(&image, &h, &f) < 0 || open_with(&h, survives, NULL) < 0) {
			printf("# step %u: %s\n", i, f.why);
			lost++;
			done(&image, &h);
			continue;
		}
		FIXTURE_MUST(luksheader_pin(&h, &now) == 0);
		strange += !digest_equal(&now, &old) && !digest_equal(&now, &new);
		old_ones += digest_equal(&now, &old);
		torn += h.mended;
		unrepaired += h.mended && luksheader_put(&h, &f) < 0;
		done(&image, &h);
		FIXTURE_MUST(take(&image, &h, &f) == 0);
		unrepaired += h.mended;
		done(&image, &h);
	}
	is_int(lost, 0, "%s: a crash at each of %u steps: '%s' opens", name, all, survives);
	is_int(strange, 0, "... the header is the old one or the new one, as pinned");
	is_int(unrepaired, 0, "... and can be completed on the disk");
	ok(old_ones > 0 && old_ones < all && torn > 1, "... premise: it came to all of these");
}

/* Bytes before the data that are neither zero nor of the only keyslot. */
static size_t left_over(const struct luksheader *h)
{
	const struct header_area *area = &h->verdict.keyslots[0].area;
	unsigned char *bytes = malloc(DATA);
	size_t i, nr = 0;

	FIXTURE_MUST(bytes && io_read_at(h->image->fd, bytes, DATA, 0) == 0);
	FIXTURE_MUST(h->verdict.nr_keyslots == 1);
	for (i = HEADER_METADATA_SIZE; i < DATA; i++)
		nr += bytes[i] != 0 && (i < area->offset || i >= area->offset + area->size);
	free(bytes);
	return nr;
}

/* Nothing is left of a keyslot that is gone, not even by a crash before the wipe. */
static void wiped(void)
{
	struct luksheader h = LUKSHEADER_NULL;
	struct image image = IMAGE_NULL;
	struct digest old, new;
	struct fault f;

	copy_file("/two", "/disk");
	FIXTURE_MUST(put(REMOVE, 0, &old, &new) == 0);
	FIXTURE_MUST(take(&image, &h, &f) == 0);
	is_int(left_over(&h), 0, "a removed keyslot leaves nothing");
	done(&image, &h);
	copy_file("/two", "/disk");
	FIXTURE_MUST(put(REMOVE, watch.nr - 1, &old, &new) < 0); /* in the wipe */
	FIXTURE_MUST(take(&image, &h, &f) == 0);
	is_int(open_with(&h, "old", NULL), -EPERM, "after a crash in the wipe it is gone, too");
	ok(left_over(&h) > 0, "... but not all that it held");
	ok(luksheader_scrub(&h, &f) == 0 && luksheader_put(&h, &f) == 0, "... wiped now");
	is_int(left_over(&h), 0, "... to the last byte");
	ok(open_with(&h, "new", NULL) >= 0, "... the other one opens");
	done(&image, &h);
}

enum copy { COPY_OLD, COPY_NEW, COPY_TORN, COPY_BLANK };

static void lay(unsigned char *metadata, const unsigned char *old, const unsigned char *new, int n,
		enum copy copy)
{
	size_t at = (size_t)n * HEADER_COPY_SIZE;

	memcpy(metadata + at, (copy == COPY_OLD ? old : new) + at, HEADER_COPY_SIZE);
	if (copy == COPY_TORN) /* its first block is new, the others are not */
		memcpy(metadata + at + 4096, old + at + 4096, HEADER_COPY_SIZE - 4096);
	if (copy == COPY_BLANK)
		memset(metadata + at, 0, HEADER_COPY_SIZE);
}

/* Each combination of copies, and what it is taken for. */
static void combinations(void)
{
	static const struct {
		enum copy first, second;
		const char *wanted, *name;
	} rows[] = {
		{ COPY_OLD, COPY_OLD, "old", "both old" },
		{ COPY_NEW, COPY_NEW, "new", "both new" },
		{ COPY_OLD, COPY_NEW, "new mended", "the second is newer" },
		{ COPY_NEW, COPY_OLD, "new mended", "the first is newer" },
		{ COPY_OLD, COPY_TORN, "old mended", "the second is torn" },
		{ COPY_TORN, COPY_NEW, "new mended", "the first is torn" },
		{ COPY_NEW, COPY_TORN, "new mended", "new, and the second is torn" },
		{ COPY_TORN, COPY_OLD, "old mended", "the first is torn, and the second old" },
		{ COPY_BLANK, COPY_NEW, "other mended", "the first is blank" },
		{ COPY_OLD, COPY_BLANK, "other mended", "the second is blank" },
		{ COPY_TORN, COPY_TORN, "refused 6", "both are torn" },
		{ COPY_BLANK, COPY_TORN, "refused 19", "blank and torn" },
		{ COPY_TORN, COPY_BLANK, "refused 6", "torn and blank" },
		{ COPY_BLANK, COPY_BLANK, "refused 19", "both are blank" },
	};
	unsigned char old[HEADER_METADATA_SIZE], new[HEADER_METADATA_SIZE];
	unsigned char metadata[HEADER_METADATA_SIZE];
	struct digest pins[2], now;
	size_t i;

	copy_file("/one", "/disk");
	luks2_read(&fx, "/disk", old);
	FIXTURE_MUST(put(ADD, 0, &pins[0], &pins[1]) == 0);
	luks2_read(&fx, "/disk", new);
	copy_file("/disk", "/both"); /* the key material of both */
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct luksheader h = LUKSHEADER_NULL;
		struct image image = IMAGE_NULL;
		struct fault f;
		char got[64];

		lay(metadata, old, new, 0, rows[i].first);
		lay(metadata, old, new, 1, rows[i].second);
		copy_file("/both", "/disk");
		FIXTURE_MUST(image_open(disk, true, &image, &f) == 0);
		FIXTURE_MUST(io_write_at(image.fd, metadata, sizeof(metadata), 0) == 0);
		image_done(&image);
		if (take(&image, &h, &f) < 0) {
			(void)snprintf(got, sizeof(got), "refused %d", (int)f.code);
		} else {
			FIXTURE_MUST(luksheader_pin(&h, &now) == 0);
			(void)snprintf(got, sizeof(got), "%s%s",
				       digest_equal(&now, &pins[0]) ? "old" :
				       digest_equal(&now, &pins[1]) ? "new" :
								      "other",
				       h.mended ? " mended" : "");
			ok(open_with(&h, "old", NULL) >= 0, "a key opens it");
		}
		is_str(got, rows[i].wanted, "%s", rows[i].name);
		done(&image, &h);
	}
}

/* GRUB's NUL behind the passphrase, in the forms that the unlocker takes. */
static void forms(void)
{
	struct luksheader h = LUKSHEADER_NULL;
	struct image image = IMAGE_NULL;
	struct secret s = bytes_secret("old\0", 4), key = SECRET_NULL;
	struct fault f;

	fixture_luks(&fx, "/disk", "old",
		     "--pbkdf argon2id --pbkdf-memory 32 --pbkdf-parallel 1 "
		     "--pbkdf-force-iterations 4");
	FIXTURE_MUST(take(&image, &h, &f) == 0);
	is_int(luksheader_open(&h, &s, &key, &f), 0, "a final NUL may be there");
	is_int((long)key.len, 64, "... the volume key");
	secret_done(&key);
	s.bytes[s.len++] = '\0';
	f = (struct fault){ 0 };
	is_int(luksheader_open(&h, &s, &key, &f), -EPERM, "but not two");
	is_int(f.code, EXITCODE_SECRET_REFUSED, "... refused");
	secret_done(&s);
	done(&image, &h);
}

int main(void)
{
	struct digest old, new;

	fixture_init(&fx);
	conf_defaults(&conf);
	FIXTURE_MUST(digest_init_library() == 0);
	(void)snprintf(disk, sizeof(disk), "%s/disk", fx.dir);
	fixture_luks(&fx, "/one", "old", "");
	crashes(ADD, "/one", "old", "ks2s1s");
	copy_file("/one", "/disk");
	FIXTURE_MUST(put(ADD, 0, &old, &new) == 0);
	copy_file("/disk", "/two");
	crashes(REMOVE, "/two", "new", "s2s1sks");
	wiped();
	combinations();
	forms();
	fixture_done(&fx);
	return tap_done();
}
