# ElasticMQ, a server that speaks Amazon SQS, which the tests of the sqs sink start. It comes through Maven into the folder target beside
# this file. What is there already is not fetched again and needs no network.
ELASTICMQ_SOURCE := $(dir $(lastword $(MAKEFILE_LIST)))

.PHONY: elasticmq
elasticmq: ## fetch ElasticMQ once, for the tests of the sqs sink (37 MB; Maven, Java 17)
	@sh $(ELASTICMQ_SOURCE)fetch
