// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings: what is written is read, and nothing else is; sampling; the map.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "base/cli.h"
#include "base/text.h"
#include "machine/maps.h"
#include "watch/heatmap.h"
#include "watch/record_file.h"
#include "watch/sample.h"

static const struct rec_head head = {
	.page_size = 4096,
	.interval_ns = 1000,
	.start_ns = 7,
	.start_real_ns = 8,
};

static const struct rec_region regions[] = {
	{ .id = 5, .agent = ~0ULL, .pages = 10, .told = 10, .addr = 0x7f0000000000,
	  .pid = 42, .name = "one", .agent_name = "two" },
	{ .id = 6, .pages = TW_REGION_MAX_PAGES, .told = TW_REGION_MAX_PAGES },
};

static const struct rec_run first[] = {
	{ .region = 0, .index = 0, .nr = 3, .heat = 65535, .tier = 4 },
	{ .region = 0, .index = 3, .nr = 1, .heat = 0, .tier = 0 },
	{ .region = 0, .index = 9, .nr = 1, .heat = 300, .tier = 1 },
	{ .region = 1, .index = TW_REGION_MAX_PAGES - 2, .nr = 2, .heat = 1,
	  .tier = 2 },
};

/* A file of two samples, the second without a page. */
static FILE *make_file(void)
{
	struct rec_writer w;
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(rec_begin(&w, f, &head), 0);
	assert_int_equal(rec_region(&w, &regions[0]), 0);
	assert_int_equal(rec_region(&w, &regions[1]), 0);
	assert_int_equal(rec_sample(&w, 100, first, ARRAY_SIZE(first)), 0);
	assert_int_equal(rec_sample(&w, 1100, NULL, 0), 0);
	assert_int_equal(rec_end(&w, REC_END_STOPPED | REC_END_FAULTS_ONLY), 0);
	assert_int_equal(w.samples, 2);
	assert_int_equal(w.bytes, ftell(f));
	rec_writer_free(&w);
	rewind(f);
	return f;
}

static void test_round_trip(void **state)
{
	struct recording rec;
	FILE *f = make_file();
	size_t i;

	(void)state;
	assert_int_equal(rec_read(f, &rec), 0);
	fclose(f);
	assert_memory_equal(&rec.head, &head, sizeof(head));
	assert_int_equal(rec.nr_regions, 2);
	for (i = 0; i < 2; i++)
		assert_memory_equal(&rec.regions[i], &regions[i],
				    sizeof(regions[i]));
	assert_int_equal(rec.nr_samples, 2);
	assert_int_equal(rec.samples[0].time_ns, 100);
	assert_int_equal(rec.samples[0].nr, ARRAY_SIZE(first));
	assert_int_equal(rec.samples[1].time_ns, 1100);
	assert_int_equal(rec.samples[1].nr, 0);
	for (i = 0; i < ARRAY_SIZE(first); i++) {
		assert_int_equal(rec.runs[i].region, first[i].region);
		assert_int_equal(rec.runs[i].index, first[i].index);
		assert_int_equal(rec.runs[i].nr, first[i].nr);
		assert_int_equal(rec.runs[i].heat, first[i].heat);
		assert_int_equal(rec.runs[i].tier, first[i].tier);
	}
	assert_true(rec.complete);
	assert_true(rec.stopped);
	assert_true(rec.faults_only);
	rec_free(&rec);
}

static size_t contents(FILE *f, unsigned char *buf, size_t size)
{
	size_t n = fread(buf, 1, size, f);

	fclose(f);
	return n;
}

static int read_bytes(const unsigned char *buf, size_t len,
		      struct recording *rec)
{
	FILE *f = tmpfile();
	int err;

	assert_int_equal(fwrite(buf, 1, len, f), len);
	rewind(f);
	err = rec_read(f, rec);
	fclose(f);
	return err;
}

