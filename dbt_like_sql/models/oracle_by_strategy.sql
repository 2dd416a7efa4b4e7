-- On toyworld: what adversaries of each strategy really are, and what the verifier makes of them.
-- column false_share: Share that is false of the video.
-- column on_target: Share that is false in the mode that it targets.
-- column only_target: Share that is false in that mode and in no other.
-- column accepted: Share that the verifier accepted.
-- column attempts: Attempts that the oracle could judge.
-- check: unique recipe, adv_mode, adv_strategy
-- check: holds only_target <= on_target AND on_target <= false_share

SELECT
    recipe,
    adv_mode,
    adv_strategy,
    count(*) AS attempts,
    count(*) FILTER (adversary_truth = 'false') / count(*) AS false_share,
    count(*) FILTER (on_target) / count(*) AS on_target,
    count(*) FILTER (only_target) / count(*) AS only_target,
    count(*) FILTER (verdict = 'accepted') / count(*) AS accepted
FROM oracle_scores
WHERE error IS NULL
GROUP BY ALL
ORDER BY recipe, adv_mode, adv_strategy
