-- Why attempts were rejected, by mode, with an example of the verifier's reason.
-- column share: Share of the mode's judged attempts.
-- column example: One reason that the verifier gave.
-- column attempts: Attempts with the verdict.
-- check: unique recipe, adv_mode, verdict
-- check: accepted_values verdict (rejected_similar, rejected_no_contradiction, rejected_off_mode, rejected_preferred, rejected_parse)
-- check: holds share > 0 AND share <= 1

WITH counted AS (
    SELECT recipe, adv_mode, verdict, count(*) AS attempts, min(reason) AS example
    FROM verdicts
    WHERE error IS NULL
    GROUP BY ALL
),
shared AS (
    SELECT *, attempts / sum(attempts) OVER (PARTITION BY recipe, adv_mode) AS share
    FROM counted
)
SELECT recipe, adv_mode, verdict, attempts, share, example
FROM shared
WHERE verdict <> 'accepted'
ORDER BY recipe, adv_mode, attempts DESC, verdict
