# Two commands for a newcomer: `make demo` and `make test`. Each sets up all that it needs in .venv and in the user's
# cache; git, make and Python 3.10 or later (with pip and venv) are enough to begin with.

PYTHON ?= python3
UV_VERSION := 0.13.8
# How many tests run side by side: as many as the machine has cores.
WORKERS ?= auto
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadscope
VENV := .venv
BIN := $(VENV)/bin
# What app.py does not show: policies of an organization, and stacks over many accounts.
SCANNED := landing_zone control_tower approvals
SOURCES := sudo_mcp_guardrails tests $(wildcard app.py examples benchmarks docs)
UV = $(1)/bin/python -m uv --quiet --no-progress
# uv would fetch an interpreter of its own where none fits; this project only ever uses the one that is there.
export UV_PYTHON_DOWNLOADS := never
# Without this, each run of the CDK CLI reports to AWS, and waits where there is no network.
export CDK_DISABLE_CLI_TELEMETRY := true

# Tests and measurements start many processes of Python; without its cache each compiles all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-all test lint format types contracts checkov bench lowest dist clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready ## Deploy three agents on the embedded AWS, and attack them
	@$(BIN)/mcp-guardrails demo

demo-all: $(VENV)/.ready ## As demo, with every part of the project
	@$(BIN)/mcp-guardrails demo --all

test: $(VENV)/.ready ## Run all tests
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(TESTS)

lint: $(VENV)/.ready ## Check style (ruff, all rules) and formatting
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

format: $(VENV)/.ready ## Format, and mend what ruff can mend
	@$(BIN)/ruff check --fix-only $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

types: $(VENV)/.ready ## Check types (mypy, strict)
	@$(BIN)/mypy $(SOURCES)

contracts: $(VENV)/.ready ## Check which room imports which
	@$(BIN)/lint-imports

# One folder holds all: of several, Checkov scans the first again and again.
checkov: $(VENV)/.ready ## Synthesize app.py and the landing zones, and scan their templates
	@rm -rf build/checkov
	@$(call synth,.,build/checkov/app)
	@$(foreach example,$(SCANNED),$(call synth,examples/$(example),build/checkov/$(example)) &&) true
	@$(BIN)/python -m sudo_mcp_guardrails.toolchain checkov --directory build/checkov --framework cloudformation \
		--compact --quiet --skip-download

bench: $(VENV)/.bench ## Measure synthesis, the evaluator, the prover and the trail, side by side with their peers
	@$(BIN)/python -m benchmarks

lowest: .venv-lowest/.ready ## Run the unit tests on the lowest allowed versions of all dependencies
	@.venv-lowest/bin/python -m pytest $(SIDE_BY_SIDE) -m "not integration" $(TESTS)

dist: $(VENV)/.ready ## Build the wheel and the sdist into dist/
	@rm -rf dist
	@$(call UV,$(VENV)) build --out-dir dist

clean: ## Remove what the commands made here (the user's cache of tools stays)
	@rm -rf .venv .venv-lowest build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# The stamps are older than pyproject.toml where it has changed since: then, and only then, is anything installed.
$(VENV)/.ready: pyproject.toml
	$(call install,$(VENV),)

.venv-lowest/.ready: pyproject.toml
	$(call install,.venv-lowest,--resolution lowest-direct)

$(VENV)/.bench: $(VENV)/.ready
	@$(call UV,$(VENV)) pip install --python $(BIN)/python --group bench
	@touch $@

# A folder with a cdk.json, and where its templates go.
define synth
(cd $(1) && PATH="$(CURDIR)/$(BIN):$$PATH" python -m sudo_mcp_guardrails.toolchain cdk synth --quiet --no-notices \
	--output "$(CURDIR)/$(2)")
endef

define install
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 10) and \
		"Python %d.%d is too old, allowed: 3.10 or later; name one with make PYTHON=python3.11" % v[:2])'
	@echo "setting up $(1)" >&2
	@rm -rf $(1)
	@$(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(call UV,$(1)) pip install --python $(1)/bin/python $(2) --editable . --group dev
	@touch $@
endef
