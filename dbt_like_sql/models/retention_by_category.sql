-- Retention by the category of the question and the mode that the adversary targets.
-- column query_category: Category of the question.
-- column slots: Places for an adversary that were attempted: queries x adversaries a query.
-- column attempts: Adversaries that were generated, rejected ones included.
-- column accepted: Attempts that passed verification; a slot has at most one.
-- column slot_retention: accepted / slots.
-- column attempt_acceptance: accepted / attempts.
-- check: unique recipe, query_mode, query_category, adv_mode
-- check: holds accepted <= slots AND slots <= attempts
-- check: holds slot_retention IS NULL OR slot_retention BETWEEN 0 AND 1

SELECT
    recipe, query_mode, query_category, adv_mode,
    count(DISTINCT (query_id, slot)) AS slots,
    count(*) AS attempts,
    count(*) FILTER (verdict = 'accepted') AS accepted,
    accepted / nullif(slots, 0) AS slot_retention,
    accepted / nullif(attempts, 0) AS attempt_acceptance
FROM attempts AS judged
WHERE error IS NULL
GROUP BY recipe, query_mode, query_category, adv_mode
ORDER BY recipe, query_mode, query_category, adv_mode
