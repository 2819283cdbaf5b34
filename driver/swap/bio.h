/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bio.h - requests to the swap device; for device.c
 */
#ifndef _TW_SWAP_BIO_H
#define _TW_SWAP_BIO_H

struct bio;
struct tw_swap;

/* At load and unload: the cache that the parts of requests come from. */
int tw_swap_bio_cache_init(void);
void tw_swap_bio_cache_exit(void);

/* What parts of requests are made of. 0 or -ENOMEM. */
int tw_swap_bios_init(struct tw_swap *d);
/* Nothing is under way any more. */
void tw_swap_bios_exit(struct tw_swap *d);

/* block_device_operations.submit_bio: carries a request out, or ends it with an error. */
void tw_swap_submit_bio(struct bio *bio);

#endif
