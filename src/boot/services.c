/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * services.c - looks for programs of the real root that take orders from the host.
 * Trusts the root's own files. What is masked in /etc counts as off; a mask in /run does not
 * last. May not take an error for "not installed".
 */
#include "boot/services.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "base/text.h"

#define SERVICE_PATH_MAX 256
#define SERVICE_TEXT_MAX 65536
#define NAMES_MAX 5

#define DATASOURCES "datasource_list:"
#define GPT_AUTO "systemd-gpt-auto-generator"
#define WRAPPER_MARK "# " GPT_AUTO " - coco-unlock's wrapper"
#define SHUTDOWN_UNIT "dracut-shutdown.service"
#define SHUTDOWN_DROPIN SHUTDOWN_UNIT ".d/50-coco-unlock.conf"
#define SHUTDOWN_CONDITION "ConditionPathExists=!" PATH_COCOTAB

/* systemd.unit(5), systemd.generator(7), in their order; /run is left out. */
static const char *const unit_dirs[] = {
	PATH_UNITS_ETC,
	"/usr/local/lib/systemd/system",
	"/usr/lib/systemd/system",
	"/lib/systemd/system",
};
static const char *const generator_dirs[] = {
	PATH_GENERATORS_ETC,
	"/usr/local/lib/systemd/system-generators",
	"/usr/lib/systemd/system-generators",
	"/lib/systemd/system-generators",
};

struct service {
	const char *name;
	const char *programs[NAMES_MAX];
	const char *units[NAMES_MAX];
	const char *text;
};

#define AGENT "takes orders from the host; remove it"
/* clang-format off */
static const struct service services[] = {
	{ "qemu-guest-agent", { "/usr/sbin/qemu-ga", "/usr/bin/qemu-ga" },
	  { "qemu-guest-agent.service" }, AGENT },
	{ "open-vm-tools", { "/usr/bin/vmtoolsd" },
	  { "open-vm-tools.service", "vmtoolsd.service", "vgauth.service" }, AGENT },
	{ "hyperv-daemons", { "/usr/sbin/hv_kvp_daemon", "/usr/sbin/hypervkvpd" },
	  { "hv-kvp-daemon.service", "hypervkvpd.service" }, AGENT },
	{ "hyperv-daemons (file copy)",
	  { "/usr/sbin/hv_fcopy_daemon", "/usr/sbin/hv_fcopy_uio_daemon", "/usr/sbin/hypervfcopyd" },
	  { "hv-fcopy-daemon.service", "hypervfcopyd.service" }, AGENT },
	{ "hyperv-daemons (snapshots)", { "/usr/sbin/hv_vss_daemon", "/usr/sbin/hypervvssd" },
	  { "hv-vss-daemon.service", "hypervvssd.service" }, AGENT },
	{ "walinuxagent", { "/usr/sbin/waagent", "/usr/bin/waagent" },
	  { "walinuxagent.service", "waagent.service" }, AGENT },
	{ "google-guest-agent", { "/usr/bin/google_guest_agent", "/usr/bin/google_guest_agent_manager" },
	  { "google-guest-agent.service", "google-guest-agent-manager.service" }, AGENT },
	{ "google-osconfig-agent", { "/usr/bin/google_osconfig_agent" },
	  { "google-osconfig-agent.service" }, AGENT },
	{ "google-startup-scripts", { "/usr/bin/google_metadata_script_runner" },
	  { "google-startup-scripts.service", "google-shutdown-scripts.service" }, AGENT },
	{ "amazon-ssm-agent", { "/usr/bin/amazon-ssm-agent", "/snap/amazon-ssm-agent" },
	  { "amazon-ssm-agent.service", "snap.amazon-ssm-agent.amazon-ssm-agent.service" }, AGENT },
	{ "ec2-instance-connect",
	  { "/usr/share/ec2-instance-connect", "/opt/aws/bin/eic_run_authorized_keys" },
	  { "ec2-instance-connect.service" }, AGENT },
	{ "droplet-agent", { "/opt/digitalocean/bin/droplet-agent" }, { "droplet-agent.service" },
	  AGENT },
	{ "oracle-cloud-agent", { "/usr/libexec/oracle-cloud-agent" },
	  { "oracle-cloud-agent.service" }, AGENT },
	{ "aliyun assist", { "/usr/sbin/aliyun-service", "/usr/local/share/aliyun-assist" },
	  { "aliyun.service", "aliyun-service.service" }, AGENT },
	{ "xe-guest-utilities", { "/usr/sbin/xe-daemon" },
	  { "xe-daemon.service", "xe-linux-distribution.service" }, AGENT },
	{ "virtualbox guest utils", { "/usr/sbin/VBoxService" },
	  { "virtualbox-guest-utils.service", "vboxadd-service.service", "vboxservice.service" },
	  AGENT },
	{ "spice-vdagent", { "/usr/sbin/spice-vdagentd" }, { "spice-vdagentd.service" }, AGENT },
	{ "afterburn", { "/usr/bin/afterburn" },
	  { "afterburn.service", "afterburn-sshkeys@.service" }, AGENT },
	{ "kdump-tools", { "/usr/sbin/kdump-config", "/usr/bin/kdumpctl" },
	  { "kdump-tools.service", "kdump.service" },
	  "loads a kernel that sees all memory after a crash, from /boot, which the host writes if it is plain; remove it" },
	{ "kexec-tools", { "/etc/init.d/kexec-load" }, { "kexec-load.service" },
	  "starts the kernel in /boot at a reboot, which the host writes if it is plain; remove it" },
};
/* clang-format on */

