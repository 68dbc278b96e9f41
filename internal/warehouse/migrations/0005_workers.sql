CREATE TABLE IF NOT EXISTS {{.Database}}.workers_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation the record belongs to',
    source LowCardinality(String) COMMENT 'Name of the source in the pipeline file',
    worker_id String COMMENT 'Id in the source',
    revision UInt64 COMMENT 'Grows with every correction of the same identity; the greatest wins',
    retracted Bool COMMENT 'True where the source deleted the record',
    email String COMMENT 'Address that matches people across systems, lower case',
    tag String COMMENT 'Who the person is, where the source says so by more than the address',
    name String COMMENT 'Full name',
    system LowCardinality(String) COMMENT 'System the id belongs to',
    agent_id String COMMENT 'Agent id in the facts and the interval tables',
    active Bool COMMENT 'True where the person can work under the id now',
    log_topic LowCardinality(String) COMMENT 'Topic the record was read from',
    log_partition UInt32 COMMENT 'Its partition',
    log_offset UInt64 COMMENT 'Its offset',
    arrived_at DateTime64(3, 'UTC') COMMENT 'When the log took it',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    fingerprint UInt64 MATERIALIZED cityHash64(tuple(retracted, email, tag, name, system, agent_id, active)) COMMENT 'Tells facts of one identity and revision apart by their content'
)
ENGINE = ReplacingMergeTree(log_offset)
ORDER BY (tenant, source, worker_id, revision, fingerprint)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'The ids that systems know people by, every revision; storage: read the view workers';

CREATE TABLE IF NOT EXISTS {{.Database}}.identities_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    pipeline LowCardinality(String) COMMENT 'Pipeline whose file says so',
    aliases Map(String, String) COMMENT 'Persons by their other addresses and tags, and by ids as source/worker id; lower case',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (tenant, pipeline)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What pipeline files say about who is who; storage: read the view worker_aliases';
