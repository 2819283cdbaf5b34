// SPDX-License-Identifier: GPL-2.0
/*
 * knobs.c - how automatic migration is to work
 *
 * Owns the knobs, whether pages are scanned and moved, and whether the scanner keeps
 * heat and age just now. Its own room and the doors read them.
 *
 * Locks: policy.c sets the knobs as a whole under its mutex; readers take no lock and
 * read them one by one.
 */
#define pr_fmt(fmt) "tier_watch: " fmt

#include "policy/knobs.h"

struct tw_policy tw_knobs = {
	.mode = TW_POLICY_AUTO,
	.scan_permille = 10,
	.scan_min_ms = 50,
	.scan_max_ms = 2000,
	.free_permille = 20,
	.min_stay = 2,
	.max_rate = 65536,
};

unsigned int tw_policy_enabled = TW_POLICY_OFF;
bool tw_scanning;
