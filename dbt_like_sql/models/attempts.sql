-- Every attempt at an adversary with its question's mode and category and the verdict on it.
-- view
-- column error: Why the attempt or its verdict could not be computed; null when both could.
-- column aligned: The aligned response to the question.
-- column adversary: The adversary's text.
-- check: unique recipe, iteration, adversary_id

SELECT
    adversaries.recipe,
    adversaries.shard,
    adversaries.iteration,
    adversaries.adversary_id,
    adversaries.query_id,
    adversaries.video_id,
    adversaries.query_mode,
    adversaries.query_category,
    adversaries.slot,
    adversaries.attempt,
    adversaries.adv_mode,
    adversaries.adv_strategy,
    queries.query,
    aligned_responses.response AS aligned,
    adversaries.response AS adversary,
    verdicts.verdict,
    verdicts.reason,
    coalesce(adversaries.error, verdicts.error) AS error
FROM adversaries
LEFT JOIN verdicts USING (recipe, shard, adversary_id)
LEFT JOIN queries ON queries.recipe = adversaries.recipe AND queries.shard = adversaries.shard
    AND queries.query_id = adversaries.query_id
LEFT JOIN aligned_responses ON aligned_responses.recipe = adversaries.recipe
    AND aligned_responses.shard = adversaries.shard AND aligned_responses.query_id = adversaries.query_id
