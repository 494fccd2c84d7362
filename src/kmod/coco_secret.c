// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * coco_secret.c - shows the entries of an EFI launch-secret table as files in securityfs, for
 * kernels built without CONFIG_EFI_SECRET. Trusts the measured firmware: its memory map, and, once
 * the GUID of the secret table has matched, the address and size that stand behind it. Trusts
 * neither the config_table parameter, nor a byte of the table itself, nor an order of events
 * between its readers. May not map anything before that GUID has matched except the configuration
 * table, may not copy secret data anywhere but to the reader, and may not log anything from the
 * table but counts.
 *
 * Interface (the files are those of the merged efi_secret driver, without its limit of 64):
 *   secrets/coco/<guid>  0440: read gives the data, unlink zeroes it for good
 *   coco_secret/state    0600: "populated N", "empty", "corrupt REASON" or "wiped";
 *                        writing "wipe" zeroes the whole area once no entry is listed
 * Unloading zeroes what is left, except entries whose GUID is in the parameter keep=.
 *
 * Longer than our files usually are, so that whoever builds it copies one source and one Kbuild.
 *
 * What outlives what. A file that is open holds this module. Other things do not and may outlive
 * it: an O_PATH descriptor, a working or open directory (any user could have one, and would keep
 * us from unloading, that is from wiping), and a task that has just fetched an inode's operations
 * and not used them yet. So nothing in memory of ours stays reachable from an inode: teardown()
 * turns the inodes of our files into bad inodes (we hold a reference to each, also after an
 * unlink), gives the directory the operations of the kernel back, and waits until every task has
 * passed a voluntary switch. A root process that opens a file in the very moment of unloading gets
 * ENODEV, and the VFS prints a warning of its own, as for every securityfs file with an owner.
 *
 * What stays pinned: up to Linux 6.16 each securityfs file holds the internal mount, and only
 * securityfs_remove() gives that up, which cannot be called under the directory's lock. So there
 * each unlinked entry leaves one reference to the internal mount of securityfs, which never goes
 * away in any case (securityfs itself keeps a file on it). No memory and no module is held by it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/efi.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uuid.h>
#include <asm/cacheflush.h>
#include <asm/processor.h>

/* The table's length is exported nowhere; real ones have about a dozen entries. */
#define TABLE_SLOTS_MAX	64
/* Current firmware has 3 KiB, the AMD secure processor takes 16 KiB: more is no secret area. */
#define AREA_SIZE_MAX	SZ_64K
#define KEEP_MAX	64

static const guid_t table_guid = GUID_INIT(0xadf956ad, 0xe98c, 0x484c,
					   0xae, 0x11, 0xb5, 0x1c, 0x7d, 0x33, 0x64, 0x47);
static const guid_t header_guid = GUID_INIT(0x1e74f542, 0x71dd, 0x4d66,
					    0x96, 0x3e, 0xef, 0x42, 0x87, 0xff, 0x17, 0x3b);

/* Formats of the firmware and of the guest owner's tool: packed, little-endian, any alignment. */
struct table_slot {
	guid_t guid;
	__le64 pa;
} __packed;

struct area_descriptor {
	__le64 base;
	__le64 size;
} __packed;

struct record {			/* the header of the area and of each entry */
	guid_t guid;
	__le32 len;		/* with this record */
} __packed;

/* One entry as found at load. The area's own lengths are not looked at again. */
struct entry {
	guid_t guid;		/* null: was deleted before we were loaded */
	u32 offset;		/* of the record in the area */
	u32 len;		/* of record and data */
	struct dentry *dentry;	/* set while the entry is listed */
	struct inode *inode;	/* a reference, from creation to teardown */
};

enum state { STATE_EMPTY, STATE_POPULATED, STATE_CORRUPT, STATE_WIPED };

static struct {
	struct mutex lock;	/* of the area's content, state, and each entry's dentry */
	enum state state;
	const char *reason;	/* of STATE_CORRUPT */
	u8 *area;		/* NULL if the descriptor was unusable */
	u32 area_size;
	struct entry *entries;
	u32 nr_entries;		/* with the deleted ones */
	u32 nr_populated;	/* without */
	guid_t keep[KEEP_MAX];
	struct dentry *secrets_dir, *coco_dir, *own_dir, *state_file;
	struct inode *state_inode;
} coco = {
	.lock = __MUTEX_INITIALIZER(coco.lock),
};

