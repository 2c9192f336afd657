# Everything runs in .venv, which is made from what pyproject.toml declares. Needed beforehand: Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=

.PHONY: help demo test test-clients lint run manual bench bench-postgres bench-recall bench-insights clean
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

test: $(VENV)/ready  ## the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS) -m "not night and not alone"
	$(BIN)/python -m pytest -n 3 --dist loadfile -m night
	$(BIN)/python -m pytest -m alone

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

lint: $(VENV)/ready  ## formatting, lint rules, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

run: $(VENV)/ready   ## the daemon in the foreground, on your own home
	$(BIN)/iai-daemon run

manual: $(VENV)/ready  ## the manual page, docs/iai-daemon.1, from what the commands say of themselves
	$(BIN)/python -m iai_daemon.cli.manual > docs/iai-daemon.1.new
	mv docs/iai-daemon.1.new docs/iai-daemon.1

bench: $(VENV)/ready  ## every figure that is promised, as ratios where it is a time
	$(BIN)/python -m benchmarks

bench-postgres: $(VENV)/ready  ## a memory in PostgreSQL: searches, recalls due at once, a night against one on a file
	$(BIN)/python benchmarks/postgres.py

bench-recall: $(VENV)/ready  ## whether search finds what was said, before and after nights: DATA=DIR
	$(BIN)/python benchmarks/recall.py $(if $(DATA),--data $(DATA))

bench-insights: $(VENV)/ready  ## whether what runs teach holds on other tasks: DATA=DIR
	$(BIN)/python benchmarks/insights.py $(if $(DATA),--data $(DATA))

clean:           ## remove what was made here
	rm -rf $(VENV) $(CLIENTS) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