/* Cut off anywhere: whole samples before that, never complete. */
static void test_cut_off(void **state)
{
	unsigned char buf[1024];
	size_t len = contents(make_file(), buf, sizeof(buf)), n;
	struct recording rec;

	(void)state;
	assert_in_range(len, 100, sizeof(buf) - 1);
	for (n = 0; n < len; n++) {
		int err = read_bytes(buf, n, &rec);

		if (n < REC_HEADER_SIZE) {
			assert_int_equal(err, n < 8 ? -ENOMSG : -EBADMSG);
			continue;
		}
		assert_int_equal(err, 0);
		assert_false(rec.complete);
		assert_in_range(rec.nr_samples, 0, 2);
		rec_free(&rec);
	}
}

/* Any byte that is wrong is noticed, wherever it says anything. */
static void test_damaged(void **state)
{
	unsigned char buf[1024];
	size_t len = contents(make_file(), buf, sizeof(buf)), n;
	struct recording rec;
	int err;

	(void)state;
	for (n = REC_HEADER_SIZE; n < len; n++) {
		buf[n] ^= 0x55;
		err = read_bytes(buf, len, &rec);
		/* A length that is too long looks like a file cut off. */
		if (!err) {
			assert_false(rec.complete);
			rec_free(&rec);
		} else {
			assert_true(err == -EBADMSG || err == -ENOMEM);
		}
		buf[n] ^= 0x55;
	}
	buf[8]++;
	assert_int_equal(read_bytes(buf, len, &rec), -EPROTO);
}

/* Chunks whose checksum is right, but not what they say: never believed. */
static void test_lies(void **state)
{
	unsigned char buf[1024], *chunk, old;
	size_t len = contents(make_file(), buf, sizeof(buf)), at, size, i;
	unsigned int value;
	__u32 crc, word;
	struct recording rec;

	(void)state;
	for (at = REC_HEADER_SIZE; at < len; at += 12 + size) {
		chunk = buf + at;
		memcpy(&word, chunk + 4, 4);
		size = word;
		for (i = 0; i < size; i++) {
			for (value = 0; value < 256; value++) {
				old = chunk[12 + i];
				chunk[12 + i] = value;
				crc = crc32(0, chunk + 12, size);
				memcpy(chunk + 8, &crc, 4);
				if (!read_bytes(buf, len, &rec))
					rec_free(&rec);
				chunk[12 + i] = old;
			}
		}
		crc = crc32(0, chunk + 12, size);
		memcpy(chunk + 8, &crc, 4);
	}
	assert_int_equal(read_bytes(buf, len, &rec), 0);
	rec_free(&rec);
}

/* What a writer was told wrongly is refused when it is read. */
static int read_back(const struct rec_run *run, __u64 time)
{
	struct rec_writer w;
	struct recording rec;
	FILE *f = tmpfile();
	int err;

	assert_int_equal(rec_begin(&w, f, &head), 0);
	assert_int_equal(rec_region(&w, &regions[0]), 0);
	assert_int_equal(rec_sample(&w, 100, NULL, 0), 0);
	assert_int_equal(rec_sample(&w, time, run, 1), 0);
	assert_int_equal(rec_end(&w, 0), 0);
	rec_writer_free(&w);
	rewind(f);
	err = rec_read(f, &rec);
	fclose(f);
	if (!err)
		rec_free(&rec);
	return err;
}

static void test_nonsense(void **state)
{
	struct rec_run run = { .nr = 1, .tier = 4 };

	(void)state;
	assert_int_equal(read_back(&run, 100), 0);
	assert_int_equal(read_back(&run, 99), -EBADMSG);
	run.tier = TW_NR_TIERS;
	assert_int_equal(read_back(&run, 100), -EBADMSG);
	run.tier = 0;
	run.nr = 0;
	assert_int_equal(read_back(&run, 100), -EBADMSG);
	run.nr = 2;
	run.index = TW_REGION_MAX_PAGES - 1;
	assert_int_equal(read_back(&run, 100), -EBADMSG);
	run.nr = 1;
	assert_int_equal(read_back(&run, 100), 0);
	run.region = 1;
	assert_int_equal(read_back(&run, 100), -EBADMSG);
}

