# make run · make test · make check · make bench · make install
# PORT, LISTEN, DEMO=1 and every setting of the README (QUORUM_VAR=…) may follow.

PORT ?= 8000
LISTEN ?= 127.0.0.1
VENV := .venv
PYTHON := $(VENV)/bin/python
SCRATCH = QUORUM_VAR="$${QUORUM_VAR:-$(CURDIR)/var/$@}"

.PHONY: install run test check bench chromium

install: $(VENV)/installed

run: $(VENV)/installed
	@exec $(PYTHON) manage.py up --host $(LISTEN) --port $(PORT) $(if $(DEMO),--demo)

test: $(VENV)/installed-dev chromium
	@echo "Testing: everything, with slow tests and browser journeys. This takes minutes."
	$(SCRATCH) $(PYTHON) -m pytest -rsR

check: $(VENV)/installed-dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports
	$(SCRATCH) $(PYTHON) manage.py makemigrations --check --dry-run
	$(SCRATCH) $(VENV)/bin/mypy

bench: $(VENV)/installed-dev
	@$(SCRATCH) $(PYTHON) -m benchmarks

$(PYTHON):
	@sh scripts/make_venv.sh $(VENV)

$(VENV)/installed: requirements.txt | $(PYTHON)
	@echo "Installing what Quorum runs on (once; about a minute) …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements.txt requirements-ray.txt requirements-dev.txt | $(PYTHON)
	@echo "Installing what tests and checks need too (once; 2 to 5 minutes, 1 GB) …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/installed

chromium: $(VENV)/installed-dev
	@PYTHON=$(PYTHON) sh scripts/find_chromium.sh
