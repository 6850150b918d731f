# Greenlight. `make up` runs the whole desk on this machine; `make test` checks all of it.
# Needs Python 3.11 or newer, Node 20.19 or newer and make; everything else goes into this folder.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Extra arguments: `make up ARGS="--port 9000"`, `make test PYTEST_ARGS="-k wheel"`,
# `make faults FAULTS_ARGS="--minutes 60"`.
ARGS ?=
PYTEST_ARGS ?=
FAULTS_ARGS ?=

BIN := .venv/bin
RUN_STAMP := .venv/.installed-run
DEV_STAMP := .venv/.installed-dev
BENCH_STAMP := .venv/.installed-bench
FAST_TESTS := not faults and not bench
# One more than there are processors, for much of a test is waiting; each takes up to 2 GB.
TEST_PROCESSES ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n + 1 : 4)))
NODE_STAMP := web/node_modules/.installed
WEB_APP := web/dist/index.html
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) \
	$(wildcard web/*.json web/*.ts web/index.html)

# The newest suitable interpreter, and uv: the user's own if it works, else one inside this folder.
FIND_PYTHON = for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$candidate"; break; }; done
PYTHON ?= $(shell $(FIND_PYTHON))
UV = $(shell if [ -x .uv/bin/uv ]; then echo .uv/bin/uv; \
	elif uv --version >/dev/null 2>&1; then echo uv; else echo .uv/bin/uv; fi)

## Run

up: $(RUN_STAMP) $(WEB_APP) ## Run the desk: database, Temporal, simulated gateway, workers, API
	@exec $(BIN)/greenlight up $(ARGS)

status: $(RUN_STAMP) ## Show the processes of the running desk
	@$(BIN)/greenlight status

web: $(WEB_APP) ## Build the web app

## Check

# Whole desks and browsers one after the other: each has several processes of its own.
test: lint web-test chromium $(WEB_APP) ## Run every check and test but the long campaigns
	$(BIN)/pytest -m "$(FAST_TESTS) and not desk" -n $(TEST_PROCESSES) --dist loadfile \
		$(PYTEST_ARGS) || [ $$? -eq 5 ]  # 5: none is selected
	$(BIN)/pytest -m "$(FAST_TESTS) and desk" $(PYTEST_ARGS) || [ $$? -eq 5 ]

lint: $(DEV_STAMP) ## Style, layers and types of the Python code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/pyright

web-test: $(NODE_STAMP) ## Style, types and tests of the web app
	npm --prefix web run check
	npm --prefix web test

chromium: $(DEV_STAMP) ## Find the Chromium that drives the browser tests, or install one
	@$(BIN)/python -m tests.e2e.chromium

screens: chromium $(WEB_APP) ## Photograph every screen for docs/screens
	$(BIN)/python -m tests.e2e.screens

audit: $(DEV_STAMP) $(NODE_STAMP) ## Look for slips, secrets and strange licences; list what is shipped
	.ci/audit

faults: chromium $(WEB_APP) ## Long fault campaigns: crash things and count the orders
	$(BIN)/python -m tests.faults $(FAULTS_ARGS)
	$(BIN)/pytest -m faults --timeout 0 $(PYTEST_ARGS) || [ $$? -eq 5 ]  # 5: none

bench: $(BENCH_STAMP) ## Benchmarks beside their peers, in one table with the goals
	$(BIN)/pytest -m bench --timeout 900 $(PYTEST_ARGS)  # one that hangs stops no other

## Keep

format: $(DEV_STAMP) $(NODE_STAMP) ## Format all code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	npm --prefix web run format

install: $(DEV_STAMP) $(NODE_STAMP) ## Install everything development needs

clean: ## Remove what was installed and built here; the desk's data stays
	rm -rf .venv .uv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf web/node_modules web/dist web/test-results tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this
	@awk 'BEGIN { FS = ":.*## " } \
		/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up status web test lint web-test chromium screens audit faults bench format install clean help

# What the targets above are made of.

.uv/bin/uv:
	@[ -n "$(PYTHON)" ] || { echo "Greenlight needs Python 3.11 or newer." >&2; exit 1; }
	@echo "Installing uv into .uv"
	@$(PYTHON) -m venv .uv || { echo "On Debian: apt-get install python3-venv" >&2; exit 1; }
	@.uv/bin/pip install --quiet uv

.venv/bin/python: | $(filter .uv/bin/uv,$(UV))
	@[ -n "$(PYTHON)" ] || { echo "Greenlight needs Python 3.11 or newer." >&2; exit 1; }
	@$(UV) venv --quiet --python "$$(command -v $(PYTHON))" .venv

# --inexact: running the desk must not remove what development installed.
$(RUN_STAMP): pyproject.toml uv.lock | .venv/bin/python
	@echo "Installing the Python packages"
	@$(UV) sync --locked --no-dev --inexact --compile-bytecode
	@touch $@

$(DEV_STAMP): pyproject.toml uv.lock | .venv/bin/python
	@echo "Installing the Python packages, with those for development"
	@$(UV) sync --locked --compile-bytecode
	@touch $@ $(RUN_STAMP)

$(BENCH_STAMP): $(DEV_STAMP)
	@echo "Installing the peers of the benchmarks"
	@$(UV) sync --locked --group bench --compile-bytecode
	@touch $@

$(NODE_STAMP): web/package.json web/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
		|| { echo "Greenlight needs Node 20.19 or newer to build its web app." >&2; exit 1; }
	@echo "Installing the web packages"
	@npm --prefix web ci --no-fund --no-audit
	@touch $@

$(WEB_APP): $(NODE_STAMP) $(WEB_SOURCES)
	@echo "Building the web app"
	@npm --prefix web run build
	@touch $@
