// SPDX-License-Identifier: GPL-2.0
/*
 * chardev.c - /dev/tierwatch: the table of ioctls
 *
 * Owns the device and how a command comes in and goes out: copied in by its
 * own size, checked, handed to its room, copied back. A command that makes an
 * object installs the fd last, when nothing can fail any more.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "agents/agent.h"
#include "base/stats.h"
#include "base/tw.h"
#include "doors/chardev.h"
#include "doors/proc.h"
#include "events/stream.h"
#include "moving/queue.h"
#include "pages/external.h"
#include "pages/group.h"
#include "pages/lookup.h"
#include "pages/region.h"
#include "pages/seal.h"
#include "policy/heat.h"
#include "policy/numa.h"
#include "policy/policy.h"
#include "tiers/tier.h"

union tw_arg {
	u32 size;
	struct tw_info info;
	struct tw_tier_info tier_info;
	struct tw_tier_bind bind;
	struct tw_tier_unbind unbind;
	struct tw_pressure pressure;
	struct tw_region_create region;
	struct tw_agent_create agent;
	struct tw_agent_stats agent_stats;
	struct tw_stream_create stream;
	struct tw_migrate_pages migrate_pages;
	struct tw_page_info page_info;
	struct tw_migrate_range migrate_range;
	struct tw_addr_page addr_page;
	struct tw_track track;
	struct tw_untrack untrack;
	struct tw_report report;
	struct tw_candidates candidates;
	struct tw_request_pages request;
	struct tw_page_list page_list;
	struct tw_mark mark;
	struct tw_fault_stats fault_stats;
	struct tw_thresholds thresholds;
	struct tw_module_stats module_stats;
	struct tw_numa_stats numa_stats;
	struct tw_numa_balance numa_balance;
	struct tw_agent_limits agent_limits;
	struct tw_group_limits group_limits;
	struct tw_agent_migrate agent_migrate;
	struct tw_policy policy;
	struct tw_agent_list agent_list;
	struct tw_region_info region_info;
	struct tw_region_discard discard;
	struct tw_region_seal seal;
	struct tw_region_view view;
	struct tw_region_pages region_pages;
};

/**
 * struct tw_ioctl - one command
 * @fn: does it: 0 or -errno; the struct is copied back on 0 and -EMSGSIZE,
 *      and always when @always
 * @make: instead of @fn: makes an object's file, and says where its fd goes
 * @ksize: size of the struct here
 * @min: size when it was first published (TW_*_SIZE_VER0): what it has gained
 *      since, an older caller does not have
 * @always: copy back whatever the outcome
 * @in_only: nothing is copied back
 * @begun: -EINTR means that it goes on without the caller: not to be called again
 */
struct tw_ioctl {
	int (*fn)(struct file *file, union tw_arg *arg);
	struct file *(*make)(struct file *file, union tw_arg *arg, s32 **fd);
	size_t ksize;
	size_t min;
	bool always;
	bool in_only;
	bool begun;
};

int tw_copy_in(void *to, size_t ksize, size_t min, const void __user *from)
{
	u32 size;

	if (get_user(size, (const u32 __user *)from))
		return -EFAULT;
	if (size < min)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(to, ksize, from, size);
}

int tw_copy_out(void __user *to, const void *from, size_t ksize)
{
	u32 size = *(const u32 *)from;

	return copy_to_user(to, from, min_t(size_t, size, ksize)) ? -EFAULT : 0;
}

/* Makes the object, tells its fd, and only then lets it be seen. */
static int tw_ioctl_make(const struct tw_ioctl *ioctl, struct file *on,
			 union tw_arg *arg, void __user *user)
{
	struct file *file;
	s32 *fd;
	int nr;

	nr = get_unused_fd_flags(O_CLOEXEC);
	if (nr < 0)
		return nr;
	file = ioctl->make(on, arg, &fd);
	if (IS_ERR(file)) {
		put_unused_fd(nr);
		return PTR_ERR(file);
	}
	*fd = nr;
	if (tw_copy_out(user, arg, ioctl->ksize)) {
		fput(file);
		put_unused_fd(nr);
		return -EFAULT;
	}
	fd_install(nr, file);
	return 0;
}

/*
 * With -EINTR nothing has been done. What woke the caller up may be no signal at
 * all but the freezer, which callers shall not hear of, or one that restarts calls.
 */
