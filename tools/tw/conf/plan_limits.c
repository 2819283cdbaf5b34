// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of agents, users and cgroups as tierwatch.conf has them, and as they are.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/text.h"
#include "conf/conf.h"
#include "conf/plan.h"

static const char *user_name(char *buf, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(buf, CONF_USER_LEN, "%s", text_shown(user->pw_name));
	else
		snprintf(buf, CONF_USER_LEN, "%u", uid);
	return buf;
}

const char *text_limits(char *buf, const struct conf_agent *a, uid_t uid)
{
	char user[CONF_USER_LEN];

	if (a->whose == CONF_CGROUP)
		snprintf(buf, LIMITS_LEN, "cgroup %s", a->path);
	else if (a->whose == CONF_USER)
		snprintf(buf, LIMITS_LEN, "user %s", user_name(user, uid));
	else
		snprintf(buf, LIMITS_LEN, "agent %llu of %s",
			 (unsigned long long)a->id, user_name(user, uid));
	return text_clean(buf);
}

/* A user's agent in this user namespace. */
static const struct tw_agent_entry *find(const struct plan *p, __u64 id,
					 uid_t uid, __u32 is_default)
{
	struct stat here;
	int i;

	if (stat("/proc/self/ns/user", &here))
		return NULL;
	for (i = 0; i < p->nr_list; i++) {
		const struct tw_agent_entry *e = &p->list[i];

		if (e->id == id && e->uid == uid && e->user_ns == here.st_ino &&
		    (e->flags & TW_AGENT_IS_DEFAULT) == is_default)
			return e;
	}
	return NULL;
}

/* Those that are there, of others one may not see: -EPERM, not -ENOENT. */
static int ask_agent(struct plan *p, struct agent_step *step,
		     const struct conf_agent *a)
{
	const struct tw_agent_entry *e = find(p, a->id, step->uid, 0);
	struct tw_group_limits any;

	if (!e)
		e = find(p, a->id, step->uid, TW_AGENT_IS_DEFAULT);
	if (!e)
		return tw_user_limits_get(p->tw, step->uid, &any) == -EPERM ?
		       -EPERM : -ENOENT;
	step->agent = *e;
	memcpy(step->now, e->limit, sizeof(step->now));
	return 0;
}

static int ask(struct plan *p, struct agent_step *step,
	       const struct conf_agent *a)
{
	struct tw_group_limits limits;
	int err;

	if (a->whose == CONF_AGENT)
		return ask_agent(p, step, a);
	err = a->whose == CONF_CGROUP ?
	      tw_cgroup_limits_get(p->tw, a->path, &limits) :
	      tw_user_limits_get(p->tw, step->uid, &limits);
	if (!err)
		memcpy(step->now, limits.pages, sizeof(step->now));
	return err;
}

void plan_limits(struct plan *p, unsigned int nr)
{
	const struct conf_agent *a = &p->conf->agents[nr];
	struct agent_step *step = &p->agents[nr];
	struct passwd *user = NULL;
	char whose[LIMITS_LEN];
	int i, err;

	if (*a->user)
		user = getpwnam(a->user);
	if (*a->user && !user) {
		conf_error(p->conf, a->line, "no such user: %s", a->user);
		return;
	}
	step->uid = user ? user->pw_uid : geteuid();
	err = ask(p, step, a);
	if (err == -ENOENT) {
		step->absent = true;
		return;
	}
	if (err) {
		if (err == -EPERM)
			p->code = EXIT_NO_PERMISSION;
		conf_error(p->conf, a->line, "asking for the limits of %s: %s",
			   text_limits(whose, a, step->uid), strerror(-err));
		return;
	}
	for (i = 0; i < TW_NR_TIERS; i++) {
		step->then[i] = step->now[i];
		if (a->set >> i & 1)
			step->then[i] = a->bytes[i] == TW_NO_LIMIT ? TW_NO_LIMIT :
				a->bytes[i] / p->conf->page_size;
		if (step->then[i] != step->now[i])
			step->changed |= 1U << i;
	}
	p->steps += step->changed != 0;
}

int limits_write(struct plan *p, unsigned int nr)
{
	const struct conf_agent *a = &p->conf->agents[nr];
	const struct agent_step *step = &p->agents[nr];
	struct tw_agent *agent;
	int err;

	if (a->whose == CONF_CGROUP)
		return tw_cgroup_limits_set(p->tw, a->path, step->then);
	if (a->whose == CONF_USER)
		return tw_user_limits_set(p->tw, step->uid, step->then);
	err = tw_agent_open(p->tw, &step->agent, &agent);
	if (err)
		return err;
	err = tw_agent_limits_set(p->tw, agent, step->then);
	tw_agent_close(agent);
	return err;
}
