// SPDX-License-Identifier: GPL-2.0
/*
 * What has to be done so that a tier is made of what tierwatch.conf says, and
 * what is in the way of it.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "plan.h"

/* Somebody else has said what is wrong. */
static void count_error(struct plan *p, int code)
{
	p->conf->errors++;
	if (code == EXIT_NO_PERMISSION)
		p->code = code;
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
	struct stat st;

	return c->line && (c->unbound || (!stat(c->device, &st) &&
					  !is_made_of(&p->now[tier], &st)));
}

static bool fits(struct plan *p, int tier, __u64 pages, __u64 there)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	char want[TEXT_LEN], have[TEXT_LEN];

	if (pages <= there)
		return true;
	conf_error(p->conf, c->line, "[tier %s] wants %s, and there are %s",
		   tw_tier_name(tier), text_bytes(want, c->capacity),
		   text_bytes(have, there * p->conf->page_size));
	return false;
}

/* -- stores ---------------------------------------------------------------- */

static void check_contents(struct plan *p, int tier, int fd)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	char what[CONTENTS_LEN];

	switch (contents_of(fd, what)) {
	case CONTENTS_STORE:
		return;
	case CONTENTS_NONE:
		if (!c->format) {
			conf_error(p->conf, c->line,
				   "%s is not signed. Sign it with: tw tier format %s, or let it be signed: format = yes",
				   c->device, c->device);
			return;
		}
		p->tiers[tier].sign = true;
		return;
	default:
		conf_error(p->conf, c->line,
			   "%s is no store but holds something: %s. It is left alone",
			   c->device, what);
		return;
	}
}

/* A device that no tier has. */
static void check_free(struct plan *p, int tier, const struct stat *st)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	bool file = S_ISREG(st->st_mode);
	struct format_result unused;
	char users[USERS_LEN] = "";
	int fd, code, err;

	if (file && file_loop(st)) {
		conf_error(p->conf, c->line,
			   "%s is in use: there is a loop device of it. See: losetup -l",
			   c->device);
		return;
	}
	fd = open(c->device, O_RDWR | O_CLOEXEC | (file ? 0 : O_EXCL));
	if (fd < 0) {
		err = errno;
		if (err == EBUSY)
			device_users(users, sizeof(users), st->st_rdev);
		if (err == EACCES || err == EPERM)
			p->code = EXIT_NO_PERMISSION;
		conf_error(p->conf, c->line, "%s: %s%s%s", c->device,
			   err == EBUSY ? "it is in use" : strerror(err),
			   *users ? ": " : "", users);
		return;
	}
	check_contents(p, tier, fd);
	close(fd);
	code = p->tiers[tier].sign ? format_store(c->device, NULL,
						  FORMAT_DRY_RUN, &unused) :
	       file ? loop_check(c->device) : 0;
	if (code)
		count_error(p, code);
}

static bool used_twice(struct plan *p, int tier, const struct stat *st)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	struct stat other;
	int i;

	for (i = TW_TIER_NVME; i < tier; i++) {
		if (!*p->conf->tiers[i].device ||
		    stat(p->conf->tiers[i].device, &other))
			continue;
		if (S_ISBLK(st->st_mode) ? other.st_rdev != st->st_rdev :
		    other.st_dev != st->st_dev || other.st_ino != st->st_ino)
			continue;
		conf_error(p->conf, c->line,
			   "%s is what line %u gives to the %s tier",
			   c->device, p->conf->tiers[i].line, tw_tier_name(i));
		return true;
	}
	return false;
}

/* Bound to another tier, which keeps it? Sets *@other when to one at all. */
static bool is_elsewhere(struct plan *p, int tier, const struct stat *st,
			 bool *other)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	int i;

	for (i = TW_TIER_NVME; i < TW_NR_TIERS; i++) {
		if (i == tier || !is_made_of(&p->now[i], st))
			continue;
		*other = true;
		if (will_leave(p, i))
			continue;
		conf_error(p->conf, c->line,
			   "%s is bound to the %s tier, which this file doesn't change",
			   c->device, tw_tier_name(i));
		return true;
	}
	return false;
}