static void test_full_disk(void **state)
{
	struct rec_writer w;
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(rec_begin(&w, f, &head), -ENOSPC);
	assert_int_equal(w.bytes, 0);
	assert_int_equal(rec_region(&w, &regions[0]), -ENOSPC);
	assert_int_equal(rec_sample(&w, 1, first, 1), -ENOSPC);
	assert_int_equal(w.samples, 0);
	rec_writer_free(&w);
	fclose(f);
}

/* -- sampling ---------------------------------------------------------------------- */

static void test_runs(void **state)
{
	const struct sample_page pages[] = {
		{ 1, 3, 3, 1 }, { 1, 4, 3, 1 }, { 1, 9, 6, 1 }, { 2, 7, 4, 2 },
	};
	/* The last page of a chunk and the first of the next one. */
	const struct sample_page ends[] = {
		{ 1, TW_CHUNK - 1, 3, 1 }, { 1, TW_CHUNK, 3, 1 }, { 1, TW_CHUNK + 1, 3, 1 },
	};
	struct rec_run runs[ARRAY_SIZE(pages)];

	(void)state;
	assert_int_equal(sample_runs(ends, ARRAY_SIZE(ends), false, runs), 1);
	assert_int_equal(sample_runs(ends, ARRAY_SIZE(ends), true, runs), 2);
	assert_int_equal(runs[1].index, TW_CHUNK);
	assert_int_equal(runs[1].nr, 2);
	assert_int_equal(sample_runs(pages, ARRAY_SIZE(pages), false, runs), 3);
	assert_int_equal(runs[0].nr, 2);
	assert_int_equal(runs[0].index, 3);
	assert_int_equal(runs[2].region, 2);
	assert_int_equal(sample_runs(pages, 0, false, runs), 0);
}

/* -- one chunk in so many ------------------------------------------------------------ */

/**
 * struct sparse_case - a recording of one region
 * @pages: that it is known to have
 * @pid: of its process, without an address: an address space
 * @every: one chunk of so many is there
 * @chunk: pages
 */
struct sparse_case {
	__u64 pages;
	__u32 pid;
	__u32 every;
	__u32 chunk;
};

/* Reads what @runs become, in two samples that are alike; 0 or -errno. */
static int read_sparse_runs(struct recording *rec, const struct sparse_case *c,
			    const struct rec_run *runs, size_t nr)
{
	const struct rec_sparse sparse = { c->every, c->chunk };
	const struct rec_region region = { .id = 5, .pages = c->pages, .pid = c->pid };
	struct rec_writer w;
	FILE *f = tmpfile();
	int err;

	assert_non_null(f);
	assert_int_equal(rec_begin(&w, f, &head), 0);
	assert_int_equal(rec_region(&w, &region), 0);
	assert_int_equal(rec_sparse(&w, &sparse), 0);
	assert_int_equal(rec_sample(&w, 100, runs, nr), 0);
	assert_int_equal(rec_sample(&w, 200, runs, nr), 0);
	assert_int_equal(rec_end(&w, 0), 0);
	rec_writer_free(&w);
	rewind(f);
	err = rec_read(f, rec);
	fclose(f);
	return err;
}

/* In both samples. */
static void assert_run(const struct recording *rec, size_t i, __u64 index, __u64 nr)
{
	const struct rec_run *again = &rec->runs[rec->samples[1].first + i];

	assert_int_equal(rec->runs[i].index, index);
	assert_int_equal(rec->runs[i].nr, nr);
	assert_int_equal(again->index, index);
	assert_int_equal(again->nr, nr);
}

