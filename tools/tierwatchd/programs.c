// SPDX-License-Identifier: GPL-2.0
/*
 * The attached programs.
 *
 * A process's number is another process's once it has ended. So a descriptor of the
 * process is opened first, and only used if the driver is asked again and still says
 * that the number is the attached program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/stop.h"
#include "programs.h"
#include "say.h"

/* Reading where pages may be takes at most one part in this many of the time. */
#define READ_PART	100

/* Addresses of one call. */
#define WHERE_MAX	1024

#define PM_PFN		((1ULL << 55) - 1)
#define PM_PRESENT	(1ULL << 63)

void td_programs_init(struct td_programs *p)
{
	memset(p, 0, sizeof(*p));
	p->kpageflags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void forget(struct td_program *p)
{
	close_fd(p->pidfd);
	close_fd(p->pagemap);
	td_bound_free(&p->bound);
}

void td_programs_end(struct td_programs *p)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		forget(&p->program[i]);
	free(p->program);
	p->program = NULL;
	p->nr = 0;
	close_fd(p->kpageflags);
	p->kpageflags = -1;
}

static struct td_program *find(struct td_programs *p, __u64 number)
{
	size_t i;

	for (i = 0; i < p->nr; i++)
		if (TW_PAGE_OWNER(p->program[i].id) == number)
			return &p->program[i];
	return NULL;
}

static struct td_program *add(struct td_programs *p, __u64 id)
{
	struct td_program *more;

	more = realloc(p->program, (p->nr + 1) * sizeof(*more));
	if (!more)
		return NULL;
	p->program = more;
	more += p->nr++;
	*more = (struct td_program){ .id = id, .pidfd = -1, .pagemap = -1 };
	return more;
}

/* Opens the program's process, unless that has been done. */
static void get_hold(struct td_program *p, struct tw *tw, int pid)
{
	struct tw_attached again;
	char path[32];

	if (p->pid == pid)
		return;
	forget(p);
	p->pid = 0;
	p->pagemap = -1;
	p->read_ns = 0;
	p->pidfd = pid ? pidfd_open(pid, 0) : -1;
	if (p->pidfd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	p->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (!tw_attached(tw, p->id, 0, &again) && again.pid == pid)
		p->pid = pid;
}

/* Of a virtual machine's memory the driver cannot tell what is cold. */
static void look_blind(struct td_program *p, bool blind)
{
	if (blind && !p->blind && p->pid)
		td_say(TD_WARNING, "process %d is left alone: others have page tables of its memory, as a virtual machine has, so that its touches are not all seen",
		       p->pid);
	p->blind = blind;
}

static bool usable(const struct td_program *p)
{
	return p->pid && !p->refused && !p->blind;
}

/* Forgets programs that have left. */
static void drop_unseen(struct td_programs *p)
{
	size_t i, kept = 0;

	for (i = 0; i < p->nr; i++) {
		struct td_program *one = &p->program[i];

		if (one->seen != p->tick)
			forget(one);
		else
			p->program[kept++] = *one;
	}
	p->nr = kept;
}

int td_programs_refresh(struct td_programs *p, struct tw *tw)
{
	struct tw_attached info;
	struct td_program *one;
	__u64 id = 0;
	int err, nr = 0;

	for (;;) {
		err = tw_attached(tw, id, TW_ATTACHED_NEXT, &info);
		if (err)
			break;
		id = info.id;
		one = find(p, TW_PAGE_OWNER(id));
		if (!one)
			one = add(p, id);
		if (!one)
			return -ENOMEM;
		one->id = id;
		one->seen = p->tick;
		get_hold(one, tw, info.pid);
		look_blind(one, info.state & TW_ATTACHED_BLIND);
		nr += usable(one);
	}
	drop_unseen(p);
	return err == -ENOENT ? nr : err;
}

void td_program_refuse(struct td_program *p, const char *call, int err)
{
	if (!p->refused)
		td_say(TD_WARNING, "process %d is left alone: %s: %s", p->pid,
		       call, strerror(-err));
	p->refused = true;
}

struct td_program *td_program_of(struct td_programs *p, __u64 page)
{
	struct td_program *one = find(p, TW_PAGE_REGION(page));

	return one && usable(one) ? one : NULL;
}

bool td_program_ready(struct td_program *p)
{
	__u64 now = now_ns();
	int err;

	if (now < p->read_ns)
		return true;
	err = td_bound_read(&p->bound, p->pid);
	p->read_ns = now_ns() + READ_PART * (now_ns() - now);
	if (err)
		td_bound_free(&p->bound);	/* with none it may be nowhere else */
	if (err == -EACCES || err == -EPERM)
		td_program_refuse(p, "/proc/PID/numa_maps", err);
	return !err;
}

static __u64 word_at(int fd, __u64 index)
{
	__u64 word;

	return fd >= 0 && pread(fd, &word, sizeof(word), index * sizeof(word)) ==
	       sizeof(word) ? word : 0;
}

bool td_program_huge(const struct td_programs *all, const struct td_program *p,
		     __u64 index)
{
	const __u64 head = 1ULL << KPF_THP | 1ULL << KPF_COMPOUND_HEAD;
	const __u64 tail = 1ULL << KPF_THP | 1ULL << KPF_COMPOUND_TAIL;
	__u64 page = word_at(p->pagemap, index), frame = page & PM_PFN;

	if (!(page & PM_PRESENT) || !frame || frame % all->huge)
		return false;
	return (word_at(all->kpageflags, frame) & head) == head &&
	       (word_at(all->kpageflags, frame + all->huge - 1) & tail) == tail;
}

bool td_program_where(const struct td_programs *all, struct td_program *p,
		      const __u64 *page, size_t nr, int *node)
{
	void *addr[WHERE_MAX];
	size_t i, some;

	for (; nr; nr -= some, page += some, node += some) {
		some = nr < WHERE_MAX ? nr : WHERE_MAX;
		for (i = 0; i < some; i++)
			addr[i] = (void *)(TW_PAGE_INDEX(page[i]) *
					   all->page_size);
		if (!syscall(SYS_move_pages, p->pid, some, addr, NULL, node, 0))
			continue;
		if (errno == EPERM)
			td_program_refuse(p, "move_pages(2)", -errno);
		return false;
	}
	return true;
}

int td_program_present(const struct td_program *p, __u64 index, __u32 pages)
{
	__u64 word[512];
	int present = 0;
	__u32 i, nr;

	if (p->pagemap < 0)
		return -1;
	for (; pages; pages -= nr, index += nr) {
		nr = pages < 512 ? pages : 512;
		if (pread(p->pagemap, word, nr * sizeof(*word),
			  index * sizeof(*word)) != (ssize_t)(nr * sizeof(*word)))
			return -1;
		for (i = 0; i < nr; i++)
			present += word[i] >> 63;
	}
	return present;
}
