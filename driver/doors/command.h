/* SPDX-License-Identifier: GPL-2.0 */
/*
 * command.h - running one ioctl
 */
#ifndef _TW_COMMAND_H
#define _TW_COMMAND_H

#include <linux/tierwatch.h>
#include <linux/types.h>

struct file;

/* The argument of any ioctl, on the stack of tw_ioctl_run(); each begins with its size. */
union tw_arg {
	u32 size;
	struct tw_info info;
	struct tw_tier_info tier_info;
	struct tw_tier_bind bind;
	struct tw_tier_unbind unbind;
	struct tw_tier_resize resize;
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
	struct tw_swap_create swap_create;
	struct tw_swap_destroy swap_destroy;
	struct tw_swap_info swap_info;
	struct tw_attach attach;
	struct tw_detach detach;
	struct tw_attached attached;
	struct tw_region_info region_info;
	struct tw_region_discard discard;
	struct tw_region_seal seal;
	struct tw_region_view view;
	struct tw_region_pages region_pages;
};

/**
 * struct tw_ioctl - one ioctl in a table
 * @fn: carries it out; returns 0 or -errno. The argument is copied back on 0 and
 *	-EMSGSIZE, and with @always on any outcome
 * @make: instead of @fn: makes an object's file, and returns in *@fd where in the
 *	argument its fd goes
 * @ksize: size of the argument in this driver
 * @min: size of the argument when it was first published (TW_*_SIZE_VER0); callers
 *	that were built with an older header pass at least that
 * @always: copy back on any outcome
 * @in_only: copy nothing back
 * @begun: on -EINTR the work goes on without the caller, so it must not be restarted
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

/* @_TYPE is the argument's name in the constant of its first size, @_TYPE_SIZE_VER0. */
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

long tw_ioctl_run(const struct tw_ioctl *ioctl, struct file *file,
		  void __user *user);

#endif
