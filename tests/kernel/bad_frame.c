// SPDX-License-Identifier: GPL-2.0
/*
 * bad_frame - memory that fails at a chosen moment
 *
 * The frame of the parameter `pfn`, which a region's page has, is marked bad when
 * that page is about to be unmapped, once: a move has looked at it by then, and has
 * not copied it yet. Afterwards `pfn` is 0.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>

static unsigned long pfn;
module_param(pfn, ulong, 0444);
MODULE_PARM_DESC(pfn, "Frame that is to go bad");

/* unmap_mapping_pages(mapping, ...) begins. */
static int bad_frame_hit(struct kprobe *p, struct pt_regs *regs)
{
	unsigned long frame = READ_ONCE(pfn);
	struct page *page = frame ? pfn_to_online_page(frame) : NULL;

	if (page && (unsigned long)page->mapping ==
	    regs_get_kernel_argument(regs, 0)) {
		SetPageHWPoison(page);
		WRITE_ONCE(pfn, 0);
	}
	return 0;
}

static struct kprobe bad_frame_probe = {
	.symbol_name = "unmap_mapping_pages",
	.pre_handler = bad_frame_hit,
};

static int __init bad_frame_init(void)
{
	return register_kprobe(&bad_frame_probe);
}

static void __exit bad_frame_exit(void)
{
	unregister_kprobe(&bad_frame_probe);
}

module_init(bad_frame_init);
module_exit(bad_frame_exit);

MODULE_DESCRIPTION("A frame that goes bad during a move");
MODULE_LICENSE("GPL");
