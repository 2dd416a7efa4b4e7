-- Items of benchmarks that the base and the tuned model answer differently: what training fixed, and what it broke.
-- column change: fixed, broken, or other: both wrong, in different ways.
-- column right_answer: The right option, or the reference of an open question.
-- column base_reply: What the base model wrote.
-- column tuned_reply: What the tuned model wrote.
-- check: unique recipe, experiment, iteration, benchmark, item_id
-- check: accepted_values change (fixed, broken, other)
-- view

SELECT
    tuned.recipe,
    tuned.benchmark,
    tuned.experiment,
    tuned.iteration,
    CASE WHEN tuned.correct AND NOT base.correct THEN 'fixed' WHEN base.correct AND NOT tuned.correct THEN 'broken'
         ELSE 'other' END AS change,
    tuned.item_id,
    tuned.mode,
    tuned.category,
    tuned.question,
    tuned.options,
    coalesce(tuned.options[tuned.answer_index + 1], tuned.reference) AS right_answer,
    base.reply AS base_reply,
    tuned.reply AS tuned_reply,
    tuned.video_id
FROM benchmark_answers AS tuned
JOIN benchmark_answers AS base USING (recipe, iteration, benchmark, item_id)
WHERE tuned.model = 'tuned' AND base.model = 'base' AND tuned.error IS NULL AND base.error IS NULL
    AND (tuned.correct <> base.correct OR coalesce(tuned.predicted_index, -1) <> coalesce(base.predicted_index, -1))
ORDER BY tuned.recipe, tuned.benchmark, tuned.experiment, tuned.iteration, change, tuned.item_id
