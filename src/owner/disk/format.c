/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.c - knows by their signatures the files that hold a disk, but are none: whatever reads
 * them byte for byte finds no file system, or loses what they have at their end.
 * Trusts no byte of the image; only reads it. Runs no program, but names one.
 */
#include "owner/disk/format.h"

#include <string.h>
#include <strings.h>

#include "base/io.h"
#include "base/text.h"
#include "owner/io/shell.h"

#define FRONT_SIZE 512
#define PART_SIZE (FAULT_NEXT_MAX / 4) /* bytes of a name in a command: longer ones are not shown */
#define COMMAND_SIZE (4 * PART_SIZE)
#define VHD_SIZE 512 /* bytes; Virtual PC before 2004 wrote all but the last one, which is 0 */

/* Else qemu-img takes the size from the geometry of the disk, which can be less. */
#define VHD_OPTIONS "driver=vpc,force_size_calc=current_size,file.filename="

#define LUKS_MAGIC "LUKS\xba\xbe" /* LUKS2 spec, 2.1 */

enum way {
	WAY_QEMU,   /* qemu-img convert -f TOOL */
	WAY_FILTER, /* TOOL -dc */
	WAY_UNPACK, /* TOOL, and then the file that was in it */
};

/* Where the signatures are from: QEMU's docs/interop for its own formats, vhdx (MS-VHDX 2.2.1);
 * VMware's "Virtual Disk Format 5.0"; VirtualBox's VDICore.h (the magic number, then version 1.1);
 * docs/interop/parallels.txt; RFC 1952 (2.3.1); the .xz file format 1.2.0 (2.1.1.1); RFC 8878
 * (3.1.1); bzip2's magic and that of its first block, or of its end; LZ4 frame format 1.6;
 * POSIX.1-2017, pax, ustar; PKWARE's APPNOTE.TXT (4.3.7). */
static const struct kind {
	const char *name, *suffix; /* the usual end of a file's name */
	enum way way;
	const char *tool;
	unsigned int at, len;
	const char *magic;
} kinds[] = {
	{ "qcow2", ".qcow2", WAY_QEMU, "qcow2", 0, 8, "QFI\xfb\0\0\0\2" },
	{ "qcow2", ".qcow2", WAY_QEMU, "qcow2", 0, 8, "QFI\xfb\0\0\0\3" },
	{ "qcow", ".qcow", WAY_QEMU, "qcow", 0, 8, "QFI\xfb\0\0\0\1" },
	{ "QED", ".qed", WAY_QEMU, "qed", 0, 4, "QED\0" },
	{ "VMDK", ".vmdk", WAY_QEMU, "vmdk", 0, 4, "KDMV" },
	{ "VMDK", ".vmdk", WAY_QEMU, "vmdk", 0, 4, "COWD" },
	{ "VMDK", ".vmdk", WAY_QEMU, "vmdk", 0, 21, "# Disk DescriptorFile" },
	{ "VDI", ".vdi", WAY_QEMU, "vdi", 64, 8, "\x7f\x10\xda\xbe\1\0\1\0" },
	{ "VHDX", ".vhdx", WAY_QEMU, "vhdx", 0, 8, "vhdxfile" },
	{ "Parallels", ".hdd", WAY_QEMU, "parallels", 0, 16, "WithoutFreeSpace" },
	{ "Parallels", ".hdd", WAY_QEMU, "parallels", 0, 16, "WithouFreSpacExt" },
	{ "gzip", ".gz", WAY_FILTER, "gzip", 0, 3, "\x1f\x8b\x08" },
	{ "xz", ".xz", WAY_FILTER, "xz", 0, 6,
	  "\xfd"
	  "7zXZ\0" },
	{ "Zstandard", ".zst", WAY_FILTER, "zstd", 0, 4, "\x28\xb5\x2f\xfd" },
	{ "bzip2", ".bz2", WAY_FILTER, "bzip2", 4, 6, "\x31\x41\x59\x26\x53\x59" },
	{ "bzip2", ".bz2", WAY_FILTER, "bzip2", 4, 6, "\x17\x72\x45\x38\x50\x90" },
	{ "LZ4", ".lz4", WAY_FILTER, "lz4", 0, 4, "\x04\x22\x4d\x18" },
	{ "tar", ".tar", WAY_UNPACK, "tar -xf", 257, 5, "ustar" },
	{ "ZIP", ".zip", WAY_UNPACK, "unzip", 0, 4, "PK\3\4" },
};

