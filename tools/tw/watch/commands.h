/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_WATCH_COMMANDS_H
#define _TW_WATCH_COMMANDS_H

int cmd_stats(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_pressure(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_heatmap(int argc, char **argv);
int cmd_top(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char status_more[];
extern const char pressure_more[];
extern const char metrics_more[];
extern const char trace_more[];
extern const char record_more[];
extern const char heatmap_more[];
extern const char top_more[];

#endif /* _TW_WATCH_COMMANDS_H */
