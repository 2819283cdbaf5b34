#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Today's programs, library and tests on a driver whose structs have all grown
# (`make grown`): every caller of an older header goes on as before.
#
#	tests/grown.sh [FILE...]
#
# FILE: of the guest suite; default: those that are about structs.

top=$(cd "$(dirname "$0")/.." && pwd) || exit 2
kdir=$("$top/tools/vm" --kernel stock --print-kdir) || exit 2
release=$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	"$kdir/include/generated/utsrelease.h")
ko=$top/build/$release/tier_watch_grown.ko
if [ ! -e "$ko" ]; then
	echo "grown: $ko is missing: run 'make grown' first" >&2
	exit 2
fi
cd "$top" || exit 2
if [ $# -eq 0 ]; then
	for name in growth bad_input device stats library python tw_top policy; do
		set -- "$@" "tests/guest/test_$name.py"
	done
fi
exec tools/vm --kernel stock --module "$ko" --turns --stall 900 -- \
	/usr/bin/python3 -B -m pytest -p no:cacheprovider -q --tb=short "$@"
