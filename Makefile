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
TORCH := $(shell sed -n 's/^  "\(torch==[^"]*\)",/\1/p' pyproject.toml)
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
