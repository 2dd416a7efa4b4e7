-- What share of slots ended with an accepted adversary, by the failure mode that adversaries target.
-- column adv_mode: Failure mode that adversaries target.
-- column queries: Questions with a slot of the mode.
-- column slots: Places for an adversary that the questions could have, tried or not.
-- column tried: Slots with at least one attempt; an earlier step left the others out.
-- column attempts: Adversaries that were asked for, failed and rejected ones included.
-- column accepted: Attempts that the verifier accepted; a slot has at most one.
-- column pairs: Verified pairs.
-- column slot_retention: accepted / slots.
-- column attempt_acceptance: accepted / attempts.
-- check: accepted_values adv_mode (spatial, temporal, cross_frame)
-- check: unique recipe, adv_mode
-- check: holds accepted <= tried AND tried <= slots AND tried <= attempts
-- check: holds slot_retention IS NULL OR slot_retention BETWEEN 0 AND 1

SELECT
    recipe,
    adv_mode,
    sum(queries)::BIGINT AS queries,
    sum(slots)::BIGINT AS slots,
    sum(tried)::BIGINT AS tried,
    sum(attempts)::BIGINT AS attempts,
    sum(accepted)::BIGINT AS accepted,
    sum(pairs)::BIGINT AS pairs,
    sum(accepted) / nullif(sum(slots), 0) AS slot_retention,
    sum(accepted) / nullif(sum(attempts), 0) AS attempt_acceptance
FROM retention
GROUP BY recipe, adv_mode
ORDER BY recipe, adv_mode
