-- Retention as the paper counts it, by mode and category: verified pairs / slots. It reads no attempt, so it is the
-- quick one on a large lake; retention_by_category has the attempts too.
-- column query_category: Category of the question.
-- column adv_mode: Failure mode that adversaries target.
-- column slots: Places for an adversary that the questions could have, tried or not.
-- column pairs: Verified pairs.
-- column retention: pairs / slots.
-- check: unique recipe, query_mode, query_category, adv_mode
-- check: holds pairs <= slots AND retention BETWEEN 0 AND 1

WITH kept AS (
    SELECT recipe, query_mode, query_category, adv_mode, count(*) AS pairs
    FROM verified_pairs
    WHERE error IS NULL
    GROUP BY ALL
),
placed AS (
    SELECT recipe, query_mode, query_category, adv_mode, sum(slots)::BIGINT AS slots
    FROM potential_slots
    GROUP BY ALL
)
SELECT
    recipe, query_mode, query_category, adv_mode, slots,
    coalesce(pairs, 0) AS pairs,
    coalesce(pairs, 0) / slots AS retention
FROM placed
LEFT JOIN kept USING (recipe, query_mode, query_category, adv_mode)
ORDER BY recipe, query_mode, query_category, adv_mode
