# `make` prints this list. The work itself is in hack/ and tests/.
SHELL := /bin/bash
export UV_CACHE_DIR := $(HOME)/.cache/linnet/uv
# Some machines set it. Without compiled modules each of the tests' many processes starts seconds later.
unexport PYTHONDONTWRITEBYTECODE
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
CLUSTER ?= linnet-demo

help: ## what there is
	@grep -hE '^[a-z0-9%-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: .venv ## a real cluster, a good version promoted, four bad ones rolled back
	$(PYTHON) -m hack.demo --cluster $(CLUSTER) $(DEMO)

demo-experiment: .venv ## five releases decided by what users do, with every count known beforehand
	$(PYTHON) -m hack.experiment --cluster $(CLUSTER) $(DEMO)

down: .venv ## remove the demo's cluster
	$(PYTHON) -m hack.cluster down --name $(CLUSTER)

check: lint unit ## lint, types, generated files, unit tests, scenarios: about a minute

lint: .venv
	@mkdir -p out
	.venv/bin/ruff check --quiet .
	.venv/bin/ruff format --check --quiet .
	.venv/bin/lint-imports --no-cache > out/lint-imports.txt || { cat out/lint-imports.txt; exit 1; }
	$(PYTHON) -m mypy operator/src workload/src hack tests
	$(PYTHON) -m hack.generate --check
	$(PYTHON) -m hack.workflows

unit: .venv
	HYPOTHESIS_PROFILE=linnet-quick $(PYTEST) -q -n 2 -p no:schemathesis -m "not thorough" tests/unit tests/scenarios

cover: .venv ## all tests that need no cluster, and the gates of coverage
	$(PYTHON) -m hack.test tools near coverage

kind: .venv ## the end-to-end tests on a cluster of their own
	$(PYTHON) -m hack.test e2e

test: .venv ## every test, on a cluster of its own, with coverage
	$(PYTHON) -m hack.test

e2e: .venv ## the end-to-end tests, with every fault caused for real
	$(PYTEST) -q tests/e2e

security: .venv ## bandit's rules, the workflows, advisories of all packages (SECURITY=--offline: without those)
	$(PYTHON) -m hack.security $(SECURITY)

charts: .venv ## both charts linted, and packed into out/charts
	$(PYTHON) -m hack.charts

images: .venv ## both images as archives in out/images
	$(PYTHON) -m hack.images

sbom: .venv ## what is in each image, as CycloneDX in out/sbom
	$(PYTHON) -m hack.sbom

plugin: .venv ## kubectl-linnet as Krew installs it, in out/plugin (PLUGIN=--all: for every platform)
	$(PYTHON) -m hack.plugin $(PLUGIN)

release: .venv ## all that a release is made of, in out/release
	$(PYTHON) -m hack.release

publish: .venv ## push both images (REGISTRY=HOST/PATH)
	$(PYTHON) -m hack.images push $(REGISTRY)

site: .venv ## the documentation in out/site, without a broken link
	$(PYTHON) -m hack.site

bench: .venv ## every benchmark; bench-NAME for one
	$(PYTHON) -m hack.bench

bench-%: .venv
	$(PYTHON) -m hack.bench $*

load: .venv ## k6's standard load on recochat, and a report in out/load (LOAD="--rate 300 --duration 60s")
	$(PYTHON) -m hack.loadtest $(LOAD)

soak: .venv ## the benchmarks that take hours; soak-NAME for one
	$(PYTHON) -m hack.bench soak

soak-%: .venv
	$(PYTHON) -m hack.bench soak $*

verify: .venv ## write the generated files anew
	$(PYTHON) -m hack.sessions
	$(PYTHON) -m hack.generate

lock: .venv ## pin all dependencies anew
	$(PYTHON) -m hack.lock

.venv: requirements/dev.txt requirements/uv.txt operator/pyproject.toml workload/pyproject.toml
	@mkdir -p out
	@python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y python3-venv; } \
	  || { echo 'Linnet needs Python 3.11 or later with venv: apt-get install python3-venv' >&2; exit 1; }
	python3 -m venv .venv
	.venv/bin/pip install --quiet --require-hashes -r requirements/uv.txt
	.venv/bin/uv pip sync --quiet --require-hashes requirements/dev.txt
	.venv/bin/uv pip install --quiet --no-deps --no-build-isolation -e operator -e workload
	@touch .venv

.PHONY: help demo demo-experiment down check lint unit cover kind test e2e security charts images sbom \
  plugin release publish site bench load soak verify lock
.DEFAULT_GOAL := help
