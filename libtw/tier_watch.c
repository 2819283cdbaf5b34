// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The documented names, on one handle for the process, which opens itself.
 *
 * `lock` guards the handle, the agents that are held and the list of regions of
 * tier_watch_alloc(). fork() takes it, so that the child finds it free. No call of the
 * driver that may take long is made under it.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "tier_watch.h"

/* How many structs of the driver are converted at a time, on the stack. */
#define PART	32

/*
 * An agent that was joined. @users is how many calls use it now. It is @kept, until
 * tier_watch_shutdown(), once a call that needs it has succeeded.
 */
struct held {
	struct held *next;
	struct tw_agent *agent;
	unsigned int users;
	bool kept;
};

struct memory {
	struct memory *next;
	struct tw_region *region;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct tw *handle;
static struct held *agents;
static struct memory *memories;

static void take_lock(void)
{
	pthread_mutex_lock(&lock);
}

static void drop_lock(void)
{
	pthread_mutex_unlock(&lock);
}

static void watch_fork(void)
{
	pthread_atfork(take_lock, drop_lock, drop_lock);
}

static int open_locked(struct tw **tw)
{
	int err = handle ? 0 : tw_open(NULL, &handle);

	if (!err)
		*tw = handle;
	return err;
}

static int get(struct tw **tw)
{
	int err;

	pthread_once(&once, watch_fork);
	take_lock();
	err = open_locked(tw);
	drop_lock();
	return err;
}

/* Finds or joins the agent of label @id; put_agent() is to follow. */
static int get_agent(struct tw *tw, __u64 id, struct held **held)
{
	struct held *h;
	int err = 0;

	take_lock();
	for (h = agents; h && tw_agent_id(h->agent) != id; h = h->next)
		;
	if (h)
		goto found;
	h = calloc(1, sizeof(*h));
	err = h ? tw_agent_join(tw, id, &h->agent) : -ENOMEM;
	if (err) {
		free(h);
		goto out;
	}
	h->next = agents;
	agents = h;
found:
	h->users++;
	*held = h;
out:
	drop_lock();
	return err;
}

/*
 * Ends the use of an agent by a call. @keep tells that the call succeeded; an agent that
 * was joined only for calls that failed is closed.
 */
static void put_agent(struct held *h, bool keep)
{
	struct held **p;

	take_lock();
	h->kept |= keep;
	if (--h->users || h->kept)
		goto out;
	for (p = &agents; *p != h; p = &(*p)->next)
		;
	*p = h->next;
	tw_agent_close(h->agent);
	free(h);
out:
	drop_lock();
}

/* Converts the caller's struct of @size bytes; -E2BIG if it has an unknown part. */
static int take(struct tw_request *to, const void *from, size_t size)
{
	struct migration_request r = { 0 };
	const char *tail = from;
	size_t i;

	for (i = sizeof(r); i < size; i++)
		if (tail[i])
			return -E2BIG;
	memcpy(&r, from, size < sizeof(r) ? size : sizeof(r));
	*to = (struct tw_request) {
		.page = r.pfn,
		.from_tier = r.from_tier,
		.to_tier = r.to_tier,
		.priority = r.priority,
		.reason = r.reason,
	};
	return 0;
}

TW_API __u64 get_page_pfn(const void *addr)
{
	struct tw *tw;
	__u64 page;

	if (get(&tw) || tw_addr_page(tw, addr, &page))
		return 0;
	return page;
}

TW_API int tier_watch_track_page_numa(__u64 pfn, int tier, __u64 agent_id,
				      int node)
{
	struct held *held;
	__s32 status = 0;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (err)
		return err;
	err = get_agent(tw, agent_id, &held);
	if (err)
		return err;
	err = tw_track(tw, &pfn, 1, tier, node, held->agent, &status, NULL);
	if (!err)
		err = status;
	put_agent(held, !err);
	return err;
}

TW_API int tier_watch_track_page(__u64 pfn, int tier, __u64 agent_id)
{
	return tier_watch_track_page_numa(pfn, tier, agent_id, -1);
}

TW_API int tier_watch_untrack_page(__u64 pfn)
{
	__s32 status = 0;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_untrack(tw, &pfn, 1, &status, NULL);
	return err ? err : status;
}

TW_API int tier_watch_handle_fault(__u64 pfn, __u64 vaddr, unsigned int flags)
{
	struct tw *tw;
	int err;

	if (flags & ~FAULT_FLAG_WRITE)
		return -EINVAL;
	err = get(&tw);
	if (err)
		return err;
	return tw_report(tw, pfn, vaddr,
			 flags & FAULT_FLAG_WRITE ? TW_REPORT_WRITE : 0);
}

TW_API int tier_watch_get_pressure_v1(int tier, struct tier_pressure *pressure,
				      size_t size)
{
	struct tw_pressure p;
	struct tier_pressure t;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_pressure(tw, tier, &p);
	if (err)
		return err;
	t = (struct tier_pressure) {
		.level = p.level,
		.permille = p.permille,
		.capacity = p.capacity,
		.used = p.used,
		.stalls = p.stalls,
	};
	tw_give(pressure, size, &t, sizeof(t));
	return 0;
}

TW_API int tier_watch_get_migration_candidates_v1(int from, int to,
		struct migration_candidate *candidates, size_t nr, size_t size)
{
	struct tw_candidate *found;
	struct tw *tw;
	int i, err;

