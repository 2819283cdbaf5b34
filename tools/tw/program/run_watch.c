// SPDX-License-Identifier: GPL-2.0
/*
 * A run's processes, attached. An attachment belongs to an address space, and so a child
 * has none and neither has a process after execve(2). Nothing tells of either, so that
 * all are asked for again and again; those that are attached already say so.
 */
#include <errno.h>
#include <stddef.h>

#include "base/cli.h"
#include "program/attachments.h"
#include "program/procs.h"
#include "program/run_watch.h"

/* It goes wrong in the same way for each process, and each time: it is said once. */
static void complain(struct run_watch *w, __u32 pid, int err)
{
	if (err == w->said)
		return;
	w->said = err;
	attach_failed(pid, err);
	if (w->any)
		return;
	cli_error("the command runs all the same, and is not watched. Without this message: tw run --no-attach");
	w->tw = NULL;
}

void run_watch_look(struct run_watch *w)
{
	struct procs p = { 0 };
	size_t i;
	int err;

	/* Those that are found in spite of an error are attached; the next look comes. */
	if (w->cgroup)
		procs_of_cgroup(&p, w->cgroup);
	else
		procs_of_tree(&p, w->pid);
	for (i = 0; i < p.nr && w->tw; i++) {
		err = tw_attach(w->tw, p.pid[i], NULL);
		if (!err || err == -EEXIST)
			w->any = true;
		/* They come and go. */
		else if (err != -ESRCH)
			complain(w, p.pid[i], err);
	}
	procs_free(&p);
}
