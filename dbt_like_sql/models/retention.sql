-- The counts that every retention is made of: slots, attempts and accepted adversaries by shard, category and mode.
-- column query_category: Category of the question; null in rows of releases that did not record it with an attempt.
-- column queries: Questions with a slot of the mode.
-- column slots: Places for an adversary that the questions could have, tried or not.
-- column tried: Slots with at least one attempt; an earlier step left the others out.
-- column attempts: Adversaries that were asked for, failed and rejected ones included.
-- column failed: Attempts without a text, because the engine failed.
-- column accepted: Attempts that the verifier accepted; a slot has at most one.
-- column pairs: Verified pairs; a person's decision can make them more or fewer than accepted attempts.
-- check: unique recipe, shard, query_mode, query_category, adv_mode
-- check: holds accepted <= tried AND tried <= attempts AND failed <= attempts
-- check: holds query_category IS NULL OR (tried <= slots AND pairs <= slots)

WITH counted AS (
    SELECT recipe, shard, query_mode, query_category, adv_mode, queries, slots FROM potential_slots
    UNION ALL BY NAME
    SELECT
        recipe, shard, query_mode, query_category, adv_mode,
        count(*) FILTER (attempt = 1) AS tried,
        count(*) AS attempts,
        count(*) FILTER (error IS NOT NULL) AS failed
    FROM adversaries
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, query_mode, query_category, adv_mode, count(*) FILTER (verdict = 'accepted') AS accepted
    FROM verdicts
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, shard, query_mode, query_category, adv_mode, count(*) FILTER (error IS NULL) AS pairs
    FROM verified_pairs
    GROUP BY ALL
)
SELECT
    recipe, shard, query_mode, query_category, adv_mode,
    coalesce(sum(queries), 0)::BIGINT AS queries,
    coalesce(sum(slots), 0)::BIGINT AS slots,
    coalesce(sum(tried), 0)::BIGINT AS tried,
    coalesce(sum(attempts), 0)::BIGINT AS attempts,
    coalesce(sum(failed), 0)::BIGINT AS failed,
    coalesce(sum(accepted), 0)::BIGINT AS accepted,
    coalesce(sum(pairs), 0)::BIGINT AS pairs
FROM counted
GROUP BY ALL
ORDER BY recipe, shard, query_mode, query_category, adv_mode
