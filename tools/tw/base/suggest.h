/* SPDX-License-Identifier: GPL-2.0 */
/* What may have been meant by a word. */
#ifndef _TW_SUGGEST_H
#define _TW_SUGGEST_H

#include <stddef.h>

/* Letters to change, insert, leave out or swap to get from @a to @b. */
unsigned int suggest_distance(const char *a, const char *b);
/* The name that @word is closest to, or NULL when it is close to none. */
const char *suggest(const char *word, const char * const *names, size_t nr);

#endif /* _TW_SUGGEST_H */
