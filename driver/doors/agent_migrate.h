/* SPDX-License-Identifier: GPL-2.0 */
/*
 * agent_migrate.h - an agent's pages to a tier
 */
#ifndef _TW_AGENT_MIGRATE_H
#define _TW_AGENT_MIGRATE_H

struct tw_agent_migrate;

int tw_agent_migrate_ioctl(struct tw_agent_migrate *arg);

#endif
