# Targets are explained by the comments that begin with "##": `make help` prints them.
#
#   BUILD=release|debug|sanitize|coverage   variant; release goes to build/, the others to build/NAME/
#         |fuzz|afl                         (these two are what `make fuzz` builds, with its own compilers)
#   CC=clang                                another compiler
#   PREFIX=/usr/local DESTDIR=              where `make install` puts things

SHELL       := /bin/bash
BUILD       ?= release
PREFIX      ?= /usr/local
OUT         := build$(if $(filter-out release,$(BUILD)),/$(BUILD))
NGINX_SRC   ?= /usr/share/nginx/src
MODULES_DIR ?= /usr/lib/nginx/modules
SHARE       := $(PREFIX)/share/ngx-http-otp
OTP_TEMPLATES_DIR ?= $(SHARE)/templates

FLAGS_release  := -O2 -g
FLAGS_debug    := -Og -g3
FLAGS_sanitize := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_coverage := -Og -g --coverage
FLAGS_afl      := -O2 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FLAGS_fuzz     := $(FLAGS_afl) -fsanitize=fuzzer-no-link
LINK_fuzz      := -fsanitize=address,undefined
LINK_afl       := -fsanitize=address,undefined
LINK_sanitize  := -fsanitize=address,undefined
LINK_coverage  := --coverage
ifeq ($(FLAGS_$(BUILD)),)
$(error BUILD=$(BUILD): say release, debug, sanitize, coverage, fuzz or afl)
endif

DEFINES  := -D_GNU_SOURCE -DOTP_TEMPLATES_DIR='"$(OTP_TEMPLATES_DIR)"'
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
CFLAGS   ?=
XML2     ?= /usr/include/libxml2
FLAGS     = -std=c11 $(DEFINES) -isystem $(XML2) $(WARNINGS) -fPIC -fvisibility=hidden $(FLAGS_$(BUILD)) $(CFLAGS)
LIBS     := -lhiredis -ljansson -lstoken -lpskc -lxml2 -lqrencode -lssl -lcrypto -lcrypt -lpthread

CORE    := $(wildcard core/*/*.c)
CTL     := $(wildcard otpctl/*.c otpctl/*/*.c)
MODULE  := $(wildcard ngx_http_otp_module/*.c)
HEADERS := $(wildcard core/*/*.h otpctl/*.h otpctl/*/*.h ngx_http_otp_module/*.h)
UNIT    := $(patsubst %.c,$(OUT)/%,$(wildcard tests/unit/test_*.c))
STAGE   := $(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c))
HARNESS := $(patsubst %.c,$(OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))
OBJECTS  = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
NGINX   := $(abspath $(OUT))/nginx

## all            the module, otpctl and the core's library (what `make` alone does)
all: $(OUT)/ngx_http_otp_module.so $(OUT)/otpctl $(OUT)/libotpcore.a

## deps           installs the Debian packages that building and the demo need
deps:
	@tests/packages.sh install build demo

## demo           everything on loopback, to try it: Ctrl-C stops it (DEMO_PORT=8081: first port)
demo: deps
	@$(MAKE) --no-print-directory all
	@lua-free-conf/demo/demo.sh run
## demo-start     the same in the background
demo-start: deps
	@$(MAKE) --no-print-directory all
	@lua-free-conf/demo/demo.sh start
## demo-stop      stops what demo-start started
demo-stop:
	@lua-free-conf/demo/demo.sh stop

## test           every test; the last line says how many passed and failed
test: deps-test
	@$(MAKE) --no-print-directory all
	@tests/run.sh source unit t instructions otpctl journeys gateways faults attacks
## test-source    rules about the source text
## test-unit      the core alone: cmocka and the fuzzers' corpora, under ASan and UBSan
## test-t         the module in nginx: Test::Nginx
## test-instructions  what a guarded request costs above bare nginx, counted by callgrind
## test-otpctl    the command line, against a Redis of its own
## test-journeys  people in a browser: Chromium
## test-gateways  two gateways, one Redis: races and faults
## test-attacks   what is thrown at them from outside, case by case
## test-faults    everything breaks: Redis, connections, workers, clocks, disks, networks
test-source test-unit test-t test-instructions test-otpctl test-journeys test-gateways test-attacks test-faults: test-%: deps-test
	@$(MAKE) --no-print-directory all
	@tests/run.sh $*
deps-test:
	@tests/packages.sh install build demo test

## fuzz           searches with libFuzzer: SECONDS=60 for each harness, FUZZ="cookie form" (all), JOBS=2, AFL=1: AFL++
fuzz: deps-fuzz
	@AFL='$(AFL)' JOBS='$(JOBS)' tests/fuzz.sh '$(or $(SECONDS),60)' $(FUZZ)
deps-fuzz:
	@tests/packages.sh install build fuzz $(if $(AFL),afl)

## faults         faults drawn by lot while people sign in, for longer (ROUNDS=200 SEED=7: how many, and which)
faults: deps-test
	@$(MAKE) --no-print-directory all
	@FAULTS_ROUNDS=$(or $(ROUNDS),200) FAULTS_SEED=$(SEED) tests/run-faults.sh test_random
## soak           half an hour of everything (MINUTES=30): wrong answers, alarms, memory, descriptors
soak: deps-test
	@$(MAKE) --no-print-directory all
	@tests/run-soak.sh $(or $(MINUTES),30)

## mutants        is every rule of the core tested?  (slow; FILES= some of core/*/*.c)
mutants: deps-test
	@tests/mutants.py $(FILES)