/*
 * The address makes the kernel map memory, so it is declared as a hardware parameter: a kernel
 * under lockdown (integrity or confidentiality) refuses it whatever its value, the load fails with
 * -EPERM, and nothing has been mapped. Such a kernel needs the merged driver.
 */
static unsigned long long config_table;
module_param_hw(config_table, ullong, iomem, 0);
MODULE_PARM_DESC(config_table,
		 "physical address of the EFI configuration table, from /sys/firmware/efi/config_table");

static char *keep[KEEP_MAX];
static unsigned int nr_keep;
module_param_array(keep, charp, &nr_keep, 0);
MODULE_PARM_DESC(keep, "GUIDs of entries that unloading does not zero, separated by commas");

/* Zeroes and pushes the zeroes out of the caches, so that no dirty line keeps the old content. */
static void wipe(u32 offset, u32 len)
{
	memzero_explicit(coco.area + offset, len);
	clflush_cache_range(coco.area + offset, len);
}

/* Leaves the entry's length, which every walk of the table needs. */
static void wipe_entry(const struct entry *e)
{
	u32 data = e->offset + sizeof(struct record);

	wipe(data, e->len - sizeof(struct record));
	wipe(e->offset, sizeof(guid_t));
}

static bool is_kept(const guid_t *guid)
{
	unsigned int i;

	for (i = 0; i < nr_keep; i++)
		if (guid_equal(guid, &coco.keep[i]))
			return true;
	return false;
}

/*
 * For unloading. Without a kept entry nothing needs the structure of the table; with one, its
 * lengths and the GUIDs of the kept entries must stay.
 */
static void wipe_all_but_kept(void)
{
	u32 i, end = sizeof(struct record), nr_kept = 0;

	for (i = 0; i < coco.nr_entries; i++)
		if (coco.entries[i].dentry && is_kept(&coco.entries[i].guid))
			nr_kept++;
	if (!nr_kept) {
		wipe(0, coco.area_size);
		return;
	}

	for (i = 0; i < coco.nr_entries; i++) {
		const struct entry *e = &coco.entries[i];

		if (!e->dentry || !is_kept(&e->guid))
			wipe_entry(e);
		end = e->offset + e->len;
	}
	wipe(end, coco.area_size - end);
}

/*
 * Straight from the area: no buffer holds the data between it and the reader. The lock makes a
 * read see the entry either whole or wiped; after the wipe there is nothing to read.
 */
static ssize_t entry_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	const struct entry *e;
	ssize_t r;

	r = mutex_lock_interruptible(&coco.lock);
	if (r)
		return r;

	e = file_inode(file)->i_private;
	if (e)
		r = simple_read_from_buffer(buf, count, pos,
					    coco.area + e->offset + sizeof(struct record),
					    e->len - sizeof(struct record));
	mutex_unlock(&coco.lock);
	return r;
}

/* No write: opening for it works for root, the write then gives EINVAL, as in the merged driver. */
static const struct file_operations entry_fops = {
	.owner = THIS_MODULE,
	.read = entry_read,
	.llseek = generic_file_llseek,
};

/*
 * Called with dir and the file's inode locked. simple_unlink() drops the reference that securityfs
 * took at creation (in every version: an own one up to 6.16, "persistent" since); the caller in
 * the VFS unhashes the dentry. An open file keeps its inode and reads EOF from now on.
 */
static int coco_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct entry *e;

	mutex_lock(&coco.lock);
	e = inode->i_private;
	if (e) {
		wipe_entry(e);
		e->dentry = NULL;
		inode->i_private = NULL;
	}
	mutex_unlock(&coco.lock);

	return simple_unlink(dir, dentry);
}

static const struct inode_operations coco_dir_iops = {
	.lookup = simple_lookup,
	.unlink = coco_unlink,
};

static bool any_listed(void)
{
	u32 i;

	for (i = 0; i < coco.nr_entries; i++)
		if (coco.entries[i].dentry)
			return true;
	return false;
}

static ssize_t state_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	char line[64];
	int n = 0;

	mutex_lock(&coco.lock);
	switch (coco.state) {
	case STATE_EMPTY:
		n = scnprintf(line, sizeof(line), "empty\n");
		break;
	case STATE_POPULATED:
		n = scnprintf(line, sizeof(line), "populated %u\n", coco.nr_populated);
		break;
	case STATE_CORRUPT:
		n = scnprintf(line, sizeof(line), "corrupt %s\n", coco.reason);
		break;
	case STATE_WIPED:
		n = scnprintf(line, sizeof(line), "wiped\n");
		break;
	}
	mutex_unlock(&coco.lock);

	return simple_read_from_buffer(buf, count, pos, line, n);
}

