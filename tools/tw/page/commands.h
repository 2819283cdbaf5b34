/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_PAGE_COMMANDS_H
#define _TW_PAGE_COMMANDS_H

int cmd_migrate(int argc, char **argv);
int cmd_page(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char migrate_more[];
extern const char page_more[];

#endif /* _TW_PAGE_COMMANDS_H */
