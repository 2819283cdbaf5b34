// SPDX-License-Identifier: GPL-2.0
/*
 * policy.c - setting the knobs of automatic migration
 *
 * Owns TW_IOC_POLICY and the setting of the parameter enable_auto_migration. It sets
 * the knobs of knobs.c, and the two thresholds, which are parameters of their own
 * (heat.c). The table of ioctls calls it.
 *
 * Locks: tw_policy_mutex orders calls that set several of them; readers take none.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>

#include "pages/heat.h"
#include "policy/background.h"
#include "policy/knobs.h"
#include "policy/policy.h"
#include "policy/scanner.h"

static DEFINE_MUTEX(tw_policy_mutex);

static int tw_auto_set(const char *val, const struct kernel_param *kp)
{
	bool on = tw_auto_migration();
	const struct kernel_param switched = { .arg = &on };
	int err = param_set_bool(val, &switched);

	if (err)
		return err;
	WRITE_ONCE(tw_policy_enabled, on ? TW_POLICY_ON : TW_POLICY_OFF);
	tw_scanner_wake();
	return 0;
}

/* It tells of moves: N also while pages are only watched. */
static int tw_auto_get(char *buffer, const struct kernel_param *kp)
{
	bool on = tw_auto_migration();
	const struct kernel_param switched = { .arg = &on };

	return param_get_bool(buffer, &switched);
}

static const struct kernel_param_ops tw_auto_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = tw_auto_set,
	.get = tw_auto_get,
};

module_param_cb(enable_auto_migration, &tw_auto_ops, NULL, 0644);
__MODULE_PARM_TYPE(enable_auto_migration, "bool");
MODULE_PARM_DESC(enable_auto_migration, "automatic page migration: 0 off, 1 on");

static bool tw_between(u32 v, u32 min, u32 max)
{
	return v >= min && v <= max;
}

static bool tw_policy_valid(const struct tw_policy *p)
{
	return p->enabled <= TW_POLICY_WATCH && !(p->mode & ~TW_POLICY_MODES) &&
	       tw_thresholds_fit(p->cold_threshold, p->hot_threshold) &&
	       tw_between(p->scan_permille, 1, 1000) &&
	       tw_between(p->scan_min_ms, 10, p->scan_max_ms) &&
	       p->scan_max_ms <= 600000 &&
	       tw_between(p->free_permille, 1, 500) && p->min_stay <= 255;
}

/* Fills in all knobs as they are now. */
static void tw_policy_get(struct tw_policy *p)
{
	lockdep_assert_held(&tw_policy_mutex);
	p->enabled = READ_ONCE(tw_policy_enabled);
	p->mode = tw_knobs.mode;
	p->hot_threshold = READ_ONCE(tw_hot_threshold);
	p->cold_threshold = READ_ONCE(tw_cold_threshold);
	p->scan_permille = tw_knobs.scan_permille;
	p->scan_min_ms = tw_knobs.scan_min_ms;
	p->scan_max_ms = tw_knobs.scan_max_ms;
	p->free_permille = tw_knobs.free_permille;
	p->min_stay = tw_knobs.min_stay;
	p->max_rate = tw_knobs.max_rate;
}

/* Puts into @p what @arg sets. */
static void tw_policy_merge(struct tw_policy *p, const struct tw_policy *arg)
{
	u32 mask = arg->mode_set;

	p->mode = (p->mode & ~mask) | (arg->mode & mask);
	if (arg->set & TW_POLICY_SET_ENABLED)
		p->enabled = arg->enabled;
	if (arg->set & TW_POLICY_SET_HOT)
		p->hot_threshold = arg->hot_threshold;
	if (arg->set & TW_POLICY_SET_COLD)
		p->cold_threshold = arg->cold_threshold;
	if (arg->set & TW_POLICY_SET_PERMILLE)
		p->scan_permille = arg->scan_permille;
	if (arg->set & TW_POLICY_SET_MIN_MS)
		p->scan_min_ms = arg->scan_min_ms;
	if (arg->set & TW_POLICY_SET_MAX_MS)
		p->scan_max_ms = arg->scan_max_ms;
	if (arg->set & TW_POLICY_SET_FREE)
		p->free_permille = arg->free_permille;
	if (arg->set & TW_POLICY_SET_MIN_STAY)
		p->min_stay = arg->min_stay;
	if (arg->set & TW_POLICY_SET_MAX_RATE)
		p->max_rate = arg->max_rate;
}

/* A threshold that is not set keeps its value, even one that it gets meanwhile. */
static int tw_policy_set_thresholds(const struct tw_policy *p, u32 set)
{
	return tw_heat_thresholds_set(set & TW_POLICY_SET_COLD ?
				      &p->cold_threshold : NULL,
				      set & TW_POLICY_SET_HOT ?
				      &p->hot_threshold : NULL);
}

static int tw_policy_set(const struct tw_policy *arg)
{
	struct tw_policy now = { }, *p = &now;
	int err;

	lockdep_assert_held(&tw_policy_mutex);
	tw_policy_get(p);
	tw_policy_merge(p, arg);
	if (!tw_policy_valid(p))
		return -EINVAL;
	/* This comes first, since it fails if a parameter has changed meanwhile. */
	err = tw_policy_set_thresholds(p, arg->set);
	if (err)
		return err;
	WRITE_ONCE(tw_knobs.mode, p->mode);
	WRITE_ONCE(tw_knobs.scan_permille, p->scan_permille);
	WRITE_ONCE(tw_knobs.scan_min_ms, p->scan_min_ms);
	WRITE_ONCE(tw_knobs.scan_max_ms, p->scan_max_ms);
	WRITE_ONCE(tw_knobs.free_permille, p->free_permille);
	WRITE_ONCE(tw_knobs.min_stay, p->min_stay);
	WRITE_ONCE(tw_knobs.max_rate, p->max_rate);
	tw_demote_begin();
	if (arg->set & TW_POLICY_SET_ENABLED)
		WRITE_ONCE(tw_policy_enabled, p->enabled);
	tw_scanner_wake();
	return 0;
}

/**
 * tw_policy_ioctl - TW_IOC_POLICY
 * @arg: the ioctl's argument
 *
 * Return: 0, -EINVAL or -EPERM as in uapi.
 */
int tw_policy_ioctl(struct tw_policy *arg)
{
	bool set = arg->set || arg->mode_set;
	int err = 0;

	if (arg->flags || (arg->set & ~TW_POLICY_SETS) ||
	    (arg->mode_set & ~TW_POLICY_MODES))
		return -EINVAL;
	if (set && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&tw_policy_mutex);
	if (set)
		err = tw_policy_set(arg);
	if (!err) {
		arg->set = 0;
		arg->mode_set = 0;
		tw_policy_get(arg);
	}
	mutex_unlock(&tw_policy_mutex);
	return err;
}
