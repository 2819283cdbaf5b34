# SPDX-License-Identifier: GPL-2.0
# TierWatch. `make help` tells what there is.

SHELL := /bin/sh
# Neither make nor the kernel's build can quote a path.
ifneq ($(words $(CURDIR)),1)
$(error '$(CURDIR)' has a space in it: move this folder to a path without one)
endif
TOP := $(CURDIR)
B := build

# With COVERAGE=1 all that is built counts the lines it runs. It goes to a
# folder of its own, for the only kernel here that can hand out the counts.
ifdef COVERAGE
ifeq ($(origin KDIR),undefined)
KDIR := $(shell tools/vm --kernel debug --print-kdir)
endif
ifeq ($(shell grep -s '^CONFIG_GCOV_KERNEL=y' $(KDIR)/.config),)
$(error COVERAGE=1 needs a kernel with CONFIG_GCOV_KERNEL=y, which '$(KDIR)' is not: leave KDIR out for that of tools/vm --kernel debug)
endif
B := build/coverage
export CFLAGS := -O0 -g --coverage
endif

# Kernel to build the module for: the running one's headers, else the newest.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(lastword $(shell ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -V)))
KREL := $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
KB := $(B)/$(KREL)

TW_VERSION := $(shell sed -n 's/^VERSION := //p' libtw/Makefile)