static const struct rec_run sparse_runs[] = {
	/* The second chunk of the first group of four, and the first of the second. */
	{ .index = 8, .nr = 2, .heat = 5, .tier = 1 },
	{ .index = 10, .nr = 6, .heat = 6, .tier = 1 },
	{ .index = 32, .nr = 4, .heat = 7, .tier = 1 },
	{ .index = 36, .nr = 4, .heat = 8, .tier = 2 },
};

/* What was seen stands for its group; behind the region's end there is nothing. */
static void test_sparse(void **state)
{
	const struct sparse_case known = { .pages = 48, .every = 4, .chunk = 8 };
	const struct sparse_case all = { .pages = 48, .every = 1, .chunk = 8 };
	struct recording rec;

	(void)state;
	assert_int_equal(read_sparse_runs(&rec, &known, sparse_runs, 4), 0);
	assert_int_equal(rec.every_max, 4);
	assert_run(&rec, 0, 0, 8);
	assert_run(&rec, 1, 8, 24);
	/* Half of the last group is there. */
	assert_run(&rec, 2, 32, 8);
	assert_run(&rec, 3, 40, 8);
	assert_int_equal(rec.regions[0].pages, 48);
	rec_free(&rec);
	/* The control: all pages. */
	assert_int_equal(read_sparse_runs(&rec, &all, sparse_runs, 4), 0);
	assert_run(&rec, 1, 10, 6);
	assert_int_equal(rec.every_max, 1);
	rec_free(&rec);
}

/* A size that is not known, is too small, or is not one of addresses. */
static void test_sparse_unknown(void **state)
{
	static const struct sparse_case unknown[] = {
		{ .pages = 0, .every = 4, .chunk = 8 },
		{ .pages = 16, .every = 4, .chunk = 8 },
		{ .pages = 48, .pid = 7, .every = 4, .chunk = 8 },
	};
	struct recording rec;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		assert_int_equal(read_sparse_runs(&rec, &unknown[i], sparse_runs, 4), 0);
		if (i != 1) {
			assert_run(&rec, 0, 0, 8);
			assert_run(&rec, 1, 8, 24);
		}
		assert_run(&rec, 2, 32, 16);
		assert_run(&rec, 3, 48, 16);
		assert_int_equal(rec.regions[0].pages, 64);
		rec_free(&rec);
	}
}

static void test_sparse_damaged(void **state)
{
	/* Across the end of a chunk: the next one was left out. */
	static const struct rec_run across[] = { { .index = 4, .nr = 5, .tier = 1 } };
	static const struct rec_run last[] = {
		{ .index = TW_REGION_MAX_PAGES - 2, .nr = 1, .tier = 1 },
		{ .index = TW_REGION_MAX_PAGES - 1, .nr = 1, .tier = 2 },
	};
	static const struct sparse_case bad[] = {
		{ .every = 0, .chunk = 8 }, { .every = 4, .chunk = 0 },
		{ .every = (1U << 30) + 1, .chunk = 8 },
		{ .every = 4, .chunk = (1U << 20) + 1 }, { .every = ~0U, .chunk = ~0U },
	};
	const struct sparse_case good = { .every = 4, .chunk = 8 };
	const struct sparse_case most = { .every = 1U << 30, .chunk = 1U << 20 };
	struct recording rec;
	size_t i;

	(void)state;
	assert_int_equal(read_sparse_runs(&rec, &good, across, 1), -EBADMSG);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(read_sparse_runs(&rec, &bad[i], sparse_runs, 1),
				 -EBADMSG);
	/* As much as can be: no page is behind the largest region's end. */
	assert_int_equal(read_sparse_runs(&rec, &most, last, 2), 0);
	assert_int_equal(rec.runs[1].index + rec.runs[1].nr, TW_REGION_MAX_PAGES);
	assert_int_equal(rec.runs[0].index + rec.runs[0].nr, rec.runs[1].index);
	rec_free(&rec);
}

