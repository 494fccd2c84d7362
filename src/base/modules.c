/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * modules.c - kernel modules, through libkmod.
 * Trusts the modules of the initramfs; may not know what they are for.
 */
#include "base/modules.h"

#include <libkmod.h>
#include <stdlib.h>

#include "base/util.h"

static void module_unrefp(struct kmod_module **mod)
{
	if (*mod)
		kmod_module_unref(*mod);
}

static void list_unrefp(struct kmod_list **list)
{
	if (*list)
		kmod_module_unref_list(*list);
}

static void no_log(void *data, int priority, const char *file, int line, const char *fn,
		   const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	(void)format;
	(void)args;
}

/* One for the whole process, with the indexes of the modules in memory: a boot asks for the drivers
 * of some hundred devices. */
static struct kmod_ctx *context(void)
{
	static struct kmod_ctx *ctx;
	const char *no_config = NULL; /* module options in modprobe.d are not for us */

	if (ctx)
		return ctx;
	ctx = kmod_new(NULL, &no_config);
	if (!ctx)
		return NULL;
	kmod_set_log_fn(ctx, no_log, NULL); /* callers report the result */
	(void)kmod_load_resources(ctx);	    /* without it each look-up opens them */
	return ctx;
}

static bool is_present(struct kmod_module *mod)
{
	int state = kmod_module_get_initstate(mod);

	return state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE;
}

static int for_each_match(const char *name, int (*fn)(struct kmod_module *mod, const char *params),
			  const char *params)
{
	struct kmod_ctx *ctx = context();
	_cleanup_(list_unrefp) struct kmod_list *list = NULL;
	struct kmod_list *i;
	int r, result = -ENOENT;

	if (!ctx)
		return -ENOMEM;
	r = kmod_module_new_from_lookup(ctx, name, &list);
	if (r < 0)
		return r;
	/* An alias can name several drivers of one thing: one that works is enough. */
	kmod_list_foreach(i, list) {
		_cleanup_(module_unrefp) struct kmod_module *mod = kmod_module_get_module(i);

		r = fn(mod, params);
		if (r >= 0)
			result = 0;
		else if (result == -ENOENT)
			result = r;
	}
	return result;
}

static int load_one(struct kmod_module *mod, const char *params)
{
	int r;

	if (is_present(mod))
		return 0;
	r = kmod_module_probe_insert_module(mod, 0, params, NULL, NULL, NULL);
	return r > 0 ? -EPERM : r;
}

static int lookup_one(struct kmod_module *mod, const char *params)
{
	const char *path = kmod_module_get_path(mod);

	(void)params;
	if (is_present(mod))
		return 0;
	if (!path)
		return -ENOENT;
	return access(path, R_OK) < 0 ? -errno : 0;
}

int module_load(const char *name, const char *params)
{
	return for_each_match(name, load_one, params);
}

int module_lookup(const char *name)
{
	return for_each_match(name, lookup_one, NULL);
}

int module_unload(const char *name)
{
	struct kmod_ctx *ctx = context();
	_cleanup_(module_unrefp) struct kmod_module *mod = NULL;
	int r;

	if (!ctx)
		return -ENOMEM;
	r = kmod_module_new_from_name(ctx, name, &mod);
	if (r < 0)
		return r;
	switch (kmod_module_get_initstate(mod)) {
	case KMOD_MODULE_BUILTIN:
		return -EBUSY;
	case KMOD_MODULE_LIVE:
		return kmod_module_remove_module(mod, 0);
	default:
		return -ENOENT;
	}
}
