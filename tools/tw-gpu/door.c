// SPDX-License-Identifier: GPL-2.0
/*
 * door.c - gpu-door: how many requests a block device takes
 *
 * Random pieces of a size, by as many threads as requests are to be under way, past the
 * page cache. What is on the device is lost. A line for each case: what, bytes of a piece,
 * depth, requests a second.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX	32U
#define PAGE_BYTES	4096UL
#define NS_PER_SEC	1000000000ULL

/**
 * struct job - what a thread does
 * @thread: it
 * @fd: the device
 * @blocks: pieces that it has
 * @piece: bytes of each
 * @write: or read
 * @seed: of its places
 * @until_ns: when it ends
 * @done: out: how many requests
 * @failed: out: one of them failed
 */
struct job {
	pthread_t thread;
	int fd;
	uint64_t blocks;
	size_t piece;
	bool write;
	uint64_t seed;
	uint64_t until_ns;
	uint64_t done;
	bool failed;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static void *ask(void *arg)
{
	struct job *j = arg;
	void *mem = aligned_alloc(PAGE_BYTES, j->piece);

	j->failed = !mem;
	for (size_t i = 0; mem && i < j->piece; i++)
		((char *)mem)[i] = i * 37 + j->seed;
	while (!j->failed && now_ns() < j->until_ns) {
		off_t at;

		j->seed = j->seed * 6364136223846793005ULL + 1442695040888963407ULL;
		at = (j->seed >> 33) % j->blocks * j->piece;
		j->failed = (j->write ? pwrite(j->fd, mem, j->piece, at) :
			     pread(j->fd, mem, j->piece, at)) != (ssize_t)j->piece;
		j->done++;
	}
	free(mem);
	return NULL;
}

static int measure(int fd, uint64_t bytes, size_t piece, unsigned int depth, bool write,
		   uint64_t ns)
{
	struct job job[DEPTH_MAX];
	uint64_t begin = now_ns(), done = 0;
	unsigned int i, begun;
	bool failed = false;

	for (begun = 0; begun < depth; begun++) {
		job[begun] = (struct job){
			.fd = fd, .blocks = bytes / piece, .piece = piece, .write = write,
			.seed = begun + 1, .until_ns = begin + ns,
		};
		if (pthread_create(&job[begun].thread, NULL, ask, &job[begun]))
			break;
	}
	for (i = 0; i < begun; i++) {
		pthread_join(job[i].thread, NULL);
		done += job[i].done;
		failed |= job[i].failed;
	}
	if (failed || begun < depth)
		return -1;
	printf("%s %zu %u %.1f\n", write ? "write" : "read", piece, depth,
	       (double)done * NS_PER_SEC / (now_ns() - begin));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		size_t piece;
		unsigned int depth;
	} cases[] = { { 4096, 1 }, { 4096, DEPTH_MAX }, { 64 * 4096, 1 }, { 64 * 4096, 8 } };
	unsigned long ms = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	off_t bytes;
	size_t i;
	int fd;

	if (!ms || ms > 60000) {
		fprintf(stderr, "usage: gpu-door DEVICE MILLISECONDS\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
	bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (bytes < (off_t)cases[2].piece) {
		perror(argv[1]);
		return 1;
	}
	for (i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		if (measure(fd, bytes, cases[i / 2].piece, cases[i / 2].depth, i & 1,
			    ms * 1000000)) {
			fprintf(stderr, "gpu-door: a request to %s failed\n", argv[1]);
			return 1;
		}
	}
	return fflush(stdout) ? 1 : 0;
}
