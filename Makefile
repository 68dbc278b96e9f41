# `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help build demo test race week lint verify calls generate bench clean

GO ?= go
BIN := bin/quarterhour
LINT_VERSION := v2.15.0
SPEED ?= 500
CALLS ?= ../shared/data/bank-calls-1999-02-week1.tsv

-include internal/embedded/clickhouse/engine.mk deploy/apache-kafka/kafka.mk deploy/elasticmq/elasticmq.mk

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/quarterhour
	$(GO) build -o $(BIN) ./cmd/quarterhour

demo: engine build ## run the whole system against simulated vendors
	./$(BIN) demo

test: engine elasticmq ## run the tests against the embedded engines and an SQS server
	$(GO) test ./...

race: engine elasticmq ## the same with the race detector, which needs a C compiler
	$(GO) test -race ./...

week: engine ## a simulated week against the simulated vendors, with outages and kills (SPEED=500 takes 20 minutes)
	WEEKTEST_SPEED=$(SPEED) $(GO) test -count=1 -timeout 4h -v -run TestAWeek ./internal/simulator/weektest

lint: ## check the layers and the habits of the project
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) run

# What needs more than Go, Node.js and make is left out, aloud, where that is missing.
verify: test lint ## what has to pass before a change lands: what .ci/run runs
	@if command -v java >/dev/null && command -v mvn >/dev/null; then $(MAKE) --no-print-directory test-kafka; \
	else echo "no Java and Maven: the tests against Apache Kafka are left out"; fi
	@if [ -f "$(CALLS)" ] && command -v python3 >/dev/null; then $(MAKE) --no-print-directory calls; \
	else echo "no $(CALLS), or no python3: the week of real calls is left out"; fi

calls: engine build ## load a week of real calls and compare every cell (CALLS=file.tsv, python3)
	pipelines/examples/bank-calls.sh "$(CALLS)"

generate: ## write the generated code and reference pages again
	$(GO) generate ./...

bench: engine build ## run the benchmarks and print the table
	./$(BIN) bench

clean: ## remove what was built
	rm -rf bin
