# SPDX-License-Identifier: Apache-2.0 OR MIT
# What one does with this repository, one line each. More than two lines of shell live in scripts/.

CARGO ?= cargo
IOAM := target/release/ioam
# The packages that need no DPDK to build or to test.
PURE := --package ioam-dp --package ioam-config --package ioam
S ?= 60

# Where `make install` puts things; a package's build gives DESTDIR as well.
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := help
.PHONY: help demo test quick build install uninstall deb golden fuzz bench bench-check plots report deny doc schema screens setup run clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## set everything up, build, and watch four nodes trace traffic: no NIC, no hugepages
	$(IOAM) demo

test: ## set everything up and run every test
	@scripts/setup test
	@scripts/test

quick: ## format, clippy and the tests that need no DPDK: for every save
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --quiet $(PURE) --all-targets -- -D warnings
	@$(CARGO) test --quiet $(PURE)

build: ## set up what the program needs and build it for speed
	@scripts/setup build
	@$(CARGO) build --release --package ioam-app

install: build ## the program, manual pages, completions, sample, systemd unit: PREFIX=/usr/local DESTDIR=
	@scripts/install "$(PREFIX)" "$(DESTDIR)"

uninstall: ## remove what `make install` put there, and nothing else
	@scripts/install --remove "$(PREFIX)" "$(DESTDIR)"

deb: build ## a Debian package in target/debian (installs cargo-deb when it is missing)
	@scripts/install --stage target/debian-root
	@cargo deb --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deb
	@$(CARGO) deb --no-build --package ioam-app

golden: ## the golden packets, through the pure core and through the program with real mbufs
	@$(CARGO) test --package ioam --package ioam-app --test 'golden*'

fuzz: ## fuzz: T=target (all by default) S=seconds each (60)
	@for target in $(or $(T),$$(scripts/fuzz --list)); do scripts/fuzz $$target $(S) || exit; done

bench: ## how fast, beside testpmd and the kernel in the same run: SECONDS=600 to measure longer, PARTS="node scale"
	@scripts/bench $(SECONDS) $(PARTS)

bench-check: ## instructions per packet against the baseline (bench/instructions.tsv): grown over 3 % fails
	@scripts/bench-check

plots: ## draw bench/results as docs/performance/*.svg (installs matplotlib when it is missing)
	@scripts/setup plots
	@scripts/plots

report: plots ## draw the results, and write them into docs/performance.md
	@scripts/report

deny: ## licences, banned crates and sources of all dependencies
	@$(CARGO) deny --workspace check bans licenses sources

doc: ## the API documentation, any warning an error
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

schema: ## write the JSON Schema of the configuration, for editors
	@$(CARGO) run --quiet --package ioam-app -- schema > config/schema.json

screens: build ## write what `ioam top`, `show` and `doctor` show into docs/screens.md
	@scripts/screens

setup: ## install what building and testing need (Debian packages, cargo-deny)
	@scripts/setup test

run: build ## run the node: CONFIG=file.yaml
	@test -n "$(CONFIG)" || { echo "which configuration? make run CONFIG=config/samples/…" >&2; exit 2; }
	$(IOAM) run --config $(CONFIG)

clean: ## remove everything that was built
	@$(CARGO) clean --quiet
	@rm -rf tests/fuzz/target
