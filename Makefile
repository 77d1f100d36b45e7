# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv when it is missing.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/.installed
	$(BIN)/ramet demo

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -n 2

bench: .venv/.installed
	$(BIN)/python -m benchmarks.speed all
	$(BIN)/python -m benchmarks.simulation

clean:
	rm -rf .venv build dist src/*.egg-info
