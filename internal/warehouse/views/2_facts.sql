-- Of two facts with one identity the greater revision wins; on a tie, the greater content, field by field in the schema's
-- order, with absent least. That is the rule of the interval transform, so the tables show the facts the intervals count.
CREATE OR REPLACE VIEW {{.Database}}.contacts AS
SELECT tenant, source, interaction_id, segment, newest.1 AS revision, newest.2 AS retracted,
       newest.3 AS channel, newest.4 AS direction, newest.5 AS queue_id, newest.6 AS queue_name,
       newest.7 AS agent_id, newest.8 AS agent_name, newest.9 AS offered_at, newest.10 AS answered_at,
       newest.11 AS ended_at, newest.12 AS wrap_ended_at, newest.13 AS talk_ms, newest.14 AS hold_ms,
       newest.15 AS wrap_ms, newest.16 AS outcome, newest.18 AS log_topic, newest.19 AS log_partition,
       newest.17 AS log_offset, newest.20 AS arrived_at, newest.21 AS updated_at
FROM
(
    SELECT tenant, source, interaction_id, segment,
           max(tuple(revision, retracted, channel, direction, queue_id, queue_name, agent_id, agent_name, offered_at,
                     answered_at, ended_at, wrap_ended_at, talk_ms, hold_ms, wrap_ms, outcome, log_offset, log_topic,
                     log_partition, arrived_at, updated_at)) AS newest
    FROM {{.Database}}.contacts_store
    GROUP BY tenant, source, interaction_id, segment
) AS facts
COMMENT 'The newest revision of each contact, as the sources sent it; retracted ones too';

CREATE OR REPLACE VIEW {{.Database}}.contacts_revisions AS
SELECT tenant, source, interaction_id, segment, revision, retracted, channel, direction, queue_id, queue_name, agent_id,
       agent_name, offered_at, answered_at, ended_at, wrap_ended_at, talk_ms, hold_ms, wrap_ms, outcome, log_topic,
       log_partition, log_offset, arrived_at, updated_at
FROM {{.Database}}.contacts_store FINAL
COMMENT 'Every revision of each contact, as the sources sent it';

CREATE OR REPLACE VIEW {{.Database}}.agent_states AS
SELECT tenant, source, agent_id, newest.2 AS agent_name, state_id, newest.1 AS revision, newest.3 AS retracted,
       newest.4 AS started_at, newest.5 AS ended_at, newest.6 AS sequence, newest.7 AS state,
       newest.8 AS reason, newest.9 AS channel, newest.11 AS log_topic, newest.12 AS log_partition,
       newest.10 AS log_offset, newest.13 AS arrived_at, newest.14 AS updated_at
FROM
(
    SELECT tenant, source, agent_id, state_id,
           max(tuple(revision, agent_name, retracted, started_at, ended_at, sequence, state, reason, channel, log_offset,
                     log_topic, log_partition, arrived_at, updated_at)) AS newest
    FROM {{.Database}}.agent_states_store
    GROUP BY tenant, source, agent_id, state_id
) AS facts
COMMENT 'The newest revision of each agent state, as the sources sent it; retracted ones too';

CREATE OR REPLACE VIEW {{.Database}}.agent_states_revisions AS
SELECT tenant, source, agent_id, agent_name, state_id, revision, retracted, started_at, ended_at, sequence, state, reason,
       channel, log_topic, log_partition, log_offset, arrived_at, updated_at
FROM {{.Database}}.agent_states_store FINAL
COMMENT 'Every revision of each agent state, as the sources sent it';
