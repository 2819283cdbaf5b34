/* SPDX-License-Identifier: GPL-2.0 */
/*
 * store_io.h - pages to and from a store
 */
#ifndef _TW_STORE_IO_H
#define _TW_STORE_IO_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct bio;
struct page;
struct tw_tier_desc;

/**
 * struct tw_io - one page's I/O
 * @slot: slot in the store
 * @error: out: 0 or -errno (-EIO, -EILSEQ: checksum wrong, …)
 * @page: order-0 page
 * @sum: with tw_xfer.sums: the crc32c of what is, or will be, in the slot
 * @shared: out: the part it was in had other pages, too
 */
struct tw_io {
	u32 slot;
	int error;
	struct page *page;
	u32 sum;
	bool shared;
};

/* At load and unload: what the transfers of all stores share. */
int tw_stores_init(void);
void tw_stores_exit(void);

#define TW_IO_BATCH	64

/**
 * struct tw_xfer - I/O of some pages, all under way together
 * @t: store
 * @io: the pages
 * @nr: how many, at most TW_IO_BATCH
 * @at: the next one that may have to be read again alone
 * @bad: of those read alone, failures in a row
 * @write: it is a write
 * @sums: checksums are those in @io, not those of the store
 * @parts: in flight, and one for the submitter
 * @state: TW_XFER_*
 * @landed: ends it in a worker, once its owner has left it
 * @work: does that
 *
 * In memory that outlives the I/O: a device may keep it for ever. The owner
 * starts it, waits, and when tw_xfer_wait() says that it has landed calls
 * tw_xfer_end(). An owner that cannot wait any longer leaves it: everything
 * that @landed needs, the transfer as well, is then @landed's to release.
 */
struct tw_xfer {
	struct tw_tier_desc *t;
	struct tw_io *io;
	unsigned int nr;
	unsigned int at;
	unsigned int bad;
	bool write;
	bool sums;
	atomic_t parts;
	unsigned long state;
	void (*landed)(struct tw_xfer *f);
	struct work_struct work;
};

#define TW_XFER_FLYING	0	/* bits of tw_xfer.state */
#define TW_XFER_LEFT		1

/* I/O that takes longer is taken for hung by callers that have other things to do. */
#define TW_XFER_HUNG		(10 * HZ)

/*
 * Neighbours go together. GFP_NOIO. The owner has slots and pages.
 * Writes remember the crc32c, reads check it. Writes end with -EBUSY while the
 * stores stand still.
 */
void tw_xfer_read(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
		    unsigned int nr);
void tw_xfer_write(struct tw_xfer *f, struct tw_tier_desc *t, struct tw_io *io,
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
 * Sleeps in @state until it has landed: 0; -EINTR for a signal, -EAGAIN when
 * @timeout jiffies (MAX_SCHEDULE_TIMEOUT: none) have passed without news.
 */
int tw_xfer_wait(struct tw_xfer *f, unsigned int state, long timeout);
/*
 * True: left, @landed comes in process context and @f is no longer the
 * caller's; false: it lands just now, wait again. The caller has prepared for
 * both: @landed may run at once.
 */
bool tw_xfer_leave(struct tw_xfer *f, void (*landed)(struct tw_xfer *f));
/* It takes so long that its device is avoided for a while. */
void tw_xfer_hung(struct tw_xfer *f);
/*
 * After landing: each io->error is set; returns how many failed. Counts bytes
 * and errors, emits TW_EVENT_TIER_ERROR and a rate-limited message for each
 * failure.
 */
unsigned int tw_xfer_end(struct tw_xfer *f);

/*
 * I/O that is no transfer: a bio for the slots of @t from @slot on, which the caller
 * holds. Neither waits nor allocates, so it may be called in ->submit_bio. What fails
 * has to be told by the next two: at once, in any context, and later, in process
 * context, how many pages it was.
 */
void tw_store_submit(struct tw_tier_desc *t, struct bio *bio, u32 slot);
void tw_store_avoid(struct tw_tier_desc *t);
void tw_store_failed(struct tw_tier_desc *t, unsigned int nr, int error);
/* crc32c of a page that may be changed by others meanwhile. Any context. */
u32 tw_page_crc(struct page *page);

/* -- for backends: see tw_tier_ops.submit ------------------------------------- */

/* The @nr pages from @io on, of the submitted ones, are about to be under way together. */
static inline void tw_xfer_part_begin(struct tw_xfer *f, struct tw_io *io,
				      unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		io[i].shared = nr > 1;
	atomic_inc(&f->parts);
}

/*
 * They have ended, all with @error: 0, or -EIO, the one word for what devices have
 * many for. Any context. The transfer may be gone then.
 */
void tw_xfer_part_end(struct tw_xfer *f, struct tw_io *io, unsigned int nr,
		      int error);

#endif
