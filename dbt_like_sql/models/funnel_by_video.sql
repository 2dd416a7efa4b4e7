-- From questions to pairs, video by video: which videos give pairs, and where the others lose theirs.
-- column path: Where the file lies, relative to the video folder.
-- column error: Why the video could not be sampled.
-- column slots: Places for an adversary that its questions could have, tried or not.
-- column accepted: Attempts that the verifier accepted.
-- column queries: Questions about the video.
-- column aligned: Questions with an aligned response.
-- column attempts: Adversaries that were asked for, failed and rejected ones included.
-- column pairs: Verified pairs.
-- check: unique recipe, shard, video_id
-- check: holds accepted <= slots AND pairs <= slots
-- check: holds aligned <= queries

WITH counted AS (
    SELECT recipe, shard, video_id, path, error FROM sampled_videos
    UNION ALL BY NAME
    SELECT recipe, shard, video_id, count(*) AS queries FROM queries GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, video_id, count(*) FILTER (error IS NULL) AS aligned FROM aligned_responses GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, video_id, count(*) AS attempts FROM adversaries GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, video_id, count(*) FILTER (verdict = 'accepted') AS accepted FROM verdicts GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, video_id, count(*) FILTER (error IS NULL) AS pairs FROM verified_pairs GROUP BY ALL
),
summed AS (
    SELECT
        recipe, shard, video_id,
        max(path) AS path,
        max(error) AS error,
        coalesce(sum(queries), 0)::BIGINT AS queries,
        coalesce(sum(aligned), 0)::BIGINT AS aligned,
        coalesce(sum(attempts), 0)::BIGINT AS attempts,
        coalesce(sum(accepted), 0)::BIGINT AS accepted,
        coalesce(sum(pairs), 0)::BIGINT AS pairs
    FROM counted
    WHERE video_id IS NOT NULL
    GROUP BY recipe, shard, video_id
)
SELECT
    summed.recipe, summed.shard, summed.video_id, coalesce(summed.path, sampled.path) AS path,
    coalesce(summed.error, sampled.error) AS error, queries, aligned,
    queries * coalesce(adversaries_per_query, 0) AS slots,
    attempts, accepted, pairs
FROM summed
LEFT JOIN shard_settings ON shard_settings.recipe = summed.recipe AND shard_settings.shard = summed.shard
LEFT JOIN sampled_videos AS sampled ON sampled.recipe = summed.recipe AND sampled.video_id = summed.video_id
    AND sampled.shard = split_part(summed.shard, '__i', 1)  -- iterations share the videos
ORDER BY summed.recipe, summed.shard, summed.video_id