static ssize_t state_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char word[8] = "";
	ssize_t r = count;

	if (count >= sizeof(word))
		return -EINVAL;
	if (copy_from_user(word, buf, count))
		return -EFAULT;
	if (!sysfs_streq(word, "wipe"))
		return -EINVAL;

	mutex_lock(&coco.lock);
	if (!coco.area) {
		r = -ENXIO;	/* the descriptor names no area that could be zeroed */
	} else if (any_listed()) {
		r = -EBUSY;
	} else {
		wipe(0, coco.area_size);
		coco.state = STATE_WIPED;
	}
	mutex_unlock(&coco.lock);
	return r;
}

static const struct file_operations state_fops = {
	.owner = THIS_MODULE,
	.read = state_read,
	.write = state_write,
	.llseek = generic_file_llseek,
};

/*
 * securityfs up to 6.16 leaves the dentry of a removed file hashed while somebody refers to it (an
 * O_PATH descriptor is enough): the name would stay, its directory could not be removed, and the
 * next load would find it in its way. So it is invalidated here.
 */
static void remove_dentry(struct dentry *dentry)
{
	if (!dentry)
		return;

	dget(dentry);
	securityfs_remove(dentry);
	d_invalidate(dentry);
	dput(dentry);
}

static void remove_file(struct dentry *dentry, struct inode *inode)
{
	remove_dentry(dentry);
	iput(inode);
}

/* The lock of the directory is the one that unlink runs under: behind it nobody is in ours. */
static void set_dir_operations(struct dentry *dentry, const struct inode_operations *iops)
{
	struct inode *inode = d_inode(dentry);

	inode_lock(inode);
	WRITE_ONCE(inode->i_op, iops);
	inode_unlock(inode);
}

/* Also for a load that failed half way. Zeroes nothing. Bad inodes first: fewer opens meet us. */
static void teardown(void)
{
	u32 i;

	if (coco.coco_dir)
		set_dir_operations(coco.coco_dir, &simple_dir_inode_operations);
	for (i = 0; i < coco.nr_entries; i++)
		if (coco.entries[i].inode)
			make_bad_inode(coco.entries[i].inode);
	if (coco.state_inode)
		make_bad_inode(coco.state_inode);

	for (i = 0; i < coco.nr_entries; i++)
		remove_file(coco.entries[i].dentry, coco.entries[i].inode);
	remove_file(coco.state_file, coco.state_inode);
	remove_dentry(coco.coco_dir);
	remove_dentry(coco.secrets_dir);
	remove_dentry(coco.own_dir);

	synchronize_rcu_tasks();
}

static void free_all(void)
{
	if (coco.area)
		iounmap((void __iomem *)coco.area);
	kvfree(coco.entries);
}

/* *ret_dentry stays NULL on failure, which is what teardown() goes by. */
static int make_dir(const char *name, struct dentry *parent, struct dentry **ret_dentry)
{
	struct dentry *dentry = securityfs_create_dir(name, parent);

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	*ret_dentry = dentry;
	return 0;
}

static int make_file(const char *name, umode_t mode, struct dentry *parent, void *data,
		     const struct file_operations *fops, struct dentry **ret_dentry,
		     struct inode **ret_inode)
{
	struct dentry *dentry = securityfs_create_file(name, mode, parent, data, fops);

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	*ret_dentry = dentry;
	*ret_inode = d_inode(dentry);
	ihold(*ret_inode);
	return 0;
}

/*
 * Until its operations are exchanged the directory knows no unlink, so nobody takes away an entry
 * whose dentry we have not noted yet; the exchange orders the notes before any unlink.
 */
static int list_entries(void)
{
	char name[UUID_STRING_LEN + 1];
	u32 i;
	int r;

	r = make_dir("secrets", NULL, &coco.secrets_dir);
	if (!r)
		r = make_dir("coco", coco.secrets_dir, &coco.coco_dir);
	for (i = 0; !r && i < coco.nr_entries; i++) {
		struct entry *e = &coco.entries[i];

		if (guid_is_null(&e->guid))
			continue;
		snprintf(name, sizeof(name), "%pUl", &e->guid);
		r = make_file(name, 0440, coco.coco_dir, e, &entry_fops, &e->dentry, &e->inode);
	}
	if (!r)
		set_dir_operations(coco.coco_dir, &coco_dir_iops);
	return r;
}