## model          a model of exactly-once acceptance, searched with Spin (some minutes; docs/model/README.md)
model: deps-model
	@docs/model/run.sh
deps-model:
	@tests/packages.sh install model

## bench          what it costs, beside bare nginx (BENCH="--quick", "--only requests"…: bench/run --help)
bench: deps-bench
	@$(MAKE) --no-print-directory all $(OUT)/bench_records
	@OUT=$(OUT) bench/run $(BENCH)
deps-bench:
	@tests/packages.sh install build bench

## install        module, otpctl, templates, manual page, sample configuration, systemd unit
install: all
	install -d $(DESTDIR)$(MODULES_DIR) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 $(OUT)/ngx_http_otp_module.so $(DESTDIR)$(MODULES_DIR)/
	install -m 755 $(OUT)/otpctl $(DESTDIR)$(PREFIX)/bin/
	install -m 644 docs/man/otpctl.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	cd lua-free-conf && find templates nginx redis systemd -type f -exec install -D -m 644 {} $(abspath $(DESTDIR)$(SHARE))/{} \;

## docs           regenerates docs/states.md from the table of states
docs: $(OUT)/otp_states
	$< > docs/states.md

## clean          removes build/
clean:
	@! [ -e build/demo/pids ] || lua-free-conf/demo/demo.sh stop
	rm -rf build tests/journeys/node_modules

## help           this list
help:
	@sed -n 's/^## /  /p' Makefile

.PHONY: all mutants model deps deps-test deps-model deps-bench demo demo-start demo-stop \
    bench install docs clean help needed test test-source test-unit test-t test-instructions test-journeys \
    test-gateways test-faults faults soak unit fuzz deps-fuzz harnesses FORCE
.DELETE_ON_ERROR:
FORCE:

needed:
	@tests/packages.sh check build

# --- objects: rebuilt when a header they read, the compiler or a flag changes -------------------------

$(OUT)/flags: FORCE | needed
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(subst ','\'',$(FLAGS) $(LINK_$(BUILD)))' | cmp -s - $@ || \
	    printf '%s\n' '$(CC) $(subst ','\'',$(FLAGS) $(LINK_$(BUILD)))' > $@

$(OUT)/obj/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -I. -MMD -MP -c -o $@ $<

$(OUT)/libotpcore.a: $(call OBJECTS,$(CORE))
$(OUT)/libotpctl.a: $(call OBJECTS,$(CTL))
$(OUT)/libotptest.a: $(call OBJECTS,$(STAGE))
%.a:
	@rm -f $@
	$(AR) rcs $@ $^

