# Ramus. `make help` lists the targets. Objects and dependencies live under build/VARIANT/.
VARIANT ?= release
PREFIX  ?= /usr/local
CC      ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif

OUT := build/$(VARIANT)
BIN_release := build/ramus
BIN := $(or $(BIN_$(VARIANT)),$(OUT)/ramus)
LIB := $(OUT)/libramus.so

PACKAGES      := luajit libpng libjpeg jansson libedit zlib
# Not linked: core/library/dl.c opens them when they are needed.
PACKAGES_LATE := libcurl libarchive libcrypto libtiff-4 libgif libwebp charls libopenjp2 libprotobuf-c libmicrohttpd
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES) $(PACKAGES_LATE))
PKG_LIBS   = $(shell pkg-config --libs $(PACKAGES)) -ldl

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wvla
ifneq ($(findstring clang,$(shell $(CC) --version)),clang)
WARN += -Wno-format-truncation # a message that is cut is still a message
endif
CFLAGS ?= -O2 -g
FLAGS_release :=
FLAGS_double  := -DRA_DOUBLE
FLAGS_fuzz    := -Wno-pass-failed -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan    := -fsanitize=thread -fno-omit-frame-pointer
FLAGS_asan    := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# Against memory errors, everywhere but in the kernels, whose loops touch no memory that a file describes: checked copies, stack protector; the
# table of functions is read-only once the program has started.
HARDEN_release := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
ifneq ($(shell uname -s),Darwin)
LINK_release := -Wl,-z,relro,-z,now -Wl,-z,noexecstack
LINK_stays   := -Wl,-z,nodelete
endif
HARDEN = $(if $(filter -O0,$(CFLAGS)),,$(HARDEN_$(VARIANT)))
ALL_CFLAGS = -std=c11 $(WARN) $(CFLAGS) -fPIC -fopenmp-simd $(FLAGS_$(VARIANT)) $(PKG_CFLAGS) -MMD -MP
LIBS = $(PKG_LIBS) -lm -lpthread

# Kernels: every file once per instruction set; products may be contracted to fused multiply-adds there,
# and loops may be vectorised although errno and floating-point exception flags differ (values do not).
KERNEL_ONCE := core/kernel/kernel.c
KERNEL_SRC  := $(filter-out $(KERNEL_ONCE),$(wildcard core/kernel/*.c))
CORE_SRC    := $(filter-out $(KERNEL_SRC),$(wildcard core/*/*.c))
KERNEL_CFLAGS := -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math
ISA_generic :=
ISA_avx2    := -mavx2 -mfma
ISA_avx512  := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
ISA_neon    := -DRA_NEON
MACHINE  := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
ISA_LIST := generic $(if $(filter double fuzz,$(VARIANT)),,$(if $(filter x86_64,$(MACHINE)),avx2 avx512) $(if $(filter aarch64 arm64,$(MACHINE)),neon))
ISA_HAVE := $(foreach isa,generic avx2 avx512 neon,-DRA_HAVE_$(isa)=$(if $(filter $(isa),$(ISA_LIST)),1,0))

KERNEL_OBJ := $(foreach isa,$(ISA_LIST),$(KERNEL_SRC:%.c=$(OUT)/%.$(isa).o))
PROTO      := $(OUT)/core/export/onnx.pb-c
CORE_OBJ   := $(CORE_SRC:%.c=$(OUT)/%.o) $(PROTO).o $(KERNEL_OBJ)
MAIN_OBJ   := $(OUT)/lua/main.o $(OUT)/lua/line.o

# JPEG of 12 bits and lossless JPEG in DICOM files: a shared object in C++, where a compiler and libgdcm-dev are.
CXX ?= g++
GDCM := $(lastword $(sort $(wildcard /usr/include/gdcm-3* /usr/local/include/gdcm-3*)))
GDCM_SO := $(if $(and $(wildcard $(GDCM)/gdcmJPEGCodec.h),$(shell command -v $(CXX))),$(OUT)/ramus_gdcm.so)

# A build that another target starts uses all processors, unless make was told how many.
BUILD = $(MAKE) --no-print-directory $(if $(findstring j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2)) build

