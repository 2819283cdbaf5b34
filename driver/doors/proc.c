// SPDX-License-Identifier: GPL-2.0
/*
 * proc.c - /proc/swarm: statistics for people and shell scripts
 *
 * Owns the folder and its files. Each line is `name value`; tierwatch_proc(5)
 * documents the names. Nothing in the files names an address or a frame. Removing the
 * files waits for their readers, so they need no reference to the module.
 *
 * If there is a folder of that name already, another module owns it. Nothing is put
 * there until that module calls tier_watch_proc_adopt().
 *
 * Locks: tw_proc_lock (a mutex, innermost) guards which folder and files there are.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/cred.h>
#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/user_namespace.h>

#include "agents/agent.h"
#include "base/stats.h"
#include "base/usercopy.h"
#include "doors/proc.h"
#include "doors/report_stats.h"
#include "tier_watch_hooks.h"
#include "tiers/bind.h"
#include "tiers/nodes.h"
#include "tiers/store.h"
#include "tiers/tier.h"

#define TW_PROC		"swarm"

static unsigned int proc_gid;
module_param(proc_gid, uint, 0444);
MODULE_PARM_DESC(proc_gid, "Group that may read /proc/swarm/agents and numa (default 0)");

static DEFINE_MUTEX(tw_proc_lock);
static struct proc_dir_entry *tw_proc_dir;	/* the folder; NULL if there is none */
static struct proc_dir_entry *tw_proc_files[4];	/* entries of the folder */
static bool tw_proc_own;			/* the driver has made the folder */

static void tw_line(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "%s %llu\n", name, value);
}

/* -- tiers ------------------------------------------------------------------- */

static const char * const tw_kind_names[] = {
	[TW_KIND_NONE]	= "none",
	[TW_KIND_NUMA]	= "numa",
	[TW_KIND_STORE]	= "store",
};

static void tw_proc_counters(struct seq_file *m, int tier)
{
	struct tw_stats_counters c;

	tw_stats_sum(tier, &c);
	tw_line(m, "faults_minor_read", c.minor_read);
	tw_line(m, "faults_minor_write", c.minor_write);
	tw_line(m, "faults_major_read", c.major_read);
	tw_line(m, "faults_major_write", c.major_write);
	tw_line(m, "faults_first", c.first);
	tw_line(m, "faults_reported", c.reported);
	tw_line(m, "fault_ns", c.fault_ns);
	tw_line(m, "migrations_in", c.moves_in);
	tw_line(m, "migrations_out", c.moves_out);
	tw_line(m, "migrations_failed", c.moves_failed);
	tw_line(m, "migration_ns", c.move_ns);
	tw_line(m, "bytes_read", c.bytes_read);
	tw_line(m, "bytes_written", c.bytes_written);
	tw_line(m, "io_errors", c.io_errors);
	tw_line(m, "stalls", c.stalls);
	tw_line(m, "taken_back", c.taken_back);
	tw_line(m, "refaults", c.refaults);
	tw_line(m, "refaults_early", c.refaults_early);
	tw_line(m, "swap_in", c.swap_in);
	tw_line(m, "swap_out", c.swap_out);
	tw_line(m, "swap_sunk", c.swap_sunk);
	tw_line(m, "waited_ns", c.waited_ns);
}

static int tw_proc_tier(struct seq_file *m, void *v)
{
	struct tw_tier_desc *t = m->private;
	struct tw_tier_info info = { .tier = t->id };
	struct tw_pressure p = { .tier = t->id };

	tw_tier_get_info(&info);
	if (tw_tier_get_pressure(&p))
		memset(&p, 0, sizeof(p));
	seq_printf(m, "kind %s\n", tw_kind_names[info.kind]);
	tw_line(m, "capacity_pages", info.capacity);
	tw_line(m, "used_pages", info.used);
	tw_line(m, "kept_pages", info.kept);
	tw_line(m, "swap_used_pages", READ_ONCE(t->sh->swap_used));
	tw_line(m, "pressure_level", p.level);
	tw_line(m, "used_permille", p.permille);
	tw_line(m, "avoided", tw_store_failing(t));
	tw_line(m, "latency_ns", info.latency_ns);
	tw_line(m, "bandwidth_bytes", info.bandwidth);
	tw_line(m, "nominal_latency_ns", info.nominal_latency_ns);
	tw_line(m, "nominal_bandwidth_bytes", info.nominal_bandwidth);
	tw_proc_counters(m, t->id);
	return 0;
}

