/* SPDX-License-Identifier: GPL-2.0 */
/* Graphics cards, as OpenCL tells of them. */
#ifndef _TW_CARDS_H
#define _TW_CARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define CARD_NAME_LEN	128
#define CARD_LINK_LEN	64

/**
 * struct gpu_card - a device of OpenCL
 * @platform: its number
 * @device: its number there
 * @name: of it
 * @bytes: of its memory
 * @free_bytes: of them, if @free_known: some makers tell
 * @free_known: they are known
 * @is_cpu: its memory is the machine's
 * @bus: its PCI address; "": not known
 * @width: PCIe lanes; 0: not known
 * @speed: of each, like "16.0 GT/s PCIe"; "": not known
 */
struct gpu_card {
	unsigned int platform;
	unsigned int device;
	char name[CARD_NAME_LEN];
	__u64 bytes;
	__u64 free_bytes;
	bool free_known;
	bool is_cpu;
	char bus[CARD_LINK_LEN];
	unsigned int width;
	char speed[CARD_LINK_LEN];
};

/* All there are, to be freed; none where there is no OpenCL. 0 or -ENOMEM. */
int cards_find(struct gpu_card **cards, size_t *nr);

#endif /* _TW_CARDS_H */
