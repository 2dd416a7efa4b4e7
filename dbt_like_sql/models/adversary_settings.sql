-- How many adversaries a question got, and of which modes, in the shards whose adversaries were made.
-- column adversaries_per_query: Slots of a question.
-- column adversary_policy: one_per_mode, or within_query_mode.
-- check: unique recipe, shard

SELECT
    recipe,
    shard,
    (spec ->> '$."rows: adversaries per query"')::INTEGER AS adversaries_per_query,
    spec ->> '$."rows: adversary policy"' AS adversary_policy
FROM manifests
WHERE "table" = 'adversaries'
ORDER BY recipe, shard
