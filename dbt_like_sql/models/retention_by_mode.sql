-- What share of slots ended as a verified pair, by the failure mode that adversaries target.
-- column adv_mode: Failure mode that adversaries target.
-- column queries: Questions with a slot of the mode.
-- column slots: Places for an adversary that the questions could have, tried or not.
-- column tried: Slots with at least one attempt; an earlier step left the others out.
-- column attempts: Adversaries that were asked for, failed and rejected ones included.
-- column accepted: Attempts that the verifier accepted; a slot has at most one.
-- column pairs: Verified pairs; a person's decision can make them more or fewer than accepted attempts.
-- column slot_retention: pairs / slots: what is kept, people's decisions included.
-- column attempt_acceptance: accepted / attempts: the verifier's alone.
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
    sum(pairs) / nullif(sum(slots), 0) AS slot_retention,
    sum(accepted) / nullif(sum(attempts), 0) AS attempt_acceptance
FROM retention
GROUP BY recipe, adv_mode
ORDER BY recipe, adv_mode