.DEFAULT_GOAL := all
.PHONY: all build lib help setup test test-all rehash ci lint analyze tidy asan tsan valgrind test-arm64 fuzz corpora gradcheck chaos oom demo docs bench dist install install-lib uninstall deb rockspec install-rock clean

all: setup       ## install what is missing, build build/ramus
	+@$(BUILD)
build: $(BIN) $(LIB) $(GDCM_SO)
lib: $(LIB)

setup:           ## install missing packages (Debian, Ubuntu); elsewhere name them
	@.ci/setup

$(BIN): $(CORE_OBJ) $(MAIN_OBJ)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(CC) $(CFLAGS) $(FLAGS_$(VARIANT)) -pie $(LINK_$(VARIANT)) -rdynamic -o $@.new $^ $(LIBS)
	@mv $@.new $@

$(LIB): $(CORE_OBJ)
	@mkdir -p $(@D)
	@echo "LD $@"
	@$(CC) $(CFLAGS) $(FLAGS_$(VARIANT)) -shared $(LINK_$(VARIANT)) $(LINK_stays) -o $@.new $^ $(LIBS)
	@mv $@.new $@

$(OUT)/ramus_gdcm.so: core/dicom/gdcm.cpp core/library/gdcm.h
	@mkdir -p $(@D)
	@echo "CXX $@"
	@$(CXX) -std=c++17 -Wall -Wextra -O2 -g -fPIC -shared -isystem $(GDCM) -o $@.new $< -lgdcmMSFF -lgdcmDSED -lgdcmCommon
	@mv $@.new $@