	err = get(&tw);
	if (err)
		return err;
	if (nr > tw->max_pages)
		nr = tw->max_pages;
	found = calloc(nr ? nr : 1, sizeof(*found));
	if (!found)
		return -ENOMEM;
	err = tw_candidates(tw, from, to, found, nr);
	for (i = 0; i < err; i++) {
		struct migration_candidate c = {
			.pfn = found[i].page,
			.agent_id = found[i].agent,
			.benefit_ns = found[i].benefit_ns,
			.heat = found[i].heat,
			.age = found[i].age,
			.from_tier = found[i].from_tier,
			.to_tier = found[i].to_tier,
			.node = found[i].node,
		};

		tw_give((char *)candidates + i * size, size, &c, sizeof(c));
	}
	free(found);
	return err;
}

static void give_result(const struct tw_request *r, int err, void *to,
			size_t size)
{
	struct migration_result m = {
		.status = err ? err : r->status,
		.from_tier = r->from_tier,
		.to_tier = r->to_tier,
		.pfn = r->pfn,
		.latency_ns = r->latency_ns,
		.id = r->id,
	};

	if (to)
		tw_give(to, size, &m, sizeof(m));
}

TW_API int tier_watch_migrate_page_v1(const struct migration_request *request,
				      size_t request_size,
				      struct migration_result *result,
				      size_t size)
{
	struct tw_request r = { 0 };
	struct tw *tw;
	int err;

	err = take(&r, request, request_size);
	if (!err)
		err = get(&tw);
	if (!err)
		err = tw_request(tw, &r, 1, TW_REQUEST_WAIT, NULL, NULL);
	give_result(&r, err, result, size);
	if (err)
		return err;
	return r.status < 0 ? r.status : 0;
}

TW_API int tier_watch_queue_migration_v1(const struct migration_request *request,
					 size_t request_size, __u64 *id)
{
	struct tw_request r;
	struct tw *tw;
	int err;

	err = take(&r, request, request_size);
	if (!err)
		err = get(&tw);
	if (!err)
		err = tw_request(tw, &r, 1, 0, NULL, NULL);
	if (!err && id)
		*id = r.id;
	return err;
}

TW_API int tier_watch_migrate_batch_v1(const struct migration_request *requests,
				       size_t request_size, size_t nr,
				       struct migration_result *results,
				       size_t size)
{
	size_t i, n, at;
	struct tw *tw;
	int good = 0, err;

	/* Malformed requests are refused before any page moves. */
	for (i = 0; i < nr; i++) {
		struct tw_request r;

		err = take(&r, (const char *)requests + i * request_size,
			   request_size);
		if (err)
			return err;
	}
	if (nr > INT_MAX)
		return -EINVAL;
	err = get(&tw);
	if (err)
		return err;
	for (at = 0; at < nr; at += n) {
		struct tw_request r[PART];
		__u32 done = 0;

		n = nr - at < PART ? nr - at : PART;
		for (i = 0; i < n; i++)
			take(&r[i], (const char *)requests +
			     (at + i) * request_size, request_size);
		/* After a failure the later pages only get its error as status. */
		if (!err)
			err = tw_request(tw, r, n, TW_REQUEST_WAIT, &done, NULL);
		good += done;
		for (i = 0; results && i < n; i++)
			give_result(&r[i], err, (char *)results +
				    (at + i) * size, size);
		if (err && !at)
			good = err;
	}
	return good;
}

TW_API int tier_watch_get_agent_memory_v1(__u64 agent_id,
					  struct agent_memory_stats *stats,
					  size_t size)
{
	struct agent_memory_stats m = { .agent_id = agent_id };
	struct tw_agent_limits l;
	struct tw_agent_stats s;
	struct tw *tw;
	int i, err;

	err = get(&tw);
	if (!err)
		err = tw_agent_stats_by_id(tw, agent_id, &s);
	if (!err)
		err = tw_agent_limits_get_by_id(tw, agent_id, &l);
	if (err)
		return err;
	for (i = 0; i < TW_NR_TIERS; i++) {
		m.pages[i] = s.pages[i];
		m.external[i] = s.external[i];
		m.faults_minor[i] = s.faults_minor[i];
		m.faults_major[i] = s.faults_major[i];
		m.migrations_in[i] = s.moves_in[i];
		m.migrations_out[i] = s.moves_out[i];
		m.limit[i] = l.pages[i];
		m.total_pages += s.pages[i] + s.external[i];
	}
	m.faults_reported = s.reported;
	tw_give(stats, size, &m, sizeof(m));
	return 0;
}

TW_API int tier_watch_get_numa_stats_v1(int node, struct numa_stats *stats,
					size_t size)
{
	struct tw_numa_stats s;
	struct numa_stats n;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_numa_stats(tw, node, &s);
	if (err)
		return err;
	n = (struct numa_stats) {
		.node = s.node,
		.tier = s.tier,
		.total_pages = s.total,
		.free_pages = s.free,
		.pages = s.pages,
		.local_accesses = s.local,
		.remote_accesses = s.remote,
		.migrations_in = s.moved_in,
	};
	tw_give(stats, size, &n, sizeof(n));
	return 0;
}

static int page_of(__u64 pfn, struct tw_page *page)
{
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_page_info(tw, &pfn, 1, page);
	return err ? err : page->status;
}

TW_API int tier_watch_get_optimal_numa_node(__u64 pfn)
{
	struct tw_page page = { 0 };
	int err;

	err = page_of(pfn, &page);
	if (err)
		return err;
	if (page.best_node >= 0)
		return page.best_node;
	return page.node >= 0 ? page.node : -ENODATA;
}

static void give_page(const struct tw_page *page, void *to, size_t size)
{
	const struct page_info p = {
		.pfn = page->page,
		.frame = page->pfn,
		.agent_id = page->agent,
		.tier = page->tier,
		.heat = page->heat,
		.age = page->age,
		.flags = page->flags,
		.node = page->node,
		.optimal_node = page->best_node,
		.temperature = page->temperature,
	};

	tw_give(to, size, &p, sizeof(p));
}

TW_API int tier_watch_get_page_info_v1(__u64 pfn, struct page_info *info,
				       size_t size)
{
	struct tw_page page = { 0 };
	int err;

	err = page_of(pfn, &page);
	if (!err)
		give_page(&page, info, size);
	return err;
}

static int list(int tier, int temperature, void *infos, size_t nr, size_t size)
{
	size_t found = 0;
	__u64 cursor = 0;
	struct tw *tw;
	int i, n;

	n = get(&tw);
	if (n)
		return n;
	if (!nr || nr > INT_MAX)
		return -EINVAL;
	do {
		struct tw_page pages[PART];
		size_t left = nr - found;

		n = tw_page_list(tw, tier, temperature, &cursor, pages,
				 left < PART ? left : PART);
		if (n < 0)
			return found ? (int)found : n;
		for (i = 0; i < n; i++)
			give_page(&pages[i], (char *)infos + found++ * size,
				  size);
	} while (cursor && found < nr);
	return found;
}

TW_API int tier_watch_get_hot_pages_v1(int tier, struct page_info *infos,
				       size_t nr, size_t size)
{
	return list(tier, TW_CLASS_HOT, infos, nr, size);
}

TW_API int tier_watch_get_cold_pages_v1(int tier, struct page_info *infos,
					size_t nr, size_t size)
{
	return list(tier, TW_CLASS_COLD, infos, nr, size);
}

static int mark(__u64 pfn, int temperature)
{
	__s32 status = 0;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_mark(tw, &pfn, 1, temperature, &status, NULL);
	return err ? err : status;
}

TW_API int tier_watch_mark_hot(__u64 pfn)
{
	return mark(pfn, TW_CLASS_HOT);
}

TW_API int tier_watch_mark_cold(__u64 pfn)
{
	return mark(pfn, TW_CLASS_COLD);
}

TW_API int tier_watch_get_fault_stats_v1(int tier, struct fault_stats *stats,
					 size_t size)
{
	struct tw_fault_stats s;
	struct fault_stats f;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_fault_stats(tw, tier, 0, &s);
	if (err)
		return err;
	f = (struct fault_stats) {
		.minor = s.minor_read + s.minor_write,
		.major = s.major_read + s.major_write,
		.reads = s.minor_read + s.major_read,
		.writes = s.minor_write + s.major_write,
		.first = s.first,
		.reported = s.reported,
		.total_ns = s.fault_ns,
	};
	tw_give(stats, size, &f, sizeof(f));
	return 0;
}

TW_API int tier_watch_reset_fault_stats(int tier)
{
	struct tw *tw;
	int err;

	err = get(&tw);
	if (err)
		return err;
	return tw_fault_stats(tw, tier, TW_FAULT_STATS_RESET, NULL);
}

TW_API int tier_watch_get_tier_info_v1(int tier, struct tier_info *info,
				       size_t size)
{
	struct tw_tier_info i;
	struct tier_info t;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_tier_info(tw, tier, &i);
	if (err)
		return err;
	t = (struct tier_info) {
		.tier = i.tier,
		.bound = i.kind != TW_KIND_NONE,
		.capacity = i.capacity,
		.used = i.used,
		.latency_ns = i.latency_ns,
		.bandwidth = i.bandwidth,
		.nominal_latency_ns = i.nominal_latency_ns,
		.nominal_bandwidth = i.nominal_bandwidth,
	};
	tw_give(info, size, &t, sizeof(t));
	return 0;
}

static int count(__u64 nr)
{
	return nr < INT_MAX ? nr : INT_MAX;
}

TW_API int tier_watch_migrate_agent(__u64 agent_id, int from, int to,
				    unsigned int nr)
{
	struct tw *tw;
	__u64 moved;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_agent_migrate_by_id(tw, agent_id, to, from,
					     TW_REASON_MANUAL, nr, &moved,
					     NULL);
	return err ? err : count(moved);
}

TW_API int tier_watch_set_agent_limits(__u64 agent_id,
				       const __u64 pages[TIER_COUNT])
{
	struct held *held;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (err)
		return err;
	err = get_agent(tw, agent_id, &held);
	if (err)
		return err;
	err = tw_agent_limits_set(tw, held->agent, pages);
	put_agent(held, !err);
	return err;
}

TW_API int tier_watch_get_agent_limits(__u64 agent_id, __u64 pages[TIER_COUNT])
{
	struct tw_agent_limits limits;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_agent_limits_get_by_id(tw, agent_id, &limits);
	if (!err)
		memcpy(pages, limits.pages, sizeof(limits.pages));
	return err;
}

TW_API int tier_watch_set_thresholds(int tier, const __u32 enter[3],
				     const __u32 leave[3])
{
	struct tw *tw;
	int err;

	err = get(&tw);
	return err ? err : tw_thresholds_set(tw, tier, enter, leave);
}

TW_API int tier_watch_get_module_stats_v1(struct module_stats *stats,
					  size_t size)
{
	struct tw_module_stats s;
	struct module_stats m;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_module_stats(tw, &s);
	if (err)
		return err;
	m = (struct module_stats) {
		.pages_tracked = s.pages_tracked,
		.pages_external = s.pages_external,
		.faults = s.faults,
		.faults_reported = s.faults_reported,
		.migrations = s.migrations,
		.migrations_failed = s.migrations_failed,
		.migration_avg_ns = s.migrations ?
				    s.migration_ns / s.migrations : 0,
		.requests_queued = s.requests_queued,
		.memory_bytes = s.record_bytes + s.external_bytes +
				s.store_bytes + s.stream_bytes,
		.batch_size = s.batch_size,
		.hot_threshold = s.hot_threshold,
		.cold_threshold = s.cold_threshold,
		.auto_migration = s.auto_migration,
	};
	tw_give(stats, size, &m, sizeof(m));
	return 0;
}

TW_API int tier_watch_numa_balance(unsigned int nr)
{
	struct tw_numa_balance b;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (!err)
		err = tw_numa_balance(tw, nr, &b);
	return err ? err : count(b.moved);
}

static int alloc(struct tw *tw, const struct tw_agent *agent, size_t bytes,
		 void **addr)
{
	size_t size = (bytes + tw->page_size - 1) & ~((size_t)tw->page_size - 1);
	struct memory *m;
	int err;

	if (size < bytes)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	err = tw_region_create(tw, size, TW_TIER_CPU, 0, agent, &m->region);
	if (err) {
		free(m);
		return err;
	}
	*addr = tw_region_addr(m->region);
	take_lock();
	m->next = memories;
	memories = m;
	drop_lock();
	return 0;
}

TW_API int tier_watch_alloc(__u64 agent_id, size_t bytes, void **addr)
{
	struct held *held;
	struct tw *tw;
	int err;

	err = get(&tw);
	if (err)
		return err;
	err = get_agent(tw, agent_id, &held);
	if (err)
		return err;
	err = alloc(tw, held->agent, bytes, addr);
	put_agent(held, !err);
	return err;
}

TW_API int tier_watch_free(void *addr)
{
	struct memory **p, *m;

	if (!addr)
		return 0;
	take_lock();
	for (p = &memories; *p; p = &(*p)->next)
		if (tw_region_addr((*p)->region) == addr)
			break;
	m = *p;
	if (m)
		*p = m->next;
	drop_lock();
	if (!m)
		return -EINVAL;
	tw_region_close(m->region);
	free(m);
	return 0;
}

/* Regions of tier_watch_alloc() stay; they need neither the handle nor their agent's. */
TW_API void tier_watch_shutdown(void)
{
	struct held *h;

	take_lock();
	while ((h = agents)) {
		agents = h->next;
		tw_agent_close(h->agent);
		free(h);
	}
	tw_close(handle);
	handle = NULL;
	drop_lock();
}
