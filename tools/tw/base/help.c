// SPDX-License-Identifier: GPL-2.0
/*
 * What tw says of itself. Each help fits a terminal of 80 x 24.
 */
#include <string.h>

#include "base/cli.h"
#include "base/help.h"

#define WIDTH	79

/* Words, wrapped; continued lines are indented. Brackets stay in one piece. */
static void wrap(FILE *f, unsigned int column, unsigned int indent,
		 const char *text)
{
	while (*text) {
		unsigned int len = 0, inside = 0;

		while (text[len] && (text[len] != ' ' || inside)) {
			inside += text[len] == '[';
			inside -= text[len] == ']' && inside;
			len++;
		}
		if (column + 1 + len > WIDTH) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
		} else {
			fputc(' ', f);
			column++;
		}
		fwrite(text, 1, len, f);
		column += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

static void usage_line(FILE *f, const char *lead, const char *above,
		       const struct cli_cmd *c)
{
	int n = fprintf(f, "%stw %s%s%s", lead, above, *above ? " " : "",
			c->name);

	wrap(f, n, strlen(lead) + 8, c->usage ? c->usage : "");
}

void help_cmd(FILE *f, const char *above, const struct cli_cmd *c)
{
	const struct cli_cmd *s;
	const char *verb = *above ? above : c->name;

	if (c->sub) {
		for (s = c->sub; s->name; s++) {
			usage_line(f, s == c->sub ? "usage: " : "       ",
				   c->name, s);
			fprintf(f, "           %s\n", s->help);
		}
	} else {
		usage_line(f, "usage: ", above, c);
		fprintf(f, "%s\n", c->help);
		if (c->more)
			fprintf(f, "\n%s", c->more);
	}
	if (strcmp(verb, "help"))
		fprintf(f, "\nMore, with examples: man tw-%s\n", verb);
}

void help_all(FILE *f, const struct cli_cmd *list)
{
	fprintf(f, "usage: tw [--json] [--human] [--color=WHEN] [--device PATH] COMMAND ...\n");
	for (; list->name; list++)
		fprintf(f, "  %-9s %s\n", list->name, list->help);
	fprintf(f, "TIER is gpu, cpu, nvme, ssd or hdd. SIZE is in bytes or "
		"like 64M, 1G.\n"
		"--json: for programs; --human: with units; WHEN: auto, always, never; --version\n");
}
