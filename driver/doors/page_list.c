// SPDX-License-Identifier: GPL-2.0
/*
 * page_list.c - describing pages, listing them by temperature, and marking them
 *
 * Owns nothing; called by the tables of ioctls and by kapi.c, in the context of a
 * caller. Pages are described by number, by region or by temperature, and can be
 * marked as hot or cold.
 *
 * Locks: none, since user memory is written. Records are read, and their heat is
 * changed, without a lock (heat.h).
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/errno.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "base/entries.h"
#include "base/usercopy.h"
#include "doors/page_list.h"
#include "pages/external.h"
#include "pages/heat.h"
#include "pages/lookup.h"
#include "pages/record.h"
#include "pages/region.h"
#include "pages/space.h"

/* The most records that one call of TW_IOC_PAGE_LIST looks at, which bounds its time. */
#define TW_LIST_LOOK	16384

/* -- by number, and by region -------------------------------------------------- */

/**
 * tw_page_info_ioctl - TW_IOC_PAGE_INFO
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_page_info_ioctl(struct tw_page_info *arg)
{
	u64 __user *pages = u64_to_user_ptr(arg->pages);
	bool admin = tw_is_admin();
	int err;
	u32 i;

	if (arg->flags || !arg->nr || arg->nr > TW_CALL_PAGES)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_PAGE_SIZE_VER0);
	if (err)
		return err;
	for (i = 0; i < arg->nr; i++) {
		struct tw_space *sp;
		struct tw_page p;
		unsigned long idx;
		u64 page;

		if (get_user(page, pages + i))
			return -EFAULT;
		sp = tw_page_lookup_of(arg->owner, page, &idx, admin);
		if (sp) {
			tw_page_describe(sp, idx, &p, admin);
			tw_space_put(sp);
		} else if (!admin || arg->owner ||
			   !tw_external_describe(page, &p)) {
			p = (struct tw_page){ .page = page, .node = -1,
				.tier = TW_TIER_NONE, .status = -ENOENT,
				.best_node = -1 };
		}
		err = tw_entry_write(arg->infos, i, arg->entry_size, &p,
				     sizeof(p));
		if (err)
			return err;
		cond_resched();
	}
	return 0;
}

/**
 * tw_region_pages_ioctl - TW_IOC_REGION_PAGES
 * @r: region
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_region_pages_ioctl(struct tw_region *r, struct tw_region_pages *arg)
{
	struct tw_space *sp = &r->space;
	bool admin = tw_is_admin();
	u64 size = (u64)sp->nr_pages << PAGE_SHIFT;
	unsigned long idx, nr, i;
	int err;

	if (arg->flags || !arg->length || !PAGE_ALIGNED(arg->offset) ||
	    !PAGE_ALIGNED(arg->length) ||
	    arg->length >> PAGE_SHIFT > TW_CALL_PAGES || arg->offset >= size ||
	    arg->length > size - arg->offset)
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_PAGE_SIZE_VER0);
	if (err)
		return err;
	idx = arg->offset >> PAGE_SHIFT;
	nr = arg->length >> PAGE_SHIFT;
	if (arg->nr < nr) {
		arg->nr = nr;
		return -EMSGSIZE;
	}
	for (i = 0; i < nr; i++) {
		struct tw_page p;

		tw_page_describe(sp, idx + i, &p, admin);
		err = tw_entry_write(arg->infos, i, arg->entry_size, &p,
				     sizeof(p));
		if (err)
			return err;
		cond_resched();
	}
	arg->nr = nr;
	return 0;
}

/* -- marks ------------------------------------------------------------------- */

/* The lowest heat that is hot, or @heat if it is more. */
static unsigned int tw_heat_hot(unsigned int heat)
{
	return min_t(unsigned int, U16_MAX,
		     max(heat, READ_ONCE(tw_hot_threshold) + 1));
}

static int tw_mark_rec(struct tw_space *sp, unsigned long idx, bool hot)
{
	struct tw_chunk *c = tw_chunk_find(sp, idx);
	struct tw_rec *rec = c ? tw_chunk_rec(c, idx) : NULL;
	unsigned long w = rec ? tw_rec_w(rec) : 0;
	unsigned int old, heat;

	if (!rec || tw_w_state(w) == TW_NONE || tw_w_state(w) == TW_POISON)
		return -ENOENT;
	old = READ_ONCE(rec->heat);
	heat = hot ? tw_heat_hot(old) : 0;
	WRITE_ONCE(rec->heat, heat);
	if (hot)
		WRITE_ONCE(rec->age, 0);
	else if (!READ_ONCE(rec->age))
		WRITE_ONCE(rec->age, 1);
	tw_chunk_changed(c);
	if (tw_heat_band(heat) != tw_heat_band(old))
		tw_heat_banded(tw_space_page(sp, idx), tw_w_tier(w), heat);
	return 0;
}

