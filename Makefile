# `make demo` and `make test` set up .venv on first use and reuse it while pyproject.toml stays the same.
# PYTHON=... chooses the interpreter; without it, the first of 3.12, 3.11, 3.13, 3.10 that runs is taken.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test test-slow lint bench clean

demo: $(STAMP)
	$(BIN)/kerazoo demo --out demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadgroup

test-slow: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# PyTorch, a peer, is installed unless it is there: on a machine without a GPU install its CPU build first.
bench: $(STAMP)
	@$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python benchmarks/speed/run.py
	$(BIN)/python benchmarks/speed/run.py --growth --rounds 5

$(STAMP): pyproject.toml
	@python=$$(for name in "$(PYTHON)" python3.12 python3.11 python3.13 python3.10 python3; do \
		[ -n "$$name" ] && "$$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
			2>/dev/null && echo "$$name" && break; done); \
	if [ -z "$$python" ]; then \
		echo "make: Python 3.10, 3.11, 3.12 or 3.13 is needed; install one, or name it with PYTHON=..." >&2; exit 1; fi; \
	echo "making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(VENV)
	@# the pip that comes with Python 3.10 takes many minutes to resolve these packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .ruff_cache
