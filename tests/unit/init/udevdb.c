/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * udevdb.c - what the root's udev finds of the mappings: links and records.
 */
#include "init/udevdb.h"

#include "base/paths.h"
#include "fixture.h"

static struct fixture fx;
static struct fault f;

static void add_dm(const char *kernel_name, const char *dev, const char *name, const char *uuid)
{
	char path[128], text[160];

	(void)snprintf(path, sizeof(path), "%s/%s/dev", PATH_SYS_BLOCK, kernel_name);
	(void)snprintf(text, sizeof(text), "%s\n", dev);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), "%s/%s/dm/name", PATH_SYS_BLOCK, kernel_name);
	(void)snprintf(text, sizeof(text), "%s\n", name);
	fixture_text(&fx, path, text);
	(void)snprintf(path, sizeof(path), "%s/%s/dm/uuid", PATH_SYS_BLOCK, kernel_name);
	(void)snprintf(text, sizeof(text), "%s\n", uuid);
	fixture_text(&fx, path, text);
}

static const char *link_of(const char *path)
{
	static char target[256];
	ssize_t n = readlink(fixture_path(&fx, path), target, sizeof(target) - 1);

	target[n < 0 ? 0 : n] = '\0';
	return target;
}

int main(void)
{
	fixture_init(&fx);
	fixture_mkdir(&fx, "/run");
	fixture_mkdir(&fx, PATH_SYS_BLOCK "/vda");
	fixture_mkdir(&fx, PATH_DM_DIR);
	add_dm("dm-0", "254:0", "root", "CRYPT-LUKS2-1-root");
	add_dm("dm-1", "254:1", "debian--vg-root", "LVM-x");
	fixture_text(&fx, PATH_DM_DIR "/root", "a node");

	is_int(udevdb_link(&fx.root, &f), 0, "links are made");
	is_str(link_of(PATH_DM_DIR "/root"), "../dm-0", "... in the place of a node");
	is_str(link_of(PATH_DM_DIR "/debian--vg-root"), "../dm-1", "... and where there was none");
	is_int(udevdb_link(&fx.root, &f), 0, "... and once more");
	is_str(link_of(PATH_DM_DIR "/root"), "../dm-0", "... they are the same");

	is_int(udevdb_write(&fx.root, &f), 0, "records are written");
	is_str(fixture_get(&fx, PATH_UDEV_DATA "/b254:0"),
	       "E:DM_UDEV_PRIMARY_SOURCE_FLAG=1\nE:DM_NAME=root\nE:DM_UUID=CRYPT-LUKS2-1-root\n"
	       "E:DM_SUSPENDED=0\nV:1\n",
	       "... of the mapping");
	ok(strstr(fixture_get(&fx, PATH_UDEV_DATA "/b254:1"), "E:DM_NAME=debian--vg-root\n"),
	   "... and of the logical volume");
	is_int(f.code, EXITCODE_OK, "no fault");

	fixture_unlink(&fx, PATH_SYS_BLOCK "/dm-1/dm/uuid");
	ok(udevdb_write(&fx.root, &f) < 0, "a device that cannot be read");
	is_int(f.code, EXITCODE_ABORTED, "... the code");
	ok(strstr(f.why, "dm-1"), "... and the reason names it: %s", f.why);
	f = (struct fault){ 0 };
	fixture_unlink(&fx, PATH_SYS_BLOCK "/dm-1/dm/name");
	ok(udevdb_link(&fx.root, &f) < 0, "a device without a name");
	is_int(f.code, EXITCODE_ABORTED, "... the code");
	fixture_done(&fx);
	return tap_done();
}
