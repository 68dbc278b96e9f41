CREATE TABLE IF NOT EXISTS {{.Database}}.queue_intervals_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    interval_start DateTime('UTC') COMMENT 'Start of the half-open interval',
    interval_seconds UInt32 COMMENT 'Length of the interval, seconds',
    queue_id String COMMENT 'Queue',
    queue_name LowCardinality(String) COMMENT 'Queue''s name for people',
    channel LowCardinality(String) COMMENT 'Channel',
    offered Int64 COMMENT 'Contacts offered, count',
    answered Int64 COMMENT 'Contacts answered, count',
    abandoned Int64 COMMENT 'Contacts that ended unanswered, count',
    short_abandoned Int64 COMMENT 'Abandoned after a wait below the short-abandon limit, count; also in abandoned',
    answered_in_sl Int64 COMMENT 'Answered within the service level, count',
    abandoned_in_sl Int64 COMMENT 'Abandoned within the service level, count',
    transferred_out Int64 COMMENT 'Contacts that left by transfer, count',
    overflowed Int64 COMMENT 'Contacts that left unanswered to another destination, count',
    wait_ms Int64 COMMENT 'Wait of answered contacts, milliseconds',
    abandon_wait_ms Int64 COMMENT 'Wait of abandoned contacts, milliseconds',
    max_wait_ms Int64 COMMENT 'Longest wait of a contact answered or abandoned here, milliseconds',
    talk_ms Int64 COMMENT 'Talk, split over the spans, milliseconds',
    hold_ms Int64 COMMENT 'Hold, milliseconds',
    wrap_ms Int64 COMMENT 'Wrap-up, milliseconds',
    contact_ms Int64 COMMENT 'Talk and hold, milliseconds',
    handle_ms Int64 COMMENT 'Talk, hold and wrap-up, milliseconds',
    backlog Int64 COMMENT 'Contacts waiting at the interval''s end, count',
    facts Int64 COMMENT 'Facts that contribute to the row',
    final Bool COMMENT 'True once every source that feeds the row is complete through the interval''s end plus grace',
    revision UInt64 COMMENT 'Greatest revision of a row wins',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(interval_start)
ORDER BY (tenant, interval_seconds, queue_id, channel, interval_start)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One queue and channel in one interval; storage: read the view queue_intervals';

CREATE TABLE IF NOT EXISTS {{.Database}}.agent_queue_intervals_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    interval_start DateTime('UTC') COMMENT 'Start of the half-open interval',
    interval_seconds UInt32 COMMENT 'Length of the interval, seconds',
    agent_id String COMMENT 'Agent',
    agent_name LowCardinality(String) COMMENT 'Agent''s name for people',
    queue_id String COMMENT 'Queue; empty for direct contacts',
    queue_name LowCardinality(String) COMMENT 'Queue''s name for people',
    channel LowCardinality(String) COMMENT 'Channel',
    answered Int64 COMMENT 'Contacts answered, count',
    completed Nullable(Int64) COMMENT 'Contacts whose wrap-up ended, count; null where the source has no wrap-up',
    contact_ms Int64 COMMENT 'Talk and hold, milliseconds',
    talk_ms Int64 COMMENT 'Talk, milliseconds',
    hold_ms Int64 COMMENT 'Hold, milliseconds',
    wrap_ms Int64 COMMENT 'Wrap-up, milliseconds',
    handle_ms Int64 COMMENT 'Talk, hold and wrap-up, milliseconds',
    direct_out Int64 COMMENT 'Outbound contacts, count',
    facts Int64 COMMENT 'Facts that contribute to the row',
    final Bool COMMENT 'True once every source that feeds the row is complete through the interval''s end plus grace',
    revision UInt64 COMMENT 'Greatest revision of a row wins',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(interval_start)
ORDER BY (tenant, interval_seconds, agent_id, queue_id, channel, interval_start)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One agent in one queue and channel in one interval; storage: read the view agent_queue_intervals';

CREATE TABLE IF NOT EXISTS {{.Database}}.agent_intervals_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    interval_start DateTime('UTC') COMMENT 'Start of the half-open interval',
    interval_seconds UInt32 COMMENT 'Length of the interval, seconds',
    agent_id String COMMENT 'Agent',
    agent_name LowCardinality(String) COMMENT 'Agent''s name for people',
    login_ms Int64 COMMENT 'Logged in, milliseconds',
    available_ms Int64 COMMENT 'Available, milliseconds',
    on_contact_ms Int64 COMMENT 'On a contact by the agent''s state, milliseconds',
    wrap_ms Int64 COMMENT 'In wrap-up by the agent''s state, milliseconds',
    not_ready_ms Int64 COMMENT 'Not ready, milliseconds',
    not_ready_by_reason Map(LowCardinality(String), Int64) COMMENT 'Not ready by reason, milliseconds; the parts sum to not_ready_ms',
    concurrency_ms Int64 COMMENT 'Sum of the agent''s contacts'' own clocks, milliseconds; more than the interval where contacts overlap',
    direct_out Int64 COMMENT 'Outbound contacts, count',
    scheduled_ms Nullable(Int64) COMMENT 'Scheduled to work, milliseconds; null where shifts are not known',
    adherent_ms Nullable(Int64) COMMENT 'Scheduled and working, milliseconds; null where shifts are not known',
    facts Int64 COMMENT 'Facts that contribute to the row',
    final Bool COMMENT 'True once every source that feeds the row is complete through the interval''s end plus grace',
    revision UInt64 COMMENT 'Greatest revision of a row wins',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(interval_start)
ORDER BY (tenant, interval_seconds, agent_id, interval_start)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'One agent in one interval; storage: read the view agent_intervals';

CREATE TABLE IF NOT EXISTS {{.Database}}.work_periods_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation',
    worker_id String COMMENT 'Worker',
    started_at DateTime64(3, 'UTC') COMMENT 'Clock-in',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Clock-out; null while open',
    final Bool COMMENT 'True once it can no longer change by ordinary lateness',
    revision UInt64 COMMENT 'Greatest revision wins',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree(revision)
PARTITION BY toYYYYMM(started_at)
ORDER BY (tenant, worker_id, started_at)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'A stretch of paid presence of one worker; storage: read the view work_periods';
