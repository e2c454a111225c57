# Short verbs; CI runs the same ones (.ci/run). Each sets up what it needs: Go
# alone for `run` and `bench` (and `build`, where there is no Python); Python 3.11 or later for `validate` and for
# those tests that need an AWS to talk to; Node 20 for those of the example in it; Java 17 and Maven for DynamoDB Local. Set
# up once, a second run costs nothing.

SAM_VENV := .venv/sam
MOTO_VENV := .venv/moto
NODE_VENV := .venv/node
AWS_CLI := .venv/awscli
PROMTOOL := .venv/promtool
OIDC_PROVIDER := .venv/oidc-provider
DYNAMODB_LOCAL := .venv/dynamodb-local

# This machine's architecture, as Lambda names it.
HOST_ARCH = $(patsubst amd64,x86_64,$(shell go env GOHOSTARCH))
# Where functions are built for it; .aws-sam/build is what `sam deploy` takes, built for what is deployed.
HOST_BUILD := .aws-sam/host
# The authority that `tokenctl sandbox --tls` makes.
SANDBOX_CA := .aws-sam/sandbox/ca.pem
# The profile of samconfig.toml for `sam local` on it.
LOCAL_PROFILE = $(if $(filter arm64,$(HOST_ARCH)),local-arm64,local)
FUNCTIONS = $(shell grep -B1 'Type: AWS::Serverless::Function' template.yaml | sed -n 's/^  \(.*\):$$/\1/p')
SAM = SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-west-1} $(SAM_VENV)/bin
# The race detector needs a C compiler; without one Go turns cgo off.
RACE = $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
# Releases are built by the Go that go.mod names as its toolchain. Another Go fetches it.
RELEASE_GO = GOTOOLCHAIN=$(shell sed -n 's/^toolchain //p' go.mod) go
FUZZTIME ?= 30s
SOAK ?= 10m

# The exploration of the engine: what `make test` plays beside the rest, and all of it. Its heap
# is small, and would be collected all the time.
EXPLORE = GOGC=400 go test ./pkg/refresh -run 'TestOneFault|TestTwoFaults|TestManyFaults|TestChaos' -stride 31 -seeds 40 -rapid.checks 3000
EXPLORE_ALL = GOGC=400 go test ./pkg/refresh -run 'TestOneFault|TestTwoFaults|TestManyFaults|TestChaos' -v -timeout 0 \
	-stride 1 -seeds 1500 -rapid.checks 100000

.DEFAULT_GOAL := help
.PHONY: help release template run tokenctl test test-dynamodb-local test-documents test-release drill soak lint build validate sam-local bench fuzz clean functions moto node oauth-servers awscli promtool on-dynamodb-local

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' Makefile

run: ## Show all of it on this machine, without AWS: records, refreshes, a crash and its recovery
	@go build -trimpath -o bin/tokenctl ./cmd/tokenctl
	@bin/tokenctl local

build: functions tokenctl ## Build the functions for this machine (.aws-sam/host), and tokenctl

tokenctl: ## Build the operator's command (bin/tokenctl)
	go build -trimpath -o bin/tokenctl ./cmd/tokenctl

test: functions moto node oauth-servers awscli ## Run all tests; the functions' real binaries run against an emulated AWS
	@$(if $(RACE),,echo "No C compiler: testing without the race detector.")
	FUNCTIONS_DIR="$$PWD/$(HOST_BUILD)" go test $(RACE) -shuffle=on ./internal/e2e
	go test $(RACE) -shuffle=on $$(go list ./... | grep -v -e /internal/e2e -e /internal/docs/typed)
	$(EXPLORE)

test-documents: functions moto awscli $(SAM_VENV)/.ready ## Type every command line of the documents as printed (two minutes)
	CI=true FUNCTIONS_DIR="$$PWD/$(HOST_BUILD)" go test ./internal/docs/typed

# Conditional writes must hold against an implementation of Amazon's own, with no lock before
# it: moto's are not atomic. Secrets Manager stays moto's.
test-dynamodb-local: ## Run the tests of tables, races and kills against Amazon's DynamoDB Local (Java 17, Maven)
	@if $(MAKE) -s $(DYNAMODB_LOCAL)/.ready; then $(MAKE) -s on-dynamodb-local; \
	elif [ "$$CI" = true ]; then exit 1; \
	else echo "Skipped: DynamoDB Local wants Java 17, Maven and Maven Central (Debian: apt-get install openjdk-17-jre-headless maven)."; fi

on-dynamodb-local: functions moto
	DYNAMODB_LOCAL="$$PWD/$(DYNAMODB_LOCAL)" FUNCTIONS_DIR="$$PWD/$(HOST_BUILD)" \
		go test $(RACE) -shuffle=on ./pkg/homes/awshome ./pkg/reader/awsreader
	DYNAMODB_LOCAL="$$PWD/$(DYNAMODB_LOCAL)" FUNCTIONS_DIR="$$PWD/$(HOST_BUILD)" \
		go test $(RACE) -shuffle=on -run 'Berbix|Race|Kill|Fleet' ./internal/e2e

