-- Whether a model refuses what must be refused and nothing else: unanswerable questions, and options that are all wrong.
-- column kind: unanswerable, or none_of_the_above.
-- column refused: Share of items that must be refused and were.
-- column answered: Share of controls, where refusing is wrong, that were answered rightly.
-- column balanced: Mean of both: a model that always refuses, or never does, gets at most half.
-- column items: Items that must be refused.
-- check: unique recipe, benchmark, experiment, iteration, mode, kind
-- check: holds coalesce(balanced, 0) BETWEEN 0 AND 1

WITH probes AS (
    SELECT recipe, benchmark, experiment, iteration, mode, replace(kind, '_control', '') AS kind,
           kind LIKE '%_control' AS control, correct
    FROM benchmark_answers
    WHERE error IS NULL AND kind <> 'question'
)
SELECT
    recipe,
    benchmark,
    experiment,
    iteration,
    coalesce(mode, 'all') AS mode,
    kind,
    count(*) FILTER (NOT control) AS items,
    avg(correct::INT) FILTER (NOT control) AS refused,
    avg(correct::INT) FILTER (control) AS answered,
    (avg(correct::INT) FILTER (NOT control) + avg(correct::INT) FILTER (control)) / 2 AS balanced
FROM probes
GROUP BY GROUPING SETS (
    (recipe, benchmark, experiment, iteration, mode, kind), (recipe, benchmark, experiment, iteration, kind)
)
ORDER BY recipe, benchmark, kind, mode, experiment, iteration
