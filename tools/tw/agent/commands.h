/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_AGENT_COMMANDS_H
#define _TW_AGENT_COMMANDS_H

int cmd_agent_list(int argc, char **argv);
int cmd_agent_show(int argc, char **argv);
int cmd_agent_limit(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char agent_list_more[];
extern const char agent_show_more[];
extern const char agent_limit_more[];

#endif /* _TW_AGENT_COMMANDS_H */
