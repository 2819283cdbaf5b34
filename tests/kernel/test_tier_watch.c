// SPDX-License-Identifier: GPL-2.0
/*
 * test_tier_watch - unit tests of the API for kernel modules
 *
 * Loading it runs them and prints KTAP; if one fails, so does the load. Those that move
 * pages to tiers that are not bound are skipped, which is said. They track external pages
 * of numbers that no memory has, and frames of their own, and leave nothing behind.
 */
#define pr_fmt(fmt) fmt

#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/spinlock.h>

#include "tier_watch.h"
#include "tier_watch_hooks.h"

#define AGENT	0x7465737400000001ULL
#define OTHER	0x7465737400000002ULL
#define PFN	(1ULL << 40)
#define MANY	10000
#define FAULTS	100000

static int failed_line;

/* The first line that did not hold tells; the test ends there. */
#define CHECK(cond) do {						\
	if (!(cond)) {							\
		pr_err("# %s:%d: %s\n", __func__, __LINE__, #cond);	\
		return -EINVAL;						\
	}								\
} while (0)

/* -- tiers ------------------------------------------------------------------- */

static int test_tiers(void)
{
	struct tier_pressure p;
	struct tier_info info;
	int tier;

	for (tier = TIER_GPU; tier < TIER_COUNT; tier++) {
		CHECK(!tier_watch_get_tier_info(tier, &info));
		CHECK(info.tier == tier && info.nominal_latency_ns);
		CHECK(info.nominal_bandwidth);
		if (!info.bound) {
			CHECK(tier_watch_get_pressure(tier, &p) == -EOPNOTSUPP);
			continue;
		}
		CHECK(!tier_watch_get_pressure(tier, &p));
		CHECK(p.capacity == info.capacity);
		CHECK(p.level <= PRESSURE_CRITICAL);
	}
	CHECK(tier_watch_get_tier_info(-1, &info) == -EINVAL);
	CHECK(tier_watch_get_tier_info(TIER_COUNT, &info) == -EINVAL);
	CHECK(tier_watch_get_pressure(TIER_COUNT, &p) == -EINVAL);
	return 0;
}

static int test_thresholds(void)
{
	static const u32 enter[3] = { 50, 60, 70 }, leave[3] = { 40, 50, 60 };
	static const u32 usual_enter[3] = { 70, 85, 95 };
	static const u32 usual_leave[3] = { 65, 80, 90 };

	CHECK(!tier_watch_set_pressure_thresholds(TIER_SSD, enter, leave));
	CHECK(tier_watch_set_pressure_thresholds(TIER_SSD, leave, enter) ==
	      -EINVAL);
	CHECK(tier_watch_set_pressure_thresholds(TIER_COUNT, enter, leave) ==
	      -EINVAL);
	CHECK(!tier_watch_set_pressure_thresholds(TIER_SSD, usual_enter,
						  usual_leave));
	return 0;
}

/* -- tracking ------------------------------------------------------------------ */

static int test_track(void)
{
	struct agent_memory_stats mem;
	struct page_info info;

	CHECK(tier_watch_get_page_info(PFN, &info) == -ENOENT);
	CHECK(!tier_watch_track_page(PFN, TIER_NVME, AGENT));
	CHECK(tier_watch_track_page(PFN, TIER_NVME, AGENT) == -EEXIST);
	CHECK(!tier_watch_get_page_info(PFN, &info));
	CHECK(info.pfn == PFN && info.tier == TIER_NVME);
	CHECK(info.agent_id == AGENT && !info.heat && info.node == -1);
	CHECK(!tier_watch_get_agent_memory(AGENT, &mem));
	CHECK(mem.external[TIER_NVME] == 1 && mem.total_pages == 1);
	CHECK(!tier_watch_untrack_page(PFN));
	CHECK(tier_watch_untrack_page(PFN) == -ENOENT);
	CHECK(!tier_watch_get_agent_memory(AGENT, &mem));
	CHECK(!mem.total_pages);
	return 0;
}