# The last commit's release, from two clones: the same bytes, and in each package what it should hold.
test-release: moto $(SAM_VENV)/.ready ## Make the last commit's release twice and check it (some minutes)
	CI=true $(RELEASE_GO) test -run '^TestRelease$$' -timeout 0 ./internal/dist -release

drill: functions moto ## Play outages: which alarm rings, how long before the token ends (docs/operations.md)
	CI=true FUNCTIONS_DIR="$$PWD/$(HOST_BUILD)" go test -run '^TestDrill$$' ./internal/e2e -drill
	go test -run '^TestDrillOfAThousand$$' ./internal/bench -drill
	@sed -n '/^| outage/,/^<!-- make drill: end/p' docs/operations.md | sed '$$d'

soak: functions moto oauth-servers ## Live through random kills and failures for SOAK (10m; SEED replays), then all pairs of faults, all breaks
	CI=true FUNCTIONS_DIR="$$PWD/$(HOST_BUILD)" go test $(RACE) -run '^TestSoak$$' -v -timeout 0 ./internal/e2e -soak $(SOAK) $(if $(SEED),-soak-seed $(SEED))
	CI=true go test ./internal/oauthservers -v -timeout 0 -rounds 3000
	$(EXPLORE_ALL)
	go test ./internal/mutation -v -timeout 0 -all

lint: ## Check format and code
	go tool -modfile=tools/go.mod golangci-lint run

template: ## Make template.yaml anew from internal/template/generate and the catalog of providers
	go run ./internal/template/generate template.yaml

release: $(SAM_VENV)/.ready ## Make the files of a release in dist/: tokenctl, the functions' packages, their template, lists of modules
	$(RELEASE_GO) run ./internal/dist -python $(SAM_VENV)/bin/python

validate: $(SAM_VENV)/.ready ## Check template.yaml with the SAM CLI and cfn-lint, and build it for both architectures
	$(SAM)/sam validate --lint
	$(SAM)/cfn-lint template.yaml
	@mkdir -p .aws-sam
	$(SAM)/python tools/translate.py template.yaml > .aws-sam/translated.json
	$(SAM)/cfn-lint .aws-sam/translated.json
	$(SAM)/sam build --build-dir .aws-sam/validate --parameter-overrides Architecture=$(if $(filter x86_64,$(HOST_ARCH)),arm64,x86_64)
	$(SAM)/sam build --build-dir $(HOST_BUILD) --parameter-overrides Architecture=$(HOST_ARCH)

sam-local: moto tokenctl $(SAM_VENV)/.ready ## Run each function in a container with the SAM CLI, for every file of events/ (Docker, or root on Debian)
	$(SAM)/sam build --config-env $(LOCAL_PROFILE)
	@go build -o .aws-sam/sam-local ./internal/samlocal
	@exec .aws-sam/sam-local

bench: ## Measure cold start and warm refresh against two other programs, and how many rows a sweep gets done
	go run ./internal/bench
	go test -run '^TestManyAccounts$$' -v -timeout 0 ./internal/bench -many | grep 'accounts\|virtual_test'

fuzz: ## Fuzz every decoder, each for FUZZTIME (30s)
	@grep -rnoE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' pkg internal | \
		sed -E 's,^(.*)/[^/]+:[0-9]+:func (.*)$$,\1 \2,' | while read -r dir name; do \
		go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) ./$$dir || exit 1; \
	done

clean: ## Remove everything that the other verbs have made
	rm -rf bin dist .aws-sam .venv

# The binaries of the functions for this machine. `sam build` makes them; without
# it (no Python, no PyPI) the rule that it calls does, with the same result.
functions:
	@if $(MAKE) -s $(SAM_VENV)/.ready; then \
		$(SAM)/sam build --build-dir $(HOST_BUILD) --parameter-overrides Architecture=$(HOST_ARCH); \
	else \
		echo "No SAM CLI: building the functions without it."; \
		for f in $(FUNCTIONS); do \
			mkdir -p $(HOST_BUILD)/$$f && \
			$(MAKE) -s -f build/$(HOST_ARCH)/Makefile build-$$f ARTIFACTS_DIR=$(HOST_BUILD)/$$f || exit 1; \
		done \
	fi

