// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of the text format of Prometheus, version 0.0.4. Figures are written
 * digit by digit: a double would round those beyond 2^53.
 */
#include "metrics.h"

#define PREFIX	"tierwatch_"

void metric_begin(FILE *f, const struct metric *m)
{
	fprintf(f, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", m->name,
		m->help, m->name, m->counter ? "counter" : "gauge");
}

static void put_value(FILE *f, __u64 value, enum metric_unit unit,
		      __u32 page_size)
{
	static const struct { unsigned int per_second; int digits; } times[] = {
		[METRIC_NS] = { 1000000000, 9 },
		[METRIC_US] = { 1000000, 6 },
		[METRIC_MS] = { 1000, 3 },
	};

	if (unit == METRIC_PLAIN || unit == METRIC_PAGES) {
		fprintf(f, "%llu\n", (unsigned long long)value *
			(unit == METRIC_PAGES ? page_size : 1));
		return;
	}
	fprintf(f, "%llu.%0*llu\n",
		(unsigned long long)value / times[unit].per_second,
		times[unit].digits,
		(unsigned long long)value % times[unit].per_second);
}

void metric_sample(FILE *f, const struct metric *m, const char *labels,
		   __u64 value, enum metric_unit unit, __u32 page_size)
{
	fputs(PREFIX, f);
	fputs(m->name, f);
	if (labels)
		fprintf(f, "{%s}", labels);
	fputc(' ', f);
	put_value(f, value, unit, page_size);
}
