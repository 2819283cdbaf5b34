// SPDX-License-Identifier: GPL-2.0
/*
 * tw tier resize: a store that is bound gets larger or smaller, and with it the server of
 * a card's memory (machine/card_resize.c).
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/beside.h"
#include "base/cli.h"
#include "base/json.h"
#include "base/number.h"
#include "base/term.h"
#include "base/text.h"
#include "machine/card_resize.h"
#include "tier/bind.h"
#include "tier/commands.h"
#include "tier/tier.h"

#define ALL	"all"

/**
 * struct resizing - what is to be done
 * @tier: enum tw_tier
 * @bytes: what the store is to have; 0: all that its device has room for
 * @json: print a document
 */
struct resizing {
	int tier;
	__u64 bytes;
	bool json;
};

/* -- why not ------------------------------------------------------------------ */

static int resize_error(int err, const char *name, const struct tw_tier_info *t)
{
	switch (err) {
	case -EPERM:
		return cli_no_permission("resizing a tier needs CAP_SYS_ADMIN. Be root");
	case -EOPNOTSUPP:
		return cli_error("the %s tier is %s. See: tw tier list", name,
				 t->kind == TW_KIND_NONE ? "not bound" :
				 "made of memory, and only a store can be resized");
	case -EINVAL:
		return cli_error("the device of %s has no room for so much, or it is less than %u pages. All that it has: tw tier resize %s " ALL,
				 name, TW_STORE_PAGES_MIN, name);
	case -ENOSPC:
		return cli_error("there is no room elsewhere for what would have to leave %s, or as much is reserved or set aside for swap (tw swap status). It has its size still. Make room or bind another tier, then try again",
				 name);
	case -EBUSY:
		return cli_error("a page at the end of %s is in use, which has its size still. Try again",
				 name);
	case -EIO:
		return cli_error("a page of %s can't be read, which has its size still. To give such pages up, with what is in them: tw tier unbind --force %s",
				 name, name);
	case -EINTR:
		cli_error("interrupted: %s has its size still", name);
		return EXIT_INTERRUPTED;
	default:
		return cli_errno(err, "resizing %s", name);
	}
}

/* -- doing it ------------------------------------------------------------------- */

/* What a thread tells of meanwhile. */
struct shrinking {
	struct tw *tw;
	int tier;
};

static void tell_left(struct progress *p, void *arg)
{
	const struct shrinking *s = arg;
	struct tw_tier_info t;
	char left[TEXT_LEN];

	if (tw_tier_info(s->tw, s->tier, &t))
		return;
	progress_say(p, "%s: %s pages left too many", tw_tier_name(s->tier),
		     text_count(left, t.used > t.capacity ? t.used - t.capacity : 0));
}

static int resize_store(struct tw *tw, int tier, const struct tw_tier_info *t,
			__u64 *capacity, __u64 *moved)
{
	struct shrinking shrinking = { tw, tier };
	struct beside *shown = beside_begin(tell_left, &shrinking);
	int err = tw_tier_resize(tw, tier, capacity, moved);

	beside_end(shown);
	return err ? resize_error(err, tw_tier_name(tier), t) : 0;
}

static int server_error(int err, const char *card, const char *said)
{
	switch (err) {
	case -EREMOTEIO:
		return cli_error("the server of the card's memory: %s", text_shown(said));
	case -ENOENT:
		return cli_error("the server of the card's memory has ended, or is of an older version. Bind the tier anew: tw tier unbind gpu");
	case -ETIMEDOUT:
		return cli_error("the server of the card's memory doesn't answer. What it said is in " CARD_RUN_DIR "/%s.log",
				 card);
	default:
		return cli_errno(err, "asking the server of the card's memory");
	}
}

/* What is asked for by hand is the most that it has, should it give way to others. */
static void limit_yield(const char *card, __u64 bytes)
{
	struct card_yield y;

	if (card_yield_read(card, &y))
		return;
	y.most = bytes;
	card_yield_write(card, &y);
}

