-- Retention by the category of the question and the mode that the adversary targets.
-- column query_category: Category of the question; null in rows of releases that did not record it with an attempt.
-- column adv_mode: Failure mode that adversaries target.
-- column queries: Questions of the category with a slot of the mode.
-- column slots: Places for an adversary that the questions could have, tried or not.
-- column tried: Slots with at least one attempt; an earlier step left the others out.
-- column attempts: Adversaries that were asked for, failed and rejected ones included.
-- column accepted: Attempts that the verifier accepted; a slot has at most one.
-- column pairs: Verified pairs; a person's decision can make them more or fewer than accepted attempts.
-- column slot_retention: pairs / slots: what is kept, people's decisions included.
-- column attempt_acceptance: accepted / attempts: the verifier's alone.
-- check: unique recipe, query_mode, query_category, adv_mode
-- check: accepted_values query_mode (spatial, temporal, cross_frame)
-- check: accepted_values query_category (occlusion, depth_perception, relative_positioning, foreground_background, frame_layout, event_ordering, action_boundaries, transition_points, causality, concurrent_actions, object_continuity, character_persistence, setting_change, action_repetition, foreshadowing)
-- check: holds query_category IS NULL OR (accepted <= tried AND tried <= slots AND tried <= attempts)
-- check: holds slot_retention IS NULL OR slot_retention BETWEEN 0 AND 1

SELECT
    recipe,
    query_mode,
    query_category,
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
GROUP BY recipe, query_mode, query_category, adv_mode
ORDER BY recipe, query_mode, query_category, adv_mode