/* -- the module --------------------------------------------------------------- */

/* Counters of the scanner and the policy. */
static void tw_proc_auto(struct seq_file *m)
{
	tw_line(m, "scans", READ_ONCE(tw_stats->scans));
	tw_line(m, "scan_ns", READ_ONCE(tw_stats->scan_ns));
	tw_line(m, "scan_pages", READ_ONCE(tw_stats->scan_pages));
	tw_line(m, "scan_skipped", READ_ONCE(tw_stats->scan_skipped));
	tw_line(m, "scan_period_ms", READ_ONCE(tw_stats->scan_period_ms));
	tw_line(m, "scan_window_us", READ_ONCE(tw_stats->scan_window_us));
	tw_line(m, "auto_considered", READ_ONCE(tw_stats->auto_considered));
	tw_line(m, "auto_promoted", READ_ONCE(tw_stats->auto_promoted));
	tw_line(m, "auto_demoted", READ_ONCE(tw_stats->auto_demoted));
	tw_line(m, "auto_busy", READ_ONCE(tw_stats->auto_busy));
	tw_line(m, "auto_full", READ_ONCE(tw_stats->auto_full));
	tw_line(m, "auto_unpaid", READ_ONCE(tw_stats->auto_unpaid));
	tw_line(m, "auto_stayed", READ_ONCE(tw_stats->auto_stayed));
	tw_line(m, "auto_limited", READ_ONCE(tw_stats->auto_limited));
	tw_line(m, "auto_thrash", READ_ONCE(tw_stats->auto_thrash));
	tw_line(m, "auto_margin", READ_ONCE(tw_stats->auto_margin));
	tw_line(m, "auto_ns", READ_ONCE(tw_stats->auto_ns));
}

static int tw_proc_module(struct seq_file *m, void *v)
{
	struct tw_module_stats s = { .size = sizeof(s) };

	tw_module_stats_ioctl(&s);
	tw_line(m, "pages_tracked", s.pages_tracked);
	tw_line(m, "pages_external", s.pages_external);
	tw_line(m, "pages_lost", s.lost);
	tw_line(m, "faults", s.faults);
	tw_line(m, "faults_reported", s.faults_reported);
	tw_line(m, "faults_sigbus", s.sigbus);
	tw_line(m, "migrations", s.migrations);
	tw_line(m, "migrations_failed", s.migrations_failed);
	tw_line(m, "migration_latency_avg_ns",
		s.migrations ? div64_u64(s.migration_ns, s.migrations) : 0);
	tw_line(m, "migration_batch_size", s.batch_size);
	tw_line(m, "requests_queued", s.requests_queued);
	tw_line(m, "requests_done", s.requests_done);
	tw_line(m, "requests_failed", s.requests_failed);
	tw_line(m, "requests_cancelled", s.requests_cancelled);
	tw_line(m, "events", s.events);
	tw_line(m, "regions", s.regions);
	tw_line(m, "agents", s.agents);
	tw_line(m, "streams", s.streams);
	tw_line(m, "record_bytes", s.record_bytes);
	tw_line(m, "external_bytes", s.external_bytes);
	tw_line(m, "store_bytes", s.store_bytes);
	tw_line(m, "stream_bytes", s.stream_bytes);
	tw_line(m, "hot_threshold", s.hot_threshold);
	tw_line(m, "cold_threshold", s.cold_threshold);
	tw_line(m, "auto_migration", s.auto_migration);
	tw_proc_auto(m);
	tw_line(m, "room_pages", READ_ONCE(tw_stats->room));
	tw_line(m, "room_taken_pages", READ_ONCE(tw_stats->room_taken));
	tw_line(m, "room_reserved_pages", READ_ONCE(tw_stats->room_reserved));
	return 0;
}

