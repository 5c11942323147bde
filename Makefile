# The build. configure writes config.mk (what this machine has); this file is the program and is never generated.
# make help lists the targets. V=1 shows commands, VARIANT=asan|tsan|coverage|fuzz builds into a folder of its own,
# DEVELOPER=1 turns warnings into errors.
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The modules, lowest first: a module includes only itself and modules before it (make check proves it).
# CORE is pure: no sockets, files, threads or clocks; libcore.a links with fmt, libcrypto, libidn2 and libpcre2 alone.
CORE  = base address mtasts dane facts assess rules allow binding mta
WORLD = metrics resolve store gate milter socketmap exporter control report conf
MODULES = $(CORE) $(WORLD) cmd

srcdir = .
CXX = $(error not configured yet. Run: $(if $(wildcard configure),./configure,autoreconf -i && ./configure))
-include config.mk

VARIANT = release
B = build/$(VARIANT)

all: programs ## build surehopd and surehop (the default)

# ---- flags ----------------------------------------------------------------------------------------------------------
SANITIZE = -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS
# Sanitizers' reports want lines, not variables: -g1 after -g, and no more optimising than they run well with, since what
# they instrument takes g++ three times as long to optimise.
flags.release  =
flags.asan     = -Og -g1 $(SANITIZE) -fsanitize=address,undefined -fno-sanitize-recover=all
# g++ warns of fences that TSan does not see (in Asio); clang does not know that warning.
flags.tsan     = -O1 -g1 $(SANITIZE) -fsanitize=thread -Wno-unknown-warning-option -Wno-tsan
flags.coverage = -O0 -g -D_GLIBCXX_ASSERTIONS --coverage
flags.fuzz     = -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(origin flags.$(VARIANT)),undefined)
$(error VARIANT=$(VARIANT) is not one of: release asan tsan coverage fuzz)
endif

# g++ 12 takes the operator delete of Asio's coroutine frames for one that does not fit; it does.
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wno-mismatched-new-delete $(QUIET) \
    $(if $(DEVELOPER),-Werror)
FOREIGN_CFLAGS = $(patsubst -I%,-isystem %,$(FMT_CFLAGS) $(CRYPTO_CFLAGS) $(IDN2_CFLAGS) $(PCRE2_CFLAGS) $(JSON_CFLAGS) $(ARES_CFLAGS) \
    $(CURL_CFLAGS) $(SSL_CFLAGS) $(SQLITE_CFLAGS) $(TOML_CFLAGS) $(SPDLOG_CFLAGS) $(CLI11_CFLAGS) $(MILTER_CFLAGS) $(MHD_CFLAGS)) $(ASIO_CFLAGS)
PLACES = -DSUREHOP_VERSION='"$(VERSION)"' -DSUREHOP_SYSCONFDIR='"$(sysconfdir)"' \
    -DSUREHOP_LOCALSTATEDIR='"$(localstatedir)"' -DSUREHOP_RUNSTATEDIR='"$(runstatedir)"'
