// SPDX-License-Identifier: GPL-2.0
/*
 * Reading tierwatch.conf: sections in brackets, KEY = VALUE lines, comments on
 * lines of their own. Strict: what isn't understood is an error, and all errors
 * are told of, not only the first.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_cgroup.h"
#include "agent/cgroup_pattern.h"
#include "base/cli.h"
#include "base/number.h"
#include "base/suggest.h"
#include "conf/conf.h"
#include "conf/policy_keys.h"
#include "machine/super.h"
#include "swap/turn_on.h"
#include "tier/bind.h"
#include "tier/tier.h"

enum section {
	SECTION_NONE,
	SECTION_TIER,
	SECTION_SWAP,
	SECTION_POLICY,
	SECTION_AGENT,
	/* One that wasn't understood: its keys can't be judged. */
	SECTION_BAD,
};

/**
 * struct reader - while a file is read
 * @c: what it becomes
 * @line: number of the line at hand
 * @section: what it belongs to
 * @tier: of [tier]
 * @seen: bit by key, of this section
 * @errors: that were told of before it
 */
struct reader {
	struct conf *c;
	unsigned int line;
	enum section section;
	int tier;
	unsigned int seen;
	unsigned int errors;
};

static const char * const tier_keys[] = {
	"device", "capacity", "nodes", "movable", "format", "bound", "leave",
	"store", "optional", "medium", "high", "critical",
};

enum {
	KEY_DEVICE, KEY_CAPACITY, KEY_NODES, KEY_MOVABLE, KEY_FORMAT, KEY_BOUND,
	KEY_LEAVE, KEY_STORE, KEY_OPTIONAL, KEY_MEDIUM, KEY_HIGH, KEY_CRITICAL,
};

void conf_error(struct conf *c, unsigned int line, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_error("%s:%u: %s", c->name, line, text);
	c->errors++;
}

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

/* -- values ---------------------------------------------------------------- */

static int parse_bool(const char *s, bool *value)
{
	if (!strcmp(s, "on") || !strcmp(s, "yes"))
		*value = true;
	else if (!strcmp(s, "off") || !strcmp(s, "no"))
		*value = false;
	else
		return -EINVAL;
	return 0;
}

static void bool_value(struct reader *r, const char *key, const char *text,
		       bool *value)
{
	if (parse_bool(text, value))
		conf_error(r->c, r->line, "%s is on or off, not %s", key, text);
}

/* Each wrong value is told of once: @least is looked at only if it is a size. */
static void size_value(struct reader *r, const char *key, const char *text,
		       __u64 least, __u64 *bytes)
{
	if (parse_size(text, bytes))
		conf_error(r->c, r->line, "%s is a size like 64M or 1G, not %s",
			   key, text);
	else if (*bytes % r->c->page_size)
		conf_error(r->c, r->line,
			   "%s has to be a multiple of the page size, %u bytes",
			   key, r->c->page_size);
	else if (*bytes < least)
		conf_error(r->c, r->line, "%s can't be %s", key, text);
}

/* -- keys ------------------------------------------------------------------ */

/* Which of the names, or -1 and it has said what is wrong. Each but once. */
static int find_key(struct reader *r, const char *key,
		    const char * const *names, size_t nr)
{
	const char *meant;
	size_t i;

	for (i = 0; i < nr; i++)
		if (!strcmp(key, names[i]))
			break;
	if (i == nr) {
		meant = suggest(key, names, nr);
		conf_error(r->c, r->line, "no such key: %s%s%s%s", key,
			   meant ? ". Did you mean " : "", meant ? meant : "",
			   meant ? "?" : "");
		return -1;
	}
	if (r->seen & 1U << i) {
		conf_error(r->c, r->line, "%s is there a second time", key);
		return -1;
	}
	r->seen |= 1U << i;
	return i;
}