# What is built, for `ramus --version` and the record of a run. Looked at in every run of make, written only when it changes.
VERSION := 0.1.0
KERNEL_SOURCES := $(sort $(wildcard core/kernel/*)) core/base/random.h core/base/random.c
GIT = git -C $(CURDIR) --git-dir=$(CURDIR)/.git
DESCRIBE_COMMIT = { $(GIT) describe --always --exclude='*' --abbrev=12 --dirty || sed -n 2p dist-info || echo unknown; } 2>/dev/null
DESCRIBE_VERSION = { $(GIT) describe --tags --match 'v[0-9]*' || sed -n 1p dist-info || echo $(VERSION); } 2>/dev/null
$(OUT)/build_info.h: FORCE
	@mkdir -p $(@D)
	@{ commit=$$($(DESCRIBE_COMMIT)); version=$$($(DESCRIBE_VERSION)); \
	kernels=$$({ cat $(KERNEL_SOURCES); echo '$(CFLAGS) $(FLAGS_$(VARIANT)) $(KERNEL_CFLAGS) $(ISA_LIST)'; $(CC) --version; } | sha256sum); \
	echo "#define RA_BUILD_VERSION \"$${version#v}\""; \
	echo "#define RA_BUILD_COMMIT \"$$commit\""; \
	echo "#define RA_BUILD_KERNELS \"$$(echo "$$kernels" | cut -c1-12)\""; } > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(OUT)/core/base/build.o: $(OUT)/build_info.h core/api.h
$(OUT)/core/base/build.o: ALL_CFLAGS += -I$(OUT)
.PHONY: FORCE
FORCE:

# One rule per instruction set for the kernels, then the rule for everything else.
define kernel_rule
$(OUT)/core/kernel/%.$(1).o: core/kernel/%.c
	@mkdir -p $$(@D)
	@echo "CC $$< ($(1))"
	@$$(CC) $$(ALL_CFLAGS) $$(KERNEL_CFLAGS) $$(ISA_$(1)) -DRA_ISA=$(1) -c -o $$@ $$<
endef
$(foreach isa,$(ISA_LIST),$(eval $(call kernel_rule,$(isa))))

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) $(ALL_CFLAGS) $(HARDEN) $(if $(filter core/kernel/kernel.c,$<),$(ISA_HAVE)) -c -o $@ $<

# The messages of an ONNX file in C, from their description.
$(PROTO).c $(PROTO).h &: core/export/onnx.proto
	@mkdir -p $(@D)
	@echo "PROTOC $<"
	@protoc-c -I $(<D) -I $(shell pkg-config --variable=includedir libprotobuf-c) --c_out=$(@D) $<
$(PROTO).o: $(PROTO).c
	@echo "CC $<"
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(OUT)/core/export/%.o: ALL_CFLAGS += -I$(OUT)/core/export
$(patsubst %.c,$(OUT)/%.o,$(wildcard core/export/*.c)): $(PROTO).h

-include $(CORE_OBJ:.o=.d) $(MAIN_OBJ:.o=.d)

test: all        ## set up, build, run every test; last line: N passed, N failed; ONLY=PART of a file's name
	+@$(BUILD) VARIANT=double
	@$(BIN) run tests/run.lua $(ONLY)

test-all: all    ## make test with all tools, and what takes longer: whole trainings, a clone, times
	@.ci/setup test
	+@$(BUILD) VARIANT=double
	@RAMUS_TEST_ALL=1 $(BIN) run tests/run.lua

rehash: build    ## renew tests/bits/hashes.json; where hashes change: WHY="what changed the bits"
	@WHY="$(WHY)" ONLY="$(ONLY)" $(BIN) run tests/bits/rehash.lua

ci:              ## what .ci/run does: make test, then lint, sanitizers, damaged files
	@.ci/run

gradcheck:       ## gradients of every op and loss, in double precision
	@.ci/setup
	+@$(BUILD) VARIANT=double
	@build/double/ramus run tests/run.lua gradcheck

ARM64_TESTS := kernel graph loss metric ops optim test_plan tensor linear
test-arm64:      ## kernels, ops, losses and plans of a build for 64-bit ARM, under emulation (needs what .ci/arm64 names)
	@.ci/arm64 $(or $(ONLY),$(ARM64_TESTS))

# Leaks are looked for where the leak checker may attach to its own process (containers may forbid it).
asan:            ## the tests under address, leak and undefined-behaviour sanitizers
	@.ci/setup
	+@$(BUILD) VARIANT=asan
	@leaks=1; ASAN_OPTIONS=detect_leaks=1 build/asan/ramus -e '' >/dev/null 2>&1 || leaks=0; \
	ASAN_OPTIONS=detect_leaks=$$leaks:allocator_may_return_null=1 LSAN_OPTIONS=print_suppressions=0:suppressions=$(CURDIR)/.ci/lsan.supp \
	UBSAN_OPTIONS=print_stacktrace=1 RAMUS_SANITIZED=1 build/asan/ramus run tests/run.lua

# LuaJIT's own code, the libraries and what its compiler makes are not instrumented: what only they touch is not seen.
TSAN_TESTS = base kernel loader plan step fetch_several
tsan:            ## loader, thread pool, training step and transfer under ThreadSanitizer (gcc)
	@.ci/setup
	+@$(BUILD) VARIANT=tsan
	@TSAN_OPTIONS="halt_on_error=0 exitcode=66 second_deadlock_stack=1" RAMUS_SANITIZED=1 JOBS=1 RAMUS_THREADS=2 \
	  build/tsan/ramus run tests/run.lua $(or $(ONLY),$(TSAN_TESTS))

# The kernels of the plain instruction set, no OpenBLAS: Valgrind does not know AVX-512.
valgrind: all    ## memory errors of one training step, a resume, validation, scores and a prediction under Valgrind's memcheck
	@.ci/setup test
	@RAMUS_ISA=generic RAMUS_BLAS=none RAMUS_THREADS=2 valgrind -q --error-exitcode=9 $(BIN) run tests/memcheck.lua

# libFuzzer's program with every reader in it (clang).
FUZZER := build/fuzz/fuzzer
$(OUT)/fuzzer: $(CORE_OBJ) $(OUT)/tests/fuzz/fuzz.o
	@echo "LD $@"
	@$(CC) $(CFLAGS) -fsanitize=fuzzer,address,undefined -o $@.new $^ $(LIBS)
	@mv $@.new $@
-include $(OUT)/tests/fuzz/fuzz.d

SECONDS ?= 60
fuzz:            ## every reader against damaged files, under sanitizers; SECONDS=60 of all together or EACH=60 a reader, ONLY=A,B CORPUS=DIR
	@.ci/setup test
	+@$(BUILD) VARIANT=asan
	+@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang $(FUZZER)
	@build/asan/ramus run tests/fuzz/main.lua --seconds $(SECONDS) $(if $(EACH),--each $(EACH)) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(CORPUS),--corpus $(CORPUS))

corpora:         ## tests/fuzz/corpus anew, from build/fuzz/corpus: the least that reaches as much (after make fuzz)
	@build/ramus run tests/fuzz/corpora.lua $(CORPUS)

chaos: all       ## training, fetch and prediction stopped and failed at every system call that changes state (strace); CHAOS="--only train --every 7"
	@.ci/setup test
	@$(BIN) run tests/chaos/main.lua $(CHAOS)

oom: all         ## every allocation of every function of core/api.h fails once
	@$(BIN) run tests/run.lua oom

CPPCHECK := cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j2 \
  -I core -DRA_ISA=avx512 --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches
lint:            ## luacheck, cppcheck, gcc -fanalyzer and clang-tidy (.clang-tidy) over every file
	@.ci/setup test
	luacheck -q lua recipes datasets tests $(wildcard docs)
	$(CPPCHECK) core lua
	+@$(BUILD:build=analyze)
	+@$(BUILD:build=tidy)

# gcc's -fanalyzer, and clang-tidy, one file a process; a file is looked at again when it or a header that it includes has changed.
ANALYZED := $(patsubst %.c,build/analyzed/%.ok,$(sort $(CORE_SRC) $(KERNEL_SRC) lua/main.c lua/line.c))
ANALYZE = -std=c11 -Wall -Wextra -Wno-format-truncation -Wno-unknown-pragmas -fPIC -I$(OUT) -I$(OUT)/core/export -DRA_ISA=generic $(ISA_HAVE) $(PKG_CFLAGS)
analyze: $(ANALYZED)
build/analyzed/%.ok: %.c | $(OUT)/build_info.h $(PROTO).h
	@mkdir -p $(@D)
	@echo "ANALYZE $<"
	@gcc $(ANALYZE) -O1 -fanalyzer -Werror -MMD -MP -MT $@ -MF $(@:.ok=.d) -c -o /dev/null $<
	@touch $@
-include $(ANALYZED:.ok=.d)

tidy: $(ANALYZED:.ok=.tidy)
build/analyzed/%.tidy: %.c build/analyzed/%.ok .clang-tidy
	@echo "TIDY $<"
	@clang-tidy --quiet $< -- $(ANALYZE) 2>$@.said || { cat $@.said; exit 1; }
	@touch $@

demo: all        ## train a segmenter on synthetic angiograms, score it, draw it: under 5 minutes
	@$(BIN) demo

docs: all        ## build/site/index.html: all documents as a site of files, with a search (pandoc, libjs-lunr)
	@.ci/setup docs
	@$(BIN) run docs/site/make.lua build/site

bench: all       ## training and inference against PyTorch and ONNX Runtime, which it installs; BENCH="--only ROW --rounds N"
	@$(BIN) run tests/bench/main.lua $(BENCH)

SHARE = $(DESTDIR)$(PREFIX)/share/ramus
SHELLS = bash-completion/completions zsh/site-functions fish/vendor_completions.d man/man1
HEADERS = $(DESTDIR)$(PREFIX)/include/ramus
PC = $(DESTDIR)$(PREFIX)/lib/pkgconfig
install: all     ## PREFIX=/usr/local: executable, library, headers, ramus.pc, share/ramus, manual page, completions
	@$(MAKE) --no-print-directory install-lib
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/lua $(SHARE)/core
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/ramus
	install -m 644 core/api.h $(SHARE)/core/api.h
	cp -r lua/ramus $(SHARE)/lua/
	cp -r recipes datasets docs $(SHARE)/
	install -d $(SHELLS:%=$(DESTDIR)$(PREFIX)/share/%)
	$(BIN) completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ramus
	$(BIN) completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_ramus
	$(BIN) completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ramus.fish
	$(BIN) completion man >$(DESTDIR)$(PREFIX)/share/man/man1/ramus.1

install-lib: $(LIB) $(GDCM_SO) ## what a program in C needs: lib/libramus.so, include/ramus, ramus.pc
	install -d $(DESTDIR)$(PREFIX)/lib $(HEADERS) $(PC)
	install -m 755 $(LIB) $(DESTDIR)$(PREFIX)/lib/libramus.so
	install -m 644 core/ramus.h core/api.h $(HEADERS)
	$(if $(GDCM_SO),install -d $(DESTDIR)$(PREFIX)/lib/ramus && install -m 755 $(GDCM_SO) $(DESTDIR)$(PREFIX)/lib/ramus/)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include/ramus' '' 'Name: ramus' \
	  'Description: image segmentation, trained models for programs in C' 'Version: $(VERSION)' \
	  'Cflags: -I$${includedir}$(if $(filter double,$(VARIANT)), -DRA_DOUBLE)' 'Libs: -L$${libdir} -lramus' >$(PC)/ramus.pc

# What install made, and nothing else: data, cache and runs are the user's.
uninstall:       ## take away what make install put below PREFIX; says where data and cache lie
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/ramus lib/libramus.so lib/ramus/ramus_gdcm.so include/ramus/ramus.h include/ramus/api.h \
	  lib/pkgconfig/ramus.pc share/bash-completion/completions/ramus share/zsh/site-functions/_ramus \
	  share/fish/vendor_completions.d/ramus.fish share/man/man1/ramus.1)
	rm -rf $(SHARE)
	@rmdir $(DESTDIR)$(PREFIX)/lib/ramus $(HEADERS) 2>/dev/null || true
	@echo "left as they are: data sets in $${RAMUS_DATA:-$${XDG_DATA_HOME:-$$HOME/.local/share}/ramus}, the cache in" \
	  "$${XDG_CACHE_HOME:-$$HOME/.cache}/ramus, the prompt's history in $${XDG_STATE_HOME:-$$HOME/.local/state}/ramus, and your runs/"
	@echo "delete the first two yourself, or with a ramus that is still built: build/ramus gc --all lists them with their bytes, --yes deletes them"

# What is committed, and in dist-info what git knows of it: where there is no git, the build reads its version and commit there.
DIST = ramus-$(shell $(DESCRIBE_VERSION) | sed 's/^v//')
dist:            ## build/ramus-VERSION.tar.gz: the sources that are committed, to build without git
	@$(GIT) diff --quiet HEAD || { echo "make dist: there are changes that are not committed; commit them, or they would not be in it" >&2; exit 1; }
	@mkdir -p build
	@printf '%s\n%s\n' "$$($(DESCRIBE_VERSION))" "$$($(DESCRIBE_COMMIT))" >build/dist-info
	@$(GIT) archive --format=tar --prefix=$(DIST)/ --add-file=build/dist-info HEAD | gzip -9n >build/$(DIST).tar.gz.new
	@mv build/$(DIST).tar.gz.new build/$(DIST).tar.gz
	@rm build/dist-info
	@echo build/$(DIST).tar.gz

# A package for the Debian (or Ubuntu) that builds it; what it depends on is asked of dpkg.
deb: all         ## build/ramus_VERSION_ARCH.deb
	@rm -rf build/deb
	@$(MAKE) --no-print-directory install DESTDIR=$(CURDIR)/build/deb PREFIX=/usr >/dev/null
	@.ci/deb $(VERSION) build/deb build

# For luarocks: modules and library below LUADIR; the command is not part of it.
ROCK = build/ramus-$(VERSION)-1.rockspec
rockspec: all    ## build/ramus-VERSION-1.rockspec; luarocks --lua-version 5.1 make FILE builds and installs the module
	@.ci/rockspec $(VERSION) >$(ROCK)
	@echo $(ROCK)
install-rock: build
	install -d $(LUADIR)/ramus
	cp -r lua/ramus/. $(LUADIR)/ramus/
	cp -r datasets recipes $(LUADIR)/ramus/
	install -m 644 core/api.h $(LUADIR)/ramus/api.h
	install -m 755 $(LIB) $(LUADIR)/ramus/libramus.so

clean:           ## remove build/
	rm -rf build

help:            ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
