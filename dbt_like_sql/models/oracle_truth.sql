-- On toyworld: how true aligned responses are, by the category of their question, before and after their check.
-- column question_fits: Share whose question is one that the video answers.
-- column answered_rightly: Share whose claim that answers the question is true.
-- column all_true: Share whose every claim is true.
-- column passed: Share that the check of aligned responses let pass; null where the recipe has none.
-- column passed_rightly: Share answered rightly among those that passed, or among all where there is no check.
-- column responses: Aligned responses that the oracle could judge.
-- check: unique recipe, query_mode, query_category
-- check: holds all_true <= 1 AND answered_rightly BETWEEN 0 AND 1

SELECT
    recipe,
    query_mode,
    query_category,
    count(*) AS responses,
    count(*) FILTER (query_fits) / count(*) AS question_fits,
    count(*) FILTER ("right") / count(*) AS answered_rightly,
    count(*) FILTER (truth = 'true') / count(*) AS all_true,
    count(*) FILTER (checked) / nullif(count(checked), 0) AS passed,
    count(*) FILTER ("right" AND checked IS NOT false) / nullif(count(*) FILTER (checked IS NOT false), 0)
        AS passed_rightly
FROM oracle_answers
WHERE error IS NULL
GROUP BY ALL
ORDER BY recipe, query_mode, query_category
