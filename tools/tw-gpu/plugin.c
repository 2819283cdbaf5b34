// SPDX-License-Identifier: GPL-2.0
/*
 * plugin.c - tw-gpu: serves a card's memory by NBD, as a plugin of nbdkit
 *
 * nbdkit has the protocol, the connections and their threads; each request comes on a
 * thread of its own. A thread that finds a lane free copies its request, and whatever
 * waits beside it; else it waits, and may find that another thread has done it too. So
 * neighbours are merged when lanes are short, and nothing is delayed when they are not.
 *
 * The device has the size that it began with, whatever of it there is memory for. When
 * that is made less, requests beyond are refused first, then those are waited for that had
 * come in before, and then the memory is given back.
 *
 * Owns the list of waiting requests, which lanes are free, and the gate, under @lock.
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "calc.h"
#include "card.h"
#include "control.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

#define PAGE_BYTES	4096
#define LANES_MAX	64
#define LANES_DEFAULT	16
#define LANE_BYTES	(1UL << 20)
#define WHY_LEN		512

static struct card_wish wish = { .lanes = LANES_DEFAULT, .lane_bytes = LANE_BYTES };
static bool plain;		/* ordinary memory instead of a card's */
static char *memory;		/* that memory */
static const char *control;	/* socket */
static const char *free_from;	/* file */
static struct card *card;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct gpu_gate gate;
static struct gpu_request *waiting;
static unsigned int free_lane[LANES_MAX], nr_free;

/* -- options ------------------------------------------------------------------- */

static int config_size(const char *value)
{
	int64_t bytes = nbdkit_parse_size(value);

	if (bytes < 0)
		return -1;
	if (!bytes || bytes % PAGE_BYTES) {
		nbdkit_error("size=%s is not a multiple of %d bytes", value, PAGE_BYTES);
		return -1;
	}
	wish.bytes = bytes;
	return 0;
}

static int config_lanes(const char *value)
{
	if (nbdkit_parse_unsigned("lanes", value, &wish.lanes))
		return -1;
	if (wish.lanes && wish.lanes <= LANES_MAX)
		return 0;
	nbdkit_error("lanes=%s: 1 to %d copies at the same time", value, LANES_MAX);
	return -1;
}

static int config_memory(const char *value)
{
	plain = !strcmp(value, "plain");
	if (plain || !strcmp(value, "card"))
		return 0;
	nbdkit_error("memory=%s: it is card or plain", value);
	return -1;
}

static int tw_gpu_config(const char *key, const char *value)
{
	if (!strcmp(key, "size"))
		return config_size(value);
	if (!strcmp(key, "lanes"))
		return config_lanes(value);
	if (!strcmp(key, "memory"))
		return config_memory(value);
	if (!strcmp(key, "device")) {
		wish.given = true;
		if (gpu_parse_device(value, &wish.platform, &wish.device))
			return 0;
		nbdkit_error("device=%s is not PLATFORM:DEVICE, two numbers", value);
		return -1;
	}
	if (!strcmp(key, "control")) {
		control = value;
		return 0;
	}
	if (!strcmp(key, "free-from")) {
		free_from = value;
		return 0;
	}
	nbdkit_error("no such parameter: %s", key);
	return -1;
}

static int tw_gpu_config_complete(void)
{
	if (!wish.bytes)
		nbdkit_error("size= is missing: how much of the card's memory");
	else if (plain && wish.given)
		nbdkit_error("memory=plain has no device");
	else
		return 0;
	return -1;
}

#define tw_gpu_config_help						\
	"size=SIZE              (required) how much of the card's memory\n"	\
	"device=PLATFORM:DEVICE which card; else the one with most memory\n"	\
	"lanes=N                copies at the same time (default 16)\n"	\
	"control=PATH           a socket, by which the size is changed\n"	\
	"free-from=FILE         has how many bytes of the card's memory are free\n" \
	"memory=card|plain      plain: ordinary memory, to measure the rest"

/* -- another size ---------------------------------------------------------------- */

/* Of ordinary memory: from @from to @to there is some, or no more. */
static int plain_resize(uint64_t from, uint64_t to, char *why, size_t len)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	/* The addresses stay taken. */
	if (to < from)
		return mmap(memory + to, from - to, PROT_NONE, flags | MAP_NORESERVE, -1,
			    0) == MAP_FAILED;
	if (to > from && mmap(memory + from, to - from, PROT_READ | PROT_WRITE,
			      flags | MAP_POPULATE, -1, 0) == MAP_FAILED) {
		snprintf(why, len, "no memory for %llu bytes more",
			 (unsigned long long)(to - from));
		return -1;
	}
	return 0;
}

