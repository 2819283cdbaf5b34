// SPDX-License-Identifier: GPL-2.0
/*
 * All agents, from /proc/swarm/agents, whose format tierwatch_proc(5) tells.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

#define PATH	"/proc/swarm/agents"

/* Lines of one agent come in a row. */
static struct top_agent *last_of(struct top_agent *agents, size_t nr, __u32 uid,
				 __u64 id, bool is_default)
{
	struct top_agent *a = nr ? &agents[nr - 1] : NULL;

	return a && a->uid == uid && a->id == id &&
	       a->is_default == is_default ? a : NULL;
}

static void take(struct top_agent *a, const char *name, __u64 value)
{
	int t;

	for (t = 0; t < TW_NR_TIERS; t++) {
		size_t len = strlen(name) - strlen(tw_tier_name(t));

		if (strlen(name) <= strlen(tw_tier_name(t)) ||
		    strcmp(name + len, tw_tier_name(t)))
			continue;
		if (!strncmp(name, "pages_", len) ||
		    !strncmp(name, "external_", len))
			a->pages[t] += value;
		else if (!strncmp(name, "faults_", len))
			a->faults += value;
	}
	if (!strcmp(name, "regions"))
		a->regions = value;
}

bool top_agent_line(struct top_agent **agents, size_t *nr, const char *line)
{
	bool is_default = !strncmp(line, "cgroup/", 7);
	unsigned long long id, value;
	struct top_agent *a, *more;
	unsigned int uid;
	char name[64];

	if (sscanf(line + (is_default ? 7 : 0), "%u/%llu/%63s %llu", &uid, &id,
		   name, &value) != 4)
		return true;
	a = last_of(*agents, *nr, uid, id, is_default);
	if (!a) {
		more = reallocarray(*agents, *nr + 1, sizeof(*more));
		if (!more)
			return false;
		*agents = more;
		a = &more[(*nr)++];
		memset(a, 0, sizeof(*a));
		a->id = id;
		a->uid = uid;
		a->is_default = is_default;
	}
	take(a, name, value);
	return true;
}

int top_agents(struct top_agent **agents, size_t *nr)
{
	char *line = NULL;
	size_t room = 0;
	int err = 0;
	FILE *f;

	*agents = NULL;
	*nr = 0;
	f = fopen(PATH, "re");
	if (!f)
		return -errno;
	while (!err && getline(&line, &room, f) > 0)
		if (!top_agent_line(agents, nr, line))
			err = -ENOMEM;
	if (!err && ferror(f))
		err = -EIO;
	free(line);
	fclose(f);
	return err;
}
