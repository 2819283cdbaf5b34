// SPDX-License-Identifier: GPL-2.0
/*
 * Carrying a plan out, by the kernel's own calls.
 *
 * move_pages(2) is given one address of each huge page: it moves all of the huge page,
 * and would find it busy at the second address. It is given many pages at once, since
 * each call has all CPUs give up the pages that they have set aside. Its answer for a
 * page is only there if no page of its batch failed; so after a failure it is asked
 * where the pages are.
 *
 * MADV_PAGEOUT only tries. Which pages are out is read from pagemap.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "act.h"
#include "base/stop.h"

/* Pages, or huge ones, of one call: the daemon ends between two. */
#define CALL_UNITS	1024
/* Only a call with so many pages tells what a page costs. */
#define COST_PAGES	64
/* MPOL_MF_MOVE of numaif.h: only pages that no other process has. */
#define MOVE_OWN	(1 << 1)
/* No answer of move_pages(2). */
#define UNANSWERED	(-65536)

static void note(struct td_actor *a, const struct td_unit *u, enum td_what what)
{
	td_recent_note(a->recent, u->page, u->pages, what, a->programs->tick);
}

static void *addr_of(const struct td_actor *a, const struct td_unit *u)
{
	return (void *)(TW_PAGE_INDEX(u->page) * a->programs->page_size);
}

/* -- between nodes --------------------------------------------------------- */

static void moved(struct td_actor *a, const struct td_unit *u)
{
	bool up = a->fast >> u->to & 1 && !(a->fast >> u->node & 1);

	if (up)
		a->done.promoted += u->pages;
	else
		a->done.demoted += u->pages;
	note(a, u, up ? TD_CAME : TD_SENT);
}

/* @status: a node, or -errno. */
static void answered(struct td_actor *a, const struct td_unit *u, int status)
{
	switch (status) {
	case -ENOENT:
	case -EFAULT:
		a->done.gone += u->pages;
		break;
	case -EACCES:
	case -EPERM:
	case -ENODEV:
	case -EINVAL:
		a->done.refused += u->pages;
		note(a, u, TD_REFUSED);
		break;
	default:
		if (status == u->to) {
			moved(a, u);
			break;
		}
		a->done.busy += u->pages;
		note(a, u, TD_BUSY);
	}
}

static void measured(struct td_actor *a, __u64 ns, __u64 pages)
{
	if (pages < COST_PAGES)
		return;
	ns /= pages;
	a->cost_ns = a->cost_ns ? (7 * a->cost_ns + ns) / 8 : ns;
}

static __u64 pages_of(const struct td_unit *u, size_t nr)
{
	__u64 pages = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		pages += u[i].pages;
	return pages;
}

static void move_some(struct td_actor *a, struct td_program *p,
		      const struct td_unit *u, size_t nr)
{
	int node[CALL_UNITS], status[CALL_UNITS], err = 0;
	void *addr[CALL_UNITS];
	__u64 ns = now_ns();
	size_t i;
	long ret;

	for (i = 0; i < nr; i++) {
		addr[i] = addr_of(a, &u[i]);
		node[i] = u[i].to;
		status[i] = UNANSWERED;
	}
	ret = syscall(SYS_move_pages, p->pid, nr, addr, node, status, MOVE_OWN);
	if (ret < 0)
		err = -errno;
	if (!ret)
		measured(a, now_ns() - ns, pages_of(u, nr));
	if (err == -EPERM)
		td_program_refuse(p, "move_pages(2)", err);
	if (ret > 0)
		syscall(SYS_move_pages, p->pid, nr, addr, NULL, status, 0);
	if (err == -ESRCH)
		err = -ENOENT;
	for (i = 0; i < nr; i++)
		answered(a, &u[i], err && status[i] == UNANSWERED ? err :
			 status[i]);
}

/* -- to swap --------------------------------------------------------------- */

/**
 * struct pieces - memory of a program, in pieces
 * @iov: they
 * @first: the first unit of each, and behind the last one how many units there are
 * @nr: how many
 */
struct pieces {
	struct iovec iov[CALL_UNITS];
	size_t first[CALL_UNITS + 1];
	size_t nr;
};

static struct iovec piece_of(const struct td_actor *a, const struct td_unit *u)
{
	return (struct iovec){
		addr_of(a, u), (size_t)u->pages * a->programs->page_size
	};
}

