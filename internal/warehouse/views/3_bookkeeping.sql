CREATE OR REPLACE VIEW {{.Database}}.dead_letters AS
SELECT tenant, pipeline, stage, source, fact, reason, detail, location, payload, rejected_at, log_topic, log_partition,
       log_offset, arrived_at, updated_at
FROM {{.Database}}.dead_letters_store FINAL
COMMENT 'Inputs that could not be used, whole, with the reason';

CREATE OR REPLACE VIEW {{.Database}}.deliveries AS
SELECT tenant, pipeline, sink, row_key, revision, outcome, status, latency_ms, attempt, error, attempted_at, updated_at
FROM {{.Database}}.deliveries_store FINAL
COMMENT 'Attempts by sinks to hand row revisions to destinations';
