// SPDX-License-Identifier: GPL-2.0
/*
 * The signature of a store.
 */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "cli.h"

_Static_assert(sizeof(struct tw_store_super) <= TW_STORE_SUPER_SIZE,
	       "the signature has to fit its block");
_Static_assert(TW_STORE_SUPER_SIZE <= TW_STORE_DATA,
	       "the signature has to end before the slots");

/* Castagnoli's polynomial, bit by bit: once per format is not often. */
__u32 super_crc32c(const void *data, size_t len)
{
	const __u8 *p = data;
	__u32 crc = ~0U;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

void super_make(void *block, __u64 bytes, const __u8 uuid[16],
		const char *label)
{
	struct tw_store_super s = {
		.version = htole32(TW_STORE_VERSION),
		.bytes = htole64(bytes),
	};

	memcpy(s.magic, TW_STORE_MAGIC, sizeof(s.magic));
	memcpy(s.uuid, uuid, sizeof(s.uuid));
	if (label)
		memcpy(s.label, label, strnlen(label, sizeof(s.label) - 1));
	memset(block, 0, TW_STORE_SUPER_SIZE);
	memcpy(block, &s, sizeof(s));
	s.crc = htole32(super_crc32c(block, TW_STORE_SUPER_SIZE));
	memcpy(block, &s, sizeof(s));
}

bool super_is_ours(const void *block)
{
	return !memcmp(block, TW_STORE_MAGIC, 8);
}
