/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fake_kmod.h - a kernel with modules that a test invents, in the place of libkmod.
 * It loads nothing; include it in one test program, not in the code under test.
 */
#ifndef FAKE_KMOD_H
#define FAKE_KMOD_H

#include <libkmod.h>
#include <string.h>

#include "fixture.h"

struct kmod_module {
	const char *name;
	const char *alias; /* NULL: none */
	int state;	   /* -ENOENT: could be loaded */
	int load_result;
	int unload_result;
	void (*loaded)(void);	/* what appears with it */
	void (*unloaded)(void); /* what goes with it */
	unsigned int loads;
	char params[512]; /* of the last load */
};

static struct kmod_module fake_modules[8]; /* those without a name are not there */
static bool fake_read_modprobe_d;
static char fake_loaded[512]; /* names in the order of the attempts to load them */
static int fake_refs;	      /* what was handed out and not given back */
static int fake_lookup_error; /* of the index of modules; 0: none */

static inline void fake_reset(void)
{
	memset(fake_modules, 0, sizeof(fake_modules));
	*fake_loaded = '\0';
	fake_lookup_error = 0;
}

/* Adds a module that is not loaded and would load. */
static inline struct kmod_module *fake_module(const char *name)
{
	struct kmod_module *mod = fake_modules;

	while (mod->name)
		mod++;
	FIXTURE_MUST(mod < fake_modules + 7);
	*mod = (struct kmod_module){ .name = name, .state = -ENOENT };
	return mod;
}

struct kmod_ctx *kmod_new(const char *dirname, const char *const *config_paths)
{
	static char context;

	/* libkmod reads modprobe.d unless an empty list is passed. */
	fake_read_modprobe_d = !config_paths || *config_paths;
	return dirname ? NULL : (void *)&context;
}

int kmod_load_resources(struct kmod_ctx *ctx)
{
	(void)ctx;
	return 0;
}

void kmod_set_log_fn(struct kmod_ctx *ctx,
		     void (*log_fn)(void *data, int priority, const char *file, int line,
				    const char *fn, const char *format, va_list args),
		     const void *data)
{
	(void)ctx;
	(void)log_fn;
	(void)data;
}

int kmod_module_new_from_name(struct kmod_ctx *ctx, const char *name, struct kmod_module **ret_mod)
{
	static struct kmod_module unknown = { .name = "unknown",
					      .state = -ENOENT,
					      .load_result = -ENOENT };
	struct kmod_module *mod;

	(void)ctx;
	if (fake_lookup_error)
		return fake_lookup_error;
	fake_refs++;
	*ret_mod = &unknown;
	for (mod = fake_modules; mod->name; mod++)
		if (strcmp(mod->name, name) == 0)
			*ret_mod = mod;
	return 0;
}

/* A list is the module itself, followed by the modules with the same alias. */
int kmod_module_new_from_lookup(struct kmod_ctx *ctx, const char *alias,
				struct kmod_list **ret_list)
{
	struct kmod_module *mod;

	(void)ctx;
	if (fake_lookup_error)
		return fake_lookup_error;
	for (mod = fake_modules; mod->name; mod++) {
		if (strcmp(mod->name, alias) == 0 ||
		    (mod->alias && strcmp(mod->alias, alias) == 0)) {
			fake_refs++;
			*ret_list = (void *)mod;
			return 0;
		}
	}
	*ret_list = NULL;
	return 0;
}

struct kmod_list *kmod_list_next(const struct kmod_list *list, const struct kmod_list *current)
{
	const struct kmod_module *mod = (const void *)current, *next = mod + 1;

	(void)list;
	if (!mod->alias || !next->name || !next->alias || strcmp(mod->alias, next->alias) != 0)
		return NULL;
	return (void *)(uintptr_t)next;
}

struct kmod_module *kmod_module_get_module(const struct kmod_list *entry)
{
	fake_refs++;
	return (void *)(uintptr_t)entry;
}

struct kmod_module *kmod_module_unref(struct kmod_module *mod)
{
	(void)mod;
	fake_refs--;
	return NULL;
}

int kmod_module_unref_list(struct kmod_list *list)
{
	(void)list;
	fake_refs--;
	return 0;
}

int kmod_module_get_initstate(const struct kmod_module *mod)
{
	return mod->state;
}

const char *kmod_module_get_path(const struct kmod_module *mod)
{
	return mod->load_result == 0 ? "/" : "/nonexistent/module.ko"; /* to be read, or not */
}

int kmod_module_probe_insert_module(
	struct kmod_module *mod, unsigned int flags, const char *extra_options,
	int (*run_install)(struct kmod_module *m, const char *cmdline, void *data),
	const void *data,
	void (*print_action)(struct kmod_module *m, bool install, const char *options))
{
	FIXTURE_MUST(flags == 0 && !run_install && !data && !print_action);
	mod->loads++;
	(void)snprintf(mod->params, sizeof(mod->params), "%s", extra_options ? extra_options : "");
	(void)snprintf(fake_loaded + strlen(fake_loaded), sizeof(fake_loaded) - strlen(fake_loaded),
		       "%s%s", *fake_loaded ? " " : "", mod->name);
	if (mod->load_result != 0)
		return mod->load_result;
	mod->state = KMOD_MODULE_LIVE;
	if (mod->loaded)
		mod->loaded();
	return 0;
}

int kmod_module_remove_module(struct kmod_module *mod, unsigned int flags)
{
	FIXTURE_MUST(flags == 0);
	if (mod->unload_result != 0)
		return mod->unload_result;
	mod->state = -ENOENT;
	if (mod->unloaded)
		mod->unloaded();
	return 0;
}

#endif
