/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmdline.c - the kernel command line, which the host may write, shortens the timeout and
 * does nothing else; a word that is not on the list ends the boot, and so do credentials.
 */
#include "boot/cmdline.h"

#include "base/paths.h"
#include "fixture.h"

static const struct {
	const char *cmdline;
	uint64_t timeout_ms; /* from 90 s */
} cases[] = {
	{ "root=/dev/mapper/root quiet\n", 90000 },
	{ "coco_unlock.timeout=20", 20000 },
	{ "quiet coco_unlock.timeout=20 ro\n", 20000 },
	{ "coco_unlock.timeout=1\n", 1000 },
	{ "coco_unlock.timeout=89\n", 89000 },
	{ "coco_unlock.timeout=90\n", 90000 },
	{ "coco_unlock.timeout=91\n", 90000 },
	{ "coco_unlock.timeout=3600\n", 90000 },
	{ "coco_unlock.timeout=0\n", 90000 },
	{ "coco_unlock.timeout=\n", 90000 },
	{ "coco_unlock.timeout\n", 90000 },
	{ "coco_unlock.timeout=-1\n", 90000 },
	{ "coco_unlock.timeout=20s\n", 90000 },
	{ "coco_unlock.timeout=18446744073709552\n", 90000 },	 /* 1000 times that is 384 ms */
	{ "coco_unlock.timeout=18446744073709551620\n", 90000 }, /* 2^64 + 4 */
	{ "xcoco_unlock.timeout=20\n", 90000 },
	{ "coco-unlock.timeout=20\n", 90000 },
	{ "coco_unlock.timeout=30 coco_unlock.timeout=20\n", 20000 },
	{ "coco_unlock.timeout=20 coco_unlock.timeout=30\n", 20000 },
	{ "coco_unlock.timeout=x coco_unlock.timeout=30\n", 30000 },
	{ "coco_unlock.FailureAction=rescue coco_unlock.action=rescue FailureAction=rescue\n",
	  90000 },
	{ "", 90000 },
};

static struct fixture fx;
static struct conf conf;
static struct fault f;

/* "" if it is allowed; the refused word; "?" for a refusal without one. */
static const char *check(const char *cmdline)
{
	static char word[FAULT_WHY_MAX];
	const char *start, *end;
	int r;

	fixture_text(&fx, PATH_CMDLINE, cmdline);
	f = (struct fault){ 0 };
	r = cmdline_check(&fx.root, &conf, &f);
	if (r == 0)
		return f.code == EXITCODE_OK ? "" : "?";
	if (f.code != EXITCODE_COMMAND_LINE)
		return "?";
	start = strstr(f.why, "has the word '");
	end = start ? strstr(start, "', which is not allowed") : NULL;
	if (!end)
		return "?";
	start += strlen("has the word '");
	(void)snprintf(word, sizeof(word), "%.*s", (int)(end - start), start);
	return word;
}