static const struct kind *find_kind(const unsigned char *front)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (memcmp(front + kinds[i].at, kinds[i].magic, kinds[i].len) == 0)
			return &kinds[i];
	return NULL;
}

/* A name that no program takes for an option, and QEMU for no protocol. */
static const char *plain_name(const char *path, char *buf, size_t size)
{
	if (path[0] == '/')
		return path;
	(void)snprintf(buf, size, "%s%s", path[0] == '-' || strchr(path, ':') ? "./" : "", path);
	return buf;
}

/* A name for the raw disk that nobody has yet; a device's is in the working directory. */
static void new_name(const struct image *image, const char *suffix, bool filter, char *buf,
		     size_t size)
{
	const char *path = image->path, *slash = strrchr(path, '/');
	size_t len, end = strlen(suffix);

	if (image->block && slash)
		path = slash + 1;
	(void)plain_name(path, buf, size);
	if (path[0] == '/')
		(void)snprintf(buf, size, "%s", path); /* fits: size is more than PATH_MAX */
	len = strlen(buf);
	if (len > end && strcasecmp(buf + len - end, suffix) == 0 && buf[len - end - 1] != '/')
		buf[len - end] = '\0';
	else
		filter = false;
	if (!filter)
		text_append(buf, size, ".raw");
	while (access(buf, F_OK) == 0 && strlen(buf) + sizeof(".raw") < size)
		text_append(buf, size, ".raw");
}

/* QEMU's options end at a comma, unless there are two. False if it does not fit. */
static bool double_commas(const char *text, char *buf, size_t size)
{
	size_t len = 0;

	for (; *text && len + 2 < size; text++) {
		buf[len++] = *text;
		if (*text == ',')
			buf[len++] = ',';
	}
	buf[len] = '\0';
	return *text == '\0';
}

/*
 * Says what the image is. The command becomes the next step if it is not cut.
 */
static int refuse(const struct image *image, const char *name, const char *command,
		  const char *otherwise, struct fault *f)
{
	(void)fault_about(f, EXITCODE_BAD_INPUT, image->path,
			  *command && fault_shows(command) ? command : otherwise,
			  "it is no raw disk, but an image or file of the format %s", name);
	return -EINVAL;
}

static void add_redirections(const char *in, const char *out, char *command, size_t size)
{
	char quoted[2][PART_SIZE];

	if (shell_word(quoted[0], sizeof(quoted[0]), in) < 0 ||
	    shell_word(quoted[1], sizeof(quoted[1]), out) < 0)
		command[0] = '\0';
	else
		text_append(command, size, " -dc < %s > %s", quoted[0], quoted[1]);
}

static int refuse_kind(const struct image *image, const struct kind *kind, struct fault *f)
{
	char in[PATH_MAX + 3], out[PATH_MAX + 64], command[COMMAND_SIZE], general[80];
	const char *path = plain_name(image->path, in, sizeof(in));

	new_name(image, kind->suffix, kind->way == WAY_FILTER, out, sizeof(out));
	(void)snprintf(general, sizeof(general), "make a raw disk of it with %s", kind->tool);
	if (kind->way == WAY_QEMU) {
		(void)snprintf(general, sizeof(general),
			       "make a raw disk of it: qemu-img convert -f %s -O raw IMAGE NEW",
			       kind->tool);
		(void)shell_command(command, sizeof(command),
				    (const char *const[]){ "qemu-img", "convert", "-f", kind->tool,
							   "-O", "raw", path, out, NULL });
	} else if (kind->way == WAY_FILTER) {
		(void)snprintf(command, sizeof(command), "%s", kind->tool);
		add_redirections(path, out, command, sizeof(command));
	} else {
		(void)snprintf(command, sizeof(command), "%s ", kind->tool);
		(void)shell_word(command + strlen(command), PART_SIZE, path);
	}
	return refuse(image, kind->name, command, general, f);
}

/* Virtual Hard Disk Image Format Specification 1.0 (Microsoft), Hard Disk Footer: the cookie at 0,
 * the disk's type at 60, the checksum at 64: the bytes but its own, added up and inverted. */