static long tw_ioctl_restart(const struct tw_ioctl *ioctl, int err)
{
	return err == -EINTR && !ioctl->begun ? -ERESTARTSYS : err;
}

static long tw_ioctl_run(const struct tw_ioctl *ioctl, struct file *file,
			 void __user *user)
{
	union tw_arg arg;
	int err;

	memset(&arg, 0, sizeof(arg));
	err = tw_copy_in(&arg, ioctl->ksize, ioctl->min, user);
	if (err)
		return err;
	if (ioctl->make)
		return tw_ioctl_make(ioctl, file, &arg, user);
	/* Memory that cannot take the answer is found out before it is due. */
	if (!ioctl->in_only && tw_copy_out(user, &arg, ioctl->ksize))
		return -EFAULT;
	err = ioctl->fn(file, &arg);
	if (ioctl->in_only)
		return tw_ioctl_restart(ioctl, err);
	if ((!err || err == -EMSGSIZE || ioctl->always) &&
	    tw_copy_out(user, &arg, ioctl->ksize))
		return -EFAULT;
	return tw_ioctl_restart(ioctl, err);
}

/* -- on the device ----------------------------------------------------------- */

static int tw_do_info(struct file *file, union tw_arg *arg)
{
	struct tw_info *info = &arg->info;
	int tier;

	if (info->flags || info->region_dev)
		return -EINVAL;
	*info = (struct tw_info){
		.size = info->size,
		.abi_version = TW_ABI_VERSION,
		.page_size = PAGE_SIZE,
		.nr_tiers = TW_NR_TIERS,
		.stats_size = tw_stats_size(),
		.max_pages = tw_max_pages(),
		.nr_cpus = nr_cpu_ids,
		.region_dev = tw_regions_dev(),
	};
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (tw_tier_bound(tier))
			info->bound_mask |= 1U << tier;
	return 0;
}

static int tw_do_tier_info(struct file *file, union tw_arg *arg)
{
	struct tw_tier_info *info = &arg->tier_info;

	if (info->flags || info->reserved || info->tier >= TW_NR_TIERS)
		return -EINVAL;
	tw_tier_get_info(info);
	return 0;
}

static int tw_do_bind(struct file *file, union tw_arg *arg)
{
	if ((arg->bind.flags & ~TW_BIND_FLAGS) ||
	    arg->bind.tier >= TW_NR_TIERS)
		return -EINVAL;
	return tw_tier_bind(&arg->bind);
}

static int tw_do_unbind(struct file *file, union tw_arg *arg)
{
	if ((arg->unbind.flags & ~TW_UNBIND_FLAGS) || arg->unbind.reserved ||
	    arg->unbind.tier >= TW_NR_TIERS)
		return -EINVAL;
	arg->unbind.moved = 0;
	return tw_tier_unbind(&arg->unbind);
}

static int tw_do_pressure(struct file *file, union tw_arg *arg)
{
	if (arg->pressure.flags || arg->pressure.reserved ||
	    arg->pressure.tier >= TW_NR_TIERS)
		return -EINVAL;
	return tw_tier_get_pressure(&arg->pressure);
}

static int tw_do_agent_stats(struct file *file, union tw_arg *arg)
{
	if (arg->agent_stats.flags & ~TW_AGENT_STATS_FLAGS)
		return -EINVAL;
	return tw_agent_get_stats(&arg->agent_stats);
}

static int tw_do_migrate_pages(struct file *file, union tw_arg *arg)
{
	return tw_migrate_pages_ioctl(&arg->migrate_pages);
}

static int tw_do_page_info(struct file *file, union tw_arg *arg)
{
	return tw_page_info_ioctl(&arg->page_info);
}

static int tw_do_migrate_range(struct file *file, union tw_arg *arg)
{
	return tw_migrate_range_mm(&arg->migrate_range);
}

/* The rooms check the rest of these themselves. */
#define TW_DO(_name)							\
static int tw_do_##_name(struct file *file, union tw_arg *arg)		\
{									\
	return tw_##_name##_ioctl(&arg->_name);				\
}

