-- Which strategies give adversaries that pass.
-- column adv_strategy: How the adversary breaks its mode.
-- column attempts: Adversaries that were asked for, failed and rejected ones included.
-- column failed: Attempts without a text, because the engine failed.
-- column accepted: Attempts that the verifier accepted.
-- column pairs: Verified pairs.
-- column attempt_acceptance: accepted / attempts.
-- column share_of_pairs: Share of the mode's pairs that the strategy gave.
-- check: unique recipe, adv_mode, adv_strategy
-- check: not_null adv_mode, adv_strategy
-- check: holds accepted + failed <= attempts

WITH counted AS (
    SELECT recipe, adv_mode, adv_strategy, count(*) AS attempts, count(*) FILTER (error IS NOT NULL) AS failed
    FROM adversaries GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, adv_mode, adv_strategy, count(*) FILTER (verdict = 'accepted') AS accepted FROM verdicts GROUP BY ALL
    UNION ALL BY NAME
    SELECT recipe, adv_mode, adv_strategy, count(*) FILTER (error IS NULL) AS pairs FROM verified_pairs GROUP BY ALL
),
summed AS (
    SELECT
        recipe, adv_mode, adv_strategy,
        coalesce(sum(attempts), 0)::BIGINT AS attempts,
        coalesce(sum(failed), 0)::BIGINT AS failed,
        coalesce(sum(accepted), 0)::BIGINT AS accepted,
        coalesce(sum(pairs), 0)::BIGINT AS pairs
    FROM counted
    WHERE adv_mode IS NOT NULL
    GROUP BY ALL
)
SELECT
    *,
    accepted / nullif(attempts, 0) AS attempt_acceptance,
    pairs / nullif(sum(pairs) OVER (PARTITION BY recipe, adv_mode), 0) AS share_of_pairs
FROM summed
ORDER BY recipe, adv_mode, adv_strategy
