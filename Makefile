# Everything starts here: `make` alone prints what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PHASE ?= v1
EXPERIMENT ?=
SEED ?= 1
REPEATS ?= 1
PORT ?= 8000

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin/

.PHONY: help
help: ## Print this help
	@echo "Usage: make TARGET [PHASE=v1] [EXPERIMENT=name] [SEED=1] [REPEATS=1]"
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.tools/bin/uv:
	@echo "uv is not installed: putting it into .tools/ (nothing outside this folder changes)"
	@python3 -m venv .tools || { echo "Python 3.11+ with its venv module is needed (Debian: apt-get install python3-venv)"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.8'

# The lock file decides: the environment is brought up to date only when it changed.
.venv/.installed: pyproject.toml uv.lock $(if $(filter .tools/%,$(UV)),.tools/bin/uv)
	@echo "Installing the Python environment into .venv/ from uv.lock"
	@$(UV) sync --frozen --quiet
	@touch $@

.PHONY: install
install: .venv/.installed ## Install the Python environment (.venv) from the lock file

.PHONY: doctor
doctor: install ## Say what is there and what is missing on this machine, with the remedy
	@$(RUN)harness doctor

.PHONY: setup
setup: install ## Install and start a Docker engine where there is none (Debian/Ubuntu as root), make all images
	@$(RUN)harness setup $(PHASE)

.PHONY: dev
dev: install ## Run the API of PHASE with reload and no Docker: SQLite, in-process cache, simulated provider
	CHAT_MODE=dev $(RUN)uvicorn targets.$(PHASE).app:app --reload --reload-dir targets --host 127.0.0.1 --port $(PORT)

.PHONY: run
run: install ## Run the API of PHASE in Docker as in production, on 127.0.0.1:8000 (PORT=)
	@PORT=$(PORT) $(RUN)harness run $(PHASE)

.PHONY: experiment
experiment: install ## Put PHASE under test and print verdicts (EXPERIMENT=name for one, SEED=, REPEATS=)
	@$(RUN)harness experiment $(PHASE) $(if $(EXPERIMENT),--experiment $(EXPERIMENT)) --seed $(SEED) --repeats $(REPEATS)

.PHONY: down
down: install ## Stop what `make run` started and remove it (its data volume too)
	@$(RUN)harness down $(PHASE)

.PHONY: recover
recover: install ## Undo what a killed experiment left behind: faults, containers, networks, volumes, processes
	@$(RUN)harness recover

.PHONY: engine-stop
engine-stop: install ## Stop the Docker engine if `make` started it
	@$(RUN)harness engine-stop

.PHONY: lint
lint: install ## Check style, types and who imports whom
	@$(RUN)ruff check .
	@$(RUN)ruff format --check .
	@$(RUN)mypy
	@$(RUN)lint-imports

.PHONY: test
test: install ## Set up what is missing and run all tests; engine tests are skipped, with the reason, where no engine can run
	@$(RUN)harness setup $(PHASE) --for-tests
	@$(RUN)pytest $(ARGS)

.PHONY: unit
unit: install ## Run the quick tests only: no engine, no network
	@$(RUN)pytest tests/unit $(ARGS)
