// SPDX-License-Identifier: GPL-2.0
/*
 * Errors, what users type, and how numbers look.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const char *cli_command = "";

/*
 * One line, and nothing but text: what a user or a file has named is in it, and
 * may be anything.
 */
static void say(const char *fmt, va_list ap)
{
	char *text;

	fflush(stdout);
	fprintf(stderr, "%stw:%s ", color_on(stderr, COLOR_BAD),
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

const char *text_bytes(char *buf, __u64 bytes)
{
	static const char * const units[] = { "B", "KiB", "MiB", "GiB", "TiB",
					      "PiB", "EiB" };
	double v = bytes;
	unsigned int i = 0;

	while (v >= 1024 && i + 1 < ARRAY_SIZE(units)) {
		v /= 1024;
		i++;
	}
	snprintf(buf, TEXT_LEN, i && v < 100 ? "%.1f %s" : "%.0f %s", v,
		 units[i]);
	return buf;
}

const char *text_ns(char *buf, __u64 ns)
{
	static const char * const units[] = { "ns", "us", "ms", "s" };
	double v = ns;
	unsigned int i = 0;

	while (v >= 1000 && i + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		i++;
	}
	snprintf(buf, TEXT_LEN, i && v < 100 ? "%.1f %s" : "%.0f %s", v,
		 units[i]);
	return buf;
}

const char *text_page(char *buf, __u64 page)
{
	snprintf(buf, TEXT_LEN, "0x%llx", (unsigned long long)page);
	return buf;
}

const char *text_nodes(char *buf, __u64 nodes)
{
	unsigned int i = 0, last;
	char *p = buf;

	*p = '\0';
	while (i < 64) {
		if (!(nodes >> i & 1)) {
			i++;
			continue;
		}
		for (last = i; last < 63 && nodes >> (last + 1) & 1; last++)
			;
		p += sprintf(p, last > i ? "%s%u-%u" : "%s%u",
			     p > buf ? "," : "", i, last);
		i = last + 1;
	}
	return buf;
}
