// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * module_fake.c - for the VM test of coco_secret: registers a platform device or driver by the name
 * of the merged efi_secret driver, and does nothing. Trusts the test. May not be loaded elsewhere.
 */
#include <linux/module.h>
#include <linux/platform_device.h>

static bool device, driver;
module_param(device, bool, 0);
module_param(driver, bool, 0);

static struct platform_device *fake_device;
static struct platform_driver fake_driver = {
	.driver = { .name = "efi_secret" },
};

static int __init fake_init(void)
{
	if (driver)
		return platform_driver_register(&fake_driver);
	if (device)
		fake_device = platform_device_register_simple("efi_secret", 0, NULL, 0);
	return PTR_ERR_OR_ZERO(fake_device);
}

static void __exit fake_exit(void)
{
	if (driver)
		platform_driver_unregister(&fake_driver);
	platform_device_unregister(fake_device);
}

module_init(fake_init);
module_exit(fake_exit);
MODULE_DESCRIPTION("Stands in for efi_secret in a test");
MODULE_LICENSE("GPL");