/* The state file comes last: who can write to it finds the list of entries complete. */
static int publish(void)
{
	int r = 0;

	if (coco.state == STATE_POPULATED)
		r = list_entries();
	if (!r)
		r = make_dir("coco_secret", NULL, &coco.own_dir);
	if (!r)
		r = make_file("state", 0600, coco.own_dir, NULL, &state_fops, &coco.state_file,
			      &coco.state_inode);
	if (r)
		pr_err("cannot create the files in securityfs (%d)\n", r);
	return r;
}

static void set_corrupt(const char *reason)
{
	coco.state = STATE_CORRUPT;
	coco.reason = reason;
	coco.nr_entries = 0;
}

/* May take the time of all pairs: an area of 64 KiB holds at most 3276 entries. */
static bool is_duplicate(u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (guid_equal(&coco.entries[i].guid, &coco.entries[nr].guid))
			return true;
	return false;
}

/* Lengths first. Up to 19 bytes behind the last entry are padding, as for the merged driver. */
static int parse_area(void)
{
	struct record rec;
	u32 offset, end;

	memcpy(&rec, coco.area, sizeof(rec));
	if (!guid_equal(&rec.guid, &header_guid))
		return 0;	/* STATE_EMPTY */

	end = le32_to_cpu(rec.len);
	if (end < sizeof(rec) || end > coco.area_size) {
		set_corrupt("header-length");
		return 0;
	}

	coco.entries = kvcalloc(end / sizeof(rec), sizeof(*coco.entries), GFP_KERNEL);
	if (!coco.entries)
		return -ENOMEM;

	coco.state = STATE_POPULATED;
	for (offset = sizeof(rec); end - offset >= sizeof(rec);) {
		struct entry *e = &coco.entries[coco.nr_entries];

		memcpy(&rec, coco.area + offset, sizeof(rec));
		e->guid = rec.guid;
		e->offset = offset;
		e->len = le32_to_cpu(rec.len);
		if (e->len < sizeof(rec) || e->len > end - offset) {
			set_corrupt("entry-length");
			return 0;
		}
		if (!guid_is_null(&e->guid)) {
			if (is_duplicate(coco.nr_entries)) {
				set_corrupt("duplicate-guid");
				return 0;
			}
			coco.nr_populated++;
		}
		coco.nr_entries++;
		offset += e->len;
	}
	return 0;
}

/*
 * True if [pa, pa + len) is a range that ioremap() and memremap() take without a warning: inside
 * the CPU's address width, and either all RAM of the kernel or none (*ret_ram says which).
 */
static bool is_mappable(u64 pa, u64 len, bool *ret_ram)
{
	u64 end;
	int ram;

	if (!pa || !len || check_add_overflow(pa, len, &end) ||
	    (end - 1) >> boot_cpu_data.x86_phys_bits)
		return false;

	ram = region_intersects(pa, len, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE);
	if (ram == REGION_MIXED)
		return false;
	*ret_ram = ram == REGION_INTERSECTS;
	return true;
}

/*
 * How many bytes may be read from pa on: to the end of the range of the firmware's memory map that
 * holds it. After boot the map has only the ranges that the firmware keeps for its runtime, where
 * the table must be; so a foreign value cannot make us look at memory of the kernel. Device memory
 * is refused too: reading it could have effects. The table lies in one allocation, hence in one
 * range; what lies behind it there is harmless to look at.
 */
static u64 firmware_bytes_at(u64 pa)
{
	efi_memory_desc_t *md;

	for_each_efi_memory_desc(md) {
		u64 size = md->num_pages << EFI_PAGE_SHIFT;

		if (pa < md->phys_addr || pa - md->phys_addr >= size)
			continue;
		if (!(md->attribute & EFI_MEMORY_WB) || md->type == EFI_MEMORY_MAPPED_IO ||
		    md->type == EFI_MEMORY_MAPPED_IO_PORT_SPACE)
			return 0;
		return size - (pa - md->phys_addr);
	}
	return 0;
}

