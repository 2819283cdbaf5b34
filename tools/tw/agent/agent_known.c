// SPDX-License-Identifier: GPL-2.0
/*
 * What agents are called. The driver knows labels, which programs choose, and
 * cgroups' numbers. What people know is programs and cgroups' paths: those are
 * found in /proc, by who has memory of an agent mapped, and in /sys/fs/cgroup.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent_cgroup.h"
#include "agent/agent_find.h"
#include "agent/agent_known.h"
#include "base/stop.h"
#include "base/text.h"
#include "machine/borrow.h"

#define BATCH		256
/* Of the time, that looking takes at most: one part of so many. */
#define SHARE		10
#define LATE_NS		(10 * NS_PER_SEC)

/* -- looking ----------------------------------------------------------------- */

static int keep_path(__u64 id, const char *path, void *arg)
{
	struct agents_known *all = arg;
	size_t i;

	for (i = 0; i < all->nr; i++) {
		struct agent_known *a = &all->agent[i];

		if (!a->is_default || a->id != id)
			continue;
		snprintf(a->cgroup, sizeof(a->cgroup), "%s",
			 text_tail(path, sizeof(a->cgroup) - 1));
		text_clean(a->cgroup);
	}
	return 0;
}

static void find_cgroups(struct agents_known *all)
{
	size_t i;

	for (i = 0; i < all->nr; i++) {
		if (all->agent[i].is_default) {
			cgroups_each(keep_path, all);
			return;
		}
	}
}

/* Is the process of the agent's user, in its user namespace? */
static bool same_owner(const struct agent_known *a, __u32 pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	if (stat(path, &st) || st.st_uid != a->uid)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/ns/user", pid);
	return !stat(path, &st) && st.st_ino == a->user_ns;
}

/*
 * The driver says only the label of a region's agent. Of several that have it,
 * it is that of the process's own user.
 */
static struct agent_known *agent_of(struct agents_known *all, __u64 id,
				    __u32 pid)
{
	struct agent_known *found = NULL;
	size_t i, nr = 0;

	for (i = 0; i < all->nr; i++) {
		if (all->agent[i].id != id)
			continue;
		found = &all->agent[i];
		nr++;
	}
	if (nr <= 1)
		return found;
	for (i = 0; i < all->nr; i++)
		if (all->agent[i].id == id && !all->agent[i].is_default &&
		    same_owner(&all->agent[i], pid))
			return &all->agent[i];
	return NULL;
}

/* Has the agents of these mappings know their programs. */
static void keep_programs(struct agents_known *all,
			  const struct map_region * const *map, size_t nr)
{
	struct tw_page infos[BATCH];
	__u64 numbers[BATCH];
	size_t i;

	for (i = 0; i < nr; i++)
		numbers[i] = TW_PAGE(map[i]->id, 0);
	if (!nr || tw_page_info(all->tw, numbers, nr, infos))
		return;
	for (i = 0; i < nr; i++) {
		struct agent_known *a;

		if (infos[i].status || infos[i].owner != map[i]->id)
			continue;
		a = agent_of(all, infos[i].agent, map[i]->pid);
		if (!a || a->pid)
			continue;
		a->pid = map[i]->pid;
		snprintf(a->program, sizeof(a->program), "%s", map[i]->name);
	}
}

/* Each region by the first of its mappings in each process. */
static void find_programs(struct agents_known *all)
{
	const struct map_region *batch[BATCH];
	struct map_list maps = { 0 };
	struct borrowed files = { 0 };
	struct tw_info info;
	size_t i, nr = 0;

	if (!all->nr || tw_info(all->tw, &info))
		return;
	maps.dev = info.region_dev;
	/* What can't be looked into has no name. */
	if (!maps_of_all(&maps, sysconf(_SC_PAGESIZE)) && maps.nr &&
	    !borrow_of_all(&files)) {
		for (i = 0; i < maps.nr; i++) {
			if (i && maps.map[i].id == maps.map[i - 1].id &&
			    maps.map[i].pid == maps.map[i - 1].pid)
				continue;
			batch[nr++] = &maps.map[i];
			if (nr == BATCH) {
				keep_programs(all, batch, nr);
				nr = 0;
			}
		}
		keep_programs(all, batch, nr);
	}
	borrow_return(&files);
	maps_free(&maps);
}

