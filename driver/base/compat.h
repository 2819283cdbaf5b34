/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - the only place that knows differences between kernels
 *
 * Kbuild probes the headers and defines TW_HAVE_*; there are no version
 * numbers here.
 */
#ifndef _TW_COMPAT_H
#define _TW_COMPAT_H

#include <linux/anon_inodes.h>
#include <linux/blkdev.h>
#include <linux/crc32.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/list_lru.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/shrinker.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/user_namespace.h>
#include <linux/userfaultfd_k.h>
#ifdef TW_HAVE_EXEC_STATE
#include <linux/sched/exec_state.h>
#endif
#ifdef TW_HAVE_PTE_IS_UFFD_WP_MARKER
#include <linux/leafops.h>
#endif

/*
 * A file for reading and writing that has no path. Where the kernel lets a module
 * have that, the file gets an inode of its own, which security modules can label
 * and decide about.
 */
static inline struct file *tw_anon_file(const char *name,
					const struct file_operations *fops,
					void *priv)
{
#ifdef TW_HAVE_ANON_INODE_CREATE
	return anon_inode_create_getfile(name, fops, priv, O_RDWR | O_CLOEXEC,
					 NULL);
#else
	return anon_inode_getfile(name, fops, priv, O_RDWR | O_CLOEXEC);
#endif
}

/* The type that the first argument of inode operations points to. */
#ifdef TW_HAVE_MNT_IDMAP
#define tw_idmap mnt_idmap
#else
#define tw_idmap user_namespace
#endif

/*
 * Opens a block device exclusively. Kernels that open block devices as files set
 * *@file, others set it to NULL. tw_bdev_release() takes both values.
 */
#ifdef TW_HAVE_BDEV_FILE
static inline int tw_bdev_claim(dev_t dev, void *holder,
				struct block_device **bdev, struct file **file)
{
	*file = bdev_file_open_by_dev(dev, BLK_OPEN_READ | BLK_OPEN_WRITE,
				      holder, NULL);
	if (IS_ERR(*file))
		return PTR_ERR(*file);
	*bdev = file_bdev(*file);
	return 0;
}

static inline void tw_bdev_release(struct block_device *bdev, struct file *file)
{
	bdev_fput(file);
}
#else
static inline int tw_bdev_claim(dev_t dev, void *holder,
				struct block_device **bdev, struct file **file)
{
	*file = NULL;
	*bdev = blkdev_get_by_dev(dev, FMODE_READ | FMODE_WRITE | FMODE_EXCL,
				  holder);
	return PTR_ERR_OR_ZERO(*bdev);
}

static inline void tw_bdev_release(struct block_device *bdev, struct file *file)
{
	blkdev_put(bdev, FMODE_READ | FMODE_WRITE | FMODE_EXCL);
}
#endif

/*
 * What the ->open of a block device's operations is called with, and its disk.
 * TW_DISK_RELEASE() defines @_name as the ->release: it calls @_fn with the disk.
 */
#ifdef TW_HAVE_BLK_MODE
#define tw_opened gendisk
#define tw_open_mode_t blk_mode_t
static inline struct gendisk *tw_opened_disk(struct tw_opened *opened)
{
	return opened;
}

#define TW_DISK_RELEASE(_name, _fn)					\
static void _name(struct gendisk *disk)					\
{									\
	_fn(disk);							\
}
#else
#define tw_opened block_device
#define tw_open_mode_t fmode_t
static inline struct gendisk *tw_opened_disk(struct tw_opened *opened)
{
	return opened->bd_disk;
}

#define TW_DISK_RELEASE(_name, _fn)					\
static void _name(struct gendisk *disk, fmode_t mode)			\
{									\
	_fn(disk);							\
}
#endif

/*
 * Makes a disk whose blocks are pages, whose pages must not change while they are
 * written, and which takes discards of up to @discard_max bytes. Returns it or an
 * ERR_PTR.
 */
#ifdef TW_HAVE_BLK_FEATURES
static inline struct gendisk *tw_page_disk(unsigned int discard_max)
{
	struct queue_limits lim = {
		.logical_block_size	= PAGE_SIZE,
		.physical_block_size	= PAGE_SIZE,
		.dma_alignment		= PAGE_SIZE - 1,
		.max_hw_discard_sectors	= discard_max >> SECTOR_SHIFT,
		.discard_granularity	= PAGE_SIZE,
		.features		= BLK_FEAT_STABLE_WRITES,
	};

	return blk_alloc_disk(&lim, NUMA_NO_NODE);
}
#else
static inline struct gendisk *tw_page_disk(unsigned int discard_max)
{
	struct gendisk *disk = blk_alloc_disk(NUMA_NO_NODE);

	if (!disk)
		return ERR_PTR(-ENOMEM);
	blk_queue_logical_block_size(disk->queue, PAGE_SIZE);
	blk_queue_physical_block_size(disk->queue, PAGE_SIZE);
	blk_queue_dma_alignment(disk->queue, PAGE_SIZE - 1);
	blk_queue_max_discard_sectors(disk->queue, discard_max >> SECTOR_SHIFT);
	disk->queue->limits.discard_granularity = PAGE_SIZE;
	blk_queue_flag_set(QUEUE_FLAG_NONROT, disk->queue);
	blk_queue_flag_set(QUEUE_FLAG_STABLE_WRITES, disk->queue);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, disk->queue);
	return disk;
}
#endif