TW_DO(addr_page)
TW_DO(track)
TW_DO(untrack)
TW_DO(report)
TW_DO(candidates)
TW_DO(request)
TW_DO(page_list)
TW_DO(mark)
TW_DO(fault_stats)
TW_DO(thresholds)
TW_DO(module_stats)
TW_DO(numa_balance)
TW_DO(agent_limits)
TW_DO(agent_migrate)
TW_DO(policy)
TW_DO(agent_list)
TW_DO(group_limits)

/* Which pages are touched from where is told to those that /proc tells it. */
static int tw_do_numa_stats(struct file *file, union tw_arg *arg)
{
	if (!tw_proc_allowed())
		return -EACCES;
	return tw_numa_stats_ioctl(&arg->numa_stats);
}

static struct file *tw_make_region(struct file *on, union tw_arg *arg,
				   s32 **fd)
{
	*fd = &arg->region.fd;
	if ((arg->region.flags & ~TW_REGION_FLAGS) || arg->region.reserved)
		return ERR_PTR(-EINVAL);
	return tw_region_create(&arg->region);
}

static struct file *tw_make_agent(struct file *on, union tw_arg *arg,
				   s32 **fd)
{
	*fd = &arg->agent.fd;
	return tw_agent_create(&arg->agent);
}

static struct file *tw_make_stream(struct file *on, union tw_arg *arg,
				   s32 **fd)
{
	*fd = &arg->stream.fd;
	if (arg->stream.flags || arg->stream.reserved)
		return ERR_PTR(-EINVAL);
	return tw_stream_create(&arg->stream);
}

/* @_TYPE: the struct's name as the constant with its first size has it. */
#define TW_SIZES(_type, _TYPE)						\
	.ksize = sizeof(struct _type), .min = _TYPE##_SIZE_VER0
#define TW_CALL(_fn, _type, _TYPE)					\
	{ .fn = _fn, TW_SIZES(_type, _TYPE) }
#define TW_CALL_ALWAYS(_fn, _type, _TYPE)				\
	{ .fn = _fn, TW_SIZES(_type, _TYPE), .always = true }
#define TW_CALL_IN(_fn, _type, _TYPE)					\
	{ .fn = _fn, TW_SIZES(_type, _TYPE), .in_only = true }
#define TW_CALL_BEGUN(_fn, _type, _TYPE)				\
	{ .fn = _fn, TW_SIZES(_type, _TYPE), .begun = true }
#define TW_MAKE(_make, _type, _TYPE)					\
	{ .make = _make, TW_SIZES(_type, _TYPE) }

