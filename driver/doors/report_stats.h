/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report_stats.h - statistics by ioctl
 */
#ifndef _TW_REPORT_STATS_H
#define _TW_REPORT_STATS_H

struct tw_fault_stats;
struct tw_module_stats;

int tw_fault_stats_ioctl(struct tw_fault_stats *arg);
int tw_module_stats_ioctl(struct tw_module_stats *arg);

#endif
