// SPDX-License-Identifier: GPL-2.0
/*
 * backend_store.c - stores: binding a block device to a tier
 *
 * Owns a struct tw_blk_store from bind to unbind, both under tw_tier_mutex. Only the
 * room of tiers calls it, through tw_store_ops. What looks at a bound store is called
 * under RCU, so tw_store_close() waits for it before the store is freed.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "base/compat.h"
#include "tiers/backend_store.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/store_bio.h"
#include "tiers/tier.h"

/*
 * How much is read to measure a device. One that does 200 requests and 20 MB a second
 * takes 100 ms for both measurements.
 */
#define TW_PROBE_READS	8
#define TW_PROBE_BYTES	(512UL << 10)

/* -- the device ------------------------------------------------------------ */

/* The number of the block device that @fd is open on, for both directions. */
static int tw_bdev_from_fd(int fd, dev_t *dev)
{
	struct file *file = fget(fd);
	int ret = 0;

	if (!file)
		return -EBADF;
	if (!S_ISBLK(file_inode(file)->i_mode))
		ret = -ENOTBLK;
	else if (~file->f_mode & (FMODE_READ | FMODE_WRITE))
		ret = -EACCES;
	else
		*dev = I_BDEV(file->f_mapping->host)->bd_dev;
	fput(file);
	return ret;
}

/* Returns an errno for each fault, so that a caller can say what is wrong with @bdev. */
static int tw_bdev_check(struct block_device *bdev)
{
	int ret;

	if (bdev_read_only(bdev)) {
		pr_info("%pg is read-only\n", bdev);
		return -EROFS;
	}
	if (bdev_is_zoned(bdev)) {	/* slots are written in any order */
		pr_info("%pg is zoned\n", bdev);
		return -EOPNOTSUPP;
	}
	if (bdev_logical_block_size(bdev) > PAGE_SIZE) {
		pr_info("%pg has blocks of %u bytes, larger than pages\n", bdev,
			bdev_logical_block_size(bdev));
		return -EOVERFLOW;
	}
	/* Dirty pages of the page cache must not be written over slots later. */
	ret = sync_blockdev(bdev);
	if (ret)
		return -EIO;
	invalidate_bdev(bdev);
	return 0;
}

/* Opens and claims the device. This fails if anything else uses it. */
static int tw_bdev_open(struct tw_blk_store *b, int fd)
{
	dev_t dev;
	int ret;

	ret = tw_bdev_from_fd(fd, &dev);
	if (ret)
		return ret;
	ret = tw_bdev_claim(dev, b, &b->bdev, &b->file);
	if (ret)
		return ret;
	ret = tw_bdev_check(b->bdev);
	if (ret)
		tw_bdev_release(b->bdev, b->file);
	return ret;
}

/* Reads @bytes at @pos to vmalloc memory and waits. */
static int tw_bdev_read(struct tw_blk_store *b, u64 pos, void *to, size_t bytes)
{
	struct bio *bio;
	size_t done;
	int ret;

	bio = bio_alloc_bioset(b->bdev, bytes / PAGE_SIZE, REQ_OP_READ | REQ_SYNC,
			       GFP_KERNEL, &b->bios);
	bio->bi_iter.bi_sector = pos >> SECTOR_SHIFT;
	for (done = 0; done < bytes; done += PAGE_SIZE)
		if (bio_add_page(bio, vmalloc_to_page(to + done), PAGE_SIZE, 0) !=
		    PAGE_SIZE)
			break;
	ret = submit_bio_wait(bio);
	bio_put(bio);
	return ret ? -EIO : 0;
}

/* -- signature ------------------------------------------------------------- */

static bool tw_super_ok(struct tw_store_super *super)
{
	u32 crc = le32_to_cpu(super->crc);

	if (memcmp(super->magic, TW_STORE_MAGIC, sizeof(super->magic)) ||
	    le32_to_cpu(super->version) != TW_STORE_VERSION)
		return false;
	super->crc = 0;
	return tw_crc32c(super, TW_STORE_SUPER_SIZE) == crc;
}

static int tw_super_check(struct tw_blk_store *b, void *buffer)
{
	int ret;

	BUILD_BUG_ON(PAGE_SIZE < TW_STORE_SUPER_SIZE);
	BUILD_BUG_ON(sizeof(TW_STORE_MAGIC) - 1 !=
		     sizeof_field(struct tw_store_super, magic));

	ret = tw_bdev_read(b, 0, buffer, PAGE_SIZE);
	if (ret)
		return ret;
	if (!tw_super_ok(buffer)) {
		pr_info("%pg is not formatted as a store\n", b->bdev);
		return -EMEDIUMTYPE;
	}
	/* It was larger when it was formatted, so it is not the same device any more. */
	if (le64_to_cpu(((struct tw_store_super *)buffer)->bytes) >
	    bdev_nr_bytes(b->bdev)) {
		pr_info("%pg has shrunk since it was formatted\n", b->bdev);
		return -ESTALE;
	}
	return 0;
}

/* -- measuring ------------------------------------------------------------- */

/* A random position of @bytes within the first @size bytes of the device. */
static u64 tw_store_probe_pos(u64 size, size_t bytes)
{
	u64 pages = (size - bytes) / PAGE_SIZE + 1;

	return get_random_u32_below(min_t(u64, pages, U32_MAX)) * (u64)PAGE_SIZE;
}

