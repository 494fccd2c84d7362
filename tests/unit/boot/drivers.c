/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.c - which modules are loaded: those of the list, those that devices ask for, and what a
 * device that a driver has made asks for; later, those of devices that come.
 */
#include "boot/drivers.h"

#include "base/paths.h"
#include "fake_kmod.h"

static struct fixture fx;
static struct fault f;
static struct drivers drivers;

static void put_device(const char *bus, const char *name, const char *alias)
{
	char path[256], text[256];

	(void)snprintf(path, sizeof(path), "%s/%s/devices/%s/modalias", PATH_SYS_BUS, bus, name);
	(void)snprintf(text, sizeof(text), "%s\n", alias);
	fixture_text(&fx, path, text);
}

static void make_disk(void)
{
	put_device("scsi", "0:0:0:0", "scsi:t-0x00");
}

static void begin(const char *list)
{
	fixture_init(&fx);
	fake_reset();
	f = (struct fault){ 0 };
	drivers = DRIVERS_NULL;
	if (list)
		fixture_text(&fx, PATH_DRIVERS, list);
}

static void end(void)
{
	drivers_done(&drivers);
	fixture_done(&fx);
}

int main(void)
{
	struct kmod_module *controller;

	begin("ext4\nabsent\nlast");
	(void)fake_module("ext4");
	fake_module("absent")->load_result = -ENODEV;
	(void)fake_module("last");
	drivers_start(&drivers, &fx.root, &f);
	is_int(f.code, EXITCODE_OK, "a list: %s", f.why);
	is_str(fake_loaded, "ext4 absent last",
	       "... each in its order, also behind one that fails");
	end();

	begin("");
	controller = fake_module("virtio_scsi");
	controller->alias = "virtio:d00000008v00001AF4";
	controller->loaded = make_disk;
	fake_module("sd_mod")->alias = "scsi:t-0x00";
	fake_module("nvme")->alias = "pci:v1";
	put_device("virtio", "virtio0", "virtio:d00000008v00001AF4");
	put_device("virtio", "virtio1", "virtio:d00000008v00001AF4");
	put_device("pci", "0000:00:01.0", "pci:v2");
	fixture_mkdir(&fx, PATH_SYS_BUS "/platform/devices/x");
	fixture_mkdir(&fx, PATH_SYS_BUS "/empty");
	drivers_start(&drivers, &fx.root, &f);
	is_int(f.code, EXITCODE_OK, "devices: %s", f.why);
	ok(strstr(fake_loaded, "virtio_scsi") && strstr(fake_loaded, "sd_mod"),
	   "... a driver, and one for what the driver has made: %s", fake_loaded);
	ok(!strstr(fake_loaded, "nvme"), "... none for what is not there");
	end();

	begin("");
	fake_module("virtio_scsi")->alias = "virtio:d00000008v00001AF4";
	fake_modules[0].load_result = -EIO;
	fake_modules[0].loaded = make_disk;
	put_device("virtio", "virtio0", "virtio:d00000008v00001AF4");
	put_device("virtio", "virtio1", "virtio:d00000008v00001AF4");
	drivers_start(&drivers, &fx.root, &f);
	is_int((int)fake_modules[0].loads, 1, "a driver that does not load is tried once");
	end();

	begin(NULL);
	drivers_start(&drivers, &fx.root, &f);
	is_int(f.code, EXITCODE_INTERNAL, "no list");
	ok(strstr(f.why, PATH_DRIVERS), "... and the reason names it");
	end();
	return tap_done();
}