/**
 * tw_mark_page - mark a page as hot or cold
 * @owner: id of the region that the page must be of, or 0 for any
 * @page: page number
 * @hot: as hot, else as cold
 * @admin: the caller may name all users' pages and frame numbers
 *
 * Return: 0, or -ENOENT if there is no such page, it has never been touched, or the
 * caller may not name it.
 */
int tw_mark_page(u64 owner, u64 page, bool hot, bool admin)
{
	struct tw_space *sp;
	unsigned long idx;
	struct tw_page p;
	int err;

	sp = tw_page_lookup_of(owner, page, &idx, admin);
	if (sp) {
		err = tw_mark_rec(sp, idx, hot);
		tw_space_put(sp);
		return err;
	}
	if (!admin || owner || (page & TW_PAGE_STABLE) ||
	    !tw_external_describe(page, &p))
		return -ENOENT;
	return tw_external_set_heat(page, hot ? tw_heat_hot(p.heat) : 0, !hot);
}

/**
 * tw_mark_ioctl - TW_IOC_MARK
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_mark_ioctl(struct tw_mark *arg)
{
	u64 __user *pages = u64_to_user_ptr(arg->pages);
	s32 __user *status = u64_to_user_ptr(arg->status);
	bool hot = arg->temperature == TW_CLASS_HOT, admin = tw_is_admin();
	u32 done = 0, i;
	int err;

	if (arg->flags || !arg->nr || arg->nr > TW_CALL_PAGES ||
	    (!hot && arg->temperature != TW_CLASS_COLD))
		return -EINVAL;
	err = tw_check_numbers(arg->pages, arg->nr, arg->status);
	if (err)
		return err;
	for (i = 0; i < arg->nr; i++) {
		s32 outcome;
		u64 page;

		if (get_user(page, pages + i))
			return -EFAULT;
		outcome = tw_mark_page(arg->owner, page, hot, admin);
		done += !outcome;
		if (status && put_user(outcome, status + i))
			return -EFAULT;
		cond_resched();
	}
	arg->done = done;
	arg->failed = arg->nr - done;
	return 0;
}

/* -- lists ------------------------------------------------------------------- */

/**
 * struct tw_list - one call of TW_IOC_PAGE_LIST
 * @infos: address of the caller's array for found pages
 * @size: bytes of an entry there
 * @nr: how many have been written there
 * @tier: only pages in this tier, TW_TIER_NONE for any
 * @temperature: only pages of this enum tw_class, TW_CLASS_ANY for any
 * @end: the first stable number that is not looked at
 * @every: one of so many chunks is looked at; a power of 2
 * @room: pages that @infos still takes
 * @look: pages that may still be looked at, and chunks that may be left out
 * @looked: pages that were looked at
 * @cursor: where the next call goes on: a stable number, or 1 + a frame number
 * @admin: all users' pages, and external ones; else those of the caller's regions
 * @done: @end was reached, or there are no more
 */
struct tw_list {
	u64 infos;
	u32 size;
	u32 nr;
	u32 tier;
	u32 temperature;
	u64 end;
	u32 every;
	u32 room;
	u32 look;
	u32 looked;
	u64 cursor;
	bool admin;
	bool done;
};

static bool tw_list_full(const struct tw_list *l)
{
	return !l->room || !l->look;
}

/* Looks at one page, and writes it out if it is wanted. Returns 0 or -EFAULT. */
static int tw_list_meet(struct tw_list *l, const struct tw_page *p)
{
	l->look--;
	l->looked++;
	if (p->tier == TW_TIER_NONE ||
	    (l->temperature != TW_CLASS_ANY &&
	     p->temperature != l->temperature) ||
	    (l->tier != TW_TIER_NONE && p->tier != l->tier))
		return 0;
	if (tw_entry_write(l->infos, l->nr, l->size, p, sizeof(*p)))
		return -EFAULT;
	l->nr++;
	l->room--;
	return 0;
}

/*
 * Is chunk @c of region @number looked at? Of two neighbours one is, and a coin that falls
 * the same way each time says which; of two such pairs one; and so on. Places that are
 * alike, as every 32nd chunk or the first of many regions, are so neither all looked at
 * nor all left out.
 */
static bool tw_list_chosen(const struct tw_list *l, u64 number, u64 c)
{
	u64 seed = hash_64(number, 64);
	u32 chunks;

	BUILD_BUG_ON(TW_CHUNK != TW_CHUNK_PAGES);
	for (chunks = 1; chunks < l->every; chunks <<= 1, c >>= 1)
		if ((c & 1) != hash_64((seed + chunks) ^ (c >> 1), 1))
			return false;
	return true;
}

/* The cursor after region @r; after the last possible id it is that of frame 0. */
static u64 tw_list_behind(const struct tw_space *sp)
{
	u64 number = tw_space_number(sp) + 1;

	return number > TW_PAGE_OWNERS ? 1 : TW_PAGE(number, 0);
}

