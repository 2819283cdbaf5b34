/* SPDX-License-Identifier: GPL-2.0 */
/* The server of a card's memory as a unit of systemd, where that runs. */
#ifndef _TW_CARD_UNIT_H
#define _TW_CARD_UNIT_H

#include <stdbool.h>

/* Does systemd run this machine, and does it know the unit? */
bool card_unit_is_there(void);
/* Starts the one of @name with these options of the plugin; 0 or the exit code. */
int card_unit_start(const char *name, const char *env, const char *options, const char *log);
/* Has it ended, or failed to begin? */
bool card_unit_has_ended(const char *name);
void card_unit_stop(const char *name);

#endif /* _TW_CARD_UNIT_H */
