// SPDX-License-Identifier: GPL-2.0
/*
 * tw apply: everything is made as tierwatch.conf says, and what is so already
 * is left alone.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/agent_values.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"
#include "conf/commands.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "conf/policy_keys.h"
#include "swap/turn_on.h"
#include "tier/bind.h"
#include "tier/format.h"

/**
 * struct report - how the changes are told of
 * @json: as one document
 * @dry_run: they are not made
 * @count: how many so far
 */
struct report {
	bool json;
	bool dry_run;
	unsigned int count;
};

static void tell(struct report *r, const char *kind, const char *name,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void tell(struct report *r, const char *kind, const char *name,
		 const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->count++;
	if (!r->json) {
		printf("%s%s\n", r->dry_run ? "would " : "", text_clean(text));
		return;
	}
	json_open(NULL, '{');
	json_str("kind", kind);
	json_str("name", name);
	json_str("change", text);
	json_close('}');
}

/* -- tiers ----------------------------------------------------------------- */

static int undo_tier(struct plan *p, struct report *r, int tier)
{
	const char *name = tw_tier_name(tier);
	__u64 moved = 0;
	int code = 0;

	if (!p->tiers[tier].undo)
		return 0;
	if (!r->dry_run)
		code = binding_undo(p->tw, tier, 0, &moved);
	if (!code)
		tell(r, "tier", name, "unbind %s", name);
	return code;
}

static void tell_made(struct plan *p, struct report *r, int tier)
{
	const struct tier_step *step = &p->tiers[tier];
	char size[TEXT_LEN], nodes[NODES_LEN], where[PATH_MAX + NODES_LEN];
	const char *name = tw_tier_name(tier);
	__u64 bytes = step->b.capacity * p->conf->page_size;

	if (step->b.path)
		snprintf(where, sizeof(where), " to %s", step->b.path);
	else if (step->b.nodes)
		snprintf(where, sizeof(where), " to nodes %s",
			 text_nodes(nodes, step->b.nodes));
	else
		snprintf(where, sizeof(where), " to all nodes that fit");
	tell(r, "tier", name, "%sbind %s%s%s%s", step->sign ? "sign and " : "",
	     name, where, bytes ? ", " : "",
	     bytes ? text_bytes(size, bytes) : "");
}

static int make_tier(struct plan *p, struct report *r, int tier)
{
	const struct tier_step *step = &p->tiers[tier];
	struct format_result signed_now;
	char levels[LEVELS_LEN];
	int err, code = 0;

	if (step->level) {
		err = r->dry_run ? 0 : tw_thresholds_set(p->tw, tier, step->levels.enter,
							 step->levels.leave);
		if (err)
			return cli_errno(err, "setting the thresholds of %s",
					 tw_tier_name(tier));
		tell(r, "tier", tw_tier_name(tier), "set levels of %s: %s",
		     tw_tier_name(tier), levels_text(levels, &step->levels));
	}
	if (step->absent && !r->json)
		printf("%s is left as it is: its device is not there, and need not be\n",
		       tw_tier_name(tier));
	if (!step->make)
		return 0;
	if (step->sign && !r->dry_run)
		code = format_store(step->b.path, NULL, tier, 0, &signed_now);
	if (!code && !r->dry_run)
		code = binding_make(p->tw, &step->b);
	if (!code)
		tell_made(p, r, tier);
	return code;
}

/* -- swap ------------------------------------------------------------------ */

static int set_swap(struct plan *p, struct report *r)
{
	const struct swap_wish *wish = &p->swap.wish;
	char size[TEXT_LEN], priority[TEXT_LEN] = "";
	bool already;
	int code = 0;

	if (!p->swap.make)
		return 0;
	if (!r->dry_run)
		code = swap_turn_on(p->tw, wish, &already);
	if (code)
		return code;
	text_bytes(size, wish->pages * p->conf->page_size);
	if (wish->priority != SWAP_PRIORITY_ABOVE)
		snprintf(priority, sizeof(priority), ", priority %d",
			 wish->priority);
	tell(r, "swap", "twswap", "turn swap on, %s%s",
	     wish->pages ? size : "half of what the stores have free", priority);
	return 0;
}

/* -- policy ---------------------------------------------------------------- */

static int set_policy(struct plan *p, struct report *r)
{
	unsigned int i;
	int err = 0;

	if (!p->policy_changed)
		return 0;
	if (!r->dry_run)
		err = tw_policy_set(p->tw, &p->policy_then);
	if (err == -EPERM)
		return cli_no_permission("setting the policy needs CAP_SYS_ADMIN. Be root");
	if (err)
		return cli_errno(err, "setting the policy");
	for (i = 0; i < POLICY_NR_KEYS; i++) {
		const struct policy_key *k = &policy_keys[i];
		__u32 from = policy_get(&p->policy_now, k);
		__u32 to = policy_get(&p->policy_then, k);

		if (from == to)
			continue;
		if (k->on_off)
			tell(r, "policy", k->name, "set %s from %s to %s", k->name,
			     policy_switch_name(from), policy_switch_name(to));
		else
			tell(r, "policy", k->name, "set %s from %u to %u",
			     k->name, from, to);
	}
	return 0;
}

/* -- limits ---------------------------------------------------------------- */

static int set_limits(struct plan *p, struct report *r, const struct agent_step *step)
{
	char from[TEXT_LEN], to[TEXT_LEN], whose[LIMITS_LEN], number[TEXT_LEN];
	const struct conf_agent *a = step->conf;
	const char *kind = step->path ? "cgroup" : a->whose == CONF_USER ? "user" : "agent";
	const char *name = step->path ? step->path : a->user;
	int i, err = 0;

	text_limits(whose, step);
	if (step->absent && !r->json)
		printf("%s is not there now, and has no limits\n", whose);
	if (step->absent || !step->changed)
		return 0;
	if (!r->dry_run)
		err = limits_write(p, step);
	if (err == -EPERM)
		return cli_no_permission("setting the limits of %s needs CAP_SYS_RESOURCE. Be root",
					 whose);
	if (err)
		return cli_errno(err, "the limits of %s", whose);
	if (a->whose == CONF_AGENT) {
		snprintf(number, sizeof(number), "%llu",
			 (unsigned long long)a->id);
		name = number;
	}
	for (i = 0; i < TW_NR_TIERS; i++)
		if (step->changed >> i & 1)
			tell(r, kind, name, "limit %s in %s from %s to %s", whose,
			     tw_tier_name(i),
			     text_limit(from, step->now[i], p->conf->page_size),
			     text_limit(to, step->then[i], p->conf->page_size));
	return 0;
}

/* That they were understood; limits of what matches them were told of by now. */
static void tell_patterns(const struct plan *p, const struct report *r)
{
	const struct conf *c = p->conf;
	char pattern[PATH_MAX];
	unsigned int i, k, nr;

	for (i = 0; !r->json && i < c->nr_agents; i++) {
		if (c->agents[i].whose != CONF_PATTERN)
			continue;
		for (nr = 0, k = 0; k < p->nr_agents; k++)
			nr += p->agents[k].conf == &c->agents[i];
		snprintf(pattern, sizeof(pattern), "%s", c->agents[i].path);
		printf("%s: %u cgroup%s now; tierwatchd sees to those that come\n",
		       text_clean(pattern), nr, nr == 1 ? "" : "s");
	}
}

/* -- all of it ------------------------------------------------------------- */

/* In this order: what one tier lets go another may take. */
static int carry_out(struct plan *p, struct report *r)
{
	unsigned int i;
	int code = 0;

	for (i = 0; !code && i < TW_NR_TIERS; i++)
		code = undo_tier(p, r, i);
	for (i = 0; !code && i < TW_NR_TIERS; i++)
		code = make_tier(p, r, i);
	if (!code)
		code = set_swap(p, r);
	if (!code)
		code = set_policy(p, r);
	for (i = 0; !code && i < p->nr_agents; i++)
		code = set_limits(p, r, &p->agents[i]);
	if (!code)
		tell_patterns(p, r);
	return code;
}

static int carry_out_json(struct plan *p, struct report *r)
{
	int i, code;

	json_begin(JSON_APPLY);
	json_str("conf", p->conf->name);
	json_bool("dry_run", r->dry_run);
	json_open("changes", '[');
	code = carry_out(p, r);
	json_close(']');
	json_open("absent", '[');
	for (i = 0; i < TW_NR_TIERS; i++)
		if (p->tiers[i].absent)
			json_str(NULL, tw_tier_name(i));
	json_close(']');
	json_bool("complete", !code);
	json_close('}');
	json_end();
	return code;
}

static int apply(struct conf *conf, struct report *r)
{
	struct plan plan = { .conf = conf };
	int code;

	code = cli_open(&plan.tw);
	if (code)
		return code;
	code = plan_make(&plan);
	if (code) {
		cli_error("nothing was changed");
		goto out;
	}
	code = r->json ? carry_out_json(&plan, r) : carry_out(&plan, r);
	if (code && r->count)
		cli_error("what was told of before is done, what comes after it is not");
	if (!code && !r->count && !r->json)
		printf("nothing to do\n");
	code = cli_flush(code);
out:
	plan_free(&plan);
	tw_close(plan.tw);
	return code;
}

static FILE *open_conf(const char *path, bool lock, int *code)
{
	FILE *f = fopen(path, "re");

	if (!f && errno == ENOENT) {
		*code = cli_error("there is no %s. Begin with: tw tier detect --conf >%s",
				  path, path);
	} else if (!f) {
		*code = cli_errno(-errno, "%s", path);
	} else if (lock && flock(fileno(f), LOCK_EX)) {
		/* Two of them at once would be in each other's way. */
		*code = cli_errno(-errno, "locking %s", path);
		fclose(f);
		f = NULL;
	}
	return f;
}

const char apply_more[] =
"  --dry-run    say what would be done, and do nothing\n"
"  --conf PATH  another file than /etc/tierwatch.conf\n"
"  --json       the changes, as one document\n"
"All is looked at before anything is changed. What is so already stays alone:\n"
"a second time there is nothing to do.\n";

int cmd_apply(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "conf", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct conf conf = { .name = CONF_PATH };
	struct report r = { 0 };
	int c, code;
	FILE *f;

	while ((c = getopt_long(argc, argv, "nc:j", opts, NULL)) != -1) {
		switch (c) {
		case 'n':
			r.dry_run = true;
			break;
		case 'c':
			conf.name = optarg;
			break;
		case 'j':
			r.json = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind != argc)
		return cli_usage("apply takes options only. For another file: --conf %s",
				 argv[optind]);
	f = open_conf(conf.name, !r.dry_run, &code);
	if (!f)
		return code;
	conf.page_size = sysconf(_SC_PAGESIZE);
	if (conf_read(&conf, f)) {
		cli_error("nothing was changed");
		code = EXIT_FAILURE;
	} else {
		code = apply(&conf, &r);
	}
	conf_free(&conf);
	fclose(f);
	return code;
}
