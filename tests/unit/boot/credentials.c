/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * credentials.c - what the host offers to the root's systemd, and what only looks like it.
 */
#include "boot/credentials.h"

#include "base/paths.h"
#include "fixture.h"

static struct fixture fx;
static struct fault f;

/* An SMBIOS structure: type, length, handle, number of strings, the strings, a NUL. */
static void put_oem(const char *entry, const char *strings, size_t len)
{
	char raw[4096] = "\x0b\x05\x00\x01", path[128];

	memcpy(raw + 5, strings, len);
	(void)snprintf(path, sizeof(path), "%s/%s/raw", PATH_DMI_ENTRIES, entry);
	fixture_put(&fx, path, raw, 5 + len + 1);
}

static void good(const char *what)
{
	f = (struct fault){ 0 };
	is_int(credentials_refuse_offered(&fx.root, &f), 0, "%s", what);
	is_int(f.code, EXITCODE_OK, "... no fault: %s", f.why);
}

static void refused(const char *what, const char *says)
{
	f = (struct fault){ 0 };
	ok(credentials_refuse_offered(&fx.root, &f) < 0, "%s", what);
	is_int(f.code, EXITCODE_FOREIGN_CREDENTIAL, "... the code");
	ok(strstr(f.why, says), "... the reason: %s", f.why);
}

int main(void)
{
	fixture_init(&fx);
	good("neither fw_cfg nor SMBIOS");
	fixture_mkdir(&fx, "/sys/firmware/qemu_fw_cfg/by_name/opt/ovmf/x");
	fixture_mkdir(&fx, PATH_FW_CFG_CREDENTIALS);
	put_oem("11-0", "a board\0of no interest\0", 23);
	put_oem("1-0", "io.systemd.credential:x=y\0", 26);
	good("others' entries, and another type of SMBIOS");
	put_oem("11-1", "first\0io.systemd.credential:fstab.extra=/dev/vdb\0", 50);
	refused("a string of the second structure", "fstab.extra");
	put_oem("11-1", "io.systemd.credential.binary:x=AAAA\0", 36);
	refused("a binary one", "io.systemd.credential.binary:x");
	put_oem("11-1", "", 0);
	good("premise: it is gone");
	fixture_mkdir(&fx, PATH_FW_CFG_CREDENTIALS "/sysctl.extra");
	refused("an entry of fw_cfg", "'sysctl.extra'");
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_FW_CFG_CREDENTIALS "/sysctl.extra")) == 0);
	fixture_unlink(&fx, PATH_DMI_ENTRIES "/11-1/raw");
	refused("a structure that cannot be read", PATH_DMI_ENTRIES);
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_DMI_ENTRIES "/11-1")) == 0);
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_FW_CFG_CREDENTIALS)) == 0);
	fixture_text(&fx, PATH_FW_CFG_CREDENTIALS, "");
	good("what is no folder has no entry");
	fixture_done(&fx);
	return tap_done();
}
