-- From each pair to the sets that held it, the checkpoints trained on them, and their scores.
-- view
-- column held: The lake still holds the pair exactly as it was then.
-- column current_set: The set is the one that the next training run would read.
-- column experiment: Checkpoint trained on the set, on all of it or on a draw (`checkpoint_pairs`); null: none yet.
-- column tuned_accuracy: On all items of the benchmark; null: not scored yet.
-- column difference: Tuned minus base accuracy.
-- column pair_id: The pair.
-- column pair_shard: Shard that held it.
-- column preference_set: Content hash of the set.
-- column checkpoint_pairs: Pairs that the checkpoint was trained on.
-- check: unique recipe, preference_set, pair_id, experiment, benchmark
-- check: not_null pair_id, preference_set
-- check: holds NOT current_set OR held

SELECT
    members.recipe,
    members.pair_id,
    members.pair_shard,
    pairs.video_id,
    pairs.adv_mode,
    coalesce(pairs.pair_id IS NOT NULL, false) AS held,
    members.preference_set,
    current_sets.preference_set IS NOT NULL AS current_set,
    checkpoint.experiment,
    checkpoint.adapter_hash,
    checkpoint.pairs AS checkpoint_pairs,
    scores.benchmark,
    scores.tuned_accuracy,
    scores.difference
FROM preference_sets AS members
LEFT JOIN (SELECT DISTINCT recipe, preference_set FROM preference_set) AS current_sets
    ON current_sets.recipe = members.recipe AND current_sets.preference_set = members.preference_set
LEFT JOIN verified_pairs AS pairs ON pairs.recipe = members.recipe AND pairs.shard = members.pair_shard
    AND pairs.pair_id = members.pair_id AND pairs.data_version = members.pair_version AND pairs.error IS NULL
LEFT JOIN lora_checkpoint AS checkpoint ON checkpoint.recipe = members.recipe
    AND checkpoint.preference_set = members.preference_set AND checkpoint.error IS NULL
LEFT JOIN benchmark_scores AS scores ON scores.recipe = checkpoint.recipe
    AND scores.experiment = checkpoint.experiment AND scores.adapter_hash = checkpoint.adapter_hash
    AND scores.mode = 'all' AND scores.error IS NULL