/* What there was stays when there is nothing better. */
static void look(struct agents_known *all)
{
	struct tw_agent_entry *list;
	struct agent_known *agent;
	__u64 start = now_ns(), end;
	int i, nr;

	nr = agents_load(all->tw, &list);
	agent = nr < 0 ? NULL : calloc(nr + 1, sizeof(*agent));
	if (agent) {
		for (i = 0; i < nr; i++) {
			agent[i].id = list[i].id;
			agent[i].uid = list[i].uid;
			agent[i].is_default = list[i].flags &
					      TW_AGENT_IS_DEFAULT;
			agent[i].user_ns = list[i].user_ns;
		}
		free(all->agent);
		all->agent = agent;
		all->nr = nr;
		all->last = NULL;
		find_cgroups(all);
		find_programs(all);
	}
	if (nr >= 0)
		free(list);
	end = now_ns();
	all->soon_ns = end + (SHARE - 1) * (end - start);
	if (all->soon_ns < end + NS_PER_SEC)
		all->soon_ns = end + NS_PER_SEC;
	all->late_ns = all->soon_ns + LATE_NS;
}

/* Looks when it is time to; true if it did. */
static bool look_again(struct agents_known *all, const struct agent_known *a)
{
	bool nameless = !a || !(a->is_default ? a->cgroup : a->program)[0];

	if (now_ns() < (nameless ? all->soon_ns : all->late_ns))
		return false;
	look(all);
	return true;
}

/* -- asking ------------------------------------------------------------------ */

static const struct agent_known *find(const struct agents_known *all,
				      const struct tw_agent_entry *e)
{
	bool is_default = e->flags & TW_AGENT_IS_DEFAULT;
	size_t i;

	for (i = 0; i < all->nr; i++) {
		const struct agent_known *a = &all->agent[i];

		if (a->id == e->id && a->uid == e->uid &&
		    a->user_ns == e->user_ns && a->is_default == is_default)
			return a;
	}
	return NULL;
}

const struct agent_known *agent_known(struct agents_known *all,
				      const struct tw_agent_entry *e)
{
	const struct agent_known *a = find(all, e);

	return look_again(all, a) ? find(all, e) : a;
}

static const struct agent_known *find_label(struct agents_known *all, __u64 id)
{
	const struct agent_known *found = NULL;
	size_t i;

	if (all->last && all->last->id == id)
		return all->last;
	for (i = 0; i < all->nr; i++) {
		if (all->agent[i].id != id)
			continue;
		if (found)
			return NULL;
		found = &all->agent[i];
	}
	all->last = found;
	return found;
}

const struct agent_known *agent_known_label(struct agents_known *all, __u64 id)
{
	const struct agent_known *a = find_label(all, id);

	return look_again(all, a) ? find_label(all, id) : a;
}

void agents_known_free(struct agents_known *all)
{
	free(all->agent);
	all->agent = NULL;
	all->nr = 0;
	all->last = NULL;
}

/* -- names ------------------------------------------------------------------- */

const char *agent_name(char *buf, const struct agent_known *a, __u64 id)
{
	if (a && a->is_default && a->cgroup[0])
		snprintf(buf, AGENT_TEXT_LEN, "%s", a->cgroup);
	else if (a && !a->is_default && a->program[0])
		snprintf(buf, AGENT_TEXT_LEN, "%s", a->program);
	else
		snprintf(buf, AGENT_TEXT_LEN, "%llu", (unsigned long long)id);
	return buf;
}

const char *agent_text(char *buf, const struct agent_known *a, __u64 id)
{
	if (a && a->is_default && !a->cgroup[0])
		snprintf(buf, AGENT_TEXT_LEN, "cgroup %llu",
			 (unsigned long long)id);
	else if (a && !a->is_default && a->program[0])
		snprintf(buf, AGENT_TEXT_LEN, "%llu %s",
			 (unsigned long long)id, a->program);
	else
		agent_name(buf, a, id);
	return buf;
}
