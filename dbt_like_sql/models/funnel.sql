-- How many rows each step of the pipeline holds, shard by shard: from landed videos to verified pairs.
-- column step: Place in the pipeline, 1 is first.
-- column stage: What is counted; responses are checked only where the recipe asks for it.
-- column rows: Rows that carry content.
-- column failed: Error rows.
-- check: unique recipe, shard, step
-- check: not_null shard, stage, rows
-- check: holds rows >= 0 AND failed >= 0

WITH slots AS (
    SELECT adversaries.recipe, adversaries.shard, query_id, slot, bool_or(verdict = 'accepted') AS accepted
    FROM adversaries
    LEFT JOIN verdicts USING (recipe, shard, adversary_id, query_id, slot)
    GROUP BY ALL
),
counted AS (
    SELECT recipe, shard, 1 AS step, 'videos' AS stage, count(*) FILTER (error IS NULL AND present) AS rows,
           count(*) FILTER (error IS NOT NULL OR NOT present) AS failed
    FROM videos GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 2 AS step, 'sampled videos' AS stage, count(*) FILTER (error IS NULL) AS rows,
           count(*) FILTER (error IS NOT NULL) AS failed
    FROM sampled_videos GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 3 AS step, 'queries' AS stage, count(*) FILTER (error IS NULL) AS rows,
           count(*) FILTER (error IS NOT NULL) AS failed
    FROM queries GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 4 AS step, 'aligned responses' AS stage, count(*) FILTER (error IS NULL) AS rows,
           count(*) FILTER (error IS NOT NULL) AS failed
    FROM aligned_responses GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 5 AS step, 'checked responses' AS stage, count(*) FILTER (passed) AS rows,
           count(*) FILTER (error IS NOT NULL) AS failed
    FROM aligned_checks GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 6 AS step, 'slots' AS stage, count(*) AS rows, 0 AS failed FROM slots GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 7 AS step, 'attempts' AS stage, count(*) FILTER (error IS NULL) AS rows,
           count(*) FILTER (error IS NOT NULL) AS failed
    FROM adversaries GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 8 AS step, 'accepted slots' AS stage, count(*) FILTER (accepted) AS rows, 0 AS failed
    FROM slots GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, 9 AS step, 'verified pairs' AS stage, count(*) FILTER (error IS NULL) AS rows,
           count(*) FILTER (error IS NOT NULL) AS failed
    FROM verified_pairs GROUP BY ALL
)
SELECT recipe, shard, step, stage, rows, failed
FROM counted
ORDER BY recipe, shard, step