static const struct tw_ioctl tw_device_ioctls[] = {
	[_IOC_NR(TW_IOC_INFO)] =
		TW_CALL(tw_do_info, tw_info, TW_INFO),
	[_IOC_NR(TW_IOC_TIER_INFO)] =
		TW_CALL(tw_do_tier_info, tw_tier_info, TW_TIER_INFO),
	[_IOC_NR(TW_IOC_TIER_BIND)] =
		TW_CALL_IN(tw_do_bind, tw_tier_bind, TW_TIER_BIND),
	[_IOC_NR(TW_IOC_TIER_UNBIND)] =
		TW_CALL_ALWAYS(tw_do_unbind, tw_tier_unbind, TW_TIER_UNBIND),
	[_IOC_NR(TW_IOC_PRESSURE)] =
		TW_CALL(tw_do_pressure, tw_pressure, TW_PRESSURE),
	[_IOC_NR(TW_IOC_REGION_CREATE)] =
		TW_MAKE(tw_make_region, tw_region_create, TW_REGION_CREATE),
	[_IOC_NR(TW_IOC_AGENT_CREATE)] =
		TW_MAKE(tw_make_agent, tw_agent_create, TW_AGENT_CREATE),
	[_IOC_NR(TW_IOC_AGENT_STATS)] =
		TW_CALL(tw_do_agent_stats, tw_agent_stats, TW_AGENT_STATS),
	[_IOC_NR(TW_IOC_STREAM_CREATE)] =
		TW_MAKE(tw_make_stream, tw_stream_create, TW_STREAM_CREATE),
	[_IOC_NR(TW_IOC_MIGRATE_PAGES)] =
		TW_CALL(tw_do_migrate_pages, tw_migrate_pages, TW_MIGRATE_PAGES),
	[_IOC_NR(TW_IOC_PAGE_INFO)] =
		TW_CALL(tw_do_page_info, tw_page_info, TW_PAGE_INFO),
	[_IOC_NR(TW_IOC_MIGRATE_RANGE)] =
		TW_CALL(tw_do_migrate_range, tw_migrate_range, TW_MIGRATE_RANGE),
	[_IOC_NR(TW_IOC_ADDR_PAGE)] =
		TW_CALL(tw_do_addr_page, tw_addr_page, TW_ADDR_PAGE),
	[_IOC_NR(TW_IOC_TRACK)] =
		TW_CALL(tw_do_track, tw_track, TW_TRACK),
	[_IOC_NR(TW_IOC_UNTRACK)] =
		TW_CALL(tw_do_untrack, tw_untrack, TW_UNTRACK),
	[_IOC_NR(TW_IOC_REPORT)] =
		TW_CALL_IN(tw_do_report, tw_report, TW_REPORT),
	[_IOC_NR(TW_IOC_CANDIDATES)] =
		TW_CALL(tw_do_candidates, tw_candidates, TW_CANDIDATES),
	[_IOC_NR(TW_IOC_REQUEST)] =
		TW_CALL_BEGUN(tw_do_request, tw_request_pages, TW_REQUEST_PAGES),
	[_IOC_NR(TW_IOC_PAGE_LIST)] =
		TW_CALL(tw_do_page_list, tw_page_list, TW_PAGE_LIST),
	[_IOC_NR(TW_IOC_MARK)] =
		TW_CALL(tw_do_mark, tw_mark, TW_MARK),
	[_IOC_NR(TW_IOC_FAULT_STATS)] =
		TW_CALL(tw_do_fault_stats, tw_fault_stats, TW_FAULT_STATS),
	[_IOC_NR(TW_IOC_THRESHOLDS)] =
		TW_CALL(tw_do_thresholds, tw_thresholds, TW_THRESHOLDS),
	[_IOC_NR(TW_IOC_MODULE_STATS)] =
		TW_CALL(tw_do_module_stats, tw_module_stats, TW_MODULE_STATS),
	[_IOC_NR(TW_IOC_NUMA_STATS)] =
		TW_CALL(tw_do_numa_stats, tw_numa_stats, TW_NUMA_STATS),
	[_IOC_NR(TW_IOC_NUMA_BALANCE)] =
		TW_CALL(tw_do_numa_balance, tw_numa_balance, TW_NUMA_BALANCE),
	[_IOC_NR(TW_IOC_AGENT_LIMITS)] =
		TW_CALL(tw_do_agent_limits, tw_agent_limits, TW_AGENT_LIMITS),
	[_IOC_NR(TW_IOC_AGENT_MIGRATE)] =
		TW_CALL(tw_do_agent_migrate, tw_agent_migrate, TW_AGENT_MIGRATE),
	[_IOC_NR(TW_IOC_POLICY)] =
		TW_CALL(tw_do_policy, tw_policy, TW_POLICY),
	[_IOC_NR(TW_IOC_AGENT_LIST)] =
		TW_CALL(tw_do_agent_list, tw_agent_list, TW_AGENT_LIST),
	[_IOC_NR(TW_IOC_GROUP_LIMITS)] =
		TW_CALL(tw_do_group_limits, tw_group_limits, TW_GROUP_LIMITS),
};

/*
 * Before its first region a device file pins their filesystem, for as long as it
 * is open: ->private_data says that it has.
 */
static int tw_device_pin(struct file *file)
{
	int err;

	if (READ_ONCE(file->private_data))
		return 0;
	err = tw_regions_pin();
	if (!err && cmpxchg(&file->private_data, NULL, file))
		tw_regions_unpin();	/* another thread was faster */
	return err;
}

static long tw_device_ioctl(struct file *file, unsigned int cmd,
			    unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);
	int err;

	if (nr >= ARRAY_SIZE(tw_device_ioctls) ||
	    cmd != _IO(TW_IOC_TYPE, nr) || !tw_device_ioctls[nr].ksize)
		return -ENOTTY;
	if (cmd == TW_IOC_REGION_CREATE) {
		err = tw_device_pin(file);
		if (err)
			return err;
	}
	return tw_ioctl_run(&tw_device_ioctls[nr], file, (void __user *)arg);
}

/* -- on a region ------------------------------------------------------------- */

