-- How many replies that had to be JSON could be read: at once, or on a second try. By stage and model.
-- column recipe: Recipe.
-- column stage: Table whose rows the replies became.
-- column model: Model and revision that replied.
-- column replies: Replies that were read, error rows of engines left out.
-- column read_at_once: Of those, read as they came.
-- column repaired: Read after the model was shown its reply and asked again.
-- column unreadable: Not read at all.
-- column parse_rate: Share that could be read.
-- check: unique recipe, stage, model
-- check: holds read_at_once + repaired + unreadable = replies
WITH replies AS (
    SELECT recipe, 'queries' AS stage, generator AS model, parsed FROM queries
    UNION ALL
    SELECT recipe, 'verdicts', verifier, parsed FROM verdicts
    UNION ALL
    SELECT recipe, 'oracle_targeting', judge, parsed FROM oracle_targeting
)
SELECT
    recipe,
    stage,
    model,
    count(*) AS replies,
    count(*) FILTER (parsed = 'first') AS read_at_once,
    count(*) FILTER (parsed = 'repaired') AS repaired,
    count(*) FILTER (parsed = 'no') AS unreadable,
    count(*) FILTER (parsed <> 'no') / count(*) AS parse_rate
FROM replies
WHERE parsed IS NOT NULL
GROUP BY recipe, stage, model
ORDER BY recipe, stage, model
