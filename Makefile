# Each target creates .venv and installs what is missing; only python3 and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint types unit compiled bench docs reliability clean

demo: $(VENV)/.demo
	$(BIN)/provenn run --all --preset quick

test: lint types unit compiled

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

unit: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist worksteal -m "not compiled"

compiled: $(VENV)/.dev
	PROVENN_TYPECHECK=0 $(BIN)/pytest -n 2 --dist worksteal -m compiled tests

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

reliability: $(VENV)/.dev
	$(BIN)/python -m tests.reliability

clean:
	rm -rf $(VENV) docs/_build build dist

# torch first: the pin in constraints.txt keeps pip from taking a larger build.
$(VENV)/.torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) torch
	touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(INSTALL) -e ".[data,graph,control,peers]"
	touch $@

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	$(INSTALL) -e ".[dev]"
	touch $@

$(VENV)/.docs: $(VENV)/.torch pyproject.toml
	$(INSTALL) -e ".[dev,docs]"
	touch $@
