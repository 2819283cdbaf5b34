#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In the guest: what somebody does who has the packages and the guide, in a root where the
# packages were just installed: look, bind, run a program, see its heat, limit a cgroup, be
# told by an alert, uninstall. Each command is one of the guide's: it is looked up there
# before it is run, and all that is typed and said is printed. packages_test.py plays the
# figures that this leaves to the alerts.
# usage: newcomer.sh ROOT GUIDE OUT
# ROOT: the root; GUIDE: the folder docs; OUT: where the figures go, two files
set -u
root=$1
guide=$2
out=$3
bad=0
# The disk that the guide calls so.
disk=/dev/nvme1n1

in_root() {
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
		HOME=/root DEBIAN_FRONTEND=noninteractive TERM=dumb "$@"
}

fail() {
	echo "not ok newcomer: $1"
	bad=1
}

# Is all of it in the guide, line by line?
is_written() {
	printf '%s\n' "$2" | while IFS= read -r line; do
		grep -qFx -e "$line" "$guide/$1" || exit 1
	done
}

# What is typed, as the page has it, and a name of the step.
step() {
	page=$1 name=$2 text=$3
	if ! is_written "$page" "$text"; then
		fail "$name: $page does not say so"
		return
	fi
	printf '\n-- %s (%s)\n' "$name" "$page"
	printf '%s\n' "$text" | sed 's/^/# /'
	# The next disk of the guest stands for the guide's.
	printf '%s\n' "$text" | sed "s|$disk|$TW_NVME_DEV|g" >"$root/tmp/step"
	if in_root sh -e -c 'cd /root; exec 2>&1; . /tmp/step' >"$root/tmp/said"; then
		code=0
	else
		code=$?
	fi
	cut -c1-120 "$root/tmp/said"
	if [ $code = 0 ]; then
		echo "ok newcomer: $name"
	else
		fail "$name: exit code $code"
	fi
}

# What the last step has to have said.
said() {
	grep -q -e "$1" "$root/tmp/said" || fail "nothing said: $1"
}

for dir in dev proc sys; do
	mount --rbind /$dir "$root/$dir" || exit 1
done

step guide.md "load the driver" 'modprobe tier_watch
tw status
tw tier list'
step guide.md "look for a disk, and bind it" 'tw tier detect
tw tier format /dev/nvme1n1
tw tier bind nvme /dev/nvme1n1
tw tier list'
said '^nvme '
step guide.md "have it so at each boot" "printf '[tier nvme]\\ndevice = %s\\n' /dev/nvme1n1 >/etc/tierwatch.conf
tw apply --dry-run
tw apply"
said 'nothing to do'

step guide/program.md "have its memory watched" 'tw swap on
tw policy set enabled=watch'
# In the background: the step's shell ends, the program goes on.
step guide/program.md "run a program" "cat >/tmp/load.sql <<'END'
create table t(id integer primary key, body text);
insert into t select value, hex(randomblob(60)) from generate_series(1, 100000);
select 'loaded', count(*) from t;
END
query=\"select sum(length(body)) from t where id <= 10000;\"
{ cat /tmp/load.sql; yes \"\$query\"; } | tw run --limit 12M -- sqlite3 :memory: >/tmp/answers &
running=\$!
until grep -q loaded /tmp/answers || ! kill -0 \$running; do sleep 0.1; done
grep loaded /tmp/answers"
said 'loaded|100000'
step guide/program.md "see where its memory is" 'tw attach
tw swap status'
step guide/program.md "see its heat" 'tw record --count 8 --interval 250ms --output /tmp/sqlite.rec
tw heatmap --size 78x24 /tmp/sqlite.rec'

# A container: a cgroup in which a program uses a region.
group=/sys/fs/cgroup/system.slice/batch-1.service
mkdir -p "$group"
in_root sh -c 'echo $$ >/sys/fs/cgroup/system.slice/batch-1.service/cgroup.procs
exec python3 -B -c "
import libtw, time
with libtw.Device() as tw, tw.region(24 << 20) as region:
    for at in range(0, 24 << 20, 4096):
        region.memory[at] = 1
    open(\"/tmp/touched\", \"w\").close()
    time.sleep(3600)
"' &
until [ -e "$root/tmp/touched" ]; do sleep 0.2; done
step guide/fleet.md "figures for Prometheus" 'mkdir -p /var/lib/prometheus/node-exporter
tw metrics --agents 20 --programs 20 --output /var/lib/prometheus/node-exporter/tierwatch.prom
grep tierwatch_up /var/lib/prometheus/node-exporter/tierwatch.prom'
cp "$root/var/lib/prometheus/node-exporter/tierwatch.prom" "$out/before.prom"
step guide/fleet.md "limit its cgroup" "cat >limits.conf <<'END'
# Each service together at most this much of the CPU tier; this one less.
[agent /system.slice/*.service]
cpu = 4G
[agent /system.slice/batch-*.service]
cpu = 16M
END
tw apply --conf limits.conf --dry-run
tw apply --conf limits.conf"
said 'limit cgroup /system.slice/batch-1.service in cpu from none to 16'
# Moving what is too much takes a moment.
at=0
until [ $at = 600 ] || in_root tw agent limit --cgroup /system.slice/batch-1.service |
	grep -q '^cpu  *1[56]'; do
	at=$((at + 1))
	sleep 0.1
done
step guide/fleet.md "figures again" 'tw metrics --agents 20 --programs 20 --output /var/lib/prometheus/node-exporter/tierwatch.prom'
cp "$root/var/lib/prometheus/node-exporter/tierwatch.prom" "$out/limited.prom"

# Programs end before what they use goes.
for pid in $(pidof sqlite3 yes) $(cat "$group/cgroup.procs"); do
	kill "$pid"
done
wait
at=0
until [ $at = 300 ] || ! pidof sqlite3 >/dev/null; do
	at=$((at + 1))
	sleep 0.1
done
step guide/upkeep.md "undo it" 'tw swap off
tw tier unbind nvme
modprobe -r tier_watch'
step guide/upkeep.md "take what was signed off the disk" 'dd if=/dev/zero of=/dev/nvme1n1 bs=4k count=1 conv=fsync'
line=$(grep -o 'apt purge tierwatch[^`]*' "$guide/guide/upkeep.md" | sed 's/^apt purge/dpkg --purge/')
printf '\n-- uninstall (guide/upkeep.md; dpkg for apt, which has no network here)\n# %s\n' "$line"
if in_root $line 2>&1; then
	echo "ok newcomer: uninstall"
else
	fail "uninstall"
fi
if find "$root"/lib/modules "$root"/usr -name '*tier*watch*' | grep .; then
	fail "something is left"
fi
exit $bad