/* @bytes of the card's memory, as they were given to bind. */
static int resize_card(struct tw *tw, const struct resizing *r, const char *card,
		       const struct tw_tier_info *t, __u32 page_size, struct card_resized *done)
{
	struct shrinking shrinking = { tw, r->tier };
	__u64 bytes = r->bytes;
	struct card_size size;
	struct beside *shown;
	int err;

	err = bytes ? 0 : card_look(card, &size);
	if (err)
		return server_error(err, card, "");
	if (!bytes)
		bytes = size.most;
	if (bytes < card_bytes(TW_STORE_PAGES_MIN, page_size))
		return cli_usage("of a card's memory it has to be more than 1M, as with --size");
	shown = beside_begin(tell_left, &shrinking);
	err = card_resize(tw, r->tier, card, bytes, done);
	beside_end(shown);
	if (!err)
		limit_yield(card, bytes);
	if (err && done->server)
		return server_error(err, card, done->said);
	return err ? resize_error(err, tw_tier_name(r->tier), t) : 0;
}

static int resize(struct tw *tw, const struct resizing *r, __u64 *capacity, __u64 *moved,
		  __u32 *page_size)
{
	char card[DEVICE_NAME_LEN];
	struct card_resized done = { 0 };
	struct tw_tier_info t;
	struct tw_info info;
	int err;

	err = tw_info(tw, &info);
	if (!err)
		err = tw_tier_info(tw, r->tier, &t);
	if (err)
		return cli_errno(err, "asking the driver");
	*page_size = info.page_size;
	*capacity = r->bytes / info.page_size;
	if (r->bytes % info.page_size)
		return cli_usage("the size has to be a multiple of the page size, %u bytes",
				 info.page_size);
	binding_card(tw, r->tier, card);
	if (*card) {
		err = resize_card(tw, r, card, &t, info.page_size, &done);
		*capacity = done.capacity;
		*moved = done.moved;
		return err;
	}
	return resize_store(tw, r->tier, &t, capacity, moved);
}

/* -- the command ---------------------------------------------------------------- */

const char tier_resize_more[] =
"SIZE is what the store has from then on, like 64M or 1G, or all: all that its\n"
"device has room for. What lies beyond it goes to other places first: within the\n"
"store, to other stores, to memory. When that fails, the size is as before.\n"
"Of a graphics card it is what --size was, which is the most that it can have.\n"
"  --json  what was done, as one document\n";

static int parse_resize(int argc, char **argv, struct resizing *r)
{
	static const struct option opts[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "j", opts, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		r->json = true;
	}
	if (argc - optind != 2)
		return cli_usage("tier resize takes a tier and a size");
	c = parse_tier_arg(argv[optind], &r->tier);
	if (c)
		return c;
	if (strcmp(argv[optind + 1], ALL) &&
	    (parse_size(argv[optind + 1], &r->bytes) || !r->bytes))
		return cli_usage("not a size: %s. Write it like 64M or 1G, or " ALL,
				 argv[optind + 1]);
	if (!can_be_store(r->tier))
		return cli_usage("the %s tier is made of memory, and only a store can be resized",
				 tw_tier_name(r->tier));
	return 0;
}

static void show(const struct resizing *r, __u64 capacity, __u64 moved, __u32 page_size)
{
	char size[TEXT_LEN], count[TEXT_LEN];

	if (!r->json) {
		printf("%s: %s, %s pages moved elsewhere\n", tw_tier_name(r->tier),
		       text_bytes(size, capacity * page_size), text_count(count, moved));
		return;
	}
	json_begin(JSON_TIER_RESIZE);
	json_str("tier", tw_tier_name(r->tier));
	json_u64("page_size", page_size);
	json_u64("capacity", capacity);
	json_u64("moved", moved);
	json_close('}');
	json_end();
}

int cmd_tier_resize(int argc, char **argv)
{
	struct resizing r = { 0 };
	__u64 capacity, moved = 0;
	__u32 page_size = 0;
	struct tw *tw;
	int code;

	code = parse_resize(argc, argv, &r);
	if (!code)
		code = cli_open(&tw);
	if (code)
		return code;
	code = resize(tw, &r, &capacity, &moved, &page_size);
	tw_close(tw);
	if (code)
		return code;
	show(&r, capacity, moved, page_size);
	return cli_flush(EXIT_SUCCESS);
}
