#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest: the drivers that DKMS has built in two roots, OLD and NEW, the
# second of which is the first after an upgrade. What is written to them is the
# guest's own. Prints 'ok NAME' and 'not ok NAME'.
# usage: packages_guest.sh OLD NEW
old=$1
new=$2
bad=0

check() {
	name=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok $name"
	else
		echo "not ok $name"
		sed 's/^/    /' /tmp/said
		bad=1
	fi
}

# In a root, as its own programs see it.
in_root() {
	root=$1
	shift
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

version() {
	[ "$(cat /sys/module/tier_watch/version)" = "$1" ]
}

dkms_version() {
	basename "$(ls -d "$1"/var/lib/dkms/tierwatch/[0-9]*)"
}

# All five tiers, by the root's own command.
bind() {
	in_root "$1" tw tier format --force "$TW_NVME_DEV" &&
		in_root "$1" tw tier bind nvme "$TW_NVME_DEV" &&
		in_root "$1" tw tier format --force "$TW_SSD_DEV" &&
		in_root "$1" tw tier bind ssd "$TW_SSD_DEV" &&
		in_root "$1" tw tier format --force "$TW_HDD_DEV" &&
		in_root "$1" tw tier bind hdd "$TW_HDD_DEV" &&
		in_root "$1" tw tier list
}

use() {
	in_root "$1" python3 -B -c '
import libtw
from libtw import Tier
with libtw.Device() as tw, tw.region(64 * 4096) as region:
    assert len(tw.bound()) == 5, tw.bound()
    for index in range(64):
        region.memory[index * 4096] = index + 1
    for tier in (Tier.NVME, Tier.SSD, Tier.HDD, Tier.GPU):
        assert region.migrate(0, 64 * 4096, tier).moved == 64, tier
        assert region.info().pages[tier] == 64, tier
    assert [region.memory[index * 4096] for index in range(64)] == list(range(1, 65))
'
}

for root in "$old" "$new"; do
	for dir in dev proc sys; do
		mount --rbind /$dir "$root/$dir" || exit 1
	done
done

check "load" in_root "$old" modprobe tier_watch
check "it is the old version" version "$(dkms_version "$old")"
check "bind" bind "$old"
check "use: touched, migrated, read back" use "$old"
check "unload" in_root "$old" modprobe -r tier_watch
check "load after the upgrade" in_root "$new" modprobe tier_watch
check "it is the new version" version "$(dkms_version "$new")"
check "bind again" bind "$new"
check "use again" use "$new"
# Purging a driver that is loaded takes its files and leaves it running.
check "purge" in_root "$new" dpkg --purge tierwatch-dkms tierwatch-tools python3-libtw \
	libtw-dev libtw0
check "its files are gone" sh -c "! find '$new'/lib/modules '$new'/usr/src '$new'/var/lib/dkms \
	'$new'/usr/bin -name '*tier*watch*' -o -name tw | grep ."
check "unload after the purge" rmmod tier_watch
check "it is gone" sh -c '! in=$(modprobe -n tier_watch 2>&1) && [ ! -e /dev/tierwatch ]'
exit $bad
