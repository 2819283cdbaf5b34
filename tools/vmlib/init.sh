#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# First stage, in the initramfs: load what the boot needs, put an overlay over
# the host's root, open the status port, hand over to stage2.sh.

export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /lower /rw /new
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
. /vm/job.sh

for module in $(cat /vm/modules); do
	insmod "$module" || echo "vm: insmod $module failed" >/dev/kmsg
done

# Ports are found by name; the status port is held by init alone from here on.
port() {
	for try in $(seq 1500); do
		for name in /sys/class/virtio-ports/*/name; do
			[ "$(cat "$name" 2>/dev/null)" = "$1" ] || continue
			name=${name%/name}
			PORT=/dev/${name##*/}
			[ -c "$PORT" ] && return 0
		done
		sleep 0.02
	done
	echo "vm: no port $1" >/dev/kmsg
	poweroff -f
}
port tw.status; exec 9>"$PORT"
port tw.stdout; VM_STDOUT=$PORT
port tw.stderr; VM_STDERR=$PORT
export VM_STDOUT VM_STDERR

fail() {
	echo "$VM_NONCE fail $*" >&9
	poweroff -f
}

mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 hostroot /lower ||
	fail "cannot mount the host's root"
mount -t tmpfs -o mode=755 tmpfs /rw
mkdir /rw/up /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/up,workdir=/rw/work overlay /new ||
	fail "cannot mount the overlay"
mount -t tmpfs -o mode=755 tmpfs /new/run
mkdir -p /new/run/vm/bin
cp /vm/job.sh /vm/stage2.sh /vm/command.sh /bin/busybox /new/run/vm/
for dir in proc sys dev; do
	mount --move /$dir /new/$dir
done
exec switch_root /new /run/vm/busybox sh /run/vm/stage2.sh
