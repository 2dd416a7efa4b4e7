-- What people decided of attempts, beside the verifier's verdict: the last decision that was not withdrawn.
-- column decision: accepted or rejected.
-- column verdict: The verifier's verdict when the person decided; null when it had none.
-- column agrees: The person and the verifier both accepted, or both rejected; null where the verifier had no verdict.
-- column counts: The texts are still those that the person read: the decision wins over the verifier's.
-- check: unique recipe, adversary_id, aligned_version, adversary_version
-- check: accepted_values decision (accepted, rejected)
-- check: not_null author

WITH last AS (
    SELECT *
    FROM human_verdicts
    WHERE error IS NULL AND decision <> 'commented'
    QUALIFY row_number() OVER (
        PARTITION BY recipe, shard, adversary_id, aligned_version, adversary_version ORDER BY ordinal DESC
    ) = 1
)
SELECT
    last.recipe,
    last.shard,
    last.adversary_id,
    last.query_id,
    last.video_id,
    last.adv_mode,
    last.adv_strategy,
    last.decision,
    last.verdict,
    (last.decision = 'accepted') = (last.verdict = 'accepted') AS agrees,
    aligned_responses.response_id IS NOT NULL AND adversaries.adversary_id IS NOT NULL AS counts,
    last.author,
    last.comment,
    last.decided_at,
    last.aligned_version,
    last.adversary_version
FROM last
LEFT JOIN aligned_responses ON aligned_responses.recipe = last.recipe AND aligned_responses.shard = last.shard
    AND aligned_responses.query_id = last.query_id AND aligned_responses.data_version = last.aligned_version
LEFT JOIN adversaries ON adversaries.recipe = last.recipe AND adversaries.shard = last.shard
    AND adversaries.adversary_id = last.adversary_id AND adversaries.data_version = last.adversary_version
WHERE last.decision <> 'withdrawn'
ORDER BY last.recipe, last.shard, last.adversary_id, last.aligned_version, last.adversary_version
