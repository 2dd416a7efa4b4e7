-- Our scores beside the papers' of the same benchmark, each under its own name: other models, frames and judges.
-- column source: ours, or the paper and its table.
-- column score: Percent, as the benchmark or the paper defines it.
-- column gain: Points over the base model; null where the row is a base itself or has none.
-- column gain_low: Lower end of the 95 % interval of ours, in points; papers give none.
-- column gain_high: Its upper end.
-- column model: tuned, or our base model, or a model by the paper's name.
-- check: holds score BETWEEN 0 AND 100

WITH ours AS (
    SELECT
        benchmark,
        regexp_replace(lower(benchmark), '[^a-z0-9]', '', 'g') AS key,
        'ours: ' || recipe || ' ' || experiment || if(iteration > 1, ', iteration ' || iteration, '') AS source,
        base_model,
        base_accuracy,
        tuned_accuracy,
        difference,
        difference_low,
        difference_high,
        items
    FROM benchmark_scores
    WHERE error IS NULL AND mode = 'all'
),
papers AS (
    SELECT *, regexp_replace(lower(benchmark), '[^a-z0-9]', '', 'g') AS key FROM reference_scores
)
SELECT benchmark, source, 'tuned' AS model, items, 100 * tuned_accuracy AS score, 100 * difference AS gain,
       100 * difference_low AS gain_low, 100 * difference_high AS gain_high
FROM ours
UNION ALL
SELECT DISTINCT benchmark, 'ours: base', base_model, items, 100 * base_accuracy, NULL, NULL, NULL FROM ours
UNION ALL
SELECT DISTINCT ours.benchmark, papers.paper || ', ' || papers."table", papers.model, NULL::BIGINT, papers.value,
       papers.value - base.value, NULL, NULL
FROM papers
JOIN ours USING (key)
LEFT JOIN papers AS base ON base.paper = papers.paper AND base."table" = papers."table"
    AND base.benchmark = papers.benchmark AND papers.model LIKE base.model || ' + %'
ORDER BY benchmark, source, model
