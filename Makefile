# Everything on a machine that has Python 3.11 or newer and make.
#   make refresh   crawl → extract → estimate → publish, then the table's first rows
#   make test      the test suite
#   make test-fast what of it takes seconds
#   make lint      form and types: ruff and mypy
#   make check     all that a change must pass: lint, then test
#   make documents write what documents show of the code again
#   make lock      resolve requirements.lock, keeping what is locked

PYTHON ?= python3
VENV ?= .venv

.PHONY: refresh test test-fast lint check documents lock

refresh: $(VENV)/installed
	@$(VENV)/bin/shapefit refresh

test: $(VENV)/installed
	@$(VENV)/bin/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/installed
	@$(VENV)/bin/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not slow"

lint: $(VENV)/installed
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

check: lint test

documents: $(VENV)/installed
	@$(VENV)/bin/python -m tests.house_picture && $(VENV)/bin/python -m tests.specification

$(VENV)/installed: requirements.lock pyproject.toml
	@echo "Making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
	    --requirement requirements.lock
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock:
	uv pip compile pyproject.toml --extra cluster --extra test --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url --no-annotate --quiet --output-file requirements.lock build-requirements.in
