/* SPDX-License-Identifier: GPL-2.0 */
/*
 * agent_migrate.h - TW_IOC_AGENT_MIGRATE, which moves the pages of an agent's regions
 */
#ifndef _TW_AGENT_MIGRATE_H
#define _TW_AGENT_MIGRATE_H

struct tw_agent_migrate;

int tw_agent_migrate_ioctl(struct tw_agent_migrate *arg);

#endif
