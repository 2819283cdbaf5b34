/* SPDX-License-Identifier: GPL-2.0 */
/* Patterns of cgroups' paths, and the cgroups that match some. */
#ifndef _TW_CGROUP_PATTERN_H
#define _TW_CGROUP_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A pattern is a path in which * stands for any text, ? for any character and [abc] for
 * one of these; none of them for a /. So what it matches is as deep as it is. A backslash
 * is itself: systemd's names have some.
 */

/* What is wrong with it, NULL if nothing. */
const char *pattern_wrong(const char *s);
bool pattern_matches(const char *pattern, const char *path);
/* Whether something below @path may match it. */
bool pattern_reaches(const char *pattern, const char *path);
/* How much of it stands for itself: of two that match, the greater is more specific. */
unsigned int pattern_weight(const char *pattern);

/**
 * struct pattern_walk - going through the cgroups that patterns speak of
 * @pattern: they
 * @nr: how many
 * @top: the folder in which the root is, CGROUPS
 * @enter: before the cgroups in @dir are read, of which some may match; or NULL. @dir is a
 *	path of the file system
 * @match: with the path of one that matches; not 0 ends all
 * @arg: for these
 */
struct pattern_walk {
	const char * const *pattern;
	size_t nr;
	const char *top;
	void (*enter)(const char *dir, void *arg);
	int (*match)(const char *path, void *arg);
	void *arg;
};

/*
 * Cgroups that vanish meanwhile are left out. 0, what @match has returned, or -errno when
 * not even the root can be read.
 */
int pattern_walk(const struct pattern_walk *w);

#endif /* _TW_CGROUP_PATTERN_H */
