/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier_watch_hooks.h - what some kernel modules need beside the documented API
 *
 * A module that watches over limits needs the notifier, and limits for agents of
 * any user. A module whose frames are no ordinary memory tracks them with a mover.
 * A module that owns /proc/swarm needs TierWatch to hand that folder over.
 */
#ifndef _TIER_WATCH_HOOKS_H
#define _TIER_WATCH_HOOKS_H

#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct proc_dir_entry;

/**
 * enum tier_watch_event - events of the notifier
 * @TIER_WATCH_LIMIT: an agent exceeds its limit; value: its pages in the tier
 * @TIER_WATCH_PRESSURE: a tier's pressure changed; value: enum tier_watch_level
 * @TIER_WATCH_AGENT_CREATED: an agent has been made
 * @TIER_WATCH_AGENT_ENDED: an agent has ended
 */
enum tier_watch_event {
	TIER_WATCH_LIMIT,
	TIER_WATCH_PRESSURE,
	TIER_WATCH_AGENT_CREATED,
	TIER_WATCH_AGENT_ENDED,
};

/**
 * struct tier_watch_notice - the notifier's data
 * @agent_id: label of the agent, 0 if the event is about no agent
 * @uid: owner of the agent, INVALID_UID if the event is about no agent
 * @tier: enum tier_watch_tier, -1 if the event is about no tier
 * @value: as the event says, else 0
 */
struct tier_watch_notice {
	u64 agent_id;
	kuid_t uid;
	int tier;
	u64 value;
};

/*
 * The callback gets an enum tier_watch_event and a struct tier_watch_notice, and may
 * sleep. An agent that has just ended cannot be named any more. Pressure may change
 * while a tier is being bound, so the callback must not bind or unbind tiers.
 */
int tier_watch_register_notifier(struct notifier_block *nb);
int tier_watch_unregister_notifier(struct notifier_block *nb);

/*
 * Sets the hard limit in @tier, in pages or ~0 for none, of the agent that @uid has
 * under label @agent_id in the initial user namespace.
 */
int tier_watch_set_user_agent_limit(kuid_t uid, u64 agent_id, int tier, u64 pages);

/**
 * struct tier_watch_mover - moves frames for the module that owns them
 * @move: moves the contents of frame @pfn from one tier to another. Returns 0 with
 *	*@new_pfn set, either to @pfn or to a frame that is not tracked; or a negative
 *	errno if nothing has changed. May sleep
 * @data: passed to @move
 */
struct tier_watch_mover {
	int (*move)(void *data, u64 pfn, int from, int to, u64 *new_pfn);
	void *data;
};

/*
 * As tier_watch_track_page_numa(), for a page that can be moved by @mover, which must
 * stay valid until tier_watch_drop_mover() has returned.
 */
int tier_watch_track_owned(u64 pfn, int tier, u64 agent_id, int node,
			   const struct tier_watch_mover *mover);
/* Waits for moves that use @mover. Its pages stay tracked, without a mover. Sleeps. */
void tier_watch_drop_mover(const struct tier_watch_mover *mover);

/*
 * A module that owns /proc/swarm first calls tier_watch_proc_release(), which removes
 * TierWatch's files there and the folder, if TierWatch made it. Then the module
 * makes the folder and passes it to tier_watch_proc_adopt(), which makes the files in
 * it. It calls tier_watch_proc_release() again before it removes the folder.
 */
int tier_watch_proc_adopt(struct proc_dir_entry *swarm);
void tier_watch_proc_release(void);

#endif
