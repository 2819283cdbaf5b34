/* SPDX-License-Identifier: GPL-2.0 */
/* rights.h - which rights the daemon lacks, called by main.c */
#ifndef _TD_RIGHTS_H
#define _TD_RIGHTS_H

/* Says of each right that is missing what is left alone for that. */
void td_rights_say(void);

#endif
