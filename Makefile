# `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: help build demo test verify lint generate bench clean

GO ?= go
BIN := bin/quarterhour
LINT_VERSION := v2.15.0

-include internal/embedded/clickhouse/engine.mk deploy/apache-kafka/kafka.mk

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/quarterhour
	$(GO) build -o $(BIN) ./cmd/quarterhour

demo: engine build ## run the main job on a simulated contact-centre day
	./$(BIN) demo

test: engine ## run the tests against the embedded engines
	$(GO) test ./...

lint: ## check the layers and the habits of the project
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) run

verify: lint test ## what has to pass before a change lands

generate: ## write the generated code and reference pages again
	$(GO) generate ./...

bench: engine build ## run the benchmarks and print the table
	./$(BIN) bench

clean: ## remove what was built
	rm -rf bin
