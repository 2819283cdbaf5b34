/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_BENCH_COMMANDS_H
#define _TW_BENCH_COMMANDS_H

int cmd_bench(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char bench_more[];

#endif /* _TW_BENCH_COMMANDS_H */
