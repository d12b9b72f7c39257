# `make demo` and `make test` set everything up on a fresh machine: Debian, Python 3.11 with venv, make, git.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
UV := 0.13.8
BIN := .venv/bin
# Never imported, or hardly: compiling them would only cost time.
NOT_COMPILED := /tests/|/(pip|setuptools|mypy|mypyc|networkx|polars)/|pygments/(lexers|styles)/[a-z]|transformers/models/(?!auto/|bert/|__init__)|torch/(testing/_internal|_inductor)/
# Offline and silent: no hub is asked, nothing is reported.
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export GX_ANALYTICS_ENABLED := false
export DAGSTER_DISABLE_TELEMETRY := yes
# Where it is set, each of many processes would compile this project anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup lock demo demo-sharepoint ui test tests test-long test-neo4j-2026 neo4j lint style types bench clean

help: ## show this
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: .venv/.ready ## the environment only: .venv with the exact versions of requirements.lock

.venv/.ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --requirement requirements.lock
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	# Once here, also where PYTHONDONTWRITEBYTECODE would let every process compile all libraries again.
	-$(BIN)/python -m compileall -qq -j 0 -x '$(NOT_COMPILED)' .venv/lib
	mkdir -p var/dagster && cp -n dagster.yaml var/dagster/dagster.yaml || true
	touch $@

lock: ## compile requirements.in into requirements.lock
	$(BIN)/uv pip compile --quiet --no-emit-index-url --no-header --python-version 3.11 \
		--python-platform x86_64-unknown-linux-gnu requirements.in --output-file requirements.lock

demo: setup ## index the example company, search it, edit one document, index again
	$(BIN)/python -m examples.demo

demo-sharepoint: setup ## the same over a SharePoint site of a made-up tenant: who may read what, and what a change costs
	$(BIN)/python -m examples.demo_sharepoint

ui: setup ## the Dagster UI: code location, webserver and daemon; Ctrl-C stops all three
	$(BIN)/python deploy/local.py

lint: style types ## ruff and the type checker

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

neo4j: setup ## fetch the Neo4j server of the tests, once; the tests do so themselves, beside the others
	$(BIN)/python -m tests.graph.server.neo4j_server

# Three workers on two cores, for one mostly waits for its servers; threads of the libraries in each would only wait too.
tests test-long: export OMP_NUM_THREADS := 1
tests test-long: export RAYON_NUM_THREADS := 1

# The type checker, which takes half a minute the first time and one core, beside the tests.
test: style ## everything that must hold
	+$(MAKE) --no-print-directory -j 2 types tests

# Tests that call make must not take part in this one.
tests: setup
	env -u MAKEFLAGS -u MAKELEVEL $(BIN)/python -m pytest -n 3

test-long: setup neo4j ## the random and kill tests at full length
	RAG_TEST_LONG=1 $(BIN)/python -m pytest -n 3

test-neo4j-2026: export RAG_TEST_NEO4J_VERSION := 2026.08.1
test-neo4j-2026: neo4j ## the graph store's tests against the calendar line of Neo4j (Java 25)
	$(BIN)/python -m pytest -n 3 tests/graph

bench: setup ## the benchmarks; QUALITY=folder measures retrieval on that folder too
	$(BIN)/python -m benchmarks $(QUALITY)

clean: ## remove what was written at run time and the environment
	rm -rf var .venv .cache
