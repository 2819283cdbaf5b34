/* SPDX-License-Identifier: GPL-2.0 */
/*
 * control.h - deliberate breaches, compiled in for negative controls only
 *
 * The tests build the driver again with one of these set and require that the
 * hammer notices. No other build has them.
 */
#ifndef _TW_CONTROL_H
#define _TW_CONTROL_H

#ifdef TW_CONTROL_COPY_EARLY	/* copy before the page is unmapped */
#define tw_control_copy_early	true
#else
#define tw_control_copy_early	false
#endif

#ifdef TW_CONTROL_IGNORE_REFS	/* move pages that others hold */
#define tw_control_ignore_refs	true
#else
#define tw_control_ignore_refs	false
#endif

#endif
