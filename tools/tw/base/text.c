// SPDX-License-Identifier: GPL-2.0
/*
 * What came from elsewhere, made fit to be shown, and amounts as text. A program
 * chooses its name, a disk's last owner its label, and the kernel cuts names in the
 * middle of a letter.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/text.h"

/* A whole letter's bytes and, into *@code, its number; 0: there is none here. */
static size_t letter(const unsigned char *s, __u32 *code)
{
	static const __u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	if (*s < 0x80) {
		*code = *s;
		return 1;
	}
	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	len = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	*code = *s & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

/*
 * Would it command the terminal, or turn what stands around it? Control
 * characters, ends of lines, and marks of direction.
 */
static bool commands(__u32 code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	       code == 0x200e || code == 0x200f || code == 0x061c ||
	       (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* The first byte that is of no letter, or of none that may be shown. */
static char *first_bad(char *s, bool show)
{
	__u32 code;
	size_t len;

	for (; *s; s += len) {
		len = letter((unsigned char *)s, &code);
		if (!len || (show && commands(code)))
			break;
	}
	return s;
}

char *text_clean(char *s)
{
	char *p = s;

	while (*(p = first_bad(p, true)))
		*p++ = '?';
	return s;
}

char *text_utf8(char *s)
{
	char *p = s;

	while (*(p = first_bad(p, false)))
		*p++ = '?';
	return s;
}

bool text_is_clean(const char *s)
{
	return !*first_bad((char *)s, true);
}

const char *text_shown(const char *s)
{
	static char *kept[8];
	static unsigned int turn;
	char **slot = &kept[turn++ % ARRAY_SIZE(kept)];

	free(*slot);
	*slot = strdup(s);
	return *slot ? text_clean(*slot) : "?";
}

const char *text_tail(const char *s, size_t most)
{
	size_t len = strlen(s);

	if (len <= most)
		return s;
	s += len - most;
	/* Not the rest of a letter. */
	while ((*s & 0xc0) == 0x80)
		s++;
	return s;
}

const char *text_bytes(char *buf, __u64 bytes)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
					      "PiB", "EiB" };
	double v = bytes;
	unsigned int i = 0;

	while (v >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		v /= 1024;
		i++;
	}
	snprintf(buf, TEXT_LEN, i && v < 100 ? "%.1f %s" : "%.0f %s", v,
		 units[i]);
	return buf;
}

const char *text_ns(char *buf, __u64 ns)
{
	static const char * const units[] = { "ns", "us", "ms", "s" };
	double v = ns;
	unsigned int i = 0;

	while (v >= 1000 && i + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		i++;
	}
	snprintf(buf, TEXT_LEN, i && v < 100 ? "%.1f %s" : "%.0f %s", v,
		 units[i]);
	return buf;
}

const char *text_page(char *buf, __u64 page)
{
	snprintf(buf, TEXT_LEN, "0x%llx", (unsigned long long)page);
	return buf;
}

const char *text_nodes(char *buf, __u64 nodes)
{
	unsigned int i = 0, last;
	char *p = buf;

	*p = '\0';
	while (i < 64) {
		if (!(nodes >> i & 1)) {
			i++;
			continue;
		}
		for (last = i; last < 63 && nodes >> (last + 1) & 1; last++)
			;
		p += sprintf(p, last > i ? "%s%u-%u" : "%s%u",
			     p > buf ? "," : "", i, last);
		i = last + 1;
	}
	return buf;
}
