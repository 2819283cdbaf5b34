/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of this room, which main.c has in its table. */
#ifndef _TW_TIER_COMMANDS_H
#define _TW_TIER_COMMANDS_H

int cmd_tier_list(int argc, char **argv);
int cmd_tier_format(int argc, char **argv);
int cmd_tier_bind(int argc, char **argv);
int cmd_tier_resize(int argc, char **argv);
int cmd_tier_unbind(int argc, char **argv);
int cmd_tier_detect(int argc, char **argv);

/* struct cli_cmd.more of each */
extern const char tier_list_more[];
extern const char tier_format_more[];
extern const char tier_bind_more[];
extern const char tier_resize_more[];
extern const char tier_unbind_more[];
extern const char tier_detect_more[];

#endif /* _TW_TIER_COMMANDS_H */
