// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of cgroups that come and go, by the patterns of tierwatch.conf.
 *
 * It keeps no list of what it has set: a cgroup that matches has its limits by the file,
 * whoever set others, and what has limits, matches and is gone, has none any more. So a
 * daemon that begins anew goes on where the last one ended.
 *
 * inotify says at once when a cgroup comes. What it may miss (a folder that comes with
 * others in it, a queue that was full, no watches left) the next look through all finds,
 * and so does each look after a change, since it goes through all that may match.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "agent/agent_cgroup.h"
#include "base/cli.h"
#include "base/stop.h"
#include "base/text.h"
#include "conf/conf_cgroup.h"
#include "keep.h"
#include "say.h"

/* From one look through all cgroups to the next, when none is seen to come or go. */
#define AGAIN_NS	(60 * NS_PER_SEC)
/* When the driver could not be opened. */
#define SOON_NS		NS_PER_SEC
/* When not all folders can be watched. */
#define BLIND_NS	NS_PER_SEC
/* When a cgroup that is gone still has pages. */
#define LEFT_NS		(5 * NS_PER_SEC)

void td_keep_begin(struct td_keep *k)
{
	k->fd = -1;
}

void td_keep_end(struct td_keep *k)
{
	conf_free(&k->conf);
	if (k->fd >= 0)
		close(k->fd);
}

/* -- the files ------------------------------------------------------------- */

/* Whether it is another one than that was read, or one that was written since. */
static bool has_changed(const struct stat *a, const struct stat *b)
{
	return a->st_dev != b->st_dev || a->st_ino != b->st_ino ||
	       a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static bool has_patterns(const struct conf *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_agents; i++)
		if (c->agents[i].whose == CONF_PATTERN)
			return true;
	return false;
}

/* Whether any has come, gone or been written. Those that are not there say nothing. */
static bool files_changed(struct td_keep *k)
{
	bool changed = false;
	unsigned int i;

	for (i = 0; i < TD_CONFS && k->path[i]; i++) {
		struct stat now = { 0 };

		if (stat(k->path[i], &now))
			memset(&now, 0, sizeof(now));
		changed = has_changed(&now, &k->seen[i]) || changed;
		k->seen[i] = now;
	}
	return changed;
}

/* Whether there is something new. What is wrong changes nothing, in any of the files. */
static bool read_files(struct td_keep *k)
{
	struct conf conf = { .page_size = sysconf(_SC_PAGESIZE) };
	unsigned int i;
	int err = 0;
	FILE *f;

	if (!files_changed(k))
		return false;
	for (i = 0; i < TD_CONFS && k->path[i]; i++) {
		f = fopen(k->path[i], "re");
		if (!f && errno == ENOENT)
			continue;
		conf.name = k->path[i];
		if (!f) {
			td_say(TD_WARNING, "%s: %s", k->path[i], strerror(errno));
			/* It is tried again, though it does not change. */
			memset(&k->seen[i], 0, sizeof(k->seen[i]));
		}
		if (!f || conf_read(&conf, f))
			err = -EINVAL;
		if (f)
			fclose(f);
	}
	if (err) {
		td_say(TD_WARNING, "limits of cgroups that come stay as they were set before. Mend the file; to try it: tw apply --dry-run --conf FILE");
		conf_free(&conf);
		return false;
	}
	conf_free(&k->conf);
	k->conf = conf;
	return true;
}

/**
 * struct keeping - a look through all
 * @k: the daemon's
 * @tw: the driver
 * @left: limits of what is gone still hold for something
 * @err: the last that went wrong
 */
struct keeping {
	struct td_keep *k;
	struct tw *tw;
	bool left;
	int err;
};

/* -- what comes and goes --------------------------------------------------- */

/* Where it cannot watch it looks more often; a folder that went again needs no watch. */
static void watch(const char *dir, void *arg)
{
	const __u32 what = IN_CREATE | IN_DELETE | IN_ONLYDIR;
	struct td_keep *k = ((struct keeping *)arg)->k;

	if (k->fd >= 0 && inotify_add_watch(k->fd, dir, what) < 0 && errno != ENOENT)
		k->blind = true;
}

/* Whether anything has come or gone since the last time. */
static bool has_news(struct td_keep *k)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool any = false;

	while (k->fd >= 0 && read(k->fd, events, sizeof(events)) > 0)
		any = true;
	return any;
}

/* -- limits ---------------------------------------------------------------- */