static void test_maps(void **state)
{
	/* Whatever it is called: a name is anybody's choice. */
	static const char ours[] =
		"7f0000004000-7f0000008000 rw-s 00002000 00:1f 573    /any name\n";
	static const char * const others[] = {
		"7f0000004000-7f0000008000 rw-s 00002000 00:1e 573    /[tierwatch] (deleted)\n",
		"7f0000004000-7f0000008000 rw-s 00002000 01:1f 573    /[tierwatch] (deleted)\n",
		"7f0000004000-7f0000008000 rw-p 00000000 00:00 0\n", "", "x\n",
	};
	struct map_list l = { .dev = 0x1f };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(maps_line(&l, 1, "x", others[i], 4096), 0);
	assert_int_equal(l.nr, 0);
	assert_null(maps_find(&l, 573));
	/* Without any region there is no device, and private memory has 0. */
	l.dev = 0;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(maps_line(&l, 1, "x", others[i], 4096), 0);
	assert_int_equal(l.nr, 0);
	l.dev = 0x1f;
	assert_int_equal(maps_line(&l, 42, "a name that is too long", ours,
				   4096), 0);
	assert_int_equal(l.nr, 1);
	assert_ptr_equal(maps_find(&l, 573), l.map);
	assert_int_equal(l.map->addr, 0x7f0000002000);
	assert_int_equal(l.map->pages, 6);
	assert_int_equal(l.map->pid, 42);
	assert_string_equal(l.map->name, "a name that is ");
	assert_int_equal(maps_of(&l, 0, 4096), -ENOENT);
	assert_int_equal(maps_of(&l, getpid(), 4096), 0);
	assert_int_equal(l.nr, 1);
	maps_free(&l);
}

/* -- the map ----------------------------------------------------------------------- */

#define NR_REGIONS	4

static struct rec_region map_regions[NR_REGIONS];
static struct rec_run map_runs[] = {
	{ .region = 0, .index = 10, .nr = 10, .heat = 8, .tier = 1 },
	{ .region = 0, .index = 20, .nr = 10, .heat = 200, .tier = 2 },
	{ .region = 2, .index = 0, .nr = 1, .heat = 0, .tier = 0 },
	/* the second sample */
	{ .region = 0, .index = 10, .nr = 20, .heat = 100, .tier = 3 },
	{ .region = 3, .index = 5, .nr = 60, .heat = 1, .tier = 1 },
};

static struct rec_sample map_samples[] = {
	{ .time_ns = 1000, .first = 0, .nr = 3 },
	{ .time_ns = 2000, .first = 3, .nr = 2 },
};

static struct recording map_recording(void)
{
	struct recording rec = {
		.head = head,
		.regions = map_regions,
		.nr_regions = NR_REGIONS,
		.samples = map_samples,
		.nr_samples = ARRAY_SIZE(map_samples),
		.runs = map_runs,
		.nr_runs = ARRAY_SIZE(map_runs),
	};
	size_t i;

	for (i = 0; i < NR_REGIONS; i++)
		map_regions[i].id = 100 + i;
	return rec;
}

static const struct hm_cell *cell(const struct hm_grid *g, unsigned int row,
				  unsigned int col)
{
	return &g->cell[row * g->cols + col];
}

