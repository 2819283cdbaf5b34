// SPDX-License-Identifier: GPL-2.0
/*
 * tw pressure --wait. It listens first and looks then, so that no change falls
 * between the two, and looks again whenever events were lost.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cli.h"
#include "base/stop.h"
#include "watch/pressure.h"

#define WAIT_SLOTS	256
/* The longest that one wait takes. */
#define WAIT_NS		(3600 * NS_PER_SEC)

/* What has become of it. */
enum outcome { NOT_YET, REACHED, UNBOUND };

static bool is_reached(const struct pressure_wait *w, int level)
{
	return w->falling ? level <= w->level : level >= w->level;
}

static int look(struct tw *tw, const struct pressure_wait *w,
		enum outcome *outcome)
{
	struct tw_pressure p;
	int err;

	err = tw_pressure(tw, w->tier, &p);
	if (err == -EOPNOTSUPP)
		*outcome = UNBOUND;
	else if (!err)
		*outcome = is_reached(w, p.level) ? REACHED : NOT_YET;
	return err == -EOPNOTSUPP ? 0 : err;
}

/* A level that was there for a moment only has been reached, too. */
static enum outcome listen_to(struct tw_stream *stream,
			      const struct pressure_wait *w)
{
	enum outcome outcome = NOT_YET;
	struct tw_event e;

	while (outcome == NOT_YET && tw_stream_read(stream, &e, 1)) {
		if (e.tier != w->tier)
			continue;
		if (e.type == TW_EVENT_TIER_UNBOUND)
			outcome = UNBOUND;
		else if (e.type == TW_EVENT_PRESSURE && is_reached(w, e.status))
			outcome = REACHED;
	}
	return outcome;
}

/* When to look again at the latest; 0 when the time is over. */
static __u64 look_again(const struct pressure_wait *w, __u64 start)
{
	__u64 now = now_ns(), next = now + WAIT_NS;

	if (w->timeout_ns < 0)
		return next;
	if (now - start >= (__u64)w->timeout_ns)
		return 0;
	return next < start + w->timeout_ns ? next : start + w->timeout_ns;
}

static int wait_for_it(struct tw *tw, struct tw_stream *stream,
		       const struct pressure_wait *w, enum outcome *outcome)
{
	__u64 start = now_ns(), lost = 0, until;
	int err;

	err = look(tw, w, outcome);
	while (!err && *outcome == NOT_YET) {
		until = look_again(w, start);
		if (!until)
			return -ETIMEDOUT;
		if (!tw_stream_arm(stream)) {
			err = stop_wait(tw_stream_fd(stream), until);
			if (err > 0)
				err = 0;
		}
		if (stop_signal())
			return -EINTR;
		*outcome = listen_to(stream, w);
		if (*outcome == NOT_YET && tw_stream_lost(stream) != lost) {
			lost = tw_stream_lost(stream);
			err = look(tw, w, outcome);
		}
	}
	return err;
}

int pressure_error(int err, int tier)
{
	if (err == -EOPNOTSUPP)
		return cli_error("the %s tier is not bound. See: tw tier list",
				 tw_tier_name(tier));
	return cli_errno(err, "asking for the pressure");
}

int pressure_wait(struct tw *tw, const struct pressure_wait *wait)
{
	enum outcome outcome = NOT_YET;
	struct tw_stream *stream;
	int err;

	err = tw_stream_create(tw, TW_EVENT_BIT(TW_EVENT_PRESSURE) |
			       TW_EVENT_BIT(TW_EVENT_TIER_UNBOUND), NULL,
			       WAIT_SLOTS, &stream);
	if (err == -EPERM || err == -EACCES)
		return cli_no_permission("no permission to wait: the events of all tiers need CAP_PERFMON or CAP_SYS_ADMIN. Be root");
	if (err)
		return cli_errno(err, "making a stream");
	err = wait_for_it(tw, stream, wait, &outcome);
	tw_stream_close(stream);
	if (err == -ETIMEDOUT)
		return EXIT_TIMEOUT;
	if (err == -EINTR)
		return EXIT_INTERRUPTED;
	if (outcome == UNBOUND)
		err = -EOPNOTSUPP;
	return err ? pressure_error(err, wait->tier) : EXIT_SUCCESS;
}
