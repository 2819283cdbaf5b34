#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# arm64: driver, library, command and daemon cross-compile without a warning, and the unit
# tests of the library and of what only computes run under qemu-user. Owns build/arm64, in
# which the libraries and kernel headers of that architecture are; nothing of it is installed.
# Prints 'ok NAME' and 'not ok NAME'.
set -u
cd "$(dirname "$0")/.." || exit 1
home=$PWD/build/arm64
root=$home/root
out=$home/out
apt=$home/apt
cpu=aarch64-linux-gnu
bad=0

LIBRARIES="libcmocka0 libcmocka-dev libblkid-dev libblkid1 libmount-dev libmount1 libjson-c-dev
	libjson-c5 libncurses-dev libncursesw6 libtinfo6 zlib1g zlib1g-dev libnuma-dev libnuma1
	libselinux1 libpcre2-8-0"
# All but test_tw and test_cxx, which look at their own process's name and at an ioctl's errno
# that qemu-user answers otherwise, and test_workload, which draws numbers for minutes.
TESTS="ring pressure reclaim queue cand policy order swap gpu reserve space_id lib tier_watch cli
	conf record views tierwatchd symbols"

check() {
	name=$1
	shift
	if "$@" >"$home/said" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		grep -E 'warning|error|FAILED|\*\*\*|E:' "$home/said" | tail -n 20 | cut -c1-200 |
			sed 's/^/    /'
		bad=1
	fi
}

# With lists and a status of its own: dpkg here is not told of another architecture.
apt_arm64() {
	tool=$1
	shift
	"$tool" -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
		-o Dir::State="$apt" -o Dir::State::lists="$apt/lists" \
		-o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User=root "$@"
}

# shellcheck disable=SC2086 # a list of names
fetch() {
	[ -e "$root/.$release" ] && return
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$root/usr/lib"
	: >"$apt/status"
	apt_arm64 apt-get update || return
	(cd "$apt/cache/archives" && rm -f ./*.deb &&
		apt_arm64 apt-get download $LIBRARIES "linux-headers-$release-arm64") || return
	for deb in "$apt"/cache/archives/*.deb; do
		dpkg-deb -x "$deb" "$root" || return
	done
	# Its programs are those of this machine.
	ln -sfn /usr/lib/linux-kbuild-6.1 "$root/usr/lib/linux-kbuild-6.1"
	touch "$root/.$release"
}

# A warning is an error: -Werror in ours, and here for the driver's.
quiet_make() {
	make --no-print-directory -j"$(nproc)" "$@" >"$home/log" 2>&1
	code=$?
	cat "$home/log"
	! grep -E ' warning: |^WARNING: ' "$home/log" && return $code
}

driver() {
	quiet_make module COPY=n KDIR="$root/usr/src/linux-headers-$release-arm64" \
		CROSS_COMPILE=$cpu- &&
		file -b "build/$release-arm64/tier_watch.ko" | grep -q 'ARM aarch64'
}

ours() {
	for folder in libtw tools/tw tools/tierwatchd; do
		CPPFLAGS=$include LDFLAGS=$link quiet_make -C $folder O="$out" CC=$cpu-gcc \
			CXX=$cpu-g++ AR=$cpu-ar || return
	done
	for program in tw tierwatchd; do
		file -b "$out/tools/$program" | grep -q 'ARM aarch64' || return
	done
}

# The sanitizers do not run under qemu-user.
tests() {
	quiet_make -C tests/unit all O="$out" CC="$cpu-gcc $include" CXX="$cpu-g++ $include" \
		AR=$cpu-ar SANITIZE="$link"
}

emulated() {
	qemu-aarch64-static -L /usr/$cpu \
		-E LD_LIBRARY_PATH="$root/usr/lib/$cpu:$root/lib/$cpu:$out/lib" "$@"
}

version() {
	[ "$(emulated "$out/tools/tw" --version)" = "tw $(sed -n 's/^VERSION := //p' libtw/Makefile)" ]
}

mkdir -p "$home"
include="-isystem $root/usr/include -isystem $root/usr/include/$cpu"
link="-L$root/usr/lib/$cpu -L$root/lib/$cpu -Wl,-rpath-link,$root/usr/lib/$cpu:$root/lib/$cpu"
# The headers that all architectures share are those that are installed.
common=$(ls -d /usr/src/linux-headers-6.1.*-common | sort -V | tail -n 1)
release=${common#/usr/src/linux-headers-}
release=${release%-common}

check "arm64 libraries and kernel headers, $release" fetch
check "the driver, without a warning" driver
check "library, command and daemon, without a warning" ours
check "tw runs" version
check "unit tests, without a warning" tests
for test in $TESTS; do
	check "test_$test" emulated "$out/unit/test_$test"
done
exit $bad