/* -- agents and nodes ----------------------------------------------------------- */

/*
 * Shows one agent at a time, since there may be thousands. Each is referenced while it
 * is shown. The position is the serial number of the agent before.
 */
static void *tw_proc_agents_start(struct seq_file *m, loff_t *pos)
{
	return tw_agent_after(*pos);
}

static void *tw_proc_agents_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct tw_agent *a = v;

	*pos = a->serial;
	tw_agent_put(a);
	return tw_agent_after(*pos);
}

static void tw_proc_agents_stop(struct seq_file *m, void *v)
{
	if (v)
		tw_agent_put(v);
}

static int tw_proc_agents_show(struct seq_file *m, void *v)
{
	struct tw_agent_stats sum = { }, *s = &sum;
	struct tw_agent *a = v;
	char who[64];
	int tier;

	tw_agent_sum(a, s);
	snprintf(who, sizeof(who), "%s%u/%llu/", s->is_default ? "cgroup/" : "",
		 from_kuid_munged(seq_user_ns(m), a->uid), s->id);
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		seq_printf(m, "%spages_%s %llu\n", who, tw_tier_names[tier],
			   s->pages[tier]);
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		seq_printf(m, "%sexternal_%s %llu\n", who, tw_tier_names[tier],
			   s->external[tier]);
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		seq_printf(m, "%sfaults_%s %llu\n", who, tw_tier_names[tier],
			   s->faults_minor[tier] + s->faults_major[tier]);
	seq_printf(m, "%sfaults_reported %llu\n", who, s->reported);
	seq_printf(m, "%sregions %llu\n", who, s->regions);
	return 0;
}

static const struct seq_operations tw_proc_agents_ops = {
	.start	= tw_proc_agents_start,
	.next	= tw_proc_agents_next,
	.stop	= tw_proc_agents_stop,
	.show	= tw_proc_agents_show,
};

static int tw_proc_numa(struct seq_file *m, void *v)
{
	int nid;

	for_each_online_node(nid) {
		struct tw_numa_stats s = { .size = sizeof(s), .node = nid };

		if (tw_numa_stats_ioctl(&s))
			continue;
		seq_printf(m, "node%d/tier %s\n", nid, s.tier < TW_NR_TIERS ?
			   tw_tier_names[s.tier] : "none");
		seq_printf(m, "node%d/total_pages %llu\n", nid, s.total);
		seq_printf(m, "node%d/free_pages %llu\n", nid, s.free);
		seq_printf(m, "node%d/pages %llu\n", nid, s.pages);
		seq_printf(m, "node%d/local %llu\n", nid, s.local);
		seq_printf(m, "node%d/remote %llu\n", nid, s.remote);
		seq_printf(m, "node%d/moved_in %llu\n", nid, s.moved_in);
	}
	return 0;
}

/* -- the folder ------------------------------------------------------------------ */

static bool tw_proc_tiers(struct proc_dir_entry *tiers)
{
	struct proc_dir_entry *one;
	int id;

	if (!tiers)
		return false;
	for (id = 0; id < TW_NR_TIERS; id++) {
		one = proc_mkdir(tw_tier_names[id], tiers);
		if (!one || !proc_create_single_data("stats", 0444, one,
						     tw_proc_tier,
						     &tw_tiers[id]))
			return false;
	}
	return true;
}

/* Lets only root and the group proc_gid read a file that tells of other users' pages. */
static struct proc_dir_entry *tw_proc_private(struct proc_dir_entry *e)
{
	kgid_t gid = make_kgid(&init_user_ns, proc_gid);

	if (e && gid_valid(gid))
		proc_set_user(e, GLOBAL_ROOT_UID, gid);
	return e;
}

