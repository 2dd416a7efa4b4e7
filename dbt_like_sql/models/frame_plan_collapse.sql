-- Where dense and sparse frames coincide: then only the prompt makes an adversary differ from the aligned answer.
-- column collapsed: Videos whose two plans have the same frames.
-- column share: collapsed / videos.
-- column dense_frames: Mean frames of the dense plan.
-- column sparse_frames: Mean frames of the sparse plan.
-- column longest_collapsed: Seconds of the longest video that collapsed: a frame cap collapses long ones.
-- column videos: Videos that were sampled.
-- check: unique recipe, shard
-- check: holds collapsed <= videos AND sparse_frames <= dense_frames
-- check: holds share BETWEEN 0 AND 1

SELECT
    recipe,
    shard,
    count(*) AS videos,
    count(*) FILTER (plans_coincide) AS collapsed,
    count(*) FILTER (plans_coincide) / count(*) AS share,
    avg(len(dense_frames)) AS dense_frames,
    avg(len(sparse_frames)) AS sparse_frames,
    max(duration) FILTER (plans_coincide) AS longest_collapsed
FROM sampled_videos
WHERE error IS NULL
GROUP BY recipe, shard
ORDER BY recipe, shard
