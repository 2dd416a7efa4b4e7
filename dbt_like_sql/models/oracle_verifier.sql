-- On toyworld: how far the verifier can be trusted, by the mode that attempts target.
-- By text: as a perfect reader of the texts would judge. By truth: chosen answer true, adversary false on target.
-- column yardstick: text or truth; the gap is what reading alone cannot know.
-- column precision: Share of accepted attempts that deserve it.
-- column recall: Share of deserving attempts that were accepted.
-- column attempts: Attempts that the oracle could judge.
-- column accepted: Attempts that the verifier accepted.
-- check: unique recipe, yardstick, adv_mode
-- check: holds coalesce(precision, 0) BETWEEN 0 AND 1 AND coalesce(recall, 0) BETWEEN 0 AND 1

WITH judged AS (
    SELECT recipe, adv_mode, verdict = 'accepted' AS given, 'text' AS yardstick, expected_verdict = 'accepted' AS wanted
    FROM oracle_scores WHERE error IS NULL
    UNION ALL
    SELECT recipe, adv_mode, verdict = 'accepted' AS given, 'truth' AS yardstick, good_pair AS wanted
    FROM oracle_scores WHERE error IS NULL
)
SELECT
    recipe,
    yardstick,
    coalesce(adv_mode, 'all') AS adv_mode,
    count(*) AS attempts,
    count(*) FILTER (given) AS accepted,
    count(*) FILTER (given AND wanted) / nullif(count(*) FILTER (given), 0) AS precision,
    count(*) FILTER (given AND wanted) / nullif(count(*) FILTER (wanted), 0) AS recall
FROM judged
GROUP BY GROUPING SETS ((recipe, yardstick, adv_mode), (recipe, yardstick))
ORDER BY recipe, yardstick, adv_mode
