# The few commands people need. Each installs what it needs by itself, below .venv/, the first time.
PYTHON ?= python3
# For the tests, which call these commands again.
export PYTHON
STAGE ?= dev
CONFIG ?=
DEV := .venv/dev/bin/python

# A misspelt variable would be ignored without a word, and something else be deployed than was meant.
KNOWN := PYTHON PACKAGE_PYTHON STAGE CONFIG YES ARGS KEEP
UNKNOWN := $(strip $(foreach name,$(filter-out $(KNOWN) -%,$(.VARIABLES)),\
	$(if $(filter command,$(firstword $(origin $(name)))),$(name))))
$(if $(filter-out MAKE% MFLAGS,$(UNKNOWN)),$(error There is no variable $(UNKNOWN). There are: $(KNOWN)))

# Those of `tests` that need no local AWS.
FAST := tests/unit tests/service tests/security tests/runtime client/tests
# awslambdaric, the client of Lambda's runtimes, is for Linux.
LEFT_OUT := $(if $(filter Linux,$(shell uname -s)),,tests/runtime)
# Some tests alone cover little.
COVERED := $(if $(ARGS),,--cov=chalicelib)
# What pytest makes of the test files, 4 s a lane, is kept also where Python was told to write no bytecode.
PYTEST := PYTHONDONTWRITEBYTECODE= $(DEV) -m pytest --lanes

.PHONY: help demo test test-fast check format generate lock bench dist package deploy smoke stop clean
.DEFAULT_GOAL := help

help: ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

demo: .tools ## the walk-through, on a local AWS; KEEP=1 leaves that running
	@$(DEV) -m local.demo $(if $(filter-out 0 no false,$(KEEP)),--keep)

test: .all ## every test, end to end ones included; ARGS="-k name" for some
	@$(if $(LEFT_OUT),echo '$(LEFT_OUT) is left out: it needs Linux')
	@$(PYTEST) $(COVERED) $(addprefix --ignore=,$(LEFT_OUT)) $(ARGS)

test-fast: .fast ## the tests that need no local AWS; ARGS="-k name" for some
	@$(if $(LEFT_OUT),echo '$(LEFT_OUT) is left out: it needs Linux')
	@$(PYTEST) $(COVERED) $(filter-out $(LEFT_OUT),$(FAST)) $(ARGS)

check: .linters ## format, lint, spelling, types, imports, generated files; the template and the IAM policies by linters of their own
	@$(DEV) -m ruff format --check .
	@$(DEV) -m ruff check .
	@$(DEV) -m codespell_lib
	@$(DEV) -m mypy
	@$(DEV) -m mypy --python-version 3.14
	@cd client && ../$(DEV) -m mypy
	@cd client && ../$(DEV) -m mypy --python-version 3.14
	@$(MAKE) --no-print-directory .imports
	@$(DEV) -m ops.generate --check
	@$(DEV) -m ops.lint

format: .dev ## put the code in the project's format
	@$(DEV) -m ruff check --fix --quiet .
	@$(DEV) -m ruff format .

generate: .dev ## the files that are made from roles.yaml and from the code's types
	@$(DEV) -m ops.generate

lock: .python ## pin what is installed, with hashes, from the requirements*.in files; ARGS=--upgrade for the newest
	@$(PYTHON) -m ops.environments lock
	@.venv/lock/bin/python -m ops.lock $(ARGS)

bench: .dev ## measure the packaged service beside a naive Lambda; ARGS="--quick" for a first look
	@$(DEV) -m bench $(ARGS)

dist: .client ## build the client's wheel into dist/, the same bytes from the same sources; no network
	@$(DEV) -m ops.dist

package: .dev ## make the package without an AWS account: STAGE=dev (the default) or prod; CONFIG=directory of your own
	@$(DEV) -m ops.package "$(STAGE)" $(if $(CONFIG),--config "$(CONFIG)")

deploy: .deployment ## deploy to AWS: STAGE=dev (the default) or prod, CONFIG=directory of roles and policies; YES=1 asks nothing
	@$(DEV) -m ops.deploy "$(STAGE)" $(if $(CONFIG),--config "$(CONFIG)") $(if $(YES),"--yes=$(YES)")

smoke: .deployment ## test what is deployed: STAGE=dev (the default) or prod
	@$(DEV) -m ops.smoke "$(STAGE)"

stop: .python ## stop what `make demo KEEP=1` left running
	@$(PYTHON) -m local.aws

clean: stop ## remove everything that these commands made
	@rm -rf .venv .build .local dist .mypy_cache .ruff_cache .hypothesis .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Who may import whom: a target of its own, for a hook.
.PHONY: .imports
.imports: .dev
	@.venv/dev/bin/lint-imports --no-cache --no-logo .importlinter
	@.venv/dev/bin/lint-imports --no-cache --no-logo .importlinter-rooms
	@cd client/src && ../../.venv/dev/bin/lint-imports --no-cache --no-logo ../.importlinter
	@.venv/dev/bin/lint-imports --no-cache --no-logo ops/.importlinter

.PHONY: .python .dev .client .fast .linters .deployment .tools .all
.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'credvend needs Python 3.11 or newer. Name one, for example: make PYTHON=python3.12 demo' >&2; exit 2; }
.dev: .python
	@$(PYTHON) -m ops.environments dev
.client: .python
	@$(PYTHON) -m ops.environments dev client
.linters: .python
	@$(PYTHON) -m ops.environments dev lint
.deployment: .python
	@$(PYTHON) -m ops.environments dev aws
.tools: .python
	@$(PYTHON) -m ops.environments dev aws ministack oidc runtime client
	@$(PYTHON) -m local.npm provider
.fast: .python
	@$(PYTHON) -m ops.environments dev runtime client aio lint
.all: .python
	@$(PYTHON) -m ops.environments dev aws ministack oidc runtime client aio lint
	@$(PYTHON) -m local.npm provider sdk
