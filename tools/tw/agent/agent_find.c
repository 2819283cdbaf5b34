// SPDX-License-Identifier: GPL-2.0
/*
 * Agents as users name them: a label, "default", and whose.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_find.h"
#include "base/cli.h"
#include "base/number.h"

#define AGENTS_STEP	256
/* Before a number that is a cgroup's. */
#define DEFAULT_OF	"default:"

int agents_load(struct tw *tw, struct tw_agent_entry **agents)
{
	struct tw_agent_entry *list = NULL, *more;
	size_t nr = 0;
	__u64 cursor = 0;
	int n;

	do {
		more = realloc(list, (nr + AGENTS_STEP) * sizeof(*list));
		n = more ? tw_agent_list(tw, &cursor, more + nr, AGENTS_STEP) :
			   -ENOMEM;
		if (more)
			list = more;
		if (n < 0) {
			free(list);
			return n;
		}
		nr += n;
	} while (cursor);
	*agents = list;
	return nr;
}

__u64 agent_pages(const struct tw_agent_entry *a)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < TW_NR_TIERS; i++)
		sum += a->pages[i];
	return sum;
}

int parse_agent(const char *s, struct agent_name *name)
{
	if (!strcmp(s, "default")) {
		name->is_own = true;
		name->is_default = true;
		return 0;
	}
	if (!strncmp(s, DEFAULT_OF, strlen(DEFAULT_OF))) {
		name->is_default = true;
		s += strlen(DEFAULT_OF);
	}
	if (parse_u64(s, &name->id))
		return cli_usage("not an agent: %s. Give its number as tw agent list shows it, or default for this cgroup's",
				 s);
	return 0;
}

int parse_user(const char *s, __u32 *uid)
{
	const struct passwd *pw = getpwnam(s);
	__u64 number;

	if (pw) {
		*uid = pw->pw_uid;
		return 0;
	}
	if (parse_within(s, 0, ~0U - 1, &number))
		return cli_usage("no such user: %s", s);
	*uid = number;
	return 0;
}

int parse_agent_user(const char *s, struct agent_name *name)
{
	name->by_user = true;
	return parse_user(s, &name->uid);
}

int parse_agent_ns(const char *s, struct agent_name *name)
{
	if (parse_u64(s, &name->user_ns) || !name->user_ns)
		return cli_usage("not a user namespace's number: %s", s);
	return 0;
}

int agent_none(const struct agent_name *name)
{
	if (name->is_own)
		return cli_error("this cgroup has no agent yet: nothing in it has made a region");
	return cli_error("there is no agent %llu that you may see. An agent lives as long as a program holds it or memory of it; see: tw agent list",
			 (unsigned long long)name->id);
}

/* Do they differ in anything that --user can say? */
static bool same_user(const struct tw_agent_entry *a, size_t nr,
		      const struct tw_agent_entry *found)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (a[i].id == found->id && a[i].uid != found->uid &&
		    !((a[i].flags ^ found->flags) & TW_AGENT_IS_DEFAULT))
			return false;
	return true;
}

/* Of several with the label the caller's own is meant, else a user is to be given. */
static const struct tw_agent_entry *best(const struct tw_agent_entry *a,
					 size_t nr, const struct agent_name *name,
					 bool is_default, int *matches)
{
	const struct tw_agent_entry *found = NULL;
	size_t i;

	*matches = 0;
	for (i = 0; i < nr; i++) {
		bool mine = a[i].flags & TW_AGENT_IS_MINE;

		if (a[i].id != name->id ||
		    !!(a[i].flags & TW_AGENT_IS_DEFAULT) != is_default)
			continue;
		if (name->by_user ? a[i].uid != name->uid :
				    name->is_own && !mine)
			continue;
		if (name->user_ns && a[i].user_ns != name->user_ns)
			continue;
		if (mine && !name->by_user && !name->user_ns) {
			*matches = 1;
			return &a[i];
		}
		found = &a[i];
		++*matches;
	}
	return found;
}

int agent_find(struct tw *tw, struct agent_name *name,
	       struct tw_agent_entry *agent)
{
	const struct tw_agent_entry *found;
	struct tw_agent_entry *list;
	struct tw_agent_stats stats;
	int err, nr, matches;
	bool same = false;

	if (name->is_own) {
		err = tw_agent_stats(tw, NULL, &stats);
		if (err)
			return cli_errno(err, "asking for the cgroup's agent");
		name->id = stats.id;
	}
	nr = agents_load(tw, &list);
	if (nr < 0)
		return cli_errno(nr, "listing the agents");
	/* A program has chosen its number, a cgroup has not. */
	found = best(list, nr, name, name->is_default, &matches);
	if (!found)
		found = best(list, nr, name, true, &matches);
	if (found)
		*agent = *found;
	if (matches > 1)
		same = name->by_user || same_user(list, nr, found);
	free(list);
	if (matches > 1 && same)
		return cli_error("%d user namespaces have an agent %llu of this user: say which with --user-ns. See user_ns in: tw agent list --json",
				 matches, (unsigned long long)name->id);
	if (matches > 1)
		return cli_error("%d users have an agent %llu: say which with --user. See: tw agent list",
				 matches, (unsigned long long)name->id);
	return found ? 0 : agent_none(name);
}

int agent_open(struct tw *tw, struct agent_name *name,
	       struct tw_agent_entry *agent, struct tw_agent **opened)
{
	int c, err;

	c = agent_find(tw, name, agent);
	if (c)
		return c;
	if (!(agent->flags & TW_AGENT_IS_MINE) && !name->by_user)
		return cli_error("agent %llu is another user's. If it is meant, say whose with --user",
				 (unsigned long long)agent->id);
	err = tw_agent_open(tw, agent, opened);
	if (err == -ENOENT)
		return agent_none(name);
	if (err)
		return cli_errno(err, "opening agent %llu",
				 (unsigned long long)agent->id);
	return 0;
}
