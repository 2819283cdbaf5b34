// SPDX-License-Identifier: GPL-2.0
/*
 * What came of tw migrate: a word for each page that was named, a sum for all.
 */
#include <errno.h>
#include <string.h>

#include "base/cli.h"
#include "base/json.h"
#include "base/text.h"
#include "page/migrate.h"
#include "page/pages.h"

/* The last one is whatever else there is. */
static const struct {
	int status;
	const char *name;
	const char *text;
} kinds[MIGRATE_KINDS] = {
	{ -ENOENT, "absent", "no such page, not yours or never touched" },
	{ -EBUSY, "busy", "pinned or on its way" },
	{ -ENOSPC, "full", "the tier is full" },
	{ -EINVAL, "elsewhere", "not in the tier it was to come from" },
	{ -EDQUOT, "limit", "its agent is at its limit there" },
	{ -EIO, "io", "it could not be read or written" },
	{ -EOPNOTSUPP, "unbound", "the tier is not bound" },
	{ 0, "other", "it could not be moved" },
};

static unsigned int kind_of(int status)
{
	unsigned int i;

	for (i = 0; i + 1 < MIGRATE_KINDS; i++)
		if (kinds[i].status == status)
			break;
	return i;
}

void migration_failed(struct migration *m, int status, __u64 nr)
{
	m->failed += nr;
	m->kind[kind_of(status)] += nr;
}

static const char *outcome(int status)
{
	unsigned int kind = kind_of(status);

	if (!status)
		return "moved";
	if (status == TW_MOVE_ALREADY)
		return "there already";
	return kind + 1 < MIGRATE_KINDS ? kinds[kind].text : strerror(-status);
}

static void json_sum(const struct migration *m)
{
	unsigned int i;

	json_str("to", tw_tier_name(m->to));
	if (m->from != TW_TIER_NONE)
		json_str("from", tw_tier_name(m->from));
	json_u64("page_size", m->page_size);
	json_u64("total", m->total);
	json_u64("done", m->done);
	json_u64("moved", m->moved);
	json_u64("already", m->already);
	json_u64("untouched", m->untouched);
	json_u64("failed", m->failed);
	json_open("failures", '{');
	for (i = 0; i < MIGRATE_KINDS; i++)
		if (m->kind[i])
			json_u64(kinds[i].name, m->kind[i]);
	json_close('}');
	json_bool("interrupted", m->interrupted);
}

static void json_migration(const struct migration *m, const struct spans *spans)
{
	size_t i, n = 0;

	json_begin(JSON_MIGRATE);
	json_sum(m);
	json_open("pages", '[');
	for (i = 0; spans && i < spans->nr && n < m->nr_status; i++) {
		const struct span *s = &spans->span[i];

		if (!s->single)
			continue;
		json_open(NULL, '{');
		json_page("page", s->page);
		if (s->has_addr)
			json_page("addr", s->addr);
		json_s64("status", m->status[n]);
		json_str("outcome", outcome(m->status[n++]));
		json_close('}');
	}
	json_close(']');
	json_close('}');
	json_end();
}

/* Were there only pages named singly, their lines say it all. */
static bool all_single(const struct spans *spans)
{
	size_t i;

	for (i = 0; spans && i < spans->nr; i++)
		if (!spans->span[i].single)
			return false;
	return spans;
}

static void print_singles(const struct migration *m, const struct spans *spans)
{
	char page[TEXT_LEN];
	size_t i, n = 0;

	for (i = 0; spans && i < spans->nr && n < m->nr_status; i++) {
		const struct span *s = &spans->span[i];

		if (s->single)
			printf("%s: %s\n", text_page(page, s->has_addr ?
						     s->addr : s->page),
			       outcome(m->status[n++]));
	}
}

static void print_sum(const struct migration *m)
{
	char bytes[TEXT_LEN];
	unsigned int i;

	printf("%llu pages (%s) moved to %s", (unsigned long long)m->moved,
	       text_bytes(bytes, m->moved * m->page_size),
	       tw_tier_name(m->to));
	if (m->already)
		printf(", %llu there already", (unsigned long long)m->already);
	if (m->untouched)
		printf(", %llu never touched or not yours",
		       (unsigned long long)m->untouched);
	if (m->failed)
		printf(", %llu failed", (unsigned long long)m->failed);
	putchar('\n');
	for (i = 0; i < MIGRATE_KINDS; i++)
		if (m->kind[i])
			printf("  %llu: %s\n", (unsigned long long)m->kind[i],
			       kinds[i].text);
}

void migration_show(const struct migration *m, const struct spans *spans,
		    bool json)
{
	if (json) {
		json_migration(m, spans);
		return;
	}
	print_singles(m, spans);
	if (!all_single(spans))
		print_sum(m);
	if (m->interrupted)
		cli_error("interrupted after %llu of %llu pages; what has moved stays moved",
			  (unsigned long long)m->done,
			  (unsigned long long)m->total);
}