ALL_CXXFLAGS = -std=c++20 -pthread $(WARNINGS) -I$(srcdir)/src $(FOREIGN_CFLAGS) $(PLACES) $(CPPFLAGS) $(CXXFLAGS) $(flags.$(VARIANT))
TEST_CXXFLAGS = -I$(srcdir)/tests $(GTEST_CFLAGS)
CORE_LIBS  = $(FMT_LIBS) $(CRYPTO_LIBS) $(IDN2_LIBS) $(PCRE2_LIBS)
WORLD_LIBS = $(MILTER_LIBS) $(MHD_LIBS) $(ARES_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(SQLITE_LIBS) $(TOML_LIBS) $(SPDLOG_LIBS) $(CORE_LIBS)

ifeq ($(V),1)
quiet = $(1)
else
quiet = @printf '  %-7s %s\n' '$(2)' '$(3)'; $(1)
endif

# ---- what there is --------------------------------------------------------------------------------------------------
sources = $(patsubst $(srcdir)/%,%,$(sort $(wildcard $(1:%=$(srcdir)/%))))
objects = $(patsubst %.cpp,$(B)/%.o,$(call sources,$(1)))

CORE_OBJ  := $(call objects,$(CORE:%=src/%/*.cpp))
WORLD_OBJ := $(call objects,$(WORLD:%=src/%/*.cpp))
DAEMON_OBJ := $(call objects,src/cmd/surehopd*.cpp)
CLI_OBJ    := $(filter-out $(DAEMON_OBJ),$(call objects,src/cmd/surehop*.cpp))
COMMON_OBJ := $(filter-out $(DAEMON_OBJ) $(CLI_OBJ),$(call objects,src/cmd/*.cpp))
LIBS_MADE = $(B)/libworld.a $(B)/libcore.a
PROGRAMS := $(if $(DAEMON_OBJ),$(B)/surehopd) $(if $(CLI_OBJ),$(B)/surehop)

TEST_MAIN = $(B)/tests/main.o
TEST_CORE_OBJ  := $(call objects,$(CORE:%=tests/unit/%/*.cpp))
TEST_WORLD_OBJ := $(call objects,$(WORLD:%=tests/unit/%/*.cpp) tests/unit/cmd/*.cpp)
SUPPORT_OBJ    := $(call objects,tests/support/*.cpp)
SCENARIO_OBJ   := $(call objects,tests/scenario/*.cpp)
SCENARIOS      := $(call sources,tests/scenario/*.scn)
FUZZ_NAMES   := $(patsubst tests/fuzz/%_fuzz.cpp,%,$(call sources,tests/fuzz/*_fuzz.cpp))
UNIT_PROGRAMS := $(if $(TEST_CORE_OBJ),$(B)/test-core) $(if $(TEST_WORLD_OBJ),$(B)/test-world)
SCENARIO_PROGRAM := $(if $(SCENARIO_OBJ),$(B)/test-scenario)
FUZZ_PROGRAMS := $(FUZZ_NAMES:%=$(B)/fuzz-%)
COMPLETION = surehop.bash _surehop
MANUALS := $(call sources,man/*.[1-8])

programs: $(LIBS_MADE) $(PROGRAMS)

# ---- rules ----------------------------------------------------------------------------------------------------------
# An object depends on the compiler and its flags, so that a change of either rebuilds it and nothing else does.
$(B)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' "$$FLAGS" | cmp -s - $@ || printf '%s\n' "$$FLAGS" > $@
$(B)/.flags: private export FLAGS = $(CXX) $(ALL_CXXFLAGS) $(LDFLAGS) $(LIBS)

$(B)/src/%.o: $(srcdir)/src/%.cpp $(B)/.flags
	@mkdir -p $(@D)
	$(call quiet,$(CXX) $(ALL_CXXFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<,CXX,$@)

$(B)/tests/%.o: $(srcdir)/tests/%.cpp $(B)/.flags
	@mkdir -p $(@D)
	$(call quiet,$(CXX) $(ALL_CXXFLAGS) $(TEST_CXXFLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<,CXX,$@)

# The list of members is a prerequisite too: a source that is gone must not live on in the library.
$(B)/%.members: FORCE
	@mkdir -p $(@D)
	@echo '$(MEMBERS)' | cmp -s - $@ || echo '$(MEMBERS)' > $@
$(B)/libcore.members: private MEMBERS = $(CORE_OBJ)
$(B)/libworld.members: private MEMBERS = $(WORLD_OBJ)
$(B)/libcore.a: $(CORE_OBJ)
$(B)/libworld.a: $(WORLD_OBJ)
$(B)/%.a: $(B)/%.members $(B)/.flags
	@rm -f $@
	$(call quiet,$(AR) rcs $@ $(filter %.o,$^),AR,$@)

link = $(CXX) $(ALL_CXXFLAGS) $(LDFLAGS) -Wl$(,)--as-needed -o $@ $(filter %.o %.a,$^) $(1) $(LIBS)
, = ,
$(B)/surehopd: $(DAEMON_OBJ) $(COMMON_OBJ) $(LIBS_MADE)
	$(call quiet,$(call link,$(WORLD_LIBS)),LINK,$@)
$(B)/surehop: $(CLI_OBJ) $(COMMON_OBJ) $(LIBS_MADE)
	$(call quiet,$(call link,$(WORLD_LIBS)),LINK,$@)
# test-core links libcore.a and the pure libraries alone: that it links is the proof that the core does no I/O.
$(B)/test-core: $(TEST_CORE_OBJ) $(TEST_MAIN) $(B)/libcore.a
	$(call quiet,$(call link,$(GTEST_LIBS) $(CORE_LIBS)),LINK,$@)
$(B)/test-world: $(TEST_WORLD_OBJ) $(SUPPORT_OBJ) $(COMMON_OBJ) $(TEST_MAIN) $(LIBS_MADE)
	$(call quiet,$(call link,$(GTEST_LIBS) $(WORLD_LIBS)),LINK,$@)
# The stories; the first lines of tests/scenario/run.cpp describe their language.
$(B)/test-scenario: $(SCENARIO_OBJ) $(SUPPORT_OBJ) $(LIBS_MADE)
	$(call quiet,$(call link,$(WORLD_LIBS)),LINK,$@)

# A fuzz target replays its corpus, built by any compiler; in the variant fuzz, which only clang can build, it fuzzes.
FUZZ_ENGINE = $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$(B)/tests/fuzz/replay.o)
$(FUZZ_PROGRAMS): $(B)/fuzz-%: $(B)/tests/fuzz/%_fuzz.o $(filter %.o,$(FUZZ_ENGINE)) $(LIBS_MADE)
	$(call quiet,$(call link,$(filter-out %.o,$(FUZZ_ENGINE)) $(WORLD_LIBS)),LINK,$@)
.PHONY: $(FUZZ_NAMES:%=fuzz-%)
$(FUZZ_NAMES:%=fuzz-%): fuzz-%: $(B)/fuzz-%

-include $(wildcard $(B)/src/*/*.d $(B)/tests/*.d $(B)/tests/*/*.d $(B)/tests/*/*/*.d)
.SECONDARY:

# ---- tests ----------------------------------------------------------------------------------------------------------
# tests/tally runs suites, goes on after one that fails, and ends with the line "N passed, N failed".
TALLY = sh $(srcdir)/tests/tally $(if $(STRICT),-s)
HOUSE = sh $(srcdir)/tests/house
# TSan's shadow memory does not fit where the kernel randomises addresses with many bits.
run.tsan = $(shell setarch -R true 2>/dev/null && echo setarch -R)
RUN = $(run.$(VARIANT))
export UBSAN_OPTIONS = print_stacktrace=1
UNIT_SUITES = $(foreach p,$(UNIT_PROGRAMS),$(notdir $(p))='$(RUN) $(p) --gtest_brief=1') \
    $(if $(SCENARIO_OBJ),scenario='$(RUN) $(SCENARIO_PROGRAM) $(addprefix $(srcdir)/,$(SCENARIOS))') \
    $(foreach n,$(FUZZ_NAMES),fuzz-$(n)='$(RUN) $(B)/fuzz-$(n) $(srcdir)/tests/fuzz/corpus/$(n)')
HOUSE_SUITES = layers='$(MAKE) -s layers' vendor-headers='$(MAKE) -s vendor-headers' format='$(MAKE) -s format-check' \
    manlint='$(MAKE) -s manlint' synopsis='$(MAKE) -s synopsis' standards='$(MAKE) -s standards' sandbox='$(MAKE) -s sandbox' \
    completion='$(MAKE) -s completion' house='$(MAKE) -s house-self-test' tidy='$(MAKE) -s tidy'
MILTER_RUN := $(wildcard $(srcdir)/tests/milter/run)
MILTER_SUITES = $(if $(MILTER_RUN),milter='$(MAKE) -s check-milter')

.PHONY: check check-unit check-milter check-long soak check-system check-packages check-asan check-tsan need-gtest
check: need-gtest programs $(UNIT_PROGRAMS) $(SCENARIO_PROGRAM) $(FUZZ_PROGRAMS) ## all that needs no network: unit tests, stories, corpora, milter tests, house checks
	+@$(TALLY) $(UNIT_SUITES) $(MILTER_SUITES) $(HOUSE_SUITES)
check-unit: need-gtest $(UNIT_PROGRAMS) $(SCENARIO_PROGRAM) $(FUZZ_PROGRAMS) ## unit tests, stories and corpora alone
	+@$(TALLY) $(UNIT_SUITES)
check-milter: programs ## the whole daemon over the milter protocol
	@SUREHOPD=$(abspath $(B)/surehopd) SUREHOP=$(abspath $(B)/surehop) $(MILTER_RUN)
check-system: programs ## real mail through Postfix and Sendmail of Debian 12 and 13 on a loopback internet (root or sudo)
	@SUREHOPD=$(abspath $(B)/surehopd) SUREHOP=$(abspath $(B)/surehop) $(srcdir)/tests/system/every-mta $(abspath build/mta)
# SUITES="bookworm trixie": for these Debians, else for this one.
check-packages: ## the Debian package, built and installed in a fresh root of Debian (root, network, minutes)
	@set -e; for suite in $(SUITES); do $(srcdir)/contrib/debian/build $$suite; done; \
	    $(if $(SUITES),:,$(srcdir)/contrib/debian/build); $(srcdir)/tests/packages/run $(SUITES)
check-long: programs ## the milter tests that take long: 500 rounds of kill -9 under load, floods of a million invented domains
	+@export SUREHOPD=$(abspath $(B)/surehopd) SUREHOP=$(abspath $(B)/surehop); $(TALLY) -v \
	    kills='KILLS=500 $(MILTER_RUN) -k killed_under_load' floods='FLOOD=1000000 $(MILTER_RUN) -k flood_of_'
# How long: SECONDS. Without a variant of a sanitizer it finds less.
SECONDS = 3600
soak: programs ## everything at once on one surehopd for an hour (SECONDS=N, VARIANT=asan or tsan): it must not break, leak or grow
	@SUREHOPD=$(abspath $(B)/surehopd) SUREHOP=$(abspath $(B)/surehop) $(RUN) $(srcdir)/tests/soak/run -t $(SECONDS)
check-asan: ## unit tests, stories and corpora under AddressSanitizer and UBSan
	@$(MAKE) VARIANT=asan check-unit
check-tsan: ## unit tests, stories and corpora under ThreadSanitizer
	@$(MAKE) VARIANT=tsan check-unit
need-gtest:
	@$(if $(GTEST_LIBS),:,echo 'GoogleTest is missing: contrib/packages test installs it, then run ./configure again' >&2; exit 1)

# How long: FUZZ_SECONDS for each target, or FUZZ_RUNS executions; with both, what is over first. An input has at most as
# many octets as matter to the target: longer ones only cost time.
FUZZ_SECONDS = $(if $(FUZZ_RUNS),0,60)
MAX_LEN.binding = 70
MAX_LEN.domain = 300
MAX_LEN.nexthop = 300
MAX_LEN.path = 300
MAX_LEN.sts_record = 600
FUZZ_OPTIONS = -max_total_time=$(FUZZ_SECONDS) -runs=$(or $(FUZZ_RUNS),-1)
FUZZ_SUITES = $(foreach n,$(FUZZ_NAMES),fuzz-$(n)='$(srcdir)/tests/fuzz/run $(n) $(B)/fuzz-$(n) $(srcdir) \
    -max_len=$(or $(MAX_LEN.$(n)),2048) $(FUZZ_OPTIONS)')
.PHONY: fuzz fuzz-all
fuzz: ## each fuzz target for a minute (FUZZ_SECONDS=N, FUZZ_RUNS=N), guided by coverage, under ASan and UBSan
ifeq ($(CLANG_CXX),)
	@echo 'clang++ is not installed (contrib/packages test)'; echo '0 passed, 0 failed, $(words $(FUZZ_NAMES)) skipped'
else
	@$(MAKE) VARIANT=fuzz CXX='$(filter %ccache,$(firstword $(CXX))) $(CLANG_CXX)' QUIET=-Wno-deprecated-declarations fuzz-all
endif
fuzz-all: $(FUZZ_PROGRAMS)
	+@$(TALLY) -v $(FUZZ_SUITES)

# Load generators and floors. The tables go to tests/bench/RESULTS.md.
BENCH_PROGRAMS := $(patsubst tests/bench/%.cpp,$(B)/bench/%,$(call sources,tests/bench/*.cpp))
$(BENCH_PROGRAMS): $(B)/bench/%: $(B)/tests/bench/%.o
	@mkdir -p $(@D)
	$(call quiet,$(call link,$(MILTER_LIBS) $(SSL_LIBS)),LINK,$@)
BENCH_ROUNDS = 5
.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS)
bench: programs bench-programs ## what surehopd costs, beside floors that do nothing (BENCH_ROUNDS=N), on a machine with nothing else to do
	@BENCH=$(abspath $(B)/bench) SUREHOPD=$(abspath $(B)/surehopd) SUREHOP=$(abspath $(B)/surehop) \
	    $(srcdir)/tests/bench/run -n $(BENCH_ROUNDS) -o $(srcdir)/tests/bench/RESULTS.md

.PHONY: coverage
coverage: ## line coverage of src/ by the unit tests
	@$(MAKE) VARIANT=coverage check-unit
	@find build/coverage/src -name '*.gcda' -exec gcov -n {} + 2>/dev/null | awk -v src='$(srcdir)/src/' -f $(srcdir)/tests/house/coverage.awk

# ---- checks of the house --------------------------------------------------------------------------------------------
.PHONY: layers vendor-headers format format-check manlint synopsis standards sandbox completion house-self-test tidy
layers: ## modules include only modules before them, and the core stays pure
	@$(HOUSE)/layers $(srcdir)/src '$(CORE)' '$(WORLD) cmd'
vendor-headers: ## each foreign header in one module
	@$(HOUSE)/vendor-headers $(srcdir)/src
format: ## rewrite the sources with clang-format
	@$(HOUSE)/format -i '$(CLANG_FORMAT)' $(srcdir)
format-check: ## formatting, first lines, file endings
	@$(HOUSE)/format '$(CLANG_FORMAT)' $(srcdir)
manlint: ## the manuals under mandoc -Tlint
	@$(HOUSE)/manlint '$(MANDOC)' $(MANUALS:%=$(srcdir)/%)
synopsis: programs ## the manuals name the commands and options that --help names
	@$(HOUSE)/synopsis $(foreach p,$(PROGRAMS),$(p) $(srcdir)/man/$(notdir $(p)).8)
standards: ## what the RFCs ask, line by line: code that names the section, tests that exist
	@$(srcdir)/tests/house/standards $(srcdir)
completion: programs ## the completions of bash and zsh name the commands and options that --help names
	@$(HOUSE)/completion $(COMPLETION:%=$(srcdir)/contrib/completion/%) $(PROGRAMS)
sandbox: ## the unit file lets surehopd do no more than it says
	@mkdir -p $(B); $(fill) $(srcdir)/contrib/surehopd.service > $(B)/surehopd.service; $(HOUSE)/sandbox $(B)/surehopd.service
house-self-test:
	@$(HOUSE)/self-test '$(CLANG_FORMAT)' '$(CLANG_TIDY)' '$(MANDOC)' $(srcdir)

# A stamp per source, as fresh as its object: what did not change is not read again. Deprecations are the compiler's to
# say: clang finds the std::stable_sort of libstdc++ 12 deprecated within.
TIDIED := $(patsubst $(B)/%.o,$(B)/%.tidy,$(CORE_OBJ) $(WORLD_OBJ) $(COMMON_OBJ) $(DAEMON_OBJ) $(CLI_OBJ))
tidy: ## clang-tidy over src/ (only what changed)
ifeq ($(CLANG_TIDY),)
	@echo 'clang-tidy is not installed (contrib/packages test)'; echo '0 passed, 0 failed, $(words $(TIDIED)) skipped'
else
	+@$(MAKE) -k -s tidy-stamps; $(HOUSE)/stamps $(TIDIED)
endif
.PHONY: tidy-stamps
tidy-stamps: $(TIDIED)
$(B)/%.tidy: $(srcdir)/%.cpp $(B)/%.o $(srcdir)/.clang-tidy
	@printf '  %-7s %s\n' TIDY $<; rm -f $@
	@$(CLANG_TIDY) --quiet $< -- $(ALL_CXXFLAGS) -Wno-deprecated-declarations 2>$@.err || { grep -v 'warnings generated' $@.err; exit 1; }
	@mv $@.err $@

# ---- installing -----------------------------------------------------------------------------------------------------
unitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
bashdir = $(datarootdir)/bash-completion/completions
zshdir = $(datarootdir)/zsh/site-functions
CONFIG = $(sysconfdir)/surehop/surehop.toml
fill = sed -e 's|@bindir@|$(bindir)|g' -e 's|@sbindir@|$(sbindir)|g' -e 's|@sysconfdir@|$(sysconfdir)|g' -e 's|@localstatedir@|$(localstatedir)|g' \
    -e 's|@runstatedir@|$(runstatedir)|g' -e 's|@VERSION@|$(VERSION)|g'
man_to = $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(1)))/$(notdir $(1))

.PHONY: install uninstall
install: programs ## install (DESTDIR is honoured; an existing configuration is kept)
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(sbindir) $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(dir $(CONFIG))
	$(if $(DAEMON_OBJ),install -m 755 $(B)/surehopd $(DESTDIR)$(sbindir)/surehopd)
	$(if $(CLI_OBJ),install -m 755 $(B)/surehop $(DESTDIR)$(bindir)/surehop)
	@set -e; $(foreach m,$(MANUALS),install -d $(dir $(call man_to,$(m))); $(fill) $(srcdir)/$(m) > $(call man_to,$(m)); chmod 644 $(call man_to,$(m)); )
	@$(fill) $(srcdir)/contrib/surehopd.service > $(DESTDIR)$(unitdir)/surehopd.service; chmod 644 $(DESTDIR)$(unitdir)/surehopd.service
	install -m 644 $(srcdir)/contrib/surehop.sysusers $(DESTDIR)$(sysusersdir)/surehop.conf
	install -d $(DESTDIR)$(bashdir) $(DESTDIR)$(zshdir)
	install -m 644 $(srcdir)/contrib/completion/surehop.bash $(DESTDIR)$(bashdir)/surehop
	ln -sf surehop $(DESTDIR)$(bashdir)/surehopd
	install -m 644 $(srcdir)/contrib/completion/_surehop $(DESTDIR)$(zshdir)/_surehop
	@if [ -e $(DESTDIR)$(CONFIG) ]; then echo 'kept $(DESTDIR)$(CONFIG)'; else \
	    $(fill) $(srcdir)/contrib/surehop.toml > $(DESTDIR)$(CONFIG) && chmod 644 $(DESTDIR)$(CONFIG) && echo 'wrote $(DESTDIR)$(CONFIG) (mode = "audit")'; fi
uninstall: ## remove what install wrote, but the configuration
	rm -f $(DESTDIR)$(sbindir)/surehopd $(DESTDIR)$(bindir)/surehop $(DESTDIR)$(unitdir)/surehopd.service $(DESTDIR)$(sysusersdir)/surehop.conf
	rm -f $(foreach m,$(MANUALS),$(call man_to,$(m))) $(DESTDIR)$(bashdir)/surehop $(DESTDIR)$(bashdir)/surehopd $(DESTDIR)$(zshdir)/_surehop
	@! [ -e $(DESTDIR)$(CONFIG) ] || echo 'kept $(DESTDIR)$(CONFIG)'

.PHONY: dist clean distclean help all programs FORCE
dist: ## a release archive of the committed tree, configure included
	cd $(srcdir) && autoreconf -i && git archive --format=tar.gz --prefix=surehop-$(VERSION)/ --add-file=configure --add-file=aclocal.m4 \
	    -o $(CURDIR)/surehop-$(VERSION).tar.gz HEAD
clean: ## remove build/
	rm -rf build
distclean: clean ## remove what configure wrote, too
	rm -rf config.mk config.log config.status autom4te.cache configure aclocal.m4 configure~
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(srcdir)/Makefile

# ---- configure again when its input changes -------------------------------------------------------------------------
ifneq ($(wildcard config.status),)
config.mk: $(srcdir)/config.mk.in config.status
	./config.status config.mk
config.status: $(srcdir)/configure
	./config.status --recheck
$(srcdir)/configure: $(srcdir)/configure.ac
	cd $(srcdir) && autoreconf -i
endif
