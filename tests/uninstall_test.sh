#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# make uninstall takes away what make install has put there, and nothing else: into an
# empty root, one with files of others, and one whose configuration was changed.
# Needs what `make` has built. Prints 'ok NAME' and 'not ok NAME'.
# usage: uninstall_test.sh [VARIABLE=VALUE...], for make
cd "$(dirname "$0")/.." || exit 1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
bad=0

check() {
	name=$1
	shift
	if "$@" >"$root.said" 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		sed 's/^/    /' "$root.said"
		bad=1
	fi
	rm -f "$root.said"
}

quiet() {
	make --no-print-directory "$@" >/dev/null
}

files() {
	find "$root" ! -type d -printf '%P\n' | sort
}

# The files are these, and no other.
left() {
	[ "$(files)" = "$1" ] || { files; return 1; }
}

changed=lib/systemd/system/tierwatch.service
mkdir -p "$root/usr/local/bin" "$root/etc"
echo theirs >"$root/usr/local/bin/other"
echo mine >"$root/etc/tierwatch.conf"
theirs='etc/tierwatch.conf
usr/local/bin/other'

check "install" quiet install DESTDIR="$root" "$@"
check "it is much" [ "$(files | wc -l)" -gt 200 ]
mkdir -p "$(dirname "$(find "$root" -name abi.py)")/__pycache__"
touch "$(dirname "$(find "$root" -name abi.py)")/__pycache__/abi.cpython-311.pyc"
check "uninstall" quiet uninstall DESTDIR="$root" "$@"
check "others' files are left, and no other" left "$theirs"
check "no folder of ours is left" [ -z "$(find "$root" -name libtw -o -name tierwatch)" ]
check "a second time" quiet uninstall DESTDIR="$root" "$@"
check "changes nothing" left "$theirs"

check "install again" quiet install DESTDIR="$root" "$@"
echo '# a change' >>"$root/$changed"
make --no-print-directory uninstall DESTDIR="$root" "$@" >"$root.log"
check "what was changed is named" grep -q "/$changed was changed: it stays" "$root.log"
rm -f "$root.log"
check "and stays" left "etc/tierwatch.conf
$changed
usr/local/bin/other"
rm "$root/$changed"

# Another prefix, and a place that is named.
set -- PREFIX=/opt/tw UNITDIR="$root/units" "$@"
check "install elsewhere" quiet install DESTDIR="$root" "$@"
check "it is there" [ -e "$root/opt/tw/bin/tw" -a -e "$root/units/tierwatch.service" ]
check "uninstall from there" quiet uninstall DESTDIR="$root" "$@"
check "nothing is left there" left "$theirs"
exit $bad
