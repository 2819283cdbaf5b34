// SPDX-License-Identifier: GPL-2.0
/*
 * Patterns of cgroups' paths. Going through what matches reads only the folders that may
 * hold some: a machine has many cgroups, and each has dozens of files.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/cgroup_pattern.h"

/* The length of [...] that @s begins with, 0 if it has no end before the next /. */
static size_t bracket_len(const char *s)
{
	size_t i = 1;

	if (s[i] == '!' || s[i] == '^')
		i++;
	/* The first one is a member. */
	if (s[i] == ']')
		i++;
	for (; s[i] && s[i] != '/'; i++)
		if (s[i] == ']')
			return i + 1;
	return 0;
}

const char *pattern_wrong(const char *s)
{
	size_t len = strlen(s);

	if (*s != '/')
		return "it does not begin with /";
	if (len >= PATH_MAX)
		return "it is too long";
	if (strstr(s, "//") || (len > 1 && s[len - 1] == '/'))
		return "there is a / too many";
	if (strstr(s, "**"))
		return "** is not known: each * is a part of one name, so write /*/* for what is deeper";
	for (; *s; s++) {
		if (*s == '/' && (!strncmp(s, "/./", 3) || !strncmp(s, "/../", 4) ||
				  !strcmp(s, "/.") || !strcmp(s, "/..")))
			return "there is a . or .. in it";
		if (*s == '[' && !bracket_len(s))
			return "a [ in it has no ]";
	}
	return NULL;
}

bool pattern_matches(const char *pattern, const char *path)
{
	return !fnmatch(pattern, path, FNM_PATHNAME | FNM_NOESCAPE);
}

static unsigned int slashes(const char *s)
{
	unsigned int nr = 0;

	for (; *s; s++)
		nr += *s == '/';
	return nr;
}

bool pattern_reaches(const char *pattern, const char *path)
{
	char head[PATH_MAX];
	unsigned int deep = slashes(path);
	size_t len = 0;

	if (!strcmp(path, "/"))
		return true;
	if (slashes(pattern) <= deep)
		return false;
	/* As much of it as @path is deep; no [...] has a / in it. */
	for (deep++; pattern[len]; len++)
		if (pattern[len] == '/' && !--deep)
			break;
	snprintf(head, sizeof(head), "%.*s", (int)len, pattern);
	return pattern_matches(head, path);
}

unsigned int pattern_weight(const char *pattern)
{
	unsigned int weight = 0;

	for (; *pattern; pattern++) {
		if (*pattern == '[')
			pattern += bracket_len(pattern) - 1;
		else if (*pattern != '*' && *pattern != '?')
			weight++;
	}
	return weight;
}

static bool is_folder(const char *dir, const struct dirent *e)
{
	char path[PATH_MAX];
	struct stat st;

	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
		return false;
	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) < (int)sizeof(path) &&
	       !lstat(path, &st) && S_ISDIR(st.st_mode);
}

static int look_into(const struct pattern_walk *w, const char *path);

/* @path is that of a cgroup. */
static int look_at(const struct pattern_walk *w, const char *path)
{
	bool matches = false, reaches = false;
	size_t i;
	int ret = 0;

	for (i = 0; i < w->nr; i++) {
		matches = matches || pattern_matches(w->pattern[i], path);
		reaches = reaches || pattern_reaches(w->pattern[i], path);
	}
	if (matches)
		ret = w->match(path, w->arg);
	if (!ret && reaches)
		ret = look_into(w, path);
	return ret;
}

static int look_into(const struct pattern_walk *w, const char *path)
{
	const char *below = strcmp(path, "/") ? path : "";
	char dir[PATH_MAX], next[PATH_MAX];
	const struct dirent *e;
	int ret = 0;
	DIR *d;

	if (snprintf(dir, sizeof(dir), "%s%s", w->top, below) >= (int)sizeof(dir))
		return 0;
	if (w->enter)
		w->enter(dir, w->arg);
	d = opendir(dir);
	if (!d)
		return *below ? 0 : -errno;
	while (!ret && (e = readdir(d)))
		if (is_folder(dir, e) &&
		    snprintf(next, sizeof(next), "%s/%s", below, e->d_name) <
		    (int)sizeof(next))
			ret = look_at(w, next);
	closedir(d);
	return ret;
}

int pattern_walk(const struct pattern_walk *w)
{
	return w->nr ? look_into(w, "/") : 0;
}