static int memory_resize(uint64_t from, uint64_t to, char *why, size_t len)
{
	return plain ? plain_resize(from, to, why, len) : card_resize(card, to, why, len);
}

/* control_ops.resize; nothing else changes the end. */
static int resize(uint64_t bytes, char *why, size_t len)
{
	const uint64_t before = gate.end;
	int turn, err = 0;

	if (!bytes || bytes > wish.bytes || bytes % PAGE_BYTES) {
		snprintf(why, len, "it is no size up to %llu bytes",
			 (unsigned long long)wish.bytes);
		return -1;
	}
	if (bytes > before)
		err = memory_resize(before, bytes, why, len);
	if (err)
		return err;
	pthread_mutex_lock(&lock);
	turn = gpu_gate_move(&gate, bytes);
	while (gate.inside[turn])
		pthread_cond_wait(&left, &lock);
	pthread_mutex_unlock(&lock);
	if (bytes < before)
		err = memory_resize(before, bytes, why, len);
	return err;
}

/* The file has a number of bytes, as nbdkit takes sizes. */
static int read_free(uint64_t *bytes)
{
	char text[64];
	int64_t found;
	FILE *f = fopen(free_from, "re");

	if (!f)
		return -1;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	found = *text ? nbdkit_parse_size(text) : -1;
	*bytes = found;
	return found < 0 ? -1 : 0;
}

/* control_ops.look */
static void look(char *text, size_t len)
{
	uint64_t bytes;
	int err;

	err = free_from ? read_free(&bytes) : plain ? -1 : card_free(card, &bytes);
	if (err)
		snprintf(text, len, "%llu %llu -", (unsigned long long)gate.end,
			 (unsigned long long)wish.bytes);
	else
		snprintf(text, len, "%llu %llu %llu", (unsigned long long)gate.end,
			 (unsigned long long)wish.bytes, (unsigned long long)bytes);
}

static const struct control_ops control_ops = { resize, look };

/* -- beginning and end --------------------------------------------------------- */

static int open_plain(void)
{
	memory = mmap(NULL, wish.bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory != MAP_FAILED)
		return 0;
	memory = NULL;
	nbdkit_error("no memory for %llu bytes", (unsigned long long)wish.bytes);
	return -1;
}

static int open_card(void)
{
	char why[WHY_LEN] = "";

	card = card_open(&wish, why, sizeof(why));
	if (!card) {
		nbdkit_error("%s", why);
		return -1;
	}
	for (nr_free = 0; nr_free < wish.lanes; nr_free++)
		free_lane[nr_free] = nr_free;
	nbdkit_debug("%llu bytes of %s", (unsigned long long)wish.bytes, card_name(card));
	return 0;
}

/*
 * OpenCL makes threads, and so comes after the fork. They and nbdkit's, which are begun
 * later, take from this one that reclaim they run into must not wait for I/O: that might
 * be to this very server. Without the right to that it is served as well.
 */
static int tw_gpu_after_fork(void)
{
	int err;

	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0))
		nbdkit_debug("PR_SET_IO_FLUSHER: %s", strerror(errno));
	if (plain ? open_plain() : open_card())
		return -1;
	gate.end = wish.bytes;
	err = control ? control_begin(control, &control_ops) : 0;
	if (err)
		nbdkit_error("%s: %s", control, strerror(-err));
	return err ? -1 : 0;
}

static void tw_gpu_cleanup(void)
{
	control_end();
	card_close(card);
	card = NULL;
	if (memory)
		munmap(memory, wish.bytes);
	memory = NULL;
}

/* -- what it is ---------------------------------------------------------------- */

static void *tw_gpu_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t tw_gpu_get_size(void *handle)
{
	(void)handle;
	return wish.bytes;
}

static int yes(void *handle)
{
	(void)handle;
	return 1;
}

static int tw_gpu_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
			     uint32_t *maximum)
{
	(void)handle;
	*minimum = 1;
	*preferred = PAGE_BYTES;
	*maximum = 32 << 20;
	return 0;
}

/* -- requests ------------------------------------------------------------------ */

/* A request that is larger than a lane, or a run of some that are not. */
static int copy_piece(unsigned int lane, const struct gpu_run *run, uint64_t offset, size_t bytes)
{
	char *mem = card_lane(card, lane);
	struct gpu_request *r = run->first;
	int err = 0;

	if (!r->next) {
		if (r->write)
			memcpy(mem, r->data + (offset - r->offset), bytes);
		err = card_copy(card, lane, offset, bytes, r->write);
		if (!err && !r->write)
			memcpy(r->data + (offset - r->offset), mem, bytes);
		return err;
	}
	for (; r && r->write; r = r->next)
		memcpy(mem + (r->offset - offset), r->data, r->bytes);
	err = card_copy(card, lane, offset, bytes, run->first->write);
	for (r = run->first; !err && r && !r->write; r = r->next)
		memcpy(r->data, mem + (r->offset - offset), r->bytes);
	return err;
}

