# SPDX-License-Identifier: GPL-2.0
# Second stage, on the overlay: the rest of a system, the driver, the stores,
# the command.  File descriptor 9 is the status port; nobody else gets it.

export PATH=/run/vm/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
/run/vm/busybox --install -s /run/vm/bin
. /run/vm/job.sh

finish() {
	echo "$VM_NONCE $*" >&9
	# QEMU's debug-exit device: quicker than a power-off.
	[ -z "$VM_SLOW_EXIT" ] && printf x | dd of=/dev/port bs=1 seek=1281 2>/dev/null
	/run/vm/busybox poweroff -f
	while :; do sleep 1; done
}
fail() { finish fail "$@"; }

mount_all() {
	mkdir -p /dev/pts /dev/shm /run/lock
	mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	chmod 1777 /run/lock
	ln -sf /proc/self/fd /dev/fd
	ln -sf /proc/self/fd/0 /dev/stdin
	ln -sf /proc/self/fd/1 /dev/stdout
	ln -sf /proc/self/fd/2 /dev/stderr
	mount -t debugfs debugfs /sys/kernel/debug
	mount -t tracefs tracefs /sys/kernel/tracing
	mount -t configfs configfs /sys/kernel/config 2>/dev/null
	mount -t cgroup2 -o memory_recursiveprot cgroup2 /sys/fs/cgroup
	for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
		echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
	done
	if [ -n "$VM_MODULES" ]; then
		mkdir -p "/lib/modules/$(uname -r)"
		mount --bind "$VM_MODULES/lib/modules/$(uname -r)" "/lib/modules/$(uname -r)" ||
			fail "cannot show the kernel's modules"
	fi
	if [ -n "$TW_OUT" ]; then
		mkdir -p "$TW_OUT"
		mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=512000 \
			vmout "$TW_OUT" || fail "cannot mount $TW_OUT"
	fi
}

settings() {
	ip link set lo up
	hostname tierwatch
	grep -q '^tierwatch:' /etc/group || echo "tierwatch:x:$VM_GID:" >>/etc/group
	echo 150 >/proc/sys/kernel/hung_task_timeout_secs
	# Sanitised boots are slow; their stack traces should not be cut short.
	echo 0 >/proc/sys/kernel/printk_ratelimit
	[ -w /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages ] &&
		echo 0 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
}

# The disks come in any order: an SSD is known by its model, not by its letter.
store_device() {
	case $1 in
	nvme) [ -b /dev/nvme0n1 ] && echo /dev/nvme0n1 ;;
	ssd | hdd)
		want=$(echo "TIER$1" | tr a-z A-Z)
		for model in /sys/block/sd*/device/model; do
			[ "$(tr -d ' ' <"$model" 2>/dev/null)" = "$want" ] || continue
			disk=${model#/sys/block/}
			[ -b "/dev/${disk%%/*}" ] && echo "/dev/${disk%%/*}"
		done ;;
	esac
}

find_stores() {
	for store in $VM_STORES; do
		dev=
		for try in $(seq 1500); do
			dev=$(store_device "$store")
			[ -n "$dev" ] && break
			sleep 0.02
		done
		[ -n "$dev" ] || fail "the $store disk does not appear"
		case $store in
		nvme) export TW_NVME_DEV=$dev ;;
		ssd) export TW_SSD_DEV=$dev ;;
		hdd) export TW_HDD_DEV=$dev ;;
		esac
	done
}

load_module() {
	# shellcheck disable=SC2086 -- the arguments are words
	insmod "$VM_KO" $VM_MODULE_ARGS >/run/vm/log 2>&1 ||
		fail "insmod $VM_KO: $(tr '\n' ' ' </run/vm/log)"
	[ -c /dev/tierwatch ] || fail "/dev/tierwatch is missing after insmod"
	chgrp tierwatch /dev/tierwatch && chmod 0660 /dev/tierwatch
}

bind_store() {
	{ "$VM_TW" tier format --force "$2" && "$VM_TW" tier bind "$1" "$2"; } >/run/vm/log 2>&1 ||
		fail "tw tier bind $1 $2: $(tr '\n' ' ' </run/vm/log)"
}

# The command's two streams.  A pipe lets it reopen /dev/stderr, which a port
# does not; where instructions are counted nothing may run beside it.
run_command() {
	cd "$VM_CWD" || fail "no directory $VM_CWD in the guest"
	if [ -n "$VM_DIRECT" ]; then
		/run/vm/busybox sh /run/vm/command.sh </dev/null >"$VM_STDOUT" 2>"$VM_STDERR" 9>&-
		CODE=$?
		return
	fi
	for stream in 1 2; do
		mkfifo -m 666 /run/vm/$stream
	done
	/run/vm/busybox cat /run/vm/1 >"$VM_STDOUT" 9>&- & relay1=$!
	/run/vm/busybox cat /run/vm/2 >"$VM_STDERR" 9>&- & relay2=$!
	/run/vm/busybox sh /run/vm/command.sh </dev/null >/run/vm/1 2>/run/vm/2 9>&-
	CODE=$?
	# A process left behind may hold the pipe open; it does not hold us up.
	for try in $(seq 100); do
		kill -0 $relay1 2>/dev/null || kill -0 $relay2 2>/dev/null || break
		sleep 0.02
	done
	kill $relay1 $relay2 2>/dev/null
	wait $relay1 $relay2 2>/dev/null
}

jiffies() { awk '/^jiffies:/ { print $2; exit }' /proc/timer_list; }
uptime_s() { cut -d. -f1 /proc/uptime; }

# Objects from before the driver was loaded are the boot's, not ours.  A leak
# is reported by the second scan that sees it, and at an age of five seconds.
leaks() {
	[ -n "$VM_LEAKS" ] && [ -w /sys/kernel/debug/kmemleak ] || return 1
	ready=$(($(uptime_s) + 6))
	echo scan >/sys/kernel/debug/kmemleak
	wait=$((ready - $(uptime_s)))
	[ $wait -gt 0 ] && sleep $wait
	echo scan >/sys/kernel/debug/kmemleak
	awk -v start="$START" '
		/^unreferenced object/ { held = $0; next }
		held != "" {
			born = $0; sub(/.*jiffies /, "", born)
			show = born + 0 >= start + 0
			if (show) { print held; any = 1 }
			held = ""
		}
		show { print }
		END { exit !any }' /sys/kernel/debug/kmemleak >/run/vm/leaks || return 1
	{ echo "vm: kmemleak:"; cat /run/vm/leaks; } >"$VM_STDERR"
	return 0
}

mount_all
settings
find_stores
START=$(jiffies)
echo "$VM_NONCE booted" >/dev/kmsg
[ -n "$VM_KO" ] && load_module
if [ -n "$VM_TW" ]; then
	[ -n "$TW_NVME_DEV" ] && bind_store nvme "$TW_NVME_DEV"
	[ -n "$TW_SSD_DEV" ] && bind_store ssd "$TW_SSD_DEV"
	[ -n "$TW_HDD_DEV" ] && bind_store hdd "$TW_HDD_DEV"
fi
[ -n "$VM_SETTLE" ] && sleep "$VM_SETTLE"
run_command
echo "$VM_NONCE done" >/dev/kmsg
if leaks; then
	finish leak "$CODE"
fi
finish exit "$CODE"
