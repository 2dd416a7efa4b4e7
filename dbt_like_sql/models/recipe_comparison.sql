-- Recipes beside each other: what their pairs cost, and what training on them did, by benchmark and mode.
-- column iteration: Round of a recipe that is repeated with its own tuned model.
-- column experiment: The training run.
-- column made: Pairs that the recipe made in all, of all its iterations.
-- column tokens_per_pair: Tokens of all calls of the recipe a pair that it made.
-- column seconds_per_pair: Engine seconds of all calls a pair.
-- column trained_on: Pairs that the run was trained on.
-- column difference: tuned - base, in accuracy.
-- column points_per_1000: Information gain: percentage points gained a thousand pairs trained on (VideoPASTA Eq. 4).
-- column share_of_best: That gain / the largest of this benchmark and mode; null where either is not positive.
-- check: unique recipe, iteration, experiment, benchmark, mode
-- check: holds made >= 0 AND trained_on > 0
-- check: holds coalesce(share_of_best, 1) > 0 AND coalesce(share_of_best, 1) <= 1

WITH calls AS (
    SELECT recipe, prompt_tokens, completion_tokens, seconds FROM queries
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM scenes
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM candidates
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM aligned_responses
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM aligned_checks
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM adversaries
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM critiques
    UNION ALL SELECT recipe, prompt_tokens, completion_tokens, seconds FROM verdicts
),
spent AS (
    SELECT recipe, sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) AS tokens, sum(seconds) AS seconds
    FROM calls
    GROUP BY ALL
),
made AS (
    SELECT recipe, count(*) AS made
    FROM verified_pairs
    WHERE error IS NULL
    GROUP BY ALL
),
trained AS (
    SELECT recipe, experiment, iteration, pairs
    FROM lora_checkpoint
    WHERE error IS NULL
),
scored AS (
    SELECT *
    FROM benchmark_scores
    WHERE error IS NULL
)
SELECT
    scored.recipe, scored.iteration, scored.experiment, scored.benchmark, scored.mode,
    coalesce(made, 0) AS made, tokens / nullif(made, 0) AS tokens_per_pair,
    seconds / nullif(made, 0) AS seconds_per_pair, pairs AS trained_on, items, base_accuracy, tuned_accuracy,
    difference, 100 * difference / pairs * 1000 AS points_per_1000,
    CASE WHEN difference > 0 THEN difference / pairs
        / max(difference / pairs) OVER (PARTITION BY scored.benchmark, scored.mode) END AS share_of_best
FROM scored
JOIN trained USING (recipe, experiment, iteration)
LEFT JOIN made USING (recipe)
LEFT JOIN spent USING (recipe)
ORDER BY scored.benchmark, scored.mode <> 'all', scored.mode, scored.recipe, scored.iteration, scored.experiment