static int copy_run(unsigned int lane, const struct gpu_run *run)
{
	uint64_t offset = run->offset, left = run->bytes;
	int err = 0;

	while (left && !err) {
		size_t bytes = left < LANE_BYTES ? left : LANE_BYTES;

		err = copy_piece(lane, run, offset, bytes);
		offset += bytes;
		left -= bytes;
	}
	return err;
}

/* Under lock, which is let go meanwhile. */
static void lead(struct gpu_request *r)
{
	unsigned int lane = free_lane[--nr_free];
	struct gpu_run run = gpu_run_take(&waiting, r, LANE_BYTES);
	struct gpu_request *next;
	int err;

	pthread_mutex_unlock(&lock);
	err = copy_run(lane, &run);
	pthread_mutex_lock(&lock);
	free_lane[nr_free++] = lane;
	for (r = run.first; r; r = next) {
		next = r->next;		/* @r is gone once its thread sees that it is done */
		r->error = err;
		r->done = true;
	}
	pthread_cond_broadcast(&changed);
}

static int serve(struct gpu_request *r)
{
	struct gpu_request **last = &waiting;

	pthread_mutex_lock(&lock);
	while (*last)
		last = &(*last)->next;
	r->queued = true;
	*last = r;
	while (!r->done) {
		if (r->queued && nr_free)
			lead(r);
		else
			pthread_cond_wait(&changed, &lock);
	}
	pthread_mutex_unlock(&lock);
	if (!r->error)
		return 0;
	nbdkit_set_error(-r->error);
	return -1;
}

/* Comes in, if there is memory where @r goes; its turn. */
static int enter(const struct gpu_request *r)
{
	int turn;

	pthread_mutex_lock(&lock);
	turn = gpu_gate_enter(&gate, r->offset, r->bytes);
	pthread_mutex_unlock(&lock);
	if (turn < 0)
		nbdkit_set_error(EIO);
	return turn;
}

static void leave(int turn)
{
	pthread_mutex_lock(&lock);
	if (gpu_gate_leave(&gate, turn))
		pthread_cond_signal(&left);
	pthread_mutex_unlock(&lock);
}

static int transfer(struct gpu_request *r)
{
	int err = 0, turn = enter(r);

	if (turn < 0)
		return -1;
	if (!plain)
		err = serve(r);
	else if (r->write)
		memcpy(memory + r->offset, r->data, r->bytes);
	else
		memcpy(r->data, memory + r->offset, r->bytes);
	leave(turn);
	return err;
}

static int tw_gpu_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	struct gpu_request r = { .offset = offset, .bytes = count, .data = buf };

	(void)handle;
	(void)flags;
	return transfer(&r);
}

static int tw_gpu_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset,
			 uint32_t flags)
{
	struct gpu_request r = {
		.offset = offset,
		.bytes = count,
		.write = true,
		.data = (char *)buf,
	};

	(void)handle;
	(void)flags;
	return transfer(&r);
}

/* Nothing outlives the server, and memory that was taken is kept: both have nothing to do. */
static int tw_gpu_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return 0;
}

static int tw_gpu_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)count;
	(void)offset;
	(void)flags;
	return 0;
}

static struct nbdkit_plugin plugin = {
	.name			= "tw-gpu",
	.longname		= "TierWatch: a card's memory",
	.version		= TW_VERSION,
	.description		= "Serves memory of a graphics card, by OpenCL, as a block device",
	.config			= tw_gpu_config,
	.config_complete	= tw_gpu_config_complete,
	.config_help		= tw_gpu_config_help,
	.after_fork		= tw_gpu_after_fork,
	.cleanup		= tw_gpu_cleanup,
	.open			= tw_gpu_open,
	.get_size		= tw_gpu_get_size,
	.block_size		= tw_gpu_block_size,
	.can_flush		= yes,
	.can_trim		= yes,
	.can_multi_conn		= yes,
	.pread			= tw_gpu_pread,
	.pwrite			= tw_gpu_pwrite,
	.flush			= tw_gpu_flush,
	.trim			= tw_gpu_trim,
	.errno_is_preserved	= 1,
};

NBDKIT_REGISTER_PLUGIN(plugin)
