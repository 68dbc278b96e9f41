CREATE TABLE IF NOT EXISTS {{.Database}}.contacts_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation the record belongs to',
    source LowCardinality(String) COMMENT 'Name of the source in the pipeline file',
    interaction_id String COMMENT 'The interaction; contacts are partitioned by it',
    segment String COMMENT 'Tells the segments of one interaction apart',
    revision UInt64 COMMENT 'Grows with every correction of the same identity; the greatest wins',
    retracted Bool COMMENT 'True where the source deleted the record: it contributes nothing',
    channel LowCardinality(String) COMMENT 'voice, chat, email, sms, ... in lower case',
    direction Enum8('inbound' = 0, 'outbound' = 1, 'internal' = 2, 'callback' = 3) COMMENT 'Inbound and call-back contacts are offered to queues; outbound and internal ones are not',
    queue_id String COMMENT 'Queue visited; empty for a direct contact',
    queue_name LowCardinality(String) COMMENT 'Queue''s name for people',
    agent_id String COMMENT 'Agent who handled it; empty where none',
    agent_name LowCardinality(String) COMMENT 'Agent''s name for people',
    offered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the contact entered the queue',
    answered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When an agent answered; null where none did',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When talking, or waiting where never answered, ended; null while open',
    wrap_ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When wrap-up ended; null where unknown',
    talk_ms Nullable(Int64) COMMENT 'Talk time where the source reports it, milliseconds; else it follows from the instants',
    hold_ms Nullable(Int64) COMMENT 'Hold time, milliseconds',
    wrap_ms Nullable(Int64) COMMENT 'Wrap-up time, milliseconds, where the source reports it rather than its end',
    outcome Enum8('unknown' = 0, 'handled' = 1, 'abandoned' = 2, 'transferred' = 3, 'overflowed' = 4, 'voicemail' = 5) COMMENT 'How the visit ended',
    log_topic LowCardinality(String) COMMENT 'Topic the record was read from',
    log_partition UInt32 COMMENT 'Its partition',
    log_offset UInt64 COMMENT 'Its offset',
    arrived_at DateTime64(3, 'UTC') COMMENT 'When the log took it',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    fingerprint UInt64 MATERIALIZED cityHash64(tuple(retracted, channel, direction, queue_id, queue_name, agent_id, agent_name, offered_at, answered_at, ended_at, wrap_ended_at, talk_ms, hold_ms, wrap_ms, outcome)) COMMENT 'Tells facts of one identity and revision apart by their content'
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (tenant, source, interaction_id, segment, revision, fingerprint)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Contacts as they were read, every revision; storage: read the view contacts';

CREATE TABLE IF NOT EXISTS {{.Database}}.agent_states_store
(
    tenant LowCardinality(String) COMMENT 'Customer organisation the record belongs to',
    source LowCardinality(String) COMMENT 'Name of the source in the pipeline file',
    agent_id String COMMENT 'The agent; states are partitioned by it',
    agent_name LowCardinality(String) COMMENT 'Agent''s name for people',
    state_id String COMMENT 'Tells the states of one agent apart; sources without one use the start and the sequence',
    revision UInt64 COMMENT 'Grows with every correction of the same identity; the greatest wins',
    retracted Bool COMMENT 'True where the source deleted the record: it contributes nothing',
    started_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When the state was entered',
    ended_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it ended, where the source says so',
    sequence Int64 COMMENT 'Order of states that start in the same instant',
    state Enum8('logged_out' = 0, 'available' = 1, 'on_contact' = 2, 'wrap' = 3, 'not_ready' = 4) COMMENT 'State by its effect on the measures',
    reason LowCardinality(String) COMMENT 'Reason code, as the source names it',
    channel LowCardinality(String) COMMENT 'Channel the state is about; empty for all',
    log_topic LowCardinality(String) COMMENT 'Topic the record was read from',
    log_partition UInt32 COMMENT 'Its partition',
    log_offset UInt64 COMMENT 'Its offset',
    arrived_at DateTime64(3, 'UTC') COMMENT 'When the log took it',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row was written',
    fingerprint UInt64 MATERIALIZED cityHash64(tuple(agent_name, retracted, started_at, ended_at, sequence, state, reason, channel)) COMMENT 'Tells facts of one identity and revision apart by their content'
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(arrived_at)
ORDER BY (tenant, source, agent_id, state_id, revision, fingerprint)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Agent states as they were read, every revision; storage: read the view agent_states';