static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR;
}

static void broken(const struct warning_sink *sink, const char *what, const char *path, int r)
{
	warning_say(sink, what, "%s cannot be looked at: %s; look whether it obeys the host", path,
		    strerror(-r));
}

/* True (1) for a link to /dev/null and for an empty file, 0 for another one, or -errno. */
static int is_mask(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_open(root, path, O_PATH | O_NOFOLLOW, 0);
	char target[sizeof(PATH_DEV_NULL) + 1] = "";
	_cleanup_close_ int end = -EBADF;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode)) {
		if (readlinkat(fd, "", target, sizeof(target) - 1) < 0)
			return -errno;
		if (strcmp(target, PATH_DEV_NULL) == 0)
			return 1; /* also in a tree, which has no such node */
		end = root_open(root, path, O_PATH, 0);
		if (end == -ENOENT)
			return 0; /* it leads nowhere here: as good as a file */
		if (end < 0)
			return end;
		if (fstat(end, &st) < 0)
			return -errno;
	}
	return S_ISCHR(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0);
}

/*
 * The first of the directories that has the name, which is the one that counts. Returns 1 with
 * its path, 2 if that is a mask, 0 if there is none, or -errno with the path that failed.
 */
static int find(const struct root *root, const char *const *dirs, size_t nr, const char *name,
		char path[static SERVICE_PATH_MAX])
{
	size_t i;
	int r;

	for (i = 0; i < nr; i++) {
		if (snprintf(path, SERVICE_PATH_MAX, "%s/%s", dirs[i], name) >= SERVICE_PATH_MAX)
			return -ENAMETOOLONG;
		r = is_mask(root, path);
		if (!is_absent(r))
			return r < 0 ? r : 1 + r;
	}
	return 0;
}

static int find_unit(const struct root *root, const char *name, char path[static SERVICE_PATH_MAX])
{
	return find(root, unit_dirs, ARRAY_SIZE(unit_dirs), name, path);
}

static int find_generator(const struct root *root, const char *name,
			  char path[static SERVICE_PATH_MAX])
{
	return find(root, generator_dirs, ARRAY_SIZE(generator_dirs), name, path);
}

/*
 * Where a service is installed: a unit that is not masked, or, if no unit is known here, one of
 * its programs. Returns 1 with its path, 0, or -errno with the path that failed.
 */
static int is_installed(const struct root *root, const struct service *s,
			char path[static SERVICE_PATH_MAX])
{
	bool masked = false;
	size_t i;
	int r;

	for (i = 0; i < NAMES_MAX && s->units[i]; i++) {
		r = find_unit(root, s->units[i], path);
		if (r < 0 || r == 1)
			return r;
		masked |= r == 2;
	}
	for (i = 0; i < NAMES_MAX && s->programs[i] && !masked; i++) {
		(void)snprintf(path, SERVICE_PATH_MAX, "%s", s->programs[i]); /* fits */
		r = is_mask(root, path);
		if (!is_absent(r))
			return r < 0 ? r : !r;
	}
	return 0;
}

static void look_at_service(const struct root *root, const struct service *s,
			    const struct warning_sink *sink)
{
	char path[SERVICE_PATH_MAX];
	int r = is_installed(root, s, path);

	if (r < 0)
		broken(sink, "agent", path, r);
	else if (r > 0)
		warning_say(sink, "agent", "%s (%s) %s, or systemctl mask %s", s->name, path,
			    s->text, s->units[0]);
}

/* A text file that has to be there has the words; -errno. */
static int has_words(const struct root *root, const char *path, const char *words)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n = root_read_text(root, path, SERVICE_TEXT_MAX, &text);

	return n < 0 ? (int)n : strstr(text, words) != NULL;
}

