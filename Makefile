# Hearth's front door: `make help` lists what there is. Every target builds the environments it needs,
# and rebuilds them when their lock changes.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
UV_VERSION := 0.13.9
# torch comes by version, ahead of its environment's lock. TORCH_PIP_ARGS may name an index of CPU builds.
TORCH := $(shell sed -n 's/^torch = \["\(torch==[^"]*\)"\]/\1/p' pyproject.toml)
TORCH_PIP_ARGS ?=

AIRFLOW := .venv/airflow
STAGES := .venv/stages

# --- environments -----------------------------------------------------------------------------------

.PHONY: envs
envs: $(AIRFLOW)/.ok $(STAGES)/.ok ## build both environments

$(AIRFLOW)/.ok: requirements.txt requirements-dev.txt pyproject.toml requirements/venv
	@requirements/venv $(AIRFLOW) "$(PYTHON)" $(UV_VERSION) "" "" requirements.txt requirements-dev.txt

$(STAGES)/.ok: requirements-stages.txt requirements-stages-dev.txt pyproject.toml requirements/venv
	@requirements/venv $(STAGES) "$(PYTHON)" $(UV_VERSION) "$(TORCH)" "$(TORCH_PIP_ARGS)" requirements-stages.txt requirements-stages-dev.txt

.PHONY: lock
lock: $(AIRFLOW)/.ok ## resolve pyproject.toml into the locks again
	@UV=$(AIRFLOW)/bin/uv requirements/lock

# --- the stack --------------------------------------------------------------------------------------

.PHONY: up stop status demo bench bench-curate schemas
up: envs ## start the store, Airflow and the endpoint
	@$(AIRFLOW)/bin/python -m hearth.stack up

stop: rehearse-stop ## stop all of it in order: jobs, endpoint, Airflow, store; a rehearsal too
	@if [ -x $(AIRFLOW)/bin/python ]; then $(AIRFLOW)/bin/python -m hearth.stack stop; fi

status: $(AIRFLOW)/.ok ## show what runs
	@$(AIRFLOW)/bin/python -m hearth.stack status

demo: up ## build, evaluate and serve a small model from real text; leaves the stack up
	@$(AIRFLOW)/bin/hearth build demo --profile local
	@$(AIRFLOW)/bin/python -m hearth.stack up

bench: envs ## measure what the chain costs over its jobs, and what parsing the DAGs costs
	@$(AIRFLOW)/bin/python benchmarks/parsing.py
	@$(AIRFLOW)/bin/python benchmarks/overhead.py

# DOCUMENTS may name a folder of mirrored documents: real text beside the made-up one.
DOCUMENTS ?=
bench-curate: envs ## measure curation against its bars and its peers; DOCUMENTS=folder adds real text
	@missed=0; for what in "contamination frozen" "pii recall" "pii speed" copies filters start \
	  $(if $(DOCUMENTS),"copies $(DOCUMENTS)" "filters $(DOCUMENTS)" "parallel $(DOCUMENTS)" "pii recall $(DOCUMENTS)" "pii clean $(DOCUMENTS)"); do \
	  echo "== $$what"; $(STAGES)/bin/python -m benchmarks.curate.$$what || missed=1; done; exit $$missed

schemas: $(AIRFLOW)/.ok ## write the JSON Schemas and the reference pages that come from the code
	@$(AIRFLOW)/bin/python -m hearth.schemas docs/reference
	@$(AIRFLOW)/bin/python -m tools.reference docs/reference

# The site's generator has an environment of its own, which nothing else sees.
DOCS := .venv/docs
$(DOCS)/.ok: requirements-docs.txt
	@rm -rf $(DOCS) && "$(PYTHON)" -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.txt
	@touch $@

.PHONY: docs
docs: $(DOCS)/.ok ## build the documentation site into site/; a page, link or anchor that is not there fails it
	@$(DOCS)/bin/zensical build --clean --strict
	@printf 'external links, which nothing fetched: this target stays offline\n'; grep -rhoE 'https?://[^][ )<>"`]+' --include='*.md' docs README*.md | sort -u

# --- rehearsal ----------------------------------------------------------------------------------------

