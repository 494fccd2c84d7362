// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * lab_tsm.c - a provider of TSM reports for guests of the lab: registers with the kernel's own TSM
 * core under the name that it is given, and lets a program answer what the core asks for. All that
 * a client sees of configfs, directories and generations is the real core's. Kernel code of the lab
 * alone: never part of an installation.
 *
 * /dev/lab_tsm, for one program: read() waits for a request and returns its 64 bytes (fewer, if a
 * client has written fewer); write() answers it with struct lab_tsm_answer and the bytes it counts.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/tsm.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#include "lab_tsm.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define tsm_ops tsm_report_ops
#define tsm_register tsm_report_register
#define tsm_unregister tsm_report_unregister
#define TSM_INBLOB_MAX TSM_REPORT_INBLOB_MAX
#endif

static char *provider = "sev_guest";
module_param(provider, charp, 0444);

/* One request at a time: the core holds its lock meanwhile. `lock` protects all of this. */
static DEFINE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(changed);
static enum { IDLE, ASKED, TAKEN, ANSWERED } state;
static u8 request[TSM_INBLOB_MAX];
static size_t request_len;
static struct lab_tsm_answer answer;
static u8 *answer_bytes;

static int report_new(struct tsm_report *report, void *data)
{
	int r;

	mutex_lock(&lock);
	request_len = report->desc.inblob_len;
	memcpy(request, report->desc.inblob, request_len);
	state = ASKED;
	mutex_unlock(&lock);
	wake_up_all(&changed);

	r = wait_event_killable(changed, READ_ONCE(state) == ANSWERED);
	mutex_lock(&lock);
	if (r == 0 && answer.error) {
		r = -answer.error;
	} else if (r == 0) {
		report->outblob = kvmemdup(answer_bytes, answer.outblob_len, GFP_KERNEL);
		report->outblob_len = answer.outblob_len;
		report->auxblob =
			kvmemdup(answer_bytes + answer.outblob_len, answer.auxblob_len, GFP_KERNEL);
		report->auxblob_len = answer.auxblob_len;
		if (!report->outblob || !report->auxblob)
			r = -ENOMEM;
	}
	kvfree(answer_bytes);
	answer_bytes = NULL;
	state = IDLE;
	mutex_unlock(&lock);
	return r;
}

static ssize_t lab_read(struct file *file, char __user *buffer, size_t size, loff_t *at)
{
	ssize_t r = wait_event_interruptible(changed, READ_ONCE(state) == ASKED);

	if (r)
		return r;
	mutex_lock(&lock);
	r = min(size, request_len);
	if (state != ASKED)
		r = -EAGAIN;
	else if (copy_to_user(buffer, request, r))
		r = -EFAULT;
	else
		state = TAKEN;
	mutex_unlock(&lock);
	return r;
}

static ssize_t lab_write(struct file *file, const char __user *buffer, size_t size, loff_t *at)
{
	struct lab_tsm_answer head;
	u8 *bytes;

	if (size < sizeof(head) || size > SZ_64M)
		return -EINVAL;
	if (copy_from_user(&head, buffer, sizeof(head)))
		return -EFAULT;
	if (size - sizeof(head) != (size_t)head.outblob_len + head.auxblob_len)
		return -EINVAL;
	bytes = vmemdup_user(buffer + sizeof(head), size - sizeof(head));
	if (IS_ERR(bytes))
		return PTR_ERR(bytes);
	mutex_lock(&lock);
	if (state == TAKEN) {
		answer = head;
		answer_bytes = bytes;
		state = ANSWERED;
	} else {
		kvfree(bytes); /* whoever has asked is gone */
	}
	mutex_unlock(&lock);
	wake_up_all(&changed);
	return size;
}

static const struct file_operations operations = { .owner = THIS_MODULE,
						   .read = lab_read,
						   .write = lab_write };
static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR, .name = "lab_tsm", .fops = &operations, .mode = 0600
};

static bool attr_visible(int n)
{
	return n == TSM_REPORT_GENERATION || n == TSM_REPORT_PROVIDER ||
	       n == TSM_REPORT_PRIVLEVEL || n == TSM_REPORT_PRIVLEVEL_FLOOR;
}

static bool bin_attr_visible(int n)
{
	return n == TSM_REPORT_INBLOB || n == TSM_REPORT_OUTBLOB || n == TSM_REPORT_AUXBLOB;
}

static struct tsm_ops ops = {
	.report_new = report_new,
	.report_attr_visible = attr_visible,
	.report_bin_attr_visible = bin_attr_visible,
};

static int __init lab_init(void)
{
	int r = misc_register(&device);

	if (r)
		return r;
	ops.name = provider;
	r = tsm_register(&ops, NULL);
	if (r)
		misc_deregister(&device);
	return r;
}

static void __exit lab_exit(void)
{
	tsm_unregister(&ops);
	misc_deregister(&device);
}

module_init(lab_init);
module_exit(lab_exit);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
MODULE_IMPORT_NS("TSM");
#else
MODULE_IMPORT_NS(TSM);
#endif
MODULE_DESCRIPTION("Provider of TSM reports for the lab");
MODULE_LICENSE("GPL");
