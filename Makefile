# Commands for readers and contributors. `make` alone lists them.
# Everything runs in .venv, which is set up when it is missing or when its pins changed.

# The first of these that is Python 3.11 or 3.12; `make PYTHON=/path/to/python3.11 ...` chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$p && break; \
	done)
# `make TORCH=cpu setup` installs PyTorch without CUDA from PyTorch's own index, without hashes (not tested here).
TORCH ?=
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

BIN := .venv/bin
STAMP := .venv/.set-up
PUBLISH := $(BIN)/python -m asdbook.publish
# One thread a test process: two processes on two cores, and small networks are slower on more threads.
TEST_THREADS := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help setup book test lint types check links execute records serve notebooks clean distclean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(STAMP) ## set up .venv from the pins (needs the network once)

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or 3.12 found: install one or run make PYTHON=/path/to/it"; exit 2; }
	@echo "set-up: .venv with $(PYTHON); downloads the pinned packages, PyTorch is the largest"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { \
		echo "error: $(PYTHON) cannot make a virtual environment: on Debian install python3-venv"; rm -rf .venv; exit 2; }
ifeq ($(TORCH),cpu)
	$(BIN)/pip install --disable-pip-version-check --index-url $(TORCH_CPU_INDEX) \
		$$(grep -oE '^(torch|torchaudio)==[0-9.]+' requirements.lock)
	awk '/^[a-z]/ {keep = !/^(torch|torchaudio|triton|nvidia-|cuda-)/} keep' requirements.lock > .venv/requirements-cpu.lock
	$(BIN)/pip install --disable-pip-version-check --require-hashes --no-deps -r .venv/requirements-cpu.lock
else
	$(BIN)/pip install --disable-pip-version-check --require-hashes -r requirements.lock
endif
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

book: $(STAMP) ## run changed chapters, build and check the site (PROFILE=smoke)
	@$(PUBLISH) book --profile "$(PROFILE)"

test: $(STAMP) ## all tests, on two processes
	@$(TEST_THREADS) $(BIN)/pytest -n 2

lint: $(STAMP) ## style of the code
	@$(BIN)/ruff check .

types: $(STAMP) ## types of the code
	@$(BIN)/mypy

check: $(STAMP) ## defects of executed notebooks and of the built site
	@$(PUBLISH) check

links: $(STAMP) ## ask whether the external links of the built site still lead somewhere (needs the network)
	@$(BIN)/python -m asdbook.publish.links

execute: $(STAMP) ## run a chapter's experiments: CH= PROFILE= DATA= SEEDS= DEVICE= FRESH=1
	@$(PUBLISH) execute --chapter "$(CH)" --profile "$(PROFILE)" --data "$(DATA)" --seeds "$(SEEDS)" \
		--device "$(DEVICE)" --fresh "$(FRESH)"

records: $(STAMP) ## rerun committed records that are missing or stale
	@$(BIN)/asdbook records make

PORT ?= 8000
serve: $(STAMP) ## show the built book at http://127.0.0.1:8000 (PORT=)
	@$(PUBLISH) serve --port $(PORT)

notebooks: $(STAMP) ## write the chapters as notebooks to build/notebooks
	@$(PUBLISH) notebooks

clean: ## remove the built book and executed pages; runs and records stay
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## remove .venv too
	rm -rf .venv