static void tier_key(struct reader *r, const char *key, const char *value)
{
	struct conf_tier *t = &r->c->tiers[r->tier];
	bool bound = true;
	__u64 percent;
	int i;

	i = find_key(r, key, tier_keys, ARRAY_SIZE(tier_keys));
	switch (i) {
	case KEY_DEVICE:
		if (*value != '/' || strlen(value) >= sizeof(t->device))
			conf_error(r->c, r->line,
				   "device is a path that begins with /, not %s",
				   value);
		else
			strcpy(t->device, value);
		break;
	case KEY_CAPACITY:
		size_value(r, key, value, 1, &t->capacity);
		break;
	case KEY_NODES:
		if (parse_nodes(value, &t->nodes))
			conf_error(r->c, r->line,
				   "nodes is a list of 0..63 like 0,2-3, not %s",
				   value);
		break;
	case KEY_MOVABLE:
		bool_value(r, key, value, &t->movable);
		break;
	case KEY_FORMAT:
		bool_value(r, key, value, &t->format);
		break;
	case KEY_LEAVE:
		if (parse_within(value, 0, LEAVE_MAX, &percent))
			conf_error(r->c, r->line,
				   "leave is a percentage from 0 to %u, not %s",
				   LEAVE_MAX, value);
		else
			t->leave = percent;
		break;
	case KEY_STORE:
		if (strlen(value) >= sizeof(t->store) || !store_tag_ok(value))
			conf_error(r->c, r->line,
				   "store is UUID=... or LABEL=..., as tw tier format said, not %s",
				   value);
		else
			strcpy(t->store, value);
		break;
	case KEY_OPTIONAL:
		bool_value(r, key, value, &t->optional);
		break;
	case KEY_MEDIUM:
	case KEY_HIGH:
	case KEY_CRITICAL:
		if (levels_parse(&t->levels, i - KEY_MEDIUM, value))
			conf_error(r->c, r->line,
				   "%s is a percentage from 2 to 100, and behind a comma the lower one at which it ends, like 85,80; not %s",
				   key, value);
		break;
	case KEY_BOUND:
		bool_value(r, key, value, &bound);
		t->unbound = !bound;
		break;
	}
}

static void swap_key(struct reader *r, const char *key, const char *value)
{
	static const char * const names[] = { "size", "priority" };
	struct conf_swap *s = &r->c->swap;
	__u64 priority;

	switch (find_key(r, key, names, ARRAY_SIZE(names))) {
	case 0:
		size_value(r, key, value,
			   (__u64)TW_SWAP_PAGES_MIN * r->c->page_size,
			   &s->bytes);
		break;
	case 1:
		if (parse_within(value, 0, SWAP_PRIORITY_MAX, &priority))
			conf_error(r->c, r->line,
				   "priority is a number from 0 to %u, not %s",
				   SWAP_PRIORITY_MAX, value);
		else
			s->priority = priority;
		break;
	}
}

static void policy_key(struct reader *r, const char *key, const char *value)
{
	const char *names[POLICY_NR_KEYS];
	const struct policy_key *k;
	__u32 value_of = 0;
	bool on = false;
	__u64 v = 0;
	int i;

	for (i = 0; i < POLICY_NR_KEYS; i++)
		names[i] = policy_keys[i].name;
	i = find_key(r, key, names, POLICY_NR_KEYS);
	if (i < 0)
		return;
	k = &policy_keys[i];
	if (k->watch && !policy_switch_parse(k, value, &value_of)) {
		v = value_of;
	} else if (k->on_off) {
		bool_value(r, key, value, &on);
		v = on;
	} else if (parse_within(value, k->min, k->max, &v)) {
		conf_error(r->c, r->line, "%s is a number from %u to %u, not %s",
			   key, k->min, k->max, value);
	}
	r->c->policy[i] = v;
	r->c->policy_set |= 1U << i;
}

static void agent_key(struct reader *r, const char *key, const char *value)
{
	struct conf_agent *a = &r->c->agents[r->c->nr_agents - 1];
	const char *names[TW_NR_TIERS + 1];
	int i;

	for (i = 0; i < TW_NR_TIERS; i++)
		names[i] = tw_tier_name(i);
	names[TW_NR_TIERS] = "user";
	/* [user NAME] and [cgroup PATH] have said it. */
	i = find_key(r, key, names, TW_NR_TIERS + (a->whose == CONF_AGENT));
	if (i < 0)
		return;
	if (i == TW_NR_TIERS) {
		if (strlen(value) >= sizeof(a->user))
			conf_error(r->c, r->line, "no such user: %s", value);
		else
			strcpy(a->user, value);
		return;
	}
	if (!strcmp(value, "none"))
		a->bytes[i] = TW_NO_LIMIT;
	else
		size_value(r, key, value, 0, &a->bytes[i]);
	a->set |= 1U << i;
}

static void key_line(struct reader *r, char *text)
{
	char *value = strchr(text, '=');
	char *key;

	if (!value) {
		conf_error(r->c, r->line,
			   "neither [SECTION], KEY = VALUE nor # COMMENT: %s",
			   text);
		return;
	}
	*value++ = '\0';
	key = trim(text);
	value = trim(value);
	if (r->section == SECTION_BAD)
		return;
	if (r->section == SECTION_NONE)
		conf_error(r->c, r->line,
			   "%s belongs to no section. Begin one: [tier nvme], [policy] or [agent 7]",
			   key);
	else if (!*value)
		conf_error(r->c, r->line, "%s has no value", key);
	else if (r->section == SECTION_TIER)
		tier_key(r, key, value);
	else if (r->section == SECTION_SWAP)
		swap_key(r, key, value);
	else if (r->section == SECTION_POLICY)
		policy_key(r, key, value);
	else
		agent_key(r, key, value);
}

