// SPDX-License-Identifier: GPL-2.0
/*
 * What has to be done so that a store is on the device that tierwatch.conf says,
 * and what is in the way of it. A device is known by its name or by what its
 * signature says; where the file says both, or the signature says for which tier
 * it was made, they have to agree: names may have changed from one disk to
 * another since the last boot.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cli.h"
#include "conf/conf.h"
#include "conf/plan.h"
#include "machine/check.h"
#include "machine/contents.h"
#include "machine/find.h"
#include "machine/loop.h"
#include "machine/super.h"
#include "machine/sysfs.h"
#include "machine/users.h"
#include "tier/format.h"

/* Somebody else has said what is wrong. */
static void count_error(struct plan *p, int code)
{
	p->conf->errors++;
	if (code == EXIT_NO_PERMISSION)
		p->code = code;
}

static void refuse(struct plan *p, int tier, const char *name,
		   const struct device_wrong *w)
{
	if (w->code == EXIT_NO_PERMISSION)
		p->code = w->code;
	conf_error(p->conf, p->conf->tiers[tier].line, "%s %s%s%s", name, w->why,
		   w->next, w->empty ? ", or let it be signed: format = yes" : "");
}

static bool is_made_of(const struct tw_tier_info *t, const struct stat *st)
{
	__u32 dev = S_ISREG(st->st_mode) ? file_loop(st) : st->st_rdev;

	return t->kind == TW_KIND_STORE && dev && t->dev == dev;
}

/* Will the tier let go what it has? */
static bool will_leave(const struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	const char *path = p->tiers[tier].path;
	struct stat st;

	return c->line && (c->unbound || (*path && !stat(path, &st) &&
					  !is_made_of(&p->now[tier], &st)));
}

/* -- which device ----------------------------------------------------------- */

static void not_there(struct plan *p, int tier, const char *name,
		      const struct device_wrong *w)
{
	const struct conf_tier *c = &p->conf->tiers[tier];

	p->tiers[tier].path[0] = '\0';
	if (!c->optional) {
		conf_error(p->conf, c->line,
			   "%s %s. If it need not be there: optional = yes",
			   name, w->why);
		return;
	}
	p->tiers[tier].absent = true;
}

void plan_find(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	struct tier_step *step = &p->tiers[tier];
	struct device_wrong wrong = { 0 };
	struct device_look look;

	if (!c->line || c->unbound || !conf_is_store(c))
		return;
	if (*c->device) {
		strcpy(step->path, c->device);
		if (!device_find(&look, step->path, &wrong) && wrong.absent)
			not_there(p, tier, c->device, &wrong);
		return;
	}
	if (!store_find(c->store, step->path, sizeof(step->path), &wrong))
		return;
	if (wrong.absent)
		not_there(p, tier, c->store, &wrong);
	else
		refuse(p, tier, c->store, &wrong);
	step->path[0] = '\0';
}

static bool used_twice(struct plan *p, int tier, const struct stat *st)
{
	const char *path = p->tiers[tier].path;
	struct stat other;
	int i;

	for (i = 0; i < tier; i++) {
		if (!*p->tiers[i].path || stat(p->tiers[i].path, &other))
			continue;
		if (S_ISBLK(st->st_mode) ? other.st_rdev != st->st_rdev :
		    other.st_dev != st->st_dev || other.st_ino != st->st_ino)
			continue;
		conf_error(p->conf, p->conf->tiers[tier].line,
			   "%s is what line %u gives to the %s tier", path,
			   p->conf->tiers[i].line, tw_tier_name(i));
		return true;
	}
	return false;
}

/* Bound to another tier, which keeps it? Sets *@other when to one at all. */
static bool is_elsewhere(struct plan *p, int tier, const struct stat *st,
			 bool *other)
{
	int i;

	for (i = 0; i < TW_NR_TIERS; i++) {
		if (i == tier || !is_made_of(&p->now[i], st))
			continue;
		*other = true;
		if (will_leave(p, i))
			continue;
		conf_error(p->conf, p->conf->tiers[tier].line,
			   "%s is bound to the %s tier, which this file doesn't change",
			   p->tiers[tier].path, tw_tier_name(i));
		return true;
	}
	return false;
}

