# One command each; all of them set up what they need in .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo docs install-anywhere test test-core test-rest test-bounds test-plain test-cluster check bench validate clean

demo: $(READY)  ## simulate two time points of a virus population, align and compare them, show what was found
	$(BIN)/colonnade demo --output demo --force

test: $(READY) check  ## all checks: style, types, layers, tests
	$(MAKE) --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) test-core test-rest test-bounds test-plain test-cluster

CORE := $(addprefix tests/,formats plan tally records pileup parity method compare)

test-core: $(READY)  ## tests of reading, counting and comparing
	$(BIN)/python -m pytest --quiet $(CORE)

test-rest: $(READY)  ## all others, but those with workers: aligning, simulating, reports, commands, documentation
	$(BIN)/python -m pytest --quiet $(CORE:%=--ignore=%) --ignore=tests/run --ignore=tests/cluster

test-cluster: $(READY)  ## those with workers: processes that come and go, and are killed
	$(BIN)/python -m pytest --quiet tests/run tests/cluster

# With indices checked, kernels are slow: files of tests that call few of them are left out, and tests that call them often for the
# sake of statistics, or again with real data.
CHECKED := $(addprefix tests/,formats plan/test_ranges.py plan/test_check.py plan/test_inflation.py tally records pileup method \
	compare/test_windows.py compare/test_compare.py) \
	$(addprefix tests/align/test_,search.py absence.py reads.py mates.py insert_sizes.py pairing.py rescue.py)
UNCHECKED := $(addprefix tests/,formats/test_table.py formats/test_table_files.py formats/test_table_reader.py \
	pileup/test_lines.py method/test_calibration.py)
LONG := plain_sampling or no_more_often or real or ten_samples or same_bytes

test-bounds: $(READY)  ## those of kernels again, each index of an array checked
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(VENV)/bounds-checked $(BIN)/python -m pytest --quiet $(CHECKED) $(UNCHECKED:%=--ignore=%) -k "not ($(LONG))"

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
