// SPDX-License-Identifier: GPL-2.0
/*
 * The library that turns shared anonymous memory into regions, for a command that is
 * run: where it is, and what the command's environment says of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/installed.h"
#include "program/run_shared.h"

#define LIBRARY		"libtw-preload.so"
#define LEAST		"TIERWATCH_SHARED_MIN"
#define HUGE		"TIERWATCH_SHARED_HUGE"

/* Seen from the folder of tw: as it is installed, and as it is built. */
static const char * const places[] = {
	"../lib/tierwatch/" LIBRARY,
	"../lib/" LIBRARY,
};

/* What was to be loaded before is so still, after ours. */
static int preload(const char *path)
{
	const char *before = getenv("LD_PRELOAD");
	char *value;
	int err = 0;

	if (asprintf(&value, "%s%s%s", path, before && *before ? ":" : "",
		     before ? before : "") < 0)
		return -ENOMEM;
	if (setenv("LD_PRELOAD", value, 1))
		err = -errno;
	free(value);
	return err;
}

int run_shared(__u64 least, bool huge)
{
	char path[PATH_MAX], number[24];
	int err = installed_find(places, sizeof(places) / sizeof(*places), path);

	if (err)
		return cli_error("%s, which --shared takes, is not beside this command: install it again", LIBRARY);
	if (strpbrk(path, ": "))
		return cli_error("--shared takes %s from a folder without spaces and colons in its path: %s", LIBRARY, path);
	snprintf(number, sizeof(number), "%llu", (unsigned long long)least);
	if (setenv(LEAST, number, 1))
		return cli_errno(-errno, "setting %s", LEAST);
	if (huge ? setenv(HUGE, "1", 1) : unsetenv(HUGE))
		return cli_errno(-errno, "setting %s", HUGE);
	err = preload(path);
	return err ? cli_errno(err, "setting LD_PRELOAD") : 0;
}
