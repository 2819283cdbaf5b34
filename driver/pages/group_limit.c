// SPDX-License-Identifier: GPL-2.0
/*
 * group_limit.c - limits of cgroups and users: setting and showing them
 *
 * Owns TW_IOC_GROUP_LIMITS, and which groups there are: a group is in the list of
 * group_join.c as long as it has limits. group.c says which spaces a group binds.
 *
 * Locks: tw_groups_mutex guards the list and orders calls that set limits. The doors
 * call this file, in process context.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/user_namespace.h>

#include "base/usercopy.h"
#include "pages/group_entry.h"
#include "pages/group_limit.h"
#include "tiers/headroom.h"

/* How many groups there may be. A call that makes a space looks at all of them. */
#define TW_GROUPS_MAX	1024

static unsigned int tw_nr_groups;
static u64 tw_group_serial;

/* -- limits -------------------------------------------------------------------- */

static bool tw_limits_none(const u64 *limit)
{
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		if (limit[tier] != TW_NO_LIMIT)
			return false;
	return true;
}

static struct tw_group *tw_group_find(const char *path, kuid_t uid)
{
	struct tw_group *g;

	lockdep_assert_held(&tw_groups_mutex);
	list_for_each_entry(g, &tw_groups, node) {
		if (path ? g->path && !strcmp(g->path, path) :
			   !g->path && uid_eq(g->uid, uid))
			return g;
	}
	return NULL;
}

static void tw_group_store(struct tw_group *g, const u64 *limit)
{
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++)
		WRITE_ONCE(g->limit[tier], limit[tier]);
}

/* Takes a group out of the list when its spaces are not bound by it any more. */
static void tw_group_unlist(struct tw_group *g)
{
	list_del(&g->node);
	tw_nr_groups--;
	tw_group_put(g);
}

/* Ends a group (may be NULL) whose limits have all been removed. Returns 0 or -ENOMEM. */
static int tw_group_end(struct tw_group *g)
{
	int err;

	if (!g)
		return 0;
	err = tw_group_spread(g, false);
	if (!err)
		tw_group_unlist(g);
	return err;
}

/*
 * Makes a group. On success it takes *@path over and sets it to NULL. Returns 0,
 * -ENOSPC or -ENOMEM.
 */
static int tw_group_begin(char **path, kuid_t uid, const u64 *limit)
{
	struct tw_group *g;
	int err;

	if (tw_nr_groups >= TW_GROUPS_MAX)
		return -ENOSPC;
	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	kref_init(&g->ref);
	g->path = *path;
	g->uid = uid;
	g->serial = ++tw_group_serial;
	tw_group_store(g, limit);
	err = tw_group_spread(g, true);
	if (err) {
		kfree(g);
		return err;
	}
	*path = NULL;
	list_add_tail(&g->node, &tw_groups);
	tw_nr_groups++;
	return 0;
}

static int tw_group_set(char **path, kuid_t uid, const u64 *limit)
{
	struct tw_group *g;
	int err = 0;

	mutex_lock(&tw_groups_mutex);
	g = tw_group_find(*path, uid);
	if (tw_limits_none(limit))
		err = tw_group_end(g);
	else if (g)
		tw_group_store(g, limit);
	else
		err = tw_group_begin(path, uid, limit);
	mutex_unlock(&tw_groups_mutex);
	if (!err)
		tw_demote_queue();
	return err;
}

/* -- the call ------------------------------------------------------------------ */

/* Whether the caller may see the limits of all groups. */
static bool tw_groups_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE) ||
	       tw_is_admin();
}

static bool tw_path_valid(const char *path)
{
	const char *p = path;

	if (*p != '/')
		return false;
	for (; *p && p[1]; p += strcspn(p + 1, "/") + 1) {
		size_t len = strcspn(p + 1, "/");

		if (!len || (p[1] == '.' && (len == 1 || (len == 2 && p[2] == '.'))))
			return false;
		if (p[len + 1] && !p[len + 2])
			return false;	/* a slash at the end */
	}
	return true;
}

/* Returns the path that the caller passes, for kfree(), or ERR_PTR. */
static char *tw_group_path(const struct tw_group_limits *arg)
{
	char *path;

	if (!arg->path_len || arg->path_len > PATH_MAX)
		return ERR_PTR(-EINVAL);
	path = strndup_user(u64_to_user_ptr(arg->path), arg->path_len);
	if (!IS_ERR(path) && !tw_path_valid(path)) {
		kfree(path);
		return ERR_PTR(-EINVAL);
	}
	return path;
}

