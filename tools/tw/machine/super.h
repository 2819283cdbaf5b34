/* SPDX-License-Identifier: GPL-2.0 */
/* The signature of a store. */
#ifndef _TW_SUPER_H
#define _TW_SUPER_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define UUID_LEN	37
#define LABEL_LEN	65

/**
 * struct super - what a signature says
 * @bytes: size of the device when it was signed
 * @tier: that it was signed for; TW_TIER_NONE: for any
 * @uuid: as text
 * @label: as it was given; or empty
 */
struct super {
	__u64 bytes;
	int tier;
	char uuid[UUID_LEN];
	char label[LABEL_LEN];
};

__u32 super_crc32c(const void *data, size_t len);
/*
 * Fills the TW_STORE_SUPER_SIZE bytes at @block. Label: up to 63 bytes, or
 * NULL. Tier: what it is for, or TW_TIER_NONE.
 */
void super_make(void *block, __u64 bytes, const __u8 uuid[16],
		const char *label, int tier);
/* Was it meant as a signature? */
bool super_is_ours(const void *block);
/* False, and what it says is nothing: it is damaged, or none of this version. */
bool super_read(struct super *to, const void *block);
void super_uuid(char text[UUID_LEN], const __u8 uuid[16]);
/* A store by "UUID=..." or "LABEL=...": well said? And is it this one's? */
bool store_tag_ok(const char *tag);
bool store_tag_is(const char *tag, const struct super *super);

#endif /* _TW_SUPER_H */