/* What is side by side becomes one piece, as the pages that swap takes at a time. */
static void join(const struct td_actor *a, const struct td_unit *u, size_t nr,
		 struct pieces *p)
{
	size_t i;

	p->nr = 0;
	for (i = 0; i < nr; i++) {
		struct iovec one = piece_of(a, &u[i]);
		struct iovec *last = &p->iov[p->nr - 1];

		if (p->nr && last->iov_base + last->iov_len == one.iov_base) {
			last->iov_len += one.iov_len;
			continue;
		}
		p->first[p->nr] = i;
		p->iov[p->nr++] = one;
	}
	p->first[p->nr] = nr;
}

/* Of a piece that the kernel refuses a part may be another mapping, which it does not. */
static void one_by_one(const struct td_actor *a, struct td_program *p,
		       const struct td_unit *u, size_t nr, int advice)
{
	struct iovec iov;
	size_t i;

	for (i = 0; i < nr; i++) {
		iov = piece_of(a, &u[i]);
		process_madvise(p->pidfd, &iov, 1, advice, 0);
	}
}

/* Goes on behind a piece that the kernel refuses. Returns 0 or -errno. */
static int advise(const struct td_actor *a, struct td_program *p,
		  const struct td_unit *u, size_t nr, int advice)
{
	struct pieces pieces;
	size_t i = 0;
	ssize_t done;

	join(a, u, nr, &pieces);
	while (i < pieces.nr) {
		done = process_madvise(p->pidfd, pieces.iov + i, pieces.nr - i,
				       advice, 0);
		if (done < 0 && (errno == EPERM || errno == EACCES ||
				 errno == ESRCH))
			return -errno;
		for (; i < pieces.nr && done >= (ssize_t)pieces.iov[i].iov_len;
		     i++)
			done -= pieces.iov[i].iov_len;
		if (i == pieces.nr)
			break;
		nr = pieces.first[i + 1] - pieces.first[i];
		if (nr > 1)
			one_by_one(a, p, u + pieces.first[i], nr, advice);
		i++;
	}
	return 0;
}

/* Counts the pages that are out. A unit of which none is stays as it is for a while. */
static void paged(struct td_actor *a, const struct td_program *p,
		  const struct td_unit *u)
{
	int in = td_program_present(p, TW_PAGE_INDEX(u->page), u->pages);

	if (in < 0)
		in = 0;
	a->done.paged += u->pages - in;
	a->done.refused += in;
	note(a, u, in == (int)u->pages ? TD_REFUSED : TD_PAGED);
}

static void advise_some(struct td_actor *a, struct td_program *p,
			const struct td_unit *u, size_t nr)
{
	bool out = u->fate == TD_PAGEOUT;
	size_t i;
	int err;

	err = advise(a, p, u, nr, out ? MADV_PAGEOUT : MADV_COLD);
	for (i = 0; i < nr; i++) {
		if (err) {
			answered(a, &u[i], err == -ESRCH ? -ENOENT : err);
		} else if (out) {
			paged(a, p, &u[i]);
		} else {
			a->done.told += u[i].pages;
			note(a, &u[i], TD_TOLD);
		}
	}
}

/* -- all of it ------------------------------------------------------------- */

static int by_program(const void *one, const void *other)
{
	const struct td_unit *a = one, *b = other;

	if (a->program != b->program)
		return a->program < b->program ? -1 : 1;
	if (a->fate != b->fate)
		return a->fate < b->fate ? -1 : 1;
	if (a->to != b->to)
		return a->to < b->to ? -1 : 1;
	return a->page < b->page ? -1 : a->page > b->page;
}

void td_act(struct td_actor *a, struct td_list *list)
{
	struct td_unit *u = list->unit, *end = u + list->nr, *next;

	qsort(u, list->nr, sizeof(*u), by_program);
	for (; u < end && !stop_signal(); u = next) {
		struct td_program *p = &a->programs->program[u->program];

		next = u;
		while (next < end && next - u < CALL_UNITS &&
		       next->program == u->program && next->fate == u->fate)
			next++;
		if (u->fate == TD_STAY || p->refused)
			continue;
		if (u->fate == TD_MOVE)
			move_some(a, p, u, next - u);
		else
			advise_some(a, p, u, next - u);
	}
}