static int test_track_refused(void)
{
	struct module_stats before, after;

	CHECK(!tier_watch_get_module_stats(&before));
	CHECK(tier_watch_track_page(PFN, TIER_COUNT, AGENT) == -EINVAL);
	CHECK(tier_watch_track_page(PFN, -1, AGENT) == -EINVAL);
	CHECK(tier_watch_track_page(1ULL << 52, TIER_CPU, AGENT) == -EINVAL);
	CHECK(tier_watch_track_page(1ULL << 63, TIER_CPU, AGENT) == -ENOENT);
	CHECK(tier_watch_track_page_numa(PFN, TIER_CPU, AGENT, -2) == -EINVAL);
	CHECK(tier_watch_track_page_numa(PFN, TIER_CPU, AGENT, MAX_NUMNODES) ==
	      -EINVAL);
	CHECK(!tier_watch_get_module_stats(&after));
	CHECK(before.pages_external == after.pages_external);
	return 0;
}

static int test_agents(void)
{
	struct agent_memory_stats mem;
	struct page_info info;

	CHECK(tier_watch_get_agent_memory(OTHER, &mem) == -ENOENT);
	CHECK(!tier_watch_track_page(PFN, TIER_HDD, OTHER));
	CHECK(!tier_watch_get_agent_memory(OTHER, &mem));
	CHECK(mem.limit[TIER_CPU] == ~0ULL);
	CHECK(!tier_watch_set_agent_limit(OTHER, TIER_CPU, 100));
	CHECK(tier_watch_set_agent_limit(OTHER, TIER_COUNT, 1) == -EINVAL);
	CHECK(!tier_watch_get_agent_memory(OTHER, &mem));
	CHECK(mem.limit[TIER_CPU] == 100 && mem.limit[TIER_GPU] == ~0ULL);
	CHECK(tier_watch_migrate_agent(OTHER, TIER_ANY, TIER_COUNT, 0, NULL) ==
	      -EINVAL);
	CHECK(!tier_watch_release_agent(OTHER));
	CHECK(tier_watch_release_agent(OTHER) == -ENOENT);
	CHECK(tier_watch_get_agent_memory(OTHER, &mem) == -ENOENT);
	CHECK(tier_watch_get_page_info(PFN, &info) == -ENOENT);
	return 0;
}

/* -- heat ---------------------------------------------------------------------- */

static int test_faults(void)
{
	struct fault_stats before, after;
	struct page_info info;
	int i;

	CHECK(!tier_watch_track_page_numa(PFN, TIER_GPU, AGENT, 0));
	CHECK(!tier_watch_get_fault_stats(TIER_GPU, &before));
	for (i = 0; i < 101; i++)
		CHECK(!tier_watch_handle_fault(PFN, i, FAULT_FLAG_WRITE));
	CHECK(tier_watch_handle_fault(PFN + 1, 0, 0) == -ENOENT);
	CHECK(!tier_watch_get_fault_stats(TIER_GPU, &after));
	CHECK(after.reported - before.reported == 101);
	CHECK(after.minor == before.minor && after.major == before.major);
	CHECK(!tier_watch_get_page_info(PFN, &info));
	CHECK(info.heat == 101 && info.temperature == 1 && info.node == 0);
	CHECK(tier_watch_get_optimal_numa_node(PFN) >= 0);
	CHECK(tier_watch_get_optimal_numa_node(PFN + 1) == -ENOENT);
	CHECK(!tier_watch_reset_fault_stats(TIER_GPU));
	CHECK(!tier_watch_get_fault_stats(TIER_GPU, &after));
	CHECK(!after.reported);
	CHECK(tier_watch_reset_fault_stats(TIER_COUNT) == -EINVAL);
	return tier_watch_untrack_page(PFN);
}

static void in_irq_fn(struct irq_work *work)
{
	if (tier_watch_handle_fault(PFN, 0, 0))
		failed_line = __LINE__;
}

static int test_atomic(void)
{
	struct irq_work work = IRQ_WORK_INIT_HARD(in_irq_fn);
	static DEFINE_SPINLOCK(lock);
	struct page_info info;
	unsigned long flags;
	int err;

	CHECK(!tier_watch_track_page(PFN, TIER_GPU, AGENT));
	spin_lock_irqsave(&lock, flags);
	err = tier_watch_handle_fault(PFN, 0, 0);
	spin_unlock_irqrestore(&lock, flags);
	CHECK(!err);
	failed_line = 0;
	irq_work_queue(&work);
	irq_work_sync(&work);
	CHECK(!failed_line);
	CHECK(!tier_watch_get_page_info(PFN, &info));
	CHECK(info.heat == 2);
	return tier_watch_untrack_page(PFN);
}

