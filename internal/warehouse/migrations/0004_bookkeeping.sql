CREATE TABLE IF NOT EXISTS {{.Database}}.completeness_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    pipeline LowCardinality(String) COMMENT 'Pipeline',
    timezone LowCardinality(String) COMMENT 'The tenant''s time zone, IANA name',
    interval_seconds UInt32 COMMENT 'Interval length, seconds',
    complete_through Nullable(DateTime64(3, 'UTC')) COMMENT 'Least mark over all sources and shards; null before each has one',
    revision UInt64 COMMENT 'Greatest revision wins',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (tenant, pipeline)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'How far every source of a pipeline is complete; storage: read the view completeness';

CREATE TABLE IF NOT EXISTS {{.Database}}.dead_letters_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    pipeline LowCardinality(String) COMMENT 'Pipeline',
    stage LowCardinality(String) COMMENT 'Stage that refused it: ingest, transform or sink',
    source LowCardinality(String) COMMENT 'Source or sink name',
    fact LowCardinality(String) COMMENT 'Kind of fact or row',
    reason LowCardinality(String) COMMENT 'Short code, the same as in the metrics',
    detail String COMMENT 'What is wrong and what to do',
    location String COMMENT 'File and line, or topic, partition and offset',
    payload String COMMENT 'The input as it came',
    rejected_at DateTime64(3, 'UTC') COMMENT 'When',
    log_topic LowCardinality(String) COMMENT 'Topic the record was read from',
    log_partition UInt32 COMMENT 'Its partition',
    log_offset UInt64 COMMENT 'Its offset',
    arrived_at DateTime64(3, 'UTC') COMMENT 'When the log took it',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(rejected_at)
ORDER BY (tenant, pipeline, stage, source, location)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Inputs that could not be used, whole, with the reason; storage: read the view dead_letters';

CREATE TABLE IF NOT EXISTS {{.Database}}.deliveries_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    pipeline LowCardinality(String) COMMENT 'Pipeline',
    sink LowCardinality(String) COMMENT 'Sink''s name',
    row_key String COMMENT 'Key of the row',
    revision UInt64 COMMENT 'Revision of the row',
    outcome LowCardinality(String) COMMENT 'delivered, retry or dead',
    status Int32 COMMENT 'Status the destination answered, 0 where none',
    latency_ms Int64 COMMENT 'Milliseconds until the answer',
    attempt Int32 COMMENT 'Attempt, from 1',
    error String COMMENT 'What went wrong',
    attempted_at DateTime64(3, 'UTC') COMMENT 'When',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(updated_at)
PARTITION BY toYYYYMM(attempted_at)
ORDER BY (tenant, pipeline, sink, row_key, revision, attempt)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Attempts by sinks to hand row revisions to destinations; storage: read the view deliveries';
