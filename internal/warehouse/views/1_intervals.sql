-- The parts of one row are in one partition, so partitions need not be compared with each other. The business day is the day on
-- the tenant's own clock that the interval starts in.
CREATE OR REPLACE VIEW {{.Database}}.queue_intervals AS
SELECT tenant, interval_start, interval_seconds,
       toDate(formatDateTime(interval_start, '%F', if(timezone = '', 'UTC', timezone))) AS business_day,
       queue_id, queue_name, channel, offered, answered, abandoned,
       short_abandoned, answered_in_sl, abandoned_in_sl, transferred_out, overflowed, wait_ms, abandon_wait_ms, max_wait_ms,
       talk_ms, hold_ms, wrap_ms, contact_ms, handle_ms, backlog, facts, final, revision, updated_at
FROM {{.Database}}.queue_intervals_store FINAL
ANY LEFT JOIN (SELECT tenant, interval_seconds, timezone FROM {{.Database}}.tenants) AS zones USING (tenant, interval_seconds)
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'The newest revision of each queue and channel in each interval';

CREATE OR REPLACE VIEW {{.Database}}.queue_intervals_revisions AS
SELECT tenant, interval_start, interval_seconds, queue_id, queue_name, channel, offered, answered, abandoned,
       short_abandoned, answered_in_sl, abandoned_in_sl, transferred_out, overflowed, wait_ms, abandon_wait_ms, max_wait_ms,
       talk_ms, hold_ms, wrap_ms, contact_ms, handle_ms, backlog, facts, final, revision, updated_at
FROM {{.Database}}.queue_intervals_revisions_store FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every revision of queue_intervals';

CREATE OR REPLACE VIEW {{.Database}}.agent_queue_intervals AS
SELECT tenant, interval_start, interval_seconds,
       toDate(formatDateTime(interval_start, '%F', if(timezone = '', 'UTC', timezone))) AS business_day,
       agent_id, agent_name, queue_id, queue_name, channel, answered, completed,
       contact_ms, talk_ms, hold_ms, wrap_ms, handle_ms, direct_out, facts, final, revision, updated_at
FROM {{.Database}}.agent_queue_intervals_store FINAL
ANY LEFT JOIN (SELECT tenant, interval_seconds, timezone FROM {{.Database}}.tenants) AS zones USING (tenant, interval_seconds)
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'The newest revision of each agent in each queue and channel in each interval';

CREATE OR REPLACE VIEW {{.Database}}.agent_queue_intervals_revisions AS
SELECT tenant, interval_start, interval_seconds, agent_id, agent_name, queue_id, queue_name, channel, answered, completed,
       contact_ms, talk_ms, hold_ms, wrap_ms, handle_ms, direct_out, facts, final, revision, updated_at
FROM {{.Database}}.agent_queue_intervals_revisions_store FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every revision of agent_queue_intervals';

CREATE OR REPLACE VIEW {{.Database}}.agent_intervals AS
SELECT tenant, interval_start, interval_seconds,
       toDate(formatDateTime(interval_start, '%F', if(timezone = '', 'UTC', timezone))) AS business_day,
       agent_id, agent_name, login_ms, available_ms, on_contact_ms, wrap_ms,
       not_ready_ms, not_ready_by_reason, concurrency_ms, direct_out, scheduled_ms, adherent_ms, facts, final, revision,
       updated_at
FROM {{.Database}}.agent_intervals_store FINAL
ANY LEFT JOIN (SELECT tenant, interval_seconds, timezone FROM {{.Database}}.tenants) AS zones USING (tenant, interval_seconds)
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'The newest revision of each agent in each interval';

CREATE OR REPLACE VIEW {{.Database}}.agent_intervals_revisions AS
SELECT tenant, interval_start, interval_seconds, agent_id, agent_name, login_ms, available_ms, on_contact_ms, wrap_ms,
       not_ready_ms, not_ready_by_reason, concurrency_ms, direct_out, scheduled_ms, adherent_ms, facts, final, revision,
       updated_at
FROM {{.Database}}.agent_intervals_revisions_store FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every revision of agent_intervals';

CREATE OR REPLACE VIEW {{.Database}}.work_periods AS
SELECT tenant, worker_id, started_at, ended_at, final, revision, updated_at
FROM {{.Database}}.work_periods_store FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'The newest revision of each stretch of paid presence';

CREATE OR REPLACE VIEW {{.Database}}.work_periods_revisions AS
SELECT tenant, worker_id, started_at, ended_at, final, revision, updated_at
FROM {{.Database}}.work_periods_revisions_store FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Every revision of work_periods';
