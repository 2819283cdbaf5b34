#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# End to end: a program's memory spreads over the bound tiers and comes back
# intact, and every place that tells about it tells the same. On a machine that
# has the driver loaded and its tiers bound (tools/vm gives one).
#
#	cd tests && sudo ./e2e_test.sh
set -eu
cd "$(dirname "$0")"
[ "$(id -u)" = 0 ] || { echo "e2e_test.sh: run it as root" >&2; exit 1; }
[ -c /dev/tierwatch ] || {
	echo "e2e_test.sh: /dev/tierwatch is missing: load tier_watch.ko first" >&2
	exit 1
}

count() { sed -n "s/^$1 //p" /proc/swarm/module_stats; }
step() { echo "== $*"; }

step "tiers"
cat /proc/swarm/tiers/*/stats >/dev/null
../build/tools/tw tier list

step "a job over all tiers"
before=$(count migrations)
../build/stress/hammer --seconds 5 --threads 2 --quiet

step "what is left of it"
after=$(count migrations)
[ "$after" -gt "$before" ] || { echo "nothing was moved" >&2; exit 1; }
for name in regions requests_queued pages_tracked pages_lost; do
	[ "$(count $name)" = 0 ] || { echo "$name is $(count $name)" >&2; exit 1; }
done
echo "e2e: passed, $((after - before)) pages moved"