/* -- sections -------------------------------------------------------------- */

static void begin_tier(struct reader *r, const char *name)
{
	int i, tier = tw_tier_parse(name);
	const char *names[TW_NR_TIERS], *meant;

	if (tier < 0) {
		for (i = 0; i < TW_NR_TIERS; i++)
			names[i] = tw_tier_name(i);
		meant = suggest(name, names, TW_NR_TIERS);
		conf_error(r->c, r->line,
			   meant ? "no such tier: %s. Did you mean %s?" :
				   "no such tier: %s. Tiers are %s",
			   name, meant ? meant : "gpu, cpu, nvme, ssd and hdd");
		return;
	}
	if (r->c->tiers[tier].line) {
		conf_error(r->c, r->line,
			   "[tier %s] is there a second time, after line %u",
			   tw_tier_name(tier), r->c->tiers[tier].line);
		return;
	}
	r->c->tiers[tier].line = r->line;
	r->c->tiers[tier].leave = -1;
	r->tier = tier;
	r->section = SECTION_TIER;
}

static void begin_swap(struct reader *r)
{
	if (r->c->swap.line) {
		conf_error(r->c, r->line,
			   "[swap] is there a second time, after line %u",
			   r->c->swap.line);
		return;
	}
	r->c->swap.line = r->line;
	r->c->swap.priority = SWAP_PRIORITY_ABOVE;
	r->section = SECTION_SWAP;
}

static void begin_policy(struct reader *r)
{
	if (r->c->policy_line) {
		conf_error(r->c, r->line,
			   "[policy] is there a second time, after line %u",
			   r->c->policy_line);
		return;
	}
	r->c->policy_line = r->line;
	r->section = SECTION_POLICY;
}

/* One more whose limits these are, or NULL and it has said why not. */
static struct conf_agent *add_agent(struct reader *r, enum conf_whose whose)
{
	struct conf_agent *more;

	more = realloc(r->c->agents, (r->c->nr_agents + 1) * sizeof(*more));
	if (!more) {
		conf_error(r->c, r->line, "no memory");
		return NULL;
	}
	r->c->agents = more;
	more += r->c->nr_agents++;
	memset(more, 0, sizeof(*more));
	more->file = r->c->name;
	more->line = r->line;
	more->whose = whose;
	r->section = SECTION_AGENT;
	return more;
}

static void add_path(struct reader *r, enum conf_whose whose, const char *path)
{
	struct conf_agent *a = add_agent(r, whose);

	if (!a)
		return;
	a->path = strdup(path);
	if (!a->path)
		conf_error(r->c, r->line, "no memory");
}

static void begin_cgroup(struct reader *r, const char *name)
{
	char path[PATH_MAX];

	if (cgroup_path(name, path))
		conf_error(r->c, r->line,
			   "a cgroup is a path like /system.slice, not %s",
			   name);
	else
		add_path(r, CONF_CGROUP, path);
}

static void begin_pattern(struct reader *r, const char *name)
{
	const char *wrong;
	char path[PATH_MAX];

	if (cgroup_path(name, path))
		wrong = "it is too long";
	else
		wrong = pattern_wrong(path);
	if (wrong)
		conf_error(r->c, r->line, "not a pattern of cgroups: %s: %s", name,
			   wrong);
	else
		add_path(r, CONF_PATTERN, path);
}

static void begin_agent(struct reader *r, const char *name)
{
	struct conf_agent *a;
	__u64 id;

	if (*name == '/') {
		begin_pattern(r, name);
		return;
	}
	if (parse_u64(name, &id)) {
		conf_error(r->c, r->line,
			   "not an agent's number, and no pattern of cgroups, which begins with /: %s",
			   name);
		return;
	}
	a = add_agent(r, CONF_AGENT);
	if (a)
		a->id = id;
}

static void begin_user(struct reader *r, const char *name)
{
	struct conf_agent *a;

	if (strlen(name) >= sizeof(a->user)) {
		conf_error(r->c, r->line, "no such user: %s", name);
		return;
	}
	a = add_agent(r, CONF_USER);
	if (a)
		strcpy(a->user, name);
}

