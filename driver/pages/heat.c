// SPDX-License-Identifier: GPL-2.0
/*
 * heat.c - the temperature of pages: thresholds, and rings of numbers by heat
 *
 * Owns the two thresholds, and the rings of cand_queue.h, one for each tier and band
 * of heat: a page's number goes into one when its heat gets into another band. Heat
 * itself is in the records (heat.h) and is changed there without a lock.
 *
 * Locks: none of its own. The thresholds change under the kernel's lock of module
 * parameters and are read without; rings are changed by single atomic operations. All
 * higher rooms may call it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "pages/cand_queue.h"
#include "pages/heat.h"

unsigned int tw_hot_threshold = 100;
unsigned int tw_cold_threshold = 10;
static bool tw_heat_ready;	/* both parameters have been set, one after the other */

/* Whether with these thresholds each page can become hot, and a page can be cold. */
bool tw_thresholds_fit(unsigned int cold, unsigned int hot)
{
	return cold && cold < hot && hot < U16_MAX;
}

int tw_heat_thresholds_set(const u32 *cold, const u32 *hot)
{
	unsigned int new_cold, new_hot;
	int err = -EINVAL;

	kernel_param_lock(THIS_MODULE);
	new_cold = cold ? *cold : tw_cold_threshold;
	new_hot = hot ? *hot : tw_hot_threshold;
	if (tw_thresholds_fit(new_cold, new_hot)) {
		WRITE_ONCE(tw_cold_threshold, new_cold);
		WRITE_ONCE(tw_hot_threshold, new_hot);
		err = 0;
	}
	kernel_param_unlock(THIS_MODULE);
	return err;
}

static int tw_heat_param_set(const char *val, const struct kernel_param *kp)
{
	unsigned int *param = kp->arg, v;
	bool is_hot = param == &tw_hot_threshold;
	int err = kstrtouint(val, 0, &v);

	if (err)
		return err;
	if (READ_ONCE(tw_heat_ready) &&
	    !tw_thresholds_fit(is_hot ? tw_cold_threshold : v,
			       is_hot ? v : tw_hot_threshold))
		return -EINVAL;
	WRITE_ONCE(*param, v);
	return 0;
}

static const struct kernel_param_ops tw_heat_param_ops = {
	.set = tw_heat_param_set,
	.get = param_get_uint,
};

module_param_cb(hot_threshold, &tw_heat_param_ops, &tw_hot_threshold, 0644);
__MODULE_PARM_TYPE(hot_threshold, "uint");
MODULE_PARM_DESC(hot_threshold, "Heat above which a page is hot (default 100)");

module_param_cb(cold_threshold, &tw_heat_param_ops, &tw_cold_threshold, 0644);
__MODULE_PARM_TYPE(cold_threshold, "uint");
MODULE_PARM_DESC(cold_threshold, "Heat below which an aged page is cold (default 10)");

/* -- rings ------------------------------------------------------------------- */

struct tw_cand_tier {
	struct tw_cand_ring band[TW_HEAT_BANDS];
};

static struct tw_cand_tier *tw_cand_tiers;	/* by enum tw_tier */

struct tw_cand_ring *tw_heat_ring(int tier, unsigned int band)
{
	return &tw_cand_tiers[tier].band[band];
}

/**
 * tw_heat_banded - a page got into another band of heat, or into another tier
 * @page: its number
 * @tier: the tier that it is in now
 * @heat: its heat now
 *
 * Any context but NMI.
 */
void tw_heat_banded(u64 page, int tier, unsigned int heat)
{
	tw_cand_put(tw_heat_ring(tier, tw_heat_band(heat)), page);
}

/* -- loading ----------------------------------------------------------------- */

int tw_heat_init(void)
{
	int err;

	kernel_param_lock(THIS_MODULE);
	err = tw_thresholds_fit(tw_cold_threshold, tw_hot_threshold) ?
	      0 : -EINVAL;
	WRITE_ONCE(tw_heat_ready, true);
	kernel_param_unlock(THIS_MODULE);
	if (err) {
		pr_err("cold_threshold must be below hot_threshold, and both 1..65534\n");
		return err;
	}
	tw_cand_tiers = vzalloc(TW_NR_TIERS * sizeof(*tw_cand_tiers));
	return tw_cand_tiers ? 0 : -ENOMEM;
}

void tw_heat_exit(void)
{
	vfree(tw_cand_tiers);
	tw_cand_tiers = NULL;
}
