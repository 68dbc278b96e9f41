// Package config is where the system runs: the data folder, and the addresses of Kafka, the schema registry and ClickHouse
// where they are not embedded. What it computes is in pipeline files instead.
//
// Three layers, the later winning: a YAML file, the environment, flags. An option is named the same in all of them:
// kafka.sasl.username, QUARTERHOUR_KAFKA_SASL_USERNAME, --kafka-sasl-username. Secrets have no flag, since others on the
// machine can read a command line; in the file, ${NAME} and ${file:/path} stand for values kept elsewhere.
package config
