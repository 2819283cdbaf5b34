// SPDX-License-Identifier: GPL-2.0
/*
 * Errors, the device, and the words that all commands take: tiers and events.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cli.h"
#include "base/suggest.h"
#include "base/term.h"
#include "base/text.h"

const char *cli_program = "tw";
const char *cli_device;
const char *cli_command = "";

/*
 * One line, and nothing but text: what a user or a file has named is in it, and
 * may be anything.
 */
static void say(const char *fmt, va_list ap)
{
	char *text;

	fflush(stdout);
	fprintf(stderr, "%s%s:%s ", color_on(stderr, COLOR_BAD), cli_program,
		color_off(stderr));
	if (vasprintf(&text, fmt, ap) < 0) {
		fputs("no memory", stderr);
		return;
	}
	fputs(text_clean(text), stderr);
	free(text);
}

int cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

int cli_errno(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(-err));
	return err == -EPERM || err == -EACCES ? EXIT_NO_PERMISSION :
						 EXIT_FAILURE;
}

int cli_no_permission(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_NO_PERMISSION;
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nSee: tw help%s%s\n", *cli_command ? " " : "",
		cli_command);
	return EXIT_USAGE;
}

int cli_open(struct tw **tw)
{
	const char *dev = cli_device ? cli_device : TW_DEVICE;
	int err = tw_open(cli_device, tw);

	switch (err) {
	case 0:
		return 0;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		cli_error("%s is not there: the driver is not loaded. Load it with: modprobe tier_watch",
			  dev);
		return EXIT_NO_DEVICE;
	case -EACCES:
	case -EPERM:
		return cli_no_permission("no permission to open %s. Be root or a member of its group, tierwatch: usermod -aG tierwatch USER, then log in anew",
					 dev);
	case -ENOTTY:
		cli_error("%s is not the TierWatch device", dev);
		return EXIT_NO_DEVICE;
	case -EPROTO:
		return cli_error("the driver speaks another version of the interface. Install tw and tier_watch of the same version");
	default:
		return cli_errno(err, "%s", dev);
	}
}

int cli_flush(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return cli_errno(-errno, "writing the output");
	return code;
}

int parse_events(const char *s, __u64 *mask)
{
	__u64 m = 0;
	int i;

	for (;;) {
		size_t len = strcspn(s, ",");

		if (len == 3 && !strncasecmp(s, "all", 3)) {
			m |= TW_EVENT_ALL;
		} else {
			for (i = 1; i < TW_NR_EVENTS; i++) {
				const char *name = tw_event_name(i);

				if (strlen(name) == len &&
				    !strncasecmp(s, name, len))
					break;
			}
			if (i == TW_NR_EVENTS)
				return -EINVAL;
			m |= TW_EVENT_BIT(i);
		}
		if (!s[len])
			break;
		s += len + 1;
	}
	*mask = m;
	return 0;
}

int parse_tier_arg(const char *s, int *tier)
{
	int t = tw_tier_parse(s), i;
	const char *names[TW_NR_TIERS], *meant;

	if (t < 0) {
		for (i = 0; i < TW_NR_TIERS; i++)
			names[i] = tw_tier_name(i);
		meant = suggest(s, names, TW_NR_TIERS);
		if (meant)
			return cli_usage("no such tier: %s. Did you mean %s?",
					 s, meant);
		return cli_usage("no such tier: %s. Tiers are gpu, cpu, nvme, ssd and hdd",
				 s);
	}
	*tier = t;
	return 0;
}
