# `make run` and `make test` work from a clean clone; `make help` lists the rest.

MODEL ?=
PROMPT ?= Why is the sky blue? Answer in two sentences.
ARGS ?= -n 200
export MODEL PROMPT ARGS

CTEST = ctest --output-on-failure --no-tests=error -j 2

.PHONY: run test test-slow build setup format clean help

run: build
	@scripts/run_demo

test: setup
	@scripts/build release all
	@model="$$(scripts/fetch_demo_model)" && YOKE_DEMO_MODEL="$$model" $(CTEST) --test-dir build -L quick

test-slow: setup
	@scripts/build release all
	@model="$$(scripts/fetch_demo_model)" && YOKE_DEMO_MODEL="$$model" $(CTEST) --test-dir build -L slow

build: setup
	@scripts/build release yoke

setup:
	@scripts/setup

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format -i

clean:
	rm -rf build build-*

help:
	@echo 'make run        answer a prompt with the demo model (PROMPT="..." MODEL=path.gguf ARGS="...")'
	@echo 'make test       build and run the quick tests'
	@echo 'make test-slow  run the slow tests'
	@echo 'make build      leave the release program at build/yoke'
	@echo 'make setup      install what is missing (Debian 12)'
	@echo 'make format     format the sources'
	@echo 'make clean      remove what was built'
