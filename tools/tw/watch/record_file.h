/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recordings: time x page x heat x tier, in a file. The format is described in
 * tierwatch_record(5).
 */
#ifndef _TW_RECORD_FILE_H
#define _TW_RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define REC_MAGIC		"TWRECORD"
#define REC_VERSION		1
#define REC_HEADER_SIZE		64
#define REC_NAME_LEN		32
#define REC_AGENT_LEN		128
#define REC_MAX_REGIONS		(1U << 20)

enum rec_chunk {
	REC_REGION	= 1,
	REC_SAMPLE	= 2,
	REC_END		= 3,
	REC_SPARSE	= 4,
};

/* rec_end.flags: it was to go on, but was told to stop. */
#define REC_END_STOPPED		(1U << 0)
/* Nothing scanned at any look: pages are as hot as faults made them. */
#define REC_END_FAULTS_ONLY	(1U << 1)

/**
 * struct rec_region - a region that was recorded
 * @id: its number
 * @agent: label of its agent
 * @pages: how large it is known to be at least, by its pages, too
 * @told: read from a file: how large it was known to be when it was met; 0: not known
 * @addr: where it was mapped, or 0; 0 with a @pid: an attached program's address space
 * @pid: of a process that had it mapped, or 0
 * @name: what that process was called
 * @agent_name: what its agent was called: a cgroup's path, a program; or empty
 */
struct rec_region {
	__u64 id;
	__u64 agent;
	__u64 pages;
	__u64 told;
	__u64 addr;
	__u32 pid;
	char name[REC_NAME_LEN];
	char agent_name[REC_AGENT_LEN];
};

/**
 * struct rec_run - neighbouring pages of one tier and heat
 * @region: which one of the recording's
 * @index: first page
 * @nr: how many
 * @heat: of each
 * @tier: enum tw_tier
 */
struct rec_run {
	__u64 region;
	__u64 index;
	__u64 nr;
	__u16 heat;
	__u8 tier;
};

/**
 * struct rec_sparse - which pages samples have
 * @every: of each how many-th chunk, at least 1
 * @chunk: pages of a chunk
 */
struct rec_sparse {
	__u32 every;
	__u32 chunk;
};

/**
 * struct rec_sample - pages at a time
 * @time_ns: since the recording began
 * @first: its first run in recording.runs
 * @nr: how many
 */
struct rec_sample {
	__u64 time_ns;
	size_t first;
	size_t nr;
};

/**
 * struct rec_head - what holds for all of a recording
 * @page_size: bytes
 * @interval_ns: from sample to sample, as asked for
 * @start_ns: CLOCK_MONOTONIC
 * @start_real_ns: CLOCK_REALTIME
 */
struct rec_head {
	__u32 page_size;
	__u64 interval_ns;
	__u64 start_ns;
	__u64 start_real_ns;
};

/**
 * struct recording - a file's contents
 * @head: see there
 * @regions: @nr_regions of them
 * @samples: @nr_samples of them, in the order of time
 * @runs: @nr_runs of them; those of a chunk stand for those of its group that were
 *	left out
 * @sparse: what the samples read last have; @every is 0 if all pages
 * @every_max: the largest @every of a sample, at least 1
 * @complete: false when the file was cut off behind the last sample
 * @stopped: it was told to stop
 * @faults_only: nothing scanned meanwhile; false also when nobody knows
 */
struct recording {
	struct rec_head head;
	struct rec_region *regions;
	size_t nr_regions;
	struct rec_sample *samples;
	size_t nr_samples;
	struct rec_run *runs;
	size_t nr_runs;
	struct rec_sparse sparse;
	__u32 every_max;
	bool complete;
	bool stopped;
	bool faults_only;
};

/**
 * struct rec_writer - a file that is being written
 * @file: where to
 * @buf: the chunk that is being made
 * @len: bytes of it
 * @room: bytes that @buf has
 * @samples: written
 * @bytes: written, in whole chunks
 * @err: the first error, -errno; nothing more is written then
 */
struct rec_writer {
	FILE *file;
	unsigned char *buf;
	size_t len;
	size_t room;
	__u64 samples;
	__u64 bytes;
	int err;
};

/* These return 0 or -errno. */
int rec_begin(struct rec_writer *w, FILE *file, const struct rec_head *head);
int rec_region(struct rec_writer *w, const struct rec_region *region);
/* Samples from here on have pages of one chunk in so many. */
int rec_sparse(struct rec_writer *w, const struct rec_sparse *sparse);
/* Runs sorted by region and index, which don't overlap. */
int rec_sample(struct rec_writer *w, __u64 time_ns, const struct rec_run *runs,
	       size_t nr);
int rec_end(struct rec_writer *w, __u64 flags);
void rec_writer_free(struct rec_writer *w);

/*
 * Reads a recording, to be freed with rec_free(). Returns 0, -ENOMEM, -errno of
 * reading, -ENOMSG when the file is no recording, -EPROTO when it is of a
 * newer version, -EBADMSG when it is damaged.
 */
int rec_read(FILE *file, struct recording *rec);
void rec_free(struct recording *rec);

#endif /* _TW_RECORD_FILE_H */
