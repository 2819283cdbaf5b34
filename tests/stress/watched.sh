#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest of `tools/vm --kernel races`: run a program while KCSAN watches the
# driver, and fail if it has not, as a run that nobody watched says nothing.
#
#	tests/stress/watched.sh COMMAND [ARGS...]
kcsan=/sys/kernel/debug/kcsan
parameters=/sys/module/kcsan/parameters

count() { sed -n "s/^$1: //p" $kcsan; }

# Every hundredth access is held up, half a millisecond long: the machine is emulated.
echo 100 >$parameters/skip_watch || exit 2
echo 500 >$parameters/udelay_task || exit 2
echo on >$kcsan || exit 2
"$@" || exit
if [ "$(count enabled)" != 1 ] || [ "$(count setup_watchpoints)" -lt 100 ]; then
	echo "watched: KCSAN did not watch:" >&2
	cat $kcsan >&2
	exit 1
fi
echo "watched: $(count setup_watchpoints) accesses, $(count data_races) data races"
