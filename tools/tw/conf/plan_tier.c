// SPDX-License-Identifier: GPL-2.0
/*
 * What has to be done so that a tier is made of what tierwatch.conf says, and
 * what is in the way of it: of memory here, of stores in plan_store.c.
 */
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "machine/sysfs.h"
#include "tier/bind.h"
#include "tier/tier.h"
#include "tw.h"

static bool fits(struct plan *p, int tier, __u64 pages, __u64 there)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	char want[TEXT_LEN], have[TEXT_LEN];

	if (pages <= there)
		return true;
	conf_error(p->conf, c->line, "[tier %s] wants %s, and there are %s",
		   tw_tier_name(tier), text_bytes(want, c->capacity),
		   text_bytes(have, there * p->conf->page_size));
	return false;
}

static void plan_nodes(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	const struct tw_tier_info *now = &p->now[tier];
	struct tier_step *step = &p->tiers[tier];
	__u64 cpus = 0, memory = 0, there, bytes = 0;
	char nodes[NODES_LEN];
	unsigned int i;

	sysfs_cpu_nodes(&cpus);
	sysfs_nodes(c->movable ? "has_memory" : "has_normal_memory", &memory);
	there = memory & (tier == TW_TIER_CPU ? cpus : ~cpus);
	if (!there || c->nodes & ~there) {
		conf_error(p->conf, c->line,
			   there ? "[tier %s] can have nodes %s and no others" :
				   "[tier %s]: this machine has no node for it",
			   tw_tier_name(tier), text_nodes(nodes, there));
		return;
	}
	step->b.nodes = c->nodes;
	if (c->leave >= 0)
		step->b.flags |= leave_flags(c->leave);
	else if (!c->capacity)
		step->b.flags |= TW_BIND_SHARE;
	if (c->movable)
		step->b.flags |= TW_BIND_MOVABLE;
	for (i = 0; i < 64; i++)
		if ((c->nodes ? c->nodes : there) >> i & 1)
			bytes += sysfs_node_bytes(i);
	if (!fits(p, tier, step->b.capacity, bytes / p->conf->page_size))
		return;
	step->undo = now->kind == TW_KIND_STORE ||
		     (now->kind == TW_KIND_NUMA &&
		      ((c->nodes && c->nodes != now->nodes) ||
		       (step->b.capacity && step->b.capacity != now->capacity)));
	step->make = step->undo || now->kind == TW_KIND_NONE;
}

static void plan_levels(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	struct tier_step *step = &p->tiers[tier];
	struct tw_thresholds *t = &step->levels;
	struct tw_thresholds now;
	int err;

	if (!c->levels.set)
		return;
	err = tw_thresholds_get(p->tw, tier, &now);
	*t = now;
	if (err) {
		conf_error(p->conf, c->line, "asking for the thresholds of %s: %s",
			   tw_tier_name(tier), strerror(-err));
	} else if (!levels_merge(&c->levels, t)) {
		conf_error(p->conf, c->line,
			   "[tier %s]: thresholds have to rise from medium to critical, those at which levels end, too. They would be medium %u,%u high %u,%u critical %u,%u",
			   tw_tier_name(tier), t->enter[0], t->leave[0],
			   t->enter[1], t->leave[1], t->enter[2], t->leave[2]);
	} else {
		step->level = memcmp(t->enter, now.enter, sizeof(now.enter)) ||
			      memcmp(t->leave, now.leave, sizeof(now.leave));
		p->steps += step->level;
	}
}

void plan_tier(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	struct tier_step *step = &p->tiers[tier];

	if (!c->line)
		return;
	step->b.tier = tier;
	step->b.capacity = c->capacity / p->conf->page_size;
	if (c->unbound)
		step->undo = p->now[tier].kind != TW_KIND_NONE;
	else if (conf_is_store(c))
		plan_store(p, tier);
	else
		plan_nodes(p, tier);
	p->steps += step->undo || step->make;
	plan_levels(p, tier);
}
