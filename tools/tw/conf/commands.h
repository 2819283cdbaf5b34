/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_CONF_COMMANDS_H
#define _TW_CONF_COMMANDS_H

int cmd_apply(int argc, char **argv);
int cmd_policy_show(int argc, char **argv);
int cmd_policy_set(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char apply_more[];
extern const char policy_show_more[];
extern const char policy_set_more[];

#endif /* _TW_CONF_COMMANDS_H */
