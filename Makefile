# Everything here needs Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PORT ?= 8501
OUT ?= out
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format notebooks sample-data lock benchmarks clean

help: ## Show what there is to do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## Build the environment from the lock file

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another with: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "This Python cannot make environments (on Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## Analyse the sample company and open its dashboards
	$(BIN)/crm-analytics demo --port $(PORT) --out $(OUT)

test: $(READY) ## Run every test (browser tests need Chromium)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: $(READY) ## Lint, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## Put the code into the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: $(READY) ## Run the notebooks and write .ipynb and HTML
	$(BIN)/python notebooks/build.py

sample-data: $(READY) ## Make the sample data again
	$(BIN)/python sample_data/generate.py

lock: $(READY) ## Pin the newest versions that fit pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
	  --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements.lock

clean: ## Remove what can be made again
	rm -rf $(VENV) $(OUT) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
