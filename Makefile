# SPDX-License-Identifier: GPL-2.0-or-later
# Makefile - build, install and test coco-unlock and coco-secret. `make help` prints what stands behind "#:".

VERSION := 0.2.0
PREFIX ?= /usr
DESTDIR ?=
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= /usr/lib/systemd/system
DRACUTDIR ?= /usr/lib/dracut/modules.d
KERNELDIR ?= /etc/kernel
GENERATORDIR ?= /etc/systemd/system-generators
LIBDIR ?= /usr/lib/coco-unlock
BUILD ?= build

# The kernel to build coco_secret for, and the headers that belong to it.
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

CC ?= cc
PKG_CONFIG ?= pkg-config
INSTALL ?= install
LIBS := libcryptsetup libkmod blkid json-c libcrypto
OWNER_LIBS := $(LIBS) fdisk
BROKER_LIBS := libssl libcrypto json-c

# Asked once. What is missing is said by needs-build, for targets that need it.
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS) 2> /dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(LIBS) 2> /dev/null)
BROKER_LDLIBS := $(shell $(PKG_CONFIG) --libs $(BROKER_LIBS) 2> /dev/null)
OWNER_PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(OWNER_LIBS) 2> /dev/null)
OWNER_PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(OWNER_LIBS) 2> /dev/null)

# WERROR=1 makes warnings errors; SANITIZE=1 builds with address and undefined sanitizers.
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wvla -Wcast-qual -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
	-Wshadow -Wundef -Werror=implicit-function-declaration -Werror=incompatible-pointer-types \
	-Werror=int-conversion -Werror=return-type -Werror=format-security
HARDENING := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
HARDENING_LD := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
ifeq ($(WERROR),1)
WARNINGS += -Werror
endif
ifeq ($(SANITIZE),1)
HARDENING := -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
HARDENING_LD := -pie -fsanitize=address,undefined
BUILD := $(BUILD)/sanitize
endif
ZERO_REGISTERS := -fzero-call-used-regs=used
# For `make fuzz` alone, which sets them: libFuzzer, and a build that counts lines. clang 14 clears
# no registers.
ifneq ($(filter fuzzer coverage,$(FUZZ)),)
override CC := clang
override CFLAGS := -O1 -g
override BUILD := $(BUILD)/$(FUZZ)
WARNINGS += -Wno-string-plus-int -Wno-format-nonliteral -Wno-missing-field-initializers
ZERO_REGISTERS :=
HARDENING := -fPIE -fno-omit-frame-pointer
HARDENING_LD := -pie
endif
ifeq ($(FUZZ),fuzzer)
HARDENING += -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
HARDENING_LD += -fsanitize=fuzzer,address,undefined
endif
ifeq ($(FUZZ),coverage)
HARDENING += -fprofile-instr-generate -fcoverage-mapping
HARDENING_LD += -fprofile-instr-generate
endif
ALL_CFLAGS = -Isrc -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DCOCO_VERSION='"$(VERSION)"' \
	$(WARNINGS) $(HARDENING) $(PKG_CFLAGS) $(CFLAGS) $(CPPFLAGS)
ALL_LDFLAGS = $(HARDENING_LD) $(LDFLAGS)
LDLIBS = $(PKG_LIBS)
# coco-secret, the tool of the guest's owner: what is below src/owner, and nothing else, needs these.
OWNER_CFLAGS = -pthread $(OWNER_PKG_CFLAGS)
OWNER_LDLIBS = $(OWNER_PKG_LIBS) -pthread

