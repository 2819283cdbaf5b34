// SPDX-License-Identifier: GPL-2.0
/*
 * slots_crc.c - the checksums of a store's slots
 *
 * Owns the pages that they live in. Their table is found under RCU, since a store that
 * grows gets another one (tw_slots_extend()); pages are put into it under tw_store.lock,
 * and taken out under tw_tier_mutex once no slot of theirs is taken. A checksum itself
 * belongs to the caller that holds its slot.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "base/stats.h"
#include "tiers/slots.h"
#include "tiers/store.h"
#include "tiers/tier.h"

/* The page that the checksum of a slot lives in, which the caller holds; or NULL. */
static u32 *tw_crc_page(struct tw_slots *s, u32 slot)
{
	u32 *page;

	rcu_read_lock();
	page = READ_ONCE(rcu_dereference(s->crc)[slot / TW_CRCS_PER_PAGE]);
	rcu_read_unlock();
	return page;
}

/* Makes @page, which is zeroed, that page, unless another caller was faster. */
static u32 *tw_crc_page_add(struct tw_slots *s, u32 slot, u32 *page)
{
	struct tw_store *store = container_of(s, struct tw_store, slots);
	u32 **where, *old;

	spin_lock(&store->lock);
	where = &rcu_dereference_protected(s->crc, lockdep_is_held(&store->lock))
			[slot / TW_CRCS_PER_PAGE];
	old = *where;
	if (!old)
		/* Zeroed before it is seen, see the address dependency in tw_crc_page(). */
		smp_store_release(where, page);
	spin_unlock(&store->lock);
	if (!old)
		tw_global_add(store_bytes, PAGE_SIZE);
	else
		free_page((unsigned long)page);
	return old ?: page;
}

/**
 * tw_slots_set_crc - remember what is about to be written to a slot
 * @s: slots
 * @slot: held by the caller
 * @crc: of its bytes
 *
 * May sleep; GFP_NOIO.
 *
 * Return: 0 or -ENOMEM.
 */
int tw_slots_set_crc(struct tw_slots *s, u32 slot, u32 crc)
{
	u32 *page = tw_crc_page(s, slot);

	if (!page) {
		page = (u32 *)get_zeroed_page(GFP_NOIO | __GFP_NOWARN);
		if (!page)
			return -ENOMEM;
		page = tw_crc_page_add(s, slot, page);
	}
	page[slot % TW_CRCS_PER_PAGE] = crc;
	return 0;
}

/**
 * tw_slots_check_crc - is it what was written to the slot?
 * @s: slots
 * @slot: held by the caller
 * @crc: of the bytes that were read
 *
 * Return: whether it is.
 */
bool tw_slots_check_crc(struct tw_slots *s, u32 slot, u32 crc)
{
	u32 *page = tw_crc_page(s, slot);

	return page && page[slot % TW_CRCS_PER_PAGE] == crc;
}

void tw_crcs_free(struct tw_slots *s, unsigned long first)
{
	u32 **crc = rcu_dereference_protected(s->crc,
					      lockdep_is_held(&tw_tier_mutex));
	unsigned long i, freed = 0;

	for (i = first; i < tw_crc_pages(s->tables); i++) {
		if (!crc[i])
			continue;
		free_page((unsigned long)crc[i]);
		crc[i] = NULL;
		freed += PAGE_SIZE;
		cond_resched();
	}
	tw_global_add(store_bytes, -(s64)freed);
}
