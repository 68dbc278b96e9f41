-- Every interval that a queue and channel has, from its first row to the end of what the tenant's sources have reported, with
-- its start on the tenant's own clock. Candidates lie half an hour apart at most, because clocks move by half hours somewhere;
-- those that are not aligned on the tenant's clock are no intervals.
CREATE OR REPLACE VIEW {{.Database}}.series_intervals AS
WITH
    spans AS
    (
        SELECT tenant, interval_seconds, queue_id, channel, toUnixTimestamp(min(interval_start)) AS begins
        FROM {{.Database}}.queue_intervals
        GROUP BY tenant, interval_seconds, queue_id, channel
    ),
    horizons AS
    (
        SELECT tenant, interval_seconds, toInt64(toUnixTimestamp(min(interval_start))) AS begins,
               toInt64(toUnixTimestamp(max(interval_start))) AS ends
        FROM {{.Database}}.queue_intervals
        GROUP BY tenant, interval_seconds
    ),
    clocks AS
    (
        SELECT tenant, interval_seconds, timezone, toInt64(gcd(interval_seconds, 1800)) AS step,
               ifNull(toUnixTimestamp64Milli(complete_through), 0) AS complete_ms
        FROM {{.Database}}.tenants
    ),
    calendar AS
    (
        SELECT tenant, interval_seconds, complete_ms,
               arrayJoin(range(begins, greatest(ends, least(complete_ms, toUnixTimestamp64Milli(now64(3))) DIV 1000 - interval_seconds) + 1, step)) AS starts,
               formatDateTime(toDateTime(starts, 'UTC'), '%F %T', timezone) AS local
        FROM horizons
        INNER JOIN clocks USING (tenant, interval_seconds)
    )
SELECT spans.tenant AS tenant, spans.interval_seconds AS interval_seconds, spans.queue_id AS queue_id, spans.channel AS channel,
       concat(tenant, '/', queue_id, '/', channel) AS unique_id,
       toDateTime(calendar.starts, 'UTC') AS interval_start,
       toDateTime(calendar.local, 'UTC') AS ds,
       (calendar.starts + interval_seconds) * 1000 <= calendar.complete_ms AS complete
FROM spans
INNER JOIN calendar USING (tenant, interval_seconds)
WHERE calendar.starts >= spans.begins AND toUnixTimestamp(ds) % interval_seconds = 0
COMMENT 'Every interval of every queue and channel from its first row on, with its start on the tenant''s own clock (ds)';
{{range .Series}}
CREATE OR REPLACE VIEW {{$.Database}}.series_{{.Name}} AS
SELECT i.unique_id AS unique_id, i.ds AS ds, if(i.complete, {{.Value}}, NULL) AS y,
       i.tenant AS tenant, i.queue_id AS queue_id, i.channel AS channel, i.interval_seconds AS interval_seconds,
       i.interval_start AS interval_start
FROM {{$.Database}}.series_intervals AS i
LEFT JOIN {{$.Database}}.queue_intervals AS r
       ON r.tenant = i.tenant AND r.interval_seconds = i.interval_seconds AND r.queue_id = i.queue_id
      AND r.channel = i.channel AND r.interval_start = i.interval_start
COMMENT '{{.SQLComment}} Zero where nothing happened, NULL where the sources are not complete.';
{{end}}
