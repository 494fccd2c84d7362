/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exitcode.c - names and next steps of the outcomes in exitcode.h.
 * Constant text only: nothing here comes from the machine.
 */
#include "exitcode.h"

#include "util.h"

static const struct {
	const char *name;
	const char *next;
} table[_EXITCODE_MAX] = {
	[EXITCODE_OK] = { "ok", "nothing to do" },
	[EXITCODE_USAGE] = { "usage", "see coco-unlock --help" },
	[EXITCODE_SECRET_REFUSED] = { "secret-refused",
		"check that the secret in the table is the one that was enrolled in a keyslot of this "
		"volume, byte for byte, then launch again" },
	[EXITCODE_NO_MEMORY] = { "no-memory",
		"give the guest more memory, or use a keyslot with pbkdf2 or a smaller argon2 cost" },
	[EXITCODE_NO_DEVICE] = { "no-device",
		"attach the encrypted disk, or correct the device column of cocotab" },
	[EXITCODE_BUSY] = { "busy",
		"find out what else opens the volume in this initramfs (crypttab, rd.luks) and remove it" },
	[EXITCODE_HEADER_REFUSED] = { "header-refused",
		"compare the disk with the one that was prepared: its LUKS2 header is not of the accepted "
		"form" },
	[EXITCODE_NO_SECRET_TABLE] = { "no-secret-table",
		"inject the launch secret before the guest starts, and use firmware of the AmdSev kind" },
	[EXITCODE_SECRET_MISSING] = { "secret-missing",
		"look at the entry that cocotab names: it must be in the secret table, and readable" },
	[EXITCODE_EXAMPLE_GUID] = { "example-guid",
		"rebuild the table with GUID 736869e5-84f0-4973-92ec-06879ce3da0b; 736870e5-... is only "
		"the example of the kernel's documentation" },
	[EXITCODE_CONFIG] = { "config",
		"correct the line, run coco-unlock check --config, and build the initramfs again" },
	[EXITCODE_NO_SECRET_MODULE] = { "no-secret-module",
		"install efi_secret or coco_secret for this kernel and build the initramfs again; under "
		"lockdown only efi_secret loads" },
	[EXITCODE_NO_SECURITYFS] = { "no-securityfs",
		"use a kernel with CONFIG_SECURITYFS" },
	[EXITCODE_TABLE_CORRUPT] = { "table-corrupt",
		"build the secret table again: a length in it is wrong, or GRUB has wiped an entry" },
	[EXITCODE_TABLE_DUPLICATE] = { "table-duplicate",
		"build the secret table again: two entries have the same GUID" },
	[EXITCODE_WIPE_FAILED] = { "wipe-failed",
		"do not use this kernel for secrets: an entry could not be removed" },
	[EXITCODE_HIDDEN_ENTRIES] = { "hidden-entries",
		"put at most 63 entries into the secret table" },
	[EXITCODE_NO_DM_CRYPT] = { "no-dm-crypt",
		"put dm_crypt and the volume's cipher modules into the initramfs" },
	[EXITCODE_AMBIGUOUS_DEVICE] = { "ambiguous-device",
		"name the volume's device in cocotab by a path, or detach the other disk" },
	[EXITCODE_NOT_LUKS2] = { "not-luks2",
		"attach the encrypted disk: only LUKS2 volumes are opened" },
	[EXITCODE_INTERNAL] = { "internal",
		"report this with the journal of the boot" },
	[EXITCODE_SECRET_EMPTY] = { "secret-empty",
		"put the secret's bytes into the table: the entry has no data" },
	[EXITCODE_ABORTED] = { "aborted",
		"read the lines above: another part of the initramfs gave up" },
	[EXITCODE_NO_STATUS] = { "no-status",
		"boot through coco-unlock first: it has not run in this boot" },
	[EXITCODE_JUDGE_FAILED] = { "judge-failed",
		"give the guest more memory; if it has enough, keep the disk and report this: its header "
		"killed the process that judges it" },
	[EXITCODE_COMMAND_LINE] = { "command-line",
		"remove the word from the kernel command line, or allow it with AllowWords= and build the "
		"initramfs again" },
	[EXITCODE_FOREIGN_CREDENTIAL] = { "foreign-credential",
		"start the guest without SMBIOS, fw_cfg and EFI credentials for the system manager" },
	[EXITCODE_POLICY_MISSING] = { "policy-missing",
		"put a policy entry with every volume of cocotab into the secret table" },
	[EXITCODE_POLICY_INVALID] = { "policy-invalid",
		"correct the line of the policy entry and build the secret table again" },
	[EXITCODE_PIN_MISMATCH] = { "pin-mismatch",
		"attach the disk that the policy entry pins; if you have changed its header yourself, pin "
		"the new one" },
	[EXITCODE_MAPPING_DIFFERS] = { "mapping-differs",
		"do not trust this kernel or initramfs: it maps something else than it was asked for" },
	[EXITCODE_ROOT_CONFUSION] = { "root-confusion",
		"use root=/dev/mapper/NAME with the root's volume of cocotab, mount and swap in the "
		"initramfs by such names only, and detach every other disk that claims to be one of them" },
	[EXITCODE_OLD_GENERATION] = { "old-generation",
		"attach the newest copy of the disk: this one is older than the policy entry accepts" },
	[EXITCODE_DEADLINE] = { "deadline",
		"raise Timeout=, or enrol the secret in a keyslot whose key derivation costs less" },
};

const char *exitcode_name(enum exitcode code)
{
	return (unsigned int)code < ARRAY_SIZE(table) ? table[code].name : "internal";
}

const char *exitcode_next(enum exitcode code)
{
	return (unsigned int)code < ARRAY_SIZE(table) ? table[code].next :
							 table[EXITCODE_INTERNAL].next;
}
