# Tests against Apache Kafka itself. `make test-kafka KAFKA_PACKAGES=./internal/broker/` narrows them down.
.PHONY: test-kafka
KAFKA_PACKAGES ?= ./internal/broker/... ./internal/runtime/...

test-kafka: ## run the Kafka tests against Apache Kafka (Maven, Java 17)
	deploy/apache-kafka/with-kafka $(GO) test -count=1 $(KAFKA_PACKAGES)
