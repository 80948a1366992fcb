# The only command surface; CI calls the same targets. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

LOCAL := .local/bin/local
TOOLS := $(CURDIR)/.local/bin/tools
TEMPLATE := services/_template
SERVICES := $(filter-out $(TEMPLATE),$(wildcard services/*))
MODULES := pkg proto $(SERVICES) $(TEMPLATE) deploy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(LOCAL) ## run the whole system (Compose where a Docker engine runs, else native; TIZZA_NATIVE=1: native)
	@$(LOCAL) up

down: $(LOCAL) ## stop it; the data stays
	@$(LOCAL) down

status: $(LOCAL) ## show what runs of a native system
	@$(LOCAL) status

clean: $(LOCAL) ## stop it and remove all data, logs and binaries
	@for dir in .local/*/; do [ ! -e "$$dir/run" ] || $(LOCAL) clean --dir "$$dir"; done
	@$(LOCAL) clean
	@rm -rf .local

audit: ## compare what the services declare at RabbitMQ with what stands there
	@[ -e .local/env ] || { echo "nothing is up: make up comes first"; exit 1; }
	@set -a; . .local/env; failed=0; for service in $(SERVICES); do echo "$${service##*/}"; go run ./$$service topology check 2>&1 | sed '/^exit status/d; s/^/  /' || failed=1; done; exit $$failed

demo: ## sign up, like, attend, be forgotten: the running system shown (PEOPLE=300: a crowd)
	@[ -e .local/env ] || { echo "nothing is up: make up comes first"; exit 1; }
	@set -a; . .local/env; go run ./deploy/demo -people $(or $(PEOPLE),0)

test: $(LOCAL) $(TOOLS)/gotestsum ## everything, against servers of its own
	@deploy/with-servers.sh .local/test deploy/test.sh

test-servers: $(LOCAL) ## start the servers that single tests need; `go test` finds them by itself
	@$(LOCAL) servers --dir .local/test

verify: $(TOOLS)/golangci-lint $(TOOLS)/buf ## what CI checks besides the tests: format, walls, versions, generated code, contract, lint
	@go run ./deploy/verify
	@cd proto && $(TOOLS)/buf lint && $(TOOLS)/buf breaking --against ../deploy/contracts/proto.binpb
	@failed=0; for module in $(MODULES) deploy/tools/contract; do echo "lint  $$module"; (cd $$module && GOWORK=off $(TOOLS)/golangci-lint run ./...) || failed=1; done; exit $$failed

generate: $(TOOLS)/buf $(TOOLS)/protoc-gen-go ## make the generated code again
	@cd proto && PATH="$(TOOLS):$$PATH" buf generate
	@for service in $(SERVICES) $(TEMPLATE); do (cd $$service && GOWORK=off go generate ./...); done

bench: $(LOCAL) ## speed beside its floors: pages beside raw SQL, formats beside each other, messages beside bare ones
	@deploy/with-servers.sh .local/bench deploy/bench.sh

safeguards: $(LOCAL) ## each safeguard of the messages taken out, one at a time: its test has to go red (half an hour)
	@deploy/with-servers.sh .local/safeguards go run ./deploy/safeguards $(WORDS)

sizes: ## what each format costs: bytes and time
	@go run ./deploy/sizes

release-contract: $(TOOLS)/buf ## what the outside may rely on from now on: verify refuses changes that break it
	@for service in $(SERVICES); do cp $$service/openapi.yaml deploy/contracts/$${service##*/}.yaml; done
	@cd proto && $(TOOLS)/buf build --exclude-source-info -o ../deploy/contracts/proto.binpb

.PHONY: help up down status clean audit demo test test-servers verify generate bench safeguards sizes release-contract FORCE

# Go knows best whether it has to be built again.
$(LOCAL): FORCE
	@go build -o $@ ./deploy/local

# Tools come from modules of their own, so that what they need never meets what the services need.
$(TOOLS)/protoc-gen-go: deploy/tools/go.mod
	@echo "building $(@F)"; cd $(<D) && GOWORK=off go build -o $@ google.golang.org/protobuf/cmd/protoc-gen-go

$(TOOLS)/buf: deploy/tools/buf/go.mod
	@echo "building $(@F)"; cd $(<D) && GOWORK=off go build -o $@ github.com/bufbuild/buf/cmd/buf

$(TOOLS)/gotestsum: deploy/tools/test/go.mod
	@echo "building $(@F)"; cd $(<D) && GOWORK=off go build -o $@ gotest.tools/gotestsum

$(TOOLS)/golangci-lint: deploy/tools/lint/go.mod
	@echo "building $(@F) (minutes, the first time)"; cd $(<D) && GOWORK=off go build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
