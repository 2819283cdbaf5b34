// SPDX-License-Identifier: GPL-2.0
/*
 * The server of a card's memory as a unit of systemd, where that runs: tw-gpu@NAME, whose
 * options are in a file that it reads. Elsewhere it is a process that card.c starts.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cli.h"
#include "machine/command.h"
#include "tier/card_unit.h"

#define UNIT_LEN	64
#define NO_LOG		"/dev/null"

static int systemctl(const char *verb, const char *name)
{
	char unit[UNIT_LEN];
	const char * const argv[] = { "systemctl", "--quiet", verb, unit, NULL };

	snprintf(unit, sizeof(unit), "tw-gpu@%s.service", name);
	return command_run(NO_LOG, argv);
}

bool card_unit_is_there(void)
{
	return !access("/run/systemd/system", F_OK) && !systemctl("cat", "");
}

int card_unit_start(const char *name, const char *env, const char *options, const char *log)
{
	FILE *f = fopen(env, "we");
	int code;

	if (!f)
		return cli_errno(-errno, "%s", env);
	code = fprintf(f, "TW_GPU_OPTIONS=%s\n", options) < 0;
	if (fclose(f) || code)
		return cli_errno(-EIO, "writing %s", env);
	/* It may have failed before, which is not to count. */
	systemctl("reset-failed", name);
	code = systemctl("start", name);
	if (!code)
		return 0;
	return cli_error("systemd did not start tw-gpu@%s. See: journalctl -u tw-gpu@%s; %s",
			 name, name, log);
}

bool card_unit_has_ended(const char *name)
{
	return systemctl("is-active", name) != 0;
}

void card_unit_stop(const char *name)
{
	systemctl("stop", name);
}