/* Registers a shrinker with the members of @like. Returns it or an ERR_PTR. */
#ifdef TW_HAVE_SHRINKER_ALLOC
static inline struct shrinker *tw_shrinker_add(struct shrinker *like)
{
	struct shrinker *s = shrinker_alloc(like->flags, "tier_watch");

	if (!s)
		return ERR_PTR(-ENOMEM);
	s->count_objects = like->count_objects;
	s->scan_objects = like->scan_objects;
	s->seeks = like->seeks;
	s->batch = like->batch;
	shrinker_register(s);
	return s;
}

static inline void tw_shrinker_remove(struct shrinker *s)
{
	shrinker_free(s);
}
#else
static inline struct shrinker *tw_shrinker_add(struct shrinker *like)
{
	int err = register_shrinker(like, "tier_watch");

	return err ? ERR_PTR(err) : like;
}

static inline void tw_shrinker_remove(struct shrinker *s)
{
	unregister_shrinker(s);
}
#endif

/* The node and the memcg of the list are those of the object that holds @item. */
#ifndef TW_HAVE_LIST_LRU_OBJ
static inline bool list_lru_add_obj(struct list_lru *lru, struct list_head *item)
{
	return list_lru_add(lru, item);
}

static inline bool list_lru_del_obj(struct list_lru *lru, struct list_head *item)
{
	return list_lru_del(lru, item);
}
#endif

/* The parameter that older kernels pass to a walk's callback before its argument. */
#ifdef TW_HAVE_LIST_LRU_WALK_LOCK
#define TW_LRU_WALK_LOCK	spinlock_t *lock,
#else
#define TW_LRU_WALK_LOCK
#endif

#ifndef TW_HAVE_ACCOUNT_RECLAIMED
static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#endif

/* The number of the swap that a page in the swap cache has its slot in. */
static inline int tw_folio_swap_type(struct folio *folio)
{
#ifdef TW_HAVE_FOLIO_SWAP_ENTRY
	return swp_type(folio_swap_entry(folio));
#else
	return swp_type(folio->swap);
#endif
}

/* Whether @pte maps nothing and is only userfaultfd's mark of write protection. */
static inline bool tw_pte_is_marker(pte_t pte)
{
#if defined(TW_HAVE_PTE_IS_UFFD_WP_MARKER)
	return pte_is_uffd_wp_marker(pte);
#elif defined(TW_HAVE_PTE_MARKER_UFFD_WP)
	return pte_marker_uffd_wp(pte);
#else
	return false;
#endif
}

/* How many page table entries map a page of order 0. */
static inline int tw_page_mapcount(struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

/*
 * Moves the memcg charge of @from to @to, which has none. This needs no lock: the
 * caller has frozen @from and has not published @to yet.
 */
static inline void tw_page_move_charge(struct page *to, struct page *from)
{
#ifdef CONFIG_MEMCG
	swap(to->memcg_data, from->memcg_data);
#endif
}

/*
 * crc32c without another module: older kernels may have crc32c() in a module of
 * its own, so there it is computed by table.
 */
static inline u32 tw_crc32c_plain(u32 crc, const void *bytes, size_t len)
{
#ifdef TW_HAVE_CRC32C
	return crc32c(crc, bytes, len);
#else
	return __crc32c_le(crc, bytes, len);
#endif
}

/* The parameters of vm_operations_struct.get_policy(). */
#ifdef TW_HAVE_POLICY_INDEX
#define TW_POLICY_OF	struct vm_area_struct *vma, unsigned long addr, pgoff_t *ilx
#else
#define TW_POLICY_OF	struct vm_area_struct *vma, unsigned long addr
#endif

#ifndef TW_HAVE_USLEEP_RANGE_IDLE
static inline void usleep_range_idle(unsigned long min, unsigned long max)
{
	usleep_idle_range(min, max);
}
#endif

/*
 * Whether this call of ->poll() returns at once instead of sleeping: it only asks
 * for the state, or the caller has found another file ready.
 */
static inline bool tw_poll_returns(const poll_table *wait)
{
#ifdef TW_HAVE_POLL_DOES_NOT_WAIT
	return poll_does_not_wait(wait);
#else
	return !wait || !wait->_qproc;
#endif
}

/*
 * The user namespace over which a process must be privileged to read @mm. Kernels
 * that keep it with the task tell it only for the current task's mm; the result is
 * NULL for any other. The caller keeps @mm alive and is in an RCU read section.
 */
static inline const struct user_namespace *
tw_mm_user_ns(const struct mm_struct *mm)
{
#ifdef TW_HAVE_EXEC_STATE
	return mm == current->mm ?
	       rcu_dereference_raw(current->exec_state)->user_ns : NULL;
#else
	return mm->user_ns;
#endif
}

/*
 * The same namespace for the memory @mm of any task, with a reference. The task's
 * exec_update_lock is held, so that namespace and memory are of one execve(2).
 */
static inline struct user_namespace *tw_task_mm_ns(struct task_struct *task,
						   const struct mm_struct *mm)
{
#ifdef TW_HAVE_EXEC_STATE
	struct user_namespace *ns;

	rcu_read_lock();
	ns = get_user_ns(rcu_dereference(task->exec_state)->user_ns);
	rcu_read_unlock();
	return ns;
#else
	return get_user_ns(mm->user_ns);
#endif
}

#ifndef TW_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/* What sparse is told of a lock that is taken or not; kernels after it do without. */
#ifndef __cond_lock
#define __cond_lock(x, c)	(c)
#endif

#endif
