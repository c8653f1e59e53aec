# Every target makes .venv and installs by itself when needed; `make help` lists them.
PYTHON ?= python3
# Where pip would bring a CUDA build of torch: make run PIP_ARGS="--extra-index-url <CPU index>"
PIP_ARGS ?=
# A folder in Recipe1M's layout; empty: the sample world.
SOURCE ?=
# A TOML file with config sections; empty: the defaults.
CONFIG ?=
# Where `make experiment` puts its report.
REPORT ?= docs
# How many test files run at once; each process makes the worlds and servers that its files share.
# One more than two cores, for half of the long tests wait for servers.
TEST_PROCESSES ?= 3

# What `make deploy` puts on the server.
PREFECT_FILE ?= prefect.yaml

BIN := .venv/bin
INSTALLED := .venv/.installed
PATHS := flows tasks mmpipeline benchmarks tests

.PHONY: run experiment compare test test-fast test-cpus soak check format bench ui deploy worker clean help

run: $(INSTALLED)  ## run the whole pipeline: the sample world, or SOURCE=folder in Recipe1M's layout
	@$(BIN)/python -m flows $(if $(SOURCE),--source "$(SOURCE)") $(if $(CONFIG),--config "$(CONFIG)")

experiment: $(INSTALLED)  ## run the seed experiment and write its report into docs/ (or REPORT=folder)
	@$(BIN)/python -m flows run_seed_experiment --copy-to "$(REPORT)" \
		$(if $(CONFIG),--config "$(CONFIG)")

compare: $(INSTALLED)  ## train a grid of runs ([comparison]) and write the leaderboard; see MLflow in `make ui`
	@ls "$${MMPIPELINE_DATA_ROOT:-data}"/processed/catalog/*/manifest.json >/dev/null 2>&1 || $(BIN)/python -m flows
	@$(BIN)/python -m flows compare_runs $(if $(CONFIG),--config "$(CONFIG)")

test: $(INSTALLED)  ## run the tests
	@$(BIN)/python -m pytest -m "not soak" -n $(TEST_PROCESSES) --dist loadfile --durations 20

test-fast: $(INSTALLED)  ## run the tests that start no server and no process, and take no seconds
	@$(BIN)/python -m pytest -m "not soak and not flow and not server and not slow" \
		--ignore tests/flows --ignore tests/tasks -n 2 --dist loadfile --durations 10

test-cpus: $(INSTALLED)  ## run the numeric tests under each instruction set of this CPU, one by one
	@$(BIN)/python -m tests.cpus

soak: $(INSTALLED)  ## run the long kill and endurance tests
	@$(BIN)/python -m pytest -m soak

check: $(INSTALLED)  ## format, lint, types, import contracts; changes nothing
	@$(BIN)/ruff format --check $(PATHS)
	@$(BIN)/ruff check $(PATHS)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(INSTALLED)  ## format the code and fix what can be fixed
	@$(BIN)/ruff format $(PATHS)
	@$(BIN)/ruff check --fix $(PATHS)

bench: $(INSTALLED)  ## run every benchmark; each prints one JSON line
	@for file in benchmarks/[a-z]*.py; do \
		$(BIN)/python -m benchmarks.$$(basename $$file .py) --json || exit 1; \
	done

ui: $(INSTALLED)  ## open the Prefect and MLflow pages on what `make run` left (127.0.0.1)
	@$(BIN)/python -m tasks.pages

deploy: $(INSTALLED)  ## put the deployments of prefect.yaml on the server that runs (`make ui`)
	@$(BIN)/python -m tasks.deployments --prefect-file "$(PREFECT_FILE)"

worker: $(INSTALLED)  ## carry out scheduled and started runs on this machine
	@$(BIN)/python -m tasks.deployments worker

clean:  ## delete the environment and everything that runs left in data/
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .grimp_cache mlruns
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@find data -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name one with PYTHON=" \
		if sys.version_info < (3, 11) else 0)'
	@echo "Installing into .venv (once; takes some minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) \
		-c constraints.txt torch
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) \
		-c constraints.txt -e ".[dev]"
	@touch $@
