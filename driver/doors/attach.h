/* SPDX-License-Identifier: GPL-2.0 */
/*
 * attach.h - attached programs: TW_IOC_ATTACH and its neighbours
 *
 * The device's table of ioctls calls these, in the context of a caller.
 */
#ifndef _TW_ATTACH_H
#define _TW_ATTACH_H

struct tw_attach;
struct tw_attached;
struct tw_detach;

int tw_attach_ioctl(struct tw_attach *arg);
int tw_detach_ioctl(struct tw_detach *arg);
int tw_attached_ioctl(struct tw_attached *arg);
/* At unload, when no caller is left: ends them all. */
void tw_attach_exit(void);

#endif
