# The two commands of the README are `make run` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# What Debian has to provide: two libraries to build with, and the server of the embedded default and of the tests.
PACKAGES := libhiredis-dev libprotobuf-c-dev redis-server
# What the tests need besides: openssl makes certificates, haproxy stands between a scheduler and its Redis (docs/examples/haproxy.cfg).
TEST_PACKAGES := openssl haproxy
# What only `make proto` needs.
PROTO_PACKAGES := protobuf-c-compiler protobuf-compiler libprotobuf-dev
# What the tests of the Python client and of the Go example need.
PYTHON_PACKAGES := python3-venv openssl
GO_PACKAGES := golang-go golang-github-containerd-ttrpc-dev golang-github-gogo-protobuf-dev \
    golang-github-gogo-googleapis-dev gogottrpc protobuf-compiler libprotobuf-dev

# As root, or by sudo where it is there.
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
ALL_SWIFT := Package.swift Sources Tests clients

# Optimized across modules, and without the run-time checks for overlapping access, which the tests' debug build makes:
# together about a sixth of the scheduler's processor time (docs/performance.md).
RELEASE := swift build -c release -Xswiftc -cross-module-optimization -Xswiftc -enforce-exclusivity=unchecked

define install
	@missing=$$(for name in $(1); do dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q 'install ok installed' \
	    || echo $$name; done); \
	if [ -n "$$missing" ]; then \
	    echo "Installing Debian packages:" $$missing; \
	    $(SUDO) apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: help run bench build-bench faults test test-swift test-python test-go test-openapi scheduler build packages proto lint format

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

run: build ## Install what is needed, build the release, run the scheduler with its private redis-server
	@exec .build/release/dms-scheduler

test: test-swift test-python test-go ## Run all tests

test-swift: packages ## Run the tests of the scheduler and of its Swift clients
	$(call install,$(TEST_PACKAGES))
	swift build --build-tests
	.ci/test-swift

test-python: scheduler ## Check the Python client's types and run its tests
	$(call install,$(PYTHON_PACKAGES))
	.ci/test-python

test-go: scheduler ## Build the Go example and run its tests
	$(call install,$(GO_PACKAGES))
	.ci/test-go

test-openapi: scheduler ## Check /openapi.json, and the REST door against it
	$(call install,$(PYTHON_PACKAGES) curl)
	.ci/test-openapi

# The debug build, which the tests of the clients in other languages run.
scheduler: packages
	swift build --product dms-scheduler

build: packages ## Build the release of the scheduler and its clients
	$(RELEASE) --product dms-scheduler
	$(RELEASE) --product dms-admin
	$(RELEASE) --product dms-submitter

bench: build-bench ## Measure throughput and latency next to plain Redis, in one run
	.build/release/dms-bench load next enqueue get

build-bench: packages ## Build the release of the scheduler and of what measures it
	$(RELEASE) --product dms-scheduler
	$(RELEASE) --product dms-bench

# Two seeds of one Redis and one of servers that sentinels run; make them longer, or others, with .build/debug/dms-faults run --help.
faults: packages ## Run schedulers under faults for a minute and a half, and check what they answered
	for product in FaultClock dms-scheduler dms-faults; do swift build --product $$product || exit 1; done
	for seed in 1 2; do .build/debug/dms-faults run --seed $$seed --seconds 30 || exit 1; done
	.build/debug/dms-faults run --seed 3 --seconds 30 --sentinel

packages: ## Install the Debian packages that are missing
	$(call install,$(PACKAGES))

proto: ## Write the generated C and Python anew from Proto/
	$(call install,$(PROTO_PACKAGES))
	.ci/generate-proto
	.ci/generate-python

lint: ## Check the formatting
	swift format lint --strict --recursive $(ALL_SWIFT)

format: ## Mend the formatting
	swift format --in-place --recursive $(ALL_SWIFT)
