# make demo    set everything up, write a small production, load it, query it
# make test    set everything up, run the whole test suite
# make test-faults   kill loaders 50 times for each number of processes, load 20,000 damaged files,
#                    walk 200 random steps of loads and accidents
# make test-delays   run tests whose moments must be certain while waits for the server take random times
# make test-versions   run the main tests on PostgreSQL 14 to 18, or on VERSIONS="14 18"
# make test-benchmark   run every mode of the benchmark at a small size
# make docs    build the site, in docs/_build/html
# make check   ruff, mypy, and which room may import which
# make wheel   build sdist and wheel into dist/

BIN := .venv/bin
DEMO := demo
# On all processors, and one more since tests also wait; each with a server of its own. The tests of
# a file share what they prepare; tests/conftest.py says which files come first.
PARALLEL := --numprocesses $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --dist loadfile \
    --no-loadscope-reorder

.PHONY: demo test test-faults test-delays test-versions test-benchmark docs check format wheel clean

demo:
	@scripts/setup.sh
	@SPECPROD_COPY=$(BIN)/specprod-copy scripts/demo.sh $(DEMO)

test:
	@scripts/setup.sh test docs
	$(BIN)/pytest $(PARALLEL)

test-faults:
	@scripts/setup.sh test
	SPECPROD_COPY_KILLS=50 SPECPROD_COPY_MUTATIONS=20000 SPECPROD_COPY_ODD_VALUES=1000 \
	    SPECPROD_COPY_WALK_ROUNDS=200 SPECPROD_COPY_DASK_KILLS=30 SPECPROD_COPY_PAIRS=20 \
	    $(BIN)/pytest $(PARALLEL) -rP tests/faults tests/loading/test_dask.py

test-delays:
	@scripts/setup.sh test
	PYTHONPATH=$(CURDIR)/tests/support/delays $(BIN)/pytest $(PARALLEL) tests/faults tests/loading \
	    tests/executors tests/daily tests/vac tests/zcatalog tests/coeff_patch tests/verification

test-versions:
	@scripts/test_versions.sh $(VERSIONS)

test-benchmark:
	@scripts/setup.sh test benchmark
	SPECPROD_COPY_BENCHMARK=1 $(BIN)/pytest tests/scripts/test_benchmark.py

docs:
	@scripts/setup.sh docs
	$(BIN)/sphinx-build -q -W --keep-going docs docs/_build/html
	@echo "the site: docs/_build/html/index.html"

check:
	@scripts/setup.sh test check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format:
	@scripts/setup.sh test check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel:
	@scripts/setup.sh test
	$(BIN)/python -m build

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
