CREATE OR REPLACE VIEW {{.Database}}.completeness AS
SELECT tenant, pipeline, timezone, interval_seconds, complete_through, revision, updated_at
FROM {{.Database}}.completeness_store FINAL
COMMENT 'How far every source of a pipeline is complete';

-- A tenant is complete as far as its least complete pipeline is.
CREATE OR REPLACE VIEW {{.Database}}.tenants AS
SELECT tenant, interval_seconds, argMax(completeness.timezone, completeness.revision) AS timezone,
       if(count() = count(completeness.complete_through), min(completeness.complete_through), NULL) AS complete_through
FROM {{.Database}}.completeness
GROUP BY tenant, interval_seconds
COMMENT 'Time zone of each tenant, and how far all its pipelines with one interval length are complete';
