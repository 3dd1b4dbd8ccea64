# make app            ask the articles in seeds/ in the browser
# make app DOCS=...   ask another folder
# make test           check everything: format, lint, types, tests

PYTHON ?= python3
DOCS ?= seeds
BIN := .venv/bin

.PHONY: app test check format clean

app: .venv/installed
	$(BIN)/qa serve "$(DOCS)"

test: check
	$(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered

check: .venv/installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/installed-test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'qa needs Python 3.11 or newer: make PYTHON=python3.11 ...'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@
