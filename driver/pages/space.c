// SPDX-License-Identifier: GPL-2.0
/*
 * space.c - owners of pages: their life, their ids, and finding them
 *
 * Owns the table of spaces by number, an xarray read under RCU, the ids, and the
 * workqueue on which spaces end. space.h says what a space is and which steps it goes
 * through. All higher rooms may look spaces up; only the kinds of spaces make them.
 *
 * Locks: tw_space_id_lock (a mutex) orders ids; memory is allocated under it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/memcontrol.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/xarray.h>

#include "agents/agent.h"
#include "base/user.h"
#include "pages/group.h"
#include "pages/record.h"
#include "pages/space.h"
#include "pages/space_id.h"
#include "tiers/reserve.h"

static struct workqueue_struct *tw_teardown_wq;
static DEFINE_XARRAY(tw_spaces);	/* by tw_space_number() */

/* Spaces that have an id, but for foreign ones, whose pages need no tier. */
static atomic_long_t tw_spaces_managed;

static DEFINE_MUTEX(tw_space_id_lock);
static unsigned long long tw_space_last_id;

/*
 * The last id can only be raised, since an id is given once. Only tests of what happens
 * when the numbers run out need to.
 */
static int tw_space_last_id_set(const char *val, const struct kernel_param *kp)
{
	unsigned long long id;
	int err = kstrtoull(val, 0, &id);

	if (err)
		return err;
	mutex_lock(&tw_space_id_lock);
	if (id >= tw_space_last_id && id < 1ULL << 62)
		tw_space_last_id = id;
	else
		err = -EINVAL;
	mutex_unlock(&tw_space_id_lock);
	return err;
}

static const struct kernel_param_ops tw_space_last_id_ops = {
	.set = tw_space_last_id_set,
	.get = param_get_ullong,
};

module_param_cb(region_last_id, &tw_space_last_id_ops, &tw_space_last_id, 0600);
__MODULE_PARM_TYPE(region_last_id, "ullong");
MODULE_PARM_DESC(region_last_id, "last id that a region was given; can be raised");

/* -- life ------------------------------------------------------------------ */

int tw_space_init(struct tw_space *sp, const struct tw_space_ops *ops,
		  unsigned long nr_pages, struct tw_agent *agent)
{
	int err;

	BUILD_BUG_ON(TW_NR_TIERS > 8 * sizeof(sp->tiers));
	sp->user = tw_user_get_current();
	if (!sp->user)
		return -ENOMEM;
	err = tw_groups_note(sp);
	if (err) {
		tw_user_put(sp->user);
		return err;
	}
	sp->ops = ops;
	sp->nr_pages = nr_pages;
	sp->agent = agent;
	sp->memcg = get_mem_cgroup_from_mm(current->mm);
	sp->tiers = GENMASK(TW_NR_TIERS - 1, 0);
	kref_init(&sp->ref);
	tw_chunks_init(sp);
	return 0;
}

void tw_space_exit(struct tw_space *sp)
{
	tw_space_unreserve(sp);
	tw_chunks_free(sp);
	tw_groups_leave(sp);
	mem_cgroup_put(sp->memcg);
	tw_agent_put(sp->agent);
	tw_user_put(sp->user);
}

int tw_space_reserve(struct tw_space *sp)
{
	int err;

	if (!sp->reserves)
		return 0;
	err = tw_records_prepay(sp);
	if (err)
		return err;
	err = tw_reserve(sp->user, sp->nr_pages);
	if (!err)
		sp->room = sp->nr_pages;
	return err;
}

void tw_space_unreserve(struct tw_space *sp)
{
	if (sp->room)
		tw_unreserve(sp->user, sp->room);
	sp->room = 0;
}

void tw_space_later(struct tw_space *sp, work_func_t fn)
{
	INIT_WORK(&sp->work, fn);
	queue_work(tw_teardown_wq, &sp->work);
}

static void tw_space_free(struct kref *ref)
{
	struct tw_space *sp = container_of(ref, struct tw_space, ref);

	sp->ops->free(sp);
}

void tw_space_put(struct tw_space *sp)
{
	if (sp)
		kref_put(&sp->ref, tw_space_free);
}

static void tw_space_free_work(struct work_struct *work)
{
	struct tw_space *sp = container_of(work, struct tw_space, work);

	sp->ops->free(sp);
}

/*
 * ->work is not queued for anything else: while it has the space's pages to free, it
 * holds a reference.
 */
static void tw_space_free_later(struct kref *ref)
{
	struct tw_space *sp = container_of(ref, struct tw_space, ref);

	tw_space_later(sp, tw_space_free_work);
}

void tw_space_put_async(struct tw_space *sp)
{
	if (sp)
		kref_put(&sp->ref, tw_space_free_later);
}

/* -- by number --------------------------------------------------------------- */

struct tw_space *tw_space_by_number(u64 number)
{
	struct tw_space *sp;

	rcu_read_lock();
	sp = xa_load(&tw_spaces, number);
	if (sp && !kref_get_unless_zero(&sp->ref))
		sp = NULL;
	rcu_read_unlock();
	return sp;
}

bool tw_spaces_exist(void)
{
	return atomic_long_read(&tw_spaces_managed);
}

struct tw_space *tw_space_after(u64 number)
{
	unsigned long i = number;
	struct tw_space *sp;

	rcu_read_lock();
	do {
		sp = xa_find_after(&tw_spaces, &i, ULONG_MAX, XA_PRESENT);
	} while (sp && !kref_get_unless_zero(&sp->ref));
	rcu_read_unlock();
	return sp;
}

struct tw_space *tw_managed_after(u64 number)
{
	struct tw_space *sp;

	while ((sp = tw_space_after(number)) && sp->foreign) {
		number = tw_space_number(sp);
		tw_space_put_async(sp);
	}
	return sp;
}

/*
 * Ids only go up, and skip those whose number a living space has. A number is reserved
 * first; the space is found by it only when its kind has made the rest of the space.
 * -EBUSY means that a living space has each of the numbers, which hardly happens.
 */
int tw_space_reserve_id(struct tw_space *sp)
{
	u64 id, tries = TW_PAGE_OWNERS;
	int err = -EBUSY;

	mutex_lock(&tw_space_id_lock);
	while (err == -EBUSY && tries--) {
		id = tw_space_id_next(tw_space_last_id);
		tw_space_last_id = id;
		err = xa_insert(&tw_spaces, TW_PAGE_OWNER(id), NULL, GFP_KERNEL);
	}
	mutex_unlock(&tw_space_id_lock);
	if (err)
		return err;
	sp->id = id;
	if (!sp->foreign)
		atomic_long_inc(&tw_spaces_managed);
	return 0;
}

void tw_space_show(struct tw_space *sp)
{
	xa_store(&tw_spaces, tw_space_number(sp), sp, GFP_KERNEL);
}

void tw_space_hide(struct tw_space *sp)
{
	xa_erase(&tw_spaces, tw_space_number(sp));
	if (!sp->foreign)
		atomic_long_dec(&tw_spaces_managed);
}

int tw_spaces_init(void)
{
	tw_teardown_wq = alloc_workqueue("tw_teardown", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return tw_teardown_wq ? 0 : -ENOMEM;
}

/* Waits for work items that have dropped a space's last reference and are to return. */
void tw_spaces_exit(void)
{
	destroy_workqueue(tw_teardown_wq);
	WARN_ON(!xa_empty(&tw_spaces));
	xa_destroy(&tw_spaces);
}