/* -- what is on it ---------------------------------------------------------- */

/* Where the store that is meant went, into @text; empty: nobody knows. */
static const char *where_now(const struct conf_tier *c, char *text, size_t len)
{
	struct device_wrong unused;
	char path[PATH_MAX];

	text[0] = '\0';
	if (!store_find(c->store, path, sizeof(path), &unused))
		snprintf(text, len, ". That is now %.*s", DEVICE_NAME_LEN,
			 path);
	return text;
}

/* Is it the store that the file means? */
static bool is_meant(struct plan *p, int tier, const struct device_look *l)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	char now[DEVICE_NAME_LEN + 32];

	if (l->contents != CONTENTS_STORE)
		return true;
	if (*c->store && !store_tag_is(c->store, &l->super)) {
		conf_error(p->conf, c->line,
			   "%s is not %s, but UUID=%s%s%s. Names of devices may change at boot%s",
			   l->path, c->store, l->super.uuid,
			   *l->super.label ? ", LABEL=" : "", l->super.label,
			   where_now(c, now, sizeof(now)));
		return false;
	}
	if (l->super.tier == TW_TIER_NONE || l->super.tier == tier)
		return true;
	conf_error(p->conf, c->line,
		   "%s was signed for the %s tier. Names of devices may change at boot: see tw tier detect. If it is meant for %s: tw tier format --force --tier %s %s",
		   l->path, tw_tier_name(l->super.tier), tw_tier_name(tier),
		   tw_tier_name(tier), l->path);
	return false;
}

/* A device that no tier has; or @bound, one that another tier lets go. */
static void check_device(struct plan *p, int tier, bool bound)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	struct tier_step *step = &p->tiers[tier];
	struct format_result unused;
	struct device_wrong wrong;
	struct device_look look;
	int fd, code = 0;

	fd = device_check(&look, step->path, CHECK_STORE |
			  (bound ? 0 : CHECK_WRITE) |
			  (c->format ? CHECK_EMPTY : 0), &wrong);
	if (fd < 0) {
		refuse(p, tier, step->path, &wrong);
		return;
	}
	close(fd);
	if (!is_meant(p, tier, &look))
		return;
	if (!device_has_room(&look, c->capacity, &wrong)) {
		refuse(p, tier, step->path, &wrong);
		return;
	}
	step->sign = look.contents == CONTENTS_NONE;
	if (step->sign)
		code = format_store(step->path, NULL, tier, FORMAT_DRY_RUN,
				    &unused);
	else if (S_ISREG(look.st.st_mode) && !bound)
		code = loop_check(step->path);
	if (code)
		count_error(p, code);
}

/* The device that the tier has already: another capacity, at most. */
static void plan_same(struct plan *p, int tier)
{
	struct tier_step *step = &p->tiers[tier];
	struct device_wrong wrong;
	struct device_look look;
	int fd;

	step->make = step->b.capacity &&
		     step->b.capacity != p->now[tier].capacity;
	step->undo = step->make;
	/* What is bound is asked what it is only if the file says that. */
	if (!step->make && !*p->conf->tiers[tier].store)
		return;
	fd = device_check(&look, step->path, CHECK_STORE, &wrong);
	if (fd >= 0)
		close(fd);
	if (fd < 0 || !device_has_room(&look, p->conf->tiers[tier].capacity,
				       &wrong))
		refuse(p, tier, step->path, &wrong);
	else
		is_meant(p, tier, &look);
}

void plan_store(struct plan *p, int tier)
{
	const struct tw_tier_info *now = &p->now[tier];
	struct tier_step *step = &p->tiers[tier];
	struct device_wrong wrong;
	struct device_look look;
	bool bound = false;

	if (!*step->path)
		return;
	if (!device_find(&look, step->path, &wrong)) {
		refuse(p, tier, step->path, &wrong);
		return;
	}
	step->b.path = step->path;
	if (used_twice(p, tier, &look.st))
		return;
	if (is_made_of(now, &look.st)) {
		plan_same(p, tier);
		return;
	}
	step->make = true;
	step->undo = now->kind != TW_KIND_NONE;
	if (!is_elsewhere(p, tier, &look.st, &bound))
		check_device(p, tier, bound);
}
