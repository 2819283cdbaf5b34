/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fuzz.h - what the parts of the fuzzer share
 *
 * fuzz.c runs threads in several processes and judges what they have seen;
 * fuzz_gen.c makes the calls' arguments from a table of the interface.
 *
 * All random draws of a thread follow from its seed alone, never from what a
 * call gave back: the same seed makes the same choices. Objects are in
 * slots, so that a choice of "slot 3" is the same whether or not it is empty.
 */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/tierwatch.h>

#define PAGE		4096UL
#define MAX_NR		4096		/* entries that our buffers have room for */
#define MAX_BYTES	(MAX_NR * sizeof(struct tw_agent_entry))	/* the largest */
#define ARG_ROOM	8192		/* a struct, and more than a page of tail */
#define NR_OBJECTS	6		/* slots of each kind, the first two shared */
#define NR_SHARED	2
#define NR_MAPPINGS	6
#define GUARD		(16UL << 20)
#define MAPPING_PAGES	512
#define NR_ERRNOS	600		/* ERESTART* included: none may come out */
#define MAX_CALLS	64

/* What an ioctl, or a member that holds an fd, is meant for. */
enum object {
	ON_DEVICE,
	ON_REGION,
	ON_STREAM,
	ON_AGENT,
	NR_OBJECT_KINDS,
};

/**
 * struct slot - an object, or none
 * @fd: -1 when empty
 * @id: of a region or agent
 * @pages: of a region
 */
struct slot {
	int fd;
	uint64_t id;
	uint64_t pages;
};

struct mapping {
	unsigned char *at;
	uint64_t bytes;
};

/**
 * struct arena - memory for arguments of one thread
 *
 * Nothing is mapped for GUARD bytes behind each part, nor behind each mapping
 * of a region: a huge count must not make the driver write over this program.
 *
 * @arg: the struct of a call
 * @before: copy of @arg as it was before the call
 * @pages: page numbers, or requests
 * @status: outcomes
 * @infos: room for answers
 * @read_only: a page that cannot be written
 * @edge: the last byte before unmapped memory is @edge[-1]
 */
struct arena {
	unsigned char *arg;
	unsigned char before[ARG_ROOM];
	uint64_t *pages;
	int32_t *status;
	void *infos;
	unsigned char *read_only;
	unsigned char *edge;
};

/**
 * struct fuzzer - one thread
 * @number: over all processes
 * @random: state of its random numbers
 * @device: its own fd of /dev/tierwatch
 * @strange: fds that are none of ours, and closed ones
 * @slot: by enum object; those below NR_SHARED are every thread's
 * @mapping: of regions
 * @attachment: id of the last attachment that it has made, 0: none yet
 * @arena: see there
 * @tally: its figures, in shared memory
 */
struct fuzzer {
	unsigned int number;
	uint64_t random;
	int device;
	int strange[4];
	struct slot slot[NR_OBJECT_KINDS][NR_OBJECTS];
	struct mapping mapping[NR_MAPPINGS];
	uint64_t attachment;
	struct arena arena;
	struct tally *tally;
};

/**
 * struct tally - what a thread has seen
 * @calls: ioctls
 * @last: number of the ioctl that it is in, or was
 * @done: it has come to its end
 * @by_call: ioctls by row of the table; the last row: unknown commands
 * @passed: of these, those that returned 0
 * @us: time spent in them
 * @errnos: how often each came
 */
struct tally {
	uint64_t calls;
	uint32_t last;
	bool done;
	uint64_t by_call[MAX_CALLS];
	uint64_t passed[MAX_CALLS];
	double us[MAX_CALLS];
	uint64_t errnos[NR_ERRNOS];
};

/**
 * struct call - an ioctl to be made
 * @row: of the table, or fuzz_nr_calls() for an unknown command
 * @cmd: its number
 * @fd: what it is made on
 * @arg: pointer to its struct, which may be a bad one
 * @own: @arg is the arena's
 * @slot: where to keep an object that it makes
 * @nr_status: outcomes in the arena's @status when it succeeds, 0: none
 */
struct call {
	unsigned int row;
	unsigned long cmd;
	int fd;
	void *arg;
	bool own;
	unsigned int slot;
	uint32_t nr_status;
};

#define STATUS_UNSET	0x5a5a5a5a

/* splitmix64 */
static inline uint64_t fuzz_random(struct fuzzer *f, uint64_t below)
{
	uint64_t z = f->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) % below;
}

static inline bool one_in(struct fuzzer *f, unsigned int n)
{
	return !fuzz_random(f, n);
}

/* What binding a tier again takes; filled before the threads start. */
extern struct tw_tier_info fuzz_tiers[TW_NR_TIERS];
extern int fuzz_store_fd[TW_NR_TIERS];
extern uint32_t fuzz_max_pages;

/* -- fuzz_gen.c ------------------------------------------------------------ */

unsigned int fuzz_nr_calls(void);
const char *fuzz_call_name(unsigned int row);
/* The struct of a valid call, as the table describes it: bytes. */
uint32_t fuzz_call_size(unsigned int row);
/* Make up a call. */
void fuzz_generate(struct fuzzer *f, struct call *call);
/* Keep the object that a call has made, if any; false: its fd is no fd. */
bool fuzz_keep(struct fuzzer *f, const struct call *call);
/* What a call may fail with. */
bool fuzz_errno_allowed(unsigned int row, int err);
/* What a page's outcome may be. */
bool fuzz_status_allowed(int32_t status);

#endif
