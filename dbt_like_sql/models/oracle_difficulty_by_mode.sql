-- How hard verified pairs are for the model before training: whether it prefers the chosen answer already.
-- column prefers_chosen: Share of pairs whose chosen answer has the higher log-probability.
-- column easy: Share with a margin above 10 nats: training hardly moves them.
-- column mean_margin: Mean of log pi(chosen) - log pi(rejected).
-- column agreement: Mean share of samples that agreed with the chosen answer; null without such a check.
-- column pairs: Verified pairs that were looked at.
-- check: unique recipe, adv_mode, adv_strategy
-- check: holds prefers_chosen BETWEEN 0 AND 1

SELECT
    recipe,
    adv_mode,
    adv_strategy,
    count(*) AS pairs,
    count(*) FILTER (prefers_chosen) / count(*) AS prefers_chosen,
    count(*) FILTER (margin > 10) / count(*) AS easy,
    avg(margin) AS mean_margin,
    avg(agreement) AS agreement
FROM oracle_difficulty
WHERE error IS NULL
GROUP BY ALL
ORDER BY recipe, adv_mode, adv_strategy
