# Understudy: `make run` plays the whole loop on this machine, `make test` tests it.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MODULES     := backend charts ci evaluator frontend inference kustomize service trainer
BINARIES    := bin/understudy bin/understudy-evaluator bin/understudy-trainer bin/understudy-inference bin/understudy-frontend bin/understudy-fakerunpod
PYTHON      := .cache/python/bin/python
export CGO_ENABLED ?= 0
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help run up monitor setup build programs program-frontend dashboard python test test-go test-python test-clients test-play test-kill test-faults test-ui docs-test record lint lint-charts manifests bench native images deploy undeploy e2e e2e-smoke cluster-up cluster-down clean clean-cache

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: setup ## play the main job: LLM → capture → training → evaluation → release → SLM (DATA= REPORT= SEED= PROVIDER=)
	@bin/understudy run --data-dir .understudy $(if $(DATA),--data $(DATA)) $(if $(REPORT),--report $(REPORT)) $(if $(SEED),--seed $(SEED)) $(if $(PROVIDER),--provider $(PROVIDER)) $(RUN_FLAGS)

up: setup ## start the platform with the state that the last run left (Ctrl-C ends it)
	@bin/understudy up --data-dir .understudy

monitor: build ## pods, services, volumes, models, jobs, requests and events, live (of the platform that `make run` or `make up` started)
	@bin/understudy monitor --data-dir .understudy

setup: ## build the programs, make the Python environment, fetch the models: side by side
	@ci/setup/check.sh
	@$(MAKE) --no-print-directory -j3 build python

build: programs program-frontend ## build the five programs into bin/, the dashboard among them where Node.js is there

programs:
	@ci/setup/build.sh $(filter-out bin/understudy-frontend,$(BINARIES))

program-frontend: dashboard
	@ci/setup/build.sh bin/understudy-frontend

dashboard: ## build the dashboard (needs Node.js 20.9 and npm)
	@ci/setup/dashboard.sh

python: ## the Python environment and the models
	@ci/setup/python.sh
	@$(PYTHON) ci/setup/models.py

test: setup test-python test-go test-clients test-play test-kill test-faults ## every test that needs no cluster

test-go: ## unit and integration tests of every module
	@ci/test/go.sh $(MODULES)

test-python: ## the training agent's tests
	@ci/setup/python.sh --test
	@$(PYTHON) -m pytest -q trainer/agent

test-clients: ## unmodified OpenAI and LangChain clients against a running platform; the downloads of setup
	@$(PYTHON) -m pytest -q ci/clients ci/setup

test-play: ## the play on the user's data, and on answers that cannot be learnt
	@cd ci && go test -count=1 -timeout 40m -v ./play

test-kill: ## kill -9 of every service in every phase; prints the matrix
	@cd ci && go test -count=1 -timeout 30m -v ./kill

test-faults: ## trainings on a simulated RunPod while things go wrong, the trainer killed at each side effect; prints the table
	@cd ci && go test -count=1 -timeout 20m -parallel 8 -v ./faults | grep -Ev '^ *(=== |--- PASS)'

test-ui: setup ## the dashboard in Chromium on a real platform that learns meanwhile; screenshots in .cache/ui (PICTURES= DOCS=)
	@ci/ui/run.sh

docs-test: setup ## every command of README and docs, run as it stands there
	@ci/docs/run.sh

record: setup ## record `make run` for the documentation (docs/make-run.svg)
	@cd ci && go run ./docs/cmd/record -dir .. -out ../docs/make-run.svg -- make run

lint: ## gofmt, go vet, ruff, shell syntax; types and eslint of the dashboard where npm is
	@ci/test/lint.sh $(MODULES)

lint-charts: ## ct lint of every chart with every ci/*-values.yaml
	@ci/charts/lint.sh

manifests: ## render charts/understudy into kustomize/platform
	@cd ci && go run ./charts/cmd/manifests

deploy: images ## install the platform in the cluster of the current kubectl context (VALUES=file.yaml)
	@ci/deploy/deploy.sh

undeploy: ## take away everything that deploy made
	@ci/deploy/undeploy.sh

e2e: setup ## the platform on a real Kubernetes: KUBECONFIG's, else one made here
	@ci/e2e/run.sh

e2e-smoke: setup ## the shortest way through it: install, one model to the stage, uninstall
	@ci/e2e/run.sh -test.run TestSmoke

bench: setup ## ratios, side by side in one run: gateway, evaluator, inference
	@ci/bench/bench.sh

.PHONY: bench-gpu bench77
bench-gpu: ## train BANKING77 on this machine's GPU: tokens/s and the loss curve (BANKING77_CSV=); says so where there is none
	@ci/setup/python.sh
	@PYTHONPATH=trainer/agent/src $(PYTHON) trainer/bench/gpu.py

bench77: ## train and judge BANKING77's 77 intents on the CPU, in half an hour (BANKING77_CSV=); writes trainer/bench/result77.*
	@ci/setup/python.sh --test
	@$(PYTHON) ci/setup/models.py
	@$(PYTHON) trainer/bench/bench77.py

native: ## the evaluator on ONNX Runtime (needs gcc and cargo)
	@evaluator/native/build.sh

images: ## the images of the five services, by docker or buildah
	@ci/images/build.sh

cluster-up: ## a Kubernetes of one node in a network namespace (needs root; the first start builds it, 12 minutes)
	@ci/cluster/up.sh

cluster-down: ## end that Kubernetes; leaves nothing behind
	@ci/cluster/down.sh

clean: cluster-down ## remove what was built here and the data of `make run`
	rm -rf bin .cache .understudy

clean-cache: ## remove what was downloaded
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/understudy"
