/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kapi.h - the API for other kernel modules
 */
#ifndef _TW_KAPI_H
#define _TW_KAPI_H

#include <linux/types.h>

struct cred;
struct tw_agent;

extern const struct cred *tw_kapi_cred;	/* the kernel's; from load to unload */

/*
 * The kernel's agent of this label, made if need be: held, and a reference; or an
 * ERR_PTR(). With nothing locked, since notifiers hear of a new one.
 */
struct tw_agent *tw_kapi_agent(u64 id);

int tw_kapi_init(void);
void tw_kapi_exit(void);

#endif
