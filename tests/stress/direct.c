// SPDX-License-Identifier: GPL-2.0
/*
 * direct.c - O_DIRECT I/O from and to region pages
 *
 * The pages are pinned while the I/O runs, so a mover has to leave them alone:
 * else bytes read arrive in a frame that is not the page's any more, or bytes
 * written come from one that has been given away.
 *
 * One worker asks with pread() and pwrite(). Another has io_uring do it: all
 * pages of a run at the same time, from the kernel's own threads when it likes,
 * and from pages that are registered, which stay pinned from one I/O to the next.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "owned.h"
#include "pins.h"

#define ROUNDS	4	/* with the same registered pages */

/* Move the run's pages between @memory and the scratch file. */
typedef bool (*transfer_fn)(struct owned *o, bool write, void *memory);

static bool failed(const struct owned *o, bool write, const char *why)
{
	hammer_error(o->h, "%s: %s of %llu pages at page %llu: unexpected %s",
		     o->w->name, write ? "write" : "read",
		     (unsigned long long)o->run,
		     (unsigned long long)owned_index(o), why);
	return false;
}

static bool direct_transfer(struct owned *o, bool write, void *memory)
{
	uint64_t at = scratch_offset(o->h, owned_index(o));
	size_t length = owned_bytes(o);
	ssize_t got;

	got = write ? pwrite(o->h->scratch, memory, length, at) :
		      pread(o->h->scratch, memory, length, at);
	if (got == (ssize_t)length)
		return true;
	return failed(o, write, got < 0 ? strerror(errno) : "count");
}

/* Region to file; the file must have what the region had. */
static bool out(struct owned *o, transfer_fn transfer)
{
	unsigned char *memory = owned_memory(o);

	if (!owned_right(o, memory, "before an I/O write"))
		return false;
	owned_fill(o, memory);
	owned_now(o, o->next);
	return transfer(o, true, memory) && transfer(o, false, o->buffer) &&
	       owned_right(o, o->buffer, "in the file after an I/O write");
}

/* File to region; the region must have what the file had. */
static bool in(struct owned *o, transfer_fn transfer)
{
	unsigned char *memory = owned_memory(o);

	owned_fill(o, o->buffer);
	if (!transfer(o, true, o->buffer) ||
	    !owned_right(o, memory, "before an I/O read"))
		return false;
	owned_now(o, o->next);
	return transfer(o, false, memory) &&
	       owned_right(o, memory, "after an I/O read");
}

static bool step(struct owned *o, transfer_fn transfer)
{
	if (worker_random(o->w, 3))
		return in(o, transfer);
	return out(o, transfer);
}

void direct_run(struct hammer *h, struct worker *w)
{
	struct owned o;
	bool right = owned_begin(&o, h, w, &h->direct);

	while (right && hammer_running(h)) {
		owned_pick(&o);
		right = step(&o, direct_transfer);
		worker_did(w, 1);
		worker_rests(w, 8);
	}
	owned_end(&o, right);
}

/* -- io_uring -------------------------------------------------------------- */

/* A worker that has a ring. */
struct ringer {
	struct owned owned;
	struct ring ring;
};

static bool ring_transfer(struct owned *o, bool write, void *memory)
{
	/* The owned pages are the first of the ringer. */
	struct ringer *r = (struct ringer *)o;
	int ret;

	ret = ring_io(&r->ring, write, memory, owned_bytes(o),
		      scratch_offset(o->h, owned_index(o)));
	return !ret || failed(o, write, strerror(-ret));
}

/*
 * Register the run's pages. Older kernels do so for no file's pages but those of
 * shmem and hugetlbfs: then the same is done with unregistered ones.
 */
static bool pin(struct hammer *h, struct ringer *r)
{
	struct owned *o = &r->owned;
	int ret = ring_pin(&r->ring, owned_memory(o), owned_bytes(o));

	if (!ret)
		count(&h->shared->fixed, 1);
	else if (ret == -EOPNOTSUPP)
		count(&h->shared->fixed_refused, 1);
	else
		return failed(o, false, strerror(-ret));
	return true;
}

static bool ring_step(struct hammer *h, struct ringer *r)
{
	bool right;
	int i;

	owned_pick(&r->owned);
	right = pin(h, r);
	for (i = 0; right && i < ROUNDS; i++)
		right = step(&r->owned, ring_transfer);
	ring_unpin(&r->ring);
	return right;
}

void ring_run(struct hammer *h, struct worker *w)
{
	struct ringer r;
	bool right;
	int ret;

	ret = ring_open(&r.ring, h->scratch);
	if (ret) {
		hammer_error(h, "%s: setting up: %s", w->name, strerror(-ret));
		return;
	}
	right = owned_begin(&r.owned, h, w, &h->ring);
	while (right && hammer_running(h)) {
		right = ring_step(h, &r);
		worker_did(w, 1);
		worker_rests(w, 4);
	}
	owned_end(&r.owned, right);
	ring_close(&r.ring);
}
