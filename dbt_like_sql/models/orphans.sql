-- Rows whose reference leads nowhere. A run that is under way may show some; after it there are none.
-- column relation: From which column to which table.
-- column rows: Rows that refer.
-- column orphans: Rows whose reference is not there.
-- check: unique recipe, relation
-- check: holds orphans = 0

WITH referring AS (
    SELECT recipe, 'queries.video_id -> sampled_videos' AS relation, video_id AS key,
           split_part(shard, '__i', 1) AS shard  -- iterations share the videos
    FROM queries
    UNION ALL
    SELECT recipe, 'aligned_responses.query_id -> queries', query_id, shard FROM aligned_responses
    UNION ALL
    SELECT recipe, 'adversaries.query_id -> queries', query_id, shard FROM adversaries
    UNION ALL
    SELECT recipe, 'verdicts.adversary_id -> adversaries', adversary_id, shard FROM verdicts
    UNION ALL
    SELECT recipe, 'verified_pairs.pair_id -> adversaries', pair_id, shard FROM verified_pairs
    UNION ALL
    SELECT recipe, 'preference_set.pair_id -> preference_sets', pair_id, preference_set FROM preference_set
),
referred AS (
    SELECT recipe, 'queries.video_id -> sampled_videos' AS relation, video_id AS key, shard FROM sampled_videos
    UNION ALL
    SELECT recipe, 'aligned_responses.query_id -> queries', query_id, shard FROM queries
    UNION ALL
    SELECT recipe, 'adversaries.query_id -> queries', query_id, shard FROM queries
    UNION ALL
    SELECT recipe, 'verdicts.adversary_id -> adversaries', adversary_id, shard FROM adversaries
    UNION ALL
    SELECT recipe, 'verified_pairs.pair_id -> adversaries', adversary_id, shard FROM adversaries
    UNION ALL
    SELECT recipe, 'preference_set.pair_id -> preference_sets', pair_id, preference_set FROM preference_sets
)
SELECT
    recipe,
    relation,
    count(*) AS rows,
    count(*) FILTER (NOT EXISTS (
        SELECT 1 FROM referred
        WHERE referred.recipe = referring.recipe AND referred.relation = referring.relation
            AND referred.key = referring.key AND referred.shard IS NOT DISTINCT FROM referring.shard
    )) AS orphans
FROM referring
GROUP BY recipe, relation
ORDER BY recipe, relation