static int test_candidates(void)
{
	struct migration_candidate found[8];
	int n, i, hot = 0, cold = 0;

	for (i = 0; i < 4; i++)
		CHECK(!tier_watch_track_page(PFN + i, TIER_SSD, AGENT));
	CHECK(!tier_watch_mark_hot(PFN));
	CHECK(!tier_watch_mark_hot(PFN + 1));
	CHECK(!tier_watch_mark_cold(PFN + 2));
	CHECK(tier_watch_mark_hot(PFN + 4) == -ENOENT);
	n = tier_watch_get_migration_candidates(TIER_SSD, TIER_CPU, found, 8);
	for (i = 0; i < n; i++) {
		CHECK(found[i].from_tier == TIER_SSD && found[i].benefit_ns > 0);
		hot += found[i].pfn == PFN || found[i].pfn == PFN + 1;
		CHECK(found[i].pfn != PFN + 2);
	}
	CHECK(hot == 2);
	n = tier_watch_get_migration_candidates(TIER_SSD, TIER_HDD, found, 8);
	for (i = 0; i < n; i++)
		cold += found[i].pfn == PFN + 2;
	CHECK(cold == 1);
	CHECK(tier_watch_get_migration_candidates(TIER_SSD, TIER_SSD, found, 8) ==
	      -EINVAL);
	CHECK(tier_watch_get_migration_candidates(TIER_SSD, TIER_CPU, found, 0) ==
	      -EINVAL);
	for (i = 0; i < 4; i++)
		CHECK(!tier_watch_untrack_page(PFN + i));
	return 0;
}

/* -- moving -------------------------------------------------------------------- */

struct frames {
	struct page *page[2];
	int moves;
	int fail;
};

static int move_frame(void *data, u64 pfn, int from, int to, u64 *new_pfn)
{
	struct frames *f = data;
	int at = page_to_pfn(f->page[1]) == pfn;

	if (f->fail)
		return f->fail;
	copy_highpage(f->page[!at], f->page[at]);
	*new_pfn = page_to_pfn(f->page[!at]);
	f->moves++;
	return 0;
}

static int check_mover(struct frames *f, const struct tier_watch_mover *mover)
{
	u64 first = page_to_pfn(f->page[0]), second = page_to_pfn(f->page[1]);
	struct migration_request req = {
		.pfn = first, .from_tier = TIER_GPU, .to_tier = TIER_CPU,
		.priority = 80, .reason = MIGRATION_HOT_PROMOTION,
	};
	struct migration_result result;
	struct page_info info;

	memset(page_address(f->page[0]), 0x5a, PAGE_SIZE);
	memset(page_address(f->page[1]), 0, PAGE_SIZE);
	CHECK(!tier_watch_track_owned(first, TIER_GPU, AGENT, -1, mover));
	CHECK(!tier_watch_migrate_page(&req, &result));
	CHECK(!result.status && f->moves == 1 && result.id);
	CHECK(!memchr_inv(page_address(f->page[1]), 0x5a, PAGE_SIZE));
	CHECK(tier_watch_get_page_info(first, &info) == -ENOENT);
	CHECK(!tier_watch_get_page_info(second, &info));
	CHECK(info.tier == TIER_CPU);
	CHECK(info.node == page_to_nid(f->page[1]));

	req.pfn = second;		/* it is not in the GPU's any more */
	CHECK(tier_watch_migrate_page(&req, &result) == -EINVAL);
	req.from_tier = TIER_ANY;
	CHECK(!tier_watch_migrate_page(&req, &result) && result.status == 1);
	req.to_tier = TIER_GPU;
	f->fail = -EIO;
	CHECK(tier_watch_migrate_page(&req, &result) == -EIO);
	f->fail = 0;
	CHECK(!tier_watch_get_page_info(second, &info));
	CHECK(info.tier == TIER_CPU && f->moves == 1);
	tier_watch_drop_mover(mover);
	CHECK(tier_watch_migrate_page(&req, &result) == -EOPNOTSUPP);
	return tier_watch_untrack_page(second);
}

static int test_mover(void)
{
	struct frames f = {
		.page = { alloc_page(GFP_KERNEL), alloc_page(GFP_KERNEL) },
	};
	struct tier_watch_mover mover = { .move = move_frame, .data = &f };
	int err = -ENOMEM, i;

	if (f.page[0] && f.page[1])
		err = check_mover(&f, &mover);
	for (i = 0; i < 2; i++)
		if (f.page[i])
			__free_page(f.page[i]);
	return err;
}

