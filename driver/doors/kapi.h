/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kapi.h - the API for other kernel modules
 */
#ifndef _TW_KAPI_H
#define _TW_KAPI_H

struct cred;

extern const struct cred *tw_kapi_cred;	/* the kernel's; from load to unload */

int tw_kapi_init(void);
void tw_kapi_exit(void);

#endif