bool tw_proc_allowed(void)
{
	kgid_t gid = make_kgid(&init_user_ns, proc_gid);

	return uid_eq(current_fsuid(), GLOBAL_ROOT_UID) || in_group_p(gid) ||
	       tw_is_admin();
}

static bool tw_proc_taken(void)
{
	struct path path;

	if (kern_path("/proc/" TW_PROC, 0, &path))
		return false;
	path_put(&path);
	return true;
}

static int tw_proc_fill(void)
{
	lockdep_assert_held(&tw_proc_lock);
	tw_proc_files[0] = proc_mkdir("tiers", tw_proc_dir);
	if (!tw_proc_tiers(tw_proc_files[0]))
		return -ENOMEM;
	tw_proc_files[1] = proc_create_single_data("module_stats", 0444,
						   tw_proc_dir, tw_proc_module,
						   NULL);
	tw_proc_files[2] = tw_proc_private(proc_create_seq("agents", 0440,
				tw_proc_dir, &tw_proc_agents_ops));
	tw_proc_files[3] = tw_proc_private(proc_create_single("numa", 0440,
				tw_proc_dir, tw_proc_numa));
	return tw_proc_files[1] && tw_proc_files[2] && tw_proc_files[3] ?
	       0 : -ENOMEM;
}

/* Removes the files, which waits for their readers, and the folder if the driver made it. */
static void tw_proc_empty(void)
{
	unsigned int i;

	lockdep_assert_held(&tw_proc_lock);
	for (i = 0; i < ARRAY_SIZE(tw_proc_files); i++) {
		proc_remove(tw_proc_files[i]);
		tw_proc_files[i] = NULL;
	}
	if (tw_proc_own)
		proc_remove(tw_proc_dir);
	tw_proc_dir = NULL;
	tw_proc_own = false;
}

/* Makes the files in @dir. Returns 0 or -ENOMEM, then none is left. */
static int tw_proc_in(struct proc_dir_entry *dir, bool own)
{
	int err;

	lockdep_assert_held(&tw_proc_lock);
	tw_proc_dir = dir;
	tw_proc_own = own;
	err = dir ? tw_proc_fill() : -ENOMEM;
	if (err)
		tw_proc_empty();
	return err;
}

/**
 * tier_watch_proc_adopt - make the files in a folder of the caller's
 * @swarm: the folder; must stay until tier_watch_proc_release() has returned
 *
 * May sleep.
 *
 * Return: 0, -EBUSY if the files are in another folder already, or -ENOMEM.
 */
int tier_watch_proc_adopt(struct proc_dir_entry *swarm)
{
	int err = -EBUSY;

	mutex_lock(&tw_proc_lock);
	if (!tw_proc_dir)
		err = tw_proc_in(swarm, false);
	mutex_unlock(&tw_proc_lock);
	return err;
}
EXPORT_SYMBOL_GPL(tier_watch_proc_adopt);

/**
 * tier_watch_proc_release - remove the files, and the folder if the driver made it
 *
 * Waits for their readers. May sleep.
 */
void tier_watch_proc_release(void)
{
	mutex_lock(&tw_proc_lock);
	tw_proc_empty();
	mutex_unlock(&tw_proc_lock);
}
EXPORT_SYMBOL_GPL(tier_watch_proc_release);

/**
 * tw_proc_init - make the folder at load, unless another module has it
 *
 * The last room to begin, since the files may be read at once.
 *
 * Return: 0 or -ENOMEM.
 */
int tw_proc_init(void)
{
	int err;

	if (tw_proc_taken()) {
		pr_info("/proc/%s is somebody else's, who may hand it over\n",
			TW_PROC);
		return 0;
	}
	mutex_lock(&tw_proc_lock);
	err = tw_proc_in(proc_mkdir(TW_PROC, NULL), true);
	mutex_unlock(&tw_proc_lock);
	return err;
}

/**
 * tw_proc_exit - remove the files at unload; the first room to end
 */
void tw_proc_exit(void)
{
	tier_watch_proc_release();
}
