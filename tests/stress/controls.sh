#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Negative controls: drivers that break a rule on purpose must not survive the
# hammer. A control passes when the hammer ends with exit code 1 and reports a
# mismatch within 60 seconds; a control that the hammer likes, or that ends in
# any other way (a crash, a timeout), fails.
#
#	tests/stress/controls.sh [--kernel K] [--seconds N] [--seed N] [KO...]
#
# KO: modules built with one of -DTW_CONTROL_...; default: all of
# build/RELEASE/tier_watch_ctl_*.ko of the kernel. Each runs in a guest of its
# own, in place of the normal driver.

top=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
kernel=stock
seconds=60
seed=1

usage() {
	sed -n 's/^#	//p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--kernel | --seconds | --seed)
		[ $# -ge 2 ] || usage
		case $1 in
		--kernel) kernel=$2 ;;
		--seconds) seconds=$2 ;;
		--seed) seed=$2 ;;
		esac
		shift 2 ;;
	-*) usage ;;
	*) break ;;
	esac
done

need() {
	[ -e "$1" ] && return
	echo "controls: $1 is missing: $2" >&2
	exit 2
}

# The release that the modules were built for.
default_modules() {
	kdir=$("$top/tools/vm" --kernel "$kernel" --print-kdir) || exit 2
	release=$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
		"$kdir/include/generated/utsrelease.h")
	[ -n "$release" ] || exit 2
	for ko in "$top/build/$release"/tier_watch_ctl_*.ko; do
		need "$ko" "run 'make controls' first"
		echo "$ko"
	done
}

log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

# Lines that the hammer prints: the first error tells what was wrong.
control() {
	name=$(basename "$1" .ko)
	"$top/tools/vm" --kernel "$kernel" --topology unthrottled --module "$1" \
		--no-kmemleak-scan --stall 300 -- \
		"$top/build/stress/hammer" --seconds "$seconds" --seed "$seed" \
		--threads 3 --rebind >"$log" 2>&1
	code=$?
	if [ "$code" -eq 1 ] && grep -q mismatch "$log"; then
		echo "ok $name: the hammer failed as it must"
		grep -m1 mismatch "$log" | sed 's/^/    /'
		grep -m1 FAILED "$log" | sed 's/^/    /'
		return 0
	fi
	echo "not ok $name: the hammer ended with $code, not with a mismatch"
	tail -n 20 "$log" | sed 's/^/    /'
	return 1
}

need "$top/build/stress/hammer" "run 'make' first"
if [ $# -eq 0 ]; then
	# The modules are words.
	# shellcheck disable=SC2046
	set -- $(default_modules)
fi
[ $# -gt 0 ] || exit 2
failed=0
for ko in "$@"; do
	need "$ko" "build it first"
	control "$ko" || failed=1
done
exit $failed
