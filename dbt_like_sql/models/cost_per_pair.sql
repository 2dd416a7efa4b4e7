-- What each role spent, and what that is for one verified pair; rows that were replaced since are not counted.
-- column role: Who spent it; the responder's adversaries are counted apart.
-- column calls: Replies that were recorded.
-- column seconds: Engine seconds, a batch's time shared by its rows; of training, wall time.
-- column gpu_seconds: Seconds x GPUs: 0 on a CPU, null where a server does not say what it has.
-- column pairs: Verified pairs of the recipe.
-- column prompt_tokens: Tokens of the prompts.
-- column completion_tokens: Tokens of the replies.
-- column tokens_per_pair: Tokens of prompts and replies / pairs.
-- column seconds_per_pair: seconds / pairs.
-- column gpu_seconds_per_pair: gpu_seconds / pairs.
-- check: unique recipe, role
-- check: holds calls >= 0 AND coalesce(seconds, 0) >= 0
-- check: holds gpu_seconds IS NULL OR gpu_seconds >= 0

WITH spent AS (
    SELECT recipe, role, prompt_tokens, completion_tokens, seconds, gpus FROM calls
    UNION ALL BY NAME
    SELECT recipe, 'training' AS role, seconds FROM lora_checkpoint WHERE error IS NULL
),
accepted AS (
    SELECT recipe, count(*) AS pairs FROM verified_pairs WHERE error IS NULL GROUP BY recipe
),
summed AS (
    SELECT
        recipe,
        role,
        count(*) AS calls,
        sum(prompt_tokens)::BIGINT AS prompt_tokens,
        sum(completion_tokens)::BIGINT AS completion_tokens,
        round(sum(seconds), 6) AS seconds,
        if(count(*) = count(gpus), round(sum(seconds * gpus), 6), NULL) AS gpu_seconds
    FROM spent
    GROUP BY recipe, role
)
SELECT
    recipe, role, calls, prompt_tokens, completion_tokens, seconds, gpu_seconds, pairs,
    (prompt_tokens + completion_tokens) / nullif(pairs, 0) AS tokens_per_pair,
    round(seconds / nullif(pairs, 0), 6) AS seconds_per_pair,
    round(gpu_seconds / nullif(pairs, 0), 6) AS gpu_seconds_per_pair
FROM summed
LEFT JOIN accepted USING (recipe)
ORDER BY recipe, role
