/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.c - processor time of what stands between a header and its mapping: the judge's whole
 * life, its verdict, the comparison of the live table. Natively, not under emulation; the
 * device mapper's part of the read-back is a fake that answers at once, for the machine that
 * builds may have none. Usage: cost IMAGE DIR: a LUKS2 volume, and a directory tree that has a
 * dev/mapper/control.
 */
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "disk/judge.h"
#include "volume/mapping.h"

#define RUNS 300

static char table[MAPPING_PARAMS_SIZE];
static char mapping_uuid[MAPPING_UUID_SIZE];
static uint64_t sectors;

int ioctl(int fd, unsigned long request, ...)
{
	struct dm_target_spec spec = { 0 };
	struct dm_ioctl *io;
	va_list ap;

	va_start(ap, request);
	io = va_arg(ap, struct dm_ioctl *);
	va_end(ap);
	if (fd < 0 || request != DM_TABLE_STATUS)
		return -1;
	spec.length = sectors;
	memcpy(spec.target_type, "crypt", 6);
	io->target_count = 1;
	memcpy(io->uuid, mapping_uuid, sizeof(io->uuid));
	memcpy((char *)io + io->data_start, &spec, sizeof(spec));
	memcpy((char *)io + io->data_start + sizeof(spec), table, sizeof(table));
	return 0;
}

int fstat(int fd, struct stat *st)
{
	int r = fstatat(fd, "", st, AT_EMPTY_PATH);

	st->st_mode = S_IFBLK;
	st->st_rdev = 0;
	return r;
}

static double cpu_ms(int who)
{
	struct rusage u = { 0 };

	(void)getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static int fail(const char *what, const struct fault *f)
{
	fprintf(stderr, "cost: %s: %s\n", what, f->why);
	return EXIT_FAILURE;
}

static void expect_mapping(const struct verdict *v, const struct device *device)
{
	char *end = mapping_uuid + sizeof("CRYPT-LUKS2-") - 1;
	const char *p;

	sectors = (device->size - v->data_offset) / 512;
	(void)snprintf(table, sizeof(table), "%s :%u:logon:cryptsetup:%s-d%u 0 0:0 %llu%s",
		       v->cipher, v->volume_key_size, v->uuid, v->digest_id,
		       (unsigned long long)v->data_offset / 512,
		       v->sector_size == 4096 ? " 1 sector_size:4096" : "");
	strcpy(mapping_uuid, "CRYPT-LUKS2-");
	for (p = v->uuid; *p; p++)
		if (*p != '-')
			*end++ = *p;
	strcpy(end, "-root");
}

int main(int argc, char **argv)
{
	struct device device = DEVICE_NULL;
	struct header header = HEADER_NULL;
	struct root root;
	struct fault f = { 0 };
	struct mapping mapping;
	struct verdict verdict;
	static struct conf conf;
	double begin, total;
	struct stat st;
	int i;

	conf_defaults(&conf);
	if (argc != 3)
		return EXIT_FAILURE;
	device.fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (device.fd < 0 || fstatat(device.fd, "", &st, AT_EMPTY_PATH) < 0 ||
	    root_init(&root, argv[2]) < 0)
		return EXIT_FAILURE;
	device.size = (uint64_t)st.st_size;
	(void)snprintf(device.path, sizeof(device.path), "%s", argv[1]);
	if (header_read(&device, conf.volumes[0].metadata_size, &header, &f) < 0)
		return fail("header", &f);

	begin = cpu_ms(RUSAGE_SELF) + cpu_ms(RUSAGE_CHILDREN);
	for (i = 0; i < RUNS; i++) {
		struct judge_process judge = JUDGE_NULL;

		if (judge_start(&conf, &judge, &f) < 0 ||
		    judge_ask(&judge, &conf, 0, header.metadata, &device, &verdict, &f) < 0)
			return fail("judge", &f);
		judge_done(&judge);
		if (i == 0)
			expect_mapping(&verdict, &device);
		if (mapping_check(&root, &conf.volumes[0], &verdict, &device, &mapping, &f) < 0)
			return fail("read-back", &f);
	}
	total = cpu_ms(RUSAGE_SELF) + cpu_ms(RUSAGE_CHILDREN) - begin;
	printf("judge's process, header policy and read-back, native: %.2f ms of processor time "
	       "(%d runs; aim: below 5 ms)\n",
	       total / RUNS, RUNS);
	return total / RUNS < 5 ? EXIT_SUCCESS : EXIT_FAILURE;
}
