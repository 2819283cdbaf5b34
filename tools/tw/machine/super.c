// SPDX-License-Identifier: GPL-2.0
/*
 * The signature of a store.
 */
#include <ctype.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "machine/super.h"
#include "tw.h"

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
		const char *label, int tier)
{
	struct tw_store_super s = {
		.version = htole32(TW_STORE_VERSION),
		.bytes = htole64(bytes),
		.tier = htole32(tier == TW_TIER_NONE ? 0 : tier + 1),
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

bool super_read(struct super *to, const void *block)
{
	__u8 copy[TW_STORE_SUPER_SIZE];
	struct tw_store_super s;

	memcpy(&s, block, sizeof(s));
	memcpy(copy, block, sizeof(copy));
	memset(copy + offsetof(struct tw_store_super, crc), 0, sizeof(s.crc));
	memset(to, 0, sizeof(*to));
	to->tier = TW_TIER_NONE;
	if (!super_is_ours(block) || le32toh(s.version) != TW_STORE_VERSION ||
	    super_crc32c(copy, sizeof(copy)) != le32toh(s.crc))
		return false;
	to->bytes = le64toh(s.bytes);
	if (le32toh(s.tier) && le32toh(s.tier) <= TW_NR_TIERS)
		to->tier = le32toh(s.tier) - 1;
	memcpy(to->label, s.label, sizeof(s.label));
	super_uuid(to->uuid, s.uuid);
	return true;
}

void super_uuid(char text[UUID_LEN], const __u8 u[16])
{
	snprintf(text, UUID_LEN,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15]);
}

/* -- "UUID=..." and "LABEL=..." --------------------------------------------- */

static const char *after(const char *tag, const char *kind)
{
	size_t len = strlen(kind);

	return strncasecmp(tag, kind, len) ? NULL : tag + len;
}

static bool is_uuid(const char *s)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)s[i]) :
				     s[i] != form[i])
			return false;
	return !s[i];
}

bool store_tag_ok(const char *tag)
{
	const char *label = after(tag, "LABEL="), *uuid = after(tag, "UUID=");

	return label ? *label && strlen(label) < LABEL_LEN - 1 :
		       uuid && is_uuid(uuid);
}

bool store_tag_is(const char *tag, const struct super *super)
{
	const char *label = after(tag, "LABEL=");

	return label ? !strcmp(label, super->label) :
		       !strcasecmp(after(tag, "UUID="), super->uuid);
}
