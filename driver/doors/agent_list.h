/* SPDX-License-Identifier: GPL-2.0 */
/*
 * agent_list.h - TW_IOC_AGENT_LIST, which lists agents
 */
#ifndef _TW_AGENT_LIST_H
#define _TW_AGENT_LIST_H

struct tw_agent_list;

int tw_agent_list_ioctl(struct tw_agent_list *arg);

#endif
