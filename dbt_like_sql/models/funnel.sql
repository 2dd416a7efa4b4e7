-- How many rows each step of the pipeline holds, shard by shard: from landed videos to verified pairs.
-- column step: Place in the pipeline, 1 is first.
-- column stage: What is counted; responses are checked only where the recipe asks for it.
-- column rows: Rows that carry content.
-- column failed: Error rows.
-- check: unique recipe, shard, step
-- check: not_null shard, stage, rows
-- check: holds rows >= 0 AND failed >= 0

WITH counted AS (
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
    SELECT recipe, shard, place.step, place.stage, sum(place.rows)::BIGINT AS rows, sum(place.failed)::BIGINT AS failed
    FROM retention
    CROSS JOIN unnest([
        {'step': 6, 'stage': 'slots', 'rows': slots, 'failed': 0},
        {'step': 7, 'stage': 'tried slots', 'rows': tried, 'failed': 0},
        {'step': 8, 'stage': 'attempts', 'rows': attempts - failed, 'failed': failed},
        {'step': 9, 'stage': 'accepted slots', 'rows': accepted, 'failed': 0},
        {'step': 10, 'stage': 'verified pairs', 'rows': pairs, 'failed': 0}
    ]) AS places(place)
    GROUP BY ALL
)
SELECT recipe, shard, step, stage, rows, failed
FROM counted
ORDER BY recipe, shard, step
