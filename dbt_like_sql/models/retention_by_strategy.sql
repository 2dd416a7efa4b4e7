-- Which strategies give adversaries that pass.
-- column adv_strategy: How the adversary breaks its mode.
-- column slots: Places for an adversary that were attempted: queries x adversaries a query.
-- column attempts: Adversaries that were generated, rejected ones included.
-- column accepted: Attempts that passed verification; a slot has at most one.
-- column slot_retention: accepted / slots.
-- column attempt_acceptance: accepted / attempts.
-- check: unique recipe, adv_mode, adv_strategy
-- check: holds accepted <= slots AND slots <= attempts
-- check: holds slot_retention IS NULL OR slot_retention BETWEEN 0 AND 1

SELECT
    recipe, adv_mode, adv_strategy,
    count(DISTINCT (query_id, slot)) AS slots,
    count(*) AS attempts,
    count(*) FILTER (verdict = 'accepted') AS accepted,
    accepted / nullif(slots, 0) AS slot_retention,
    accepted / nullif(attempts, 0) AS attempt_acceptance
FROM attempts AS judged
WHERE error IS NULL
GROUP BY recipe, adv_mode, adv_strategy
ORDER BY recipe, adv_mode, adv_strategy
