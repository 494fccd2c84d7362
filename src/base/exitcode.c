/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exitcode.c - names and next steps of the outcomes in exitcode.h, and their exit codes of
 * coco-secret.
 * Constant text only: nothing here comes from the machine.
 */
#include "base/exitcode.h"

#include "base/paths.h"
#include "base/util.h"

/* clang-format off */
static const struct {
	const char *name;
	enum outcome outcome;
	const char *next;
	const char *owner_next; /* NULL: the same */
} table[_EXITCODE_MAX] = {
	[EXITCODE_OK] = { "ok", OUTCOME_OK,
		"nothing to do" },
	[EXITCODE_USAGE] = { "usage", OUTCOME_USAGE,
		"see coco-unlock --help",
		"give it in a file: see --help" },
	[EXITCODE_SECRET_REFUSED] = { "secret-refused", OUTCOME_REFUSED,
		"check that the secret in the table is the one that was enrolled in a keyslot of this "
		"volume, byte for byte, then launch again",
		"give the passphrase or the table that opens this disk" },
	[EXITCODE_NO_MEMORY] = { "no-memory", OUTCOME_IO,
		"give the guest more memory, or use a keyslot with pbkdf2 or a smaller argon2 cost",
		"free memory, or raise the limit of locked memory (ulimit -l)" },
	[EXITCODE_NO_DEVICE] = { "no-device", OUTCOME_IO,
		"attach the encrypted disk, put its driver into the initramfs, raise Timeout=, or correct "
		"the device column of cocotab, and build the initramfs again",
		"check the path, the partition, the permissions, and the disk that it is on" },
	[EXITCODE_BUSY] = { "busy", OUTCOME_REFUSED,
		"find out what else opens the volume in this initramfs (crypttab, rd.luks) and remove it" },
	[EXITCODE_HEADER_REFUSED] = { "header-refused", OUTCOME_REFUSED,
		"attach the disk as it was prepared; if you have changed it yourself, "
		"coco-unlock-threats(7) says what the rule demands",
		"put back a copy of the header (cryptsetup luksHeaderRestore), or encrypt the disk anew; "
		"coco-unlock-threats(7) has the rules" },
	[EXITCODE_NO_SECRET_TABLE] = { "no-secret-table", OUTCOME_REFUSED,
		"inject the launch secret before the guest starts, and use firmware of the AmdSev kind" },
	[EXITCODE_SECRET_MISSING] = { "secret-missing", OUTCOME_REFUSED,
		"put the entry that cocotab names into the secret table, or correct its GUID in cocotab "
		"and build the initramfs again" },
	[EXITCODE_EXAMPLE_GUID] = { "example-guid", OUTCOME_REFUSED,
		"rebuild the table with GUID 736869e5-84f0-4973-92ec-06879ce3da0b; 736870e5-... is only "
		"the example of the kernel's documentation" },
	[EXITCODE_CONFIG] = { "config", OUTCOME_BAD_INPUT,
		"correct what the reason names, run coco-unlock check --config, and build the initramfs "
		"again",
		"correct what the reason names; if the guest has it, too, build its initramfs again" },
	[EXITCODE_NO_SECRET_MODULE] = { "no-secret-module", OUTCOME_REFUSED,
		"install efi_secret or coco_secret for this kernel and build the initramfs again; under "
		"lockdown only efi_secret loads" },
	[EXITCODE_NO_SECURITYFS] = { "no-securityfs", OUTCOME_REFUSED,
		"use a kernel with CONFIG_SECURITYFS" },
	[EXITCODE_TABLE_CORRUPT] = { "table-corrupt", OUTCOME_REFUSED,
		"build the secret table again: a length in it is wrong, or GRUB has wiped an entry" },
	[EXITCODE_TABLE_DUPLICATE] = { "table-duplicate", OUTCOME_REFUSED,
		"build the secret table again: two entries have the same GUID" },
	[EXITCODE_WIPE_FAILED] = { "wipe-failed", OUTCOME_REFUSED,
		"leave /sys writable for coco-unlock; where it was, give secrets to another kernel only" },
	[EXITCODE_HIDDEN_ENTRIES] = { "hidden-entries", OUTCOME_REFUSED,
		"put at most 63 entries into the secret table" },
	[EXITCODE_NO_DM_CRYPT] = { "no-dm-crypt", OUTCOME_REFUSED,
		"put dm_crypt and the volume's cipher modules into the initramfs" },
	[EXITCODE_AMBIGUOUS_DEVICE] = { "ambiguous-device", OUTCOME_REFUSED,
		"detach the other disk, or name the volume's device in cocotab by a path and build the "
		"initramfs again" },
	[EXITCODE_NOT_LUKS2] = { "not-luks2", OUTCOME_REFUSED,
		"attach the encrypted disk, or correct the device column of cocotab and build the "
		"initramfs again: only LUKS2 volumes are opened",
		"name the encrypted disk, or its encrypted partition as IMAGE#PARTITION" },
	[EXITCODE_INTERNAL] = { "internal", OUTCOME_IO,
		"report this with all that the console has shown",
		"report this" },
	[EXITCODE_SECRET_EMPTY] = { "secret-empty", OUTCOME_REFUSED,
		"put the secret's bytes into the table: the entry has no data" },
	[EXITCODE_ABORTED] = { "aborted", OUTCOME_REFUSED,
		"read the lines above: another part of the initramfs gave up" },
	[EXITCODE_NO_STATUS] = { "no-status", OUTCOME_REFUSED,
		"boot through coco-unlock first: it has not run in this boot" },
	[EXITCODE_JUDGE_FAILED] = { "judge-failed", OUTCOME_IO,
		"give the guest more memory; if it has enough, keep the disk and report this: its header "
		"killed the process that judges it",
		"report this" },
	[EXITCODE_COMMAND_LINE] = { "command-line", OUTCOME_REFUSED,
		"remove the word from the kernel command line, or allow it with AllowWords= and build the "
		"initramfs again" },
	[EXITCODE_FOREIGN_CREDENTIAL] = { "foreign-credential", OUTCOME_REFUSED,
		"start the guest without SMBIOS, fw_cfg and EFI credentials for the system manager" },
	[EXITCODE_POLICY_MISSING] = { "policy-missing", OUTCOME_REFUSED,
		"put a policy entry with every volume of cocotab into the secret table: coco-secret "
		"prepare writes one; or put their volume-key= into " PATH_POLICY " and build the "
		"initramfs again" },
	[EXITCODE_POLICY_INVALID] = { "policy-invalid", OUTCOME_BAD_INPUT,
		"correct the line of the policy entry and build the secret table again",
		"correct the line of the policy entry and build the table again" },
	[EXITCODE_PIN_MISMATCH] = { "pin-mismatch", OUTCOME_REFUSED,
		"attach the disk that the policy entry pins; if you have changed its header yourself, pin "
		"the new one with coco-secret pin" },
	[EXITCODE_MAPPING_DIFFERS] = { "mapping-differs", OUTCOME_REFUSED,
		"use another kernel or initramfs: this one maps something else than it was asked for" },
	[EXITCODE_ROOT_CONFUSION] = { "root-confusion", OUTCOME_REFUSED,
		"use root=/dev/mapper/NAME with the root's volume of cocotab, mount and swap in the "
		"initramfs by such names only, and detach every other disk that claims to be one of them" },
	[EXITCODE_OLD_GENERATION] = { "old-generation", OUTCOME_REFUSED,
		"attach the newest copy of the disk: this one is older than the policy accepts" },
	[EXITCODE_DEADLINE] = { "deadline", OUTCOME_REFUSED,
		"raise Timeout=, which coco_unlock.timeout= can only shorten, or enrol the secret in a "
		"keyslot whose key derivation costs less" },
	[EXITCODE_NO_PROVIDER] = { "no-provider", OUTCOME_REFUSED,
		"start the guest as SEV-SNP or TDX, and use a kernel with sev-guest or tdx-guest and "
		"tsm; Sources= in coco-unlock.conf says what the image needs" },
	[EXITCODE_NO_NETWORK] = { "no-network", OUTCOME_REFUSED,
		"give the guest a network interface and an address, and put the interface's driver into "
		"the image with Nics=" },
	[EXITCODE_NO_ROUTE] = { "no-route", OUTCOME_REFUSED,
		"give the guest's network a route to the broker's address, or correct Url= and Host= and "
		"build the initramfs again" },
	[EXITCODE_CONNECTION] = { "connection", OUTCOME_REFUSED,
		"see to it that the broker runs and that its port can be reached from the guest" },
	[EXITCODE_TLS_PARAMETERS] = { "tls-parameters", OUTCOME_REFUSED,
		"let the broker offer TLS 1.2 or later with a group and a cipher that this OpenSSL has, "
		"such as P-256 and AES-GCM" },
	[EXITCODE_BROKER_IDENTITY] = { "broker-identity", OUTCOME_REFUSED,
		"find out who answers at the broker's address; if the broker has a new key, put its Pin= "
		"into coco-unlock.conf and build the initramfs again" },
	[EXITCODE_BROKER_HTTP] = { "broker-http", OUTCOME_REFUSED,
		"look at the broker's log, and correct Url= and its path if it does not know this one" },
	[EXITCODE_PROTOCOL_VERSION] = { "protocol-version", OUTCOME_REFUSED,
		"run a broker that speaks RCAR 0.4.0: Trustee 0.14 or later" },
	[EXITCODE_EVIDENCE_REFUSED] = { "evidence-refused", OUTCOME_REFUSED,
		"look at the broker's log, which says what is wrong with the evidence; where the host gives "
		"no certificate of the chip, put it into the image with VCEK=" },
	[EXITCODE_RELEASE_DENIED] = { "release-denied", OUTCOME_REFUSED,
		"compare the guest's measurement with what the broker's policies and reference values ask "
		"for" },
	[EXITCODE_RESOURCE_MISSING] = { "resource-missing", OUTCOME_REFUSED,
		"store the resource at the broker, or correct its name in cocotab or Resource= and build the "
		"initramfs again" },
	[EXITCODE_MALFORMED_ANSWER] = { "malformed-answer", OUTCOME_REFUSED,
		"run a broker that speaks RCAR 0.4.0 and store what ResourceFormat= says; if it does, report "
		"this with all that the console has shown" },
	[EXITCODE_REPORT_FAILED] = { "report-failed", OUTCOME_REFUSED,
		"restart the guest: the platform makes no report; if that does not help, look at the host's "
		"firmware and at the kernel's log" },
	[EXITCODE_NO_ANSWER] = { "no-answer", OUTCOME_REFUSED,
		"see to it that the broker and the platform answer in time, or raise Timeout=" },
};
/* clang-format on */

const char *exitcode_name(enum exitcode code)
{
	return (unsigned int)code < ARRAY_SIZE(table) ? table[code].name : "internal";
}

const char *exitcode_next(enum exitcode code)
{
	return (unsigned int)code < ARRAY_SIZE(table) ? table[code].next :
							table[EXITCODE_INTERNAL].next;
}

const char *exitcode_owner_next(enum exitcode code)
{
	if ((unsigned int)code >= ARRAY_SIZE(table))
		code = EXITCODE_INTERNAL;
	return table[code].owner_next ? table[code].owner_next : table[code].next;
}

enum outcome exitcode_outcome(enum exitcode code)
{
	switch (code) {
	case EXITCODE_REFUSED:
		return OUTCOME_REFUSED;
	case EXITCODE_BAD_INPUT:
		return OUTCOME_BAD_INPUT;
	case EXITCODE_IO:
		return OUTCOME_IO;
	default:
		return (unsigned int)code < ARRAY_SIZE(table) ? table[code].outcome : OUTCOME_IO;
	}
}
