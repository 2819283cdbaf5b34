// SPDX-License-Identifier: GPL-2.0
/*
 * Limits of agents, users and cgroups as tierwatch.conf has them, and as they are.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli.h"
#include "base/text.h"
#include "conf/conf.h"
#include "conf/conf_cgroup.h"
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

const char *text_limits(char *buf, const struct agent_step *step)
{
	char user[CONF_USER_LEN];

	if (step->path)
		snprintf(buf, LIMITS_LEN, "cgroup %s", step->path);
	else if (step->conf->whose == CONF_USER)
		snprintf(buf, LIMITS_LEN, "user %s", user_name(user, step->uid));
	else
		snprintf(buf, LIMITS_LEN, "agent %llu of %s",
			 (unsigned long long)step->conf->id,
			 user_name(user, step->uid));
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
static int ask_agent(struct plan *p, struct agent_step *step)
{
	const struct tw_agent_entry *e = find(p, step->conf->id, step->uid, 0);
	struct tw_group_limits any;

	if (!e)
		e = find(p, step->conf->id, step->uid, TW_AGENT_IS_DEFAULT);
	if (!e)
		return tw_user_limits_get(p->tw, step->uid, &any) == -EPERM ?
		       -EPERM : -ENOENT;
	step->agent = *e;
	memcpy(step->now, e->limit, sizeof(step->now));
	return 0;
}

static int ask(struct plan *p, struct agent_step *step)
{
	struct tw_group_limits limits;
	int err;

	if (step->conf->whose == CONF_AGENT)
		return ask_agent(p, step);
	err = step->path ? tw_cgroup_limits_get(p->tw, step->path, &limits) :
			   tw_user_limits_get(p->tw, step->uid, &limits);
	if (!err)
		memcpy(step->now, limits.pages, sizeof(step->now));
	return err;
}

static void plan_step(struct plan *p, struct agent_step *step)
{
	const struct conf_agent *a = step->conf;
	struct passwd *user = NULL;
	char whose[LIMITS_LEN];
	int err;

	if (*a->user)
		user = getpwnam(a->user);
	if (*a->user && !user) {
		conf_error(p->conf, a->line, "no such user: %s", a->user);
		return;
	}
	step->uid = user ? user->pw_uid : geteuid();
	err = ask(p, step);
	if (err == -ENOENT) {
		step->absent = true;
		return;
	}
	if (err) {
		if (err == -EPERM)
			p->code = EXIT_NO_PERMISSION;
		conf_error(p->conf, a->line, "asking for the limits of %s: %s",
			   text_limits(whose, step), strerror(-err));
		return;
	}
	step->changed = conf_limits(p->conf, a, step->now, step->then);
	p->steps += step->changed != 0;
}

/* @path is that of a cgroup, or NULL. 0 or -ENOMEM */
static int add_step(struct plan *p, const struct conf_agent *a, const char *path)
{
	struct agent_step *step;

	step = realloc(p->agents, (p->nr_agents + 1) * sizeof(*step));
	if (!step)
		return -ENOMEM;
	p->agents = step;
	step += p->nr_agents;
	memset(step, 0, sizeof(*step));
	step->conf = a;
	if (path) {
		step->path = strdup(path);
		if (!step->path)
			return -ENOMEM;
	}
	p->nr_agents++;
	plan_step(p, step);
	return 0;
}

/**
 * struct matches - while cgroups are looked through for a pattern's
 */
struct matches {
	struct plan *p;
	const struct conf_agent *a;
};

static int take_match(const char *path, void *arg)
{
	const struct matches *m = arg;

	if (conf_pattern_of(m->p->conf, path) != m->a)
		return 0;
	return add_step(m->p, m->a, path);
}

static int plan_pattern(struct plan *p, const struct conf_agent *a)
{
	struct matches m = { p, a };
	struct pattern_walk w = { .match = take_match, .arg = &m };
	int err = conf_pattern_walk(p->conf, &w);

	if (err && err != -ENOMEM) {
		conf_error(p->conf, a->line, "[agent %s]: looking for cgroups: %s", a->path,
			   strerror(-err));
		err = 0;
	}
	return err;
}

void plan_limits(struct plan *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < p->conf->nr_agents; i++) {
		const struct conf_agent *a = &p->conf->agents[i];

		err = a->whose == CONF_PATTERN ? plan_pattern(p, a) :
						 add_step(p, a, a->path);
		if (err)
			conf_error(p->conf, a->line, "%s", strerror(-err));
	}
}

int limits_write(struct plan *p, const struct agent_step *step)
{
	struct tw_agent *agent;
	int err;

	if (step->path)
		return tw_cgroup_limits_set(p->tw, step->path, step->then);
	if (step->conf->whose == CONF_USER)
		return tw_user_limits_set(p->tw, step->uid, step->then);
	err = tw_agent_open(p->tw, &step->agent, &agent);
	if (err)
		return err;
	err = tw_agent_limits_set(p->tw, agent, step->then);
	tw_agent_close(agent);
	return err;
}
