# Cartwright. `make` alone prints what can be done. Python 3.11 or newer and make are all that must be there.
# CI and the deployment pipeline call these targets and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VENV ?= .venv
VENV_LINT ?= .venv-lint
PY := $(VENV)/bin/python
LINT := $(VENV_LINT)/bin
PIP_FLAGS := --quiet --quiet --disable-pip-version-check --no-input --require-hashes
STAGE ?= dev
REGION ?= $(or $(AWS_REGION),eu-west-1)
TESTS ?= tests

.PHONY: help
help: ## Print this help
	@echo "Cartwright: an order-management storefront on AWS, and all of it on your laptop."
	@echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Data of the laptop is in .local (CARTWRIGHT_HOME). Ports: CARTWRIGHT_PORT and friends, see docs/settings.md."

# --- on a laptop ----------------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.run ## Start everything: shop, worker, PostgreSQL, local AWS, in-box. Ctrl-C stops it
	@exec $(PY) -m local run

.PHONY: stop
stop: $(VENV)/.run ## Stop what `make run` started, from another terminal
	@$(PY) -m local stop

.PHONY: status
status: $(VENV)/.run ## Say whether it runs, and where
	@$(PY) -m local status

.PHONY: doctor
doctor: $(VENV)/.run ## Check the promises I1 to I7 against the running stores (REPAIR=1 repairs)
	@$(PY) -m local exec $(PY) -m orders.doctor $(if $(REPAIR),--repair --yes)

# --- development ------------------------------------------------------------------------------------------

.PHONY: test
test: $(VENV)/.dev ## Run the tests on two processes (TESTS=path runs some)
	$(PY) -m pytest -n 2 --dist loadfile -m "not slow and not lab and not hosts" $(TESTS)

.PHONY: test-slow
test-slow: $(VENV)/.dev ## Run the tests that take long: whole runs of `make run`, roles with IAM enforced, clean environments
	$(PY) -m pytest -n 2 --dist loadfile -m "slow and not lab and not hosts" $(TESTS)

.PHONY: e2e
e2e: $(VENV)/.dev ## Run the browser tests against the real processes
	$(PY) -m pytest -m e2e tests/e2e

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Take a picture of every page at 360, 768 and 1440 px (OUT=.local/screenshots)
	$(PY) -m tests.e2e.screenshots $(or $(OUT),.local/screenshots)

.PHONY: ansible
ansible: $(VENV)/.dev $(VENV_LINT)/.lint ## Boot machines, configure them by Ansible, run the product on them (root, Debian)
	$(PY) -m pytest -m lab -s -v --durations=0 tests/lab

# From nothing to an order, nothing left to do, one machine's death; in ten minutes, and what is not done then is no fault.
ORDER_ON_HOSTS := test_shop_on_hosts.py::test_an_order_goes_through_the_balancer_to_an_email \
  test_hosts.py::test_a_second_run_and_a_check_change_nothing test_hosts.py::test_every_unit_of_a_machine_is_well \
  test_hosts.py::test_the_settings_are_for_root_alone \
  test_shop_on_hosts.py::test_a_killed_web_machine_costs_no_more_than_the_requests_in_flight

.PHONY: ansible-ci
ansible-ci: $(VENV)/.dev $(VENV_LINT)/.lint ## The heart of `make ansible`, in ten minutes (LAB_SECONDS=600)
	CARTWRIGHT_LAB_SECONDS=$(or $(LAB_SECONDS),600) $(PY) -m pytest -m lab -s -v $(addprefix tests/lab/,$(ORDER_ON_HOSTS))

.PHONY: mutants
mutants: $(VENV)/.dev ## Plant known faults one by one and show that each is caught
	$(PY) -m tests.mutants

.PHONY: load
load: $(VENV)/.dev ## Let shoppers arrive and write a report (RATE=20 SHOPPERS=256 SECONDS=30)
	$(PY) -m bench.load --rate $(or $(RATE),20) --shoppers $(or $(SHOPPERS),256) --seconds $(or $(SECONDS),30)

.PHONY: drill
drill: $(VENV)/.run ## Back up, lose everything, restore, and say what it cost; never touches your shop (COPY_OF=.local: on a copy)
	$(PY) -m local.drill $(if $(COPY_OF),--copy-of $(COPY_OF))

.PHONY: cost
cost: $(VENV)/.run ## Reckon what each stage costs, and write the tables of docs/stages.md
	@$(PY) -m cloudformation.cost

.PHONY: artefacts
artefacts: $(VENV)/.run $(VENV_LINT)/.lint ## Make the zips of a release, each with its SBOM, in build/artefacts
	$(PY) -m cloudformation.deploy.packages

.PHONY: limit
limit: $(VENV)/.dev ## Offer more and more orders per second and find what is sustained (RATES="10 20 30 40 50 60")
	$(PY) -m bench.load --find-limit $(or $(RATES),10 20 30 40 50 60)

.PHONY: chaos
chaos: $(VENV)/.dev ## Sell while processes die, connections break and clocks jump, then check every store (SEED=1 MINUTES=3 RATE=6)
	$(PY) -m bench.chaos --seed $(or $(SEED),1) --minutes $(or $(MINUTES),3) --rate $(or $(RATE),6)

