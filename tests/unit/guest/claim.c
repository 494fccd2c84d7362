/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * claim.c - abort, verify-root and verify-mounts take away, in the initramfs, what unlock has
 * mapped, also where the machine goes on (a shell); in a running system they touch no mapping.
 * Needs: cryptsetup
 */
#include "../../../src/boot/step.c"
#include "../../../src/guest/cmd_unlock.c"
#include "../../../src/guest/cmd_verify_root.c"

#include <signal.h>
#include <sys/wait.h>

#include "fake_machine.h"

int cmd_usage(const struct cmd *cmd, const char *arg)
{
	printf("# %s: %s\n", cmd->name, arg);
	return EXITCODE_USAGE;
}

/* Both volumes are mapped, as unlock has left them. */
static void put_mappings(bool initramfs)
{
	begin();
	fake_dm_add("root", "CRYPT-LUKS2-a-root", "crypt", 4096, "aes-xts-plain64 x");
	fake_dm_add("data", "CRYPT-LUKS2-a-data", "crypt", 4096, "aes-xts-plain64 x");
	fixture_text(&fx, PATH_OPENED,
		     "version=1\nvolume=data\nroot=1\nspec=-\ndevice=253:0\nuuid=CRYPT-LUKS2-a-data\nread-only=0\n"
		     "target=0 4096 crypt aes-xts-plain64 :64:logon:x 0 252:0 2048\n"
		     "min-generation=0\nset-generation=0\n");
	fixture_text(&fx, "/etc/coco-unlock/coco-unlock.conf",
		     "[Unlock]\nFailureAction=rescue\nRescueShell=yes\n");
	fixture_text(&fx, PATH_COCOTAB, "root auto - -\n");
	if (initramfs)
		fixture_text(&fx, PATH_INITRD_RELEASE, "");
	else
		(void)unlink(fixture_path(&fx, PATH_INITRD_RELEASE));
}

/* Looks that come to no end of their own: a disk does not answer, or the process is killed. */
static int hang(const struct root *root, const char *point, const struct opened_volume *volumes,
		size_t nr, struct fault *fault)
{
	(void)root, (void)point, (void)volumes, (void)nr, (void)fault;
	(void)pause(); /* no signal but SIGKILL comes */
	return 0;
}

static int crash(const struct root *root, const char *point, const struct opened_volume *volumes,
		 size_t nr, struct fault *fault)
{
	(void)root, (void)point, (void)volumes, (void)nr, (void)fault;
	return raise(SIGKILL);
}

/* Looks that end by themselves, but say nothing. */
static int mute(const struct root *root, const char *point, const struct opened_volume *volumes,
		size_t nr, struct fault *fault)
{
	(void)root, (void)point, (void)volumes, (void)nr, (void)fault;
	return -EIO;
}

static int leave(const struct root *root, const char *point, const struct opened_volume *volumes,
		 size_t nr, struct fault *fault)
{
	(void)root, (void)point, (void)volumes, (void)nr, (void)fault;
	_exit(7);
}

static int run_hang(const struct root *root, int argc, char **argv)
{
	(void)argc, (void)argv;
	look_limit_ms = 100;
	return step_look(root, hang, "");
}

static int run_crash(const struct root *root, int argc, char **argv)
{
	(void)argc, (void)argv;
	return step_look(root, crash, "");
}

static int run_mute(const struct root *root, int argc, char **argv)
{
	(void)argc, (void)argv;
	return step_look(root, mute, "");
}

static int run_leave(const struct root *root, int argc, char **argv)
{
	(void)argc, (void)argv;
	return step_look(root, leave, "");
}

static const struct cmd cmd_hang = { .name = "a look that hangs", .run = run_hang };
static const struct cmd cmd_crash = { .name = "a look that is killed", .run = run_crash };
static const struct cmd cmd_mute = { .name = "a look that gives no reason", .run = run_mute };
static const struct cmd cmd_leave = { .name = "a look that exits", .run = run_leave };

/* In a process of its own, which keeps its turn until its end. */
static int call(const struct cmd *cmd)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), status;
	char name[64], *argv[] = { name, NULL };
	struct conf used;
	pid_t pid;

	/* With another action the end would begin, and never return. */
	FIXTURE_MUST(conf_load(&fx.root, &used, &f) == 0 &&
		     used.failure_action == FAILURE_ACTION_RESCUE);
	(void)snprintf(name, sizeof(name), "%s", cmd->name);
	(void)fflush(stdout);
	pid = INJECT_NEXT(fork)();
	if (pid == 0) {
		FIXTURE_MUST(null >= 0 && dup2(null, STDERR_FILENO) >= 0);
		_exit(cmd->run(&fx.root, 1, argv));
	}
	FIXTURE_MUST(pid > 0 && waitpid(pid, &status, 0) == pid && close(null) == 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void)
{
	static const struct {
		const struct cmd *cmd;
		int code;
		const char *says;
	} cases[] = {
		{ &cmd_abort, EXITCODE_ABORTED, "cannot go on" },
		{ &cmd_verify_root, EXITCODE_ROOT_CONFUSION, "" },
		{ &cmd_verify_mounts, EXITCODE_ROOT_CONFUSION, "" },
		{ &cmd_hang, EXITCODE_ROOT_CONFUSION, "has not come to an end" },
		{ &cmd_crash, EXITCODE_INTERNAL, "was killed" },
		{ &cmd_mute, EXITCODE_INTERNAL, "without a reason" },
		{ &cmd_leave, EXITCODE_INTERNAL, "without a reason" },
	};
	size_t i;

	machine_init();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].cmd->name;

		put_mappings(true);
		is_int(call(cases[i].cmd), cases[i].code,
		       "%s in an initramfs that goes on: its code", name);
		ok(strstr(fixture_get(&fx, PATH_STATUS), cases[i].says), "... its reason");
		ok(!fake_dm_find("root"), "... the mapping that the configuration names is gone");
		ok(!fake_dm_find("data"), "... and so is the one that only the list names");
		ok(!fixture_has(&fx, PATH_OPENED), "... and the list");
		put_mappings(false);
		is_int(call(cases[i].cmd), cases[i].code, "%s in a running system: its code", name);
		ok(fake_dm_find("root") && strcmp(fake_dm_find("root")->type, "crypt") == 0 &&
			   fake_dm_find("data") && strcmp(fake_dm_find("data")->type, "crypt") == 0,
		   "... no mapping is touched");
		ok(fixture_has(&fx, PATH_OPENED), "... and the list of its boot stays");
	}
	fixture_done(&fx);
	return tap_done();
}
