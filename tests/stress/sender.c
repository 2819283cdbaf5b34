// SPDX-License-Identifier: GPL-2.0
/*
 * sender.c - region pages that go out on a TCP connection without being copied
 *
 * They are pinned from the call until the other end has acknowledged them. Until
 * then a mover has to leave them alone, and a page that is discarded meanwhile
 * must lose its place in the region but not its bytes.
 */
#include <string.h>

#include "owned.h"
#include "pins.h"

static bool failed(const struct owned *o, const char *what, int ret)
{
	if (!ret)
		return false;
	hammer_error(o->h, "%s: %s of %llu pages at page %llu: unexpected errno: %s",
		     o->w->name, what, (unsigned long long)o->run,
		     (unsigned long long)owned_index(o), strerror(-ret));
	return true;
}

static bool discard(struct owned *o)
{
	int ret;

	ret = tw_region_discard(o->h->region, owned_index(o) * PAGE_BYTES,
				owned_bytes(o), NULL);
	if (failed(o, "discarding", ret))
		return false;
	count(&o->h->shared->sent_discarded, 1);
	return true;
}

/* Send the run; while it is on its way, it may be discarded (but not changed). */
static bool send_run(struct owned *o, struct wire *wire, bool drop)
{
	unsigned char *memory = owned_memory(o);

	if (!owned_right(o, memory, "before it is sent"))
		return false;
	owned_fill(o, memory);
	owned_now(o, o->next);
	if (failed(o, "sending", wire_send(wire, memory, owned_bytes(o))))
		return false;
	hammer_sleep(worker_random(o->w, 2000));
	if (drop && !discard(o))
		return false;
	return !failed(o, "receiving",
		       wire_receive(wire, o->buffer, owned_bytes(o))) &&
	       owned_right(o, o->buffer, "at the receiver");
}

static bool step(struct owned *o, struct wire *wire)
{
	bool drop = !worker_random(o->w, 8);

	owned_pick(o);
	if (!send_run(o, wire, drop))
		return false;
	if (drop)
		owned_now(o, 0);
	return owned_right(o, owned_memory(o), "after it was sent") &&
	       !failed(o, "completion", wire_settle(wire));
}

void sender_run(struct hammer *h, struct worker *w)
{
	struct wire wire = { .out = -1, .in = -1 };
	struct owned o;
	bool right;

	right = owned_begin(&o, h, w, &h->sent) &&
		!failed(&o, "connection", wire_open(&wire));
	while (right && hammer_running(h)) {
		right = step(&o, &wire);
		worker_did(w, 1);
		worker_rests(w, 4);
	}
	h->shared->sends = wire.sends;
	h->shared->sends_copied = wire.copied;
	owned_end(&o, right);
	wire_close(&wire);
}
