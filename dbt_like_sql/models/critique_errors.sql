-- Errors that self-critiques found, by iteration and type: VideoSAVi's table 2 of this lake.
-- column iteration: Which round of the recipe; each starts from the model that the last one tuned.
-- column error_type: One of the six types.
-- column errors: Errors of that type.
-- column answers: Initial answers that were criticized in that iteration.
-- column errors_per_answer: Errors of that type an answer, on average.
-- check: unique recipe, iteration, error_type
-- check: accepted_values error_type (factual_inaccuracy, temporal_ordering, spatial_relationship, object_hallucination, causal_reasoning, detail_omission)
-- check: holds errors > 0 AND answers > 0

WITH asked AS (
    SELECT recipe, iteration, count(*) AS answers
    FROM critiques
    WHERE error IS NULL
    GROUP BY ALL
),
found AS (
    SELECT recipe, iteration, unnest(error_types) AS error_type
    FROM critiques
    WHERE error IS NULL
),
counted AS (
    SELECT recipe, iteration, error_type, count(*) AS errors
    FROM found
    GROUP BY ALL
)
SELECT recipe, iteration, error_type, errors, answers, errors / answers AS errors_per_answer
FROM counted
JOIN asked USING (recipe, iteration)
ORDER BY recipe, iteration, errors DESC, error_type
