/* SPDX-License-Identifier: GPL-2.0 */
/* What tw help says of a command. */
#ifndef _TW_HELP_H
#define _TW_HELP_H

#include <stdio.h>

#include "base/cli.h"

void help_cmd(FILE *f, const char *above, const struct cli_cmd *c);
void help_all(FILE *f, const struct cli_cmd *list);

#endif /* _TW_HELP_H */