static void test_allowed(void)
{
	/* clang-format off */
	static const char *const good[] = {
		"", "\n", "  \t \n", "quiet", "quiet\n", "\tquiet  ro\t", "root=/dev/mapper/root ro quiet",
		"BOOT_IMAGE=(hd0,gpt1)/vmlinuz-6.1.0 root=/dev/mapper/root ro",
		"initrd=initrd", "console=ttyS0,115200n8 console=tty0", "loglevel=7", "panic=5",
		"oops=panic", "printk.time=1", "rootfstype=ext4", "rootfstype=xfs", "rootfstype=btrfs",
		"coco_unlock.timeout=20", "rd.luks=0", "rd.luks=no", "systemd.gpt_auto=0",
		"systemd.gpt_auto=no", "rd.systemd.gpt_auto=0", "rd.shell=0", "rd.emergency=poweroff",
		"rd.emergency=reboot", "rd.emergency=halt", "rd.retry=630", "systemd.show_status=1",
		"rd.systemd.show_status=auto", "net.ifnames=0", "biosdevname=0", "plymouth.enable=0",
		"init_on_free=1", "init_on_alloc=1", "lockdown=integrity", "console=hvc0",
		"lockdown=confidentiality", "swiotlb=65536", "systemd.import_credentials=no",
		"systemd.import_credentials=0", "audit=1", "random.trust_cpu=on", "vga=791",
		"random.trust_cpu=1", "nomodeset", "selinux=1", "enforcing=1", "apparmor=1",
		"no_timer_check",
		"swiotlb=force", "swiotlb=0", "iommu.strict=1", "splash", "nosplash", "rhgb", "noresume", "fips=1",
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		is_str(check(good[i]), "", "allowed: %.40s", good[i] + strspn(good[i], " \t\n"));
}

static void test_refused(void)
{
	/* Each of them first, alone, behind a good word and in front of one. */
	/* clang-format off */
	static const char *const bad[] = {
		/* another init, or one more way into this one */
		"init=/bin/sh", "rdinit=/bin/sh", "single", "1", "S", "s", "emergency", "rescue", "debug",
		"-b", "--", "rd.break", "rd.break=pre-mount", "rd.shell", "rd.shell=1", "rd.debug",
		"rd.udev.debug", "rd.systemd.debug_shell", "systemd.debug_shell", "systemd.debug-shell=1",
		"rd.systemd.unit=emergency.target", "systemd.unit=rescue.target", "systemd.mask=x",
		"systemd.wants=x", "systemd.setenv=x=y", "systemd.run=/bin/sh", "rd.systemd.mask=x",
		"systemd.set_credential=a:b", "systemd.set_credential_binary=a:b",
		"systemd.import_credentials=yes", "systemd.import_credentials=1",
		"systemd.log_level=debug", "systemd.log_target=console",
		/* another root, or something else that is opened, mounted or fetched */
		"root=/dev/vda1", "root=UUID=0", "root=LABEL=x", "root=/dev/mapper/other",
		"root=/dev/mapper/data", /* a volume, but not the root's */
		"root=/dev/mapper/", "root=/dev/mapper/root2", "root=/dev/mapper/roo",
		"root=/dev/mapper/../vda", "root=live:/dev/vda", "root=nfs", "root=", "root",
		"rootflags=subvol=x", "rootfstype=nfs", "rootfstype=overlay", "mount.usr=/dev/vda",
		"usr=x", "rd.luks=1", "rd.luks.uuid=x", "rd.luks.name=x=root", "rd.luks.key=x",
		"luks.uuid=x", "luks=yes", "luks.crypttab=x", "systemd.gpt_auto=1",
		"rd.systemd.gpt_auto=1", "rd.lvm.lv=a/b", "rd.md.uuid=x", "rd.auto", "rd.auto=1",
		"resume=/dev/vda2", "hibernate=x", "fstab=no", "systemd.mount-extra=a:b",
		"rd.systemd.mount-extra=a:b", "systemd.verity_root_data=x", "roothash=0", "verity=1",
		"ip=dhcp", "rd.neednet=1", "netroot=iscsi:x", "nbd=x", "rd.live.image", "ks=http://x",
		"rd.driver.pre=x", "rd.driver.blacklist=efi_secret", "module_blacklist=efi_secret",
		"modprobe.blacklist=coco_secret", "initcall_blacklist=x", "initrd=other", "bootconfig",
		"overlayroot=tmpfs", "systemd.volatile=yes", "rd.overlay",
		/* less safety */
		"lockdown=none", "selinux=0", "enforcing=0", "apparmor=0", "security=none",
		"init_on_free=0", "init_on_alloc=0", "oops=continue", "iommu=off", "iommu.strict=0",
		"mitigations=off", "nokaslr", "module.sig_enforce=0", "fips=0", "audit=2", "nosmep",
		"kgdboc=ttyS0", "earlyprintk=ttyS0", "earlycon", "netconsole=x", "crashkernel=256M",
		"panic_on_oops=0", "mem=64M", "memmap=4G!4G", "dyndbg=x", "log_buf_len=1M",
		"security=selinux", "security=apparmor", "security=", "audit=0", "audit=off", "luks=no",
		"luks=0", "page_poison=1", "random.trust_cpu=off", "random.trust_cpu=0",
		"random.trust_cpu=", "swiotlb=noforce", "swiotlb=", "swiotlb=4096,noforce",
		"swiotlb=4096,force", "swiotlb=0x1000", "swiotlb=#", "swiotlb=forced", "swiotlb=-1",
		"console=uart8250,mmio32,0x1000000", "console=uart,io,0x3f8", "console=pl011,0x9000000",
		"console=", "console=null", "console=netcon0", "console=brl,ttyS0",
		"rd.emergency=ignore", "rd.emergency=shell", "rd.emergency=", "rd.emergency",
		/* allowed words in other forms */
		"Quiet", "quiet=1", "quiet,", "xquiet", "ro=1", "console", "panic", "loglevel",
		"coco-unlock.timeout=9", "coco_unlock.timeout", "coco_unlock.timeou=9",
		"coco_unlock.action=rescue", "init-on-free=1", "init_on_free=11", "rd.luks=00",
		"rd.shell=0x", "selinux=10", "plymouth.enable=1", "BOOT_IMAGE", "boot_image=x",
		/* quotes and backslashes, also inside of words with a prefix that is allowed */
		"\"quiet\"", "quiet\"", "'quiet'", "console=\"a", "console=a\"b\"", "console='a'",
		"console=a\\x20b", "BOOT_IMAGE=\"x", "\"", "\\", "root=\"/dev/mapper/root\"",
		"console=a\x01", "console=a\x7f", "console=\xc3\xa4", "console=a\vb", "console=a\rb",
		"console=a\fb", "console=\x1b[2J",
	};
	/* clang-format on */
	unsigned int wrong = 0;
	char text[512], shown[FAULT_WHY_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		text_printable(bad[i], shown, sizeof(shown));
		is_str(check(bad[i]), shown, "refused: %s", shown);
		(void)snprintf(text, sizeof(text), "root=/dev/mapper/root quiet %s\n", bad[i]);
		wrong += strcmp(check(text), shown) != 0;
		(void)snprintf(text, sizeof(text), "%s\troot=/dev/mapper/root quiet\n", bad[i]);
		wrong += strcmp(check(text), shown) != 0;
	}
	is_int(wrong, 0, "each of them behind and in front of good words, too");
	memset(text, 'x', 200);
	text[200] = '\0';
	ok(strspn(check(text), "x") == 79 && strlen(check(text)) == 79, "a long word is cut");
	fixture_put(&fx, PATH_CMDLINE, "quiet\0rd.break", 14);
	f = (struct fault){ 0 };
	ok(cmdline_check(&fx.root, &conf, &f) < 0 && f.code == EXITCODE_COMMAND_LINE,
	   "a NUL byte: %s", f.why);
}

static void allow(const char *text)
{
	char ini[512];

	conf_defaults(&conf);
	(void)snprintf(conf.volumes[1].name, CONF_NAME_SIZE, "data");
	conf.nr_volumes = 2;
	f = (struct fault){ 0 };
	(void)snprintf(ini, sizeof(ini), "[Policy]\n%s\n", text);
	FIXTURE_MUST(conf_parse_ini(&conf, ini, "X", &f) == 0);
}

static void test_lists(void)
{
	allow("AllowWords=debug mem=* a*b");
	is_str(check("quiet debug mem=64M mem="), "", "AllowWords= allows more words");
	is_str(check("mem"), "mem", "a prefix is one with its equals sign");
	is_str(check("xmem=1"), "xmem=1", "and begins the word");
	is_str(check("debugx"), "debugx", "an exact word is no prefix");
	is_str(check("axb"), "axb", "a * inside of a word stands for itself");
	is_str(check("a*b"), "", "as here");
	is_str(check("mem=\"x\""), "mem='x'", "quotes are not allowed by a prefix");
	allow("AllowWords=\nAllowWords=debug");
	is_str(check("debug"), "", "after an empty value only the words behind it");
	is_str(check("quiet"), "quiet", "and none of the built-in ones");
	is_str(check("root=/dev/mapper/root"), "", "root= is judged apart");
	is_str(check("root=/dev/vda"), "root=/dev/vda", "as ever");
	is_str(check("root=/dev/mapper/data"), "root=/dev/mapper/data", "another volume neither");
	ok(strstr(f.why, "not allowed: the root is the volume 'root'"), "%s", f.why);
	conf.root_volume = 1;
	is_str(check("root=/dev/mapper/data"), "", "unless it is the root's");
	is_str(check("root=/dev/mapper/root"), "root=/dev/mapper/root",
	       "then the other one is not");
	is_str(check("root=/dev/mapper/data root=/dev/mapper/root"), "root=/dev/mapper/root",
	       "nor together with it");
	allow("CheckCommandLine=no");
	is_str(check("rd.break init=/bin/sh"), "", "CheckCommandLine=no");
	allow("");
}

/* dracut reads words of the image, too; they are the owner's, and the host cannot add to them. */
static void test_own_words(void)
{
	allow("");
	fixture_text(&fx, "/etc/cmdline.d/50-coco-unlock.conf", "rd.retry=406 rd.break\n");
	is_str(check("quiet"), "", "words of the image are not the host's");
	is_str(check("quiet rd.break"), "rd.break", "nor may the host have them");
}

static void test_files(void)
{
	allow("");
	fixture_text(&fx, PATH_CMDLINE, "quiet");
	fixture_text(&fx, PATH_EFI_SYSTEMD_OPTIONS, "");
	is_str(check("quiet"), "?", "an EFI variable with more words");
	ok(strstr(f.why, "EFI variable SystemdOptions") != NULL, "%s", f.why);
	allow("CheckCommandLine=no");
	is_str(check("quiet"), "", "unless nobody looks");
	allow("");
	fixture_unlink(&fx, PATH_EFI_SYSTEMD_OPTIONS);

	fixture_unlink(&fx, PATH_CMDLINE);
	f = (struct fault){ 0 };
	is_int(cmdline_check(&fx.root, &conf, &f), 0, "a tree without a command line");
	fx.root.machine = true;
	ok(cmdline_check(&fx.root, &conf, &f) < 0 && f.code == EXITCODE_COMMAND_LINE,
	   "a machine has one: %s", f.why);
	fx.root.machine = false;
	fixture_mkdir(&fx, PATH_CMDLINE);
	f = (struct fault){ 0 };
	ok(cmdline_check(&fx.root, &conf, &f) < 0 && f.code == EXITCODE_COMMAND_LINE,
	   "one that cannot be read: %s", f.why);
	FIXTURE_MUST(rmdir(fixture_path(&fx, PATH_CMDLINE)) == 0);
}

static void test_credentials(void)
{
	static const char *const dirs[] = { PATH_CREDENTIALS_SYSTEM, PATH_CREDENTIALS_ENCRYPTED };
	unsigned int fds = fixture_fds();
	char path[256];
	size_t i;

	f = (struct fault){ 0 };
	is_int(cmdline_check_credentials(&fx.root, &f), 0, "no credentials at all");
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		fixture_mkdir(&fx, dirs[i]);
		is_int(cmdline_check_credentials(&fx.root, &f), 0, "an empty directory");
		(void)snprintf(path, sizeof(path), "%s/a\x1b[2Jb", dirs[i]);
		fixture_text(&fx, path, "");
		ok(cmdline_check_credentials(&fx.root, &f) == -EPERM &&
			   f.code == EXITCODE_FOREIGN_CREDENTIAL &&
			   strstr(f.why, "the credential 'a?[2Jb'"),
		   "one: %s", f.why);
		fixture_unlink(&fx, path);
		(void)snprintf(path, sizeof(path), "%s/.hidden", dirs[i]);
		fixture_text(&fx, path, "");
		f = (struct fault){ 0 };
		ok(cmdline_check_credentials(&fx.root, &f) < 0, "one that begins with a dot");
		fixture_unlink(&fx, path);
		f = (struct fault){ 0 };
	}
	FIXTURE_MUST(rmdir(fixture_path(&fx, dirs[0])) == 0);
	fixture_text(&fx, dirs[0], "");
	ok(cmdline_check_credentials(&fx.root, &f) < 0 && f.code == EXITCODE_FOREIGN_CREDENTIAL,
	   "a file in its place: %s", f.why);
	fixture_unlink(&fx, dirs[0]);
	FIXTURE_MUST(symlink("/nowhere", fixture_path(&fx, dirs[0])) == 0);
	f = (struct fault){ 0 };
	ok(cmdline_check_credentials(&fx.root, &f) < 0, "a link in its place: %s", f.why);
	fixture_unlink(&fx, dirs[0]);
	is_int(fixture_fds(), fds, "no descriptor is left open");
}

static void test_timeout(void)
{
	struct conf before;
	size_t i;

	conf_defaults(&before);
	conf = before;
	conf_apply_cmdline(&fx.root, &conf);
	ok(memcmp(&conf, &before, sizeof(conf)) == 0, "no command line changes nothing");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		char shown[128];

		text_printable(cases[i].cmdline, shown, sizeof(shown));
		fixture_text(&fx, PATH_CMDLINE, cases[i].cmdline);
		conf_defaults(&conf);
		conf_apply_cmdline(&fx.root, &conf);
		is_int(conf.timeout_ms, cases[i].timeout_ms, "timeout after: %s", shown);
		conf.timeout_ms = before.timeout_ms;
		ok(memcmp(&conf, &before, sizeof(conf)) == 0, "nothing else has changed");
	}
}

int main(void)
{
	fixture_init(&fx);
	test_timeout();
	allow("");
	test_allowed();
	test_refused();
	test_lists();
	test_own_words();
	test_files();
	test_credentials();
	fixture_done(&fx);
	return tap_done();
}