/* Maps at most 64 slots, which may lie across a page border, and nothing behind any of them. */
static int find_descriptor(u64 *ret_pa)
{
	struct table_slot slot;
	u64 nr;
	const u8 *table;
	unsigned int i;
	bool ram;
	int r = -ENODEV;

	nr = min_t(u64, firmware_bytes_at(config_table) / sizeof(slot), TABLE_SLOTS_MAX);
	if (!nr || !IS_ALIGNED(config_table, sizeof(u64)) ||
	    !is_mappable(config_table, nr * sizeof(slot), &ram)) {
		pr_err("config_table does not point into the firmware's runtime memory\n");
		return -EINVAL;
	}

	table = memremap(config_table, nr * sizeof(slot), MEMREMAP_WB);
	if (!table) {
		pr_err("cannot map the configuration table\n");
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++) {
		memcpy(&slot, table + i * sizeof(slot), sizeof(slot));
		if (guid_equal(&slot.guid, &table_guid)) {
			*ret_pa = le64_to_cpu(slot.pa);
			r = 0;
			break;
		}
	}
	memunmap((void *)table);

	if (r)
		pr_err("the firmware publishes no secret table\n");
	return r;
}

/*
 * Leaves coco.area NULL if the descriptor makes no sense. Kernel memory is refused: firmware before
 * edk2-stable202202 left the area to the kernel, which has long used it for something else.
 */
static int map_area(u64 pa)
{
	struct area_descriptor raw;
	const void *desc;
	u64 base, size;
	bool ram;

	if (!is_mappable(pa, sizeof(raw), &ram))
		goto corrupt;
	desc = memremap(pa, sizeof(raw), MEMREMAP_WB);
	if (!desc)
		goto unmapped;
	memcpy(&raw, desc, sizeof(raw));
	memunmap((void *)desc);

	base = le64_to_cpu(raw.base);
	size = le64_to_cpu(raw.size);
	if (size < sizeof(struct record) || size > AREA_SIZE_MAX ||
	    !is_mappable(base, size, &ram) || ram)
		goto corrupt;

	/* Works without memory encryption too: then it is a plain cached mapping. */
	coco.area = (u8 __force *)ioremap_encrypted(base, size);
	if (!coco.area)
		goto unmapped;
	coco.area_size = size;
	return 0;

corrupt:
	set_corrupt("descriptor");
	return 0;

unmapped:
	pr_err("cannot map the secret area\n");
	return -ENOMEM;
}

/*
 * Two drivers on one area would not see each other's wipes. A platform device alone is no driver:
 * a kernel with CONFIG_EFI_COCO_SECRET and without CONFIG_EFI_SECRET has one, and needs us.
 */
static bool merged_driver_present(void)
{
	return IS_ENABLED(CONFIG_EFI_SECRET) || driver_find("efi_secret", &platform_bus_type);
}

static int parse_keep(void)
{
	unsigned int i;

	for (i = 0; i < nr_keep; i++) {
		if (strlen(keep[i]) != UUID_STRING_LEN || guid_parse(keep[i], &coco.keep[i])) {
			pr_err("keep: value %u is not a GUID\n", i + 1);
			return -EINVAL;
		}
	}
	return 0;
}

static void log_state(void)
{
	if (coco.state == STATE_POPULATED)
		pr_info("%u entries in securityfs secrets/coco\n", coco.nr_populated);
	else if (coco.state == STATE_CORRUPT)
		pr_err("the secret table is corrupt (%s), no entry is shown\n", coco.reason);
	else
		pr_info("the secret table was not populated\n");
}

static int __init coco_secret_init(void)
{
	u64 descriptor;
	int r;

	if (merged_driver_present()) {
		pr_err("this kernel has efi_secret, use that\n");
		return -EBUSY; /* EEXIST would mean that we are loaded already */
	}
	if (!config_table) {
		pr_err("config_table is missing, give it the value of /sys/firmware/efi/config_table\n");
		return -EINVAL;
	}
	r = parse_keep();
	if (!r)
		r = find_descriptor(&descriptor);
	if (r)
		return r;

	r = map_area(descriptor);
	if (!r && coco.area)
		r = parse_area();
	if (!r)
		r = publish();
	if (r) {
		teardown();
		free_all();
		return r;
	}
	log_state();
	return 0;
}

static void __exit coco_secret_exit(void)
{
	/* No file is open any more, but an unlink may still come until teardown() has run. */
	mutex_lock(&coco.lock);
	if (coco.area)
		wipe_all_but_kept();
	mutex_unlock(&coco.lock);
	teardown();
	free_all();
}

module_init(coco_secret_init);
module_exit(coco_secret_exit);

MODULE_DESCRIPTION("Launch secrets as files, for kernels without efi_secret");
MODULE_AUTHOR("The coco-unlock authors");
MODULE_LICENSE("GPL");