# main() comes out of the library, so that unit tests can link every other file of otpctl.
$(OUT)/otpctl: $(OUT)/libotpctl.a $(OUT)/libotpcore.a
	$(CC) $(LINK_$(BUILD)) $(LDFLAGS) -o $@ $^ $(LIBS) -lcurl

# What several tests share is in the files of tests/unit that are not called test_*.c.
$(UNIT): $(OUT)/tests/unit/%: $(OUT)/obj/tests/unit/%.o $(OUT)/libotptest.a $(OUT)/libotpctl.a $(OUT)/libotpcore.a
	@mkdir -p $(@D)
	$(CC) $(LINK_$(BUILD)) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# What drives a harness: a corpus, or a fuzzer (both bring their own main).
ifneq ($(filter fuzz afl,$(BUILD)),)
DRIVER :=
LINK_harness := -fsanitize=fuzzer
else
DRIVER := $(OUT)/obj/tests/fuzz/replay.o
endif
$(HARNESS): $(OUT)/tests/fuzz/%: $(OUT)/obj/tests/fuzz/%.o $(DRIVER) $(OUT)/libotptest.a $(OUT)/libotpctl.a \
    $(OUT)/libotpcore.a
	@mkdir -p $(@D)
	$(CC) $(LINK_$(BUILD)) $(LINK_harness) $(LDFLAGS) -o $@ $^ $(LIBS)

$(OUT)/bench_records: $(OUT)/obj/bench/bench_records.o $(OUT)/libotpcore.a
	$(CC) $(LINK_$(BUILD)) $(LDFLAGS) -o $@ $^ $(LIBS)

$(OUT)/otp_states: $(OUT)/obj/docs/drawing/otp_states_drawing.o $(OUT)/libotpcore.a
	$(CC) $(LINK_$(BUILD)) $(LDFLAGS) -o $@ $^ $(LIBS)

unit: $(UNIT)
harnesses: $(HARNESS)

-include $(wildcard $(OUT)/obj/*/*.d $(OUT)/obj/*/*/*.d)

# --- the module: nginx's own build, in a directory of its own ----------------------------------------

$(OUT)/sources: FORCE | needed
	@mkdir -p $(@D)
	@printf '%s\n' $(CORE) $(MODULE) | cmp -s - $@ || printf '%s\n' $(CORE) $(MODULE) > $@

$(NGINX)/Makefile: config $(OUT)/sources $(OUT)/flags
	@mkdir -p $(NGINX)
	@echo "configuring the module (log: $(OUT)/nginx/configure.log)"
	@cd $(NGINX_SRC) && . ./conf_flags && OTP_TEMPLATES_DIR='$(OTP_TEMPLATES_DIR)' ./configure --with-cc='$(CC)' \
	    --with-cc-opt="$$(dpkg-buildflags --get CFLAGS) -fPIC $$(dpkg-buildflags --get CPPFLAGS)" \
	    --with-ld-opt="$$(dpkg-buildflags --get LDFLAGS) -fPIC $(LINK_$(BUILD))" \
	    "$${NGX_CONF_FLAGS[@]}" --add-dynamic-module=$(CURDIR) --builddir=$(NGINX) \
	    > $(NGINX)/configure.log 2>&1 || { tail -n 20 $(NGINX)/configure.log; rm -f $@; exit 1; }
	@printf '%s\n' 'CFLAGS += -MMD -MP $(FLAGS_$(BUILD))' '-include $(NGINX)/addon/*/*.d' >> $@

$(OUT)/ngx_http_otp_module.so: $(NGINX)/Makefile $(CORE) $(MODULE) $(HEADERS)
	@echo "building the module (log: $(OUT)/nginx/make.log)"
	@$(MAKE) --no-print-directory -f $(NGINX)/Makefile -C $(NGINX_SRC) modules > $(NGINX)/make.log 2>&1 || \
	    { grep -E -A 6 'error:|warning:|undefined|\*\*\*' $(NGINX)/make.log | head -n 60; exit 1; }
	@! nm -u $(NGINX)/ngx_http_otp_module.so | grep -E ' (ngx_http_)?otp_'    # nothing of ours is missing
	@install -m 644 $(NGINX)/ngx_http_otp_module.so $@
