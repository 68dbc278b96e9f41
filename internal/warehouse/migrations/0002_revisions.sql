CREATE TABLE IF NOT EXISTS {{.Database}}.queue_intervals_revisions_store AS {{.Database}}.queue_intervals_store
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(interval_start)
ORDER BY (tenant, interval_seconds, queue_id, channel, interval_start, revision)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every revision of queue_intervals; storage: read the view queue_intervals_revisions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{.Database}}.queue_intervals_revisions_feed TO {{.Database}}.queue_intervals_revisions_store
AS SELECT * FROM {{.Database}}.queue_intervals_store AS written
COMMENT 'Copies every revision that is written into queue_intervals_revisions_store';

CREATE TABLE IF NOT EXISTS {{.Database}}.agent_queue_intervals_revisions_store AS {{.Database}}.agent_queue_intervals_store
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(interval_start)
ORDER BY (tenant, interval_seconds, agent_id, queue_id, channel, interval_start, revision)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every revision of agent_queue_intervals; storage: read the view agent_queue_intervals_revisions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{.Database}}.agent_queue_intervals_revisions_feed TO {{.Database}}.agent_queue_intervals_revisions_store
AS SELECT * FROM {{.Database}}.agent_queue_intervals_store AS written
COMMENT 'Copies every revision that is written into agent_queue_intervals_revisions_store';

CREATE TABLE IF NOT EXISTS {{.Database}}.agent_intervals_revisions_store AS {{.Database}}.agent_intervals_store
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(interval_start)
ORDER BY (tenant, interval_seconds, agent_id, interval_start, revision)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every revision of agent_intervals; storage: read the view agent_intervals_revisions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{.Database}}.agent_intervals_revisions_feed TO {{.Database}}.agent_intervals_revisions_store
AS SELECT * FROM {{.Database}}.agent_intervals_store AS written
COMMENT 'Copies every revision that is written into agent_intervals_revisions_store';

CREATE TABLE IF NOT EXISTS {{.Database}}.work_periods_revisions_store AS {{.Database}}.work_periods_store
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(started_at)
ORDER BY (tenant, worker_id, started_at, revision)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Every revision of work_periods; storage: read the view work_periods_revisions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {{.Database}}.work_periods_revisions_feed TO {{.Database}}.work_periods_revisions_store
AS SELECT * FROM {{.Database}}.work_periods_store AS written
COMMENT 'Copies every revision that is written into work_periods_revisions_store';

