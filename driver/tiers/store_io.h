/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_io.h - pages to and from a store
 *
 * A transfer reads or writes up to TW_IO_BATCH pages. Its backend carries it out in
 * parts, each a page or several whose slots follow each other, which end one by one.
 * A transfer has landed when all its parts have ended and none is tried again.
 *
 * The room of moving owns transfers. There are no locks, see store_io.c.
 */
#ifndef _TW_STORE_IO_H
#define _TW_STORE_IO_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct page;
struct tw_tier_desc;

/**
 * struct tw_io - one page's I/O
 * @slot: slot in the store
 * @error: out: 0 or -errno, for instance -EIO, or -EILSEQ if the checksum is wrong
 * @page: order-0 page
 * @sum: with tw_xfer.sums: the crc32c of what is, or will be, in the slot
 * @shared: out: whether its part had other pages, too
 */
struct tw_io {
	u32 slot;
	int error;
	struct page *page;
	u32 sum;
	bool shared;
};

/* Called at load and unload: the workqueue that the transfers of all stores share. */
int tw_stores_init(void);
void tw_stores_exit(void);

#define TW_IO_BATCH	64

/**
 * struct tw_xfer - I/O of some pages, all under way together
 * @t: store
 * @io: the pages
 * @nr: how many, at most TW_IO_BATCH
 * @at: index of the next page that may have to be read again alone
 * @bad: how many pages in a row have failed when they were read alone
 * @write: whether it is a write
 * @ahead: whether nobody has asked for the pages yet, see tw_xfer_read_ahead()
 * @sums: whether checksums are those in @io, not those of the store
 * @began: when those pages began that are under way
 * @parts: parts in flight, and one more while the submitter is at work
 * @state: bits TW_XFER_*
 * @landed: called in a worker when it has landed, if its owner has left it
 * @work: the work item that calls @landed
 *
 * It lives in memory that outlives the I/O, since a device may keep it for ever. The
 * owner starts it, waits, and when tw_xfer_wait() says that it has landed calls
 * tw_xfer_end(). An owner that cannot wait any longer leaves it. From then on @landed
 * has to release the transfer and all that @landed needs.
 */
struct tw_xfer {
	struct tw_tier_desc *t;
	struct tw_io *io;
	unsigned int nr;
	unsigned int at;
	unsigned int bad;
	bool write;
	bool ahead;
	bool sums;
	u64 began;
	atomic_t parts;
	unsigned long state;
	void (*landed)(struct tw_xfer *f);
	struct work_struct work;
};

#define TW_XFER_FLYING	0	/* bits of tw_xfer.state */
#define TW_XFER_LEFT		1

/* Callers that have other things to do take I/O that lasts longer for hung. */
#define TW_XFER_HUNG		(10 * HZ)

/*
 * They start a transfer, whose owner holds the slots and the pages. Pages whose slots
 * follow each other go together. Allocations are GFP_NOIO. Writes remember the crc32c
 * of each page, and reads check it. Writes end with -EBUSY while the stores stand
 * still.
 */
void tw_xfer_read(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		    unsigned int nr);
void tw_xfer_write(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		     unsigned int nr);
/*
 * The same for pages that nobody has asked for yet. A failure is neither counted nor
 * told, nor is it tried again: the page will be read when it is wanted.
 */
void tw_xfer_read_ahead(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
			unsigned int nr);
/*
 * The same for a caller that keeps the checksums of its slots itself: in @io, which a
 * read is checked against. A write does not look at them, nor does it allocate.
 */
void tw_xfer_read_sums(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		       unsigned int nr);
void tw_xfer_write_sums(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
			unsigned int nr);
/*
 * Sleeps in @state until the transfer has landed and returns 0, or -EINTR for a
 * signal, or -EAGAIN when @timeout jiffies have passed (never if it is
 * MAX_SCHEDULE_TIMEOUT).
 */
int tw_xfer_wait(struct tw_xfer *f, unsigned int state, long timeout);
/*
 * Leaves a transfer. True: @landed will be called in process context, and @f is no
 * longer the caller's. False: the transfer is just landing, and the caller waits
 * again. The caller has prepared for both, since @landed may run at once.
 */
bool tw_xfer_leave(struct tw_xfer *f, void (*landed)(struct tw_xfer *f));
/* Has the device avoided for a while, since the transfer takes so long. */
void tw_xfer_hung(struct tw_xfer *f);
/*
 * To be called when the transfer has landed. Sets each io->error and returns how many
 * pages failed. Counts bytes and errors, emits TW_EVENT_TIER_ERROR and a rate-limited
 * message for each failure.
 */
unsigned int tw_xfer_end(struct tw_xfer *f);

/*
 * I/O that is no transfer: bios for slots that the caller holds. Failures have to be
 * told, by the first at once, in any context, and by the second later, in process
 * context, with how many pages failed.
 */
void tw_store_avoid(struct tw_tier_desc *t);
void tw_store_failed(struct tw_tier_desc *t, unsigned int nr, int error);
/* crc32c of a page that may be changed by others meanwhile. Any context. */
u32 tw_page_crc(struct page *page);

/* -- for backends: see tw_tier_ops.submit ------------------------------------- */

/* Announces a part: the @nr pages from @io on are about to be under way together. */
static inline void tw_xfer_part_begin(struct tw_xfer *f, struct tw_io *io,
				      unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		io[i].shared = nr > 1;
	atomic_inc(&f->parts);
}

/*
 * Ends a part. All its pages get @error: 0, or -EIO for any error that devices have.
 * Any context. The transfer may be gone afterwards.
 */
void tw_xfer_part_end(struct tw_xfer *f, struct tw_io *io, unsigned int nr,
		      int error);

#endif