static __u64 store_pages(const char *path, const struct stat *st,
			 __u32 page_size)
{
	__u64 bytes = st->st_size;
	int fd;

	if (S_ISBLK(st->st_mode)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes))
			bytes = ~0ULL;
		if (fd >= 0)
			close(fd);
	}
	return bytes < TW_STORE_DATA ? 0 : (bytes - TW_STORE_DATA) / page_size;
}

static void plan_store(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	const struct tw_tier_info *now = &p->now[tier];
	struct tier_step *step = &p->tiers[tier];
	bool elsewhere = false;
	struct stat st;

	if (stat(c->device, &st)) {
		conf_error(p->conf, c->line, "%s: %s", c->device,
			   strerror(errno));
		return;
	}
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)) {
		conf_error(p->conf, c->line,
			   "%s is neither a block device nor a file",
			   c->device);
		return;
	}
	step->b.path = c->device;
	if (used_twice(p, tier, &st) ||
	    !fits(p, tier, step->b.capacity,
		  store_pages(c->device, &st, p->conf->page_size)))
		return;
	step->make = true;
	if (is_made_of(now, &st)) {
		step->make = step->b.capacity &&
			     step->b.capacity != now->capacity;
		step->undo = step->make;
		return;
	}
	step->undo = now->kind != TW_KIND_NONE;
	/* What another tier lets go was signed for that one. */
	if (!is_elsewhere(p, tier, &st, &elsewhere) && !elsewhere)
		check_free(p, tier, &st);
}

/* -- memory ---------------------------------------------------------------- */

static void plan_nodes(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	const struct tw_tier_info *now = &p->now[tier];
	struct tier_step *step = &p->tiers[tier];
	__u64 cpus = 0, memory = 0, there, bytes = 0;
	char nodes[NODES_LEN];
	unsigned int i;

	sysfs_cpu_nodes(&cpus);
	sysfs_nodes(c->movable ? "has_memory" : "has_normal_memory", &memory);
	there = memory & (tier == TW_TIER_CPU ? cpus : ~cpus);
	if (!there || c->nodes & ~there) {
		conf_error(p->conf, c->line,
			   there ? "[tier %s] can have nodes %s and no others" :
				   "[tier %s]: this machine has no node for it",
			   tw_tier_name(tier), text_nodes(nodes, there));
		return;
	}
	step->b.nodes = c->nodes;
	if (c->leave >= 0)
		step->b.flags |= leave_flags(c->leave);
	else if (!c->capacity)
		step->b.flags |= TW_BIND_SHARE;
	if (c->movable)
		step->b.flags |= TW_BIND_MOVABLE;
	for (i = 0; i < 64; i++)
		if ((c->nodes ? c->nodes : there) >> i & 1)
			bytes += sysfs_node_bytes(i);
	if (!fits(p, tier, step->b.capacity, bytes / p->conf->page_size))
		return;
	step->undo = now->kind != TW_KIND_NONE &&
		     ((c->nodes && c->nodes != now->nodes) ||
		      (step->b.capacity && step->b.capacity != now->capacity));
	step->make = step->undo || now->kind == TW_KIND_NONE;
}

void plan_tier(struct plan *p, int tier)
{
	const struct conf_tier *c = &p->conf->tiers[tier];
	struct tier_step *step = &p->tiers[tier];

	if (!c->line)
		return;
	step->b.tier = tier;
	step->b.capacity = c->capacity / p->conf->page_size;
	if (c->unbound)
		step->undo = p->now[tier].kind != TW_KIND_NONE;
	else if (is_store(tier))
		plan_store(p, tier);
	else
		plan_nodes(p, tier);
	p->steps += step->undo || step->make;
}
