#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Hammer and crowd under KCSAN, ten minutes in all. A report of a data race in the
# driver fails the run, as any splat does; first a module with a race shows that it
# would be seen. Prints 'ok NAME' and 'not ok NAME'.
cd "$(dirname "$0")/.." || exit 1
kdir=$(tools/vm --kernel races --print-kdir) || exit 1
release=$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$kdir/include/generated/utsrelease.h")
bad=0

watched() {
	name=$1
	shift
	if tools/vm --kernel races --topology unthrottled --stall 600 -- \
		tests/stress/watched.sh "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		bad=1
	fi
}

if tools/vm --kernel races --no-module --no-bind --allow-splat 'KCSAN: data-race' -- \
	tests/stress/watched.sh insmod "build/$release/data_race.ko" |
	grep 'watched: .*[^0-9][1-9][0-9]* data races'; then
	echo "ok a race is seen"
else
	echo "not ok a race is seen"
	exit 1
fi
watched "hammer" build/stress/hammer --seconds 200 --threads 3 --rebind
watched "hammer, auto" build/stress/hammer --seconds 200 --threads 3 --rebind --auto
watched "crowd" build/stress/crowd --seconds 200
exit $bad