static int tw_do_region_info(struct file *file, union tw_arg *arg)
{
	struct tw_region *r = file->private_data;
	struct tw_region_info *info = &arg->region_info;
	int tier;

	if (info->flags || info->reserved)
		return -EINVAL;
	*info = (struct tw_region_info){
		.size = info->size,
		.id = r->id,
		.bytes = (u64)r->nr_pages << PAGE_SHIFT,
		.agent = r->agent->id,
		.lost = atomic_long_read(&r->lost),
		.record_bytes = atomic_long_read(&r->record_bytes),
		.affinity = r->affinity,
		.room = r->room,
	};
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		info->pages[tier] = atomic_long_read(&r->pages[tier]);
	return 0;
}

static int tw_do_region_discard(struct file *file, union tw_arg *arg)
{
	struct tw_region *r = file->private_data;
	struct tw_region_discard *d = &arg->discard;
	u64 size = (u64)r->nr_pages << PAGE_SHIFT;
	long n;

	if (d->flags || !d->length || !PAGE_ALIGNED(d->offset) ||
	    !PAGE_ALIGNED(d->length) || d->offset >= size ||
	    d->length > size - d->offset)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	n = tw_region_discard(r, d->offset >> PAGE_SHIFT,
			      d->length >> PAGE_SHIFT);
	if (n < 0)
		return n;
	d->discarded = n;
	return 0;
}

static int tw_do_region_migrate(struct file *file, union tw_arg *arg)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	return tw_migrate_range_region(file->private_data, &arg->migrate_range);
}

static int tw_do_region_pages(struct file *file, union tw_arg *arg)
{
	return tw_region_pages_ioctl(file->private_data, &arg->region_pages);
}

static int tw_do_region_seal(struct file *file, union tw_arg *arg)
{
	return tw_region_seal_ioctl(file, &arg->seal);
}

static struct file *tw_make_view(struct file *on, union tw_arg *arg, s32 **fd)
{
	*fd = &arg->view.fd;
	if (arg->view.flags || arg->view.reserved)
		return ERR_PTR(-EINVAL);
	return tw_region_view(on->private_data);
}

static const struct tw_ioctl tw_region_ioctls[] = {
	[_IOC_NR(TW_IOC_MIGRATE_RANGE)] =
		TW_CALL(tw_do_region_migrate, tw_migrate_range, TW_MIGRATE_RANGE),
	[_IOC_NR(TW_IOC_REGION_INFO)] =
		TW_CALL(tw_do_region_info, tw_region_info, TW_REGION_INFO),
	[_IOC_NR(TW_IOC_REGION_DISCARD)] =
		TW_CALL(tw_do_region_discard, tw_region_discard, TW_REGION_DISCARD),
	[_IOC_NR(TW_IOC_REGION_PAGES)] =
		TW_CALL(tw_do_region_pages, tw_region_pages, TW_REGION_PAGES),
	[_IOC_NR(TW_IOC_REGION_SEAL)] =
		TW_CALL(tw_do_region_seal, tw_region_seal, TW_REGION_SEAL),
	[_IOC_NR(TW_IOC_REGION_VIEW)] =
		TW_MAKE(tw_make_view, tw_region_view, TW_REGION_VIEW),
};

long tw_region_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(tw_region_ioctls) ||
	    cmd != _IO(TW_IOC_TYPE, nr) || !tw_region_ioctls[nr].ksize)
		return -ENOTTY;
	return tw_ioctl_run(&tw_region_ioctls[nr], file, (void __user *)arg);
}

/* -- the device -------------------------------------------------------------- */

static int tw_device_mmap(struct file *file, struct vm_area_struct *vma)
{
	return tw_stats_mmap(vma);
}

static int tw_device_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return nonseekable_open(inode, file);
}

static int tw_device_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		tw_regions_unpin();
	return 0;
}

static const struct file_operations tw_device_fops = {
	.owner		= THIS_MODULE,
	.open		= tw_device_open,
	.release	= tw_device_release,
	.mmap		= tw_device_mmap,
	.unlocked_ioctl	= tw_device_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice tw_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "tierwatch",
	.mode	= 0660,
	.fops	= &tw_device_fops,
};

int tw_chardev_init(void)
{
	return misc_register(&tw_device);
}

void tw_chardev_exit(void)
{
	misc_deregister(&tw_device);
}
