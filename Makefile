# Everything runs in .venv, which is made from what pyproject.toml declares. Needed beforehand: Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
ONLY ?=

.PHONY: help demo test test-all test-clients faults fuzz soak coverage mutation audit licences lint run manual reference bench bench-check \
	bench-recall bench-insights clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "iai-daemon needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	-$(BIN)/python -m pip install --quiet --no-deps --only-binary :all: wordllama
	touch $@

demo: $(VENV)/ready  ## one evening in about two minutes, with real processes, in a home of its own
	$(BIN)/iai-daemon demo

# Twice as many at a time as there are processors: a third of the time they wait for servers and processes.
WORKERS := $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

test: $(VENV)/ready  ## the test suite in five minutes: all but the nights, the measurements and what takes longest
	$(BIN)/python -m pytest -n $(WORKERS) -m "not night and not alone and not thorough"

test-all: $(VENV)/ready  ## every test, about twenty minutes on two processors
	$(BIN)/python -m pytest -n $(WORKERS) -m "not night and not alone"
	$(BIN)/python -m pytest -n 3 --dist loadfile -m night
	$(BIN)/python -m pytest -m alone

faults: $(VENV)/ready  ## a proof for each promise (docs/promises.md): ONLY="one-daemon …", FAULTS=long for the full counts
	$(BIN)/python -m tests.faults $(ONLY)

fuzz: $(VENV)/ready  ## hostile input for everything that reads what others wrote: ONLY="heartbeat …", SECONDS=300 for each
	$(BIN)/python -m tests.fuzz $(ONLY) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

soak: $(VENV)/ready  ## twenty clients, nights, recalls and kills for MINUTES=10: is it flat, is every error accounted for?
	$(BIN)/python -m tests.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

# Real clients, kept apart from the machine's own: the newest Claude Code, which runs without node, and of the others what npm
# finds fit for this node.
CLIENTS := .clients
CLIENT_PACKAGES := @anthropic-ai/claude-code@latest @openai/codex opencode-ai @google/gemini-cli \
	@modelcontextprotocol/inspector @modelcontextprotocol/server-everything

$(CLIENTS)/ready: Makefile
	npm install --silent --no-fund --no-audit --prefix $(CLIENTS) $(CLIENT_PACKAGES)
	node $(CLIENTS)/node_modules/@anthropic-ai/claude-code/install.cjs
	node $(CLIENTS)/node_modules/opencode-ai/postinstall.mjs
	touch $@

test-clients: $(VENV)/ready $(CLIENTS)/ready  ## the tests with real clients, which npm installs
	TESTS_CLIENTS=$(CLIENTS) $(BIN)/python -m pytest tests/real_clients

coverage: $(VENV)/ready  ## which lines and branches all tests run, child processes too: fails below 95 %
	$(BIN)/python -m pip install --quiet --group measure
	$(BIN)/python -m tests.coverage

mutation: $(VENV)/ready  ## do tests notice one wrong place at a time in the pure modules? ONLY="lifecycle …", SAMPLE=20 of each
	$(BIN)/python -m pip install --quiet --group measure
	$(BIN)/python -m tests.mutation $(ONLY) --survivors $(if $(SAMPLE),--sample $(SAMPLE))

lint: $(VENV)/ready  ## formatting, lint rules, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

run: $(VENV)/ready   ## the daemon in the foreground, on your own home
	$(BIN)/iai-daemon run

manual: $(VENV)/ready  ## the manual page, docs/iai-daemon.1, from what the commands say of themselves
	$(BIN)/python -m iai_daemon.cli.manual > docs/iai-daemon.1.new
	mv docs/iai-daemon.1.new docs/iai-daemon.1

reference: manual  ## the pages of docs/reference that are made of the code, and the manual page
	$(BIN)/python -m iai_daemon.cli.reference docs/reference

licences: $(VENV)/ready  ## docs/licences.md, from what the packages say of themselves; it asks the package index
	$(BIN)/python -m tests.packaging.licences > docs/licences.md.new
	mv docs/licences.md.new docs/licences.md

audit: $(VENV)/ready  ## known holes in what is installed here
	$(BIN)/python -m pip install --quiet --group audit
	$(BIN)/pip-audit --skip-editable --progress-spinner off

bench: $(VENV)/ready  ## every promised figure beside what it is measured against: ONLY="night wrapper …"; draws docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ONLY)
	$(BIN)/python -m benchmarks.page

bench-check: $(VENV)/ready  ## has a ratio become worse by more than 20 % since the results that are kept?
	$(BIN)/python -m benchmarks.check $(ONLY)

bench-recall: $(VENV)/ready  ## whether search finds what was said, before and after nights: DATA=DIR
	$(BIN)/python benchmarks/recall.py $(if $(DATA),--data $(DATA))

bench-insights: $(VENV)/ready  ## whether what runs teach holds on other tasks: DATA=DIR
	$(BIN)/python benchmarks/insights.py $(if $(DATA),--data $(DATA))

clean:           ## remove what was made here
	rm -rf $(VENV) $(CLIENTS) .peers dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
