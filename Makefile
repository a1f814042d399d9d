# Two commands for a fresh clone: `make demo` and `make test`. Both build .venv when it is missing or out of date.
# Another interpreter: make PYTHON=python3.12 demo

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
AT_LEAST := import sys; sys.exit(sys.version_info < (3, 11))
# The first interpreter on the path that is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(AT_LEAST)' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo test check hashes gpu docs docs-serve dist clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo    rewrite a part of a Bach chorale, continue it, render and draw it, into demo/'
	@echo 'make test    lint, types and all tests'
	@echo 'make check   lint and types only'
	@echo 'make hashes  compare what was installed with constraints-hashes.txt'
	@echo 'make docs    the documentation as a site, into site/; make docs-serve shows it'
	@echo 'make dist    wheels and sdists of the library and of its larger weights into dist/, checked and tried in an empty environment'
	@echo 'make gpu     tests and a table of a GPU, in twelve minutes at most (ARGS=--small: anywhere)'
	@echo 'make clean   remove .venv and caches'

demo: $(STAMP)
	$(BIN)/symbolic-music demo --out demo

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

hashes: $(STAMP)
	$(BIN)/python release/hashes.py $(VENV)/installed.json $(VENV)/installed-alone.json

# mkdocs-material announces its successor on each run.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: docs
	$(BIN)/python -m http.server --directory site --bind 127.0.0.1 8000

dist: $(STAMP)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[release]'
	$(BIN)/python release/build.py

gpu: $(STAMP)
	$(BIN)/python benchmarks/gpu.py $(ARGS)

# tinysoundfont asks for pyaudio, which needs a compiler and PortAudio; it is used here for rendering only, which
# needs neither, so it is installed alone.
$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c '$(AT_LEAST)' 2>/dev/null || { \
		echo "error: Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --report $(VENV)/installed.json -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --report $(VENV)/installed-alone.json --no-deps \
		-c constraints.txt tinysoundfont
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