enum vhd { VHD_NONE = 0, VHD_FIXED = 2, VHD_DYNAMIC = 3, VHD_DIFFERENCING = 4 };

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum vhd judge_footer(const unsigned char *p)
{
	uint32_t sum = 0, type = get32(p + 60);
	size_t i;

	for (i = 0; i < VHD_SIZE; i++)
		if (i < 64 || i >= 68)
			sum += p[i];
	if (memcmp(p, "conectix", 8) != 0 || get32(p + 64) != ~sum)
		return VHD_NONE;
	return type >= VHD_FIXED && type <= VHD_DIFFERENCING ? (enum vhd)type : VHD_NONE;
}

/* The disk is what is before the footer; qemu-img convert -f vpc would take less for some. */
static int refuse_fixed(const struct image *image, uint64_t size, struct fault *f)
{
	char in[PATH_MAX + 3], out[PATH_MAX + 64], number[32];
	char copy[2 * PART_SIZE], cut[PART_SIZE], command[COMMAND_SIZE] = "";
	const char *path = plain_name(image->path, in, sizeof(in));

	new_name(image, ".vhd", false, out, sizeof(out));
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)size);
	if (shell_command(copy, sizeof(copy), (const char *const[]){ "cp", path, out, NULL }) ==
		    0 &&
	    shell_command(cut, sizeof(cut),
			  (const char *const[]){ "truncate", "-s", number, out, NULL }) == 0)
		(void)snprintf(command, sizeof(command), "%s && %s", copy, cut);
	return refuse(image, "VHD (fixed, with a footer)", command,
		      "copy it, and cut the footer of 512 bytes off the copy (truncate)", f);
}

static int refuse_vhd(const struct image *image, enum vhd type, struct fault *f)
{
	char in[PATH_MAX + 3], out[PATH_MAX + 64], name[PART_SIZE];
	char options[2 * PART_SIZE], command[COMMAND_SIZE] = "";

	if (type == VHD_DIFFERENCING)
		return refuse(image, "VHD (differencing)", "",
			      "merge it into its parent with the program that made it", f);
	new_name(image, ".vhd", false, out, sizeof(out));
	if (double_commas(plain_name(image->path, in, sizeof(in)), name, sizeof(name))) {
		(void)snprintf(options, sizeof(options), VHD_OPTIONS "%s", name);
		(void)shell_command(command, sizeof(command),
				    (const char *const[]){ "qemu-img", "convert", "--image-opts",
							   "-O", "raw", options, out, NULL });
	}
	return refuse(image, "VHD (dynamic)", command,
		      "make a raw disk of it: qemu-img convert --image-opts -O raw " VHD_OPTIONS
		      "IMAGE NEW",
		      f);
}

static int check_end(const struct image *image, struct fault *f)
{
	unsigned char footer[VHD_SIZE] = { 0 };
	uint64_t at = (image->total - 1) / VHD_SIZE * VHD_SIZE;
	enum vhd type;
	int r;

	if (image->total < VHD_SIZE || image->total - at < VHD_SIZE - 1)
		return 0;
	r = io_read_at(image->fd, footer, image->total - at, at);
	if (r < 0)
		return fault_io(f, image->path, r, "cannot read");
	type = judge_footer(footer);
	return type == VHD_NONE	 ? 0 :
	       type == VHD_FIXED ? refuse_fixed(image, at, f) :
				   refuse_vhd(image, type, f);
}

int format_check(const struct image *image, struct fault *f)
{
	unsigned char front[FRONT_SIZE] = { 0 };
	size_t len = image->total < FRONT_SIZE ? (size_t)image->total : FRONT_SIZE;
	const struct kind *kind;
	enum vhd type;
	int r;

	r = io_read_at(image->fd, front, len, 0);
	if (r < 0)
		return fault_io(f, image->path, r, "cannot read");
	if (memcmp(front, LUKS_MAGIC, sizeof(LUKS_MAGIC) - 1) != 0) {
		type = judge_footer(front);
		if (type == VHD_DYNAMIC || type == VHD_DIFFERENCING)
			return refuse_vhd(image, type, f);
		kind = find_kind(front);
		if (kind)
			return refuse_kind(image, kind, f);
	}
	return check_end(image, f);
}
