# Everything here runs in .venv, which is made on first use from constraints.txt.
# pip takes the torch build of its own settings: without any, the one with CUDA, which is large but runs on a CPU too.
.DELETE_ON_ERROR:
.PHONY: demo ui trainers test test-all lint format types imports check docs clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROJECT ?= demo-project
PORT ?= 3000

demo: $(VENV)/.installed  ## render toyworld videos, make pairs, train, score
	@test -f $(PROJECT)/videopasta.yaml || $(BIN)/videopasta init $(PROJECT) --preset embedded
	@test -f $(PROJECT)/benchmark/benchmark.jsonl || $(BIN)/videopasta toyworld --project $(PROJECT)
	@$(BIN)/videopasta run --project $(PROJECT)

ui: $(VENV)/.installed  ## open the demo in Dagster on 127.0.0.1
	@$(BIN)/videopasta ui --project $(PROJECT) --port $(PORT)

test: $(VENV)/.installed-dev  ## the tests, on two cores
	$(BIN)/pytest -m "not slow" -n 2 --dist loadfile

test-all: $(VENV)/.installed-dev  ## and those that take longer: kills, daemon, browser
	$(BIN)/pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

check: lint types imports test

# Their requirements exclude ours and each other's, so each has an environment of its own.
trainers:  ## install ms-swift and LLaMA-Factory, to test that they read the exports
	@test -x .trainers/swift/bin/python || $(PYTHON) -m venv .trainers/swift
	@.trainers/swift/bin/python -m pip install -qq --disable-pip-version-check "ms-swift==4.6.*" "trl<1" "transformers<5.20" "peft<0.21" torchvision
	@test -x .trainers/llamafactory/bin/python || $(PYTHON) -m venv .trainers/llamafactory
	@.trainers/llamafactory/bin/python -m pip install -qq --disable-pip-version-check "llamafactory==0.9.5"

docs: $(VENV)/.installed-dev  ## write the generated part of the guides
	$(BIN)/python docs/generate.py

clean:  ## remove the environment, the demo and caches
	rm -rf $(VENV) $(PROJECT) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
	  { echo "error: Python 3.11 or 3.12 is needed: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "error: Python's venv module is not whole: apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# Stamps: a second `make demo` installs nothing unless the requirements changed.
$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing into $(VENV), a few minutes the first time ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
