DROP TABLE IF EXISTS {{.Database}}.deliveries_store;

CREATE TABLE IF NOT EXISTS {{.Database}}.deliveries_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    pipeline LowCardinality(String) COMMENT 'Pipeline',
    sink LowCardinality(String) COMMENT 'Sink''s name',
    row_key String COMMENT 'Key of the row',
    revision UInt64 COMMENT 'Revision of the row',
    outcome LowCardinality(String) COMMENT 'delivered, retry, dead, or passed: final for the first time, where only corrections are sent',
    status Int32 COMMENT 'Status the destination answered, 0 where none',
    latency_ms Int64 COMMENT 'Milliseconds until the answer',
    attempt Int32 COMMENT 'Attempt, from 1',
    error String COMMENT 'What went wrong',
    attempted_at DateTime64(3, 'UTC') COMMENT 'When',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toYYYYMM(attempted_at)
ORDER BY (tenant, pipeline, sink, row_key, revision, attempted_at, attempt, outcome)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Attempts by sinks to hand row revisions to destinations; storage: read the view deliveries';
