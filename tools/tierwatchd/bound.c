// SPDX-License-Identifier: GPL-2.0
/*
 * On which nodes a program may have its pages.
 *
 * A program that binds memory to nodes, or prefers some, wants it there: such pages
 * move among these nodes alone. Interleaved pages are spread on purpose, so they move
 * nowhere, and neither do those of a policy that is not known here. A mapping without a
 * policy of its own has its program's, and the kernel's text says that one already.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "bound.h"

/* The nodes that "bind=static:0-1" or "prefer (many):0,2" names, 0 if none. */
static __u64 named(const char *policy)
{
	size_t len = strcspn(policy, ":\n");
	char list[256];
	__u64 nodes;

	if (policy[len] != ':')
		return 0;
	policy += len + 1;
	len = strcspn(policy, "\n ");
	if (len >= sizeof(list))
		return 0;
	memcpy(list, policy, len);
	list[len] = '\0';
	return parse_nodes(list, &nodes) ? 0 : nodes;
}

static __u64 nodes_of(const char *policy)
{
	size_t len = strcspn(policy, " =:\n");

	if ((len == 7 && !strncmp(policy, "default", len)) ||
	    (len == 5 && !strncmp(policy, "local", len)))
		return ~0ULL;
	if ((len == 4 && !strncmp(policy, "bind", len)) ||
	    (len == 6 && !strncmp(policy, "prefer", len)))
		return named(policy);
	return 0;
}

int td_bound_line(const char *line, struct td_mapping *m)
{
	unsigned long long start;
	int used;

	if (sscanf(line, "%llx %n", &start, &used) != 1)
		return -EINVAL;
	m->start = start;
	m->nodes = nodes_of(line + used);
	return 0;
}

int td_bound_maps(struct td_bound *b, FILE *f)
{
	struct td_mapping m, *more;
	size_t room = 0, len = 0;
	char *line = NULL;
	int err = 0;

	free(b->map);
	b->map = NULL;
	b->nr = 0;
	while (getline(&line, &len, f) > 0) {
		/* Most mappings are like the one before. */
		if (td_bound_line(line, &m) ||
		    (b->nr && b->map[b->nr - 1].nodes == m.nodes))
			continue;
		if (b->nr == room) {
			room = room ? 2 * room : 16;
			more = realloc(b->map, room * sizeof(*more));
			if (!more) {
				err = -ENOMEM;
				break;
			}
			b->map = more;
		}
		b->map[b->nr++] = m;
	}
	free(line);
	return err;
}

void td_bound_status(struct td_bound *b, FILE *f)
{
	char line[4096], list[256];

	b->allowed = 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Mems_allowed_list: %255s", list) == 1 &&
		    parse_nodes(list, &b->allowed))
			b->allowed = 0;
}

static FILE *file_of(int pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

int td_bound_read(struct td_bound *b, int pid)
{
	FILE *f = file_of(pid, "status");
	int err;

	if (!f)
		return -errno;
	td_bound_status(b, f);
	fclose(f);
	f = file_of(pid, "numa_maps");
	if (!f)
		return -errno;
	err = td_bound_maps(b, f);
	fclose(f);
	return err;
}

__u64 td_bound_at(const struct td_bound *b, __u64 addr)
{
	size_t low = 0, high = b->nr, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (b->map[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? b->map[low - 1].nodes & b->allowed : 0;
}

void td_bound_free(struct td_bound *b)
{
	free(b->map);
	b->map = NULL;
	b->nr = 0;
}
