# make run    set up what analysing needs, migrate the database, start the worker and the dashboard, print the address
# make test   set up everything and run the default tests
# make setup  only the environment with everything, in .venv
# make constraints  write the versions and hashes of constraints.txt anew, for what pyproject.toml allows (UPGRADE=--upgrade: the newest)
# make bench  fer-phq beside its peers and its floors, into docs/BENCHMARKS.md: hours, on a quiet machine
# make bench-base  each stage's processor seconds beside the merge base's: two minutes
# make sbom   write the software bill of materials, sbom.cdx.json (CycloneDX)
.POSIX:
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --compile-bytecode --python $(BIN)/python --constraint constraints.txt

.PHONY: run test setup lint types constraints bench bench-base sbom clean

run: .venv/runtime
	@$(BIN)/fer-phq up

test: setup
	@echo "Running the default tests (offline, no marks)."
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

setup: .venv/ready

.venv/uv.txt: constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("fer-phq needs Python 3.11 or newer, this is %d.%d: set PYTHON=/path/to/python3.11." % v[:2])'
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' constraints.txt > $@
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $@

.venv/runtime: pyproject.toml .venv/uv.txt
	@echo "Making the environment in .venv (first time: downloads about 350 MB, leaves 1.1 GB). To train models, too: make setup."
	@$(INSTALL) --editable .
	@touch $@
	@echo "Ready: .venv/bin/fer-phq"

.venv/ready: pyproject.toml .venv/uv.txt
	@echo "Making the environment in .venv (first time: downloads about 3 GB, leaves 8 GB, most of it PyTorch)."
	@$(INSTALL) --editable '.[train,dev]'
	@touch .venv/runtime $@
	@echo "Ready: .venv/bin/fer-phq"

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy --num-workers auto

constraints: setup
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) \
		--custom-compile-command 'make constraints' --extra train --extra dev --output-file constraints.txt pyproject.toml

bench: setup
	@$(BIN)/python benchmarks/bench_peers.py --docs

bench-base: setup
	@$(BIN)/python benchmarks/against_base.py

sbom: setup
	@$(BIN)/python docs/sbom.py

clean:
	rm -rf .venv