/* Whether @idx is where the call ends for good. */
static bool tw_list_at_end(struct tw_list *l, const struct tw_space *sp,
			   unsigned long idx)
{
	l->cursor = tw_space_page(sp, idx);
	l->done = l->cursor >= l->end;
	return l->done;
}

/* Pages from @idx to before @end. 0; 1: the call has enough before that; or -EFAULT. */
static int tw_list_chunk(struct tw_list *l, struct tw_space *sp,
			 unsigned long idx, unsigned long end)
{
	struct tw_page p;
	int err = 0;

	for (; idx < end && !err; idx++) {
		if (tw_list_at_end(l, sp, idx) || tw_list_full(l))
			return 1;
		tw_page_describe(sp, idx, &p, l->admin);
		err = tw_list_meet(l, &p);
	}
	return err;
}

static int tw_list_space(struct tw_list *l, struct tw_space *sp,
			  unsigned long idx)
{
	unsigned long i = idx >> TW_CHUNK_SHIFT;
	struct tw_chunk *c;
	int err;

	tw_for_each_chunk_from(sp, i, c, i) {
		idx = max(idx, c->base);
		if (tw_list_at_end(l, sp, idx) || tw_list_full(l))
			return 0;
		cond_resched();
		/* There may be a great many, and a call is to end. */
		if (!tw_list_chosen(l, tw_space_number(sp), i)) {
			l->look--;
			continue;
		}
		err = tw_list_chunk(l, sp, idx, c->base + TW_CHUNK_PAGES);
		if (err)
			return min(err, 0);
	}
	l->cursor = tw_list_behind(sp);
	return 0;
}

/* From the cursor to the last region, or until the call has enough. */
static int tw_list_spaces(struct tw_list *l)
{
	u64 number = l->cursor ? TW_PAGE_REGION(l->cursor) : 0;
	unsigned long idx = TW_PAGE_INDEX(l->cursor);
	struct tw_space *sp;
	int err = 0;

	while (!err && !l->done && !tw_list_full(l)) {
		sp = tw_space_after(number ? number - 1 : 0);
		if (!sp) {
			l->cursor = 1;	/* frame 0 */
			break;
		}
		if (tw_space_number(sp) != number)
			idx = 0;
		number = tw_space_number(sp) + 1;
		if (l->admin || tw_space_mine(sp)) {
			err = tw_list_space(l, sp, idx);
		} else {
			l->look--;
			l->cursor = tw_list_behind(sp);
		}
		idx = 0;
		tw_space_put(sp);
	}
	return err;
}

/* Lists external pages from the cursor on. */
static int tw_list_external(struct tw_list *l)
{
	struct tw_page p;
	int err = 0;

	while (!err && !tw_list_full(l)) {
		unsigned long pfn = ULONG_MAX;

		if (l->admin && l->cursor - 1 <= ULONG_MAX)
			pfn = tw_external_next(l->cursor - 1, &p);
		if (pfn == ULONG_MAX) {
			l->cursor = 0;	/* there are no more */
			break;
		}
		err = tw_list_meet(l, &p);
		l->cursor = (u64)pfn + 2;
		cond_resched();
	}
	return err;
}

/**
 * tw_page_list_ioctl - TW_IOC_PAGE_LIST
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_page_list_ioctl(struct tw_page_list *arg)
{
	struct tw_list l = {
		.infos = arg->infos,
		.size = arg->entry_size,
		.tier = arg->tier,
		.temperature = arg->temperature,
		.end = arg->end ?: U64_MAX,
		.every = max(arg->every, 1U),
		.room = arg->nr,
		.look = TW_LIST_LOOK,
		.cursor = arg->cursor,
		.admin = tw_is_admin(),
	};
	int err;

	if (arg->flags || !arg->nr || arg->nr > TW_CALL_PAGES ||
	    (arg->every && !is_power_of_2(arg->every)) ||
	    (arg->temperature >= TW_NR_CLASSES &&
	     arg->temperature != TW_CLASS_ANY) ||
	    (arg->tier >= TW_NR_TIERS && arg->tier != TW_TIER_NONE))
		return -EINVAL;
	err = tw_entry_check(arg->entry_size, TW_PAGE_SIZE_VER0);
	if (err)
		return err;
	if (!arg->infos)
		return -EFAULT;
	err = tw_check_answer(arg->infos, (size_t)arg->nr * arg->entry_size);
	if (err)
		return err;
	if (!l.cursor || (l.cursor & TW_PAGE_STABLE))
		err = tw_list_spaces(&l);
	if (l.every > 1 || arg->end)
		l.done |= !(l.cursor & TW_PAGE_STABLE);
	if (!err && !l.done && l.cursor && !(l.cursor & TW_PAGE_STABLE))
		err = tw_list_external(&l);
	if (err)
		return err;
	arg->nr = l.nr;
	arg->cursor = l.done ? 0 : l.cursor;
	arg->looked = l.looked;
	return 0;
}
