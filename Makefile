# One command each; all of them set up what they need in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo docs install-anywhere test test-compiled test-bounds test-plain test-cluster check bench validate clean

demo: $(READY)  ## simulate two time points of a virus population, align and compare them, show what was found
	$(BIN)/colonnade demo --output demo --force

test: $(READY) check  ## all checks: style, types, layers, tests
	$(MAKE) --jobs=3 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) test-compiled test-bounds test-plain test-cluster

test-compiled: $(READY)  ## all tests but those with workers
	$(BIN)/python -m pytest --ignore=tests/cluster --ignore=tests/run

test-cluster: $(READY)  ## those with workers: processes that come and go, and are killed
	$(BIN)/python -m pytest --quiet tests/run tests/cluster

test-bounds: $(READY)  ## those of kernels again, each index of an array checked
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(VENV)/bounds-checked $(BIN)/python -m pytest --quiet tests/formats tests/plan tests/tally tests/records tests/pileup tests/method tests/compare --ignore=tests/method/test_calibration.py --ignore=tests/pileup/test_lines.py --ignore=tests/compare/test_parts.py --ignore=tests/compare/test_resume.py --ignore=tests/compare/test_packing.py tests/align/test_search.py tests/align/test_absence.py tests/align/test_reads.py tests/align/test_mates.py tests/align/test_insert_sizes.py tests/align/test_pairing.py tests/align/test_rescue.py

test-plain: $(READY)  ## some of these once more, as ordinary Python
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest --quiet tests/formats/test_binning.py tests/formats/test_intervals.py tests/records/test_streams.py tests/parity/test_overlap.py tests/tally/test_counts.py tests/pileup/test_baq.py tests/pileup/test_columns.py tests/align/test_repacked.py tests/align/test_refine.py tests/align/test_rescue.py tests/align/test_locate.py tests/align/test_insert_sizes.py

check: $(READY)  ## style, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY)  ## the documentation as web pages, in build/docs
	$(BIN)/sphinx-build -W --keep-going --quiet -b html docs build/docs

install-anywhere: $(READY)  ## wheel and sdist in empty environments that cannot be written to, with the demo run from there
	$(BIN)/python tests/packaging/install_anywhere.py

bench: $(READY)  ## timing beside samtools, pysam and bwa, as ratios
	$(BIN)/python benchmarks/compare.py
	$(BIN)/python benchmarks/pileup.py
	$(BIN)/python benchmarks/align.py

validate: $(READY)  ## the method against known truth (slow)
	status=0; for script in validation/*.py; do $(BIN)/python $$script || status=1; done; exit $$status

clean:  ## remove everything that make has made
	rm -rf $(VENV) demo build

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --build-constraint constraints.txt --group test --group lint --group docs --editable ".[cluster,report]"
	touch $(READY)
