// SPDX-License-Identifier: GPL-2.0
/*
 * readers.c - processes that read the writers' pages: forked ones that end by
 * themselves, ones that are killed anywhere, and one that reads from outside;
 * and one that unmaps, for all of them, what the page tables are full of
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "content.h"
#include "hammer.h"

#define TRIES		50
#define FORKED_READS	40
#define KILL_AFTER_US	30000
#define TABLE_PAGES	512	/* of one page table */
#define MAX_TABLES	8

typedef int (*snapshot_fn)(struct hammer *h, uint64_t index, uint64_t *to,
			   uint64_t seq[2]);

static int snapshot_here(struct hammer *h, uint64_t index, uint64_t *to,
			 uint64_t seq[2])
{
	const uint64_t *page = hammer_page(h, index);
	unsigned int i;

	seq[0] = __atomic_load_n(&page[W_SEQ], __ATOMIC_ACQUIRE);
	for (i = 0; i < PAGE_WORDS; i++)
		to[i] = __atomic_load_n(&page[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	seq[1] = __atomic_load_n(&page[W_SEQ], __ATOMIC_RELAXED);
	return 0;
}

/* The sequence, the page and the sequence again, one after the other. */
static int snapshot_parent(struct hammer *h, uint64_t index, uint64_t *to,
			   uint64_t seq[2])
{
	uint64_t *page = hammer_page(h, index);
	struct iovec local[3] = {
		{ &seq[0], sizeof(seq[0]) },
		{ to, PAGE_BYTES },
		{ &seq[1], sizeof(seq[1]) },
	};
	struct iovec remote[3] = {
		{ page, sizeof(seq[0]) },
		{ page, PAGE_BYTES },
		{ page, sizeof(seq[1]) },
	};
	ssize_t got = process_vm_readv(getppid(), local, 3, remote, 3, 0);

	if (got == (ssize_t)(PAGE_BYTES + 2 * sizeof(*seq)))
		return 0;
	/* The other process may have come to its end. */
	if (!hammer_running(h) || getppid() == 1)
		return -ESRCH;
	return got < 0 ? -errno : -EIO;
}

/*
 * Read one page as a seqlock and check it; false ends the reader. What was
 * published before must be there.
 */
static bool read_page(struct hammer *h, struct worker *w, snapshot_fn snapshot,
		      const char *where)
{
	uint64_t at = worker_random(w, h->writers.nr);
	uint64_t index = h->writers.first + at, least, copy[PAGE_WORDS], seq[2];
	int tries, ret;

	for (tries = 0; tries < TRIES; tries++) {
		least = __atomic_load_n(&h->published[at], __ATOMIC_ACQUIRE);
		ret = snapshot(h, index, copy, seq);
		if (ret && ret != -ESRCH)
			hammer_error(h, "%s %u: page %llu: unexpected errno: %s",
				     w->name, w->number,
				     (unsigned long long)index, strerror(-ret));
		if (ret)
			return false;
		if (seq[0] == seq[1] && !(seq[0] & 1))
			break;
		__atomic_fetch_add(&h->shared->retries, 1, __ATOMIC_RELAXED);
	}
	worker_rests(w, 4);
	if (tries == TRIES)
		return true;
	if (seq[0] / 2 >= least)
		return content_right(h, w, where, copy, index, seq[0] / 2);
	hammer_mismatch(h, w, "older than published", index, W_SEQ, 2 * least,
			seq[0], copy);
	return false;
}

/* A child of @w with random numbers of its own. */
static pid_t fork_reader(struct hammer *h, struct worker *w, uint64_t reads)
{
	struct worker child = *w;
	uint64_t i;
	pid_t pid;

	child.random = mix64(w->random + w->ops);
	pid = fork();
	if (pid < 0)
		hammer_error(h, "%s: fork: unexpected errno: %s", w->name,
			     strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < reads && hammer_running(h); i++)
		if (!read_page(h, &child, snapshot_here, "in a forked reader"))
			_exit(1);
	_exit(0);
}

/* The child's status, -1 when it could not be had. */
static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

void forker_run(struct hammer *h, struct worker *w)
{
	pid_t pid;
	int status;

	while (hammer_running(h)) {
		pid = fork_reader(h, w, FORKED_READS);
		if (pid < 0)
			return;
		read_page(h, w, snapshot_here, "in the forking reader");
		status = reap(pid);
		if (status) {
			hammer_error(h, "forker: a reader ended with status %#x",
				     status);
			return;
		}
		worker_did(w, 1);
	}
}

void killer_run(struct hammer *h, struct worker *w)
{
	pid_t pid;
	int status;

	while (hammer_running(h)) {
		pid = fork_reader(h, w, UINT64_MAX);
		if (pid < 0)
			return;
		hammer_sleep(worker_random(w, KILL_AFTER_US));
		kill(pid, SIGKILL);
		status = reap(pid);
		if (status && (!WIFSIGNALED(status) ||
			       WTERMSIG(status) != SIGKILL)) {
			hammer_error(h, "killer: a reader ended with status %#x",
				     status);
			return;
		}
		worker_did(w, 1);
	}
}

void vm_reader_run(struct hammer *h, struct worker *w)
{
	while (hammer_running(h) &&
	       read_page(h, w, snapshot_parent, "by process_vm_readv"))
		worker_did(w, 1);
}

/*
 * The pages stay the region's and come back at a touch. Kernels that reclaim page
 * tables free those that are empty then, while others fault and are scanned.
 */
void dropper_run(struct hammer *h, struct worker *w)
{
	uint64_t tables = h->nr_pages / TABLE_PAGES, at, nr;

	while (hammer_running(h)) {
		at = tables ? worker_random(w, tables) : 0;
		nr = tables ? 1 + worker_random(w, MAX_TABLES) : 1;
		nr *= TABLE_PAGES;
		at *= TABLE_PAGES;
		if (nr > h->nr_pages - at)
			nr = h->nr_pages - at;
		worker_aims(w, at);
		if (madvise(hammer_page(h, at), nr * PAGE_BYTES,
			    MADV_DONTNEED)) {
			hammer_error(h, "dropper: unexpected errno: %s",
				     strerror(errno));
			return;
		}
		worker_did(w, 1);
		hammer_sleep(worker_random(w, 20000));
	}
}