/* A store has a device, memory has nodes; what is to be unbound, neither. */
static void end_tier(struct reader *r)
{
	struct conf_tier *t = &r->c->tiers[r->tier];
	const char *name = tw_tier_name(r->tier);
	const unsigned int named = 1U << KEY_DEVICE | 1U << KEY_STORE,
		of_stores = named | 1U << KEY_FORMAT | 1U << KEY_OPTIONAL,
		of_memory = 1U << KEY_NODES | 1U << KEY_MOVABLE | 1U << KEY_LEAVE;
	bool store = !can_be_memory(r->tier) ||
		     (can_be_store(r->tier) && r->seen & of_stores);

	if (t->unbound && r->seen & ~(1U << KEY_BOUND))
		conf_error(r->c, t->line,
			   "[tier %s]: bound = no, and yet there are other keys",
			   name);
	else if (!store && r->seen & of_stores)
		conf_error(r->c, t->line,
			   "[tier %s] is made of NUMA nodes: device, store, format and optional are for stores",
			   name);
	else if (store && r->seen & of_memory)
		conf_error(r->c, t->line,
			   "[tier %s] is on a device: nodes, leave and movable are for tiers of memory",
			   name);
	else if (t->leave >= 0 && t->capacity)
		conf_error(r->c, t->line,
			   "[tier %s]: capacity and leave say the same thing twice",
			   name);
	else if (store && !t->unbound && !(r->seen & named))
		conf_error(r->c, t->line, "[tier %s] has no device", name);
	else if (*t->store && t->format)
		conf_error(r->c, t->line,
			   "[tier %s]: %s is signed already, and yet there is format",
			   name, t->store);
}

static bool same_agent(const struct conf_agent *a, const struct conf_agent *b)
{
	if (a->path && b->path)
		return !strcmp(a->path, b->path);
	return a->whose == b->whose && a->id == b->id && !strcmp(a->user, b->user);
}

/* The same one twice would be set back and forth. */
static void end_agent(struct reader *r)
{
	const struct conf_agent *a = &r->c->agents[r->c->nr_agents - 1];
	const char *kind = a->whose == CONF_USER ? "user" :
			   a->whose == CONF_CGROUP ? "cgroup" : "agent";
	unsigned int i;

	for (i = 0; i + 1 < r->c->nr_agents; i++) {
		const struct conf_agent *b = &r->c->agents[i];

		if (!same_agent(a, b))
			continue;
		if (a->whose == CONF_AGENT)
			conf_error(r->c, a->line,
				   "[agent %llu] of this user is there a second time, after line %u",
				   (unsigned long long)a->id, b->line);
		else
			conf_error(r->c, a->line,
				   "[%s %s] is there a second time, after line %u%s%s",
				   kind, a->path ? a->path : a->user, b->line,
				   a->file == b->file ? "" : " of ",
				   a->file == b->file ? "" : b->file);
	}
}

static void end_section(struct reader *r)
{
	/* Of a value that was wrong it isn't known what it would go with. */
	if (r->c->errors != r->errors)
		r->section = SECTION_BAD;
	r->errors = r->c->errors;
	if (r->section == SECTION_TIER)
		end_tier(r);
	else if (r->section == SECTION_AGENT)
		end_agent(r);
	r->seen = 0;
}

static void section_line(struct reader *r, char *text)
{
	char *end = strrchr(text, ']'), *kind, *name;

	end_section(r);
	r->section = SECTION_BAD;
	if (!end || end[1]) {
		conf_error(r->c, r->line, "a section ends with ]: %s", text);
		return;
	}
	*end = '\0';
	kind = trim(text + 1);
	name = kind + strcspn(kind, " \t");
	if (*name)
		*name++ = '\0';
	name = trim(name);
	if (!strcmp(kind, "tier") && *name)
		begin_tier(r, name);
	else if (!strcmp(kind, "swap") && !*name)
		begin_swap(r);
	else if (!strcmp(kind, "policy") && !*name)
		begin_policy(r);
	else if (!strcmp(kind, "agent") && *name)
		begin_agent(r, name);
	else if (!strcmp(kind, "user") && *name)
		begin_user(r, name);
	else if (!strcmp(kind, "cgroup") && *name)
		begin_cgroup(r, name);
	else
		conf_error(r->c, r->line,
			   "no such section: [%s%s%s]. There are [tier NAME], [swap], [policy], [agent NUMBER], [agent PATTERN], [user NAME] and [cgroup PATH]",
			   kind, *name ? " " : "", name);
}

int conf_read(struct conf *c, FILE *f)
{
	struct reader r = { .c = c };
	char *line = NULL, *text;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, f)) >= 0) {
		r.line++;
		if (strlen(line) != (size_t)len) {
			conf_error(c, r.line, "not a text: there is a zero byte");
			break;
		}
		text = trim(line);
		if (!*text || *text == '#' || *text == ';')
			continue;
		if (*text == '[')
			section_line(&r, text);
		else
			key_line(&r, text);
	}
	if (ferror(f))
		conf_error(c, r.line + 1, "%s", strerror(errno));
	end_section(&r);
	free(line);
	return c->errors ? -EINVAL : 0;
}

void conf_free(struct conf *c)
{
	while (c->nr_agents)
		free(c->agents[--c->nr_agents].path);
	free(c->agents);
}

unsigned int conf_policy(const struct conf *c, struct tw_policy *p)
{
	return policy_put_all(p, c->policy, c->policy_set);
}
