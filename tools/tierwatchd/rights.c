// SPDX-License-Identifier: GPL-2.0
/*
 * Which rights the daemon lacks. The driver does not tell of programs that it may not
 * know of, so without this it would look as if there were none.
 */
#include <linux/capability.h>
#include <stdio.h>

#include "base/cli.h"
#include "rights.h"
#include "say.h"

static const struct {
	int cap;
	const char *name;
	const char *without;
} rights[] = {
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
	  "programs of other users are left alone" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
	  "of other users' programs it is not seen what was paged out" },
	{ CAP_SYS_NICE, "CAP_SYS_NICE", "nothing is paged out" },
	{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
	  "huge pages are not told from others, and may be split" },
	{ CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE",
	  "cgroups that come later get no limits" },
};

static unsigned long long effective(void)
{
	unsigned long long caps = 0;
	char line[4096];
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps;
}

void td_rights_say(void)
{
	unsigned long long caps = effective();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rights); i++)
		if (!(caps >> rights[i].cap & 1))
			td_say(TD_WARNING, "%s is missing: %s", rights[i].name,
			       rights[i].without);
}
