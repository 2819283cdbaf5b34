/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier_watch_hooks.h - what modules that work with TierWatch need beside its API
 *
 * A guard of limits: the notifier and limits of anybody's agent. An owner of
 * frames that are no ordinary memory: tracking with a mover. The owner of
 * /proc/swarm: handing the folder over.
 */
#ifndef _TIER_WATCH_HOOKS_H
#define _TIER_WATCH_HOOKS_H

#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct proc_dir_entry;

/**
 * enum tier_watch_event - what the notifier tells
 * @TIER_WATCH_LIMIT: an agent got over its limit; value: its pages in the tier
 * @TIER_WATCH_PRESSURE: a tier's pressure changed; value: enum tier_watch_level
 * @TIER_WATCH_AGENT_CREATED: an agent came to be
 * @TIER_WATCH_AGENT_ENDED: an agent is gone
 */
enum tier_watch_event {
	TIER_WATCH_LIMIT,
	TIER_WATCH_PRESSURE,
	TIER_WATCH_AGENT_CREATED,
	TIER_WATCH_AGENT_ENDED,
};

/**
 * struct tier_watch_notice - the notifier's data
 * @agent_id: label of the agent
 * @uid: its owner, INVALID_UID: no agent
 * @tier: enum tier_watch_tier, -1: none
 * @value: as the event says
 */
struct tier_watch_notice {
	u64 agent_id;
	kuid_t uid;
	int tier;
	u64 value;
};

/*
 * Called with an enum tier_watch_event and a struct tier_watch_notice; may sleep.
 * An agent that has just ended cannot be named any more; pressure may be told
 * while a tier is being bound.
 */
int tier_watch_register_notifier(struct notifier_block *nb);
int tier_watch_unregister_notifier(struct notifier_block *nb);

/* Pages of tier @tier for @uid's agent of this label, ~0: no limit. Hard ones. */
int tier_watch_set_user_agent_limit(kuid_t uid, u64 agent_id, int tier, u64 pages);

/**
 * struct tier_watch_mover - moves an owner's frames
 * @move: moves frame @pfn from tier to tier: 0 with *@new_pfn set (it may be the
 *	same, else it is tracked by nobody), or a negative errno and nothing has
 *	changed. May sleep
 * @data: for @move
 */
struct tier_watch_mover {
	int (*move)(void *data, u64 pfn, int from, int to, u64 *new_pfn);
	void *data;
};

/* As tier_watch_track_page_numa(); @mover lives until tier_watch_drop_mover(). */
int tier_watch_track_owned(u64 pfn, int tier, u64 agent_id, int node,
			   const struct tier_watch_mover *mover);
/* Waits for moves under way; its pages stay tracked, without a mover. */
void tier_watch_drop_mover(const struct tier_watch_mover *mover);

/*
 * For the owner of /proc/swarm: tier_watch_proc_release() removes what TierWatch has
 * there, its own folder included; then, with a folder of one's own,
 * tier_watch_proc_adopt() has the files made in it. Before the folder goes it is
 * released again.
 */
int tier_watch_proc_adopt(struct proc_dir_entry *swarm);
void tier_watch_proc_release(void);

#endif
