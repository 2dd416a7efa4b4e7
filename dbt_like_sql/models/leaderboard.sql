-- Every checkpoint on every benchmark: what it was trained on, and how it scores against its base model.
-- column preference_set: Content hash of the pairs that it was trained on.
-- column difference: Tuned minus base accuracy; the bounds are the 95 % paired bootstrap interval, by video.
-- column rank: Place among the checkpoints on this benchmark and mode; 1 has the highest tuned accuracy.
-- column current: False when the scores are of an adapter that has been replaced since.
-- column pairs: Pairs that the checkpoint was trained on.
-- column reward_accuracy: Share of its training pairs whose chosen answer has the higher reward, at the end.
-- column difference_low: Lower bound of the difference.
-- column difference_high: Upper bound of the difference.
-- check: unique recipe, experiment, iteration, benchmark, mode
-- check: holds base_accuracy BETWEEN 0 AND 1 AND tuned_accuracy BETWEEN 0 AND 1
-- check: holds abs(tuned_accuracy - base_accuracy - difference) < 1e-9

SELECT
    scores.recipe,
    scores.benchmark,
    scores.mode,
    scores.experiment,
    scores.iteration,
    scores.base_model,
    checkpoint.preference_set,
    checkpoint.pairs,
    checkpoint.reward_accuracy,
    scores.items,
    scores.base_accuracy,
    scores.tuned_accuracy,
    scores.difference,
    scores.difference_low,
    scores.difference_high,
    rank() OVER (PARTITION BY scores.recipe, scores.benchmark, scores.mode ORDER BY scores.tuned_accuracy DESC) AS rank,
    coalesce(scores.adapter_hash = checkpoint.adapter_hash, false) AS current
FROM benchmark_scores AS scores
LEFT JOIN lora_checkpoint AS checkpoint ON checkpoint.recipe = scores.recipe
    AND checkpoint.experiment = scores.experiment AND checkpoint.iteration = scores.iteration
    AND checkpoint.error IS NULL
WHERE scores.error IS NULL
ORDER BY scores.recipe, scores.benchmark, scores.mode, scores.tuned_accuracy DESC, scores.experiment, scores.iteration