# Each program is its command line, and of the archives what that needs: nothing else of the boot
# is in coco-secret.
objects = $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard $(1:%=src/%/*.c)))
GUEST_MAIN := $(call objects,guest)
OWNER_MAIN := $(call objects,owner)
# The stub is a program of its own.
GUEST_OBJ := $(filter-out %/stub.o,$(call objects,base conf source source/kbs rescue disk volume rootfs \
	boot init))
OWNER_OBJ := $(call objects,owner/*)
BROKER_OBJ := $(filter-out %/main.o,$(call objects,broker))
GUEST_LIB := $(BUILD)/coco-unlock.a
OWNER_LIB := $(BUILD)/coco-secret.a
BROKER_LIB := $(BUILD)/coco-unlock-broker.a
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/test/%,$(wildcard tests/unit/*/*.c tests/unit/*/*/*.c))
MAN := $(patsubst src/man/%.scd,$(BUILD)/man/%,$(wildcard src/man/*.scd))

# V=1 shows whole commands.
ifneq ($(V),1)
Q := @
say = @printf '  %-8s %s\n' '$(1)' '$(2)'
endif

#: all              the programs and their man pages (default)
all: $(BUILD)/coco-unlock $(BUILD)/coco-unlock-broker $(BUILD)/coco-secret $(BUILD)/coco-init man

.DELETE_ON_ERROR:

$(BUILD)/coco-unlock: $(GUEST_MAIN) $(GUEST_LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/coco-secret: $(OWNER_MAIN) $(OWNER_LIB) $(GUEST_LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(OWNER_LDLIBS)

# The only program that knows TLS; of the rest it has what is needed to speak with the other one.
$(BUILD)/coco-unlock-broker: $(BUILD)/broker/main.o $(BROKER_LIB) $(GUEST_LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(BROKER_LDLIBS)

# No library, no loader, and nothing that a library would have to bring.
$(BUILD)/coco-init: src/init/stub.c src/base/paths.h Makefile | $(BUILD)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -Isrc $(WARNINGS) -O2 -ffreestanding -fno-stack-protector -fcf-protection=none -fno-pie \
		-nostdlib -static -no-pie -s -Wl,--build-id=none -Wl,-z,noexecstack -o $@ $<

$(GUEST_LIB): $(GUEST_OBJ)
$(OWNER_LIB): $(OWNER_OBJ)
$(BROKER_LIB): $(BROKER_OBJ)

# Made anew each time: an object whose source is gone must not stay.
%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$(BUILD)/owner/%.o: src/owner/%.c Makefile | $(BUILD)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(OWNER_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: src/%.c Makefile | $(BUILD)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Secrets pass through these registers: clear them on return.
$(BUILD)/base/secret.o: HARDENING += $(ZERO_REGISTERS)

$(BUILD)/test/owner/%: tests/unit/owner/%.c tests/lib/tap.h $(OWNER_LIB) $(GUEST_LIB) | $(BUILD)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(OWNER_CFLAGS) -MMD -MP -Itests/lib $(ALL_LDFLAGS) -o $@ $< \
		$(OWNER_LIB) $(GUEST_LIB) $(OWNER_LDLIBS)

$(BUILD)/test/broker/%: tests/unit/broker/%.c tests/lib/tap.h $(BROKER_LIB) $(GUEST_LIB) | $(BUILD)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -Itests/lib $(ALL_LDFLAGS) -o $@ $< \
		$(BROKER_LIB) $(GUEST_LIB) $(BROKER_LDLIBS)

$(BUILD)/test/%: tests/unit/%.c tests/lib/tap.h $(GUEST_LIB) | $(BUILD)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -Itests/lib $(ALL_LDFLAGS) -o $@ $< $(GUEST_LIB) $(LDLIBS)

# coco-unlock itself, and sessions alone, on a machine whose platform makes reports.
$(BUILD)/attesting: tests/lib/attesting.c tests/lib/fake_platform.h tests/lib/fake_tsm.h $(GUEST_MAIN) $(GUEST_LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/lib $(ALL_LDFLAGS) -o $@ $< $(GUEST_MAIN) $(GUEST_LIB) $(LDLIBS)

$(BUILD)/sessions: tests/lib/sessions.c tests/lib/fake_platform.h tests/lib/fake_tsm.h $(GUEST_LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -Itests/lib $(ALL_LDFLAGS) -o $@ $< $(GUEST_LIB) $(LDLIBS)

$(BUILD)/bench/%: tests/bench/%.c $(GUEST_LIB) | $(BUILD)/bench
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP $(ALL_LDFLAGS) -o $@ $< $(GUEST_LIB) $(LDLIBS)

# A fuzz target is one file. libFuzzer brings its own main().
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/driver.c,$(wildcard tests/fuzz/*.c)))
FUZZ_PROGRAMS := $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
FUZZ_LIBS := $(OWNER_LIB) $(BROKER_LIB) $(GUEST_LIB)
FUZZ_DRIVER := $(if $(filter fuzzer,$(FUZZ)),,$(BUILD)/fuzz/driver.o)

$(BUILD)/fuzz/driver.o: tests/fuzz/driver.c Makefile | $(BUILD)/fuzz
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_DRIVER) $(FUZZ_LIBS) | $(BUILD)/fuzz
	$(call say,CC,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(OWNER_CFLAGS) -MMD -MP -Itests/lib $(ALL_LDFLAGS) -o $@ $< $(FUZZ_DRIVER) \
		$(FUZZ_LIBS) $(OWNER_LDLIBS) $(BROKER_LDLIBS)

$(BUILD) $(BUILD)/bench $(BUILD)/fuzz: | needs-build
$(BUILD)/man: | needs-man
$(BUILD) $(BUILD)/bench $(BUILD)/fuzz $(BUILD)/man:
	mkdir -p $@

# Says what is missing to build, and the Debian package that has it, in place of a compiler's errors.
needs-build needs-man: needs-%:
	@CC='$(CC)' PKG_CONFIG='$(PKG_CONFIG)' tests/needs.sh $*

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d $(BUILD)/*/*/*/*.d)

#: man              the man pages alone
man: $(MAN)

$(BUILD)/man/%: src/man/%.scd | $(BUILD)/man
	$(call say,MAN,$@)
	$(Q)scdoc < $< > $@

# The kernel module, out of tree so that the sources stay clean.
MODULE_BUILD = $(BUILD)/module-$(KVER)

#: module           coco_secret.ko for KVER= (KDIR= headers)
module:
	@[ -d $(KDIR) ] || { echo '$(KDIR) is missing: apt-get install linux-headers-$(KVER)' >&2; exit 1; }
	$(Q)mkdir -p $(MODULE_BUILD)
	$(Q)cp src/kmod/coco_secret.c src/kmod/Kbuild $(MODULE_BUILD)/
	$(MAKE) -C $(KDIR) M=$(abspath $(MODULE_BUILD)) modules

#: install-module   coco_secret.ko to DESTDIR/lib/modules/KVER/updates
# For image builders: only the module itself goes to DESTDIR, no compiler and no key.
install-module: module
	$(INSTALL) -D -m 0644 $(MODULE_BUILD)/coco_secret.ko \
		$(DESTDIR)/lib/modules/$(KVER)/updates/coco_secret.ko
	strip --strip-debug $(DESTDIR)/lib/modules/$(KVER)/updates/coco_secret.ko
	if [ -z "$(DESTDIR)" ]; then depmod $(KVER); fi

# For machines that build for themselves: sources where dkms finds them.
DKMS_SRC = $(DESTDIR)/usr/src/coco-unlock-module-$(VERSION)

#: install-dkms     sources of coco_secret for dkms
install-dkms:
	$(INSTALL) -D -m 0644 -t $(DKMS_SRC) src/kmod/coco_secret.c src/kmod/Kbuild
	sed 's/@VERSION@/$(VERSION)/' src/kmod/dkms.conf > $(DKMS_SRC)/dkms.conf

UNITS := coco-unlock.service coco-unlock-abort.service coco-unlock-verify-root.service \
	coco-unlock-verify-mounts.service coco-unlock-generation.service coco-unlock-network.service
DRACUT_MODULES := 50coco-unlock 99zz-coco-unlock-check

# NOSTRIP=1 keeps the debug data, for packages that split it off.
STRIP_FLAG = $(if $(filter 1,$(NOSTRIP)),,-s)

# The real root does not obey the host's disk. A file of that name in /etc that is not this one,
# a mask for instance, is the owner's: neither is it replaced, nor removed.
WRAPPER = $(DESTDIR)$(GENERATORDIR)/systemd-gpt-auto-generator
WRAPPER_IS_OURS = [ ! -L $(WRAPPER) ] && \
	grep -qs "^. systemd-gpt-auto-generator - coco-unlock's wrapper" $(WRAPPER)
SHUTDOWN_D = $(DESTDIR)$(UNITDIR)/dracut-shutdown.service.d

install-real-root:
	$(INSTALL) -D -m 0644 units/dracut-shutdown.conf $(SHUTDOWN_D)/50-coco-unlock.conf
	if { [ -e $(WRAPPER) ] || [ -L $(WRAPPER) ]; } && ! { $(WRAPPER_IS_OURS); }; then \
		echo "$(WRAPPER): not ours, it stays as it is; see 'coco-unlock check'"; \
	else \
		$(INSTALL) -D -m 0755 -t $(DESTDIR)$(GENERATORDIR) units/systemd-gpt-auto-generator; fi

#: install          to DESTDIR, below PREFIX=/usr
install: all install-real-root
	$(INSTALL) -D $(STRIP_FLAG) -m 0755 $(BUILD)/coco-unlock $(DESTDIR)$(BINDIR)/coco-unlock
	$(INSTALL) -D $(STRIP_FLAG) -m 0755 $(BUILD)/coco-secret $(DESTDIR)$(BINDIR)/coco-secret
	$(INSTALL) -D -m 0755 $(BUILD)/coco-init $(DESTDIR)$(LIBDIR)/init
	$(INSTALL) -D $(STRIP_FLAG) -m 0755 -t $(DESTDIR)$(LIBDIR) $(BUILD)/coco-unlock-broker
	$(INSTALL) -D -m 0755 mkinitramfs/coco-mkinitramfs $(DESTDIR)$(BINDIR)/coco-mkinitramfs
	for hook in postinst postrm; do $(INSTALL) -D -m 0755 -t $(DESTDIR)$(KERNELDIR)/$$hook.d \
		mkinitramfs/$$hook.d/zz-coco-mkinitramfs || exit 1; done
	$(INSTALL) -D -m 0644 src/owner/completion.bash $(DESTDIR)$(COMPLETIONDIR)/coco-secret
	$(INSTALL) -D -m 0644 mkinitramfs/completion.bash $(DESTDIR)$(COMPLETIONDIR)/coco-mkinitramfs
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)
	for u in $(UNITS); do \
		sed 's|=/usr/bin/|=$(BINDIR)/|' units/$$u > $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	$(INSTALL) -d $(DESTDIR)$(UNITDIR)/multi-user.target.wants
	ln -sfn ../coco-unlock-generation.service \
		$(DESTDIR)$(UNITDIR)/multi-user.target.wants/coco-unlock-generation.service
	for m in $(DRACUT_MODULES); do \
		$(INSTALL) -D -m 0755 -t $(DESTDIR)$(DRACUTDIR)/$$m dracut/$$m/*.sh || exit 1; done
	$(INSTALL) -D -m 0644 -t $(DESTDIR)$(DRACUTDIR)/50coco-unlock dracut/50coco-unlock/coco-unlock.network
	$(INSTALL) -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/coco-unlock conf/coco-unlock.conf conf/cocotab
	$(INSTALL) -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/coco-unlock/trustee conf/trustee/*
	for m in $(MAN); do \
		$(INSTALL) -D -m 0644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/} || exit 1; done

#: uninstall        what install has put there
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/coco-unlock $(DESTDIR)$(BINDIR)/coco-secret $(DESTDIR)$(BINDIR)/coco-mkinitramfs
	rm -f $(DESTDIR)$(LIBDIR)/init $(DESTDIR)$(LIBDIR)/coco-unlock-broker
	rm -f $(DESTDIR)$(COMPLETIONDIR)/coco-secret $(DESTDIR)$(COMPLETIONDIR)/coco-mkinitramfs
	rm -f $(DESTDIR)$(KERNELDIR)/postinst.d/zz-coco-mkinitramfs $(DESTDIR)$(KERNELDIR)/postrm.d/zz-coco-mkinitramfs
	rm -rf $(DKMS_SRC)
	rm -f $(UNITS:%=$(DESTDIR)$(UNITDIR)/%) \
		$(DESTDIR)$(UNITDIR)/multi-user.target.wants/coco-unlock-generation.service
	rm -f $(SHUTDOWN_D)/50-coco-unlock.conf
	if [ -d $(SHUTDOWN_D) ]; then rmdir --ignore-fail-on-non-empty $(SHUTDOWN_D); fi
	if $(WRAPPER_IS_OURS); then rm -f $(WRAPPER); fi
	rm -rf $(DRACUT_MODULES:%=$(DESTDIR)$(DRACUTDIR)/%) $(DESTDIR)$(PREFIX)/share/doc/coco-unlock
	for m in $(MAN); do rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done

#: clean            removes what was built
clean:
	rm -rf $(BUILD)

#: deps             install what building, testing and the lab need (Debian 12, 13 and testing; root)
deps:
	@missing=$$(for p in $$(tests/needs.sh --packages); do \
		dpkg-query -W -f '$${Status}' $$p 2> /dev/null | grep -q 'ok installed' || echo $$p; \
	done); \
	[ -z "$$missing" ] || { apt-get update && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing; }

# These install what they need where they may: demo, bench, and check, but not check-fast.
ifeq ($(shell id -u),0)
NEEDS_DEPS := deps
endif

# Of Debian: another interpreter that comes first in PATH does not have what `make deps` installs.
LAB := /usr/bin/python3 tests/vm/lab.py
LAB_FLAGS := $(if $(CI),--skip-as-fail)

#: tests            builds the programs and their unit tests
tests: $(BUILD)/coco-unlock $(BUILD)/coco-unlock-broker $(BUILD)/coco-secret $(BUILD)/coco-init \
	$(BUILD)/attesting $(BUILD)/sessions $(UNIT_TESTS) $(FUZZ_PROGRAMS)

#: lint             the house rules that a search can check
lint:
	tests/lint.sh

# Begun first, or it runs alone at the end.
SLOWEST := tests/cli/owner/encrypt.t

# What needs a program that is missing is skipped, unless this is continuous integration.
MAN_TOO := $(if $(CI)$(shell command -v scdoc 2> /dev/null),man)

#: check-fast       tests without root, about two minutes on two cores
check-fast:
	@tests/needs.sh prove
	@tests/needs.sh man test || echo 'what needs it $(if $(CI),fails,is skipped)'
	$(MAKE) $(if $(findstring -j,$(MAKEFLAGS)),,-j2) tests $(MAN_TOO)
	COCO_UNLOCK=$(BUILD)/coco-unlock COCO_SECRET=$(BUILD)/coco-secret COCO_FUZZ=$(BUILD)/fuzz \
		prove -v -j2 --exec 'tests/needs.sh --run' $(SLOWEST) $(UNIT_TESTS) \
			$(filter-out $(SLOWEST),$(wildcard tests/cli/*.t tests/cli/*/*.t)) \
			tests/fuzz/smoke.t tests/lint.sh

