CREATE OR REPLACE VIEW {{.Database}}.dead_letters AS
SELECT tenant, pipeline, stage, source, fact, reason, detail, location, payload, rejected_at, log_topic, log_partition,
       log_offset, arrived_at, updated_at
FROM {{.Database}}.dead_letters_store FINAL
COMMENT 'Inputs that could not be used, whole, with the reason';

CREATE OR REPLACE VIEW {{.Database}}.deliveries AS
SELECT tenant, pipeline, sink, row_key, revision, outcome, status, latency_ms, attempt, error, attempted_at, updated_at
FROM {{.Database}}.deliveries_store FINAL
COMMENT 'Attempts by sinks to hand row revisions to destinations';

CREATE OR REPLACE VIEW {{.Database}}.deliveries_newest AS
SELECT tenant, pipeline, sink, row_key, newest.1 AS revision, newest.4 AS outcome, newest.5 AS status, newest.6 AS latency_ms,
       newest.3 AS attempt, newest.7 AS error, newest.2 AS attempted_at
FROM (SELECT tenant, pipeline, sink, row_key, max(tuple(revision, attempted_at, attempt, outcome, status, latency_ms, error)) AS newest
      FROM {{.Database}}.deliveries_store GROUP BY tenant, pipeline, sink, row_key) AS attempts
COMMENT 'The last attempt at the newest revision of each row that a sink has tried to deliver';
