# `make` alone explains the others. Every target installs what it needs by itself.
.DEFAULT_GOAL := help
.PHONY: help setup firmware demo bench campaign machines witness test test-quick lint fuzz mutants dist clean

PYTHON ?= python3
PYTEST := .venv/bin/python -m pytest
# One process more than there are cores: a test that waits for an emulated board in real time keeps none of them.
# A file stays with one process, so that boards that its tests share boot once; tests/conftest.py has the order.
PROCESSES := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
ALL_CORES := $(PYTEST) --numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder

help:  ## this list
	@echo 'OpenNMES, see README.md. make demo shows it; make test-quick is for while you edit; make test decides.'
	@echo 'Each target installs what it lacks. The minutes are those of 2 cores, 2026-11-27.'
	@echo
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup:  ## install and build what is missing: packages, .venv, MicroPython, the Pico's firmware (build/*.uf2)
	@$(PYTHON) scripts/setup.py

# One board alone: make firmware BOARDS=pico2
firmware: setup  ## the firmware of every board (build/*.uf2), with size, free flash and free memory; 6 minutes
	@.venv/bin/python scripts/firmware.py $(BOARDS) $(OPTIONS)

demo: setup  ## a prescription into the real firmware on an emulated Pico, measured pulses out; into build/demo/
	@.venv/bin/python scripts/demo.py

bench: setup  ## our pulses beside the usual ways to make them, and slower CPUs; 6 minutes; into build/bench.*
	@PYTHONPATH=scripts .venv/bin/python -m benchmark.run
	@PYTHONPATH=scripts .venv/bin/python -m benchmark.edge

# On other machines too, each with this checkout at the same place: make campaign PARALLEL='--sshlogin :,one,two'
campaign: setup  ## 3000 random sessions with faults, judged from outside; SEED=N: one again; into build/campaign.json
	@PYTHONPATH=scripts .venv/bin/python -m campaign.run $(if $(SEED),--seed $(SEED)) $(OPTIONS)

machines: setup  ## the campaign on two machines that are made up for it (no root), compared with one
	@PYTHONPATH=scripts .venv/bin/python -m campaign.two_machines $(OPTIONS)

# One run alone: make witness OPTIONS='--only ramps'
witness: setup  ## the acceptance list on two emulated Picos wired to each other; 4 minutes; into build/witness/
	@.venv/bin/python scripts/two_picos.py $(OPTIONS)

lint: setup  ## ruff and mypy: host tools strictly, firmware against MicroPython's stubs
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/mypy --config-file firmware/mypy.ini

test: lint  ## lint, then all tests, 6 min: core on two interpreters, PIO by the cycle, the emulated chip, host tools
	@$(ALL_CORES) --durations=10

test-quick: setup  ## while editing, 40 s: architecture, core on CPython, PIO, prescription files
	@$(ALL_CORES) -m 'not micropython' tests/architecture tests/core tests/pio tests/host/test_prescription.py

# SEED=7 for others; FUZZ=10000000 for more.
fuzz: setup  ## a million lines of junk to the link and pulses to both judges, new draws of each property; SEED=N, FUZZ=N
	@FUZZ=$(or $(FUZZ),1200000) SEED=$(or $(SEED),1) $(PYTEST) --numprocesses=logical -rP tests/core_reference/test_fuzz.py tests/host/test_junk_on_the_virtual_board.py tests/core/test_verdict.py
	@FUZZ=1 $(ALL_CORES) -m hypothesis --hypothesis-seed=$(or $(SEED),1)

# What a change touches comes first, and what is known is not judged again: make mutants OPTIONS='--module store --budget 5'
mutants: setup  ## change the firmware in one place at a time: some test must fail; an hour and more; into build/mutants.md
	@PYTHONPATH=scripts .venv/bin/python -m mutants.run $(OPTIONS)

dist: firmware  ## wheel, source archive (firmware and UF2s in them) and bill of materials; into build/dist/
	@.venv/bin/python scripts/dist.py

clean:  ## remove what was made in this checkout; the cache (~/.cache/opennmes) stays
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache
