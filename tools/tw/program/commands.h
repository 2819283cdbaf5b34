/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_PROGRAM_COMMANDS_H
#define _TW_PROGRAM_COMMANDS_H

int cmd_attach(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_run(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char attach_more[];
extern const char detach_more[];
extern const char run_more[];

#endif /* _TW_PROGRAM_COMMANDS_H */