/* A file that is not executable hides nothing of what comes after it. */
static int is_wrapper(const struct root *root, const char *path)
{
	_cleanup_close_ int fd = root_open(root, path, O_PATH, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return (st.st_mode & S_IXUSR) ? has_words(root, path, WRAPPER_MARK) : 0;
}

static int has_cocotab(const struct root *root, const struct warning_sink *sink)
{
	int r = is_mask(root, PATH_COCOTAB);

	if (r < 0 && !is_absent(r))
		broken(sink, "cocotab", PATH_COCOTAB, r);
	return !is_absent(r);
}

static void look_at_gpt_auto(const struct root *root, bool cocotab, const struct warning_sink *sink)
{
	char path[SERVICE_PATH_MAX];
	int r, ours = 0;

	r = find_generator(root, GPT_AUTO, path);
	if (r == 1 && strncmp(path, PATH_GENERATORS_ETC, strlen(PATH_GENERATORS_ETC)) == 0) {
		ours = is_wrapper(root, path);
		r = ours < 0 ? ours : r;
	}
	if (r < 0)
		broken(sink, "gpt-auto", path, r);
	else if (r == 1 && ours && !cocotab)
		warning_say(sink, "gpt-auto",
			    "there is no %s, so partitions that the host adds to the root's disk are mounted and swapped to; make one",
			    PATH_COCOTAB);
	else if (r == 1 && !ours)
		warning_say(sink, "gpt-auto",
			    "%s mounts and swaps to partitions that the host adds to the root's disk; mask it: ln -sf %s %s/%s",
			    path, PATH_DEV_NULL, PATH_GENERATORS_ETC, GPT_AUTO);
}

static void look_at_shutdown(const struct root *root, bool cocotab, const struct warning_sink *sink)
{
	char path[SERVICE_PATH_MAX], dropin[SERVICE_PATH_MAX];
	int r, d = 0;

	r = find_unit(root, SHUTDOWN_UNIT, path);
	if (r == 1) {
		d = find_unit(root, SHUTDOWN_DROPIN, dropin);
		d = d == 1 ? has_words(root, dropin, SHUTDOWN_CONDITION) : d == 2 ? 0 : d;
	}
	if (r < 0 || d < 0)
		broken(sink, "shutdown", r < 0 ? path : dropin, r < 0 ? r : d);
	else if (r == 1 && !(d && cocotab))
		warning_say(sink, "shutdown",
			    "%s runs, as root, the initramfs in /boot or on the EFI partition, which the host writes if it is plain; %s",
			    SHUTDOWN_UNIT,
			    d ? "there is no " PATH_COCOTAB " to switch it off: make one" :
				"systemctl mask " SHUTDOWN_UNIT);
}

/* systemd 256 on: a socket for sshd on vsock wherever there is such a device. */
static void look_at_vsock(const struct root *root, const struct warning_sink *sink)
{
	static const struct service sshd = {
		"sshd", { "/usr/sbin/sshd", "/usr/bin/sshd" }, { NULL }, ""
	};
	char path[SERVICE_PATH_MAX], generator[SERVICE_PATH_MAX];
	int r, s;

	r = find_generator(root, "systemd-ssh-generator", generator);
	s = r == 1 ? is_installed(root, &sshd, path) : 0;
	if (s > 0) {
		s = find_unit(root, "sshd-vsock.socket", path);
		s = s < 0 ? s : s != 2;
	}
	if (r < 0 || s < 0)
		broken(sink, "vsock", r < 0 ? generator : path, r < 0 ? r : s);
	else if (s > 0)
		warning_say(sink, "vsock",
			    "%s opens sshd to the host over vsock; mask it: ln -sf %s %s/systemd-ssh-generator",
			    generator, PATH_DEV_NULL, PATH_GENERATORS_ETC);
}

/* The last line of a file that sets the list of sources: 1 if that is None alone, 0 if it is
 * another one, -ENODATA without such a line, or -errno. A list over several lines is "another". */
static int has_no_source(const struct root *root, const char *path)
{
	_cleanup_free_ char *text = NULL;
	char *cursor, *line, *word;
	int found = -ENODATA;
	unsigned int nr;
	ssize_t n;

	n = root_read_text(root, path, SERVICE_TEXT_MAX, &text);
	if (n < 0)
		return (int)n;
	cursor = text;
	while ((line = text_word(&cursor, "\n"))) {
		if (strncmp(line, DATASOURCES, strlen(DATASOURCES)) != 0)
			continue;
		line += strlen(DATASOURCES);
		found = 0;
		for (nr = 0; (word = text_word(&line, " \t\r[],'\"")); nr++)
			found = nr == 0 && strcmp(word, "None") == 0;
	}
	return found;
}

/* The last file by name that says whether there is a source, and what it says. */
struct cloud {
	const struct root *root;
	char *path; /* of the file that is looked at */
	char best[NAME_MAX + 1];
	int none;
};

#define CLOUD_DIR "/etc/cloud/cloud.cfg.d"

static int look_at_cloud_file(const char *name, void *data)
{
	struct cloud *cloud = data;
	size_t len = strlen(name);
	int r;

	if (len < 4 || strcmp(name + len - 4, ".cfg") != 0 || strcmp(name, cloud->best) < 0)
		return 0;
	if (snprintf(cloud->path, SERVICE_PATH_MAX, "%s/%s", CLOUD_DIR, name) >= SERVICE_PATH_MAX)
		return -ENAMETOOLONG;
	r = has_no_source(cloud->root, cloud->path);
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return r;
	cloud->none = r;
	(void)snprintf(cloud->best, sizeof(cloud->best), "%s", name); /* fits */
	return 0;
}

/* What cloud-init makes of its configuration: the last of cloud.cfg.d by name that says it. The
 * same results, with the path that failed. */
static int cloud_has_no_source(const struct root *root, char path[static SERVICE_PATH_MAX])
{
	struct cloud cloud = { .root = root, .path = path };
	int r;

	(void)snprintf(path, SERVICE_PATH_MAX, "/etc/cloud/cloud.cfg"); /* fits */
	cloud.none = has_no_source(root, path);
	if (cloud.none < 0 && cloud.none != -ENODATA && !is_absent(cloud.none))
		return cloud.none;
	(void)snprintf(path, SERVICE_PATH_MAX, "%s", CLOUD_DIR); /* fits */
	r = root_walk(root, CLOUD_DIR, 0, look_at_cloud_file, &cloud);
	return r < 0 && !is_absent(r) ? r : cloud.none;
}

static void look_at_cloud_init(const struct root *root, const struct warning_sink *sink)
{
	static const struct service cloud_init = {
		"cloud-init",
		{ "/usr/bin/cloud-init" },
		{ "cloud-init-main.service", "cloud-init-local.service", "cloud-init.service" },
		""
	};
	static const char off[] = "/etc/cloud/cloud-init.disabled";
	char path[SERVICE_PATH_MAX];
	int r = is_installed(root, &cloud_init, path);

	if (r > 0) {
		r = is_mask(root, off);			       /* empty or not */
		(void)snprintf(path, sizeof(path), "%s", off); /* fits */
		r = is_absent(r) ? 1 : r < 0 ? r : 0;
	}
	if (r > 0) {
		r = cloud_has_no_source(root, path);
		r = is_absent(r) || r == -ENODATA ? 1 : r < 0 ? r : !r;
	}
	if (r < 0)
		broken(sink, "cloud-init", path, r);
	else if (r > 0)
		warning_say(sink, "cloud-init",
			    "cloud-init runs what a disk labelled cidata (NoCloud), SMBIOS or the network tell it, as root; remove it, or touch %s, or set datasource_list: [ None ]",
			    off);
}

/* repart.d(5): partitions are made, at each boot, by a table that the host writes. */
/* Ends the walk at a definition, and says where it is. */
static int is_definition(const char *name, void *data)
{
	size_t len = strlen(name);

	if (len < 5 || strcmp(name + len - 5, ".conf") != 0)
		return 0;
	(void)snprintf(data, NAME_MAX + 1, "%s", name); /* fits */
	return 1;
}

static void look_at_repart(const struct root *root, const struct warning_sink *sink)
{
	static const char *const dirs[] = { "/etc/repart.d", "/usr/local/lib/repart.d",
					    "/usr/lib/repart.d" };
	char path[SERVICE_PATH_MAX], name[NAME_MAX + 1];
	size_t i;
	int r;

	r = find_unit(root, "systemd-repart.service", path);
	if (r < 0)
		broken(sink, "repart", path, r);
	if (r != 1)
		return;
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		r = root_walk(root, dirs[i], 0, is_definition, name);
		if (r > 0)
			warning_say(sink, "repart",
				    "systemd-repart makes partitions by %s/%s on a disk whose table the host writes; systemctl mask systemd-repart.service",
				    dirs[i], name);
		else if (r < 0 && !is_absent(r))
			broken(sink, "repart", dirs[i], r);
	}
}

void services_look(const struct root *root, const struct warning_sink *sink)
{
	bool cocotab = has_cocotab(root, sink);
	size_t i;

	look_at_gpt_auto(root, cocotab, sink);
	look_at_shutdown(root, cocotab, sink);
	look_at_repart(root, sink);
	look_at_cloud_init(root, sink);
	look_at_vsock(root, sink);
	for (i = 0; i < ARRAY_SIZE(services); i++)
		look_at_service(root, &services[i], sink);
}
