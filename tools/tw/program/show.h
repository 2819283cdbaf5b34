/* SPDX-License-Identifier: GPL-2.0 */
/* Attached programs as they are shown. */
#ifndef _TW_PROGRAM_SHOW_H
#define _TW_PROGRAM_SHOW_H

#include <stdbool.h>

#include "tw.h"

/*
 * All that may be seen, as a table or as one document. The exit code; it has said what
 * is wrong.
 */
int attachments_show(struct tw *tw, bool json);

/* An object of a list. */
void json_attachment(const struct tw_attached *a);

#endif /* _TW_PROGRAM_SHOW_H */
