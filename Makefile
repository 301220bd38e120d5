# Needs python3 (3.11 or newer, with venv) and pip. Another interpreter: make PYTHON=/path/to/python …
PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input \
           --require-hashes --no-deps --only-binary :all:
PYTEST  := $(BIN)/python -m pytest -n 2 --dist worksteal
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
           --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --all-extras

.DEFAULT_GOAL := help
.PHONY: help run test bench lint lock

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 14

run: $(VENV)/run.lock ## Start the whole product on http://127.0.0.1:8000/ (PORT=8001 for another)
	@$(BIN)/python manage.py demo --stop-with-parent

test: $(VENV)/dev.lock ## Run the test suite, on SQLite and then on PostgreSQL
	@$(PYTEST)
	@$(PYTEST) --database postgresql -m "not once and not browser"

bench: $(VENV)/dev.lock ## Measure syncs and pages beside floors and peers (SMALL=1: in two minutes); see benchmarks/
	@$(BIN)/python -m benchmarks $(if $(SMALL),--small) --output var/bench.md

lint: $(VENV)/dev.lock ## Check style, types, layers, templates, dependencies and schema migrations
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint --lint --quiet templates
	@$(BIN)/deptry .
	@DEBUG=1 $(BIN)/python manage.py makemigrations --check --dry-run

lock: ## Pin the newest dependencies that pyproject.toml allows, with hashes
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install -q uv; }
	@$(COMPILE) -o requirements.txt
	@$(COMPILE) --group embedded -c requirements.txt -o requirements-run.txt
	@$(COMPILE) --group embedded --group test --group lint -c requirements-run.txt -o requirements-dev.txt

# Each stamp is written last, so that an interrupted step is done again.
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ...")'
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
$(VENV)/%.lock: requirements-%.txt $(VENV)/made
	@echo "Installing $< ..."
	@$(INSTALL) -r $<
	@touch $@
