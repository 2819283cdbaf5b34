// SPDX-License-Identifier: GPL-2.0
/*
 * Attached programs as a table or as JSON: where their memory is, and what is not
 * known of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent_values.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/term.h"
#include "base/text.h"
#include "machine/process.h"
#include "program/attachments.h"
#include "program/show.h"
#include "tier/tier.h"

/* Memory of files and shared memory, which the kernel keeps in its page cache. */
static bool beside(const struct tw_attached *a, struct process_memory *m)
{
	return a->pid && !process_memory(a->pid, m);
}

static void json_beside(const struct tw_attached *a)
{
	__u64 page_size = sysconf(_SC_PAGESIZE);
	struct process_memory m;

	if (beside(a, &m)) {
		json_u64("file", m.file / page_size);
		json_u64("shared", m.shared / page_size);
	} else {
		json_str("file", NULL);
		json_str("shared", NULL);
	}
}

void json_attachment(const struct tw_attached *a)
{
	char name[PROCESS_NAME_LEN] = "";

	if (a->pid)
		process_name(a->pid, name);
	json_open(NULL, '{');
	json_u64("id", a->id);
	if (a->pid)
		json_u64("pid", a->pid);
	else
		json_str("pid", NULL);
	json_str("program", *name ? name : NULL);
	json_tiers("pages", a->pages);
	json_u64("elsewhere", a->elsewhere);
	json_u64("swapped", a->swapped);
	json_beside(a);
	json_u64("record_bytes", a->record_bytes);
	json_u64("scans", a->scans);
	json_bool("blind", a->state & TW_ATTACHED_BLIND);
	json_bool("partly", a->state & TW_ATTACHED_PARTLY);
	json_close('}');
}

static void show_json(const struct attachments *all, bool scanning)
{
	size_t i;

	json_begin(JSON_ATTACHMENTS);
	json_u64("page_size", sysconf(_SC_PAGESIZE));
	json_bool("scanning", scanning);
	json_open("attachments", '[');
	for (i = 0; i < all->nr; i++)
		json_attachment(&all->one[i]);
	json_close(']');
	json_close('}');
	json_end();
}

static const char *remark(const struct tw_attached *a)
{
	if (!a->scans)
		return "not scanned yet";
	if (a->state & TW_ATTACHED_BLIND)
		return a->state & TW_ATTACHED_PARTLY ? "blind, partly" :
						       "blind";
	return a->state & TW_ATTACHED_PARTLY ? "partly" : "";
}

/* Memory tiers have a column each, and stores that something is swapped out to. */
static unsigned int columns(const struct attachments *all)
{
	unsigned int shown = 0;
	size_t i;
	int t;

	for (t = 0; t < TW_NR_TIERS; t++) {
		if (can_be_memory(t))
			shown |= 1U << t;
		for (i = 0; i < all->nr; i++)
			if (all->one[i].pages[t])
				shown |= 1U << t;
	}
	return shown;
}

static void print_attachment(const struct tw_attached *a, unsigned int shown,
			     __u64 page_size)
{
	char name[PROCESS_NAME_LEN] = "", pid[TEXT_LEN] = "-", text[TEXT_LEN];
	struct process_memory m;
	int i;

	if (a->pid) {
		process_name(a->pid, name);
		snprintf(pid, sizeof(pid), "%d", a->pid);
	}
	printf("%6llu %8s %-15s", (unsigned long long)a->id, pid,
	       *name ? name : "-");
	for (i = 0; i < TW_NR_TIERS; i++)
		if (shown >> i & 1)
			printf(" %9s", text_bytes(text, a->pages[i] * page_size));
	printf(" %9s", text_bytes(text, a->elsewhere * page_size));
	printf(" %9s", text_bytes(text, a->swapped * page_size));
	if (beside(a, &m)) {
		printf(" %9s", text_bytes(text, m.file));
		printf(" %9s", text_bytes(text, m.shared));
	} else {
		printf(" %9s %9s", "-", "-");
	}
	printf("%s%s\n", *remark(a) ? "  " : "", remark(a));
}

static void print_table(const struct attachments *all)
{
	static const char * const heads[TW_NR_TIERS] = {
		"GPU", "CPU", "NVME", "SSD", "HDD",
	};
	__u64 page_size = sysconf(_SC_PAGESIZE);
	unsigned int state = 0, shown = columns(all);
	size_t i;

	printf("%s%6s %8s %-15s", color_on(stdout, COLOR_BOLD), "ID", "PID",
	       "PROGRAM");
	for (i = 0; i < TW_NR_TIERS; i++)
		if (shown >> i & 1)
			printf(" %9s", heads[i]);
	printf(" %9s %9s %9s %9s%s\n", "ELSEWHERE", "SWAPPED", "FILE", "SHARED",
	       color_off(stdout));
	for (i = 0; i < all->nr; i++) {
		print_attachment(&all->one[i], shown, page_size);
		state |= all->one[i].state;
	}
	if (state & TW_ATTACHED_BLIND)
		printf("blind: others have page tables of the memory, too, as a virtual machine has; their touches are not seen\n");
	if (state & TW_ATTACHED_PARTLY)
		printf("partly: for some pages there was no room for a record, they are not watched\n");
}

static void show_text(const struct attachments *all, bool scanning)
{
	if (!all->nr)
		printf("Nothing is attached that you may see. Those of other programs are seen with CAP_SYS_PTRACE.\nTo attach a program: tw attach PID; tw run -- COMMAND\n");
	else
		print_table(all);
	if (all->nr && !scanning)
		printf("Automatic migration is off, so nothing is scanned: tw policy set enabled=watch, or enabled=on to have pages moved, too\n");
}

int attachments_show(struct tw *tw, bool json)
{
	struct attachments all = { 0 };
	struct tw_policy policy;
	int code, err;

	code = attachments_load(tw, &all);
	if (code)
		goto out;
	err = tw_policy_get(tw, &policy);
	if (err) {
		code = cli_errno(err, "asking for the policy");
		goto out;
	}
	if (json)
		show_json(&all, policy.enabled);
	else
		show_text(&all, policy.enabled);
	code = cli_flush(EXIT_SUCCESS);
out:
	attachments_free(&all);
	return code;
}