static int test_migrate_refused(void)
{
	struct migration_request req = {
		.pfn = PFN, .from_tier = TIER_SSD, .to_tier = TIER_NVME,
	};
	struct migration_result result = { .status = 77 };

	CHECK(tier_watch_migrate_page(&req, &result) == -ENOENT);
	CHECK(result.status == 77);
	CHECK(!tier_watch_track_page(PFN, TIER_SSD, AGENT));
	CHECK(tier_watch_migrate_page(&req, &result) == -EOPNOTSUPP);
	req.to_tier = TIER_COUNT;
	CHECK(tier_watch_migrate_page(&req, &result) == -EINVAL);
	req.to_tier = TIER_NVME;
	req.priority = 101;
	CHECK(tier_watch_migrate_page(&req, &result) == -EINVAL);
	req.priority = 100;
	req.reason = 100;
	CHECK(tier_watch_migrate_page(&req, &result) == -EINVAL);
	CHECK(tier_watch_migrate_batch(&req, &result, 0) == -EINVAL);
	return tier_watch_untrack_page(PFN);
}

static int stay(void *data, u64 pfn, int from, int to, u64 *new_pfn)
{
	atomic_inc(data);
	return 0;
}

static int test_queue(void)
{
	static struct migration_request reqs[32];
	static struct migration_result results[32];
	atomic_t moves = ATOMIC_INIT(0);
	struct tier_watch_mover mover = { .move = stay, .data = &moves };
	struct page_info info;
	u64 id = 0;
	int i, try;

	for (i = 0; i < 32; i++) {
		CHECK(!tier_watch_track_owned(PFN + i, TIER_HDD, AGENT, -1,
					      &mover));
		reqs[i] = (struct migration_request){
			.pfn = PFN + i, .from_tier = TIER_HDD,
			.to_tier = TIER_SSD, .priority = i,
		};
	}
	CHECK(!tier_watch_migrate_batch(reqs, results, 32));
	for (i = 0; i < 32; i++)
		CHECK(!results[i].status);
	CHECK(atomic_read(&moves) == 32);
	reqs[0].from_tier = TIER_SSD;
	reqs[0].to_tier = TIER_NVME;
	CHECK(!tier_watch_queue_migration(&reqs[0], &id) && id);
	for (try = 0; try < 1000; try++) {
		CHECK(!tier_watch_get_page_info(PFN, &info));
		if (info.tier == TIER_NVME)
			break;
		msleep(10);
	}
	CHECK(info.tier == TIER_NVME);
	tier_watch_drop_mover(&mover);
	for (i = 0; i < 32; i++)
		CHECK(!tier_watch_untrack_page(PFN + i));
	return 0;
}

/* -- figures --------------------------------------------------------------------- */

static int test_numa(void)
{
	struct numa_stats stats;
	u64 moved = 77;
	int nid;

	for_each_online_node(nid) {
		CHECK(!tier_watch_get_numa_stats(nid, &stats));
		CHECK(stats.node == nid && stats.free_pages <= stats.total_pages);
	}
	CHECK(tier_watch_get_numa_stats(-1, &stats) == -EINVAL);
	CHECK(tier_watch_get_numa_stats(MAX_NUMNODES, &stats) == -ENOENT);
	CHECK(!tier_watch_balance_numa(1, &moved) && moved <= 1);
	return 0;
}

static int test_many(void)
{
	struct module_stats before, after;
	struct agent_memory_stats mem;
	u64 pfn;
	int i;

	CHECK(!tier_watch_get_module_stats(&before));
	for (pfn = PFN; pfn < PFN + MANY; pfn++)
		CHECK(!tier_watch_track_page(pfn, pfn % TIER_COUNT, AGENT));
	for (i = 0; i < FAULTS; i++)
		CHECK(!tier_watch_handle_fault(PFN + i % MANY, i, 0));
	CHECK(!tier_watch_get_module_stats(&after));
	CHECK(after.pages_external - before.pages_external == MANY);
	CHECK(after.pages_tracked - before.pages_tracked == MANY);
	CHECK(after.faults_reported - before.faults_reported == FAULTS);
	CHECK(after.memory_bytes > before.memory_bytes);
	CHECK(!tier_watch_get_agent_memory(AGENT, &mem));
	CHECK(mem.total_pages == MANY);
	for (i = 0; i < TIER_COUNT; i++)
		CHECK(mem.external[i] == MANY / TIER_COUNT);
	for (pfn = PFN; pfn < PFN + MANY; pfn++)
		CHECK(!tier_watch_untrack_page(pfn));
	CHECK(!tier_watch_get_module_stats(&after));
	CHECK(after.pages_external == before.pages_external);
	CHECK(after.memory_bytes == before.memory_bytes);
	return 0;
}

