-- The arithmetic of retention: videos x questions x adversaries, with the paper's own figures beside ours.
-- column videos: Videos that questions were asked about.
-- column potential_pairs: Questions x adversaries a question, shard by shard.
-- column slots: The same counted mode by mode.
-- column pairs: Verified pairs.
-- column retention: pairs / potential_pairs.
-- column paper_potential_pairs: VideoPASTA section 4: 3,000 videos x 10 questions x 3 adversaries.
-- column paper_pairs: VideoPASTA section 4; to be compared with, never enforced.
-- column paper_retention: VideoPASTA appendix A.3.1.
-- column queries: Questions that were asked.
-- check: unique recipe
-- check: holds slots = potential_pairs
-- check: holds pairs <= potential_pairs
-- check: holds paper_potential_pairs = 3000 * 10 * 3 AND paper_pairs = round(paper_potential_pairs * paper_retention)

WITH asked AS (
    SELECT recipe, shard, count(DISTINCT video_id) AS videos, count(*) AS queries FROM queries GROUP BY ALL
),
potential AS (
    SELECT
        recipe,
        sum(videos)::BIGINT AS videos,
        sum(queries)::BIGINT AS queries,
        sum(queries * adversaries_per_query)::BIGINT AS potential_pairs
    FROM asked
    JOIN shard_settings USING (recipe, shard)
    GROUP BY recipe
),
kept AS (
    SELECT recipe, sum(slots)::BIGINT AS slots, sum(pairs)::BIGINT AS pairs FROM retention GROUP BY recipe
)
SELECT
    recipe, videos, queries, potential_pairs, slots, pairs,
    pairs / nullif(potential_pairs, 0) AS retention,
    90000 AS paper_potential_pairs,
    7020 AS paper_pairs,
    0.078::DOUBLE AS paper_retention
FROM potential
JOIN kept USING (recipe)
ORDER BY recipe