.PHONY: flash-sale
flash-sale: $(VENV)/.dev ## One SKU, 10,000 shoppers for 500 pieces, with and without split counters
	$(PY) -m bench.flash_sale --shoppers $(or $(SHOPPERS),10000) --pieces $(or $(PIECES),500)

.PHONY: bench
bench: $(VENV)/.dev ## Measure every piece beside a yardstick of the same run
	$(PY) -m bench

.PHONY: check
check: $(VENV)/.dev $(VENV_LINT)/.lint ## Lint, format, types, import rules, templates, security, documents
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(LINT)/cfn-lint --append-rules cloudformation/rules --include-checks I -- cloudformation/*.yaml
	$(LINT)/checkov --directory cloudformation --framework cloudformation --skip-download --quiet --compact
	$(PY) -m pytest -q tests/unit/docs tests/unit/artefacts tests/lab/test_units.py tests/infra/test_rules.py tests/infra/test_release.py

.PHONY: format
format: $(VENV)/.dev ## Put the sources into their format
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

.PHONY: translations
translations: $(VENV)/.dev ## Bring the catalogues of texts up to date with the sources (FEATURE=cart only that one)
	$(PY) -m local.translations $(FEATURE)

.PHONY: lock
lock: ## Compile requirements/*.txt, pinned with hashes, from requirements/*.in
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/pip install --quiet --disable-pip-version-check uv
	for name in run dev lint; do \
	  build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-annotate requirements/$$name.in -o requirements/$$name.txt; \
	done

.PHONY: clean
clean: ## Remove what was built: environments, caches, reports. Your shop's data in .local stays
	rm -rf $(VENV) $(VENV_LINT) build reports .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.local/*' -prune -exec rm -rf {} +

# --- on AWS -------------------------------------------------------------------------------------------------

.PHONY: plan
plan: $(VENV)/.run ## Show what `make deploy` would change (STAGE=dev REGION=eu-west-1)
	$(PY) -m cloudformation.deploy plan --stage $(STAGE) --region $(REGION)

.PHONY: deploy
deploy: $(VENV)/.run ## Deploy the stacks of a stage to AWS, in order, by change sets
	$(PY) -m cloudformation.deploy apply --stage $(STAGE) --region $(REGION)

.PHONY: release
release: $(VENV)/.run ## Send the committed source to a stage's pipeline, which checks, deploys and watches it
	$(PY) -m cloudformation.deploy release --stage $(STAGE) --region $(REGION)

.PHONY: drift
drift: $(VENV)/.run ## Show what somebody changed by hand in a stage (exit code 2 when there is something)
	$(PY) -m cloudformation.deploy drift --stage $(STAGE) --region $(REGION)

.PHONY: destroy
destroy: $(VENV)/.run ## Delete a trial stage's stacks after asking for its name; DATA=1 its data, too. Never prod
	$(PY) -m cloudformation.deploy destroy --stage $(STAGE) --region $(REGION) $(if $(DATA),--delete-data)

# The next four are steps of the pipeline and of the weekly restore test.
.PHONY: static
static: $(VENV)/.run
	$(PY) -m cloudformation.deploy static --stage $(STAGE) --region $(REGION)

.PHONY: bills
bills: $(VENV)/.run $(VENV_LINT)/.lint
	$(PY) -m cloudformation.deploy bills --stage $(STAGE) --region $(REGION)

.PHONY: schema
schema: $(VENV)/.run
	$(PY) -m migrations.release --host "$(DATABASE_HOST)" --admin-secret "$(ADMIN_SECRET)" \
	  --region "$(REGION)" --certificates "$(CERTIFICATES)"

.PHONY: restored
restored: $(VENV)/.run
	$(PY) -m cloudformation.restored --job "$(JOB)" --arn "$(ARN)" --region "$(REGION)" --certificates "$(CERTIFICATES)"

# --- environments: a stamp tells which requirements a venv was built from -----------------------------------

define build_venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "Cartwright needs Python 3.11 or newer; $(PYTHON) is $$({ $(PYTHON) -V || echo not there; } 2>&1 | tail -1)."; \
  echo "Install one and say which: make $(or $(firstword $(MAKECMDGOALS)),run) PYTHON=python3.12"; exit 2; }
@echo "Building $(1) from $(2) (once, about a minute) …"
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1) || { \
  echo "Could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 2; }
@$(1)/bin/pip install $(PIP_FLAGS) -r $(2) || { \
  echo "Could not install the packages of $(2). Is there a network, and space on the disk?"; exit 2; }
endef

$(VENV)/.run: requirements/run.txt
	$(call build_venv,$(VENV),requirements/run.txt)
	@touch $@

$(VENV)/.dev: requirements/dev.txt
	$(call build_venv,$(VENV),requirements/dev.txt)
	@touch $@ $(VENV)/.run

$(VENV_LINT)/.lint: requirements/lint.txt
	$(call build_venv,$(VENV_LINT),requirements/lint.txt)
	@touch $@