static int tw_store_probe(struct tw_blk_store *b, u64 size, void *buffer, size_t bytes,
			  unsigned int reads, u64 *ns)
{
	u64 start = ktime_get_ns();
	unsigned int i;
	int ret;

	for (i = 0; i < reads; i++) {
		ret = tw_bdev_read(b, tw_store_probe_pos(size, bytes), buffer,
				   bytes);
		if (ret)
			return ret;
	}
	*ns = max_t(u64, (ktime_get_ns() - start) / reads, 1);
	return 0;
}

static int tw_store_measure(struct tw_tier_desc *t, struct tw_blk_store *b, u64 size,
			    void *buffer)
{
	u64 ns;
	int ret;

	ret = tw_store_probe(b, size, buffer, PAGE_SIZE, TW_PROBE_READS, &ns);
	if (ret)
		return ret;
	WRITE_ONCE(t->latency_ns, ns);
	ret = tw_store_probe(b, size, buffer, TW_PROBE_BYTES, 2, &ns);
	if (ret)
		return ret;
	t->bandwidth = max_t(u64, TW_PROBE_BYTES * NSEC_PER_SEC / ns, 1);
	return 0;
}

/* -- bind and unbind ------------------------------------------------------- */

/* Slots that fit on a device of @bytes; fewer than TW_STORE_PAGES_MIN are no store. */
static u32 tw_store_slots(u64 bytes)
{
	u64 slots;

	if (bytes < TW_STORE_DATA)
		return 0;
	slots = (bytes - TW_STORE_DATA) / PAGE_SIZE;
	return min_t(u64, slots, TW_SLOTS_MAX);
}

/*
 * Checks and measures a device that has been claimed, and makes the tables. Faults of
 * the device are reported before those of the capacity that was asked for.
 */
static int tw_store_setup(struct tw_tier_desc *t, struct tw_blk_store *b, u64 asked)
{
	u64 size = bdev_nr_bytes(b->bdev);
	u32 slots = tw_store_slots(size);
	void *buffer;
	int ret;

	if (slots < TW_STORE_PAGES_MIN) {
		pr_info("%pg is too small for a store\n", b->bdev);
		return -ENOSPC;
	}
	buffer = vmalloc(TW_PROBE_BYTES);
	if (!buffer)
		return -ENOMEM;
	ret = tw_super_check(b, buffer);
	if (ret)
		goto out;
	ret = -EINVAL;
	if (asked > slots || (asked && asked < TW_STORE_PAGES_MIN))
		goto out;
	ret = tw_store_measure(t, b, size, buffer);
	if (ret)
		goto out;
	ret = tw_slots_init(&b->store.slots, asked ?: slots);
out:
	vfree(buffer);
	return ret;
}

/* tw_tier_ops.check: finds arguments that are invalid whatever the device is. */
static int tw_store_check(const struct tw_tier_bind *arg)
{
	if (arg->nodes || arg->flags)
		return -EINVAL;
	return arg->fd < 0 ? -EBADF : 0;
}

/*
 * tw_tier_ops.bind. -EINVAL: more slots are asked for than there are, or fewer than
 * TW_STORE_PAGES_MIN; -ENOMEM; or an errno for the fault of the device or its fd, each
 * as the uapi header says.
 */
static int tw_store_bind(struct tw_tier_desc *t, const struct tw_tier_bind *arg)
{
	struct tw_blk_store *b;
	int ret;

	lockdep_assert_held(&tw_tier_mutex);

	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	ret = tw_bios_init(b);
	if (ret)
		goto free_store;
	ret = tw_bdev_open(b, arg->fd);
	if (ret)
		goto free_bios;
	ret = tw_store_setup(t, b, arg->capacity);
	if (ret)
		goto put_bdev;
	tw_store_open(t, &b->store);
	return 0;

put_bdev:
	tw_bdev_release(b->bdev, b->file);
free_bios:
	tw_bios_exit(b);
free_store:
	kfree(b);
	return ret;
}

/* tw_tier_ops.unbind: lets the device go. */
static void tw_store_unbind(struct tw_tier_desc *t)
{
	struct tw_blk_store *b = tw_blk_store_of(tw_store_close(t));

	tw_bdev_release(b->bdev, b->file);
	tw_bios_exit(b);
	kfree(b);
}

static struct block_device *tw_bdev_held(struct tw_store *s)
{
	return tw_blk_store_of(s)->bdev;
}

/* -- looking, under RCU ---------------------------------------------------- */

static bool tw_bdev_stable(struct tw_store *s)
{
	return bdev_stable_writes(tw_blk_store_of(s)->bdev);
}

static bool tw_bdev_gone(struct tw_store *s)
{
	return test_bit(GD_DEAD, &tw_blk_store_of(s)->bdev->bd_disk->state);
}

static u32 tw_bdev_number(struct tw_store *s)
{
	return new_encode_dev(tw_blk_store_of(s)->bdev->bd_dev);
}

/* -- another size, under tw_tier_mutex -------------------------------------- */

static u32 tw_bdev_slots(struct tw_store *s)
{
	return tw_store_slots(bdev_nr_bytes(tw_blk_store_of(s)->bdev));
}

const struct tw_tier_ops tw_store_ops = {
	.kind	= TW_KIND_STORE,
	.check	= tw_store_check,
	.bind	= tw_store_bind,
	.unbind	= tw_store_unbind,
	.submit	= tw_bios_submit,
	.bdev	= tw_bdev_held,
	.stable	= tw_bdev_stable,
	.gone	= tw_bdev_gone,
	.dev	= tw_bdev_number,
	.slots	= tw_bdev_slots,
};
