// SPDX-License-Identifier: GPL-2.0
/*
 * trace.c - the tracepoints of trace.h
 *
 * CREATE_TRACE_POINTS makes trace.h define them, which must happen in one file only.
 * No locks. Any room may call them, in any context.
 */
#define CREATE_TRACE_POINTS
#include "events/trace.h"
