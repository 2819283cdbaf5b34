// SPDX-License-Identifier: GPL-2.0
/*
 * trace.c - the tracepoints of trace.h
 *
 * Owns them: they are made here, once. Called by macros that trace.h makes, in any
 * context. No locks.
 */
#define CREATE_TRACE_POINTS
#include "events/trace.h"