# A home of its own beside that of `make up`; the ports are the same, so that one of them runs at a time.
REHEARSAL_HOME := $(or $(HEARTH_HOME),$(CURDIR)/.hearth)/rehearsal
REHEARSAL := HEARTH_HOME="$(REHEARSAL_HOME)" HEARTH_PROFILE=rehearsal $(AIRFLOW)/bin
# Root is needed for what is missing of Debian's packages: here, and by `test`, `test-slurm` and
# `test-images`, which alone needs it for more. Without it, the line to run as root is printed.
# A Slurm with accounting and a REST API.
SLURM := munged=munge slurmctld=slurmctld slurmd=slurmd sbatch=slurm-client slurmdbd=slurmdbd \
	slurmrestd=slurmrestd mariadbd=mariadb-server-core \
	/usr/lib/*/slurm-wlm/auth_jwt.so=slurm-wlm-jwt-plugin
RECIPE ?= tiny

.PHONY: rehearse rehearse-stop
rehearse: envs ## build RECIPE as in production, on a Slurm here; needs root once, to install that from Debian
	@requirements/debian rehearse $(foreach pair,$(SLURM),'$(pair)')
	@$(REHEARSAL)/python -m rehearsal up
	@missed=0; $(REHEARSAL)/hearth build $(RECIPE) --rebuild-from train || missed=1; \
	  $(REHEARSAL)/python -m rehearsal about; exit $$missed

rehearse-stop: ## stop the rehearsal: Airflow, Slurm, the emulated AWS, the store
	@if [ -d "$(REHEARSAL_HOME)" ] && [ -x $(AIRFLOW)/bin/python ]; then $(REHEARSAL)/python -m rehearsal stop; fi

# --- images --------------------------------------------------------------------------------------------

# Where the secrets of the compose stack lie.
HEARTH_SECRETS ?= .hearth/compose
export HEARTH_SECRETS
# Profiles of the compose file: PROFILES=celery,monitoring. They are remembered in .env; PROFILES= forgets them.
REMEMBER := docker/settings $(if $(filter undefined,$(origin PROFILES)),,"$(PROFILES)")
BACKUP ?=
.PHONY: images secrets compose-up compose-backup compose-restore compose-upgrade
images: ## build the images with docker, podman or buildah; docker/build says what can be set
	@docker/build

secrets: ## make what is missing of the compose stack's secrets
	@docker/secrets $(HEARTH_SECRETS)

compose-up: images secrets ## start the compose stack, and say where things are
	@$(REMEMBER)
	@docker compose up --detach
	@printf 'Airflow   http://localhost:%s   user admin, password in %s\nEndpoint  http://localhost:%s/v1\n' \
	  "$${HEARTH_AIRFLOW_PORT:-18080}" "$(HEARTH_SECRETS)/admin_password" "$${HEARTH_ENDPOINT_PORT:-18000}"
	@! grep -q '^COMPOSE_PROFILES=.*monitoring' .env || printf 'Prometheus http://localhost:%s\n' "$${HEARTH_PROMETHEUS_PORT:-19090}"

compose-backup: ## back the compose stack up: BACKUP=folder, a new one
	@docker/backup $(BACKUP)

compose-restore: ## bring a backup onto an empty machine: BACKUP=folder
	@docker/restore $(BACKUP)

compose-upgrade: ## bring the compose stack to this version, after a backup: BACKUP=folder, a new one
	@$(REMEMBER)
	@docker/upgrade $(BACKUP)

.PHONY: mwaa
# The profile that builds use there; and, where the internet is not reached, a folder that has Airflow's
# constraints.txt, and wheels if pip shall ask no index.
MWAA_PROFILE ?= aws
MWAA_OFFLINE ?=
mwaa: $(AIRFLOW)/.ok ## build what Amazon MWAA wants, into dist/mwaa
	@$(AIRFLOW)/bin/python deploy/mwaa/build.py dist/mwaa --profile $(MWAA_PROFILE) $(if $(MWAA_OFFLINE),--offline $(MWAA_OFFLINE))

# --- checks -----------------------------------------------------------------------------------------

.PHONY: lint format test test-fast test-slurm test-images
lint: $(AIRFLOW)/.ok ## ruff, mypy and the import borders
	$(AIRFLOW)/bin/ruff format --check .
	$(AIRFLOW)/bin/ruff check .
	$(AIRFLOW)/bin/mypy
	$(AIRFLOW)/bin/lint-imports

format: $(AIRFLOW)/.ok ## let ruff format and mend what it can
	$(AIRFLOW)/bin/ruff format .
	$(AIRFLOW)/bin/ruff check --fix .

# SKIP="faults stages" leaves tiers out.
SKIP ?=
test: envs ## every tier of tests, in order, but those on a Slurm; needs root once, for Debian's chromium
	@$(if $(filter browser,$(SKIP)),,requirements/debian browser chromium=chromium)
	@$(AIRFLOW)/bin/python tests/tiers.py $(addprefix --skip=,slurm $(SKIP))

# What the tests of the Slurm backend need besides: a login node.
SSH := sshd=openssh-server ssh=openssh-client
test-slurm: envs ## on a real Slurm: the backend's laws, and production's operators rehearsed; needs root once
	@requirements/debian test-slurm $(foreach pair,$(SLURM) $(SSH),'$(pair)')
	@$(AIRFLOW)/bin/python tests/tiers.py --only=slurm

test-images: $(AIRFLOW)/.ok ## build the images and test the compose stack, without a container engine; needs root always
	@requirements/debian test-images buildah=buildah debootstrap=debootstrap setpriv=util-linux shellcheck=shellcheck \
	  '/usr/lib/postgresql/*/bin/initdb=postgresql' redis-server=redis-server redis-cli=redis-tools \
	  prometheus=prometheus promtool=prometheus prometheus-blackbox-exporter=prometheus-blackbox-exporter
	@tests/images/run

test-fast: $(AIRFLOW)/.ok ## the unit tests alone
	@$(AIRFLOW)/bin/python tests/tiers.py --only=unit

.PHONY: clean help
clean: stop ## stop, and remove all state: store, models, logs, secrets, caches; environments stay
	rm -rf .hearth .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 15
