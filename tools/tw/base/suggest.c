// SPDX-License-Identifier: GPL-2.0
/*
 * What somebody who mistyped a word probably meant. Pure functions.
 */
#include <ctype.h>
#include <string.h>

#include "base/suggest.h"

/* Longer words are never close to one of ours. */
#define MAX_WORD	32

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static int low(char c)
{
	return tolower((unsigned char)c);
}

/*
 * Optimal string alignment: inserted, missing, wrong and swapped neighbouring
 * letters cost one each. Row by row; a swap looks two rows back.
 */
unsigned int suggest_distance(const char *a, const char *b)
{
	unsigned int rows[3][MAX_WORD + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > MAX_WORD || lb > MAX_WORD)
		return ~0U;
	for (j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (i = 1; i <= la; i++) {
		unsigned int *now = rows[i % 3], *up = rows[(i - 1) % 3];
		const unsigned int *upup = rows[(i + 1) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			unsigned int change = low(a[i - 1]) != low(b[j - 1]);

			now[j] = least(least(up[j], now[j - 1]) + 1,
				       up[j - 1] + change);
			if (i > 1 && j > 1 && low(a[i - 1]) == low(b[j - 2]) &&
			    low(a[i - 2]) == low(b[j - 1]))
				now[j] = least(now[j], upup[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

/* A third of the word may be wrong; the beginning of a name is a good hint. */
const char *suggest(const char *word, const char * const *names, size_t nr)
{
	unsigned int best = ~0U, allowed = (strlen(word) + 2) / 3, d;
	const char *found = NULL;
	size_t i, len = strlen(word);

	for (i = 0; i < nr; i++) {
		d = suggest_distance(word, names[i]);
		if (d > allowed && len >= 2 && !strncasecmp(word, names[i], len))
			d = allowed;
		/* Nothing in common: any short name would do. */
		if (d > allowed || d >= strlen(names[i]) || d >= best)
			continue;
		best = d;
		found = names[i];
	}
	return found;
}
