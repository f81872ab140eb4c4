# Everything starts from nothing: each target makes .venv with pinned versions first, if it is not there.
# Needs: Python 3.11 or newer. Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
JOBS   ?= auto
SHELL  := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help demo test check-engine lint format bench hostile kill clean

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

# torch first, by its pinned version: the resolver would otherwise pick a build of several gigabytes.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Foveal needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
	  echo "Name another: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@echo "Setting up $(VENV) (once; a minute or two) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)

demo: $(READY)  ## Train the lecture's network on Fashion-MNIST and write the report
	@$(BIN)/foveal train

test: $(READY)  ## The whole test suite
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

check-engine: $(READY)  ## Convolutions of every size against float64, in processes that may die (minutes)
	@OMP_NUM_THREADS=1 FOVEAL_ENGINE_BATCHES=12 $(BIN)/python -m pytest -n $(JOBS) tests/contracts/test_engine.py

lint: $(READY)  ## Style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(READY)  ## Put the style right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY)  ## Measure speed against PyTorch's tutorial loop; prints ratios with their spread
	@$(BIN)/python benchmarks/training_speed.py
	@$(BIN)/python benchmarks/startup.py

hostile: $(READY)  ## Try all hostile inputs (minutes); the suite tries a share
	@OMP_NUM_THREADS=1 PYTHONPATH=. $(BIN)/python -m tests.hostile.run

kill: $(READY)  ## Kill, stop and starve saving at every system call, then go on (strace; hours; KILL="--every 9" for less)
	@OMP_NUM_THREADS=1 $(BIN)/python tests/hostile/kill_points.py $(KILL)

clean:  ## Remove the environment and what tools leave behind (runs/ stays)
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