static void told(const struct td_keep *k, const char *path, const struct conf_agent *a,
		 const __u64 then[TW_NR_TIERS], unsigned int changed)
{
	char name[PATH_MAX], size[TEXT_LEN], text[256];
	size_t len = 0;
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		if (!(changed >> i & 1))
			continue;
		len += snprintf(text + len, sizeof(text) - len, " %s=%s", tw_tier_name(i),
				then[i] == TW_NO_LIMIT ? "none" :
				text_bytes(size, then[i] * k->conf.page_size));
	}
	snprintf(name, sizeof(name), "%s", path);
	text_clean(name);
	td_say(TD_NOTICE, "%scgroup %s:%s, by %s:%u", k->dry_run ? "would limit " : "", name,
	       text, a->file, a->line);
}

/* One that cannot be limited is no reason to leave others without. */
static int limit(const char *path, void *arg)
{
	struct keeping *now = arg;
	const struct conf *c = &now->k->conf;
	const struct conf_agent *a = conf_pattern_of(c, path);
	struct tw_group_limits limits;
	__u64 then[TW_NR_TIERS];
	unsigned int changed;
	int err;

	if (!a)
		return 0;
	err = tw_cgroup_limits_get(now->tw, path, &limits);
	changed = err ? 0 : conf_limits(c, a, limits.pages, then);
	if (changed && !now->k->dry_run)
		err = tw_cgroup_limits_set(now->tw, path, then);
	if (err)
		now->err = err;
	else if (changed)
		told(now->k, path, a, then, changed);
	return 0;
}

static bool is_there(const char *path)
{
	char dir[PATH_MAX];
	struct stat st;

	return snprintf(dir, sizeof(dir), CGROUPS "%s", path) >= (int)sizeof(dir) ||
	       !stat(dir, &st) || errno != ENOENT;
}

/*
 * There is room for limits of 1024 groups, so those of cgroups that are gone are lifted,
 * once nothing is left of what they hold for.
 */
static void lift(struct keeping *now)
{
	const __u64 none[TW_NR_TIERS] = { [0 ... TW_NR_TIERS - 1] = TW_NO_LIMIT };
	struct tw_group_limits limits;
	char path[PATH_MAX];
	__u64 cursor = 0, used;
	int i, err;

	while (!(err = tw_group_limits_next(now->tw, &cursor, path, sizeof(path), &limits))) {
		if (limits.kind != TW_GROUP_CGROUP || !conf_pattern_of(&now->k->conf, path) ||
		    is_there(path))
			continue;
		for (i = 0, used = 0; i < TW_NR_TIERS; i++)
			used |= limits.used[i];
		now->left = now->left || used;
		if (used || now->k->dry_run)
			continue;
		err = tw_cgroup_limits_set(now->tw, path, none);
		if (err)
			break;
		td_say(TD_INFO, "cgroup %s is gone, and its limits", text_clean(path));
	}
	if (err != -ENOENT)
		now->err = err;
}

/* 0 or -errno. *@after: until the next, whatever happens. */
static int look_through(struct td_keep *k, __u64 *after)
{
	struct keeping now = { .k = k };
	struct pattern_walk w = { .enter = watch, .match = limit, .arg = &now };
	int err = tw_open(cli_device, &now.tw);

	/* Whether the driver is there is for main.c to say; if it is, this was in passing. */
	*after = SOON_NS;
	if (err)
		return 0;
	k->blind = k->fd < 0;
	err = conf_pattern_walk(&k->conf, &w);
	if (!err)
		lift(&now);
	tw_close(now.tw);
	/* What was lifted just now is room for those that found none. */
	*after = k->blind ? BLIND_NS : now.left || now.err == -ENOSPC ? LEFT_NS : AGAIN_NS;
	return err ? err : now.err;
}

static void said_once(struct td_keep *k, int err)
{
	if (err == -EPERM && k->failed != err)
		td_say(TD_WARNING, "limits of cgroups that come later are not set, which takes CAP_SYS_RESOURCE");
	else if (err && k->failed != err)
		td_say(TD_WARNING, "limits of cgroups: %s", strerror(-err));
	k->failed = err;
}

void td_keep(struct td_keep *k, bool again)
{
	__u64 after;

	if (read_files(k)) {
		again = true;
		/* Watches on folders that nobody asks for any more end with it. */
		if (k->fd >= 0)
			close(k->fd);
		k->fd = has_patterns(&k->conf) ? inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
	}
	if (!has_patterns(&k->conf))
		return;
	if (has_news(k) || now_ns() >= k->due_ns)
		again = true;
	if (!again)
		return;
	said_once(k, look_through(k, &after));
	k->due_ns = now_ns() + after;
}