/* Whether the caller may see a group's limits: it is an admin or in the group. */
static bool tw_group_seen(const char *path, kuid_t uid)
{
	char *own;
	bool seen;

	if (tw_groups_admin())
		return true;
	if (!path)
		return uid_eq(uid, current_euid());
	own = tw_current_cgroup();
	seen = own && tw_path_below(own, path);
	kfree(own);
	return seen;
}

static void tw_group_tell(const struct tw_group *g, struct tw_group_limits *arg)
{
	int tier;

	for (tier = 0; tier < TW_NR_TIERS; tier++) {
		arg->pages[tier] = g ? READ_ONCE(g->limit[tier]) : TW_NO_LIMIT;
		arg->used[tier] = g ? tw_group_used(g, tier) : 0;
	}
}

/*
 * Reads which group the call is about: either *@path is set, for kfree(), or it is NULL
 * and *@uid is set. Returns 0 or -errno.
 */
static int tw_group_named(const struct tw_group_limits *arg, char **path,
			  kuid_t *uid)
{
	*path = NULL;
	*uid = make_kuid(current_user_ns(), arg->uid);
	switch (arg->kind) {
	case TW_GROUP_CGROUP:
		if (arg->uid)
			return -EINVAL;
		*path = tw_group_path(arg);
		return PTR_ERR_OR_ZERO(*path);
	case TW_GROUP_USER:
		if (arg->path || arg->path_len || !uid_valid(*uid))
			return -EINVAL;
		return 0;
	default:
		return -EINVAL;
	}
}

static int tw_group_one(struct tw_group_limits *arg)
{
	kuid_t uid;
	char *path;
	int err;

	err = tw_group_named(arg, &path, &uid);
	if (err)
		return err;
	if (arg->flags & TW_GROUP_SET) {
		if (capable(CAP_SYS_RESOURCE))
			err = tw_group_set(&path, uid, arg->pages);
		else
			err = -EPERM;
	} else if (tw_group_seen(path, uid)) {
		mutex_lock(&tw_groups_mutex);
		tw_group_tell(tw_group_find(path, uid), arg);
		mutex_unlock(&tw_groups_mutex);
	} else {
		err = -EPERM;
	}
	kfree(path);
	return err;
}

/* Copies the path out; -EMSGSIZE if the caller's buffer is too small, with its size. */
static int tw_group_tell_path(const struct tw_group *g,
			      struct tw_group_limits *arg)
{
	u32 room = arg->path_len;

	arg->path_len = g->path ? strlen(g->path) + 1 : 0;
	if (arg->path_len > room)
		return -EMSGSIZE;
	if (g->path && copy_to_user(u64_to_user_ptr(arg->path), g->path,
				    arg->path_len))
		return -EFAULT;
	return 0;
}

static int tw_group_next(struct tw_group_limits *arg)
{
	struct tw_group *g;
	int err = -ENOENT;

	if (arg->kind || arg->uid)
		return -EINVAL;
	if (!tw_groups_admin())
		return -EPERM;
	mutex_lock(&tw_groups_mutex);
	list_for_each_entry(g, &tw_groups, node) {
		if (g->serial <= arg->cursor)
			continue;
		err = tw_group_tell_path(g, arg);
		if (err)
			break;
		arg->cursor = g->serial;
		arg->kind = g->path ? TW_GROUP_CGROUP : TW_GROUP_USER;
		arg->uid = g->path ? 0 : from_kuid_munged(current_user_ns(),
							  g->uid);
		tw_group_tell(g, arg);
		break;
	}
	mutex_unlock(&tw_groups_mutex);
	return err;
}

/**
 * tw_group_limits_ioctl - TW_IOC_GROUP_LIMITS
 * @arg: the ioctl's argument
 *
 * Sleeps.
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_group_limits_ioctl(struct tw_group_limits *arg)
{
	if (arg->reserved)
		return -EINVAL;
	if (arg->flags == TW_GROUP_NEXT)
		return tw_group_next(arg);
	if ((arg->flags & ~TW_GROUP_SET) || arg->cursor)
		return -EINVAL;
	return tw_group_one(arg);
}

/**
 * tw_groups_exit - at unload: no space is left, the limits end
 */
void tw_groups_exit(void)
{
	struct tw_group *g, *n;

	list_for_each_entry_safe(g, n, &tw_groups, node)
		tw_group_unlist(g);
}
