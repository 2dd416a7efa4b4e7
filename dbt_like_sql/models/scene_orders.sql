-- Altered videos by the order of their scenes: TimeWarp's table 2 of this lake.
-- column scene_order: reversed, or shuffled (any other order than the original).
-- column videos: Source videos that were altered so.
-- column seconds: Mean length of the altered videos.
-- column duration_gap: The largest difference in seconds between an altered video and its rebuilt original.
-- check: unique recipe, scene_order
-- check: accepted_values scene_order (reversed, shuffled)
-- check: holds duration_gap < 0.1

WITH rebuilt AS (
    SELECT recipe, shard, video_id, scene_order, duration
    FROM altered_videos
    WHERE error IS NULL
)
SELECT
    altered.recipe, altered.scene_order, count(*) AS videos, avg(altered.duration) AS seconds,
    max(abs(altered.duration - original.duration)) AS duration_gap
FROM rebuilt AS altered
JOIN rebuilt AS original USING (recipe, shard, video_id)
WHERE altered.scene_order <> 'original' AND original.scene_order = 'original'
GROUP BY ALL
ORDER BY altered.recipe, altered.scene_order
