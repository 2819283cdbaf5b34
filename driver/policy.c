// SPDX-License-Identifier: GPL-2.0
/*
 * policy.c - the knobs of automatic migration
 *
 * Owns tw_knobs but for the two thresholds, which are parameters of their own
 * (heat.c), and for enable_auto_migration. tw_policy_mutex orders those who set
 * all of it; readers take none.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>

#include "heat.h"
#include "policy.h"
#include "tw.h"

static DEFINE_MUTEX(tw_policy_mutex);

struct tw_policy tw_knobs = {
	.mode = TW_POLICY_AUTO,
	.scan_permille = 10,
	.scan_min_ms = 50,
	.scan_max_ms = 2000,
	.free_permille = 20,
	.min_stay = 2,
	.max_rate = 65536,
};

bool tw_auto_migration;

static int tw_auto_set(const char *val, const struct kernel_param *kp)
{
	int err = param_set_bool(val, kp);

	if (!err)
		tw_scanner_wake();
	return err;
}

static const struct kernel_param_ops tw_auto_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = tw_auto_set,
	.get = param_get_bool,
};

module_param_cb(enable_auto_migration, &tw_auto_ops, &tw_auto_migration, 0644);
__MODULE_PARM_TYPE(enable_auto_migration, "bool");
MODULE_PARM_DESC(enable_auto_migration, "automatic page migration: 0 off, 1 on");

static bool tw_between(u32 v, u32 min, u32 max)
{
	return v >= min && v <= max;
}

static bool tw_policy_valid(const struct tw_policy *p)
{
	return p->enabled <= 1 && !(p->mode & ~TW_POLICY_MODES) &&
	       tw_thresholds_fit(p->cold_threshold, p->hot_threshold) &&
	       tw_between(p->scan_permille, 1, 1000) &&
	       tw_between(p->scan_min_ms, 10, p->scan_max_ms) &&
	       p->scan_max_ms <= 600000 &&
	       tw_between(p->free_permille, 1, 500) && p->min_stay <= 255;
}

static void tw_policy_set(const struct tw_policy *p)
{
	lockdep_assert_held(&tw_policy_mutex);
	WRITE_ONCE(tw_knobs.mode, p->mode);
	WRITE_ONCE(tw_knobs.scan_permille, p->scan_permille);
	WRITE_ONCE(tw_knobs.scan_min_ms, p->scan_min_ms);
	WRITE_ONCE(tw_knobs.scan_max_ms, p->scan_max_ms);
	WRITE_ONCE(tw_knobs.free_permille, p->free_permille);
	WRITE_ONCE(tw_knobs.min_stay, p->min_stay);
	WRITE_ONCE(tw_knobs.max_rate, p->max_rate);
	tw_heat_thresholds_set(p->cold_threshold, p->hot_threshold);
	tw_demote_begin();
	WRITE_ONCE(tw_auto_migration, p->enabled);
	tw_scanner_wake();
}

/**
 * tw_policy_ioctl - TW_IOC_POLICY
 * @arg: the ioctl's argument
 *
 * Return: 0, -EINVAL or -EPERM as in uapi.
 */
int tw_policy_ioctl(struct tw_policy *arg)
{
	u32 flags = arg->flags;

	if ((flags & ~TW_POLICY_SET) || arg->reserved)
		return -EINVAL;
	if ((flags & TW_POLICY_SET) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & TW_POLICY_SET) && !tw_policy_valid(arg))
		return -EINVAL;
	mutex_lock(&tw_policy_mutex);
	if (flags & TW_POLICY_SET)
		tw_policy_set(arg);
	*arg = (struct tw_policy){
		.size = arg->size,
		.flags = flags,
		.enabled = READ_ONCE(tw_auto_migration),
		.mode = tw_knobs.mode,
		.hot_threshold = READ_ONCE(tw_hot_threshold),
		.cold_threshold = READ_ONCE(tw_cold_threshold),
		.scan_permille = tw_knobs.scan_permille,
		.scan_min_ms = tw_knobs.scan_min_ms,
		.scan_max_ms = tw_knobs.scan_max_ms,
		.free_permille = tw_knobs.free_permille,
		.min_stay = tw_knobs.min_stay,
		.max_rate = tw_knobs.max_rate,
	};
	mutex_unlock(&tw_policy_mutex);
	return 0;
}
