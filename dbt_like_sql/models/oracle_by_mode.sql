-- On toyworld, whose truth is known: how good accepted and rejected attempts really are, by the mode they target.
-- column verdict: accepted, or rejected for any reason.
-- column aligned_right: Share whose aligned answer is true of the video and answers the question.
-- column on_target: Share whose adversary is false in the mode that it targets.
-- column good: Share that is both: what a preference pair should be.
-- column attempts: Attempts that the oracle could judge.
-- check: unique recipe, adv_mode, verdict
-- check: holds good BETWEEN 0 AND 1 AND good <= on_target

SELECT
    recipe,
    adv_mode,
    if(verdict = 'accepted', 'accepted', 'rejected') AS verdict,
    count(*) AS attempts,
    count(*) FILTER (aligned_right) / count(*) AS aligned_right,
    count(*) FILTER (on_target) / count(*) AS on_target,
    count(*) FILTER (good_pair) / count(*) AS good
FROM oracle_scores
WHERE error IS NULL
GROUP BY ALL
ORDER BY recipe, adv_mode, verdict
