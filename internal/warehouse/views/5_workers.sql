{{- /* The rule of package identity: an alias of the id itself, then the tag, then the address. */ -}}
{{define "person"}}multiIf(
           known[lowerUTF8(concat(source, '/', worker_id))] != '', known[lowerUTF8(concat(source, '/', worker_id))],
           tag != '', if(known[tag] != '', known[tag], tag),
           NOT match(email, '^[^@\\s]+@[^@\\s]+$'), '',
           known[email] != '', known[email],
           email){{end}}
CREATE OR REPLACE VIEW {{.Database}}.worker_aliases AS
SELECT tenant, alias, argMax(listed.person, listed.updated_at) AS person
FROM
(
    SELECT tenant, updated_at, one.1 AS alias, one.2 AS person
    FROM {{.Database}}.identities_store FINAL
    ARRAY JOIN arrayZip(mapKeys(aliases), mapValues(aliases)) AS one
) AS listed
GROUP BY tenant, alias
COMMENT 'The other addresses, tags and ids of persons, as pipeline files list them';

-- Where the source deleted a record, what it said last still tells whose the id was.
CREATE OR REPLACE VIEW {{.Database}}.workers AS
SELECT tenant, source, worker_id, agent_id, person, name, email, tag, system, active,
       person != '' AND active AND countIf(active) OVER (PARTITION BY tenant, source, person) > 1 AS ambiguous,
       retracted, revision, log_topic, log_partition, log_offset, arrived_at, updated_at
FROM
(
    SELECT tenant, source, worker_id, said.7 AS agent_id, said.3 AS email, said.4 AS tag, said.5 AS name, said.6 AS system,
           said.8 AND NOT newest.2 AS active, newest.2 AS retracted, newest.1 AS revision, newest.10 AS log_topic,
           newest.11 AS log_partition, newest.9 AS log_offset, newest.12 AS arrived_at, newest.13 AS updated_at,
           {{template "person"}} AS person
    FROM
    (
        SELECT tenant, source, worker_id,
               max(tuple(revision, retracted, email, tag, name, system, agent_id, active, log_offset,
                         log_topic, log_partition, arrived_at, updated_at)) AS newest,
               if(countIf(NOT retracted) = 0, newest,
                  maxIf(tuple(revision, retracted, email, tag, name, system, agent_id, active, log_offset,
                                log_topic, log_partition, arrived_at, updated_at), NOT retracted)) AS said
        FROM {{.Database}}.workers_store
        GROUP BY tenant, source, worker_id
    ) AS facts
    ANY LEFT JOIN
    (
        SELECT tenant, mapFromArrays(groupArray(alias), groupArray(worker_aliases.person)) AS known
        FROM {{.Database}}.worker_aliases
        GROUP BY tenant
    ) AS aliases USING (tenant)
) AS persons
COMMENT 'Each id that a source knows a person by, and whose it is; deleted and inactive ones too';

CREATE OR REPLACE VIEW {{.Database}}.workers_revisions AS
SELECT tenant, source, worker_id, agent_id, {{template "person"}} AS person, name, email, tag, system, active, retracted,
       revision, log_topic, log_partition, log_offset, arrived_at, updated_at
FROM {{.Database}}.workers_store FINAL
ANY LEFT JOIN
(
    SELECT tenant, mapFromArrays(groupArray(alias), groupArray(worker_aliases.person)) AS known
    FROM {{.Database}}.worker_aliases
    GROUP BY tenant
) AS aliases USING (tenant)
COMMENT 'Every revision of each id, and whose it was by that record';

-- Only what is certain: an id of a person who has two active ids in one source is left out, and so is one that two persons have.
CREATE OR REPLACE VIEW {{.Database}}.agents AS
SELECT tenant, agent_id, any(ids.person) AS person, argMax(ids.name, tuple(ids.active, ids.revision)) AS name,
       argMax(ids.email, tuple(ids.active, ids.revision)) AS email, arraySort(groupUniqArray(toString(ids.source))) AS sources, max(ids.active) AS active
FROM {{.Database}}.workers AS ids
WHERE agent_id != ''
GROUP BY tenant, agent_id
HAVING uniqExact(ids.person) = 1 AND person != '' AND NOT max(ids.ambiguous)
COMMENT 'The person that an agent id of the interval tables belongs to, where that is certain';
