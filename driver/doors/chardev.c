// SPDX-License-Identifier: GPL-2.0
/*
 * chardev.c - /dev/tierwatch and the table of its ioctls
 *
 * Owns the device, and the table that says which function carries out which ioctl
 * (command.c runs it).
 *
 * Locks: none. Any room may be called from here.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "agents/agent.h"
#include "agents/limit.h"
#include "base/stats.h"
#include "base/usercopy.h"
#include "doors/agent_list.h"
#include "doors/agent_migrate.h"
#include "doors/attach.h"
#include "doors/chardev.h"
#include "doors/command.h"
#include "doors/migrate.h"
#include "doors/page_list.h"
#include "doors/proc.h"
#include "doors/region_file.h"
#include "doors/region_map.h"
#include "doors/report_stats.h"
#include "doors/request.h"
#include "doors/track.h"
#include "events/stream.h"
#include "moving/resize.h"
#include "moving/unbind.h"
#include "pages/group_limit.h"
#include "pages/region.h"
#include "policy/balance.h"
#include "policy/candidates.h"
#include "policy/policy.h"
#include "swap/device.h"
#include "tiers/bind.h"
#include "tiers/nodes.h"
#include "tiers/pressure.h"
#include "tiers/tier.h"

/* -- ioctls ------------------------------------------------------------------ */

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
		.max_pages = TW_CALL_PAGES,
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

static int tw_do_resize(struct file *file, union tw_arg *arg)
{
	return tw_tier_resize(&arg->resize);
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

/* The functions of these ioctls check all of their arguments themselves. */
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
TW_DO(swap_create)
TW_DO(swap_destroy)
TW_DO(swap_info)
TW_DO(attach)
TW_DO(detach)
TW_DO(attached)

/* The same callers may know of local and remote touches as by /proc/swarm/numa. */
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

/*
 * Returns a reference to the agent whose events a stream is to get, NULL for the events
 * of all, which needs CAP_PERFMON, or ERR_PTR.
 */
static struct tw_agent *tw_stream_get_agent(int fd)
{
	if (fd != -1)
		return tw_agent_from_fd(fd);
	return perfmon_capable() ? NULL : ERR_PTR(-EPERM);
}

static struct file *tw_make_stream(struct file *on, union tw_arg *arg,
				   s32 **fd)
{
	struct tw_agent *agent;
	struct file *file;

	*fd = &arg->stream.fd;
	if (!tw_stream_arg_ok(&arg->stream))
		return ERR_PTR(-EINVAL);
	agent = tw_stream_get_agent(arg->stream.agent_fd);
	if (IS_ERR(agent))
		return ERR_CAST(agent);
	file = tw_stream_create(&arg->stream, agent ? &agent->audience : NULL);
	if (agent)
		tw_agent_put(agent);
	return file;
}

static const struct tw_ioctl tw_device_ioctls[] = {
	[_IOC_NR(TW_IOC_INFO)] =
		TW_CALL(tw_do_info, tw_info, TW_INFO),
	[_IOC_NR(TW_IOC_TIER_INFO)] =
		TW_CALL(tw_do_tier_info, tw_tier_info, TW_TIER_INFO),
	[_IOC_NR(TW_IOC_TIER_BIND)] =
		TW_CALL_IN(tw_do_bind, tw_tier_bind, TW_TIER_BIND),
	[_IOC_NR(TW_IOC_TIER_UNBIND)] =
		TW_CALL_ALWAYS(tw_do_unbind, tw_tier_unbind, TW_TIER_UNBIND),
	[_IOC_NR(TW_IOC_TIER_RESIZE)] =
		TW_CALL(tw_do_resize, tw_tier_resize, TW_TIER_RESIZE),
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
	[_IOC_NR(TW_IOC_SWAP_CREATE)] =
		TW_CALL(tw_do_swap_create, tw_swap_create, TW_SWAP_CREATE),
	[_IOC_NR(TW_IOC_SWAP_DESTROY)] =
		TW_CALL_IN(tw_do_swap_destroy, tw_swap_destroy, TW_SWAP_DESTROY),
	[_IOC_NR(TW_IOC_SWAP_INFO)] =
		TW_CALL(tw_do_swap_info, tw_swap_info, TW_SWAP_INFO),
	[_IOC_NR(TW_IOC_ATTACH)] =
		TW_CALL_ALWAYS(tw_do_attach, tw_attach, TW_ATTACH),
	[_IOC_NR(TW_IOC_DETACH)] =
		TW_CALL_IN(tw_do_detach, tw_detach, TW_DETACH),
	[_IOC_NR(TW_IOC_ATTACHED)] =
		TW_CALL(tw_do_attached, tw_attached, TW_ATTACHED),
};

/*
 * A device file pins the regions' filesystem before it makes its first region, for as
 * long as the file is open. ->private_data is not NULL once it has.
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
