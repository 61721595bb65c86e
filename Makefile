# Everything starts here: `make` alone prints what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PHASE ?= v1
EXPERIMENT ?=
SEED ?= 1
REPEATS ?= 1
PORT ?= 8000
FROM ?= v1
TO ?= v2

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin/

# What is typed reaches the shell as one word, whatever it holds: $(call quoted,$(PHASE)).
quoted = '$(subst ','\'',$(1))'

.PHONY: help
help: ## Print this help
	@echo "Usage: make TARGET [PHASE=v1] [EXPERIMENT=name] [SEED=1] [REPEATS=1]"
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.tools/bin/uv:
	@echo "uv is not installed: putting it into .tools/ (nothing outside this folder changes)"
	@python3 -m venv .tools || { echo "Python 3.11+ with its venv module is needed (Debian: apt-get install python3-venv)"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.8'

# The lock file decides: the environment is brought up to date only when it changed.
.venv/.installed: pyproject.toml uv.lock $(if $(filter .tools/%,$(UV)),.tools/bin/uv)
	@echo "Installing the Python environment into .venv/ from uv.lock"
	@$(UV) sync --frozen --quiet --reinstall-package urllib3 # an older environment may hold another in its place
	@touch $@

.PHONY: install
install: .venv/.installed ## Install the Python environment (.venv) from the lock file

.PHONY: doctor
doctor: install ## Say what is there and what is missing on this machine, with the remedy
	@$(RUN)harness doctor

.PHONY: setup
setup: install ## Install and start a Docker engine where there is none (Debian/Ubuntu as root), make all images
	@$(RUN)harness setup $(call quoted,$(PHASE))

.PHONY: dev
dev: install ## Run the API of PHASE with reload and no Docker: SQLite, in-process cache, simulated provider
	CHAT_MODE=dev $(RUN)uvicorn $(call quoted,targets.$(PHASE).app:app) --reload --reload-dir targets --host 127.0.0.1 --port $(call quoted,$(PORT))

LOGS = $(foreach word,COMPONENT LEVEL REQUEST SINCE UNTIL SQL,$(if $($(word)),--$(call lower,$(word))=$(call quoted,$($(word)))))
lower = $(subst COMPONENT,component,$(subst LEVEL,level,$(subst REQUEST,request,$(subst SINCE,since,$(subst UNTIL,until,$(subst SQL,sql,$(1)))))))

.PHONY: logs
logs: install ## Search the logs of RESULTS=results/latest (COMPONENT=, LEVEL=, REQUEST=, SINCE=, UNTIL=, SQL="select ...")
	@$(RUN)harness logs $(if $(RESULTS),$(call quoted,$(RESULTS))) $(LOGS)

.PHONY: run
run: install ## Run the API of PHASE in Docker as in production (v1: Compose, v2: a Swarm stack), on 127.0.0.1:8000 (PORT=)
	@PORT=$(call quoted,$(PORT)) $(RUN)harness run $(call quoted,$(PHASE))

.PHONY: experiment
experiment: install ## Put PHASE under test and print verdicts (EXPERIMENT="one two" for some, SEED=, REPEATS=)
	@$(RUN)harness experiment $(call quoted,$(PHASE)) $(if $(EXPERIMENT),--experiment=$(call quoted,$(EXPERIMENT))) --seed=$(call quoted,$(SEED)) --repeats=$(call quoted,$(REPEATS))

GAMEDAY = $(foreach word,QUIET WAIT BURN CLAIMED,$(if $($(word)),--$(call low,$(word))=$(call quoted,$($(word))))) $(if $(filter-out 0 no false,$(EVENLY)),--evenly) $(if $(filter-out 0 no false,$(OVERLAP)),--overlap)
low = $(subst QUIET,quiet,$(subst WAIT,wait,$(subst BURN,burn,$(subst CLAIMED,claimed,$(1)))))

.PHONY: gameday
gameday: install ## Random faults on one load, with limits: PHASE=v1 MINUTES=30 SEED=1 (QUIET=20 WAIT=20 BURN=10 EVENLY=1 OVERLAP=1; docs/gameday.md)
	@$(RUN)harness gameday $(call quoted,$(PHASE)) --minutes=$(call quoted,$(or $(MINUTES),30)) --seed=$(call quoted,$(SEED)) $(GAMEDAY)

.PHONY: calibrate
calibrate: install ## Measure a server whose truth is scripted and print the error (RATE=100, SCRIPT=file, SEED=)
	@$(RUN)harness calibrate --rate "$${RATE:-100}" $${SCRIPT:+--script "$$SCRIPT"} --seed "$${SEED:-1}"

.PHONY: control
control: install ## Run PHASE without a fault REPEATS=20 times: the noise floor and the gate's false-alarm rate
	@$(RUN)harness control $(call quoted,$(PHASE)) --seed=$(call quoted,$(SEED)) --repeats=$(call quoted,$(if $(filter file,$(origin REPEATS)),20,$(REPEATS)))

GATE = $(if $(EXPERIMENTS),--experiments=$(call quoted,$(EXPERIMENTS))) $(if $(filter file,$(origin REPEATS)),,--repeats=$(call quoted,$(REPEATS)))

.PHONY: baseline
baseline: install ## Measure PHASE and write baselines/PHASE.json, to be committed (EXPERIMENTS="a b", REPEATS=6, SEED=)
	@$(RUN)harness baseline $(call quoted,$(PHASE)) --seed=$(call quoted,$(SEED)) $(GATE)

# make turns every failure into exit code 2, and a gate needs three. In question mode (-q) it exits 1 when a recipe
# would have to run, and lines that begin with + run all the same: so "worse" is a line without + that is left to do.
ifneq ($(filter verify,$(MAKECMDGOALS)),)
MAKEFLAGS += -q
endif
.PHONY: verify verify-runs
verify: verify-runs ## Compare PHASE with its baseline: exits 0 no regression, 1 worse, 2 inconclusive
	$(if $(shell test -e .verify-worse && rm .verify-worse && echo yes),@false)

verify-runs:
	+@MAKEFLAGS= $(MAKE) -s --no-print-directory install
	+@rm -f .verify-worse; $(RUN)harness verify $(call quoted,$(PHASE)) $(GATE); code=$$?; if [ $$code = 1 ]; then touch .verify-worse; else exit $$code; fi

.PHONY: monitoring
monitoring: install ## Start the laboratory on 127.0.0.1: Prometheus, Grafana with its dashboards, the pages (docs/laboratory.md)
	@$(RUN)harness monitoring

.PHONY: monitoring-down
monitoring-down: install ## Stop the laboratory and remove it; what it has recorded stays in results/prometheus
	@$(RUN)harness monitoring --down

.PHONY: observe
observe: install ## Put finished campaigns where Prometheus and Grafana show them (RESULTS=results/latest, or =results for all; DATA=)
	@$(RUN)harness observe $(if $(RESULTS),$(call quoted,$(RESULTS))) $(if $(DATA),--data=$(call quoted,$(DATA))) $(if $(AGAIN),--again)

.PHONY: sensitivity
sensitivity: install ## Switch off one mechanism of PHASE after another: what turns red? (MECHANISM=name for one)
	@$(RUN)harness sensitivity $(call quoted,$(PHASE)) $(if $(MECHANISM),--mechanism=$(call quoted,$(MECHANISM))) --seed=$(call quoted,$(SEED)) --repeats=$(call quoted,$(REPEATS))

.PHONY: project
project: install ## A year of PHASE, projected from the runs in results/ (RATE="provider-away=2x" ONCE="database-lost=0.5x" LENGTH=)
	@$(RUN)harness project $(call quoted,$(PHASE)) $(foreach f,$(RATE),--rate=$(call quoted,$(f))) $(foreach f,$(LENGTH),--length=$(call quoted,$(f))) $(foreach f,$(ONCE),--once=$(call quoted,$(f))) --seed=$(call quoted,$(SEED))

.PHONY: compare
compare: install ## Versions side by side, from the runs in results/: PHASES="v1 v3" (MEASURE=1: run what is missing first; SEED=, REPEATS=)
	@$(RUN)harness compare $(foreach p,$(PHASES),$(call quoted,$(p))) $(if $(filter-out 0 no false,$(MEASURE)),--run) --seed=$(call quoted,$(SEED)) --repeats=$(call quoted,$(REPEATS))

.PHONY: reference
reference: install ## Compare all versions, keep runs and figures in docs/reference*, and write the table into both READMEs
	@$(RUN)harness compare
	@$(RUN)harness reference

.PHONY: advise
advise: install ## Which version? USERS=300 DOWNTIME_COST=500 TEAM=4 (BUDGET= dollars a month, SLA= per cent)
	@$(RUN)harness advise $(if $(USERS),--users=$(call quoted,$(USERS))) $(if $(DOWNTIME_COST),--downtime-cost=$(call quoted,$(DOWNTIME_COST))) $(if $(TEAM),--team=$(call quoted,$(TEAM))) $(if $(BUDGET),--budget=$(call quoted,$(BUDGET))) $(if $(SLA),--sla=$(call quoted,$(SLA)))

.PHONY: migrate
migrate: install ## Move users from FROM=v1 to TO=v2 under load: messages carried over, availability (RATE=5, DURATION=90, SEED=)
	@$(RUN)harness migrate $(call quoted,$(FROM)) $(call quoted,$(TO)) $(if $(RATE),--rate=$(call quoted,$(RATE))) $(if $(DURATION),--duration=$(call quoted,$(DURATION))) --seed=$(call quoted,$(SEED))

.PHONY: dashboards
dashboards: install ## Write the dashboards that Grafana loads (dashboards/generated/) from their code
	@$(RUN)python -m dashboards

.PHONY: pages
pages: install ## Show architectures and stored results as pages on 127.0.0.1:8080 (PORT=)
	@$(if $(filter file,$(origin PORT)),,PORT=$(call quoted,$(PORT))) $(RUN)harness pages

.PHONY: diagrams
diagrams: install ## Draw the architecture diagrams (assets/v*.svg, the API's page) anew from the targets' own files
	@$(RUN)python -m harness.pages

.PHONY: down
down: install ## Stop what `make run` started with the same PHASE and remove it (its data volumes too)
	@$(RUN)harness down $(call quoted,$(PHASE))

.PHONY: recover
recover: install ## Undo what a killed experiment left behind: faults, containers, networks, volumes, processes
	@$(RUN)harness recover

.PHONY: engine-stop
engine-stop: install ## Stop the Docker engine if `make` started it
	@$(RUN)harness engine-stop

.PHONY: lint
lint: install ## Check style, types and who imports whom
	@$(RUN)ruff check --no-cache .
	@$(RUN)ruff format --no-cache --check .
	@$(RUN)mypy
	@$(RUN)lint-imports

# What needs the engine goes alone, and one after the other: it has to do with seconds. 5 is pytest's word for no tests.
.PHONY: test
test: install ## Set up what is missing and run all tests; engine tests are skipped, with the reason, where no engine can run
	@$(RUN)harness setup $(call quoted,$(PHASE)) --for-tests
	@$(RUN)pytest -n 2 -m "not engine" $(ARGS) || [ $$? -eq 5 ]
	@$(RUN)pytest -m engine $(ARGS) || [ $$? -eq 5 ]

.PHONY: unit
unit: install ## Run the quick tests only: no engine, no network
	@$(RUN)pytest tests/unit $(ARGS)

.PHONY: bench
bench: install ## Measure the instrument itself: truth, accuracy, capacity, speed (BENCH=name for one, ARGS=--quick); half an hour in all
	@$(RUN)python -m tests.bench $(BENCH) $(ARGS)
