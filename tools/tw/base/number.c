// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers that users type, read in one way everywhere: digits, decimal whatever
 * they begin with, and nothing around them. Only addresses and page numbers may be
 * hexadecimal, after 0x.
 */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/cli.h"
#include "base/number.h"
#include "base/stop.h"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/* One digit at least, as many as there are; *@s is left after them. */
static int take(const char **s, int base, __u64 *value)
{
	const char *p = *s;
	__u64 v = 0;

	if (digit_of(*p) >= base)
		return -EINVAL;
	for (; digit_of(*p) < base; p++)
		if (__builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, digit_of(*p), &v))
			return -ERANGE;
	*s = p;
	*value = v;
	return 0;
}

static int whole(const char *s, int base, __u64 *value)
{
	__u64 v;
	int err = take(&s, base, &v);

	if (!err && *s)
		err = -EINVAL;
	if (!err)
		*value = v;
	return err;
}

int parse_u64(const char *s, __u64 *value)
{
	return whole(s, 10, value);
}

int parse_addr(const char *s, __u64 *value)
{
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return whole(s + 2, 16, value);
	return whole(s, 10, value);
}

int parse_within(const char *s, __u64 least, __u64 most, __u64 *value)
{
	__u64 v;
	int err = whole(s, 10, &v);

	if (!err && (v < least || v > most))
		err = -ERANGE;
	if (!err)
		*value = v;
	return err;
}

int parse_pid(const char *s, __u32 *pid)
{
	__u64 v;

	if (parse_within(s, 1, INT_MAX, &v))
		return cli_usage("not a process's number: %s", s);
	*pid = v;
	return 0;
}

int parse_pair(const char *s, char between, __u64 *a, __u64 *b)
{
	__u64 v;
	int err = take(&s, 10, &v);

	if (!err && *s++ != between)
		err = -EINVAL;
	if (!err)
		err = whole(s, 10, b);
	if (!err)
		*a = v;
	return err;
}

int parse_size(const char *s, __u64 *bytes)
{
	static const char units[] = "KMGTPE";
	unsigned int shift = 0;
	const char *unit;
	__u64 v;
	int err;

	err = take(&s, 10, &v);
	if (err)
		return err;
	if (*s) {
		unit = strchr(units, toupper((unsigned char)*s));
		if (!unit)
			return -EINVAL;
		shift = 10 * (unit - units + 1);
		s++;
		if (strcmp(s, "") && strcasecmp(s, "iB") && strcasecmp(s, "B"))
			return -EINVAL;
	}
	if (v > ~0ULL >> shift)
		return -ERANGE;
	*bytes = v << shift;
	return 0;
}

int parse_nodes(const char *s, __u64 *nodes)
{
	__u64 mask = 0, a, b;
	int err;

	for (;;) {
		err = take(&s, 10, &a);
		b = a;
		if (!err && *s == '-') {
			s++;
			err = take(&s, 10, &b);
		}
		if (!err && a > b)
			err = -EINVAL;
		else if (!err && b > 63)
			err = -ERANGE;
		if (err)
			return err;
		for (; a <= b; a++)
			mask |= 1ULL << a;
		if (!*s)
			break;
		if (*s++ != ',')
			return -EINVAL;
	}
	*nodes = mask;
	return 0;
}

/* What a unit of time is in ns; 0: there is none of this name. */
static __u64 unit_of(const char *name)
{
	static const struct {
		const char *name;
		__u64 ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
		{ "s", NS_PER_SEC }, { "m", 60 * NS_PER_SEC },
		{ "min", 60 * NS_PER_SEC }, { "h", 3600 * NS_PER_SEC },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(name, units[i].name))
			return units[i].ns;
	return 0;
}

int parse_span(const char *s, __u64 unit_ns, __u64 *ns)
{
	double part = 0, weight = 1;
	__u64 v;
	int err;

	err = take(&s, 10, &v);
	if (err)
		return err;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++) {
			weight /= 10;
			part += (*s - '0') * weight;
		}
	if (*s)
		unit_ns = unit_of(s);
	if (!unit_ns)
		return -EINVAL;
	/* Some thirty years, more than any span that is meant. */
	if (v > 1000000000000000000ULL / unit_ns)
		return -ERANGE;
	*ns = v * unit_ns + (__u64)(part * unit_ns + 0.5);
	return 0;
}