static void test_grid(void **state)
{
	struct recording rec = map_recording();
	struct hm_grid g;
	unsigned int i;

	(void)state;
	assert_int_equal(hm_make(&g, &rec, 4, 20, 0, 100), 0);
	assert_int_equal(g.nr_bands, 1);
	assert_int_equal(g.bands[0].first, 10);
	assert_int_equal(g.bands[0].pages, 20);
	assert_int_equal(g.bands[0].rows, 20);
	assert_int_equal(g.heat_max, 200);
	assert_int_equal(g.span_ns, 2000);
	for (i = 0; i < 20; i++) {
		assert_int_equal(cell(&g, i, 0)->tier, i < 10 ? 1 : 2);
		assert_int_equal(cell(&g, i, 1)->heat, i < 10 ? 8 : 200);
		assert_int_equal(cell(&g, i, 2)->tier, 3);
		assert_int_equal(cell(&g, i, 3)->heat, 100);
		assert_true(cell(&g, i, 3)->pages == 1);
	}
	hm_free(&g);
	/* One cell of everything. */
	assert_int_equal(hm_make(&g, &rec, 1, 1, 0, 100), 0);
	assert_int_equal(cell(&g, 0, 0)->heat, (80 + 2000 + 2000) / 40);
	assert_int_equal(cell(&g, 0, 0)->tier, 3);
	assert_true(cell(&g, 0, 0)->pages == 20);
	hm_free(&g);
}

static void test_bands(void **state)
{
	struct recording rec = map_recording();
	struct hm_grid g;
	unsigned int rows, gap, used;
	size_t i;

	(void)state;
	/* 20, 1 and 60 pages: all rows used, none of them empty-handed. */
	for (gap = 0; gap < 3; gap++) {
		for (rows = 1; rows < 90; rows++) {
			assert_int_equal(hm_make(&g, &rec, 2, rows, gap, 0), 0);
			used = (g.nr_bands - 1) * gap;
			for (i = 0; i < g.nr_bands; i++) {
				assert_true(g.bands[i].rows >= 1);
				used += g.bands[i].rows;
				assert_true(!i || g.bands[i].region >
					    g.bands[i - 1].region);
			}
			assert_int_equal(used, rows);
			assert_int_equal(g.nr_bands + g.hidden, 3);
			/* What there is no room for is the smallest. */
			if (g.hidden == 2)
				assert_int_equal(g.bands[0].pages, 60);
			hm_free(&g);
		}
	}
	/* A page that isn't there in a sample is no cell of it. */
	assert_int_equal(hm_make(&g, &rec, 2, 3, 0, 0), 0);
	assert_true(cell(&g, 1, 0)->pages > 0);
	assert_true(cell(&g, 1, 1)->pages == 0);
	assert_true(cell(&g, 2, 0)->pages == 0);
	hm_free(&g);
	assert_int_equal(hm_make(&g, &rec, 2, 3, 0, 101), -ENODATA);
	rec.nr_samples = 0;
	assert_int_equal(hm_make(&g, &rec, 2, 3, 0, 0), -ENODATA);
}

/* An address space is as many bands as it has parts. */
static void test_gaps(void **state)
{
	static struct rec_run runs[] = {
		{ .region = 0, .index = 500000, .nr = 30, .heat = 7, .tier = 1 },
		{ .region = 0, .index = 500100, .nr = 10, .heat = 9, .tier = 2 },
		{ .region = 0, .index = 900000000, .nr = 20, .heat = 3, .tier = 1 },
		{ .region = 1, .index = 900000000, .nr = 40, .heat = 5, .tier = 4 },
		/* the second sample */
		{ .region = 0, .index = 499990, .nr = 10, .heat = 1, .tier = 1 },
	};
	static const struct hm_band bands[] = {
		{ .region = 0, .first = 499990, .pages = 120 },
		{ .region = 0, .first = 900000000, .pages = 20 },
		{ .region = 1, .first = 900000000, .pages = 40 },
	};
	static struct rec_sample samples[] = {
		{ .time_ns = 1000, .first = 0, .nr = 4 },
		{ .time_ns = 2000, .first = 4, .nr = 1 },
	};
	struct recording rec = map_recording();
	struct hm_grid g;
	size_t i;

	(void)state;
	rec.runs = runs;
	rec.nr_runs = ARRAY_SIZE(runs);
	rec.samples = samples;
	assert_int_equal(hm_make(&g, &rec, 2, 180, 0, 0), 0);
	assert_int_equal(g.nr_bands, ARRAY_SIZE(bands));
	for (i = 0; i < g.nr_bands; i++) {
		assert_int_equal(g.bands[i].region, bands[i].region);
		assert_int_equal(g.bands[i].first, bands[i].first);
		assert_int_equal(g.bands[i].pages, bands[i].pages);
		assert_int_equal(g.bands[i].rows, bands[i].pages);
	}
	assert_int_equal(cell(&g, 10, 0)->heat, 7);
	assert_int_equal(cell(&g, 119, 0)->tier, 2);
	assert_int_equal(cell(&g, 120, 0)->heat, 3);
	assert_int_equal(cell(&g, 140, 0)->tier, 4);
	assert_int_equal(cell(&g, 0, 1)->heat, 1);
	assert_true(cell(&g, 10, 1)->pages == 0);
	hm_free(&g);
}

