// SPDX-License-Identifier: GPL-2.0
/*
 * Attached programs as the driver has them, and why one could not be attached.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent_values.h"
#include "base/cli.h"
#include "base/text.h"
#include "machine/process.h"
#include "program/attachments.h"
#include "tier/tier.h"

#define STEP	64

static int no_attachments(void)
{
	return cli_error("the driver knows no attachments: it is older than this tw. Install tw and tier_watch of the same version");
}

int attachments_list(struct tw *tw, struct attachments *a)
{
	struct tw_attached *more;
	__u64 last = 0;
	int err;

	for (;;) {
		if (a->nr % STEP == 0) {
			more = realloc(a->one, (a->nr + STEP) * sizeof(*more));
			if (!more)
				return -ENOMEM;
			a->one = more;
		}
		err = tw_attached(tw, last, TW_ATTACHED_NEXT, &a->one[a->nr]);
		if (err)
			break;
		last = a->one[a->nr++].id;
	}
	return err == -ENOENT ? 0 : err;
}

int attachments_load(struct tw *tw, struct attachments *a)
{
	int err = attachments_list(tw, a);

	if (err == -ENOTTY)
		return no_attachments();
	return err ? cli_errno(err, "listing attachments") : 0;
}

/* What stores have of it is a part of what is swapped out. */
static __u64 pages_of(const struct tw_attached *a, unsigned int memory)
{
	__u64 sum = a->elsewhere + a->swapped;
	int t;

	for (t = 0; t < TW_NR_TIERS; t++)
		if (memory & 1U << t)
			sum += a->pages[t];
	return sum;
}

static int by_size(const void *x, const void *y, void *memory)
{
	const struct tw_attached *a = x, *b = y;
	__u64 m = pages_of(a, *(unsigned int *)memory);
	__u64 n = pages_of(b, *(unsigned int *)memory);

	if (m != n)
		return m < n ? 1 : -1;
	return (a->id > b->id) - (a->id < b->id);
}

void attachments_sort(struct tw *tw, struct attachments *a)
{
	unsigned int memory = 0;
	struct tw_tier_info info;
	int t;

	for (t = 0; t < TW_NR_TIERS; t++)
		if (!tw_tier_info(tw, t, &info) && info.kind == TW_KIND_NUMA)
			memory |= 1U << t;
	if (a->nr)
		qsort_r(a->one, a->nr, sizeof(*a->one), by_size, &memory);
}

void attachments_free(struct attachments *a)
{
	free(a->one);
	*a = (struct attachments){ 0 };
}

const struct tw_attached *attachments_find(const struct attachments *a,
					   __u32 pid)
{
	size_t i;

	for (i = 0; i < a->nr; i++)
		if (a->one[i].pid == (__s32)pid)
			return &a->one[i];
	return NULL;
}

const char *text_process(char *buf, __u32 pid)
{
	char name[PROCESS_NAME_LEN];

	process_name(pid, name);
	snprintf(buf, PROCESS_TEXT_LEN, "process %u%s%s", pid,
		 *name ? " " : "", name);
	return buf;
}

int attach_failed(__u32 pid, int err)
{
	char process[PROCESS_TEXT_LEN], user[TEXT_LEN] = "?";
	__u32 uid;

	text_process(process, pid);
	switch (err) {
	case -EPERM:
		if (!process_uid(pid, &uid))
			text_user(user, uid);
		return cli_no_permission("%s, of user %s: attaching it needs CAP_SYS_PTRACE in its user namespace. Be root",
					 process, user);
	case -ESRCH:
		return cli_error("%s: there is no such process, or it has no memory of its own, as the kernel's threads have none",
				 process);
	case -EDQUOT:
		return cli_error("%s: your user has as many regions and attachments as it may. See: tw attach; cat /sys/module/tier_watch/parameters/max_user_regions",
				 process);
	case -EOPNOTSUPP:
		return cli_error("programs can't be attached on this machine: its page tables do not tell of touches");
	case -ENOTTY:
		return no_attachments();
	default:
		return cli_errno(err, "attaching %s", process);
	}
}
