// SPDX-License-Identifier: GPL-2.0
/*
 * Comparing what is with what tierwatch.conf says. Nothing is changed here, and
 * whatever can be found wrong is found here.
 */
#include <linux/securebits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli.h"
#include "plan.h"

/*
 * The driver looks agents up by the effective user. The capabilities stay: a
 * limit may be raised for somebody else.
 */
int act_as(uid_t uid)
{
	int bits;

	if (uid == geteuid())
		return 0;
	bits = prctl(PR_GET_SECUREBITS);
	if (bits < 0 ||
	    prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) ||
	    seteuid(uid))
		return -errno;
	return 0;
}

static void plan_policy(struct plan *p)
{
	struct tw_policy *then = &p->policy_then;
	int err = tw_policy_get(p->tw, &p->policy_now);

	if (err) {
		conf_error(p->conf, p->conf->policy_line,
			   "asking for the policy: %s", strerror(-err));
		return;
	}
	*then = p->policy_now;
	p->policy_changed = conf_policy(p->conf, then);
	/* With what the file doesn't say, too. */
	if (then->cold_threshold >= then->hot_threshold)
		conf_error(p->conf, p->conf->policy_line,
			   "cold_threshold, %u, has to be below hot_threshold, %u",
			   then->cold_threshold, then->hot_threshold);
	if (then->scan_min_ms > then->scan_max_ms)
		conf_error(p->conf, p->conf->policy_line,
			   "scan_min_ms, %u, is more than scan_max_ms, %u",
			   then->scan_min_ms, then->scan_max_ms);
	p->steps += p->policy_changed != 0;
}

/* Its limits now; 0 or -errno. */
static int ask_agent(struct plan *p, struct agent_step *step, __u64 id)
{
	struct tw_agent_limits limits;
	uid_t me = geteuid();
	int err;

	err = act_as(step->uid);
	if (err)
		return err;
	err = tw_agent_limits_get_by_id(p->tw, id, &limits);
	if (!err)
		memcpy(step->now, limits.pages, sizeof(step->now));
	if (act_as(me))
		abort();
	return err;
}

static void plan_agent(struct plan *p, unsigned int nr)
{
	const struct conf_agent *a = &p->conf->agents[nr];
	struct agent_step *step = &p->agents[nr];
	struct passwd *user = NULL;
	int i, err;

	if (*a->user)
		user = getpwnam(a->user);
	if (*a->user && !user) {
		conf_error(p->conf, a->line, "no such user: %s", a->user);
		return;
	}
	step->uid = user ? user->pw_uid : geteuid();
	err = ask_agent(p, step, a->id);
	if (err == -ENOENT) {
		step->absent = true;
		return;
	}
	if (err) {
		if (err == -EPERM)
			p->code = EXIT_NO_PERMISSION;
		conf_error(p->conf, a->line, "asking for agent %llu: %s",
			   (unsigned long long)a->id, strerror(-err));
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

int plan_make(struct plan *p)
{
	unsigned int i;
	int err;

	p->code = EXIT_FAILURE;
	for (i = 0; i < TW_NR_TIERS; i++) {
		err = tw_tier_info(p->tw, i, &p->now[i]);
		if (err)
			return cli_errno(err, "asking for the tiers");
	}
	p->agents = calloc(p->conf->nr_agents + 1, sizeof(*p->agents));
	if (!p->agents)
		return cli_errno(-ENOMEM, "agents");
	for (i = TW_TIER_NVME; i < TW_NR_TIERS; i++)
		plan_find(p, i);
	for (i = 0; i < TW_NR_TIERS; i++)
		plan_tier(p, i);
	if (p->conf->policy_line)
		plan_policy(p);
	for (i = 0; i < p->conf->nr_agents; i++)
		plan_agent(p, i);
	return p->conf->errors ? p->code : 0;
}

void plan_free(struct plan *p)
{
	free(p->agents);
}
