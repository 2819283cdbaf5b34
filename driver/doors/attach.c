// SPDX-License-Identifier: GPL-2.0
/*
 * attach.c - attached programs: TW_IOC_ATTACH and its neighbours
 *
 * Owns the list of attachments, in the order of their ids, and the work that ends those
 * whose address space has ended. That work looks every TW_ATTACH_REAP seconds while
 * there are any: the kernel tells of the end only to users of a notifier, and with one
 * the accessed bits would not be trusted any more (tw_accessed_tells()).
 *
 * Locks: tw_attach_lock (a mutex) guards the list; spaces are shown and hidden, and
 * memory is allocated, under it.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/tierwatch.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "attached/attachment.h"
#include "base/compat.h"
#include "doors/attach.h"
#include "policy/scanner.h"

#define TW_ATTACH_REAP	2

static DEFINE_MUTEX(tw_attach_lock);
static LIST_HEAD(tw_attachments);

static void tw_attach_reap(struct work_struct *work);
static DECLARE_DELAYED_WORK(tw_attach_reaper, tw_attach_reap);

static void tw_attachment_end(struct tw_attachment *a)
{
	lockdep_assert_held(&tw_attach_lock);
	list_del(&a->node);
	WRITE_ONCE(a->space.dead, true);
	tw_space_hide(&a->space);
	tw_space_put(&a->space);
}

static void tw_attach_reap(struct work_struct *work)
{
	struct tw_attachment *a, *next;

	mutex_lock(&tw_attach_lock);
	list_for_each_entry_safe(a, next, &tw_attachments, node)
		if (!atomic_read(&a->mm->mm_users))
			tw_attachment_end(a);
	if (!list_empty(&tw_attachments))
		queue_delayed_work(system_unbound_wq, &tw_attach_reaper,
				   TW_ATTACH_REAP * HZ);
	mutex_unlock(&tw_attach_lock);
}

/* -- attaching -------------------------------------------------------------------- */

/**
 * struct tw_attach_to - a process whose memory is to be attached; all is referenced
 * @mm: its memory, with a user
 * @ns: the user namespace that the memory belongs to
 * @pid: the process
 */
struct tw_attach_to {
	struct mm_struct *mm;
	struct user_namespace *ns;
	struct pid *pid;
};

/*
 * Finds the memory of a task, which is not to change meanwhile by execve(2), so that it
 * is the one which the namespace is of. Returns 0, -ESRCH if it has none, or -EINTR.
 */
static int tw_attach_memory(struct tw_attach_to *to, struct task_struct *task)
{
	if (down_read_killable(&task->signal->exec_update_lock))
		return -EINTR;
	to->mm = get_task_mm(task);	/* NULL for kernel threads, too */
	if (to->mm)
		to->ns = tw_task_mm_ns(task, to->mm);
	up_read(&task->signal->exec_update_lock);
	return to->mm ? 0 : -ESRCH;
}

static void tw_attach_put(struct tw_attach_to *to)
{
	put_pid(to->pid);
	put_user_ns(to->ns);
	mmput(to->mm);
}

/*
 * Finds process @nr, or the caller's if it is 0. Returns 0, -ESRCH, -EINTR, or -EPERM if
 * the caller may not attach it.
 */
static int tw_attach_find(struct tw_attach_to *to, pid_t nr)
{
	struct pid *named = nr ? find_get_pid(nr) : get_pid(task_tgid(current));
	struct task_struct *task = get_pid_task(named, PIDTYPE_PID);
	int err;

	put_pid(named);
	if (!task)
		return -ESRCH;
	err = tw_attach_memory(to, task);
	if (!err)
		to->pid = get_task_pid(task, PIDTYPE_TGID);
	put_task_struct(task);
	if (err)
		return err;
	if (to->mm == current->mm || ns_capable(to->ns, CAP_SYS_PTRACE))
		return 0;
	tw_attach_put(to);
	return -EPERM;
}

/* Attaches it. Returns 0 or -errno; *@id is the attachment's, also with -EEXIST. */
static int tw_attach_locked(const struct tw_attach_to *to, u64 *id)
{
	struct tw_attachment *a;
	int err;

	lockdep_assert_held(&tw_attach_lock);
	list_for_each_entry(a, &tw_attachments, node) {
		if (a->mm == to->mm) {
			*id = a->space.id;
			return -EEXIST;
		}
	}
	a = tw_attached_alloc(to->mm, to->ns, to->pid);
	if (IS_ERR(a))
		return PTR_ERR(a);
	err = tw_space_reserve_id(&a->space);
	if (err) {
		tw_space_put(&a->space);
		return err;
	}
	list_add_tail(&a->node, &tw_attachments);
	tw_space_show(&a->space);
	queue_delayed_work(system_unbound_wq, &tw_attach_reaper,
			   TW_ATTACH_REAP * HZ);
	*id = a->space.id;
	return 0;
}