# That with all forged headers before both, the guest's program and coco-secret verify, and the
# real boots, every claim once; check-full: every case in every guest.
check check-full: export COCO_ALL_MUTANTS = 1

#: check            check-fast and the real boots, every claim once
#: check-full       every case in every guest
check check-full: $(NEEDS_DEPS)
	$(MAKE) check-fast
	tests/vm/module.py
	$(LAB) run $(if $(filter check-full,$@),--full) $(LAB_FLAGS)

# What libFuzzer finds stays in $(BUILD)/corpus, where the next run begins.
FUZZ_SECONDS := 60
FUZZ_JOBS := 1
FUZZ_ONLY := $(FUZZ_TARGETS)

#: fuzz             libFuzzer on each parser for FUZZ_SECONDS=60, FUZZ_JOBS=1 at once, FUZZ_ONLY=these
fuzz:
	@tests/needs.sh fuzz
	$(MAKE) FUZZ=fuzzer fuzz-programs
	tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_JOBS) $(BUILD)/fuzzer/fuzz $(BUILD)/corpus $(FUZZ_ONLY)
	$(MAKE) fuzz-coverage

#: fuzz-coverage    what the inputs that were found reach, and the lines that none reaches
fuzz-coverage:
	@tests/needs.sh fuzz
	$(MAKE) FUZZ=coverage fuzz-programs
	tests/fuzz/coverage.py $(BUILD)/coverage/fuzz $(BUILD)/corpus $(FUZZ_ONLY)

