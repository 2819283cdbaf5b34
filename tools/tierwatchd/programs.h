/* SPDX-License-Identifier: GPL-2.0 */
/*
 * programs.h - the attached programs
 *
 * Owns what is known of each, from tick to tick: its descriptors, and what has been
 * said of it. gather.c asks it, act.c moves pages of its programs, tick.c keeps it.
 */
#ifndef _TD_PROGRAMS_H
#define _TD_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "bound.h"
#include "tw.h"

/**
 * struct td_program - an attached program
 * @id: of its attachment
 * @pid: its process, 0 if there is none in this process's namespace
 * @pidfd: the process, which another one of that number is not; or -1
 * @pagemap: its /proc/PID/pagemap, or -1
 * @bound: where its pages may be
 * @read_ns: when @bound is to be read again
 * @seen: the tick in which the driver last told of it
 * @refused: it may not be touched, which has been said
 * @blind: not all touches of its memory are seen
 */
struct td_program {
	__u64 id;
	int pid;
	int pidfd;
	int pagemap;
	struct td_bound bound;
	__u64 read_ns;
	__u32 seen;
	bool refused;
	bool blind;
};

/**
 * struct td_programs - all of them
 * @program: they
 * @nr: how many
 * @page_size: bytes
 * @huge: pages of a huge page
 * @kpageflags: /proc/kpageflags, or -1
 * @tick: the number of this tick
 */
struct td_programs {
	struct td_program *program;
	size_t nr;
	__u32 page_size;
	__u32 huge;
	int kpageflags;
	__u32 tick;
};

void td_programs_init(struct td_programs *p);
void td_programs_end(struct td_programs *p);
/*
 * Asks the driver for the attached programs. Returns how many may be touched, or
 * -errno.
 */
int td_programs_refresh(struct td_programs *p, struct tw *tw);
/*
 * The program of a page number, or NULL if it may not be touched: with CAP_SYS_ADMIN
 * the driver has candidates of all programs, and tells of a program only with
 * CAP_SYS_PTRACE over it.
 */
struct td_program *td_program_of(struct td_programs *p, __u64 page);
/* Reads where its pages may be, if that is due. False: it is to be left alone. */
bool td_program_ready(struct td_program *p);
/* Says once, and never again, that a program may not be touched. */
void td_program_refuse(struct td_program *p, const char *call, int err);
/* Is a huge page at this index? The index is the first one that it could have. */
bool td_program_huge(const struct td_programs *all, const struct td_program *p,
		     __u64 index);
/*
 * On which node each of these pages is at this moment; less than 0 if on none. False:
 * that cannot be known.
 */
bool td_program_where(const struct td_programs *all, struct td_program *p,
		      const __u64 *page, size_t nr, int *node);
/* How many of these pages are in memory, -1 if that cannot be known. */
int td_program_present(const struct td_program *p, __u64 index, __u32 pages);

#endif
