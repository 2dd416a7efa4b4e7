-- Whether later shards differ from earlier ones: in what is accepted, in how long answers are, in what they cost.
-- column landed_at: When the shard was sealed.
-- column slot_retention: Verified pairs / slots of the shard.
-- column earlier_retention: The same over all shards before it, of the same iteration.
-- column retention_z: How many standard errors the shard is away from those before it (two proportions, pooled).
-- column drifted: More than three of them.
-- column attempt_acceptance: Accepted / attempts of the shard.
-- column word_overlap: Mean share of words that chosen and rejected have in common.
-- column seconds_per_pair: Engine seconds of all roles / pairs.
-- column slots: Places for an adversary that the shard's questions could have.
-- column attempts: Adversaries that were asked for.
-- column pairs: Verified pairs.
-- column chosen_words: Mean words of the chosen.
-- column rejected_words: Mean words of the rejected.
-- check: unique recipe, shard
-- check: holds pairs <= slots
-- check: holds drifted = coalesce(abs(retention_z) > 3, false)

WITH landed AS (
    SELECT shard AS sealed, min(landed_at) AS landed_at FROM videos GROUP BY shard
),
counted AS (
    SELECT recipe, shard, split_part(shard, '__i', 2) AS iteration, sum(slots)::BIGINT AS slots,
           sum(attempts)::BIGINT AS attempts, sum(accepted)::BIGINT AS accepted, sum(pairs)::BIGINT AS pairs
    FROM retention
    GROUP BY recipe, shard
),
texts AS (
    SELECT recipe, shard, avg(chosen_words) AS chosen_words, avg(rejected_words) AS rejected_words,
           round(avg(word_overlap), 9) AS word_overlap
    FROM pair_texts
    GROUP BY recipe, shard
),
spent AS (
    SELECT recipe, shard, round(sum(seconds), 6) AS seconds FROM calls WHERE role <> 'benchmark' GROUP BY recipe, shard
),
running AS (
    SELECT
        *,
        sum(slots) OVER earlier AS earlier_slots,
        sum(pairs) OVER earlier AS earlier_pairs
    FROM counted
    WINDOW earlier AS (PARTITION BY recipe, iteration ORDER BY shard ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
compared AS (
    SELECT
        *,
        pairs / nullif(slots, 0) AS slot_retention,
        earlier_pairs / nullif(earlier_slots, 0) AS earlier_retention,
        (pairs + earlier_pairs) / nullif(slots + earlier_slots, 0) AS pooled
    FROM running
)
SELECT
    recipe, shard, landed_at, slots, attempts, pairs, slot_retention, earlier_retention,
    (slot_retention - earlier_retention)
        / nullif(sqrt(pooled * (1 - pooled) * (1 / nullif(slots, 0) + 1 / nullif(earlier_slots, 0))), 0) AS retention_z,
    coalesce(abs(retention_z) > 3, false) AS drifted,
    accepted / nullif(attempts, 0) AS attempt_acceptance,
    chosen_words, rejected_words, word_overlap,
    round(seconds / nullif(pairs, 0), 6) AS seconds_per_pair
FROM compared
LEFT JOIN landed ON landed.sealed = split_part(compared.shard, '__i', 1)  -- iterations share the videos
LEFT JOIN texts USING (recipe, shard)
LEFT JOIN spent USING (recipe, shard)
ORDER BY recipe, shard
