// SPDX-License-Identifier: GPL-2.0
/* trace.c - instantiates the tracepoints of trace.h */
#define CREATE_TRACE_POINTS
#include "events/trace.h"
