/* SPDX-License-Identifier: GPL-2.0 */
/*
 * corpus.h - the text files that are indexed, read into ordinary memory
 */
#ifndef _CORPUS_H
#define _CORPUS_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct corpus - the input
 * @text: all files, one after the other
 * @bytes: of @text that are used
 * @room: of @text
 * @start: where each file starts; @start[@nr] is @bytes
 * @nr: files
 * @min_file: smaller files are left out
 */
struct corpus {
	char *text;
	uint64_t bytes;
	uint64_t room;
	uint64_t *start;
	uint32_t nr;
	uint64_t min_file;
};

int corpus_init(struct corpus *corpus, uint64_t bytes, uint64_t min_file);
void corpus_exit(struct corpus *corpus);

/*
 * Add the plain text files below @path, in order of their names, until the
 * corpus is full. 0 or -errno of @path itself; what cannot be read below it is
 * left out.
 */
int corpus_add_tree(struct corpus *corpus, const char *path);

/*
 * The same for what a Debian machine with this project's packages has: many
 * files cost more time than many bytes, so folders of large ones come first.
 */
void corpus_add_default(struct corpus *corpus);

static inline int corpus_full(const struct corpus *corpus)
{
	return corpus->bytes + corpus->min_file > corpus->room;
}

#endif
