// SPDX-License-Identifier: GPL-2.0
/*
 * Lines of the text format of Prometheus, version 0.0.4. Figures are written
 * digit by digit: a double would round those beyond 2^53. Or the same as JSON.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "watch/metrics.h"

#define PREFIX	"tierwatch_"

static const char *type_of(const struct metric *m)
{
	if (m->histogram)
		return "histogram";
	return m->counter ? "counter" : "gauge";
}

void metric_begin(FILE *f, const struct metric *m)
{
	if (!f)
		return;
	fprintf(f, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", m->name,
		m->help, m->name, type_of(m));
}

static const struct { unsigned int per_second; int digits; } times[] = {
	[METRIC_NS] = { 1000000000, 9 },
	[METRIC_US] = { 1000000, 6 },
	[METRIC_MS] = { 1000, 3 },
};

static void put_value(FILE *f, __u64 value, enum metric_unit unit,
		      __u32 page_size)
{
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

const char *metric_value(char *buf, const char *text)
{
	char *to = buf;

	for (text = text_tail(text, METRIC_VALUE_LEN / 2 - 1); *text; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '\0';
	return buf;
}

/* What stands between the braces: NAME="VALUE",..., as metric_value() has it. */
static void json_labels(const char *labels)
{
	char name[32], value[METRIC_VALUE_LEN];
	size_t len;
	int skip;

	json_open("labels", '{');
	while (labels && sscanf(labels, "%31[^=]=\"%n", name, &skip) == 1) {
		labels += skip;
		for (len = 0; *labels && *labels != '"'; labels++) {
			if (*labels == '\\' && labels[1])
				labels++;
			if (len + 1 < sizeof(value))
				value[len++] = *labels;
		}
		value[len] = '\0';
		json_str(name, value);
		labels += *labels == '"';
		labels += *labels == ',';
	}
	json_close('}');
}

static void json_sample(const struct metric *m, const char *labels, __u64 value,
			enum metric_unit unit, __u32 page_size)
{
	char name[64];

	snprintf(name, sizeof(name), PREFIX "%s", m->name);
	json_begin(JSON_METRIC);
	json_str("name", name);
	json_str("type", type_of(m));
	json_labels(labels);
	if (unit == METRIC_PLAIN || unit == METRIC_PAGES)
		json_u64("value", value * (unit == METRIC_PAGES ? page_size : 1));
	else
		json_double("value", (double)value / times[unit].per_second);
	json_close('}');
}

void metric_sample(FILE *f, const struct metric *m, const char *labels,
		   __u64 value, enum metric_unit unit, __u32 page_size)
{
	if (!f) {
		json_sample(m, labels, value, unit, page_size);
		return;
	}
	fputs(PREFIX, f);
	fputs(m->name, f);
	if (labels)
		fprintf(f, "{%s}", labels);
	fputc(' ', f);
	put_value(f, value, unit, page_size);
}

void metric_part(FILE *f, const struct metric *m, const char *part,
		 const char *labels, __u64 value, enum metric_unit unit)
{
	struct metric one = *m;
	char name[64];

	snprintf(name, sizeof(name), "%s%s", m->name, part);
	one.name = name;
	metric_sample(f, &one, labels, value, unit, 0);
}