/**
 * tw_attach_ioctl - TW_IOC_ATTACH
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_attach_ioctl(struct tw_attach *arg)
{
	struct tw_attach_to to;
	int err;

	if (arg->flags || arg->reserved || arg->pid < 0)
		return -EINVAL;
	if (!IS_ENABLED(CONFIG_X86))
		return -EOPNOTSUPP;
	err = tw_attach_find(&to, arg->pid);
	if (err)
		return err;
	err = mutex_lock_killable(&tw_attach_lock);
	if (!err) {
		err = tw_attach_locked(&to, &arg->id);
		mutex_unlock(&tw_attach_lock);
	}
	tw_attach_put(&to);
	if (!err)
		tw_scanner_watch();
	return err;
}

/* -- looking, and ending ------------------------------------------------------------- */

/* The caller's attachment of that id, or with @next the one behind it; or NULL. */
static struct tw_attachment *tw_attachment_find(u64 id, bool next)
{
	struct tw_attachment *a;

	lockdep_assert_held(&tw_attach_lock);
	list_for_each_entry(a, &tw_attachments, node)
		if ((next ? a->space.id > id : a->space.id == id) &&
		    tw_space_mine(&a->space))
			return a;
	return NULL;
}

/**
 * tw_detach_ioctl - TW_IOC_DETACH
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_detach_ioctl(struct tw_detach *arg)
{
	struct tw_attachment *a;
	int err = -ENOENT;

	if (arg->flags)
		return -EINVAL;
	if (mutex_lock_killable(&tw_attach_lock))
		return -EINTR;
	a = tw_attachment_find(arg->id, false);
	if (a) {
		tw_attachment_end(a);
		err = 0;
	}
	mutex_unlock(&tw_attach_lock);
	return err;
}

/* The number of its process for the caller, 0 if that has other memory by now, or none. */
static pid_t tw_attachment_pid(struct tw_attachment *a)
{
	struct task_struct *task = get_pid_task(a->pid, PIDTYPE_PID);
	pid_t nr = 0;

	if (!task)
		return 0;
	task_lock(task);
	if (task->mm == a->mm)
		nr = pid_vnr(a->pid);
	task_unlock(task);
	put_task_struct(task);
	return nr;
}

static void tw_attachment_describe(struct tw_attachment *a, struct tw_attached *arg)
{
	int tier;

	arg->id = a->space.id;
	arg->pid = tw_attachment_pid(a);
	arg->state = READ_ONCE(a->state);
	for (tier = 0; tier < TW_NR_TIERS; tier++)
		arg->pages[tier] = READ_ONCE(a->pages[tier]);
	arg->elsewhere = READ_ONCE(a->elsewhere);
	arg->swapped = READ_ONCE(a->swapped);
	arg->record_bytes = atomic_long_read(&a->space.record_bytes);
	arg->scans = READ_ONCE(a->scans);
}

/**
 * tw_attached_ioctl - TW_IOC_ATTACHED
 * @arg: the ioctl's argument
 *
 * Return: 0 or -errno as in uapi.
 */
int tw_attached_ioctl(struct tw_attached *arg)
{
	struct tw_attachment *a;

	if (arg->flags & ~TW_ATTACHED_NEXT)
		return -EINVAL;
	if (mutex_lock_killable(&tw_attach_lock))
		return -EINTR;
	a = tw_attachment_find(arg->id, arg->flags & TW_ATTACHED_NEXT);
	if (a)
		tw_attachment_describe(a, arg);
	mutex_unlock(&tw_attach_lock);
	return a ? 0 : -ENOENT;
}

/**
 * tw_attach_exit - at unload, when no caller is left
 */
void tw_attach_exit(void)
{
	struct tw_attachment *a, *next;

	mutex_lock(&tw_attach_lock);
	list_for_each_entry_safe(a, next, &tw_attachments, node)
		tw_attachment_end(a);
	mutex_unlock(&tw_attach_lock);
	cancel_delayed_work_sync(&tw_attach_reaper);
}
