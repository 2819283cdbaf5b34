/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_SWAP_COMMANDS_H
#define _TW_SWAP_COMMANDS_H

int cmd_swap_on(int argc, char **argv);
int cmd_swap_off(int argc, char **argv);
int cmd_swap_status(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char swap_on_more[];
extern const char swap_off_more[];
extern const char swap_status_more[];

#endif /* _TW_SWAP_COMMANDS_H */