/* -- the notifier ------------------------------------------------------------------ */

static int created, ended;

static int noticed(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct tier_watch_notice *notice = data;

	if (notice->agent_id != OTHER)
		return NOTIFY_DONE;
	created += event == TIER_WATCH_AGENT_CREATED;
	ended += event == TIER_WATCH_AGENT_ENDED;
	return NOTIFY_OK;
}

static int test_notifier(void)
{
	struct notifier_block nb = { .notifier_call = noticed };

	created = 0;
	ended = 0;
	CHECK(!tier_watch_register_notifier(&nb));
	CHECK(!tier_watch_set_agent_limit(OTHER, TIER_CPU, 1));
	CHECK(created == 1 && !ended);
	CHECK(!tier_watch_release_agent(OTHER));
	CHECK(ended == 1);
	CHECK(!tier_watch_unregister_notifier(&nb));
	CHECK(tier_watch_unregister_notifier(&nb) == -ENOENT);
	CHECK(!tier_watch_set_agent_limit(OTHER, TIER_CPU, 1));
	CHECK(!tier_watch_release_agent(OTHER));
	CHECK(created == 1 && ended == 1);
	CHECK(tier_watch_set_user_agent_limit(GLOBAL_ROOT_UID, OTHER, TIER_CPU,
					      1) == -ENOENT);
	return 0;
}

/* What they are, and which tiers have to be bound for them. */
static const struct {
	const char *name;
	int (*run)(void);
	unsigned long tiers;
} tests[] = {
	{ "tiers", test_tiers },
	{ "thresholds", test_thresholds },
	{ "track", test_track },
	{ "track_refused", test_track_refused },
	{ "agents", test_agents },
	{ "faults", test_faults },
	{ "atomic", test_atomic },
	{ "candidates", test_candidates },
	{ "mover", test_mover, BIT(TIER_GPU) },
	{ "migrate_refused", test_migrate_refused,
	  BIT(TIER_NVME) | BIT(TIER_SSD) },
	{ "queue", test_queue,
	  BIT(TIER_NVME) | BIT(TIER_SSD) | BIT(TIER_HDD) },
	{ "numa", test_numa },
	{ "many", test_many },
	{ "notifier", test_notifier },
};

/* For a test of the tests: 1 makes the last one fail. */
static bool fail;
module_param(fail, bool, 0);
MODULE_PARM_DESC(fail, "Fail on purpose");

/* Which of these tiers are not bound: their names into @text, or nothing. */
static void unbound(unsigned long tiers, char *text, size_t size)
{
	static const char * const names[] = { "gpu", "cpu", "nvme", "ssd", "hdd" };
	struct tier_info info;
	unsigned int tier;
	size_t len = 0;

	*text = '\0';
	for_each_set_bit(tier, &tiers, TIER_COUNT)
		if (tier_watch_get_tier_info(tier, &info) || !info.bound)
			len += scnprintf(text + len, size - len, " %s", names[tier]);
}

static int __init test_init(void)
{
	int i, failures = 0, skipped = 0;

	pr_info("KTAP version 1\n");
	pr_info("1..%zu\n", ARRAY_SIZE(tests));
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		char missing[32];
		bool ok;

		unbound(tests[i].tiers, missing, sizeof(missing));
		if (*missing) {
			pr_info("ok %d %s # SKIP not bound:%s\n", i + 1,
				tests[i].name, missing);
			skipped++;
			continue;
		}
		ok = !tests[i].run() && !(fail && i == ARRAY_SIZE(tests) - 1);
		pr_info("%sok %d %s\n", ok ? "" : "not ", i + 1, tests[i].name);
		failures += !ok;
		cond_resched();
	}
	tier_watch_release_agent(AGENT);
	tier_watch_release_agent(OTHER);
	pr_info("# pass:%zu fail:%d skip:%d\n",
		ARRAY_SIZE(tests) - failures - skipped, failures, skipped);
	return failures ? -EINVAL : 0;
}

static void __exit test_exit(void)
{
}

module_init(test_init);
module_exit(test_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Unit tests of TierWatch's API for kernel modules");
