# Needs Python, make and a package index; all else is set up below this folder.
PYTHON ?= python3
PY := .venv/bin/python
UV := $(PY) -m uv pip install --quiet --python $(PY)

.PHONY: demo demo-sql test wheel soak bench targets lint generate

# Two runs into a PostgreSQL with reports by dbt, a page, and the proof that nothing is missing.
demo: .venv/demo.stamp .meltano/plugins.stamp
	@$(PY) -m scripts.demo

demo-sql:  ## psql on the database that the demo has left
	@$(PY) -m scripts.demo sql $(ARGS)

# ARGS are pytest's; without them, what runs in pytest's process runs at other times as well.
test: .venv/dev.stamp .meltano/plugins.stamp .cache/targets.stamp
	$(PY) -m pytest $(ARGS)
ifndef ARGS
	$(PY) -m pytest --clocks --quiet -r fE
endif

# The tests of the tap alone, beside the wheel as users install it; the source is out of reach.
WHEEL := .cache/wheel
wheel: .venv/dev.stamp
	rm -rf $(WHEEL)
	$(PY) -m uv build --quiet --wheel --out-dir $(WHEEL)/dist
	$(PY) -m uv venv --quiet --python $(PY) $(WHEEL)/venv
	$(PY) -m uv pip install --quiet --python $(WHEEL)/venv/bin/python --group test \
		"tap-qonto[redis,s3,sftp] @ file://$$(ls "$(CURDIR)"/$(WHEEL)/dist/*.whl)"
	cp -r tests pyproject.toml $(WHEEL)
	cd $(WHEEL) && venv/bin/python -m pytest $(ARGS)

soak: .venv/dev.stamp .meltano/plugins.stamp  ## The same promises under more and other accidents
	TAP_QONTO_EXAMPLES=5000 TAP_QONTO_KILLS=200 TAP_QONTO_RUNS=40 $(PY) -m pytest \
		tests/reading/test_ways.py tests/reading/test_side_by_side.py tests/journeys/test_no_loss.py \
		tests/journeys/test_stops.py tests/journeys/test_soak.py --timeout=7200 $(ARGS)

bench: .venv/dev.stamp  ## All figures beside their peers, into docs/benchmarks.md
	$(PY) -m bench $(ARGS)
	$(PY) -m scripts.generate

targets: .venv/dev.stamp  ## The tap into many targets, into docs/targets.md
	$(PY) -m tests.targets $(ARGS)

lint: .venv/dev.stamp
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(PY) -m ty check
	.venv/bin/lint-imports --no-logo --no-cache
	.venv/bin/codespell
	.venv/bin/proselint --config .proselintrc.json check *.md docs/*.md hub/*.md

# What is made from the code: tables of the documents, settings of meltano.yml, hub/.
generate: .venv/dev.stamp
	$(PY) -m scripts.dbt_models
	$(PY) -m scripts.cookbook
	$(PY) -m scripts.generate
	$(PY) -m scripts.hub
	$(PY) -m scripts.reference

.venv/uv.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.12")'
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@touch $@

.venv/demo.stamp: .venv/uv.stamp pyproject.toml
	@$(UV) --editable . --group demo
	@touch $@

.venv/dev.stamp: .venv/uv.stamp pyproject.toml
	@$(UV) --editable '.[redis,s3,sftp]' --group test --group lint
	@touch $@

.cache/targets.stamp: tests/targets/catalog.py tests/targets/venvs.py | .venv/dev.stamp
	@echo "Installing targets for the tests ..."
	@$(PY) -m tests.targets --for-tests
	@touch $@

.meltano/plugins.stamp: meltano.yml pyproject.toml | .venv/demo.stamp
	@echo "Installing Meltano's plugins ..."
	@.venv/bin/meltano --log-level=error install tap-qonto target-postgres dbt-postgres
	@touch $@