fuzz-programs: $(FUZZ_PROGRAMS)

#: demo             real boots of a stock Debian kernel in both kinds of initramfs, shown as time lines
demo: $(NEEDS_DEPS)
	$(LAB) demo

#: bench            compare with cryptsetup and curl in one guest, and boots in each kind of initramfs
# The processor time of the checks, outside emulation; then side by side with cryptsetup, and with curl, in a guest;
# then boots.
bench: $(NEEDS_DEPS)
	$(MAKE) $(BUILD)/bench/cost
	truncate -s 32M $(BUILD)/bench/volume
	head -c 32 /dev/zero | cryptsetup luksFormat -q --type luks2 --disable-locks --key-file - \
		--pbkdf pbkdf2 --pbkdf-force-iterations 1000 $(BUILD)/bench/volume
	mkdir -p $(BUILD)/bench/tree/dev/mapper && touch $(BUILD)/bench/tree/dev/mapper/control
	$(BUILD)/bench/cost $(BUILD)/bench/volume $(BUILD)/bench/tree
	$(MAKE) $(BUILD)/coco-secret
	COCO_SECRET=$(BUILD)/coco-secret tests/bench/encrypt.sh
	$(MAKE) $(BUILD)/coco-unlock $(BUILD)/coco-unlock-broker $(BUILD)/attesting
	COCO_UNLOCK=$(BUILD)/coco-unlock tests/bench/kbs.py
	$(LAB) bench

#: help             this list
help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))
	@printf '%s\n' '' \
		'V=1 shows whole commands, WERROR=1 makes warnings errors, SANITIZE=1 builds with' \
		'sanitizers, NOSTRIP=1 installs with debug data.'

.PHONY: install-real-root needs-build needs-man fuzz-programs \
	$(shell sed -n 's/^\#: \([a-z-]*\).*/\1/p' $(firstword $(MAKEFILE_LIST)))