# What `sam build` calls, through build/<architecture>/Makefile: RefreshHesabe is
# built from functions/refresh-hesabe. norpc and -s -w take 10 MB off the binary, and
# nethttpomithttp2 0.4 MB: all its clients speak HTTP/1.1. The shell reads ARTIFACTS_DIR: to
# make a space in it would end it, and a dollar begin a variable. Local builds, and no others, carry the certificate
# of `tokenctl sandbox --tls` if there is one.
GOARCH ?= arm64
build-Refresh%:
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build -trimpath -buildvcs=false -tags lambda.norpc,nethttpomithttp2 -ldflags "$(strip -s -w $(STAMP))" \
		-o "$$ARTIFACTS_DIR/bootstrap" ./functions/refresh-$(shell echo $* | tr 'A-Z' 'a-z')
	@case "$$ARTIFACTS_DIR" in *.aws-sam/local/*) test ! -f $(SANDBOX_CA) || \
		{ mkdir -p "$$ARTIFACTS_DIR/certificates" && cp $(SANDBOX_CA) "$$ARTIFACTS_DIR/certificates"; };; esac

# An installed moto will do, with its moto_server; without any, the tests that need it are skipped.
moto:
	@command -v moto_server >/dev/null && python3 -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("moto"))' || \
		$(MAKE) -s $(MOTO_VENV)/.ready || echo "No moto: the tests that need an AWS are skipped."

# The AWS SDK of the example in Node; without it, its tests are skipped.
node:
	@command -v npm >/dev/null && $(MAKE) -s $(NODE_VENV)/.ready || \
		echo "No AWS SDK for Node: the tests of the example in Node are skipped."

# AWS's command line, for the tests that run what documents and advice print. npm carries version 2 for Linux on x86_64
# alone; elsewhere an installed one will do.
awscli:
	@command -v npm >/dev/null && test "$$(uname -sm)" = "Linux x86_64" && $(MAKE) -s $(AWS_CLI)/.ready || \
		command -v aws >/dev/null || echo "No AWS CLI: what documents print for it is not run."

$(AWS_CLI)/.ready: tools/awscli/package.json tools/awscli/package-lock.json
	@echo "Installing the AWS CLI into $(AWS_CLI) (once) ..."
	@rm -rf $(AWS_CLI) && mkdir -p $(AWS_CLI) && cp $^ $(AWS_CLI)
	@cd $(AWS_CLI) && npm ci --legacy-peer-deps --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd $(AWS_CLI) && python3 -m zipfile -e node_modules/@aws-cdk/asset-awscli-v2/lib/layer.zip . && \
		mv awscli/v2/2.*/dist dist && chmod +x dist/aws && rm -rf node_modules awscli
	@touch $@

# Prometheus's own check of the example's alert rules, without its service discoveries. It takes two minutes to
# build, and so `make test` leaves it out where nobody has asked for it.
promtool: $(PROMTOOL)/promtool ## Build Prometheus's promtool, for the tests of the alert rules (two minutes, once)

$(PROMTOOL)/promtool: tools/promtool/go.mod tools/promtool/go.sum
	@mkdir -p $(PROMTOOL)
	go build -modfile=tools/promtool/go.mod -trimpath -buildvcs=false -tags remove_all_sd -ldflags "-s -w" -o $@ github.com/prometheus/prometheus/cmd/promtool

# OAuth 2 servers that others wrote; without one, its tests are skipped.
oauth-servers:
	@command -v npm >/dev/null && $(MAKE) -s $(OIDC_PROVIDER)/.ready || \
		echo "No oidc-provider: the tests against it are skipped."
	@$(MAKE) -s .venv/django/.ready || \
		echo "No django-oauth-toolkit: the tests against it are skipped."

define npm-ci
	@rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
endef

$(NODE_VENV)/.ready: examples/node/package.json examples/node/package-lock.json
	@echo "Installing the AWS SDK for Node into $(NODE_VENV) (once) ..."
	$(npm-ci)

$(OIDC_PROVIDER)/.ready: tools/oidc-provider/package.json tools/oidc-provider/package-lock.json
	@echo "Installing oidc-provider into $(OIDC_PROVIDER) (once) ..."
	$(npm-ci)

$(DYNAMODB_LOCAL)/.ready: tools/dynamodb-local/pom.xml
	@echo "Fetching DynamoDB Local into $(DYNAMODB_LOCAL) (once) ..."
	@rm -rf $(DYNAMODB_LOCAL)
	@mvn -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$$PWD/$(DYNAMODB_LOCAL)"
	@java -Djava.library.path=$(DYNAMODB_LOCAL) -cp '$(DYNAMODB_LOCAL)/*' \
		com.amazonaws.services.dynamodbv2.local.main.ServerRunner -version >/dev/null
	@touch $@

.venv/%/.ready: tools/requirements-%.txt
	@echo "Installing $* into .venv/$* (once) ..."
	@rm -rf .venv/$* && python3 -m venv .venv/$*
	@.venv/$*/bin/pip install --quiet --disable-pip-version-check --retries 1 -r $<
	@touch $@