PREFIX ?= /usr/local
DESTDIR ?=
MODDIR ?= $(DESTDIR)/lib/modules/$(KREL)/updates
UDEVDIR ?= $(DESTDIR)/lib/udev/rules.d
SYSUSERSDIR ?= $(DESTDIR)/usr/lib/sysusers.d
UNITDIR ?= $(DESTDIR)/lib/systemd/system
MODLOADDIR ?= $(DESTDIR)/usr/lib/modules-load.d
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
DEPLOYDIR ?= $(DESTDIR)$(PREFIX)/share/tierwatch/deploy
# Where this machine's python3 looks below /usr/local.
PYTHONDIR ?= $(DESTDIR)$(shell python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# A second make, so that packages just installed are seen; on all cores, unless it is told
# otherwise.
AGAIN = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
SUB := O=$(TOP)/$(B) --no-print-directory

.PHONY: all module kmod-tests grown broken lib tools programs demo test test-quick test-matrix \
	test-races test-neighbour test-broken test-programs test-packages test-deploy test-arm64 deb coverage bench \
	bench-tiering bench-trace bench-neighbour bench-door gpu-check pictures style install \
	install-config uninstall built \
	deps clean help

all: module kmod-tests lib tools	## driver, its tests for tests/, library and command

# The sources are linked into a folder per kernel and variant, so that builds
# do not share objects. $(1): the folder, $(2): another uapi.
define build-module
	@test -n "$(KREL)" || { echo "no kernel headers in '$(KDIR)': run 'make deps' as root, or pass KDIR=" >&2; exit 1; }
	@mkdir -p $(KB)/$(1)
	@ln -sfn $(or $(2),$(TOP)/uapi) $(KB)/$(1)/uapi
	@cp -rsf $(TOP)/driver/. $(KB)/$(1)/
	@find $(KB)/$(1) -xtype l -delete
	$(call build-in,$(1))
endef

# In a folder that has them.
define build-in
	+@$(MAKE) -C $(KDIR) M=$(TOP)/$(KB)/$(1) $(if $(DEBUG),TW_DEBUG=y) \
		$(if $(COVERAGE),TW_GCOV=y) $(if $(TW_ANY_KERNEL),TW_ANY_KERNEL=y) \
		TW_VERSION=$(TW_VERSION) $(if $(W),W=$(W)) $(if $(C),C=$(C)) modules
endef

# What has not changed is not written: a guest may be reading it.
# COPY=n leaves out the copy beside this file.
module:				## build/RELEASE/tier_watch.ko (KDIR=, DEBUG=1)
	$(call build-module,driver)
	@cmp -s $(KB)/driver/tier_watch.ko $(KB)/tier_watch.ko || cp $(KB)/driver/tier_watch.ko $(KB)/tier_watch.ko
	$(if $(COVERAGE)$(filter n,$(COPY)),,@cp $(KB)/driver/tier_watch.ko tier_watch.ko)

# The tests of the API for kernel modules, and stand-ins for its users.
kmod-tests: module
	@mkdir -p $(KB)/kernel-tests
	@ln -sfn $(TOP)/uapi $(KB)/kernel-tests/uapi
	@for f in tests/kernel/Kbuild tests/kernel/*.c driver/tier_watch*.h; do \
		ln -sf $(TOP)/$$f $(KB)/kernel-tests/; done
	+@$(MAKE) -C $(KDIR) M=$(TOP)/$(KB)/kernel-tests $(if $(W),W=$(W)) \
		$(if $(C),C=$(C)) \
		KBUILD_EXTRA_SYMBOLS=$(TOP)/$(KB)/driver/Module.symvers modules
	@cp $(KB)/kernel-tests/*.ko $(KB)/
	$(if $(COVERAGE)$(filter n,$(COPY)),,@cp $(KB)/test_tier_watch.ko tests/test_tier_watch.ko)

# A driver of a later release: each of its structs has a member more.
grown:
	@tests/grow uapi $(KB)/grown-uapi
	$(call build-module,grown,$(TOP)/$(KB)/grown-uapi)
	@cp $(KB)/grown/tier_watch.ko $(KB)/tier_watch_grown.ko

# A driver whose rules can be broken, one at a time; see tests/broken/rulebook.py.
broken:
	@tests/broken/copy $(KB)/broken
	@ln -sfn $(TOP)/uapi $(KB)/broken/uapi
	$(call build-in,broken)
	@cp $(KB)/broken/tier_watch.ko $(KB)/tier_watch_broken.ko

lib:
	+@$(MAKE) -C libtw $(SUB)

tools: lib
	+@$(MAKE) -C tools/tw $(SUB)
	+@$(MAKE) -C tools/tierwatchd $(SUB)
	+@$(MAKE) -C tools/tw-gpu $(SUB)

programs: tools
	+@$(MAKE) -C tools/demo $(SUB)
	+@$(MAKE) -C tools/workload $(SUB)
	+@$(MAKE) -C tests/stress $(SUB)

demo:				## a real job over five real tiers, in a guest
	@tools/deps --install
	$(AGAIN) all programs
	@tools/vm --topology demo -- $(B)/tools/tw-demo --rebind \
		$$(test -t 1 && echo --live) $(ARGS)

test:				## everything, in guests: stock and debug kernel
	@tools/deps --install
	$(AGAIN) all programs
	@tests/run --build $(ARGS)

test-quick:			## unit tests and the guest suite's core, stock only
	@tools/deps --install
	$(AGAIN) all programs
	@tests/run --quick $(ARGS)

# What tools/vm --kernel calls the kernels that the driver is tested on.
MATRIX_KERNELS ?= stock 6.12 7.x

test-matrix:			## guest suite and stress on each supported kernel (6.1, 6.12, 7.x), a table
	@tools/deps --install
	$(AGAIN) programs KDIR="$$(tools/vm --kernel stock --print-kdir)"
	+@tests/matrix $(addprefix --kernel ,$(MATRIX_KERNELS)) $(ARGS)

# What a program beside a region must survive always, not most of the time.
TIMES ?= 10

test-neighbour:			## programs beside a region, TIMES=10 each, on those kernels, a table
	@tools/deps --install
	$(AGAIN) programs
	+@tests/matrix $(addprefix --kernel ,$(MATRIX_KERNELS)) -- --only special --special neighbour \
		-- --times=$(TIMES) -k "full_speed or bound_to_one_node" $(ARGS)

# A kernel of its own, built once; a report of KCSAN is a splat.
test-races:			## hammer and crowd under KCSAN, which sees data races in the driver
	@tools/deps --install
	$(AGAIN) programs
	$(AGAIN) kmod-tests COPY=n KDIR="$$(tools/vm --kernel races --print-kdir)"
	+@tests/races.sh

test-broken:			## does a test notice when a rule of the driver is broken? (RULES="NAME...", a table)
	@tools/deps --install
	$(AGAIN) all programs KDIR="$$(tools/vm --kernel stock --print-kdir)"
	+@tests/broken/run $(RULES)

# Kernels that make test-programs runs them on.
PROGRAMS_KERNELS ?= stock

test-programs:			## redis, PostgreSQL, a JVM and others over the swap device (PROGRAMS_KERNELS="stock debug")
	@tools/deps --programs --install
	$(AGAIN) all programs
	@javac -d $(B)/programs tests/guest/programs/Sums.java
	+@tests/run --build --only programs $(addprefix --kernel ,$(PROGRAMS_KERNELS)) $(ARGS)

test-packages:			## the packages on a clean Debian, and their driver in a guest
	@tools/deps --install
	@tools/deps --deploy --install
	@tests/run --only packages $(ARGS)

test-deploy:			## alerts, by promtool with figures of a guest; rpm and Arch packages
	@tools/deps --deploy --install
	$(AGAIN) all programs KDIR="$$(tools/vm --kernel stock --print-kdir)"
	@tests/deploy_test.py
	@tests/distro_test.py

test-arm64:			## all of it cross-compiles for arm64, and unit tests run under qemu-user
	@tools/deps --arm64 --install
	@tests/arm64_test.sh

deb:				## Debian packages of the tracked files: build/deb
	@tools/deps --install
	@tools/deb

coverage:			## lines that the tests run: build/coverage/html
	@tools/deps --install
	$(AGAIN) programs
	$(AGAIN) COVERAGE=1 all programs kmod-tests
	@tests/coverage $(ARGS)

bench:				## instructions per operation: table, build/bench.json
	@tools/deps --install
	$(AGAIN) all
	+@$(MAKE) -C tools/bench $(SUB)
	@tools/bench/run $(ARGS)

# The kernel whose own tiering is measured: older ones know one tier of memory.
TIERING_KERNEL ?= 6.12

bench-tiering:			## placement, against swap and NUMA tiering: table, JSON, plot
	@tools/deps --install
	$(AGAIN) all programs
	+@$(MAKE) -C tools/bench $(SUB)
	+@if kdir=$$(tools/vm --kernel $(TIERING_KERNEL) --print-kdir); then \
		$(MAKE) --no-print-directory module KDIR="$$kdir" || \
		echo "no driver for $(TIERING_KERNEL): goes without" >&2; fi
	@tools/bench/tiering --numa-kernel $(TIERING_KERNEL) $(ARGS)

bench-trace:			## events read per CPU second: tw trace, perf, ftrace
	@tools/deps --install
	$(AGAIN) all
	@tools/bench/tracing $(ARGS)

bench-neighbour:		## a program beside a region, and beside one with swap
	@tools/deps --install
	$(AGAIN) all programs
	@tools/vm --topology demo --mem 0=640M,1=192M,nvme=1G --no-bind --timeout 1800 -- \
		tools/bench/neighbour $(ARGS)

bench-door:			## the way to a card's memory: its server, nbdkit's, a ramdisk
	@tools/deps --install
	$(AGAIN) all programs
	$(AGAIN) module KDIR="$$(tools/vm --kernel stock --print-kdir)"
	@tools/vm --topology no-stores --no-module --timeout 1800 -- tools/bench/door $(ARGS)

# On a machine with a card: asks for no package but those that a build of it needs.
gpu-check:			## a card's memory by OpenCL: speed, and all bytes (ARGS="[MS [PLATFORM:DEVICE]]")
	+@$(MAKE) -C tools/tw-gpu $(SUB) check
	@$(B)/tools/gpu-check $(ARGS)

pictures:			## docs/pictures: tw top, tw heatmap, the dashboard, of a guest at work; the driver's rooms
	@tools/deps --deploy --install
	$(AGAIN) all programs
	$(AGAIN) module KDIR="$$(tools/vm --kernel stock --print-kdir)"
	@tests/rooms/driver --draw docs/pictures/rooms.svg
	@tools/pictures $(ARGS)
	@tools/dashboard

style:				## checkpatch and sparse
	@tools/deps --install
	@tools/style
	$(AGAIN) module C=2 W=1 CF=-Wsparse-error

# MODULE=n: without the driver, which then comes from elsewhere (DKMS).
# Takes the module that `make` has built, as the kernel's own modules_install does.
built:
	$(if $(filter n,$(MODULE)),,@test -e $(KB)/tier_watch.ko || { \
		echo "$(KB)/tier_watch.ko is missing: run 'make' first" >&2; exit 1; })

install: built install-config	## module, library, Python module, headers, man pages, units
	$(if $(filter n,$(MODULE)),,install -D -m 644 $(KB)/tier_watch.ko $(MODDIR)/tier_watch.ko)
	$(if $(DESTDIR)$(filter n,$(MODULE)),,depmod -a $(KREL))
	+@$(MAKE) -C libtw $(SUB) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install
	+@$(MAKE) -C tools/tw $(SUB) PREFIX=$(PREFIX) BINDIR=$(BINDIR) \
		DESTDIR=$(DESTDIR) install
	+@$(MAKE) -C tools/tierwatchd $(SUB) PREFIX=$(PREFIX) SBINDIR=$(SBINDIR) \
		DESTDIR=$(DESTDIR) install
	+@$(MAKE) -C tools/tw-gpu $(SUB) PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install
	install -d $(PYTHONDIR)/libtw
	install -m 644 python/libtw/*.py $(PYTHONDIR)/libtw
	install -d $(DEPLOYDIR)/grafana $(DEPLOYDIR)/prometheus $(DEPLOYDIR)/kubernetes
	install -m 644 deploy/grafana/*.json $(DEPLOYDIR)/grafana
	install -m 644 deploy/prometheus/* $(DEPLOYDIR)/prometheus
	install -m 644 deploy/kubernetes/* $(DEPLOYDIR)/kubernetes
	chmod 755 $(DEPLOYDIR)/kubernetes/pods-to-conf
	$(if $(DESTDIR),,ldconfig)

# Its files are those that install makes now, below a folder of their own. A place that
# the caller has named is in there, too.
STAGE := $(TOP)/$(B)/uninstall
STAGED = $(foreach place,MODDIR UDEVDIR SYSUSERSDIR UNITDIR MODLOADDIR PYTHONDIR, \
	$(place)=$(STAGE)$($(place)))

uninstall:			## take away what install has put there (with the same PREFIX=, DESTDIR=, KDIR=)
	@rm -rf $(STAGE)
	+@$(MAKE) --no-print-directory install MODULE=n DESTDIR=$(STAGE)$(DESTDIR) $(STAGED) >/dev/null
	$(if $(filter n,$(MODULE)),,@rm -f $(MODDIR)/tier_watch.ko)
	@tools/uninstall $(STAGE)
	$(if $(DESTDIR),,depmod -a $(KREL))
	$(if $(DESTDIR),,ldconfig)
	@rm -rf $(STAGE)

# What makes the machine start with it; has nothing to build.
install-config:
	install -D -m 644 tools/udev/60-tierwatch.rules $(UDEVDIR)/60-tierwatch.rules
	install -D -m 644 tools/udev/tierwatch.conf $(SYSUSERSDIR)/tierwatch.conf
	install -D -m 644 tools/systemd/modules-load.conf $(MODLOADDIR)/tierwatch.conf
	install -d $(UNITDIR)
	sed 's|@BINDIR@|$(BINDIR)|' tools/systemd/tierwatch.service.in \
		>$(UNITDIR)/tierwatch.service
	sed 's|@SBINDIR@|$(SBINDIR)|' tools/systemd/tierwatchd.service.in \
		>$(UNITDIR)/tierwatchd.service
	sed 's|@LIBDIR@|$(PREFIX)/lib|' tools/systemd/tw-gpu@.service.in \
		>$(UNITDIR)/tw-gpu@.service
	chmod 644 $(UNITDIR)/tierwatch.service $(UNITDIR)/tierwatchd.service \
		$(UNITDIR)/tw-gpu@.service

deps:				## the Debian packages all this needs (as root)
	@tools/deps --install

clean:
	rm -rf $(B) tier_watch.ko

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14
	@echo "variables: KDIR= kernel headers, DEBUG=1, COVERAGE=1, PREFIX=, DESTDIR=, ARGS= for demo, test, coverage, bench, bench-tiering, bench-trace, bench-neighbour"