/* Round times that fit; addresses, or how far into the region. */
static void test_axes(void **state)
{
	static const struct {
		__u64 span;
		unsigned int marks;
		__u64 step;
	} cases[] = {
		{ 1, 1, 1 }, { 9, 3, 5 }, { 30000000, 2, 20000000 },
		{ 30000000, 4, 10000000 }, { 10000000000, 5, 2000000000 },
		{ 3600000000000ULL, 6, 1000000000000ULL },
		{ 18446744073709551615ULL, 7, 5000000000000000000ULL },
	};
	struct recording rec = map_recording();
	struct hm_band b = { .region = 0, .first = 16, .pages = 64, .rows = 8 };
	char buf[TEXT_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(hm_step(cases[i].span, cases[i].marks),
				 cases[i].step);
	assert_string_equal(hm_time(buf, 0), "0");
	assert_string_equal(hm_time(buf, 20000000), "20 ms");
	assert_string_equal(hm_time(buf, 1500000000), "1.5 s");
	assert_string_equal(hm_place(buf, &b, &rec, 0), "+64.0 KiB");
	map_regions[0].addr = 0x7f0000000000;
	assert_string_equal(hm_place(buf, &b, &rec, 1), "0x7f0000018000");
	map_regions[0].addr = 0;
}

static void test_looks(void **state)
{
	struct hm_grid g = { .heat_max = 10 };
	struct rec_region other;
	char label[64];
	struct hm_rgb a, b;
	int t;

	(void)state;
	assert_true(hm_level(&g, 0) == 0);
	assert_true(hm_level(&g, 128) == 1);
	assert_true(hm_level(&g, 1000) == 1);
	assert_true(hm_level(&g, 32) == 0.5);
	g.heat_max = 512;
	assert_true(hm_level(&g, 128) == 0.5);
	for (t = 0; t < TW_NR_TIERS; t++) {
		a = hm_colour(t, 0);
		b = hm_colour(t, 1);
		assert_true(a.r < b.r && a.g < b.g && a.b < b.b);
	}
	hm_label(label, sizeof(label), &regions[0]);
	assert_string_equal(label, "region 5, one 42, agent 18446744073709551615 two");
	hm_label(label, sizeof(label), &regions[1]);
	assert_string_equal(label, "region 6, agent 0");
	other = regions[0];
	strcpy(other.agent_name, "one");
	hm_label(label, sizeof(label), &other);
	assert_string_equal(label, "region 5, one 42, agent 18446744073709551615");
	strcpy(other.agent_name, "/a.slice");
	hm_label(label, sizeof(label), &other);
	assert_string_equal(label, "region 5, one 42, agent /a.slice");
	hm_label(label, 10, &regions[0]);
	assert_string_equal(label, "region 5,");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_sparse_unknown),
		cmocka_unit_test(test_sparse_damaged),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_grid),
		cmocka_unit_test(test_bands),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_axes),
		cmocka_unit_test(test_looks),
	};

	return cmocka_run_group_tests_name("recordings", tests, NULL, NULL);
}
