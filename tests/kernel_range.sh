#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The range of kernels in driver/supported: Kbuild refuses what is outside, with
# a word about it, and leaves what is built alone; other texts agree with it.
# The stock kernel's headers stand for others by another number.
# Prints 'ok NAME' and 'not ok NAME'.
cd "$(dirname "$0")/.." || exit 1
. driver/supported
KDIR=$(tools/vm --kernel stock --print-kdir) || exit 1
release=$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' "$KDIR/include/generated/utsrelease.h")
ko=build/$release/tier_watch.ko
log=build/kernel_range.log
bad=0

check() {
	name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		bad=1
	fi
}

build() {
	make --no-print-directory module KDIR="$KDIR" VERSION="${1%.*}" PATCHLEVEL="${1#*.}" \
		$2 >$log 2>&1
}

# After the last series comes another, and before the first.
beyond() {
	echo "${1%.*}.$((${1#*.} + $2))"
}

refused() {
	before=$(sha256sum "$ko")
	! build "$1" &&
		grep -q "TierWatch is for Linux $TW_KERNEL_FIRST to $TW_KERNEL_LAST, this is $1" $log &&
		grep -q TW_ANY_KERNEL $log && [ "$before" = "$(sha256sum "$ko")" ]
}

build "$TW_KERNEL_FIRST" || { cat $log; exit 1; }
check "the first series, $TW_KERNEL_FIRST" build "$TW_KERNEL_FIRST"
check "the last series, $TW_KERNEL_LAST" build "$TW_KERNEL_LAST"
for series in 4.19 5.15 "$(beyond "$TW_KERNEL_FIRST" -1)" "$(beyond "$TW_KERNEL_LAST" 1)" \
	"$(beyond "$TW_KERNEL_LAST" 10)" "$((${TW_KERNEL_LAST%.*} + 1)).0"; do
	check "$series is refused" refused "$series"
done
check "TW_ANY_KERNEL=y tries it" build "$(beyond "$TW_KERNEL_LAST" 1)" TW_ANY_KERNEL=y
check "README.md says the same" \
	grep -q "^- Kernels $TW_KERNEL_FIRST .*to $TW_KERNEL_LAST" README.md
exit $bad
