// SPDX-License-Identifier: GPL-2.0
/*
 * The thresholds of a tier's levels of pressure: for tw pressure and tierwatch.conf.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "tier/levels.h"

/* How much lower a level is left than entered, if nothing else is said. */
#define LEAVE_LOWER	5

int levels_find(const char *name, size_t len)
{
	int i;

	for (i = 0; i < NR_LEVELS; i++) {
		const char *level = tw_level_name(TW_PRESSURE_MEDIUM + i);

		if (strlen(level) == len && !strncmp(level, name, len))
			return i;
	}
	return -1;
}

static int parse_percent(const char *s, size_t len, __u32 *value)
{
	char text[8];
	__u64 v;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, len);
	text[len] = '\0';
	if (parse_within(text, 1, 100, &v))
		return -EINVAL;
	*value = v;
	return 0;
}

int levels_parse(struct levels *l, int level, const char *s)
{
	size_t len = strcspn(s, ",");
	__u32 enter, leave;

	if (parse_percent(s, len, &enter))
		return -EINVAL;
	leave = enter > LEAVE_LOWER ? enter - LEAVE_LOWER : 0;
	if (s[len] && parse_percent(s + len + 1, strlen(s + len + 1), &leave))
		return -EINVAL;
	if (!leave || leave >= enter)
		return -EINVAL;
	l->set |= 1U << level;
	l->enter[level] = enter;
	l->leave[level] = leave;
	return 0;
}

bool levels_merge(const struct levels *l, struct tw_thresholds *t)
{
	bool good = true;
	int i;

	for (i = 0; i < NR_LEVELS; i++) {
		if (l->set >> i & 1) {
			t->enter[i] = l->enter[i];
			t->leave[i] = l->leave[i];
		}
		if (i && (t->enter[i] <= t->enter[i - 1] ||
			  t->leave[i] <= t->leave[i - 1]))
			good = false;
	}
	return good;
}

const char *levels_text(char *buf, const struct tw_thresholds *t)
{
	snprintf(buf, LEVELS_LEN,
		 "medium %u%% until %u%%, high %u%% until %u%%, critical %u%% until %u%%",
		 t->enter[0], t->leave[0], t->enter[1], t->leave[1], t->enter[2],
		 t->leave[2]);
	return buf;
}
