/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tier_ops.h - what a backend does for the tiers that are bound to it
 *
 * A backend is one table, struct tw_tier_ops. Which one a tier gets is decided in one
 * place, tw_backend_of() in bind.c. All else that a tier does is the same for all:
 * its room is counted, its pressure watched, a page charged and given back
 * (put_page()) in tier.c and pressure.c; slots and their checksums are kept in
 * slots.c; transfers are waited for, left, tried again and checked in store_io.c.
 *
 * Only the room of tiers calls these directly: bind.c, tier.h, store.c, store_io.c.
 * Each member says under which lock.
 */
#ifndef _TW_TIER_OPS_H
#define _TW_TIER_OPS_H

#include <linux/gfp.h>
#include <linux/types.h>

struct block_device;
struct page;
struct tw_io;
struct tw_store;
struct tw_tier_bind;
struct tw_tier_desc;
struct tw_xfer;

/**
 * struct tw_tier_ops - a backend
 * @kind: TW_KIND_NUMA: memory, whose pages are mapped where they are; TW_KIND_STORE:
 *	a store, whose pages are copied to memory and back, in slots of a page
 * @check: are the arguments of a bind valid, whatever the machine looks like? The
 *	number of the tier and the flags are known to be valid. No locks. Returns 0,
 *	or the errno of the ioctl
 * @bind: takes what backs the tier and fills in capacity (pages), latency_ns and
 *	bandwidth (bytes a second); a store calls tw_store_open() last. Under
 *	tw_tier_mutex, sleeps. Returns 0, or the errno of the ioctl and holds nothing
 * @refresh: sets the capacity again, because what backs the tier may have changed its
 *	size while it was being bound. Under tw_tier_mutex. NULL if that never happens
 * @unbind: gives back what @bind took; a store calls tw_store_close() first. Nothing
 *	is charged any more, the tier is not seen as bound. Under tw_tier_mutex, sleeps
 * @alloc: memory only: 1 << @order pages of a tier that the caller has charged, near
 *	to node @nid, or where the task's memory policy has it (NUMA_NO_NODE). @gfp
 *	says whether it may sleep, is accounted, is zeroed. NULL if there is none; never
 *	warns. They are given back with put_page()
 * @submit: stores only: starts a transfer of those of the @nr pages @io that have no
 *	error yet, each to or from its slot, and returns. The caller holds the slots. What
 *	ends by itself, a page or several that follow each other, is a part: announced
 *	by tw_xfer_part_begin() and ended once, from any context, by
 *	tw_xfer_part_end(). May sleep, but allocates as in GFP_NOIO, and cannot fail:
 *	a page that cannot be started is a part that ends with an error
 * @bdev: stores only: the block device that bios for its slots go to, the first of
 *	which is tw_slot_sector() of the slot. The caller holds a slot
 * @stable: stores only: do pages have to stay as they are while they are written?
 *	This and the next two are called under RCU, and so do not sleep
 * @gone: stores only: is it known that nothing can be read or written any more?
 * @dev: stores only: number of the device, as st_rdev has it; 0 if there is none
 * @slots: stores only: how many slots there is room for now, which may have changed since
 *	@bind. Under tw_tier_mutex
 */
struct tw_tier_ops {
	int kind;
	int (*check)(const struct tw_tier_bind *arg);
	int (*bind)(struct tw_tier_desc *t, const struct tw_tier_bind *arg);
	void (*refresh)(struct tw_tier_desc *t);
	void (*unbind)(struct tw_tier_desc *t);

	struct page *(*alloc)(struct tw_tier_desc *t, gfp_t gfp, unsigned int order,
			      int nid);

	void (*submit)(struct tw_xfer *f, struct tw_io *io, unsigned int nr);
	struct block_device *(*bdev)(struct tw_store *s);
	bool (*stable)(struct tw_store *s);
	bool (*gone)(struct tw_store *s);
	u32 (*dev)(struct tw_store *s);
	u32 (*slots)(struct tw_store *s);
};

#endif
